// Package document turns an agreement, an amendment or a certificate into one structured Source, and that Source into
// a page and a PDF with the same words.
//
// Load the texts with Load, hand one of Agreement, Amendment, Certificate or Attestation to Texts.Build, then call
// Source.HTML and Source.PDF. The PDF carries its Source as an attachment, and the same Source gives the same bytes
// for ever: nothing here reads the clock, the host or the network.
package document

import (
	"fmt"
	"time"

	"sluice/templates/document/dates"
)

// Kind names one text: which document it makes.
type Kind string

// The kinds of text there are, each in every language.
const (
	LicenceEEA              Kind = "licence-eea"
	LicenceNonEEA           Kind = "licence-non-eea"
	AmendmentExtension      Kind = "amendment-extension"
	AmendmentContactAdded   Kind = "amendment-contact-added"
	AmendmentContactRemoved Kind = "amendment-contact-removed"
	AmendmentPartyChanged   Kind = "amendment-party-changed"
	CertificateDeletion     Kind = "certificate-deletion"
	AttestationDestruction  Kind = "attestation-destruction"
)

// Kinds lists every kind of text.
func Kinds() []Kind {
	return []Kind{LicenceEEA, LicenceNonEEA, AmendmentExtension, AmendmentContactAdded, AmendmentContactRemoved, AmendmentPartyChanged,
		CertificateDeletion, AttestationDestruction}
}

// Languages lists the languages every text exists in.
func Languages() []string { return []string{"en", "nl"} }

// Data is what a document is built from: an Agreement, Amendment, Certificate or Attestation.
type Data interface {
	head() head
	fill(*filler)
}

// head is what every document has, whatever it says.
type head struct {
	kind        Kind
	lang        string
	number      string
	version     int
	textVersion string
	link        string
	zone        string
	made        time.Time
}

// Foundation is the licensor.
type Foundation struct {
	Name     string
	Address  string
	Country  string // written out, in the document's language
	Register string // number in the trade register; may be empty
	Email    string // where the desk reads its mail
}

// Licensee is the legal entity that receives the data.
type Licensee struct {
	Name        string
	Latin       string // the name in Latin letters, where Name is in a script that cannot be printed
	Address     string // may be empty
	Country     string // ISO code
	CountryName string
	ReachedFrom []string // names of the countries the data will be reached from
}

// Person is somebody the document names.
type Person struct {
	Name     string
	Latin    string // the name in Latin letters, where Name is in a script that cannot be printed
	Position string
	Email    string
}

// Contact is a download contact.
type Contact struct {
	Person
	CountryName string // the country the contact reaches the data from
}

// Dataset is one dataset that the agreement covers.
type Dataset struct {
	Name       string
	Collection string
	Need       string // why the project needs it; may be empty
}

// Confirmation is one statement that a licensee outside the EEA was asked for, with the answer it gave.
type Confirmation struct {
	ID          string
	TextVersion string
	Statement   string
	Confirmed   bool
	Explanation string
}

// Project is what the data are for.
type Project struct {
	Title   string
	Purpose string // paragraphs are separated by an empty line
}

// Agreement is a licence agreement before it is signed.
type Agreement struct {
	Request     string // DR-0042
	Number      string // DR-0042-A
	Version     int
	NonEEA      bool // which of the two licences
	Lang        string
	TextVersion string // set to insist on one version of the text; empty takes the loaded one

	Foundation     Foundation
	Licensee       Licensee
	Applicant      Person
	Signatory      Person
	Representative Person
	Project        Project
	Datasets       []Dataset
	Contacts       []Contact
	Confirmations  []Confirmation
	Conditions     []string

	From            dates.Day // not before
	Until           dates.Day // the last day; dates.LastDay gives it for the end of a half-open term
	Zone            string
	Acknowledgement string
	VariantReason   string
	Link            string    // the web page with the same words; may be empty
	Made            time.Time // when it was drafted
}

// Decision is one person's part in deciding an amendment.
type Decision struct {
	Person Person
	Part   string // such as "data access desk", in the document's language
	At     time.Time
}

// Change says what an amendment does.
type Change string

// The changes an agreement in force can undergo.
const (
	Extension      Change = "extension"
	ContactAdded   Change = "contact-added"
	ContactRemoved Change = "contact-removed"
	PartyChanged   Change = "party-changed"
)

// Amendment is a numbered change to an agreement in force. The signed agreement itself never changes.
type Amendment struct {
	Number        string // DR-0042-A amendment 3, written as DR-0042-A/3
	Agreement     string // DR-0042-A
	AgreementHash string // SHA-256 of the signed PDF, in hex
	Change        Change
	Lang          string
	TextVersion   string

	Foundation  Foundation
	Licensee    Licensee
	RequestedBy Person
	RequestedAt time.Time
	Reason      string
	Decisions   []Decision // empty where the signatory alone decides

	OldUntil, NewUntil dates.Day // of an extension
	Contact            Contact   // of a contact added or removed
	Part               string    // "signatory" or "applicant": the part that changes hands
	Was, Successor     Person    // who held it, and who holds it
	Authority          string    // SHA-256 of the document of authority, in hex
	Effective          time.Time

	Zone string
	Link string
	Made time.Time
}

// Step is one thing that was done to delete a delivery, and how it was made sure of.
type Step struct {
	What     string
	At       time.Time
	Verified string
}

// Certificate says what Sluice itself deleted and verified at the end of a delivery.
type Certificate struct {
	Number        string // of the delivery: DR-0042-A-1
	Agreement     string
	Lang          string
	TextVersion   string
	Foundation    Foundation
	Licensee      Licensee
	Files         int
	Bytes         int64 // of plaintext
	Bucket        string
	Key           string // the key's name in the keyring
	LocalKeyring  bool   // the key stood in a file instead of in Vault
	Shared        bool   // the files' bodies stood in the archive, and stay there
	EndedAt       time.Time
	Compromised   time.Time // when two people said that somebody may have got at the key; zero: never
	EmptiedAt     time.Time
	KeyDestroyed  time.Time
	BucketDeleted time.Time
	Steps         []Step
	Zone          string
	Link          string
	Made          time.Time
}

// Attestation is the licensee's word that it destroyed the data on its own side.
type Attestation struct {
	Number      string // of the agreement, with "/destruction" behind it
	Agreement   string
	Lang        string
	TextVersion string
	Foundation  Foundation
	Licensee    Licensee
	Signatory   Person
	Deliveries  []string
	EndedAt     time.Time
	DestroyedOn dates.Day
	Remarks     string // what is kept under article 9.3 and why; may be empty
	Zone        string
	Link        string
	Made        time.Time
}

func (a Agreement) head() head {
	kind := LicenceEEA
	if a.NonEEA {
		kind = LicenceNonEEA
	}
	return head{kind, a.Lang, a.Number, a.Version, a.TextVersion, a.Link, a.Zone, a.Made}
}

func (a Amendment) head() head {
	return head{Kind("amendment-" + string(a.Change)), a.Lang, a.Number, 1, a.TextVersion, a.Link, a.Zone, a.Made}
}

func (c Certificate) head() head {
	return head{CertificateDeletion, c.Lang, c.Number, 1, c.TextVersion, c.Link, c.Zone, c.Made}
}

func (a Attestation) head() head {
	return head{AttestationDestruction, a.Lang, a.Number, 1, a.TextVersion, a.Link, a.Zone, a.Made}
}

func (h head) check() error {
	switch {
	case h.number == "":
		return fmt.Errorf("the document has no number")
	case h.version < 1:
		return fmt.Errorf("document %s: version %d: versions count from 1", h.number, h.version)
	case h.made.IsZero():
		return fmt.Errorf("document %s: the date it was made on is missing", h.number)
	}
	return nil
}
