package licensing_test

import (
	"errors"
	"testing"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

type closedOut struct{}

func (closedOut) Kind() string { return "test.closed" }

func TestTheQueuesKeepWhatIsCommittedAndMayStillWait(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	r, undone := w.r.Fresh(), errors.New("undone")
	look := func(tx *db.Tx) error {
		_, err := r.Queues(tx, w.desk)
		return err
	}
	err := d.Change(t.Context(), w.desk.Actor(), func(tx *db.Tx) error { return errors.Join(look(tx), undone) })
	if !errors.Is(err, undone) || r.Kept() != 0 {
		t.Errorf("in a change that is undone: kept %d agreements, want none (%v)", r.Kept(), err)
	}
	w.must(d.View(t.Context(), look))
	if r.Kept() != 1 {
		t.Errorf("kept %d agreements, want the one in force", r.Kept())
	}
	w.must(d.Change(t.Context(), w.desk.Actor(), func(tx *db.Tx) error {
		if err := tx.Update(`UPDATE agreements SET state = 'closed-out' WHERE id = $1`, w.agreement); err != nil {
			return err
		}
		return tx.Record("test", closedOut{})
	}))
	w.must(d.View(t.Context(), look))
	if r.Kept() != 0 {
		t.Errorf("kept %d agreements, want none once it is closed out", r.Kept())
	}
}
