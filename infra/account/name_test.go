package account_test

import (
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// nameOf is what a person is called now, and was called before.
func nameOf(t *testing.T, w *accounttest.World, d *db.DB, person account.PersonID) (p account.Person, former []account.FormerName) {
	t.Helper()
	view(t, d, func(tx *db.Tx) (err error) {
		if p, err = w.Accounts.Person(tx, person); err == nil {
			former, err = w.Accounts.FormerNames(tx, person)
		}
		return err
	})
	return p, former
}

func TestSomebodyChangesHisOwnName(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada Byron", adaMail), w.Person("Bob", "bob@lab.example")
		rename := func(who account.Who, proof account.Proof, name, latin string) error {
			return w.Accounts.Rename(t.Context(), who, proof, name, latin)
		}
		act := account.NameAct(ada.Person())
		wantErr(t, "without a code", rename(ada, account.Proof{}, "Ada Lovelace", ""), account.ErrNotProved)
		wantErr(t, "with a code for something else", rename(ada, w.Confirm(ada, account.FactorAct(ada.Person())), "Ada Lovelace", ""), account.ErrNotProved)
		wantErr(t, "somebody else's", rename(bob, w.Confirm(bob, act), "Ada Lovelace", ""), account.ErrNotProved)
		wantErr(t, "by nobody", rename(account.Who{}, account.Proof{}, "Ada Lovelace", ""), account.ErrNotAllowed)
		for what, name := range map[string][2]string{"no name": {" ", ""}, "a name that is too long": {strings.Repeat("a", 201), ""},
			"a Latin form that is too long": {"Ada", strings.Repeat("a", 201)}, "a line end in it": {"Ada\u2028", "Ada\u202e"}} {
			wantErr(t, what, rename(ada, w.Confirm(ada, act), name[0], name[1]), account.ErrName)
		}
		before := w.Notices
		wantErr(t, "the name there is", rename(ada, w.Confirm(ada, act), " Ada  Byron ", ""), nil)
		wantErr(t, "changing it", rename(ada, w.Confirm(ada, act), "Ада Лавлейс", "Ada Lovelace"), nil)
		if told(w, account.NoticeName) != 1 || len(w.Notices) != len(before)+1 {
			t.Errorf("she was told %d times of the name, want once", told(w, account.NoticeName))
		}
		p, former := nameOf(t, w, d, ada.Person())
		if p.Name != "Ада Лавлейс" || p.Latin != "Ada Lovelace" || len(former) != 1 || former[0].Name != "Ada Byron" || !former[0].Until.Equal(clock.Now()) {
			t.Errorf("got %+v, before %+v", p, former)
		}
		if s := mustSession(t, w, ada.Person()); s.Person.Name != p.Name {
			t.Errorf("her session calls her %q", s.Person.Name)
		}
		verify(t, d)
		text := everything(t, d)["audit_entries"]
		for _, name := range []string{"Lovelace", "Лавлейс", "Byron"} {
			if strings.Contains(text, name) {
				t.Errorf("the log holds %q", name)
			}
		}
		change(t, d, func(tx *db.Tx) error {
			if err := tx.Update(`UPDATE persons SET name = 'Mallory' WHERE id = $1`, string(ada.Person())); err != nil {
				return err
			}
			return tx.Record("test", noise{})
		})
		if replay(t, d) == nil {
			t.Error("a name changed behind the log: got no difference, want one")
		}
		both(t, w, account.Disable, ada.Person())
		both(t, w, account.Erase, ada.Person())
		for table, text := range everything(t, d) {
			if strings.Contains(text, "Lovelace") || strings.Contains(text, "Byron") {
				t.Errorf("once erased, table %s still holds a name of hers", table)
			}
		}
		verify(t, d)
	})
}

func TestStaffIsRenamedByTwoOthers(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		ans, ada := w.Person("Ans", "ans@foundation.example", account.Representative), w.Person("Ada", adaMail)
		propose := func(who account.Who, person account.PersonID, name string) (string, error) {
			proof := w.Confirm(who, account.ProposalAct(account.Rename, string(person)))
			return w.Accounts.ProposeName(t.Context(), who, proof, person, name, "", "seen the passport")
		}
		wantErr(t, "herself", w.Accounts.Rename(t.Context(), ans, w.Confirm(ans, account.NameAct(ans.Person())), "Eerste Beheerder", ""), account.ErrStaffName)
		_, err := propose(ans, first.Person(), "Ans")
		wantErr(t, "proposed by who may not", err, account.ErrNotAllowed)
		_, err = propose(first, first.Person(), "Tweede Beheerder")
		wantErr(t, "proposed for oneself", err, account.ErrSamePerson)
		_, err = propose(first, ada.Person(), "Ada Lovelace")
		wantErr(t, "proposed for somebody who is no staff", err, account.ErrState)
		_, err = propose(first, ans.Person(), "Ans")
		wantErr(t, "proposed as it is", err, account.ErrState)
		_, err = propose(first, ans.Person(), "\n")
		wantErr(t, "proposed without a name", err, account.ErrName)
		task, err := propose(first, ans.Person(), "Ans de Boer")
		wantErr(t, "proposed by another", err, nil)
		wantErr(t, "confirmed by the same", confirm(t, w, first, task), account.ErrSamePerson)
		wantErr(t, "confirmed by a second", confirm(t, w, second, task), nil)
		p, former := nameOf(t, w, d, ans.Person())
		if p.Name != "Ans de Boer" || len(former) != 1 || former[0].Name != "Ans" {
			t.Errorf("got %+v, before %+v", p, former)
		}
		for table, text := range everything(t, d) {
			if table != "persons" && strings.Contains(text, "de Boer") {
				t.Errorf("the new name stands in table %s too", table)
			}
		}
		verify(t, d)
	})
}
