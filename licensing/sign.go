package licensing

import (
	"context"
	"fmt"

	"sluice/infra/account"
	"sluice/infra/db"
)

// draft makes the agreement of an approved request, and opens it for signing when nothing is missing.
func (r *Registry) draft(tx *db.Tx, id AgreementID, q Request) error {
	confirmations, err := r.confirmations(q.Outcome.Variant, q.Content.Lang)
	if err != nil {
		return err
	}
	a, err := r.apply(tx, Agreement{ID: id}, AgreementDrafted{
		Request: q.ID, Number: q.Number + "-A", RequestNumber: q.Number, Variant: q.Outcome.Variant, Lang: q.Content.Lang, Zone: q.Zone,
		NotBefore: q.Content.NotBefore, Until: q.Content.Until, Durations: r.opts.Settings.durations(), Parties: q.Parties,
		Contacts: forAgreement(q.Contacts, id), Confirmations: confirmations,
	})
	if err != nil {
		return err
	}
	_, err = r.openIfReady(tx, a)
	return err
}

// openIfReady fixes the bytes of a version and opens it for signing, unless something is missing still.
func (r *Registry) openIfReady(tx *db.Tx, a Agreement) (Agreement, error) {
	if a.Ready() != nil {
		return a, nil
	}
	d, err := r.document(tx, a, AgreementDocument)
	if err != nil {
		return a, err
	}
	d.Number, d.Version = a.Number, a.Version
	out, hash, err := r.render(d)
	if err != nil {
		return a, err
	}
	if err := r.keep(tx, d, out, hash); err != nil {
		return a, err
	}
	return r.apply(tx, a, AgreementOpened{a.Version, hash})
}

// document gathers what every document of an agreement needs.
func (r *Registry) document(tx *db.Tx, a Agreement, kind DocumentKind) (Document, error) {
	q, err := r.Request(tx, a.Request)
	if err != nil {
		return Document{}, err
	}
	d := Document{Kind: kind, Number: a.Number, Version: a.Version, Lang: a.Lang, Zone: a.Zone, Made: tx.At, Link: "/agreements/" + a.Number,
		Request: q, Agreement: a}
	for _, need := range q.Content.Datasets {
		set, err := r.Dataset(tx, need.Dataset)
		if err != nil {
			return d, err
		}
		collection, err := r.Collection(tx, set.Collection)
		if err != nil {
			return d, err
		}
		d.Datasets = append(d.Datasets, CoveredDataset{set.Name, collection.Name, need.Need})
	}
	d.Confirmations, err = r.Stated(tx, a)
	return d, err
}

// Release accepts a revised content as its second person, and opens it for signing when nothing else is missing.
func (r *Registry) Release(ctx context.Context, who account.Who, proof account.Proof, id AgreementID) error {
	return r.act(ctx, who, proof, id, "agreement.released", func(tx *db.Tx, a Agreement) error {
		q, err := r.Request(tx, a.Request)
		if err != nil {
			return err
		}
		if err := conflicts(q.Parties, a.Contacts, []account.PersonID{who.Person()}); err != nil {
			return err
		}
		a, err = r.apply(tx, a, AgreementReleased{who.Person()})
		if err != nil {
			return err
		}
		_, err = r.openIfReady(tx, a)
		return err
	})
}

// An AnswerInput is an answer to one confirmation as a form gives it.
type AnswerInput struct {
	Item        string
	TextVersion string
	Confirmed   bool
	Explanation string // needed when not confirmed
}

// AnswerConfirmations records the signatory's answers. One that is not confirmed is judged by the desk before anybody signs.
func (r *Registry) AnswerConfirmations(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, answers []AnswerInput) error {
	return r.act(ctx, who, proof, id, "agreement.answered", func(tx *db.Tx, a Agreement) error {
		var given []Confirmation
		for _, in := range answers {
			c := Confirmation{Item: in.Item, TextVersion: in.TextVersion, Lang: a.Lang, Answer: Confirmed}
			if !in.Confirmed {
				c.Answer = NotConfirmed
				note, err := r.note(tx, "agreement:"+string(id), in.Explanation)
				if err != nil {
					return err
				}
				c.Explanation = note
				c.Explanation.Text = ""
			}
			given = append(given, c)
		}
		a, err := r.apply(tx, a, ConfirmationsAnswered{who.Person(), given})
		if err != nil {
			return err
		}
		_, err = r.openIfReady(tx, a)
		return err
	})
}

// A SignatureInput is what a signer types.
type SignatureInput struct {
	Part      Part
	SHA256    string // of the document that was shown
	Name      string
	Position  string
	Authority string // the statement that the signer may sign
}

// Sign signs the version whose hash the signer was shown. The third signature brings the agreement into force.
func (r *Registry) Sign(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, in SignatureInput) error {
	return r.act(ctx, who, proof, id, "agreement.signed", func(tx *db.Tx, a Agreement) error {
		s := Signature{Part: in.Part, Person: who.Person(), Version: a.Version, SHA256: in.SHA256, At: tx.At, Salt: db.NewID(),
			Name: line(in.Name), Position: line(in.Position), Authority: clean(in.Authority)}
		var faults Faults
		for field, text := range map[string]string{"name": s.Name, "position": s.Position, "authority": s.Authority} {
			if text == "" || len(text) > 2000 {
				faults = append(faults, refuse("needed").at(field))
			}
		}
		if len(faults) > 0 {
			return faults
		}
		if a.State == Signing {
			if err := r.stillRight(tx, a); err != nil {
				return err
			}
		}
		s.Digest = s.digest()
		_, err := r.apply(tx, a, AgreementSigned{s, len(a.Missing()) - 1})
		return err
	})
}

// stillRight refuses a signature under a variant that the jurisdictions do not give any more.
func (r *Registry) stillRight(tx *db.Tx, a Agreement) error {
	q, err := r.Request(tx, a.Request)
	if err != nil {
		return err
	}
	now := r.outcome(q.Content, a.listed(), q.confirmed(), tx.At)
	if (now.NeedsPerson || now.Variant != a.Variant) && !now.same(a.Known) {
		return refuse("jurisdiction-changed")
	}
	return nil
}

// Decline refuses to sign, with a reason, and sends the agreement back to the desk.
func (r *Registry) Decline(ctx context.Context, who account.Who, id AgreementID, part Part, reason string) error {
	return r.act(ctx, who, account.Proof{}, id, "agreement.declined", func(tx *db.Tx, a Agreement) error {
		if a.Party(part).Person != who.Person() {
			return refuse("not-your-part")
		}
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, SignatureDeclined{who.Person(), part, note})
		return err
	})
}

// amendmentNumber is how an amendment is written.
func amendmentNumber(a Agreement, n int) string { return fmt.Sprintf("%s/%d", a.Number, n) }
