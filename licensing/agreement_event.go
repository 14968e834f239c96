package licensing

import (
	"time"

	"sluice/infra/account"
	"sluice/licensing/jurisdiction"
)

// An AgreementEvent is something that happens to an agreement.
type AgreementEvent interface {
	Kind() string
	agreement() // sealed: the log can be replayed only if every event is known here
}

// The events of an agreement. What they hold goes into the log: ids, dates and digests, never a name.
type (
	// AgreementDrafted begins an agreement, from an approved request.
	AgreementDrafted struct {
		Request       RequestID            `json:"request"`
		Number        string               `json:"number"`
		RequestNumber string               `json:"request_number"`
		Variant       jurisdiction.Variant `json:"variant"`
		Lang          string               `json:"lang"`
		Zone          string               `json:"zone"`
		NotBefore     Date                 `json:"not_before"`
		Until         Date                 `json:"until"`
		Durations     Durations            `json:"durations"`
		Parties       []Party              `json:"parties"`
		Contacts      []Contact            `json:"contacts"`
		Confirmations []Confirmation       `json:"confirmations,omitempty"`
	}
	// AgreementRevised makes a new version with other content. Signatures are void, answers stand only where nothing of
	// the statement changed, and a second person must release it.
	AgreementRevised struct {
		By            account.PersonID     `json:"by"`
		Variant       jurisdiction.Variant `json:"variant"`
		Lang          string               `json:"lang"`
		NotBefore     Date                 `json:"not_before"`
		Until         Date                 `json:"until"`
		Parties       []Party              `json:"parties"`
		Contacts      []Contact            `json:"contacts"`
		Confirmations []Confirmation       `json:"confirmations,omitempty"`
	}
	// AgreementReleased is a second person's word that a revised content is right.
	AgreementReleased struct {
		By account.PersonID `json:"by"`
	}
	// ConfirmationsAnswered are the signatory's answers, all of them.
	ConfirmationsAnswered struct {
		By      account.PersonID `json:"by"`
		Answers []Confirmation   `json:"answers"`
	}
	// AgreementOpened fixes the bytes that are signed.
	AgreementOpened struct {
		Version int    `json:"version"`
		SHA256  string `json:"sha256"`
	}
	// AgreementSigned is one signature. The last one brings the agreement into force.
	AgreementSigned struct {
		Signature Signature `json:"signature"`
		Left      int       `json:"left"` // signatures that are still missing after this one
	}
	// SignatureDeclined sends the agreement back to the desk.
	SignatureDeclined struct {
		By   account.PersonID `json:"by"`
		Part Part             `json:"part"`
		Note Note             `json:"note"`
	}
	// ActionProposed is the first half of what needs two people.
	ActionProposed struct {
		Action Action           `json:"action"`
		By     account.PersonID `json:"by"`
		Note   Note             `json:"note"`
	}
	// ActionSeconded is the second half, and does it.
	ActionSeconded struct {
		Action Action           `json:"action"`
		By     account.PersonID `json:"by"`
		Note   Note             `json:"note"`
	}
	// ActionDropped takes a proposal away.
	ActionDropped struct {
		Action Action           `json:"action"`
		By     account.PersonID `json:"by"`
		Note   Note             `json:"note"`
	}
	// EmergencyStopped suspends at once, by one person or the host's command line.
	EmergencyStopped struct {
		By   string    `json:"by"`
		Note Note      `json:"note"`
		Was  time.Time `json:"was,omitzero"` // when it was journalled, if the log could not be written then
	}
	// StopConfirmed is the second person of an emergency stop.
	StopConfirmed struct {
		By account.PersonID `json:"by"`
	}
	// ExtensionAsked asks for a later end.
	ExtensionAsked struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		NewUntil  Date             `json:"new_until"`
		Note      Note             `json:"note"`
	}
	// ContactAsked asks for one more contact. Without questions it takes effect at once.
	ContactAsked struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Contact   Contact          `json:"contact"`
		Questions []string         `json:"questions,omitempty"`
		Note      Note             `json:"note"`
		SHA256    string           `json:"sha256,omitempty"`
	}
	// ContactRemoved takes a contact off the list, at once and for good.
	ContactRemoved struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Contact   ContactID        `json:"contact"`
		Note      Note             `json:"note"`
		SHA256    string           `json:"sha256"`
	}
	// AmendmentDecided is one person's decision about an amendment; SHA256 is that of its document when it takes effect.
	AmendmentDecided struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
		Accept    bool             `json:"accept"`
		Note      Note             `json:"note"`
		SHA256    string           `json:"sha256,omitempty"`
	}
	// AmendmentDropped takes back what was asked.
	AmendmentDropped struct {
		Amendment AmendmentID      `json:"amendment"`
		By        account.PersonID `json:"by"`
	}
	// ContactBound says which person a contact is: the invitation was accepted.
	ContactBound struct {
		Contact ContactID        `json:"contact"`
		Person  account.PersonID `json:"person"`
	}
	// ContactSuspended and ContactResumed are the desk's: it may keep a contact out, and never let one in that the
	// signatory did not ask for.
	ContactSuspended struct {
		Contact ContactID        `json:"contact"`
		By      account.PersonID `json:"by"`
		Note    Note             `json:"note"`
	}
	ContactResumed struct {
		Contact ContactID        `json:"contact"`
		By      account.PersonID `json:"by"`
		Note    Note             `json:"note"`
	}
	// ListConfirmed is the signatory's word that the list of contacts still holds.
	ListConfirmed struct {
		By account.PersonID `json:"by"`
	}
	// JurisdictionChanged opens a concern, or closes one when all is again as it was known; JurisdictionAnswered closes it
	// with a reason.
	JurisdictionChanged struct {
		Outcome Outcome `json:"outcome"`
	}
	JurisdictionAnswered struct {
		By   account.PersonID `json:"by"`
		Note Note             `json:"note"`
	}
	// AgreementEnded writes down that the term is over. Nothing depends on it.
	AgreementEnded struct{}
	// MilestoneReached says that a reminder was posted: each once.
	MilestoneReached struct {
		Milestone string `json:"milestone"`
	}
	// DestructionAttested closes the agreement: the licensee has destroyed what it had.
	DestructionAttested struct {
		By          account.PersonID `json:"by"`
		DestroyedOn Date             `json:"destroyed_on"`
		SHA256      string           `json:"sha256"`
		Note        Note             `json:"note"`
	}
)

func (AgreementDrafted) Kind() string      { return "agreement.drafted" }
func (AgreementRevised) Kind() string      { return "agreement.revised" }
func (AgreementReleased) Kind() string     { return "agreement.released" }
func (ConfirmationsAnswered) Kind() string { return "agreement.answered" }
func (AgreementOpened) Kind() string       { return "agreement.opened" }
func (AgreementSigned) Kind() string       { return "agreement.signed" }
func (SignatureDeclined) Kind() string     { return "agreement.declined" }
func (ActionProposed) Kind() string        { return "agreement.proposed" }
func (ActionSeconded) Kind() string        { return "agreement.seconded" }
func (ActionDropped) Kind() string         { return "agreement.proposal-dropped" }
func (EmergencyStopped) Kind() string      { return "agreement.stopped" }
func (StopConfirmed) Kind() string         { return "agreement.stop-confirmed" }
func (ExtensionAsked) Kind() string        { return "amendment.extension-asked" }
func (ContactAsked) Kind() string          { return "amendment.contact-asked" }
func (ContactRemoved) Kind() string        { return "amendment.contact-removed" }
func (AmendmentDecided) Kind() string      { return "amendment.decided" }
func (AmendmentDropped) Kind() string      { return "amendment.dropped" }
func (ContactBound) Kind() string          { return "contact.bound" }
func (ContactSuspended) Kind() string      { return "contact.suspended" }
func (ContactResumed) Kind() string        { return "contact.resumed" }
func (ListConfirmed) Kind() string         { return "agreement.list-confirmed" }
func (JurisdictionChanged) Kind() string   { return "agreement.jurisdiction-changed" }
func (JurisdictionAnswered) Kind() string  { return "agreement.jurisdiction-answered" }
func (AgreementEnded) Kind() string        { return "agreement.ended" }
func (MilestoneReached) Kind() string      { return "agreement.milestone" }
func (DestructionAttested) Kind() string   { return "agreement.closed-out" }

func (AgreementDrafted) agreement()      {}
func (AgreementRevised) agreement()      {}
func (AgreementReleased) agreement()     {}
func (ConfirmationsAnswered) agreement() {}
func (AgreementOpened) agreement()       {}
func (AgreementSigned) agreement()       {}
func (SignatureDeclined) agreement()     {}
func (ActionProposed) agreement()        {}
func (ActionSeconded) agreement()        {}
func (ActionDropped) agreement()         {}
func (EmergencyStopped) agreement()      {}
func (StopConfirmed) agreement()         {}
func (ExtensionAsked) agreement()        {}
func (ContactAsked) agreement()          {}
func (ContactRemoved) agreement()        {}
func (AmendmentDecided) agreement()      {}
func (AmendmentDropped) agreement()      {}
func (ContactBound) agreement()          {}
func (ContactSuspended) agreement()      {}
func (ContactResumed) agreement()        {}
func (ListConfirmed) agreement()         {}
func (JurisdictionChanged) agreement()   {}
func (JurisdictionAnswered) agreement()  {}
func (AgreementEnded) agreement()        {}
func (MilestoneReached) agreement()      {}
func (DestructionAttested) agreement()   {}
