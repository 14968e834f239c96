package licensing

import (
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// A rule says who may try an event, and which fresh second factor it takes. Whether it may happen then is Next's to say.
type rule struct {
	kind  string
	roles []Role
	act   string // the kind of account.Act that a Proof must cover; "" for none
	// states are those in which it may happen, if nothing else speaks against it. "" is before there is anything.
	states []string
}

// proposable are the states in which something may be proposed: after the end, that a key is destroyed before its time.
var proposable = []string{"drafted", "signing", "in-force", "suspended", "ended", "terminated", "closed-out"}

// requestRules and agreementRules are every act of a person, of the host and of the worker. An event that stands in none
// happens with another one, or when an invitation is accepted.
var (
	requestRules = []rule{
		{"request.recorded", []Role{AsDesk}, "", []string{""}},
		{"request.revised", []Role{AsDesk}, "", []string{"recorded", "approved"}},
		{"request.scope-judged", []Role{AsDesk}, "decide", []string{"recorded", "approved"}},
		{"request.approved", []Role{AsDesk}, "decide", []string{"recorded"}},
		{"request.refused", []Role{AsDesk}, "decide", []string{"recorded"}},
		{"request.withdrawn", []Role{AsDesk}, "", []string{"recorded"}},
		{"request.invitation-resent", []Role{AsDesk}, "", []string{"approved"}},
	}
	agreementRules = []rule{
		{"agreement.revised", []Role{AsDesk}, "", []string{"drafted", "signing"}},
		{"agreement.released", []Role{AsDesk}, "decide", []string{"drafted"}},
		{"agreement.answered", []Role{AsSignatory}, "sign", []string{"drafted"}},
		{"agreement.signed", []Role{AsApplicant, AsSignatory, AsRepresentative}, "sign", []string{"signing"}},
		// Uploading binds nobody; what counts is the second person's word, which takes a code.
		{"agreement.paper-uploaded", []Role{AsDesk}, "", []string{"signing"}},
		{"agreement.paper-confirmed", []Role{AsDesk}, "decide", []string{"signing"}},
		{"agreement.paper-refused", []Role{AsDesk}, "", []string{"signing"}},
		{"agreement.declined", []Role{AsApplicant, AsSignatory, AsRepresentative}, "", []string{"signing"}},
		{"agreement.proposed", []Role{AsDesk, AsStaffSigner}, "decide", proposable},
		{"agreement.seconded", []Role{AsDesk, AsStaffSigner}, "decide", proposable},
		{"agreement.proposal-dropped", []Role{AsDesk, AsStaffSigner}, "", proposable},
		// No code is asked for: in an emergency the minute counts, and the worst that it does is undone by two.
		{"agreement.stopped", []Role{AsDesk, AsStaffSigner, AsOperator, AsHost}, "", []string{"in-force", "suspended"}},
		{"agreement.stop-confirmed", []Role{AsDesk, AsStaffSigner}, "decide", []string{"suspended", "ended", "terminated"}},
		{"amendment.extension-asked", []Role{AsApplicant, AsSignatory}, "", []string{"in-force", "suspended", "ended"}},
		{"amendment.contact-asked", []Role{AsSignatory}, "contact", []string{"in-force", "suspended"}},
		{"amendment.contact-removed", []Role{AsSignatory}, "contact", []string{"in-force", "suspended", "ended"}},
		{"amendment.decided", []Role{AsDesk, AsStaffSigner}, "decide", []string{"in-force", "suspended", "ended"}},
		{"amendment.dropped", []Role{AsApplicant, AsSignatory}, "", []string{"in-force", "suspended", "ended"}},
		{"amendment.party-proposed", []Role{AsDesk}, "decide", []string{"in-force", "suspended", "ended", "terminated"}},
		{"amendment.party-replaced", []Role{AsDesk, AsStaffSigner}, "decide", []string{"in-force", "suspended", "ended", "terminated"}},
		{"amendment.party-kept", []Role{AsDesk, AsStaffSigner}, "", []string{"in-force", "suspended", "ended", "terminated"}},
		{"amendment.party-accepted", []Role{AsApplicant, AsSignatory}, "sign", []string{"in-force", "suspended", "ended", "terminated"}},
		{"contact.suspended", []Role{AsDesk}, "", []string{"in-force", "suspended"}},
		{"contact.resumed", []Role{AsDesk}, "decide", []string{"in-force", "suspended"}},
		{"agreement.list-confirmed", []Role{AsSignatory}, "contact", []string{"in-force", "suspended"}},
		{"agreement.jurisdiction-changed", []Role{AsWorker}, "", []string{"in-force", "suspended"}},
		{"agreement.jurisdiction-answered", []Role{AsDesk}, "decide", []string{"in-force", "suspended", "ended"}},
		{"agreement.ended", []Role{AsWorker}, "", []string{"in-force", "suspended"}},
		{"agreement.milestone", []Role{AsWorker}, "", []string{"in-force", "suspended", "ended", "terminated"}},
		{"agreement.closed-out", []Role{AsSignatory}, "sign", []string{"ended", "terminated"}},
	}
)

func ruleOf(kind string) (rule, bool) {
	for _, list := range [][]rule{requestRules, agreementRules} {
		if i := slices.IndexFunc(list, func(r rule) bool { return r.kind == kind }); i >= 0 {
			return list[i], true
		}
	}
	return rule{}, false
}

// May says whether somebody with these roles may try an event of a kind: for pages, which offer nothing that is refused.
func May(roles []Role, kind string) bool {
	rule, ok := ruleOf(kind)
	return ok && slices.ContainsFunc(rule.roles, func(r Role) bool { return slices.Contains(roles, r) })
}

// guard is asked before every act: who is it, towards this request; may he try this; and has he just shown a code for it.
// Somebody for whom the request is not gets the same answer as for one that is not there.
func (r *Registry) guard(who account.Who, proof account.Proof, kind, subject string, parties []Party, contacts []Contact, at time.Time) error {
	rule, ok := ruleOf(kind)
	if !ok {
		return account.ErrNotAllowed
	}
	roles := r.rolesIn(who, parties, contacts)
	if !May(roles, kind) {
		if sees(roles) {
			return account.ErrNotAllowed
		}
		return ErrNotFound
	}
	// Staff with a part on the licensee's side handle somebody else's requests.
	for _, part := range []Role{AsApplicant, AsSignatory, AsContact} {
		if rule.ofStaff() && slices.Contains(roles, part) {
			return refuse("conflict", "one", "desk", "other", string(part))
		}
	}
	if rule.act == "" {
		return nil
	}
	return r.covers(proof, who, account.Act{Kind: rule.act, Subject: subject}, at)
}

// ofStaff says that the act is handling a request, which nobody with a part in it does.
func (r rule) ofStaff() bool {
	return !slices.ContainsFunc(r.roles, func(role Role) bool { return role == AsApplicant || role == AsSignatory })
}

// ownAddress refuses staff who would handle a request in which one of their own addresses is named: before an invitation
// is accepted, the address is all that shows who it is.
func (r *Registry) ownAddress(tx *db.Tx, who account.Who, kind string, parties []Party, contacts []Contact) error {
	rule, ok := ruleOf(kind)
	if !ok || !rule.ofStaff() || !who.IsPerson() || kind == "agreement.stopped" { // whoever stops by mistake harms nobody for long
		return nil
	}
	emails, err := r.accounts.Emails(tx, who.Person())
	if err != nil {
		return err
	}
	own := func(person account.PersonID, email string) bool {
		return person == "" && slices.ContainsFunc(emails, func(e account.Email) bool { return addressKey(e.Address) == addressKey(email) })
	}
	for _, p := range parties {
		if p.Part != Representative && own(p.Person, p.Email) {
			return refuse("conflict", "one", "desk", "other", string(p.Part))
		}
	}
	for _, c := range contacts {
		if c.Removed.IsZero() && own(c.Person, c.Email) {
			return refuse("conflict", "one", "desk", "other", "contact")
		}
	}
	return nil
}
