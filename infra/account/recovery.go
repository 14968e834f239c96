package account

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"

	"sluice/infra/db"
)

// recoveryCodes is how many there are. Each is 80 bits, shown as four groups of four.
const recoveryCodes = 10

var base32Seed = base32.StdEncoding.WithPadding(base32.NoPadding)

func inGroups(s, between string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 && i%4 == 0 {
			b.WriteString(between)
		}
		b.WriteRune(r)
	}
	return b.String()
}

func withoutColon(s string) string { return strings.ReplaceAll(s, ":", " ") }

// recoveryHash is how a code of one person is stored. The person is part of it, so nobody else's code fits; and a hash
// typed in as a code is hashed once more.
func (a *Accounts) recoveryHash(person PersonID, code string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '-' {
			return -1
		}
		return unicode.ToUpper(r)
	}, code)
	return hex.EncodeToString(mac(a.keys.recovery, string(person), plain))
}

// newRecoveryCodes replaces all codes of a person.
func (a *Accounts) newRecoveryCodes(tx *db.Tx, person PersonID) ([]string, error) {
	if _, err := tx.Exec(`DELETE FROM recovery_codes WHERE person_id = $1`, string(person)); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		code := rand.Text()[:16]
		codes[i] = inGroups(code, "-")
		if _, err := tx.Exec(`INSERT INTO recovery_codes (person_id, hash) VALUES ($1, $2)`, string(person), a.recoveryHash(person, code)); err != nil {
			return nil, fmt.Errorf("storing a recovery code of person %s: %w", person, err)
		}
	}
	return codes, nil
}

// GiveRecoveryCode completes signing in with one of the ten, which is then used up, and tells the person so. The session
// may do all that needs no fresh code, and enrol a new factor; it cannot sign or decide, for Confirm takes no such code.
func (a *Accounts) GiveRecoveryCode(ctx context.Context, s Session, code string, meta Meta) (cookie string, full Session, err error) {
	if !s.NeedsCode {
		return "", Session{}, ErrNotSignedIn
	}
	if err := a.countCode(ctx, s.Person.ID); err != nil {
		return "", Session{}, err
	}
	err = a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		f, err := readFactor(tx, s.Person.ID)
		if err != nil {
			return err
		}
		if !f.Holds() {
			return ErrCode
		}
		n, err := tx.Exec(`UPDATE recovery_codes SET used = $1 WHERE person_id = $2 AND hash = $3 AND used = 0`,
			db.Stamp(tx.At), string(s.Person.ID), a.recoveryHash(s.Person.ID, code))
		if err != nil {
			return err
		}
		if n != 1 {
			return ErrCode
		}
		if cookie, full, err = a.finish(tx, s, "recovery", meta); err != nil {
			return err
		}
		if err := forget(tx, a.codeCounter(s.Person.ID)); err != nil {
			return err
		}
		left, err := a.RecoveryCodesLeft(tx, s.Person.ID)
		if err != nil {
			return err
		}
		if err := tx.Record(subject(s.Person.ID), recoveryUsed{Left: left}); err != nil {
			return err
		}
		return a.notify(tx, NoticeRecoveryUsed, s.Person.ID)
	})
	if err != nil {
		return "", Session{}, err
	}
	return cookie, full, nil
}

// RenewRecoveryCodes makes all codes of who is signed in void and returns ten new ones, to be shown this once. It takes the
// proof for FactorAct: whoever found an open browser would otherwise keep a way in. Sessions that a code opened end, save
// the one that asks, for they may enrol a new factor without proof; everything else stays open.
func (a *Accounts) RenewRecoveryCodes(ctx context.Context, s Session, proof Proof) (codes []string, err error) {
	if !s.Full() {
		return nil, ErrNotAllowed
	}
	err = a.db.Change(ctx, s.Who.Actor(), func(tx *db.Tx) error {
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if err := proof.Covers(now.Who, FactorAct(now.Person.ID), tx.At); err != nil {
			return err
		}
		if codes, err = a.newRecoveryCodes(tx, now.Person.ID); err != nil {
			return err
		}
		if err := tx.Record(subject(now.Person.ID), recoveryRenewed{}); err != nil {
			return err
		}
		if err := endRecovered(tx, now); err != nil {
			return err
		}
		return a.notify(tx, NoticeRecoveryNew, now.Person.ID)
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// endRecovered ends the other sessions of a person that a recovery code opened.
func endRecovered(tx *db.Tx, s Session) error {
	ids, err := db.Many(tx, func(r db.Row) (id string, err error) { err = r.Scan(&id); return id, err },
		`SELECT id FROM sessions WHERE person_id = $1 AND recovered <> 0 AND revoked = 0 AND id <> $2 ORDER BY id`, string(s.Person.ID), s.ID)
	if err != nil {
		return fmt.Errorf("reading the sessions of person %s: %w", s.Person.ID, err)
	}
	for _, id := range ids {
		if err := closeSession(tx, id); err != nil {
			return err
		}
		if err := tx.Record(subject(s.Person.ID), sessionRevoked{Session: id}); err != nil {
			return err
		}
	}
	return nil
}

// countCode counts one attempt at the second factor, before it is made.
func (a *Accounts) countCode(ctx context.Context, person PersonID) error {
	var wait error
	err := a.db.Upkeep(ctx, func(tx *db.Tx) error {
		var err error
		wait, err = a.charge(tx, a.codeCounter(person))
		return err
	})
	if err != nil {
		return err
	}
	return wait
}

// RecoveryCodesLeft counts the codes of a person that were not used.
func (a *Accounts) RecoveryCodesLeft(tx *db.Tx, person PersonID) (int, error) {
	var left int
	err := tx.QueryRow(`SELECT COUNT(*) FROM recovery_codes WHERE person_id = $1 AND used = 0`, string(person)).Scan(&left)
	return left, err
}
