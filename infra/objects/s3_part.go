package objects

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
)

// A part is one buffer of a body.
type part struct {
	number int
	body   []byte
	last   bool

	s      *S3
	held   int64 // what it counts for against the memory
	pooled *[]byte
	users  atomic.Int32
}

// partSize is the size of the n-th part of a body. 10,000 parts must hold all of it. Where the size is not known the
// parts double with every 1,000: the first 16 GiB travel in parts of 16 MiB, and 5 TiB is reached with parts of 4 GiB.
func partSize(base, size int64, n int) int64 {
	if size >= 0 {
		const step = 1 << 20
		least := (size + maxParts - 1) / maxParts
		return max(base, (least+step-1)/step*step)
	}
	return min(base<<((n-1)/1000), maxPart)
}

// readPart fills the n-th part from the body. It waits while other Puts hold all the memory there is for them.
func (s *S3) readPart(ctx context.Context, source *exact, n int) (*part, error) {
	length := partSize(s.config.PartSize, source.size, n)
	if source.size >= 0 {
		length = min(length, source.size-source.read)
	}
	p := &part{number: n, s: s, held: min(length, s.config.Memory)}
	if err := s.memory.Acquire(ctx, p.held); err != nil {
		return nil, err
	}
	p.users.Store(1)
	buf := s.buffer(p, length)
	read, err := fill(source, buf)
	p.body = buf[:read]
	p.last = err == io.EOF || (source.size >= 0 && source.read == source.size)
	if err != nil && err != io.EOF {
		p.drop()
		return nil, err
	}
	if source.size == 0 {
		err = atEndOf(source)
	}
	if err != nil && err != io.EOF {
		p.drop()
		return nil, err
	}
	return p, nil
}

// atEndOf makes an empty body be looked at, too: it may be longer than announced.
func atEndOf(source *exact) error {
	_, err := source.Read(nil)
	return err
}

func (s *S3) buffer(p *part, length int64) []byte {
	if length < s.config.PartSize/2 || length > s.config.PartSize {
		return make([]byte, length)
	}
	pooled, ok := s.buffers.Get().(*[]byte)
	if !ok {
		b := make([]byte, s.config.PartSize)
		pooled = &b
	}
	p.pooled = pooled
	return (*pooled)[:length]
}

// drop gives the buffer back when the last user drops it: its Put, or a connection that is still sending it.
func (p *part) drop() {
	if p.users.Add(-1) > 0 {
		return
	}
	if p.pooled != nil {
		p.s.buffers.Put(p.pooled)
	}
	p.s.memory.Release(p.held)
}

// A server may answer before it has read the body, "busy" for example. The connection then goes on reading the body
// for a while, when the request is over, sent again, or its buffer already in use for something else. So each attempt
// gets a reader of its own, and counts as a user of the buffer until the connection has closed it.
type partTransport struct{ http.RoundTripper }

type partKey struct{}

// context tells partTransport which part a request is to carry.
func (p *part) context(ctx context.Context) context.Context {
	return context.WithValue(ctx, partKey{}, p)
}

func (t partTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if p, ok := r.Context().Value(partKey{}).(*part); ok && r.Body != nil {
		attempt := *r
		p.users.Add(1)
		attempt.Body = &partReader{Reader: bytes.NewReader(p.body), drop: sync.OnceFunc(p.drop)}
		r.Body.Close()
		r = &attempt
	}
	return t.RoundTripper.RoundTrip(r)
}

type partReader struct {
	*bytes.Reader
	drop func()
}

func (r *partReader) Close() error {
	r.drop()
	return nil
}
