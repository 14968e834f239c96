package licensing

import (
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/licensing/jurisdiction"
)

// AgreementState is where an agreement stands.
type AgreementState string

// The states of an agreement. Ended is also worked out at any instant after the term; see StateAt.
const (
	Drafted    AgreementState = "drafted"    // something is missing before it may be signed
	Signing    AgreementState = "signing"    // its bytes are fixed; signatures are collected
	InForce    AgreementState = "in-force"   // everybody signed; the term says when it gives access
	Suspended  AgreementState = "suspended"  // by two people, or stopped by one
	Ended      AgreementState = "ended"      // the term is over
	Terminated AgreementState = "terminated" // before its end
	ClosedOut  AgreementState = "closed-out" // the licensee has attested destruction
)

// AgreementStates lists them, in the order of life.
func AgreementStates() []AgreementState {
	return []AgreementState{Drafted, Signing, InForce, Suspended, Ended, Terminated, ClosedOut}
}

// An Agreement is the terms on which one licensee may have data, with everything that decides about them.
type Agreement struct {
	ID            AgreementID
	Request       RequestID
	Number        string // DR-0042-A
	RequestNumber string
	State         AgreementState
	Rev           int64 // grows with every event
	Version       int   // of the signed content, from 1
	Variant       jurisdiction.Variant
	Lang          string
	Zone          string
	NotBefore     Date
	Until         Date // the last day as signed; extensions move the Term only
	Term          Term // the span that holds now, amendments included; zero until the last signature
	SHA256        string
	Released      bool // the content of this version was accepted by a second person
	Editor        account.PersonID
	Opened        time.Time // for signing
	Durations     Durations
	Parties       []Party
	Aside         []Party // proposed for a part, or had it before; they may do nothing
	Contacts      []Contact
	Confirmations []Confirmation
	Signatures    []Signature // of this version; those of earlier ones are void
	Papers        []Paper     // signed outside the portal, of all versions, in the order in which they came
	Amendments    []Amendment
	Proposal      Proposal // what waits for a second person; zero: nothing
	Stop          Stop     // an emergency stop; zero: none
	Held          bool     // it was suspended when it ended: a late extension brings it back suspended
	Concern       Concern  // a change of jurisdiction that the desk must answer; zero: none
	Known         Outcome  // of the jurisdictions, when somebody last answered for it
	ListConfirmed time.Time
	Closed        time.Time // when it ended early, or was closed out
	Attestation   string    // SHA-256 of the statement of destruction
	Reminded      []string  // milestones that were reached
	Halted        bool      // stopped on this host while the log could not be written; see Registry.Stop
}

// A Signature covers the stored bytes of one version, by their hash.
type Signature struct {
	Part      Part             `json:"part"`
	Person    account.PersonID `json:"person"` // "" for who signed on paper before he had an account
	Version   int              `json:"version"`
	SHA256    string           `json:"sha256"`
	At        time.Time        `json:"at"`
	Digest    string           `json:"digest"` // of the typed fields
	Salt      string           `json:"-"`
	Name      string           `json:"-"` // as typed
	Position  string           `json:"-"`
	Authority string           `json:"-"` // the statement that the person may sign
	Paper     OnPaper          `json:"paper,omitzero"`
}

func (s Signature) digest() string { return digest(s.Salt, s.Name, s.Position, s.Authority) }

// An Action is what one person proposes and a second one does.
type Action string

// The actions that need two people.
const (
	ActionSuspend   Action = "suspend"
	ActionResume    Action = "resume"
	ActionTerminate Action = "terminate"
	ActionAccept    Action = "accept-answers" // a confirmation that was not given
	// ActionDestroyKey is for a breach: somebody may have got at the keys of what was delivered, or at a process that uses them.
	ActionDestroyKey Action = "destroy-key"
)

// Actions lists the actions that need two people.
func Actions() []Action {
	return []Action{ActionSuspend, ActionResume, ActionTerminate, ActionAccept, ActionDestroyKey}
}

// A Proposal waits for a second person.
type Proposal struct {
	Action Action           `json:"action"`
	By     account.PersonID `json:"by"`
	At     time.Time        `json:"at"`
	Note   Note             `json:"note"`
}

// IsZero says that nothing waits.
func (p Proposal) IsZero() bool { return p.Action == "" }

// A Stop is an emergency stop by one person, until a second has confirmed it.
type Stop struct {
	By        string           `json:"by"` // as in the log: the host's command line may stop too
	At        time.Time        `json:"at"`
	Note      Note             `json:"note"`
	Confirmed account.PersonID `json:"confirmed,omitempty"`
}

// Open says that the stop waits for its second person.
func (s Stop) Open() bool { return s.By != "" && s.Confirmed == "" }

// A Concern is a change in the jurisdictions behind an agreement in force: somebody must answer it, and nothing ends by itself.
type Concern struct {
	Outcome Outcome   `json:"outcome"`
	At      time.Time `json:"at"`
	Due     time.Time `json:"due"`
}

// IsZero says that there is no concern.
func (c Concern) IsZero() bool { return c.At.IsZero() }

// Party is who holds a part.
func (a Agreement) Party(part Part) Party { return partyOf(a.Parties, part) }

// Contact is the contact of an id, removed ones included.
func (a Agreement) Contact(id ContactID) (Contact, bool) {
	i := slices.IndexFunc(a.Contacts, func(c Contact) bool { return c.ID == id })
	if i < 0 {
		return Contact{}, false
	}
	return a.Contacts[i], true
}

// listed are the contacts that count: those who will be admitted by the last signature, and after it those on the list.
// One that the desk has not accepted, or has declined, reaches no data.
func (a Agreement) listed() []Contact {
	if a.Term.IsZero() {
		return a.Contacts
	}
	return slices.DeleteFunc(slices.Clone(a.Contacts), func(c Contact) bool { return !c.Admitted() })
}

// Amendment is the amendment of an id.
func (a Agreement) Amendment(id AmendmentID) (Amendment, bool) {
	i := slices.IndexFunc(a.Amendments, func(m Amendment) bool { return m.ID == id })
	if i < 0 {
		return Amendment{}, false
	}
	return a.Amendments[i], true
}

// Missing lists the parts that have not signed this version.
func (a Agreement) Missing() []Part {
	var missing []Part
	for _, p := range Signers() {
		if !slices.ContainsFunc(a.Signatures, func(s Signature) bool { return s.Part == p }) {
			missing = append(missing, p)
		}
	}
	return missing
}

// SignedBy says whether whoever has a part now is who signed for it. A signature on paper may be older than the account of its
// signer; it is his until somebody else gets the part.
func (a Agreement) SignedBy(part Part) bool {
	succeeded := slices.ContainsFunc(a.Amendments, func(m Amendment) bool {
		return m.Type == ChangeParty && m.State == Effective && m.Succession.Part == part
	})
	return slices.ContainsFunc(a.Signatures, func(s Signature) bool {
		if s.Person == "" {
			return s.Part == part && !succeeded // nor has a successor an account at first
		}
		return s.Part == part && s.Person == a.Party(part).Person
	})
}

// StateAt is the state at an instant: a term that is over has ended, whether or not anything wrote that down.
func (a Agreement) StateAt(at time.Time) AgreementState {
	if (a.State == InForce || a.State == Suspended) && !at.Before(a.Term.Until) {
		return Ended
	}
	if a.State == InForce && a.Halted {
		return Suspended
	}
	return a.State
}

// lastInstant is the end of the term, or, before there is one, of the day on which it is to end.
func (a Agreement) lastInstant() time.Time {
	if a.Term.IsZero() {
		return a.Until.End(a.Location())
	}
	return a.Term.Until
}

// OpenAt is nil exactly when the agreement gives access at an instant: in force, inside its term, not suspended. Otherwise
// it is the first reason why not.
func (a Agreement) OpenAt(at time.Time) error {
	switch a.StateAt(at) {
	case InForce:
		switch {
		case a.Term.Contains(at):
			return nil
		case !a.Term.IsZero() && at.Before(a.Term.From):
			return ErrNotYet
		}
		return ErrEnded
	case Suspended:
		return ErrSuspended
	case Ended, ClosedOut:
		return ErrEnded
	case Terminated:
		return ErrTerminated
	}
	return ErrNotSigned
}

// Location is the zone in which the agreement's dates are read.
func (a Agreement) Location() *time.Location {
	zone, err := time.LoadLocation(a.Zone)
	if err != nil {
		return time.UTC // a zone is checked when the request is recorded; the zones are embedded
	}
	return zone
}

// Intervals are the spans in which the agreement gives access, suspensions apart: a function of signatures and
// amendments alone. A late extension leaves a gap.
func (a Agreement) Intervals() []Term {
	if len(a.Missing()) > 0 || a.Version == 0 {
		return nil
	}
	var last time.Time
	for _, s := range a.Signatures {
		if s.At.After(last) {
			last = s.At
		}
	}
	zone := a.Location()
	spans := []Term{{beginning(last, a.NotBefore, zone), a.Until.End(zone)}}
	for _, m := range a.Amendments {
		if m.Type != Extension || m.State != Effective {
			continue
		}
		until := m.NewUntil.End(zone)
		if end := &spans[len(spans)-1]; m.Effective.Before(end.Until) {
			end.Until = until
		} else {
			spans = append(spans, Term{m.Effective, until})
		}
	}
	return spans
}

// term is the last interval: the one that matters from now on.
func (a Agreement) term() Term {
	spans := a.Intervals()
	if len(spans) == 0 {
		return Term{}
	}
	return spans[len(spans)-1]
}

// Ready says what still keeps a drafted agreement from being signed; nil: nothing.
func (a Agreement) Ready() error {
	switch {
	case a.State != Drafted:
		return a.wrongState()
	case !a.Released:
		return refuse("not-released")
	case slices.ContainsFunc(a.Confirmations, func(c Confirmation) bool { return c.Answer == Unanswered }):
		return refuse("not-answered")
	case slices.ContainsFunc(a.Confirmations, func(c Confirmation) bool { return !c.Settled() }):
		return refuse("not-judged")
	}
	return nil
}

func (a Agreement) wrongState() *RefusedError { return refuse("state", "state", string(a.State)) }

// clone copies what Next may change, so that the value it was called on stays as it was.
func (a Agreement) clone() Agreement {
	a.Parties, a.Contacts = slices.Clone(a.Parties), slices.Clone(a.Contacts)
	a.Confirmations, a.Signatures = slices.Clone(a.Confirmations), slices.Clone(a.Signatures)
	a.Amendments, a.Reminded, a.Papers = slices.Clone(a.Amendments), slices.Clone(a.Reminded), slices.Clone(a.Papers)
	return a
}
