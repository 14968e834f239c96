package account

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"sluice/infra/db"
)

// An Acceptance is what somebody fills in to make an account.
type Acceptance struct {
	Name     string
	Password string
	Lang     string
	Email    string // optional: when given, it must be the address that was invited
}

// Accept makes the account of an invitation and opens a session that can do nothing but enrol the second factor.
func (a *Accounts) Accept(ctx context.Context, secret string, acc Acceptance, meta Meta) (cookie string, s Session, err error) {
	inv, state, err := a.LookInvitation(ctx, secret)
	if err != nil {
		return "", Session{}, err
	}
	switch state {
	case InvitationOpen:
	case InvitationSignIn:
		return "", Session{}, ErrSignInFirst
	default:
		return "", Session{}, ErrLink
	}
	if acc.Email != "" {
		if given, err := Address(acc.Email); err != nil || given != inv.Email {
			return "", Session{}, ErrOtherAddress
		}
	}
	if acc.Name, err = cleanName(acc.Name); err != nil {
		return "", Session{}, err
	}
	if err := a.CheckPassword(acc.Password, acc.Name, inv.Email); err != nil {
		return "", Session{}, err
	}
	acc.Lang = cmp.Or(acc.Lang, inv.Lang)
	stored, err := a.hash(ctx, acc.Password)
	if err != nil {
		return "", Session{}, err
	}
	person := PersonID(db.NewID())
	err = a.db.Change(ctx, db.Person(string(person)), func(tx *db.Tx) error {
		inv, err := a.bySecret(tx, secret)
		if err != nil {
			return err
		}
		if err := a.createPerson(tx, person, acc, stored, inv); err != nil {
			return err
		}
		if err := a.settle(tx, inv, person); err != nil {
			return err
		}
		cookie, s, err = a.open(tx, person, wantsEnrol, false, meta)
		return err
	})
	if err != nil {
		return "", Session{}, err
	}
	return cookie, s, nil
}

func (a *Accounts) createPerson(tx *db.Tx, person PersonID, acc Acceptance, stored string, inv Invitation) error {
	if has, err := owner(tx, inv.Email); err != nil || has != "" {
		if err == nil {
			err = ErrSignInFirst
		}
		return err
	}
	at := db.Stamp(tx.At)
	if _, err := tx.Exec(`INSERT INTO persons (id, name, lang, created) VALUES ($1, $2, $3, $4)`, string(person), acc.Name, language(acc.Lang), at); err != nil {
		return err
	}
	if _, err := tx.Exec(`INSERT INTO accounts (person_id, password, password_at, created) VALUES ($1, $2, $3, $4)`, string(person), stored, at, at); err != nil {
		return err
	}
	if err := tx.Record(subject(person), created{Invitation: inv.ID}); err != nil {
		return err
	}
	return a.addEmail(tx, person, inv.Email)
}

// AcceptAs accepts an invitation for the person who is signed in: its address becomes one of his.
func (a *Accounts) AcceptAs(ctx context.Context, secret string, who Who) error {
	if !who.IsPerson() || who.session == "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		inv, err := a.bySecret(tx, secret)
		if err != nil {
			return err
		}
		has, err := owner(tx, inv.Email)
		if err != nil {
			return err
		}
		if err := a.addEmail(tx, who.person, inv.Email); err != nil {
			return err
		}
		if err := a.settle(tx, inv, who.person); err != nil {
			return err
		}
		if has == "" {
			return a.notify(tx, NoticeAddress, who.person)
		}
		return nil
	})
}

// AcceptOwn accepts an invitation to an address that is the person's who is signed in, without the mailed link: that he
// receives mail there was shown before.
func (a *Accounts) AcceptOwn(ctx context.Context, id string, who Who) error {
	if !who.IsPerson() || who.session == "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		inv, err := a.InvitationTo(tx, who.person, id)
		if err != nil {
			return err
		}
		return a.settle(tx, inv, who.person)
	})
}

// InvitationTo reads an invitation to an address of a person. Any other does not exist for him.
func (a *Accounts) InvitationTo(tx *db.Tx, person PersonID, id string) (Invitation, error) {
	inv, err := a.Invitation(tx, id)
	if errors.Is(err, ErrLink) {
		return Invitation{}, ErrNotAllowed
	}
	if err != nil {
		return Invitation{}, err
	}
	if has, err := owner(tx, inv.Email); err != nil || has == "" || has != person {
		return Invitation{}, cmp.Or(err, ErrNotAllowed)
	}
	return inv, nil
}

// InvitationsTo lists the invitations to addresses of a person that can be accepted now, the newest first.
func (a *Accounts) InvitationsTo(tx *db.Tx, person PersonID) ([]Invitation, error) {
	ids, err := db.Many(tx, func(r db.Row) (id string, err error) { err = r.Scan(&id); return id, err },
		`SELECT i.id FROM invitations i JOIN emails e ON e.address = i.email
		WHERE e.person_id = $1 AND i.accepted = 0 AND i.revoked = 0 AND i.expires > $2 ORDER BY i.created DESC, i.id`, string(person), db.Stamp(tx.At))
	if err != nil {
		return nil, fmt.Errorf("reading the invitations to person %s: %w", person, err)
	}
	all := make([]Invitation, len(ids))
	for i, id := range ids {
		if all[i], err = a.Invitation(tx, id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// settle uses up the invitation and binds what it was for, in one transaction.
func (a *Accounts) settle(tx *db.Tx, inv Invitation, person PersonID) error {
	if inv.State(tx.At) != InvitationOpen {
		return ErrLink
	}
	err := tx.Update(`UPDATE invitations SET accepted = $1, accepted_by = $2 WHERE id = $3 AND accepted = 0 AND revoked = 0 AND expires > $4`,
		db.Stamp(tx.At), string(person), inv.ID, db.Stamp(tx.At))
	if err != nil {
		return err
	}
	if err := tx.Record("invitation:"+inv.ID, invitationAccepted{Person: person, For: inv.For}); err != nil {
		return err
	}
	inv.Accepted, inv.AcceptedBy = tx.At, person
	if strings.HasPrefix(inv.For, "staff:") {
		if err := notForThem(tx, inv.ID, person); err != nil {
			return err
		}
		if err := notBoth(tx, inv.ID, person); err != nil {
			return err
		}
		return takeRoles(tx, inv.ID, person)
	}
	if a.Accepted == nil {
		return nil
	}
	return a.Accepted(tx, inv, person)
}

// notForThem keeps roles from the two who decided that somebody gets them: one of them could have named a mailbox of his own.
func notForThem(tx *db.Tx, invitation string, person PersonID) error {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM staff_tasks WHERE details = $1 AND (proposed_by = $2 OR decided_by = $3)`,
		"invitation:"+invitation, string(person), string(person)).Scan(&n)
	if err == nil && n > 0 {
		err = ErrSamePerson
	}
	return err
}

// notBoth keeps the first two of staff apart. One person with both invitations would be all the staff there is, and nobody
// could ever second what he proposes.
func notBoth(tx *db.Tx, invitation string, person PersonID) error {
	entries, err := tx.LastOf("staff", bootstrapped{}.Kind(), 1)
	if err != nil || len(entries) == 0 {
		return err
	}
	var ev bootstrapped
	body, err := entries[0].Decode()
	if err == nil {
		err = json.Unmarshal(body.Data, &ev)
	}
	if err != nil || !slices.Contains(ev.Invitations, invitation) {
		return err
	}
	for _, other := range ev.Invitations {
		var n int
		err := tx.QueryRow(`SELECT COUNT(*) FROM invitations WHERE id = $1 AND id <> $2 AND accepted_by = $3`, other, invitation, string(person)).Scan(&n)
		if err == nil && n > 0 {
			err = ErrOnePerson
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// cleanName trims a name and refuses what is none: names go into agreements, mails and logs of mail servers.
func cleanName(name string) (string, error) {
	name = strings.Join(strings.Fields(name), " ")
	if name == "" || utf8.RuneCountInString(name) > 200 || !utf8.ValidString(name) {
		return "", ErrName
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && r != '\u200c' && r != '\u200d' {
			return "", ErrName
		}
	}
	return name, nil
}
