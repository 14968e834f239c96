package account_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestNoSecretStandsInAnyRowOrError(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, _ := w.Operators()
		invitation := w.Link(w.Invite("Open", "open@lab.example", "contact:1"))
		ada := w.Person("Ada", adaMail)
		id := ada.Person()
		bob := w.Person("Bob", "bob@lab.example")
		secrets := map[string]string{
			"password": accounttest.Password, "seed": w.Seed(id), "cookie": w.Cookies[id], "link": invitation,
			"mac of the link": strings.Split(invitation, ".")[1], "recovery code": w.Recovery[id][0],
			"recovery code without marks": strings.ReplaceAll(w.Recovery[id][0], "-", ""), "local key": fmt.Sprintf("%x", accounttest.Key),
			"client address": accounttest.Meta.Address,
		}
		token, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		secrets["token"], secrets["token without prefix"] = token, strings.TrimPrefix(token, "sluice_")
		var errs []error
		failed := func(err error) { errs = append(errs, err) }
		_, _, err = w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password+"x", accounttest.Meta)
		failed(err)
		half := withPassword(t, w, adaMail)
		_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), half, w.Recovery[bob.Person()][0], accounttest.Meta)
		failed(err)
		// A session that enrols holds its seed, sealed; a new password is under way; a factor is being replaced.
		e, err := w.Accounts.BeginEnrolment(t.Context(), mustSession(t, w, id), w.Confirm(ada, account.FactorAct(id)))
		if err != nil {
			t.Fatal(err)
		}
		secrets["seed being enrolled"] = strings.ReplaceAll(e.Secret, " ", "")
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
		secrets["link for a password"] = lastLink(t, w, account.NoticeReset)
		if err := w.Accounts.ReportLostOf(t.Context(), first, bob.Person()); err != nil {
			t.Fatal(err)
		}
		both(t, w, account.ReproveFactor, bob.Person())
		secrets["link for a factor"] = lastLink(t, w, account.NoticeEnrol)
		failed(w.Accounts.Reset(t.Context(), secrets["link for a factor"], "zilveren kompas"))
		failed(accept(t, w, invitation+"x"))
		_, _, err = w.Accounts.ByToken(t.Context(), token+"x")
		failed(err)
		_, err = w.Accounts.Session(t.Context(), w.Cookies[id]+"x")
		failed(err)

		rows := everything(t, d)
		for what, secret := range secrets {
			if len(secret) < 8 {
				t.Fatalf("the canary %q is %q, which is too short to look for", what, secret)
			}
			for table, text := range rows {
				if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
					t.Errorf("the %s stands in table %s", what, table)
				}
			}
			for _, err := range errs {
				if err == nil || strings.Contains(err.Error(), secret) {
					t.Errorf("the %s stands in an error, or there was none: %v", what, err)
				}
			}
		}
		for _, personal := range []string{"Ada", adaMail, "lab.example"} {
			if strings.Contains(rows["audit_entries"], personal) {
				t.Errorf("%q stands in the log", personal)
			}
		}
	})
}

func TestAPersonIsErasedAndTheLogStillHolds(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, _ := w.Operators()
		ada := w.Person("Ada Lovelace", adaMail)
		w.Invite("Ada Lovelace", adaMail, "contact:9")
		_, err := propose(t, w, first, account.Erase, ada.Person(), "")
		wantErr(t, "while the account is open", err, account.ErrState)
		both(t, w, account.Disable, ada.Person())
		enable, err := propose(t, w, first, account.Enable, ada.Person(), "")
		wantErr(t, "proposing to enable", err, nil)
		both(t, w, account.Erase, ada.Person())
		for table, text := range everything(t, d) {
			if strings.Contains(text, "Lovelace") || strings.Contains(text, adaMail) {
				t.Errorf("table %s still says who she was", table)
			}
		}
		verify(t, d)
		_, second := w.Operators()
		wantErr(t, "what else was proposed", confirm(t, w, second, enable), account.ErrNoTask)
		_, err = propose(t, w, first, account.Enable, ada.Person(), "")
		wantErr(t, "enabling somebody erased", err, account.ErrState)
		w.Person("Another Ada", adaMail) // the address is free again
		verify(t, d)
	})
}

// verify walks the log and compares it with the tables.
func verify(t *testing.T, d *db.DB) {
	t.Helper()
	if err := replay(t, d); err != nil {
		t.Errorf("comparing log and tables: got %v, want no difference", err)
	}
}

// replay is every difference, as one error.
func replay(t *testing.T, d *db.DB) error {
	t.Helper()
	return errors.Join(differences(t, d)...)
}

func differences(t *testing.T, d *db.DB) (all []error) {
	t.Helper()
	view(t, d, func(tx *db.Tx) error {
		r := account.NewReplay()
		if _, err := tx.VerifyLog(r.Entry); err != nil {
			return err
		}
		found, err := r.Compare(tx)
		for _, f := range found {
			all = append(all, errors.New(f))
		}
		return err
	})
	return all
}

func TestEveryDifferenceIsListed(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		_, second := w.Operators()
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		for _, query := range []string{
			`UPDATE accounts SET disabled = 1 WHERE person_id = $1`,
			`UPDATE sessions SET id = 'planted' WHERE person_id = $1 AND stage = 'full'`,
		} {
			change(t, d, func(tx *db.Tx) error {
				return errors.Join(tx.Update(query, string(ada.Person())), tx.Record("test", noise{}))
			})
		}
		for _, query := range []string{`DELETE FROM accounts WHERE person_id = $1`, `DELETE FROM factors WHERE person_id = $1`} {
			change(t, d, func(tx *db.Tx) error {
				return errors.Join(tx.Update(query, string(bob.Person())), tx.Record("test", noise{}))
			})
		}
		change(t, d, func(tx *db.Tx) error {
			return errors.Join(tx.Update(`DELETE FROM staff_roles WHERE person_id = $1`, string(second.Person())), tx.Record("test", noise{}))
		})
		all := replay(t, d).Error()
		for _, want := range []string{
			"person " + string(ada.Person()) + " is not as the log says", "session planted of person " + string(ada.Person()),
			"person " + string(bob.Person()) + " has no account", "person " + string(bob.Person()) + " is not as the log says",
			"of person " + string(second.Person()) + " is in the log and not in the table",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("got the differences\n%s\nwant also %q", all, want)
			}
		}
		if n := len(differences(t, d)); n != 5 {
			t.Errorf("got %d differences, want 5:\n%s", n, all)
		}
	})
}

func TestWhatWasChangedBehindTheLogIsFound(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		both(t, w, account.Disable, bob.Person())
		if err := w.Accounts.ReportLostOf(t.Context(), first, ada.Person()); err != nil {
			t.Fatal(err)
		}
		verify(t, d)
		for name, c := range map[string]struct {
			change, back string
			args         []any
		}{
			"an account enabled":  {`UPDATE accounts SET disabled = 0 WHERE person_id = $1`, `UPDATE accounts SET disabled = 1 WHERE person_id = $1`, []any{string(bob.Person())}},
			"a factor found":      {`UPDATE factors SET held = 0 WHERE person_id = $1`, `UPDATE factors SET held = 1 WHERE person_id = $1`, []any{string(ada.Person())}},
			"a role given":        {`UPDATE staff_roles SET role = 'steward' WHERE person_id = $1`, `UPDATE staff_roles SET role = 'operator' WHERE person_id = $1`, []any{string(second.Person())}},
			"an address replaced": {`UPDATE emails SET address = 'mallory@evil.example' WHERE person_id = $1`, `UPDATE emails SET address = 'ada@lab.example' WHERE person_id = $1`, []any{string(ada.Person())}},
		} {
			run := func(query string) {
				change(t, d, func(tx *db.Tx) error {
					if err := tx.Update(query, c.args...); err != nil {
						return err
					}
					return tx.Record("test", noise{})
				})
			}
			run(c.change)
			if replay(t, d) == nil {
				t.Errorf("%s: got no difference, want one", name)
			}
			run(c.back)
			verify(t, d)
		}
	})
}

type noise struct{}

func (noise) Kind() string { return "test.noise" }
