//go:build unix

package crypt4gh_test

import (
	"crypto/cipher"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"sluice/delivery/crypt4gh"
)

// The benchmarks here print ratios to a baseline taken in the same minute, for the seconds of one machine say nothing
// about another. Sizes and rounds: SLUICE_BENCH_BYTES (default 1 GiB), SLUICE_BENCH_ROUNDS (default 10).

func fromEnv(b *testing.B, name string, otherwise int64) int64 {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n <= 0 {
		b.Fatalf("%s=%q is not a positive number", name, text)
	}
	return n
}

// A side is one of the two things compared.
type side struct {
	name string
	run  func()
	wall []float64
	cpu  []float64
}

func (s *side) once() {
	cpu, start := cpuSeconds(), time.Now()
	s.run()
	s.wall = append(s.wall, time.Since(start).Seconds())
	s.cpu = append(s.cpu, cpuSeconds()-cpu)
}

func cpuSeconds() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// machineSeconds is the CPU time that all processes of the machine have used; 0 where /proc/stat does not tell.
func machineSeconds() float64 {
	text, _ := os.ReadFile("/proc/stat")
	var user, nice, system float64
	if _, err := fmt.Sscanf(string(text), "cpu %f %f %f", &user, &nice, &system); err != nil {
		return 0
	}
	return (user + nice + system) / 100
}

func median(of []float64) float64 {
	sorted := slices.Sorted(slices.Values(of))
	return sorted[len(sorted)/2]
}

// paired runs both sides in turn, one round uncounted, and reports the median of the ratios of the rounds.
func paired(b *testing.B, size int64, base, ours *side) {
	rounds := int(fromEnv(b, "SLUICE_BENCH_ROUNDS", 10))
	start, own, all := time.Now(), cpuSeconds(), machineSeconds()
	for b.Loop() {
		base.run()
		ours.run()
		for i := range rounds {
			first, second := base, ours
			if i%2 == 1 {
				first, second = ours, base
			}
			first.once()
			second.once()
		}
	}
	ratios := make([]float64, len(base.wall))
	for i := range ratios {
		ratios[i] = ours.wall[i] / base.wall[i]
	}
	gb := float64(size) / 1e9
	for _, s := range []*side{base, ours} {
		b.Logf("%-28s median %.3f s (%.3f to %.3f), %.2f GB/s, %.2f CPU s/GB", s.name, median(s.wall),
			slices.Min(s.wall), slices.Max(s.wall), gb/median(s.wall), median(s.cpu)/gb)
	}
	b.Logf("ratio %.3f (%.3f to %.3f) over %d rounds of %d bytes", median(ratios), slices.Min(ratios),
		slices.Max(ratios), len(ratios), size)
	// What needs two cores cannot be judged while something else has one of them.
	others := max(0, machineSeconds()-all-cpuSeconds()+own) / time.Since(start).Seconds()
	b.Logf("other processes used %.1f of %d cores meanwhile", others, runtime.NumCPU())
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(median(ours.cpu)/gb, "CPU-s/GB")
	b.ReportMetric(0, "ns/op")
}

// bigFile makes a file of incompressible plaintext and its body, both in the page cache.
func bigFile(b *testing.B) (plain, body string, key crypt4gh.DataKey, size int64) {
	size = fromEnv(b, "SLUICE_BENCH_BYTES", 1<<30)
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
	base := &side{name: "plain loop, 1 MiB reads", run: func() {
		f := open(b, body)
		defer f.Close()
		plainLoop(b, f, aead, io.Discard)
	}}
	ours := &side{name: name, run: func() {
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
	paired(b, size, base, ours)
}

func BenchmarkRatioOpen(b *testing.B) {
	benchmarkOpen(b, "Reader.WriteTo", (*crypt4gh.Reader).WriteTo)
}

func BenchmarkRatioOpenParallel(b *testing.B) {
	benchmarkOpen(b, "Reader.WriteParallel", (*crypt4gh.Reader).WriteParallel)
}

func BenchmarkRatioSeal(b *testing.B) {
	plain, _, key, size := bigFile(b)
	base := &side{name: "SHA-256 of the plaintext", run: func() {
		f := open(b, plain)
		defer f.Close()
		h := sha256.New()
		if n, err := io.CopyBuffer(h, struct{ io.Reader }{f}, make([]byte, 1<<20)); err != nil || n != size {
			b.Fatal(n, err)
		}
	}}
	ours := &side{name: "Seal, both hashes", run: func() {
		f := open(b, plain)
		defer f.Close()
		sum, err := crypt4gh.Seal(io.Discard, f, key)
		if err != nil || sum.PlainSize != size {
			b.Fatalf("sealed %d bytes, %v; want %d", sum.PlainSize, err, size)
		}
	}}
	paired(b, size, base, ours)
}
