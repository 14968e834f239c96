package db

import (
	"errors"
	"fmt"
	"sync"
	"time"
)

// ErrClock: the clock of this machine leapt. Nothing is changed until somebody has looked at it and started the process
// again: a leap forward would end agreements and destroy keys that are still meant to live, and the log, whose times never
// run back, would keep everybody at the wrong hour after the clock was mended.
var ErrClock = errors.New("the clock of this machine leapt; set it right, then start this process again")

// leap is how far the clock may run apart from the time that has passed before it counts as a leap. Daylight saving is no
// leap, for instants know no zone; what a time server corrects in normal running is far less.
const leap = 5 * time.Minute

// A steadiness compares the clock with the time that has passed since the process started, sleep of the machine included.
type steadiness struct {
	wall   func() time.Time
	passed func() (time.Duration, error) // since some fixed moment; never leaps

	mu      sync.Mutex
	started bool
	offset  time.Duration // of the clock against passed, at the last look
	leapt   error
}

func newSteadiness() *steadiness { return &steadiness{wall: time.Now, passed: sinceBoot} }

// check is ErrClock once the clock has leapt, and from then on.
func (s *steadiness) check() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.leapt != nil {
		return s.leapt
	}
	passed, err := s.passed()
	if err != nil {
		return nil // a system without such a clock: nothing to compare with
	}
	offset := s.wall().Sub(time.Unix(0, 0).Add(passed))
	apart := offset - s.offset
	// Drift is taken over little by little, so that a slow clock is no leap after a year.
	first := !s.started
	s.started, s.offset = true, offset
	if !first && (apart > leap || apart < -leap) {
		s.leapt = fmt.Errorf("%w (by %s)", ErrClock, apart.Round(time.Second))
	}
	return s.leapt
}
