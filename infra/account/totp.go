package account

import (
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/totp"

	"sluice/infra/db"
)

// stepLength is how long one code is shown.
const stepLength = 30 * time.Second

// ErrCode is returned for a code that is wrong, too old, or was used before. Which of these is not said.
var ErrCode = errors.New("this code is not right, or was used before: wait for the next one in your app")

func stepOf(at time.Time) int64 { return at.Unix() / int64(stepLength/time.Second) }

// NextCode is when the app shows its next code. Whoever signs in and then signs waits until then, for a code works once.
func NextCode(at time.Time) time.Time {
	return time.Unix((stepOf(at)+1)*int64(stepLength/time.Second), 0).UTC()
}

// matchStep finds the step of which this is the code: the current one, or the one before for who types slowly. Each is
// asked by itself, since what must be remembered is which one it was.
func matchStep(seed, code string, at time.Time) (int64, bool) {
	code = plainDigits(code)
	found, ok := int64(0), false
	now := stepOf(at)
	for _, step := range []int64{now - 1, now} {
		match, err := totp.ValidateCustom(code, seed, time.Unix(step*int64(stepLength/time.Second), 0), totp.ValidateOpts{
			Period: uint(stepLength / time.Second), Skew: 0, Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err == nil && match {
			found, ok = step, true
		}
	}
	return found, ok
}

// plainDigits drops the spaces that apps show and people type, and makes wide digits of an Asian keyboard plain ones, so
// that every spelling of one code is the same code before it is compared and before it is used up.
func plainDigits(code string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r) || r == '-' || r == '\u200b':
			return -1
		case '0' <= r && r <= '9':
			return r
		case '０' <= r && r <= '９':
			return r - '０' + '0'
		}
		return 'x'
	}, code)
}

// spend uses up a code of a person, for ever and whatever becomes of the act it was given for. It is counted before it is
// compared, so that many guesses sent at once are as few as many sent one after another.
func (a *Accounts) spend(ctx context.Context, person PersonID, session, code string) (at time.Time, err error) {
	var refused error
	err = a.db.Upkeep(ctx, func(tx *db.Tx) error {
		at, refused = tx.At, nil
		counter := a.codeCounter(person)
		wait, err := a.charge(tx, counter)
		if err != nil || wait != nil {
			refused = wait
			return err
		}
		f, err := readFactor(tx, person)
		if err != nil {
			return err
		}
		if !f.Holds() || f.disabled {
			refused = ErrCode
			return nil
		}
		seed, err := a.unseal(person, f.seed)
		if err != nil {
			return err
		}
		step, ok := matchStep(seed, code, tx.At)
		if !ok {
			refused = ErrCode
			return nil
		}
		n, err := tx.Exec(`UPDATE totp_steps SET last_step = $1 WHERE person_id = $2 AND last_step < $3`, step, string(person), step)
		if err != nil || n != 1 {
			refused = ErrCode
			return err
		}
		if _, err := tx.Exec(`UPDATE sessions SET proved = $1 WHERE id = $2 AND person_id = $3`, db.Stamp(tx.At), session, string(person)); err != nil {
			return err
		}
		return forget(tx, counter)
	})
	if err != nil {
		return at, err
	}
	return at, refused
}
