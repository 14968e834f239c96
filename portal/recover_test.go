package portal

import (
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/portal/portaltest"
)

// loseKey goes on under a new local key, as processes do that were stopped, and recovers for two of staff.
func (w *world) loseKey(first, second account.Who) (links [2]string) {
	w.t.Helper()
	w.Clock.Advance(time.Minute)
	fresh, err := account.New(w.server.cfg.DB, [32]byte{9, 9, 9}, account.Options{Foundation: "Stichting Proef", Hashing: account.ForTests})
	if err != nil {
		w.t.Fatal(err)
	}
	fresh.Notify, fresh.Accepted = w.Accounts.Notify, w.Accounts.Accepted
	two := [2]string{w.email(first), w.email(second)}
	*w.Accounts = *fresh
	ids, err := w.Accounts.Recover(w.t.Context(), account.Host("root", "test"), two)
	if err != nil {
		w.t.Fatal(err)
	}
	return [2]string{w.Link(ids[0]), w.Link(ids[1])}
}

// password signs somebody in as far as the password goes.
func (w *world) password(b *portaltest.Browser, email string) *portaltest.Browser {
	w.t.Helper()
	return b.Get("/sign-in").Submit("Continue", "email", email, "password", accounttest.Password)
}

// comeBack enrols anew by a mailed link, in a browser that gave the password.
func (w *world) comeBack(b *portaltest.Browser, link string) (seed string) {
	w.t.Helper()
	b.Get(EnrolmentPath+link).Want(200, "Set up your authenticator app again").Submit("Continue").Want(200, "Set up your authenticator app")
	seed = shownSecret(w.t.(*testing.T), b)
	b.Submit("Finish", "code", w.codeOf(seed)).Want(200, "Keep your recovery codes").Follow("I have kept them").Want(200, "What waits")
	return seed
}

func TestAfterTheLocalKeyWasLostEverybodyComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := dealWorld(t, d, clock)
		a := w.inForce(nextYear, someFiles)
		carla := w.as(a.Ada)
		carla.Get(a.deliveryPath("/files/b.bam")).Want(200, "")
		noted := w.email(a.Ada)
		signatory := w.email(a.Signatory)
		links := w.loseKey(w.Desk, w.Second)

		// Nothing that was open is any more, and nobody gets further than the password.
		carla.Get(a.deliveryPath("/files/b.bam")).Want(200, "Sign in")
		w.password(carla, noted).Want(200, "You cannot sign in yet").Sees("It is your turn", "your recovery codes")
		both(carla, "/sign-in/waiting")
		carla.Get("/deliveries").Want(200, "You cannot sign in yet")
		carla.Get("/enrol").Want(200, "You cannot sign in yet")

		// The two of staff set up a new factor by what the host gave them.
		desk, second := w.anyone(), w.anyone()
		w.password(desk, w.email(w.Desk)).Want(200, "You cannot sign in yet").Sees("Open the link in the e-mail")
		deskSeed := w.comeBack(desk, links[0])
		w.password(second, w.email(w.Second))
		secondSeed := w.comeBack(second, links[1])
		w.site.Forbid("the desk's seed", deskSeed)

		// A contact asks for the link, enrols and downloads.
		carla.Get("/sign-in/waiting").Submit("Send me the link").Want(200, "You cannot sign in yet").Sees("on its way to your mailbox")
		w.comeBack(carla, w.link(account.NoticeEnrolAnew))
		carla.Get(a.deliveryPath("/files/b.bam"))
		if carla.Status != 200 || carla.Body != string(someFiles["b.bam"]) {
			t.Errorf("after enrolling anew: got %d and %q, want the file", carla.Status, carla.Body)
		}

		// Another member of staff comes back by the two.
		rep := w.anyone()
		w.password(rep, w.email(w.Rep)).Want(200, "You cannot sign in yet").Sees("Two members of staff must make sure who you are")
		person := "/people/" + string(w.Rep.Person())
		desk.Get("/").Sees("to re-prove").Get(person).Sees("Void: it was lost with the local key").Get(person+"/reprove").Want(200, "").
			Submit("Propose to let in again", "note", "Sat next to me", "code", w.next(deskSeed)).Want(200, "").Follow("Open the proposal")
		second.Get(desk.Path).Submit("Send the decision", "decision", "confirm", "note", "I saw him too", "code", w.next(secondSeed)).Want(200, "Staff")
		w.password(rep, w.email(w.Rep))
		w.comeBack(rep, w.link(account.NoticeEnrol))

		// With a new password the mailbox alone would be enough: then two of staff decide, and one may hold it at once.
		sjoerd := w.anyone()
		sjoerd.Get("/reset").Submit("Send", "email", signatory).Want(200, "Look in your mailbox")
		w.work()
		const fresh = "zeven vlotte kamelen drinken"
		sjoerd.Get(ResetPath+w.link(account.NoticeReset)).Submit("Save", "password", fresh).Want(200, "Sign in").
			Submit("Continue", "email", signatory, "password", fresh).Want(200, "You cannot sign in yet").Sees("Get in touch with the desk")
		both(sjoerd, "/sign-in/waiting")
		sjoerd.Post("/sign-in/link", nil).Want(422, "")
		desk.Get("/people/"+string(a.Signatory.Person())).Follow("Report the second factor lost").Submit("Report it lost").Want(200, "").Sees("Second factor reported lost")
		sjoerd.Get("/sign-in").Submit("Continue", "email", signatory, "password", fresh).Want(200, "You cannot sign in yet").Sees("was reported lost")
	})
}

// next is a code that was not used, of an app that was set up with a secret.
func (w *world) next(seed string) string {
	w.nextStep()
	return w.codeOf(seed)
}
