package account

import (
	"errors"
	"slices"
	"time"

	"sluice/infra/db"
)

// PersonID names a person for ever; names and addresses change.
type PersonID string

// A Role is what a member of staff may do. Parts in one request (applicant, signatory, contact) are not roles.
type Role string

// The roles of staff.
const (
	Desk           Role = "desk"           // handles requests
	Steward        Role = "steward"        // collections and imports
	Representative Role = "representative" // signs for the foundation
	Auditor        Role = "auditor"        // reads all, decides nothing
	Operator       Role = "operator"       // keeps the service running
)

// Errors of those who ask for what is not theirs.
var (
	// ErrNotAllowed: signed in, and this is for others.
	ErrNotAllowed = errors.New("this is not for you to do")
	// ErrNotProved: the act needs a fresh second factor, for this very act.
	ErrNotProved = errors.New("this act needs a fresh code")
)

// Who is the one who asks: a signed-in person, or somebody on the host's command line. Only this package makes one, from a
// session, a token or the host's own user; the zero Who may do nothing.
type Who struct {
	person PersonID
	host   db.Actor
	roles  []Role
	scope  string // of a token: the one thing it is for; empty for a session

	session, token string // the id of the one it came from, to ask whether it still holds
}

// Host is somebody on the command line of the host. It is a steward and an operator, and no person: it can do no act that
// needs four eyes, sign nothing and read nothing that was delivered.
func Host(user, machine string) Who {
	return Who{host: db.CommandLine(user, machine), roles: []Role{Steward, Operator}}
}

// Person is the signed-in person, or "" for the host and the zero Who.
func (w Who) Person() PersonID { return w.person }

// IsPerson says whether this is a signed-in person.
func (w Who) IsPerson() bool { return w.person != "" }

// Has says whether this is staff in one of the roles.
func (w Who) Has(any ...Role) bool {
	return slices.ContainsFunc(any, func(r Role) bool { return slices.Contains(w.roles, r) })
}

// IsStaff says whether this is staff in any role.
func (w Who) IsStaff() bool { return len(w.roles) > 0 }

// Scope is the one subject ("delivery:…") that a token was made for, or "" for a session, which has no such limit.
func (w Who) Scope() string { return w.scope }

// Actor is the name in the log.
func (w Who) Actor() db.Actor {
	if w.person != "" {
		return db.Person(string(w.person))
	}
	return w.host
}

// An Act is what a fresh second factor is given for: the kind of act, and what it is done to. A code given to sign one
// agreement signs no other, and adds no contact.
type Act struct {
	Kind    string // "sign", "decide", "contact", "token", "factor"
	Subject string // "agreement:…"
}

// freshness is how long a proof holds: from giving the code to doing the act.
const freshness = 5 * time.Minute

// A Proof is a second factor, given a moment ago by one person for one act. Only Confirm makes one.
type Proof struct {
	person PersonID
	act    Act
	at     time.Time
}

// Covers returns ErrNotProved unless the proof is who's own, for this act, and fresh at the time.
func (p Proof) Covers(who Who, act Act, at time.Time) error {
	if p.person == "" || p.person != who.person || p.act != act || at.Before(p.at) || at.Sub(p.at) > freshness {
		return ErrNotProved
	}
	return nil
}

// At is when the second factor was given.
func (p Proof) At() time.Time { return p.at }

// A Factor is the state of a person's second factor, handed as a value to whoever decides about access.
type Factor struct {
	Enrolled time.Time // zero: none yet
	Held     bool      // reported lost: nothing may be read until two members of staff have re-proved who it is
	Voided   time.Time // when the last one was lost with the local key; zero: it was not, or there is a new one
}

// Holds says whether the factor is enrolled and not reported lost.
func (f Factor) Holds() bool { return !f.Enrolled.IsZero() && !f.Held }
