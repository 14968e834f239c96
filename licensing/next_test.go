package licensing_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
)

var hash, otherHash = strings.Repeat("ab", 32), strings.Repeat("cd", 32)

func note(text string) licensing.Note { return licensing.Note{ID: "n", Digest: "d", Text: text} }

var (
	people = []licensing.Party{{ID: "p1", Part: licensing.Applicant, Person: "app", Email: "app@uni.example"},
		{ID: "p2", Part: licensing.Signatory, Person: "sig", Email: "sig@uni.example"},
		{ID: "p3", Part: licensing.Representative, Person: "rep", Email: "rep@foundation.example"}}
	start = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

// anyEvent draws an event of any kind, mostly one that could happen.
func anyEvent(t *rapid.T) licensing.AgreementEvent {
	person := rapid.SampledFrom([]account.PersonID{"app", "sig", "rep", "desk1", "desk2", "contact"}).Draw(t, "person")
	action := rapid.SampledFrom(licensing.Actions()).Draw(t, "action")
	part := rapid.SampledFrom(licensing.Signers()).Draw(t, "part")
	id := licensing.AmendmentID(fmt.Sprint("m", rapid.IntRange(0, 4).Draw(t, "amendment")))
	contact := licensing.ContactID(fmt.Sprint("c", rapid.IntRange(0, 4).Draw(t, "contact")))
	until := licensing.Date{Year: 2027, Month: time.Month(rapid.IntRange(1, 12).Draw(t, "month")), Day: 28}
	version := rapid.IntRange(1, 3).Draw(t, "version")
	var questions []string
	if rapid.Bool().Draw(t, "questions") {
		questions = []string{"question.domain"}
	}
	confirmations := []licensing.Confirmation{{Item: "law", TextVersion: "1"}}
	answer := rapid.SampledFrom([]licensing.Answer{licensing.Confirmed, licensing.NotConfirmed}).Draw(t, "answer")
	paper := licensing.PaperID(fmt.Sprint("p", rapid.IntRange(0, 1).Draw(t, "paper")))
	all := []licensing.AgreementEvent{
		licensing.PaperUploaded{Paper: licensing.Paper{ID: paper, Version: version, SHA256: hash, Document: otherHash, By: person,
			Signers: []licensing.PaperSigner{{Part: part, SignedOn: licensing.DateOf(start)}}}},
		licensing.PaperConfirmed{By: person, Paper: paper, Document: otherHash}, licensing.PaperConfirmed{By: "desk2", Paper: paper, Document: otherHash},
		licensing.PaperRefused{By: person, Paper: paper, Note: note("no")},
		licensing.AgreementDrafted{Request: "r", Number: "DR-0001-A", Variant: jurisdiction.NonEEA, Zone: "Europe/Amsterdam", Until: until, Parties: people,
			Contacts: []licensing.Contact{{ID: "c0", Email: "c0@uni.example"}}, Confirmations: confirmations, Durations: licensing.Durations{ExtensionBefore: 90, ExtensionAfter: 90}},
		licensing.AgreementRevised{By: person, Until: until, Parties: people, Contacts: []licensing.Contact{{ID: "c0"}}},
		licensing.AgreementReleased{By: person},
		licensing.ConfirmationsAnswered{By: person, Answers: []licensing.Confirmation{{Item: "law", TextVersion: "1", Answer: answer, Explanation: note("why")}}},
		licensing.AgreementOpened{Version: version, SHA256: hash},
		licensing.AgreementSigned{Signature: licensing.Signature{Part: part, Person: people[slices.Index(licensing.Signers(), part)].Person, Version: version, SHA256: hash}},
		licensing.SignatureDeclined{By: person, Part: part, Note: note("no")},
		licensing.ActionProposed{Action: action, By: person, Note: note("why")},
		licensing.ActionSeconded{Action: action, By: person},
		licensing.ActionSeconded{Action: licensing.ActionTerminate, By: "desk2"}, // the rare states need help
		licensing.AgreementEnded{}, licensing.AgreementEnded{},
		licensing.ActionDropped{Action: action, By: person},
		licensing.EmergencyStopped{By: "person:" + string(person)},
		licensing.StopConfirmed{By: person},
		licensing.ExtensionAsked{Amendment: id, By: person, NewUntil: until, Note: note("more")},
		licensing.ContactAsked{Amendment: id, By: person, Contact: licensing.Contact{ID: contact, Email: string(contact) + "@uni.example"}, Questions: questions, SHA256: hash},
		licensing.ContactRemoved{Amendment: id, By: person, Contact: contact, SHA256: hash},
		licensing.AmendmentDecided{Amendment: id, By: person, Accept: rapid.Bool().Draw(t, "accept"), Note: note("so"), SHA256: hash},
		licensing.AmendmentDropped{Amendment: id, By: person},
		licensing.ContactBound{Contact: contact, Person: "contact"},
		licensing.ContactSuspended{Contact: contact, By: person, Note: note("x")},
		licensing.ContactResumed{Contact: contact, By: person, Note: note("x")},
		licensing.ListConfirmed{By: person},
		licensing.JurisdictionChanged{Outcome: licensing.Outcome{NeedsPerson: true}},
		licensing.JurisdictionAnswered{By: person, Note: note("x")},
		licensing.AgreementEnded{},
		licensing.MilestoneReached{Milestone: string(id)},
		licensing.DestructionAttested{By: person, DestroyedOn: until, SHA256: hash},
	}
	return rapid.SampledFrom(all).Draw(t, "event")
}

func TestNoSequenceOfEventsBreaksTheLaws(t *testing.T) {
	reached := map[licensing.AgreementState]bool{}
	rapid.Check(t, func(t *rapid.T) {
		var a licensing.Agreement
		at := start
		for range 120 {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(20*24*time.Hour)).Draw(t, "step")))
			ev := anyEvent(t)
			before := a
			n, err := a.Next(ev, at)
			if err != nil {
				if n.Rev != a.Rev || n.State != a.State {
					t.Fatalf("a refused %s changed the agreement", ev.Kind())
				}
				continue
			}
			a = n
			reached[a.State] = true
			laws(t, before, a, ev, at)
		}
	})
	for _, s := range []licensing.AgreementState{licensing.Drafted, licensing.Signing} {
		if !reached[s] {
			t.Errorf("no sequence reached %s", s)
		}
	}
}

// TestNoSequenceAfterSigningBreaksTheLaws begins in force, so that the late states are met too.
func TestNoSequenceAfterSigningBreaksTheLaws(t *testing.T) {
	reached := map[licensing.AgreementState]bool{}
	rapid.Check(t, func(t *rapid.T) {
		a, at := signedAgreement(t), start
		for range 200 {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(30*24*time.Hour)).Draw(t, "step")))
			ev := anyEvent(t)
			before := a
			n, err := a.Next(ev, at)
			if err != nil {
				continue
			}
			a = n
			reached[a.State] = true
			laws(t, before, a, ev, at)
		}
	})
	for _, s := range []licensing.AgreementState{licensing.InForce, licensing.Suspended, licensing.Ended, licensing.Terminated, licensing.ClosedOut} {
		if !reached[s] {
			t.Errorf("no sequence reached %s", s)
		}
	}
}

type fataler interface{ Fatalf(string, ...any) }

func signedAgreement(t fataler) licensing.Agreement {
	var a licensing.Agreement
	for _, ev := range []licensing.AgreementEvent{
		licensing.AgreementDrafted{Request: "r", Number: "DR-0001-A", Variant: jurisdiction.EEA, Zone: "Europe/Amsterdam", Until: licensing.Date{Year: 2027, Month: 3, Day: 31},
			Parties: people, Contacts: []licensing.Contact{{ID: "c0", Email: "c0@uni.example"}}, Durations: licensing.Durations{ExtensionBefore: 90, ExtensionAfter: 90}},
		licensing.AgreementOpened{Version: 1, SHA256: hash},
		licensing.AgreementSigned{Signature: licensing.Signature{Part: licensing.Applicant, Person: "app", Version: 1, SHA256: hash}},
		licensing.AgreementSigned{Signature: licensing.Signature{Part: licensing.Signatory, Person: "sig", Version: 1, SHA256: hash}},
		licensing.AgreementSigned{Signature: licensing.Signature{Part: licensing.Representative, Person: "rep", Version: 1, SHA256: hash}},
	} {
		var err error
		if a, err = a.Next(ev, start); err != nil {
			t.Fatalf("%s: %v", ev.Kind(), err)
		}
	}
	return a
}

// aboutKeys says whether an event is about the keys that outlive an agreement by some hours: that they must go sooner.
func aboutKeys(ev licensing.AgreementEvent) bool {
	switch ev := ev.(type) {
	case licensing.ActionProposed:
		return ev.Action == licensing.ActionDestroyKey
	case licensing.ActionSeconded:
		return ev.Action == licensing.ActionDestroyKey
	case licensing.ActionDropped:
		return ev.Action == licensing.ActionDestroyKey
	}
	return false
}

func laws(t fataler, before, after licensing.Agreement, ev licensing.AgreementEvent, at time.Time) {
	if after.Rev != before.Rev+1 {
		t.Fatalf("%s took the revision from %d to %d", ev.Kind(), before.Rev, after.Rev)
	}
	if before.State == licensing.ClosedOut && (after.State != licensing.ClosedOut || !aboutKeys(ev)) {
		t.Fatalf("%s happened to an agreement that was closed out", ev.Kind())
	}
	if before.State == licensing.Terminated && after.State != licensing.Terminated && after.State != licensing.ClosedOut {
		t.Fatalf("%s brought a terminated agreement to %s", ev.Kind(), after.State)
	}
	if len(before.Missing()) == 0 && before.Version > 0 && (after.SHA256 != before.SHA256 || after.Version != before.Version || len(after.Signatures) != len(before.Signatures)) {
		t.Fatalf("%s changed what everybody had signed", ev.Kind())
	}
	for _, c := range after.Contacts {
		if was, ok := before.Contact(c.ID); ok && !was.Removed.IsZero() && c.Removed.IsZero() {
			t.Fatalf("%s brought a removed contact back", ev.Kind())
		}
	}
	// Access only inside an interval that was signed or decided, and the stored term is the last of them.
	spans := after.Intervals()
	if len(spans) > 0 && after.Term != spans[len(spans)-1] {
		t.Fatalf("%s left the term %v, and signatures and amendments say %v", ev.Kind(), after.Term, spans)
	}
	for i := 1; i < len(spans); i++ {
		if spans[i].From.Before(spans[i-1].Until) {
			t.Fatalf("the intervals %v overlap", spans)
		}
	}
	for _, probe := range []time.Time{at, after.Term.From.Add(-time.Microsecond), after.Term.Until.Add(-time.Microsecond), after.Term.Until} {
		if after.OpenAt(probe) == nil && (len(after.Missing()) > 0 || !slices.ContainsFunc(spans, func(s licensing.Term) bool { return s.Contains(probe) })) {
			t.Fatalf("%s opened access at %v, outside %v", ev.Kind(), probe, spans)
		}
	}
	for _, s := range after.Signatures {
		if p := s.Paper; !p.IsZero() && (p.UploadedBy == p.ConfirmedBy || p.UploadedBy == "rep" || p.ConfirmedBy == "rep") {
			t.Fatalf("%s took a signature on paper on the word of %s and %s", ev.Kind(), p.UploadedBy, p.ConfirmedBy)
		}
	}
	if _, waits := after.WaitingPaper(); waits && after.State != licensing.Signing {
		t.Fatalf("%s left a document on paper waiting in %s", ev.Kind(), after.State)
	}
	if after.State == licensing.Suspended && after.OpenAt(at) == nil {
		t.Fatalf("a suspended agreement is open")
	}
}

// TestEveryEventInEveryStateIsDecided is the full matrix: what may happen is what the rules list, and the rest is refused.
func TestEveryEventInEveryStateIsDecided(t *testing.T) {
	signed := signedAgreement(t)
	must := func(a licensing.Agreement, at time.Time, evs ...licensing.AgreementEvent) licensing.Agreement {
		t.Helper()
		for _, ev := range evs {
			var err error
			if a, err = a.Next(ev, at); err != nil {
				t.Fatalf("%s: %v", ev.Kind(), err)
			}
		}
		return a
	}
	over := signed.Term.Until.Add(time.Hour)
	byTwo := func(action licensing.Action) []licensing.AgreementEvent {
		return []licensing.AgreementEvent{licensing.ActionProposed{Action: action, By: "desk1", Note: note("x")}, licensing.ActionSeconded{Action: action, By: "desk2"}}
	}
	drafted := must(licensing.Agreement{}, start, licensing.AgreementDrafted{Number: "A", Zone: "Europe/Amsterdam", Until: licensing.Date{Year: 2027, Month: 3, Day: 31}, Parties: people})
	ended := must(signed, over, licensing.AgreementEnded{})
	states := map[licensing.AgreementState]struct {
		a  licensing.Agreement
		at time.Time
	}{
		licensing.Drafted: {drafted, start}, licensing.Signing: {must(drafted, start, licensing.AgreementOpened{Version: 1, SHA256: hash}), start},
		licensing.InForce: {signed, start}, licensing.Suspended: {must(signed, start, byTwo(licensing.ActionSuspend)...), start},
		licensing.Ended: {ended, over}, licensing.Terminated: {must(signed, start, byTwo(licensing.ActionTerminate)...), start},
		licensing.ClosedOut: {must(ended, over, licensing.DestructionAttested{By: "sig", DestroyedOn: licensing.DateOf(over), SHA256: hash}), over},
	}
	events := rapid.Custom(anyEvent)
	seen := map[string]bool{}
	for i := range 4000 {
		ev := events.Example(i)
		seen[ev.Kind()] = true
		for state, s := range states {
			_, err := s.a.Next(ev, s.at)
			possible := licensing.Possible(ev.Kind(), string(state))
			switch ev.(type) {
			case licensing.AgreementDrafted:
				possible = false
			case licensing.AgreementOpened:
				possible = state == licensing.Drafted
			case licensing.ContactBound:
				possible = state == licensing.InForce || state == licensing.Suspended || state == licensing.Ended
			}
			if err == nil && !possible {
				t.Errorf("%s happened in %s, and the rules say that it cannot", ev.Kind(), state)
			}
		}
	}
	if len(seen) != 29 {
		t.Errorf("%d kinds of event were tried, want 29", len(seen))
	}
}

func TestAnExtensionReachesNoFurtherThanTheLongestTerm(t *testing.T) {
	a := signedAgreement(t)
	a.Durations.LongestTerm = 400
	zone := a.Location()
	at := a.Term.Until.AddDate(0, 0, -10)
	present := a.Term.LastDay(zone)
	furthest := licensing.DateOf(at.In(zone)).AddDays(400)
	for name, c := range map[string]struct {
		until   licensing.Date
		refused string
	}{
		"a day earlier":        {present.AddDays(-1), "refused.extension-not-later"},
		"the present last day": {present, "refused.extension-not-later"},
		"no day":               {licensing.Date{}, "refused.extension-not-later"},
		"one day more":         {present.AddDays(1), ""},
		"the furthest day":     {furthest, ""},
		"a day further":        {furthest.AddDays(1), "refused.extension-long"},
		"a century":            {licensing.Date{Year: 2126, Month: 1, Day: 1}, "refused.extension-long"},
	} {
		asked, err := a.Next(licensing.ExtensionAsked{Amendment: "m1", By: "sig", NewUntil: c.until, Note: note("more")}, at)
		var refused *licensing.RefusedError
		if c.refused == "" {
			if err == nil {
				_, err = asked.Next(licensing.AmendmentDecided{Amendment: "m1", By: "desk1", Accept: true}, at)
			}
			if err != nil {
				t.Errorf("%s: got %v, want it to be taken", name, err)
			}
			continue
		}
		if !errors.As(err, &refused) || refused.Key != c.refused || refused.Field != "until" {
			t.Errorf("%s: got %v, want %s at the field", name, err, c.refused)
		}
	}

	a.Durations.LongestTerm = 0 // drafted before there was a longest term
	if _, err := a.Next(licensing.ExtensionAsked{Amendment: "m1", By: "sig", NewUntil: furthest.AddDays(1), Note: note("more")}, at); err != nil {
		t.Errorf("an agreement without a longest term: %v", err)
	}
}
