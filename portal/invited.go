package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// invitedAs are the parts that people are invited to, and "staff"; the words for each are in the message files.
var invitedAs = []string{string(licensing.Applicant), string(licensing.Signatory), string(licensing.ContactPart), "staff"}

// An invited is an invitation, and what it is for in words: the part and the number of the request, and no more, for whoever
// reads it has not accepted yet.
type invited struct {
	account.Invitation
	as     string // of invitedAs; "" where there are no words for it
	number string // "" of staff
	open   bool   // it still leads to something
}

func (s *Server) invited(tx *db.Tx, inv account.Invitation) (invited, error) {
	if strings.HasPrefix(inv.For, "staff:") {
		return invited{inv, "staff", "", true}, nil
	}
	offer, err := s.cfg.Registry.Offered(tx, inv)
	if errors.Is(err, licensing.ErrNotFound) {
		return invited{Invitation: inv}, nil
	}
	as := string(offer.Part)
	if !slices.Contains(invitedAs, as) {
		as = ""
	}
	return invited{inv, as, offer.Number, offer.Open}, err
}

// lookInvited is invited outside of a transaction.
func (s *Server) lookInvited(r *http.Request, inv account.Invitation) (in invited, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		in, err = s.invited(tx, inv)
		return err
	})
	return in, err
}

// named says what the reader was named as. Nothing where there are no words for it.
func (in invited) named() []templates.Part {
	if in.as == "" {
		return nil
	}
	return []templates.Part{text("invitation.named-"+in.as, "Number", in.number)}
}

// invitationTasks are the invitations to an address of the person of a visit that can still be accepted. Several may have
// been sent for one part: the newest is enough.
func (s *Server) invitationTasks(v *visit) ([]group, error) {
	g := group{Title: templates.M("invitation.tasks")}
	err := s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) error {
		all, err := s.cfg.Accounts.InvitationsTo(tx, v.Who.Person())
		if err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, inv := range all {
			in, err := s.invited(tx, inv)
			if err != nil {
				return err
			}
			if in.as == "" || !in.open || seen[inv.For] {
				continue
			}
			seen[inv.For] = true
			g.Tasks = append(g.Tasks, templates.Task{Title: templates.M("invitation.task-"+in.as, "Number", in.number), Href: OwnInvitation(inv.ID),
				Hint: templates.M("invitation.task-hint", "Email", inv.Email), Status: templates.ToDo, Due: inv.Expires})
		}
		return nil
	})
	return []group{g}, err
}

// OwnInvitation is the page on which somebody accepts an invitation to an address that is his already.
func OwnInvitation(id string) string { return "/invitations/" + id }

// ownInvitationPage is where somebody accepts an invitation to an address that is his, without the mailed link.
func (s *Server) ownInvitationPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	in, err := s.ownInvited(r, v)
	if err != nil {
		return err
	}
	if state := in.State(v.At); state != account.InvitationOpen {
		return v.show("parts", s.invitationOver(v, state))
	}
	return v.show("parts", s.acceptForm(v, v.blank(), in, OwnInvitation(in.ID), true))
}

// ownInvited is the invitation of a request. One to an address of somebody else does not exist.
func (s *Server) ownInvited(r *http.Request, v *visit) (in invited, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		inv, err := s.cfg.Accounts.InvitationTo(tx, v.Who.Person(), r.PathValue("id"))
		if err != nil {
			return err
		}
		in, err = s.invited(tx, inv)
		return err
	})
	return in, err
}

func (s *Server) acceptOwn(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	in, err := s.ownInvited(r, v)
	if err != nil {
		return err
	}
	err = s.cfg.Accounts.AcceptOwn(r.Context(), in.ID, v.Who)
	if err == nil {
		return v.accepted()
	}
	if !f.refuseWhole(err) {
		return err
	}
	return v.show("parts", s.acceptForm(v, f, in, OwnInvitation(in.ID), true))
}

// accepted goes home, where what follows waits.
func (v *visit) accepted() error {
	if err := v.tell(templates.Success, "invitation.done"); err != nil {
		return err
	}
	return v.redirect(templates.HomePath)
}
