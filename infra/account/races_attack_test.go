package account_test

import (
	"errors"
	"math/rand"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// at once runs n of the same and counts those that succeeded.
func atOnce(n int, do func() error) (won int, others []error) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range n {
		wg.Go(func() {
			err := do()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else {
				others = append(others, err)
			}
		})
	}
	wg.Wait()
	return won, others
}

func TestWhatWorksOnceWorksOnceForManyAtOnce(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada Lovelace", adaMail)
		one := func(what string, do func() error) {
			t.Helper()
			if won, others := atOnce(8, do); won != 1 {
				t.Errorf("%s: %d of 8 at once succeeded, want 1; the others: %v", what, won, others)
			} else {
				for _, err := range others {
					if errors.Is(err, db.ErrAway) {
						t.Errorf("%s: one of the others got %v, want an answer", what, err)
					}
				}
			}
		}
		s := withPassword(t, w, adaMail)
		code := w.CodeOf(ada.Person())
		one("a code to sign in with", func() error { _, _, err := w.Accounts.GiveCode(t.Context(), s, code, accounttest.Meta); return err })
		code = w.Code(ada)
		one("a code for an act", func() error {
			_, err := w.Accounts.Confirm(t.Context(), ada, account.Act{Kind: "sign", Subject: "x"}, code)
			return err
		})
		s = withPassword(t, w, adaMail)
		recovery := w.Recovery[ada.Person()][3]
		one("a recovery code", func() error {
			_, _, err := w.Accounts.GiveRecoveryCode(t.Context(), s, recovery, accounttest.Meta)
			return err
		})
		link := w.Link(w.Invite("New", "new@lab.example", "someone:y"))
		one("an invitation", func() error {
			_, _, err := w.Accounts.Accept(t.Context(), link, account.Acceptance{Name: "New One", Password: accounttest.Password}, accounttest.Meta)
			return err
		})
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
		reset := lastLink(t, w, account.NoticeReset)
		one("a reset", func() error { return w.Accounts.Reset(t.Context(), reset, "vier kleuren onder water") })
	})
}

func TestLinksOfSomebodyDisabledStayDeadWhenEnabledAgain(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		ada := w.Person("Ada Lovelace", adaMail)
		scope := "delivery:" + db.NewID()
		bearer, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: scope}), scope, clock.Now().Add(20*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		half := withPassword(t, w, adaMail)
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
		reset := lastLink(t, w, account.NoticeReset)
		both := func(kind account.TaskKind) {
			t.Helper()
			task, err := w.Accounts.Propose(t.Context(), first, w.Confirm(first, account.ProposalAct(kind, string(ada.Person()))), kind, ada.Person(), "", "because")
			if err != nil {
				t.Fatal(err)
			}
			if err := w.Accounts.ConfirmTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "yes"); err != nil {
				t.Fatal(err)
			}
		}
		both(account.Disable)
		// Asked for while disabled, worked on afterwards.
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		dead := func(when string) {
			t.Helper()
			wantErr(t, when+", the reset link", w.Accounts.Reset(t.Context(), reset, "vier kleuren onder water"), account.ErrLink)
			_, _, err := w.Accounts.ByToken(t.Context(), bearer)
			wantErr(t, when+", the token", err, account.ErrNotSignedIn)
			if _, err := session(t, w, ada.Person()); err == nil {
				t.Errorf("%s, the session lives", when)
			}
			if _, _, err := w.Accounts.GiveCode(t.Context(), half, w.CodeOf(ada.Person()), accounttest.Meta); err == nil {
				t.Errorf("%s, the half session became a whole one", when)
			}
			view(t, d, func(tx *db.Tx) error {
				wantErr(t, when+", Still", w.Accounts.Still(tx, ada), account.ErrNotSignedIn)
				return nil
			})
		}
		dead("disabled")
		both(account.Enable)
		dead("enabled again")
	})
}

func TestTheCheckOfPasswordsEndsForAnything(t *testing.T) {
	a, err := account.New(nil, [32]byte{1}, account.Options{Foundation: "Stichting Proef", Hashing: account.ForTests})
	if err != nil {
		t.Fatal(err)
	}
	letters := []rune("aA1!é漢\u202e\U0001F600\u0301 \t.qwerty1990-12-31")
	random := rand.New(rand.NewSource(1))
	for range 100 {
		var b strings.Builder
		for range random.Intn(130) {
			b.WriteRune(letters[random.Intn(len(letters))])
		}
		a.CheckPassword(b.String(), "Ada Lovelace", adaMail)
	}
	for _, long := range []string{strings.Repeat("a", 128), strings.Repeat("qwerty", 21), strings.Repeat("1990-12-31", 12), strings.Repeat("p@ssw0rd", 16), strings.Repeat("\U0001F600", 128)} {
		a.CheckPassword(long, long, long)
	}
}
