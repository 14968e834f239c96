package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
	"sluice/templates/document"
	"sluice/templates/document/dates"
)

// documents fills the texts of agreements from what licensing and delivery know. It is the one place where the two meet.
type documents struct {
	cfg   Config
	texts *document.Texts
	table jurisdiction.Table
	// licensee finds the licensee of an agreement by its number, for certificates.
	licensee func(ctx context.Context, agreement string) (document.Licensee, error)
}

// statements are the confirmations that a licensee outside the EEA is asked for.
func (d *documents) statements(lang string) ([]licensing.Statement, error) {
	asked, err := d.texts.Confirmations(lang)
	if err != nil {
		return nil, err
	}
	var all []licensing.Statement
	for _, c := range asked {
		all = append(all, licensing.Statement{Item: c.ID, TextVersion: c.TextVersion, Text: c.Statement})
	}
	return all, nil
}

// render makes the bytes that are signed.
func (d *documents) render(in licensing.Document) (licensing.Rendered, error) {
	data, err := d.data(in)
	if err != nil {
		return licensing.Rendered{}, err
	}
	source, pdf, text, err := d.build(data)
	return licensing.Rendered{TextVersion: text, Source: string(source), PDF: pdf}, err
}

func (d *documents) build(data document.Data) (source, pdf []byte, textVersion string, err error) {
	built, err := d.texts.Build(data)
	if err != nil {
		return nil, nil, "", err
	}
	if source, err = built.JSON(); err != nil {
		return nil, nil, "", err
	}
	pdf, err = built.PDF()
	return source, pdf, built.TextVersion, err
}

func (d *documents) data(in licensing.Document) (document.Data, error) {
	switch in.Kind {
	case licensing.AgreementDocument:
		return d.agreement(in)
	case licensing.AmendmentDocument:
		return d.amendment(in)
	case licensing.AttestationDocument:
		return d.attestation(in), nil
	}
	return nil, fmt.Errorf("there is no document of kind %q", in.Kind)
}

func (d *documents) foundation(lang string) document.Foundation {
	f := d.cfg.Foundation
	return document.Foundation{Name: f.Name, Address: f.Address, Country: d.table.Name(f.Country, lang), Register: f.Register, Email: f.Email}
}

func (d *documents) licenseeOf(l licensing.Licensee, lang string) document.Licensee {
	out := document.Licensee{Name: l.Name, Latin: l.Latin, Address: l.Address, Country: l.Country, CountryName: d.table.Name(l.Country, lang)}
	for _, c := range l.ReachedFrom {
		out.ReachedFrom = append(out.ReachedFrom, d.table.Name(c, lang))
	}
	return out
}

func personOf(p licensing.Party) document.Person {
	return document.Person{Name: p.Name, Latin: p.Latin, Position: p.Position, Email: p.Email}
}

func (d *documents) contact(c licensing.Contact, lang string) document.Contact {
	return document.Contact{Person: document.Person{Name: c.Name, Latin: c.Latin, Position: c.Position, Email: c.Email}, CountryName: d.table.Name(c.Country, lang)}
}

func (d *documents) agreement(in licensing.Document) (document.Data, error) {
	a, content := in.Agreement, in.Request.Content
	reason, err := d.reason(in.Request.Outcome.Reason, in.Lang)
	if err != nil {
		return nil, err
	}
	out := document.Agreement{
		Request: a.RequestNumber, Number: in.Number, Version: in.Version, NonEEA: a.Variant == jurisdiction.NonEEA, Lang: in.Lang,
		Foundation: d.foundation(in.Lang), Licensee: d.licenseeOf(content.Licensee, in.Lang),
		Applicant: personOf(a.Party(licensing.Applicant)), Signatory: personOf(a.Party(licensing.Signatory)),
		Representative: personOf(a.Party(licensing.Representative)),
		Project:        document.Project{Title: content.Title, Purpose: content.Purpose}, Conditions: content.Conditions,
		From: dates.Day(a.NotBefore.String()), Until: dates.Day(a.Until.String()), Zone: in.Zone,
		Acknowledgement: d.acknowledgement(in.Lang), VariantReason: reason,
		Link: d.link(in.Link), Made: in.Made,
	}
	if a.NotBefore.IsZero() {
		first, err := dates.DayOf(in.Made, in.Zone)
		if err != nil {
			return nil, err
		}
		out.From = first
	}
	for _, s := range in.Datasets {
		out.Datasets = append(out.Datasets, document.Dataset{Name: s.Name, Collection: s.Collection, Need: s.Need})
	}
	for _, c := range a.Contacts {
		if c.Removed.IsZero() {
			out.Contacts = append(out.Contacts, d.contact(c, in.Lang))
		}
	}
	for _, c := range in.Confirmations {
		out.Confirmations = append(out.Confirmations, document.Confirmation{ID: c.Item, TextVersion: c.TextVersion, Statement: c.Text,
			Confirmed: c.Answer == licensing.Confirmed, Explanation: c.Explanation})
	}
	return out, nil
}

// acknowledgement is what publications must carry.
func (d *documents) acknowledgement(lang string) string {
	if d.cfg.Foundation.Acknowledgement != "" {
		return d.cfg.Foundation.Acknowledgement
	}
	if lang == "nl" {
		return "Deze publicatie maakt gebruik van data die beschikbaar zijn gesteld door " + d.cfg.Foundation.Name + "."
	}
	return "This publication makes use of data that were made available by " + d.cfg.Foundation.Name + "."
}

func (d *documents) link(path string) string {
	if path == "" {
		return ""
	}
	return strings.TrimSuffix(d.cfg.BaseURL, "/") + path
}

// changes pairs the amendments of licensing with their texts.
var changes = map[licensing.AmendmentType]document.Change{
	licensing.Extension: document.Extension, licensing.AddContact: document.ContactAdded, licensing.DropContact: document.ContactRemoved,
	licensing.ChangeParty: document.PartyChanged,
}

func (d *documents) amendment(in licensing.Document) (document.Data, error) {
	m := in.Amendment
	change, ok := changes[m.Type]
	if !ok {
		return nil, fmt.Errorf("there is no text for an amendment of type %q", m.Type)
	}
	out := document.Amendment{
		Number: in.Number, Agreement: in.Agreement.Number, AgreementHash: in.Agreement.SHA256, Change: change, Lang: in.Lang,
		Foundation: d.foundation(in.Lang), Licensee: d.licenseeOf(in.Request.Content.Licensee, in.Lang),
		RequestedBy: named(in.RequestedBy), RequestedAt: m.Asked, Reason: in.Remarks,
		OldUntil: dates.Day(m.OldUntil.String()), NewUntil: dates.Day(m.NewUntil.String()), Effective: m.Effective,
		Zone: in.Zone, Link: d.link(in.Link), Made: in.Made,
	}
	switch m.Type {
	case licensing.AddContact, licensing.DropContact:
		out.Contact = d.contact(in.Contact, in.Lang)
	case licensing.ChangeParty:
		out.Part, out.Authority = string(m.Succession.Part), m.Succession.Authority
		out.Was, out.Successor = personOf(in.Was), personOf(m.Succession.Party)
	}
	for _, decision := range in.Decisions {
		out.Decisions = append(out.Decisions, document.Decision{Person: document.Person{Name: decision.Name, Latin: decision.Latin}, Part: d.texts.Word(in.Lang, "on-behalf"), At: decision.At})
	}
	return out, nil
}

func named(n licensing.Named) document.Person {
	return document.Person{Name: n.Name, Latin: n.Latin, Position: n.Position, Email: n.Email}
}

func (d *documents) attestation(in licensing.Document) document.Data {
	a := in.Agreement
	ended := a.Term.Until
	if a.State == licensing.Terminated && a.Closed.Before(ended) {
		ended = a.Closed
	}
	// The statement covers whatever was delivered, also what nobody remembers to list.
	deliveries := d.texts.Word(in.Lang, "all-deliveries", "agreement", a.Number)
	return document.Attestation{
		Number: in.Number, Agreement: a.Number, Lang: in.Lang, Foundation: d.foundation(in.Lang),
		Licensee: d.licenseeOf(in.Request.Content.Licensee, in.Lang), Signatory: personOf(a.Party(licensing.Signatory)),
		Deliveries: []string{deliveries}, EndedAt: ended, DestroyedOn: dates.Day(in.DestroyedOn.String()), Remarks: in.Remarks,
		Zone: in.Zone, Link: d.link(in.Link), Made: in.Made,
	}
}

// certificate renders what was deleted at the end of a delivery.
func (d *documents) certificate(c delivery.Certificate) (source, pdf []byte, err error) {
	licensee, err := d.licensee(context.Background(), c.Agreement)
	if err != nil {
		return nil, nil, err
	}
	licensee.CountryName = d.table.Name(licensee.Country, c.Lang)
	out := document.Certificate{
		Number: c.Number, Agreement: c.Agreement, Lang: c.Lang, Foundation: d.foundation(c.Lang), Licensee: licensee, Files: int(c.Files),
		Bytes: c.Bytes, Bucket: c.Bucket, Key: c.Key, LocalKeyring: d.cfg.Keyring.Kind == "local", Shared: c.Shared,
		EndedAt: c.Ended, Compromised: c.Compromised, EmptiedAt: c.Emptied, KeyDestroyed: c.KeyDestroyed, BucketDeleted: c.BucketRemoved,
		Zone: c.Zone.String(), Made: c.Made,
	}
	for _, did := range []struct {
		word string
		at   time.Time
	}{{"did-emptied", c.Emptied}, {"did-key", c.KeyDestroyed}, {"did-bucket", c.BucketRemoved}} {
		out.Steps = append(out.Steps, document.Step{What: d.texts.Word(c.Lang, did.word), At: did.at, Verified: d.texts.Word(c.Lang, did.word+"-verified")})
	}
	slices.SortStableFunc(out.Steps, func(a, b document.Step) int { return a.At.Compare(b.At) })
	source, pdf, _, err = d.build(out)
	return source, pdf, err
}

// reason says in a sentence why this licence follows from where the licensee is.
func (d *documents) reason(why jurisdiction.Reason, lang string) (string, error) {
	word := strings.Replace(why.Key, "jurisdiction.", "reason-", 1)
	if !d.texts.HasWord(lang, word) {
		return "", fmt.Errorf("no sentence says why this licence follows (%s): it cannot be signed for yet", why.Key)
	}
	names := func(codes string) string {
		var all []string
		for _, c := range strings.Split(codes, ", ") {
			all = append(all, d.table.Name(c, lang))
		}
		return strings.Join(all, ", ")
	}
	return d.texts.Word(lang, word, "countries", names(why.Args["countries"]), "because", names(why.Args["because"])), nil
}

// licenseeByNumber finds the licensee of an agreement for its certificate.
func licenseeByNumber(d *db.DB, r *licensing.Registry) func(context.Context, string) (document.Licensee, error) {
	return func(ctx context.Context, number string) (l document.Licensee, err error) {
		err = d.View(ctx, func(tx *db.Tx) error {
			a, err := r.AgreementNumbered(tx, number)
			if err != nil {
				return err
			}
			q, err := r.Request(tx, a.Request)
			c := q.Content.Licensee
			l = document.Licensee{Name: c.Name, Latin: c.Latin, Address: c.Address, Country: c.Country}
			return err
		})
		return l, err
	}
}
