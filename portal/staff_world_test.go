package portal

import (
	"fmt"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
	"sluice/portal/portaltest"
)

// An office is a world with data to ask for, and with the people of one licensee.
type office struct {
	*world
	Data      licensing.Dataset
	Auditor   account.Who
	Operator  account.Who
	applicant account.Who
	signatory account.Who
}

func newOffice(t testing.TB, d *db.DB, clock *dbtest.Clock) *office {
	t.Helper()
	o := &office{world: newWorld(t, d, clock)}
	o.staffed()
	return o
}

// staffed adds the data, and the staff whom few tests need.
func (o *office) staffed() {
	o.t.Helper()
	o.Data = o.Import("WGS 2026-10", map[string][]byte{"a/one.cram": []byte("reads of one"), "a/two.cram": []byte("reads of two")})
	o.Auditor = o.Person("Aad Toezicht", "audit@foundation.example", account.Auditor)
	o.Operator, _ = o.Operators()
}

// name is what somebody is called.
func (o *office) name(who account.Who) (name string) {
	o.t.Helper()
	o.View(func(tx *db.Tx) error {
		p, err := o.Accounts.Person(tx, who.Person())
		name = p.Name
		return err
	})
	return name
}

// recorded are the fields of the form with everything filled in, and then changed by pairs of field and value.
func (o *office) filled(changes ...string) []string {
	day := o.Clock.Now().AddDate(1, 0, 0)
	values := []string{"lang", "nl", "title", "Resistance in colon cancer", "purpose", "To find out why treatment stops working.",
		"licensee.name", "Universitair Medisch Centrum Voorbeeld", "licensee.address", "Laan 1\n1000 AA Voorbeeld", "licensee.country", "NL",
		"reached.0.country", "NL", "reached.1.country", "DE", "licensee.domains", "umc.example",
		"applicant.name", "Noor van den Berg", "applicant.position", "Principal investigator", "applicant.email", "noor@umc.example",
		"signatory.name", "Hugo de Wit", "signatory.position", "Director", "signatory.email", "hugo@umc.example",
		"representative", string(o.Rep.Person()), "representative.position", "Director of the foundation",
		"datasets.0.dataset", string(o.Data.ID), "datasets.0.need", "All reads of the tumours", "conditions", "Publish within two years\nName the foundation",
		"not_before-day", "", "not_before-month", "", "not_before-year", "",
		"until-day", fmt.Sprint(day.Day()), "until-month", fmt.Sprint(int(day.Month())), "until-year", fmt.Sprint(day.Year()),
		"contacts.0.name", "Karin Kluis", "contacts.0.latin", "", "contacts.0.position", "Data manager", "contacts.0.email", "karin@umc.example", "contacts.0.country", "NL"}
	for i := 0; i+1 < len(changes); i += 2 {
		for j := 0; j+1 < len(values); j += 2 {
			if values[j] == changes[i] {
				values[j+1] = changes[i+1]
			}
		}
	}
	return values
}

// record records a request as the desk does, and returns its number.
func (o *office) record(changes ...string) string {
	o.t.Helper()
	b := o.as(o.Desk).Get("/requests/new").Want(200, "Record a request")
	b.Submit("Continue to the check", o.filled(changes...)...).Want(200, "Check the request")
	b.Submit("Record the request").Want(200, "Request DR-")
	return strings.TrimPrefix(b.Title()[:len("Request DR-0001")], "Request ")
}

// decide fills in the page of an act, with a code.
func (o *office) decide(who account.Who, path, button string, pairs ...string) *portaltest.Browser {
	o.t.Helper()
	b := o.as(who).Get(path)
	return b.Submit(button, append(pairs, "code", o.Code(who))...)
}

// inForce records a request, approves it, and has it signed by everybody.
func (o *office) inForce(changes ...string) (number string, a licensing.Agreement) {
	o.t.Helper()
	number = o.record(changes...)
	o.decide(o.Second, "/requests/"+number+"/approve", "Approve the request").Want(200, "Request "+number)
	a = o.agreement(number)
	o.applicant = o.join("party:", a.Party(licensing.Applicant).ID, "Noor van den Berg")
	o.signatory = o.join("party:", a.Party(licensing.Signatory).ID, "Hugo de Wit")
	for part, who := range map[licensing.Part]account.Who{licensing.Applicant: o.applicant, licensing.Signatory: o.signatory, licensing.Representative: o.Rep} {
		o.sign(a, part, who)
	}
	return number, o.agreement(number)
}

func (o *office) sign(a licensing.Agreement, part licensing.Part, who account.Who) {
	o.t.Helper()
	proof := o.Act(who, "sign", "agreement:"+string(a.ID))
	err := o.Registry.Sign(o.t.Context(), who, proof, a.ID, licensing.SignatureInput{Part: part, SHA256: a.SHA256, Name: "as typed", Position: "Director", Authority: "I may sign"})
	if err != nil {
		o.t.Fatal(err)
	}
}

// join accepts the invitation that was made for a party or a contact.
func (o *office) join(kind string, id any, name string) account.Who {
	o.t.Helper()
	var invitation string
	o.View(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT id FROM invitations WHERE purpose = $1 AND accepted = 0 ORDER BY created DESC LIMIT 1`, kind+fmt.Sprint(id)).Scan(&invitation)
	})
	return o.Join(invitation, name)
}

func (o *office) agreement(number string) (a licensing.Agreement) {
	o.t.Helper()
	o.View(func(tx *db.Tx) (err error) {
		a, err = o.Registry.AgreementNumbered(tx, number+"-A")
		return err
	})
	return a
}
