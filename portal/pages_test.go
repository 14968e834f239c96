package portal

import (
	"net/http"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/portal/portaltest"
	"sluice/templates"
)

func TestEveryPageIsSoundInBothLanguages(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	who := w.Person("Ada Jansen", "ada@umc.example")
	invitation := w.Link(w.Invite("Bo Bakker", "bo@umc.example", "someone:1"))
	known := w.Link(w.Invite("Ada", "ada@umc.example", "someone:2"))
	half, _, err := w.Accounts.SignIn(t.Context(), "ada@umc.example", "gracht viool zeven lantaarn", account.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range templates.Languages {
		for _, c := range []struct {
			who    string
			cookie string
			paths  []string
		}{
			{"nobody", "", []string{"/sign-in", "/reset", "/reset/sent", "/lost-factor", "/privacy", "/accessibility", "/nowhere", "/reset/none",
				InvitationPath + invitation, InvitationPath + known, InvitationPath + "none", "/demo", "/demo/mail", "/demo/design"}},
			{"with a password", half, []string{"/sign-in/code", "/sign-in/recovery", "/sign-in/lost", "/sign-in"}},
			{"signed in", w.Cookies[who.Person()], []string{"/", "/account", "/account/language", "/account/name", "/account/password", "/account/factor", "/account/codes", "/sign-in/lost",
				InvitationPath + known, InvitationPath + invitation, "/nowhere"}},
		} {
			for _, path := range c.paths {
				t.Run(lang+" "+c.who+" "+path, func(t *testing.T) {
					b := w.site.Browser(t).Prefer(lang).SetCookie("sluice", c.cookie).SetCookie("sluice-lang", lang).Get(path)
					if b.Root() == nil || b.Title() == "" {
						t.Fatalf("got %d %q, want a page", b.Status, b.Body)
					}
					if !strings.Contains(b.Body, `<html lang="`+lang+`"`) {
						t.Errorf("the page is not in the language %s", lang)
					}
					other := map[string]string{"en": "nl", "nl": "en"}[lang]
					if !strings.Contains(b.Body, "lang="+other) {
						t.Error("the page offers no other language")
					}
				})
			}
		}
	}
}

func TestTheLanguageIsChosenOnceAndKeepsThePage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	b := w.anyone().Prefer("nl-NL,nl;q=0.9,en;q=0.5").Get("/sign-in").Want(200, "Aanmelden")
	b.Get("/reset?x=1").Follow("English").Want(200, "Choose a new password")
	if !strings.HasPrefix(b.Path, "/reset?") || !strings.Contains(b.Path, "x=1") {
		t.Errorf("the language switch leads to %s", b.Path)
	}
	b.Get("/sign-in").Want(200, "Sign in")
	b.Submit("Continue", "email", "", "password", "").Want(422, "Sign in")
	b.Follow("Nederlands").Want(200, "Aanmelden")
	w.anyone().Prefer("de").Get("/sign-in?lang=xx").Want(200, "Sign in")
}

func TestErrorsStandInTheOrderOfTheFieldsAndLeadThere(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	b := w.anyone().Get("/sign-in").Submit("Continue", "email", " ", "password", "").Want(422, "Sign in")
	got := strings.Join(b.Errors(), " | ")
	if want := "Enter your e-mail address | Enter your password"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(b.Body, `href="#email"`) || !strings.Contains(b.Body, `href="#password"`) {
		t.Error("the summary does not lead to the fields")
	}
}

func TestAnUnknownAddressGetsTheSameAnswers(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.Person("Ada Jansen", "ada@umc.example")
	answers := func(email string) []string {
		var all []string
		strip := strings.NewReplacer(email, "ADDRESS")
		for _, steps := range []func(b *portaltest.Browser) *portaltest.Browser{
			func(b *portaltest.Browser) *portaltest.Browser {
				return b.Get("/sign-in").Submit("Continue", "email", email, "password", "not the password")
			},
			func(b *portaltest.Browser) *portaltest.Browser { return b.Get("/reset").Submit("Send", "email", email) },
		} {
			b := steps(w.anyone())
			all = append(all, b.Path, http.StatusText(b.Status), strip.Replace(b.Body), b.Header.Get("Set-Cookie"))
		}
		return all
	}
	known, unknown := answers("ada@umc.example"), answers("nobody@umc.example")
	for i := range known {
		if known[i] != unknown[i] {
			t.Errorf("somebody who has an account is answered\n%s\nand somebody who has none\n%s", known[i], unknown[i])
		}
	}
}

func TestALinkThatIsNotOursLeadsHome(t *testing.T) {
	for _, next := range []string{
		"", "https://evil.example", "//evil.example", "///evil.example", `/\evil.example`, `\/evil.example`, "/\t/evil.example", "/\n/evil.example",
		"/%5cevil.example", "/%09/evil.example", "/%2f/evil.example", "javascript:alert(1)", "http:evil", "evil", "?x", "#x", "/a//b", "/ /evil", "https:/evil.example",
		"/\u00a0/evil", "/%zz", "/sign-out", "/sign-in", "/sign-in/lost", "/session", "/" + strings.Repeat("a", 3000), "/@evil.example//", "/;//evil.example",
	} {
		if got := back(next); got != "/" {
			t.Errorf("next=%q leads to %q, want home", next, got)
		}
	}
	for _, next := range []string{"/", "/account", "/agreements/DR-0042-A?x=1&y=%20z", "/deliveries/abc/files/a%20b.vcf", "/invitation/ABC.def_-"} {
		if got := back(next); got != next {
			t.Errorf("next=%q leads to %q", next, got)
		}
	}
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	for _, next := range []string{"https://evil.example/", "//evil.example/", "/%5c%5cevil.example/"} {
		b := w.as(who).Get("/sign-in?next="+next).Want(200, "What waits")
		if b.Path != "/" {
			t.Errorf("next=%s leads to %s", next, b.Path)
		}
	}
}

func TestACookieFromBeforeIsWorthNothingAfterSigningIn(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	planted := strings.Repeat("ab", 32)
	b := w.anyone().SetCookie("sluice", planted).Get("/sign-in").Submit("Continue", "email", "ada@umc.example", "password", "gracht viool zeven lantaarn")
	half := b.Cookie("sluice")
	b.Submit("Continue", "code", w.Code(who)).Want(200, "What waits")
	full := b.Cookie("sluice")
	if half == planted || full == half || full == planted {
		t.Fatal("a step of signing in keeps the cookie there was before")
	}
	for _, old := range []string{planted, half} {
		w.anyone().SetCookie("sluice", old).Get("/account").Want(200, "Sign in")
	}
}

func TestCookiesAreForThisSiteAndForNoScript(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.Person("Ada Jansen", "ada@umc.example")
	cfg := w.server.cfg
	cfg.Base = "https://data.example.org"
	secure, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	w.server = secure
	body := "email=ada%40umc.example&password=gracht+viool+zeven+lantaarn"
	for _, c := range []struct{ method, path, body, name string }{
		{"POST", "/sign-in", body, "__Host-sluice"}, {"POST", "/sign-out", "", "__Host-sluice-notice"}, {"GET", "/privacy?lang=nl", "", "__Host-sluice-lang"},
	} {
		rec := w.ask(c.method, c.path, c.body)
		found := false
		for _, cookie := range rec.Result().Cookies() {
			found = found || cookie.Name == c.name
			if !cookie.HttpOnly || !cookie.Secure || cookie.SameSite != http.SameSiteLaxMode || cookie.Path != "/" || cookie.Domain != "" || !strings.HasPrefix(cookie.Name, "__Host-") {
				t.Errorf("%s sets the cookie %s", c.path, cookie.Raw)
			}
		}
		if !found {
			t.Errorf("%s sets no cookie %s: %v", c.path, c.name, rec.Header()["Set-Cookie"])
		}
		if rec.Header().Get("Strict-Transport-Security") == "" {
			t.Error("over https browsers are not told to keep to it")
		}
	}
}

func TestAWrongAddressOfTheSiteIsRefusedAtStart(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	for _, base := range []string{"", "data.example.org", "http://data.example.org", "ftp://localhost", "https://data.example.org/portal", "https://", "http://localhost.evil.example"} {
		cfg := w.server.cfg
		cfg.Base = base
		if _, err := New(cfg); err == nil {
			t.Errorf("the address %q is taken", base)
		}
	}
}
