package crypt4gh

import (
	"sync"
	"sync/atomic"
)

const (
	// largeSegments are read, opened and written at once by a stream that has the machine nearly to itself: a megabyte.
	// Smaller reads cost some percent of the time, larger ones gain nothing.
	largeSegments = 16
	// smallSegments are a chunk of everything else: short ranges, Read, and streams beyond the first largeStreams.
	smallSegments = 4
	// largeStreams bounds what all streams of the process need: beyond it each has a quarter of a megabyte, and no second
	// goroutine, for which there would be no core anyway.
	largeStreams = 8
)

// A chunk is some segments of a body, opened or sealed where they lie.
type chunk struct {
	buf   []byte
	n     int   // bytes of body in buf
	seg   int64 // index of the first segment
	plain [largeSegments][]byte
	count int   // segments opened
	err   error // what ended the stream after these
	ready chan struct{}
}

// Chunks are shared by all streams of the process: a gateway with many short ranges would otherwise leave them all to the
// garbage collector.
var smallChunks, largeChunks = chunkPool(smallSegments), chunkPool(largeSegments)

func chunkPool(segments int) *sync.Pool {
	return &sync.Pool{New: func() any {
		return &chunk{buf: make([]byte, segments*SegmentSize), ready: make(chan struct{}, 1)}
	}}
}

func takeChunk(large bool) *chunk {
	pool := smallChunks
	if large {
		pool = largeChunks
	}
	c := pool.Get().(*chunk)
	c.drop()
	return c
}

func (c *chunk) drop() { c.n, c.count, c.err = 0, 0, nil }

func (c *chunk) release() {
	if len(c.buf) == largeSegments*SegmentSize {
		largeChunks.Put(c)
	} else {
		smallChunks.Put(c)
	}
}

// streams counts the copies under way in the process.
var streams atomic.Int64

// beginStream says whether a copy of want bytes of body (negative: not known) may have large chunks. endStream must follow.
func beginStream(want int64) (large bool) {
	return streams.Add(1) <= largeStreams && (want < 0 || want > smallSegments*SegmentSize)
}

func endStream() { streams.Add(-1) }
