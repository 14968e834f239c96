package crypt4gh

import (
	"context"
	"fmt"
	"io"
)

// A Body is a stored body of known size that can be read anywhere. It may be used by several goroutines, and holds no memory
// between reads.
type Body struct {
	at     io.ReaderAt
	plain  int64
	size   int64
	opener opener
}

// OpenBody opens a body of size bytes sealed under one of the keys. It reads nothing yet. at may be nil for a Body that
// is read through Range alone.
func OpenBody(at io.ReaderAt, size int64, keys ...DataKey) (*Body, error) {
	plain, err := PlainSize(size)
	if err != nil {
		return nil, err
	}
	o, err := newOpener(keys)
	if err != nil {
		return nil, err
	}
	return &Body{at: at, plain: plain, size: size, opener: o}, nil
}

// InOrder makes all reads that follow check that each segment stands where it was sealed, given the nonce of the first one
// (Sum.First). It finds, at no cost, segments moved within the body and bodies exchanged for others; it works only for
// bodies whose nonces count, such as Sealer makes. Call it before sharing b.
func (b *Body) InOrder(first Nonce) { b.opener.first = &first }

// Size is the size of the plaintext.
func (b *Body) Size() int64 { return b.plain }

// ReadAt reads plaintext at any offset, as io.ReaderAt says, by reading the segments around it.
func (b *Body) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, fmt.Errorf("%w: offset %d", ErrRange, off)
	}
	if off >= b.plain {
		return 0, io.EOF
	}
	want := int(min(int64(len(p)), b.plain-off))
	r, err := b.Section(off, int64(want))
	if err != nil {
		return 0, err
	}
	defer r.Close()
	n, err := io.ReadFull(r, p[:want])
	if err == nil && want < len(p) {
		err = io.EOF
	}
	return n, err
}

// Section gives the plaintext [off, off+n) by reading at.
func (b *Body) Section(off, n int64) (*Reader, error) {
	start, length, err := BodyRange(b.plain, off, n)
	if err != nil {
		return nil, err
	}
	return b.reader(io.NewSectionReader(b.at, start, length), start, length, off, n), nil
}

// Range gives the plaintext [off, off+n) out of one stream of the body. open is asked once for the bytes of the body that
// hold it (not at all for an empty range), and may be the Range method of a stored object. Closing the Reader closes
// the stream; io.Copy from it writes segment by segment, and WriteParallel does so with two workers.
func (b *Body) Range(ctx context.Context, open func(ctx context.Context, off, n int64) (io.ReadCloser, error), off, n int64) (*Reader, error) {
	start, length, err := BodyRange(b.plain, off, n)
	if err != nil {
		return nil, err
	}
	if length == 0 {
		return b.reader(nil, 0, 0, 0, 0), nil
	}
	stream, err := open(ctx, start, length)
	if err != nil {
		return nil, err
	}
	r := b.reader(stream, start, length, off, n)
	r.close = stream.Close
	return r, nil
}

func (b *Body) reader(src io.Reader, start, length, off, n int64) *Reader {
	first := start / SegmentSize
	skip := off - first*SegmentPlain
	return &Reader{
		src:    src,
		opener: b.opener,
		window: newWindow(EditList{uint64(skip), uint64(n)}),
		seg:    first,
		want:   length,
	}
}
