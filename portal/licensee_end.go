package portal

import (
	"net/http"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
)

// destructionPage asks the signatory for the statement that the licensee has destroyed what it had.
func (s *Server) destructionPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.closed-out")
	if err != nil {
		return err
	}
	if w.state() == licensing.ClosedOut {
		return v.show("parts", s.closedOut(v, w))
	}
	if !w.attestable() {
		return v.redirect(w.path(""))
	}
	return v.show("parts", s.destructionForm(v, w, v.blank()))
}

// attestable says whether there is something whose destruction can be stated: access is over, and there was some.
func (w agreementView) attestable() bool {
	return !w.a.Term.IsZero() && (w.state() == licensing.Ended || w.state() == licensing.Terminated)
}

func (s *Server) destructionForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.attest-title", "Number", w.a.Number))
	p.Errors = f.problems()
	return pageOf(p, leading(templates.M("licensee.attest-lead", "Moment", templates.Moment(w.over()))), w.turnWithout(),
		templates.AreYouSure{Action: w.path("/destruction"), Calm: true,
			Consequences: []templates.Msg{templates.M("licensee.attest-means-1"), templates.M("licensee.attest-means-2")},
			Fields: []templates.Part{
				f.date(templates.DateField{Name: "destroyed_on", Label: templates.M("licensee.attest-day"), Hint: templates.M("licensee.attest-day-hint")}),
				f.area(templates.TextArea{Name: "remarks", Label: templates.M("licensee.attest-remarks"), Hint: templates.M("licensee.attest-remarks-hint"), MaxLength: mostText, Optional: true}),
				f.boxes(templates.Checkboxes{Name: "statement", Label: templates.M("licensee.attest-statement"),
					Choices: []templates.Choice{{Value: "yes", Text: templates.M("licensee.attest-words", "Licensee", w.page.Request.Content.Licensee.Name, "Number", w.a.Number)}}}),
				v.codeField(),
			},
			Yes: templates.M("licensee.attest-yes"), Cancel: templates.Link{Text: templates.M("portal.cancel"), Href: w.path("")}})
}

// attestDestruction takes the statement and closes the agreement out.
func (s *Server) attestDestruction(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.closed-out")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if w.state() == licensing.ClosedOut || !w.attestable() {
		return v.redirect(w.path("/destruction"))
	}
	y, m, d := f.needDay("destroyed_on", templates.M("licensee.attest-day-missing"))
	remarks := f.text("remarks")
	f.within(mostText, "remarks")
	f.printable("remarks")
	if !f.has("statement", "yes") {
		f.fail("statement", templates.M("licensee.attest-statement-missing"))
	}
	day := licensing.Date{Year: y, Month: m, Day: d}
	if !day.IsZero() && licensing.DateOf(w.at.In(w.zone)).Before(day) {
		f.fail("destroyed_on", templates.M("licensee.attest-day-future"))
	}
	err = v.prove(f, account.Act{Kind: "sign", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.AttestDestruction(r.Context(), v.Who, proof, w.a.ID, day, remarks)
	})
	if err != nil {
		return err
	}
	if f.ok() {
		return v.redirect(w.path("/destruction"))
	}
	now, err := s.agreementFor(r, v, "agreement.closed-out")
	if err != nil {
		return err
	}
	if now.state() == licensing.ClosedOut {
		return v.redirect(w.path("/destruction"))
	}
	return v.show("parts", s.destructionForm(v, w, f))
}

// closedOut is the confirmation after the statement; it can be opened again.
func (s *Server) closedOut(v *visit, w agreementView) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.attested"))
	p.Confirmation = &templates.Confirmation{Title: p.Title, ReferenceLabel: templates.M("licensee.reference"), Reference: w.a.Number,
		Next: []templates.Msg{templates.M("licensee.attested-1"), templates.M("licensee.attested-2")},
		Actions: []templates.Part{templates.Button{Text: templates.M("licensee.act-open"), Href: w.path("")},
			templates.Link{Text: templates.M("licensee.document-attestation"), Href: w.path("/documents/" + w.a.Attestation)}}}
	return pageOf(p)
}
