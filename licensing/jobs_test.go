package licensing_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
)

// byMilestone counts what one address was reminded of.
func (w *world) byMilestone(kind, email string) (days []string) {
	for _, l := range w.letters() {
		if l.Kind == kind && l.To.Email == email {
			days = append(days, l.Facts["days"])
		}
	}
	return days
}

func TestEachReminderIsSentOnceAndMissedDaysHeal(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		w.work()
		end := w.get().Term.Until
		days := func(n int) time.Time { return end.AddDate(0, 0, -n).Add(time.Hour) }
		clock.Set(days(91))
		w.work()
		if got := w.byMilestone("agreement.ending", "sjoerd@uni.example"); len(got) != 0 {
			t.Errorf("reminded too early: %v", got)
		}
		clock.Set(days(90))
		w.work()
		w.must(w.r.Milestones(t.Context(), string(w.agreement))) // once more, as after a crash
		if got := w.byMilestone("agreement.ending", "sjoerd@uni.example"); len(got) != 1 || got[0] != "90" {
			t.Errorf("at ninety days: got %v", got)
		}
		// The worker sleeps from 40 to 5 days before the end: two reminders fall due, one is sent, and it tells the truth.
		clock.Set(days(5))
		w.work()
		if got := w.byMilestone("agreement.ending", "sjoerd@uni.example"); len(got) != 2 || strings.Join(got, " ") != "5 90" {
			t.Errorf("after a sleep: got %v", got)
		}
		clock.Set(end.Add(time.Hour))
		w.work()
		if a := w.get(); a.State != licensing.Ended || w.count("agreement.ended") != 3 {
			t.Errorf("ended: %s, %d letters", a.State, w.count("agreement.ended"))
		}
		clock.Set(end.AddDate(0, 0, 15))
		w.work()
		clock.Set(end.AddDate(0, 0, 29))
		w.work()
		if got := w.byMilestone("agreement.attest", "sjoerd@uni.example"); len(got) != 2 {
			t.Errorf("attestation was asked for %d times in 29 days, want 2", len(got))
		}
		w.must(w.r.AttestDestruction(t.Context(), w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(clock.Now()), ""))
		clock.Advance(100 * 24 * time.Hour)
		w.work()
		if got := w.byMilestone("agreement.attest", "sjoerd@uni.example"); len(got) != 2 {
			t.Errorf("attestation was asked for after it was given")
		}
		w.replay()
	})
}

func TestAnExtensionBringsItsOwnReminders(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	clock.Set(time.Date(2027, 12, 20, 10, 0, 0, 0, time.UTC))
	w.work()
	before := len(w.byMilestone("agreement.ending", "sjoerd@uni.example"))
	id, err := w.r.AskExtension(t.Context(), w.signatory, w.agreement, licensing.Date{Year: 2028, Month: 12, Day: 31}, "more")
	w.must(err)
	for _, who := range []account.Who{w.desk, w.second} {
		w.must(w.r.DecideAmendment(t.Context(), who, w.act(who, "decide", "amendment:"+string(id)), w.agreement, id, true, ""))
	}
	w.work()
	if got := len(w.byMilestone("agreement.ending", "sjoerd@uni.example")); got != before {
		t.Errorf("an extension reminded at once of the end it moved")
	}
	clock.Set(time.Date(2028, 12, 2, 10, 0, 0, 0, time.UTC))
	w.work()
	if got := len(w.byMilestone("agreement.ending", "sjoerd@uni.example")); got != before+1 {
		t.Errorf("got %d reminders of the new end, want 1", got-before)
	}
	w.replay()
}

func TestChangingASettingChangesNoLiveAgreement(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	before := w.get()
	settings := licensing.DefaultSettings()
	settings.Reminders, settings.ExtensionBefore, settings.AttestEvery, settings.LongestTerm = []int{5}, 1, 1, 1
	other := licensing.New(d, w.Accounts, licensing.Options{Settings: settings})
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		after, err := other.Agreement(tx, w.agreement)
		if after.Term != before.Term || after.Durations.ExtensionBefore != 90 || after.Durations.LongestTerm != 3660 || len(after.Durations.Reminders) != 4 {
			t.Errorf("the agreement follows the setting: %+v", after.Durations)
		}
		return err
	}))
}

func TestOneLetterThatCannotBeSentHoldsUpNoOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		sent := map[string]int{}
		outbox := licensing.NewOutbox(d, func(_ context.Context, l licensing.Letter) error {
			if l.To.Email == "broken@uni.example" {
				return errors.New("no such mailbox")
			}
			sent[l.To.Email]++
			return nil
		})
		w.must(d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			for _, to := range []string{"broken@uni.example", "good@uni.example"} {
				if err := outbox.Post(tx, licensing.Letter{Kind: "x", To: licensing.Address{Email: to}}); err != nil {
					return err
				}
			}
			return tx.Record("test:1", licensing.AgreementEnded{})
		}))
		for _, l := range w.letters() {
			if l.Kind == "x" {
				outbox.Deliver(t.Context(), l.ID)
				outbox.Deliver(t.Context(), l.ID)
			}
		}
		if sent["good@uni.example"] != 1 {
			t.Errorf("the good letter was sent %d times, want once", sent["good@uni.example"])
		}
		for _, l := range w.letters() {
			if l.To.Email == "broken@uni.example" && !l.Sent.IsZero() {
				t.Error("a letter that was not sent is gone")
			}
		}
	})
}

// nightly does what a night does.
func (w *world) nightly(r *licensing.Registry) {
	w.t.Helper()
	w.must(r.Nightly(w.t.Context(), "all"))
	reconsider := map[string]db.Handler{"licensing.reconsider": r.Handlers()["licensing.reconsider"]}
	for ran := true; ran; {
		var err error
		ran, err = w.d.WorkOnce(w.t.Context(), slog.New(slog.DiscardHandler), reconsider)
		w.must(err)
	}
}

func TestAnAgreementThatCannotBeLookedAtHoldsUpNoNightAndNoOther(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		d.Parked = w.r.WorkParked
		w.toForce()
		broken := w.agreement
		in := w.input()
		in.Applicant.Email, in.Signatory.Email, in.Contacts[0].Email = "ben@uni.example", "sara@uni.example", "cas@uni.example"
		in.Licensee.Country, in.Licensee.ReachedFrom = "GB", []string{"GB"}
		w.record(in)
		w.approve()
		w.applicant, w.signatory = w.join("ben@uni.example", "Ben Onderzoeker"), w.join("sara@uni.example", "Sara Bestuurder")
		w.signAll()
		w.must(d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
			if err := tx.Update(`UPDATE agreements SET durations = 'no JSON' WHERE id = $1`, broken); err != nil {
				return err
			}
			return tx.Record("test:1", happened{})
		}))
		table := jurisdiction.Default()
		for i, r := range table.Rows {
			if r.Country == "GB" {
				table.Rows[i].To = "2026-11-21"
			}
		}
		changed := licensing.New(d, w.Accounts, licensing.Options{Jurisdiction: table})
		tonight := clock.Now()
		w.must(changed.Start(t.Context()))
		jobs := map[string]db.Job{}
		for range 30 { // hours, until what cannot be done is parked
			for ran := true; ran; {
				var err error
				handlers := changed.Handlers()
				delete(handlers, "mail")
				delete(handlers, "licensing.milestones")
				ran, err = d.WorkOnce(t.Context(), slog.New(slog.DiscardHandler), handlers)
				w.must(err)
			}
			clock.Advance(20 * time.Minute)
		}
		w.must(d.View(t.Context(), func(tx *db.Tx) error {
			all, err := tx.Jobs()
			for _, j := range all {
				jobs[j.Kind+" "+j.Subject] = j
			}
			return err
		}))
		if w.get().Concern.IsZero() {
			t.Error("the sound agreement was not looked at")
		}
		if j := jobs["licensing.nightly all"]; !j.Due.After(tonight) || !j.Parked.IsZero() || j.Attempts > 0 {
			t.Errorf("the next night is planned as %+v, want it planned and sound", j)
		}
		if j := jobs["licensing.reconsider "+string(broken)]; j.Parked.IsZero() || j.LastError == "" {
			t.Errorf("the broken agreement's own job is %+v, want it parked with what went wrong", j)
		}
		if w.count("work.parked") == 0 {
			t.Error("nobody was told")
		}
	})
}

func TestAChangeOfJurisdictionMakesATaskAndEndsNothing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	in := w.input()
	in.Licensee.Country, in.Licensee.ReachedFrom = "GB", []string{"GB"}
	w.record(in)
	w.approve()
	w.joinParties()
	w.signAll()
	w.nightly(w.r)
	if !w.get().Concern.IsZero() {
		t.Error("a concern without a change")
	}
	// The adequacy decision is taken back overnight.
	table := jurisdiction.Default()
	for i, r := range table.Rows {
		if r.Country == "GB" {
			table.Rows[i].To = "2026-11-21"
		}
	}
	changed := licensing.New(d, w.Accounts, licensing.Options{Jurisdiction: table})
	w.nightly(changed)
	w.nightly(changed)
	a := w.get()
	if a.Concern.IsZero() || a.OpenAt(clock.Now()) != nil || !a.Concern.Due.After(clock.Now()) {
		t.Fatalf("got concern %+v, open %v", a.Concern, a.OpenAt(clock.Now()))
	}
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		tasks, err := changed.Queues(tx, w.desk)
		found := 0
		for _, task := range tasks {
			if task.Kind == licensing.TaskJurisdiction {
				found++
			}
		}
		if found != 1 {
			t.Errorf("the desk has %d tasks about it, want 1", found)
		}
		return err
	}))
	// The taking back is taken back: there is nothing to answer any more.
	w.nightly(w.r)
	if c := w.get().Concern; !c.IsZero() {
		t.Errorf("all is again as it was, and the concern stays open: %+v", c)
	}
	w.nightly(changed)
	w.must(changed.AnswerJurisdiction(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, "standard clauses signed on paper"))
	w.nightly(changed)
	if !w.get().Concern.IsZero() {
		t.Error("an answered concern came back")
	}
	w.replay()
}

func TestEveryActThatMattersNeedsAFreshCodeForThatVeryAct(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	ctx := t.Context()
	other := w.act(w.signatory, "contact", "agreement:another")
	wrongKind := w.onAgreement(w.signatory, "sign")
	someoneElses := w.onAgreement(w.applicant, "contact")
	for name, proof := range map[string]account.Proof{"none": {}, "another agreement": other, "another kind": wrongKind, "another person": someoneElses} {
		if err := w.r.ConfirmList(ctx, w.signatory, proof, w.agreement); !errors.Is(err, account.ErrNotProved) {
			t.Errorf("%s: got %v, want ErrNotProved", name, err)
		}
	}
	stale := w.onAgreement(w.signatory, "contact")
	clock.Advance(6 * time.Minute)
	if err := w.r.ConfirmList(ctx, w.signatory, stale, w.agreement); !errors.Is(err, account.ErrNotProved) {
		t.Errorf("stale: got %v, want ErrNotProved", err)
	}
	none := account.Proof{}
	for name, err := range map[string]error{
		"propose": w.r.Propose(ctx, w.desk, none, w.agreement, licensing.ActionSuspend, "x"),
		"attest":  w.r.AttestDestruction(ctx, w.signatory, none, w.agreement, licensing.DateOf(clock.Now()), ""),
		"remove":  w.r.RemoveContact(ctx, w.signatory, none, w.agreement, w.get().Contacts[0].ID, ""),
		"sign":    w.r.Sign(ctx, w.signatory, none, w.agreement, licensing.SignatureInput{}),
		"release": w.r.Release(ctx, w.desk, none, w.agreement),
	} {
		if !errors.Is(err, account.ErrNotProved) {
			t.Errorf("%s without a code: got %v, want ErrNotProved", name, err)
		}
	}
}

func TestSilenceNeverApproves(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.record(w.input())
	w.must(w.r.Start(t.Context()))
	clock.Advance(400 * 24 * time.Hour)
	w.work()
	if q := w.getRequest(); q.State != licensing.Recorded {
		t.Errorf("after 400 days: %s", q.State)
	}
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		tasks, err := w.r.Queues(tx, w.desk)
		if len(tasks) != 1 || tasks[0].Kind != licensing.TaskApprove || !tasks[0].Overdue || tasks[0].By != w.desk.Person() {
			t.Errorf("the desk sees %+v, want one task that is late and not for who recorded it", tasks)
		}
		return err
	}))
}

func TestAThingOfAnotherAgreementIsNotThere(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	theirs, foreign := w.get(), w.agreement
	in := w.input()
	in.Applicant.Email, in.Signatory.Email, in.Contacts[0].Email = "b1@two.example", "b2@two.example", "b3@two.example"
	in.Licensee.Domains = []string{"two.example"}
	w.record(in)
	w.approve()
	w.applicant, w.signatory = w.join("b1@two.example", "Bea Een"), w.join("b2@two.example", "Ben Twee")
	w.signAll()
	if err := w.r.RemoveContact(t.Context(), w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement, theirs.Contacts[0].ID, ""); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("removing a contact of another agreement: %v", err)
	}
	err := w.r.ConfirmList(t.Context(), w.signatory, w.act(w.signatory, "contact", "agreement:"+string(foreign)), foreign)
	missing := w.r.ConfirmList(t.Context(), w.signatory, w.act(w.signatory, "contact", "agreement:nothing"), "nothing")
	if !errors.Is(err, licensing.ErrNotFound) || err.Error() != missing.Error() {
		t.Errorf("not yours: %v; not there: %v", err, missing)
	}
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		if _, err := w.r.Document(tx, w.signatory, theirs.SHA256); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("a document of another agreement: %v", err)
		}
		doc, err := w.r.Document(tx, w.signatory, w.get().SHA256)
		if len(doc.PDF) == 0 {
			t.Error("one's own document is empty")
		}
		return err
	}))
	w.replay()
}

func TestOnePersonHoldsNoTwoConflictingParts(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	for name, change := range map[string]func(*licensing.RequestInput){
		"applicant and signatory":      func(in *licensing.RequestInput) { in.Signatory.Email = "Anna@UNI.example " },
		"representative and contact":   func(in *licensing.RequestInput) { in.Contacts[0].Email = "rep@foundation.example" },
		"recorder and applicant":       func(in *licensing.RequestInput) { in.Applicant.Email = "desk@foundation.example" },
		"representative and signatory": func(in *licensing.RequestInput) { in.Signatory.Email = "rep@foundation.example" },
	} {
		in := w.input()
		change(&in)
		_, err := w.r.Record(t.Context(), w.desk, in)
		wantRefused(t, name, err, "conflict")
	}
	in := w.input()
	in.Applicant.Email = "second@foundation.example"
	w.record(in)
	_, err := w.r.Approve(t.Context(), w.second, w.act(w.second, "decide", "request:"+string(w.request)), w.request, "")
	if err == nil {
		t.Error("somebody approved a request in which he is the applicant, by address")
	}
	in = w.input()
	in.Contacts[0].Name = "dr. Anna Onderzoeker"
	w.record(in)
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		found, err := w.r.Duplicates(tx, w.getRequest())
		if len(found) != 1 {
			t.Errorf("got %d likely duplicates, want 1: %v", len(found), found)
		}
		return err
	}))
}

func TestARowEditedByHandIsFound(t *testing.T) {
	for _, statement := range []string{
		`UPDATE agreements SET term_until = term_until + 86400000000`,
		`UPDATE agreements SET state = 'suspended'`,
		`UPDATE contacts SET country = 'IN'`,
		`UPDATE contacts SET email = 'thief@uni.example'`,
		`UPDATE signatures SET sha256 = 'x' WHERE part = 'signatory'`,
		`UPDATE documents SET pdf = 'other'`,
		`UPDATE requests SET decider = 'somebody'`,
		`UPDATE notes SET body = 'something kinder'`,
		`UPDATE parties SET person = 'somebody' WHERE part = 'signatory'`,
		`DELETE FROM signatures WHERE part = 'applicant'`,
	} {
		t.Run(statement, func(t *testing.T) {
			d, clock := dbtest.Fresh(t)
			w := newWorld(t, d, clock)
			w.toForce()
			w.must(d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
				if _, err := tx.Exec(statement); err != nil {
					return err
				}
				return tx.Record("test:1", licensing.AgreementEnded{})
			}))
			w.must(d.View(t.Context(), func(tx *db.Tx) error {
				found, err := w.r.Replay(tx, tx.Log())
				if len(found) == 0 {
					t.Error("nobody noticed")
				}
				return err
			}))
		})
	}
}

func TestTheTimeLineSaysWhoDidWhat(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	w.must(w.r.Stop(t.Context(), w.desk, w.agreement, "a leak was reported", nil))
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		page, err := w.r.PageOf(tx, w.signatory, w.request)
		if err != nil {
			return err
		}
		last := page.TimeLine[len(page.TimeLine)-1]
		if last.Key != "timeline.agreement.stopped" || last.Name != "Dineke Balie" || last.Words != "a leak was reported" {
			t.Errorf("the last moment is %+v", last)
		}
		if page.TimeLine[0].Key != "timeline.request.recorded" {
			t.Errorf("the first moment is %+v", page.TimeLine[0])
		}
		return nil
	}))
	// No name and no address is in the log.
	w.must(d.View(t.Context(), func(tx *db.Tx) error {
		n := 0
		for e, err := range tx.Log() {
			if err != nil {
				return err
			}
			n++
			for _, personal := range []string{"Onderzoeker", "uni.example", "a leak was reported", "melanoma"} {
				if strings.Contains(string(e.Body), personal) {
					t.Errorf("entry %d holds %q: %s", e.Seq, personal, e.Body)
				}
			}
		}
		if n < 10 {
			t.Errorf("only %d entries were looked at", n)
		}
		return nil
	}))
}
