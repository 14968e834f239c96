//go:build unix

package crypt4gh_test

import (
	"crypto/cipher"
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/chacha20poly1305"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/ratiotest"
)

// bigFile makes a file of incompressible plaintext and its body, both in the page cache.
func bigFile(b *testing.B) (plain, body string, key crypt4gh.DataKey, size int64) {
	size = ratiotest.Bytes(b)
	dir := b.TempDir()
	plain, body = filepath.Join(dir, "plain"), filepath.Join(dir, "body")
	in := create(b, plain)
	if _, err := io.CopyN(in, rand.NewChaCha8([32]byte{1}), size); err != nil {
		b.Fatal(err)
	}
	if _, err := in.Seek(0, io.SeekStart); err != nil {
		b.Fatal(err)
	}
	key = crypt4gh.NewDataKey()
	if _, err := crypt4gh.Seal(create(b, body), in, key); err != nil {
		b.Fatal(err)
	}
	return plain, body, key, size
}

func create(b *testing.B, path string) *os.File {
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { f.Close() })
	return f
}

func open(b *testing.B, path string) *os.File {
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	return f
}

// plainLoop is what one would write by hand: reads of 1 MiB, whole segments of it opened, written on.
func plainLoop(b *testing.B, f io.Reader, aead cipher.AEAD, w io.Writer) {
	const whole = (1 << 20) / crypt4gh.SegmentSize * crypt4gh.SegmentSize
	in := make([]byte, whole)
	out := make([]byte, 0, crypt4gh.SegmentPlain)
	for {
		n, err := io.ReadFull(f, in)
		for rest := in[:n]; len(rest) > 0; {
			seg := rest[:min(len(rest), crypt4gh.SegmentSize)]
			rest = rest[len(seg):]
			plain, err := aead.Open(out, seg[:12], seg[12:], nil)
			if err != nil {
				b.Fatal(err)
			}
			w.Write(plain)
		}
		if err != nil {
			return
		}
	}
}

func benchmarkOpen(b *testing.B, name string, copyTo func(*crypt4gh.Reader, io.Writer) (int64, error)) {
	_, body, key, size := bigFile(b)
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		b.Fatal(err)
	}
	base := &ratiotest.Side{Name: "plain loop, 1 MiB reads", Run: func() {
		f := open(b, body)
		defer f.Close()
		plainLoop(b, f, aead, io.Discard)
	}}
	ours := &ratiotest.Side{Name: name, Run: func() {
		f := open(b, body)
		defer f.Close()
		r, err := crypt4gh.NewBodyReader(f, crypt4gh.Contents{Keys: []crypt4gh.DataKey{key}})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := copyTo(r, io.Discard); err != nil || n != size {
			b.Fatalf("opened %d bytes, %v; want %d", n, err, size)
		}
	}}
	ratiotest.Paired(b, size, base, ours)
}

func BenchmarkRatioOpen(b *testing.B) {
	benchmarkOpen(b, "Reader.WriteTo", (*crypt4gh.Reader).WriteTo)
}

func BenchmarkRatioOpenParallel(b *testing.B) {
	benchmarkOpen(b, "Reader.WriteParallel", (*crypt4gh.Reader).WriteParallel)
}

func BenchmarkRatioSeal(b *testing.B) {
	plain, _, key, size := bigFile(b)
	base := &ratiotest.Side{Name: "SHA-256 of the plaintext", Run: func() {
		f := open(b, plain)
		defer f.Close()
		h := sha256.New()
		if n, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil || n != size {
			b.Fatal(n, err)
		}
	}}
	ours := &ratiotest.Side{Name: "Seal, both hashes", Run: func() {
		f := open(b, plain)
		defer f.Close()
		sum, err := crypt4gh.Seal(io.Discard, f, key)
		if err != nil || sum.PlainSize != size {
			b.Fatalf("sealed %d bytes, %v; want %d", sum.PlainSize, err, size)
		}
	}}
	ratiotest.Paired(b, size, base, ours)
}
