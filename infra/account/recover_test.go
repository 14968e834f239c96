package account_test

import (
	"slices"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

const (
	firstMail  = "first.operator@foundation.example"
	secondMail = "second.operator@foundation.example"
)

var (
	root        = account.Host("root", "server")
	bothOfStaff = [2]string{firstMail, secondMail}
)

// loseKey goes on under a new local key.
func loseKey(t *testing.T, w *accounttest.World, d *db.DB) (old *account.Accounts) {
	t.Helper()
	fresh, err := account.New(d, [32]byte{9, 9, 9}, account.Options{Foundation: "Stichting Proef", Hashing: account.ForTests})
	if err != nil {
		t.Fatal(err)
	}
	old, fresh.Notify, w.Accounts = w.Accounts, w.Accounts.Notify, fresh
	return old
}

func wantKey(t *testing.T, d *db.DB, what string, a *account.Accounts, want error) {
	t.Helper()
	view(t, d, func(tx *db.Tx) error { wantErr(t, what, a.CheckKey(tx), want); return nil })
}

// enrolBy signs somebody in by password and mailed link, and sets up a new factor.
func enrolBy(t *testing.T, w *accounttest.World, email, link string) account.Session {
	t.Helper()
	s := withPassword(t, w, email)
	if !s.NeedsLink {
		t.Fatalf("%s after the password: got %+v, want that a link is needed", email, s)
	}
	wantErr(t, "opening the link of "+email, w.Accounts.OpenEnrolment(t.Context(), s, link), nil)
	s.NeedsLink, s.NeedsEnrolment = false, true
	return w.Enrol(s)
}

func wantReturn(t *testing.T, w *accounttest.World, s account.Session, want account.Return) {
	t.Helper()
	if got, err := w.Accounts.Return(t.Context(), s); err != nil || got != want {
		t.Errorf("the way back: got %s and %v, want %s", got, err, want)
	}
}

func TestALostLocalKeyIsRecoveredFrom(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		wantKey(t, d, "a key with nobody there", w.Accounts, nil)
		first, second := w.Operators()
		dora := w.Person("Dora", "dora@foundation.example", account.Desk)
		ada, carl := w.Person("Ada", adaMail), w.Person("Carl", "carl@lab.example")
		w.Person("Bob", "bob@lab.example")
		gone := w.Person("Gerda", "gerda@lab.example")
		both(t, w, account.Disable, gone.Person())
		wantErr(t, "Carl's loss", w.Accounts.ReportLostOf(t.Context(), first, carl.Person()), nil)
		act := account.Act{Kind: "token", Subject: "delivery:1"}
		token, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, act), "delivery:1", clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		wantErr(t, "asking for a password", w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta), nil)
		work(t, w, d)
		reset := lastLink(t, w, account.NoticeReset)
		codes := w.Recovery[ada.Person()]
		clock.Advance(time.Minute)
		_, err = w.Accounts.Recover(t.Context(), root, bothOfStaff)
		wantErr(t, "with the right key", err, account.ErrKeyFits)

		old := loseKey(t, w, d)
		wantKey(t, d, "the new key before", w.Accounts, account.ErrKey)
		for name, c := range map[string]struct {
			who  account.Who
			two  [2]string
			want error
		}{
			"by staff":                 {first, bothOfStaff, account.ErrNotAllowed},
			"by nobody":                {account.Who{}, bothOfStaff, account.ErrNotAllowed},
			"for one person twice":     {root, [2]string{firstMail, firstMail}, account.ErrRecoverers},
			"for somebody outside":     {root, [2]string{firstMail, adaMail}, account.ErrRecoverers},
			"for an address of nobody": {root, [2]string{"nobody@foundation.example", secondMail}, account.ErrRecoverers},
		} {
			_, err := w.Accounts.Recover(t.Context(), c.who, c.two)
			wantErr(t, name, err, c.want)
		}
		w.Notices = nil
		links, err := w.Accounts.Recover(t.Context(), root, bothOfStaff)
		if err != nil {
			t.Fatal(err)
		}
		verify(t, d)
		wantKey(t, d, "the new key after", w.Accounts, nil)
		wantKey(t, d, "the old key after", old, account.ErrKey)
		if told(w, account.NoticeVoided) != 5 || told(w, account.NoticeEnrolAnew) != 2 || told(w, account.NoticeNewPlace) != 0 {
			t.Errorf("got %d told of the loss and %d links, want 5 with an open account and a factor that held, and the 2 named", told(w, account.NoticeVoided), told(w, account.NoticeEnrolAnew))
		}

		for name, who := range map[string]account.Who{"Ada": ada, "the first": first, "the desk": dora} {
			_, err := session(t, w, who.Person())
			wantErr(t, "the session of "+name, err, account.ErrNotSignedIn)
		}
		_, _, err = w.Accounts.ByToken(t.Context(), token)
		wantErr(t, "the token", err, account.ErrNotSignedIn)
		wantErr(t, "the link for a password", w.Accounts.Reset(t.Context(), reset, "zilveren kompas negen druppels"), account.ErrLink)
		if f := factorOf(t, w, d, ada.Person()); f.Holds() {
			t.Errorf("Ada's factor: got %+v, want one that does not hold", f)
		}
		s := withPassword(t, w, adaMail)
		_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), s, codes[0], accounttest.Meta)
		wantErr(t, "a recovery code", err, account.ErrNotSignedIn)

		// Ada has both password and mailbox, and comes back once.
		wantReturn(t, w, s, account.ByAsking)
		wantErr(t, "the desk sending her the link alone", w.Accounts.ResendEnrolment(t.Context(), first, ada.Person()), account.ErrState)
		wantErr(t, "asking", w.Accounts.AskEnrolment(t.Context(), s), nil)
		if n := w.Notices[len(w.Notices)-1]; n.Kind != account.NoticeEnrolAnew || n.Email != adaMail {
			t.Errorf("got %+v, want the link at her own address", n)
		}
		enrolBy(t, w, adaMail, lastLink(t, w, account.NoticeEnrolAnew))
		w.SignIn(ada.Person(), adaMail)
		wantErr(t, "asking once more", w.Accounts.AskEnrolment(t.Context(), withPassword(t, w, adaMail)), account.ErrState)
		_, err = w.Accounts.Recover(t.Context(), root, bothOfStaff)
		wantErr(t, "recovering once somebody has enrolled", err, account.ErrKeyFits)

		// The two, by what the host gave them; then the rest of staff, by the two.
		first = enrolBy(t, w, firstMail, w.Link(links[0])).Who
		second = enrolBy(t, w, secondMail, w.Link(links[1])).Who
		s = withPassword(t, w, "dora@foundation.example")
		wantReturn(t, w, s, account.ByTwoOfStaff)
		wantErr(t, "staff asking for the own link", w.Accounts.AskEnrolment(t.Context(), s), account.ErrState)
		view(t, d, func(tx *db.Tx) error {
			held, err := w.Accounts.HeldFactors(tx)
			if !slices.Contains(held, dora.Person()) || !slices.Contains(held, carl.Person()) || len(held) != 2 {
				t.Errorf("waiting for two of staff: got %v, want Dora and Carl", held)
			}
			return err
		})
		again := func(who account.Who, email string) {
			t.Helper()
			task, err := propose(t, w, first, account.ReproveFactor, who.Person(), "")
			wantErr(t, "proposing", err, nil)
			wantErr(t, "confirming", confirm(t, w, second, task), nil)
			enrolBy(t, w, email, lastLink(t, w, account.NoticeEnrol))
		}
		again(dora, "dora@foundation.example")
		// Carl's factor was reported lost before: maybe it is not he who has his password.
		if s := withPassword(t, w, "carl@lab.example"); !s.Held {
			t.Errorf("Carl after the password: got %+v, want that he is held", s)
		}
		again(carl, "carl@lab.example")

		// Who has the mailbox can have a new password, and no second factor for it.
		wantErr(t, "asking for a password", w.Accounts.RequestReset(t.Context(), "bob@lab.example", accounttest.Meta), nil)
		work(t, w, d)
		const fresh = "zilveren kompas negen druppels"
		wantErr(t, "a new password", w.Accounts.Reset(t.Context(), lastLink(t, w, account.NoticeReset), fresh), nil)
		_, s, err = w.Accounts.SignIn(t.Context(), "bob@lab.example", fresh, accounttest.Meta)
		wantErr(t, "signing in with it", err, nil)
		wantReturn(t, w, s, account.ByTwoOfStaff)
		wantErr(t, "asking with it", w.Accounts.AskEnrolment(t.Context(), s), account.ErrState)
		verify(t, d)
	})
}

func TestAskingForTheLinkIsForSomeTimeAndNotForEver(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, _ := w.Operators()
		w.Person("Ada", adaMail)
		bob := w.Person("Bob", "bob@lab.example")
		clock.Advance(time.Minute)
		loseKey(t, w, d)
		lost := clock.Now()
		links, err := w.Accounts.Recover(t.Context(), root, bothOfStaff)
		wantErr(t, "recovering", err, nil)
		clock.Advance(25 * time.Hour)
		wantErr(t, "a link that expired", w.Accounts.OpenEnrolment(t.Context(), withPassword(t, w, firstMail), w.Link(links[0])), account.ErrLink)
		links, err = w.Accounts.Recover(t.Context(), root, bothOfStaff)
		wantErr(t, "recovering again, before anybody enrolled", err, nil)
		verify(t, d)
		first = enrolBy(t, w, firstMail, w.Link(links[0])).Who

		clock.Set(lost.Add(30*24*time.Hour - time.Second))
		wantReturn(t, w, withPassword(t, w, adaMail), account.ByAsking)
		s := withPassword(t, w, "bob@lab.example")
		for range 10 {
			wantErr(t, "asking", w.Accounts.AskEnrolment(t.Context(), s), nil)
		}
		wantWait(t, "asking for ever", w.Accounts.AskEnrolment(t.Context(), s))
		clock.Set(lost.Add(30 * 24 * time.Hour))
		s = withPassword(t, w, adaMail)
		wantReturn(t, w, s, account.ByTwoOfStaff)
		wantErr(t, "asking too late", w.Accounts.AskEnrolment(t.Context(), s), account.ErrState)

		// Somebody who calls because his mailbox was stolen is held by one of staff.
		first = w.SignIn(first.Person(), firstMail).Who
		wantErr(t, "holding a void factor", w.Accounts.ReportLostOf(t.Context(), first, bob.Person()), nil)
		if s := withPassword(t, w, "bob@lab.example"); !s.Held {
			t.Errorf("Bob after the password: got %+v, want that he is held", s)
		}
		verify(t, d)
		if tampered(t, w, d, `UPDATE factors SET voided = 1 WHERE person_id = $1`, string(first.Person())) == nil {
			t.Error("a factor that the log does not call void: got no difference, want one")
		}
	})
}
