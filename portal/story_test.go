package portal

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/portal/portaltest"
	"sluice/templates/pagetest"
)

// shownSecret is the seed on the page that shows a QR code.
func shownSecret(t *testing.T, b *portaltest.Browser) string {
	t.Helper()
	n := pagetest.ByClass(b.Root(), "qr-secret")
	if n == nil {
		t.Fatalf("no secret beside the QR code:\n%s", b.Text())
	}
	return pagetest.Text(n)
}

// shownCodes are the recovery codes on the page that shows them.
func shownCodes(t *testing.T, b *portaltest.Browser) []string {
	t.Helper()
	n := pagetest.ByClass(b.Root(), "secret-value")
	if n == nil {
		t.Fatalf("no codes on the page:\n%s", b.Text())
	}
	return strings.Fields(pagetest.Text(n))
}

func TestSomebodyIsInvitedSignsInLosesEverythingAndComesBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		const email, password = "noor@umc.example", "zeven vlotte kamelen drinken"
		w.site.Forbid("her password", password)
		invitation := w.Link(w.Invite("Noor van den Berg", email, "someone:1"))

		// The invitation: looking at it changes nothing; what is missing is said beside the field and what was typed stays.
		b := w.anyone().Get(InvitationPath+invitation).Want(200, "Make your account").Sees(email, "At least 8 characters")
		b.Get(InvitationPath+invitation).Submit("Make account", "name", "", "password", "kort").Want(422, "Make your account")
		b.Submit("Make account", "name", "Noor van den Berg-Smit", "password", "kort").Want(422, "").Sees("Enter at least 8 characters")
		if !strings.Contains(b.Body, `value="Noor van den Berg-Smit"`) || strings.Contains(b.Body, `value="kort"`) {
			t.Error("a form keeps the name that was typed, and no password")
		}
		b.Submit("Make account", "password", password).Want(200, "Set up your authenticator app")
		b.Get("/account").Want(200, "Set up your authenticator app") // nothing else is open yet

		// The app.
		seed := shownSecret(t, b)
		b.Submit("Finish", "code", "000000").Want(422, "Set up").Sees("This code is not right")
		if again := shownSecret(t, b); again != seed {
			t.Error("after a wrong code another secret is shown, so the app that was just set up is worth nothing")
		}
		before := b.Cookie("sluice")
		b.Submit("Finish", "code", w.codeOf(seed)).Want(200, "Keep your recovery codes").Sees("ten recovery codes")
		codes := shownCodes(t, b)
		if len(codes) != 10 || b.Cookie("sluice") == before {
			t.Errorf("got %d recovery codes, and the same cookie: %v", len(codes), b.Cookie("sluice") == before)
		}
		for i, c := range codes {
			w.site.Forbid("recovery code "+string(rune('0'+i)), c)
		}
		w.site.Forbid("her seed", strings.ReplaceAll(seed, " ", ""))
		b.Follow("I have kept them").Want(200, "Your account") // where she wanted to be before the app was asked for
		b.Get("/").Want(200, "What waits for you").Sees("Nothing waits for you")
		w.anyone().Get(InvitationPath+invitation).Want(200, "cannot be used any more").Sees("accepted")

		// Signing out and in. The first code was used up by setting up the app.
		b.Submit("Sign out").Want(200, "Sign in").Sees("You have signed out")
		b.Get("/account").Want(200, "Sign in").Submit("Continue", "email", strings.ToUpper(email), "password", password).Want(200, "Enter the code")
		b.Submit("Continue", "code", w.codeOf(seed)).Want(422, "Enter the code").Sees("has been used before")
		w.nextStep()
		b.Submit("Continue", "code", w.codeOf(seed)).Want(200, "Your account").Sees("Noor van den Berg-Smit", email, "10 left of 10", "Firefox on Linux")

		// Another browser with a recovery code, which is signed out from here, and gets a new app.
		other := w.anyone().Get("/").Submit("Continue", "email", email, "password", password).Follow("Use a recovery code")
		other.Submit("Continue", "code", "AAAA-AAAA-AAAA-AAAA").Want(422, "recovery").Sees("This recovery code is not right")
		w.site.Allow("recovery code 3")
		other.Submit("Continue", "code", strings.ToLower(codes[3])).Want(200, "What waits").Sees("signed in with a recovery code", "Set up your authenticator app again")
		w.site.Forbid("recovery code 3", codes[3])
		b.Get("/account").Sees("9 left of 10").Submit("Sign out Firefox").Want(200, "Your account").Sees("Signed out there")
		other.Get("/account").Want(200, "Sign in")

		// A forgotten password.
		b.Get("/sign-in").Want(200, "What waits")
		r := w.anyone().Get("/sign-in").Follow("forgotten").Submit("Send", "email", email).Want(200, "Look in your mailbox")
		w.work()
		reset := w.link(account.NoticeReset)
		r.Get(ResetPath+reset).Submit("Save", "password", "wachtwoord").Want(422, "Choose").Sees("too easy to guess")
		r.Submit("Save", "password", password+" samen").Want(200, "Sign in").Sees("has been changed")
		r.Get(ResetPath+reset).Want(410, "no longer available")
		b.Get("/account").Want(200, "Sign in")
		w.site.Forbid("her second password", password+" samen")

		// The app is lost too: she reports it, two of staff make sure, and the mailed link lets her set up another.
		b.Submit("Continue", "email", email, "password", password+" samen").Follow("lost my app").Want(200, "report").Submit("Report").Want(200, "reported lost")
		b.Get("/").Submit("Continue", "email", email, "password", password+" samen").Want(200, "cannot sign in yet").Sees("data access desk")
		person := w.personOf(email)
		first, second := w.Operators()
		proof := w.Confirm(first, account.ProposalAct(account.ReproveFactor, string(person)))
		task, err := w.Accounts.Propose(t.Context(), first, proof, account.ReproveFactor, person, "", "met in person")
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Accounts.ConfirmTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "called back"); err != nil {
			t.Fatal(err)
		}
		link := w.link(account.NoticeEnrol)
		b.Get(EnrolmentPath+link).Want(200, "Sign in").Submit("Continue", "email", email, "password", password+" samen").Want(200, "Set up your authenticator app again")
		b.Submit("Continue").Want(200, "Set up your authenticator app")
		fresh := shownSecret(t, b)
		b.Submit("Finish", "code", w.codeOf(fresh)).Want(200, "Keep your recovery codes").Follow("I have kept them").Want(200, "What waits")
		if fresh == seed {
			t.Error("the new app got the secret of the lost one")
		}
	})
}

// work runs the jobs of accounts.
func (w *world) work() {
	w.t.Helper()
	handlers := w.Accounts.Handlers()
	for _, j := range w.Jobs() {
		if handle := handlers[j.Kind]; handle != nil {
			if err := handle(w.t.Context(), j.Subject); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func (w *world) personOf(email string) (id account.PersonID) {
	w.t.Helper()
	w.View(func(tx *db.Tx) error {
		p, found, err := w.Accounts.ByEmail(tx, email)
		if err == nil && !found {
			w.t.Errorf("nobody has the address %s", email)
		}
		id = p.ID
		return err
	})
	return id
}

func TestWhoHasAnAccountAcceptsAnInvitationSignedIn(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	for _, c := range []struct{ name, email string }{{"her own address", "ada@umc.example"}, {"another address of hers", "ada@other.example"}} {
		t.Run(c.name, func(t *testing.T) {
			secret := w.Link(w.Invite("A. Jansen", c.email, "someone:"+c.email))
			b := w.as(who).Get(InvitationPath+secret).Want(200, "Do you accept").Sees(c.email, "Ada Jansen")
			b.Submit("Accept").Want(200, "What waits").Sees("You have accepted")
			b.Get("/account").Sees(c.email)
			b.Get(InvitationPath+secret).Want(200, "cannot be used any more")
		})
	}
	t.Run("signing in on the way", func(t *testing.T) {
		secret := w.Link(w.Invite("A. Jansen", "ada@umc.example", "someone:3"))
		b := w.anyone().Get(InvitationPath+secret).Want(200, "Sign in to accept").Follow("Sign in").Want(200, "Sign in")
		b.Submit("Continue", "email", "ada@umc.example", "password", accounttest.Password)
		b.Submit("Continue", "code", w.Code(who)).Want(200, "Do you accept")
	})
	t.Run("not that of somebody else", func(t *testing.T) {
		w.Person("Bo Bakker", "bo@umc.example")
		secret := w.Link(w.Invite("Bo", "bo@umc.example", "someone:4"))
		w.as(who).Get(InvitationPath+secret).Submit("Accept").Want(422, "Do you accept").Sees("belongs to another account")
	})
}

func TestTheAccountPageChangesLanguagePasswordAndApp(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	b := w.as(who).Get("/account/language").Submit("Save", "lang", "nl").Want(200, "Uw account").Sees("Opgeslagen", "Nederlands")
	b.Get("/account?lang=en").Want(200, "Your account")
	b.Get("/account").Want(200, "Your account")

	b.Get("/account/password").Submit("Change password", "old", "not this", "password", "zeven vlotte kamelen", "code", "").Want(422, "Change your password").Sees("Enter the six digits")
	b.Submit("Change password", "old", "not this", "password", "zeven vlotte kamelen", "code", w.Code(who)).Want(422, "").Sees("not your present password")
	w.nextStep()
	b.Submit("Change password", "old", accounttest.Password, "password", "zeven vlotte kamelen", "code", w.Code(who)).Want(200, "Your account").Sees("has been changed")

	b.Get("/account/factor").Submit("Continue", "code", "").Want(422, "Set up another")
	w.site.Allow("the seed of " + string(who.Person()))
	b.Submit("Continue", "code", w.Code(who)).Want(200, "Set up your authenticator app")
	seed := shownSecret(t, b)
	b.Submit("Finish", "code", "12").Want(422, "Set up your authenticator app").Sees("not right")
	b.Submit("Finish", "code", w.codeOf(seed)).Want(200, "Keep your recovery codes")
	b.Get("/account").Sees("10 left of 10")
}

func TestRecoveryCodesAreMadeAnewOnTheAccountPage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	half := func() account.Session {
		_, s, err := w.Accounts.SignIn(t.Context(), "ada@umc.example", accounttest.Password, accounttest.Meta)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	use := func(codes []string) {
		for _, code := range codes {
			if _, _, err := w.Accounts.GiveRecoveryCode(t.Context(), half(), code, accounttest.Meta); err != nil {
				t.Fatal(err)
			}
		}
	}
	old := w.Recovery[who.Person()]
	use(old[:6])
	b := w.as(who)
	if b.Get("/account").Sees("4 left of 10"); b.Has("only") {
		t.Error("with four codes left she is warned")
	}
	use(old[6:7])
	b.Get("/").Sees("Make new recovery codes, only 3 are left")
	b.Get("/account").Sees("3 left of 10", "only 3 are left", "Without recovery codes")
	use(old[7:])
	b.Get("/account").Sees("0 left of 10", "none are left").Follow("Make ten new recovery codes").Want(200, "Make ten new recovery codes").Sees("stop working at once")
	b.Submit("Make new codes", "code", "").Want(422, "Make ten").Sees("Enter the six digits")
	b.Submit("Make new codes", "code", "000000").Want(422, "Make ten").Sees("not right")
	b.Submit("Make new codes", "code", w.Code(who)).Want(200, "Keep your recovery codes").Sees("Ten new recovery codes have been made", "not shown again")
	codes := shownCodes(t, b)
	for _, code := range codes {
		w.site.Forbid("a new recovery code", code)
	}
	if b.Follow("I have kept them").Want(200, "Your account").Sees("10 left of 10"); b.Has("none are left") {
		t.Error("she is warned of codes that are there")
	}
	use(codes[:1])
}

func TestASessionEndsAndComesBackToTheSamePage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	b := w.as(who).Get("/account").Want(200, "Your account")
	var left string
	for n := range b.Root().Descendants() {
		if n.Type == html.ElementNode && pagetest.Attr(n, "data-session-left") != "" {
			left = pagetest.Attr(n, "data-session-left") + " " + pagetest.Attr(n, "data-session-extend")
		}
	}
	if !strings.HasSuffix(left, " /session") {
		t.Errorf("the page does not say when the session ends: %q", left)
	}
	clock.Advance(50 * time.Minute)
	if b.Get("/session"); b.Status != http.StatusNoContent {
		t.Errorf("prolonging: got %d, want 204", b.Status)
	}
	clock.Advance(50 * time.Minute)
	b.Get("/account/language").Want(200, "Choose your language")
	clock.Advance(61 * time.Minute)
	b.Get("/account/language").Want(200, "Sign in").Submit("Continue", "email", "ada@umc.example", "password", accounttest.Password)
	b.Submit("Continue", "code", w.Code(who)).Want(200, "Choose your language")
}

func TestSomebodyCorrectsHisNameAndStaffIsRenamedByTwoOthers(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Tanaka H", "ada@umc.example")
	b := w.as(who).Get("/account").Follow("Change Name").Want(200, "Correct your name")
	b.Submit("Save", "name", "田中 花子", "code", "").Want(422, "Correct").Sees("in Latin letters as well")
	b.Submit("Save", "name", "", "latin", "", "code", w.Code(who)).Want(422, "Correct").Sees("Enter your name")
	b.Submit("Save", "name", "田中 花子", "latin", "Hanako Tanaka", "code", "000000").Want(422, "Correct").Sees("not right")
	b.Submit("Save", "code", w.Code(who)).Want(200, "Your account").Sees("Your name has been changed", "田中 花子 (Hanako Tanaka)")

	// Whoever sees her at the foundation sees what she was called before.
	first, second := w.Operators()
	w.as(second).Get("/people/"+string(who.Person())).Want(200, "田中 花子").Sees("Hanako Tanaka", "Tanaka H, until 22 November 2026")

	// One of staff could pass for another, so two colleagues do it.
	b = w.as(first).Get("/account").Sees("Two colleagues change your name")
	if b.Get("/account/name").Want(200, "Correct your name").Has("Save") {
		t.Error("staff is offered to change its own name")
	}
	third := w.Person("Derde Persoon", "third@foundation.example", account.Desk)
	page := "/people/" + string(first.Person())
	b = w.as(second).Get(page).Follow("Change the name").Want(200, "Change the name of Eerste Beheerder?")
	b.Submit("Propose the name", "name", "Eerste Beheerder-Smit", "note", "", "code", w.Code(second)).Want(422, "Change").Sees("Write how you made sure")
	b.Submit("Propose the name", "note", "seen the passport", "code", w.Code(second)).Want(200, "Eerste Beheerder").Sees("Proposed another name")
	task := b.Follow("Open the proposal").Want(200, "Change the name").Sees("Eerste Beheerder-Smit", "You proposed this").Path
	w.as(third).Get(page).Follow("Open the proposal").Submit("Send the decision", "decision", "confirm", "note", "called her", "code", w.Code(third)).Want(200, "Staff")
	w.as(third).Get(page).Want(200, "Eerste Beheerder-Smit").Sees("Eerste Beheerder, until")
	w.as(second).Get(task).Want(200, "Staff").Sees("does not wait for anybody any more")
}

func TestTheAccountPageShowsTheLastSignInsAndWhatFailed(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	for range 2 {
		w.anyone().Get("/sign-in").Submit("Continue", "email", "ada@umc.example", "password", "not hers").Want(422, "Sign in")
	}
	b := w.anyone().Get("/account").Submit("Continue", "email", "ada@umc.example", "password", accounttest.Password)
	b.Submit("Continue", "code", w.Code(who)).Want(200, "Your account").Sees("Your last sign-ins", "Firefox on Linux You are using this one2",
		"Setting up the app", "desk@foundation.example")
	if b.Has("since you signed in") {
		t.Error("she is told of failures that were not")
	}
	w.anyone().Get("/sign-in").Submit("Continue", "email", "ada@umc.example", "password", "not hers")
	b.Get("/account").Sees("1 attempt to sign in as you has failed since you signed in").Follow("Change your password").Want(200, "Change your password")
}

func TestOnePersonIsNotBothOfTheFirstTwoOfStaff(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := accounttest.New(t, d, clock)
	site := portaltest.Serve(t, func(base string) http.Handler {
		s, err := New(bare(t, d, w.Accounts, base))
		if err != nil {
			t.Fatal(err)
		}
		return s.Handler()
	})
	ids, err := w.Accounts.Bootstrap(t.Context(), account.Host("root", "server"), [2]account.NewStaff{
		{Name: "Anna", Email: "anna@foundation.example"}, {Name: "Bo", Email: "anna@home.example"}})
	if err != nil {
		t.Fatal(err)
	}
	anna := w.Join(ids[0], "Anna")
	b := site.Browser(t).SetCookie("sluice", w.Cookies[anna.Person()])
	b.Get(InvitationPath+w.Link(ids[1])).Submit("Accept").Want(422, "Do you accept").Sees("they must be two people")
}
