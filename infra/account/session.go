package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/infra/db"
)

// stage says how far signing in has come. Only a full session has a Who that may do anything.
type stage string

const (
	wantsCode  stage = "code"  // the password was right; the code is missing
	wantsEnrol stage = "enrol" // there is no second factor yet; nothing but enrolling one is open
	wantsLink  stage = "link"  // the factor was removed after a loss; enrolling needs the mailed link
	isHeld     stage = "held"  // the factor was reported lost; staff must re-prove who it is
	isFull     stage = "full"
)

// How long a session lives. A session that has not come all the way lives for unfinished only.
const (
	staffIdle    = 30 * time.Minute
	staffTotal   = 12 * time.Hour
	otherIdle    = time.Hour
	otherTotal   = 24 * time.Hour
	unfinished   = 15 * time.Minute
	seenEvery    = time.Minute // at most one write: so idling may end up to a minute early, never late
	keptAfterEnd = 24 * time.Hour
	keptForOwner = 30 * 24 * time.Hour // of a session that came all the way: how its person knows it again
)

// ErrNotSignedIn is returned for a session or token that does not exist, has ended, or was revoked.
var ErrNotSignedIn = errors.New("you are not signed in")

// A Session is one browser of one person, from the right password on.
type Session struct {
	// Who is the person signed in, or the zero Who while anything is missing: see Needs.
	Who    Who
	Person Person
	ID     string // not the secret: shown in lists and events

	NeedsCode      bool // the password was right: give the code
	NeedsEnrolment bool // no second factor yet: enrol one, nothing else is open
	NeedsLink      bool // the second factor was removed after a loss: the link that was mailed opens enrolment
	Held           bool // the second factor was reported lost: two members of staff must re-prove who this is
	Recovered      bool // signed in with a recovery code a moment ago: may enrol a new factor without a code of the old one

	Created  time.Time
	IdleEnd  time.Time // unless used before
	TotalEnd time.Time
	proved   time.Time
	stage    stage
	seed     string // sealed, being enrolled
}

// Full says whether somebody is signed in all the way.
func (s Session) Full() bool { return s.stage == isFull }

// Session reads the session of a cookie and notes that it was used.
func (a *Accounts) Session(ctx context.Context, cookie string) (Session, error) {
	var s Session
	var stale bool
	err := a.db.View(ctx, func(tx *db.Tx) error {
		var seen time.Time
		var err error
		s, seen, err = a.sessionOf(tx, cookie)
		stale = tx.At.Sub(seen) >= seenEvery
		return err
	})
	if err == nil && stale {
		// A database that takes nothing keeps nobody out: whoever comes for an emergency stop must get there. Without this note
		// the session ends sooner, never later.
		_ = a.db.Upkeep(ctx, func(tx *db.Tx) error {
			_, err := tx.Exec(`UPDATE sessions SET seen = $1 WHERE id = $2 AND revoked = 0`, db.Stamp(tx.At), s.ID)
			return err
		})
	}
	return s, err
}

const selectSession = `SELECT s.id, s.person_id, s.stage, s.created, s.seen, s.proved, s.recovered, s.seed, s.revoked,
		a.disabled, p.name, p.latin, p.lang, p.created
	FROM sessions s JOIN accounts a ON a.person_id = s.person_id JOIN persons p ON p.id = s.person_id`

// sessionOf reads the session of a cookie. Id and hash are asked for by statements of their own: in one, the empty value of
// the other could match.
func (a *Accounts) sessionOf(tx *db.Tx, cookie string) (Session, time.Time, error) {
	return a.scanSession(tx, tx.QueryRow(selectSession+` WHERE s.hash = $1`, hashed(cookie)))
}

// readSession reads one session by its id.
func (a *Accounts) readSession(tx *db.Tx, id string) (Session, time.Time, error) {
	return a.scanSession(tx, tx.QueryRow(selectSession+` WHERE s.id = $1`, id))
}

// scanSession makes a session of a row, and refuses it unless it lives.
func (a *Accounts) scanSession(tx *db.Tx, row db.Row) (Session, time.Time, error) {
	var s Session
	var created, seen, proved, revoked, off, born int64
	err := row.Scan(&s.ID, &s.Person.ID, &s.stage, &created, &seen, &proved, &s.Recovered, &s.seed, &revoked,
		&off, &s.Person.Name, &s.Person.Latin, &s.Person.Lang, &born)
	if db.NoRows(err) || err == nil && (revoked != 0 || off != 0) {
		return Session{}, time.Time{}, ErrNotSignedIn
	}
	if err != nil {
		return Session{}, time.Time{}, fmt.Errorf("reading a session: %w", err)
	}
	s.Created, s.proved, s.Person.Created = db.Instant(created), db.Instant(proved), db.Instant(born)
	// Later its cookie alone would be enough to put another factor in place.
	s.Recovered = s.Recovered && tx.At.Sub(s.Created) <= enrolWithin
	roles, err := rolesAt(tx, s.Person.ID, tx.At)
	if err != nil {
		return Session{}, time.Time{}, err
	}
	s.complete(roles, db.Instant(seen))
	if !tx.At.Before(s.IdleEnd) || !tx.At.Before(s.TotalEnd) {
		return Session{}, time.Time{}, ErrNotSignedIn
	}
	return s, db.Instant(seen), nil
}

// complete works out what a session that was read is good for.
func (s *Session) complete(roles []Role, seen time.Time) {
	idle, total := otherIdle, otherTotal
	if len(roles) > 0 {
		idle, total = staffIdle, staffTotal
	}
	switch s.stage {
	case isFull:
		s.Who = Who{person: s.Person.ID, roles: roles, session: s.ID}
	case wantsCode:
		s.NeedsCode = true
	case wantsEnrol:
		s.NeedsEnrolment = true
	case wantsLink:
		s.NeedsLink = true
	case isHeld:
		s.Held = true
	}
	if s.stage != isFull {
		idle, total = unfinished, unfinished
	}
	s.IdleEnd, s.TotalEnd = seen.Add(idle), s.Created.Add(total)
}

// open makes a session and returns the secret for its cookie. Every step of signing in opens a new one, so that a cookie
// set by somebody else before is worth nothing after.
func (a *Accounts) open(tx *db.Tx, person PersonID, st stage, recovered bool, meta Meta) (cookie string, s Session, err error) {
	cookie, id := secret(), db.NewID()
	proved := int64(0)
	if st == isFull && !recovered {
		proved = db.Stamp(tx.At)
	}
	_, err = tx.Exec(`INSERT INTO sessions (id, hash, person_id, stage, created, seen, proved, recovered, agent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		id, hashed(cookie), string(person), string(st), db.Stamp(tx.At), db.Stamp(tx.At), proved, number(recovered), meta.agent())
	if err != nil {
		return "", Session{}, fmt.Errorf("opening a session for person %s: %w", person, err)
	}
	_, err = tx.Exec(`DELETE FROM sessions WHERE created < $1 AND (stage <> 'full' OR created < $2)`,
		db.Stamp(tx.At.Add(-otherTotal-keptAfterEnd)), db.Stamp(tx.At.Add(-keptForOwner)))
	if err != nil {
		return "", Session{}, err
	}
	s, _, err = a.readSession(tx, id)
	return cookie, s, err
}

// close ends one session.
func closeSession(tx *db.Tx, id string) error {
	_, err := tx.Exec(`UPDATE sessions SET revoked = $1, seed = '' WHERE id = $2 AND revoked = 0`, db.Stamp(tx.At), id)
	return err
}

// endAll ends everything by which somebody could be this person without proving it anew: sessions, tokens and links.
func endAll(tx *db.Tx, person PersonID) error {
	at := db.Stamp(tx.At)
	for _, query := range []string{
		`UPDATE sessions SET revoked = $1, seed = '' WHERE person_id = $2 AND revoked = 0`,
		`UPDATE tokens SET revoked = $1 WHERE person_id = $2 AND revoked = 0`,
		`UPDATE links SET used = $1 WHERE person_id = $2 AND used = 0`,
	} {
		if _, err := tx.Exec(query, at, string(person)); err != nil {
			return fmt.Errorf("ending what was open of person %s: %w", person, err)
		}
	}
	return nil
}

// SignOut ends the session of a cookie. It is recorded, so that whatever runs for this session is cut.
func (a *Accounts) SignOut(ctx context.Context, cookie string) error {
	s, err := a.Session(ctx, cookie)
	if errors.Is(err, ErrNotSignedIn) {
		return nil
	}
	if err != nil {
		return err
	}
	return a.db.Change(ctx, db.Person(string(s.Person.ID)), func(tx *db.Tx) error {
		if err := closeSession(tx, s.ID); err != nil {
			return err
		}
		return tx.Record(subject(s.Person.ID), signedOut{Session: s.ID})
	})
}

// A SessionLine is one line of a person's own list of sessions.
type SessionLine struct {
	ID            string
	Agent         string
	Created, Seen time.Time
	Current       bool // the one that asks
}

// Sessions lists the full sessions of who asks, the newest first.
func (a *Accounts) Sessions(ctx context.Context, who Who) ([]SessionLine, error) {
	if !who.IsPerson() || who.scope != "" {
		return nil, ErrNotAllowed
	}
	var lines []SessionLine
	err := a.db.View(ctx, func(tx *db.Tx) error {
		lines = nil
		rows, err := tx.Query(`SELECT id, agent, created, seen FROM sessions
			WHERE person_id = $1 AND stage = 'full' AND revoked = 0 ORDER BY created DESC, id`, string(who.person))
		if err != nil {
			return err
		}
		defer rows.Close()
		idle, total := otherIdle, otherTotal
		if who.IsStaff() {
			idle, total = staffIdle, staffTotal
		}
		for rows.Next() {
			var l SessionLine
			var created, seen int64
			if err := rows.Scan(&l.ID, &l.Agent, &created, &seen); err != nil {
				return err
			}
			l.Created, l.Seen, l.Current = db.Instant(created), db.Instant(seen), l.ID == who.session
			if tx.At.Before(l.Seen.Add(idle)) && tx.At.Before(l.Created.Add(total)) {
				lines = append(lines, l)
			}
		}
		return rows.Err()
	})
	return lines, err
}

// RevokeSession ends one session of who asks. Somebody else's is not found.
func (a *Accounts) RevokeSession(ctx context.Context, who Who, id string) error {
	if !who.IsPerson() || who.scope != "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE sessions SET revoked = $1, seed = '' WHERE id = $2 AND person_id = $3 AND revoked = 0`,
			db.Stamp(tx.At), id, string(who.person))
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotSignedIn
		}
		return tx.Record(subject(who.person), sessionRevoked{Session: id})
	})
}

// Still returns nil while the session or token that a Who came from is good. What runs for long asks it again whenever
// the log has grown, for signing out, disabling and every other end of a session is in the log.
func (a *Accounts) Still(tx *db.Tx, who Who) error {
	_, err := a.Until(tx, who)
	return err
}

// Until is Still, with the time at which the session or token ends by itself. No entry of the log says that it has.
func (a *Accounts) Until(tx *db.Tx, who Who) (time.Time, error) {
	switch {
	case who.token != "":
		_, t, err := a.readToken(tx, who.token)
		return t.Expires, err
	case who.session != "":
		ends, err := a.sessionEnds(tx, who)
		if err != nil {
			return time.Time{}, err
		}
		if !tx.At.Before(ends) {
			return time.Time{}, ErrNotSignedIn
		}
		return ends, nil
	}
	return time.Time{}, ErrNotSignedIn
}

// sessionEnds is when a session ends at the latest. Idling does not count here: somebody whose download runs is not idle.
func (a *Accounts) sessionEnds(tx *db.Tx, who Who) (time.Time, error) {
	var created, revoked, off int64
	err := tx.QueryRow(`SELECT s.created, s.revoked, a.disabled FROM sessions s JOIN accounts a ON a.person_id = s.person_id
		WHERE s.id = $1 AND s.person_id = $2 AND s.stage = 'full'`, who.session, string(who.person)).Scan(&created, &revoked, &off)
	if db.NoRows(err) || err == nil && (revoked != 0 || off != 0) {
		return time.Time{}, ErrNotSignedIn
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("reading a session: %w", err)
	}
	if who.IsStaff() {
		return db.Instant(created).Add(staffTotal), nil
	}
	return db.Instant(created).Add(otherTotal), nil
}

// number is a truth as the database holds it.
func number(b bool) int {
	if b {
		return 1
	}
	return 0
}
