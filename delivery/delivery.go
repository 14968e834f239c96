package delivery

import (
	"errors"
	"fmt"
	"time"

	"sluice/licensing"
)

// ID names a delivery for ever; its number is for people.
type ID string

// State is how far a delivery has come. There is no way back: newer data, or a late extension, makes a new delivery.
type State string

// The states of a delivery.
const (
	Preparing State = "preparing" // the bucket is being filled
	Available State = "available" // contacts may read, as far as MayRead says so
	Ended     State = "ended"     // nobody reads any more; bucket and key are being taken away
	Destroyed State = "destroyed" // both are gone, and a certificate says so
)

// States lists the states in their order.
func States() []State { return []State{Preparing, Available, Ended, Destroyed} }

// Kind tells the two deliveries of registry data apart, which never go to the same contact.
type Kind string

// Research is the kind of every delivery but the one that tells a registry's recipients whom the codes belong to.
const Research Kind = "research"

// A Delivery is files handed over under one agreement, in one bucket, under one key.
type Delivery struct {
	ID         ID
	Number     string // DR-0042-A-1
	Agreement  licensing.AgreementID
	Kind       Kind
	Supersedes ID // the delivery that this one takes the place of, if any
	State      State
	Rev        int64

	Bucket string // chosen before it is made, and never used again
	Key    KeyName

	Created   time.Time
	Planned   time.Time // when the list of files was fixed
	Available time.Time

	Ended         time.Time
	EndReason     EndReason
	Compromised   time.Time // when its key was marked: somebody may have got at it
	KeyDue        time.Time // when the key may be destroyed
	Emptied       time.Time // each of these is set when the store or the keyring has confirmed it
	KeyDestroyed  time.Time
	BucketRemoved time.Time
	Destroyed     time.Time

	BucketEnd time.Time // the date in the bucket's own rule, read back; zero where the store has none
	Warned    time.Time // the BucketEnd of which somebody was told that it comes before the end of the term
	Files     int64
	Bytes     int64 // of plaintext
	Manifest  Manifest
	// Certificate is the id of the stored document that says what was deleted.
	Certificate string
}

// A Manifest says where the sealed manifest of a delivery lies, and what comes out of it.
type Manifest struct {
	Object  string
	Wrapped string
	Nonce   string
	Size    int64
	SHA256  string
	// PublicKey is the key that it was signed with, in base64, as it stands in the manifest; "" in deliveries from before it was kept.
	PublicKey string
}

// EndReason says why a delivery ended.
type EndReason string

// The reasons for which a delivery ends.
const (
	TermOver    EndReason = "term"        // the term of the agreement is over
	Terminated  EndReason = "terminated"  // two people, or one in an emergency, ended the agreement
	Compromised EndReason = "compromised" // somebody may have got at its key
)

// ErrImpossible is wrapped when an event cannot happen to a delivery in its state.
var ErrImpossible = errors.New("not possible in this state")

// An Event is something that happens to a delivery. Each is plain data and is written to the log as it is.
type Event interface {
	Kind() string
	delivery()
}

// The events of a delivery's life, in their usual order.
type (
	// Ordered makes a delivery: the agreement came into force, or newer data takes the place of older.
	Ordered struct {
		Number     string                `json:"number"`
		Agreement  licensing.AgreementID `json:"agreement"`
		Of         Kind                  `json:"of"`
		Supersedes ID                    `json:"supersedes,omitempty"`
		Bucket     string                `json:"bucket"`
		Key        string                `json:"key"`
	}
	// FilesFixed says which files it holds: how many, how large, a hash over their ids in order, and one over their names and places.
	FilesFixed struct {
		Files int64  `json:"files"`
		Bytes int64  `json:"bytes"`
		Hash  string `json:"hash"`
		Rows  string `json:"rows,omitempty"` // "" in entries from before it was kept
	}
	// MadeAvailable says that every file, the manifest and the key are in their places.
	MadeAvailable struct {
		ManifestSHA256 string    `json:"manifest_sha256"`
		ManifestKey    string    `json:"manifest_key,omitempty"` // that it was signed with
		BucketEnd      time.Time `json:"bucket_end,omitzero"`
		Sealed         string    `json:"sealed,omitempty"` // a hash over all wrapped keys, and over where the manifest lies; "" as above
	}
	// BucketEndMoved says that the bucket's own rule has another date, read back from the store.
	BucketEndMoved struct {
		To time.Time `json:"to"`
	}
	// BucketEndsEarly says that somebody was told: the bucket empties itself before the term ends.
	BucketEndsEarly struct {
		End time.Time `json:"end"`
	}
	// HasEnded closes it. What could be read can be read no more; that was so already at the end of the term.
	HasEnded struct {
		Reason EndReason `json:"reason"`
		KeyDue time.Time `json:"key_due"`
	}
	// KeyWasCompromised says that somebody may have got at the key. It closes what was open, and the key need not be kept.
	KeyWasCompromised struct{}
	// WasEmptied says that the store confirmed an empty bucket: no object, no old version, no unfinished upload.
	WasEmptied struct{}
	// KeyWasDestroyed says that the keyring confirmed that the key is no longer there.
	KeyWasDestroyed struct{}
	// BucketWasRemoved says that the store confirmed that the bucket is no longer there.
	BucketWasRemoved struct{}
	// WasDestroyed closes the life of a delivery with the certificate of what was deleted.
	WasDestroyed struct {
		Certificate string `json:"certificate"`
		SHA256      string `json:"sha256"`
	}
)

// Kind names the event in the log.
func (Ordered) Kind() string           { return "delivery.ordered" }
func (FilesFixed) Kind() string        { return "delivery.files_fixed" }
func (MadeAvailable) Kind() string     { return "delivery.available" }
func (BucketEndMoved) Kind() string    { return "delivery.bucket_end_moved" }
func (BucketEndsEarly) Kind() string   { return "delivery.bucket_ends_early" }
func (HasEnded) Kind() string          { return "delivery.ended" }
func (KeyWasCompromised) Kind() string { return "delivery.key_compromised" }
func (WasEmptied) Kind() string        { return "delivery.emptied" }
func (KeyWasDestroyed) Kind() string   { return "delivery.key_destroyed" }
func (BucketWasRemoved) Kind() string  { return "delivery.bucket_removed" }
func (WasDestroyed) Kind() string      { return "delivery.destroyed" }

func (Ordered) delivery()           {}
func (FilesFixed) delivery()        {}
func (MadeAvailable) delivery()     {}
func (BucketEndMoved) delivery()    {}
func (BucketEndsEarly) delivery()   {}
func (HasEnded) delivery()          {}
func (KeyWasCompromised) delivery() {}
func (WasEmptied) delivery()        {}
func (KeyWasDestroyed) delivery()   {}
func (BucketWasRemoved) delivery()  {}
func (WasDestroyed) delivery()      {}

// Next says what becomes of a delivery when something happens to it, or refuses. It has no side effects.
//
//	preparing → available → ended → destroyed, and from preparing straight to ended
func (d Delivery) Next(ev Event, at time.Time) (Delivery, error) {
	next := d
	next.Rev++
	switch ev := ev.(type) {
	case Ordered:
		if d.State != "" {
			break
		}
		next.Number, next.Agreement, next.Kind, next.Supersedes = ev.Number, ev.Agreement, ev.Of, ev.Supersedes
		next.Bucket, next.Key = ev.Bucket, KeyName{Deliveries, ev.Key}
		next.State, next.Created = Preparing, at
		return next, nil
	case FilesFixed:
		if d.State != Preparing || !d.Planned.IsZero() {
			break
		}
		next.Planned, next.Files, next.Bytes = at, ev.Files, ev.Bytes
		return next, nil
	case MadeAvailable:
		if d.State != Preparing || d.Planned.IsZero() {
			break
		}
		next.State, next.Available, next.BucketEnd = Available, at, ev.BucketEnd
		next.Manifest.SHA256, next.Manifest.PublicKey = ev.ManifestSHA256, ev.ManifestKey
		return next, nil
	case BucketEndMoved:
		if d.State != Available {
			break
		}
		next.BucketEnd = ev.To
		return next, nil
	case BucketEndsEarly:
		if d.State != Available || ev.End.IsZero() || !ev.End.Equal(d.BucketEnd) || ev.End.Equal(d.Warned) {
			break
		}
		next.Warned = ev.End
		return next, nil
	case HasEnded:
		if d.State != Preparing && d.State != Available {
			break
		}
		next.State, next.Ended, next.EndReason, next.KeyDue = Ended, at, ev.Reason, ev.KeyDue
		return next, nil
	case KeyWasCompromised:
		if !d.KeyHeld() {
			break
		}
		if d.State != Ended {
			next.State, next.Ended, next.EndReason = Ended, at, Compromised
		}
		next.Compromised, next.KeyDue = at, at
		return next, nil
	case WasEmptied:
		if d.State != Ended || !d.Emptied.IsZero() {
			break
		}
		next.Emptied = at
		return next, nil
	case KeyWasDestroyed:
		// Not before it is due: the hours between are there for the day somebody ended the wrong agreement.
		if d.State != Ended || !d.KeyDestroyed.IsZero() || at.Before(d.KeyDue) {
			break
		}
		next.KeyDestroyed = at
		return next, nil
	case BucketWasRemoved:
		if d.State != Ended || d.Emptied.IsZero() || !d.BucketRemoved.IsZero() {
			break
		}
		next.BucketRemoved = at
		return next, nil
	case WasDestroyed:
		if d.State != Ended || d.Emptied.IsZero() || d.KeyDestroyed.IsZero() || d.BucketRemoved.IsZero() || ev.Certificate == "" {
			break
		}
		next.State, next.Destroyed, next.Certificate = Destroyed, at, ev.Certificate
		return next, nil
	}
	return d, fmt.Errorf("%s of a delivery that is %q: %w", ev.Kind(), d.State, ErrImpossible)
}

// KeyHeld says whether there may be a key that nobody has marked as compromised.
func (d Delivery) KeyHeld() bool {
	there := d.State == Preparing || d.State == Available || d.State == Ended && d.KeyDestroyed.IsZero()
	return there && d.Compromised.IsZero()
}

// Subject is the delivery's name in the log.
func (id ID) Subject() string { return "delivery:" + string(id) }
