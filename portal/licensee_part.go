package portal

import (
	"net/http"
	"slices"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
)

// asPart is a part in a sentence.
func asPart(p licensing.Part) templates.Msg { return templates.M("licensee.as-" + string(p)) }

// ofTheDesk says that a succession is still, or has stayed, among staff: who has the part must not read who might get it.
func ofTheDesk(m licensing.Amendment) bool {
	return m.Type == licensing.ChangeParty && m.State != licensing.Effective
}

// toTake is the amendment by which the viewer got a part that he has not accepted yet.
func (w agreementView) toTake() (licensing.Amendment, bool) {
	for _, part := range []licensing.Part{licensing.Signatory, licensing.Applicant} {
		if m, waits := w.a.Awaits(part); waits && w.viewer != "" && w.a.Party(part).Person == w.viewer {
			return m, true
		}
	}
	return licensing.Amendment{}, false
}

// turnTakePart is the turn of somebody who has got a part. The others wait for a new signatory only where it is the signatory's
// turn, or might be; that access is suspended matters more.
func (w agreementView) turnTakePart() (templates.Turn, bool) {
	switch w.state() {
	case licensing.InForce, licensing.Suspended, licensing.Ended, licensing.Terminated:
	default:
		return templates.Turn{}, false
	}
	due := w.due(licensing.TaskTakePart)
	if m, waits := w.toTake(); waits {
		part := asPart(m.Succession.Part)
		return templates.Turn{Yours: true, What: templates.M("licensee.turn-take-part", "Part", part), Until: due,
			Next: templates.M("licensee.next-take-part", "Part", part), Act: act("licensee.act-take-part", w.path("/part"))}, true
	}
	m, waits := w.a.Awaits(licensing.Signatory)
	if !waits || w.state() == licensing.Suspended || w.a.Halted || w.state() == licensing.InForce && !w.party() {
		return templates.Turn{}, false
	}
	return templates.Turn{Who: templates.Text(m.Succession.Party.Name), What: templates.M("licensee.turn-take-part-other"), Until: due,
		Next: templates.M("licensee.next-take-part-other")}, true
}

// takenOver are the parts that somebody else has since the signing.
func (w agreementView) takenOver() []templates.Step {
	var steps []templates.Step
	for _, m := range w.a.Amendments {
		s := m.Succession
		if m.Type != licensing.ChangeParty || m.State != licensing.Effective || w.a.Party(s.Part).ID != s.Party.ID {
			continue
		}
		step := templates.Step{Title: templates.M("licensee.taken-over", "Name", s.Party.Name, "Part", asPart(s.Part)), Status: templates.Waiting}
		if !s.Accepted.IsZero() {
			step.Status, step.Hint = templates.Done, templates.Moment(s.Accepted)
		}
		steps = append(steps, step)
	}
	return steps
}

// successionRows say who had the part, who has it, and whether he has accepted it.
func (w agreementView) successionRows(m licensing.Amendment) []templates.SummaryRow {
	s := m.Succession
	var rows []templates.SummaryRow
	if i := slices.IndexFunc(w.a.Aside, func(p licensing.Party) bool { return p.ID == s.Was }); i >= 0 {
		rows = append(rows, templates.SummaryRow{Key: templates.M("licensee.part-was"), Value: templates.Text(w.a.Aside[i].Name)})
	}
	rows = append(rows, templates.SummaryRow{Key: templates.M("licensee.part-is"), Value: templates.Noted{Main: templates.Text(s.Party.Name), Note: templates.Text(s.Party.Position)}})
	if !s.Accepted.IsZero() {
		rows = append(rows, templates.SummaryRow{Key: templates.M("licensee.part-accepted"), Value: templates.Moment(s.Accepted)})
	}
	return rows
}

// takePartPage asks the new signatory or applicant to accept the part, over the amendment that gives it.
func (s *Server) takePartPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "amendment.party-accepted")
	if err != nil {
		return err
	}
	m, waits := w.toTake()
	if !waits {
		return v.redirect(w.path(""))
	}
	return v.show("parts", s.takePartForm(v, w, m, v.blank()))
}

func (s *Server) takePartForm(v *visit, w agreementView, m licensing.Amendment, f *form) templates.Page {
	part := asPart(m.Succession.Part)
	p := v.agreementShell(w, templates.M("licensee.take-title", "Number", w.a.Number))
	p.Errors = f.problems()
	content := w.page.Request.Content
	paths := func(page, pdf string) []templates.Link {
		return []templates.Link{{Text: templates.M("licensee.read"), Href: page}, {Text: templates.M("licensee.pdf"), Href: pdf, Download: true}}
	}
	amendment := w.path("/documents/" + m.SHA256)
	shown := templates.SummaryList{Rows: []templates.SummaryRow{
		{Key: templates.M("licensee.text"), Value: templates.Lines{templates.M("licensee.version", "Version", w.a.Version), templates.Code(w.a.SHA256)}, Actions: paths(w.versionPath(""), w.versionPath(".pdf"))},
		{Key: templates.M("licensee.document-amendment", "Number", w.amendmentNumber(m)), Value: templates.Code(m.SHA256), Actions: paths(amendment, amendment+".pdf")},
		{Key: templates.M("licensee.project"), Value: templates.Text(content.Title)},
		{Key: templates.M("licensee.licensee"), Value: templates.Text(content.Licensee.Name)},
		{Key: templates.M("licensee.your-part"), Value: part},
	}}
	statement := templates.M("licensee.take-statement-"+string(m.Succession.Part), "Licensee", content.Licensee.Name, "Foundation", s.cfg.Foundation)
	return pageOf(p, leading(templates.M("licensee.take-lead", "Part", part)), shown, templates.AreYouSure{Action: w.path("/part"), Calm: true,
		Consequences: []templates.Msg{templates.M("licensee.take-means-" + string(m.Succession.Part)), templates.M("licensee.take-means-hash")},
		Hidden:       []templates.Hidden{{Name: "sha256", Value: m.SHA256}},
		Fields: []templates.Part{f.boxes(templates.Checkboxes{Name: "accept", Label: templates.M("licensee.take-accept"), Choices: []templates.Choice{{Value: "yes", Text: statement}}}),
			v.codeField()},
		Yes: templates.M("licensee.take-yes"), Cancel: templates.Link{Text: templates.M("portal.cancel"), Href: w.path("")}})
}

// takePart takes the part. Whoever does not want it leaves it, and tells the desk: nobody acts in it until then.
func (s *Server) takePart(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "amendment.party-accepted")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	m, waits := w.toTake()
	if !waits { // sent twice
		return v.redirect(w.path(""))
	}
	if !f.has("accept", "yes") {
		f.fail("accept", templates.M("licensee.take-accept-missing"))
	}
	hash := f.raw("sha256")
	err = v.prove(f, account.Act{Kind: "sign", Subject: "amendment:" + string(m.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.AcceptPart(r.Context(), v.Who, proof, w.a.ID, m.ID, hash)
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		return v.show("parts", s.takePartForm(v, w, m, f))
	}
	if err := v.tell(templates.Success, "licensee.taken", "Number", w.a.Number); err != nil {
		return err
	}
	return v.redirect(w.path(""))
}
