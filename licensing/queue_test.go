package licensing_test

import (
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// due is when the desk's queues call a task due; zero where there is none.
func (w *world) due(kind licensing.TaskKind) (due time.Time) {
	w.t.Helper()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) error {
		tasks, err := w.r.Queues(tx, w.desk)
		for _, t := range tasks {
			if t.Kind == kind {
				due = t.Due
			}
		}
		return err
	}))
	return due
}

func TestNothingIsDueAfterTheLastDay(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	in := w.input()
	in.Content.Until = licensing.DateOf(clock.Now()).AddDays(2)
	end := in.Content.Until.End(w.r.Zone())
	w.record(in)
	if got := w.due(licensing.TaskApprove); !got.Equal(end) {
		t.Errorf("deciding about a request that ends in two days is due %v, want by its last day, %v", got, end)
	}
	w.approve()
	if got := w.due(licensing.TaskSign); !got.Equal(end) {
		t.Errorf("signing is due %v, want by the last day, %v", got, end)
	}
	w.joinParties()
	w.signAll()
	_, err := w.r.AskExtension(t.Context(), w.signatory, w.agreement, in.Content.Until.AddDays(100), "more time")
	w.must(err)
	if got := w.due(licensing.TaskExtension); !got.Equal(end) {
		t.Errorf("deciding about the extension is due %v, want by the last day, %v", got, end)
	}
	if got := w.due(licensing.TaskList); !got.IsZero() {
		t.Errorf("the contacts are to be confirmed by %v, after the end", got)
	}
	clock.Advance(3 * 24 * time.Hour)
	if got := w.due(licensing.TaskExtension); got.Before(end) || got.IsZero() {
		t.Errorf("after the end the extension is due %v, want a date that can still be kept", got)
	}
}

func TestTheContactsAreToBeConfirmedFromTwoWeeksBeforeTheDate(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	day := 24 * time.Hour
	clock.Advance(75 * day)
	if got := w.due(licensing.TaskList); !got.IsZero() {
		t.Errorf("15 days ahead it is a task already, due %v", got)
	}
	clock.Advance(2 * day)
	if w.due(licensing.TaskList).IsZero() {
		t.Error("13 days ahead it is no task yet")
	}
}

func TestAContactThatWaitedWhenTheTermEndedCanBeDeclined(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	amendment, err := w.askContact("Gast Elders", "gast@elsewhere.example", "NL")
	w.must(err)
	clock.Set(w.get().Term.Until.Add(time.Hour))
	decide := func(accept bool) error {
		return w.decide(w.desk, amendment, accept)
	}
	wantRefused(t, "letting a contact in after the end", decide(true), "state")
	w.must(decide(false))
	if due := w.due(licensing.TaskContact); !due.IsZero() {
		t.Error("the contact still waits for a decision")
	}
	w.replay()
}
