package portal

import (
	"net/http"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/templates"
)

// invitedStaff shows who was invited to be staff and has not come yet. Without it somebody who was added would be seen
// nowhere until he arrives, and a mail that got lost could not be sent again.
func (s *Server) invitedStaff(all []account.Invitation, v *visit) []templates.Part {
	if len(all) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.invited"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("staff.name")}, {Text: templates.M("staff.roles")},
		{Text: templates.M("staff.state")}, {Text: templates.M("staff.again")}}}
	for _, inv := range all {
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: templates.Text(inv.Name), Note: templates.Text(inv.Email)},
			invitedRoles(inv), invitedState(inv, v), invitedActs(inv, v)})
	}
	return []templates.Part{templates.Section{ID: "invited", Title: templates.M("staff.invited"), Parts: []templates.Part{t}}}
}

func invitedRoles(inv account.Invitation) templates.Msg {
	var roles []account.Role
	for role := range strings.SplitSeq(strings.TrimPrefix(inv.For, "staff:"), ",") {
		roles = append(roles, account.Role(role))
	}
	return roleWords(roles)
}

func invitedState(inv account.Invitation, v *visit) templates.Part {
	if inv.State(v.At) == account.InvitationExpired {
		return templates.Lines{templates.Expired, templates.Moment(inv.Expires)}
	}
	return templates.Lines{templates.Invited, templates.M("staff.invited-until", "Moment", templates.Moment(inv.Expires))}
}

func invitedActs(inv account.Invitation, v *visit) templates.Part {
	if !v.Who.Has(account.Desk, account.Operator) {
		return templates.M("common.none")
	}
	path := "/staff/invitations/" + inv.ID
	return templates.Lines{
		templates.Form{Action: path + "/again", Submit: templates.Button{Text: templates.M("staff.invite-again"), Kind: "secondary", Context: templates.Text(inv.Name)}},
		templates.Link{Text: templates.M("staff.withdraw"), Href: path + "/withdraw", Context: templates.Text(inv.Name)},
	}
}

// staffInvitation is the open invitation of a request, or errNowhere: it may have been accepted or withdrawn a moment ago.
func (s *Server) staffInvitation(r *http.Request) (found account.Invitation, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		all, err := s.cfg.Accounts.StaffInvitations(tx)
		for _, inv := range all {
			if inv.ID == r.PathValue("id") {
				found = inv
			}
		}
		return err
	})
	if err == nil && found.ID == "" {
		err = errNowhere
	}
	return found, err
}

// inviteStaff sends somebody who was invited to be staff a new link. Its words never reach who sends it.
func (s *Server) inviteStaff(_ http.ResponseWriter, r *http.Request, v *visit) error {
	inv, err := s.staffInvitation(r)
	if err != nil {
		return err
	}
	if err := s.cfg.Accounts.ResendStaff(r.Context(), v.Who, inv.ID); err != nil {
		return err
	}
	if err := v.tell(templates.Success, "staff.invited-again", "Name", inv.Name); err != nil {
		return err
	}
	return v.redirect("/staff")
}

// withdrawStaffPage asks before an invitation is called back, for instance because it went to a wrong address.
func (s *Server) withdrawStaffPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	inv, err := s.staffInvitation(r)
	if err != nil {
		return err
	}
	return s.showWithdrawStaff(v, inv, v.blank())
}

func (s *Server) showWithdrawStaff(v *visit, inv account.Invitation, f *form) error {
	p := v.page(templates.M("staff.withdraw.title", "Name", inv.Name))
	p.Section, p.Back, p.Errors = templates.M("staff.staff.nav"), toPage("/staff", templates.M("staff.staff.nav")), f.problems()
	return v.showParts(p, templates.AreYouSure{Action: "/staff/invitations/" + inv.ID + "/withdraw",
		Consequences: []templates.Msg{templates.M("staff.withdraw.means-1", "Email", inv.Email), templates.M("staff.withdraw.means-2", "Name", inv.Name)},
		Yes:          templates.M("staff.withdraw.yes"), Cancel: templates.Link{Text: templates.M("staff.cancel"), Href: "/staff"}})
}

func (s *Server) withdrawStaff(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	inv, err := s.staffInvitation(r)
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.WithdrawStaff(r.Context(), v.Who, inv.ID)
	if err == nil {
		if err := v.tell(templates.Success, "staff.withdraw.done", "Name", inv.Name); err != nil {
			return err
		}
		return v.redirect("/staff")
	}
	if !f.refuse(err) {
		return err
	}
	return s.showWithdrawStaff(v, inv, f)
}
