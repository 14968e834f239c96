package portal

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db/dbtest"
	"sluice/infra/mail"
)

// demoOf is a demo with one member of staff and whoever has joined.
func demoOf(w **world) *Demo {
	box := mail.NewBox(10)
	return &Demo{
		Mail: box,
		People: func(_ context.Context, lang string) ([]DemoPerson, error) {
			role := map[string]string{"en": "Data access desk", "nl": "Loket voor datatoegang"}[lang]
			return []DemoPerson{
				{ID: (*w).Desk.Person(), Name: "Dineke Balie", Email: "desk@foundation.example", Password: accounttest.Password, Role: role, Waits: "2"},
				{ID: (*w).Rep.Person(), Name: "Roos Vertegenwoordiger", Email: "rep@foundation.example", Password: accounttest.Password, Role: "x"},
			}, nil
		},
		Code: func(person account.PersonID, at time.Time) (string, error) {
			return totp.GenerateCode((*w).Seed(person), at)
		},
	}
}

func TestInTheDemoOneClickIsEnoughToBeSomebody(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	clock.Advance(time.Hour)
	b := w.anyone().Get("/").Want(200, "Be one of the demo people").Sees("Dineke Balie", "Data access desk", w.CodeAt(w.Desk.Person(), clock.Now()))
	b.Get("/?lang=nl").Want(200, "demopersonen").Sees("Loket voor datatoegang")
	b.Get("/demo?lang=en").Submit("Sign in Dineke Balie").Want(200, "What waits for you")
	b.Get("/account").Sees("Dineke Balie")

	// The code that is shown is still good for an act.
	b.Get("/account/password").Sees(w.CodeAt(w.Desk.Person(), clock.Now()))
	if _, err := w.Accounts.Confirm(t.Context(), whoOf(t, w, b.Cookie("sluice")), account.Act{Kind: "sign", Subject: "x"}, w.CodeAt(w.Desk.Person(), clock.Now())); err != nil {
		t.Errorf("the code that the page shows does not work after signing in with one click: %v", err)
	}

	// Being somebody else and back again needs no wait; after signing out within the same code it does.
	b.Get("/demo").Submit("Sign in Roos").Want(200, "What waits")
	b.Get("/demo").Submit("Sign in Dineke").Want(200, "What waits")
	b.Submit("Sign out").Want(200, "Sign in")
	b.Get("/demo").Submit("Sign in Dineke").Want(200, "Wait for the next code").Sees("Dineke Balie")
	clock.Set(account.NextCode(clock.Now()))
	b.Submit("Try again").Want(200, "What waits")
	if w.anyone().Post("/demo", map[string][]string{"person": {"nobody"}}).Status != 404 {
		t.Error("somebody who is no demo person can be signed in as")
	}
}

func whoOf(t *testing.T, w *world, cookie string) account.Who {
	t.Helper()
	s, err := w.Accounts.Session(t.Context(), cookie)
	if err != nil {
		t.Fatal(err)
	}
	return s.Who
}

func TestTheDemoShowsItsMailAndDesign(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	b := w.anyone().Get("/demo/mail").Want(200, "Mail").Sees("No mail has been sent yet")
	secret := w.Link(w.Invite("Bo", "bo@umc.example", "someone:1"))
	err := w.server.cfg.Demo.Mail.Send(t.Context(), mail.Message{ID: "m1", To: mail.Address{Name: "Bo", Address: "bo@umc.example"}, Subject: "Your <b>account</b>", At: clock.Now(),
		Text: "Dear Bo,\n\nSet up your account: " + w.site.URL + InvitationPath + secret + "\n\nWhy you get this: x\nIf you do nothing: y"})
	if err != nil {
		t.Fatal(err)
	}
	b.Get("/demo/mail").Sees("Your <b>account</b>").Follow("Your <b>account</b>").Want(200, "Your <b>account</b>").Sees("Dear Bo,", "Bo <bo@umc.example>")
	b.Follow(w.site.URL+InvitationPath).Want(200, "Make your account")
	b.Get("/demo/mail/none").Want(404, "")
	b.Get("/demo/design").Want(200, "Design language")
	b.Get("/demo/design?show=empty").Want(200, "Design language")
}

func TestOutsideDemoModeItsPagesDoNotExist(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	for _, path := range []string{"/demo", "/demo/mail", "/demo/mail/x", "/demo/design"} {
		w.anyone().Get(path).Want(404, "Page not found")
	}
	if b := w.as(w.Desk).Get("/account/password"); strings.Contains(b.Body, w.CodeAt(w.Desk.Person(), clock.Now())) {
		t.Error("a page shows somebody's code outside demo mode")
	}
	demo := demoOf(&w)
	if _, err := New(Config{DB: d, Accounts: w.Accounts, Pages: w.server.cfg.Pages, Base: "https://data.example.org", CookieKey: [32]byte{1}, Demo: demo}); err == nil {
		t.Error("demo mode starts at an address that others can reach")
	}
}
