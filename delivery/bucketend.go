package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/infra/db"
	"sluice/licensing"
)

// The bucket's own end is clean-up, not the end of access: after an extension it lies too early until it is moved, and a bucket
// that empties itself before its time takes the data from people who may read them.

// warnBefore is how long before that somebody is told.
const warnBefore = 48 * time.Hour

// EndsEarly says whether a delivery's bucket empties itself soon, or has done so, although the term goes on until later.
func (d Delivery) EndsEarly(until, at time.Time) bool {
	return d.State == Available && !d.BucketEnd.IsZero() && d.BucketEnd.Before(until) && !at.Before(d.BucketEnd.Add(-warnBefore))
}

// EndingEarly lists the deliveries of which that is so, for the people who must see to it.
func (p *Depot) EndingEarly(tx *db.Tx) (early []Delivery, err error) {
	soon, err := loadDeliveries(tx, `SELECT `+deliveryColumns+` FROM deliveries WHERE state = 'available' AND bucket_end > 0 AND bucket_end <= $1
		ORDER BY bucket_end, id`, db.Stamp(tx.At.Add(warnBefore)))
	if err != nil {
		return nil, err
	}
	for _, d := range soon {
		a, err := p.registry.Standing(tx, d.Agreement)
		if err != nil {
			return nil, err
		}
		if over, _ := isOver(a, tx.At); !over && d.EndsEarly(a.Term.Until, tx.At) {
			early = append(early, d)
		}
	}
	return early, nil
}

// followTerm has the end of a bucket moved to a later term, and looks whether that has been done before it comes.
func (p *Depot) followTerm(tx *db.Tx, d Delivery) error {
	if err := tx.Enqueue(jobMoveEnd, string(d.ID), tx.At); err != nil || d.BucketEnd.IsZero() {
		return err
	}
	return tx.Enqueue(jobWatchEnd, string(d.ID), d.BucketEnd.Add(-warnBefore))
}

// WatchBucketEnd tells the operators of a bucket that empties itself too early, once for each such end, and has the moving
// tried once more.
func (p *Depot) WatchBucketEnd(ctx context.Context, id ID) error {
	var again time.Time
	err := p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		again = time.Time{}
		d, err := loadDelivery(tx, id)
		if err != nil {
			return err
		}
		a, err := p.registry.Agreement(tx, d.Agreement)
		if err != nil {
			return err
		}
		if over, _ := isOver(a, tx.At); over || d.State != Available || !d.BucketEnd.Before(a.Term.Until) || d.Warned.Equal(d.BucketEnd) {
			return db.ErrUnchanged
		}
		if !d.EndsEarly(a.Term.Until, tx.At) { // moved, and not far enough: the term was extended twice
			again = d.BucketEnd.Add(-warnBefore)
			return db.ErrUnchanged
		}
		if _, err := p.apply(tx, id, BucketEndsEarly{End: d.BucketEnd}, nil); err != nil {
			return err
		}
		if err := tx.Enqueue(jobMoveEnd, string(id), tx.At); err != nil {
			return err
		}
		return p.registry.TellOperators(tx, licensing.Letter{
			Kind: "delivery.bucket-end", Number: d.Number, Link: "/jobs", Facts: map[string]string{"at": d.BucketEnd.Format(time.RFC3339)},
		})
	})
	if err == nil && !again.IsZero() {
		err = p.db.Upkeep(ctx, func(tx *db.Tx) error { return tx.Enqueue(jobWatchEnd, string(id), again) })
	}
	return err
}

// MoveBucketEnd brings the bucket's own rule in line with the term, and comes back for the end itself.
func (p *Depot) MoveBucketEnd(ctx context.Context, id ID) error {
	var d Delivery
	var until time.Time
	err := p.db.View(ctx, func(tx *db.Tx) error {
		var err error
		if d, err = loadDelivery(tx, id); err != nil {
			return err
		}
		a, err := p.registry.Agreement(tx, d.Agreement)
		until = a.Term.Until
		return err
	})
	if err != nil || d.State != Available {
		return err // preparing sets the rule itself; after the end there is none to move
	}
	end, err := p.setBucketEnd(ctx, d, until)
	if err != nil || end.Equal(d.BucketEnd) {
		return err
	}
	_, err = p.change(ctx, id, BucketEndMoved{To: end}, nil)
	return err
}

// setBucketEnd sets the rule and reads it back. The zero time: the store has no such rule.
func (p *Depot) setBucketEnd(ctx context.Context, d Delivery, until time.Time) (time.Time, error) {
	switch err := p.store.SetEnd(ctx, d.Bucket, until); {
	case errors.Is(err, ErrUnsupported):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, outside("setting the end of bucket "+d.Bucket, err)
	}
	end, err := p.store.End(ctx, d.Bucket)
	if err != nil {
		return time.Time{}, outside("reading the end of bucket "+d.Bucket, err)
	}
	if end.Before(until) {
		return end, fmt.Errorf("bucket %s would empty itself at %s, before the term ends: %w", d.Bucket, end, errDiffers)
	}
	return end.UTC().Truncate(time.Microsecond), nil
}
