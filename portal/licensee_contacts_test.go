package portal

import (
	"net/url"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestTheSignatoryAddsAndRemovesContacts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := dealWorld(t, d, clock)
		a := w.inForce(nextYear, map[string][]byte{"a.vcf": []byte("a")})

		sjoerd := w.as(a.Signatory)
		sjoerd.Get(a.path("/contacts")).Want(200, "Download contacts").Sees("Carla Contact", "Ready", "Only you can have somebody added")
		sjoerd.Follow("Add a contact").Want(200, "Add a download contact")
		both(sjoerd, a.path("/contacts"), a.path("/contacts/add"), a.path("/contacts/confirm"))

		sjoerd.Get(a.path("/contacts/add")).Submit("Add this contact", "name", "Dirk Data", "position", "engineer", "email", "dirk@"+a.domain, "country", "NL", "code", w.Code(a.Signatory))
		sjoerd.Want(200, "Dirk Data has been added").Sees(a.Number+"/1", "An invitation has been sent to dirk@"+a.domain)
		receipt := sjoerd.Path
		both(sjoerd, receipt)
		dirk := a.join("dirk", "Dirk Data")
		w.as(dirk).Get(a.deliveryPath("")).Want(200, "Delivery").Sees("a.vcf")
		w.as(a.Signatory).Get(a.path("/contacts")).Sees("Dirk Data")

		// An address elsewhere: the desk decides, and nothing is sent.
		sjoerd.Get(a.path("/contacts/add")).Submit("Add this contact", "name", "Fremd Person", "position", "engineer", "email", "fremd@elsewhere.example", "country", "NL", "code", w.Code(a.Signatory))
		sjoerd.Want(200, "The desk decides about this contact").Sees("not at a verified domain", "Waiting for the data access desk")
		waiting := sjoerd.Path
		both(sjoerd, waiting)
		sjoerd.Get(a.path("/contacts")).Sees("the desk decides")
		sjoerd.Get(waiting).Follow("Withdraw this").Submit("Withdraw").Want(200, "Change").Sees("Withdrawn")

		// Removed at once.
		c := a.load().Contacts[1]
		sjoerd.Get(a.path("/contacts/"+string(c.ID)+"/remove")).Want(200, "Remove Dirk Data?").Sees("At once")
		both(sjoerd, a.path("/contacts/"+string(c.ID)+"/remove"))
		sjoerd.Get(a.path("/contacts/"+string(c.ID)+"/remove")).Submit("Remove at once", "reason", "left", "code", w.Code(a.Signatory)).Want(200, "Dirk Data has been removed").Sees("Access ended at once")
		both(sjoerd, sjoerd.Path)
		w.as(dirk).Get(a.deliveryPath("")).Want(200, "not open to you now").Sees("You were removed from the list of contacts", "ask Sjoerd Bestuurder")
		both(w.as(dirk), a.deliveryPath(""))
		w.as(dirk).Get(a.path("")).Want(404, "")
		w.as(a.Signatory).Get(a.path("/contacts")).Sees("Removed")
		w.as(a.Signatory).Get(a.path("")).Sees("Dirk Data removed as a download contact")
	})
}

func TestABadContactSaysWhatToMend(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, map[string][]byte{"a.vcf": []byte("a")})
	good := map[string]string{"name": "Dirk Data", "position": "engineer", "email": "dirk@" + a.domain, "country": "NL", "code": "good"}
	for name, c := range map[string]struct{ field, value, want string }{
		"no name":                {"name", "", "Enter the name of the contact"},
		"a long name":            {"name", strings.Repeat("x", 300), "Write at most 200 characters"},
		"a name in Arabic":       {"name", "محمد", "Enter the name in Latin letters as well"},
		"no position":            {"position", " ", "Enter the position of the contact"},
		"a position in Hebrew":   {"position", "מדען", "Use Latin, Greek or Cyrillic letters"},
		"no address":             {"email", "", "Enter the e-mail address of the contact"},
		"no address at all":      {"email", "dirk", ""},
		"two addresses":          {"email", "a@x.example,b@x.example", ""},
		"a header":               {"email", "a@x.example\r\nBcc: b@x.example", ""},
		"somebody who is there":  {"email", "CARLA@" + a.domain, ""},
		"no country":             {"country", "", "Choose the country"},
		"a country that is none": {"country", "ZZ", ""},
		"no code":                {"code", "", "Enter the six digits"},
		"a wrong code":           {"code", "123", "This code is not right"},
	} {
		t.Run(name, func(t *testing.T) {
			pairs := []string{}
			for field, value := range good {
				if field == c.field {
					value = c.value
				}
				if value == "good" {
					value = w.Code(a.Signatory)
				}
				pairs = append(pairs, field, value)
			}
			before := len(a.load().Amendments)
			b := w.as(a.Signatory).Get(a.path("/contacts/add")).Submit("Add this contact", pairs...)
			if b.Status != 422 || len(b.Errors()) == 0 || !strings.Contains(lineList(b.Errors()), c.want) {
				t.Errorf("got %d %q, want 422 %q", b.Status, b.Errors(), c.want)
			}
			if len(a.load().Amendments) != before {
				t.Error("it was asked for all the same")
			}
		})
	}
}

func TestFormsSentTwiceActOnce(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, map[string][]byte{"a.vcf": []byte("a")})
	form := url.Values{"name": {"Dirk Data"}, "position": {"engineer"}, "email": {"dirk@" + a.domain}, "country": {"NL"}, "code": {w.Code(a.Signatory)}}
	for range 2 {
		w.as(a.Signatory).Post(a.path("/contacts/add"), form).Want(200, "Dirk Data has been added")
	}
	if n := len(a.load().Amendments); n != 1 {
		t.Fatalf("got %d amendments, want 1", n)
	}
	remove := url.Values{"code": {w.Code(a.Signatory)}}
	for range 2 {
		w.as(a.Signatory).Post(a.path("/contacts/"+string(a.load().Contacts[1].ID)+"/remove"), remove).Want(200, "Dirk Data has been removed")
	}
	if n := len(a.load().Amendments); n != 2 {
		t.Fatalf("got %d amendments, want 2", n)
	}
}

func TestTheSignatoryConfirmsTheList(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, map[string][]byte{"a.vcf": []byte("a")})
	clock.Set(clock.Now().AddDate(0, 0, 80))
	sjoerd := w.as(a.Signatory).Get("/").Sees("Confirm the contacts of " + a.Number).Follow("Confirm the contacts")
	sjoerd.Want(200, "Does the list of contacts still hold?").Sees("Carla Contact", "It is your turn")
	sjoerd.Submit("The list still holds").Want(422, "").Submit("The list still holds", "code", w.Code(a.Signatory)).Want(200, "Download contacts").Sees("You have confirmed the list of contacts")
	if got := a.load().ListConfirmed; clock.Now().Sub(got) > 1e9 {
		t.Errorf("the list was confirmed at %s, want now, %s", got, clock.Now())
	}
	if w.as(a.Signatory).Get("/").Has("Confirm the contacts") {
		t.Error("it is still asked for")
	}
}

func TestTheApplicantSeesContactsAndChangesNone(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, map[string][]byte{"a.vcf": []byte("a")})
	id := string(a.load().Contacts[0].ID)
	anna := w.as(a.Applicant).Get(a.path("/contacts")).Want(200, "Download contacts").Sees("Carla Contact", "Only the signatory, Sjoerd Bestuurder, can have contacts added or removed")
	if anna.Has("Add a contact") || strings.Contains(anna.Body, "/remove") {
		t.Error("the applicant is offered a change")
	}
	for _, path := range []string{"/contacts/add", "/contacts/confirm", "/contacts/" + id + "/remove"} {
		anna.Get(a.path(path)).Want(404, "")
		anna.Post(a.path(path), url.Values{"code": {w.Code(a.Applicant)}, "name": {"x"}, "position": {"x"}, "email": {"x@" + a.domain}, "country": {"NL"}}).Want(404, "")
	}
	carla := w.as(a.Ada)
	carla.Get(a.path("/contacts")).Want(404, "")
	if carla.Get(a.path("")).Want(200, a.Number); carla.Has("sjoerd@") || carla.Has("anna@") {
		t.Error("a contact reads addresses of others")
	}
	both(carla, a.path(""), a.path("/versions/1"), "/agreements")
	if n := len(a.load().Amendments); n != 0 {
		t.Errorf("got %d amendments, want none", n)
	}
}

func TestAnExtensionIsAskedForAndDecided(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	until := licensing.Date{Year: 2027, Month: 1, Day: 31}
	a := w.inForce(until, map[string][]byte{"a.vcf": []byte("a")})
	anna := w.as(a.Applicant)
	anna.Get(a.path("")).Sees("It is your turn", "The last day is 31 January 2027").Follow("Ask for an extension").Want(200, "Ask for an extension of "+a.Number)
	both(anna, a.path("/extension"))
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"no day":        {[]string{"until-day", "", "until-month", "", "until-year", "", "reason", "more"}, "Enter the new last day"},
		"no such day":   {[]string{"until-day", "31", "until-month", "2", "until-year", "2028", "reason", "more"}, "Enter a day that exists"},
		"not later":     {[]string{"until-day", "31", "until-month", "1", "until-year", "2027", "reason", "more"}, "Enter a day after 31 January 2027"},
		"too far":       {[]string{"until-day", "31", "until-month", "1", "until-year", "2126", "reason", "more"}, "at most 3660 days ahead: enter 29 November 2036"},
		"no reason":     {[]string{"reason", "  "}, "Say why the project needs the data longer"},
		"an odd script": {[]string{"reason", "研究"}, "Use Latin, Greek or Cyrillic letters"},
	} {
		b := anna.Get(a.path("/extension")).Submit("Ask for the extension", c.fields...)
		if b.Status != 422 || len(b.Errors()) == 0 || !strings.Contains(lineList(b.Errors()), c.want) {
			t.Errorf("%s: got %d %q, want 422 %q", name, b.Status, b.Errors(), c.want)
		}
	}
	anna.Get(a.path("/extension")).Submit("Ask for the extension", "until-day", "31", "until-month", "1", "until-year", "2028", "reason", "The paper is not ready.")
	anna.Want(200, "You have asked for an extension").Sees(a.Number+"/1", "the last day stays 31 January 2027")
	page := anna.Path
	anna.Get(a.path("/extension")).Want(200, "You have asked")
	both(anna, page)
	w.as(a.Signatory).Get(page).Want(200, "Change "+a.Number+"/1").Sees("Waiting for the data access desk", "The paper is not ready.")

	m := a.load().Amendments[0]
	for _, who := range []account.Who{w.Desk, w.Second} {
		a.must(w.Registry.DecideAmendment(t.Context(), who, w.Act(who, "decide", "amendment:"+string(m.ID)), a.ID, m.ID, true, "fine"))
	}
	w.as(a.Applicant).Get(page).Want(200, "The extension has been granted").Sees("The last day is now 31 January 2028")
	both(w.as(a.Applicant), page, a.path(""), a.path("/documents/"+a.load().Amendments[0].SHA256))
	w.as(a.Applicant).Get(a.path("/extension")).Want(200, "").Sees("can be asked for from")

	// Declined: the reason is read.
	clock.Set(a.load().Term.Until.AddDate(0, 0, -10))
	w.as(a.Applicant).Get(a.path("/extension")).Submit("Ask for the extension", "reason", "Still not.").Want(200, "You have asked")
	m = a.load().Amendments[1]
	a.must(w.Registry.DecideAmendment(t.Context(), w.Desk, w.Act(w.Desk, "decide", "amendment:"+string(m.ID)), a.ID, m.ID, false, "Three years are enough."))
	w.as(a.Applicant).Get(a.path("/amendments/2")).Want(200, "Change").Sees("Declined", "Three years are enough.")
	both(w.as(a.Applicant), a.path("/amendments/2"))
}
