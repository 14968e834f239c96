// Package mail hands messages to a mail server, to a page (Box) or to a test (Recorder).
//
// A Message has one sender, one reader, a plain text that is complete by itself, the same as HTML, and at most
// calendar entries beside them. Send either delivers it to the server or says why not: an error that wraps ErrRefused
// will be the same at every further attempt, any other may pass.
package mail

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
)

// ErrRefused says that this message to this address will never be accepted: the address is wrong or the server of the
// reader turned it down for good. Sending it again serves nothing; somebody has to look at the address.
var ErrRefused = errors.New("mail refused for good")

// Address is a person's name and e-mail address.
type Address struct {
	Name    string
	Address string
}

// Message is one mail to one reader.
type Message struct {
	ID          string // stable over attempts, so that a mail sent twice can be recognised as one
	To          Address
	Lang        string
	Subject     string
	Text        string
	HTML        string
	Thread      string // the request's number: mails with the same one are shown together
	At          time.Time
	Attachments []Attachment
}

// Attachment is a calendar entry; no other kind of file is ever attached.
type Attachment struct {
	Name string // dr-0042-a.ics
	Data []byte
}

var (
	// Deliberately narrower than the standards: no quotes, comments, spaces, address literals or letters beyond ASCII.
	// Parsers disagree about those, and a mail with a one-use link has to go where we think it goes.
	addressForm = regexp.MustCompile(`^[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_{|}~-]+)*@([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$`)
	attachForm  = regexp.MustCompile(`^[a-z0-9-]{1,80}\.ics$`)
	idForm      = regexp.MustCompile(`^[A-Za-z0-9-]{1,100}$`)
)

// CheckAddress returns an error that a person can act on when the text is not one plain e-mail address.
func CheckAddress(address string) error {
	local, domain, _ := strings.Cut(address, "@")
	switch {
	case address == "":
		return errors.New("enter an e-mail address")
	case len(address) > 254, len(local) > 64:
		return errors.New("this e-mail address is too long")
	case !addressForm.MatchString(address):
		return fmt.Errorf("%q is not a plain e-mail address: write it like name@institution.example, without quotes or spaces", address)
	}
	for label := range strings.SplitSeq(domain, ".") {
		if len(label) > 63 {
			return errors.New("the domain of this e-mail address is too long")
		}
	}
	return nil
}

// check refuses a message that must not leave, whichever way it is sent.
func (m Message) check() error {
	if err := CheckAddress(m.To.Address); err != nil {
		return fmt.Errorf("%w: %w", ErrRefused, err)
	}
	switch {
	case !idForm.MatchString(m.ID):
		return fmt.Errorf("%w: the message has no usable id: %q", ErrRefused, m.ID)
	case m.Thread != "" && !idForm.MatchString(m.Thread):
		return fmt.Errorf("%w: the thread %q is not a number of a request", ErrRefused, m.Thread)
	case oneLine(m.Subject) == "" || strings.TrimSpace(m.Text) == "":
		return fmt.Errorf("%w: the message has no subject or no text", ErrRefused)
	case m.At.IsZero():
		return fmt.Errorf("%w: the message has no date", ErrRefused)
	}
	for _, a := range m.Attachments {
		if !attachForm.MatchString(a.Name) {
			return fmt.Errorf("%w: attachment %q: only calendar entries are attached", ErrRefused, a.Name)
		}
	}
	return nil
}

// oneLine makes header text of anything: what ends a line, or shows text in another order than it stands, becomes a
// space.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}
