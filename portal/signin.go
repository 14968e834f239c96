package portal

import (
	"errors"
	"net/http"
	"net/url"

	"sluice/infra/account"
	"sluice/templates"
)

// The paths of the links that mails hold; the secret of the link follows.
const (
	InvitationPath = "/invitation/"
	ResetPath      = "/reset/"
	EnrolmentPath  = "/enrol/"
)

// signInRoutes lead from the outside to being signed in with both factors.
func (s *Server) signInRoutes() {
	s.public("GET /sign-in", s.signInPage)
	s.public("POST /sign-in", s.signIn).limited(s.guesses)
	s.public("POST /sign-out", s.signOut)
	s.halfSignedIn("GET /sign-in/code", s.codePage)
	s.halfSignedIn("POST /sign-in/code", s.giveCode).limited(s.guesses)
	s.halfSignedIn("GET /sign-in/recovery", s.recoveryPage)
	s.halfSignedIn("POST /sign-in/recovery", s.giveRecoveryCode).limited(s.guesses)
	s.halfSignedIn("GET /sign-in/waiting", s.waitingPage)
	s.halfSignedIn("GET /sign-in/lost", s.lostPage)
	s.halfSignedIn("POST /sign-in/lost", s.reportLost)
	s.public("GET /lost-factor", s.lostDone)
	s.signedIn("GET /session", s.prolong)

	s.public("GET /reset", s.resetPage)
	s.public("POST /reset", s.requestReset).limited(s.requests)
	s.public("GET /reset/sent", s.resetSent)
	s.public("GET "+ResetPath+"{secret}", s.newPasswordPage)
	s.public("POST "+ResetPath+"{secret}", s.newPassword).limited(s.guesses)

	s.public("GET "+InvitationPath+"{secret}", s.invitationPage)
	s.public("POST "+InvitationPath+"{secret}", s.acceptInvitation).limited(s.guesses)
	s.signedIn("POST "+InvitationPath+"{secret}/accept", s.acceptAs).limited(s.guesses)
	s.signedIn("GET "+OwnInvitation("{id}"), s.ownInvitationPage)
	s.signedIn("POST "+OwnInvitation("{id}"), s.acceptOwn)

	s.halfSignedIn("POST /sign-in/link", s.askEnrolment).limited(s.guesses)
	s.halfSignedIn("GET /enrol", s.enrolPage)
	s.halfSignedIn("POST /enrol", s.enrol).limited(s.guesses)
	s.halfSignedIn("GET "+EnrolmentPath+"{secret}", s.enrolmentLinkPage)
	s.halfSignedIn("POST "+EnrolmentPath+"{secret}", s.openEnrolment).limited(s.guesses)
}

// onward is the address of the next step of signing in, which remembers where it all leads to.
func (v *visit) onward(step string) string {
	next := back(v.r.URL.Query().Get("next"))
	if next == templates.HomePath || step == templates.HomePath {
		return step
	}
	return step + "?next=" + url.QueryEscape(next)
}

// arrive goes on after a step: to what is still missing, or to where the person wanted to be.
func (v *visit) arrive() error {
	next := back(v.r.URL.Query().Get("next"))
	if v.Session.NeedsLink && len(next) > len(EnrolmentPath) && next[:len(EnrolmentPath)] == EnrolmentPath {
		return v.redirect(next)
	}
	if !v.Session.Full() {
		return v.redirect(v.onward(v.step()))
	}
	return v.redirect(next)
}

func (s *Server) signInPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if v.Session.Full() {
		return v.arrive()
	}
	return v.show("parts", s.signInForm(v, v.blank()))
}

func (s *Server) signInForm(v *visit, f *form) templates.Page {
	return formPage(v.page(templates.M("signin.title")), f, templates.Form{
		Fields: []templates.Part{
			f.input(templates.TextField{Name: "email", Type: "email", Label: templates.M("signin.email"), Autocomplete: "username"}),
			templates.PasswordField{Name: "password", Label: templates.M("signin.password")},
		},
		Submit: button("signin.button"),
		Other:  []templates.Part{link("signin.forgotten", "/reset")},
	}, text("signin.how"))
}

func (s *Server) signIn(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	email, password := f.need("email", templates.M("signin.email-missing")), f.raw("password")
	if password == "" {
		f.fail("password", templates.M("password.missing"))
	}
	if f.ok() {
		cookie, session, err := s.cfg.Accounts.SignIn(r.Context(), email, password, v.meta())
		if err == nil {
			if err := v.begin(cookie, session); err != nil {
				return err
			}
			return v.arrive()
		}
		if !f.refuse(err) {
			return err
		}
	}
	return v.show("parts", s.signInForm(v, f))
}

func (s *Server) signOut(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if err := v.forget(); err != nil {
		return err
	}
	if err := v.tell(templates.Success, "signin.signed-out"); err != nil {
		return err
	}
	return v.redirect("/sign-in")
}

// prolong answers the script that keeps a session alive: being asked is enough.
func (s *Server) prolong(w http.ResponseWriter, _ *http.Request, _ *visit) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) codePage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if !v.Session.NeedsCode {
		return v.arrive()
	}
	return v.show("parts", s.codeForm(v, v.blank()))
}

func (s *Server) codeForm(v *visit, f *form) templates.Page {
	return formPage(v.page(templates.M("signin.code-title")), f, templates.Form{
		Fields: []templates.Part{v.codeFor(v.Session.Person.ID, "code.hint-sign-in")},
		Submit: button("portal.continue"),
		Other:  []templates.Part{link("signin.use-recovery", v.onward("/sign-in/recovery")), link("signin.lost", "/sign-in/lost")},
	})
}

func (s *Server) giveCode(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.Session.NeedsCode {
		return v.arrive()
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	code := f.need("code", templates.M("code.missing"))
	if f.ok() {
		cookie, session, err := s.cfg.Accounts.GiveCode(r.Context(), v.Session, code, v.meta())
		if err == nil {
			if err := v.begin(cookie, session); err != nil {
				return err
			}
			return v.arrive()
		}
		if !f.refuse(err) {
			return err
		}
	}
	return v.show("parts", s.codeForm(v, f))
}

func (s *Server) recoveryPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if !v.Session.NeedsCode {
		return v.arrive()
	}
	return v.show("parts", s.recoveryForm(v, v.blank()))
}

func (s *Server) recoveryForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("signin.recovery-title"))
	p.Back = &templates.Link{Href: v.onward("/sign-in/code")}
	return formPage(p, f, templates.Form{
		// What was typed is not put back: a recovery code on a page is one more place to read it.
		Fields: []templates.Part{templates.TextField{Name: "code", Label: templates.M("signin.recovery-code"), Hint: templates.M("signin.recovery-hint"),
			Autocomplete: "off", Width: "medium"}},
		Submit: button("portal.continue"),
		Other:  []templates.Part{link("signin.lost-codes", "/sign-in/lost")},
	}, text("signin.recovery-means"))
}

func (s *Server) giveRecoveryCode(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if !v.Session.NeedsCode {
		return v.arrive()
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	code := f.need("code", templates.M("signin.recovery-missing"))
	if f.ok() {
		cookie, session, err := s.cfg.Accounts.GiveRecoveryCode(r.Context(), v.Session, code, v.meta())
		switch {
		case err == nil:
			if err := v.begin(cookie, session); err != nil {
				return err
			}
			if err := v.tell(templates.Warning, "signin.recovered"); err != nil {
				return err
			}
			return v.arrive()
		case errors.Is(err, account.ErrCode):
			f.fail("code", templates.M("signin.recovery-wrong"))
		default:
			return err
		}
	}
	return v.show("parts", s.recoveryForm(v, f))
}

// waitingPage is for somebody whose second factor is held, was removed or is void: what happens now, and who does it.
func (s *Server) waitingPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	p := v.page(templates.M("signin.waiting-title"))
	switch {
	case v.Session.Held:
		return v.show("parts", pageOf(p, templates.Turn{Who: templates.M("signin.desk"), What: templates.M("signin.held"), Next: templates.M("signin.held-next")}))
	case !v.Session.NeedsLink:
		return v.arrive()
	}
	way, err := s.cfg.Accounts.Return(r.Context(), v.Session)
	if err != nil {
		return err
	}
	switch way {
	case account.ByAsking:
		return v.show("parts", pageOf(p, templates.Turn{Yours: true, What: templates.M("signin.void"), Next: templates.M("signin.void-next")},
			templates.Form{Action: v.onward("/sign-in/link"), Submit: button("signin.void-button")}))
	case account.ByTwoOfStaff:
		return v.show("parts", pageOf(p, templates.Turn{Who: templates.M("signin.desk"), What: templates.M("signin.void-staff"), Next: templates.M("signin.held-next")}))
	}
	return v.show("parts", pageOf(p, templates.Turn{Yours: true, What: templates.M("signin.needs-link"), Next: templates.M("signin.needs-link-next")}))
}

// askEnrolment mails the link for a new second factor to somebody whose old one was lost with the local key.
func (s *Server) askEnrolment(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.cfg.Accounts.AskEnrolment(r.Context(), v.Session); err != nil {
		return err
	}
	if err := v.tell(templates.Success, "signin.void-sent"); err != nil {
		return err
	}
	return v.redirect(v.onward("/sign-in/waiting"))
}

func (s *Server) lostPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	if !v.Session.NeedsCode && !v.Session.Full() {
		return v.arrive()
	}
	cancel := "/sign-in/code"
	if v.Session.Full() {
		cancel = "/account"
	}
	return v.show("parts", pageOf(v.page(templates.M("signin.lost-title")), templates.AreYouSure{
		Action:       "/sign-in/lost",
		Consequences: []templates.Msg{templates.M("signin.lost-1"), templates.M("signin.lost-2"), templates.M("signin.lost-3")},
		Yes:          templates.M("signin.lost-yes"),
		Cancel:       link("portal.cancel", cancel),
	}))
}

func (s *Server) reportLost(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.cfg.Accounts.ReportLost(r.Context(), v.Session); err != nil {
		return err
	}
	if err := v.forget(); err != nil {
		return err
	}
	return v.redirect("/lost-factor")
}

// lostDone can be opened at any time: it tells the same to everybody.
func (s *Server) lostDone(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	p := v.page(templates.M("signin.lost-done"))
	p.Confirmation = &templates.Confirmation{Title: p.Title, Next: []templates.Msg{
		templates.M("signin.lost-next-1"), templates.M("signin.lost-next-2"), templates.M("signin.lost-next-3")}}
	return v.show("parts", pageOf(p))
}
