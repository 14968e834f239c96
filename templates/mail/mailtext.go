// Package mailtext turns the mail texts in this folder into messages: a subject, a plain text that is complete by itself,
// and the same words as HTML.
//
// A text is a file per kind and language, which may begin with remarks that are not sent:
//
//	# Model text: let your counsel replace it.
//	Subject: [{{ref}}] Agreement ready to sign
//
//	Dear {{reader}},
//
//	Licence agreement {{agreement}} is ready for your signature.
//
//	=> Read and sign the agreement
//
//	Why you get this: …
//
//	If you do nothing: … by {{by}}.
//
// There is exactly one line with an arrow. It becomes the one link, to a page behind sign-in; a text can hold no other
// address, and no mail holds data, file names or the reasons of decisions: those stand on the page.
package mailtext

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"sluice/templates/document/placeholder"
)

//go:embed *.txt
var files embed.FS

// Kind names a mail.
type Kind string

// The mails there are. Each goes to one reader at one milestone.
const (
	Invitation            Kind = "invitation"        // holds a one-use link
	InvitedApplicant      Kind = "invited-applicant" // these three to who has an account already
	InvitedSignatory      Kind = "invited-signatory"
	InvitedContact        Kind = "invited-contact"
	SignInvitation        Kind = "sign-invitation"
	SignatureDeclined     Kind = "signature-declined"      // to the others who sign
	SignatureDeclinedDesk Kind = "signature-declined-desk" // to the desk
	PaperReceipt          Kind = "paper-receipt"           // to who signed outside the portal
	PaperSentBack         Kind = "paper-sent-back"         // to the member of the desk who uploaded it
	PaperVoided           Kind = "paper-void"              // likewise
	AgreementInForce      Kind = "agreement-in-force"
	AgreementChanged      Kind = "agreement-changed"
	AgreementDropped      Kind = "agreement-dropped"
	AgreementClosedOut    Kind = "agreement-closed-out"      // to the signatory
	ClosedOutDesk         Kind = "agreement-closed-out-desk" // to the desk
	DataReady             Kind = "data-ready"                // to the contacts
	DataReadyDesk         Kind = "data-ready-desk"           // to the desk
	ContactAddedReceipt   Kind = "contact-added-receipt"
	ContactAccepted       Kind = "contact-accepted"
	ContactDeclined       Kind = "contact-declined"
	ContactRemovedReceipt Kind = "contact-removed-receipt"
	ContactRemoved        Kind = "contact-removed"   // to the contact
	ContactSuspended      Kind = "contact-suspended" // to the contact and the signatory
	ContactResumed        Kind = "contact-resumed"   // to the contact and the signatory
	ContactToDecide       Kind = "contact-to-decide" // to the desk
	ContactsConfirm       Kind = "contacts-confirm"
	ReminderEnd           Kind = "reminder-end"
	ExtensionRequested    Kind = "extension-requested" // to the licensee
	ExtensionToDecide     Kind = "extension-to-decide" // to the desk
	ExtensionGranted      Kind = "extension-granted"
	ExtensionRefused      Kind = "extension-refused"
	AccessEnded           Kind = "access-ended"
	AttestationDue        Kind = "attestation-due"
	Suspended             Kind = "suspended"
	Resumed               Kind = "resumed"
	Terminated            Kind = "terminated"
	KeyDestroyed          Kind = "key-destroyed"  // to the licensee, whose data are delivered anew
	PasswordReset         Kind = "password-reset" // holds a one-use link
	NewDevice             Kind = "new-device"
	FactorChanged         Kind = "factor-changed"
	FactorLost            Kind = "account-factor-lost"
	AccountEnrol          Kind = "account-enrol"      // holds a one-use link
	AccountEnrolAnew      Kind = "account-enrol-anew" // holds a one-use link
	FactorsVoid           Kind = "account-factors-void"
	NameChanged           Kind = "account-name-changed"
	AddressAdded          Kind = "account-address-added"
	AccountDisabled       Kind = "account-disabled"
	AnswersToJudge        Kind = "answers-to-judge"        // to the desk
	StopToConfirm         Kind = "stop-to-confirm"         // to the desk
	JurisdictionToAnswer  Kind = "jurisdiction-to-answer"  // to the desk
	WorkParked            Kind = "work-parked"             // to the operators
	BucketEnd             Kind = "bucket-end"              // to the operators
	SecondPersonNeeded    Kind = "second-person-needed"    // to staff
	SuccessorInvited      Kind = "party-successor-invited" // holds a one-use link
	PartyReplaced         Kind = "party-replaced"          // to who had the part
	PartyChanged          Kind = "party-changed"           // to the others
)

// The texts that are not mails by themselves.
const (
	calendar Kind = "calendar" // what a calendar entry says
	closing  Kind = "closing"  // what ends every mail
)

// Kinds lists every mail.
func Kinds() []Kind {
	return []Kind{Invitation, InvitedApplicant, InvitedSignatory, InvitedContact, SignInvitation, SignatureDeclined, SignatureDeclinedDesk, PaperReceipt, PaperSentBack, PaperVoided, AgreementInForce,
		AgreementChanged, AgreementDropped, AgreementClosedOut, ClosedOutDesk, DataReady, DataReadyDesk, ContactAddedReceipt, ContactAccepted, ContactDeclined, ContactRemovedReceipt,
		ContactRemoved, ContactSuspended, ContactResumed, ContactToDecide, ContactsConfirm, ReminderEnd, ExtensionRequested, ExtensionToDecide,
		ExtensionGranted, ExtensionRefused, AccessEnded, AttestationDue, Suspended, Resumed, Terminated, KeyDestroyed, PasswordReset, NewDevice,
		FactorChanged, FactorLost, AccountEnrol, AccountEnrolAnew, FactorsVoid, NameChanged, AddressAdded, AccountDisabled, AnswersToJudge, StopToConfirm,
		JurisdictionToAnswer, WorkParked, BucketEnd, SecondPersonNeeded,
		SuccessorInvited, PartyReplaced, PartyChanged}
}

// Languages lists the languages every mail exists in.
func Languages() []string { return []string{"en", "nl"} }

// Data is what a mail may say. A mail whose text names a value that is empty here is refused.
type Data struct {
	Reader    string    // the reader's name
	Number    string    // DR-0042; empty in mails about an account
	Agreement string    // DR-0042-A
	Person    string    // the other person the mail speaks of
	Part      string    // the part the mail speaks of: "signatory" or "applicant"
	Days      int       // days left
	When      time.Time // when it happened
	By        time.Time // until when something can or must be done, or when access ends
	Zone      string
	Link      string // the page where the one action is taken
}

// Parts is a composed mail without its address.
type Parts struct {
	Subject string
	Text    string
	HTML    string
}

// Composer holds the loaded texts of one site.
type Composer struct {
	base       *url.URL
	service    string
	foundation string
	texts      map[string]text
}

var allowed = []string{"ref", "reader", "number", "agreement", "person", "part", "left", "when", "ended", "by", "service", "foundation"}

// Load reads the texts, taking each file from override that it has, and reports every mistake at once. Links in mails
// must begin with base, such as https://data.example.org; service and foundation are the names readers know.
func Load(override fs.FS, base, service, foundation string) (*Composer, error) {
	c := &Composer{service: oneLine(service), foundation: oneLine(foundation), texts: map[string]text{}}
	var err error
	if c.base, err = url.Parse(strings.TrimSuffix(base, "/")); err != nil || c.base.Host == "" || c.base.Scheme != "https" && c.base.Scheme != "http" {
		return nil, fmt.Errorf("mail texts: base address %q: write it as https://data.example.org", base)
	}
	if c.service == "" || c.foundation == "" {
		return nil, errors.New("mail texts: the names of the service and the foundation are missing")
	}
	var wrong []error
	for _, kind := range append(Kinds(), calendar, closing) {
		for _, lang := range Languages() {
			if err := c.load(override, kind, lang); err != nil {
				wrong = append(wrong, fmt.Errorf("mail text %s: %w", fileOf(kind, lang), err))
			}
		}
	}
	wrong = append(wrong, strangers(override)...)
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return c, nil
}

// Compose writes a mail in the reader's language.
func (c *Composer) Compose(kind Kind, lang string, d Data) (Parts, error) {
	if !slices.Contains(Kinds(), kind) {
		return Parts{}, fmt.Errorf("there is no mail %q", kind)
	}
	return c.compose(kind, lang, d)
}

func (c *Composer) compose(kind Kind, lang string, d Data) (Parts, error) {
	t, found := c.texts[fileOf(kind, lang)]
	if !found {
		return Parts{}, fmt.Errorf("there is no mail %s in language %q", kind, lang)
	}
	fail := func(err error) (Parts, error) { return Parts{}, fmt.Errorf("mail %s: %w", fileOf(kind, lang), err) }
	if err := c.checkLink(d.Link); err != nil {
		return fail(err)
	}
	v := values{c: c, d: d, lang: lang}
	subject, err := placeholder.Fill(t.subject, v.value)
	if err != nil {
		return fail(err)
	}
	var paragraphs []paragraph
	for _, p := range append(slices.Clone(t.paragraphs), c.texts[fileOf(closing, lang)].paragraphs...) {
		s, err := placeholder.Fill(p.parts, v.value)
		if err != nil {
			return fail(err)
		}
		paragraphs = append(paragraphs, paragraph{text: s, action: p.action})
	}
	return Parts{Subject: subject, Text: plain(paragraphs, d.Link), HTML: markup(lang, subject, paragraphs, d.Link)}, nil
}

// checkLink holds links to our own pages: whatever asked for the mail, it cannot send a reader elsewhere.
func (c *Composer) checkLink(link string) error {
	u, err := url.Parse(link)
	switch {
	case err != nil, u.Scheme != c.base.Scheme, u.Host != c.base.Host, u.User != nil:
		return fmt.Errorf("its link does not begin with %s", c.base)
	case strings.ContainsFunc(link, func(r rune) bool { return r <= ' ' || r >= 0x7f || strings.ContainsRune(`"<>\^{|}`, r) }):
		return errors.New("its link holds a character that belongs in no address")
	case !strings.HasPrefix(path.Clean(u.Path)+"/", strings.TrimSuffix(c.base.Path, "/")+"/"):
		return fmt.Errorf("its link does not begin with %s", c.base)
	}
	return nil
}

func (c *Composer) load(override fs.FS, kind Kind, lang string) error {
	b, err := read(override, fileOf(kind, lang))
	if err != nil {
		return err
	}
	t, err := parse(string(b), kind, lang)
	if err != nil {
		return err
	}
	c.texts[fileOf(kind, lang)] = t
	return nil
}

func read(override fs.FS, name string) ([]byte, error) {
	if override != nil {
		b, err := fs.ReadFile(override, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return fs.ReadFile(files, name)
}

// strangers finds files that nobody would ever read, such as a misspelt kind.
func strangers(override fs.FS) []error {
	if override == nil {
		return nil
	}
	entries, err := fs.ReadDir(override, ".")
	if err != nil {
		return []error{fmt.Errorf("reading the folder of mail texts: %w", err)}
	}
	var wrong []error
	for _, e := range entries {
		if _, err := fs.Stat(files, e.Name()); err != nil && !strings.HasPrefix(e.Name(), ".") {
			wrong = append(wrong, fmt.Errorf("mail text %s: it replaces none of ours: check its name", e.Name()))
		}
	}
	return wrong
}

func fileOf(kind Kind, lang string) string { return string(kind) + "." + lang + ".txt" }
