package portal

import (
	"errors"
	"net/http"
	"strings"

	"sluice/infra/account"
	"sluice/templates"
)

// enrolPage shows the QR code of a new second factor to a session that may enrol one without a code of the old one. Opened
// again it shows the same code.
func (s *Server) enrolPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if v.Session.Full() && !v.Session.Recovered {
		return v.redirect("/account/factor")
	}
	if !v.Session.Full() && !v.Session.NeedsEnrolment {
		return v.arrive()
	}
	e, err := s.cfg.Accounts.BeginEnrolment(r.Context(), v.Session, account.Proof{})
	if err != nil {
		return err
	}
	p, err := s.enrolForm(v, v.blank(), &e)
	if err != nil {
		return err
	}
	return v.show("parts", p)
}

// enrolForm asks for the first code. Without the enrolment the QR code was on the page before, and is in the app by now.
func (s *Server) enrolForm(v *visit, f *form, e *account.Enrolment) (templates.Page, error) {
	before := []templates.Part{text("enrol.how")}
	if e != nil {
		qr, err := templates.NewQRCode(e.URL, strings.ReplaceAll(e.Secret, " ", ""), templates.M("enrol.scan"))
		if err != nil {
			return templates.Page{}, err
		}
		before = append(before, qr)
	}
	code := v.codeFor(v.Session.Person.ID, "code.hint-first")
	code.DemoCode = "" // that is of the factor there was before
	return formPage(v.page(templates.M("enrol.title")), f, templates.Form{
		Action: v.onward("/enrol"),
		Fields: []templates.Part{code},
		Submit: button("enrol.button"),
	}, before...), nil
}

func (s *Server) enrol(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	code := f.need("code", templates.M("code.missing"))
	if f.ok() {
		codes, cookie, session, err := s.cfg.Accounts.FinishEnrolment(r.Context(), v.Session, code, v.meta())
		if err == nil {
			if err := v.begin(cookie, session); err != nil {
				return err
			}
			return v.show("parts", s.recoveryCodes(v, "enrol.done", codes, back(r.URL.Query().Get("next"))))
		}
		if !f.refuse(err) {
			return err
		}
	}
	var again *account.Enrolment
	e, err := s.cfg.Accounts.BeginEnrolment(r.Context(), v.Session, account.Proof{})
	switch {
	case err == nil:
		again = &e
	case !errors.Is(err, account.ErrNotProved):
		return err
	}
	p, err := s.enrolForm(v, f, again)
	if err != nil {
		return err
	}
	return v.show("parts", p)
}

// recoveryCodes is the only page that ever shows them. It answers the form itself: after a redirect they would have to
// wait somewhere.
func (s *Server) recoveryCodes(v *visit, done string, codes []string, next string) templates.Page {
	p := v.page(templates.M("enrol.codes-title"))
	p.Notice = &templates.Notice{Tone: templates.Success, Title: templates.M(done), Status: true}
	return pageOf(p, text("enrol.codes-how"),
		templates.Secret{Label: templates.M("enrol.codes"), Values: codes, Hint: templates.M("enrol.codes-hint")},
		templates.Actions{templates.Button{Text: templates.M("enrol.codes-kept"), Href: next}})
}

// enrolmentLinkPage is where the mailed link leads after a lost factor was removed.
func (s *Server) enrolmentLinkPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if !v.Session.NeedsLink {
		return v.arrive()
	}
	return v.show("parts", formPage(v.page(templates.M("enrol.link-title")), v.blank(), templates.Form{
		Action: v.r.URL.Path, Submit: button("portal.continue")}, text("enrol.link-how")))
}

func (s *Server) openEnrolment(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.Session.NeedsLink {
		return v.arrive()
	}
	if err := s.cfg.Accounts.OpenEnrolment(r.Context(), v.Session, r.PathValue("secret")); err != nil {
		return err
	}
	return v.redirect("/enrol")
}

// factorPage is where somebody who has his app still replaces it by another one.
func (s *Server) factorPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.factorForm(v, v.blank()))
}

func (s *Server) factorForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("enrol.replace-title"))
	p.Section, p.Back = templates.M("account.nav"), &templates.Link{Href: "/account"}
	return formPage(p, f, templates.Form{
		Fields: []templates.Part{v.codeField()},
		Submit: button("portal.continue"),
		Other:  []templates.Part{link("signin.lost", "/sign-in/lost")},
	}, text("enrol.replace-how"))
}

func (s *Server) replaceFactor(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	proof, err := v.confirm(r, account.FactorAct(v.Who.Person()))
	if err == nil {
		e, err := s.cfg.Accounts.BeginEnrolment(r.Context(), v.Session, proof)
		if err != nil {
			return err
		}
		p, err := s.enrolForm(v, v.blank(), &e)
		if err != nil {
			return err
		}
		return v.show("parts", p)
	}
	if !f.refuse(err) {
		return err
	}
	return v.show("parts", s.factorForm(v, f))
}

// codesPage is where somebody who has his app gets new recovery codes, without setting the app up again.
func (s *Server) codesPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.codesForm(v, v.blank()))
}

func (s *Server) codesForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("enrol.renew-title"))
	p.Section, p.Back = templates.M("account.nav"), &templates.Link{Href: "/account"}
	return formPage(p, f, templates.Form{
		Fields: []templates.Part{v.codeField()},
		Submit: button("enrol.renew-button"),
		Other:  []templates.Part{link("signin.lost", "/sign-in/lost")},
	}, text("enrol.renew-how"))
}

func (s *Server) renewCodes(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var codes []string
	err = v.prove(f, account.FactorAct(v.Who.Person()), func(proof account.Proof) (err error) {
		codes, err = s.cfg.Accounts.RenewRecoveryCodes(r.Context(), v.Session, proof)
		return err
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		return v.show("parts", s.codesForm(v, f))
	}
	return v.show("parts", s.recoveryCodes(v, "enrol.renewed", codes, "/account"))
}
