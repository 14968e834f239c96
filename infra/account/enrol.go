package account

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image/png"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"sluice/infra/db"
)

// enrolWithin is how long after its proof, a code or a recovery code, a factor may be replaced.
const enrolWithin = 15 * time.Minute

// ErrNotBegun is returned when a code is given for a factor whose QR code was not shown in this session.
var ErrNotBegun = errors.New("begin again: this factor was not set up in this session")

// An Enrolment is what an authenticator app needs, to be shown once and never stored or logged.
type Enrolment struct {
	Secret string // for typing in, in groups of four
	URL    string // otpauth://…
	PNG    []byte // the URL as a QR code
}

// FactorAct is the act that replacing one's second factor or recovery codes, or changing one's password, needs a code for.
func FactorAct(person PersonID) Act { return Act{Kind: "factor", Subject: subject(person)} }

// BeginEnrolment makes the seed of a new second factor for a session that needs one, or that may replace the one there
// is: with the proof for FactorAct, or when it signed in with a recovery code. Nothing changes until FinishEnrolment;
// asking again in the same session shows the same seed.
func (a *Accounts) BeginEnrolment(ctx context.Context, s Session, proof Proof) (Enrolment, error) {
	var seed string
	var name string
	err := a.db.Upkeep(ctx, func(tx *db.Tx) error {
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if !now.NeedsEnrolment && !(now.Full() && (now.Recovered || proof.Covers(now.Who, FactorAct(now.Person.ID), tx.At) == nil)) {
			return ErrNotProved
		}
		emails, err := a.Emails(tx, now.Person.ID)
		if err != nil {
			return err
		}
		name = now.Person.Name
		if len(emails) > 0 {
			name = emails[0].Address
		}
		if now.seed != "" {
			seed, err = a.unseal(now.Person.ID, now.seed)
			return err
		}
		key, err := totp.Generate(totp.GenerateOpts{Issuer: a.issuer(), AccountName: name, SecretSize: 20, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return fmt.Errorf("making a second factor: %w", err)
		}
		seed = key.Secret()
		sealed, err := a.seal(now.Person.ID, seed)
		if err != nil {
			return err
		}
		return tx.Update(`UPDATE sessions SET seed = $1 WHERE id = $2 AND seed = '' AND revoked = 0`, sealed, s.ID)
	})
	if err != nil {
		return Enrolment{}, err
	}
	return a.show(seed, name)
}

func (a *Accounts) issuer() string {
	if a.opts.Foundation == "" {
		return "Sluice"
	}
	return a.opts.Foundation
}

// show draws what the app reads. Marks that an app would take for its own separators are left out of the names.
func (a *Accounts) show(seed, name string) (Enrolment, error) {
	raw, err := base32Seed.DecodeString(seed)
	if err != nil {
		return Enrolment{}, errSealed
	}
	key, err := totp.Generate(totp.GenerateOpts{Issuer: withoutColon(a.issuer()), AccountName: withoutColon(name), Secret: raw,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1})
	if err != nil {
		return Enrolment{}, errSealed
	}
	img, err := key.Image(240, 240)
	if err != nil {
		return Enrolment{}, errors.New("the QR code cannot be drawn")
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		return Enrolment{}, errors.New("the QR code cannot be drawn")
	}
	return Enrolment{Secret: inGroups(seed, " "), URL: key.URL(), PNG: b.Bytes()}, nil
}

// FinishEnrolment takes the first code of the new factor, ends every other session, token and link of the person, and
// returns ten recovery codes, to be shown this once, with the cookie of a new, full session. The code is used up.
func (a *Accounts) FinishEnrolment(ctx context.Context, s Session, code string, meta Meta) (recovery []string, cookie string, full Session, err error) {
	seed, step, err := a.tryNewFactor(ctx, s, code)
	if err != nil {
		return nil, "", Session{}, err
	}
	err = a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		recovery, cookie = nil, ""
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if now.seed != seed || !now.mayEnrol(tx.At) {
			return ErrNotBegun
		}
		if err := a.putFactor(tx, now, step); err != nil {
			return err
		}
		if recovery, err = a.newRecoveryCodes(tx, now.Person.ID); err != nil {
			return err
		}
		if err := endAll(tx, now.Person.ID); err != nil {
			return err
		}
		if cookie, full, err = a.open(tx, now.Person.ID, isFull, false, meta); err != nil {
			return err
		}
		return a.enrolled(tx, full, meta)
	})
	if err != nil {
		return nil, "", Session{}, err
	}
	return recovery, cookie, full, nil
}

// enrolled records a new factor and the session that came with it, and tells the person.
func (a *Accounts) enrolled(tx *db.Tx, s Session, meta Meta) error {
	if err := tx.Record(subject(s.Person.ID), factorEnrolled{}); err != nil {
		return err
	}
	if err := tx.Record(subject(s.Person.ID), signedIn{Session: s.ID, With: "enrolment"}); err != nil {
		return err
	}
	if err := a.notePlaces(tx, s.Person.ID, meta); err != nil {
		return err
	}
	return a.notify(tx, NoticeFactor, s.Person.ID)
}

// mayEnrol says whether a session that began to enrol may finish.
func (s Session) mayEnrol(at time.Time) bool {
	return s.NeedsEnrolment || s.Full() && (s.Recovered || at.Sub(s.proved) <= enrolWithin)
}

// tryNewFactor checks the first code against the seed of the session, counted like every code.
func (a *Accounts) tryNewFactor(ctx context.Context, s Session, code string) (sealed string, step int64, err error) {
	var refused error
	err = a.db.Upkeep(ctx, func(tx *db.Tx) error {
		refused = nil
		now, _, err := a.readSession(tx, s.ID)
		if err != nil {
			return err
		}
		if now.seed == "" {
			return ErrNotBegun
		}
		counter := a.codeCounter(now.Person.ID)
		wait, err := a.charge(tx, counter)
		if err != nil || wait != nil {
			refused = wait
			return err
		}
		seed, err := a.unseal(now.Person.ID, now.seed)
		if err != nil {
			return err
		}
		var ok bool
		if step, ok = matchStep(seed, code, tx.At); !ok {
			refused = ErrCode
			return nil
		}
		sealed = now.seed
		return forget(tx, counter)
	})
	if err != nil {
		return "", 0, err
	}
	return sealed, step, refused
}

// putFactor makes the new factor the person's one, unless a session without a proof would replace one that came meanwhile.
func (a *Accounts) putFactor(tx *db.Tx, s Session, step int64) error {
	f, err := readFactor(tx, s.Person.ID)
	if err != nil {
		return err
	}
	if f.Held || s.NeedsEnrolment && !f.Enrolled.IsZero() {
		return ErrNotBegun
	}
	_, err = tx.Exec(`INSERT INTO factors (person_id, seed, enrolled, held, by_link) VALUES ($1, $2, $3, 0, 0)
		ON CONFLICT (person_id) DO UPDATE SET seed = excluded.seed, enrolled = excluded.enrolled, held = 0, by_link = 0, voided = 0`,
		string(s.Person.ID), s.seed, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("enrolling the second factor of person %s: %w", s.Person.ID, err)
	}
	// Lowered too, if the clock was ahead when codes of the old factor were used: no code of this one was used but this.
	_, err = tx.Exec(`INSERT INTO totp_steps (person_id, last_step) VALUES ($1, $2)
		ON CONFLICT (person_id) DO UPDATE SET last_step = excluded.last_step`,
		string(s.Person.ID), step)
	return err
}
