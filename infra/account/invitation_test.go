package account_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

var filled = account.Acceptance{Name: "Ada Lovelace", Password: accounttest.Password, Lang: "nl"}

func accept(t *testing.T, w *accounttest.World, secret string) error {
	t.Helper()
	_, _, err := w.Accounts.Accept(t.Context(), secret, filled, accounttest.Meta)
	return err
}

func change(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.Change(t.Context(), db.Worker(), fn); err != nil {
		t.Fatal(err)
	}
}

func TestAnInvitation(t *testing.T) {
	t.Run("makes an account and binds what it was for, in one transaction", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			boom := errors.New("boom")
			var bound account.PersonID
			w.Accounts.Accepted = func(tx *db.Tx, inv account.Invitation, person account.PersonID) error { return boom }
			id := w.Invite("Ada", " ADA@Lab.example", "contact:1")
			secret := w.Link(id)
			wantErr(t, "when binding fails", accept(t, w, secret), boom)
			view(t, d, func(tx *db.Tx) error {
				_, found, err := w.Accounts.ByEmail(tx, adaMail)
				if found {
					t.Error("binding failed, and the account is there all the same")
				}
				return err
			})
			w.Accounts.Accepted = func(tx *db.Tx, inv account.Invitation, person account.PersonID) error {
				if inv.For != "contact:1" || inv.ID != id || inv.Email != adaMail {
					t.Errorf("got %+v, want the invitation as it was made", inv)
				}
				bound = person
				return nil
			}
			wantErr(t, "accepting", accept(t, w, secret), nil)
			view(t, d, func(tx *db.Tx) error {
				p, found, err := w.Accounts.ByEmail(tx, "Ada@LAB.example ")
				if !found || p.ID != bound || p.Name != filled.Name || p.Lang != "nl" {
					t.Errorf("got %+v, want Ada, bound", p)
				}
				return err
			})
		})
	})
	t.Run("is accepted once, however many try", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			secret := w.Link(w.Invite("Ada", adaMail, "contact:1"))
			var good atomic.Int32
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					if accept(t, w, secret) == nil {
						good.Add(1)
					}
				})
			}
			wg.Wait()
			if good.Load() != 1 {
				t.Errorf("got %d accounts, want 1", good.Load())
			}
			wantErr(t, "once more", accept(t, w, secret), account.ErrLink)
		})
	})
	t.Run("is not used up by looking", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			secret := w.Link(w.Invite("Ada", adaMail, "contact:1"))
			before, _ := d.Head(t.Context())
			for range 3 {
				_, state, err := w.Accounts.LookInvitation(t.Context(), secret)
				if err != nil || state != account.InvitationOpen {
					t.Fatalf("looking: got %s and %v, want open", state, err)
				}
			}
			if after, _ := d.Head(t.Context()); after != before {
				t.Error("looking changed something")
			}
			wantErr(t, "accepting after looking", accept(t, w, secret), nil)
		})
	})
	t.Run("is for its own address", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			bob := w.Person("Bob", "bob@lab.example")
			w.Person("Ada", adaMail)
			other := filled
			other.Email = "mallory@evil.example"
			_, _, err := w.Accounts.Accept(t.Context(), w.Link(w.Invite("Cleo", "cleo@lab.example", "contact:1")), other, accounttest.Meta)
			wantErr(t, "with another address", err, account.ErrOtherAddress)

			secret := w.Link(w.Invite("Ada", adaMail, "contact:2"))
			_, state, err := w.Accounts.LookInvitation(t.Context(), secret)
			if state != account.InvitationSignIn || err != nil {
				t.Errorf("an address with an account: got %s and %v, want sign in", state, err)
			}
			wantErr(t, "making a second account", accept(t, w, secret), account.ErrSignInFirst)
			wantErr(t, "as somebody else", w.Accounts.AcceptAs(t.Context(), secret, bob), account.ErrTaken)
			wantErr(t, "as nobody", w.Accounts.AcceptAs(t.Context(), secret, account.Who{}), account.ErrNotAllowed)
		})
	})
	t.Run("to another address of somebody signed in becomes his", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			secret := w.Link(w.Invite("Ada", "ada@other.example", "contact:2"))
			wantErr(t, "signed in", w.Accounts.AcceptAs(t.Context(), secret, ada), nil)
			wantErr(t, "twice", w.Accounts.AcceptAs(t.Context(), secret, ada), account.ErrLink)
			view(t, d, func(tx *db.Tx) error {
				emails, err := w.Accounts.Emails(tx, ada.Person())
				if len(emails) != 2 || emails[1].Address != "ada@other.example" {
					t.Errorf("got %v, want both addresses", emails)
				}
				return err
			})
			if told(w, account.NoticeAddress) != 2 {
				t.Errorf("got %d messages about the new address, want one at each", told(w, account.NoticeAddress))
			}
			w.SignIn(ada.Person(), "ada@other.example")
		})
	})
	t.Run("ends after 14 days, to the second", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			secret, made := w.Link(w.Invite("Ada", adaMail, "contact:1")), clock.Now()
			other := w.Link(w.Invite("Bob", "bob@lab.example", "contact:1"))
			clock.Set(made.Add(14*24*time.Hour - time.Second))
			wantErr(t, "a second before", accept(t, w, other), nil)
			clock.Set(made.Add(14 * 24 * time.Hour))
			wantErr(t, "at the end", accept(t, w, secret), account.ErrLink)
			if _, state, _ := w.Accounts.LookInvitation(t.Context(), secret); state != account.InvitationExpired {
				t.Errorf("got %s, want expired", state)
			}
		})
	})
	t.Run("sent again has the same link, and another after it had expired", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			id := w.Invite("Ada", adaMail, "contact:1")
			first := w.Link(id)
			change(t, d, func(tx *db.Tx) error { return w.Accounts.Resend(tx, id) })
			if w.Link(id) != first {
				t.Error("the link of an open invitation changed by sending it again")
			}
			clock.Advance(14 * 24 * time.Hour)
			wantErr(t, "expired", accept(t, w, first), account.ErrLink)
			change(t, d, func(tx *db.Tx) error { return w.Accounts.Resend(tx, id) })
			wantErr(t, "the old link", accept(t, w, first), account.ErrLink)
			wantErr(t, "the new link", accept(t, w, w.Link(id)), nil)
		})
	})
	t.Run("has a link that nobody can make up", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			id := w.Invite("Ada", adaMail, "contact:1")
			other := w.Link(w.Invite("Bob", "bob@lab.example", "contact:2"))
			secret := w.Link(id)
			_, mac, _ := strings.Cut(other, ".")
			for _, bad := range []string{"", ".", id, id + ".", id + "." + mac, secret + "A", secret[:len(secret)-1], secret + " ", strings.ToLower(secret)} {
				wantErr(t, "accepting "+bad, accept(t, w, bad), account.ErrLink)
				wantErr(t, "resetting with "+bad, w.Accounts.Reset(t.Context(), bad, "zilveren kompas negen druppels"), account.ErrLink)
			}
			wantErr(t, "the link of an invitation as one for a password", w.Accounts.Reset(t.Context(), secret, "zilveren kompas negen druppels"), account.ErrLink)
		})
	})
	t.Run("to staff is made by two members of staff only", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
				_, err := w.Accounts.Invite(tx, account.Invitation{Name: "Ada", Email: adaMail, For: "staff:operator"})
				return err
			})
			wantErr(t, "inviting staff directly", err, account.ErrNotAllowed)
		})
	})
	t.Run("needs a name and a password that are good", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			secret := w.Link(w.Invite("Ada", adaMail, "contact:1"))
			for name, c := range map[string]struct {
				acc  account.Acceptance
				want error
			}{
				"no name":         {account.Acceptance{Name: " \n", Password: accounttest.Password}, account.ErrName},
				"a broken name":   {account.Acceptance{Name: "Ada\x07", Password: accounttest.Password}, account.ErrName},
				"a turned name":   {account.Acceptance{Name: "Ada\u202e", Password: accounttest.Password}, account.ErrName},
				"a weak password": {account.Acceptance{Name: "Ada", Password: "welkom2026"}, account.ErrPasswordWeak},
			} {
				_, _, err := w.Accounts.Accept(t.Context(), secret, c.acc, accounttest.Meta)
				wantErr(t, name, err, c.want)
			}
			wantErr(t, "afterwards", accept(t, w, secret), nil)
		})
	})
}

func TestANewPasswordByMail(t *testing.T) {
	const fresh = "zilveren kompas negen druppels"
	ask := func(t *testing.T, w *accounttest.World, d *db.DB, email string) {
		t.Helper()
		if err := w.Accounts.RequestReset(t.Context(), email, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
	}
	t.Run("works once, keeps the second factor and ends what was open", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			ask(t, w, d, "ADA@lab.example")
			secret := lastLink(t, w, account.NoticeReset)
			wantErr(t, "a weak password", w.Accounts.Reset(t.Context(), secret, "welkom2026"), account.ErrPasswordWeak)
			p, err := w.Accounts.LookReset(t.Context(), secret)
			if err != nil || p.ID != ada.Person() {
				t.Errorf("looking: got %v and %v, want Ada", p, err)
			}
			wantErr(t, "a new one", w.Accounts.Reset(t.Context(), secret, fresh), nil)
			wantErr(t, "the link once more", w.Accounts.Reset(t.Context(), secret, fresh+"!"), account.ErrLink)
			_, err = session(t, w, ada.Person())
			wantErr(t, "the session from before", err, account.ErrNotSignedIn)
			_, s, err := w.Accounts.SignIn(t.Context(), adaMail, fresh, accounttest.Meta)
			if err != nil || !s.NeedsCode || s.Full() {
				t.Errorf("the new password: got %+v and %v, want the code to be asked", s, err)
			}
			if told(w, account.NoticePassword) != 1 {
				t.Error("nobody was told that the password was changed")
			}
		})
	})
	t.Run("dies after half an hour, when another is asked for, and when the password changes", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			w.Person("Ada", adaMail)
			ask(t, w, d, adaMail)
			first := lastLink(t, w, account.NoticeReset)
			ask(t, w, d, adaMail)
			second := lastLink(t, w, account.NoticeReset)
			wantErr(t, "the first of two", w.Accounts.Reset(t.Context(), first, fresh), account.ErrLink)
			clock.Advance(30*time.Minute - time.Second)
			if _, err := w.Accounts.LookReset(t.Context(), second); err != nil {
				t.Errorf("a second before: got %v, want nil", err)
			}
			clock.Advance(time.Second)
			wantErr(t, "after half an hour", w.Accounts.Reset(t.Context(), second, fresh), account.ErrLink)
		})
	})
	t.Run("leaves no trace of an address that nobody has, and the same for both until a job looks", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			w.Person("Ada", adaMail)
			before, _ := d.Head(t.Context())
			for _, email := range []string{adaMail, "nobody@lab.example"} {
				if err := w.Accounts.RequestReset(t.Context(), email, accounttest.Meta); err != nil {
					t.Fatal(err)
				}
			}
			if after, _ := d.Head(t.Context()); after != before {
				t.Error("asking was recorded, for one of both")
			}
			if jobs := everything(t, d)["jobs"]; strings.Contains(jobs, "lab.example") || strings.Count(jobs, "account.reset") != 2 {
				t.Errorf("got jobs %q, want one for each, without the address", jobs)
			}
			work(t, w, d)
			if told(w, account.NoticeReset) != 1 {
				t.Errorf("got %d messages, want one", told(w, account.NoticeReset))
			}
		})
	})
	t.Run("is not asked for on and on", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			var err error
			for range 11 {
				err = w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta)
			}
			wantWait(t, "the eleventh", err)
		})
	})
}

func TestAnInvitationToOnesOwnAddressIsAcceptedWithoutItsLink(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		var bound []account.PersonID
		w.Accounts.Accepted = func(_ *db.Tx, _ account.Invitation, person account.PersonID) error {
			bound = append(bound, person)
			return nil
		}
		id, free := w.Invite("Ada", adaMail, "contact:1"), w.Invite("Carl", "carl@lab.example", "contact:2")
		waiting := func(who account.Who) (n int) {
			view(t, d, func(tx *db.Tx) error {
				all, err := w.Accounts.InvitationsTo(tx, who.Person())
				n = len(all)
				return err
			})
			return n
		}
		if waiting(ada) != 1 || waiting(bob) != 0 {
			t.Errorf("got %d for Ada and %d for Bob, want hers alone", waiting(ada), waiting(bob))
		}
		token, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		byToken, _, err := w.Accounts.ByToken(t.Context(), token)
		wantErr(t, "the token", err, nil)
		for name, c := range map[string]struct {
			who account.Who
			id  string
		}{"by Bob": {bob, id}, "to an address of nobody": {ada, free}, "that does not exist": {ada, "none"}, "by a token": {byToken, id}, "by nobody": {account.Who{}, id},
			"by the host": {account.Host("root", "x"), id}} {
			wantErr(t, name, w.Accounts.AcceptOwn(t.Context(), c.id, c.who), account.ErrNotAllowed)
		}
		wantErr(t, "by Ada", w.Accounts.AcceptOwn(t.Context(), id, ada), nil)
		wantErr(t, "by Ada once more", w.Accounts.AcceptOwn(t.Context(), id, ada), account.ErrLink)
		if len(bound) != 1 || bound[0] != ada.Person() || waiting(ada) != 0 {
			t.Errorf("bound %v and %d waiting, want Ada once", bound, waiting(ada))
		}
		late := w.Invite("Ada", adaMail, "contact:3")
		clock.Advance(14 * 24 * time.Hour)
		ada = w.SignIn(ada.Person(), adaMail).Who
		wantErr(t, "one that ran out", w.Accounts.AcceptOwn(t.Context(), late, ada), account.ErrLink)
		verify(t, d)
	})
}
