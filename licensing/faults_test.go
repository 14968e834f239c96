package licensing_test

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// TestErasedPeopleLeaveTheReplayWhole: rows lose their words, and the log still holds.
func TestErasedPeopleLeaveTheReplayWhole(t *testing.T) {
	d, clock := dbtest.Fresh(t)
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

func TestAJournalledStopWithTooManyWordsGoesIntoTheLogAllTheSame(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		halt := licensing.Halt{Agreement: w.agreement, By: "cli:root@box", At: clock.Now(), Reason: "x" + strings.Repeat("é", 6_000)}
		left, err := w.r.TakeHalts(t.Context(), []licensing.Halt{halt})
		if err != nil || len(left) != 0 || w.get().State != licensing.Suspended {
			t.Fatalf("%v, %d left, %s: want it suspended everywhere", err, len(left), w.get().State)
		}
		note, words := w.get().Stop.Note, ""
		w.must(d.View(t.Context(), func(tx *db.Tx) (err error) {
			words, err = w.r.Words(tx, note)
			return err
		}))
		if !strings.HasPrefix(halt.Reason, words) || len(words) < 9_990 || !utf8.ValidString(words) {
			t.Errorf("%d bytes are left of its words, want what fits", len(words))
		}
		w.replay()
	})
}

func TestALogThatTakesNothingStopsEverythingButAStop(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	proof := w.onAgreement(w.signatory, "contact")
	again := dbtest.Full(t, d, "INSERT audit_entries")
	before := w.get()
	if err := w.r.RemoveContact(t.Context(), w.signatory, proof, w.agreement, before.Contacts[0].ID, ""); err == nil || !w.get().Contacts[0].Admitted() {
		t.Errorf("a change that could not be recorded: %v, admitted %v", err, w.get().Contacts[0].Admitted())
	}
	var journal []licensing.Halt
	keep := func(h licensing.Halt) error { journal = append(journal, h); return nil }
	if err := w.r.Stop(t.Context(), w.signatory, w.agreement, "mine", keep); err == nil || len(journal) != 0 {
		t.Errorf("the signatory stopped past the log: %v", err)
	}
	w.must(w.r.Stop(t.Context(), w.desk, w.agreement, "a leak", keep))
	if len(journal) != 1 || !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrSuspended) {
		t.Errorf("%d halts in the journal, and access is %v", len(journal), w.get().OpenAt(clock.Now()))
	}
	if left, err := w.r.TakeHalts(t.Context(), journal); err == nil || len(left) != 1 {
		t.Errorf("a halt was taken by a log that takes nothing: %v", err)
	}
	again()
	left, err := w.r.TakeHalts(t.Context(), journal)
	if err != nil || len(left) != 0 || w.get().State != licensing.Suspended {
		t.Errorf("afterwards: %v, %d left, %s", err, len(left), w.get().State)
	}
	wantRefused(t, "the one who stopped confirms", w.r.ConfirmStop(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement), "own-proposal")
	w.must(w.r.ConfirmStop(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement))
	w.replay()
}
