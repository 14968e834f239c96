package portal

import (
	"context"
	"slices"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// happens tries an event on the agreement without doing it.
func (t *target) happens(ev licensing.AgreementEvent) error {
	_, err := t.a.Next(ev, t.At)
	return err
}

func (t *target) befalls(ev licensing.RequestEvent) error {
	_, err := t.Request.Next(ev, t.At)
	return err
}

// staffActs are all acts on a request, in the order in which its page offers them.
var staffActs = slices.Concat(requestActs, agreementActs, paperActs, partActs, successionActs)

var requestActs = []staffAct{
	{name: "approve", kind: "request.approved", code: true, reason: "optional", calm: true, means: 3, subject: requestSubject, about: aboutRequest,
		try: func(t *target, by account.PersonID) error {
			return t.befalls(licensing.RequestApproved{By: by, Note: pretended, Outcome: t.now})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			_, err := s.cfg.Registry.Approve(ctx, v.Who, proof, t.Request.ID, f.text("reason"))
			return err
		}},
	{name: "refuse", kind: "request.refused", code: true, reason: "needed", means: 2, subject: requestSubject, about: aboutRequest,
		try: func(t *target, by account.PersonID) error {
			return t.befalls(licensing.RequestRefused{By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.RefuseRequest(ctx, v.Who, proof, t.Request.ID, f.text("reason"))
		}},
	{name: "withdraw", kind: "request.withdrawn", reason: "optional", means: 2, subject: requestSubject,
		try: func(t *target, by account.PersonID) error {
			return t.befalls(licensing.RequestWithdrawn{By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.Withdraw(ctx, v.Who, t.Request.ID, f.text("reason"))
		}},
	{name: "scope", kind: "request.scope-judged", code: true, reason: "needed", calm: true, means: 2, subject: requestSubject, about: aboutScope,
		try: func(t *target, by account.PersonID) error {
			return t.befalls(licensing.ScopeJudged{Scope: licensing.Scope{By: by, Note: pretended}, Outcome: t.now})
		},
		fields: func(t *target, f *form) []templates.Part {
			return []templates.Part{f.radios(templates.Radios{Name: "country", Label: templates.M("staff.scope.country"), Choices: t.scopeChoices()}),
				f.radios(templates.Radios{Name: "holds", Label: templates.M("staff.scope.holds"), Hint: templates.M("staff.scope.holds-hint"), Choices: []templates.Choice{
					{Value: "yes", Text: templates.M("staff.scope.yes")}, {Value: "no", Text: templates.M("staff.scope.no")}}})}
		},
		read: func(t *target, f *form) {
			var offered []string
			for _, c := range t.scopeChoices() {
				offered = append(offered, c.Value)
			}
			f.choice("country", templates.M("staff.scope.country-missing"), offered...)
			f.choice("holds", templates.M("staff.scope.holds-missing"), "yes", "no")
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.JudgeScope(ctx, v.Who, proof, t.Request.ID, f.text("country"), f.text("holds") == "yes", f.text("reason"))
		}},
}

var agreementActs = []staffAct{
	{name: "release", kind: "agreement.released", code: true, calm: true, means: 2, about: aboutRequest,
		try: func(t *target, by account.PersonID) error { return t.happens(licensing.AgreementReleased{By: by}) },
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, _ *form) error {
			return s.cfg.Registry.Release(ctx, v.Who, proof, t.a.ID)
		}},
	proposing("accept-answers", licensing.ActionAccept, aboutAnswers),
	proposing("suspend", licensing.ActionSuspend, nil),
	proposing("resume", licensing.ActionResume, aboutStop),
	proposing("terminate", licensing.ActionTerminate, nil),
	destroyingKey(),
	{name: "second", kind: "agreement.seconded", code: true, reason: "optional", means: 1, about: aboutProposal,
		effect: func(t *target) templates.Msg { return templates.M("staff.effect." + string(t.a.Proposal.Action)) },
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.ActionSeconded{Action: t.a.Proposal.Action, By: by})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.Second(ctx, v.Who, proof, t.a.ID, t.a.Proposal.Action, f.text("reason"))
		}},
	{name: "drop", kind: "agreement.proposal-dropped", reason: "optional", calm: true, means: 1, about: aboutProposal,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.ActionDropped{Action: t.a.Proposal.Action, By: by})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.DropProposal(ctx, v.Who, t.a.ID, t.a.Proposal.Action, f.text("reason"))
		}},
	{name: "stop", kind: "agreement.stopped", reason: "optional", urgent: true, means: 3,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.EmergencyStopped{By: db.Person(string(by)).String()})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) (err error) {
			t.kept, err = s.stop(ctx, v, t.a.ID, f.text("reason"))
			return err
		}},
	{name: "confirm-stop", kind: "agreement.stop-confirmed", code: true, calm: true, means: 2, about: aboutStop,
		try: func(t *target, by account.PersonID) error { return t.happens(licensing.StopConfirmed{By: by}) },
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, _ *form) error {
			return s.cfg.Registry.ConfirmStop(ctx, v.Who, proof, t.a.ID)
		}},
	{name: "jurisdiction", kind: "agreement.jurisdiction-answered", code: true, reason: "needed", calm: true, means: 2, about: aboutConcern,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.JurisdictionAnswered{By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.AnswerJurisdiction(ctx, v.Who, proof, t.a.ID, f.text("reason"))
		}},
}

// proposing is the first half of what needs two.
func proposing(name string, action licensing.Action, about func(*Server, *target, *visit) []templates.Part) staffAct {
	return staffAct{name: name, kind: "agreement.proposed", code: true, reason: "needed", means: 2, about: about,
		calm: action == licensing.ActionAccept || action == licensing.ActionResume,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.ActionProposed{Action: action, By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.Propose(ctx, v.Who, proof, t.a.ID, action, f.text("reason"))
		}}
}

// destroyingKey is the first half of destroying the keys of what was delivered: only while there is one.
func destroyingKey() staffAct {
	act := proposing("destroy-key", licensing.ActionDestroyKey, nil)
	act.means = 4
	happens := act.try
	act.try = func(t *target, by account.PersonID) error {
		if err := happens(t, by); err != nil {
			return err
		}
		if !slices.ContainsFunc(t.Deliveries, func(d delivery.Overview) bool { return d.KeyHeld() }) {
			return &licensing.RefusedError{Key: "refused.no-key"}
		}
		return nil
	}
	return act
}

// partActs are about one contact or one amendment.
var partActs = []staffAct{
	{name: "suspend-contact", at: "contacts/{contact}/suspend", kind: "contact.suspended", reason: "needed", means: 2, aim: aimContact,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.ContactSuspended{Contact: t.contact.ID, By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.SuspendContact(ctx, v.Who, t.a.ID, t.contact.ID, f.text("reason"))
		}},
	{name: "resume-contact", at: "contacts/{contact}/resume", kind: "contact.resumed", code: true, reason: "needed", calm: true, means: 1, aim: aimContact,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.ContactResumed{Contact: t.contact.ID, By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.ResumeContact(ctx, v.Who, proof, t.a.ID, t.contact.ID, f.text("reason"))
		}},
	{name: "amendment", at: "amendments/{amendment}", kind: "amendment.decided", code: true, reason: "needed", calm: true, means: 2, aim: aimAmendment,
		subject: amendmentSubject, about: aboutAmendment,
		try: func(t *target, by account.PersonID) error {
			// Refusing takes the same conditions between persons as accepting, and no document.
			return t.happens(licensing.AmendmentDecided{Amendment: t.amendment.ID, By: by, Note: pretended})
		},
		fields: func(_ *target, f *form) []templates.Part {
			return []templates.Part{f.radios(templates.Radios{Name: "decision", Label: templates.M("staff.amendment.decision"), Choices: []templates.Choice{
				{Value: "accept", Text: templates.M("staff.amendment.accept")}, {Value: "decline", Text: templates.M("staff.amendment.decline")}}})}
		},
		read: func(_ *target, f *form) {
			f.choice("decision", templates.M("staff.amendment.decision-missing"), "accept", "decline")
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.DecideAmendment(ctx, v.Who, proof, t.a.ID, t.amendment.ID, f.text("decision") == "accept", f.text("reason"))
		}},
}
