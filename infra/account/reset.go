package account

import (
	"context"
	"errors"
	"fmt"

	"sluice/infra/db"
)

// ErrOldPassword is returned when the old password that was given with a new one is wrong.
var ErrOldPassword = errors.New("this is not your present password")

// resetJob is the kind of the job that mails a link for a new password. Its subject is the keyed hash of an address.
const resetJob = "account.reset"

// RequestReset asks for a link to be mailed, when the address has an account. For every address the same is done and the
// same is answered; whether there is an account is found out later, by a job.
func (a *Accounts) RequestReset(ctx context.Context, email string, meta Meta) error {
	address, err := Address(email)
	if err != nil {
		return err
	}
	lookup := a.lookup(address)
	var wait error
	err = a.db.Upkeep(ctx, func(tx *db.Tx) error {
		var err error
		if wait, err = a.charge(tx, a.resetCounters(lookup, meta.client())...); err != nil || wait != nil {
			return err
		}
		return tx.Enqueue(resetJob, lookup, tx.At)
	})
	if err != nil {
		return err
	}
	return wait
}

// Handlers are the jobs of this package, for db.DB.Work.
func (a *Accounts) Handlers() map[string]db.Handler {
	return map[string]db.Handler{resetJob: a.sendReset}
}

// sendReset makes the link, and the message to the very address it was asked for. It ends an earlier link.
func (a *Accounts) sendReset(ctx context.Context, lookup string) error {
	return a.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		var person PersonID
		var address string
		err := tx.QueryRow(`SELECT e.person_id, e.address FROM emails e JOIN accounts a ON a.person_id = e.person_id
			WHERE e.lookup = $1 AND a.disabled = 0`, lookup).Scan(&person, &address)
		if db.NoRows(err) {
			return db.ErrUnchanged
		}
		if err != nil {
			return fmt.Errorf("looking up an address: %w", err)
		}
		id, err := newLink(tx, resetLink, person, ResetLife)
		if err != nil {
			return err
		}
		if err := tx.Record(subject(person), resetSent{Link: id}); err != nil || a.Notify == nil {
			return err
		}
		p, err := a.Person(tx, person)
		if err != nil {
			return err
		}
		return a.Notify(tx, Notice{Kind: NoticeReset, Person: person, Name: p.Name, Email: address, Lang: p.Lang, Link: id})
	})
}

// LookReset finds the person a link for a new password is for. It changes nothing.
func (a *Accounts) LookReset(ctx context.Context, secret string) (p Person, err error) {
	err = a.db.View(ctx, func(tx *db.Tx) error {
		id, err := a.readLink(tx, resetLink, secret)
		if err != nil {
			return err
		}
		p, err = a.Person(tx, id)
		return err
	})
	return p, err
}

// Reset sets a new password by a mailed link, once, and ends all that was open. The second factor stays as it is: who has
// the mailbox alone does not get in.
func (a *Accounts) Reset(ctx context.Context, secret, password string) error {
	var p Person
	var addresses []string
	err := a.db.View(ctx, func(tx *db.Tx) error {
		id, err := a.readLink(tx, resetLink, secret)
		if err != nil {
			return err
		}
		p, addresses, err = a.names(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	if err := a.CheckPassword(password, p.Name, addresses...); err != nil {
		return err
	}
	stored, err := a.hash(ctx, password)
	if err != nil {
		return err
	}
	return a.db.Change(ctx, db.Person(string(p.ID)), func(tx *db.Tx) error {
		if _, err := a.readLink(tx, resetLink, secret); err != nil {
			return err
		}
		if err := useLink(tx, idOf(secret)); err != nil {
			return err
		}
		return a.setPassword(tx, p.ID, stored, "reset")
	})
}

// names are what a password of somebody may not be made of.
func (a *Accounts) names(tx *db.Tx, id PersonID) (p Person, addresses []string, err error) {
	if p, err = a.Person(tx, id); err != nil {
		return p, nil, err
	}
	emails, err := a.Emails(tx, id)
	for _, e := range emails {
		addresses = append(addresses, e.Address)
	}
	return p, addresses, err
}

// setPassword stores a new password, ends everything that was open, and tells the person.
func (a *Accounts) setPassword(tx *db.Tx, person PersonID, stored, how string) error {
	err := tx.Update(`UPDATE accounts SET password = $1, password_at = $2 WHERE person_id = $3 AND disabled = 0`, stored, db.Stamp(tx.At), string(person))
	if err != nil {
		return err
	}
	if err := endAll(tx, person); err != nil {
		return err
	}
	if err := tx.Record(subject(person), passwordChanged{How: how}); err != nil {
		return err
	}
	return a.notify(tx, NoticePassword, person)
}

// ChangePassword sets a new password for who is signed in, with the old one and the proof for FactorAct. Everything that
// was open ends, this session too; it returns the cookie of the one that follows.
func (a *Accounts) ChangePassword(ctx context.Context, s Session, proof Proof, old, password string, meta Meta) (cookie string, next Session, err error) {
	if !s.Full() {
		return "", Session{}, ErrNotAllowed
	}
	stored, err := a.oldPassword(ctx, s, proof, password)
	if err != nil {
		return "", Session{}, err
	}
	match, _, err := a.matches(ctx, old, stored)
	if err != nil {
		return "", Session{}, err
	}
	if !match {
		return "", Session{}, ErrOldPassword
	}
	fresh, err := a.hash(ctx, password)
	if err != nil {
		return "", Session{}, err
	}
	err = a.db.Change(ctx, s.Who.Actor(), func(tx *db.Tx) error {
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if err := proof.Covers(now.Who, FactorAct(s.Person.ID), tx.At); err != nil {
			return err
		}
		if err := a.setPassword(tx, s.Person.ID, fresh, "changed"); err != nil {
			return err
		}
		if err := forget(tx, a.oldPasswordCounter(s.Person.ID)); err != nil {
			return err
		}
		if cookie, next, err = a.open(tx, s.Person.ID, isFull, false, meta); err != nil {
			return err
		}
		return tx.Record(subject(s.Person.ID), signedIn{Session: next.ID, With: "password"})
	})
	if err != nil {
		return "", Session{}, err
	}
	return cookie, next, nil
}

// oldPassword checks everything about a new password but the old one, counts the attempt, and returns the stored old one.
func (a *Accounts) oldPassword(ctx context.Context, s Session, proof Proof, password string) (stored string, err error) {
	var p Person
	var addresses []string
	err = a.db.View(ctx, func(tx *db.Tx) error {
		p, addresses, err = a.names(tx, s.Person.ID)
		return err
	})
	if err != nil {
		return "", err
	}
	if err := a.CheckPassword(password, p.Name, addresses...); err != nil {
		return "", err
	}
	var wait error
	err = a.db.Upkeep(ctx, func(tx *db.Tx) error {
		if err := proof.Covers(s.Who, FactorAct(s.Person.ID), tx.At); err != nil {
			return err
		}
		if err := tx.QueryRow(`SELECT password FROM accounts WHERE person_id = $1`, string(s.Person.ID)).Scan(&stored); err != nil {
			return fmt.Errorf("reading a password: %w", err)
		}
		var err error
		wait, err = a.charge(tx, a.oldPasswordCounter(s.Person.ID))
		return err
	})
	if err != nil {
		return "", err
	}
	return stored, wait
}
