package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"sync/atomic"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/objects"
)

// aged is a store whose objects are as old as a test says.
type aged struct {
	delivery.Store
	modified time.Time
}

func (a *aged) List(ctx context.Context, bucket string) iter.Seq2[delivery.ObjectInfo, error] {
	return func(yield func(delivery.ObjectInfo, error) bool) {
		for info, err := range a.Store.List(ctx, bucket) {
			info.Modified = a.modified
			if !yield(info, err) {
				return
			}
		}
	}
}

func stray(t *testing.T, w *deliverytest.World, key string) {
	t.Helper()
	body := []byte("what a killed import left")
	must(t, w.Store.Put(t.Context(), deliverytest.ArchiveBucket, key, bytes.NewReader(body), int64(len(body))))
}

func TestASweepRemovesWhatNothingNamesAndNothingElse(t *testing.T) {
	store := &aged{Store: objects.NewMemory()}
	w := onSQLite(t, deliverytest.Options{Store: store})
	store.modified = w.Clock.Now().Add(-25 * time.Hour)
	set := w.Import("done", small())
	// One that was interrupted: what its rows name may be there, and is not the sweep's.
	w.Store.FailAt(6, objects.DoneButFailed)
	_, err := w.Depot.Import(t.Context(), w.Steward, importOf(w, "half"))
	w.Store.Heal()
	wantErr(t, "an import", err, objects.ErrInjected)
	for i := range 3 {
		stray(t, w, fmt.Sprintf("STRAY%d", i))
	}
	_, err = w.Depot.Sweep(t.Context(), w.Desk, true)
	wantErr(t, "the desk", err, account.ErrNotAllowed)
	before := listed(t, w)
	s, err := w.Depot.Sweep(t.Context(), w.Steward, false)
	must(t, err)
	if s.Objects != 3 || s.Bytes != 75 || s.Young != 0 || len(listed(t, w)) != len(before) {
		t.Errorf("looking: got %+v and %d objects, want three strays and all %d there", s, len(listed(t, w)), len(before))
	}
	store.modified = w.Clock.Now().Add(-23 * time.Hour)
	s, err = w.Depot.Sweep(t.Context(), w.Steward, true)
	must(t, err)
	if s.Objects != 0 || s.Young != 3 || len(listed(t, w)) != len(before) {
		t.Errorf("young: got %+v, want none touched that is not a day old", s)
	}
	store.modified = w.Clock.Now().Add(-25 * time.Hour)
	for n := 1; ; n++ { // whichever call fails, nothing else goes, and the next sweep ends it
		how := objects.Fault(n % 2)
		w.Store.FailAt((n+1)/2, how)
		_, err := w.Depot.Sweep(t.Context(), w.Steward, true)
		failed := w.Store.Failed()
		w.Store.Heal()
		if failed {
			wantErr(t, "a store that fails", err, objects.ErrInjected)
			stray(t, w, fmt.Sprintf("AGAIN%d", n))
			continue
		}
		must(t, err)
		break
	}
	if got := len(listed(t, w)); got != len(before)-3 {
		t.Errorf("got %d objects, want %d", got, len(before)-3)
	}
	_, err = w.Depot.Import(t.Context(), w.Steward, importOf(w, "half"))
	must(t, err)
	archived(t, w)
	readable(t, w, set.ID)
	replay(t, w)
}

func listed(t *testing.T, w *deliverytest.World) map[string]bool {
	t.Helper()
	keys := map[string]bool{}
	for info, err := range w.Store.List(t.Context(), deliverytest.ArchiveBucket) {
		must(t, err)
		keys[info.Key] = true
	}
	return keys
}

func TestADatabaseThatDoesNotBelongToTheArchiveSweepsNothing(t *testing.T) {
	memory := objects.NewMemory()
	owner := onSQLite(t, deliverytest.Options{Store: memory})
	owner.Import("owned", small())
	other := onSQLite(t, deliverytest.Options{Store: memory})
	other.Clock.Advance(10 * 365 * 24 * time.Hour)
	_, err := other.Depot.Sweep(t.Context(), other.Steward, true)
	wantErr(t, "an empty database", err, delivery.ErrOtherArchive)
	archived(t, owner)
	for key := range listed(t, owner) { // a store that has lost something: see to that first
		must(t, owner.Store.Remove(t.Context(), deliverytest.ArchiveBucket, key))
		break
	}
	stray(t, owner, "STRAY")
	owner.Clock.Advance(10 * 365 * 24 * time.Hour)
	_, err = owner.Depot.Sweep(t.Context(), owner.Steward, true)
	wantErr(t, "a store that is not whole", err, delivery.ErrOtherArchive)
	if !listed(t, owner)["STRAY"] {
		t.Error("something was removed all the same")
	}
}

// sweeping is a store that sweeps before and after each object that an import puts.
type sweeping struct {
	delivery.Store
	sweep func()
}

func (s *sweeping) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	if s.sweep == nil {
		return s.Store.Put(ctx, bucket, key, body, size)
	}
	s.sweep()
	defer s.sweep()
	return s.Store.Put(ctx, bucket, key, body, size)
}

func TestASweepInTheMiddleOfAnImportTakesNothingFromIt(t *testing.T) {
	store := &sweeping{Store: objects.NewMemory()}
	w := onSQLite(t, deliverytest.Options{Store: store})
	w.Import("first", small())
	w.Clock.Advance(10 * 365 * 24 * time.Hour) // everything is old
	var sweeps atomic.Int64                    // an import puts several objects at once
	store.sweep = func() {
		sweeps.Add(1)
		if s, err := w.Depot.Sweep(context.Background(), w.Steward, true); err != nil || s.Objects != 0 {
			t.Errorf("a sweep meanwhile: got %+v, %v, want nothing found", s, err)
		}
	}
	in := importOf(w, "second")
	_, err := w.Depot.Import(t.Context(), w.Steward, in)
	must(t, err)
	if n := sweeps.Load(); n < 20 {
		t.Errorf("got %d sweeps, want one before and after each object", n)
	}
	archived(t, w)
}
