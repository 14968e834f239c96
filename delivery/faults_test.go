package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring/keyringtest"
	"sluice/infra/objects"
	"sluice/licensing"
)

// later is the last day of agreements that must outlive a loop.
var later = licensing.Date{Year: 2026, Month: 12, Day: 24}

func two() map[string][]byte {
	return map[string][]byte{"a.bam": noise(2*segment+1, 4), "b/empty.txt": {}}
}

// faults runs a story again and again, each time with one call to the store or the keyring failing: the n-th, not done
// or done and reported as failed, until the n-th is not made any more. Whoever goes on after that is a new process. story prepares what it needs, calls arm, and does
// what is tried, to its end; check is called when nothing fails any more.
func faults(t *testing.T, w *deliverytest.World, atLeast int, story func(t *testing.T, what string, arm func()) (check func())) {
	t.Helper()
	w.Restarts = true
	tried := 0
	for _, how := range []objects.Fault{objects.NotDone, objects.DoneButFailed} {
		for n := 1; ; n++ {
			what := fmt.Sprintf("call %d of the store, fault %d", n, how)
			check := story(t, what, func() { w.Store.FailAt(n, how) })
			failed := w.Store.Failed()
			w.Store.Heal()
			check()
			if !failed {
				break
			}
			tried++
		}
	}
	for _, how := range []keyringtest.Fault{keyringtest.NotDone, keyringtest.Reported} {
		for n := 1; ; n++ {
			what := fmt.Sprintf("call %d of the keyring, fault %d", n, how)
			check := story(t, what, func() { w.Plan.FailAt(n, how) })
			failed := len(w.Plan.Calls()) >= n
			w.Plan.FailAt(0, keyringtest.None)
			check()
			if !failed {
				break
			}
			tried++
		}
	}
	if tried < atLeast || w.Restarted < atLeast-1 { // of one nothing may come: the answer to a look for what is gone
		t.Errorf("got %d faults and %d restarts, want at least %d", tried, w.Restarted, atLeast)
	}
}

// complete checks that a delivery is available, that its bucket holds what it must and nothing else, and that its contact
// gets every byte.
func complete(t *testing.T, what string, w *deliverytest.World, a *deliverytest.Agreement, s *site, files map[string][]byte) {
	t.Helper()
	d := a.Delivery()
	if d.State != delivery.Available {
		t.Fatalf("%s: got %s, want available; jobs: %+v", what, d.State, w.Jobs())
	}
	want := map[string]bool{d.Manifest.Object: true}
	w.View(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT object_key, parts_key FROM delivery_files WHERE delivery = $1 AND bucket = $2`, d.ID, d.Bucket)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var object, parts string
			if err := rows.Scan(&object, &parts); err != nil {
				return err
			}
			want[object], want[parts] = true, true
		}
		return rows.Err()
	})
	for info, err := range w.Store.List(t.Context(), d.Bucket) {
		must(t, err)
		if !want[info.Key] {
			t.Errorf("%s: the bucket holds %s, which nothing names", what, info.Key)
		}
		delete(want, info.Key)
	}
	if len(want) > 0 {
		t.Errorf("%s: the bucket does not hold %v", what, want)
	}
	s.people["carla"] = a.Contact
	for name, data := range files {
		s.get("carla", d.ID, name).want(t, what+": "+name, 200, data)
	}
	s.get("carla", d.ID, "manifest.json").want(t, what+": the manifest", 200, nil)
}

// gone checks that nothing of a delivery is left, and that a certificate says so.
func gone(t *testing.T, what string, w *deliverytest.World, d delivery.Delivery) {
	t.Helper()
	if d.State != delivery.Destroyed || d.Certificate == "" {
		t.Errorf("%s: got %s, want destroyed; jobs: %+v", what, d.State, w.Jobs())
	}
	_, err := w.Store.Residue(t.Context(), d.Bucket)
	wantErr(t, what+": the bucket", err, delivery.ErrNotStored)
	if there, err := w.Keys.Exists(t.Context(), d.Key); there || err != nil {
		t.Errorf("%s: the key: got %v, %v, want it gone", what, there, err)
	}
	w.View(func(tx *db.Tx) error {
		c, err := w.Depot.StoredCertificate(tx, d.ID)
		if err != nil || !bytes.HasPrefix(c.PDF, []byte("%PDF")) {
			t.Errorf("%s: the certificate: got %+v, %v", what, c, err)
		}
		return nil
	})
}

func TestPreparingGetsThereWhicheverCallFails(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		set := w.Import("two", two())
		s := serve(t, w.Depot, map[string]account.Who{})
		faults(t, w, 20, func(t *testing.T, what string, arm func()) func() {
			a := w.InForceUntil(later, set.ID)
			arm()
			w.WorkOff()
			return func() { complete(t, what, w, a, s, two()) }
		})
		replay(t, w)
	})
}

func TestPreparingSharedBodiesGetsThereWhicheverCallFails(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{Placement: licensing.Shared})
	set := w.Import("two", two())
	s := serve(t, w.Depot, map[string]account.Who{})
	faults(t, w, 8, func(t *testing.T, what string, arm func()) func() {
		a := w.InForceUntil(later, set.ID)
		arm()
		w.WorkOff()
		return func() { complete(t, what, w, a, s, two()) }
	})
}

func TestAnExtensionGetsThereWhicheverCallFails(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	set := w.Import("two", two())
	s := serve(t, w.Depot, map[string]account.Who{})
	faults(t, w, 4, func(t *testing.T, what string, arm func()) func() {
		a := w.InForceUntil(later, set.ID)
		w.Work()
		a.Extend(licensing.Date{Year: 2027, Month: 1, Day: 31})
		arm()
		w.WorkOff()
		return func() {
			complete(t, what, w, a, s, two())
			end, err := w.Store.End(t.Context(), a.Delivery().Bucket)
			must(t, err)
			if until := a.Load().Term.Until; end.Before(until) || end.Sub(until) > 24*time.Hour || !end.Equal(a.Delivery().BucketEnd) {
				t.Errorf("%s: the bucket ends at %v, the row says %v, want the midnight after %v", what, end, a.Delivery().BucketEnd, until)
			}
		}
	})
	replay(t, w)
}

func TestEndingAndDestroyingGetThereWhicheverCallFails(t *testing.T) {
	for _, placement := range []licensing.Placement{licensing.Copied, licensing.Shared} {
		t.Run(string(placement), func(t *testing.T) {
			w := onSQLite(t, deliverytest.Options{KeyDelay: 10 * time.Minute, Placement: placement})
			set := w.Import("two", two())
			s := serve(t, w.Depot, map[string]account.Who{})
			faults(t, w, 14, func(t *testing.T, what string, arm func()) func() {
				a := w.InForceUntil(later, set.ID)
				w.Work()
				complete(t, what, w, a, s, two())
				a.Do(licensing.ActionTerminate)
				s.get("carla", a.Delivery().ID, "a.bam").want(t, what+": at once", 403, nil)
				arm()
				w.WorkOff()
				return func() {
					gone(t, what, w, a.Delivery().Delivery)
					archived(t, w) // what is shared must survive
				}
			})
			replay(t, w)
		})
	}
}

func TestRemovingAContactNeedsNeitherStoreNorKeyring(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	s.get("carla", a.Delivery().ID, "exact.bam").want(t, "before", 200, nil)
	w.Store.FailFrom(1, objects.NotDone)
	a.RemoveContact(a.ContactID)
	w.Store.Heal()
	s.get("carla", a.Delivery().ID, "exact.bam").want(t, "after", 403, nil)
	if g := a.Delivery().Grantees[0]; g.State != delivery.GrantRemoved || g.Removed.IsZero() {
		t.Errorf("got %+v, want the grant removed", g)
	}
	replay(t, w)
}

func TestWorkWaitsWhileStoreOrKeyringIsAway(t *testing.T) {
	for _, c := range []struct {
		name        string
		leave, back func(*deliverytest.World)
	}{
		{"store", func(w *deliverytest.World) { w.Store.FailFrom(1, objects.NotDone) }, func(w *deliverytest.World) { w.Store.Heal() }},
		{"keyring", func(w *deliverytest.World) { w.Sealed.Store(true) }, func(w *deliverytest.World) { w.Sealed.Store(false) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := onSQLite(t, deliverytest.Options{KeyDelay: 10 * time.Minute})
			s := serve(t, w.Depot, map[string]account.Who{})
			a := w.InForceUntil(later, w.Import("two", two()).ID)
			away := func(what string) {
				t.Helper()
				c.leave(w)
				for range 30 {
					w.Clock.Advance(30 * time.Second)
					w.Work()
				}
				waits := false
				for _, j := range w.Jobs() {
					if !j.Parked.IsZero() {
						t.Errorf("%s: the job %s is parked: %s", what, j.Kind, j.LastError)
					}
					waits = waits || j.LastError != ""
				}
				if !waits {
					t.Errorf("%s: no job waits", what)
				}
				c.back(w)
				w.WorkOff()
			}
			away("preparing")
			complete(t, "when it is back", w, a, s, two())
			a.Do(licensing.ActionTerminate)
			away("ending")
			gone(t, "when it is back", w, a.Delivery().Delivery)
		})
	}
}

// A killer is a store that kills whoever works when a call has been made.
type killer struct {
	delivery.Store
	mu   sync.Mutex
	left int // calls until then
	kill func()
}

func (k *killer) arm(n int, kill func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.left, k.kill = n, kill
}

func (k *killer) made(err error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left--; k.left == 0 {
		k.kill()
	}
	return err
}

func (k *killer) MakeBucket(ctx context.Context, bucket string) error {
	return k.made(k.Store.MakeBucket(ctx, bucket))
}

func (k *killer) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	return k.made(k.Store.Put(ctx, bucket, key, body, size))
}

func (k *killer) Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	return k.made(k.Store.Copy(ctx, fromBucket, fromKey, toBucket, toKey))
}

func (k *killer) Empty(ctx context.Context, bucket string) error {
	return k.made(k.Store.Empty(ctx, bucket))
}

func (k *killer) RemoveBucket(ctx context.Context, bucket string) error {
	return k.made(k.Store.RemoveBucket(ctx, bucket))
}

func (k *killer) SetEnd(ctx context.Context, bucket string, end time.Time) error {
	return k.made(k.Store.SetEnd(ctx, bucket, end))
}

func TestWhoeverIsKilledInTheMiddleIsFollowedByAnother(t *testing.T) {
	store := &killer{Store: objects.NewMemory()}
	w := onSQLite(t, deliverytest.Options{KeyDelay: 10 * time.Minute, Store: store})
	set := w.Import("two", two())
	s := serve(t, w.Depot, map[string]account.Who{})
	kills := 0
	for n := 1; ; n++ {
		what := fmt.Sprintf("killed after call %d", n)
		a := w.InForceUntil(later, set.ID)
		ctx, cancel := context.WithCancel(t.Context())
		store.arm(n, cancel)
		_ = w.Depot.Prepare(ctx, a.Delivery().ID)
		prepared := ctx.Err() == nil
		w.WorkOff()
		if prepared && n == 1 {
			t.Fatal("nobody was killed")
		}
		complete(t, what, w, a, s, two())

		a.Do(licensing.ActionTerminate)
		ctx, cancel = context.WithCancel(t.Context())
		store.arm(n, cancel)
		_ = w.Depot.End(ctx, a.Delivery().ID)
		w.Clock.Advance(10 * time.Minute)
		_ = w.Depot.End(ctx, a.Delivery().ID)
		ended := ctx.Err() == nil
		w.WorkOff()
		gone(t, what, w, a.Delivery().Delivery)
		cancel()
		if prepared && ended {
			break
		}
		kills++
	}
	if kills < 6 {
		t.Errorf("got %d kills, want at least 6", kills)
	}
	replay(t, w)
}

func TestALateExtensionMakesANewDelivery(t *testing.T) {
	for name, worked := range map[string]bool{"the end was written down": true, "no worker has written the end down": false} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *deliverytest.World) {
				a := available(t, w)
				first := a.Delivery()
				s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
				w.Clock.Set(a.Load().Term.Until.Add(time.Hour))
				if worked {
					w.WorkOff()
				}
				a.Extend(later)
				s.get("carla", first.ID, "exact.bam").want(t, "the old one, at once", 403, nil)
				w.WorkOff()
				all := a.Deliveries()
				if len(all) != 2 || all[0].State != delivery.Ended || all[1].State != delivery.Available {
					t.Fatalf("got %+v, want one ended and one available", all)
				}
				next := all[1]
				if next.Supersedes != first.ID || next.Number != strings.TrimSuffix(first.Number, "1")+"2" || next.Bucket == first.Bucket || next.Key == first.Key {
					t.Errorf("got %+v, want the second of its agreement, with a bucket and a key of its own", next.Delivery)
				}
				s.get("carla", first.ID, "exact.bam").want(t, "the old one", 403, nil)
				s.get("carla", next.ID, "exact.bam").want(t, "the new one", 200, small()["exact.bam"])
				w.Clock.Set(all[0].KeyDue)
				w.WorkOff()
				gone(t, "the old one", w, a.Deliveries()[0].Delivery)
				replay(t, w)
			})
		})
	}
}

func TestAnExtensionWhilePreparingMovesTheBucketsEndToo(t *testing.T) {
	var a *deliverytest.Agreement
	until := licensing.Date{Year: 2027, Month: 2, Day: 28}
	store := &killer{Store: objects.NewMemory()}
	w := onSQLite(t, deliverytest.Options{Store: store})
	a = w.InForceUntil(later, w.Import("two", two()).ID)
	// The last call of preparing that changes the store sets the end of the bucket; just then the term moves.
	store.arm(1+4+1+1, func() { a.Extend(until) })
	w.WorkOff()
	d := a.Delivery()
	end, err := w.Store.End(t.Context(), d.Bucket)
	must(t, err)
	if got := a.Load().Term.Until; end.Before(got) || !d.BucketEnd.Equal(end) || !got.Equal(until.End(a.Load().Location())) {
		t.Errorf("the bucket ends at %v (the row says %v), before the term does at %v", end, d.BucketEnd, got)
	}
}

func TestWhoeverIsKilledInATransactionIsFollowedByAnother(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := deliverytest.New(t, d, clock, deliverytest.Options{KeyDelay: 10 * time.Minute})
		set := w.Import("two", two())
		s := serve(t, w.Depot, map[string]account.Who{})
		// killed does a piece of work in a process of its own, which ends at the n-th look at its clock: when a transaction
		// begins, or when a change has taken its place in the log, so that what it then writes is not kept.
		killed := func(n int64, work func(context.Context) error) bool {
			w.Restart()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var looks atomic.Int64
			now := w.DB.Now
			w.DB.Now = func() time.Time {
				if looks.Add(1) == n {
					cancel()
				}
				return now()
			}
			err := work(ctx)
			was := ctx.Err() != nil
			if !was {
				must(t, err)
			}
			w.Restart()
			return was
		}
		kills := 0
		for n, again := int64(1), true; again; n++ {
			what := fmt.Sprintf("killed at look %d", n)
			a := w.InForceUntil(later, set.ID)
			again = killed(n, func(ctx context.Context) error { return w.Depot.Prepare(ctx, a.Delivery().ID) })
			w.WorkOff()
			complete(t, what, w, a, s, two())

			a.Extend(licensing.Date{Year: 2027, Month: 1, Day: 31})
			again = killed(n, func(ctx context.Context) error { return w.Depot.MoveBucketEnd(ctx, a.Delivery().ID) }) || again
			w.WorkOff()
			if end := a.Delivery().BucketEnd; end.Before(a.Load().Term.Until) {
				t.Errorf("%s: the bucket ends at %v, before the term", what, end)
			}

			a.Do(licensing.ActionTerminate)
			again = killed(n, func(ctx context.Context) error { return w.Depot.End(ctx, a.Delivery().ID) }) || again
			w.Clock.Advance(10 * time.Minute)
			again = killed(n, func(ctx context.Context) error { return w.Depot.End(ctx, a.Delivery().ID) }) || again
			w.WorkOff()
			gone(t, what, w, a.Delivery().Delivery)
			if again {
				kills++
			}
		}
		if kills < 15 {
			t.Errorf("got %d kills, want at least 15", kills)
		}
		archived(t, w)
		replay(t, w)
	})
}

func TestWhatWasClosedOutEarlyIsTakenAwayAtOnce(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{KeyDelay: 10 * time.Minute})
	a := w.InForceUntil(later, w.Import("two", two()).ID)
	w.Work()
	a.Do(licensing.ActionTerminate)
	day := licensing.DateOf(w.Clock.Now())
	must(t, w.Registry.AttestDestruction(t.Context(), a.Signatory, w.Act(a.Signatory, "sign", a.Subject()), a.ID, day, ""))
	w.WorkOff()
	gone(t, "closed out", w, a.Delivery().Delivery)
	if got := a.Delivery().EndReason; got != delivery.Terminated {
		t.Errorf("got %s, want %s", got, delivery.Terminated)
	}
}

func TestASuspendedAgreementKeepsItsDelivery(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	a.Do(licensing.ActionSuspend)
	s.get("carla", a.Delivery().ID, "exact.bam").want(t, "suspended", 403, nil)
	must(t, w.Depot.End(t.Context(), a.Delivery().ID))
	a.Do(licensing.ActionResume)
	s.get("carla", a.Delivery().ID, "exact.bam").want(t, "resumed", 200, small()["exact.bam"])
}
