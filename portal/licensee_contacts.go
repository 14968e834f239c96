package portal

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
	"sluice/templates/document"
)

// twice is how long a form that comes again is taken for a second click rather than for a second wish.
const twice = 10 * time.Minute

// contactsPage is the list of contacts: the signatory's to change, the others' to read.
func (s *Server) contactsPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.contacts(r, v)
	if err != nil {
		return err
	}
	p := v.agreementShell(w, templates.M("licensee.contacts-title"))
	p.Wide = true
	_, first := w.toTake()
	change := w.is(licensing.AsSignatory) && w.changeable() && !first
	turn := w.turnList()
	if change && w.state() != licensing.Ended && turn.Yours && turn.Act == nil {
		turn.Act = act("licensee.act-list", w.path("/contacts/confirm"))
	}
	blocks := []templates.Part{turn}
	if w.is(licensing.AsSignatory) {
		blocks = append(blocks, paragraph(templates.M("licensee.contacts-about")))
	} else {
		blocks = append(blocks, paragraph(templates.M("licensee.contacts-only", "Name", w.a.Party(licensing.Signatory).Name)))
	}
	blocks = append(blocks, w.contactTable(s, v.Lang, change))
	if change && w.state() != licensing.Ended {
		blocks = append(blocks, templates.Actions{templates.Button{Text: templates.M("licensee.contact-add"), Kind: "secondary", Href: w.path("/contacts/add")}})
	}
	return v.show("parts", pageOf(p, blocks...))
}

// contacts is the agreement for its list of contacts, which parties see and contacts do not.
func (s *Server) contacts(r *http.Request, v *visit) (agreementView, error) {
	w, err := s.agreement(r, v)
	if err == nil && (!w.party() || w.state() == licensing.Drafted || w.state() == licensing.Signing) {
		err = licensing.ErrNotFound
	}
	return w, err
}

// changeable says whether somebody can be taken off the list now; adding ends with the term.
func (w agreementView) changeable() bool {
	return slices.Contains([]licensing.AgreementState{licensing.InForce, licensing.Suspended, licensing.Ended}, w.state())
}

// turnList is whose turn it is about the list.
func (w agreementView) turnList() templates.Turn {
	due := w.due(licensing.TaskList)
	if _, waits := w.a.Awaits(licensing.Signatory); waits || due.IsZero() {
		return w.turn()
	}
	next := templates.M("licensee.next-list", "Count", w.a.Durations.ListEvery)
	if w.is(licensing.AsSignatory) {
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-list"), Until: due, Next: next}
	}
	return templates.Turn{Who: templates.Text(w.a.Party(licensing.Signatory).Name), What: templates.M("licensee.turn-list-other"), Until: due, Next: next}
}

// contactTable lists the contacts with how far each has come. Those who were removed stay, at the end, without their data.
func (w agreementView) contactTable(s *Server, lang string, change bool) templates.Table {
	table := templates.Table{Caption: templates.M("licensee.contacts"), QuietCaption: true, Columns: columns("licensee.contact-name", "licensee.contact-email", "licensee.contact-country", "licensee.state"),
		Empty: &templates.Empty{Title: templates.M("licensee.contacts-empty"), Body: templates.M("licensee.contacts-empty-body")}}
	if change {
		table.Columns = append(table.Columns, templates.Column{Text: templates.M("licensee.contact-change")})
	}
	countries := s.cfg.Registry.Jurisdictions()
	sorted := slices.Clone(w.a.Contacts)
	slices.SortStableFunc(sorted, func(a, b licensing.Contact) int { return bit(!a.Removed.IsZero()) - bit(!b.Removed.IsZero()) })
	for _, c := range sorted {
		status, shown := w.contactStatus(c)
		if !shown {
			continue
		}
		row := []templates.Part{templates.Noted{Main: templates.Text(c.Name), Note: templates.Text(c.Position)}, templates.Text(c.Email),
			templates.Text(countries.Name(c.Country, lang)), status}
		if change {
			row = append(row, w.removal(c))
		}
		table.Rows = append(table.Rows, row)
	}
	return table
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func (w agreementView) removal(c licensing.Contact) templates.Part {
	if !c.Admitted() {
		return templates.M("common.none")
	}
	return templates.Link{Text: templates.M("licensee.contact-remove"), Href: w.path("/contacts/" + string(c.ID) + "/remove"), Context: templates.Text(c.Name)}
}

// contactStatus is how far a contact has come. One whom the desk did not accept, or whose asking was withdrawn, is not shown.
func (w agreementView) contactStatus(c licensing.Contact) (templates.Part, bool) {
	switch {
	case !c.Removed.IsZero():
		return templates.Lines{templates.Removed, templates.Day(c.Removed)}, true
	case c.Added.IsZero():
		for _, m := range w.a.Amendments {
			if m.Contact == c.ID && m.Open() {
				return templates.Lines{templates.Waiting, templates.M("licensee.contact-waits")}, true
			}
		}
		return nil, w.state() == licensing.Drafted || w.state() == licensing.Signing
	case c.Suspended:
		return templates.Suspended, true
	}
	for _, d := range w.deliveries {
		for _, g := range d.Grantees {
			if g.Contact.ID == c.ID && g.State == delivery.GrantEnrolled {
				return templates.Enrolled, true
			}
			if g.Contact.ID == c.ID && g.State == delivery.GrantSuspended {
				return templates.Suspended, true
			}
		}
	}
	return templates.Invited, true
}

func (s *Server) addContactPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.addable(r, v)
	if err != nil {
		return err
	}
	return v.show("parts", s.contactForm(v, w, v.blank()))
}

// addable is the agreement for adding a contact to it, which is the signatory's alone while it is in force.
func (s *Server) addable(r *http.Request, v *visit) (agreementView, error) {
	w, err := s.agreementFor(r, v, "amendment.contact-asked")
	if err == nil && w.state() != licensing.InForce && w.state() != licensing.Suspended {
		err = closedFor(w)
	}
	return w, err
}

// closedFor is why an agreement takes no change now.
func closedFor(w agreementView) error {
	if err := w.a.OpenAt(w.at); err != nil {
		return err
	}
	return licensing.ErrNotFound
}

func (s *Server) contactForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.add-title"))
	p.Errors = f.problems()
	p.Back = &templates.Link{Text: templates.M("licensee.contacts-back"), Href: w.path("/contacts")}
	domains := strings.Join(w.page.Request.Content.Licensee.Domains, ", ")
	email := templates.M("licensee.add-email-hint", "Domains", domains)
	if domains == "" {
		email = templates.M("licensee.add-email-hint-none")
	}
	fields := templates.Form{Action: w.path("/contacts/add"), Submit: templates.Button{Text: templates.M("licensee.add-yes")},
		Other: []templates.Part{templates.Link{Text: templates.M("portal.cancel"), Href: w.path("/contacts")}},
		Fields: []templates.Part{
			f.input(templates.TextField{Name: "name", Label: templates.M("licensee.contact-name"), Hint: templates.M("licensee.add-name-hint"), Autocomplete: "off"}),
			f.input(templates.TextField{Name: "latin", Label: templates.M("licensee.add-latin"), Hint: templates.M("licensee.add-latin-hint"), Optional: true, Autocomplete: "off"}),
			f.input(templates.TextField{Name: "position", Label: templates.M("licensee.add-position"), Autocomplete: "off"}),
			f.input(templates.TextField{Name: "email", Type: "email", Label: templates.M("licensee.contact-email"), Hint: email, Autocomplete: "off"}),
			f.selected(templates.Select{Name: "country", Label: templates.M("licensee.add-country"), Hint: templates.M("licensee.add-country-hint"), Blank: templates.M("licensee.add-country-blank"), Choices: s.countryChoices(v)}),
			f.area(templates.TextArea{Name: "reason", Label: templates.M("licensee.add-reason"), Hint: templates.M("licensee.add-reason-hint"), Rows: 3, MaxLength: mostText, Optional: true}),
			v.codeField(),
		}}
	return pageOf(p, leading(templates.M("licensee.add-lead")), fields)
}

// addContact asks for one more contact, and leads to the receipt.
func (s *Server) addContact(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.addable(r, v)
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if m, found := w.askedJustNow(v, f.text("email")); found {
		return v.redirect(w.amendmentPath(m))
	}
	in := licensing.ContactInput{PersonInput: licensing.PersonInput{Name: f.need("name", templates.M("licensee.add-name-missing")), Latin: f.text("latin"),
		Position: f.need("position", templates.M("licensee.add-position-missing")), Email: f.need("email", templates.M("licensee.add-email-missing"))}, Country: f.need("country", templates.M("licensee.add-country-missing"))}
	reason := f.text("reason")
	f.short("name", "latin", "position", "email")
	f.within(mostText, "reason")
	if _, err := account.Address(in.Email); err != nil {
		f.fail("email", templates.M("account.email-bad"))
	}
	f.latin()
	f.printable("latin", "position", "reason")
	var amendment licensing.AmendmentID
	err = v.prove(f, account.Act{Kind: "contact", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		amendment, err = s.cfg.Registry.AskContact(r.Context(), v.Who, proof, w.a.ID, in, reason)
		return err
	})
	if err != nil {
		return err
	}
	after, err := s.agreementFor(r, v, "amendment.contact-asked")
	if err != nil {
		return err
	}
	if m, ok := after.a.Amendment(amendment); ok && f.ok() {
		return v.redirect(w.amendmentPath(m))
	}
	if m, found := after.askedJustNow(v, f.text("email")); found {
		return v.redirect(w.amendmentPath(m))
	}
	return v.show("parts", s.contactForm(v, w, f))
}

// latin asks for the Latin form of a name that the documents could not print.
func (f *form) latin() {
	if document.CheckScript(f.text("name")) != nil && f.text("latin") == "" {
		f.fail("latin", templates.M("refused.latin-needed"))
	}
}

// printable refuses text that the documents could not print. It says so here, beside the field.
func (f *form) printable(names ...string) {
	for _, name := range names {
		if document.CheckScript(f.text(name)) != nil {
			f.fail(name, templates.M("refused.not-printable"))
		}
	}
}

// askedJustNow finds the amendment of a form that was sent a moment ago: the second of two clicks.
func (w agreementView) askedJustNow(v *visit, email string) (licensing.Amendment, bool) {
	for _, m := range w.a.Amendments {
		c, _ := w.a.Contact(m.Contact)
		if m.Type == licensing.AddContact && m.By == v.Who.Person() && (m.Open() || m.State == licensing.Effective) && c.Removed.IsZero() &&
			w.at.Sub(m.Asked) < twice && email != "" && strings.EqualFold(c.Email, email) {
			return m, true
		}
	}
	return licensing.Amendment{}, false
}

// removable is the agreement and the contact of it that a path names.
func (s *Server) removable(r *http.Request, v *visit) (agreementView, licensing.Contact, error) {
	w, err := s.agreementFor(r, v, "amendment.contact-removed")
	if err != nil {
		return w, licensing.Contact{}, err
	}
	c, ok := w.a.Contact(licensing.ContactID(r.PathValue("contact")))
	if !ok || c.Added.IsZero() {
		return w, c, licensing.ErrNotFound
	}
	if !w.changeable() {
		return w, c, closedFor(w)
	}
	return w, c, nil
}

func (s *Server) removeContactPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, c, err := s.removable(r, v)
	if err != nil {
		return err
	}
	if m, ok := w.removalOf(c); ok {
		return v.redirect(w.amendmentPath(m))
	}
	return v.show("parts", s.removeForm(v, w, c, v.blank()))
}

// removalOf is the amendment that took a contact off the list.
func (w agreementView) removalOf(c licensing.Contact) (licensing.Amendment, bool) {
	i := slices.IndexFunc(w.a.Amendments, func(m licensing.Amendment) bool { return m.Type == licensing.DropContact && m.Contact == c.ID })
	if i < 0 {
		return licensing.Amendment{}, false
	}
	return w.a.Amendments[i], true
}

func (s *Server) removeForm(v *visit, w agreementView, c licensing.Contact, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.remove-title", "Name", c.Name))
	p.Errors = f.problems()
	p.Back = &templates.Link{Text: templates.M("licensee.contacts-back"), Href: w.path("/contacts")}
	return pageOf(p, templates.AreYouSure{Action: w.path("/contacts/" + string(c.ID) + "/remove"),
		Consequences: []templates.Msg{templates.M("licensee.remove-means-1", "Name", c.Name), templates.M("licensee.remove-means-2"), templates.M("licensee.remove-means-3", "Email", c.Email)},
		Fields: []templates.Part{f.area(templates.TextArea{Name: "reason", Label: templates.M("licensee.remove-reason"), Hint: templates.M("licensee.add-reason-hint"), Rows: 3, MaxLength: mostText, Optional: true}),
			v.codeField()},
		Yes: templates.M("licensee.remove-yes"), Cancel: templates.Link{Text: templates.M("licensee.remove-no"), Href: w.path("/contacts")}})
}

// removeContact takes a contact off the list, at once.
func (s *Server) removeContact(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, c, err := s.removable(r, v)
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if m, ok := w.removalOf(c); ok {
		return v.redirect(w.amendmentPath(m))
	}
	reason := f.text("reason")
	f.within(mostText, "reason")
	f.printable("reason")
	err = v.prove(f, account.Act{Kind: "contact", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.RemoveContact(r.Context(), v.Who, proof, w.a.ID, c.ID, reason)
	})
	if err != nil {
		return err
	}
	after, err := s.agreementFor(r, v, "amendment.contact-removed")
	if err != nil {
		return err
	}
	if m, ok := after.removalOf(c); ok {
		return v.redirect(w.amendmentPath(m))
	}
	return v.show("parts", s.removeForm(v, w, c, f))
}

func (s *Server) confirmListPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.confirmable(r, v)
	if err != nil {
		return err
	}
	return v.show("parts", s.confirmListForm(v, w, v.blank()))
}

func (s *Server) confirmable(r *http.Request, v *visit) (agreementView, error) {
	w, err := s.agreementFor(r, v, "agreement.list-confirmed")
	if err == nil && w.state() != licensing.InForce && w.state() != licensing.Suspended {
		err = closedFor(w)
	}
	return w, err
}

func (s *Server) confirmListForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.confirm-title"))
	p.Errors = f.problems()
	p.Back = &templates.Link{Text: templates.M("licensee.contacts-back"), Href: w.path("/contacts")}
	list := w.contactTable(s, v.Lang, true)
	return pageOf(p, w.turnList(), list, paragraph(templates.M("licensee.confirm-about")),
		templates.Form{Action: w.path("/contacts/confirm"), Fields: []templates.Part{v.codeField()}, Submit: button("licensee.confirm-yes"),
			Other: []templates.Part{link("portal.cancel", w.path("/contacts"))}})
}

// confirmList takes the signatory's word that the list still holds.
func (s *Server) confirmList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.confirmable(r, v)
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	err = v.prove(f, account.Act{Kind: "contact", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.ConfirmList(r.Context(), v.Who, proof, w.a.ID)
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		now, err := s.confirmable(r, v)
		if err != nil {
			return err
		}
		if now.a.ListConfirmed.Equal(w.a.ListConfirmed) {
			return v.show("parts", s.confirmListForm(v, w, f))
		}
	}
	if err := v.tell(templates.Success, "licensee.list-confirmed"); err != nil {
		return err
	}
	return v.redirect(w.path("/contacts"))
}
