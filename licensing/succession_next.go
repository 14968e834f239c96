package licensing

import (
	"slices"
	"time"

	"sluice/infra/account"
)

// A Succession is another person in a part of an agreement that everybody has signed: what an amendment of type ChangeParty
// changes. The person's name and address stand in the tables only.
type Succession struct {
	Part      Part      `json:"part"`
	Was       PartyID   `json:"was"`       // who had the part when it was proposed
	Party     Party     `json:"party"`     // who takes it over
	Authority string    `json:"authority"` // SHA-256 of the document that shows it
	Accepted  time.Time `json:"accepted,omitzero"`
}

// The events of a succession.
type (
	// PartyProposed names another person for a part, with the document that shows that the licensee wants it so.
	PartyProposed struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Successor Party            `json:"successor"`
		Authority string           `json:"authority"`
		Questions []string         `json:"questions,omitempty"`
		Note      Note             `json:"note"`
	}
	// PartyReplaced is the second person's word, who has read the document of this hash. The part changes hands at once.
	PartyReplaced struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Authority string           `json:"authority"`
		Note      Note             `json:"note"`
		SHA256    string           `json:"sha256"`
	}
	// PartyKept takes the proposal away: the part stays with who has it.
	PartyKept struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Note      Note             `json:"note"`
	}
	// PartyAccepted is the new party's own word, over the hash of the amendment. Before it he does nothing in the part.
	PartyAccepted struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		SHA256    string           `json:"sha256"`
	}
)

func (PartyProposed) Kind() string { return "amendment.party-proposed" }
func (PartyReplaced) Kind() string { return "amendment.party-replaced" }
func (PartyKept) Kind() string     { return "amendment.party-kept" }
func (PartyAccepted) Kind() string { return "amendment.party-accepted" }

func (PartyProposed) agreement() {}
func (PartyReplaced) agreement() {}
func (PartyKept) agreement()     {}
func (PartyAccepted) agreement() {}

// Awaits is the amendment by which somebody got a part that he has not accepted yet.
func (a Agreement) Awaits(part Part) (Amendment, bool) {
	m, ok := a.TookOver(part)
	return m, ok && m.Succession.Accepted.IsZero()
}

// TookOver is the amendment by which whoever has a part now got it.
func (a Agreement) TookOver(part Part) (Amendment, bool) {
	holder := a.Party(part).ID
	for _, m := range a.Amendments {
		if m.Type == ChangeParty && m.State == Effective && m.Succession.Party.ID == holder {
			return m, true
		}
	}
	return Amendment{}, false
}

// tooSoon refuses what a party does before he has accepted the part that he got from somebody else.
func (a Agreement) tooSoon(ev AgreementEvent) error {
	var by account.PersonID
	switch ev := ev.(type) {
	case ExtensionAsked:
		by = ev.By
	case ContactAsked:
		by = ev.By
	case ContactRemoved:
		by = ev.By
	case AmendmentDropped:
		by = ev.By
	case ListConfirmed:
		by = ev.By
	case DestructionAttested:
		by = ev.By
	default:
		return nil
	}
	for _, part := range []Part{Applicant, Signatory} {
		if _, waits := a.Awaits(part); waits && a.Party(part).Person == by {
			return refuse("party-first")
		}
	}
	return nil
}

// succeed is how a part changes hands after the signing.
func (a *Agreement) succeed(ev AgreementEvent, at time.Time) error {
	switch a.StateAt(at) {
	case InForce, Suspended, Ended, Terminated:
	default:
		return a.wrongStateAt(at)
	}
	if a.Term.IsZero() {
		return a.wrongStateAt(at) // terminated before everybody had signed: there is nothing left to do in it
	}
	switch ev := ev.(type) {
	case PartyProposed:
		return a.proposeParty(ev, at)

	case PartyReplaced:
		m, err := a.succession(ev.Amendment, true)
		if err != nil {
			return err
		}
		switch {
		case ev.By == "" || slices.Contains(deciders(*m), ev.By):
			return refuse("own-proposal")
		case ev.Authority != m.Succession.Authority:
			return refuse("other-authority")
		case len(ev.SHA256) != 64:
			return refuse("no-document")
		}
		return a.replaceParty(m, ev, at)

	case PartyKept:
		m, err := a.succession(ev.Amendment, true)
		if err != nil {
			return err
		}
		if ev.Note.Empty() {
			return refuse("reason").at("reason")
		}
		m.State = Declined
		if slices.Contains(deciders(*m), ev.By) {
			m.State = Dropped
		}
		m.Decisions = append(slices.Clone(m.Decisions), Decision{ev.By, false, at, ev.Note})
		return nil

	case PartyAccepted:
		m, err := a.succession(ev.Amendment, false)
		if err != nil {
			return err
		}
		holder := a.Party(m.Succession.Part)
		switch {
		case m.State != Effective || holder.ID != m.Succession.Party.ID || ev.By == "" || holder.Person != ev.By:
			return refuse("not-your-part")
		case !m.Succession.Accepted.IsZero():
			return refuse("accepted-already")
		case ev.SHA256 != m.SHA256:
			return refuse("other-version")
		}
		m.Succession.Accepted = at
		return nil
	}
	return refuse("unknown-event")
}

func (a *Agreement) proposeParty(ev PartyProposed, at time.Time) error {
	p := ev.Successor
	was := a.Party(p.Part)
	if _, taken := a.Amendment(ev.Amendment); taken {
		return refuse("amendment-twice")
	}
	switch {
	case p.Part != Applicant && p.Part != Signatory:
		return refuse("unknown-event") // the foundation names its representative itself
	case p.ID == "" || ev.By == "":
		return refuse("needed")
	case slices.ContainsFunc(a.Amendments, func(m Amendment) bool { return m.Type == ChangeParty && m.Open() }):
		return refuse("party-open")
	case len(ev.Authority) != 64:
		return refuse("authority-missing").at("authority")
	case ev.Note.Empty():
		return refuse("reason").at("reason")
	case p.Email != "" && addressKey(p.Email) == addressKey(was.Email):
		return refuse("party-same").at("email")
	}
	p.Request, p.Person = a.Request, "" // whoever accepts the invitation
	if err := conflicts(a.with(p), a.Contacts, []account.PersonID{ev.By}); err != nil {
		return err
	}
	a.Amendments = append(a.Amendments, Amendment{ID: ev.Amendment, Number: len(a.Amendments) + 1, Type: ChangeParty, State: Seconding, By: ev.By,
		Asked: at, Note: ev.Note, Questions: ev.Questions, Decisions: []Decision{{ev.By, true, at, ev.Note}},
		Succession: Succession{Part: p.Part, Was: was.ID, Party: p, Authority: ev.Authority}})
	return nil
}

func (a *Agreement) replaceParty(m *Amendment, ev PartyReplaced, at time.Time) error {
	parties := a.with(m.Succession.Party)
	if err := conflicts(parties, a.Contacts, append(deciders(*m), ev.By)); err != nil {
		return err
	}
	m.Decisions = append(slices.Clone(m.Decisions), Decision{ev.By, true, at, ev.Note})
	m.State, m.Effective, m.SHA256 = Effective, at, ev.SHA256
	a.Parties = parties
	if m.Succession.Part != Signatory {
		return nil
	}
	// A contact that the desk has not admitted stands on the word of somebody who may not give it any more. An extension was
	// the licensee's wish, whoever wrote it down, and two people decide about it: it stays.
	a.dropOpen(Extension, ChangeParty)
	return nil
}

// with are the parties once somebody has taken over a part.
func (a Agreement) with(p Party) []Party {
	parties := slices.Clone(a.Parties)
	for i := range parties {
		if parties[i].Part == p.Part {
			parties[i] = p
		}
	}
	return parties
}

// succession finds the amendment of an event in the agreement that is being made; open says that it must still wait.
func (a *Agreement) succession(id AmendmentID, open bool) (*Amendment, error) {
	i := slices.IndexFunc(a.Amendments, func(m Amendment) bool { return m.ID == id && m.Type == ChangeParty })
	if i < 0 {
		return nil, ErrNotFound
	}
	m := &a.Amendments[i]
	if open && !m.Open() {
		return nil, refuse("amendment-closed", "state", string(m.State))
	}
	return m, nil
}
