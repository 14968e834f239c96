package portal

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring"
	"sluice/infra/objects"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
	"sluice/portal/portaltest"
	"sluice/templates/document"
	"sluice/templates/document/dates"
	"sluice/templates/mail"
)

// dealWorld is a world whose documents are real ones, and whose letters have words.
func dealWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	texts, err := document.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "deal-keys"))
	if err != nil {
		t.Fatal(err)
	}
	store := objects.NewFaulty(objects.NewMemory())
	var registry *licensing.Registry
	var depot *delivery.Depot
	w := newWorld(t, d, clock, func(cfg *Config) {
		maker := documentMaker{texts: texts, table: cfg.Registry.Jurisdictions(), link: cfg.Base}
		registry = licensing.New(d, cfg.Accounts, licensing.Options{Render: maker.render, Statements: maker.statements, Printable: document.CheckScript,
			Send: func(context.Context, licensing.Letter) error { return nil }})
		depot, err = delivery.New(d, registry, cfg.Accounts, store, keys, delivery.Options{ArchiveBucket: deliverytest.ArchiveBucket, Certificate: maker.certificate})
		if err != nil {
			t.Fatal(err)
		}
		gateway := delivery.NewGateway(depot)
		ctx, stop := context.WithCancel(context.Background())
		done := make(chan struct{})
		go func() { gateway.Run(ctx); close(done) }()
		t.Cleanup(func() { stop(); <-done })
		cfg.Registry, cfg.Depot, cfg.Gateway = registry, depot, gateway
		composer, err := mailtext.Load(nil, cfg.Base, "Sluice", "Stichting Proef")
		if err != nil {
			t.Fatal(err)
		}
		cfg.Texts = Texts{Calendar: composer.Calendar, Letter: func(l licensing.Letter) (mailtext.Parts, error) {
			link := cfg.Base + l.Link
			if l.Invitation != "" {
				link = cfg.Base + "/"
			}
			return composer.Compose(mailtext.SignInvitation, l.To.Lang, mailtext.Data{Reader: l.To.Name, Number: l.Number, Agreement: l.Number, By: clock.Now(), Zone: "Europe/Amsterdam", Link: link})
		}}
	})
	w.Registry, w.Depot, w.Store = registry, depot, store
	return w
}

// documentMaker makes documents as the command does.
type documentMaker struct {
	texts *document.Texts
	table jurisdiction.Table
	link  string
}

func (m documentMaker) statements(lang string) (all []licensing.Statement, err error) {
	asked, err := m.texts.Confirmations(lang)
	for _, c := range asked {
		all = append(all, licensing.Statement{Item: c.ID, TextVersion: c.TextVersion, Text: c.Statement})
	}
	return all, err
}

var proef = document.Foundation{Name: "Stichting Proef", Address: "Gracht 1, Amsterdam", Country: "Nederland", Email: "desk@foundation.example"}

func (m documentMaker) render(in licensing.Document) (licensing.Rendered, error) {
	source, pdf, err := m.build(m.data(in))
	return licensing.Rendered{TextVersion: "model", Source: string(source), PDF: pdf}, err
}

func (m documentMaker) build(data document.Data) (source, pdf []byte, err error) {
	built, err := m.texts.Build(data)
	if err != nil {
		return nil, nil, err
	}
	if source, err = built.JSON(); err != nil {
		return nil, nil, err
	}
	pdf, err = built.PDF()
	return source, pdf, err
}

func (m documentMaker) data(in licensing.Document) document.Data {
	a, c := in.Agreement, in.Request.Content
	person := func(p licensing.Party) document.Person {
		return document.Person{Name: p.Name, Latin: p.Latin, Position: p.Position, Email: p.Email}
	}
	contact := func(k licensing.Contact) document.Contact {
		return document.Contact{Person: document.Person{Name: k.Name, Latin: k.Latin, Position: k.Position, Email: k.Email}, CountryName: m.table.Name(k.Country, in.Lang)}
	}
	licensee := document.Licensee{Name: c.Licensee.Name, Latin: c.Licensee.Latin, Country: c.Licensee.Country, CountryName: m.table.Name(c.Licensee.Country, in.Lang), ReachedFrom: []string{"Nederland"}}
	switch in.Kind {
	case licensing.AmendmentDocument:
		change := map[licensing.AmendmentType]document.Change{licensing.Extension: document.Extension, licensing.AddContact: document.ContactAdded, licensing.DropContact: document.ContactRemoved, licensing.ChangeParty: document.PartyChanged}[in.Amendment.Type]
		out := document.Amendment{Number: in.Number, Agreement: a.Number, AgreementHash: a.SHA256, Change: change, Lang: in.Lang, Foundation: proef, Licensee: licensee,
			RequestedBy: document.Person{Name: in.RequestedBy.Name, Position: in.RequestedBy.Position}, RequestedAt: in.Amendment.Asked, Reason: in.Remarks, OldUntil: dates.Day(in.Amendment.OldUntil.String()),
			NewUntil: dates.Day(in.Amendment.NewUntil.String()), Effective: in.Amendment.Effective, Zone: in.Zone, Link: m.link + in.Link, Made: in.Made, Contact: contact(in.Contact),
			Part: string(in.Amendment.Succession.Part), Was: person(in.Was), Successor: person(in.Amendment.Succession.Party), Authority: in.Amendment.Succession.Authority}
		for _, d := range in.Decisions {
			out.Decisions = append(out.Decisions, document.Decision{Person: document.Person{Name: d.Name}, Part: "for the Foundation", At: d.At})
		}
		return out
	case licensing.AttestationDocument:
		return document.Attestation{Number: in.Number, Agreement: a.Number, Lang: in.Lang, Foundation: proef, Licensee: licensee, Signatory: person(a.Party(licensing.Signatory)),
			Deliveries: []string{"all"}, EndedAt: a.Term.Until, DestroyedOn: dates.Day(in.DestroyedOn.String()), Remarks: in.Remarks, Zone: in.Zone, Made: in.Made}
	}
	first, _ := dates.DayOf(in.Made, in.Zone)
	out := document.Agreement{Request: a.RequestNumber, Number: in.Number, Version: in.Version, NonEEA: a.Variant == jurisdiction.NonEEA, Lang: in.Lang, Foundation: proef, Licensee: licensee,
		Applicant: person(a.Party(licensing.Applicant)), Signatory: person(a.Party(licensing.Signatory)), Representative: person(a.Party(licensing.Representative)),
		Project: document.Project{Title: c.Title, Purpose: c.Purpose}, Conditions: c.Conditions, From: first, Until: dates.Day(a.Until.String()), Zone: in.Zone,
		Acknowledgement: "We thank the patients of Stichting Proef.", VariantReason: "Where the licensee is established.", Link: m.link + in.Link, Made: in.Made}
	for _, s := range in.Datasets {
		out.Datasets = append(out.Datasets, document.Dataset{Name: s.Name, Collection: s.Collection, Need: s.Need})
	}
	for _, k := range a.Contacts {
		out.Contacts = append(out.Contacts, contact(k))
	}
	for _, k := range in.Confirmations {
		out.Confirmations = append(out.Confirmations, document.Confirmation{ID: k.Item, TextVersion: k.TextVersion, Statement: k.Text, Confirmed: k.Answer == licensing.Confirmed, Explanation: k.Explanation})
	}
	return out
}

func (m documentMaker) certificate(c delivery.Certificate) (source, pdf []byte, err error) {
	return m.build(document.Certificate{Number: c.Number, Agreement: c.Agreement, Lang: c.Lang, Foundation: proef, Licensee: document.Licensee{Name: c.Licensee, Country: "NL", CountryName: "Nederland"},
		Files: int(c.Files), Bytes: c.Bytes, Bucket: c.Bucket, Key: c.Key, EndedAt: c.Ended, EmptiedAt: c.Emptied, KeyDestroyed: c.KeyDestroyed, BucketDeleted: c.BucketRemoved,
		Steps: []document.Step{{What: "The bucket", At: c.BucketRemoved, Verified: "The store says it is gone."}}, Zone: c.Zone.String(), Made: c.Made})
}

// A deal is an agreement with its people, from the approval on.
type deal struct {
	w                              *world
	ID                             licensing.AgreementID
	Request                        licensing.RequestID
	Number                         string
	Applicant, Signatory, Rep, Ada account.Who // Ada is its first contact, once joined
	domain                         string
	input                          licensing.RequestInput
}

var deals = 0

// deal records and approves a request, and makes the accounts of its two outside parties. Every address of a deal is at a
// domain of its own.
func (w *world) deal(country, lang string, until licensing.Date, datasets ...licensing.DatasetID) *deal {
	w.t.Helper()
	deals++
	a := &deal{w: w, domain: fmt.Sprintf("deal%d.example", deals), Rep: w.Rep}
	a.input = licensing.RequestInput{
		Content: licensing.Content{Lang: lang, Title: "Resistance in melanoma", Purpose: "Why some tumours come back.",
			Licensee: licensing.Licensee{Name: "Universiteit Proefstad", Country: country, ReachedFrom: []string{country}, Domains: []string{a.domain}}, Until: until},
		Applicant: licensing.PersonInput{Name: "Anna Onderzoeker", Position: "professor", Email: "anna@" + a.domain},
		Signatory: licensing.PersonInput{Name: "Sjoerd Bestuurder", Position: "dean", Email: "sjoerd@" + a.domain}, Representative: w.Rep.Person(), RepresentativePosition: "director",
		Contacts: []licensing.ContactInput{{PersonInput: licensing.PersonInput{Name: "Carla Contact", Position: "analyst", Email: "carla@" + a.domain}, Country: country}},
	}
	for _, d := range datasets {
		a.input.Datasets = append(a.input.Datasets, licensing.DatasetNeed{Dataset: d, Need: "all of it"})
	}
	var err error
	a.Request, err = w.Registry.Record(w.t.Context(), w.Desk, a.input)
	a.must(err)
	a.ID, err = w.Registry.Approve(w.t.Context(), w.Second, w.Act(w.Second, "decide", "request:"+string(a.Request)), a.Request, "in order")
	a.must(err)
	a.Number = a.load().Number
	a.Applicant, a.Signatory = a.join("anna", "Anna Onderzoeker"), a.join("sjoerd", "Sjoerd Bestuurder")
	return a
}

func (a *deal) must(err error) {
	a.w.t.Helper()
	if err != nil {
		a.w.t.Fatal(err)
	}
}

func (a *deal) load() (now licensing.Agreement) {
	a.w.View(func(tx *db.Tx) (err error) {
		now, err = a.w.Registry.Agreement(tx, a.ID)
		return err
	})
	return now
}

// join makes the account of somebody who was invited.
func (a *deal) join(name, full string) account.Who {
	a.w.t.Helper()
	var letters []licensing.Letter
	a.w.View(func(tx *db.Tx) (err error) {
		letters, err = a.w.Registry.Outbox().AllLetters(tx, 10_000)
		return err
	})
	for _, l := range letters {
		if l.To.Email == name+"@"+a.domain && l.Invitation != "" {
			return a.w.Join(l.Invitation, full)
		}
	}
	a.w.t.Fatalf("no invitation was posted to %s", name)
	return account.Who{}
}

func (a *deal) path(more string) string { return "/agreements/" + a.Number + more }

// signAll signs as all three.
func (a *deal) signAll() {
	a.w.t.Helper()
	for part, who := range map[licensing.Part]account.Who{licensing.Applicant: a.Applicant, licensing.Signatory: a.Signatory, licensing.Representative: a.Rep} {
		proof := a.w.Act(who, "sign", "agreement:"+string(a.ID))
		a.must(a.w.Registry.Sign(a.w.t.Context(), who, proof, a.ID, licensing.SignatureInput{Part: part, SHA256: a.load().SHA256, Name: "Typed Name", Position: "as stated", Authority: "I may."}))
	}
}

// inForce is a deal whose data can be downloaded by its contact.
func (w *world) inForce(until licensing.Date, files map[string][]byte) *deal {
	w.t.Helper()
	deals++
	set := w.Import(fmt.Sprintf("WGS %d", deals), files)
	a := w.deal("NL", "en", until, set.ID)
	a.signAll()
	a.Ada = a.join("carla", "Carla Contact")
	w.WorkOff()
	if d := a.delivery(); d.State != delivery.Available {
		w.t.Fatalf("the delivery is %s, want available", d.State)
	}
	return a
}

func (a *deal) delivery() delivery.Overview {
	a.w.t.Helper()
	var all []delivery.Overview
	a.w.View(func(tx *db.Tx) (err error) {
		all, err = a.w.Depot.Overview(tx, a.ID)
		return err
	})
	if len(all) == 0 {
		a.w.t.Fatal("the agreement has no delivery")
	}
	return all[len(all)-1]
}

func (a *deal) deliveryPath(more string) string {
	return "/deliveries/" + string(a.delivery().ID) + more
}

// revise changes the text of the agreement, as the desk does, and has a second person release it.
func (a *deal) revise(title string) {
	a.w.t.Helper()
	var rev int64
	a.w.View(func(tx *db.Tx) error {
		q, err := a.w.Registry.Request(tx, a.Request)
		rev = q.Rev
		return err
	})
	a.input.Title, a.input.Reason = title, "better words"
	a.must(a.w.Registry.Revise(a.w.t.Context(), a.w.Desk, a.Request, rev, a.input))
	a.must(a.w.Registry.Release(a.w.t.Context(), a.w.Second, a.w.Act(a.w.Second, "decide", "agreement:"+string(a.ID)), a.ID))
}

// passTo moves the clock to the end of the term, and a little further; everybody's session ends with that.
func (a *deal) passTo(after time.Duration) { a.w.Clock.Set(a.load().Term.Until.Add(after)) }

// both has a browser open pages in both languages; each is held to being well formed.
func both(b *portaltest.Browser, paths ...string) {
	for _, lang := range []string{"nl", "en"} {
		for _, p := range paths {
			b.Get(p+"?lang="+lang).Want(http.StatusOK, "")
		}
	}
}

// raw asks without a browser: no redirects are followed, no page is checked.
func (w *world) raw(method, path string, headers ...string) *http.Response {
	w.t.Helper()
	r, err := http.NewRequest(method, w.site.URL+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { answer.Body.Close() })
	return answer
}

func (w *world) session(who account.Who) []string {
	w.as(who)
	return []string{"Cookie", "sluice=" + w.Cookies[who.Person()]}
}

// lines is a short look at errors, for messages of tests.
func lineList(all []string) string { return strings.Join(slices.Sorted(slices.Values(all)), " | ") }
