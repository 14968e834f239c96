package db_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"

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
