package account_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestRolesProposedForAnAddressThatTurnsOutToBeOnesOwnAreRefused(t *testing.T) {
	for name, whose := range map[string]int{"the proposer's": 0, "the confirmer's": 1} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
				first, second := w.Operators()
				own := []account.Who{first, second}[whose]
				const mine = "private@elsewhere.example"
				task, err := w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, account.ProposalAct(account.AddStaff, mine)),
					account.NewStaff{Name: "Somebody Else", Email: mine, Roles: []account.Role{account.Representative}}, "hired")
				if err != nil {
					t.Fatal(err)
				}
				// Meanwhile the address becomes that of one of the two.
				if err := w.Accounts.AcceptAs(t.Context(), w.Link(w.Invite("Me", mine, "someone:x")), own); err != nil {
					t.Fatal(err)
				}
				err = w.Accounts.ConfirmTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "yes")
				wantErr(t, "confirming what has come to be about one of the two", err, account.ErrSamePerson)
			})
		})
	}
}

func TestRolesOfAnInvitationAreNotTakenByWhoeverProposedOrConfirmedThem(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		const mine = "private@elsewhere.example"
		task, err := w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, account.ProposalAct(account.AddStaff, mine)),
			account.NewStaff{Name: "Somebody Else", Email: mine, Roles: []account.Role{account.Representative}}, "hired")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Accounts.ConfirmTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "yes"); err != nil {
			t.Fatal(err)
		}
		link := lastLink(t, w, account.NoticeInvitation)
		for name, who := range map[string]account.Who{"who proposed it": first, "who confirmed it": second} {
			if err := w.Accounts.AcceptAs(t.Context(), link, who); err == nil {
				t.Errorf("%s took the roles: got no error, want a refusal", name)
			}
		}
		other := w.Person("Other Person", "other@foundation.example", account.Auditor)
		if err := w.Accounts.AcceptAs(t.Context(), link, other); err != nil {
			t.Errorf("somebody else: got %v, want the roles taken", err)
		}
	})
}

func TestALinkThatIsNoTextIsALinkThatDoesNotWork(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		for _, secret := range []string{"", ".", "\x00", "\xff.\xff", strings.Repeat("a", 1<<20), "a\x00b.c"} {
			_, _, err := w.Accounts.LookInvitation(t.Context(), secret)
			wantErr(t, "an invitation", err, account.ErrLink)
			_, err = w.Accounts.LookReset(t.Context(), secret)
			wantErr(t, "a reset", err, account.ErrLink)
		}
	})
}

func TestABrowserWithABrokenNameCanSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		w.Person("Ada Lovelace", adaMail)
		_, _, err := w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, account.Meta{Address: "192.0.2.9", Agent: "Br\xf6wser \x00"})
		if err != nil {
			t.Errorf("got %v, want a session", err)
		}
	})
}

func TestANewFactorWorksAtOnceAlsoWhenTheClockWasAhead(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada Lovelace", adaMail)
		// A clock that ran a minute ahead has used up codes that are still to come; a factor with another secret has none of these.
		s := mustSession(t, w, ada.Person())
		now := clock.Now()
		clock.Set(now.Add(time.Minute))
		proof := w.Confirm(ada, account.FactorAct(ada.Person()))
		e, err := w.Accounts.BeginEnrolment(t.Context(), s, proof)
		if err != nil {
			t.Fatal(err)
		}
		clock.Set(now)
		_ = e
		// Finishing takes the first code of the new secret at the time as it is now.
		seed := strings.ReplaceAll(e.Secret, " ", "")
		code := codeFor(t, seed, clock.Now())
		if _, _, _, err := w.Accounts.FinishEnrolment(t.Context(), s, code, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		clock.Advance(30 * time.Second)
		s = withPassword(t, w, adaMail)
		if _, _, err := w.Accounts.GiveCode(t.Context(), s, codeFor(t, seed, clock.Now()), accounttest.Meta); err != nil {
			t.Errorf("got %v, want the next code of the new factor to work", err)
		}
	})
}

// tampered runs a statement as somebody with the database's password could, and verifies.
func tampered(t *testing.T, w *accounttest.World, d *db.DB, statement string, args ...any) error {
	t.Helper()
	if err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
		n, err := tx.Exec(statement, args...)
		if err == nil && n != 1 {
			t.Fatalf("the tampering touched %d rows, want 1", n)
		}
		return errors.Join(err, tx.Record("thing:1", noise{}))
	}); err != nil {
		t.Fatal(err)
	}
	return replay(t, d)
}

func TestATokenOrSessionThatTheLogDoesNotKnowIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada Lovelace", adaMail)
		scope := "delivery:" + db.NewID()
		_, token, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: scope}), scope, clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if err := tampered(t, w, d, `UPDATE persons SET lang = lang WHERE id = $1`, string(ada.Person())); err != nil {
			t.Fatalf("nothing was tampered with: got %v", err)
		}
		at := clock.Now()
		for name, c := range map[string]struct {
			statement string
			args      []any
			undo      string
			undoArgs  []any
		}{
			"a token put in": {`INSERT INTO tokens (id, hash, person_id, scope, created, expires) VALUES ($1, $2, $3, $4, $5, $6)`,
				[]any{"forged", "00", string(ada.Person()), scope, db.Stamp(at), db.Stamp(at.Add(time.Hour))}, `DELETE FROM tokens WHERE id = $1`, []any{"forged"}},
			"a token made to live longer": {`UPDATE tokens SET expires = $1 WHERE id = $2`, []any{db.Stamp(at.Add(1000 * time.Hour)), token.ID},
				`UPDATE tokens SET expires = $1 WHERE id = $2`, []any{db.Stamp(token.Expires), token.ID}},
			"a token made to open another delivery": {`UPDATE tokens SET scope = $1 WHERE id = $2`, []any{"delivery:other", token.ID},
				`UPDATE tokens SET scope = $1 WHERE id = $2`, []any{scope, token.ID}},
			"a full session put in": {`INSERT INTO sessions (id, hash, person_id, stage, created, seen, agent) VALUES ($1, $2, $3, 'full', $4, $5, '')`,
				[]any{"forged", "00", string(ada.Person()), db.Stamp(at), db.Stamp(at)}, `DELETE FROM sessions WHERE id = $1`, []any{"forged"}},
		} {
			if err := tampered(t, w, d, c.statement, c.args...); err == nil {
				t.Errorf("%s: got no difference, want one", name)
			}
			if err := tampered(t, w, d, c.undo, c.undoArgs...); err != nil {
				t.Fatalf("%s, undone: got %v", name, err)
			}
		}
		if err := w.Accounts.RevokeToken(t.Context(), ada, token.ID); err != nil {
			t.Fatal(err)
		}
		if err := tampered(t, w, d, `UPDATE tokens SET revoked = 0 WHERE id = $1`, token.ID); err == nil {
			t.Error("a token revived: got no difference, want one")
		}
	})
}

// codeFor is what an app with this secret shows.
func codeFor(t *testing.T, seed string, at time.Time) string {
	t.Helper()
	code, err := totp.GenerateCode(seed, at)
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func TestTheFirstTwoOfStaffAreTwoPeople(t *testing.T) {
	for name, order := range map[string][2]int{"the first, then the second": {0, 1}, "the second, then the first": {1, 0}} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
				ids, err := w.Accounts.Bootstrap(t.Context(), account.Host("root", "server"), [2]account.NewStaff{
					{Name: "Anna", Email: "anna@foundation.example"}, {Name: "Bo", Email: "anna.private@elsewhere.example"}})
				if err != nil {
					t.Fatal(err)
				}
				anna := w.Join(ids[order[0]], "Anna")
				link := w.Link(ids[order[1]])
				wantErr(t, "accepting the other one, signed in", w.Accounts.AcceptAs(t.Context(), link, anna), account.ErrOnePerson)
				view(t, d, func(tx *db.Tx) error {
					emails, err := w.Accounts.Emails(tx, anna.Person())
					if len(emails) != 1 {
						t.Errorf("she has the addresses %v, want her own only", emails)
					}
					return err
				})
				bo := w.Join(ids[order[1]], "Bo") // the link is good for the other one still
				if bo.Person() == anna.Person() || !bo.Has(account.Desk) {
					t.Errorf("got %v, want a second person with roles", bo)
				}
				verify(t, d)
			})
		})
	}
}
