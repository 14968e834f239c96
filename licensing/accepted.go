package licensing

import (
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
)

// Accepted binds what an invitation was for to the person who accepted it, in the accepting change. An invitation that
// would give one person two conflicting parts is refused, whatever its address.
func (r *Registry) Accepted(tx *db.Tx, inv account.Invitation, person account.PersonID) error {
	what, id, _ := strings.Cut(inv.For, ":")
	switch what {
	case "party":
		return r.bindParty(tx, PartyID(id), person)
	case "contact":
		return r.bindContact(tx, ContactID(id), person)
	}
	return nil
}

// An Offer is the part that an invitation is for.
type Offer struct {
	Part   Part
	Number string // of the request
	Open   bool   // nobody has taken the part yet, and somebody may
}

// Offered says which part an invitation is for. One that is not for a part in a request is ErrNotFound.
func (r *Registry) Offered(tx *db.Tx, inv account.Invitation) (Offer, error) {
	what, id, _ := strings.Cut(inv.For, ":")
	switch what {
	case "party":
		p, err := one(tx, scanParty, selectParties+` WHERE id = $1`, id)
		if err != nil {
			return Offer{}, err
		}
		q, err := r.Request(tx, p.Request)
		return Offer{p.Part, q.Number, p.Person == "" && q.State == Approved}, err
	case "contact":
		c, err := r.Contact(tx, ContactID(id))
		if err != nil {
			return Offer{}, err
		}
		a, err := r.Agreement(tx, c.Agreement)
		if err != nil {
			return Offer{}, err
		}
		state := a.StateAt(tx.At)
		open := c.Person == "" && c.Removed.IsZero() && (state == InForce || state == Suspended || state == Ended)
		return Offer{ContactPart, a.RequestNumber, open}, nil
	}
	return Offer{}, ErrNotFound
}

func (r *Registry) bindParty(tx *db.Tx, id PartyID, person account.PersonID) error {
	p, err := one(tx, scanParty, selectParties+` WHERE id = $1`, id)
	if err != nil {
		return err
	}
	q, err := r.Request(tx, p.Request)
	if err != nil {
		return err
	}
	// The contacts of the agreement count, not only the first ones.
	agreements, err := r.AgreementsOf(tx, q.ID)
	if err != nil {
		return err
	}
	for _, a := range agreements {
		parties := append([]Party(nil), a.Parties...)
		for i := range parties {
			if parties[i].ID == id {
				parties[i].Person = person
			}
		}
		if err := conflicts(parties, a.Contacts, nil); err != nil {
			return err
		}
		// A signature on paper brings an agreement into force before its signer arrives: what was decided since counts too.
		if err := r.notHandler(tx, a, string(p.Part), person); err != nil {
			return err
		}
		if m, waits := a.Awaits(p.Part); waits {
			if err := r.mayTakeOver(tx, a, m, person); err != nil {
				return err
			}
		}
	}
	_, err = r.applyRequest(tx, q, PartyBound{Party: id, Person: person})
	return err
}

func (r *Registry) bindContact(tx *db.Tx, id ContactID, person account.PersonID) error {
	c, err := r.Contact(tx, id)
	if err != nil {
		return err
	}
	a, err := r.Agreement(tx, c.Agreement)
	if err != nil {
		return err
	}
	if err := r.notHandler(tx, a, "contact", person); err != nil {
		return err
	}
	_, err = r.apply(tx, a, ContactBound{Contact: id, Person: person})
	return err
}

// notHandler refuses somebody who recorded or decided the request, had a say in its content afterwards, or decided about an
// amendment.
func (r *Registry) notHandler(tx *db.Tx, a Agreement, part string, person account.PersonID) error {
	q, err := r.Request(tx, a.Request)
	if err != nil {
		return err
	}
	handlers, err := contentDeciders(tx, a.ID)
	if err != nil {
		return err
	}
	handlers = append(append(handlers, q.Decider), q.Editors...)
	for _, s := range q.Scopes {
		handlers = append(handlers, s.By)
	}
	handlers = append(handlers, a.paperHandlers()...)
	for _, m := range a.Amendments {
		handlers = append(handlers, deciders(m)...)
	}
	for _, h := range handlers {
		if h != "" && h == person {
			return refuse("conflict", "one", "desk", "other", part)
		}
	}
	return nil
}

// contentDeciders are those who released a revised content, or accepted a confirmation that was not given. Their names stand in
// the log only.
func contentDeciders(tx *db.Tx, id AgreementID) (people []account.PersonID, _ error) {
	for ev, err := range eventsOf(tx, id) {
		if err != nil {
			return nil, err
		}
		switch ev := ev.(type) {
		case AgreementReleased:
			people = append(people, ev.By)
		case ActionProposed:
			if ev.Action == ActionAccept {
				people = append(people, ev.By)
			}
		case ActionSeconded:
			if ev.Action == ActionAccept {
				people = append(people, ev.By)
			}
		}
	}
	return people, nil
}
