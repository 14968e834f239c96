package account_test

import (
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestSomebodySeesHisLastSignInsAndWhatFailedBefore(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		id := ada.Person()
		elsewhere := account.Meta{Address: "198.51.100.4", Agent: "another browser"}
		fails := func(n int, meta account.Meta) {
			for range n {
				_, _, err := w.Accounts.SignIn(t.Context(), adaMail, "not her password", meta)
				wantErr(t, "a wrong password", err, account.ErrSignIn)
			}
		}
		look := func(who account.Who) ([]account.SignInLine, int) {
			lines, since, err := w.Accounts.SignIns(t.Context(), who, accounttest.Meta)
			if err != nil {
				t.Fatal(err)
			}
			return lines, since
		}
		fails(2, accounttest.Meta) // where she was before
		fails(3, elsewhere)        // where she never was
		// Somebody who has her password tries codes.
		_, half, err := w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, elsewhere)
		wantErr(t, "the right password", err, nil)
		_, _, err = w.Accounts.GiveCode(t.Context(), half, "000000", elsewhere)
		wantErr(t, "a wrong code", err, account.ErrCode)

		who := w.SignIn(id, adaMail).Who
		lines, since := look(who)
		if since != 0 || len(lines) != 2 || lines[0].Failed != 7 || !lines[0].Current || lines[0].With != "code" || lines[0].Agent != accounttest.Meta.Agent ||
			!lines[0].At.Equal(clock.Now()) || lines[1].With != "enrolment" || lines[1].Failed != 0 || lines[1].Current {
			t.Errorf("got %+v and %d since, want this one with seven failures before it, and the first", lines, since)
		}
		fails(1, elsewhere)
		if _, since := look(who); since != 1 {
			t.Errorf("got %d failures since, want 1", since)
		}
		if lines, since := look(bob); len(lines) != 1 || since != 0 {
			t.Errorf("somebody else sees %+v and %d failures", lines, since)
		}
		clock.Advance(25 * time.Hour)
		who = w.SignIn(id, adaMail).Who
		if lines, _ := look(who); lines[0].Failed != 0 {
			t.Errorf("failures of the day before yesterday count: %+v", lines[0])
		}
		clock.Advance(31 * 24 * time.Hour)
		for range 9 {
			who = w.SignIn(id, adaMail).Who
		}
		lines, _ = look(who)
		if last := len(lines) - 1; last != 9 || !lines[last-1].Known || lines[last].Known || lines[last].Agent != "" {
			t.Errorf("got %+v, want ten, of the oldest only when it was", lines)
		}
		_, _, err = w.Accounts.SignIns(t.Context(), account.Who{}, accounttest.Meta)
		wantErr(t, "nobody's", err, account.ErrNotAllowed)
		verify(t, d)
	})
}
