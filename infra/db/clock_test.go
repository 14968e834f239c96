package db

import (
	"errors"
	"testing"
	"time"
)

func TestALeapOfTheClockStopsChangesUntilTheProcessStartsAgain(t *testing.T) {
	for _, row := range []struct {
		name  string
		wall  []time.Duration // how the clock moves at each step
		leaps bool
	}{
		{"a clock that goes right", []time.Duration{time.Minute, time.Hour, time.Second}, false},
		{"a year of drift", []time.Duration{time.Minute + 4*time.Minute, time.Hour + 4*time.Minute, time.Second + 4*time.Minute}, false},
		{"two years ahead", []time.Duration{time.Minute, time.Hour + 2*365*24*time.Hour, time.Second}, true},
		{"ahead and back again", []time.Duration{time.Minute + time.Hour, time.Hour - time.Hour, time.Second}, true},
		{"back", []time.Duration{time.Minute, -time.Hour, time.Second}, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			passed := []time.Duration{time.Minute, time.Hour, time.Second}
			now, since := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC), time.Duration(0)
			s := &steadiness{wall: func() time.Time { return now }, passed: func() (time.Duration, error) { return since, nil }}
			err := s.check()
			for i := range row.wall {
				now, since = now.Add(row.wall[i]), since+passed[i]
				err = s.check()
			}
			if errors.Is(err, ErrClock) != row.leaps {
				t.Errorf("got %v, want a leap: %t", err, row.leaps)
			}
		})
	}
}

func TestNothingIsWrittenAfterALeap(t *testing.T) {
	d, err := Open(t.Context(), "sqlite:"+t.TempDir()+"/sluice.db")
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.steady.leapt = ErrClock
	write := func(tx *Tx) error { t.Error("it ran"); return nil }
	if err := d.Change(t.Context(), Worker(), write); !errors.Is(err, ErrClock) || !errors.Is(err, ErrAway) {
		t.Errorf("a change: got %v, want ErrClock, and work that waits", err)
	}
	if err := d.Upkeep(t.Context(), write); !errors.Is(err, ErrClock) {
		t.Errorf("upkeep: got %v, want ErrClock", err)
	}
	if err := d.View(t.Context(), func(tx *Tx) error { return nil }); err != nil {
		t.Errorf("a view: got %v; looking does no harm", err)
	}
}
