package manifest_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/manifest"
	"sluice/infra/servers"
)

// sealedFile seals a plaintext of size bytes.
func sealedFile(t testing.TB, size int) ([]byte, manifest.File, manifest.PartList) {
	plain := make([]byte, size)
	rand.NewChaCha8([32]byte{9}).Read(plain)
	var body bytes.Buffer
	sum, err := crypt4gh.Seal(&body, bytes.NewReader(plain), crypt4gh.DataKey{9})
	if err != nil {
		t.Fatal(err)
	}
	f := fileOf("file", "", "object", sum)
	l, err := manifest.DecodeParts(manifest.PartList(sum.Parts).Encode(), f)
	if err != nil {
		t.Fatal(err)
	}
	return body.Bytes(), f, l
}

func readChecked(src io.Reader, f manifest.File, l manifest.PartList, first int64) (int64, error) {
	c, err := manifest.NewBodyCheck(src, f, l, first)
	if err != nil {
		return 0, err
	}
	return io.Copy(io.Discard, c)
}

func TestTheRightBodyPassesHoweverItIsRead(t *testing.T) {
	const part = crypt4gh.PartSegments * crypt4gh.SegmentPlain
	for _, size := range []int{0, 1, 100_000, part, 2*part + 100_000} {
		body, f, l := sealedFile(t, size)
		for name, src := range map[string]io.Reader{
			"at once":                  bytes.NewReader(body),
			"in halves":                iotest.HalfReader(bytes.NewReader(body)),
			"end with data":            iotest.DataErrReader(bytes.NewReader(body)),
			"in halves, end with data": iotest.DataErrReader(iotest.HalfReader(bytes.NewReader(body))),
		} {
			if n, err := readChecked(src, f, l, 0); err != nil || n != int64(len(body)) {
				t.Errorf("%d bytes, %s: got %d bytes, %v; want %d", size, name, n, err, len(body))
			}
		}
		for i := range f.Parts {
			off, n, err := manifest.PartRange(f, i)
			if err != nil {
				t.Fatal(err)
			}
			if err := manifest.CheckPart(f, l, i, body[off:off+n]); err != nil {
				t.Errorf("%d bytes, part %d: %v", size, i, err)
			}
			if rest, err := readChecked(bytes.NewReader(body[off:]), f, l, i); err != nil || rest != int64(len(body))-off {
				t.Errorf("%d bytes, from part %d: got %d bytes, %v", size, i, rest, err)
			}
		}
		if n, err := readChecked(bytes.NewReader(nil), f, l, f.Parts); n != 0 || err != nil {
			t.Errorf("%d bytes, from the end: got %d, %v", size, n, err)
		}
	}
}

func TestAWrongBodyIsFoundAtTheEndOfItsPart(t *testing.T) {
	const part, seg = crypt4gh.PartSize, crypt4gh.SegmentSize
	body, f, l := sealedFile(t, 3*crypt4gh.PartSegments*crypt4gh.SegmentPlain+1000)
	segment := func(i int) []byte { return body[i*seg : (i+1)*seg] }
	with := func(change func(b []byte)) []byte { b := bytes.Clone(body); change(b); return b }
	for _, c := range []struct {
		name string
		body []byte
		part int64 // where it is found; -1: no part
	}{
		{"segments exchanged", with(func(b []byte) { copy(b[2*seg:], segment(3)); copy(b[3*seg:], segment(2)) }), 0},
		{"a segment repeated", with(func(b []byte) { copy(b[(256+9)*seg:], segment(256+8)) }), 1},
		{"parts exchanged", with(func(b []byte) { copy(b, body[part:2*part]); copy(b[part:], body[:part]) }), 0},
		{"a segment missing", append(bytes.Clone(body[:part+5*seg]), body[part+6*seg:]...), 1},
		{"a byte changed", with(func(b []byte) { b[2*part+5]++ }), 2},
		{"cut at a part", body[:2*part], 2},
		{"cut at a segment", body[:2*part+7*seg], 2},
		{"cut at the last segment", body[:3*part], 3},
		{"cut in the last segment", body[:len(body)-1], 3},
		{"something behind it", append(bytes.Clone(body), 0), -1},
		{"itself behind it", append(bytes.Clone(body), body...), -1},
	} {
		for name, wrap := range map[string]func(io.Reader) io.Reader{"at once": func(r io.Reader) io.Reader { return r }, "end with data": iotest.DataErrReader} {
			n, err := readChecked(wrap(bytes.NewReader(c.body)), f, l, 0)
			var found *manifest.PartError
			if !errors.Is(err, manifest.ErrBody) || (c.part >= 0) != errors.As(err, &found) || found != nil && found.Part != c.part {
				t.Errorf("%s, %s: got %v after %d bytes, want ErrBody in part %d", c.name, name, err, n, c.part)
			}
			if c.part >= 0 && n >= (c.part+1)*part {
				t.Errorf("%s, %s: %d bytes were handed on, want fewer than %d", c.name, name, n, (c.part+1)*part)
			}
		}
	}
}

func TestAReadErrorIsNotTakenForTheEnd(t *testing.T) {
	body, f, l := sealedFile(t, 100_000)
	away := errors.New("the store is away")
	for _, cut := range []int{0, 100, len(body)} {
		src := io.MultiReader(bytes.NewReader(body[:cut]), iotest.ErrReader(away))
		if _, err := readChecked(src, f, l, 0); !errors.Is(err, away) {
			t.Errorf("after %d bytes: got %v, want %v", cut, err, away)
		}
	}
}

func TestAPartListThatTheRootDoesNotProveIsRefused(t *testing.T) {
	_, f, l := sealedFile(t, 2*crypt4gh.PartSegments*crypt4gh.SegmentPlain)
	good := l.Encode()
	changed := bytes.Clone(good)
	changed[40]++
	swapped := append(bytes.Clone(good[32:]), good[:32]...)
	for name, b := range map[string][]byte{
		"empty": nil, "cut": good[:63], "one short": good[:32], "one more": append(bytes.Clone(good), good[:32]...),
		"changed": changed, "swapped": swapped,
	} {
		if _, err := manifest.DecodeParts(b, f); !errors.Is(err, manifest.ErrPartList) {
			t.Errorf("%s: got %v, want ErrPartList", name, err)
		}
	}
	if _, err := manifest.NewBodyCheck(nil, f, l[:1], 0); !errors.Is(err, manifest.ErrPartList) {
		t.Errorf("a check with a short list: got %v, want ErrPartList", err)
	}
	grown := f
	grown.BodySize--
	if _, err := manifest.DecodeParts(good, grown); !errors.Is(err, manifest.ErrPartList) {
		t.Errorf("the root of another size: got %v, want ErrPartList", err)
	}
}

func TestAPartInTheWrongPlaceIsRefused(t *testing.T) {
	body, f, l := sealedFile(t, 2*crypt4gh.PartSegments*crypt4gh.SegmentPlain)
	for name, c := range map[string]struct {
		part int64
		b    []byte
	}{
		"another part": {1, body[:crypt4gh.PartSize]}, "cut": {0, body[:crypt4gh.PartSize-1]}, "empty": {0, nil},
	} {
		var found *manifest.PartError
		if err := manifest.CheckPart(f, l, c.part, c.b); !errors.As(err, &found) || found.Part != c.part {
			t.Errorf("%s: got %v, want a PartError of part %d", name, err, c.part)
		}
	}
	for _, i := range []int64{-1, 2, 1 << 62} {
		if err := manifest.CheckPart(f, l, i, nil); err == nil {
			t.Errorf("part %d: got no error", i)
		}
	}
}

// The two kinds of damage that a correct Crypt4GH reader cannot see, in files of the reference implementation.
func TestTheManifestSeesWhatTheFormatCannot(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "shared", "data", "crypt4gh")
	if _, err := os.Stat(dir); err != nil {
		servers.Need(t, errors.New("the files of the reference implementation (../shared/data/crypt4gh) are absent"))
	}
	body := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		r := bytes.NewReader(b)
		if _, err := crypt4gh.ParseHeader(r); err != nil {
			t.Fatal(err)
		}
		return b[len(b)-r.Len():]
	}
	good := body("three-segments.c4gh")
	parts := manifest.PartList{sha256.Sum256(good)}
	plain, err := crypt4gh.PlainSize(int64(len(good)))
	if err != nil {
		t.Fatal(err)
	}
	f := manifest.File{Size: plain, BodySize: int64(len(good)), Parts: 1, Root: crypt4gh.RootOf(int64(len(good)), parts)}
	if _, err := readChecked(bytes.NewReader(good), f, parts, 0); err != nil {
		t.Errorf("the good body: %v", err)
	}
	for _, name := range []string{"cut-at-boundary.c4gh", "swapped-segments.c4gh"} {
		var found *manifest.PartError
		if _, err := readChecked(bytes.NewReader(body(name)), f, parts, 0); !errors.As(err, &found) || found.Part != 0 {
			t.Errorf("%s: got %v, want a PartError of part 0", name, err)
		}
	}
}

func FuzzBodyCheck(f *testing.F) {
	body, file, list := sealedFile(f, 300)
	f.Add(body, uint16(100))
	f.Add(body[:len(body)-1], uint16(1))
	f.Add(append(bytes.Clone(body), 1), uint16(9999))
	f.Fuzz(func(t *testing.T, b []byte, step uint16) {
		c, err := manifest.NewBodyCheck(bytes.NewReader(b), file, list, 0)
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, c, make([]byte, int(step)+1))
		if (err == nil) != bytes.Equal(b, body) {
			t.Fatalf("%d bytes: got %v", len(b), err)
		}
	})
}
