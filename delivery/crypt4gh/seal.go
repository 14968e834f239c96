package crypt4gh

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// A Sum is what is known of a body once it is sealed.
type Sum struct {
	PlainSize int64
	PlainHash Hash // SHA-256 of the plaintext
	BodySize  int64
	Parts     []Hash // SHA-256 of each part of the body, PartSize bytes but for the last
	Root      Hash   // RootOf(BodySize, Parts)
	First     Nonce  // nonce of the first segment, for Body.InOrder
}

// sealChunks go round the stages of a Sealer: one in each of them, and one more so that none waits for its neighbour.
const sealChunks = 5

// A Sealer is a reader of the body of a plaintext: it seals and hashes in one pass, on three goroutines of its own
// (reading and hashing the plaintext; sealing; hashing the body), for hashing costs more than sealing and the two
// hashes together as much as a second pass. It makes bodies without a header.
//
// Close it in any case: that ends its goroutines. It needs five megabytes, and allocates nothing for a segment.
type Sealer struct {
	src   io.Reader
	seal  func(dst, nonce, plain, data []byte) []byte // not the cipher, whose key fmt would print
	first Nonce

	// The chunks' way; a chunk belongs to who has taken it from a channel.
	free, hashed, sealed, out chan *chunk
	quit                      chan struct{}

	plain     hash.Hash // used by the first stage, and by Sum after the end
	plainSize int64
	parts     partHasher // used by the third stage, and by Sum after the end
	bodySize  int64

	now     *chunk
	at      int
	err     error
	started bool
	closed  bool
}

// NewSealer seals what src holds, to its end, under key. Nothing is read before the first Read or WriteTo.
func NewSealer(src io.Reader, key DataKey) (*Sealer, error) {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		return nil, err
	}
	return &Sealer{
		src:    src,
		seal:   aead.Seal,
		first:  newNonce(),
		free:   make(chan *chunk, sealChunks),
		hashed: make(chan *chunk, sealChunks),
		sealed: make(chan *chunk, sealChunks),
		out:    make(chan *chunk, sealChunks),
		quit:   make(chan struct{}),
		plain:  sha256.New(),
		parts:  partHasher{now: sha256.New()},
	}, nil
}

// Seal writes the body of all that src holds to dst, and returns what is known of it.
func Seal(dst io.Writer, src io.Reader, key DataKey) (Sum, error) {
	s, err := NewSealer(src, key)
	if err != nil {
		return Sum{}, err
	}
	defer s.Close()
	if _, err := s.WriteTo(dst); err != nil {
		return Sum{}, err
	}
	return s.Sum()
}

// Read gives the next bytes of the body. An error of the source comes out as it is.
func (s *Sealer) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	b, err := s.piece()
	if err != nil {
		return 0, err
	}
	n := copy(p, b)
	s.at += n
	return n, nil
}

// WriteTo writes the rest of the body.
func (s *Sealer) WriteTo(w io.Writer) (int64, error) {
	var written int64
	for {
		b, err := s.piece()
		if err != nil {
			return written, notEnd(err)
		}
		n, err := w.Write(b)
		written += int64(n)
		s.at += n
		if err != nil {
			return written, err
		}
	}
}

// Sum tells what was sealed, once all of it was read. It looks for the end itself, for who knows the size of a body
// beforehand may have read just that many bytes.
func (s *Sealer) Sum() (Sum, error) {
	if _, err := s.piece(); err != io.EOF {
		return Sum{}, errUnfinished
	}
	sum := Sum{PlainSize: s.plainSize, BodySize: s.bodySize, Parts: s.parts.parts, First: s.first}
	s.plain.Sum(sum.PlainHash[:0])
	sum.Root = RootOf(sum.BodySize, sum.Parts)
	return sum, nil
}

// Close ends the goroutines; one that is reading the source ends when that read does.
func (s *Sealer) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	close(s.quit)
	if s.err == nil {
		s.err = errClosed
	}
	return nil
}

var errUnfinished = errors.New("the body was not read to its end")

// piece is what is left of the chunk being handed out, or the next one.
func (s *Sealer) piece() ([]byte, error) {
	for {
		if s.err != nil {
			return nil, s.err
		}
		s.start()
		if s.now == nil {
			s.now, s.at = <-s.out, 0
		}
		c := s.now
		if s.at < c.n {
			return c.buf[s.at:c.n], nil
		}
		s.now = nil
		err := c.err
		s.free <- c
		if err != nil {
			s.err = err
			s.giveBack()
		}
	}
}

// giveBack returns the chunks after the last one came out: all stages have ended, so all of them are free.
func (s *Sealer) giveBack() {
	for range sealChunks {
		(<-s.free).release()
	}
}

func (s *Sealer) start() {
	if s.started {
		return
	}
	s.started = true
	for range sealChunks {
		s.free <- takeChunk(true)
	}
	go s.stage(s.free, s.hashed, s.readPlain())
	go s.stage(s.hashed, s.sealed, s.sealSegments)
	go s.stage(s.sealed, s.out, s.hashBody)
}

// stage does its work on each chunk that comes by, up to the last one. Sending never waits: every channel has room for
// all chunks there are.
func (s *Sealer) stage(in <-chan *chunk, out chan<- *chunk, work func(*chunk)) {
	for {
		select {
		case <-s.quit:
			return
		case c := <-in:
			work(c)
			last := c.err != nil
			out <- c
			if last {
				return
			}
		}
	}
}

// readPlain fills chunks with plaintext, each segment where it will be sealed, and hashes it.
func (s *Sealer) readPlain() func(*chunk) {
	seg := int64(0)
	return func(c *chunk) {
		c.n, c.seg, c.err = 0, seg, nil
		for c.err == nil && c.n < len(c.buf) {
			room := c.buf[c.n+nonceSize:][:SegmentPlain]
			n, err := io.ReadFull(s.src, room)
			if err == io.ErrUnexpectedEOF {
				err = io.EOF
			}
			if n > 0 {
				s.plain.Write(room[:n])
				s.plainSize += int64(n)
				c.n += n + SegmentOverhead
				seg++
			}
			c.err = err
		}
		if s.plainSize > MaxPlainSize {
			c.err = fmt.Errorf("%w: more than %d bytes of plaintext", ErrFormat, MaxPlainSize)
		}
	}
}

func (s *Sealer) sealSegments(c *chunk) {
	for at, i := 0, c.seg; at < c.n; at, i = at+SegmentSize, i+1 {
		seg := c.buf[at:min(at+SegmentSize, c.n)]
		nonce := s.first.At(i)
		copy(seg, nonce[:])
		plain := seg[nonceSize : len(seg)-macSize]
		s.seal(plain[:0], seg[:nonceSize], plain, nil)
	}
}

func (s *Sealer) hashBody(c *chunk) {
	s.parts.write(c.buf[:c.n])
	s.bodySize += int64(c.n)
	if c.err != nil {
		s.parts.end()
	}
}
