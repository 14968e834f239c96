package db_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

	"sluice/infra/audit"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestAJobWhoseErrorIsNoTextIsPutOffLikeAnyOther(t *testing.T) {
	for name, text := range map[string]string{
		"a letter across the limit": strings.Repeat("a", 499) + "é",
		"broken letters":            "the server said \xff\xfe",
		"a zero byte":               "the server said \x00",
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				enqueue(t, d, "odd", clock.Now())
				work(t, d, map[string]db.Handler{"odd": func(context.Context, string) error { return errors.New(text) }})
				if found := jobs(t, d); len(found) != 1 || found[0].Running || found[0].Attempts != 1 {
					t.Errorf("got %+v, want one job that was tried once and does not run", found)
				}
			})
		})
	}
}

func TestAJobAskedForDuringItsLastAttemptStartsAfresh(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		enqueue(t, d, "hard", clock.Now())
		tries := 0
		handlers := map[string]db.Handler{"hard": func(context.Context, string) error {
			if tries++; tries == 10 {
				enqueue(t, d, "hard", clock.Now())
			}
			return errors.New("no")
		}}
		for range 10 {
			work(t, d, handlers)
			clock.Advance(20 * 60e9)
		}
		if found := jobs(t, d); len(found) != 1 || !found[0].Parked.IsZero() || found[0].Attempts != 0 {
			t.Errorf("got %+v, want a job that starts afresh", found)
		}
	})
}

func TestStoppingTheProcessCostsAJobNoAttempt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		enqueue(t, d, "long", clock.Now())
		ctx, stop := context.WithCancel(t.Context())
		_, err := d.WorkOnce(ctx, slog.New(slog.NewTextHandler(io.Discard, nil)), map[string]db.Handler{"long": func(ctx context.Context, _ string) error {
			stop()
			return ctx.Err()
		}})
		if err != nil {
			t.Fatal(err)
		}
		if found := jobs(t, d); len(found) != 1 || found[0].Attempts != 0 || found[0].Running {
			t.Errorf("got %+v, want a job that waits with no attempt counted", found)
		}
	})
}

func TestUpkeepCannotWriteThroughAQuery(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		err := d.Upkeep(t.Context(), func(tx *db.Tx) error {
			rows, err := tx.Query(`INSERT INTO counters (name, value) VALUES ($1, 1) RETURNING value`, "x")
			if err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Close(), rows.Err())
			}
			return err
		})
		if err == nil {
			t.Error("got no error, want the statement refused: it needs a change that is recorded")
		}
	})
}

// TestALogThatIsLongIsVerified walks a log longer than one page, with time that a View would not have.
func TestALogThatIsLongIsVerified(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		const entries = 11_000
		for range entries / 1000 {
			err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
				for range 1000 {
					if err := tx.Record("thing:1", happened{}); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		verify := func() (n int, err error) {
			err = d.Survey(t.Context(), func(tx *db.Tx) error {
				if _, bounded := tx.Deadline(); bounded {
					t.Error("a survey has a time limit of its own")
				}
				head, err := tx.VerifyLog(func(audit.Entry, audit.Body) error { n++; return nil })
				if err == nil && head.Seq != entries {
					t.Errorf("got to entry %d, want %d", head.Seq, entries)
				}
				return err
			})
			return n, err
		}
		if n, err := verify(); n != entries || err != nil {
			t.Errorf("got %d entries and %v, want %d and no error", n, err, entries)
		}
		// Around the ends of pages too.
		for _, seq := range []string{"1", "5000", "5001", "10000", "10001", "11000"} {
			if err := d.Tamper(t.Context(), `UPDATE audit_entries SET seq = -seq WHERE seq = `+seq); err != nil {
				t.Fatal(err)
			}
			if _, err := verify(); !errors.Is(err, audit.ErrBroken) {
				t.Errorf("entry %s moved: got %v, want ErrBroken", seq, err)
			}
			if err := d.Tamper(t.Context(), `UPDATE audit_entries SET seq = -seq WHERE seq = -`+seq); err != nil {
				t.Fatal(err)
			}
		}
	})
}
