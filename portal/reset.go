package portal

import (
	"errors"
	"net/http"

	"sluice/infra/account"
	"sluice/templates"
)

func (s *Server) resetPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.resetForm(v, v.blank()))
}

func (s *Server) resetForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("reset.title"))
	p.Back = &templates.Link{Href: "/sign-in"}
	return formPage(p, f, templates.Form{
		Fields: []templates.Part{f.input(templates.TextField{Name: "email", Type: "email", Label: templates.M("signin.email"), Autocomplete: "username"})},
		Submit: button("reset.button"),
	}, text("reset.how"))
}

func (s *Server) requestReset(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	email := f.need("email", templates.M("signin.email-missing"))
	if f.ok() {
		err := s.cfg.Accounts.RequestReset(r.Context(), email, v.meta())
		if err == nil {
			return v.redirect("/reset/sent")
		}
		if !f.refuse(err) {
			return err
		}
	}
	return v.show("parts", s.resetForm(v, f))
}

// resetSent says the same for every address, whether or not it has an account.
func (s *Server) resetSent(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	p := v.page(templates.M("reset.sent"))
	p.Confirmation = &templates.Confirmation{Title: p.Title, Next: []templates.Msg{
		templates.M("reset.sent-1"), templates.M("reset.sent-2"), templates.M("reset.sent-3")}}
	return v.show("parts", pageOf(p))
}

func (s *Server) newPasswordPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := s.cfg.Accounts.LookReset(r.Context(), r.PathValue("secret")); err != nil {
		return err
	}
	return v.show("parts", s.newPasswordForm(v, v.blank()))
}

func (s *Server) newPasswordForm(v *visit, f *form) templates.Page {
	return formPage(v.page(templates.M("reset.new-title")), f, templates.Form{
		Fields: []templates.Part{passwordField()},
		Submit: button("reset.new-button"),
	}, text("reset.new-how"))
}

// passwordField asks for a new password and says beforehand what it must be like.
func passwordField() templates.PasswordField {
	return templates.PasswordField{Name: "password", New: true, Label: templates.M("password.new"), Hint: templates.M("password.rules")}
}

func (s *Server) newPassword(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.Reset(r.Context(), r.PathValue("secret"), f.raw("password"))
	if err == nil {
		// Whoever was signed in here has just been signed out everywhere.
		if err := v.forget(); err != nil {
			return err
		}
		if err := v.tell(templates.Success, "reset.done"); err != nil {
			return err
		}
		return v.redirect("/sign-in")
	}
	if !f.refuse(err) {
		return err
	}
	return v.show("parts", s.newPasswordForm(v, f))
}

// passwordPage is where somebody who is signed in chooses another password.
func (s *Server) passwordPage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.passwordForm(v, v.blank()))
}

func (s *Server) passwordForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("password.title"))
	p.Section, p.Back = templates.M("account.nav"), &templates.Link{Href: "/account"}
	return formPage(p, f, templates.Form{
		Fields: []templates.Part{
			templates.PasswordField{Name: "old", Label: templates.M("password.old")},
			passwordField(),
			v.codeField(),
		},
		Submit: button("password.button"),
		Other:  []templates.Part{link("portal.cancel", "/account")},
	}, text("password.ends"))
}

func (s *Server) changePassword(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	old, fresh := f.raw("old"), f.raw("password")
	f.note("code")
	if old == "" {
		f.fail("old", templates.M("password.old-missing"))
	}
	if err := s.cfg.Accounts.CheckPassword(fresh, v.Session.Person.Name); err != nil && !f.refuse(err) {
		return err
	}
	if f.ok() {
		err := s.setPassword(r, v, old, fresh)
		switch {
		case err == nil:
			if err := v.tell(templates.Success, "password.changed"); err != nil {
				return err
			}
			return v.redirect("/account")
		case errors.Is(err, account.ErrOldPassword):
			f.fail("old", templates.M("password.old-wrong"))
		case !f.refuse(err):
			return err
		}
	}
	return v.show("parts", s.passwordForm(v, f))
}

func (s *Server) setPassword(r *http.Request, v *visit, old, fresh string) error {
	proof, err := v.confirm(r, account.FactorAct(v.Who.Person()))
	if err != nil {
		return err
	}
	cookie, session, err := s.cfg.Accounts.ChangePassword(r.Context(), v.Session, proof, old, fresh, v.meta())
	if err != nil {
		return err
	}
	return v.begin(cookie, session)
}
