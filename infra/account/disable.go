package account

import (
	"cmp"
	"fmt"
	"time"

	"sluice/infra/db"
)

// possible says whether what is proposed could be done to the account as it is, and was not proposed before.
func (a *Accounts) possible(tx *db.Tx, t Task) error {
	tasks, err := a.Tasks(tx)
	if err != nil {
		return err
	}
	for _, other := range tasks {
		if other.Kind == t.Kind && other.Person == t.Person && other.Grant == t.Grant && other.Staff.Email == t.Staff.Email {
			return ErrProposed
		}
	}
	if t.Kind == AddStaff && t.Person == "" {
		return nil
	}
	off, err := disabledAt(tx, t.Person)
	if err != nil {
		return err
	}
	p, err := a.Person(tx, t.Person)
	if err != nil || p.Erased() {
		return cmp.Or(err, ErrState)
	}
	good := false
	switch t.Kind {
	case AddStaff, Disable:
		good = off == 0
	case Enable, Erase:
		good = off != 0
	case ReproveFactor:
		f, err := readFactor(tx, t.Person)
		if err != nil {
			return err
		}
		good = (f.Held || !f.Voided.IsZero()) && !f.disabled
	case Rename:
		staff, err := engaged(tx, t.Person)
		if err != nil {
			return err
		}
		good = off == 0 && staff && (t.Name != p.Name || t.Latin != p.Latin)
	case EndRole:
		grants, err := roleRows(tx, `SELECT id, person_id, role, since, until FROM staff_roles
			WHERE id = $1 AND person_id = $2 AND (until = 0 OR until > $3)`, t.Grant, string(t.Person), db.Stamp(tx.At))
		if err != nil {
			return err
		}
		good = len(grants) == 1
	}
	if !good {
		return ErrState
	}
	return nil
}

// Disabled says since when an account is shut; zero: it is open.
func (a *Accounts) Disabled(tx *db.Tx, person PersonID) (time.Time, error) {
	off, err := disabledAt(tx, person)
	return db.Instant(off), err
}

func disabledAt(tx *db.Tx, person PersonID) (int64, error) {
	var off int64
	err := tx.QueryRow(`SELECT disabled FROM accounts WHERE person_id = $1`, string(person)).Scan(&off)
	if db.NoRows(err) {
		return 0, ErrNoPerson
	}
	return off, err
}

// perform does what two members of staff agreed on. Neither of them is the one it is about, so two who can propose and
// confirm are always left.
func (a *Accounts) perform(tx *db.Tx, t Task) error {
	switch t.Kind {
	case AddStaff:
		invitation, err := a.engage(tx, t.Staff)
		if err != nil || invitation == "" {
			return err
		}
		// Kept for notForThem.
		return tx.Update(`UPDATE staff_tasks SET details = $1 WHERE id = $2 AND details = ''`, "invitation:"+invitation, t.ID)
	case EndRole:
		return endRole(tx, t)
	case ReproveFactor:
		return a.removeFactor(tx, t)
	case Rename:
		return a.rename(tx, t.Person, t.Name, t.Latin, t.ID)
	case Disable:
		return a.disable(tx, t)
	case Enable:
		if err := tx.Update(`UPDATE accounts SET disabled = 0 WHERE person_id = $1 AND disabled <> 0`, string(t.Person)); err != nil {
			return err
		}
		return tx.Record(subject(t.Person), enabled{Task: t.ID})
	case Erase:
		return a.erase(tx, t)
	}
	return fmt.Errorf("a task of a kind that is not known: %s", t.Kind)
}

func endRole(tx *db.Tx, t Task) error {
	at := db.Stamp(tx.At)
	err := tx.Update(`UPDATE staff_roles SET until = $1 WHERE id = $2 AND person_id = $3 AND (until = 0 OR until > $4)`, at, t.Grant, string(t.Person), at)
	if err != nil {
		return err
	}
	return tx.Record(subject(t.Person), roleEnded{Grant: t.Grant})
}

// disable shuts an account: sessions, tokens and links end, and invitations to its addresses are revoked.
func (a *Accounts) disable(tx *db.Tx, t Task) error {
	at := db.Stamp(tx.At)
	if err := tx.Update(`UPDATE accounts SET disabled = $1 WHERE person_id = $2 AND disabled = 0`, at, string(t.Person)); err != nil {
		return err
	}
	if err := endAll(tx, t.Person); err != nil {
		return err
	}
	_, err := tx.Exec(`UPDATE invitations SET revoked = $1 WHERE accepted = 0 AND revoked = 0
		AND email IN (SELECT address FROM emails WHERE person_id = $2)`, at, string(t.Person))
	if err != nil {
		return err
	}
	if err := tx.Record(subject(t.Person), disabled{Task: t.ID}); err != nil {
		return err
	}
	return a.notify(tx, NoticeDisabled, t.Person)
}

// erase takes away everything that says who a disabled person was. What he did stays in the log under his id, and the
// hashes of his addresses there can no longer be tested, for their salts are gone.
func (a *Accounts) erase(tx *db.Tx, t Task) error {
	person := string(t.Person)
	// What else was proposed about this person falls, for whoever confirmed it would do it to nobody.
	_, err := tx.Exec(`UPDATE staff_tasks SET decided = $1, outcome = 'void', details = '' WHERE person_id = $2 AND decided = 0`, db.Stamp(tx.At), person)
	if err != nil {
		return err
	}
	err = tx.Update(`UPDATE persons SET name = '', latin = '', salt = '', erased = $1 WHERE id = $2 AND erased = 0`, db.Stamp(tx.At), person)
	if err != nil {
		return err
	}
	for _, query := range []string{
		`UPDATE invitations SET name = '', email = '', salt = '' WHERE email IN (SELECT address FROM emails WHERE person_id = $1)`,
		`UPDATE invitations SET name = '', email = '', salt = '' WHERE accepted_by = $1`,
		`UPDATE staff_tasks SET note = '', answer = '', details = '' WHERE person_id = $1 AND decided <> 0`,
		`UPDATE accounts SET password = '' WHERE person_id = $1`,
		`DELETE FROM former_names WHERE person_id = $1`,
		`DELETE FROM emails WHERE person_id = $1`,
		`DELETE FROM factors WHERE person_id = $1`,
		`DELETE FROM totp_steps WHERE person_id = $1`,
		`DELETE FROM recovery_codes WHERE person_id = $1`,
		`DELETE FROM sessions WHERE person_id = $1`,
		`DELETE FROM tokens WHERE person_id = $1`,
		`DELETE FROM links WHERE person_id = $1`,
		`DELETE FROM seen WHERE person_id = $1`,
	} {
		if _, err := tx.Exec(query, person); err != nil {
			return fmt.Errorf("erasing person %s: %w", t.Person, err)
		}
	}
	return tx.Record(subject(t.Person), erased{Task: t.ID})
}
