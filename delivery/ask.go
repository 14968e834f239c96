package delivery

import (
	"context"
	"errors"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// ask puts the one question for a person and a delivery, from the database as it stands, at the transaction's time, but never
// before the last entry of the log: a clock that was set back, or runs behind that of another replica, brings no term back
// that is known to be over. It returns the facts it decided on, and the reason MayRead gave. Every path to a byte comes
// through here.
func (p *Depot) ask(tx *db.Tx, who account.Who, id ID) (Access, error) {
	if !who.IsPerson() || (who.Scope() != "" && who.Scope() != id.Subject()) {
		return Access{}, ErrNotFound
	}
	head, err := tx.Head()
	if err != nil {
		return Access{}, err
	}
	at := tx.At
	if at.Before(head.At) {
		at = head.At
	}
	d, err := loadDelivery(tx, id)
	if err != nil {
		return Access{}, err
	}
	factor, err := p.accounts.Factor(tx, who.Person())
	if err != nil {
		return Access{}, err
	}
	agreement, err := p.registry.Standing(tx, d.Agreement)
	if err != nil {
		return Access{}, err
	}
	contacts, err := p.registry.ContactsOf(tx, who.Person())
	if err != nil {
		return Access{}, err
	}
	// One person may have been named twice, with two addresses. What one of them may do, the person may do.
	verdict := error(ErrNotFound)
	var first Access
	for _, c := range contacts {
		if c.Agreement != d.Agreement {
			continue
		}
		grant, err := findGrant(tx, c.ID, id)
		if errors.Is(err, ErrNotGranted) {
			continue
		}
		if err != nil {
			return Access{}, err
		}
		a := Access{Person: who.Person(), Factor: factor, Contact: c, Grant: grant, Agreement: agreement, Delivery: d, at: at, seq: head.Seq}
		err = MayRead(a, at)
		if err == nil {
			return a, nil
		}
		if errors.Is(verdict, ErrNotFound) {
			first, verdict = a, err
		}
	}
	if errors.Is(verdict, ErrNotGranted) {
		verdict = ErrNotFound
	}
	return first, verdict
}

// until is when reading ends by itself: with the term, or before it with the session or token that who came with. The error
// says that this has ended already.
func (p *Depot) until(tx *db.Tx, who account.Who, a Access) (time.Time, error) {
	ends, err := p.accounts.Until(tx, who)
	if until := a.Agreement.Term.Until; until.Before(ends) {
		ends = until
	}
	return ends, err
}

// A Shown is one delivery as its contact sees it: with its files when they may be read now, and otherwise with the reason.
// Of its Agreement the row alone is there: number, state, term, zone; no people and no amendments.
type Shown struct {
	Access
	At      time.Time
	Refused error // what MayRead said; nil when the files may be read
	Files   []DeliveredFile
}

// Show is a delivery for the page of its contact. ErrNotFound for everybody else.
func (p *Depot) Show(ctx context.Context, who account.Who, id ID) (s Shown, err error) {
	err = p.db.View(ctx, func(tx *db.Tx) error {
		s = Shown{}
		s.Access, s.Refused = p.ask(tx, who, id)
		s.At = s.Access.at
		if s.Access.Delivery.ID == "" { // nothing to show: not theirs, or the question could not be asked
			return s.Refused
		}
		if s.Refused != nil {
			return nil
		}
		s.Files, err = delivered(tx, id)
		return err
	})
	return s, err
}

// OfPerson lists the deliveries that a person is or was a contact of, newest first, without files.
func (p *Depot) OfPerson(ctx context.Context, who account.Who) (all []Shown, err error) {
	if !who.IsPerson() || who.Scope() != "" {
		return nil, account.ErrNotAllowed
	}
	err = p.db.View(ctx, func(tx *db.Tx) error {
		all = nil
		contacts, err := p.registry.ContactsOf(tx, who.Person())
		if err != nil {
			return err
		}
		seen := map[ID]bool{}
		for _, c := range contacts {
			grants, err := grantsOfContact(tx, c.ID)
			if err != nil {
				return err
			}
			for _, g := range grants {
				if seen[g.Delivery] {
					continue
				}
				seen[g.Delivery] = true
				access, refused := p.ask(tx, who, g.Delivery)
				if access.Delivery.ID != "" {
					all = append(all, Shown{Access: access, At: access.at, Refused: refused})
				}
			}
		}
		return nil
	})
	return all, err
}

// A Grantee is one grant as the desk and the signatory see it.
type Grantee struct {
	Grant
	Contact licensing.Contact
	State   GrantState
}

// An Overview is one delivery as the desk sees it: never its contents.
type Overview struct {
	Delivery
	Grantees []Grantee
}

// Overview lists the deliveries of an agreement with their grants, in a transaction of the caller's, who has decided that
// the asker may see them.
func (p *Depot) Overview(tx *db.Tx, agreement licensing.AgreementID) ([]Overview, error) {
	deliveries, err := deliveriesOf(tx, agreement)
	if err != nil {
		return nil, err
	}
	contacts, err := p.registry.Contacts(tx, agreement)
	if err != nil {
		return nil, err
	}
	byID := map[licensing.ContactID]licensing.Contact{}
	for _, c := range contacts {
		byID[c.ID] = c
	}
	var all []Overview
	for _, d := range deliveries {
		grants, err := grantsOf(tx, d.ID)
		if err != nil {
			return nil, err
		}
		o := Overview{Delivery: d}
		for _, g := range grants {
			c := byID[g.Contact]
			var factor account.Factor
			if c.Person != "" {
				if factor, err = p.accounts.Factor(tx, c.Person); err != nil {
					return nil, err
				}
			}
			o.Grantees = append(o.Grantees, Grantee{g, c, g.State(c, factor)})
		}
		all = append(all, o)
	}
	return all, nil
}
