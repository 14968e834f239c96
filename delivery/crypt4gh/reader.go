package crypt4gh

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// An opener opens segments.
type opener struct {
	// For each key the Open method of its cipher; not the cipher, whose key fmt would print.
	keys  []func(dst, nonce, sealed, data []byte) ([]byte, error)
	first *Nonce // that of segment 0, when the order is checked
}

func newOpener(keys []DataKey) (opener, error) {
	if len(keys) == 0 {
		return opener{}, ErrNoKey
	}
	var o opener
	for _, key := range keys {
		aead, err := chacha20poly1305.New(key[:])
		if err != nil {
			return opener{}, err
		}
		o.keys = append(o.keys, aead.Open)
	}
	return o, nil
}

// open opens all segments of a chunk, up to the first that does not.
func (o *opener) open(c *chunk) {
	for at := 0; at < c.n; at += SegmentSize {
		seg := c.buf[at:min(at+SegmentSize, c.n)]
		index := c.seg + int64(c.count)
		plain, err := o.segment(seg, index)
		if err != nil {
			c.err = fmt.Errorf("segment %d: %w", index, err)
			return
		}
		c.plain[c.count] = plain
		c.count++
	}
}

// segment opens one segment in place.
func (o *opener) segment(seg []byte, index int64) ([]byte, error) {
	nonce, sealed := seg[:nonceSize], seg[nonceSize:]
	if o.first != nil && o.first.At(index) != Nonce(nonce) {
		return nil, ErrOrder
	}
	if len(o.keys) == 1 {
		plain, err := o.keys[0](sealed[:0], nonce, sealed, nil)
		if err != nil {
			return nil, ErrSegment
		}
		return plain, nil
	}
	for _, open := range o.keys {
		// Not in place: a failed Open wipes where it would have written, and the next key needs the bytes.
		if plain, err := open(nil, nonce, sealed, nil); err == nil {
			return plain, nil
		}
	}
	return nil, ErrSegment
}

// A Reader gives plaintext in order, each segment after its MAC was checked. It keeps a
// quarter of a megabyte, or during WriteTo one and during WriteParallel three, if few others do. Copying from it with io.Copy uses WriteTo, which copies no byte twice.
//
// It is for one goroutine at a time. After an error it stays at that error.
type Reader struct {
	src    io.Reader
	close  func() error
	opener opener
	window window
	seg    int64 // index of the segment that src is at
	want   int64 // bytes of body still to come; negative: until the end of src
	now    *chunk
	at     int    // segments of now already taken
	part   []byte // what is left of the segment being handed out
	large  bool   // chunks may be large
	err    error
}

// NewReader opens a whole file, header and body, for any of the keys. An edit list in the header is obeyed.
func NewReader(file io.Reader, keys ...*PrivateKey) (*Reader, error) {
	header, err := ParseHeader(file)
	if err != nil {
		return nil, err
	}
	contents, err := header.Open(keys...)
	if err != nil {
		return nil, err
	}
	return NewBodyReader(file, contents)
}

// NewBodyReader opens a body that follows its header, of unknown size, in order.
func NewBodyReader(body io.Reader, contents Contents) (*Reader, error) {
	o, err := newOpener(contents.Keys)
	if err != nil {
		return nil, err
	}
	return &Reader{src: body, opener: o, window: newWindow(contents.Edits), want: -1}, nil
}

// Read gives plaintext that was checked.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for len(r.part) == 0 {
		if err := r.advance(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.part)
	r.part = r.part[n:]
	return n, nil
}

// WriteTo writes the rest of the plaintext, a segment at a time at most, on this goroutine.
func (r *Reader) WriteTo(w io.Writer) (int64, error) {
	r.large = beginStream(r.want)
	defer endStream()
	return r.writeTo(w)
}

func (r *Reader) writeTo(w io.Writer) (int64, error) {
	var written int64
	for {
		if len(r.part) > 0 {
			n, err := w.Write(r.part)
			written += int64(n)
			r.part = r.part[n:]
			if err != nil {
				return written, err
			}
		}
		if err := r.advance(); err != nil {
			return written, notEnd(err)
		}
	}
}

// Close gives memory back, and closes what Range has opened.
func (r *Reader) Close() error {
	r.fail(errClosed)
	if r.close == nil {
		return nil
	}
	err := r.close()
	r.close = nil
	return err
}

var errClosed = errors.New("reading from a closed reader")

// advance goes on to the next kept piece of plaintext.
func (r *Reader) advance() error {
	for len(r.part) == 0 {
		if r.err != nil {
			return r.err
		}
		if err := r.step(); err != nil {
			return r.fail(err)
		}
	}
	return nil
}

func (r *Reader) step() error {
	if r.window.done() {
		return io.EOF
	}
	if r.now == nil {
		r.now = takeChunk(r.large)
	}
	c := r.now
	if r.at < c.count {
		r.part, c.plain[r.at] = r.window.next(c.plain[r.at])
		if len(c.plain[r.at]) == 0 {
			r.at++
		}
		return nil
	}
	if c.err != nil {
		return c.err
	}
	r.at = 0
	r.fill(c)
	r.opener.open(c)
	return nil
}

// fill reads the next chunk. Its error, if any, comes after the segments that were read before it.
func (r *Reader) fill(c *chunk) {
	c.drop()
	c.seg = r.seg
	limit := len(c.buf)
	if r.want >= 0 {
		limit = int(min(int64(limit), r.want))
	}
	if limit == 0 {
		c.err = io.EOF
		return
	}
	n, err := io.ReadFull(r.src, c.buf[:limit])
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = io.EOF
		if r.want >= 0 {
			err = ErrTruncated
		}
	}
	if tail := n % SegmentSize; err != nil && tail > 0 && (err != io.EOF || tail <= SegmentOverhead) {
		n -= tail // an incomplete segment cannot be checked
		if err == io.EOF {
			err = ErrTruncated
		}
	}
	c.n, c.err = n, err
	r.seg += int64(n+SegmentSize-1) / SegmentSize
	if r.want >= 0 {
		r.want -= int64(n)
	}
}

func (r *Reader) fail(err error) error {
	if r.err == nil {
		r.err = err
	}
	r.part = nil
	if r.now != nil {
		r.now.release()
		r.now = nil
	}
	return r.err
}

func notEnd(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
