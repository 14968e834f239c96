// Package accounttest makes people for the tests of other packages, through the front door: each was invited, made an
// account, enrolled a second factor and is signed in; staff was proposed by one and confirmed by another.
package accounttest

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// Password is everybody's. Meta is where everybody comes from.
const Password = "gracht viool zeven lantaarn"

var Meta = account.Meta{Address: "192.0.2.7", Agent: "a browser"}

// Key is the local key of a World.
var Key = [32]byte{1, 2, 3, 4, 5, 6, 7, 8}

// A World is accounts with people in it.
type World struct {
	Accounts *account.Accounts
	Notices  []account.Notice // what people would have been told

	t     testing.TB
	db    *db.DB
	clock *dbtest.Clock
	seeds map[account.PersonID]string
	steps map[account.PersonID]time.Time // the last code that was used
	staff []account.Who                  // two who add others
	// Cookies and Recovery are what each person got last: the secret of the session, and the recovery codes.
	Cookies  map[account.PersonID]string
	Recovery map[account.PersonID][]string
}

// New makes a World in which nobody is. Hooks of Accounts may be set before the first person comes; Notify is taken.
func New(t testing.TB, d *db.DB, clock *dbtest.Clock) *World {
	t.Helper()
	a, err := account.New(d, Key, account.Options{Foundation: "Stichting Proef", Hashing: account.ForTests})
	if err != nil {
		t.Fatal(err)
	}
	w := &World{Accounts: a, t: t, db: d, clock: clock, seeds: map[account.PersonID]string{}, steps: map[account.PersonID]time.Time{},
		Cookies: map[account.PersonID]string{}, Recovery: map[account.PersonID][]string{}}
	a.Notify = func(tx *db.Tx, n account.Notice) error { w.Notices = append(w.Notices, n); return nil }
	return w
}

// Person makes somebody with a name and an address, and with roles when these are given. The first of staff brings two
// more people into the database: those who add him.
func (w *World) Person(name, email string, roles ...account.Role) account.Who {
	w.t.Helper()
	if len(roles) == 0 {
		return w.Join(w.Invite(name, email, "someone:"+db.NewID()), name)
	}
	w.bootstrap()
	first, second := w.staff[0], w.staff[1]
	address, err := account.Address(email)
	w.must(err)
	proof := w.Confirm(first, account.ProposalAct(account.AddStaff, address))
	task, err := w.Accounts.ProposeStaff(w.t.Context(), first, proof, account.NewStaff{Name: name, Email: email, Roles: roles}, "hired")
	w.must(err)
	w.Notices = nil
	w.must(w.Accounts.ConfirmTask(w.t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "hired"))
	return w.Join(w.Notices[0].Link, name)
}

// bootstrap makes the first two of staff.
func (w *World) bootstrap() {
	w.t.Helper()
	if w.staff != nil {
		return
	}
	ids, err := w.Accounts.Bootstrap(w.t.Context(), account.Host("root", "test"), [2]account.NewStaff{
		{Name: "Eerste Beheerder", Email: "first.operator@foundation.example", Roles: []account.Role{account.Operator}},
		{Name: "Tweede Beheerder", Email: "second.operator@foundation.example", Roles: []account.Role{account.Operator}},
	})
	w.must(err)
	w.staff = []account.Who{w.Join(ids[0], "Eerste Beheerder"), w.Join(ids[1], "Tweede Beheerder")}
}

// Operators are the two who add others.
func (w *World) Operators() (first, second account.Who) {
	w.t.Helper()
	w.bootstrap()
	return w.staff[0], w.staff[1]
}

// Invite makes an invitation and returns its id.
func (w *World) Invite(name, email, purpose string) (id string) {
	w.t.Helper()
	w.must(w.db.Change(w.t.Context(), account.Host("root", "test").Actor(), func(tx *db.Tx) (err error) {
		id, err = w.Accounts.Invite(tx, account.Invitation{Name: name, Email: email, Lang: "en", For: purpose})
		return err
	}))
	return id
}

// Link is the secret of an invitation or another link, as it would be mailed.
func (w *World) Link(id string) (secret string) {
	w.t.Helper()
	w.must(w.db.View(w.t.Context(), func(tx *db.Tx) (err error) {
		secret, err = w.Accounts.Link(tx, id)
		return err
	}))
	return secret
}

// Join accepts an invitation, makes the account and enrols the second factor.
func (w *World) Join(invitation, name string) account.Who {
	w.t.Helper()
	_, s, err := w.Accounts.Accept(w.t.Context(), w.Link(invitation), account.Acceptance{Name: name, Password: Password, Lang: "en"}, Meta)
	w.must(err)
	return w.Enrol(s).Who
}

// Enrol gives a session that needs it a second factor.
func (w *World) Enrol(s account.Session) account.Session {
	w.t.Helper()
	e, err := w.Accounts.BeginEnrolment(w.t.Context(), s, account.Proof{})
	w.must(err)
	id := s.Person.ID
	w.seeds[id] = strings.ReplaceAll(e.Secret, " ", "")
	codes, cookie, full, err := w.Accounts.FinishEnrolment(w.t.Context(), s, w.CodeOf(id), Meta)
	w.must(err)
	w.Cookies[id], w.Recovery[id] = cookie, codes
	return full
}

// SignIn signs somebody in at an address, with password and code.
func (w *World) SignIn(person account.PersonID, email string) account.Session {
	w.t.Helper()
	_, s, err := w.Accounts.SignIn(w.t.Context(), email, Password, Meta)
	w.must(err)
	cookie, full, err := w.Accounts.GiveCode(w.t.Context(), s, w.CodeOf(person), Meta)
	w.must(err)
	w.Cookies[person] = cookie
	return full
}

// Code is the next code that a person can use. The clock moves on by as much as the person has to wait for it: a code
// works once, and each is shown for 30 seconds.
func (w *World) Code(who account.Who) string {
	w.t.Helper()
	return w.CodeOf(who.Person())
}

// CodeOf is Code, of somebody who is not signed in.
func (w *World) CodeOf(person account.PersonID) string {
	w.t.Helper()
	for now := w.clock.Now(); !account.NextCode(now).After(w.steps[person]); now = w.clock.Now() {
		w.clock.Set(account.NextCode(now))
	}
	w.steps[person] = account.NextCode(w.clock.Now())
	return w.CodeAt(person, w.clock.Now())
}

// CodeAt is the code that a person's app shows at a time, used or not.
func (w *World) CodeAt(person account.PersonID, at time.Time) string {
	w.t.Helper()
	code, err := totp.GenerateCode(w.seeds[person], at)
	w.must(err)
	return code
}

// Seed is the secret in a person's app.
func (w *World) Seed(person account.PersonID) string { return w.seeds[person] }

// Confirm proves one act with the next code.
func (w *World) Confirm(who account.Who, act account.Act) account.Proof {
	w.t.Helper()
	proof, err := w.Accounts.Confirm(w.t.Context(), who, act, w.Code(who))
	w.must(err)
	return proof
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
