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

// errCut ends a stream in the middle. The client sees a connection that broke, and takes nothing for the whole.
var errCut = errors.New("the stream was cut")

// A stream is one response on its way out.
type stream struct {
	who      account.Who
	delivery ID
	transfer TransferID
	until    atomic.Int64          // end of the term, as db.Stamp, as it was when last asked
	still    func(tx *db.Tx) error // whether the session or token it came with still holds
	cut      func()                // breaks the connection, whatever it waits for
	isCut    atomic.Bool           //
	unsaved  atomic.Int64          // bytes sent and not yet in the progress row
	saved    time.Time             // when that was done last; used by the watch only
	asked    int64                 // number of the log's entry up to which the question was asked; used under mu
}

// streams are the open streams of one process, and the watch over them. A stream is cut when the question whether its
// reader may read is answered no, or cannot be answered.
type streams struct {
	depot *Depot
	log   *slog.Logger

	mu   sync.Mutex
	open map[*stream]struct{}
}

func newStreams(p *Depot) *streams {
	return &streams{depot: p, log: p.opts.Log, open: map[*stream]struct{}{}}
}

func (s *streams) add(one *stream) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[one] = struct{}{}
}

func (s *streams) remove(one *stream) {
	s.mu.Lock()
	delete(s.open, one)
	s.mu.Unlock()
	s.flush([]*stream{one})
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

// end cuts a stream.
func (one *stream) end() {
	if one.isCut.CompareAndSwap(false, true) {
		one.cut()
	}
}

// watch runs until ctx ends, and cuts what is then still open.
func (s *streams) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	answered := s.depot.db.Now()
	for {
		select {
		case <-ctx.Done():
			for _, one := range s.behind(1 << 62) {
				one.end()
			}
			return
		case <-tick.C:
		}
		if s.count() == 0 {
			answered = s.depot.db.Now()
			continue
		}
		if err := s.look(ctx); err == nil {
			answered = s.depot.db.Now()
		} else if s.depot.db.Now().Sub(answered) >= blindAfter {
			s.log.Error("no answer about open streams: all are cut", "error", err.Error())
			for _, one := range s.behind(1 << 62) {
				one.end()
			}
		}
		s.flush(s.behind(1 << 62))
	}
}

// look asks again for every stream that was last asked about before the newest entry of the log.
func (s *streams) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, watchEvery)
	defer cancel()
	return s.depot.db.View(ctx, func(tx *db.Tx) error {
		head, err := tx.Head()
		if err != nil {
			return err
		}
		for _, one := range s.behind(head.Seq) {
			switch err := s.askAgain(tx, one); {
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

func (s *streams) askAgain(tx *db.Tx, one *stream) error {
	access, err := s.depot.ask(tx, one.who, one.delivery)
	if err != nil {
		return err
	}
	one.until.Store(db.Stamp(access.Agreement.Term.Until))
	if one.still != nil {
		return one.still(tx)
	}
	return nil
}

// flush writes the progress of streams that have sent something, or that have been silent for long.
func (s *streams) flush(some []*stream) {
	now := s.depot.db.Now()
	sent := map[TransferID]int64{}
	taken := map[*stream]int64{}
	for _, one := range some {
		s.mu.Lock()
		waited := now.Sub(one.saved)
		_, stillOpen := s.open[one]
		due := !stillOpen || waited >= touchEvery || waited >= flushEvery && one.unsaved.Load() > 0
		if due {
			one.saved = now
		}
		s.mu.Unlock()
		if due {
			n := one.unsaved.Swap(0)
			taken[one] = n
			sent[one.transfer] += n
		}
	}
	if len(sent) == 0 {
		return
	}
	// What was sent is written down even when the request or the process is ending.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := s.depot.saveProgress(ctx, sent); err != nil {
		s.log.Warn("progress could not be written", "error", err.Error())
		for one, n := range taken {
			one.unsaved.Add(n)
		}
	}
}
