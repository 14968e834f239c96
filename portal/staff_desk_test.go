package portal

import (
	"strings"
	"testing"
	"time"

	"sluice/infra/db/dbtest"
)

func TestWhatIsLateWithOthersDoesNotStandAboveWhatIsForTheReader(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	signed, _ := o.inForce()
	clock.Advance(100 * 24 * time.Hour) // the signatory should have confirmed the contacts after 90
	open := o.record("title", "Another project", "applicant.email", "piet@umc.example", "signatory.email", "pia@umc.example", "contacts.0.email", "pim@umc.example")

	b := o.as(o.Second).Get("/").Want(200, "What waits for you")
	b.Sees("Decide about "+open, "Overdue, was due by")
	text := b.Text()
	if strings.Index(text, "Decide about "+open) > strings.Index(text, signed+"-A: the signatory confirms the contacts") {
		t.Errorf("what the signatory is late with stands above what waits for the reader:\n%s", text)
	}
	if b.Has("Overdue: 1") {
		t.Errorf("what others are late with is counted as the reader's:\n%s", text)
	}
}

func TestWhatNoDocumentCanPrintIsSaidBesideTheFieldWhenItIsTyped(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Desk).Get("/requests/new")
	b.Submit("Continue to the check", o.filled("title", "治療抵抗性", "contacts.0.name", "محمد بن سلمان", "conditions", "Soft\u00adhyphen")...)
	if len(b.Errors()) != 3 {
		t.Errorf("got the errors %q, want one each beside title, conditions and the Latin form of the name", b.Errors())
	}
	b.Sees("Use Latin, Greek or Cyrillic letters here", "Enter the name in Latin letters as well")
}
