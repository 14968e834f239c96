package portal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestWhoAsksTooOftenIsToldWhenToTryAgain(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	b := w.anyone()
	last := 0
	for range 30 {
		last = b.Post("/reset", url.Values{"email": {"nobody@umc.example"}}).Status
		if last == http.StatusTooManyRequests {
			break
		}
	}
	if last != http.StatusTooManyRequests || b.Header.Get("Retry-After") == "" || !b.Has("You can try again from") {
		t.Fatalf("got %d, Retry-After %q: %s", last, b.Header.Get("Retry-After"), b.Text())
	}
	b.Get("/reset").Want(200, "Choose a new password") // looking is free
	if rec := w.ask("POST", "/reset", "email=x%40umc.example", "X-Forwarded-For", "198.51.100.7"); rec.Code == http.StatusTooManyRequests {
		t.Error("another client has to wait as well")
	}
	clock.Advance(time.Hour)
	if b.Post("/reset", url.Values{"email": {"else@umc.example"}}); b.Status != 200 {
		t.Errorf("an hour later: got %d", b.Status)
	}
}

func TestATokenThatIsNoneIsRefusedAndSlowedDown(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.server.reader("GET /read/{id}", func(w http.ResponseWriter, _ *http.Request, _ *visit) error { return plain(w, 200, "read") })
	w.server.handler = w.server.chain()
	if rec := w.ask("GET", "/read/x", "", "Cookie", "sluice="+w.Cookies[w.Desk.Person()]); rec.Code != 200 {
		t.Errorf("signed in: got %d", rec.Code)
	}
	if rec := w.ask("GET", "/read/x", "", "Accept", "*/*"); rec.Code != 401 {
		t.Errorf("a program without a token: got %d, want 401", rec.Code)
	}
	last := 0
	for range 100 {
		rec := w.ask("GET", "/read/x", "", "Authorization", "Bearer sluice_canary-token")
		if last = rec.Code; last != 401 {
			break
		}
		if rec.Header().Get("WWW-Authenticate") == "" || strings.Contains(rec.Body.String(), "<") || rec.Body.Len() == 0 {
			t.Fatalf("a program gets %q", rec.Body)
		}
	}
	if last != 429 {
		t.Errorf("after many tokens that are none: got %d, want 429", last)
	}
	if strings.Contains(w.log.String(), "canary") {
		t.Error("the log holds a token")
	}
	if rec := w.ask("GET", "/account", "", "Authorization", "Bearer sluice_x"); rec.Code != 303 {
		t.Errorf("a token at a page: got %d, want 303 to sign in", rec.Code)
	}
}

func TestTheLimiterForgetsWhoCameLongestAgo(t *testing.T) {
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := newLimiter(perMinute(1), 1)
	for i := range mostClients + 500 {
		l.ask(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), at)
	}
	if len(l.clients) != mostClients || l.order.Len() != mostClients {
		t.Errorf("it remembers %d and %d, want %d", len(l.clients), l.order.Len(), mostClients)
	}
	if l.ask("2001:db8:1:2::1", at) != 0 || l.ask("2001:db8:1:2:ffff::9", at) == 0 || l.ask("2001:db8:1:3::1", at) != 0 {
		t.Error("an IPv6 network is one client, and two networks are two")
	}
	if wait := l.ask("2001:db8:1:2::1", at); wait < 50*time.Second || wait > 61*time.Second {
		t.Errorf("wait is %s, want about a minute", wait)
	}
}

func TestOnlyATrustedProxySaysWhoTheClientIs(t *testing.T) {
	s := &Server{cfg: Config{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}}
	for _, c := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "192.0.2.1:5", nil, "192.0.2.1"},
		{"a stranger who claims", "192.0.2.1:5", []string{"198.51.100.1"}, "192.0.2.1"},
		{"our proxy", "10.1.1.1:5", []string{"198.51.100.1"}, "198.51.100.1"},
		{"two of ours", "10.1.1.1:5", []string{"198.51.100.1, 10.2.2.2"}, "198.51.100.1"},
		{"somebody who puts one before", "10.1.1.1:5", []string{"1.1.1.1, 198.51.100.1"}, "198.51.100.1"},
		{"in two headers", "10.1.1.1:5", []string{"1.1.1.1", "198.51.100.1"}, "198.51.100.1"},
		{"nonsense", "10.1.1.1:5", []string{"198.51.100.1, x"}, "10.1.1.1"},
		{"nothing", "10.1.1.1:5", nil, "10.1.1.1"},
		{"IPv6", "[::1]:5", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 in IPv6", "[::ffff:10.1.1.1]:5", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = c.remote
			for _, f := range c.forwarded {
				r.Header.Add("X-Forwarded-For", f)
			}
			if got := s.client(r); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAccountsSlowDownGuessesAndSayUntilWhen(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	w.Person("Ada Jansen", "ada@umc.example")
	b := w.anyone()
	for range 40 {
		if b.Get("/sign-in").Submit("Continue", "email", "ada@umc.example", "password", "not the password"); b.Status != 422 {
			break
		}
	}
	b.Want(429, "Too many attempts").Sees("You can try again from")
	if b.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestEveryErrorHasItsPage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	for name, c := range map[string]struct {
		err    error
		status int
		sees   string
	}{
		"not-yours":       {account.ErrNotAllowed, 404, "Page not found"},
		"no-agreement":    {fmt.Errorf("x: %w", licensing.ErrNotFound), 404, "Page not found"},
		"no-delivery":     {delivery.ErrNotFound, 404, "Page not found"},
		"first":           {fmt.Errorf("x: %w", db.ErrConflict), 409, "Somebody else was first"},
		"refused-unknown": {&licensing.RefusedError{Key: "refused.no-such-words"}, 422, "not possible as things stand"},
		"database-away":   {fmt.Errorf("x: %w", db.ErrAway), 503, "Try again in a few minutes"},
		"keyring-away":    {fmt.Errorf("x: %w", delivery.ErrKeyringAway), 503, "Try again in a few minutes"},
		"store-away":      {fmt.Errorf("x: %w", delivery.ErrStoreAway), 503, "Your access and your files have not changed"},
		"wait":            {&account.WaitError{Until: clock.Now().Add(time.Minute)}, 429, "You can try again from"},
		"link":            {account.ErrLink, 410, "Ask for a new one"},
		"ended":           {licensing.ErrEnded, 410, "has ended"},
		"suspended":       {licensing.ErrSuspended, 410, "suspended"},
		"unexpected":      {errors.New("canary: the password is wrong in table x"), 500, "Something went wrong"},
	} {
		w.server.public("GET /error/"+name, func(http.ResponseWriter, *http.Request, *visit) error { return c.err })
		w.server.handler = w.server.chain()
		for _, lang := range []string{"en", "nl"} {
			rec := w.ask("GET", "/error/"+name, "", "Accept-Language", lang)
			if rec.Code != c.status || lang == "en" && !strings.Contains(rec.Body.String(), c.sees) || strings.Contains(rec.Body.String(), "canary") {
				t.Errorf("%s in %s: got %d, want %d and %q:\n%s", name, lang, rec.Code, c.status, c.sees, rec.Body)
			}
		}
	}
	// The page of a part that is away is made without asking that part.
	d.Close()
	rec := w.ask("GET", "/account", "", "Cookie", "sluice="+w.Cookies[w.Desk.Person()])
	if rec.Code < 500 || !strings.Contains(rec.Body.String(), "<h1>") {
		t.Errorf("without a database: got %d\n%s", rec.Code, rec.Body)
	}
	if rec := w.ask("GET", "/healthz", ""); rec.Code != 200 {
		t.Errorf("the process lives without a database, but /healthz says %d", rec.Code)
	}
}

func TestReadinessIsAskedAndSaysNothingMore(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var fault error
	w := newWorld(t, d, clock, func(cfg *Config) { cfg.Ready = func(context.Context) error { return fault } })
	if rec := w.ask("GET", "/readyz", ""); rec.Code != 200 {
		t.Errorf("got %d, want 200", rec.Code)
	}
	fault = errors.New("vault at 10.1.2.3 is sealed")
	if rec := w.ask("GET", "/readyz", ""); rec.Code != 503 || strings.Contains(rec.Body.String(), "vault") {
		t.Errorf("got %d %q", rec.Code, rec.Body)
	}
}

func TestTheLogNamesRoutesAndNoSecrets(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	secret := w.Link(w.Invite("Bo", "bo@umc.example", "someone:1"))
	w.anyone().Get(InvitationPath + secret + "?x=canary-query")
	w.ask("BREW", "/account", "")
	log := w.log.String()
	if !strings.Contains(log, `"route":"GET /invitation/{secret}"`) || strings.Contains(log, secret) || strings.Contains(log, "canary") || strings.Contains(log, "BREW") {
		t.Errorf("the log:\n%s", log)
	}
}
