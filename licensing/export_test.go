package licensing

import (
	"time"

	"sluice/infra/account"
)

// ErrRehearsed is what an act answers in a rehearsal when it would have been done.
var ErrRehearsed = errRehearsed

// Rehearse makes every act undo itself and ask for no code, until the returned function is called.
func (r *Registry) Rehearse() (done func()) {
	covers := r.covers
	r.rehearsing = true
	r.covers = func(account.Proof, account.Who, account.Act, time.Time) error { return nil }
	return func() { r.rehearsing, r.covers = false, covers }
}

// RequestRules and AgreementRules are the kinds of acts.
func RequestRules() []string   { return ruleKinds(requestRules) }
func AgreementRules() []string { return ruleKinds(agreementRules) }

func ruleKinds(rules []rule) []string {
	var kinds []string
	for _, r := range rules {
		kinds = append(kinds, r.kind)
	}
	return kinds
}

// Fresh is the registry of another process, which has read nothing yet.
func (r *Registry) Fresh() *Registry {
	return &Registry{db: r.db, accounts: r.accounts, opts: r.opts, zone: r.zone, outbox: r.outbox}
}

// Kept is how many agreements the queues keep in memory.
func (r *Registry) Kept() int { return len(r.seen.all) }
