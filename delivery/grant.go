package delivery

import (
	"errors"
	"time"

	"sluice/infra/account"
	"sluice/licensing"
)

// GrantID names a grant.
type GrantID string

// A Grant is one contact's leave to read one delivery. It says nothing about now: MayRead does.
type Grant struct {
	ID       GrantID
	Contact  licensing.ContactID
	Delivery ID
	Created  time.Time
	Removed  time.Time // zero unless the contact was removed
}

// GrantState is what a grant looks like to people.
type GrantState string

// The states of a grant, as they are shown.
const (
	GrantInvited   GrantState = "invited"  // no account or no second factor yet
	GrantEnrolled  GrantState = "enrolled" // all that the contact has to do is done
	GrantSuspended GrantState = "suspended"
	GrantRemoved   GrantState = "removed"
)

// State works out what to show for a grant.
func (g Grant) State(c licensing.Contact, f account.Factor) GrantState {
	switch {
	case !g.Removed.IsZero() || !c.Removed.IsZero():
		return GrantRemoved
	case c.Suspended || f.Held:
		return GrantSuspended
	case c.Person == "" || !f.Holds():
		return GrantInvited
	}
	return GrantEnrolled
}

// Reasons for which a file may not be read now. The page that refuses says which, and what to do.
var (
	ErrNotGranted   = errors.New("no grant")                            // shown as not found: not yours and not there are the same
	ErrGrantRemoved = errors.New("the contact was removed")             // by the signatory
	ErrGrantHeld    = errors.New("the contact is suspended")            // by the desk
	ErrNoFactor     = errors.New("no second factor")                    // not enrolled yet
	ErrFactorHeld   = errors.New("the second factor was reported lost") // until identity is re-proved
	ErrNotReady     = errors.New("the delivery is being prepared")
	ErrEnded        = errors.New("the delivery has ended")
)

// Access is all that decides whether one person may read one delivery: five facts, each as it stands in the database at
// the moment of asking. The time is the sixth.
type Access struct {
	Person    account.PersonID
	Factor    account.Factor
	Contact   licensing.Contact
	Grant     Grant
	Agreement licensing.Agreement // as Registry.Standing reads it
	Delivery  Delivery

	at  time.Time // when the question was asked
	seq int64     // the log's last entry then
}

// MayRead answers the one question: may this person read this delivery at this time? It is nil, or the first reason why
// not. Every path to a byte asks it (opening, continuing, listing, tokens), and nothing else decides.
//
// It compares every link between the facts as well, so that facts of two different agreements fetched by a mistake in a
// query refuse rather than allow.
func MayRead(a Access, at time.Time) error {
	linked := a.Person != "" && a.Contact.Person == a.Person &&
		a.Contact.ID != "" && a.Grant.Contact == a.Contact.ID &&
		a.Grant.ID != "" && a.Grant.Delivery == a.Delivery.ID &&
		a.Delivery.ID != "" && a.Delivery.Agreement == a.Agreement.ID &&
		a.Agreement.ID != "" && a.Contact.Agreement == a.Agreement.ID
	switch {
	case !linked:
		return ErrNotGranted
	case a.Contact.Added.IsZero():
		return ErrNotGranted
	case !a.Grant.Removed.IsZero(), !a.Contact.Removed.IsZero():
		return ErrGrantRemoved
	case a.Contact.Suspended:
		return ErrGrantHeld
	case a.Factor.Held:
		return ErrFactorHeld
	case !a.Factor.Holds():
		return ErrNoFactor
	}
	if err := a.Agreement.OpenAt(at); err != nil {
		return err
	}
	switch a.Delivery.State {
	case Available:
		return nil
	case Preparing:
		return ErrNotReady
	case Ended, Destroyed:
		return ErrEnded
	}
	return ErrNotGranted // a state this program does not know allows nothing
}
