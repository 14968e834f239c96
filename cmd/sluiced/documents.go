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
	out := document.Agreement{
		Request: a.RequestNumber, Number: in.Number, Version: in.Version, NonEEA: a.Variant == jurisdiction.NonEEA, Lang: in.Lang,
		Foundation: d.foundation(in.Lang), Licensee: d.licenseeOf(content.Licensee, in.Lang),
		Applicant: personOf(a.Party(licensing.Applicant)), Signatory: personOf(a.Party(licensing.Signatory)),
		Representative: personOf(a.Party(licensing.Representative)),
		Project:        document.Project{Title: content.Title, Purpose: content.Purpose}, Conditions: content.Conditions,
		From: dates.Day(a.NotBefore.String()), Until: dates.Day(a.Until.String()), Zone: in.Zone,
		Acknowledgement: d.acknowledgement(in.Lang), VariantReason: d.reason(in.Request.Outcome.Reason, in.Lang),
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
		out.Decisions = append(out.Decisions, document.Decision{Person: document.Person{Name: decision.Name, Latin: decision.Latin}, Part: onBehalf[in.Lang], At: decision.At})
	}
	return out, nil
}

// onBehalf is as what members of staff decide.
var onBehalf = map[string]string{"en": "for the Foundation", "nl": "namens de Stichting"}

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
	deliveries := "all deliveries under " + a.Number
	if in.Lang == "nl" {
		deliveries = "alle leveringen onder " + a.Number
	}
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
	done := [3]time.Time{c.Emptied, c.KeyDestroyed, c.BucketRemoved}
	for i, words := range certificateSteps[c.Lang] {
		out.Steps = append(out.Steps, document.Step{What: words.what, At: done[i], Verified: words.verified})
	}
	slices.SortStableFunc(out.Steps, func(a, b document.Step) int { return a.At.Compare(b.At) })
	source, pdf, _, err = d.build(out)
	return source, pdf, err
}

// certificateSteps are the three steps in the order in which they are done unless the key could not wait, and how each is verified.
var certificateSteps = map[string][3]struct{ what, verified string }{
	"en": {
		{"The bucket was emptied", "The store listed no object, no old version and no unfinished upload"},
		{"The key was destroyed", "The keyring answered that there is no such key"},
		{"The bucket was deleted", "The store answered that there is no such bucket"},
	},
	"nl": {
		{"De bucket is leeggemaakt", "De opslag toonde geen object, geen oude versie en geen onvoltooide upload"},
		{"De sleutel is vernietigd", "De sleutelbewaring antwoordde dat die sleutel niet bestaat"},
		{"De bucket is verwijderd", "De opslag antwoordde dat die bucket niet bestaat"},
	},
}

// reason says in a sentence why this licence follows from where the licensee is.
func (d *documents) reason(why jurisdiction.Reason, lang string) string {
	sentence, ok := reasons[why.Key][lang]
	if !ok {
		sentence = reasons["jurisdiction.none"][lang]
	}
	names := func(codes string) string {
		var all []string
		for _, c := range strings.Split(codes, ", ") {
			all = append(all, d.table.Name(c, lang))
		}
		return strings.Join(all, ", ")
	}
	return strings.NewReplacer("{countries}", names(why.Args["countries"]), "{because}", names(why.Args["because"])).Replace(sentence)
}

// reasons are the sentences for what the jurisdiction table answers.
var reasons = map[string]map[string]string{
	"jurisdiction.eea": {
		"en": "The Licensee is established, and the data are reached, within the European Economic Area: {countries}.",
		"nl": "De Licentiehouder is gevestigd, en heeft toegang tot de data, binnen de Europese Economische Ruimte: {countries}.",
	},
	"jurisdiction.adequate": {
		"en": "The European Commission has decided that protection is adequate in every country concerned outside the European Economic Area: {countries}.",
		"nl": "De Europese Commissie heeft besloten dat elk betrokken land buiten de Europese Economische Ruimte een passend beschermingsniveau biedt: {countries}.",
	},
	"jurisdiction.scope-met": {
		"en": "A decision on adequacy exists, and the foundation established that the Licensee falls within its scope: {countries}.",
		"nl": "Er is een adequaatheidsbesluit, en de stichting heeft vastgesteld dat de Licentiehouder daaronder valt: {countries}.",
	},
	"jurisdiction.scope-met-other-licence": {
		"en": "A decision on adequacy covers the Licensee; the foundation uses the licence for parties outside the European Economic Area all the same: {because}.",
		"nl": "Een adequaatheidsbesluit geldt voor de Licentiehouder; de stichting gebruikt toch de licentie voor partijen buiten de Europese Economische Ruimte: {because}.",
	},
	"jurisdiction.scope-not-met": {
		"en": "A decision on adequacy exists, and the Licensee does not fall within its scope: {because}.",
		"nl": "Er is een adequaatheidsbesluit, en de Licentiehouder valt daar niet onder: {because}.",
	},
	"jurisdiction.review-met": {
		"en": "The foundation looked at the case and established that this Licensee is bound by equivalent protection: {countries}.",
		"nl": "De stichting heeft het geval bekeken en vastgesteld dat voor deze Licentiehouder gelijkwaardige bescherming geldt: {countries}.",
	},
	"jurisdiction.review-not-met": {
		"en": "The foundation looked at the case and established that protection is not equivalent: {because}.",
		"nl": "De stichting heeft het geval bekeken en vastgesteld dat de bescherming niet gelijkwaardig is: {because}.",
	},
	"jurisdiction.none": {
		"en": "The Licensee is established, or the data are reached, in a country outside the European Economic Area without a decision on adequacy: {because}.",
		"nl": "De Licentiehouder is gevestigd in, of heeft toegang tot de data vanuit, een land buiten de Europese Economische Ruimte zonder adequaatheidsbesluit: {because}.",
	},
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
