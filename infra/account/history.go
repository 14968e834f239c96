package account

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"sluice/infra/db"
)

// shownSignIns is how many sign-ins a person sees of himself.
const shownSignIns = 10

// A SignInLine is one time that somebody signed in.
type SignInLine struct {
	At      time.Time
	With    string // "code", "recovery", "enrolment", or "password", when that was changed
	Agent   string
	Failed  int  // attempts that failed in the day before
	Known   bool // the browser and the failures are still known; they are kept for 30 days
	Current bool // the session that asks
}

// SignIns lists the last times that who asks signed in, the newest first, and counts the attempts on his account that
// failed since: of the last day, from here and from wherever he never was. When is in the log; addresses stand nowhere.
func (a *Accounts) SignIns(ctx context.Context, who Who, meta Meta) (lines []SignInLine, since int, err error) {
	if !who.IsPerson() || who.session == "" {
		return nil, 0, ErrNotAllowed
	}
	err = a.db.View(ctx, func(tx *db.Tx) error {
		lines = nil
		entries, err := tx.LastOf(subject(who.person), signedIn{}.Kind(), shownSignIns)
		if err != nil {
			return err
		}
		for _, e := range entries {
			var ev signedIn
			body, err := e.Decode()
			if err == nil {
				err = json.Unmarshal(body.Data, &ev)
			}
			if err != nil {
				return fmt.Errorf("entry %d of the log: %w", e.Seq, err)
			}
			l := SignInLine{At: e.At, With: ev.With, Current: ev.Session == who.session}
			err = tx.QueryRow(`SELECT agent, failed FROM sessions WHERE id = $1 AND person_id = $2`, ev.Session, string(who.person)).Scan(&l.Agent, &l.Failed)
			if err != nil && !db.NoRows(err) {
				return fmt.Errorf("reading a session: %w", err)
			}
			l.Known = err == nil
			lines = append(lines, l)
		}
		since, err = a.failures(tx, who.person, meta)
		return err
	})
	return lines, since, err
}

// noteFailed writes down with a session how many attempts failed before it. One of those counted is the one that succeeded.
func (a *Accounts) noteFailed(tx *db.Tx, person PersonID, session string, meta Meta) error {
	n, err := a.failures(tx, person, meta)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE sessions SET failed = $1 WHERE id = $2`, max(n-1, 0), session)
	return err
}

// failures are the attempts of the last day that are still counted: at each address of a person, from everywhere or, where
// he signed in before, from here alone; and at the second factor.
func (a *Accounts) failures(tx *db.Tx, person PersonID, meta Meta) (total int, err error) {
	emails, err := a.Emails(tx, person)
	if err != nil {
		return 0, err
	}
	counters := []counter{a.codeCounter(person)}
	for _, e := range emails {
		lookup := a.lookup(e.Address)
		counters = append(counters, a.accountCounter(lookup))
		known, err := a.knownPlace(tx, lookup, meta)
		if err != nil {
			return 0, err
		}
		if known {
			counters = append(counters, a.pairCounter(lookup, meta.client()))
		}
	}
	for _, c := range counters {
		var n int
		err := tx.QueryRow(`SELECT COALESCE(SUM(count), 0) FROM sign_in_failures WHERE name = $1 AND last > $2`, c.name, db.Stamp(tx.At.Add(-memory))).Scan(&n)
		if err != nil {
			return 0, fmt.Errorf("counting failures: %w", err)
		}
		total += n
	}
	return total, nil
}
