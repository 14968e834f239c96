package licensing

import (
	"slices"
	"time"

	"sluice/infra/account"
)

// A rule says who may try an event, and which fresh second factor it takes. Whether it may happen then is Next's to say.
type rule struct {
	kind  string
	roles []Role
	act   string // the kind of account.Act that a Proof must cover; "" for none
}

// requestRules and agreementRules are every act of a person, of the host and of the worker. An event that stands in none
// happens with another one, or when an invitation is accepted.
var (
	requestRules = []rule{
		{"request.recorded", []Role{AsDesk}, ""},
		{"request.revised", []Role{AsDesk}, ""},
		{"request.scope-judged", []Role{AsDesk}, "decide"},
		{"request.approved", []Role{AsDesk}, "decide"},
		{"request.refused", []Role{AsDesk}, "decide"},
		{"request.withdrawn", []Role{AsApplicant, AsDesk}, ""},
		{"request.invitation-resent", []Role{AsDesk}, ""},
	}
	agreementRules = []rule{
		{"agreement.revised", []Role{AsDesk}, ""},
		{"agreement.released", []Role{AsDesk}, "decide"},
		{"agreement.answered", []Role{AsSignatory}, "sign"},
		{"agreement.signed", []Role{AsApplicant, AsSignatory, AsRepresentative}, "sign"},
		{"agreement.declined", []Role{AsApplicant, AsSignatory, AsRepresentative}, ""},
		{"agreement.proposed", []Role{AsDesk, AsStaffSigner}, "decide"},
		{"agreement.seconded", []Role{AsDesk, AsStaffSigner}, "decide"},
		{"agreement.proposal-dropped", []Role{AsDesk, AsStaffSigner}, ""},
		// No code is asked for: in an emergency the minute counts, and the worst that it does is undone by two.
		{"agreement.stopped", []Role{AsDesk, AsStaffSigner, AsOperator, AsHost}, ""},
		{"agreement.stop-confirmed", []Role{AsDesk, AsStaffSigner}, "decide"},
		{"amendment.extension-asked", []Role{AsApplicant, AsSignatory}, ""},
		{"amendment.contact-asked", []Role{AsSignatory}, "contact"},
		{"amendment.contact-removed", []Role{AsSignatory}, "contact"},
		{"amendment.decided", []Role{AsDesk, AsStaffSigner}, "decide"},
		{"amendment.dropped", []Role{AsApplicant, AsSignatory}, ""},
		{"contact.suspended", []Role{AsDesk}, ""},
		{"contact.resumed", []Role{AsDesk}, "decide"},
		{"agreement.list-confirmed", []Role{AsSignatory}, "contact"},
		{"agreement.jurisdiction-changed", []Role{AsWorker}, ""},
		{"agreement.jurisdiction-answered", []Role{AsDesk}, "decide"},
		{"agreement.ended", []Role{AsWorker}, ""},
		{"agreement.milestone", []Role{AsWorker}, ""},
		{"agreement.closed-out", []Role{AsSignatory}, "sign"},
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
	staffOnly := !slices.ContainsFunc(rule.roles, func(r Role) bool { return r == AsApplicant || r == AsSignatory })
	for _, part := range []Role{AsApplicant, AsSignatory, AsContact} {
		if staffOnly && slices.Contains(roles, part) {
			return refuse("conflict", "one", "desk", "other", string(part))
		}
	}
	if who.Scope() != "" {
		return account.ErrNotAllowed // a token reads files and does nothing else
	}
	if rule.act == "" {
		return nil
	}
	return r.covers(proof, who, account.Act{Kind: rule.act, Subject: subject}, at)
}
