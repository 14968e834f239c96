package licensing

import (
	"slices"
	"time"

	"sluice/infra/db"
)

// Next decides whether an event may happen at an instant, and what the agreement is after it. A RefusedError says why not.
// Who may try is decided before, by the rules; Next repeats what must hold between persons.
func (a Agreement) Next(ev AgreementEvent, at time.Time) (Agreement, error) {
	n := a.clone()
	n.Rev++
	if err := a.tooSoon(ev); err != nil {
		return a, err
	}
	var err error
	switch ev.(type) {
	case AgreementDrafted, AgreementRevised, AgreementReleased, ConfirmationsAnswered, AgreementOpened, AgreementSigned, SignatureDeclined:
		err = n.towardsForce(ev, at)
	case PaperUploaded, PaperConfirmed, PaperRefused:
		err = n.onPaper(ev, at)
	case ActionProposed, ActionSeconded, ActionDropped, EmergencyStopped, StopConfirmed:
		err = n.byTwo(ev, at)
	case ExtensionAsked, ContactAsked, ContactRemoved, AmendmentDecided, AmendmentDropped:
		err = n.amend(ev, at)
	case PartyProposed, PartyReplaced, PartyKept, PartyAccepted:
		err = n.succeed(ev, at)
	default:
		err = n.live(ev, at)
	}
	if err != nil {
		return a, err
	}
	return n, nil
}

// towardsForce is the life before the last signature.
func (a *Agreement) towardsForce(ev AgreementEvent, at time.Time) error {
	switch ev := ev.(type) {
	case AgreementDrafted:
		if a.State != "" {
			return a.wrongState()
		}
		a.Request, a.Number, a.RequestNumber, a.Durations = ev.Request, ev.Number, ev.RequestNumber, ev.Durations
		a.State, a.Version, a.Zone, a.Released = Drafted, 1, ev.Zone, true // the approver was the second person
		a.Variant, a.Lang, a.NotBefore, a.Until = ev.Variant, ev.Lang, ev.NotBefore, ev.Until
		a.Parties, a.Contacts, a.Confirmations = ev.Parties, ev.Contacts, ev.Confirmations
		a.Known = Outcome{Variant: ev.Variant}
		return nil

	case AgreementRevised:
		if a.State != Drafted && a.State != Signing {
			return a.onlyAmendments()
		}
		a.State, a.Released, a.Editor, a.SHA256, a.Opened = Drafted, false, ev.By, "", time.Time{}
		a.Version++
		a.Signatures, a.Proposal = nil, Proposal{}
		a.decidePaper(PaperVoid, "", at)
		a.Variant, a.Lang, a.NotBefore, a.Until = ev.Variant, ev.Lang, ev.NotBefore, ev.Until
		a.Parties, a.Contacts, a.Confirmations = ev.Parties, ev.Contacts, ev.Confirmations
		a.Known = Outcome{Variant: ev.Variant}
		return nil

	case AgreementReleased:
		switch {
		case a.State != Drafted:
			return a.wrongState()
		case a.Released:
			return refuse("released-already")
		case ev.By == a.Editor:
			return refuse("own-record")
		}
		a.Released = true
		return nil

	case ConfirmationsAnswered:
		if a.State != Drafted {
			return a.wrongState()
		}
		return a.answer(ev, at)

	case AgreementOpened:
		if err := a.Ready(); err != nil {
			return err
		}
		if ev.Version != a.Version || len(ev.SHA256) != 64 {
			return refuse("other-version")
		}
		a.State, a.SHA256, a.Opened = Signing, ev.SHA256, at
		return nil

	case AgreementSigned:
		if ev.Signature.Person == "" || !ev.Signature.Paper.IsZero() {
			return refuse("not-your-part")
		}
		return a.sign(ev.Signature, at)

	case SignatureDeclined:
		if a.State != Signing {
			return a.wrongState()
		}
		if ev.Note.Empty() {
			return refuse("reason").at("reason")
		}
		// The content must be looked at again: what was signed by others is void with it.
		a.State, a.Released, a.Editor, a.SHA256, a.Opened, a.Signatures = Drafted, false, "", "", time.Time{}, nil
		a.Version++
		a.decidePaper(PaperVoid, "", at)
		return nil
	}
	return refuse("unknown-event")
}

func (a *Agreement) answer(ev ConfirmationsAnswered, at time.Time) error {
	if len(ev.Answers) != len(a.Confirmations) || len(ev.Answers) == 0 {
		return refuse("answers-all").at("answers")
	}
	for i, c := range a.Confirmations {
		answer := ev.Answers[i]
		switch {
		case answer.Item != c.Item || answer.TextVersion != c.TextVersion:
			return refuse("answers-other-text").at("answers")
		case answer.Answer == Confirmed:
		case answer.Answer != NotConfirmed:
			return refuse("answers-all").at("answer." + c.Item)
		case answer.Explanation.Empty():
			return refuse("explanation").at("explanation." + c.Item)
		}
		a.Confirmations[i].Answer, a.Confirmations[i].Explanation = answer.Answer, answer.Explanation
		a.Confirmations[i].By, a.Confirmations[i].At, a.Confirmations[i].Accepted = ev.By, at, false
	}
	if a.Proposal.Action == ActionAccept {
		a.Proposal = Proposal{} // a judgement of the answers before these
	}
	return nil
}

// sign takes a signature, given in the portal or confirmed on paper, and brings the agreement into force with the last one.
func (a *Agreement) sign(s Signature, at time.Time) error {
	party := a.Party(s.Part)
	switch {
	case a.State != Signing:
		return a.wrongState()
	case s.Version != a.Version || s.SHA256 != a.SHA256 || a.SHA256 == "":
		return refuse("other-version")
	case party.Part != s.Part || party.Person != s.Person:
		return refuse("not-your-part")
	case !slices.Contains(a.Missing(), s.Part):
		return refuse("signed-already")
	case slices.ContainsFunc(a.Signatures, func(o Signature) bool {
		return samePerson(s.Person, party.Email, o.Person, a.Party(o.Part).Email)
	}):
		return refuse("conflict", "one", string(s.Part), "other", "signed")
	case !at.Before(a.Until.End(a.Location())):
		return refuse("term-over", "until", a.Until.String())
	}
	s.At = at
	a.Signatures = append(a.Signatures, s)
	if p, waits := a.WaitingPaper(); waits && len(a.Counting(p)) == 0 {
		a.decidePaper(PaperVoid, "", at) // whoever signed it has signed here too
	}
	if len(a.Missing()) > 0 {
		return nil
	}
	term := a.term()
	if term.IsZero() {
		return refuse("term-empty")
	}
	a.State, a.Term, a.ListConfirmed = InForce, term, at
	for i := range a.Contacts {
		a.Contacts[i].Added = at
	}
	return nil
}

// byTwo is what needs two people, and the emergency stop, which needs the second one afterwards.
func (a *Agreement) byTwo(ev AgreementEvent, at time.Time) error {
	switch ev := ev.(type) {
	case ActionProposed:
		if err := a.actionable(ev.Action, at); err != nil {
			return err
		}
		if !a.Proposal.IsZero() {
			return refuse("proposal-open", "action", string(a.Proposal.Action))
		}
		if ev.Note.Empty() {
			return refuse("reason").at("reason")
		}
		a.Proposal = Proposal{ev.Action, ev.By, at, ev.Note}
		return nil

	case ActionSeconded:
		switch {
		case a.Proposal.IsZero() || a.Proposal.Action != ev.Action:
			return refuse("no-proposal")
		case a.Proposal.By == ev.By:
			return refuse("own-proposal")
		}
		if err := a.actionable(ev.Action, at); err != nil {
			return err
		}
		a.Proposal = Proposal{}
		a.act(ev.Action, at)
		return nil

	case ActionDropped:
		if a.Proposal.IsZero() || a.Proposal.Action != ev.Action {
			return refuse("no-proposal")
		}
		a.Proposal = Proposal{}
		return nil

	case EmergencyStopped:
		if s := a.StateAt(at); s != InForce && s != Suspended {
			return a.wrongStateAt(at)
		}
		if a.Stop.Open() {
			return refuse("stopped-already")
		}
		a.State = Suspended
		a.Stop = Stop{By: ev.By, At: at, Note: ev.Note}
		a.dropProposal() // a resumption that was proposed before the emergency was proposed without knowing it
		return nil

	case StopConfirmed:
		switch {
		case !a.Stop.Open() || a.State == ClosedOut:
			return refuse("no-stop")
		case a.Stop.By == db.Person(string(ev.By)).String():
			return refuse("own-proposal")
		}
		a.Stop.Confirmed = ev.By
		return nil
	}
	return refuse("unknown-event")
}

// actionable says whether an action makes sense now.
func (a *Agreement) actionable(action Action, at time.Time) error {
	state := a.StateAt(at)
	switch action {
	case ActionSuspend:
		if state == InForce {
			return nil
		}
	case ActionResume:
		if state == Suspended {
			return nil
		}
	case ActionTerminate:
		if state == Drafted || state == Signing || state == InForce || state == Suspended {
			return nil
		}
	case ActionAccept:
		judge := func(c Confirmation) bool { return c.Answer == NotConfirmed && !c.Accepted }
		if state == Drafted && slices.ContainsFunc(a.Confirmations, judge) {
			return nil
		}
		return refuse("nothing-to-judge")
	case ActionDestroyKey:
		// Keys outlive the end by some hours, whoever has closed it. Whether one is there, who keeps them knows.
		if !a.Term.IsZero() && state != Drafted && state != Signing {
			return nil
		}
	}
	return a.wrongStateAt(at)
}

// dropProposal takes away what was proposed for a state that is over. That keys are to be destroyed is right in any.
func (a *Agreement) dropProposal() {
	if a.Proposal.Action != ActionDestroyKey {
		a.Proposal = Proposal{}
	}
}

func (a *Agreement) act(action Action, at time.Time) {
	switch action {
	case ActionSuspend:
		a.State = Suspended
	case ActionResume:
		a.State, a.Stop = InForce, Stop{}
	case ActionTerminate:
		a.State, a.Closed, a.Concern = Terminated, at, Concern{}
		a.decidePaper(PaperVoid, "", at)
		a.dropOpen(ChangeParty) // somebody must still attest destruction
	case ActionAccept:
		for i, c := range a.Confirmations {
			if c.Answer == NotConfirmed {
				a.Confirmations[i].Accepted = true
			}
		}
	}
}

// dropOpen takes away amendments that nobody can decide any more, but for those of some types.
func (a *Agreement) dropOpen(but ...AmendmentType) {
	for i := range a.Amendments {
		if a.Amendments[i].Open() && !slices.Contains(but, a.Amendments[i].Type) {
			a.Amendments[i].State = Dropped
		}
	}
}

// live is the rest of life: contacts' bindings, tasks, the end.
func (a *Agreement) live(ev AgreementEvent, at time.Time) error {
	switch ev := ev.(type) {
	case ContactBound:
		// Ended counts: a late extension may bring access back.
		if s := a.StateAt(at); s != InForce && s != Suspended && s != Ended {
			return a.wrongStateAt(at)
		}
		i, err := a.contactAt(ev.Contact)
		if err != nil {
			return err
		}
		if a.Contacts[i].Person != "" || !a.Contacts[i].Removed.IsZero() || ev.Person == "" {
			return refuse("contact-bound")
		}
		if slices.ContainsFunc(a.Contacts, func(c Contact) bool { return c.Removed.IsZero() && c.Person == ev.Person }) {
			return refuse("contact-twice")
		}
		a.Contacts[i].Person = ev.Person
		return conflicts(a.Parties, a.Contacts, nil)

	case ContactSuspended:
		return a.hold(ev.Contact, true, ev.Note, at)
	case ContactResumed:
		return a.hold(ev.Contact, false, ev.Note, at)

	case ListConfirmed:
		if s := a.StateAt(at); s != InForce && s != Suspended {
			return a.wrongStateAt(at)
		}
		a.ListConfirmed = at
		return nil

	case JurisdictionChanged:
		if s := a.StateAt(at); s != InForce && s != Suspended {
			return a.wrongStateAt(at)
		}
		back := ev.Outcome.same(a.Known)
		if back && a.Concern.IsZero() || !a.Concern.IsZero() && a.Concern.Outcome.same(ev.Outcome) {
			return refuse("concern-open")
		}
		if back { // it is again as it was answered for: an answer now would keep what does not hold any more
			a.Concern = Concern{}
			return nil
		}
		a.Concern = Concern{ev.Outcome, at, at.AddDate(0, 0, a.Durations.ConcernDays)}
		return nil

	case JurisdictionAnswered:
		if a.Concern.IsZero() {
			return refuse("no-concern")
		}
		if ev.Note.Empty() {
			return refuse("reason").at("reason")
		}
		a.Known, a.Concern = a.Concern.Outcome, Concern{}
		return nil

	case AgreementEnded:
		if (a.State != InForce && a.State != Suspended) || a.StateAt(at) != Ended {
			return a.wrongStateAt(at)
		}
		// Otherwise whether this was written down before a late extension would decide whether a suspension survives it.
		a.Held = a.State == Suspended
		a.State = Ended
		a.dropProposal()
		return nil

	case MilestoneReached:
		if a.State == Drafted || a.State == Signing || a.State == ClosedOut {
			return a.wrongState()
		}
		if slices.Contains(a.Reminded, ev.Milestone) {
			return refuse("reminded-already")
		}
		a.Reminded = append(a.Reminded, ev.Milestone)
		return nil

	case DestructionAttested:
		if s := a.StateAt(at); (s != Ended && s != Terminated) || a.Term.IsZero() {
			return a.wrongStateAt(at)
		}
		if len(ev.SHA256) != 64 || ev.DestroyedOn.IsZero() {
			return refuse("attestation").at("destroyed_on")
		}
		a.State, a.Attestation, a.Concern = ClosedOut, ev.SHA256, Concern{}
		a.dropProposal()
		if a.Closed.IsZero() {
			a.Closed = at
		}
		a.dropOpen()
		return nil
	}
	return refuse("unknown-event")
}

func (a *Agreement) hold(id ContactID, suspended bool, note Note, at time.Time) error {
	if s := a.StateAt(at); s != InForce && s != Suspended {
		return a.wrongStateAt(at)
	}
	i, err := a.contactAt(id)
	switch {
	case err != nil:
		return err
	case !a.Contacts[i].Admitted() || a.Contacts[i].Suspended == suspended:
		return refuse("contact-state")
	case note.Empty():
		return refuse("reason").at("reason")
	}
	a.Contacts[i].Suspended = suspended
	return nil
}

func (a *Agreement) contactAt(id ContactID) (int, error) {
	i := slices.IndexFunc(a.Contacts, func(c Contact) bool { return c.ID == id })
	if i < 0 {
		return 0, ErrNotFound
	}
	return i, nil
}

func (a *Agreement) wrongStateAt(at time.Time) *RefusedError {
	return refuse("state", "state", string(a.StateAt(at)))
}

// onlyAmendments refuses what would change a document that everybody has signed.
func (a *Agreement) onlyAmendments() *RefusedError {
	if a.State == InForce || a.State == Suspended {
		return refuse("only-amendments")
	}
	return a.wrongState()
}
