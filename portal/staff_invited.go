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
			invitedRoles(inv), invitedState(inv, v), inviteStaffAgain(inv, v)})
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
	switch inv.State(v.At) {
	case account.InvitationRevoked:
		return templates.Lines{templates.Withdrawn, templates.Day(inv.Revoked)}
	case account.InvitationExpired:
		return templates.Lines{templates.Expired, templates.Moment(inv.Expires)}
	}
	return templates.Lines{templates.Invited, templates.M("staff.invited-until", "Moment", templates.Moment(inv.Expires))}
}

func inviteStaffAgain(inv account.Invitation, v *visit) templates.Part {
	if !v.Who.Has(account.Desk, account.Operator) {
		return templates.M("common.none")
	}
	return templates.Form{Action: "/staff/invitations/" + inv.ID + "/again",
		Submit: templates.Button{Text: templates.M("staff.invite-again"), Kind: "secondary", Context: templates.Text(inv.Name)}}
}

// inviteStaff sends somebody who was invited to be staff a new link. Its words never reach who sends it.
func (s *Server) inviteStaff(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var name string
	id := r.PathValue("id")
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		all, err := s.cfg.Accounts.StaffInvitations(tx)
		for _, inv := range all {
			if inv.ID == id {
				name = inv.Name
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	if name == "" {
		return errNowhere // or accepted a moment ago
	}
	if err := s.cfg.Accounts.ResendStaff(r.Context(), v.Who, id); err != nil {
		return err
	}
	if err := v.tell(templates.Success, "staff.invited-again", "Name", name); err != nil {
		return err
	}
	return v.redirect("/staff")
}
