package delivery_test

import (
	"errors"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/objects"
	"sluice/licensing"
)

func TestACompromisedKeyIsDestroyedAtOnceAndTheDataAreDeliveredAnew(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		first := a.Delivery()
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		s.get("carla", first.ID, "exact.bam").want(t, "before", 200, nil)
		a.Do(licensing.ActionDestroyKey)
		s.get("carla", first.ID, "exact.bam").want(t, "at once, and no worker has come to it", 403, nil)
		w.WorkOff()
		all := a.Deliveries()
		if len(all) != 2 || all[0].EndReason != delivery.Compromised || all[1].State != delivery.Available || all[1].Supersedes != first.ID {
			t.Fatalf("got %+v, want the first one compromised and a second in its place", all)
		}
		gone(t, "the first one, within the hour", w, all[0].Delivery)
		if all[1].Key == first.Key || all[1].Bucket == first.Bucket || len(all[1].Grantees) != 1 {
			t.Errorf("got %+v, want a key, a bucket and a grant of its own", all[1])
		}
		s.get("carla", first.ID, "exact.bam").want(t, "the old one", 403, nil)
		s.get("carla", all[1].ID, "exact.bam").want(t, "the new one", 200, small()["exact.bam"])
		archived(t, w)
		replay(t, w)
	})
}

func TestUnderASuspendedAgreementNoNewKeyIsMadeBeforeItIsResumed(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		a.Stop()
		a.Do(licensing.ActionDestroyKey)
		w.WorkOff()
		if all := a.Deliveries(); len(all) != 1 {
			t.Fatalf("got %d deliveries while suspended, want the old one alone", len(all))
		}
		gone(t, "the old one", w, a.Delivery().Delivery)
		err := w.Registry.Propose(t.Context(), w.Desk, w.Act(w.Desk, "decide", a.Subject()), a.ID, licensing.ActionDestroyKey, "again")
		wantNoKey(t, "no key is left", err)
		a.Extend(later)
		w.WorkOff()
		if all := a.Deliveries(); len(all) != 1 {
			t.Fatalf("got %d deliveries after an extension, want one still", len(all))
		}
		a.Do(licensing.ActionResume)
		w.WorkOff()
		if d := a.Delivery(); d.State != delivery.Available || len(a.Deliveries()) != 2 {
			t.Fatalf("got %+v, want a new one that is available", d)
		}
		s.get("carla", a.Delivery().ID, "exact.bam").want(t, "the new one", 200, small()["exact.bam"])
		a.Do(licensing.ActionSuspend)
		a.Do(licensing.ActionResume)
		if got := len(a.Deliveries()); got != 2 {
			t.Errorf("got %d deliveries after another suspension, want 2", got)
		}
		replay(t, w)
	})
}

func TestALateExtensionOfASuspendedAgreementMakesNoNewKeyEither(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		a.Stop()
		a.Do(licensing.ActionDestroyKey)
		w.WorkOff()
		gone(t, "the old one", w, a.Delivery().Delivery)
		w.Clock.Set(a.Load().Term.Until.Add(time.Hour))
		w.WorkOff()
		a.Extend(later)
		w.WorkOff()
		if all := a.Deliveries(); len(all) != 1 || a.Load().State != licensing.Suspended {
			t.Fatalf("got %d deliveries of an agreement that is %s, want the old one alone while it is suspended", len(all), a.Load().State)
		}
		a.Do(licensing.ActionResume)
		w.WorkOff()
		if d := a.Delivery(); d.State != delivery.Available || len(a.Deliveries()) != 2 {
			t.Fatalf("got %+v, want a new one that is available", d)
		}
		s.get("carla", a.Delivery().ID, "exact.bam").want(t, "the new one", 200, small()["exact.bam"])
		replay(t, w)
	})
}

func wantNoKey(t *testing.T, what string, err error) {
	t.Helper()
	var refused *licensing.RefusedError
	if !errors.As(err, &refused) || refused.Key != "refused.no-key" {
		t.Errorf("%s: got %v, want refused.no-key", what, err)
	}
}

func TestAfterTheEndACompromisedKeyWaitsForNoDay(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		a.Do(licensing.ActionTerminate)
		w.WorkOff()
		d := a.Delivery()
		if d.State != delivery.Ended || d.Emptied.IsZero() || !d.KeyDestroyed.IsZero() {
			t.Fatalf("got %+v, want it emptied and the key kept for a day", d)
		}
		day := licensing.DateOf(w.Clock.Now())
		must(t, w.Registry.Propose(t.Context(), w.Desk, w.Act(w.Desk, "decide", a.Subject()), a.ID, licensing.ActionDestroyKey, "a stolen disk"))
		// What the licensee does meanwhile takes nothing out of the desk's hands.
		must(t, w.Registry.AttestDestruction(t.Context(), a.Signatory, w.Act(a.Signatory, "sign", a.Subject()), a.ID, day, ""))
		must(t, w.Registry.Second(t.Context(), w.Second, w.Act(w.Second, "decide", a.Subject()), a.ID, licensing.ActionDestroyKey, ""))
		w.WorkOff()
		gone(t, "marked", w, a.Delivery().Delivery)
		if d := a.Delivery(); d.EndReason != delivery.Terminated || d.Compromised.IsZero() || len(a.Deliveries()) != 1 {
			t.Errorf("got %+v, want it terminated and marked, and nothing new", d)
		}
		replay(t, w)
	})
}

func TestACompromisedKeyGoesWhicheverCallFails(t *testing.T) {
	for _, placement := range []licensing.Placement{licensing.Copied, licensing.Shared} {
		t.Run(string(placement), func(t *testing.T) {
			w := onSQLite(t, deliverytest.Options{Placement: placement})
			set := w.Import("two", two())
			s := serve(t, w.Depot, map[string]account.Who{})
			faults(t, w, 14, func(t *testing.T, what string, arm func()) func() {
				a := w.InForceUntil(later, set.ID)
				w.Work()
				a.Do(licensing.ActionDestroyKey)
				arm()
				w.WorkOff()
				return func() {
					gone(t, what, w, a.Deliveries()[0].Delivery)
					complete(t, what, w, a, s, two())
					archived(t, w)
				}
			})
			replay(t, w)
		})
	}
}

func TestACompromisedKeyWaitsForNoStore(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	w.Store.FailFrom(1, objects.NotDone)
	a.Stop()
	a.Do(licensing.ActionDestroyKey)
	w.Work()
	if there, err := w.Keys.Exists(t.Context(), a.Delivery().Key); there || err != nil {
		t.Errorf("the key while the store is away: got %v, %v, want it gone", there, err)
	}
	w.Store.Heal()
	w.WorkOff()
	gone(t, "when the store is back", w, a.Delivery().Delivery)

	a = w.InForceUntil(later, w.Import("two", two()).ID)
	w.Work()
	w.Sealed.Store(true)
	a.Stop()
	a.Do(licensing.ActionDestroyKey)
	w.Work()
	if n, err := w.Store.Residue(t.Context(), a.Delivery().Bucket); n != 0 || err != nil {
		t.Errorf("the bucket while the keyring is away: got %d, %v, want it empty", n, err)
	}
	w.Sealed.Store(false)
	w.WorkOff()
	gone(t, "when the keyring is back", w, a.Delivery().Delivery)
	replay(t, w)
}

func TestWhoIsStillPreparingStopsBeforeTheNextFile(t *testing.T) {
	store := &killer{Store: objects.NewMemory()}
	w := onSQLite(t, deliverytest.Options{Store: store})
	a := w.InForceUntil(later, w.Import("five", small()).ID)
	a.Stop()
	store.arm(1+1, func() { a.Do(licensing.ActionDestroyKey) }) // the bucket, and the first body
	must(t, w.Depot.Prepare(t.Context(), a.Delivery().ID))
	// Lanes that were under way finish their file; there are four.
	if n, err := w.Store.Residue(t.Context(), a.Delivery().Bucket); n > 5 || err != nil {
		t.Errorf("the bucket holds %d objects, %v, want no more than were under way", n, err)
	}
	w.Clock.Advance(time.Minute)
	w.WorkOff()
	gone(t, "half prepared", w, a.Delivery().Delivery)
	replay(t, w)
}
