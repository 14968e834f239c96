package licensing_test

import (
	"errors"
	"flag"
	"os"
	"slices"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

var update = flag.Bool("update", false, "write PERMISSIONS.md")

func TestTheTableOfPermissionsIsWrittenDown(t *testing.T) {
	if *update {
		if err := os.WriteFile("PERMISSIONS.md", []byte(licensing.Table()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("PERMISSIONS.md")
	if err != nil || string(got) != licensing.Table() {
		t.Errorf("PERMISSIONS.md is not what the rules say (%v): run go generate ./licensing", err)
	}
}

// actor is somebody who tries, with the roles he has.
type actor struct {
	name  string
	who   account.Who
	roles []licensing.Role
	sees  bool
}

// cast is one person for each role; two desk members did nothing so far and may be the second one everywhere.
func (w *world) cast(third, rep2, operator, stranger account.Who) []actor {
	return []actor{
		{"applicant", w.applicant, []licensing.Role{licensing.AsApplicant}, w.applicant.IsPerson()},
		{"signatory", w.signatory, []licensing.Role{licensing.AsSignatory}, w.signatory.IsPerson()},
		{"representative", w.rep, []licensing.Role{licensing.AsRepresentative, licensing.AsStaffSigner}, true},
		{"contact", w.contact, []licensing.Role{licensing.AsContact}, w.contact.IsPerson()},
		{"desk", third, []licensing.Role{licensing.AsDesk}, true},
		{"representative-staff", rep2, []licensing.Role{licensing.AsStaffSigner}, true},
		{"steward", w.steward, []licensing.Role{licensing.AsSteward}, false},
		{"auditor", w.auditor, []licensing.Role{licensing.AsAuditor}, true},
		{"operator", operator, []licensing.Role{licensing.AsOperator}, false},
		{"host", account.Host("root", "box"), []licensing.Role{licensing.AsHost}, true},
		{"stranger", stranger, nil, false},
		{"nobody", account.Who{}, nil, false},
	}
}

// verdict checks the answer of one cell.
func verdict(t *testing.T, state, kind string, a actor, err error) {
	t.Helper()
	var refused *licensing.RefusedError
	ok := false
	want := "done"
	switch {
	case !licensing.May(a.roles, kind) && a.sees:
		want, ok = "not allowed", errors.Is(err, account.ErrNotAllowed)
	case !licensing.May(a.roles, kind):
		want, ok = "not found", errors.Is(err, licensing.ErrNotFound)
	case licensing.Possible(kind, state):
		ok = errors.Is(err, licensing.ErrRehearsed)
	default:
		want, ok = "refused", errors.As(err, &refused)
	}
	if !ok {
		t.Errorf("%s, %s, %s: got %v, want %s", state, kind, a.name, err, want)
	}
}

func TestEveryCellOfTheTableForRequests(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
	rep2 := w.Person("Rik Ander", "rep2@foundation.example", account.Representative)
	operator, _ := w.Operators()
	stranger := w.Person("Vera Vreemd", "vera@far.example")
	ctx, none := t.Context(), account.Proof{}
	try := map[string]func(who account.Who) error{
		"request.recorded": func(who account.Who) error { _, err := w.r.Record(ctx, who, w.input()); return err },
		"request.revised": func(who account.Who) error {
			return w.r.Revise(ctx, who, w.request, w.getRequest().Rev, w.input())
		},
		"request.scope-judged": func(who account.Who) error { return w.r.JudgeScope(ctx, who, none, w.request, "NL", true, "because") },
		"request.approved":     func(who account.Who) error { _, err := w.r.Approve(ctx, who, none, w.request, ""); return err },
		"request.refused":      func(who account.Who) error { return w.r.RefuseRequest(ctx, who, none, w.request, "because") },
		"request.withdrawn":    func(who account.Who) error { return w.r.Withdraw(ctx, who, w.request, "because") },
		"request.invitation-resent": func(who account.Who) error {
			return w.r.ResendInvitation(ctx, who, w.request, licensing.Applicant)
		},
	}
	// In a request that is not approved nobody outside has an account yet; whoever records sees what he records.
	for _, a := range w.cast(third, rep2, operator, stranger) {
		done := w.r.Rehearse()
		a.sees = a.name == "host"
		a2 := a
		if a.name == "representative" || a.name == "representative-staff" || a.name == "auditor" {
			a2.sees = true
		}
		verdict(t, "", "request.recorded", a2, try["request.recorded"](a.who))
		done()
	}
	fixtures := []struct {
		state string
		make  func()
	}{
		{"recorded", func() { w.record(w.input()) }},
		{"refused", func() {
			w.record(w.input())
			w.must(w.r.RefuseRequest(ctx, w.second, w.act(w.second, "decide", "request:"+string(w.request)), w.request, "no"))
		}},
		{"withdrawn", func() { w.record(w.input()); w.must(w.r.Withdraw(ctx, w.desk, w.request, "no")) }},
		{"approved", func() { w.record(w.input()); w.approve() }},
	}
	for _, f := range fixtures {
		f.make()
		for _, kind := range licensing.RequestRules()[1:] {
			for _, a := range w.cast(third, rep2, operator, stranger) {
				done := w.r.Rehearse()
				verdict(t, f.state, kind, a, try[kind](a.who))
				done()
			}
		}
	}
}

func TestEveryCellOfTheTableForAgreements(t *testing.T) {
	for _, state := range licensing.AgreementStates() {
		t.Run(string(state), func(t *testing.T) { t.Parallel(); everyCell(t, state) })
	}
}

func everyCell(t *testing.T, state licensing.AgreementState) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
	rep2 := w.Person("Rik Ander", "rep2@foundation.example", account.Representative)
	operator, _ := w.Operators()
	stranger := w.Person("Vera Vreemd", "vera@far.example")
	ctx, none := t.Context(), account.Proof{}
	bring(w, state)

	var amendment licensing.AmendmentID
	action := licensing.ActionTerminate
	switch state {
	case licensing.Suspended:
		action = licensing.ActionResume
	case licensing.Ended, licensing.Terminated, licensing.ClosedOut:
		action = licensing.ActionDestroyKey // nothing else is left to propose
	}
	w.r.KeysHeld = func(*db.Tx, licensing.AgreementID) (bool, error) { return true, nil }
	parts := map[account.PersonID]licensing.Part{w.applicant.Person(): licensing.Applicant, w.signatory.Person(): licensing.Signatory, w.rep.Person(): licensing.Representative}
	until := licensing.DateOf(clock.Now()).AddDays(500)
	carla := w.get().Contacts[0].ID
	try := map[string]func(who account.Who) error{
		"agreement.revised": func(who account.Who) error {
			err := w.r.Revise(ctx, who, w.request, w.getRequest().Rev, w.input())
			return err
		},
		"agreement.released": func(who account.Who) error { return w.r.Release(ctx, who, none, w.agreement) },
		"agreement.answered": func(who account.Who) error {
			return w.r.AnswerConfirmations(ctx, who, none, w.agreement, []licensing.AnswerInput{{Item: "law", TextVersion: "1", Confirmed: true}, {Item: "doors", TextVersion: "1", Confirmed: true}})
		},
		"agreement.signed": func(who account.Who) error {
			return w.r.Sign(ctx, who, none, w.agreement, licensing.SignatureInput{Part: parts[who.Person()], SHA256: w.get().SHA256, Name: "N", Position: "p", Authority: "a"})
		},
		"agreement.paper-uploaded": func(who account.Who) error {
			return w.r.UploadPaper(ctx, who, w.agreement, w.paper(licensing.Applicant))
		},
		"agreement.paper-confirmed":  func(who account.Who) error { return w.r.ConfirmPaper(ctx, who, none, w.agreement, w.waiting()) },
		"agreement.paper-refused":    func(who account.Who) error { return w.r.RefusePaper(ctx, who, w.agreement, w.waiting(), "because") },
		"agreement.declined":         func(who account.Who) error { return w.r.Decline(ctx, who, w.agreement, parts[who.Person()], "because") },
		"agreement.proposed":         func(who account.Who) error { return w.r.Propose(ctx, who, none, w.agreement, action, "because") },
		"agreement.seconded":         func(who account.Who) error { return w.r.Second(ctx, who, none, w.agreement, action, "") },
		"agreement.proposal-dropped": func(who account.Who) error { return w.r.DropProposal(ctx, who, w.agreement, action, "") },
		"agreement.stopped":          func(who account.Who) error { return w.r.Stop(ctx, who, w.agreement, "because", nil) },
		"agreement.stop-confirmed":   func(who account.Who) error { return w.r.ConfirmStop(ctx, who, none, w.agreement) },
		"amendment.extension-asked": func(who account.Who) error {
			_, err := w.r.AskExtension(ctx, who, w.agreement, until, "because")
			return err
		},
		"amendment.contact-asked": func(who account.Who) error {
			_, err := w.r.AskContact(ctx, who, none, w.agreement, licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "N", Position: "p", Email: "n@uni.example"}, Country: "NL"}, "")
			return err
		},
		"amendment.contact-removed": func(who account.Who) error { return w.r.RemoveContact(ctx, who, none, w.agreement, carla, "") },
		"amendment.decided": func(who account.Who) error {
			return w.r.DecideAmendment(ctx, who, none, w.agreement, amendment, true, "because")
		},
		"amendment.dropped": func(who account.Who) error { return w.r.DropAmendment(ctx, who, w.agreement, amendment) },
		"amendment.party-proposed": func(who account.Who) error {
			_, err := w.r.ProposeParty(ctx, who, none, w.agreement, w.successor(licensing.Signatory, "Nora Nieuw", "nora@uni.example"))
			return err
		},
		"amendment.party-replaced": func(who account.Who) error {
			return w.r.ReplaceParty(ctx, who, none, w.agreement, amendment, authorityHash, "")
		},
		"amendment.party-kept": func(who account.Who) error { return w.r.KeepParty(ctx, who, w.agreement, amendment, "because") },
		"amendment.party-accepted": func(who account.Who) error {
			id := amendment
			if m, waits := w.get().Awaits(parts[who.Person()]); waits {
				id = m.ID
			}
			return w.r.AcceptPart(ctx, who, none, w.agreement, id, w.hashOf(id))
		},
		"contact.suspended":        func(who account.Who) error { return w.r.SuspendContact(ctx, who, w.agreement, carla, "because") },
		"contact.resumed":          func(who account.Who) error { return w.r.ResumeContact(ctx, who, none, w.agreement, carla, "because") },
		"agreement.list-confirmed": func(who account.Who) error { return w.r.ConfirmList(ctx, who, none, w.agreement) },
		"agreement.jurisdiction-answered": func(who account.Who) error {
			return w.r.AnswerJurisdiction(ctx, who, none, w.agreement, "because")
		},
		"agreement.closed-out": func(who account.Who) error {
			return w.r.AttestDestruction(ctx, who, none, w.agreement, licensing.DateOf(clock.Now()), "")
		},
	}
	// prepare makes what an act needs to be there, where the state lets it be there; undo takes it away.
	decide := func(who account.Who, kind string) account.Proof { return w.onAgreement(who, kind) }
	prepare := map[string]func() (undo func()){
		"agreement.seconded": func() func() {
			w.must(w.r.Propose(ctx, w.desk, decide(w.desk, "decide"), w.agreement, action, "because"))
			return func() { w.must(w.r.DropProposal(ctx, w.desk, w.agreement, action, "")) }
		},
		"agreement.stop-confirmed": func() func() {
			// The fixtures of the later states were stopped on the way there.
			if state == licensing.Suspended {
				w.must(w.r.Stop(ctx, w.desk, w.agreement, "because", nil))
			}
			return func() {}
		},
		"amendment.decided": func() func() {
			if state == licensing.Ended {
				until = w.get().Term.LastDay(time.UTC).AddDays(300)
			}
			id, err := w.r.AskExtension(ctx, w.signatory, w.agreement, until, "because")
			w.must(err)
			amendment = id
			w.must(w.r.DecideAmendment(ctx, w.desk, w.act(w.desk, "decide", "amendment:"+string(id)), w.agreement, id, true, ""))
			return func() { w.must(w.r.DropAmendment(ctx, w.signatory, w.agreement, id)) }
		},
		"amendment.dropped": func() func() {
			id, err := w.r.AskExtension(ctx, w.applicant, w.agreement, until, "because")
			w.must(err)
			amendment = id
			return func() { w.must(w.r.DropAmendment(ctx, w.applicant, w.agreement, id)) }
		},
		"amendment.party-replaced": func() func() {
			amendment = w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
			return func() { w.must(w.r.KeepParty(ctx, w.desk, w.agreement, amendment, "because")) }
		},
		"amendment.party-accepted": func() func() {
			w.replaceParty(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
			w.signatory = w.join("nora@uni.example", "Nora Nieuw")
			w.replaceParty(licensing.Applicant, "Otto Opvolger", "otto@uni.example")
			w.applicant = w.join("otto@uni.example", "Otto Opvolger")
			parts[w.signatory.Person()], parts[w.applicant.Person()] = licensing.Signatory, licensing.Applicant
			return func() { w.acceptPart(w.signatory, licensing.Signatory); w.acceptPart(w.applicant, licensing.Applicant) }
		},
		"contact.resumed": func() func() {
			w.must(w.r.SuspendContact(ctx, w.desk, w.agreement, carla, "because"))
			return func() {
				w.must(w.r.ResumeContact(ctx, w.second, decide(w.second, "decide"), w.agreement, carla, "because"))
			}
		},
	}
	prepare["agreement.paper-confirmed"] = func() func() {
		w.must(w.r.UploadPaper(ctx, w.desk, w.agreement, w.paper(licensing.Signatory)))
		return func() { w.must(w.r.RefusePaper(ctx, w.desk, w.agreement, w.waiting(), "because")) }
	}
	prepare["agreement.paper-refused"] = prepare["agreement.paper-confirmed"]
	prepare["amendment.party-kept"] = prepare["amendment.party-replaced"]
	prepare["agreement.proposal-dropped"] = prepare["agreement.seconded"]
	skipped := map[string]bool{"agreement.jurisdiction-changed": true, "agreement.ended": true, "agreement.milestone": true, // the worker's: jobs_test.go
		"agreement.jurisdiction-answered": true} // needs a change of the table: jobs_test.go
	for _, kind := range licensing.AgreementRules() {
		if skipped[kind] && kind != "agreement.jurisdiction-answered" {
			for _, a := range w.cast(third, rep2, operator, stranger) {
				if licensing.May(a.roles, kind) {
					t.Errorf("%s may be tried by the %s and there is nothing to try it with", kind, a.name)
				}
			}
			continue
		}
		if try[kind] == nil {
			t.Fatalf("nothing tries %s", kind)
		}
		undo := func() {}
		if p := prepare[kind]; p != nil && licensing.Possible(kind, string(state)) {
			undo = p()
		}
		for _, a := range w.cast(third, rep2, operator, stranger) {
			if kind == "agreement.revised" && a.name == "host" {
				continue // the act is one on the request, whose cells are tried there
			}
			if skipped[kind] && licensing.May(a.roles, kind) {
				continue
			}
			done := w.r.Rehearse()
			err := try[kind](a.who)
			done()
			aboutOne := slices.Contains([]string{"amendment.decided", "amendment.dropped", "amendment.party-replaced"}, kind)
			if aboutOne && !licensing.Possible(kind, string(state)) && licensing.May(a.roles, kind) {
				if !errors.Is(err, licensing.ErrNotFound) {
					t.Errorf("%s, %s, %s: got %v, want not found, as there is no amendment", state, kind, a.name, err)
				}
				continue
			}
			if state == licensing.Drafted && licensing.Possible(kind, "drafted") && (kind == "agreement.answered" || kind == "agreement.released") {
				verdictDraft(t, w, kind, a, err)
				continue
			}
			verdict(t, string(state), kind, a, err)
		}
		undo()
	}
	w.replay()
}

// verdictDraft: the draft of the fixture waits for its release and has no confirmations, so one of the two is refused.
func verdictDraft(t *testing.T, w *world, kind string, a actor, err error) {
	t.Helper()
	if licensing.May(a.roles, kind) && kind == "agreement.answered" {
		wantRefused(t, "answering nothing", err, "answers-all")
		return
	}
	verdict(t, "drafted", kind, a, err)
}

// bring takes an agreement to a state, as it would get there.
func bring(w *world, state licensing.AgreementState) {
	w.t.Helper()
	ctx := w.t.Context()
	switch state {
	case licensing.Drafted, licensing.Signing:
		w.record(w.input())
		w.approve()
		w.joinParties()
		if state == licensing.Drafted {
			w.must(w.r.Revise(ctx, w.desk, w.request, w.getRequest().Rev, w.input()))
		}
		return
	}
	w.toForce()
	w.clock.Set(time.Date(2027, 12, 1, 10, 0, 0, 0, time.UTC))
	if state == licensing.InForce {
		return
	}
	if state == licensing.Suspended {
		w.must(w.r.Propose(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionSuspend, "because"))
		w.must(w.r.Second(ctx, w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionSuspend, ""))
		return
	}
	w.must(w.r.Stop(ctx, account.Host("root", "box"), w.agreement, "because", nil))
	switch state {
	case licensing.Terminated:
		w.must(w.r.Propose(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionTerminate, "because"))
		w.must(w.r.Second(ctx, w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionTerminate, ""))
	case licensing.Ended, licensing.ClosedOut:
		w.clock.Set(time.Date(2028, 1, 5, 10, 0, 0, 0, time.UTC))
		w.work()
	}
	if state == licensing.ClosedOut {
		w.must(w.r.AttestDestruction(ctx, w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(w.clock.Now()), ""))
	}
}
