package licensing

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"sluice/infra/account"
	"sluice/infra/db"
)

// clean trims text that a person typed and drops control characters other than line breaks.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if c != '\n' && c != '\t' && (c < ' ' || c == 0x7f) {
			return -1
		}
		return c
	}, strings.ReplaceAll(s, "\r\n", "\n"))
	return strings.TrimSpace(s)
}

// line is clean text on one line, without marks that change the order in which it is read: names stand in mails and
// agreements, and a line break in one would begin a sentence in the foundation's name.
func line(s string) string {
	s = strings.Map(func(c rune) rune {
		if unicode.Is(unicode.Cf, c) && c != '\u200c' && c != '\u200d' {
			return -1
		}
		return c
	}, clean(s))
	return strings.Join(strings.Fields(s), " ")
}

// afterRequest is what follows from an event of a request.
func (r *Registry) afterRequest(tx *db.Tx, before, after Request, ev RequestEvent) error {
	switch ev := ev.(type) {
	case RequestRecorded:
		return r.TellStaff(tx, account.Desk, ev.By, letterOf(after, "request.to-approve"))
	case RequestRefused, RequestWithdrawn:
		return nil // nobody outside has been written to: the request was recorded on paper
	}
	return nil
}

// follow is what follows from an event of an agreement: the hooks of others, letters, and jobs for what is due later.
func (r *Registry) follow(tx *db.Tx, before, after Agreement, ev AgreementEvent) error {
	l := Letter{Number: after.Number, Link: "/agreements/" + after.Number, Facts: map[string]string{"number": after.Number}}
	kind := func(k string) Letter { c := l; c.Kind = k; return c }
	if p, waited := before.WaitingPaper(); waited {
		if now, _ := after.Paper(p.ID); now.State == PaperVoid {
			if err := r.tellStaff(tx, p.By, kind("paper.void")); err != nil {
				return err
			}
		}
	}
	switch ev := ev.(type) {
	case AgreementDrafted:
		return r.inviteParties(tx, after)

	case AgreementRevised:
		if before.State == Signing {
			if err := r.toSigners(tx, after, kind("agreement.revised")); err != nil {
				return err
			}
		}
		return r.TellStaff(tx, account.Desk, ev.By, kind("agreement.to-release"))

	case SignatureDeclined:
		return r.declined(tx, after, ev, l)

	case ConfirmationsAnswered:
		if slices.ContainsFunc(after.Confirmations, func(c Confirmation) bool { return !c.Settled() }) {
			return r.TellStaff(tx, account.Desk, "", kind("agreement.to-judge"))
		}
		return nil

	case AgreementOpened:
		return r.toSigners(tx, after, kind("agreement.sign"))

	case AgreementSigned:
		if after.State != InForce {
			return nil
		}
		return r.entered(tx, after, kind("agreement.in-force"))

	case PaperUploaded:
		return r.TellStaff(tx, account.Desk, ev.Paper.By, kind("paper.to-confirm"))

	case PaperConfirmed:
		for _, part := range after.signedOn(ev.Document) {
			if err := r.toPart(tx, after, part, kind("paper.receipt")); err != nil {
				return err
			}
		}
		if after.State != InForce {
			return nil
		}
		return r.entered(tx, after, kind("agreement.in-force"))

	case PaperRefused:
		p, _ := after.Paper(ev.Paper)
		if p.By == ev.By {
			return nil // taken back
		}
		return r.tellStaff(tx, p.By, kind("paper.sent-back"))

	case ActionProposed:
		return r.TellStaff(tx, account.Desk, ev.By, withFact(kind("agreement.to-second"), "action", string(ev.Action)))

	case ActionSeconded:
		return r.acted(tx, after, ev.Action, l)

	case EmergencyStopped:
		stopper := account.PersonID(strings.TrimPrefix(ev.By, db.Person("").String()))
		if err := r.TellStaff(tx, account.Desk, stopper, kind("agreement.stopped")); err != nil {
			return err
		}
		return r.toLicensee(tx, after, kind("agreement.suspended"))

	case ExtensionAsked:
		receipt := kind("extension.asked-receipt")
		return firstOf(r.toPart(tx, after, Signatory, receipt), r.toPart(tx, after, Applicant, receipt),
			r.TellStaff(tx, account.Desk, "", withFact(kind("extension.to-decide"), "until", ev.NewUntil.String())))

	case ContactAsked:
		return r.contactAsked(tx, after, ev, l)

	case ContactRemoved:
		c, _ := after.Contact(ev.Contact)
		if r.ContactRemoved != nil {
			if err := r.ContactRemoved(tx, after, c); err != nil {
				return err
			}
		}
		gone := withFact(kind("contact.removed"), "contact", c.Name)
		gone.To = addressOf(after, c)
		return firstOf(r.outbox.Post(tx, gone), r.toPart(tx, after, Signatory, withFact(kind("contact.removed-receipt"), "contact", c.Name)))

	case PartyProposed:
		return r.TellStaff(tx, account.Desk, ev.By, kind("party.to-second"))

	case PartyReplaced:
		return r.partyReplaced(tx, before, after, ev, l)

	case AmendmentDecided:
		return r.decided(tx, before, after, ev, l)

	case ContactBound:
		c, _ := after.Contact(ev.Contact)
		if r.ContactBound != nil {
			return r.ContactBound(tx, c)
		}
		return nil

	case ContactSuspended, ContactResumed:
		id := ContactID("")
		k := kind("contact.suspended")
		switch ev := ev.(type) {
		case ContactSuspended:
			id = ev.Contact
		case ContactResumed:
			id, k = ev.Contact, kind("contact.resumed")
		}
		c, _ := after.Contact(id)
		k = withFact(k, "contact", c.Name)
		k.To = addressOf(after, c)
		return firstOf(r.outbox.Post(tx, k), r.toPart(tx, after, Signatory, k))

	case ListConfirmed:
		return r.planMilestones(tx, after)

	case JurisdictionChanged:
		if after.Concern.IsZero() {
			return nil
		}
		return r.TellStaff(tx, account.Desk, "", withFact(kind("agreement.jurisdiction"), "due", DateOf(after.Concern.Due.In(r.zone)).String()))

	case AgreementEnded:
		return firstOf(r.toLicensee(tx, after, kind("agreement.ended")), r.planMilestones(tx, after))

	case DestructionAttested:
		return firstOf(r.toPart(tx, after, Signatory, kind("agreement.closed-out")), r.TellStaff(tx, account.Desk, "", kind("agreement.closed-out-desk")))
	}
	return nil
}

// declined tells the others who sign, and the desk, that one of them will not. Who declined knows it.
func (r *Registry) declined(tx *db.Tx, a Agreement, ev SignatureDeclined, l Letter) error {
	l = withFact(l, "by", a.Party(ev.Part).Name)
	l.Kind = "agreement.declined"
	for _, part := range Signers() {
		if part == ev.Part || a.Party(part).Person == "" {
			continue
		}
		if err := r.toPart(tx, a, part, l); err != nil {
			return err
		}
	}
	l.Kind = "agreement.declined-desk"
	return r.TellStaff(tx, account.Desk, "", l)
}

// entered is what follows from the last signature.
func (r *Registry) entered(tx *db.Tx, a Agreement, l Letter) error {
	if r.InForce != nil {
		if err := r.InForce(tx, a); err != nil {
			return err
		}
	}
	l = withFact(l, "from", DateOf(a.Term.From.In(a.Location())).String(), "until", a.Term.LastDay(a.Location()).String())
	if err := r.toParties(tx, a, l); err != nil {
		return err
	}
	for _, c := range a.Contacts {
		if err := r.inviteContact(tx, a, c); err != nil {
			return err
		}
	}
	return r.planMilestones(tx, a)
}

func (r *Registry) acted(tx *db.Tx, a Agreement, action Action, l Letter) error {
	switch action {
	case ActionAccept:
		_, err := r.openIfReady(tx, a)
		return err
	case ActionTerminate:
		if a.Term.IsZero() {
			l.Kind = "agreement.dropped"
			return r.toParties(tx, a, l)
		}
		if r.Closed != nil {
			if err := r.Closed(tx, a); err != nil {
				return err
			}
		}
		l.Kind = "agreement.terminated"
		return firstOf(r.toLicensee(tx, a, l), r.planMilestones(tx, a))
	case ActionDestroyKey:
		return r.keysCompromised(tx, a, l)
	case ActionResume:
		if r.Resumed != nil {
			if err := r.Resumed(tx, a); err != nil {
				return err
			}
		}
	}
	l.Kind = map[Action]string{ActionSuspend: "agreement.suspended", ActionResume: "agreement.resumed"}[action]
	return r.toLicensee(tx, a, l)
}

// keysCompromised tells the licensee, as long as there is something to read, that what it read from is made anew.
func (r *Registry) keysCompromised(tx *db.Tx, a Agreement, l Letter) error {
	if r.KeysCompromised != nil {
		if err := r.KeysCompromised(tx, a); err != nil {
			return err
		}
	}
	if s := a.StateAt(tx.At); s != InForce && s != Suspended {
		return nil
	}
	l.Kind = "agreement.key-destroyed"
	return r.toLicensee(tx, a, l)
}

func (r *Registry) contactAsked(tx *db.Tx, a Agreement, ev ContactAsked, l Letter) error {
	c, _ := a.Contact(ev.Contact.ID)
	receipt := withFact(l, "contact", c.Name)
	receipt.Kind = "contact.asked-receipt"
	if err := r.toPart(tx, a, Signatory, receipt); err != nil {
		return err
	}
	if !c.Admitted() {
		l.Kind = "contact.to-decide"
		return r.TellStaff(tx, account.Desk, "", withFact(l, "contact", c.Name))
	}
	return r.admitted(tx, a, c)
}

// admitted is what follows when a contact joins an agreement in force.
func (r *Registry) admitted(tx *db.Tx, a Agreement, c Contact) error {
	if r.ContactAdded != nil {
		if err := r.ContactAdded(tx, a, c); err != nil {
			return err
		}
	}
	return r.inviteContact(tx, a, c)
}

func (r *Registry) decided(tx *db.Tx, before, after Agreement, ev AmendmentDecided, l Letter) error {
	m, _ := after.Amendment(ev.Amendment)
	switch {
	case m.State == Seconding:
		l.Kind = "extension.to-second"
		return r.TellStaff(tx, account.Desk, ev.By, withFact(l, "until", m.NewUntil.String()))
	case m.Type == Extension && m.State == Effective:
		if r.TermChanged != nil {
			if err := r.TermChanged(tx, before, after); err != nil {
				return err
			}
		}
		l.Kind = "extension.granted"
		return firstOf(r.toLicensee(tx, after, withFact(l, "until", m.NewUntil.String())), r.planMilestones(tx, after))
	case m.Type == Extension:
		l.Kind = "extension.declined"
		return firstOf(r.toPart(tx, after, Signatory, l), r.toPart(tx, after, Applicant, l))
	}
	c, _ := after.Contact(m.Contact)
	l = withFact(l, "contact", c.Name)
	if m.State == Effective {
		l.Kind = "contact.accepted"
		return firstOf(r.admitted(tx, after, c), r.toPart(tx, after, Signatory, l))
	}
	l.Kind = "contact.declined"
	return r.toPart(tx, after, Signatory, l)
}

// inviteParties asks the two outside parties to make an account; who has one already accepts while signed in.
func (r *Registry) inviteParties(tx *db.Tx, a Agreement) error {
	for _, p := range a.Parties {
		if p.Person != "" {
			continue
		}
		if err := r.inviteParty(tx, a.Number, a.Lang, p); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) inviteParty(tx *db.Tx, number, lang string, p Party) error {
	return r.inviteAs(tx, "party.invited", number, lang, p)
}

func (r *Registry) inviteAs(tx *db.Tx, kind, number, lang string, p Party) error {
	id, err := r.accounts.Invite(tx, account.Invitation{Name: p.Name, Email: p.Email, Lang: lang, For: "party:" + string(p.ID)})
	if err != nil {
		return fmt.Errorf("inviting the %s: %w", p.Part, err)
	}
	return r.outbox.Post(tx, Letter{Kind: kind, To: Address{Email: p.Email, Name: p.Name, Lang: lang}, Number: number, Invitation: id,
		Facts: map[string]string{"part": string(p.Part), "number": number}})
}

func (r *Registry) inviteContact(tx *db.Tx, a Agreement, c Contact) error {
	if c.Person != "" {
		return nil
	}
	id, err := r.accounts.Invite(tx, account.Invitation{Name: c.Name, Email: c.Email, Lang: a.Lang, For: "contact:" + string(c.ID)})
	if err != nil {
		return fmt.Errorf("inviting a contact: %w", err)
	}
	return r.outbox.Post(tx, Letter{Kind: "contact.invited", To: addressOf(a, c), Number: a.Number, Invitation: id,
		Facts: map[string]string{"number": a.Number, "until": a.Term.LastDay(a.Location()).String()}})
}

func addressOf(a Agreement, c Contact) Address {
	return Address{Email: c.Email, Name: c.Name, Lang: a.Lang, Person: c.Person}
}

// toPart writes to a party: in the person's own language once there is one.
func (r *Registry) toPart(tx *db.Tx, a Agreement, part Part, l Letter) error {
	p := a.Party(part)
	l.To = Address{Email: p.Email, Name: p.Name, Lang: a.Lang, Person: p.Person}
	if p.Person != "" {
		person, err := r.accounts.Person(tx, p.Person)
		if err != nil {
			return err
		}
		l.To.Lang = person.Lang
	}
	return r.outbox.Post(tx, l)
}

// toSigners writes to the parties that have an account. The others have their invitation, which says the same.
func (r *Registry) toSigners(tx *db.Tx, a Agreement, l Letter) error {
	for _, part := range Signers() {
		if a.Party(part).Person == "" {
			continue
		}
		if err := r.toPart(tx, a, part, l); err != nil {
			return err
		}
	}
	return nil
}

func (r *Registry) toParties(tx *db.Tx, a Agreement, l Letter) error {
	for _, part := range Signers() {
		if err := r.toPart(tx, a, part, l); err != nil {
			return err
		}
	}
	return nil
}

// toLicensee writes to signatory, applicant and contacts, once an address.
func (r *Registry) toLicensee(tx *db.Tx, a Agreement, l Letter) error {
	told := map[string]bool{}
	for _, part := range []Part{Signatory, Applicant} {
		if key := addressKey(a.Party(part).Email); !told[key] {
			told[key] = true
			if err := r.toPart(tx, a, part, l); err != nil {
				return err
			}
		}
	}
	return r.toContacts(tx, a, l, told)
}

// toContacts writes to the contacts on the list whose addresses have not been told yet.
func (r *Registry) toContacts(tx *db.Tx, a Agreement, l Letter, told map[string]bool) error {
	for _, c := range a.Contacts {
		if !c.Admitted() || told[addressKey(c.Email)] {
			continue
		}
		told[addressKey(c.Email)] = true
		l.To = addressOf(a, c)
		if c.Person != "" {
			person, err := r.accounts.Person(tx, c.Person)
			if err != nil {
				return err
			}
			l.To.Lang = person.Lang
		}
		if err := r.outbox.Post(tx, l); err != nil {
			return err
		}
	}
	return nil
}

// TellStaff writes to everybody of a role but one.
func (r *Registry) TellStaff(tx *db.Tx, role account.Role, but account.PersonID, l Letter) error {
	staff, err := r.accounts.Staff(tx, role)
	if err != nil {
		return err
	}
	for _, p := range staff {
		if p.ID == but {
			continue
		}
		if err := r.tell(tx, p, l); err != nil {
			return err
		}
	}
	return nil
}

// tellStaff writes to one member of staff, who may be gone by now.
func (r *Registry) tellStaff(tx *db.Tx, id account.PersonID, l Letter) error {
	p, err := r.accounts.Person(tx, id)
	if err != nil {
		return err
	}
	return r.tell(tx, p, l)
}

// tell writes to a person at his first address.
func (r *Registry) tell(tx *db.Tx, p account.Person, l Letter) error {
	emails, err := r.accounts.Emails(tx, p.ID)
	if err != nil || len(emails) == 0 {
		return err
	}
	l.To = Address{Email: emails[0].Address, Name: p.Name, Lang: p.Lang, Person: p.ID}
	return r.outbox.Post(tx, l)
}

func letterOf(q Request, kind string) Letter {
	return Letter{Kind: kind, Number: q.Number, Link: "/requests/" + q.Number, Facts: map[string]string{"number": q.Number}}
}

// withFact is a letter with more facts; the letter it is made from keeps its own.
func withFact(l Letter, pairs ...string) Letter {
	facts := make(map[string]string, len(l.Facts)+len(pairs)/2)
	for k, v := range l.Facts {
		facts[k] = v
	}
	for k, v := range args(pairs...) {
		facts[k] = v
	}
	l.Facts = facts
	return l
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// milestoneJob reminds and writes down ends; one job an agreement, due at its next milestone.
const milestoneJob = "licensing.milestones"

// planMilestones has the worker look at an agreement when something is due next.
func (r *Registry) planMilestones(tx *db.Tx, a Agreement) error {
	next := a.nextMilestone(tx.At)
	if next.IsZero() {
		return nil
	}
	return tx.Enqueue(milestoneJob, string(a.ID), later(next, tx.At))
}

func later(t, u time.Time) time.Time {
	if t.After(u) {
		return t
	}
	return u
}
