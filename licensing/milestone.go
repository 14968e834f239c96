package licensing

import (
	"fmt"
	"slices"
	"time"
)

// A milestone is something that is to be said once, at an instant that follows from the agreement.
type milestone struct {
	key  string // "ending.30@2027-12-31": the day in it makes a new one after an extension
	kind string // of the letter
	at   time.Time
	days int
}

// milestones lists what an agreement has to say now and later. What lay before its beginning, or before the extension that
// moved its end, was never due.
func (a Agreement) milestones(at time.Time) []milestone {
	if a.Term.IsZero() || a.State == ClosedOut {
		return nil
	}
	zone := a.Location()
	var all []milestone
	end := a.Term.LastDay(zone).String()
	if s := a.StateAt(at); s == InForce || s == Suspended {
		since := a.Term.From
		for _, m := range a.Amendments {
			if m.Type == Extension && m.State == Effective && m.Effective.After(since) {
				since = m.Effective
			}
		}
		for _, days := range a.Durations.Reminders {
			due := a.Term.Until.In(zone).AddDate(0, 0, -days)
			if due.After(since) {
				all = append(all, milestone{fmt.Sprintf("ending.%d@%s", days, end), "agreement.ending", due, days})
			}
		}
		if n := a.Durations.ListEvery; n > 0 {
			due := a.ListConfirmed.In(zone).AddDate(0, 0, n)
			all = append(all, milestone{"contacts@" + DateOf(due).String(), "contacts.confirm", due, 0})
		}
		return all
	}
	over := a.overSince()
	if n := a.Durations.AttestEvery; n > 0 {
		// One ahead is enough: the next look plans the one after it.
		for i := 1; ; i++ {
			due := over.In(zone).AddDate(0, 0, n*i)
			all = append(all, milestone{fmt.Sprintf("attest.%d@%s", i, DateOf(over.In(zone)).String()), "agreement.attest", due, 0})
			if due.After(at) {
				break
			}
		}
	}
	return all
}

// overSince is when access ended: at the end of the term, or earlier.
func (a Agreement) overSince() time.Time {
	if a.State == Terminated && a.Closed.Before(a.Term.Until) {
		return a.Closed
	}
	return a.Term.Until
}

// nextMilestone is when the worker should look again; zero: never.
func (a Agreement) nextMilestone(at time.Time) time.Time {
	var next time.Time
	consider := func(t time.Time) {
		if next.IsZero() || t.Before(next) {
			next = t
		}
	}
	for _, m := range a.milestones(at) {
		if !slices.Contains(a.Reminded, m.key) {
			consider(m.at)
		}
	}
	if a.State == InForce || a.State == Suspended {
		consider(a.Term.Until)
	}
	return next.UTC()
}
