package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/infra/db"
)

// Roles lists every role of staff, in the order in which they are shown.
var Roles = []Role{Desk, Steward, Representative, Auditor, Operator}

// Errors of keeping staff.
var (
	// ErrBootstrapped: the first two members of staff were made before.
	ErrBootstrapped = errors.New("the first members of staff were invited already")
	// ErrRoles: roles that do not exist, or none.
	ErrRoles = errors.New("choose at least one role")
	// ErrTerm: a role whose end is not after its beginning.
	ErrTerm = errors.New("the end of a role must be in the future and after its beginning")
	// ErrTooFew: with fewer than two who can propose and confirm, nobody could ever be added.
	ErrTooFew = errors.New("the first two must be two people, each with the role desk or operator")
)

// NewStaff is somebody who is to get roles.
type NewStaff struct {
	Name  string    `json:"name"`
	Email string    `json:"email"`
	Lang  string    `json:"lang"`
	Roles []Role    `json:"roles"`
	From  time.Time `json:"from"`  // zero: at once
	Until time.Time `json:"until"` // zero: open
}

func (n *NewStaff) check(at time.Time) error {
	var err error
	if n.Email, err = Address(n.Email); err != nil {
		return err
	}
	if n.Name, err = cleanName(n.Name); err != nil {
		return err
	}
	if len(n.Roles) == 0 {
		return ErrRoles
	}
	for _, r := range n.Roles {
		if !slices.Contains(Roles, r) {
			return ErrRoles
		}
	}
	n.Roles = slices.Compact(slices.Sorted(slices.Values(n.Roles)))
	if !n.Until.IsZero() && (!n.Until.After(at) || !n.Until.After(n.From)) {
		return ErrTerm
	}
	return nil
}

// Bootstrap invites the first two members of staff, from the host's command line, once in the life of a database. It
// returns the ids of the invitations, in order; their links are mailed, or made by Link where there is no mail.
func (a *Accounts) Bootstrap(ctx context.Context, host Who, two [2]NewStaff) (ids [2]string, err error) {
	if host.IsPerson() || host.host == (db.Actor{}) {
		return ids, ErrNotAllowed
	}
	err = a.db.Change(ctx, host.Actor(), func(tx *db.Tx) error {
		n, err := tx.Next("account bootstrap")
		if err != nil {
			return err
		}
		if n != 1 {
			return ErrBootstrapped
		}
		for i := range two {
			if len(two[i].Roles) == 0 {
				two[i].Roles = []Role{Desk, Operator}
			}
			if err := two[i].check(tx.At); err != nil {
				return err
			}
			if !slices.Contains(two[i].Roles, Desk) && !slices.Contains(two[i].Roles, Operator) {
				return ErrTooFew
			}
		}
		if two[0].Email == two[1].Email {
			return ErrTooFew
		}
		for i, n := range two {
			if ids[i], err = a.engage(tx, n); err != nil {
				return err
			}
		}
		return tx.Record("staff", bootstrapped{Invitations: ids[:]})
	})
	return ids, err
}

// StaffInvitations lists the invitations to become staff that nobody has accepted and nobody withdrew, in the order in
// which they were made.
func (a *Accounts) StaffInvitations(tx *db.Tx) ([]Invitation, error) {
	rows, err := tx.Query(`SELECT id FROM invitations WHERE purpose LIKE 'staff:%' AND accepted = 0 AND revoked = 0 ORDER BY created, id`)
	if err != nil {
		return nil, fmt.Errorf("reading invitations of staff: %w", err)
	}
	defer rows.Close()
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	all := make([]Invitation, len(ids))
	for i, id := range ids {
		if all[i], err = a.Invitation(tx, id); err != nil {
			return nil, err
		}
	}
	return all, rows.Err()
}

// ResendStaff mails the invitation of a member of staff once more: the host may, and staff may.
func (a *Accounts) ResendStaff(ctx context.Context, who Who, id string) error {
	if !who.Has(Desk, Operator) {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		inv, err := a.Invitation(tx, id)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(inv.For, "staff:") {
			return ErrNotAllowed
		}
		if !inv.Revoked.IsZero() {
			return ErrLink // one person calls it back because it was wrong; another alone does not send it out again
		}
		if err := a.Resend(tx, id); err != nil {
			return err
		}
		return a.mailInvitation(tx, inv)
	})
}

// WithdrawStaff calls the invitation of a member of staff back, and the roles that wait with it. One member of staff is
// enough, for that opens nothing; two add the person again, under the right address. Of the first two of staff neither is
// withdrawn while nobody else could second what the other proposes.
func (a *Accounts) WithdrawStaff(ctx context.Context, who Who, id string) error {
	if !who.IsPerson() || !who.Has(seconding...) {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		inv, err := a.Invitation(tx, id)
		if err != nil {
			return err
		}
		if !strings.HasPrefix(inv.For, "staff:") {
			return ErrNotAllowed
		}
		if !inv.Accepted.IsZero() || !inv.Revoked.IsZero() {
			return ErrLink
		}
		if n, err := a.seconders(tx); err != nil || n < 2 {
			return cmp.Or(err, ErrTooFew)
		}
		err = tx.Update(`UPDATE invitations SET revoked = $1 WHERE id = $2 AND accepted = 0 AND revoked = 0`, db.Stamp(tx.At), id)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM staff_roles WHERE invitation = $1 AND person_id = ''`, id); err != nil {
			return fmt.Errorf("withdrawing an invitation: %w", err)
		}
		return tx.Record("invitation:"+id, invitationRevoked{})
	})
}

// seconders counts those who can propose and confirm now.
func (a *Accounts) seconders(tx *db.Tx) (int, error) {
	people := map[PersonID]bool{}
	for _, role := range seconding {
		staff, err := a.Staff(tx, role)
		if err != nil {
			return 0, err
		}
		for _, p := range staff {
			people[p.ID] = true
		}
	}
	return len(people), nil
}

// engage gives roles to the person of an address, at once or when the invitation is accepted. It returns the id of the
// invitation, or "" when there was no need for one.
func (a *Accounts) engage(tx *db.Tx, n NewStaff) (invitation string, err error) {
	person, err := owner(tx, n.Email)
	if err != nil {
		return "", err
	}
	if person == "" {
		roles := make([]string, len(n.Roles))
		for i, r := range n.Roles {
			roles[i] = string(r)
		}
		inv := Invitation{Name: n.Name, Email: n.Email, Lang: n.Lang, For: "staff:" + strings.Join(roles, ",")}
		if invitation, err = a.invite(tx, inv); err != nil {
			return "", err
		}
		inv.ID = invitation
		if err := a.mailInvitation(tx, inv); err != nil {
			return "", err
		}
	}
	for _, r := range n.Roles {
		_, err := tx.Exec(`INSERT INTO staff_roles (id, invitation, role, since, until) VALUES ($1, $2, $3, $4, $5)`,
			db.NewID(), invitation+string(person), string(r), db.Stamp(n.From), db.Stamp(n.Until))
		if err != nil {
			return "", fmt.Errorf("giving a role: %w", err)
		}
	}
	if person == "" {
		return invitation, nil
	}
	return "", takeRoles(tx, string(person), person)
}

func (a *Accounts) mailInvitation(tx *db.Tx, inv Invitation) error {
	if a.Notify == nil {
		return nil
	}
	return a.Notify(tx, Notice{Kind: NoticeInvitation, Name: inv.Name, Email: inv.Email, Lang: language(inv.Lang), Link: inv.ID})
}

// takeRoles hands the roles that wait under a name (of an invitation, or of the person) to a person.
func takeRoles(tx *db.Tx, waiting string, person PersonID) error {
	grants, err := roleRows(tx, `SELECT id, person_id, role, since, until FROM staff_roles WHERE invitation = $1 AND person_id = '' ORDER BY id`, waiting)
	if err != nil {
		return err
	}
	for _, g := range grants {
		if g.Since.Before(tx.At) {
			g.Since = tx.At
		}
		err := tx.Update(`UPDATE staff_roles SET person_id = $1, since = $2 WHERE id = $3 AND person_id = ''`, string(person), db.Stamp(g.Since), g.ID)
		if err != nil {
			return err
		}
		if err := tx.Record(subject(person), roleGiven{Grant: g.ID, Role: g.Role, Since: db.Stamp(g.Since), Until: db.Stamp(g.Until)}); err != nil {
			return err
		}
	}
	return nil
}

// A StaffRole is one role of one person, from-until.
type StaffRole struct {
	ID     string
	Person PersonID
	Role   Role
	Since  time.Time
	Until  time.Time // zero: open
}

// roleRows reads what a statement selects: id, person_id, role, since, until.
func roleRows(tx *db.Tx, query string, args ...any) ([]StaffRole, error) {
	rows, err := tx.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading roles: %w", err)
	}
	defer rows.Close()
	var grants []StaffRole
	for rows.Next() {
		var g StaffRole
		var since, until int64
		if err := rows.Scan(&g.ID, &g.Person, &g.Role, &since, &until); err != nil {
			return nil, err
		}
		g.Since, g.Until = db.Instant(since), db.Instant(until)
		grants = append(grants, g)
	}
	return grants, rows.Err()
}

// rolesAt are the roles that a person has at a time.
func rolesAt(tx *db.Tx, person PersonID, at time.Time) ([]Role, error) {
	grants, err := roleRows(tx, `SELECT id, person_id, role, since, until FROM staff_roles
		WHERE person_id = $1 AND since <= $2 AND (until = 0 OR until > $3) ORDER BY since, id`, string(person), db.Stamp(at), db.Stamp(at))
	var roles []Role
	for _, g := range grants {
		if !slices.Contains(roles, g.Role) {
			roles = append(roles, g.Role)
		}
	}
	return roles, err
}

// StaffRoles lists every role that anybody has now or will have, for the page on which staff is kept.
func (a *Accounts) StaffRoles(tx *db.Tx) ([]StaffRole, error) {
	return roleRows(tx, `SELECT id, person_id, role, since, until FROM staff_roles
		WHERE person_id <> '' AND (until = 0 OR until > $1) ORDER BY since, role, id`, db.Stamp(tx.At))
}

// Staff lists the people who have a role now and whose account is not disabled, by name.
func (a *Accounts) Staff(tx *db.Tx, role Role) ([]Person, error) {
	rows, err := tx.Query(`SELECT DISTINCT p.id, p.name, p.latin, p.lang, p.created FROM persons p
		JOIN staff_roles r ON r.person_id = p.id JOIN accounts a ON a.person_id = p.id
		WHERE r.role = $1 AND r.since <= $2 AND (r.until = 0 OR r.until > $3) AND a.disabled = 0 ORDER BY p.name, p.id`,
		string(role), db.Stamp(tx.At), db.Stamp(tx.At))
	if err != nil {
		return nil, fmt.Errorf("reading staff: %w", err)
	}
	defer rows.Close()
	var staff []Person
	for rows.Next() {
		var p Person
		var created int64
		if err := rows.Scan(&p.ID, &p.Name, &p.Latin, &p.Lang, &created); err != nil {
			return nil, err
		}
		p.Created = db.Instant(created)
		staff = append(staff, p)
	}
	return staff, rows.Err()
}
