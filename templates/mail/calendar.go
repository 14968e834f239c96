package mailtext

import (
	"errors"
	"fmt"
	"strings"
	"time"

	ical "github.com/arran4/golang-ical"

	"sluice/templates/document/dates"
)

// TermEnd is the calendar entry for the last day of a term.
type TermEnd struct {
	ID        string // the agreement's own id; the same one always makes the same entry
	Sequence  int    // raised with every change, so that a calendar replaces what it has
	Number    string
	Agreement string
	Lang      string
	Until     time.Time
	Zone      string
	Link      string
	Cancelled bool // the term ended otherwise
	At        time.Time
}

// Calendar writes the entry: the whole last day, with a word 30 and 7 days before.
func (c *Composer) Calendar(e TermEnd) ([]byte, error) {
	if e.ID == "" || strings.ContainsFunc(e.ID, func(r rune) bool { return r <= ' ' || r > '~' }) || e.At.IsZero() || e.Sequence < 0 {
		return nil, errors.New("calendar entry: its id, sequence or date is missing")
	}
	says, err := c.compose(calendar, e.Lang, Data{Number: e.Number, Agreement: e.Agreement, By: e.Until, Zone: e.Zone, Link: e.Link})
	if err != nil {
		return nil, err
	}
	last, err := dates.LastDay(e.Until, e.Zone)
	if err != nil {
		return nil, fmt.Errorf("calendar entry: %w", err)
	}
	day, err := time.Parse(time.DateOnly, string(last))
	if err != nil {
		return nil, fmt.Errorf("calendar entry: %w", err)
	}
	cal := ical.NewCalendarFor("Sluice")
	cal.SetMethod(ical.MethodPublish)
	event := cal.AddEvent("term-" + e.ID + "@" + c.base.Hostname())
	event.SetDtStampTime(e.At.UTC())
	event.SetSequence(e.Sequence)
	event.SetAllDayStartAt(day)
	event.SetAllDayEndAt(day.AddDate(0, 0, 1))
	event.SetSummary(says.Subject)
	event.SetDescription(strings.TrimSpace(says.Text))
	event.SetURL(e.Link)
	event.SetTimeTransparency(ical.TransparencyTransparent) // an end is no appointment: the day stays free
	if e.Cancelled {
		cal.SetMethod(ical.MethodCancel)
		event.SetStatus(ical.ObjectStatusCancelled)
	} else {
		event.SetStatus(ical.ObjectStatusConfirmed)
		for _, before := range []string{"-P30D", "-P7D"} {
			alarm := event.AddAlarm()
			alarm.SetAction(ical.ActionDisplay)
			alarm.SetTrigger(before)
			alarm.SetDescription(says.Subject)
		}
	}
	return []byte(cal.Serialize(ical.WithNewLineWindows)), nil
}
