package delivery

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// ErrNotFound: there is no such thing, or it is not the asker's. The two look the same on purpose.
var ErrNotFound = errors.New("not found")

// Options are the foundation's choices for deliveries, and what cmd hands in.
type Options struct {
	// ArchiveBucket holds the sealed bodies of all datasets. Default "sluice-archive".
	ArchiveBucket string
	// KeyDelay is how long the key of an ended delivery is kept, for the day somebody ended the wrong agreement. Default 24
	// hours. It is copied into each delivery when it ends.
	KeyDelay time.Duration
	// Lanes is how many objects are copied or sealed at once. Default 4.
	Lanes int
	// Certificate renders what was deleted into the document that is kept. Required: its lack would show when the key is gone.
	Certificate func(Certificate) (source, pdf []byte, err error)
	Log         *slog.Logger
}

// A Depot hands data over: it imports datasets, prepares deliveries, answers who may read, and takes everything away at
// the end. It is the only writer of the tables of this package.
type Depot struct {
	db       *db.DB
	registry *licensing.Registry
	accounts *account.Accounts
	letters  *licensing.Outbox
	store    Store
	keys     Keyring
	opts     Options
}

// New makes a Depot and ties it to the registry: what happens to agreements and contacts happens to deliveries and grants
// in the same transaction. Of what it is made nothing may be missing but the options that have a default.
func New(d *db.DB, registry *licensing.Registry, accounts *account.Accounts, store Store, keys Keyring, opts Options) (*Depot, error) {
	if d == nil || registry == nil || accounts == nil || store == nil || keys == nil || opts.Certificate == nil {
		return nil, errors.New("deliveries need a database, a registry, accounts, a store, a keyring and a text for certificates")
	}
	if opts.ArchiveBucket == "" {
		opts.ArchiveBucket = "sluice-archive"
	}
	if opts.KeyDelay == 0 {
		opts.KeyDelay = 24 * time.Hour
	}
	if opts.Lanes == 0 {
		opts.Lanes = 4
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	depot := &Depot{db: d, registry: registry, accounts: accounts, letters: registry.Outbox(), store: store, keys: keys, opts: opts}
	registry.InForce = depot.inForce
	registry.ContactAdded = depot.contactAdded
	registry.ContactRemoved = depot.contactRemoved
	registry.TermChanged = depot.termChanged
	registry.Closed = depot.closed
	registry.Resumed = depot.resumed
	registry.KeysHeld = depot.keysHeld
	registry.KeysCompromised = depot.keysCompromised
	return depot, nil
}

// Jobs of this package. Each is named by what it brings about, and its subject is a delivery.
const (
	jobPrepare  = "delivery.prepare"
	jobEnd      = "delivery.end"
	jobMoveEnd  = "delivery.move_bucket_end"
	jobWatchEnd = "delivery.watch_bucket_end"
	jobClose    = "transfer.close"
)

// Handlers are the jobs of this package, for the process that works.
func (p *Depot) Handlers() map[string]db.Handler {
	return map[string]db.Handler{
		jobPrepare:  p.job(p.Prepare),
		jobEnd:      p.job(p.End),
		jobMoveEnd:  p.job(p.MoveBucketEnd),
		jobWatchEnd: p.job(p.WatchBucketEnd),
		jobClose:    func(ctx context.Context, _ string) error { return patient(p.CloseTransfers(ctx)) },
	}
}

func (p *Depot) job(do func(context.Context, ID) error) db.Handler {
	return func(ctx context.Context, subject string) error { return patient(do(ctx, ID(subject))) }
}

// patient marks the errors for which work waits instead of giving up: what it needs cannot be reached. What the store or
// the keyring has answered is no such error; a person must look at it.
func patient(err error) error {
	for _, answered := range []error{ErrKeyGone, ErrKeyRefused, ErrNotWrapped, ErrImpossible, ErrNotFound, errDiffers, db.ErrConflict} {
		if errors.Is(err, answered) {
			return err
		}
	}
	if errors.Is(err, ErrStoreAway) || errors.Is(err, ErrKeyringAway) || errors.Is(err, db.ErrAway) {
		return db.Waiting(err)
	}
	return err
}

// outside is an error of the store, saying what was tried: ErrStoreAway unless it is one of a store's answers.
func outside(doing string, err error) error {
	if err == nil {
		return nil
	}
	for _, answer := range []error{ErrNotStored, ErrAlreadyStored, ErrUnsupported} {
		if errors.Is(err, answer) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrStoreAway, err)
}

// apply lets an event happen to a delivery, in a change of the caller's: decide, save, record. more changes what the event
// does not carry (wrapped keys are no matter for the log).
func (p *Depot) apply(tx *db.Tx, id ID, ev Event, more func(*Delivery)) (Delivery, error) {
	now, err := loadDelivery(tx, id)
	if err != nil {
		return now, err
	}
	next, err := now.Next(ev, tx.At)
	if err != nil {
		return now, err
	}
	if more != nil {
		more(&next)
	}
	if err := saveDelivery(tx, next, now.Rev); err != nil {
		return now, err
	}
	return next, tx.Record(id.Subject(), ev)
}

// change is apply in a change of its own, by the worker.
func (p *Depot) change(ctx context.Context, id ID, ev Event, more func(*Delivery)) (d Delivery, err error) {
	err = p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		d, err = p.apply(tx, id, ev, more)
		return err
	})
	return d, err
}

// order makes a delivery under an agreement in force, with a grant for each of its contacts, and asks for it to be prepared.
func (p *Depot) order(tx *db.Tx, a licensing.Agreement, supersedes ID) (Delivery, error) {
	before, err := deliveriesOf(tx, a.ID)
	if err != nil {
		return Delivery{}, err
	}
	ev := Ordered{
		Number:     fmt.Sprintf("%s-%d", a.Number, len(before)+1),
		Agreement:  a.ID,
		Of:         Research,
		Supersedes: supersedes,
		Key:        db.NewID(),
	}
	ev.Bucket = strings.ToLower(ev.Number) + "-" + strings.ToLower(rand.Text()[:10])
	d, err := Delivery{ID: ID(db.NewID())}.Next(ev, tx.At)
	if err != nil {
		return d, err
	}
	if err := insertDelivery(tx, d); err != nil {
		return d, err
	}
	if err := tx.Record(d.ID.Subject(), ev); err != nil {
		return d, err
	}
	contacts, err := p.registry.Contacts(tx, a.ID)
	if err != nil {
		return d, err
	}
	for _, c := range contacts {
		if c.Admitted() {
			if err := p.grant(tx, c, d); err != nil {
				return d, err
			}
		}
	}
	if err := tx.Enqueue(jobEnd, string(d.ID), a.Term.Until); err != nil {
		return d, err
	}
	return d, tx.Enqueue(jobPrepare, string(d.ID), tx.At)
}

// Granted and GrantWasRemoved say what became of a grant. Their subject in the log is the delivery.
type (
	Granted struct {
		Grant   GrantID             `json:"grant"`
		Contact licensing.ContactID `json:"contact"`
	}
	GrantWasRemoved struct {
		Grant GrantID `json:"grant"`
	}
)

// Kind names the event in the log.
func (Granted) Kind() string         { return "grant.given" }
func (GrantWasRemoved) Kind() string { return "grant.removed" }

func (p *Depot) grant(tx *db.Tx, c licensing.Contact, d Delivery) error {
	g := Grant{ID: GrantID(db.NewID()), Contact: c.ID, Delivery: d.ID, Created: tx.At}
	if err := insertGrant(tx, g); err != nil {
		return err
	}
	return tx.Record(d.ID.Subject(), Granted{g.ID, c.ID})
}

// live are the deliveries of an agreement that are still to be read, or being made so.
func live(tx *db.Tx, a licensing.AgreementID) ([]Delivery, error) {
	return loadDeliveries(tx, `SELECT `+deliveryColumns+` FROM deliveries WHERE agreement = $1 AND state IN ('preparing', 'available') ORDER BY created, id`, a)
}

// inForce is told by the registry that the last signature is there.
func (p *Depot) inForce(tx *db.Tx, a licensing.Agreement) error {
	_, err := p.order(tx, a, "")
	return err
}

// contactAdded is told that an amendment added a contact.
func (p *Depot) contactAdded(tx *db.Tx, a licensing.Agreement, c licensing.Contact) error {
	deliveries, err := live(tx, a.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if err := p.grant(tx, c, d); err != nil {
			return err
		}
	}
	return nil
}

// contactRemoved is told that an amendment removed a contact: at once, whatever the state of the delivery.
func (p *Depot) contactRemoved(tx *db.Tx, _ licensing.Agreement, c licensing.Contact) error {
	grants, err := grantsOfContact(tx, c.ID)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if !g.Removed.IsZero() {
			continue
		}
		if err := removeGrant(tx, g); err != nil {
			return err
		}
		if err := tx.Record(g.Delivery.Subject(), GrantWasRemoved{g.ID}); err != nil {
			return err
		}
	}
	return nil
}

// termChanged is told that an extension moved the end. A delivery that is still there goes on. One whose end has passed does
// not come back, not even within the hours in which its key still exists, and not when no worker has written its end
// down yet, for the bucket's own rule may have emptied it: a new one is made in its place.
func (p *Depot) termChanged(tx *db.Tx, before, after licensing.Agreement) error {
	deliveries, err := live(tx, after.ID)
	if err != nil {
		return err
	}
	over, reason := isOver(before, tx.At)
	for _, d := range deliveries {
		if !over {
			if err := p.followTerm(tx, d); err != nil {
				return err
			}
			continue
		}
		if _, err := p.apply(tx, d.ID, HasEnded{Reason: reason, KeyDue: tx.At.Add(p.opts.KeyDelay)}, nil); err != nil {
			return err
		}
		if err := tx.Enqueue(jobEnd, string(d.ID), tx.At); err != nil {
			return err
		}
	}
	// A suspended agreement gets nothing new before it is resumed: see keysCompromised.
	if !over || after.State == licensing.Suspended {
		return nil
	}
	return p.orderAnew(tx, after)
}

// closed is told that an agreement was terminated. Reading has stopped with that; this asks for the rest.
func (p *Depot) closed(tx *db.Tx, a licensing.Agreement) error {
	deliveries, err := live(tx, a.ID)
	if err != nil {
		return err
	}
	for _, d := range deliveries {
		if err := tx.Enqueue(jobEnd, string(d.ID), tx.At); err != nil {
			return err
		}
	}
	return nil
}
