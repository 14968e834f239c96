package crypt4gh_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"sluice/delivery/crypt4gh"
)

const segment = crypt4gh.SegmentPlain

func plaintext(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n), byte(n >> 8), byte(n >> 16)}).Read(b)
	return b
}

func seal(t testing.TB, plain []byte, key crypt4gh.DataKey) ([]byte, crypt4gh.Sum) {
	var body bytes.Buffer
	sum, err := crypt4gh.Seal(&body, bytes.NewReader(plain), key)
	if err != nil {
		t.Fatal(err)
	}
	return body.Bytes(), sum
}

func openBody(t testing.TB, body []byte, keys ...crypt4gh.DataKey) *crypt4gh.Body {
	b, err := crypt4gh.OpenBody(bytes.NewReader(body), int64(len(body)), keys...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// ranged opens byte ranges as a store does, and counts.
type ranged struct {
	body           []byte
	opened, closed int
}

func (r *ranged) Range(_ context.Context, off, n int64) (io.ReadCloser, error) {
	r.opened++
	return &closing{Reader: iotest.HalfReader(bytes.NewReader(r.body[off : off+n])), to: r}, nil
}

type closing struct {
	io.Reader
	to *ranged
}

func (c *closing) Close() error { c.to.closed++; return nil }

func TestSealingAndOpeningAnyRangeGivesTheSameBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.OneOf(rapid.IntRange(0, 3), rapid.IntRange(segment-1, segment+1), rapid.IntRange(0, 50*segment),
			rapid.Map(rapid.IntRange(0, 50), func(i int) int { return i * segment })).Draw(t, "size")
		off := rapid.IntRange(0, size).Draw(t, "off")
		n := rapid.IntRange(0, size-off).Draw(t, "n")
		plain, key := plaintext(size), crypt4gh.NewDataKey()
		var out bytes.Buffer
		sum, err := crypt4gh.Seal(&out, iotest.HalfReader(bytes.NewReader(plain)), key)
		if err != nil {
			t.Fatal(err)
		}
		checkSum(t, sum, plain, out.Bytes())
		b, err := crypt4gh.OpenBody(bytes.NewReader(out.Bytes()), int64(out.Len()), key)
		if err != nil {
			t.Fatal(err)
		}
		b.InOrder(sum.First)
		if b.Size() != int64(size) {
			t.Fatalf("the plaintext has %d bytes, want %d", b.Size(), size)
		}
		want := plain[off : off+n]
		got := make([]byte, n)
		if m, err := b.ReadAt(got, int64(off)); m != n || err != nil && err != io.EOF || !bytes.Equal(got, want) {
			t.Fatalf("ReadAt gave %d bytes, %v; want %d, and the same", m, err, n)
		}
		for name, way := range ways {
			store := &ranged{body: out.Bytes()}
			r, err := b.Range(context.Background(), store.Range, int64(off), int64(n))
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := way(&got, r); err != nil || !bytes.Equal(got.Bytes(), want) {
				t.Fatalf("Range by %s gave %d bytes, %v; want %d, and the same", name, got.Len(), err, n)
			}
			if err := r.Close(); err != nil {
				t.Fatal(err)
			}
			if asked := min(n, 1); store.opened != asked || store.closed != asked {
				t.Fatalf("the store was asked %d times and closed %d times, want %d", store.opened, store.closed, asked)
			}
		}
	})
}

type failer interface{ Fatalf(string, ...any) }

func checkSum(t failer, got crypt4gh.Sum, plain, body []byte) {
	want := crypt4gh.Sum{
		PlainSize: int64(len(plain)),
		PlainHash: sha256.Sum256(plain),
		BodySize:  int64(len(body)),
		First:     got.First,
	}
	for at := 0; at < len(body); at += crypt4gh.PartSize {
		want.Parts = append(want.Parts, sha256.Sum256(body[at:min(at+crypt4gh.PartSize, len(body))]))
	}
	want.Root = crypt4gh.RootOf(want.BodySize, want.Parts)
	if size, err := crypt4gh.BodySize(want.PlainSize); err != nil || size != want.BodySize {
		t.Fatalf("the body has %d bytes; BodySize says %d, %v", want.BodySize, size, err)
	}
	same := got.PlainSize == want.PlainSize && got.PlainHash == want.PlainHash && got.BodySize == want.BodySize &&
		got.Root == want.Root && len(got.Parts) == len(want.Parts)
	for i := range got.Parts {
		same = same && got.Parts[i] == want.Parts[i]
	}
	if !same {
		t.Fatalf("got sum %+v\nwant %+v", got, want)
	}
	if len(body) > 0 && crypt4gh.Nonce(body[:12]) != got.First {
		t.Fatalf("the first nonce is %x, the sum says %x", body[:12], got.First)
	}
}

func TestASumCountsEveryPart(t *testing.T) {
	const part = crypt4gh.PartSegments * segment
	for _, size := range []int{part - 1, part, part + 1, 2*part + 5} {
		plain := plaintext(size)
		body, sum := seal(t, plain, crypt4gh.NewDataKey())
		checkSum(t, sum, plain, body)
		if want := (size + part - 1) / part; len(sum.Parts) != want || crypt4gh.PartCount(sum.BodySize) != int64(want) {
			t.Errorf("%d bytes: got %d parts, PartCount %d; want %d", size, len(sum.Parts), crypt4gh.PartCount(sum.BodySize), want)
		}
	}
}

// The definition is drawn at RootOf; what was stored by it must stay true.
func TestTheRootOfFixedPartsNeverChanges(t *testing.T) {
	got := crypt4gh.RootOf(70_000, []crypt4gh.Hash{{1}, {2}})
	want := crypt4gh.Hash(sha256.Sum256(append([]byte("crypt4gh body root v1\x00\x70\x11\x01\x00\x00\x00\x00\x00\x01"+
		string(make([]byte, 31))+"\x02"), make([]byte, 31)...)))
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestASealerReadInSmallPiecesGivesTheWholeBody(t *testing.T) {
	plain, key := plaintext(9*segment+1), crypt4gh.NewDataKey()
	s, err := crypt4gh.NewSealer(iotest.DataErrReader(bytes.NewReader(plain)), key)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Sum(); err == nil {
		t.Error("a sum before the end")
	}
	size, err := crypt4gh.BodySize(int64(len(plain)))
	if err != nil {
		t.Fatal(err)
	}
	body := make([]byte, size) // just the body: the reader is never asked for its end
	if _, err := io.ReadFull(iotest.HalfReader(s), body); err != nil {
		t.Fatal(err)
	}
	sum, err := s.Sum()
	if err != nil {
		t.Fatal(err)
	}
	checkSum(t, sum, plain, body)
}

func TestASealerHandsOnTheErrorOfItsSource(t *testing.T) {
	broken := errors.New("the disk is broken")
	src := io.MultiReader(bytes.NewReader(plaintext(5*segment+3)), iotest.ErrReader(broken))
	if _, err := crypt4gh.Seal(io.Discard, src, crypt4gh.NewDataKey()); !errors.Is(err, broken) {
		t.Errorf("got %v, want %v", err, broken)
	}
	s, err := crypt4gh.NewSealer(bytes.NewReader(plaintext(50*segment)), crypt4gh.NewDataKey())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, s, segment); err != nil {
		t.Fatal(err)
	}
	s.Close()
	if _, err := s.Read(make([]byte, 1)); err == nil {
		t.Error("read from a closed sealer")
	}
	if _, err := s.Sum(); err == nil {
		t.Error("a sum of half a body")
	}
}

func TestTheSameKeyAndPlaintextNeverGiveTheSameNonces(t *testing.T) {
	key := crypt4gh.NewDataKey()
	_, one := seal(t, []byte("text"), key)
	_, two := seal(t, []byte("text"), key)
	if one.First == two.First {
		t.Errorf("two bodies begin with the nonce %x", one.First)
	}
}

func TestEveryDamageIsFoundByEveryWayOfReading(t *testing.T) {
	key := crypt4gh.NewDataKey()
	const last = 1000
	plain := plaintext(38*segment + last)
	good, sum := seal(t, plain, key)
	other, _ := seal(t, plain, key)
	flip := func(at int) []byte { b := bytes.Clone(good); b[at] ^= 4; return b }
	seg := func(i int) []byte { return good[i*crypt4gh.SegmentSize : (i+1)*crypt4gh.SegmentSize] }
	moved := append(append(bytes.Clone(seg(1)), seg(0)...), good[2*crypt4gh.SegmentSize:]...)
	doubled := append(append(bytes.Clone(seg(0)), seg(0)...), good[2*crypt4gh.SegmentSize:]...)
	for _, c := range []struct {
		name string
		body []byte
		want error
		from int64 // what of the plaintext still comes out
	}{
		{"a nonce changed", flip(37*crypt4gh.SegmentSize + 3), crypt4gh.ErrOrder, 37 * segment},
		{"a byte changed", flip(37*crypt4gh.SegmentSize + 300), crypt4gh.ErrSegment, 37 * segment},
		{"a MAC changed", flip(len(good) - 1), crypt4gh.ErrSegment, 38 * segment},
		{"segments exchanged", moved, crypt4gh.ErrOrder, 0},
		{"a segment repeated", doubled, crypt4gh.ErrOrder, segment},
		{"another body under the same key", other, crypt4gh.ErrOrder, 0},
	} {
		for name, way := range ways {
			b := openBody(t, c.body, key)
			b.InOrder(sum.First)
			r, err := b.Section(0, b.Size())
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			_, err = way(&got, r)
			if !errors.Is(err, c.want) || int64(got.Len()) != c.from || !bytes.Equal(got.Bytes(), plain[:got.Len()]) {
				t.Errorf("%s, by %s: got %v after %d bytes; want %v after %d", c.name, name, err, got.Len(), c.want, c.from)
			}
			if _, again := r.Read(make([]byte, 1)); !errors.Is(again, c.want) {
				t.Errorf("%s, by %s: afterwards got %v, want the same error", c.name, name, again)
			}
		}
	}
}

func TestAStreamThatEndsEarlyIsAnError(t *testing.T) {
	key := crypt4gh.NewDataKey()
	body, _ := seal(t, plaintext(6*segment+10), key)
	for _, cut := range []int{0, 1, crypt4gh.SegmentSize, 5*crypt4gh.SegmentSize + 7, 6 * crypt4gh.SegmentSize, len(body) - 1} {
		for name, way := range ways {
			b := openBody(t, body, key)
			short := func(_ context.Context, off, n int64) (io.ReadCloser, error) {
				return io.NopCloser(bytes.NewReader(body[off:cut])), nil
			}
			r, err := b.Range(context.Background(), short, 0, b.Size())
			if err != nil {
				t.Fatal(err)
			}
			var got bytes.Buffer
			if _, err := way(&got, r); !errors.Is(err, crypt4gh.ErrTruncated) {
				t.Errorf("cut at %d, by %s: got %v after %d bytes, want ErrTruncated", cut, name, err, got.Len())
			}
			if whole := cut / crypt4gh.SegmentSize * segment; got.Len() > whole {
				t.Errorf("cut at %d, by %s: got %d bytes out of whole segments of %d", cut, name, got.Len(), whole)
			}
		}
	}
}

func TestErrorsOfStoreAndWriterComeBackAsTheyAre(t *testing.T) {
	key := crypt4gh.NewDataKey()
	body, _ := seal(t, plaintext(40*segment), key)
	away := errors.New("the store is away")
	for name, way := range ways {
		b := openBody(t, body, key)
		broken := func(_ context.Context, off, n int64) (io.ReadCloser, error) {
			return io.NopCloser(io.MultiReader(bytes.NewReader(body[off:off+9*crypt4gh.SegmentSize+99]), iotest.ErrReader(away))), nil
		}
		r, err := b.Range(context.Background(), broken, 0, b.Size())
		if err != nil {
			t.Fatal(err)
		}
		if n, err := way(io.Discard, r); !errors.Is(err, away) || n != 9*segment {
			t.Errorf("by %s: got %d bytes and %v, want %d and %v", name, n, err, 9*segment, away)
		}
		r, err = b.Section(0, b.Size())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := way(&fullWriter{room: 3*segment + 5}, r); !errors.Is(err, errFull) {
			t.Errorf("by %s: got %v, want %v", name, err, errFull)
		}
		r.Close()
	}
	refusing := func(context.Context, int64, int64) (io.ReadCloser, error) { return nil, away }
	if _, err := openBody(t, body, key).Range(context.Background(), refusing, 0, 1); !errors.Is(err, away) {
		t.Errorf("got %v, want %v", err, away)
	}
}

var errFull = errors.New("full")

type fullWriter struct{ room int }

func (w *fullWriter) Write(p []byte) (int, error) {
	n := min(len(p), w.room)
	w.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestSegmentsUnderSeveralKeysOpen(t *testing.T) {
	keys := []crypt4gh.DataKey{crypt4gh.NewDataKey(), crypt4gh.NewDataKey(), crypt4gh.NewDataKey()}
	var plain, body []byte
	for i := range 7 {
		text := plaintext(segment - i/6)
		sealed, _ := seal(t, text, keys[i%2])
		plain, body = append(plain, text...), append(body, sealed...)
	}
	for name, way := range ways {
		r, err := crypt4gh.NewBodyReader(bytes.NewReader(body), crypt4gh.Contents{Keys: keys})
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if _, err := way(&got, r); err != nil || !bytes.Equal(got.Bytes(), plain) {
			t.Errorf("by %s: got %d bytes, %v; want %d, and the same", name, got.Len(), err, len(plain))
		}
	}
	r, err := crypt4gh.NewBodyReader(bytes.NewReader(body), crypt4gh.Contents{Keys: keys[1:]})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); !errors.Is(err, crypt4gh.ErrSegment) {
		t.Errorf("without one of the keys: got %v, want ErrSegment", err)
	}
}

// More streams than may have large chunks, through one Body, each with its own range.
func TestManyStreamsAtOnceEachGetTheirOwnBytes(t *testing.T) {
	key := crypt4gh.NewDataKey()
	plain := plaintext(60 * segment)
	body, sum := seal(t, plain, key)
	b := openBody(t, body, key)
	b.InOrder(sum.First)
	var all sync.WaitGroup
	for i := range 24 {
		all.Go(func() {
			off, n := int64(i)*1001, int64(len(plain)-i*2003)
			r, err := b.Section(off, n)
			if err != nil {
				t.Error(err)
				return
			}
			var got bytes.Buffer
			if _, err := r.WriteParallel(&got); err != nil || !bytes.Equal(got.Bytes(), plain[off:off+n]) {
				t.Errorf("stream %d: got %d bytes, %v; want %d, and the same", i, got.Len(), err, n)
			}
		})
	}
	all.Wait()
}

func TestARangeOutsideThePlaintextIsRefused(t *testing.T) {
	key := crypt4gh.NewDataKey()
	body, _ := seal(t, plaintext(100), key)
	b := openBody(t, body, key)
	for _, r := range [][2]int64{{-1, 1}, {0, -1}, {0, 101}, {101, 0}, {100, 1}, {1 << 62, 1 << 62}, {1, 1<<63 - 1}} {
		if _, err := b.Section(r[0], r[1]); !errors.Is(err, crypt4gh.ErrRange) {
			t.Errorf("%d bytes from %d: got %v, want ErrRange", r[1], r[0], err)
		}
	}
	if n, err := b.ReadAt(make([]byte, 10), 95); n != 5 || err != io.EOF {
		t.Errorf("ReadAt across the end: got %d, %v; want 5, EOF", n, err)
	}
	if n, err := b.ReadAt(make([]byte, 10), 100); n != 0 || err != io.EOF {
		t.Errorf("ReadAt at the end: got %d, %v; want 0, EOF", n, err)
	}
	if _, err := b.ReadAt(make([]byte, 10), -1); !errors.Is(err, crypt4gh.ErrRange) {
		t.Errorf("ReadAt before the beginning: got %v, want ErrRange", err)
	}
}

func TestSizesOfBodyAndPlaintextBelongTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.Int64Range(0, crypt4gh.MaxPlainSize).Draw(t, "plain")
		body, err := crypt4gh.BodySize(plain)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := crypt4gh.PlainSize(body); err != nil || again != plain {
			t.Fatalf("BodySize(%d) = %d, and PlainSize of that %d, %v", plain, body, again, err)
		}
	})
	for _, body := range []int64{-1, 1, 28, crypt4gh.SegmentSize + 1, crypt4gh.SegmentSize + 28, 1<<63 - 1} {
		if n, err := crypt4gh.PlainSize(body); err == nil {
			t.Errorf("a body of %d bytes: got %d, want an error", body, n)
		}
		if _, err := crypt4gh.OpenBody(nil, body, crypt4gh.NewDataKey()); err == nil {
			t.Errorf("a body of %d bytes was opened", body)
		}
	}
	for _, plain := range []int64{-1, crypt4gh.MaxPlainSize + 1, 1<<63 - 1} {
		if n, err := crypt4gh.BodySize(plain); err == nil {
			t.Errorf("a plaintext of %d bytes: got %d, want an error", plain, n)
		}
	}
	if _, err := crypt4gh.OpenBody(nil, 0); !errors.Is(err, crypt4gh.ErrNoKey) {
		t.Errorf("without a key: got %v, want ErrNoKey", err)
	}
}

// edited is the algorithm of the specification, section 4.3, on a whole plaintext.
func edited(list crypt4gh.EditList, input []byte) []byte {
	if len(list) == 0 {
		return input
	}
	var out []byte
	pos := uint64(0)
	size := uint64(len(input))
	for i := 0; i < len(list); i += 2 {
		pos += list[i]
		keep := size
		if i+1 < len(list) {
			keep = list[i+1]
		}
		out = append(out, input[min(pos, size):min(pos+keep, size)]...)
		pos += keep
	}
	return out
}

func TestAnEditListKeepsWhatTheSpecificationKeeps(t *testing.T) {
	key := crypt4gh.NewDataKey()
	reader := newKey(t)
	plain := plaintext(5*segment + 77)
	body, _ := seal(t, plain, key)
	length := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(0, 2*segment), rapid.Just(uint64(segment)), rapid.Just(uint64(1<<60)))
	rapid.Check(t, func(t *rapid.T) {
		list := crypt4gh.EditList(rapid.SliceOfN(length, 0, 6).Draw(t, "list"))
		header, err := crypt4gh.BuildHeader(crypt4gh.Contents{Keys: []crypt4gh.DataKey{key}, Edits: list}, reader.Public())
		if err != nil {
			t.Fatal(err)
		}
		want := edited(list, plain)
		for name, way := range ways {
			got, err := decrypt(append(header, body...), way, reader)
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%v by %s: got %d bytes, %v; want %d, and the same", list, name, len(got), err, len(want))
			}
		}
	})
}

func TestTwoEditListsOrOneBeyondAnyFileAreRefused(t *testing.T) {
	reader := newKey(t)
	c := crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}, Edits: crypt4gh.EditList{1, 2}}
	if _, err := openHeader(buildHeader(t, c, reader.Public(), reader.Public()), reader); !errors.Is(err, crypt4gh.ErrFormat) {
		t.Errorf("two edit lists: got %v, want ErrFormat", err)
	}
	c.Edits = crypt4gh.EditList{1 << 62, 1 << 62}
	if _, err := openHeader(buildHeader(t, c, reader.Public()), reader); !errors.Is(err, crypt4gh.ErrFormat) {
		t.Errorf("an edit list that overflows: got %v, want ErrFormat", err)
	}
}

// The number of allocations must not grow with the number of segments: it is the same for 20 and for 200.
func TestNothingIsAllocatedForASegment(t *testing.T) {
	key := crypt4gh.NewDataKey()
	measure := func(segments int) map[string]float64 {
		plain := plaintext(segments * segment)
		body, _ := seal(t, plain, key)
		counts := make(map[string]float64)
		for _, name := range []string{"WriteTo", "WriteParallel"} {
			b := openBody(t, body, key)
			counts[name] = testing.AllocsPerRun(5, func() {
				r, err := b.Section(0, b.Size())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := ways[name](io.Discard, r); err != nil {
					t.Fatal(err)
				}
			})
		}
		counts["Seal"] = testing.AllocsPerRun(5, func() {
			if _, err := crypt4gh.Seal(io.Discard, bytes.NewReader(plain), key); err != nil {
				t.Fatal(err)
			}
		})
		return counts
	}
	few, many := measure(20), measure(200)
	for name := range few {
		if grown := many[name] - few[name]; grown > 0 {
			t.Errorf("%s: %v allocations for 20 segments, %v for 200", name, few[name], many[name])
		}
	}
}

func FuzzBody(f *testing.F) {
	key := crypt4gh.DataKey{7}
	for _, size := range []int{0, 1, 100, segment, segment + 1} {
		body, _ := seal(f, plaintext(size), key)
		f.Add(body, uint32(0), uint32(size), uint32(size/2), byte(0))
		f.Add(body, uint32(size/3), uint32(size/3), uint32(size/2), byte(1))
	}
	f.Fuzz(func(t *testing.T, body []byte, off, n, at uint32, change byte) {
		if len(body) > 0 {
			body = bytes.Clone(body)
			body[int(at)%len(body)] ^= change
		}
		b, err := crypt4gh.OpenBody(bytes.NewReader(body), int64(len(body)), key)
		if err != nil {
			return
		}
		whole, err := b.Section(0, b.Size())
		if err != nil {
			t.Fatalf("the whole plaintext of %d bytes is no range: %v", b.Size(), err)
		}
		text, wholeErr := io.ReadAll(whole)
		r, err := b.Section(int64(off), int64(n))
		if err != nil {
			if int64(off)+int64(n) <= b.Size() {
				t.Fatalf("%d bytes from %d of %d refused: %v", n, off, b.Size(), err)
			}
			return
		}
		var part bytes.Buffer
		_, err = r.WriteParallel(&part)
		if wholeErr == nil && (err != nil || !bytes.Equal(part.Bytes(), text[off:off+n])) {
			t.Fatalf("%d bytes from %d differ from those of the whole: %v", n, off, err)
		}
		if err == nil && part.Len() != int(n) {
			t.Fatalf("got %d bytes without an error, want %d", part.Len(), n)
		}
	})
}
