package licensing_test

import (
	"errors"
	"sync"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestARequestBecomesAnAgreementThatOpensAndEndsByItself(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		if _, err := w.r.Approve(t.Context(), w.desk, w.act(w.desk, "decide", "request:"+string(w.request)), w.request, ""); refusal(err) != "refused.own-record" {
			t.Errorf("the recorder approved his own record: got %v", err)
		}
		w.approve()
		w.joinParties()
		if err := w.get().OpenAt(clock.Now()); !errors.Is(err, licensing.ErrNotSigned) {
			t.Errorf("unsigned: got %v, want ErrNotSigned", err)
		}
		w.must(w.sign(w.rep, licensing.Representative))
		w.must(w.sign(w.applicant, licensing.Applicant))
		if w.inForce != 0 {
			t.Error("two signatures brought it into force")
		}
		w.must(w.sign(w.signatory, licensing.Signatory))
		a := w.get()
		if w.inForce != 1 || a.State != licensing.InForce || a.OpenAt(clock.Now()) != nil {
			t.Errorf("after the third signature: hook %d times, state %s, %v", w.inForce, a.State, a.OpenAt(clock.Now()))
		}
		// Until 31 December 2027 is until midnight in Amsterdam.
		end := time.Date(2027, 12, 31, 23, 0, 0, 0, time.UTC)
		if !a.Term.Until.Equal(end) || a.OpenAt(end.Add(-time.Microsecond)) != nil || !errors.Is(a.OpenAt(end), licensing.ErrEnded) {
			t.Errorf("the end is %v: got %v just before and %v at it", a.Term.Until, a.OpenAt(end.Add(-time.Microsecond)), a.OpenAt(end))
		}
		w.contact = w.join("carla@uni.example", "Carla Contact")
		var mine []licensing.Contact
		w.must(d.View(t.Context(), func(tx *db.Tx) (err error) { mine, err = w.r.ContactsOf(tx, w.contact.Person()); return err }))
		if len(mine) != 1 || mine[0].Agreement != w.agreement || !mine[0].Admitted() {
			t.Errorf("an account made after the signing leads to %+v", mine)
		}
		w.replay()
	})
}

func TestAChangeOfContentMakesANewVersionAndVoidsTheSignatures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		w.approve()
		w.joinParties()
		w.must(w.sign(w.applicant, licensing.Applicant))
		first := w.get()
		in := w.input()
		in.Content.Purpose = "Something else."
		in.Contacts = append(in.Contacts, licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "Dirk", Position: "analyst", Email: "dirk@uni.example"}, Country: "DE"})
		if err := w.r.Revise(t.Context(), w.desk, w.request, 1, in); !errors.Is(err, db.ErrConflict) {
			t.Errorf("a form filled from an old revision: got %v, want ErrConflict", err)
		}
		w.must(w.r.Revise(t.Context(), w.desk, w.request, w.getRequest().Rev, in))
		a := w.get()
		if a.Version != 2 || len(a.Signatures) != 0 || a.State != licensing.Drafted || len(a.Contacts) != 2 {
			t.Errorf("after the revision: version %d, %d signatures, %s, %d contacts", a.Version, len(a.Signatures), a.State, len(a.Contacts))
		}
		if w.count("agreement.revised") != 3 {
			t.Errorf("%d letters say that signatures are void, want 3", w.count("agreement.revised"))
		}
		wantRefused(t, "the reviser releases", w.r.Release(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement), "own-record")
		w.must(w.r.Release(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement))
		if got := w.get(); got.SHA256 == first.SHA256 || got.State != licensing.Signing {
			t.Errorf("released: state %s, same bytes %v", got.State, got.SHA256 == first.SHA256)
		}
		err := w.r.Sign(t.Context(), w.applicant, w.onAgreement(w.applicant, "sign"), w.agreement,
			licensing.SignatureInput{Part: licensing.Applicant, SHA256: first.SHA256, Name: "A", Position: "b", Authority: "c"})
		wantRefused(t, "signing the old bytes", err, "other-version")
		w.signAll()
		wantRefused(t, "revising what is in force", w.r.Revise(t.Context(), w.desk, w.request, w.getRequest().Rev, in), "only-amendments")

		// A signature row carries version and hash, and survives its own text.
		var all []licensing.Signature
		w.must(d.View(t.Context(), func(tx *db.Tx) (err error) { all, err = w.r.AllSignatures(tx, w.agreement); return err }))
		if len(all) != 4 || all[0].Version != 1 || all[0].SHA256 != first.SHA256 {
			t.Errorf("signatures of all versions: %+v", all)
		}
		w.replay()
	})
}

func TestANonEEALicenseeConfirmsBeforeAnybodySigns(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := w.input()
		in.Licensee.Country, in.Licensee.ReachedFrom = "IN", []string{"IN"}
		w.record(in)
		w.approve()
		w.joinParties()
		if a := w.get(); a.Variant != "non-eea" || a.State != licensing.Drafted || a.SHA256 != "" {
			t.Fatalf("got %s %s", a.Variant, a.State)
		}
		answer := func(confirmed bool, why string) error {
			return w.r.AnswerConfirmations(t.Context(), w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, []licensing.AnswerInput{
				{Item: "law", TextVersion: "1", Confirmed: true}, {Item: "doors", TextVersion: "1", Confirmed: confirmed, Explanation: why}})
		}
		wantRefused(t, "no explanation", answer(false, " "), "explanation")
		w.must(answer(false, "A vendor keeps a maintenance account."))
		if w.get().State != licensing.Drafted {
			t.Error("signing did not wait for the desk")
		}
		w.must(d.View(t.Context(), func(tx *db.Tx) error {
			stated, err := w.r.Stated(tx, w.get())
			if len(stated) != 2 || stated[1].Text == "" || stated[1].Explanation != "A vendor keeps a maintenance account." {
				t.Errorf("stated: %+v", stated)
			}
			return err
		}))
		w.must(w.r.Propose(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionAccept, "the account is watched"))
		wantRefused(t, "seconding oneself", w.r.Second(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionAccept, ""), "own-proposal")
		w.must(w.r.Second(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionAccept, ""))
		if a := w.get(); a.State != licensing.Signing {
			t.Errorf("after acceptance: %s", a.State)
		}
		w.signAll()
		w.replay()
	})
}

func TestScopeIsAPersonsToConfirm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := w.input()
		in.Licensee.Country, in.Licensee.ReachedFrom = "US", []string{"US"}
		w.record(in)
		proof := func() account.Proof { return w.act(w.second, "decide", "request:"+string(w.request)) }
		_, err := w.r.Approve(t.Context(), w.second, proof(), w.request, "")
		wantRefused(t, "approving an open scope", err, "jurisdiction-open")
		wantRefused(t, "no reason", w.r.JudgeScope(t.Context(), w.second, proof(), w.request, "US", true, ""), "reason")
		w.must(w.r.JudgeScope(t.Context(), w.second, proof(), w.request, "US", true, "on the list, seen today"))
		w.approve()
		if w.get().Variant != "eea" {
			t.Errorf("got %s", w.get().Variant)
		}
		w.replay()
	})
}

func TestOnlyTheSignatoryChangesTheContacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		add := func(who account.Who, email, country string) (licensing.AmendmentID, error) {
			return w.r.AskContact(t.Context(), who, w.onAgreement(who, "contact"), w.agreement,
				licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "Nieuw " + email, Position: "analyst", Email: email}, Country: country}, "")
		}
		for name, who := range map[string]account.Who{"applicant": w.applicant, "desk": w.desk, "contact": w.contact} {
			if _, err := add(who, "x@uni.example", "NL"); !errors.Is(err, account.ErrNotAllowed) {
				t.Errorf("the %s added a contact: %v", name, err)
			}
		}
		if _, err := add(w.signatory, "new@uni.example", "BE"); err != nil || w.added != 1 {
			t.Errorf("a contact at a verified domain: %v, hook %d times", err, w.added)
		}
		_, err := add(w.signatory, "NEW@uni.example", "BE")
		wantRefused(t, "the same address again", err, "contact-twice")
		_, err = add(w.signatory, "far@uni.example", "IN")
		wantRefused(t, "from a country that the EEA licence cannot serve", err, "contact-country")
		_, err = add(w.signatory, "second@foundation.example", "NL")
		wantRefused(t, "the approver as contact", err, "conflict")

		asked, err := add(w.signatory, "guest@elsewhere.example", "NL")
		w.must(err)
		if w.added != 1 {
			t.Error("an address at another domain was added without the desk")
		}
		decide := func(reason string) error {
			return w.r.DecideAmendment(t.Context(), w.desk, w.act(w.desk, "decide", "amendment:"+string(asked)), w.agreement, asked, true, reason)
		}
		wantRefused(t, "accepting without words", decide(""), "reason")
		w.must(decide("a joint appointment, letter seen"))
		if m, _ := w.get().Amendment(asked); m.State != licensing.Effective || m.SHA256 == "" || w.added != 2 {
			t.Errorf("accepted: %+v, hook %d times", m, w.added)
		}
		wantRefused(t, "deciding again", decide("again"), "amendment-closed")

		carla := w.get().Contacts[0]
		w.must(w.r.RemoveContact(t.Context(), w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement, carla.ID, "left"))
		if c, _ := w.get().Contact(carla.ID); c.Admitted() || w.removed != 1 {
			t.Errorf("removed: %+v, hook %d times", c, w.removed)
		}
		w.must(d.View(t.Context(), func(tx *db.Tx) error {
			if _, err := w.r.PageOf(tx, w.contact, w.request); !errors.Is(err, licensing.ErrNotFound) {
				t.Errorf("a removed contact sees the page: %v", err)
			}
			return nil
		}))
		w.replay()
	})
}

func TestAnExtensionMovesTheTermAndALateOneBringsAccessBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		ask := func(until licensing.Date) (licensing.AmendmentID, error) {
			return w.r.AskExtension(t.Context(), w.applicant, w.agreement, until, "not done yet")
		}
		decide := func(who account.Who, id licensing.AmendmentID, accept bool) error {
			return w.r.DecideAmendment(t.Context(), who, w.act(who, "decide", "amendment:"+string(id)), w.agreement, id, accept, "seen")
		}
		_, err := ask(licensing.Date{Year: 2028, Month: 6, Day: 30})
		wantRefused(t, "a year too early", err, "extension-early")
		clock.Set(time.Date(2027, 12, 1, 10, 0, 0, 0, time.UTC))
		first, err := ask(licensing.Date{Year: 2028, Month: 6, Day: 30})
		w.must(err)
		_, err = ask(licensing.Date{Year: 2028, Month: 7, Day: 30})
		wantRefused(t, "two at once", err, "extension-open")
		w.must(decide(w.desk, first, true))
		if w.changed != 0 {
			t.Error("one person moved the term")
		}
		wantRefused(t, "the same person again", decide(w.desk, first, true), "own-proposal")
		w.must(decide(w.rep, first, true))
		a := w.get()
		if w.changed != 1 || a.Term.LastDay(a.Location()).String() != "2028-06-30" || a.OpenAt(clock.Now()) != nil {
			t.Errorf("extended: hook %d, until %s, %v", w.changed, a.Term.LastDay(a.Location()), a.OpenAt(clock.Now()))
		}
		// The worker is dead at the end, and access ends all the same.
		clock.Set(time.Date(2028, 7, 10, 10, 0, 0, 0, time.UTC))
		if !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrEnded) {
			t.Error("access did not end by itself")
		}
		late, err := ask(licensing.Date{Year: 2028, Month: 12, Day: 31})
		w.must(err)
		w.must(decide(w.desk, late, true))
		w.must(decide(w.second, late, true))
		a = w.get()
		if spans := a.Intervals(); len(spans) != 2 || a.OpenAt(clock.Now()) != nil || spans[1].From.Before(spans[0].Until) {
			t.Errorf("late extension: %v, %v", spans, a.OpenAt(clock.Now()))
		}
		w.replay()
	})
}

func TestTwoPeopleSuspendResumeAndTerminate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		by := func(one, other account.Who, action licensing.Action) {
			t.Helper()
			w.must(w.r.Propose(t.Context(), one, w.onAgreement(one, "decide"), w.agreement, action, "a reason"))
			w.must(w.r.Second(t.Context(), other, w.onAgreement(other, "decide"), w.agreement, action, ""))
		}
		by(w.desk, w.second, licensing.ActionSuspend)
		if !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrSuspended) {
			t.Error("not suspended")
		}
		by(w.desk, w.rep, licensing.ActionResume)
		if w.get().OpenAt(clock.Now()) != nil {
			t.Error("not resumed")
		}
		// An emergency: one person, or the host, at once; a second confirms it afterwards.
		host := account.Host("root", "box")
		w.must(w.r.Stop(t.Context(), host, w.agreement, "a leak", nil))
		if !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrSuspended) {
			t.Error("not stopped")
		}
		w.must(w.r.ConfirmStop(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement))
		by(w.desk, w.second, licensing.ActionResume)
		w.must(w.r.Stop(t.Context(), w.desk, w.agreement, "again", nil))
		wantRefused(t, "confirming one's own stop", w.r.ConfirmStop(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement), "own-proposal")
		by(w.desk, w.second, licensing.ActionTerminate)
		if !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrTerminated) {
			t.Error("not terminated")
		}
		w.must(w.r.AttestDestruction(t.Context(), w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(clock.Now()), "all gone"))
		if w.get().State != licensing.ClosedOut {
			t.Error("not closed out")
		}
		w.replay()
	})
}

func TestAStopGoesAheadWhenTheLogCannotBeWritten(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	reader, err := db.Open(t.Context(), "sqlite:"+t.TempDir()+"/other.db") // something that answers nothing about this agreement
	w.must(err)
	reader.Close()
	broken := licensing.New(reader, w.Accounts, licensing.Options{})
	w.Accounts.Accepted = w.r.Accepted
	reader.Now = clock.Now
	var journal []licensing.Halt
	w.must(broken.Stop(t.Context(), account.Host("root", "box"), w.agreement, "a leak", func(h licensing.Halt) error { journal = append(journal, h); return nil }))
	if len(journal) != 1 {
		t.Fatalf("got %d halts in the journal, want 1", len(journal))
	}
	w.r.SetHalts(journal)
	if !errors.Is(w.get().OpenAt(clock.Now()), licensing.ErrSuspended) {
		t.Error("a journalled stop does not stop")
	}
	left, err := w.r.TakeHalts(t.Context(), journal)
	if err != nil || len(left) != 0 {
		t.Fatalf("taking the journal: %v, %d left", err, len(left))
	}
	if a := w.get(); a.State != licensing.Suspended || a.Halted || a.Stop.By != "cli:root@box" {
		t.Errorf("after the log took it: %s, %+v", a.State, a.Stop)
	}

	// Two people lift it, and the line still stands in the file, which could not be written.
	w.must(w.r.ConfirmStop(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement))
	w.must(w.r.Propose(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionResume, "found again"))
	w.must(w.r.Second(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionResume, ""))
	if left, err := w.r.TakeHalts(t.Context(), journal); err != nil || len(left) != 0 {
		t.Errorf("taking the journal again: %v, %d left", err, len(left))
	}
	if err := w.get().OpenAt(clock.Now()); err != nil {
		t.Errorf("a stop that two people lifted came back: %v", err)
	}
	w.replay()
}

func TestAStopByNumberHoldsBeforeAnybodyCanAskWhichAgreementItIs(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.toForce()
	halt := licensing.Halt{Agreement: licensing.AgreementID(w.get().Number), By: "cli:root@box", At: clock.Now(), Reason: "a leak"}
	w.r.SetHalts([]licensing.Halt{halt})
	if err := w.get().OpenAt(clock.Now()); !errors.Is(err, licensing.ErrSuspended) {
		t.Errorf("a stop that names the number does not stop: %v", err)
	}
	if s := w.get().StateAt(clock.Now()); s != licensing.Suspended {
		t.Errorf("pages call the agreement %s, want suspended", s)
	}
	halt.Agreement = w.agreement
	if left, err := w.r.TakeHalts(t.Context(), []licensing.Halt{halt}); err != nil || len(left) != 0 {
		t.Fatalf("taking the journal: %v, %d left", err, len(left))
	}
	if a := w.get(); a.State != licensing.Suspended || a.Halted {
		t.Errorf("after the log took it: %s, halted %v", a.State, a.Halted)
	}
}

func TestTwoPeoplePressingAtOnceOneWinsAndTheOtherIsTold(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
		w.record(w.input())
		people := []account.Who{w.second, third}
		proofs := []account.Proof{w.act(w.second, "decide", "request:"+string(w.request)), w.act(third, "decide", "request:"+string(w.request))}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() { _, errs[i] = w.r.Approve(t.Context(), people[i], proofs[i], w.request, "fine") })
		}
		wg.Wait()
		won, told := 0, 0
		for _, err := range errs {
			switch {
			case err == nil:
				won++
			case refusal(err) == "refused.request-closed":
				told++
			default:
				t.Errorf("got %v", err)
			}
		}
		if won != 1 || told != 1 {
			t.Errorf("%d won and %d were told, want 1 and 1", won, told)
		}
		w.replay()
	})
}
