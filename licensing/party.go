package licensing

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"time"

	"sluice/infra/account"
)

// Ids of this package: random text, never the number people read.
type (
	RequestID    string
	AgreementID  string
	AmendmentID  string
	PartyID      string
	ContactID    string
	CollectionID string
	DatasetID    string
)

// A Part is what somebody is in one request.
type Part string

// ContactPart is what a download contact is invited as. A contact signs nothing.
const ContactPart Part = "contact"

// The parts that sign.
const (
	Applicant      Part = "applicant"      // the researcher responsible for the request
	Signatory      Part = "signatory"      // signs for the licensee, and alone changes its contacts
	Representative Part = "representative" // signs for the foundation
)

// Signers lists the parts whose signatures an agreement needs.
func Signers() []Part { return []Part{Applicant, Signatory, Representative} }

// A Party is a person who holds a part in a request. Name, position and address stand in the tables only; the log holds
// their digest, so that a person can be erased without breaking it.
type Party struct {
	ID       PartyID          `json:"id"`
	Request  RequestID        `json:"-"`
	Part     Part             `json:"part"`
	Person   account.PersonID `json:"person,omitempty"` // "" until the invitation was accepted
	Digest   string           `json:"digest"`
	Salt     string           `json:"-"`
	Name     string           `json:"-"`
	Latin    string           `json:"-"` // the name in Latin letters, where Name is in a script that cannot be printed
	Position string           `json:"-"`
	Email    string           `json:"-"`
}

// digest is what the log keeps of the personal fields.
func (p Party) digest() string { return digest(p.Salt, p.Name, p.Latin, p.Position, p.Email) }

// A Contact is a person of the licensee who may download: part of what is signed.
type Contact struct {
	ID        ContactID        `json:"id"`
	Request   RequestID        `json:"-"`
	Agreement AgreementID      `json:"-"`
	Country   string           `json:"country"` // from which the data will be reached
	Person    account.PersonID `json:"person,omitempty"`
	Added     time.Time        `json:"added,omitzero"`   // zero while the agreement or the desk has not admitted the contact
	Removed   time.Time        `json:"removed,omitzero"` // for good
	Suspended bool             `json:"suspended,omitempty"`
	Digest    string           `json:"digest"`
	Salt      string           `json:"-"`
	Name      string           `json:"-"`
	Latin     string           `json:"-"`
	Position  string           `json:"-"`
	Email     string           `json:"-"`
}

func (c Contact) digest() string { return digest(c.Salt, c.Name, c.Latin, c.Position, c.Email) }

// Admitted says whether the contact is on the list now: added, and not removed.
func (c Contact) Admitted() bool { return !c.Added.IsZero() && c.Removed.IsZero() }

// A Licensee is the legal entity that receives the data.
type Licensee struct {
	Name        string
	Latin       string
	Address     string
	Country     string   // ISO code
	ReachedFrom []string // ISO codes of the countries the data will be processed or reached from
	Domains     []string // of e-mail addresses, verified by the desk to be the licensee's
}

// HasDomain says whether an address is at a verified domain of the licensee, or below one.
func (l Licensee) HasDomain(email string) bool {
	_, domain, ok := strings.Cut(addressKey(email), "@")
	if !ok {
		return false
	}
	for _, d := range l.Domains {
		d = strings.ToLower(strings.TrimSpace(d))
		if d != "" && (domain == d || strings.HasSuffix(domain, "."+d)) {
			return true
		}
	}
	return false
}

// addressKey is the form in which two addresses are compared.
func addressKey(email string) string { return strings.ToLower(strings.TrimSpace(email)) }

// digest hashes fields with a salt: the log shows that they did not change, and tells nothing once the row is erased.
// The fields go in as a JSON list, so that no two different lists have the same bytes.
func digest(salt string, fields ...string) string {
	b, _ := json.Marshal(append([]string{"sluice-fields-1", salt}, fields...)) // strings always encode
	return sha256Of(b)
}

// sha256Of is the SHA-256 of bytes as everything here writes it: in hex.
func sha256Of(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
