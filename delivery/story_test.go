package delivery_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
)

func TestADeliveryIsMadeReadAndTakenAway(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		d := a.Delivery()
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		for name, data := range small() {
			s.get("carla", d.ID, name).want(t, name, 200, data)
		}
		w.Clock.Set(a.Load().Term.Until)
		s.get("carla", d.ID, "exact.bam").want(t, "after the end", 403, nil)
		w.WorkOff()
		ended := a.Delivery()
		if ended.State != delivery.Ended || ended.Emptied.IsZero() || !ended.KeyDestroyed.IsZero() {
			t.Errorf("after the end: got %+v, want it ended and emptied, with its key", ended.Delivery)
		}
		w.Clock.Set(ended.KeyDue)
		w.WorkOff()
		if got := a.Delivery(); got.State != delivery.Destroyed || got.Certificate == "" {
			t.Errorf("when the key is due: got %+v, want it destroyed with a certificate", got.Delivery)
		}
		if there, err := w.Keys.Exists(t.Context(), d.Key); there || err != nil {
			t.Errorf("the key: got %v, %v, want it gone", there, err)
		}
		_, err := w.Store.Residue(t.Context(), d.Bucket)
		wantErr(t, "the bucket", err, delivery.ErrNotStored)
		w.Clock.Advance(delivery.IdleAfter)
		w.WorkOff()
		replay(t, w)
	})
}

func TestContactsAndTheDeskAreToldOnceThatDataCanBeFetched(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		w.WorkOff()
		told := map[string]int{}
		w.View(func(tx *db.Tx) error {
			letters, err := w.Registry.Outbox().AllLetters(tx, 1000)
			for _, l := range letters {
				if l.Number == a.Delivery().Number {
					told[l.Kind+" to "+l.To.Email]++
				}
			}
			return err
		})
		want := map[string]int{"data-ready to " + a.Load().Contacts[0].Email: 1, "data-ready-desk to desk@foundation.example": 1,
			"data-ready-desk to second@foundation.example": 1}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("who was told (-want +got):\n%s", diff)
		}
	})
}

// replay checks that the log holds and that the tables say the same.
func replay(t testing.TB, w *deliverytest.World) {
	t.Helper()
	for _, difference := range differences(t, w) {
		t.Errorf("the log and the tables differ: %s", difference)
	}
}

func differences(t testing.TB, w *deliverytest.World) (found []string) {
	t.Helper()
	w.View(func(tx *db.Tx) error {
		r := delivery.NewReplay()
		_, err := tx.VerifyLog(func(e audit.Entry, b audit.Body) error { return r.Entry(e, b) })
		if err != nil {
			return err
		}
		found, err = r.Compare(tx)
		return err
	})
	return found
}
