package portal

import (
	"net/http"
	"net/url"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/templates"
)

// invitationPage shows what an invitation leads to. It uses nothing up: programs that look through mail open links too.
func (s *Server) invitationPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	secret := r.PathValue("secret")
	inv, state, err := s.cfg.Accounts.LookInvitation(r.Context(), secret)
	if err != nil {
		return err
	}
	if state != account.InvitationOpen && state != account.InvitationSignIn {
		return v.show("parts", s.invitationOver(v, state))
	}
	in, err := s.lookInvited(r, inv)
	if err != nil {
		return err
	}
	switch {
	case v.Session.Full():
		return s.showAcceptAs(v, r, v.blank(), in, secret)
	case state == account.InvitationSignIn:
		return v.show("parts", s.signInToAccept(v, inv))
	}
	return v.show("parts", s.newAccountForm(v, v.blank("name", inv.Name), in))
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

func (s *Server) newAccountForm(v *visit, f *form, in invited) templates.Page {
	return formPage(v.page(templates.M("invitation.title")), f, templates.Form{
		Action: v.r.URL.Path,
		Fields: []templates.Part{
			templates.SummaryList{Rows: []templates.SummaryRow{{Key: templates.M("signin.email"), Value: templates.Text(in.Email)}}},
			f.input(templates.TextField{Name: "name", Label: templates.M("invitation.name"), Hint: templates.M("invitation.name-hint"), Autocomplete: "name"}),
			passwordField(),
		},
		Submit: button("invitation.button"),
	}, append(in.named(), text("invitation.how"))...)
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
	in, err := s.lookInvited(r, inv)
	if err != nil {
		return err
	}
	return v.show("parts", s.newAccountForm(v, f, in))
}

// acceptForm asks somebody who is signed in whether he accepts. The address is his already, or becomes his.
func (s *Server) acceptForm(v *visit, f *form, in invited, action string, own bool) templates.Page {
	key := "invitation.as"
	if own {
		key = "invitation.as-own"
	}
	return formPage(v.page(templates.M("invitation.accept-title")), f, templates.Form{
		Action: action,
		Submit: button("invitation.accept"),
		Other:  []templates.Part{link("portal.cancel", templates.HomePath)},
	}, append(in.named(), text(key, "Email", in.Email, "Name", v.Session.Person.Name), text("invitation.not-you"))...)
}

func (s *Server) showAcceptAs(v *visit, r *http.Request, f *form, in invited, secret string) error {
	var own bool
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		p, found, err := s.cfg.Accounts.ByEmail(tx, in.Email)
		own = found && p.ID == v.Who.Person()
		return err
	})
	if err != nil {
		return err
	}
	return v.show("parts", s.acceptForm(v, f, in, InvitationPath+secret+"/accept", own))
}

func (s *Server) acceptAs(_ http.ResponseWriter, r *http.Request, v *visit) error {
	secret := r.PathValue("secret")
	f, err := v.form()
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.AcceptAs(r.Context(), secret, v.Who)
	if err == nil {
		return v.accepted()
	}
	if !f.refuseWhole(err) {
		return err
	}
	inv, _, err := s.cfg.Accounts.LookInvitation(r.Context(), secret)
	if err != nil {
		return err
	}
	in, err := s.lookInvited(r, inv)
	if err != nil {
		return err
	}
	return s.showAcceptAs(v, r, f, in, secret)
}
