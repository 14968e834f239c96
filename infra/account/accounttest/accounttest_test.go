package accounttest_test

import (
	"testing"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestPeopleOfAWorldCanActAndProveIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := accounttest.New(t, d, clock)
		ada := w.Person("Ada Contact", "ada@lab.example")
		desk := w.Person("Dirk Balie", "dirk@foundation.example", account.Desk, account.Steward)
		if ada.IsStaff() || !desk.Has(account.Desk) || !desk.Has(account.Steward) || desk.Has(account.Operator) {
			t.Errorf("roles: got %v and %v", ada, desk)
		}
		for range 3 {
			act := account.Act{Kind: "sign", Subject: "agreement:1"}
			if err := w.Confirm(desk, act).Covers(desk, act, clock.Now()); err != nil {
				t.Errorf("a proof made now: got %v, want nil", err)
			}
		}
		err := d.View(t.Context(), func(tx *db.Tx) error {
			staff, err := w.Accounts.Staff(tx, account.Desk)
			if len(staff) != 1 || staff[0].ID != desk.Person() {
				t.Errorf("desk: got %v, want Dirk alone", staff)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
