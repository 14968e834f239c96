package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// nightlyJob has the jurisdictions behind every agreement in force looked at, once a night; reconsiderJob does it for one.
const (
	nightlyJob    = "licensing.nightly"
	reconsiderJob = "licensing.reconsider"
)

// Handlers are the jobs of this package, for db.DB.Work.
func (r *Registry) Handlers() map[string]db.Handler {
	return map[string]db.Handler{
		mailJob:       r.outbox.Deliver,
		milestoneJob:  r.Milestones,
		nightlyJob:    r.Nightly,
		reconsiderJob: r.Reconsider,
	}
}

// Start plans the nightly job, once, however many processes call it.
func (r *Registry) Start(ctx context.Context) error {
	return r.db.Upkeep(ctx, func(tx *db.Tx) error { return tx.Enqueue(nightlyJob, "all", tx.At) })
}

// WorkParked tells those who keep the service running that a job waits for a person: set it as db.DB.Parked. A parked letter
// that says so itself tells nobody, or one mailbox that refuses mail would have us write to it for ever.
func (r *Registry) WorkParked(tx *db.Tx, job db.Job) error {
	if job.Kind == mailJob {
		l, err := one(tx, scanLetter, selectLetters+` WHERE id = $1`, job.Subject)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if l.Kind == parkedLetter {
			return nil
		}
	}
	return r.TellOperators(tx, Letter{Kind: parkedLetter, Link: "/jobs"})
}

// TellOperators writes to those who keep the service running; where there are none, to the desk, who sees the same pages and
// knows whom to ask.
func (r *Registry) TellOperators(tx *db.Tx, l Letter) error {
	role := account.Operator
	operators, err := r.accounts.Staff(tx, role)
	if err != nil {
		return err
	}
	if len(operators) == 0 {
		role = account.Desk
	}
	return r.TellStaff(tx, role, "", l)
}

// parkedLetter is the kind of the letters about parked jobs.
const parkedLetter = "work.parked"

// Milestones says what one agreement has to say by now, and plans the next look. Days that were missed heal: of several
// reminders that are due at once the last one is sent and the others are written off, so nobody reads of ninety days when
// seven are left.
func (r *Registry) Milestones(ctx context.Context, subject string) error {
	err := r.change(ctx, db.Worker(), func(tx *db.Tx) error {
		a, err := r.Agreement(tx, AgreementID(subject))
		if errors.Is(err, ErrNotFound) {
			return db.ErrUnchanged
		}
		if err != nil {
			return err
		}
		before := a.Rev
		if (a.State == InForce || a.State == Suspended) && a.StateAt(tx.At) == Ended {
			if a, err = r.apply(tx, a, AgreementEnded{}); err != nil {
				return err
			}
		}
		due := map[string]milestone{} // the last due of each kind
		for _, m := range a.milestones(tx.At) {
			if m.at.After(tx.At) || slices.Contains(a.Reminded, m.key) {
				continue
			}
			if a, err = r.apply(tx, a, MilestoneReached{m.key}); err != nil {
				return err
			}
			if last, ok := due[m.kind]; !ok || last.at.Before(m.at) {
				due[m.kind] = m
			}
		}
		for _, kind := range []string{"agreement.ending", "contacts.confirm", "agreement.attest"} {
			if m, ok := due[kind]; ok {
				if err := r.remind(tx, a, m); err != nil {
					return err
				}
			}
		}
		if a.Rev == before {
			return db.ErrUnchanged
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.db.Upkeep(ctx, func(tx *db.Tx) error {
		a, err := r.Agreement(tx, AgreementID(subject))
		if errors.Is(err, ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		// What came due since the change above is looked at again at once; without that nothing ever would.
		return r.planMilestones(tx, a)
	})
}

func (r *Registry) remind(tx *db.Tx, a Agreement, m milestone) error {
	l := Letter{Kind: m.kind, Number: a.Number, Link: "/agreements/" + a.Number, Facts: map[string]string{"number": a.Number}}
	if m.kind == "agreement.ending" {
		left := int(a.Term.Left(tx.At)/(24*time.Hour)) + 1
		return r.toLicensee(tx, a, withFact(l, "days", fmt.Sprint(left), "until", a.Term.LastDay(a.Location()).String()))
	}
	return r.toPart(tx, a, Signatory, l)
}

// Nightly has the jurisdictions asked again for every agreement in force, and plans the next night. Each agreement is a job of its
// own: one that cannot be looked at is tried again, parked and shown by itself, and holds up neither another nor the next night.
func (r *Registry) Nightly(ctx context.Context, _ string) error {
	return r.db.Upkeep(ctx, func(tx *db.Tx) error {
		ids, err := db.Many(tx, scanString, `SELECT id FROM agreements WHERE state IN ('in-force', 'suspended') ORDER BY id`)
		if err != nil {
			return err
		}
		for _, id := range ids {
			if err := tx.Enqueue(reconsiderJob, id, tx.At); err != nil {
				return err
			}
		}
		tomorrow := DateOf(tx.At.In(r.zone)).AddDays(1).Start(r.zone).Add(3 * time.Hour)
		return tx.Enqueue(nightlyJob, "all", tomorrow)
	})
}

// Reconsider compares what the jurisdictions say now for an agreement with what was known when they were last answered for, and
// makes a task of a change. It ends nothing.
func (r *Registry) Reconsider(ctx context.Context, subject string) error {
	return r.change(ctx, db.Worker(), func(tx *db.Tx) error {
		a, err := r.Agreement(tx, AgreementID(subject))
		if err != nil {
			return err
		}
		if s := a.StateAt(tx.At); s != InForce && s != Suspended {
			return db.ErrUnchanged
		}
		q, err := r.Request(tx, a.Request)
		if err != nil {
			return err
		}
		now := r.outcome(q.Content, a.listed(), q.confirmed(), tx.At)
		if now.same(a.Known) && a.Concern.IsZero() || !a.Concern.IsZero() && now.same(a.Concern.Outcome) {
			return db.ErrUnchanged
		}
		_, err = r.apply(tx, a, JurisdictionChanged{now})
		return err
	})
}
