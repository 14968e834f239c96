package licensing

import (
	"time"

	"sluice/infra/account"
)

// AmendmentType is what an amendment changes.
type AmendmentType string

// The types of amendment.
const (
	Extension   AmendmentType = "extension"
	AddContact  AmendmentType = "contact-added"
	DropContact AmendmentType = "contact-removed"
	ChangeParty AmendmentType = "party-changed" // another signatory or main applicant
)

// AmendmentState is where an amendment stands.
type AmendmentState string

// The states of an amendment. All but the first two are final.
const (
	Asked     AmendmentState = "asked"
	Seconding AmendmentState = "seconding" // one member of staff agreed; a second must
	Effective AmendmentState = "effective"
	Declined  AmendmentState = "declined" // by the foundation, with a reason
	Dropped   AmendmentState = "dropped"  // by those who asked
)

// A Decision is one person's part in deciding an amendment.
type Decision struct {
	By     account.PersonID `json:"by"`
	Accept bool             `json:"accept"`
	At     time.Time        `json:"at"`
	Note   Note             `json:"note"`
}

// An Amendment is a numbered change to an agreement in force. The signed document itself never changes.
type Amendment struct {
	ID        AmendmentID      `json:"id"`
	Number    int              `json:"number"` // from 1, within the agreement
	Type      AmendmentType    `json:"type"`
	State     AmendmentState   `json:"state"`
	By        account.PersonID `json:"by"`
	Asked     time.Time        `json:"asked"`
	Note      Note             `json:"note"`
	OldUntil  Date             `json:"old_until"` // of an extension
	NewUntil  Date             `json:"new_until"`
	Contact   ContactID        `json:"contact,omitempty"`
	Questions []string         `json:"questions,omitempty"` // why the desk must decide about a contact: message keys
	Decisions []Decision       `json:"decisions,omitempty"`
	Effective time.Time        `json:"effective,omitzero"`
	SHA256    string           `json:"sha256,omitempty"` // of its own document
	// Succession is who takes over which part.
	Succession Succession `json:"succession,omitzero"`
}

// Open says that it waits for a decision.
func (m Amendment) Open() bool { return m.State == Asked || m.State == Seconding }
