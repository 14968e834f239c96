package licensing_test

import (
	"testing"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// TestErasedPeopleLeaveTheReplayWhole: rows lose their words, and the log still holds.
func TestErasedPeopleLeaveTheReplayWhole(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	w.must(w.r.RemoveContact(t.Context(), w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement, w.get().Contacts[0].ID, "left"))
	w.must(d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
		for _, erase := range []string{
			`UPDATE contacts SET name = '', latin = '', position = '', email = '', address = '', salt = '' WHERE removed > 0`,
			`UPDATE notes SET body = '', salt = ''`,
			`UPDATE parties SET name = '', latin = '', position = '', email = '', address = '', salt = '' WHERE part = 'applicant'`,
		} {
			if n, err := tx.Exec(erase); err != nil || n == 0 {
				t.Errorf("%s: %d rows, %v", erase, n, err)
			}
		}
		return tx.Record("test:1", happened{})
	}))
	w.replay()
}

type happened struct{}

func (happened) Kind() string { return "test.happened" }
