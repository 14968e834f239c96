package account

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/infra/db"
)

// AskWithin is how long after the local key was lost a person may have the link for a new factor mailed himself.
const AskWithin = 30 * 24 * time.Hour

// Errors of recovering.
var (
	// ErrKey: the local key is not the one that this database was used with.
	ErrKey = errors.New("this local key is not the one that the database was used with")
	// ErrKeyFits: nothing is lost, for second factors open with the local key there is.
	ErrKeyFits = errors.New("second factors open with this local key: there is nothing to recover from")
	// ErrRecoverers: recovering starts with two people who could let each other in.
	ErrRecoverers = errors.New("name the addresses of two people who are staff now, each with the role desk or operator")
)

// CheckKey returns ErrKey when the local key is not the one that the addresses on file were looked up with: with another
// nobody could sign in, and no link that was mailed would work. One address that fits is enough, so that one row that was
// damaged keeps nobody out.
func (a *Accounts) CheckKey(tx *db.Tx) error {
	var e lookedUp
	err := tx.QueryRow(`SELECT address, lookup FROM emails LIMIT 1`).Scan(&e.address, &e.lookup)
	if db.NoRows(err) || err == nil && e.lookup == a.lookup(e.address) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading an address on file: %w", err)
	}
	emails, err := allEmails(tx)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(emails, func(e lookedUp) bool { return e.lookup == a.lookup(e.address) }) {
		return nil
	}
	return ErrKey
}

// A lookedUp is an address with its keyed hash.
type lookedUp struct{ address, lookup string }

func allEmails(tx *db.Tx) ([]lookedUp, error) {
	emails, err := db.Many(tx, func(r db.Row) (e lookedUp, err error) { err = r.Scan(&e.address, &e.lookup); return e, err },
		`SELECT address, lookup FROM emails ORDER BY address`)
	if err != nil {
		return nil, fmt.Errorf("reading the addresses on file: %w", err)
	}
	return emails, nil
}

// opensAny says whether the local key opens a stored second factor.
func (a *Accounts) opensAny(tx *db.Tx) (bool, error) {
	type sealed struct {
		person PersonID
		seed   string
	}
	all, err := db.Many(tx, func(r db.Row) (s sealed, err error) { err = r.Scan(&s.person, &s.seed); return s, err },
		`SELECT person_id, seed FROM factors WHERE seed <> '' ORDER BY person_id`)
	if err != nil {
		return false, fmt.Errorf("reading second factors: %w", err)
	}
	return slices.ContainsFunc(all, func(s sealed) bool { _, err := a.unseal(s.person, s.seed); return err == nil }), nil
}

// CanRecover says whether Recover would do it, and changes nothing.
func (a *Accounts) CanRecover(tx *db.Tx, addresses [2]string) error {
	_, err := a.recoverers(tx, addresses)
	return err
}

func (a *Accounts) recoverers(tx *db.Tx, addresses [2]string) (two [2]PersonID, err error) {
	if fits, err := a.opensAny(tx); err != nil || fits {
		return two, errors.Join(err, ErrKeyFits)
	}
	for i, address := range addresses {
		p, found, err := a.ByEmail(tx, address)
		if err != nil {
			return two, err
		}
		if !found {
			return two, fmt.Errorf("%s is nobody's: %w", address, ErrRecoverers)
		}
		off, err := disabledAt(tx, p.ID)
		if err != nil {
			return two, err
		}
		roles, err := rolesAt(tx, p.ID, tx.At)
		if err != nil {
			return two, err
		}
		if off != 0 || !(Who{roles: roles}).Has(seconding...) {
			return two, fmt.Errorf("%s is neither desk nor operator now: %w", address, ErrRecoverers)
		}
		two[i] = p.ID
	}
	if two[0] == two[1] {
		return two, fmt.Errorf("both are one person: %w", ErrRecoverers)
	}
	return two, nil
}

// Recover is the way back after the local key was lost, from the host's command line, under a new key: no stored second
// factor opens with it. Every factor, recovery code, session, token and link of everybody is void from then on, in one
// change, and those who had one are told. The two who are named get a link to enrol, for whose identity the host answers. They let
// the rest of staff in, each together with the other, as after any loss. Everybody else may have his link mailed
// himself: see AskEnrolment. It returns the ids of the two links, in order.
//
// The factors reported lost before stay so: somebody else may have the password.
func (a *Accounts) Recover(ctx context.Context, host Who, addresses [2]string) (links [2]string, err error) {
	if host.IsPerson() || host.host == (db.Actor{}) {
		return links, ErrNotAllowed
	}
	err = a.db.Change(ctx, host.Actor(), func(tx *db.Tx) error {
		two, err := a.recoverers(tx, addresses)
		if err != nil {
			return err
		}
		if err := tx.Record("staff", recovered{Staff: two[:]}); err != nil {
			return err
		}
		if err := voidAll(tx); err != nil {
			return err
		}
		if err := a.lookUpAnew(tx); err != nil {
			return err
		}
		if err := a.tellVoided(tx); err != nil {
			return err
		}
		for i, person := range two {
			_, err := tx.Exec(`INSERT INTO factors (person_id, seed, enrolled, held, by_link) VALUES ($1, '', 0, 0, 1)
				ON CONFLICT (person_id) DO UPDATE SET enrolled = 0, held = 0, by_link = 1, voided = 0`, string(person))
			if err != nil {
				return fmt.Errorf("letting person %s enrol: %w", person, err)
			}
			if links[i], err = a.mailEnrolment(tx, person, NoticeEnrolAnew); err != nil {
				return err
			}
		}
		return nil
	})
	return links, err
}

// voidAll ends everything that was made with the old key, or by means of it.
func voidAll(tx *db.Tx) error {
	at := db.Stamp(tx.At)
	for _, query := range []string{
		`UPDATE factors SET voided = $1, enrolled = 0, by_link = 1 WHERE held = 0 AND enrolled <> 0`,
		`UPDATE sessions SET revoked = $1, seed = '' WHERE revoked = 0`,
		`UPDATE tokens SET revoked = $1 WHERE revoked = 0`,
		`UPDATE links SET used = $1 WHERE used = 0`,
	} {
		if _, err := tx.Exec(query, at); err != nil {
			return fmt.Errorf("voiding what the old local key made: %w", err)
		}
	}
	for _, query := range []string{
		`UPDATE factors SET seed = '' WHERE seed <> ''`,
		`DELETE FROM recovery_codes`,
		`DELETE FROM seen WHERE subject LIKE 'place:%'`, // keyed by the old one: everybody would be told that he signs in from somewhere new
	} {
		if _, err := tx.Exec(query); err != nil {
			return fmt.Errorf("voiding what the old local key made: %w", err)
		}
	}
	return nil
}

// lookUpAnew makes the keyed hashes of all addresses with this key, by which a new password is asked for.
func (a *Accounts) lookUpAnew(tx *db.Tx) error {
	emails, err := allEmails(tx)
	if err != nil {
		return err
	}
	for _, e := range emails {
		if err := tx.Update(`UPDATE emails SET lookup = $1 WHERE address = $2`, a.lookup(e.address), e.address); err != nil {
			return fmt.Errorf("looking up an address anew: %w", err)
		}
	}
	return nil
}

// tellVoided tells everybody whose factor was voided in this change; a second run tells nobody again.
func (a *Accounts) tellVoided(tx *db.Tx) error {
	all, err := db.Many(tx, func(r db.Row) (id PersonID, err error) { err = r.Scan(&id); return id, err },
		`SELECT f.person_id FROM factors f JOIN accounts a ON a.person_id = f.person_id
		WHERE f.voided = $1 AND a.disabled = 0 ORDER BY f.person_id`, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("reading accounts: %w", err)
	}
	for _, id := range all {
		if err := a.notify(tx, NoticeVoided, id); err != nil {
			return err
		}
	}
	return nil
}

// A Return says how somebody gets in again whose second factor was removed or voided.
type Return string

const (
	ByMailedLink Return = "link"  // by the link that was mailed
	ByAsking     Return = "ask"   // by a link that AskEnrolment mails
	ByTwoOfStaff Return = "staff" // once two members of staff have re-proved identity
)

// Return says how the person of a session that needs a link gets in again.
func (a *Accounts) Return(ctx context.Context, s Session) (way Return, err error) {
	err = a.db.View(ctx, func(tx *db.Tx) error {
		f, err := readFactor(tx, s.Person.ID)
		if err != nil {
			return err
		}
		if way = ByMailedLink; f.Voided.IsZero() {
			return nil
		}
		way = ByAsking
		if err := a.mayAsk(tx, s.Person.ID, f); err == nil || !errors.Is(err, ErrState) {
			return err
		}
		way = ByTwoOfStaff
		return nil
	})
	return way, err
}

// mayAsk returns nil for somebody to whom the password and his mailbox open the way back, after the local key was lost: no
// two of staff can re-prove hundreds of people, and nobody can bring such a loss about by claiming it. The password must be
// the one from before: a new one could be had with the mailbox alone. Staff, who decide about others, come back by two
// colleagues, and so does everybody later.
func (a *Accounts) mayAsk(tx *db.Tx, person PersonID, f factor) error {
	if f.Voided.IsZero() || f.Held || f.disabled || !tx.At.Before(f.Voided.Add(AskWithin)) {
		return ErrState
	}
	var set int64
	if err := tx.QueryRow(`SELECT password_at FROM accounts WHERE person_id = $1`, string(person)).Scan(&set); err != nil {
		return fmt.Errorf("reading a password: %w", err)
	}
	if !db.Instant(set).Before(f.Voided) {
		return ErrState
	}
	staff, err := engaged(tx, person)
	if err != nil {
		return err
	}
	if staff {
		return ErrState
	}
	return nil
}

// AskEnrolment mails the person of a session, which the password opened, the link for a new second factor in place of one
// that went with the local key. Asking is counted like giving codes.
func (a *Accounts) AskEnrolment(ctx context.Context, s Session) error {
	if err := a.countCode(ctx, s.Person.ID); err != nil {
		return err
	}
	return a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if !now.NeedsLink {
			return ErrState
		}
		f, err := readFactor(tx, now.Person.ID)
		if err != nil {
			return err
		}
		if err := a.mayAsk(tx, now.Person.ID, f); err != nil {
			return err
		}
		_, err = a.mailEnrolment(tx, now.Person.ID, NoticeEnrolAnew)
		return err
	})
}
