package account

import (
	"context"
	"errors"
	"fmt"

	"sluice/infra/db"
)

// ReportLost holds the second factor of the person of a session, who gave the right password and has no code any more, or
// who is signed in and lost the device. All that was open ends. Two members of staff open the way back: ReproveFactor.
func (a *Accounts) ReportLost(ctx context.Context, s Session) error {
	return a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if !now.NeedsCode && !now.Full() {
			return ErrState
		}
		return a.hold(tx, now.Person.ID)
	})
}

// ErrLastTwo is returned to one who would leave fewer than two that can give anybody a second factor back.
var ErrLastTwo = errors.New("two of the desk or the operators must be left whose second factor holds")

// ReportLostOf holds the second factor of somebody who told the desk that it is lost. One member of staff is enough to
// hold it, for that opens nothing. It shuts, though: one alone, or whoever has the cookie of one, could hold the factors of all
// others, and the two who would have to undo it would not be there any more.
func (a *Accounts) ReportLostOf(ctx context.Context, who Who, person PersonID) error {
	if !who.IsPerson() || !who.Has(Desk, Operator) {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := a.hold(tx, person); err != nil {
			return err
		}
		roles, err := rolesAt(tx, person, tx.At)
		if err != nil || !(Who{roles: roles}).Has(Desk, Operator) {
			return err
		}
		var left int
		err = tx.QueryRow(`SELECT COUNT(DISTINCT r.person_id) FROM staff_roles r
			JOIN accounts a ON a.person_id = r.person_id JOIN factors f ON f.person_id = r.person_id
			WHERE r.role IN ($1, $2) AND r.since <= $3 AND (r.until = 0 OR r.until > $4) AND a.disabled = 0 AND f.enrolled <> 0 AND f.held = 0`,
			string(Desk), string(Operator), db.Stamp(tx.At), db.Stamp(tx.At)).Scan(&left)
		if err == nil && left < 2 {
			err = ErrLastTwo
		}
		return err
	})
}

func (a *Accounts) hold(tx *db.Tx, person PersonID) error {
	n, err := tx.Exec(`UPDATE factors SET held = $1 WHERE person_id = $2 AND held = 0 AND (enrolled <> 0 OR voided <> 0)`, db.Stamp(tx.At), string(person))
	if err != nil {
		return fmt.Errorf("holding the second factor of person %s: %w", person, err)
	}
	if n == 0 {
		return ErrState
	}
	if err := endAll(tx, person); err != nil {
		return err
	}
	if err := tx.Record(subject(person), factorHeld{}); err != nil {
		return err
	}
	return a.notify(tx, NoticeFactorLost, person)
}

// HeldFactors lists the people who wait for two members of staff: their second factor was reported lost, the longest first,
// or they are staff and it went with the local key.
func (a *Accounts) HeldFactors(tx *db.Tx) ([]PersonID, error) {
	return db.Many(tx, func(r db.Row) (id PersonID, err error) { err = r.Scan(&id); return id, err },
		`SELECT f.person_id FROM factors f JOIN accounts a ON a.person_id = f.person_id
		WHERE a.disabled = 0 AND (f.held <> 0 OR f.voided <> 0 AND EXISTS
			(SELECT 1 FROM staff_roles r WHERE r.person_id = f.person_id AND (r.until = 0 OR r.until > $1)))
		ORDER BY f.held, f.person_id`, db.Stamp(tx.At))
}

// removeFactor takes a factor that is held or void away once two members of staff know who it is, and mails the link that opens enrolment
// of a new one. With the password alone nobody enrols: whoever stole it may be the one who reported the loss.
func (a *Accounts) removeFactor(tx *db.Tx, t Task) error {
	err := tx.Update(`UPDATE factors SET seed = '', enrolled = 0, held = 0, by_link = 1, voided = 0
		WHERE person_id = $1 AND (held <> 0 OR voided <> 0)`, string(t.Person))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM recovery_codes WHERE person_id = $1`, string(t.Person)); err != nil {
		return err
	}
	if err := endAll(tx, t.Person); err != nil {
		return err
	}
	if err := tx.Record(subject(t.Person), factorRemoved{Task: t.ID}); err != nil {
		return err
	}
	if err := a.notify(tx, NoticeFactorRemoved, t.Person); err != nil {
		return err
	}
	_, err = a.mailEnrolment(tx, t.Person, NoticeEnrol)
	return err
}

// mailEnrolment makes a fresh link for enrolling, to the person's first address, in a message of the kind that says why.
func (a *Accounts) mailEnrolment(tx *db.Tx, person PersonID, why string) (link string, err error) {
	if link, err = newLink(tx, enrolLink, person, EnrolLife); err != nil {
		return "", err
	}
	if err := tx.Record(subject(person), enrolSent{Link: link}); err != nil {
		return "", err
	}
	return link, a.mailLink(tx, why, person, link)
}

func (a *Accounts) mailLink(tx *db.Tx, kind string, person PersonID, id string) error {
	if a.Notify == nil {
		return nil
	}
	p, err := a.Person(tx, person)
	if err != nil {
		return err
	}
	emails, err := a.Emails(tx, person)
	if err != nil || len(emails) == 0 {
		return err
	}
	return a.Notify(tx, Notice{Kind: kind, Person: person, Name: p.Name, Email: emails[0].Address, Lang: p.Lang, Link: id})
}

// ResendEnrolment mails a fresh link to somebody whose factor was removed and whose link ran out.
func (a *Accounts) ResendEnrolment(ctx context.Context, who Who, person PersonID) error {
	if !who.IsPerson() || !who.Has(Desk, Operator) {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		f, err := readFactor(tx, person)
		if err != nil {
			return err
		}
		if !f.byLink || f.disabled || !f.Voided.IsZero() {
			return ErrState
		}
		_, err = a.mailEnrolment(tx, person, NoticeEnrol)
		return err
	})
}

// OpenEnrolment lets a session that needs the mailed link enrol. The link keeps working, for this person after the
// password only, until a factor is enrolled or it expires: whoever closes the browser in between is not shut out.
func (a *Accounts) OpenEnrolment(ctx context.Context, s Session, secret string) error {
	return a.db.Upkeep(ctx, func(tx *db.Tx) error {
		person, err := a.readLink(tx, enrolLink, secret)
		if err != nil {
			return err
		}
		if person != s.Person.ID {
			return ErrLink
		}
		err = tx.Update(`UPDATE sessions SET stage = $1 WHERE id = $2 AND person_id = $3 AND stage = $4 AND revoked = 0`,
			string(wantsEnrol), s.ID, string(person), string(wantsLink))
		if err == db.ErrConflict {
			return ErrNotSignedIn
		}
		return err
	})
}
