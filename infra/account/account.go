// Package account knows who somebody is and how sure we are: persons and their addresses, passwords and second factors,
// sessions, tokens, invitations, and the roles of staff.
//
// New is the first call. A request begins with Session or ByToken, which make the Who that every other package asks for;
// an act that matters begins with Confirm, which turns a fresh code into a Proof. Nothing here decides about data.
//
// What it promises: a code works once; a link works once and only by being posted; what is stored at rest is hashed or
// sealed; a change of password or factor ends everything that was open; and staff cannot become somebody else, for
// what helps a person in goes to that person's own addresses only.
package account

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/alexedwards/argon2id"

	"sluice/infra/db"
)

// Options are the settings of accounts. The zero value of a field is its default.
type Options struct {
	Foundation     string        // shown in the authenticator app, and refused in passwords
	InvitationLife time.Duration // how long an invitation works: 14 days
	Hashing        Hashing       // how costly a password is to try: Strong
}

// Accounts is everything this package does, over one database. Make one with New, set its hooks before first use.
type Accounts struct {
	// Accepted is called in the transaction that accepts an invitation, so that what it was for is bound to the person in
	// the same moment. Invitations to staff are settled here and are not passed on.
	Accepted func(tx *db.Tx, inv Invitation, person PersonID) error
	// Notify is called in the transaction that makes a message to a person necessary; it writes the message to an outbox.
	Notify func(tx *db.Tx, n Notice) error

	db     *db.DB
	opts   Options
	keys   keys
	params *argon2id.Params
	decoy  string        // a hash that no password has, compared with when there is no account
	slots  chan struct{} // bounds how many passwords are hashed at once
}

// keys are the subkeys of the local key, one a purpose, so that no value made for one purpose is of use for another.
type keys struct{ seal, recovery, link, lookup []byte }

// New makes Accounts on a migrated database. The key is the local key file's: whoever has it and the database can read
// the seeds of second factors and make any link.
func New(d *db.DB, key [32]byte, opts Options) (*Accounts, error) {
	if key == [32]byte{} {
		return nil, errors.New("the local key is empty: accounts cannot be kept without it")
	}
	if opts.InvitationLife == 0 {
		opts.InvitationLife = 14 * 24 * time.Hour
	}
	if opts.InvitationLife < 0 {
		return nil, errors.New("an invitation must live for some time")
	}
	opts.Foundation = strings.TrimSpace(opts.Foundation)
	a := &Accounts{db: d, opts: opts, params: opts.Hashing.params(), slots: make(chan struct{}, atOnce)}
	for purpose, to := range map[string]*[]byte{
		"seal seeds": &a.keys.seal, "recovery codes": &a.keys.recovery, "links": &a.keys.link, "look up": &a.keys.lookup,
	} {
		sub, err := hkdf.Key(sha256.New, key[:], nil, "sluice account 1: "+purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("deriving the key for %s: %w", purpose, err)
		}
		*to = sub
	}
	var err error
	a.decoy, err = a.hash(context.Background(), db.NewID())
	return a, err
}

// A Notice is a message to one person, at one address. Its words are composed when it is sent; a link in it is made by
// Link at that moment, so that the outbox holds no secret.
type Notice struct {
	Kind   string // "invitation", "reset", "enrol", and what happened to the account: see the constants
	Person PersonID
	Name   string
	Email  string
	Lang   string
	Link   string   // the id to give to Link, or "" when the message holds none
	Task   string   // of NoticeSecond: the proposal,
	By     PersonID // and who made it
}

// The kinds of notices.
const (
	NoticeInvitation    = "invitation"       // somebody is invited to be staff; has a link
	NoticeReset         = "reset"            // a new password was asked for; has a link
	NoticeEnrol         = "enrol"            // a new second factor may be enrolled; has a link
	NoticeEnrolAnew     = "enrol_anew"       // the same, after the local key was lost; has a link
	NoticeVoided        = "factors_voided"   // the local key was lost, and every second factor with it
	NoticeNewPlace      = "signed_in_new"    // signed in from an address never seen before
	NoticePassword      = "password_changed" // the password was changed
	NoticeFactor        = "factor_enrolled"  // a second factor was enrolled
	NoticeFactorLost    = "factor_lost"      // the second factor was reported lost
	NoticeFactorRemoved = "factor_removed"   // the lost second factor was removed by two members of staff
	NoticeRecoveryUsed  = "recovery_used"    // a recovery code was used to sign in
	NoticeRecoveryNew   = "recovery_renewed" // ten new recovery codes were made
	NoticeName          = "name_changed"     // the name was changed, by himself or by two members of staff
	NoticeAddress       = "address_added"    // another address was bound to this person
	NoticeSecond        = "second_needed"    // to staff: a colleague proposed something that waits for a second person
	NoticeDisabled      = "account_disabled" // the account was disabled
)

// notify tells a person at every address on file: a message about an account that went only to a stolen mailbox would
// tell nobody.
func (a *Accounts) notify(tx *db.Tx, kind string, person PersonID) error {
	if a.Notify == nil {
		return nil
	}
	p, err := a.Person(tx, person)
	if err != nil {
		return err
	}
	emails, err := a.Emails(tx, person)
	if err != nil {
		return err
	}
	for _, e := range emails {
		if err := a.Notify(tx, Notice{Kind: kind, Person: person, Name: p.Name, Email: e.Address, Lang: p.Lang}); err != nil {
			return err
		}
	}
	return nil
}
