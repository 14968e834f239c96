package crypt4gh

import (
	"io"
	"sync"
)

const (
	// parallelWorkers open segments while the caller writes. A third would wait for the other two: reading and writing
	// stay in order.
	parallelWorkers = 2
	// parallelChunks are in use at once: one for each worker, one being written and one ready.
	parallelChunks = parallelWorkers + 2
)

// WriteParallel does what WriteTo does with two more goroutines: about twice as fast on two free cores, for about a
// megabyte of memory. All writes happen on the calling goroutine, in order, so w needs no lock; what r reads from is read
// by one goroutine at a time. It returns after the read under way has ended, so a source that can hang needs a context.
func (r *Reader) WriteParallel(w io.Writer) (int64, error) {
	written, err := r.drain(w)
	if err != nil {
		return written, notEnd(err)
	}
	p := startParallel(r)
	defer p.stop()
	for {
		c := <-p.ordered
		<-c.ready
		n, err := r.emit(c.plain[:c.count], w)
		written += n
		if err == nil && c.err != nil {
			err = r.fail(c.err)
		}
		if err == nil && r.window.done() {
			err = r.fail(io.EOF)
		}
		p.free <- c
		if err != nil {
			return written, notEnd(err)
		}
	}
}

// drain writes what an earlier Read has left over of its chunk.
func (r *Reader) drain(w io.Writer) (int64, error) {
	if r.now == nil {
		return 0, r.err
	}
	c := r.now
	n, err := w.Write(r.part)
	written := int64(n)
	if err != nil {
		return written, r.fail(err)
	}
	r.part = nil
	more, err := r.emit(c.plain[r.at:c.count], w)
	written += more
	if err != nil {
		return written, err
	}
	if c.err != nil {
		return written, r.fail(c.err)
	}
	chunks.Put(c)
	r.now = nil
	return written, nil
}

// emit writes what segments have of kept plaintext.
func (r *Reader) emit(plain [][]byte, w io.Writer) (int64, error) {
	var written int64
	for _, rest := range plain {
		for len(rest) > 0 {
			var kept []byte
			kept, rest = r.window.next(rest)
			if len(kept) == 0 {
				continue
			}
			n, err := w.Write(kept)
			written += int64(n)
			if err != nil {
				// The workers have read ahead: where this reader stands is no longer known.
				return written, r.fail(err)
			}
		}
	}
	return written, nil
}

// A parallel reads and opens chunks ahead of the one who writes. Chunks go round: free → read, in turn → ordered, and at
// the same time opened → ready → written → free.
type parallel struct {
	r       *Reader
	turn    sync.Mutex
	ended   bool // guarded by turn: the last chunk was read
	free    chan *chunk
	ordered chan *chunk
	quit    chan struct{}
	running sync.WaitGroup
}

func startParallel(r *Reader) *parallel {
	p := &parallel{
		r:       r,
		free:    make(chan *chunk, parallelChunks),
		ordered: make(chan *chunk, parallelChunks),
		quit:    make(chan struct{}),
	}
	for range parallelChunks {
		p.free <- takeChunk()
	}
	for range parallelWorkers {
		p.running.Go(p.work)
	}
	return p
}

func (p *parallel) work() {
	for {
		select {
		case <-p.quit:
			return
		case c := <-p.free:
			if !p.read(c) {
				return
			}
			p.r.opener.open(c)
			c.ready <- struct{}{}
		}
	}
}

// read fills a chunk when it is this worker's turn; false when there is nothing more to read.
func (p *parallel) read(c *chunk) bool {
	p.turn.Lock()
	defer p.turn.Unlock()
	if p.ended {
		p.free <- c
		return false
	}
	p.r.fill(c)
	p.ended = c.err != nil
	p.ordered <- c
	return true
}

// stop waits for the workers and gives the chunks back.
func (p *parallel) stop() {
	close(p.quit)
	p.running.Wait()
	for {
		select {
		case c := <-p.free:
			chunks.Put(c)
		case c := <-p.ordered:
			<-c.ready
			chunks.Put(c)
		default:
			return
		}
	}
}
