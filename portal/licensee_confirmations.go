package portal

import (
	"net/http"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// confirmationsPage is where the signatory of a licensee outside the EEA answers each statement; others read the answers.
func (s *Server) confirmationsPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, stated, err := s.stated(r, v)
	if err != nil {
		return err
	}
	if !w.answerable() {
		return v.show("parts", s.answersPage(v, w, stated))
	}
	f := v.blank()
	for _, c := range stated {
		f.values.Set("answer."+c.Item, string(c.Answer))
		f.values.Set("explanation."+c.Item, c.Explanation)
	}
	return v.show("parts", s.confirmationsForm(v, w, stated, f))
}

// stated reads the agreement with the words of its confirmations.
func (s *Server) stated(r *http.Request, v *visit) (w agreementView, stated []licensing.StatedConfirmation, err error) {
	if w, err = s.agreement(r, v); err != nil {
		return w, nil, err
	}
	if len(w.a.Confirmations) == 0 || !w.party() {
		return w, nil, licensing.ErrNotFound
	}
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		stated, err = s.cfg.Registry.Stated(tx, w.a)
		return err
	})
	return w, stated, err
}

// answerable says whether the viewer may answer now.
func (w agreementView) answerable() bool {
	return w.is(licensing.AsSignatory) && w.state() == licensing.Drafted
}

// answersPage is what was answered, for those who only read.
func (s *Server) answersPage(v *visit, w agreementView, stated []licensing.StatedConfirmation) templates.Page {
	list := templates.SummaryList{}
	for _, c := range stated {
		status := templates.Waiting
		if c.Answer != licensing.Unanswered {
			status = templates.Status(c.Answer)
		}
		value := templates.Part(status)
		if c.Explanation != "" {
			value = templates.Lines{status, templates.Text(c.Explanation)}
		}
		list.Rows = append(list.Rows, templates.SummaryRow{Key: templates.Text(c.Text), Value: value})
	}
	return pageOf(v.agreementShell(w, templates.M("licensee.answers-title")), w.turnWithout(), list)
}

// confirmationsForm asks for one answer to each statement, and for an explanation where it is no.
func (s *Server) confirmationsForm(v *visit, w agreementView, stated []licensing.StatedConfirmation, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.answers-title"))
	p.Errors = f.problems()
	form := templates.Form{Action: w.path("/confirmations"), Submit: templates.Button{Text: templates.M("licensee.answers-yes")},
		Other: []templates.Part{templates.Link{Text: templates.M("portal.cancel"), Href: w.path("")}}}
	for _, c := range stated {
		form.Hidden = append(form.Hidden, templates.Hidden{Name: "text." + c.Item, Value: c.TextVersion})
		form.Fields = append(form.Fields,
			f.radios(templates.Radios{Name: "answer." + c.Item, Label: templates.Text(c.Text), Choices: []templates.Choice{
				{Value: string(licensing.Confirmed), Text: templates.M("licensee.answer-yes")},
				{Value: string(licensing.NotConfirmed), Text: templates.M("licensee.answer-no"), Hint: templates.M("licensee.answer-no-hint")}}}),
			f.area(templates.TextArea{Name: "explanation." + c.Item, Label: templates.M("licensee.explanation"), Rows: 3, MaxLength: mostText, Optional: true}))
	}
	form.Fields = append(form.Fields, v.codeField())
	return pageOf(p, leading(templates.M("licensee.answers-lead", "Licensee", w.page.Request.Content.Licensee.Name)), w.turnWithout(),
		paragraph(templates.M("licensee.answers-about")), form)
}

// answerConfirmations takes all answers at once, each to the words that were shown.
func (s *Server) answerConfirmations(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, stated, err := s.stated(r, v)
	if err != nil {
		return err
	}
	if !w.may("agreement.answered") {
		return licensing.ErrNotFound
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if !w.answerable() {
		if err := v.tell(templates.Warning, "licensee.answers-not-now"); err != nil {
			return err
		}
		return v.redirect(w.path(""))
	}
	answers := f.answers(stated)
	err = v.prove(f, account.Act{Kind: "sign", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.AnswerConfirmations(r.Context(), v.Who, proof, w.a.ID, answers)
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		// The same form may have come twice, and the other one was first.
		if now, _, err := s.stated(r, v); err == nil && now.a.Rev != w.a.Rev && !now.answerable() {
			return v.redirect(now.path(""))
		}
		return v.show("parts", s.confirmationsForm(v, w, stated, f))
	}
	if err := v.tell(templates.Success, "licensee.answered"); err != nil {
		return err
	}
	return v.redirect(w.path(""))
}

// answers reads an answer to each statement.
func (f *form) answers(stated []licensing.StatedConfirmation) []licensing.AnswerInput {
	var answers []licensing.AnswerInput
	for i, c := range stated {
		in := licensing.AnswerInput{Item: c.Item, TextVersion: f.raw("text." + c.Item)}
		answer := f.choice("answer."+c.Item, templates.M("licensee.answer-missing", "Number", i+1), string(licensing.Confirmed), string(licensing.NotConfirmed))
		in.Confirmed, in.Explanation = answer == string(licensing.Confirmed), f.text("explanation."+c.Item)
		if answer == string(licensing.NotConfirmed) && in.Explanation == "" {
			f.fail("explanation."+c.Item, templates.M("licensee.explanation-missing", "Number", i+1))
		}
		f.within(mostText, "explanation."+c.Item)
		f.printable("explanation." + c.Item)
		answers = append(answers, in)
	}
	return answers
}
