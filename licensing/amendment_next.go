package licensing

import (
	"fmt"
	"slices"
	"time"

	"sluice/infra/account"
)

// amend is what may change once the agreement is in force.
func (a *Agreement) amend(ev AgreementEvent, at time.Time) error {
	if _, taken := a.Amendment(newAmendment(ev)); taken {
		return refuse("amendment-twice")
	}
	switch ev := ev.(type) {
	case ExtensionAsked:
		if err := a.extendable(ev.NewUntil, at); err != nil {
			return err
		}
		if slices.ContainsFunc(a.Amendments, func(m Amendment) bool { return m.Type == Extension && m.Open() }) {
			return refuse("extension-open")
		}
		a.Amendments = append(a.Amendments, Amendment{
			ID: ev.Amendment, Number: len(a.Amendments) + 1, Type: Extension, State: Asked, By: ev.By, Asked: at, Note: ev.Note,
			OldUntil: a.Term.LastDay(a.Location()), NewUntil: ev.NewUntil,
		})
		return nil

	case ContactAsked:
		if s := a.StateAt(at); s != InForce && s != Suspended {
			return a.wrongStateAt(at)
		}
		if ev.By != a.Party(Signatory).Person {
			return refuse("only-signatory")
		}
		if len(ev.Questions) == 0 && len(ev.SHA256) != 64 {
			return refuse("no-document")
		}
		for _, c := range a.Contacts {
			if c.ID == ev.Contact.ID || (c.Email != "" && addressKey(c.Email) == addressKey(ev.Contact.Email) && a.waitsOrStands(c)) {
				return refuse("contact-twice").at("email")
			}
		}
		contact := ev.Contact
		contact.Request, contact.Agreement, contact.Added, contact.Removed = a.Request, a.ID, time.Time{}, time.Time{}
		m := Amendment{ID: ev.Amendment, Number: len(a.Amendments) + 1, Type: AddContact, State: Asked, By: ev.By, Asked: at,
			Note: ev.Note, Contact: contact.ID, Questions: ev.Questions}
		if len(ev.Questions) == 0 {
			contact.Added = at
			m.State, m.Effective, m.SHA256 = Effective, at, ev.SHA256
		}
		if err := conflicts(a.Parties, append(slices.Clone(a.Contacts), contact), nil); err != nil {
			return err
		}
		a.Contacts, a.Amendments = append(a.Contacts, contact), append(a.Amendments, m)
		return nil

	case ContactRemoved:
		// Taking somebody off the list is possible as long as there is one, whatever else is going on.
		if s := a.StateAt(at); s != InForce && s != Suspended && s != Ended {
			return a.wrongStateAt(at)
		}
		if ev.By != a.Party(Signatory).Person {
			return refuse("only-signatory")
		}
		i, err := a.contactAt(ev.Contact)
		if err != nil {
			return err
		}
		if !a.Contacts[i].Admitted() {
			return refuse("contact-state")
		}
		if len(ev.SHA256) != 64 {
			return refuse("no-document")
		}
		a.Contacts[i].Removed = at
		a.Amendments = append(a.Amendments, Amendment{ID: ev.Amendment, Number: len(a.Amendments) + 1, Type: DropContact,
			State: Effective, By: ev.By, Asked: at, Note: ev.Note, Contact: ev.Contact, Effective: at, SHA256: ev.SHA256})
		return nil

	case AmendmentDecided:
		i := slices.IndexFunc(a.Amendments, func(m Amendment) bool { return m.ID == ev.Amendment })
		if i < 0 {
			return ErrNotFound
		}
		return a.decide(i, ev, at)

	case AmendmentDropped:
		i := slices.IndexFunc(a.Amendments, func(m Amendment) bool { return m.ID == ev.Amendment })
		if i < 0 {
			return ErrNotFound
		}
		if a.Amendments[i].Type == ChangeParty {
			return ErrNotFound // the licensee did not ask for it
		}
		if !a.Amendments[i].Open() {
			return refuse("amendment-closed", "state", string(a.Amendments[i].State))
		}
		if a.State == ClosedOut || a.State == Terminated {
			return a.wrongState()
		}
		a.Amendments[i].State = Dropped
		return nil
	}
	return refuse("unknown-event")
}

// newAmendment is the id of the amendment that an event makes, or "".
func newAmendment(ev AgreementEvent) AmendmentID {
	switch ev := ev.(type) {
	case ExtensionAsked:
		return ev.Amendment
	case ContactAsked:
		return ev.Amendment
	case ContactRemoved:
		return ev.Amendment
	}
	return ""
}

// waitsOrStands says that a contact is on the list, or that its amendment waits for the desk.
func (a *Agreement) waitsOrStands(c Contact) bool {
	if c.Admitted() {
		return true
	}
	return slices.ContainsFunc(a.Amendments, func(m Amendment) bool { return m.Contact == c.ID && m.Open() })
}

// extendable says whether the term may be moved to a day, asked at an instant. The window stays open after the end, for a
// late extension; there is no access in between.
func (a *Agreement) extendable(until Date, at time.Time) error {
	switch a.StateAt(at) {
	case InForce, Suspended, Ended:
	default:
		return a.wrongStateAt(at)
	}
	zone := a.Location()
	opens := a.Term.Until.In(zone).AddDate(0, 0, -a.Durations.ExtensionBefore)
	closes := a.Term.Until.In(zone).AddDate(0, 0, a.Durations.ExtensionAfter)
	switch {
	case at.Before(opens):
		return refuse("extension-early", "from", DateOf(opens).String())
	case !at.Before(closes):
		return refuse("extension-late", "until", DateOf(closes.Add(-time.Nanosecond)).String())
	case until.IsZero() || !until.End(zone).After(a.Term.Until):
		return refuse("extension-not-later", "until", a.Term.LastDay(zone).String()).at("until")
	case !until.End(zone).After(at):
		return refuse("extension-past").at("until")
	}
	if furthest := a.FurthestEnd(at); !furthest.IsZero() && furthest.Before(until) {
		return refuse("extension-long", "days", fmt.Sprint(a.Durations.LongestTerm), "until", furthest.String()).at("until")
	}
	return nil
}

// FurthestEnd is the last day to which an extension may move the term at an instant; the zero Date when there is no limit.
func (a Agreement) FurthestEnd(at time.Time) Date {
	if a.Durations.LongestTerm == 0 {
		return Date{}
	}
	return DateOf(at.In(a.Location())).AddDays(a.Durations.LongestTerm)
}

// decide is one person's decision. A contact needs one, an extension two different people; a refusal needs one and a reason.
func (a *Agreement) decide(i int, ev AmendmentDecided, at time.Time) error {
	m := &a.Amendments[i]
	m.Decisions = slices.Clone(m.Decisions)
	switch {
	case m.Type == ChangeParty:
		return ErrNotFound // decided otherwise: see succeed
	case !m.Open():
		return refuse("amendment-closed", "state", string(m.State))
	case ev.By == "" || ev.By == m.By || slices.ContainsFunc(m.Decisions, func(d Decision) bool { return d.By == ev.By }):
		return refuse("own-proposal")
	case !ev.Accept && ev.Note.Empty():
		return refuse("reason").at("reason")
	}
	if m.Type == Extension && ev.Accept {
		if err := a.extendable(m.NewUntil, at); err != nil {
			return err
		}
	}
	if s := a.StateAt(at); m.Type == AddContact && ev.Accept && s != InForce && s != Suspended {
		return a.wrongStateAt(at) // to decline is possible, or it would wait for ever
	}
	if err := conflicts(a.Parties, a.Contacts, append(deciders(*m), ev.By)); err != nil {
		return err
	}
	m.Decisions = append(m.Decisions, Decision{ev.By, ev.Accept, at, ev.Note})
	switch {
	case !ev.Accept:
		m.State = Declined
		return nil
	case m.Type == AddContact && ev.Note.Empty():
		return refuse("reason").at("reason") // accepting what the rules did not is answered for in words
	case m.Type == Extension && m.State == Asked:
		m.State = Seconding
		return nil
	case len(ev.SHA256) != 64:
		return refuse("no-document")
	}
	m.State, m.Effective, m.SHA256 = Effective, at, ev.SHA256
	if m.Type == AddContact {
		c, err := a.contactAt(m.Contact)
		if err != nil {
			return err
		}
		a.Contacts[c].Added = at
		return nil
	}
	a.Term = a.term()
	if a.State == Ended {
		a.State = InForce
		if a.Held {
			a.State = Suspended
		}
		a.Held = false
	}
	return nil
}

// deciders are the people who have decided about an amendment.
func deciders(m Amendment) []account.PersonID {
	var people []account.PersonID
	for _, d := range m.Decisions {
		people = append(people, d.By)
	}
	return people
}
