package delivery

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// Rhythm of the watch over open streams (DESIGN.md 7).
const (
	watchEvery = 500 * time.Millisecond // how often the log's head is looked at
	blindAfter = 2 * time.Second        // without an answer for so long, everything is cut
	flushEvery = time.Second            // progress is written at most so often
	touchEvery = time.Minute            // and at least so often while a stream is open, or a slow one would count as idle
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// errCut ends a stream in the middle. The client sees a connection that broke, and takes nothing for the whole.
var errCut = errors.New("the stream was cut")

// ErrNotWatched is the answer while nobody can say whether open streams may go on: no new one is begun then.
var ErrNotWatched = errors.New("downloads are not watched over at the moment")

// A stream is one response on its way out.
type stream struct {
	who      account.Who
	delivery ID
	transfer TransferID
	until    atomic.Int64 // when reading ends by itself, as db.Stamp, as it was when last asked
	cut      func()       // breaks the connection, whatever it waits for
	isCut    atomic.Bool
	unsaved  atomic.Int64 // bytes sent and not yet in the progress row
	asked    int64        // number of the log's entry up to which the question was asked; under the lock of streams
}

// end cuts a stream.
func (one *stream) end() {
	if one.isCut.CompareAndSwap(false, true) {
		one.cut()
	}
}

// endAfter cuts a stream when the term, the session or the token is over.
func (one *stream) endAfter(now time.Time) {
	if db.Stamp(now) >= one.until.Load() {
		one.end()
	}
}

// streams are the open streams of one process, and the watch over them. A stream is cut when the question whether its
// reader may read is answered no, or cannot be answered.
type streams struct {
	depot *Depot
	log   *slog.Logger
	ready chan struct{} // closed when the watch has had its first answer
	looks atomic.Int64  // answers of the watch

	mu       sync.Mutex
	open     map[*stream]struct{}
	blind    bool                     // the watch has no answers, or has ended
	finished map[TransferID]int64     // bytes of responses that have ended, not yet in the progress row
	saved    map[TransferID]time.Time // when the progress of an open transfer was written last
}

func newStreams(p *Depot) *streams {
	return &streams{depot: p, log: p.opts.Log, ready: make(chan struct{}), open: map[*stream]struct{}{},
		finished: map[TransferID]int64{}, saved: map[TransferID]time.Time{}}
}

// add takes a stream under the watch. Without a watch that can see, nothing may flow.
func (s *streams) add(ctx context.Context, one *stream) error {
	patience := time.NewTimer(blindAfter)
	defer patience.Stop()
	select {
	case <-s.ready:
	case <-ctx.Done():
		return ctx.Err()
	case <-patience.C:
		return ErrNotWatched
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blind {
		return ErrNotWatched
	}
	s.open[one] = struct{}{}
	return nil
}

// remove takes a stream that has ended out. Its last bytes are counted by the next flush: an answer does not wait for that.
func (s *streams) remove(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.open, one)
	one.isCut.Store(true) // its connection may carry another answer soon, which must not be broken for this one
	if n := one.unsaved.Swap(0); n > 0 {
		s.finished[one.transfer] += n
	}
}

func (s *streams) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}

// behind lists the streams that were last asked about before the log's entry seq.
func (s *streams) behind(seq int64) []*stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []*stream
	for one := range s.open {
		if one.asked < seq {
			all = append(all, one)
		}
	}
	return all
}

// close cuts all that is open and lets nothing new begin.
func (s *streams) close() {
	s.mu.Lock()
	s.blind = true
	s.mu.Unlock()
	for _, one := range s.behind(1 << 62) {
		one.end()
	}
}

// watch runs until ctx ends, and cuts what is then still open. Looking and writing progress down are two goroutines: a
// database that is slow to write must not keep a removed contact's stream open. The alarm is a third, because a look
// that hangs cannot notice how long it has been hanging.
func (s *streams) watch(ctx context.Context) {
	alarm := time.AfterFunc(blindAfter, func() {
		if ctx.Err() == nil {
			s.log.Error("no answer about open streams: all are cut")
			s.close()
		}
	})
	var flushing sync.WaitGroup
	flushing.Go(func() { s.keepFlushing(ctx) })
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for first := true; ctx.Err() == nil; first = false {
		if err := s.look(ctx); err == nil {
			alarm.Reset(blindAfter)
			s.looks.Add(1)
			s.mu.Lock()
			s.blind = false
			s.mu.Unlock()
			select {
			case <-s.ready:
			default:
				close(s.ready)
			}
		} else if ctx.Err() == nil && first {
			s.log.Warn("looking at open streams", "error", err.Error())
		}
		for _, one := range s.behind(1 << 62) { // one that waits for its reader looks at no clock
			one.endAfter(s.depot.db.Now())
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	alarm.Stop()
	s.close()
	s.drain()
	flushing.Wait()
	s.flush()
}

// drain waits a moment for what was cut to end, so that its bytes are counted.
func (s *streams) drain() {
	enough := time.NewTimer(blindAfter)
	defer enough.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.count() > 0 {
		select {
		case <-enough.C:
			return
		case <-tick.C:
		}
	}
}

// look asks again for every stream that was last asked about before the newest entry of the log.
func (s *streams) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, blindAfter)
	defer cancel()
	return s.depot.db.View(ctx, func(tx *db.Tx) error {
		head, err := tx.Head()
		if err != nil {
			return err
		}
		known := map[question]verdict{}
		for _, one := range s.behind(head.Seq) {
			switch err := s.askAgain(tx, one, known); {
			case err == nil:
				s.mu.Lock()
				one.asked = head.Seq
				s.mu.Unlock()
			case errors.Is(err, db.ErrAway), ctx.Err() != nil:
				return err
			default:
				s.log.Info("a stream was cut", "delivery", string(one.delivery), "transfer", string(one.transfer), "reason", err.Error())
				one.end()
			}
		}
		return nil
	})
}

// A question that many streams have in common is asked once a look.
type (
	question struct {
		person   account.PersonID
		scope    string
		delivery ID
	}
	verdict struct {
		access Access
		err    error
	}
)

func (s *streams) askAgain(tx *db.Tx, one *stream, known map[question]verdict) error {
	who := one.who
	q := question{who.Person(), who.Scope(), one.delivery}
	v, found := known[q]
	if !found {
		access, err := s.depot.ask(tx, who, one.delivery)
		v = verdict{access, err}
		known[q] = v
	}
	if v.err != nil {
		return v.err
	}
	until, err := s.depot.until(tx, who, v.access)
	if err != nil {
		return err
	}
	one.until.Store(db.Stamp(until))
	return nil
}

// keepFlushing writes progress down until ctx ends.
func (s *streams) keepFlushing(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			s.flush()
		case <-ctx.Done():
			return
		}
	}
}

// flush writes the progress of transfers that have sent something, and touches those that have been silent for long.
func (s *streams) flush() {
	now := s.depot.db.Now()
	sent := s.take(now)
	if len(sent) == 0 {
		return
	}
	// What was sent is written down even when the process is ending.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.depot.saveProgress(ctx, sent); err != nil {
		s.log.Warn("progress could not be written", "error", err.Error())
		s.mu.Lock()
		defer s.mu.Unlock()
		for transfer, n := range sent {
			s.finished[transfer] += n
			delete(s.saved, transfer)
		}
	}
}

// take takes the bytes that are not written down yet.
func (s *streams) take(now time.Time) map[TransferID]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := s.finished
	s.finished = map[TransferID]int64{}
	saved := map[TransferID]time.Time{}
	for one := range s.open {
		last := s.saved[one.transfer]
		if n := one.unsaved.Swap(0); n > 0 || now.Sub(last) >= touchEvery {
			sent[one.transfer] += n
		}
		saved[one.transfer] = last
	}
	for transfer := range saved {
		if _, writing := sent[transfer]; writing {
			saved[transfer] = now
		}
	}
	s.saved = saved
	return sent
}
