package portal

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// invitationOf is the last invitation that was made for something.
func (w *world) invitationOf(purpose string) (id string) {
	w.t.Helper()
	w.View(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT id FROM invitations WHERE purpose = $1 ORDER BY created DESC LIMIT 1`, purpose).Scan(&id)
	})
	return id
}

type planted struct{}

func (planted) Kind() string { return "test.planted" }

func TestWhoHasAnAccountFindsTheInvitationAtHome(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		hugo, stranger := o.Person("Hugo de Wit", "hugo@umc.example"), o.Person("Bo Bakker", "bo@umc.example")
		clock.Advance(time.Minute)
		number := o.record()
		o.decide(o.Second, "/requests/"+number+"/approve", "Approve the request").Want(200, "Request "+number)
		party := o.agreement(number).Party(licensing.Signatory)
		id := o.invitationOf("party:" + string(party.ID))
		path := OwnInvitation(id)

		b := o.as(hugo)
		both(b, "/", path)
		b.Get("/").Sees("Invitations", "Sent to hugo@umc.example").Follow("You are named as signatory of "+number+": accept").Want(200, "Do you accept").
			Sees("signatory of the licensee for request "+number, "hugo@umc.example, which is one of your addresses", "Hugo de Wit")
		if b.Has("Resistance in colon cancer") || b.Has("becomes one of yours") {
			t.Errorf("the page says more than the part and the number, or that the address is not his:\n%s", b.Text())
		}
		b.Get(InvitationPath+o.Link(id)).Want(200, "Do you accept").Sees("signatory of the licensee for request "+number, "which is one of your addresses")
		o.anyone().Get(path).Want(200, "Sign in")
		o.anyone().Post(path, url.Values{}).Want(200, "Sign in")
		if s := o.as(stranger); s.Get("/").Has("named as") {
			t.Error("somebody else finds the invitation at home")
		}
		o.as(stranger).Get(path).Want(404, "")
		o.as(stranger).Post(path, url.Values{}).Want(404, "")
		o.as(stranger).Get(OwnInvitation("none")).Want(404, "")

		b.Get(path).Submit("Accept").Want(200, "What waits").Sees("You have accepted the invitation")
		if b.Has("You are named as signatory") {
			t.Error("an invitation that was accepted still waits")
		}
		if got := o.agreement(number).Party(licensing.Signatory).Person; got != hugo.Person() {
			t.Errorf("the signatory is %q, want Hugo", got)
		}
		b.Get(path).Want(200, "cannot be used any more")

		// Who has no account yet reads as what he is named too.
		applicant := o.agreement(number).Party(licensing.Applicant)
		link := o.Link(o.invitationOf("party:" + string(applicant.ID)))
		o.anyone().Get(InvitationPath+link).Want(200, "Make your account").Sees("main applicant of request " + number)
	})
}

func TestAnInvitationAtHomeKeepsTheRules(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	hugo, karin := o.Person("Hugo de Wit", "hugo@umc.example"), o.Person("Karin Kluis", "karin@umc.example")

	// The same person as applicant and signatory is one too few, whichever way it is accepted.
	number := o.record("applicant.email", "hugo@umc.example", "signatory.email", "hugo.dewit@umc.example")
	o.decide(o.Second, "/requests/"+number+"/approve", "Approve the request").Want(200, "Request "+number)
	a := o.agreement(number)
	if err := o.Accounts.AcceptAs(t.Context(), o.Link(o.invitationOf("party:"+string(a.Party(licensing.Signatory).ID))), hugo); err != nil {
		t.Fatal(err)
	}
	b := o.as(hugo).Get("/").Follow("You are named as main applicant of "+number).Want(200, "Do you accept")
	b.Submit("Accept").Want(422, "Do you accept").Sees("main applicant of request "+number, "One person cannot be both in one request")
	if got := o.agreement(number).Party(licensing.Applicant).Person; got != "" {
		t.Errorf("the applicant is %q, who is the signatory", got)
	}

	// An invitation that was sent again waits once; one that ran out does not wait, nor can it be accepted.
	other := o.record("applicant.email", "karin@umc.example", "contacts.0.email", "kees@umc.example")
	o.decide(o.Second, "/requests/"+other+"/approve", "Approve the request").Want(200, "Request "+other)
	clock.Advance(time.Minute)
	o.as(o.Desk).Get("/requests/"+other).Submit("Invite again").Want(200, other)
	k := o.as(karin).Get("/")
	if n := strings.Count(k.Text(), "You are named as main applicant of "+other); n != 1 {
		t.Errorf("an invitation that was sent twice waits %d times, want once:\n%s", n, k.Text())
	}
	path := OwnInvitation(o.invitationOf("party:" + string(o.agreement(other).Party(licensing.Applicant).ID)))
	clock.Advance(14 * 24 * time.Hour)
	k = o.as(karin)
	if k.Get("/").Has("You are named as main applicant of " + other) {
		t.Error("an invitation that ran out still waits")
	}
	k.Get(path).Want(200, "cannot be used any more")
	k.Post(path, url.Values{}).Want(410, "")

	// One to the staff is accepted at home too, and not once it was withdrawn.
	invite := func() (id string) {
		change := func(tx *db.Tx) error {
			id = db.NewID()
			_, err := tx.Exec(`INSERT INTO invitations (id, name, email, lang, purpose, salt, created, expires) VALUES ($1, 'Karin', 'karin@umc.example', 'en', 'staff:auditor', 'x', $2, $3)`,
				id, db.Stamp(tx.At), db.Stamp(tx.At.Add(time.Hour)))
			return errors.Join(err, tx.Record("invitation:"+id, planted{}))
		}
		if err := d.Change(t.Context(), db.Worker(), change); err != nil {
			t.Fatal(err)
		}
		return id
	}
	id := invite()
	k.Get("/").Follow("You are invited to be staff of the foundation").Want(200, "Do you accept").Sees("staff of the foundation")
	if err := o.Accounts.WithdrawStaff(t.Context(), o.fresh(o.Desk), id); err != nil {
		t.Fatal(err)
	}
	if k.Get("/").Has("invited to be staff") {
		t.Error("an invitation that was withdrawn still waits")
	}
	k.Post(OwnInvitation(id), url.Values{}).Want(410, "")
}
