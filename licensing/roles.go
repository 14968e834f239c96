package licensing

import (
	"slices"

	"sluice/infra/account"
)

// A Role is what somebody is towards one request: a part in it, staff, or nothing.
type Role string

// The roles. Somebody may have several.
const (
	AsApplicant      Role = "applicant"
	AsSignatory      Role = "signatory"
	AsRepresentative Role = "representative"
	AsContact        Role = "contact"
	AsDesk           Role = "desk"
	AsStaffSigner    Role = "representative-staff" // may sign for the foundation, in other requests
	AsSteward        Role = "steward"
	AsAuditor        Role = "auditor"
	AsOperator       Role = "operator"
	AsHost           Role = "host"   // the command line
	AsWorker         Role = "worker" // Sluice itself
	AsStranger       Role = "stranger"
)

// Roles lists them, for the table of permissions.
func Roles() []Role {
	return []Role{AsApplicant, AsSignatory, AsRepresentative, AsContact, AsDesk, AsStaffSigner, AsSteward, AsAuditor, AsOperator, AsHost,
		AsWorker, AsStranger}
}

// rolesIn are somebody's roles towards a request or agreement. A removed contact has none, and neither has one who was
// never admitted.
func (r *Registry) rolesIn(who account.Who, parties []Party, contacts []Contact) []Role {
	var roles []Role
	if who.Scope() != "" {
		return nil // a token reads files and is for nothing else
	}
	if p := who.Person(); p != "" {
		if partyOf(parties, Applicant).Person == p {
			roles = append(roles, AsApplicant)
		}
		if partyOf(parties, Signatory).Person == p {
			roles = append(roles, AsSignatory)
		}
		// Who has left the staff signs nothing for the foundation any more, whatever he was named for.
		if partyOf(parties, Representative).Person == p && who.Has(account.Representative) {
			roles = append(roles, AsRepresentative)
		}
		if slices.ContainsFunc(contacts, func(c Contact) bool { return c.Person == p && c.Admitted() }) {
			roles = append(roles, AsContact)
		}
		for _, staff := range []struct {
			has account.Role
			is  Role
		}{{account.Desk, AsDesk}, {account.Representative, AsStaffSigner}, {account.Steward, AsSteward}, {account.Auditor, AsAuditor}, {account.Operator, AsOperator}} {
			if who.Has(staff.has) {
				roles = append(roles, staff.is)
			}
		}
	} else if who.Actor() != (account.Who{}).Actor() {
		roles = append(roles, AsHost)
	}
	return roles
}

// sees says whether roles let somebody know that a request exists.
func sees(roles []Role) bool {
	return slices.ContainsFunc(roles, func(r Role) bool {
		return slices.Contains([]Role{AsApplicant, AsSignatory, AsRepresentative, AsContact, AsDesk, AsStaffSigner, AsAuditor, AsHost}, r)
	})
}
