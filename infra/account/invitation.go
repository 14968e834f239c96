package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/infra/db"
)

// An Invitation asks one person, at one address, to make an account or to bind the address to the one he has.
type Invitation struct {
	ID    string
	Name  string
	Email string // normalised
	Lang  string
	For   string // what it is for: "party:ID", "contact:ID", "staff:ROLE"

	Created    time.Time
	Expires    time.Time
	Accepted   time.Time // zero until then
	AcceptedBy PersonID
	Revoked    time.Time

	salt       string
	generation int
}

// InvitationState says what can be done with an invitation.
type InvitationState string

// The states of an invitation.
const (
	InvitationOpen     InvitationState = "open"    // can be accepted
	InvitationSignIn   InvitationState = "sign in" // its address belongs to somebody: that person accepts it, signed in
	InvitationAccepted InvitationState = "accepted"
	InvitationExpired  InvitationState = "expired"
	InvitationRevoked  InvitationState = "revoked"
)

// Errors of accepting an invitation.
var (
	// ErrTaken: the address belongs to another person than the one signed in.
	ErrTaken = errors.New("this address belongs to another account")
	// ErrSignInFirst: the address belongs to an account; its owner signs in and accepts then.
	ErrSignInFirst = errors.New("this address has an account: sign in, then open the link again")
	// ErrOtherAddress: the invitation was sent to another address than the one given.
	ErrOtherAddress = errors.New("this invitation was sent to another address")
	// ErrOnePerson: who accepted one of the first two invitations of staff would accept the other too.
	ErrOnePerson = errors.New("the first two members of staff must be two people: this invitation is for the other one")
	// ErrName: an account without a name.
	ErrName = errors.New("give your name as it should stand in agreements, in at most 200 characters")
)

// State works out what can be done with the invitation at a time, leaving aside whether its address has an account.
func (inv Invitation) State(at time.Time) InvitationState {
	switch {
	case !inv.Accepted.IsZero():
		return InvitationAccepted
	case !inv.Revoked.IsZero():
		return InvitationRevoked
	case !at.Before(inv.Expires):
		return InvitationExpired
	}
	return InvitationOpen
}

// Invite makes an invitation in the change of which it is part. The caller sends the mail, naming the returned id; its
// link is made by Link when the mail is sent. Staff are invited through ProposeStaff only.
func (a *Accounts) Invite(tx *db.Tx, inv Invitation) (id string, err error) {
	if strings.HasPrefix(inv.For, "staff:") {
		return "", ErrNotAllowed
	}
	return a.invite(tx, inv)
}

func (a *Accounts) invite(tx *db.Tx, inv Invitation) (id string, err error) {
	if inv.Email, err = Address(inv.Email); err != nil {
		return "", err
	}
	if inv.For == "" {
		return "", errors.New("an invitation for nothing")
	}
	inv.Name, inv.Lang = strings.TrimSpace(inv.Name), language(inv.Lang)
	inv.ID, inv.salt = db.NewID(), db.NewID()
	inv.Created, inv.Expires = tx.At, tx.At.Add(a.opts.InvitationLife)
	_, err = tx.Exec(`INSERT INTO invitations (id, name, email, lang, purpose, salt, created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		inv.ID, inv.Name, inv.Email, inv.Lang, inv.For, inv.salt, db.Stamp(inv.Created), db.Stamp(inv.Expires))
	if err != nil {
		return "", fmt.Errorf("making an invitation: %w", err)
	}
	return inv.ID, tx.Record("invitation:"+inv.ID, invited{For: inv.For, Address: salted(inv.salt, inv.Email), Expires: db.Stamp(inv.Expires)})
}

// language is one that there are texts in.
func language(lang string) string {
	if lang == "nl" {
		return "nl"
	}
	return "en"
}

// Invitation reads one invitation by its id.
func (a *Accounts) Invitation(tx *db.Tx, id string) (Invitation, error) {
	inv := Invitation{ID: id}
	var created, expires, accepted, revoked int64
	err := tx.QueryRow(`SELECT name, email, lang, purpose, salt, generation, created, expires, accepted, accepted_by, revoked
		FROM invitations WHERE id = $1`, id).
		Scan(&inv.Name, &inv.Email, &inv.Lang, &inv.For, &inv.salt, &inv.generation, &created, &expires, &accepted, &inv.AcceptedBy, &revoked)
	if db.NoRows(err) {
		return Invitation{}, ErrLink
	}
	if err != nil {
		return Invitation{}, fmt.Errorf("reading invitation %s: %w", id, err)
	}
	inv.Created, inv.Expires = db.Instant(created), db.Instant(expires)
	inv.Accepted, inv.Revoked = db.Instant(accepted), db.Instant(revoked)
	return inv, nil
}

// Resend makes an invitation good for its whole life again before it is mailed once more. The link of one that was open
// stays the same; one that had expired or was revoked gets a new link, and the old one stays dead.
func (a *Accounts) Resend(tx *db.Tx, id string) error {
	inv, err := a.Invitation(tx, id)
	if err != nil {
		return err
	}
	switch inv.State(tx.At) {
	case InvitationAccepted:
		return ErrLink
	case InvitationExpired, InvitationRevoked:
		inv.generation++
	}
	err = tx.Update(`UPDATE invitations SET generation = $1, expires = $2, revoked = 0 WHERE id = $3 AND accepted = 0`,
		inv.generation, db.Stamp(tx.At.Add(a.opts.InvitationLife)), id)
	if err != nil {
		return err
	}
	return tx.Record("invitation:"+id, resent{Generation: inv.generation})
}

// LookInvitation reads the invitation of a link. It changes nothing, for programs that scan mail open links too.
func (a *Accounts) LookInvitation(ctx context.Context, secret string) (Invitation, InvitationState, error) {
	var inv Invitation
	var state InvitationState
	err := a.db.View(ctx, func(tx *db.Tx) error {
		var err error
		if inv, err = a.bySecret(tx, secret); err != nil {
			return err
		}
		if state = inv.State(tx.At); state != InvitationOpen {
			return nil
		}
		has, err := owner(tx, inv.Email)
		if has != "" {
			state = InvitationSignIn
		}
		return err
	})
	return inv, state, err
}

func (a *Accounts) bySecret(tx *db.Tx, secret string) (Invitation, error) {
	inv, err := a.Invitation(tx, idOf(secret))
	if err != nil {
		return Invitation{}, err
	}
	if !a.genuine(secret, invitationLink, inv.ID, inv.generation) {
		return Invitation{}, ErrLink
	}
	return inv, nil
}
