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
