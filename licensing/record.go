package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing/jurisdiction"
)

// A PersonInput is somebody as a form names him.
type PersonInput struct {
	Name, Latin, Position, Email string
}

// A ContactInput is a contact as a form names one.
type ContactInput struct {
	PersonInput
	Country string
}

// A RequestInput is what the desk records: an approved request as it came on paper.
type RequestInput struct {
	Content
	Applicant              PersonInput
	Signatory              PersonInput
	Representative         account.PersonID // staff who sign for the foundation
	RepresentativePosition string
	Contacts               []ContactInput
	Reason                 string // of a revision
}

// Faults are everything that is wrong with an input, each with its field.
type Faults []*RefusedError

func (f Faults) Error() string {
	texts := make([]string, len(f))
	for i, e := range f {
		texts[i] = e.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap lets errors.As find a RefusedError in it.
func (f Faults) Unwrap() []error {
	errs := make([]error, len(f))
	for i, e := range f {
		errs[i] = e
	}
	return errs
}

// Check says what Record or Revise would refuse in an input, before anything is written: q is the request that is revised, or
// holds only who records a new one.
func (r *Registry) Check(tx *db.Tx, q Request, in RequestInput) error {
	_, err := r.read(tx, q, in)
	return err
}

// Record records a request. A second member of the desk decides about it.
func (r *Registry) Record(ctx context.Context, who account.Who, in RequestInput) (RequestID, error) {
	id := RequestID(db.NewID())
	err := r.change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := r.guard(who, account.Proof{}, "request.recorded", "", nil, nil, tx.At); err != nil {
			return err
		}
		q, err := r.read(tx, Request{ID: id, Editors: []account.PersonID{who.Person()}}, in)
		if err != nil {
			return err
		}
		n, err := tx.Next("request")
		if err != nil {
			return err
		}
		ev := RequestRecorded{Number: fmt.Sprintf("DR-%04d", n), By: who.Person(), Zone: r.opts.Zone, Digest: q.Digest, Until: q.Content.Until,
			Parties: q.Parties, Contacts: q.Contacts, Datasets: datasetIDs(q.Content), Outcome: q.Outcome, Content: q.Content, Salt: q.Salt}
		_, err = r.applyRequest(tx, Request{ID: id}, ev)
		return err
	})
	return id, err
}

// Revise replaces the content of a request. Once there is an agreement that makes a new version of it and voids its
// signatures; in force, it is refused. rev is the revision that the form was filled from.
func (r *Registry) Revise(ctx context.Context, who account.Who, id RequestID, rev int64, in RequestInput) error {
	return r.actOnRequest(ctx, who, account.Proof{}, id, "request.revised", func(tx *db.Tx, q Request) error {
		if q.Rev != rev {
			return db.ErrConflict
		}
		agreements, err := r.AgreementsOf(tx, id)
		if err != nil {
			return err
		}
		for _, a := range agreements {
			if a.State != Drafted && a.State != Signing {
				return a.onlyAmendments()
			}
		}
		n, err := r.read(tx, q, in)
		if err != nil {
			return err
		}
		if len(agreements) > 0 && (n.Outcome.NeedsPerson || n.Outcome.Variant == "") {
			return refuse("jurisdiction-open")
		}
		note, err := r.note(tx, "request:"+string(id), in.Reason)
		if err != nil {
			return err
		}
		after, err := r.applyRequest(tx, q, RequestRevised{By: who.Person(), Digest: n.Digest, Until: n.Content.Until, Parties: n.Parties,
			Contacts: n.Contacts, Datasets: datasetIDs(n.Content), Outcome: n.Outcome, Note: note, Content: n.Content, Salt: n.Salt})
		if err != nil {
			return err
		}
		for _, a := range agreements {
			if err := r.reviseAgreement(tx, who, a, after); err != nil {
				return err
			}
		}
		return nil
	})
}

func (r *Registry) reviseAgreement(tx *db.Tx, who account.Who, a Agreement, q Request) error {
	before := a.Parties
	confirmations, err := r.confirmations(q.Outcome.Variant, q.Content.Lang)
	if err != nil {
		return err
	}
	a, err = r.Agreement(tx, a.ID) // the parties may be others by now
	if err != nil {
		return err
	}
	_, err = r.apply(tx, a, AgreementRevised{By: who.Person(), Variant: q.Outcome.Variant, Lang: q.Content.Lang, NotBefore: q.Content.NotBefore,
		Until: q.Content.Until, Parties: q.Parties, Contacts: forAgreement(q.Contacts, a.ID), Confirmations: confirmations})
	if err != nil {
		return err
	}
	// Whom the revision brought in knows nothing of it yet.
	for _, p := range q.Parties {
		if p.Person == "" && !slices.ContainsFunc(before, func(o Party) bool { return o.ID == p.ID }) {
			if err := r.inviteParty(tx, a.Number, q.Content.Lang, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// JudgeScope records a person's word on whether a country's adequacy decision covers this licensee.
func (r *Registry) JudgeScope(ctx context.Context, who account.Who, proof account.Proof, id RequestID, country string, holds bool, reason string) error {
	return r.actOnRequest(ctx, who, proof, id, "request.scope-judged", func(tx *db.Tx, q Request) error {
		note, err := r.note(tx, "request:"+string(id), reason)
		if err != nil {
			return err
		}
		scope := Scope{Country: country, Holds: holds, By: who.Person(), At: tx.At, Note: note}
		scopes := q.confirmed()
		scopes[country] = holds
		_, err = r.applyRequest(tx, q, ScopeJudged{scope, r.outcome(q.Content, q.Contacts, scopes, tx.At)})
		return err
	})
}

// Approve approves a request and drafts its agreement, which is open for signing at once unless confirmations are needed.
func (r *Registry) Approve(ctx context.Context, who account.Who, proof account.Proof, id RequestID, reason string) (AgreementID, error) {
	agreement := AgreementID(db.NewID())
	err := r.actOnRequest(ctx, who, proof, id, "request.approved", func(tx *db.Tx, q Request) error {
		note, err := r.note(tx, "request:"+string(id), reason)
		if err != nil {
			return err
		}
		outcome := r.outcome(q.Content, q.Contacts, q.confirmed(), tx.At)
		if q, err = r.applyRequest(tx, q, RequestApproved{who.Person(), note, outcome}); err != nil {
			return err
		}
		return r.draft(tx, agreement, q)
	})
	return agreement, err
}

// RefuseRequest refuses a request, with a reason.
func (r *Registry) RefuseRequest(ctx context.Context, who account.Who, proof account.Proof, id RequestID, reason string) error {
	return r.actOnRequest(ctx, who, proof, id, "request.refused", func(tx *db.Tx, q Request) error {
		note, err := r.note(tx, "request:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.applyRequest(tx, q, RequestRefused{who.Person(), note})
		return err
	})
}

// Withdraw ends a request that was not decided.
func (r *Registry) Withdraw(ctx context.Context, who account.Who, id RequestID, reason string) error {
	return r.actOnRequest(ctx, who, account.Proof{}, id, "request.withdrawn", func(tx *db.Tx, q Request) error {
		note, err := r.note(tx, "request:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.applyRequest(tx, q, RequestWithdrawn{who.Person(), note})
		return err
	})
}

// ResendInvitation sends a party a new link. Staff never see it.
func (r *Registry) ResendInvitation(ctx context.Context, who account.Who, id RequestID, part Part) error {
	return r.actOnRequest(ctx, who, account.Proof{}, id, "request.invitation-resent", func(tx *db.Tx, q Request) error {
		p := q.Party(part)
		if _, err := r.applyRequest(tx, q, InvitationResent{p.ID, who.Person()}); err != nil {
			return err
		}
		agreements, err := r.AgreementsOf(tx, id)
		if err != nil {
			return err
		}
		for _, a := range agreements {
			if _, waits := a.Awaits(part); waits {
				return r.inviteAs(tx, "party.successor-invited", a.Number, a.Lang, p)
			}
		}
		return r.inviteParty(tx, q.Number, q.Content.Lang, p)
	})
}

// outcome asks the jurisdiction table.
func (r *Registry) outcome(c Content, contacts []Contact, scopes map[string]bool, at time.Time) Outcome {
	policy := jurisdiction.Policy{ScopedAdequacyIsEEA: r.opts.Settings.ScopedAdequacyIsEEA}
	v, person, why := r.opts.Jurisdiction.Decide(c.Licensee.Country, c.countries(contacts), scopes, policy, at)
	return Outcome{v, person, why}
}

// confirmations are the statements of a variant, unanswered.
func (r *Registry) confirmations(v jurisdiction.Variant, lang string) ([]Confirmation, error) {
	if v != jurisdiction.NonEEA {
		return nil, nil
	}
	statements, err := r.statements(lang)
	if err != nil {
		return nil, err
	}
	var all []Confirmation
	for _, s := range statements {
		all = append(all, Confirmation{Item: s.Item, TextVersion: s.TextVersion, Lang: lang})
	}
	return all, nil
}

func (r *Registry) statements(lang string) ([]Statement, error) {
	if r.opts.Statements == nil {
		return nil, errors.New("no confirmations were handed in: a licensee outside the EEA cannot be served")
	}
	statements, err := r.opts.Statements(lang)
	if err == nil && len(statements) == 0 {
		err = errors.New("there are no confirmations in " + lang)
	}
	return statements, err
}

func datasetIDs(c Content) []DatasetID {
	ids := make([]DatasetID, len(c.Datasets))
	for i, d := range c.Datasets {
		ids[i] = d.Dataset
	}
	return ids
}

func forAgreement(contacts []Contact, id AgreementID) []Contact {
	all := slices.Clone(contacts)
	for i := range all {
		all[i].Agreement = id
	}
	return all
}
