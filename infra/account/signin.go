package account

import (
	"context"
	"errors"
	"fmt"

	"sluice/infra/db"
)

// ErrSignIn is the one answer to a wrong address, a wrong password and a disabled account.
var ErrSignIn = errors.New("the e-mail address or the password is not right")

// SignIn checks address and password and opens a session that can do nothing but what is missing: see the Needs fields of
// Session. A known and an unknown address cost the same work and get the same answer.
func (a *Accounts) SignIn(ctx context.Context, email, password string, meta Meta) (cookie string, s Session, err error) {
	address, bad := Address(email)
	if bad != nil {
		address = "" // counted and refused like any other that nobody has
	}
	lookup := a.lookup(address)
	if err := a.countSignIn(ctx, lookup, meta); err != nil {
		return "", Session{}, err
	}
	person, stored, err := a.passwordOf(ctx, address)
	if err != nil {
		return "", Session{}, err
	}
	match, stale, err := a.matches(ctx, password, stored)
	if err != nil {
		return "", Session{}, err
	}
	if !match {
		return "", Session{}, ErrSignIn
	}
	if stale {
		if stored, err = a.rehash(ctx, person, password, stored); err != nil {
			return "", Session{}, err
		}
	}
	return a.beginSession(ctx, person, lookup, stored, meta)
}

// countSignIn counts an attempt before it is made, in a transaction of its own: whatever becomes of the rest, it counts.
func (a *Accounts) countSignIn(ctx context.Context, lookup string, meta Meta) error {
	var wait error
	err := a.db.Upkeep(ctx, func(tx *db.Tx) error {
		known, err := a.knownPlace(tx, lookup, meta)
		if err != nil {
			return err
		}
		counters := []counter{a.addressCounter(meta.client()), a.accountCounter(lookup), a.pairCounter(lookup, meta.client())}
		if known {
			counters = counters[2:]
		}
		wait, err = a.charge(tx, counters...)
		return err
	})
	if err != nil {
		return err
	}
	return wait
}

// place is the row of seen that says that the owner of an address signed in from here.
func (a *Accounts) place(lookup string, meta Meta) string {
	return "place:" + a.keyed("place", lookup, meta.client())
}

func (a *Accounts) knownPlace(tx *db.Tx, lookup string, meta Meta) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM seen WHERE subject = $1`, a.place(lookup, meta)).Scan(&n)
	return n > 0, err
}

// passwordOf finds the stored password of an address; both are empty when nobody may sign in with it.
func (a *Accounts) passwordOf(ctx context.Context, address string) (person PersonID, stored string, err error) {
	err = a.db.View(ctx, func(tx *db.Tx) error {
		err := tx.QueryRow(`SELECT a.person_id, a.password FROM emails e JOIN accounts a ON a.person_id = e.person_id
			WHERE e.address = $1 AND a.disabled = 0`, address).Scan(&person, &stored)
		if db.NoRows(err) {
			person, stored = "", ""
			return nil
		}
		return err
	})
	if err != nil {
		return "", "", fmt.Errorf("reading a password: %w", err)
	}
	return person, stored, nil
}

// rehash stores a password under today's costs, unless it was changed meanwhile.
func (a *Accounts) rehash(ctx context.Context, person PersonID, password, stored string) (fresh string, err error) {
	if fresh, err = a.hash(ctx, password); err != nil {
		return "", err
	}
	return fresh, a.db.Change(ctx, db.Person(string(person)), func(tx *db.Tx) error {
		if err := tx.Update(`UPDATE accounts SET password = $1 WHERE person_id = $2 AND password = $3`, fresh, string(person), stored); err != nil {
			return err
		}
		return tx.Record(subject(person), rehashed{})
	})
}

// beginSession opens the session that follows the right password, unless that password is no longer the right one.
func (a *Accounts) beginSession(ctx context.Context, person PersonID, lookup, stored string, meta Meta) (cookie string, s Session, err error) {
	err = a.db.Upkeep(ctx, func(tx *db.Tx) error {
		var now string
		err := tx.QueryRow(`SELECT password FROM accounts WHERE person_id = $1 AND disabled = 0`, string(person)).Scan(&now)
		if db.NoRows(err) || err == nil && now != stored {
			return ErrSignIn
		}
		if err != nil {
			return err
		}
		f, err := readFactor(tx, person)
		if err != nil {
			return err
		}
		if cookie, s, err = a.open(tx, person, f.stage(), false, meta); err != nil {
			return err
		}
		if err := a.noteFailed(tx, person, s.ID, meta); err != nil {
			return err
		}
		// The owner's other failures from here are forgotten. Of the address only this attempt is taken back, if it was
		// counted: otherwise one's own account would buy free guesses at others. Those from everywhere go with the code.
		if known, err := a.knownPlace(tx, lookup, meta); err != nil {
			return err
		} else if !known {
			if err := takeBack(tx, a.addressCounter(meta.client())); err != nil {
				return err
			}
		}
		return forget(tx, a.pairCounter(lookup, meta.client()))
	})
	return cookie, s, err
}

// stage is what a session lacks after the right password.
func (f factor) stage() stage {
	switch {
	case f.Held:
		return isHeld
	case f.Enrolled.IsZero() && f.byLink:
		return wantsLink
	case f.Enrolled.IsZero():
		return wantsEnrol
	}
	return wantsCode
}

// GiveCode completes signing in with a code of the app, and returns the cookie of a new session.
func (a *Accounts) GiveCode(ctx context.Context, s Session, code string, meta Meta) (cookie string, full Session, err error) {
	if !s.NeedsCode {
		return "", Session{}, ErrNotSignedIn
	}
	if _, err := a.spend(ctx, s.Person.ID, s.ID, code); err != nil {
		return "", Session{}, err
	}
	err = a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		cookie, full, err = a.finish(tx, s, "code", meta)
		return err
	})
	return cookie, full, err
}

// finish turns a session that lacked the second factor into a full one.
func (a *Accounts) finish(tx *db.Tx, s Session, with string, meta Meta) (cookie string, full Session, err error) {
	if _, _, err := a.readSession(tx, s.ID); err != nil {
		return "", Session{}, err
	}
	if err := closeSession(tx, s.ID); err != nil {
		return "", Session{}, err
	}
	if cookie, full, err = a.open(tx, s.Person.ID, isFull, with == "recovery", meta); err != nil {
		return "", Session{}, err
	}
	if _, err := tx.Exec(`UPDATE sessions SET failed = (SELECT failed FROM sessions WHERE id = $1) WHERE id = $2`, s.ID, full.ID); err != nil {
		return "", Session{}, err
	}
	if err := a.notePlaces(tx, s.Person.ID, meta); err != nil {
		return "", Session{}, err
	}
	return cookie, full, tx.Record(subject(s.Person.ID), signedIn{Session: full.ID, With: with})
}

// notePlaces remembers where a person signs in from, tells him when that is new, and forgets the failures of others.
func (a *Accounts) notePlaces(tx *db.Tx, person PersonID, meta Meta) error {
	emails, err := a.Emails(tx, person)
	if err != nil {
		return err
	}
	var before, here int
	if err := tx.QueryRow(`SELECT COUNT(*) FROM seen WHERE person_id = $1 AND subject LIKE 'place:%'`, string(person)).Scan(&before); err != nil {
		return err
	}
	for _, e := range emails {
		lookup := a.lookup(e.Address)
		known, err := a.knownPlace(tx, lookup, meta)
		if err != nil {
			return err
		}
		here += number(known)
		_, err = tx.Exec(`INSERT INTO seen (subject, person_id, at) VALUES ($1, $2, $3) ON CONFLICT (subject) DO UPDATE SET at = excluded.at`,
			a.place(lookup, meta), string(person), db.Stamp(tx.At))
		if err != nil {
			return err
		}
		if err := forget(tx, a.accountCounter(lookup)); err != nil {
			return err
		}
	}
	if before > 0 && here == 0 {
		return a.notify(tx, NoticeNewPlace, person)
	}
	return nil
}
