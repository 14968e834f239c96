package licensing

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"sluice/infra/account"
)

// PaperID names one upload of a document that was signed outside the portal.
type PaperID string

// PaperState is where such a document stands.
type PaperState string

// The states of a document that was signed outside the portal. All but the first are final.
const (
	PaperWaits    PaperState = "waits"     // for a second member of the desk
	PaperCounts   PaperState = "counts"    // its signatures do
	PaperSentBack PaperState = "sent-back" // refused by the second member, or taken back by the first
	PaperVoid     PaperState = "void"      // the version it belongs to is no longer there to be signed
)

// PaperStates lists them.
func PaperStates() []PaperState {
	return []PaperState{PaperWaits, PaperCounts, PaperSentBack, PaperVoid}
}

// A Paper is a document that somebody signed outside the portal: on paper and scanned, or with an electronic signature of
// another service. It counts for nothing before a second member of the desk has compared it with the version.
type Paper struct {
	ID       PaperID          `json:"id"`
	Version  int              `json:"version"`
	SHA256   string           `json:"sha256"`   // of the stored PDF that it is a signature on
	Document string           `json:"document"` // SHA-256 of the bytes that were uploaded
	By       account.PersonID `json:"by"`
	Signers  []PaperSigner    `json:"signers"`
	At       time.Time        `json:"at,omitzero"`
	State    PaperState       `json:"state,omitempty"`
	Decider  account.PersonID `json:"decider,omitempty"` // who confirmed it or sent it back
	Decided  time.Time        `json:"decided,omitzero"`
	Note     Note             `json:"note,omitzero"` // why it was sent back
}

// A PaperSigner is one signature on such a document. Name and position stand in the tables only.
type PaperSigner struct {
	Part     Part   `json:"part"`
	SignedOn Date   `json:"signed_on"` // as written there
	Digest   string `json:"digest"`
	Salt     string `json:"-"`
	Name     string `json:"-"` // as printed there
	Position string `json:"-"`
}

// digest is that of the signature which it becomes: nobody states an authority on paper but by what is printed there.
func (s PaperSigner) digest() string {
	return Signature{Salt: s.Salt, Name: s.Name, Position: s.Position}.digest()
}

// OnPaper says how a signature came in that was not given in the portal.
type OnPaper struct {
	Document    string           `json:"document"`
	SignedOn    Date             `json:"signed_on"`
	UploadedBy  account.PersonID `json:"uploaded_by"`
	ConfirmedBy account.PersonID `json:"confirmed_by"`
}

// IsZero says that the signature was given in the portal.
func (o OnPaper) IsZero() bool { return o.Document == "" }

// The events of a document that was signed outside the portal.
type (
	// PaperUploaded is one member of the desk's word on what the document is.
	PaperUploaded struct {
		Paper Paper `json:"paper"`
	}
	// PaperConfirmed is a second one's: its signatures count from now on, of the parts that have not signed otherwise. The
	// last one brings the agreement into force.
	PaperConfirmed struct {
		By       account.PersonID `json:"by"`
		Paper    PaperID          `json:"paper"`
		Document string           `json:"document"`
		Left     int              `json:"left"` // signatures that are still missing after these
	}
	// PaperRefused sends the document back to who uploaded it.
	PaperRefused struct {
		By    account.PersonID `json:"by"`
		Paper PaperID          `json:"paper"`
		Note  Note             `json:"note"`
	}
)

func (PaperUploaded) Kind() string  { return "agreement.paper-uploaded" }
func (PaperConfirmed) Kind() string { return "agreement.paper-confirmed" }
func (PaperRefused) Kind() string   { return "agreement.paper-refused" }

func (PaperUploaded) agreement()  {}
func (PaperConfirmed) agreement() {}
func (PaperRefused) agreement()   {}

// WaitingPaper is the document that waits for a second member of the desk. There is at most one.
func (a Agreement) WaitingPaper() (Paper, bool) {
	for _, p := range a.Papers {
		if p.State == PaperWaits {
			return p, true
		}
	}
	return Paper{}, false
}

// Counting are the signatures of a document that would count now: of the parts that have not signed yet.
func (a Agreement) Counting(p Paper) []PaperSigner {
	missing := a.Missing()
	return slices.DeleteFunc(slices.Clone(p.Signers), func(s PaperSigner) bool { return !slices.Contains(missing, s.Part) })
}

// Paper is the upload of an id.
func (a Agreement) Paper(id PaperID) (Paper, bool) {
	i := slices.IndexFunc(a.Papers, func(p Paper) bool { return p.ID == id })
	if i < 0 {
		return Paper{}, false
	}
	return a.Papers[i], true
}

// onPaper is what happens to documents that were signed outside the portal.
func (a *Agreement) onPaper(ev AgreementEvent, at time.Time) error {
	if a.State != Signing {
		return a.wrongState()
	}
	switch ev := ev.(type) {
	case PaperUploaded:
		if err := a.uploadable(ev.Paper, at); err != nil {
			return err
		}
		p := ev.Paper
		p.At, p.State, p.Decider, p.Decided, p.Note = at, PaperWaits, "", time.Time{}, Note{}
		a.Papers = append(a.Papers, p)
		return nil

	case PaperConfirmed:
		p, err := a.settle(ev.Paper, PaperCounts, ev.By, at)
		switch {
		case err != nil:
			return err
		case ev.Document != p.Document:
			return refuse("no-paper")
		case ev.By == p.By:
			return refuse("own-record")
		}
		// Somebody may have taken a part since he uploaded it.
		if err := a.outsiders(p.By, ev.By); err != nil {
			return err
		}
		for _, s := range a.Counting(p) {
			err := a.sign(Signature{Part: s.Part, Person: a.Party(s.Part).Person, Version: p.Version, SHA256: p.SHA256, Digest: s.Digest, Salt: s.Salt,
				Name: s.Name, Position: s.Position, Paper: OnPaper{p.Document, s.SignedOn, p.By, ev.By}}, at)
			if err != nil {
				return err
			}
		}
		return nil

	case PaperRefused:
		if ev.Note.Empty() {
			return refuse("reason").at("reason")
		}
		if _, err := a.settle(ev.Paper, PaperSentBack, ev.By, at); err != nil {
			return err
		}
		a.Papers[len(a.Papers)-1].Note = ev.Note
		return a.outsiders(ev.By)
	}
	return refuse("unknown-event")
}

// uploadable says whether a document may wait for its second person.
func (a *Agreement) uploadable(p Paper, at time.Time) error {
	zone := a.Location()
	switch _, waits := a.WaitingPaper(); {
	case waits:
		return refuse("paper-waits")
	case p.Version != a.Version || p.SHA256 != a.SHA256:
		return refuse("other-version")
	case len(p.Document) != 64 || p.Document == a.SHA256:
		return refuse("paper-unsigned").at("document")
	case len(p.Signers) == 0:
		return refuse("paper-nobody").at("parts")
	case !at.Before(a.Until.End(zone)):
		return refuse("term-over", "until", a.Until.String())
	}
	opened, today := DateOf(a.Opened.In(zone)), DateOf(at.In(zone))
	missing := a.Missing()
	for _, s := range p.Signers {
		i := slices.Index(missing, s.Part)
		field := "signed." + string(s.Part)
		switch {
		case i < 0 || a.Party(s.Part).Part != s.Part:
			return refuse("paper-signed", "one", string(s.Part)).at("parts")
		case s.SignedOn.IsZero():
			return refuse("needed").at(field)
		case today.Before(s.SignedOn):
			return refuse("paper-future").at(field)
		case s.SignedOn.Before(opened):
			return refuse("paper-early", "from", opened.String()).at(field)
		}
		missing = slices.Delete(missing, i, i+1)
	}
	return a.outsiders(p.By)
}

// settle takes the document that waits to a final state.
func (a *Agreement) settle(id PaperID, state PaperState, by account.PersonID, at time.Time) (Paper, error) {
	p, waits := a.WaitingPaper()
	if !waits || p.ID != id {
		return p, refuse("no-paper")
	}
	a.decidePaper(state, by, at)
	return p, nil
}

// decidePaper writes down what became of the document that waits, if there is one. It is the last one: another cannot be
// uploaded beside it.
func (a *Agreement) decidePaper(state PaperState, by account.PersonID, at time.Time) {
	if n := len(a.Papers); n > 0 && a.Papers[n-1].State == PaperWaits {
		a.Papers[n-1].State, a.Papers[n-1].Decider, a.Papers[n-1].Decided = state, by, at
	}
}

// outsiders refuses members of the desk who have a part in the agreement: nobody brings in or confirms his own signature,
// or that of those he deals with.
func (a *Agreement) outsiders(desk ...account.PersonID) error {
	if slices.Contains(desk, a.Party(Representative).Person) {
		return refuse("conflict", "one", "desk", "other", string(Representative))
	}
	return conflicts(a.Parties, a.Contacts, desk)
}

// paperHandlers are the members of the desk on whose word signatures of this version rest. None of them takes a part of
// the licensee afterwards.
func (a Agreement) paperHandlers() (ids []account.PersonID) {
	for _, s := range a.Signatures {
		if !s.Paper.IsZero() {
			ids = append(ids, s.Paper.UploadedBy, s.Paper.ConfirmedBy)
		}
	}
	return ids
}

// signedOn are the parts whose signatures of this version came in with a document.
func (a Agreement) signedOn(document string) (parts []Part) {
	for _, s := range a.Signatures {
		if s.Paper.Document == document {
			parts = append(parts, s.Part)
		}
	}
	return parts
}

func partsOf(signers []PaperSigner) (parts []Part) {
	for _, s := range signers {
		parts = append(parts, s.Part)
	}
	return parts
}

// paperArgs are what the message of an event names of the document that it is about: its hash, and the parts whose
// signatures it carries, or which came to count.
func paperArgs(p Page, kind string, raw json.RawMessage) map[string]string {
	var id PaperID
	var uploaded Paper
	if json.Unmarshal(raw, &id) != nil && json.Unmarshal(raw, &uploaded) == nil {
		id = uploaded.ID
	}
	for _, a := range p.Agreements {
		paper, ok := a.Paper(id)
		if !ok || id == "" {
			continue
		}
		var parts []string
		for _, part := range Signers() {
			carried := slices.Contains(partsOf(paper.Signers), part)
			if kind == (PaperConfirmed{}).Kind() {
				carried = slices.ContainsFunc(p.Signatures, func(s Signature) bool { return s.Paper.Document == paper.Document && s.Part == part })
			}
			if carried {
				parts = append(parts, string(part))
			}
		}
		return map[string]string{"sha256": paper.Document, "parts": strings.Join(parts, " ")}
	}
	return nil
}

// Parts are those that a moment names together.
func (m Moment) Parts() (parts []Part) {
	for _, p := range strings.Fields(m.Args["parts"]) {
		parts = append(parts, Part(p))
	}
	return parts
}
