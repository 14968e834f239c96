package licensing_test

import (
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestThatAKeyIsToBeDestroyedOutlivesWhateverHappensToTheAgreement(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		held, marked := false, 0
		w.r.KeysHeld = func(*db.Tx, licensing.AgreementID) (bool, error) { return held, nil }
		w.r.KeysCompromised = func(*db.Tx, licensing.Agreement) error { marked++; return nil }
		w.toForce()
		ctx := t.Context()
		propose := func() error {
			return w.r.Propose(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionDestroyKey, "a stolen disk")
		}
		wantRefused(t, "without a key", propose(), "no-key")
		held = true
		w.must(propose())
		w.must(w.r.Stop(ctx, w.rep, w.agreement, "the same", nil))
		if got := w.get().Proposal.Action; got != licensing.ActionDestroyKey {
			t.Fatalf("after the stop %q is proposed, want what was", got)
		}
		wantRefused(t, "by the same person", w.r.Second(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionDestroyKey, ""), "own-proposal")
		w.must(w.r.Second(ctx, w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionDestroyKey, ""))
		if s := w.get().State; marked != 1 || s != licensing.Suspended {
			t.Errorf("marked %d times, and the agreement is %s; want once, and suspended still", marked, s)
		}
		w.wantReaders("agreement.key-destroyed", "anna@uni.example", "carla@uni.example", "sjoerd@uni.example")

		w.must(propose())
		clock.Set(time.Date(2028, 1, 5, 10, 0, 0, 0, time.UTC))
		w.work() // writes the end down
		w.must(w.r.AttestDestruction(ctx, w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(clock.Now()), ""))
		var tasks []licensing.Task
		w.must(d.View(ctx, func(tx *db.Tx) (err error) {
			tasks, err = w.r.Queues(tx, w.desk)
			return err
		}))
		if len(tasks) != 1 || tasks[0].Kind != licensing.TaskSecond || tasks[0].Action != licensing.ActionDestroyKey {
			t.Errorf("the desk's queue after closing out is %+v, want the second half", tasks)
		}
		w.must(w.r.Second(ctx, w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionDestroyKey, ""))
		if s := w.get().State; marked != 2 || s != licensing.ClosedOut {
			t.Errorf("marked %d times, and the agreement is %s; want twice, and closed out still", marked, s)
		}
		if got := w.count("agreement.key-destroyed"); got != 3 {
			t.Errorf("%d letters, want none more: nothing is delivered after the end", got)
		}
		w.replay()
	})
}
