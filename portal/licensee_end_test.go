package portal

import (
	"strings"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestAtTheEndAccessStopsAndDestructionIsStated(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := dealWorld(t, d, clock)
		a := w.inForce(licensing.Date{Year: 2026, Month: 11, Day: 22}, someFiles)
		if got := w.as(a.Ada).Get(a.deliveryPath("/files/b.bam")); got.Status != 200 {
			t.Fatalf("before the end: got %d", got.Status)
		}
		a.passTo(0)
		carla := w.as(a.Ada).Get(a.deliveryPath("")).Want(200, "is not open to you now").Sees("The term ended on 23 November 2026, 00:00", "Sjoerd Bestuurder can ask for an extension until 20 February 2027", "b.bam")
		if strings.Contains(carla.Body, "sub dir") || strings.Contains(carla.Body, "/files/") {
			t.Error("files are listed that were never fetched, or a way to one")
		}
		carla.Get(a.deliveryPath("/files/b.bam")).Want(410, "is not open to you now")
		both(carla, a.deliveryPath(""), "/deliveries", "/", a.path(""))

		// The worker deletes; the certificate says so.
		w.Work()
		clock.Advance(25 * time.Hour)
		w.WorkOff()
		if got := a.delivery().State; got != delivery.Destroyed {
			t.Fatalf("the delivery is %s, want destroyed", got)
		}
		number := a.Number + "-1"
		carla = w.as(a.Ada).Get(a.deliveryPath("")).Sees("own copy of this delivery was destroyed").Follow("Certificate of deletion")
		carla.Want(200, "Certificate of deletion of "+number).Sees("SHA-256 of the PDF")
		pdf := carla.Get(a.path("/certificates/" + number + ".pdf"))
		if pdf.Status != 200 || !strings.HasPrefix(pdf.Body, "%PDF-") {
			t.Errorf("the certificate: got %d %.10q", pdf.Status, pdf.Body)
		}
		both(w.as(a.Signatory), a.path("/certificates/"+number), a.path(""))
		both(w.as(a.Ada), a.deliveryPath(""), "/deliveries")

		sjoerd := w.as(a.Signatory).Get("/").Sees("State that the data of " + a.Number + " have been destroyed").Follow("State that the data")
		sjoerd.Want(200, "State that the data of "+a.Number)
		both(sjoerd, a.path("/destruction"))
		sjoerd.Get(a.path("/destruction")).Submit("State the destruction").Want(422, "").Sees("Enter the day on which the last data were destroyed", "Make the statement, or come back")
		day := []string{"destroyed_on-day", "24", "destroyed_on-month", "11", "statement", "yes"}
		sjoerd.Submit("State the destruction", append(day, "destroyed_on-year", "20x6", "code", w.Code(a.Signatory))...).Want(422, "").Sees("in numbers")
		sjoerd.Submit("State the destruction", append(day, "destroyed_on-year", "2027", "code", w.Code(a.Signatory))...).Want(422, "").Sees("Enter a day that has been")
		w.as(a.Applicant).Get(a.path("/destruction")).Want(404, "")
		w.as(a.Applicant).Get(a.path("")).Sees("Waiting for Sjoerd Bestuurder", "the signatory states that this was done")

		fields := append(day, "destroyed_on-year", "2026", "remarks", "Nothing is kept.", "code", w.Code(a.Signatory))
		w.as(a.Signatory).Get(a.path("/destruction")).Submit("State the destruction", fields...).Want(200, "The agreement is closed out").Sees(a.Number)
		if got := a.load().State; got != licensing.ClosedOut {
			t.Fatalf("got %s, want closed out", got)
		}
		b := w.as(a.Signatory)
		b.Get(a.path("/destruction")).Follow("Statement of destruction").Want(200, "Statement of destruction").Sees("Nothing is kept.")
		both(b, a.path("/destruction"), a.path(""), "/", "/agreements", a.path("/documents/"+a.load().Attestation))
		if b.Get("/").Has("State that the data") {
			t.Error("it is still asked for")
		}
		b.Post(a.path("/destruction"), nil).Want(200, "The agreement is closed out")
	})
}

func TestALateExtensionIsAskedForAndSaysWhatItMeans(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(licensing.Date{Year: 2026, Month: 11, Day: 22}, someFiles)
	a.passTo(time.Hour)
	w.as(a.Signatory).Get(a.path("/extension")).Want(200, "Ask for an extension").Sees("in between there is no access").
		Submit("Ask for the extension", "until-day", "1", "until-month", "3", "until-year", "2027", "reason", "Late").Want(200, "You have asked")
	m := a.load().Amendments[0]
	a.must(w.Registry.DecideAmendment(t.Context(), w.Desk, w.Act(w.Desk, "decide", "amendment:"+string(m.ID)), a.ID, m.ID, true, "fine"))
	a.must(w.Registry.DecideAmendment(t.Context(), w.Second, w.Act(w.Second, "decide", "amendment:"+string(m.ID)), a.ID, m.ID, true, "fine"))
	w.as(a.Signatory).Get(a.path("/amendments/1")).Want(200, "has been granted").Sees("The data are prepared anew")
	w.WorkOff()
	w.as(a.Ada).Get("/deliveries").Sees(a.Number+"-1", a.Number+"-2").Get(a.deliveryPath("")).Want(200, a.Number+"-2").Sees("b.bam")
	var first delivery.ID
	w.View(func(tx *db.Tx) error {
		all, err := w.Depot.Overview(tx, a.ID)
		first = all[0].ID
		return err
	})
	w.as(a.Ada).Get("/deliveries/"+string(first)).Want(200, "not open").Sees("A newer one has taken its place")
}

func TestTheCalendarEntryMovesWithTheTerm(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(licensing.Date{Year: 2027, Month: 1, Day: 31}, someFiles)
	entry := func() string {
		b := w.as(a.Applicant).Get(a.path("/end.ics"))
		if b.Status != 200 || !strings.HasPrefix(b.Header.Get("Content-Type"), "text/calendar") {
			t.Fatalf("got %d %v", b.Status, b.Header)
		}
		return b.Body
	}
	for _, want := range []string{"DTSTART;VALUE=DATE:20270131", "SEQUENCE:0", "UID:term-" + string(a.ID)} {
		if !strings.Contains(entry(), want) {
			t.Errorf("%q is not in the entry:\n%s", want, entry())
		}
	}
	id, err := w.Registry.AskExtension(t.Context(), a.Signatory, a.ID, nextYear, "more")
	a.must(err)
	a.must(w.Registry.DecideAmendment(t.Context(), w.Desk, w.Act(w.Desk, "decide", "amendment:"+string(id)), a.ID, id, true, "fine"))
	a.must(w.Registry.DecideAmendment(t.Context(), w.Second, w.Act(w.Second, "decide", "amendment:"+string(id)), a.ID, id, true, "fine"))
	for _, want := range []string{"DTSTART;VALUE=DATE:20271231", "SEQUENCE:1"} {
		if !strings.Contains(entry(), want) {
			t.Errorf("%q is not in the entry:\n%s", want, entry())
		}
	}
}

func TestTheInboxShowsOnesOwnLettersWithoutSecrets(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("NL", "en", nextYear, set.ID)
	var letters []licensing.Letter
	w.View(func(tx *db.Tx) (err error) {
		letters, err = w.Registry.Outbox().AllLetters(tx, 1000)
		return err
	})
	links := 0
	for _, l := range letters {
		if l.Invitation != "" {
			links++
			w.site.Forbid("the link of an invitation", w.Link(l.Invitation))
		}
	}
	if links == 0 {
		t.Fatal("no letter has a link")
	}
	anna := w.as(a.Applicant).Get("/inbox").Want(200, "Messages").Sees("anna@"+a.domain, "Agreement ready to sign")
	if anna.Has("sjoerd@") {
		t.Error("a letter to somebody else is listed")
	}
	both(anna, "/inbox")
	for _, l := range letters {
		mine := l.To.Email == "anna@"+a.domain
		anna.Get("/inbox/" + l.ID)
		if mine {
			anna.Want(200, "Agreement ready to sign").Sees("Dear Anna Onderzoeker", "Why you get this")
			both(anna, "/inbox/"+l.ID)
		} else if anna.Status != 404 {
			t.Errorf("a letter to %s: got %d, want 404", l.To.Email, anna.Status)
		}
		if mine && l.Invitation == "" {
			anna.Get("/inbox/"+l.ID).Follow("Read and sign the agreement").Want(200, a.Number)
		}
	}
}
