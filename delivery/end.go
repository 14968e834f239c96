package delivery

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"sluice/infra/db"
	"sluice/licensing"
)

// errDiffers: the store or the keyring confirmed something else than what was asked of it.
var errDiffers = errors.New("what was asked for was not done")

// End brings a delivery whose agreement is over to its end, as far as it can go now. It ends nothing by itself: since the
// end of the term nobody can read. What remains is to take away, each step verified against the store or the keyring
// before it is written down:
//
//	ended → bucket empty → key destroyed (when due) → bucket removed → certificate
//
// A key that is due already, as a compromised one is, goes first: it waits for no store, and a keyring that is away keeps no
// body in its bucket.
//
// It may be killed anywhere and called again: every step that is not written down is done again, and all of them may be.
func (p *Depot) End(ctx context.Context, id ID) error {
	d, err := p.close(ctx, id)
	if err != nil || d.State == Preparing || d.State == Available || d.State == Destroyed {
		return err
	}
	if err := p.fence(ctx, id); err != nil {
		return err
	}
	due := !p.db.Now().Before(d.KeyDue)
	var failed error
	if due && d.KeyDestroyed.IsZero() {
		if gone, err := p.destroyKey(ctx, d); err != nil {
			failed = err
		} else {
			d = gone
		}
	}
	if d.Emptied.IsZero() {
		if d, err = p.empty(ctx, d); err != nil {
			return errors.Join(failed, err)
		}
	}
	switch {
	case failed != nil:
		return failed
	case !due:
		return p.db.Upkeep(ctx, func(tx *db.Tx) error { return tx.Enqueue(jobEnd, string(id), d.KeyDue) })
	}
	if d.BucketRemoved.IsZero() {
		if d, err = p.removeBucket(ctx, d); err != nil {
			return err
		}
	}
	return p.certify(ctx, d)
}

// fence keeps taking away apart from filling: a worker that is still preparing this delivery would put objects into a bucket
// that was emptied, or make a key again that was destroyed. It stops before the next file.
func (p *Depot) fence(ctx context.Context, id ID) error {
	return p.db.View(ctx, func(tx *db.Tx) error {
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if j.Kind == jobPrepare && j.Subject == string(id) && j.Running {
				return db.Waiting(errors.New("this delivery is still being prepared by another worker"))
			}
		}
		return nil
	})
}

// close ends the delivery in the tables if its agreement is over, and otherwise comes back at the end of the term.
func (p *Depot) close(ctx context.Context, id ID) (d Delivery, err error) {
	var again time.Time
	err = p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		again = time.Time{}
		if d, err = loadDelivery(tx, id); err != nil {
			return err
		}
		if d.State == Ended || d.State == Destroyed {
			return db.ErrUnchanged
		}
		a, err := p.registry.Agreement(tx, d.Agreement)
		if err != nil {
			return err
		}
		over, reason := isOver(a, tx.At)
		if !over {
			again = a.Term.Until
			return db.ErrUnchanged
		}
		due := tx.At.Add(p.opts.KeyDelay)
		d, err = p.apply(tx, id, HasEnded{Reason: reason, KeyDue: due}, nil)
		return err
	})
	if err == nil && !again.IsZero() {
		err = p.db.Upkeep(ctx, func(tx *db.Tx) error { return tx.Enqueue(jobEnd, string(id), again) })
	}
	return d, err
}

// isOver says whether an agreement's deliveries have to be taken away. A suspended one is not over.
func isOver(a licensing.Agreement, at time.Time) (bool, EndReason) {
	err := a.OpenAt(at)
	switch {
	case !a.Term.IsZero() && !at.Before(a.Term.Until):
		return true, TermOver
	case errors.Is(err, licensing.ErrTerminated), a.State == licensing.ClosedOut:
		return true, Terminated // closed out before its last day: it was terminated, and destruction is attested already
	}
	return false, ""
}

func (p *Depot) empty(ctx context.Context, d Delivery) (Delivery, error) {
	if err := p.store.Empty(ctx, d.Bucket); err != nil {
		return d, outside("emptying bucket "+d.Bucket, err)
	}
	switch n, err := p.store.Residue(ctx, d.Bucket); {
	case errors.Is(err, ErrNotStored): // it was never made, or is gone already
	case err != nil:
		return d, outside("looking for what is left in bucket "+d.Bucket, err)
	case n > 0:
		return d, fmt.Errorf("%d objects are left in bucket %s: %w", n, d.Bucket, errDiffers)
	}
	return p.change(ctx, d.ID, WasEmptied{}, nil)
}

func (p *Depot) destroyKey(ctx context.Context, d Delivery) (Delivery, error) {
	if err := p.keys.Destroy(ctx, d.Key); err != nil {
		return d, fmt.Errorf("destroying the key of %s: %w", d.Number, err)
	}
	switch there, err := p.keys.Exists(ctx, d.Key); {
	case err != nil:
		return d, fmt.Errorf("looking for the key of %s: %w", d.Number, err)
	case there:
		return d, fmt.Errorf("the key of %s is still there: %w", d.Number, errDiffers)
	}
	return p.change(ctx, d.ID, KeyWasDestroyed{}, nil)
}

func (p *Depot) removeBucket(ctx context.Context, d Delivery) (Delivery, error) {
	// Emptied once more: whoever still had the store's own credentials may have put something there meanwhile.
	if err := p.store.Empty(ctx, d.Bucket); err != nil {
		return d, outside("emptying bucket "+d.Bucket, err)
	}
	if err := p.store.RemoveBucket(ctx, d.Bucket); err != nil {
		return d, outside("removing bucket "+d.Bucket, err)
	}
	switch _, err := p.store.Residue(ctx, d.Bucket); {
	case err == nil:
		return d, fmt.Errorf("bucket %s is still there: %w", d.Bucket, errDiffers)
	case !errors.Is(err, ErrNotStored):
		return d, outside("looking for bucket "+d.Bucket, err)
	}
	return p.change(ctx, d.ID, BucketWasRemoved{}, nil)
}

// A Certificate says what Sluice itself deleted, and how that was verified. The sentences around these facts stand in the
// document's text.
type Certificate struct {
	ID            string
	Number        string // of the delivery
	Agreement     string // its number
	Licensee      string
	Lang          string
	EndReason     EndReason
	Compromised   time.Time // zero unless the key was marked
	Files         int64
	Bytes         int64
	Bucket        string
	Key           string
	Available     time.Time
	Ended         time.Time
	Emptied       time.Time
	KeyDestroyed  time.Time
	BucketRemoved time.Time
	Made          time.Time
	Shared        bool // bodies stayed in the archive; what was destroyed is the key
	Zone          *time.Location
}

// certify writes down what was deleted. The document's bytes are kept with their hash.
func (p *Depot) certify(ctx context.Context, d Delivery) error {
	c := Certificate{
		ID: db.NewID(), Number: d.Number, EndReason: d.EndReason, Compromised: d.Compromised, Files: d.Files, Bytes: d.Bytes, Bucket: d.Bucket, Key: d.Key.ID,
		Available: d.Available, Ended: d.Ended, Emptied: d.Emptied, KeyDestroyed: d.KeyDestroyed, BucketRemoved: d.BucketRemoved,
	}
	err := p.db.View(ctx, func(tx *db.Tx) error {
		a, err := p.registry.Agreement(tx, d.Agreement)
		if err != nil {
			return err
		}
		q, err := p.registry.Request(tx, a.Request)
		if err != nil {
			return err
		}
		c.Agreement, c.Licensee, c.Lang, c.Zone, c.Made = a.Number, q.Content.Licensee.Name, a.Lang, a.Location(), tx.At
		return tx.QueryRow(`SELECT CASE WHEN EXISTS (SELECT 1 FROM delivery_files WHERE delivery = $1 AND bucket <> $2) THEN 1 ELSE 0 END`,
			d.ID, d.Bucket).Scan(&c.Shared)
	})
	if err != nil {
		return err
	}
	source, pdf, err := p.opts.Certificate(c)
	if err != nil {
		return fmt.Errorf("writing the certificate of %s: %w", d.Number, err)
	}
	sum := sha256.Sum256(pdf)
	ev := WasDestroyed{Certificate: c.ID, SHA256: hex.EncodeToString(sum[:])}
	return p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		if _, err := p.apply(tx, d.ID, ev, nil); err != nil {
			return err
		}
		return tx.Update(`INSERT INTO certificates (id, delivery, made, source, pdf, sha256) VALUES ($1, $2, $3, $4, $5, $6)`,
			c.ID, d.ID, db.Stamp(c.Made), string(source), base64.StdEncoding.EncodeToString(pdf), ev.SHA256)
	})
}
