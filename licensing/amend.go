package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing/jurisdiction"
)

// AskContact asks for one more contact: the signatory's alone. When nothing speaks against it, it takes effect at once;
// otherwise the desk decides, and the answer says so. The amendment's id is returned either way.
func (r *Registry) AskContact(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, in ContactInput, reason string) (AmendmentID, error) {
	amendment := AmendmentID(db.NewID())
	err := r.act(ctx, who, proof, id, "amendment.contact-asked", func(tx *db.Tx, a Agreement) error {
		contact, err := r.readContact(tx, a, in)
		if err != nil {
			return err
		}
		questions, err := r.questions(tx, who, a, contact)
		if err != nil {
			return err
		}
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		ev := ContactAsked{Amendment: amendment, By: who.Person(), Contact: contact, Questions: questions, Note: note}
		if len(questions) > 0 {
			_, err = r.apply(tx, a, ev)
			return err
		}
		_, err = r.amended(tx, a, amendment, func(hash string) AgreementEvent { ev.SHA256 = hash; return ev })
		return err
	})
	return amendment, err
}

// readContact checks the input of a contact against an agreement in force.
func (r *Registry) readContact(tx *db.Tx, a Agreement, in ContactInput) (Contact, error) {
	var faults Faults
	fault := func(e *RefusedError) { faults = append(faults, e) }
	p := r.person(in.PersonInput, "contact", fault)
	for _, f := range faults {
		f.Field = f.Field[len("contact."):]
	}
	if !r.known(in.Country) {
		fault(refuse("country").at("country"))
	}
	if len(faults) > 0 {
		return Contact{}, faults
	}
	c := Contact{ID: ContactID(db.NewID()), Request: a.Request, Agreement: a.ID, Country: in.Country, Salt: db.NewID(), Name: p.Name, Latin: p.Latin,
		Position: p.Position, Email: p.Email}
	c.Digest = c.digest()
	owner, ok, err := r.accounts.ByEmail(tx, c.Email)
	if err != nil || !ok {
		return c, err
	}
	// The address has an account: who that is may already have another part here.
	known := c
	known.Person = owner.ID
	if slices.ContainsFunc(a.Contacts, func(o Contact) bool { return o.Admitted() && o.Person == owner.ID }) {
		return c, refuse("contact-twice").at("email")
	}
	if err := r.notHandler(tx, a, "contact", owner.ID); err != nil {
		return c, err
	}
	return c, conflicts(a.Parties, append(slices.Clone(a.Contacts), known), nil)
}

// questions are the reasons why the desk must decide about a contact; a country that the agreement's variant cannot serve
// is refused outright.
func (r *Registry) questions(tx *db.Tx, who account.Who, a Agreement, c Contact) ([]string, error) {
	q, err := r.Request(tx, a.Request)
	if err != nil {
		return nil, err
	}
	outcome := r.outcome(q.Content, append(slices.Clone(a.listed()), c), q.confirmed(), tx.At)
	if a.Variant == jurisdiction.EEA && !outcome.NeedsPerson && outcome.Variant != jurisdiction.EEA {
		return nil, refuse("contact-country", "country", r.opts.Jurisdiction.Name(c.Country, a.Lang)).at("country")
	}
	var questions []string
	if !q.Content.Licensee.HasDomain(c.Email) {
		questions = append(questions, "question.domain")
	}
	if outcome.NeedsPerson {
		questions = append(questions, "question.jurisdiction")
	}
	covered := append(q.Content.countries(a.listed()), q.Content.Licensee.Country)
	if a.Variant == jurisdiction.NonEEA && !slices.Contains(covered, c.Country) {
		questions = append(questions, "question.country") // no transfer assessment looked at it
	}
	owner, ok, err := r.accounts.ByEmail(tx, c.Email)
	if err != nil {
		return nil, err
	}
	if (ok && owner.ID == who.Person()) || addressKey(c.Email) == addressKey(a.Party(Signatory).Email) {
		questions = append(questions, "question.own")
	}
	return questions, nil
}

// amended makes an event that takes effect at once: it is tried without its document, the document is rendered from the
// agreement as it will be, and then it is applied with the document's hash.
func (r *Registry) amended(tx *db.Tx, a Agreement, id AmendmentID, event func(hash string) AgreementEvent) (Agreement, error) {
	const noHash = "0000000000000000000000000000000000000000000000000000000000000000"
	will, err := a.Next(event(noHash), tx.At)
	if err != nil {
		return a, err
	}
	m, ok := will.Amendment(id)
	if !ok || m.State != Effective {
		return r.apply(tx, a, event(""))
	}
	d, err := r.document(tx, will, AmendmentDocument)
	if err != nil {
		return a, err
	}
	d.Number, d.Version, d.Amendment = amendmentNumber(a, m.Number), 1, m
	d.Contact, _ = will.Contact(m.Contact)
	d.Was = a.Party(m.Succession.Part)
	if d.RequestedBy, err = r.named(tx, a, m.By); err != nil {
		return a, err
	}
	for _, decision := range m.Decisions {
		who, err := r.named(tx, a, decision.By)
		if err != nil {
			return a, err
		}
		d.Decisions = append(d.Decisions, NamedDecision{decision, who.Name, who.Latin})
	}
	if d.Remarks, err = r.Words(tx, m.Note); err != nil {
		return a, err
	}
	out, hash, err := r.render(d)
	if err != nil {
		return a, err
	}
	if err := r.keep(tx, d, out, hash); err != nil {
		return a, err
	}
	return r.apply(tx, a, event(hash))
}

// named is how a document names a person: as a party where he is one.
func (r *Registry) named(tx *db.Tx, a Agreement, id account.PersonID) (Named, error) {
	for _, p := range slices.Concat(a.Parties, a.Aside) {
		if p.Person == id && id != "" {
			return Named{p.Name, p.Latin, p.Position, p.Email}, nil
		}
	}
	person, err := r.accounts.Person(tx, id)
	if errors.Is(err, account.ErrNoPerson) {
		return Named{}, nil
	}
	return Named{Name: person.Name, Latin: person.Latin}, err
}

// RemoveContact takes a contact off the list, at once and for good: the signatory's alone.
func (r *Registry) RemoveContact(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, contact ContactID, reason string) error {
	return r.act(ctx, who, proof, id, "amendment.contact-removed", func(tx *db.Tx, a Agreement) error {
		if _, ok := a.Contact(contact); !ok {
			return ErrNotFound // a contact of another agreement is not there
		}
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		amendment := AmendmentID(db.NewID())
		_, err = r.amended(tx, a, amendment, func(hash string) AgreementEvent {
			return ContactRemoved{amendment, who.Person(), contact, note, hash}
		})
		return err
	})
}

// ConfirmList is the signatory's word that the list of contacts still holds.
func (r *Registry) ConfirmList(ctx context.Context, who account.Who, proof account.Proof, id AgreementID) error {
	return r.act(ctx, who, proof, id, "agreement.list-confirmed", func(tx *db.Tx, a Agreement) error {
		_, err := r.apply(tx, a, ListConfirmed{who.Person()})
		return err
	})
}

// SuspendContact keeps one contact out; ResumeContact lets the contact in again. Both are the desk's, with a reason.
func (r *Registry) SuspendContact(ctx context.Context, who account.Who, id AgreementID, contact ContactID, reason string) error {
	return r.act(ctx, who, account.Proof{}, id, "contact.suspended", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, ContactSuspended{contact, who.Person(), note})
		return err
	})
}

// ResumeContact ends a suspension of one contact.
func (r *Registry) ResumeContact(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, contact ContactID, reason string) error {
	return r.act(ctx, who, proof, id, "contact.resumed", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, ContactResumed{contact, who.Person(), note})
		return err
	})
}

// ResendContact sends a contact that has not accepted yet a new link.
func (r *Registry) ResendContact(ctx context.Context, who account.Who, id AgreementID, contact ContactID) error {
	// The same people may do this as suspend: it gives nobody anything that the signatory did not.
	return r.act(ctx, who, account.Proof{}, id, "contact.suspended", func(tx *db.Tx, a Agreement) error {
		c, ok := a.Contact(contact)
		if !ok {
			return ErrNotFound
		}
		if c.Person != "" || !c.Admitted() {
			return refuse("contact-bound")
		}
		return r.inviteContact(tx, a, c) // the invitation is recorded by package account
	})
}

// AskExtension asks for a later end: the signatory or the applicant.
func (r *Registry) AskExtension(ctx context.Context, who account.Who, id AgreementID, until Date, reason string) (AmendmentID, error) {
	amendment := AmendmentID(db.NewID())
	err := r.act(ctx, who, account.Proof{}, id, "amendment.extension-asked", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		if note.Empty() {
			return refuse("reason").at("reason")
		}
		_, err = r.apply(tx, a, ExtensionAsked{amendment, who.Person(), until, note})
		return err
	})
	return amendment, err
}

// DecideAmendment is one person's decision about what was asked. The proof is for the amendment: Act{"decide",
// "amendment:ID"}. The first to agree to an extension, and the one to decide about a contact, is of the desk.
func (r *Registry) DecideAmendment(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, amendment AmendmentID, accept bool, reason string) error {
	return r.actOn(ctx, who, proof, id, "amendment.decided", "amendment:"+string(amendment), func(tx *db.Tx, a Agreement) error {
		m, ok := a.Amendment(amendment)
		if !ok {
			return ErrNotFound
		}
		if (m.State == Asked || m.Type == AddContact) && !who.Has(account.Desk) {
			return account.ErrNotAllowed
		}
		if c, ok := a.Contact(m.Contact); ok {
			if err := r.ownAddress(tx, who, "amendment.decided", nil, []Contact{c}); err != nil {
				return err
			}
		}
		note, err := r.note(tx, "amendment:"+string(amendment), reason)
		if err != nil {
			return err
		}
		if m.Type == Extension && accept {
			if err := r.stillRight(tx, a); err != nil {
				return err
			}
		}
		_, err = r.amended(tx, a, amendment, func(hash string) AgreementEvent {
			return AmendmentDecided{amendment, who.Person(), accept, note, hash}
		})
		return err
	})
}

// DropAmendment takes back what was asked, by the one who asked.
func (r *Registry) DropAmendment(ctx context.Context, who account.Who, id AgreementID, amendment AmendmentID) error {
	return r.act(ctx, who, account.Proof{}, id, "amendment.dropped", func(tx *db.Tx, a Agreement) error {
		m, ok := a.Amendment(amendment)
		if !ok {
			return ErrNotFound
		}
		if m.By != who.Person() && a.Party(Signatory).Person != who.Person() {
			return account.ErrNotAllowed
		}
		_, err := r.apply(tx, a, AmendmentDropped{amendment, who.Person()})
		return err
	})
}

// AnswerJurisdiction closes a concern about the jurisdictions, with a reason.
func (r *Registry) AnswerJurisdiction(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, reason string) error {
	return r.act(ctx, who, proof, id, "agreement.jurisdiction-answered", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, JurisdictionAnswered{who.Person(), note})
		return err
	})
}

// AttestDestruction is the signatory's statement that the licensee has destroyed what it had. It closes the agreement out.
func (r *Registry) AttestDestruction(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, destroyedOn Date, remarks string) error {
	return r.act(ctx, who, proof, id, "agreement.closed-out", func(tx *db.Tx, a Agreement) error {
		if destroyedOn.IsZero() || DateOf(tx.At.In(a.Location())).Before(destroyedOn) {
			return refuse("destroyed-on").at("destroyed_on")
		}
		note, err := r.note(tx, "agreement:"+string(id), remarks)
		if err != nil {
			return err
		}
		d, err := r.document(tx, a, AttestationDocument)
		if err != nil {
			return err
		}
		d.Number, d.Version, d.DestroyedOn, d.Remarks = fmt.Sprintf("%s/destruction", a.Number), 1, destroyedOn, note.Text
		if d.RequestedBy, err = r.named(tx, a, who.Person()); err != nil {
			return err
		}
		out, hash, err := r.render(d)
		if err != nil {
			return err
		}
		if err := r.keep(tx, d, out, hash); err != nil {
			return err
		}
		_, err = r.apply(tx, a, DestructionAttested{who.Person(), destroyedOn, hash, note})
		return err
	})
}
