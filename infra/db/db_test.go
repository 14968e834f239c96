package db_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/infra/audit"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

type happened struct {
	What string `json:"what"`
}

func (happened) Kind() string { return "test.happened" }

func change(t *testing.T, d *db.DB, what string) {
	t.Helper()
	if err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error { return tx.Record("thing:1", happened{what}) }); err != nil {
		t.Fatal(err)
	}
}

func TestAChangeIsKeptOnlyWithItsEntry(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		counted := func() (n int64) {
			d.View(t.Context(), func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT COUNT(*) FROM counters`).Scan(&n)
			})
			return n
		}
		count := func(tx *db.Tx) error { _, err := tx.Next("x"); return err }

		err := d.Change(t.Context(), db.Worker(), count)
		if !errors.Is(err, db.ErrSilent) || counted() != 0 {
			t.Errorf("a silent change: got %v and %d rows, want ErrSilent and none", err, counted())
		}
		boom := errors.New("boom")
		err = d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			return errors.Join(count(tx), tx.Record("thing:1", happened{}), boom)
		})
		if !errors.Is(err, boom) || counted() != 0 {
			t.Errorf("a failed change: got %v and %d rows, want boom and none", err, counted())
		}
		err = d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			return errors.Join(count(tx), db.ErrUnchanged)
		})
		if err != nil || counted() != 0 {
			t.Errorf("nothing to change: got %v and %d rows, want neither", err, counted())
		}
		err = d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			return errors.Join(count(tx), tx.Record("thing:1", happened{}))
		})
		if err != nil || counted() != 1 {
			t.Errorf("a recorded change: got %v and %d rows, want one", err, counted())
		}
		if err := d.Change(t.Context(), db.Actor{}, count); err == nil {
			t.Error("a change without an actor went through")
		}
	})
}

func TestOnlyAChangeMayWriteWhatIsProved(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		for _, statement := range []string{
			`INSERT INTO counters (name, value) VALUES ('x', 1)`,
			`UPDATE audit_entries SET body = ''`,
			` delete from audit_entries`,
			`WITH x AS (SELECT 1) INSERT INTO counters (name, value) VALUES ('x', 1)`,
			`DROP TABLE counters`,
		} {
			for name, run := range map[string]func(context.Context, func(*db.Tx) error) error{"Upkeep": d.Upkeep, "View": d.View} {
				if err := run(t.Context(), func(tx *db.Tx) error { _, err := tx.Exec(statement); return err }); err == nil {
					t.Errorf("%s ran %q", name, statement)
				}
			}
			err := d.Upkeep(t.Context(), func(tx *db.Tx) error {
				var x any
				return tx.QueryRow(statement + ` RETURNING 1`).Scan(&x)
			})
			if err == nil {
				t.Errorf("Upkeep ran %q through QueryRow", statement)
			}
		}
	})
}

func TestOneOfManyWritersOfOneRowWins(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			_, err := tx.Next("rev")
			return errors.Join(err, tx.Record("thing:1", happened{}))
		})
		if err != nil {
			t.Fatal(err)
		}
		var won, lost atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
					if err := tx.Update(`UPDATE counters SET value = 2 WHERE name = 'rev' AND value = 1`); err != nil {
						return err
					}
					return tx.Record("thing:1", happened{"won"})
				})
				switch {
				case err == nil:
					won.Add(1)
				case errors.Is(err, db.ErrConflict):
					lost.Add(1)
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won.Load() != 1 || lost.Load() != 15 {
			t.Errorf("%d won and %d were told, want 1 and 15", won.Load(), lost.Load())
		}
	})
}

func TestWritersAreSerialisedAndTheChainHolds(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					// Read, then write what was read plus one, without any revision: safe only because writers wait.
					err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
						var n int64
						if err := tx.QueryRow(`SELECT COUNT(*) FROM audit_entries`).Scan(&n); err != nil {
							return err
						}
						return tx.Record(fmt.Sprintf("thing:%d", n+1), happened{})
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		err := d.View(t.Context(), func(tx *db.Tx) error {
			head, err := tx.VerifyLog(func(e audit.Entry, b audit.Body) error {
				if want := fmt.Sprintf("thing:%d", e.Seq); b.Subject != want {
					t.Errorf("entry %d is about %s, want %s: a writer read what was stale", e.Seq, b.Subject, want)
				}
				return nil
			})
			if head.Seq != 160 {
				t.Errorf("got %d entries, want 160", head.Seq)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheTimeOfAChangeIsNeverBeforeTheEntryItFollows(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		change(t, d, "first")
		clock.Advance(-time.Hour)
		change(t, d, "second, on a replica whose clock runs behind")
		err := d.View(t.Context(), func(tx *db.Tx) error {
			_, err := tx.VerifyLog(nil)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestWhatIsEditedInTheTablesIsFound(t *testing.T) {
	for _, row := range []struct{ name, statement string }{
		{"a body", `UPDATE audit_entries SET body = '{"v":1,"kind":"test.happened","by":"worker","on":"thing:1","data":{"what":"x"}}' WHERE seq = 2`},
		{"a column of the time lines", `UPDATE audit_entries SET actor = 'person:nobody' WHERE seq = 2`},
		{"a removed entry", `DELETE FROM audit_entries WHERE seq = 2`},
		{"a removed tail", `DELETE FROM audit_entries WHERE seq = 3`},
		{"the head", `UPDATE audit_head SET seq = 2`},
	} {
		t.Run(row.name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				for range 3 {
					change(t, d, "something")
				}
				if err := d.Tamper(t.Context(), row.statement); err != nil {
					t.Fatal(err)
				}
				err := d.View(t.Context(), func(tx *db.Tx) error { _, err := tx.VerifyLog(nil); return err })
				if !errors.Is(err, audit.ErrBroken) {
					t.Errorf("got %v, want ErrBroken", err)
				}
			})
		})
	}
}

func TestADatabaseThatIsGoneSaysSo(t *testing.T) {
	d, _ := dbtest.SQLite(t)
	change(t, d, "before")
	d.Close()
	err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error { return tx.Record("thing:1", happened{}) })
	if !errors.Is(err, db.ErrAway) {
		t.Errorf("got %v, want ErrAway", err)
	}
	if _, err := db.Open(t.Context(), "sqlite:"+filepath.Join(t.TempDir(), "no", "such", "folder", "x.db")); !errors.Is(err, db.ErrAway) {
		t.Errorf("opening a database that cannot be: got %v, want ErrAway", err)
	}
	if _, err := db.Open(t.Context(), "postgres://user:hunter2@127.0.0.1:1/x?connect_timeout=1"); !errors.Is(err, db.ErrAway) || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want ErrAway without the password", err)
	}
	if _, err := db.Open(t.Context(), "postgres://user:hunter2@127.0.0.1:notaport/x"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("got %v, want an error without the password", err)
	}
}

func work(t *testing.T, d *db.DB, handlers map[string]db.Handler) bool {
	t.Helper()
	ran, err := d.WorkOnce(t.Context(), slog.New(slog.DiscardHandler), handlers)
	if err != nil {
		t.Fatal(err)
	}
	return ran
}

func enqueue(t *testing.T, d *db.DB, kind string, when time.Time) {
	t.Helper()
	if err := d.Upkeep(t.Context(), func(tx *db.Tx) error { return tx.Enqueue(kind, "s", when) }); err != nil {
		t.Fatal(err)
	}
}

func jobs(t *testing.T, d *db.DB) (found []db.Job) {
	t.Helper()
	if err := d.View(t.Context(), func(tx *db.Tx) (err error) { found, err = tx.Jobs(); return err }); err != nil {
		t.Fatal(err)
	}
	return found
}

func TestAJobRunsOnceWhenItIsDue(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs := 0
		handlers := map[string]db.Handler{"k": func(context.Context, string) error { runs++; return nil }}
		enqueue(t, d, "k", clock.Now().Add(time.Hour))
		enqueue(t, d, "k", clock.Now().Add(2*time.Hour))
		enqueue(t, d, "unknown here", clock.Now())
		if work(t, d, handlers) {
			t.Error("a job ran before it was due, or without a handler")
		}
		clock.Advance(time.Hour)
		if !work(t, d, handlers) || work(t, d, handlers) || runs != 1 {
			t.Errorf("got %d runs, want 1", runs)
		}
	})
}

func TestAJobThatFailsComesBackAndIsParkedAfterTenAttempts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs, fail := 0, true
		handlers := map[string]db.Handler{"k": func(context.Context, string) error {
			runs++
			if fail {
				panic("a bug")
			}
			return nil
		}}
		enqueue(t, d, "k", clock.Now())
		for range 20 {
			work(t, d, handlers)
			clock.Advance(time.Hour)
		}
		found := jobs(t, d)
		if runs != 10 || len(found) != 1 || found[0].Parked.IsZero() || !strings.Contains(found[0].LastError, "a bug") {
			t.Fatalf("got %d runs and %+v, want 10 and one parked job", runs, found)
		}
		fail = false
		enqueue(t, d, "k", clock.Now())
		if !work(t, d, handlers) || len(jobs(t, d)) != 0 {
			t.Errorf("a parked job that was asked for again did not run: %+v", jobs(t, d))
		}
	})
}

func TestAJobThatOnlyWaitsIsNeverParked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs := 0
		handlers := map[string]db.Handler{"k": func(context.Context, string) error { runs++; return db.Waiting(errors.New("sealed")) }}
		enqueue(t, d, "k", clock.Now())
		for range 30 {
			work(t, d, handlers)
			clock.Advance(time.Minute)
		}
		if found := jobs(t, d); runs != 30 || len(found) != 1 || !found[0].Parked.IsZero() || found[0].LastError != "sealed" {
			t.Errorf("got %d runs and %+v, want 30 and a waiting job", runs, found)
		}
	})
}

func TestAJobAskedForWhileItRunsRunsOnceMore(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs := 0
		handlers := map[string]db.Handler{"k": func(context.Context, string) error {
			if runs++; runs == 1 {
				enqueue(t, d, "k", clock.Now().Add(time.Minute))
			}
			return nil
		}}
		enqueue(t, d, "k", clock.Now())
		work(t, d, handlers)
		if work(t, d, handlers) {
			t.Error("it ran again before the time it was asked for")
		}
		clock.Advance(time.Minute)
		if !work(t, d, handlers) || runs != 2 || len(jobs(t, d)) != 0 {
			t.Errorf("got %d runs and %+v, want 2 and nothing left", runs, jobs(t, d))
		}
	})
}

func TestAJobOfAWorkerThatFellSilentIsTakenOver(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		runs := 0
		var handlers map[string]db.Handler
		handlers = map[string]db.Handler{"k": func(context.Context, string) error {
			if runs++; runs == 1 { // the first worker hangs past its lease; the second does the job meanwhile
				clock.Advance(2 * time.Minute)
				if !work(t, d, handlers) {
					t.Error("nobody took over")
				}
			}
			return nil
		}}
		enqueue(t, d, "k", clock.Now())
		work(t, d, handlers)
		if runs != 2 || len(jobs(t, d)) != 0 {
			t.Errorf("got %d runs and %+v, want 2 and nothing left", runs, jobs(t, d))
		}
	})
}

func TestManyWorkersTakeNoJobTwice(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		err := d.Upkeep(t.Context(), func(tx *db.Tx) error {
			for i := range 60 {
				if err := tx.Enqueue("k", fmt.Sprint(i), tx.At); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		seen := map[string]int{}
		ctx, cancel := context.WithCancel(t.Context())
		d.Work(ctx, slog.New(slog.DiscardHandler), 6, map[string]db.Handler{"k": func(_ context.Context, s string) error {
			mu.Lock()
			defer mu.Unlock()
			if seen[s]++; len(seen) == 60 {
				cancel()
			}
			return nil
		}})
		for s, n := range seen {
			if n != 1 {
				t.Errorf("job %s ran %d times", s, n)
			}
		}
		if len(seen) != 60 {
			t.Errorf("%d jobs ran, want 60", len(seen))
		}
	})
}
