package deliverytest

import (
	"fmt"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// An Agreement is one in force, with its people. Address gives the e-mail address of each.
type Agreement struct {
	ID                   licensing.AgreementID
	Request              licensing.RequestID
	Applicant, Signatory account.Who
	Contact              account.Who // the first one
	ContactID            licensing.ContactID

	w      *World
	domain string
}

// Address is the address of one of the people of an agreement, by the word before the @.
func (a *Agreement) Address(name string) string { return name + "@" + a.domain }

// Until is the last day of the agreements that InForce makes: the clock's first, so that everybody's session outlives it.
var Until = licensing.Date{Year: 2026, Month: 11, Day: 22}

// InForce takes a request for datasets all the way to an agreement in force, until the end of the day Until, with one
// contact who has an account. Jobs are left to the caller.
func (w *World) InForce(datasets ...licensing.DatasetID) *Agreement {
	w.t.Helper()
	return w.InForceUntil(Until, datasets...)
}

// InForceUntil is InForce with another last day.
func (w *World) InForceUntil(until licensing.Date, datasets ...licensing.DatasetID) *Agreement {
	w.t.Helper()
	a := w.Signing(until, datasets...)
	a.Sign(w.Rep, licensing.Representative)
	a.Contact = a.Join("carla", "Carla Contact")
	a.ContactID = a.Load().Contacts[0].ID
	return a
}

// Signing is an agreement on which the last signature, that of the representative, is missing. Its contact has no account.
func (w *World) Signing(until licensing.Date, datasets ...licensing.DatasetID) *Agreement {
	w.t.Helper()
	w.cases++
	a := &Agreement{w: w, domain: fmt.Sprintf("uni%d.example", w.cases)}
	in := licensing.RequestInput{
		Content: licensing.Content{
			Lang: "en", Title: "Resistance in melanoma", Purpose: "Why some tumours come back.",
			Licensee: licensing.Licensee{Name: "Universiteit Proefstad", Country: "NL", ReachedFrom: []string{"NL"}, Domains: []string{a.domain}},
			Until:    until,
		},
		Applicant:      licensing.PersonInput{Name: "Anna Onderzoeker", Position: "professor", Email: a.Address("anna")},
		Signatory:      licensing.PersonInput{Name: "Sjoerd Bestuurder", Position: "dean", Email: a.Address("sjoerd")},
		Representative: w.Rep.Person(), RepresentativePosition: "director",
		Contacts: []licensing.ContactInput{{PersonInput: licensing.PersonInput{Name: "Carla Contact", Position: "analyst", Email: a.Address("carla")}, Country: "NL"}},
	}
	for _, d := range datasets {
		in.Datasets = append(in.Datasets, licensing.DatasetNeed{Dataset: d, Need: "all of it"})
	}
	var err error
	a.Request, err = w.Registry.Record(w.t.Context(), w.Desk, in)
	w.must(err)
	a.ID, err = w.Registry.Approve(w.t.Context(), w.Second, w.Act(w.Second, "decide", "request:"+string(a.Request)), a.Request, "in order")
	w.must(err)
	a.Applicant, a.Signatory = a.Join("anna", "Anna Onderzoeker"), a.Join("sjoerd", "Sjoerd Bestuurder")
	a.Sign(a.Applicant, licensing.Applicant)
	a.Sign(a.Signatory, licensing.Signatory)
	return a
}

// Subject is the agreement's name in acts and in the log.
func (a *Agreement) Subject() string { return "agreement:" + string(a.ID) }

// Load reads the agreement.
func (a *Agreement) Load() (now licensing.Agreement) {
	a.w.t.Helper()
	a.w.View(func(tx *db.Tx) (err error) {
		now, err = a.w.Registry.Agreement(tx, a.ID)
		return err
	})
	return now
}

// Sign signs as one of the parts.
func (a *Agreement) Sign(who account.Who, part licensing.Part) {
	a.w.t.Helper()
	a.w.must(a.w.Registry.Sign(a.w.t.Context(), who, a.w.Act(who, "sign", a.Subject()), a.ID,
		licensing.SignatureInput{Part: part, SHA256: a.Load().SHA256, Name: "Typed Name", Position: "as stated", Authority: "I may sign."}))
}

// Join makes the account of somebody who was invited.
func (a *Agreement) Join(name, full string) account.Who {
	a.w.t.Helper()
	var letters []licensing.Letter
	a.w.View(func(tx *db.Tx) (err error) {
		letters, err = a.w.Registry.Outbox().AllLetters(tx, 10_000)
		return err
	})
	for _, l := range letters {
		if l.To.Email == a.Address(name) && l.Invitation != "" {
			return a.w.World.Join(l.Invitation, full)
		}
	}
	a.w.t.Fatalf("no invitation was posted to %s", a.Address(name))
	return account.Who{}
}

// AddContact has the signatory add a contact, who then makes an account.
func (a *Agreement) AddContact(name, full string) (account.Who, licensing.ContactID) {
	a.w.t.Helper()
	_, err := a.w.Registry.AskContact(a.w.t.Context(), a.Signatory, a.w.Act(a.Signatory, "contact", a.Subject()), a.ID, licensing.ContactInput{
		PersonInput: licensing.PersonInput{Name: full, Position: "analyst", Email: a.Address(name)}, Country: "NL"}, "more hands")
	a.w.must(err)
	who := a.Join(name, full)
	contacts := a.Load().Contacts
	return who, contacts[len(contacts)-1].ID
}

// RemoveContact has the signatory remove a contact.
func (a *Agreement) RemoveContact(id licensing.ContactID) {
	a.w.t.Helper()
	a.w.must(a.w.Registry.RemoveContact(a.w.t.Context(), a.Signatory, a.w.Act(a.Signatory, "contact", a.Subject()), a.ID, id, "left"))
}

// Extend has the signatory ask for a later last day, and two members of staff agree.
func (a *Agreement) Extend(until licensing.Date) {
	a.w.t.Helper()
	id, err := a.w.Registry.AskExtension(a.w.t.Context(), a.Signatory, a.ID, until, "more to do")
	a.w.must(err)
	for _, who := range []account.Who{a.w.Desk, a.w.Second} {
		proof := a.w.Act(who, "decide", "amendment:"+string(id))
		a.w.must(a.w.Registry.DecideAmendment(a.w.t.Context(), who, proof, a.ID, id, true, "fine"))
	}
}

// Stop is the emergency stop.
func (a *Agreement) Stop() {
	a.w.t.Helper()
	a.w.must(a.w.Registry.Stop(a.w.t.Context(), a.w.Desk, a.ID, "something is wrong", nil))
}

// Do has two members of staff suspend, resume or terminate.
func (a *Agreement) Do(action licensing.Action) {
	a.w.t.Helper()
	a.w.must(a.w.Registry.Propose(a.w.t.Context(), a.w.Desk, a.w.Act(a.w.Desk, "decide", a.Subject()), a.ID, action, "because"))
	a.w.must(a.w.Registry.Second(a.w.t.Context(), a.w.Second, a.w.Act(a.w.Second, "decide", a.Subject()), a.ID, action, "because"))
}

// Deliveries lists the deliveries of the agreement, oldest first.
func (a *Agreement) Deliveries() (all []delivery.Overview) {
	a.w.t.Helper()
	a.w.View(func(tx *db.Tx) (err error) {
		all, err = a.w.Depot.Overview(tx, a.ID)
		return err
	})
	return all
}

// Delivery is the newest delivery of the agreement.
func (a *Agreement) Delivery() delivery.Overview {
	a.w.t.Helper()
	all := a.Deliveries()
	if len(all) == 0 {
		a.w.t.Fatal("the agreement has no delivery")
	}
	return all[len(all)-1]
}
