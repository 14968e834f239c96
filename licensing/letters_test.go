package licensing_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// readers are the addresses that letters of a kind went to, in order.
func (w *world) readers(kind string) (emails []string) {
	w.t.Helper()
	for _, l := range w.letters() {
		if l.Kind == kind {
			emails = append(emails, l.To.Email)
		}
	}
	slices.Sort(emails)
	return emails
}

func (w *world) wantReaders(kind string, want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.readers(kind)); diff != "" {
		w.t.Errorf("who reads %s (-want +got):\n%s", kind, diff)
	}
}

func TestARefusalToSignIsToldToTheOthersWhoSignAndToTheDesk(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		w.approve()
		w.joinParties()
		w.must(w.r.Decline(t.Context(), w.signatory, w.agreement, licensing.Signatory, "article 8 cannot be met"))
		w.wantReaders("agreement.declined", "anna@uni.example", "rep@foundation.example")
		w.wantReaders("agreement.declined-desk", "desk@foundation.example", "second@foundation.example")
		w.wantReaders("agreement.revised") // nothing was changed
		for _, l := range w.letters() {
			if l.Kind == "agreement.declined" && l.Facts["by"] != "Sjoerd Bestuurder" {
				t.Errorf("the letter says that %q declined, want the signatory", l.Facts["by"])
			}
		}
	})
}

func TestWhoCanAskForAnExtensionGetsAReceipt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		clock.Set(time.Date(2027, 12, 1, 10, 0, 0, 0, time.UTC))
		_, err := w.r.AskExtension(t.Context(), w.applicant, w.agreement, licensing.Date{Year: 2028, Month: 6, Day: 30}, "not done yet")
		w.must(err)
		w.wantReaders("extension.asked-receipt", "anna@uni.example", "sjoerd@uni.example")
		w.wantReaders("extension.to-decide", "desk@foundation.example", "second@foundation.example")
	})
}

func TestWhoDidTheFirstHalfIsNotAskedForTheSecond(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		w.wantReaders("request.to-approve", "second@foundation.example")
		w.approve()
		w.joinParties()
		w.must(w.r.Revise(t.Context(), w.second, w.request, w.getRequest().Rev, w.input()))
		w.wantReaders("agreement.to-release", "desk@foundation.example")
		w.must(w.r.Release(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement))
		w.signAll()
		w.must(w.r.Stop(t.Context(), w.desk, w.agreement, "looks wrong", nil))
		w.wantReaders("agreement.stopped", "second@foundation.example")
	})
}

func TestAParkedJobIsToldOnceToTheOperatorsAndItsOwnLetterToNobody(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		d.Parked = w.r.WorkParked
		before := len(w.letters())
		w.must(d.Upkeep(t.Context(), func(tx *db.Tx) error { return tx.Enqueue("broken", "x", tx.At) }))
		// Both the job and every letter fail.
		handlers := map[string]db.Handler{"mail": func(context.Context, string) error { return errors.New("no such mailbox") },
			"broken": func(context.Context, string) error { return errors.New("a bug") }}
		for range 40 {
			for {
				ran, err := d.WorkOnce(t.Context(), slog.New(slog.DiscardHandler), handlers)
				w.must(err)
				if !ran {
					break
				}
			}
			clock.Advance(time.Hour)
		}
		var parked []db.Job
		w.must(d.View(t.Context(), func(tx *db.Tx) (err error) {
			parked, err = tx.Jobs()
			return err
		}))
		parked = slices.DeleteFunc(parked, func(j db.Job) bool { return j.Parked.IsZero() })
		told, operators := len(w.readers("work.parked")), 2
		// The letters that stood there before are parked too, and each is told of once.
		if want := operators * (before + 1); told != want || len(parked) != before+1+told {
			t.Errorf("%d letters about parked work and %d parked jobs, want %d and %d", told, len(parked), want, before+1+want)
		}
		for _, l := range w.letters() {
			if l.Kind == "work.parked" && l.Link != "/jobs" {
				t.Errorf("a letter about parked work leads to %q", l.Link)
			}
		}
	})
}
