package portal

import (
	"net/http"
	"net/url"

	"sluice/infra/account"
	"sluice/templates"
)

// invitationPage shows what an invitation leads to. It uses nothing up: programs that look through mail open links too.
func (s *Server) invitationPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	secret := r.PathValue("secret")
	inv, state, err := s.cfg.Accounts.LookInvitation(r.Context(), secret)
	if err != nil {
		return err
	}
	switch {
	case state != account.InvitationOpen && state != account.InvitationSignIn:
		return v.show("parts", s.invitationOver(v, state))
	case v.Session.Full():
		return v.show("parts", s.acceptAsForm(v, v.blank(), inv, secret))
	case state == account.InvitationSignIn:
		return v.show("parts", s.signInToAccept(v, inv))
	}
	return v.show("parts", s.newAccountForm(v, v.blank("name", inv.Name), inv))
}

func (s *Server) invitationOver(v *visit, state account.InvitationState) templates.Page {
	key := "invitation.expired"
	switch state {
	case account.InvitationAccepted:
		key = "invitation.accepted"
	case account.InvitationRevoked:
		key = "invitation.revoked"
	}
	return pageOf(v.page(templates.M("invitation.over")), text(key), templates.Actions{templates.Button{Text: templates.M("signin.title"), Href: "/sign-in"}})
}

func (s *Server) signInToAccept(v *visit, inv account.Invitation) templates.Page {
	return pageOf(v.page(templates.M("invitation.known-title")), text("invitation.known", "Email", inv.Email),
		templates.Actions{templates.Button{Text: templates.M("signin.title"), Href: "/sign-in?next=" + url.QueryEscape(v.r.URL.Path)}})
}

func (s *Server) newAccountForm(v *visit, f *form, inv account.Invitation) templates.Page {
	return formPage(v.page(templates.M("invitation.title")), f, templates.Form{
		Action: v.r.URL.Path,
		Fields: []templates.Part{
			templates.SummaryList{Rows: []templates.SummaryRow{{Key: templates.M("signin.email"), Value: templates.Text(inv.Email)}}},
			f.input(templates.TextField{Name: "name", Label: templates.M("invitation.name"), Hint: templates.M("invitation.name-hint"), Autocomplete: "name"}),
			passwordField(),
		},
		Submit: button("invitation.button"),
	}, text("invitation.how"))
}

func (s *Server) acceptInvitation(_ http.ResponseWriter, r *http.Request, v *visit) error {
	secret := r.PathValue("secret")
	f, err := v.form()
	if err != nil {
		return err
	}
	inv, state, err := s.cfg.Accounts.LookInvitation(r.Context(), secret)
	if err != nil {
		return err
	}
	if state != account.InvitationOpen {
		return v.redirect(v.r.URL.Path)
	}
	name, password := f.text("name"), f.raw("password")
	cookie, session, err := s.cfg.Accounts.Accept(r.Context(), secret, account.Acceptance{Name: name, Password: password, Lang: v.Lang}, v.meta())
	if err == nil {
		if err := v.begin(cookie, session); err != nil {
			return err
		}
		return v.redirect("/enrol")
	}
	if !f.refuse(err) {
		return err
	}
	return v.show("parts", s.newAccountForm(v, f, inv))
}

func (s *Server) acceptAsForm(v *visit, f *form, inv account.Invitation, secret string) templates.Page {
	return formPage(v.page(templates.M("invitation.accept-title")), f, templates.Form{
		Action: InvitationPath + secret + "/accept",
		Submit: button("invitation.accept"),
		Other:  []templates.Part{link("portal.cancel", templates.HomePath)},
	}, text("invitation.as", "Email", inv.Email, "Name", v.Session.Person.Name), text("invitation.not-you"))
}

func (s *Server) acceptAs(_ http.ResponseWriter, r *http.Request, v *visit) error {
	secret := r.PathValue("secret")
	f, err := v.form()
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.AcceptAs(r.Context(), secret, v.Who)
	if err == nil {
		if err := v.tell(templates.Success, "invitation.done"); err != nil {
			return err
		}
		return v.redirect(templates.HomePath)
	}
	if !f.refuse(err) {
		return err
	}
	inv, _, err := s.cfg.Accounts.LookInvitation(r.Context(), secret)
	if err != nil {
		return err
	}
	return v.show("parts", s.acceptAsForm(v, f, inv, secret))
}
