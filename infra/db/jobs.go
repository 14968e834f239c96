package db

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

const (
	lease       = time.Minute      // how long a worker that fell silent keeps its job
	maxAttempts = 10               // then a person must look
	maxBackOff  = 15 * time.Minute // between attempts
	idle        = time.Second      // between looks at the table when nobody nudged
)

// A Handler does one job. It asks the database what to do, for the job says only about whom; and it is safe to repeat,
// because a job that was done but could not be struck off is done again.
type Handler func(ctx context.Context, subject string) error

// waiting marks an error that says nothing about the job: what it needs is away.
type waiting struct{ error }

func (w waiting) Unwrap() error { return w.error }

// Waiting wraps an error of something outside that is away (sealed, down). The job is tried again every few seconds for
// as long as it takes, and never parked for it.
func Waiting(err error) error {
	if err == nil {
		return nil
	}
	return waiting{err}
}

// Enqueue asks for a job in this transaction, so that it exists exactly if the transaction commits. One job a kind and
// subject: asking again while it waits moves it forward at most; asking while it runs makes it run once more; asking for
// a parked one starts it afresh.
func (tx *Tx) Enqueue(kind, subject string, when time.Time) error {
	_, err := tx.Exec(`INSERT INTO jobs (id, kind, subject, due, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (kind, subject) DO UPDATE SET
			again = CASE WHEN jobs.lease <> '' AND (jobs.again = 0 OR excluded.due < jobs.again) THEN excluded.due ELSE jobs.again END,
			due = CASE WHEN jobs.lease = '' AND (jobs.parked <> 0 OR excluded.due < jobs.due) THEN excluded.due ELSE jobs.due END,
			attempts = CASE WHEN jobs.parked <> 0 THEN 0 ELSE jobs.attempts END,
			parked = 0`,
		NewID(), kind, subject, Stamp(when), Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("enqueueing %s for %s: %w", kind, subject, err)
	}
	tx.enqueued = true
	return nil
}

// nudge wakes a worker of this process; those of others find the job at their next look.
func (d *DB) nudge() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// A Job is one row of the table, for the people who look after it.
type Job struct {
	ID, Kind, Subject string
	Due               time.Time
	Attempts          int
	Running           bool
	Parked            time.Time // zero unless it waits for a person
	LastError         string
}

// Jobs lists the work that waits, runs or is parked, parked first.
func (tx *Tx) Jobs() ([]Job, error) {
	return Many(tx, scanJob, `SELECT id, kind, subject, due, attempts, lease, parked, last_error FROM jobs ORDER BY parked DESC, due, id`)
}

// StuckJobs lists the jobs that are parked, and all of one kind: for pages, where those that wait for a day to come are too many.
func (tx *Tx) StuckJobs(kind string) ([]Job, error) {
	return Many(tx, scanJob, `SELECT id, kind, subject, due, attempts, lease, parked, last_error FROM jobs
		WHERE parked > 0 OR kind = $1 ORDER BY parked DESC, due, id`, kind)
}

func scanJob(r Row) (j Job, err error) {
	var due, parked int64
	var holder string
	err = r.Scan(&j.ID, &j.Kind, &j.Subject, &due, &j.Attempts, &holder, &parked, &j.LastError)
	j.Due, j.Parked, j.Running = Instant(due), Instant(parked), holder != ""
	return j, err
}

// Work runs jobs of the given kinds on n goroutines until ctx ends, then waits for those that run. Any number of
// processes may work on one table.
func (d *DB) Work(ctx context.Context, log *slog.Logger, n int, handlers map[string]Handler) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				ran, err := d.WorkOnce(ctx, log, handlers)
				if err != nil && ctx.Err() == nil {
					log.Warn("looking for work", "error", err.Error())
				}
				if !ran {
					select {
					case <-ctx.Done():
					case <-d.wake:
					case <-time.After(idle):
					}
				}
			}
		})
	}
	wg.Wait()
}

// WorkOnce runs the one job that is due longest, if there is one, and says whether there was.
func (d *DB) WorkOnce(ctx context.Context, log *slog.Logger, handlers map[string]Handler) (bool, error) {
	job, holder, err := d.claim(ctx, handlers)
	if err != nil || holder == "" {
		return false, err
	}
	err = d.perform(ctx, job, holder, handlers[job.Kind])
	if err != nil {
		log.Warn("a job did not succeed", "kind", job.Kind, "subject", job.Subject, "attempt", job.Attempts+1, "error", err.Error())
	}
	if err != nil && ctx.Err() != nil {
		err = Waiting(err) // the process is being stopped; ten restarts must not park a long job
	}
	// What was done must be struck off even while the process is asked to stop.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	return true, d.settle(ctx, job, holder, err)
}

// claim leases the longest due job. The UPDATE repeats the condition, so of several workers one wins.
func (d *DB) claim(ctx context.Context, handlers map[string]Handler) (job Job, holder string, err error) {
	err = d.Upkeep(ctx, func(tx *Tx) error {
		job, holder = Job{}, ""
		rows, err := tx.Query(`SELECT id, kind, subject, due, attempts FROM jobs WHERE parked = 0 AND due <= $1 ORDER BY due, id`, Stamp(tx.At))
		if err != nil {
			return err
		}
		defer rows.Close()
		var due int64
		for rows.Next() {
			if err := rows.Scan(&job.ID, &job.Kind, &job.Subject, &due, &job.Attempts); err != nil {
				return err
			}
			if handlers[job.Kind] != nil {
				holder = NewID()
				break
			}
		}
		if err := rows.Err(); err != nil || holder == "" {
			return err
		}
		rows.Close()
		err = tx.Update(`UPDATE jobs SET lease = $1, due = $2, again = 0 WHERE id = $3 AND due = $4 AND parked = 0`,
			holder, Stamp(tx.At.Add(lease)), job.ID, due)
		if errors.Is(err, ErrConflict) {
			holder = ""
			return nil
		}
		return err
	})
	return job, holder, err
}

// perform runs the handler and keeps the lease meanwhile. When the lease is lost, somebody else does the job now, and
// the handler is told to stop.
func (d *DB) perform(ctx context.Context, job Job, holder string, handle Handler) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{})
	defer close(done)
	go func() {
		tick := time.NewTicker(lease / 3)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				if err := d.renew(ctx, job, holder); errors.Is(err, ErrConflict) {
					cancel(errors.New("the lease was lost"))
					return
				}
			}
		}
	}()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic in %s: %v", job.Kind, r)
		}
	}()
	return handle(ctx, job.Subject)
}

func (d *DB) renew(ctx context.Context, job Job, holder string) error {
	return d.Upkeep(ctx, func(tx *Tx) error {
		return tx.Update(`UPDATE jobs SET due = $1 WHERE id = $2 AND lease = $3`, Stamp(tx.At.Add(lease)), job.ID, holder)
	})
}

// settle strikes off what succeeded, unless it was asked for anew meanwhile, and puts off or parks what failed. When the
// lease was lost nothing is touched: the job is another worker's.
func (d *DB) settle(ctx context.Context, job Job, holder string, failure error) error {
	return d.Upkeep(ctx, func(tx *Tx) error {
		var err error
		var away waiting
		switch {
		case failure == nil:
			var n int64
			n, err = tx.Exec(`DELETE FROM jobs WHERE id = $1 AND lease = $2 AND again = 0`, job.ID, holder)
			if err == nil && n == 0 {
				_, err = tx.Exec(`UPDATE jobs SET lease = '', due = again, again = 0, attempts = 0, last_error = '' WHERE id = $1 AND lease = $2`, job.ID, holder)
			}
		case errors.As(failure, &away):
			_, err = tx.Exec(`UPDATE jobs SET lease = '', due = $1, last_error = $2 WHERE id = $3 AND lease = $4`,
				Stamp(tx.At.Add(pause())), trim(failure), job.ID, holder)
		case job.Attempts+1 >= maxAttempts:
			var n int64
			n, err = tx.Exec(`UPDATE jobs SET lease = '', parked = $1, attempts = attempts + 1, last_error = $2 WHERE id = $3 AND lease = $4 AND again = 0`,
				Stamp(tx.At), trim(failure), job.ID, holder)
			if err == nil && n == 0 { // asked for anew meanwhile: like a parked one, it starts afresh
				_, err = tx.Exec(`UPDATE jobs SET lease = '', due = again, again = 0, attempts = 0, last_error = $1 WHERE id = $2 AND lease = $3`,
					trim(failure), job.ID, holder)
			} else if err == nil && d.Parked != nil {
				err = d.Parked(tx, job)
			}
		default:
			_, err = tx.Exec(`UPDATE jobs SET lease = '', due = $1, attempts = attempts + 1, last_error = $2 WHERE id = $3 AND lease = $4`,
				Stamp(tx.At.Add(backOff(job.Attempts))), trim(failure), job.ID, holder)
		}
		return err
	})
}

// backOff doubles from two seconds, and strays by a fifth so that a thousand jobs do not come back at once.
func backOff(attempts int) time.Duration {
	d := min(2*time.Second<<min(attempts, 20), maxBackOff)
	return d + time.Duration(rand.Int64N(int64(d)/5+1))
}

// pause is how long a job waits whose surroundings are away: short enough that people see it continue by itself.
func pause() time.Duration {
	return 5*time.Second + time.Duration(rand.Int64N(int64(2*time.Second)))
}

func trim(err error) string {
	s := err.Error()
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") // not half a letter
	}
	return s
}
