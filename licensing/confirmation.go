package licensing

import (
	"time"

	"sluice/infra/account"
)

// An Answer is what the signatory said to a confirmation.
type Answer string

// The answers.
const (
	Unanswered   Answer = ""
	Confirmed    Answer = "confirmed"
	NotConfirmed Answer = "not-confirmed" // with an explanation, which the desk judges
)

// A Confirmation is a statement that a licensee outside the EEA must give, and the answer.
type Confirmation struct {
	Item        string           `json:"item"`
	TextVersion string           `json:"text_version"`
	Lang        string           `json:"lang"`
	Answer      Answer           `json:"answer,omitempty"`
	Explanation Note             `json:"explanation,omitzero"`
	By          account.PersonID `json:"by,omitempty"`
	At          time.Time        `json:"at,omitzero"`
	Accepted    bool             `json:"accepted,omitempty"` // not confirmed, and two members of staff accept that
}

// Settled says that signing need not wait for this one.
func (c Confirmation) Settled() bool {
	return c.Answer == Confirmed || (c.Answer == NotConfirmed && c.Accepted)
}
