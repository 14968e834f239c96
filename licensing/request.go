package licensing

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/licensing/jurisdiction"
)

// RequestState is where a request stands.
type RequestState string

// The states of a request. All but the first are final.
const (
	Recorded  RequestState = "recorded"
	Approved  RequestState = "approved"
	Refused   RequestState = "refused"
	Withdrawn RequestState = "withdrawn"
)

// RequestStates lists them, in the order of life.
func RequestStates() []RequestState { return []RequestState{Recorded, Approved, Refused, Withdrawn} }

// Content is what is asked for and will be signed: everything whose change makes a new version of the agreement.
type Content struct {
	Lang       string // of the agreement, authoritative
	Title      string
	Purpose    string
	Licensee   Licensee
	Datasets   []DatasetNeed
	Conditions []string // of the board
	NotBefore  Date     // the term does not begin before this day; zero: with the last signature
	Until      Date     // the last day of the term
}

// digest is what the log keeps of the content.
func (c Content) digest(salt string) string {
	b, _ := json.Marshal(c) // plain strings and dates always encode
	return digest(salt, string(b))
}

// countries are those the data would be processed or reached from, by the contacts too.
func (c Content) countries(contacts []Contact) []string {
	all := slices.Clone(c.Licensee.ReachedFrom)
	for _, k := range contacts {
		if k.Removed.IsZero() && !slices.Contains(all, k.Country) {
			all = append(all, k.Country)
		}
	}
	return all
}

// Outcome is the licence variant that follows from the jurisdictions, and why.
type Outcome struct {
	Variant     jurisdiction.Variant `json:"variant,omitempty"`
	NeedsPerson bool                 `json:"needs_person,omitempty"`
	Reason      jurisdiction.Reason  `json:"reason"`
}

// Same says whether two outcomes ask for the same thing.
func (o Outcome) same(p Outcome) bool {
	return o.Variant == p.Variant && o.NeedsPerson == p.NeedsPerson
}

// A Scope is what a person decided about a country whose adequacy decision holds for some recipients only.
type Scope struct {
	Country string           `json:"country"`
	Holds   bool             `json:"holds"`
	By      account.PersonID `json:"by"`
	At      time.Time        `json:"at"`
	Note    Note             `json:"note"`
}

// A Request asks for data, for a purpose.
type Request struct {
	ID       RequestID
	Number   string // DR-0042
	State    RequestState
	Rev      int64 // grows with every event
	Content  Content
	Salt     string
	Digest   string // of the content
	Zone     string
	Parties  []Party
	Contacts []Contact // the first ones; those of an agreement live there
	Scopes   []Scope
	Outcome  Outcome
	Editors  []account.PersonID // who recorded or revised it; none of them may decide
	Recorded time.Time
	Revised  time.Time // the last change of content
	Decider  account.PersonID
	Decided  time.Time
	Decision Note // the reason given
}

// Party is who holds a part.
func (r Request) Party(part Part) Party { return partyOf(r.Parties, part) }

func partyOf(parties []Party, part Part) Party {
	for _, p := range parties {
		if p.Part == part {
			return p
		}
	}
	return Party{}
}

// confirmed are the scopes as the jurisdiction table wants them.
func (r Request) confirmed() map[string]bool {
	m := make(map[string]bool, len(r.Scopes))
	for _, s := range r.Scopes {
		m[s.Country] = s.Holds
	}
	return m
}

// A RequestEvent is something that happens to a request.
type RequestEvent interface {
	Kind() string
	request() // sealed: the log can be replayed only if every event is known here
}

// The events of a request. What they hold goes into the log: ids, dates and digests, never a name.
type (
	// RequestRecorded begins a request.
	RequestRecorded struct {
		Number   string           `json:"number"`
		By       account.PersonID `json:"by"`
		Zone     string           `json:"zone"`
		Digest   string           `json:"digest"`
		Until    Date             `json:"until"`
		Parties  []Party          `json:"parties"`
		Contacts []Contact        `json:"contacts"`
		Datasets []DatasetID      `json:"datasets"`
		Outcome  Outcome          `json:"outcome"`
		Content  Content          `json:"-"`
		Salt     string           `json:"-"`
	}
	// RequestRevised changes the content; the one who did may not decide any more.
	RequestRevised struct {
		By       account.PersonID `json:"by"`
		Digest   string           `json:"digest"`
		Until    Date             `json:"until"`
		Parties  []Party          `json:"parties"`
		Contacts []Contact        `json:"contacts"`
		Datasets []DatasetID      `json:"datasets"`
		Outcome  Outcome          `json:"outcome"`
		Note     Note             `json:"note"`
		Content  Content          `json:"-"`
		Salt     string           `json:"-"`
	}
	// ScopeJudged is a person's word on whether an adequacy decision covers this licensee.
	ScopeJudged struct {
		Scope   Scope   `json:"scope"`
		Outcome Outcome `json:"outcome"`
	}
	// RequestApproved lets an agreement be drafted.
	RequestApproved struct {
		By      account.PersonID `json:"by"`
		Note    Note             `json:"note"`
		Outcome Outcome          `json:"outcome"` // as the jurisdictions stand on that day
	}
	// RequestRefused ends a request, with a reason.
	RequestRefused struct {
		By   account.PersonID `json:"by"`
		Note Note             `json:"note"`
	}
	// RequestWithdrawn ends a request on the applicant's side.
	RequestWithdrawn struct {
		By   account.PersonID `json:"by"`
		Note Note             `json:"note"`
	}
	// PartyBound says which person holds a part: the invitation was accepted.
	PartyBound struct {
		Party  PartyID          `json:"party"`
		Person account.PersonID `json:"person"`
	}
	// InvitationResent asks a party again.
	InvitationResent struct {
		Party PartyID          `json:"party"`
		By    account.PersonID `json:"by"`
	}
)

func (RequestRecorded) Kind() string  { return "request.recorded" }
func (RequestRevised) Kind() string   { return "request.revised" }
func (ScopeJudged) Kind() string      { return "request.scope-judged" }
func (RequestApproved) Kind() string  { return "request.approved" }
func (RequestRefused) Kind() string   { return "request.refused" }
func (RequestWithdrawn) Kind() string { return "request.withdrawn" }
func (PartyBound) Kind() string       { return "request.party-bound" }
func (InvitationResent) Kind() string { return "request.invitation-resent" }

func (RequestRecorded) request()  {}
func (RequestRevised) request()   {}
func (ScopeJudged) request()      {}
func (RequestApproved) request()  {}
func (RequestRefused) request()   {}
func (RequestWithdrawn) request() {}
func (PartyBound) request()       {}
func (InvitationResent) request() {}

// Next decides whether an event may happen at an instant, and what the request is after it. A RefusedError says why not.
// Who may try is decided before, by the rules; Next repeats what must hold between persons.
func (r Request) Next(ev RequestEvent, at time.Time) (Request, error) {
	n := r
	n.Rev++
	n.Parties, n.Contacts, n.Scopes, n.Editors = slices.Clone(r.Parties), slices.Clone(r.Contacts), slices.Clone(r.Scopes), slices.Clone(r.Editors)
	switch ev := ev.(type) {
	case RequestRecorded:
		if r.State != "" {
			return r, refuse("recorded-already")
		}
		if err := conflicts(ev.Parties, ev.Contacts, []account.PersonID{ev.By}); err != nil {
			return r, err
		}
		n.Number, n.State, n.Zone, n.Recorded, n.Revised = ev.Number, Recorded, ev.Zone, at, at
		n.Content, n.Salt, n.Digest, n.Outcome = ev.Content, ev.Salt, ev.Digest, ev.Outcome
		n.Parties, n.Contacts, n.Editors = ev.Parties, ev.Contacts, []account.PersonID{ev.By}
		n.Content.Until = ev.Until
		return n, nil

	case RequestRevised:
		// An approved request may be revised until its agreement is in force; the agreement's own Next decides that.
		if r.State != Recorded && r.State != Approved {
			return r, refuse("request-closed", "state", string(r.State))
		}
		editors := r.Editors
		if !slices.Contains(editors, ev.By) {
			editors = append(slices.Clone(editors), ev.By)
		}
		if err := conflicts(ev.Parties, ev.Contacts, editors); err != nil {
			return r, err
		}
		n.Content, n.Salt, n.Digest, n.Outcome, n.Revised = ev.Content, ev.Salt, ev.Digest, ev.Outcome, at
		n.Parties, n.Contacts, n.Editors = ev.Parties, ev.Contacts, editors
		n.Content.Until = ev.Until
		return n, nil

	case ScopeJudged:
		if r.State != Recorded && r.State != Approved {
			return r, refuse("request-closed", "state", string(r.State))
		}
		if ev.Scope.Note.Empty() {
			return r, refuse("reason").at("reason")
		}
		n.Scopes = slices.DeleteFunc(n.Scopes, func(s Scope) bool { return s.Country == ev.Scope.Country })
		n.Scopes = append(n.Scopes, ev.Scope)
		n.Outcome = ev.Outcome
		return n, nil

	case RequestApproved:
		if err := r.decidable(ev.By); err != nil {
			return r, err
		}
		if ev.Outcome.NeedsPerson || ev.Outcome.Variant == "" {
			return r, refuse("jurisdiction-open")
		}
		n.Outcome = ev.Outcome
		n.State, n.Decider, n.Decided, n.Decision = Approved, ev.By, at, ev.Note
		return n, nil

	case RequestRefused:
		if err := r.decidable(ev.By); err != nil {
			return r, err
		}
		if ev.Note.Empty() {
			return r, refuse("reason").at("reason")
		}
		n.State, n.Decider, n.Decided, n.Decision = Refused, ev.By, at, ev.Note
		return n, nil

	case RequestWithdrawn:
		if r.State != Recorded {
			return r, refuse("request-closed", "state", string(r.State))
		}
		n.State, n.Decided, n.Decision = Withdrawn, at, ev.Note
		return n, nil

	case PartyBound:
		i := slices.IndexFunc(r.Parties, func(p Party) bool { return p.ID == ev.Party })
		if i < 0 || r.Parties[i].Person != "" {
			return r, refuse("party-bound")
		}
		n.Parties[i].Person = ev.Person
		deciders := r.Editors
		if r.Decider != "" {
			deciders = append(slices.Clone(deciders), r.Decider)
		}
		if err := conflicts(n.Parties, n.Contacts, deciders); err != nil {
			return r, err
		}
		return n, nil

	case InvitationResent:
		i := slices.IndexFunc(r.Parties, func(p Party) bool { return p.ID == ev.Party })
		if i < 0 || r.Parties[i].Person != "" {
			return r, refuse("party-bound")
		}
		if r.State != Approved {
			return r, refuse("request-closed", "state", string(r.State)) // nobody is invited before
		}
		return n, nil
	}
	return r, refuse("unknown-event")
}

// decidable says whether a person may decide about the request now: not what he recorded or changed, and not his own.
func (r Request) decidable(by account.PersonID) error {
	if r.State != Recorded {
		return refuse("request-closed", "state", string(r.State))
	}
	if by == "" || slices.Contains(r.Editors, by) {
		return refuse("own-record")
	}
	return conflicts(r.Parties, r.Contacts, []account.PersonID{by})
}

// conflicts refuses two conflicting parts of one person in a request. Staff who handle it hold no part of the licensee;
// the foundation's representative holds none either; applicant and signatory are two people, or one signature would be
// worth two. Before an invitation is accepted there is only an address to compare.
func conflicts(parties []Party, contacts []Contact, handlers []account.PersonID) error {
	rep := partyOf(parties, Representative)
	applicant, signatory := partyOf(parties, Applicant), partyOf(parties, Signatory)
	if samePerson(applicant.Person, applicant.Email, signatory.Person, signatory.Email) {
		return refuse("conflict", "one", string(Applicant), "other", string(Signatory)).at("signatory.email")
	}
	theirs := []struct {
		part   string
		person account.PersonID
		email  string
	}{{string(Applicant), applicant.Person, applicant.Email}, {string(Signatory), signatory.Person, signatory.Email}}
	for _, c := range contacts {
		if c.Removed.IsZero() {
			theirs = append(theirs, struct {
				part   string
				person account.PersonID
				email  string
			}{"contact", c.Person, c.Email})
		}
	}
	for _, t := range theirs {
		if samePerson(rep.Person, rep.Email, t.person, t.email) {
			return refuse("conflict", "one", string(Representative), "other", t.part).at("representative")
		}
		if t.person != "" && slices.Contains(handlers, t.person) {
			return refuse("conflict", "one", "desk", "other", t.part)
		}
	}
	return nil
}

func samePerson(p account.PersonID, email string, q account.PersonID, other string) bool {
	if p != "" && q != "" {
		return p == q
	}
	return strings.TrimSpace(email) != "" && addressKey(email) == addressKey(other)
}
