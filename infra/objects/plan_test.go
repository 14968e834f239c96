package objects

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"sluice/delivery"
)

func TestCopiesOverFiveGiBGoInParts(t *testing.T) {
	for _, part := range []int64{minPart, 1 << 30, maxPart} {
		for _, size := range []int64{0, 1, minPart - 1, minPart, minPart + 1, 1 << 30, 1<<30 + 1, maxPart - 1, maxPart, maxPart + 1,
			2 * maxPart, 123_456_789_012, maxSize - 1, maxSize} {
			spans := copySpans(size, part)
			if (len(spans) == 1) != (size <= part) {
				t.Errorf("%d bytes in parts of %d: got %d pieces, want one only up to the part size", size, part, len(spans))
			}
			if len(spans) > maxParts {
				t.Errorf("%d bytes in parts of %d: got %d pieces, want %d at most", size, part, len(spans), maxParts)
			}
			at := int64(0)
			for i, s := range spans {
				if s.offset != at || s.length > maxPart || (i < len(spans)-1 && s.length < minPart) {
					t.Fatalf("%d bytes in parts of %d: piece %d is %+v, want it at %d and from 5 MiB to 5 GiB", size, part, i, s, at)
				}
				at += s.length
			}
			if at != size {
				t.Errorf("%d bytes in parts of %d: the pieces hold %d", size, part, at)
			}
		}
	}
}

func TestTenThousandPartsHoldFiveTiB(t *testing.T) {
	const base = 16 << 20
	for _, size := range []int64{-1, 1, base * maxParts, base*maxParts + 1, maxSize} {
		held := int64(0)
		for n := 1; n <= maxParts; n++ {
			part := partSize(base, size, n)
			if part < minPart || part > maxPart {
				t.Fatalf("part %d of %d bytes: got %d bytes, want from 5 MiB to 5 GiB", n, size, part)
			}
			held += part
		}
		if want := max(size, 1); held < want || (size == -1 && held < maxSize) {
			t.Errorf("size %d: 10,000 parts hold %d bytes only", size, held)
		}
	}
	if got := partSize(base, 100<<30, 5); got != base {
		t.Errorf("a part of 100 GiB: got %d, want %d: small parts are the rule", got, base)
	}
}

func TestABodyIsHandedOnOnlyWhenItIsAsLongAsAnnounced(t *testing.T) {
	const body = "0123456789"
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"as it comes": func(r io.Reader) io.Reader { return r },
		"by the byte": iotest.OneByteReader, "by half": iotest.HalfReader, "end with the last bytes": iotest.DataErrReader,
	} {
		t.Run(name, func(t *testing.T) {
			read := func(size int64) (string, error) {
				got, err := io.ReadAll(&exact{body: wrap(strings.NewReader(body)), size: size})
				return string(got), err
			}
			for _, size := range []int64{-1, 10} {
				if got, err := read(size); got != body || err != nil {
					t.Errorf("size %d: got %q, %v, want all", size, got, err)
				}
			}
			if got, err := read(11); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("one byte short: got %q, %v, want an unexpected end", got, err)
			}
			for _, size := range []int64{0, 1, 9} {
				if got, err := read(size); !errors.Is(err, errTooLong) || int64(len(got)) >= max(size, 1) {
					t.Errorf("announced as %d: got %q, %v, want an error before the last byte", size, got, err)
				}
			}
		})
	}
	cut := errors.New("cut")
	if _, err := io.ReadAll(&exact{body: iotest.ErrReader(cut), size: 3}); !errors.Is(err, cut) {
		t.Errorf("got %v, want the body's own error", err)
	}
	if n, err := fill(strings.NewReader(body), make([]byte, 20)); n != 10 || err != io.EOF {
		t.Errorf("fill beyond the end: got %d, %v, want 10, EOF", n, err)
	}
	buf := make([]byte, 10)
	if n, err := fill(iotest.OneByteReader(strings.NewReader(body)), buf); n != 10 || err != nil || !bytes.Equal(buf, []byte(body)) {
		t.Errorf("fill: got %d, %v, want 10", n, err)
	}
}

func TestAnEndIsRoundedUpToMidnight(t *testing.T) {
	for in, want := range map[string]string{
		"2027-12-31T23:00:00Z": "2028-01-01T00:00:00Z", "2028-01-01T00:00:00Z": "2028-01-01T00:00:00Z",
		"2028-01-01T00:00:00+01:00": "2028-01-01T00:00:00Z", "2028-02-28T00:00:00.000001Z": "2028-02-29T00:00:00Z",
		"2028-01-01T00:00:00-05:00": "2028-01-02T00:00:00Z",
	} {
		at, err := time.Parse(time.RFC3339Nano, in)
		if err != nil {
			t.Fatal(err)
		}
		if got := endDate(at).Format(time.RFC3339); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

func TestOnADiskWithoutHardLinksNothingIsOverwrittenEither(t *testing.T) {
	d, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.link = func(string, string) error { return syscall.EPERM }
	ctx := t.Context()
	put := func(body string) error { return d.Put(ctx, "bucket", "key", strings.NewReader(body), int64(len(body))) }
	if err := errors.Join(d.MakeBucket(ctx, "bucket"), put("first")); err != nil {
		t.Fatal(err)
	}
	if err := put("second"); !errors.Is(err, delivery.ErrAlreadyStored) {
		t.Errorf("put again: got %v, want already stored", err)
	}
	obj, err := d.Open(ctx, "bucket", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	got := make([]byte, 5)
	if _, err := obj.ReadAt(got, 0); string(got) != "first" || err != nil {
		t.Errorf("got %q, %v, want the first body", got, err)
	}
	if n, err := d.Residue(ctx, "bucket"); n != 1 || err != nil {
		t.Errorf("residue: got %d, %v, want 1", n, err)
	}
}

// taker is what a socket is to io.Copy: it wants to see the file.
type taker struct {
	bytes.Buffer
	files int
}

func (k *taker) ReadFrom(r io.Reader) (int64, error) {
	if limited, ok := r.(*io.LimitedReader); ok {
		if _, ok := limited.R.(*os.File); ok {
			k.files++
		}
	}
	return k.Buffer.ReadFrom(r)
}

func TestARangeOfADirectoryIsHandedToTheSocketAsAFile(t *testing.T) {
	d, err := NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	body := bytes.Repeat([]byte("0123456789"), 1<<20)
	if err := errors.Join(d.MakeBucket(ctx, "bucket"), d.Put(ctx, "bucket", "key", bytes.NewReader(body), int64(len(body)))); err != nil {
		t.Fatal(err)
	}
	obj, err := d.Open(ctx, "bucket", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	stream, err := obj.Range(ctx, 5, int64(len(body))-10)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	var to taker
	n, err := io.Copy(&to, stream)
	if err != nil || !bytes.Equal(to.Bytes(), body[5:len(body)-5]) || n != int64(to.Len()) {
		t.Errorf("copied %d bytes, %v, want %d", n, err, len(body)-10)
	}
	if to.files == 0 {
		t.Error("the writer was never shown the file, so no socket can use sendfile")
	}
}
