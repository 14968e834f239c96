package delivery_test

import (
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/objects"
	"sluice/licensing"
)

const otto = "otto@foundation.example"

// letters are those of a kind to an address.
func letters(t *testing.T, w *deliverytest.World, kind, email string) (found []licensing.Letter) {
	t.Helper()
	w.View(func(tx *db.Tx) error {
		all, err := w.Registry.Outbox().AllLetters(tx, 10_000)
		for _, l := range all {
			if l.Kind == kind && l.To.Email == email {
				found = append(found, l)
			}
		}
		return err
	})
	return found
}

func early(t *testing.T, w *deliverytest.World) (found []delivery.Delivery) {
	t.Helper()
	w.View(func(tx *db.Tx) (err error) {
		found, err = w.Depot.EndingEarly(tx)
		return err
	})
	return found
}

func TestABucketThatWouldEmptyItselfTooEarlyIsToldTwoDaysBefore(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		w.Person("Otto Beheer", otto, account.Operator)
		kept, a := w.InForceUntil(later, w.Import("kept", two()).ID), w.InForceUntil(later, w.Import("two", two()).ID)
		w.Work()
		end := a.Delivery().BucketEnd
		if end.IsZero() {
			t.Fatal("the bucket has no end")
		}
		kept.Extend(licensing.Date{Year: 2027, Month: 1, Day: 31})
		w.Work()
		a.Extend(licensing.Date{Year: 2027, Month: 1, Day: 31})
		w.Store.FailFrom(1, objects.NotDone) // for a month nobody moves it
		at := func(moment time.Time, told, shown int) {
			t.Helper()
			w.Clock.Set(moment)
			w.Work()
			if n, m := len(letters(t, w, "delivery.bucket-end", otto)), len(early(t, w)); n != told || m != shown {
				t.Errorf("at %s: %d letters and %d deliveries shown, want %d and %d", moment, n, m, told, shown)
			}
		}
		at(end.Add(-48*time.Hour-time.Second), 0, 0)
		at(end.Add(-48*time.Hour), 1, 1)
		at(end.Add(-24*time.Hour), 1, 1)
		at(end.Add(time.Hour), 1, 1)
		if l := letters(t, w, "delivery.bucket-end", otto)[0]; l.Number != a.Delivery().Number || l.Facts["at"] != end.Format(time.RFC3339) {
			t.Errorf("got %+v, want the operator to read which one, and when", l)
		}
		must(t, w.Depot.WatchBucketEnd(t.Context(), a.Delivery().ID)) // a job may be done twice
		at(end.Add(2*time.Hour), 1, 1)
		w.Store.Heal()
		w.Clock.Advance(time.Minute)
		at(w.Clock.Now(), 1, 0)
		if got := a.Delivery().BucketEnd; got.Before(a.Load().Term.Until) {
			t.Errorf("the bucket ends at %s, before the term", got)
		}
		replay(t, w)
	})
}

func TestNobodyIsToldOfABucketWhoseDeliveryIsOver(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	w.Person("Otto Beheer", otto, account.Operator)
	a := w.InForceUntil(later, w.Import("two", two()).ID)
	w.Work()
	end := a.Delivery().BucketEnd
	a.Extend(licensing.Date{Year: 2027, Month: 1, Day: 31})
	w.Store.FailFrom(1, objects.NotDone)
	a.Do(licensing.ActionTerminate)
	w.Clock.Set(end)
	w.Work()
	if n, m := len(letters(t, w, "delivery.bucket-end", otto)), len(early(t, w)); n != 0 || m != 0 {
		t.Errorf("%d letters and %d deliveries shown, want none", n, m)
	}
	replay(t, w)
}
