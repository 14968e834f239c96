package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/templates"
)

var wildcard = regexp.MustCompile(`\{[a-z]+(\.\.\.)?\}`)

// address is an address that a route answers.
func (rt *route) address() string {
	path := strings.ReplaceAll(rt.path, "{$}", "")
	return wildcard.ReplaceAllString(path, "x")
}

// ask sends one request straight to the handler.
func (w *world) ask(method, path, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Host = strings.TrimPrefix(w.site.URL, "http://")
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.server.Handler().ServeHTTP(rec, r)
	return rec
}

func demoConfig(w **world) func(*Config) {
	return func(cfg *Config) { cfg.Demo = demoOf(w) }
}

func TestNoFormOfAnotherSiteReachesAHandler(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	who := w.Person("Ada Jansen", "ada@umc.example", account.Desk, account.Operator, account.Steward, account.Auditor, account.Representative)
	posts := 0
	for _, rt := range w.server.routes {
		if rt.method == http.MethodGet {
			continue
		}
		posts++
		ran := false
		old := rt.handle
		rt.handle = func(http.ResponseWriter, *http.Request, *visit) error { ran = true; return nil }
		for _, from := range [][]string{{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Site", "same-site"}, {"Origin", "https://evil.example"}, {"Origin", "null"}} {
			rec := w.ask(rt.method, rt.address(), "a=b", append(from, "Cookie", "sluice="+w.Cookies[who.Person()])...)
			if rec.Code != http.StatusForbidden || ran {
				t.Errorf("%s with %s: got %d, and the handler ran: %v", rt.pattern(), from, rec.Code, ran)
			}
		}
		rt.handle = old
	}
	if posts == 0 {
		t.Fatal("the table has no form")
	}
}

func TestWhoIsNotSignedInIsSentToSignInFromEveryPage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	protected := 0
	for _, rt := range w.server.routes {
		if rt.access < accessHalf {
			continue
		}
		protected++
		rec := w.ask(rt.method, rt.address(), "", "Accept", "text/html")
		to, err := url.Parse(rec.Header().Get("Location"))
		if rec.Code != http.StatusSeeOther || err != nil || to.Path != "/sign-in" {
			t.Errorf("%s: got %d to %q, want 303 to /sign-in", rt.pattern(), rec.Code, rec.Header().Get("Location"))
			continue
		}
		want := templates.HomePath
		if rt.method == http.MethodGet || w.server.byPath[rt.path] != nil {
			want = rt.address()
		}
		if got := to.Query().Get("next"); got != want {
			t.Errorf("%s: comes back to %q, want %q", rt.pattern(), got, want)
		}
	}
	if protected == 0 {
		t.Fatal("the table has no page that needs a session")
	}
}

func TestHalfASessionOpensNothingButTheWayIn(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example", account.Desk)
	cookie, _, err := w.Accounts.SignIn(t.Context(), w.email(who), "gracht viool zeven lantaarn", account.Meta{Address: "192.0.2.9"})
	if err != nil {
		t.Fatal(err)
	}
	for _, rt := range w.server.routes {
		if rt.access < accessReader {
			continue
		}
		rec := w.ask(rt.method, rt.address(), "", "Cookie", "sluice="+cookie, "Accept", "text/html")
		if to := rec.Header().Get("Location"); rec.Code != http.StatusSeeOther || !strings.HasPrefix(to, "/sign-in/code?next=") {
			t.Errorf("%s: got %d to %q, want the step that is missing", rt.pattern(), rec.Code, to)
		}
	}
}

func TestStaffPagesDoNotExistForOthers(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	ran := false
	w.server.staff("GET /only/desk", func(http.ResponseWriter, *http.Request, *visit) error { ran = true; return nil }, account.Desk)
	w.server.handler = w.server.chain()
	for _, rt := range w.server.routes {
		if rt.access != accessStaff {
			continue
		}
		rec := w.ask(rt.method, rt.address(), "", "Cookie", "sluice="+w.Cookies[who.Person()])
		nowhere := w.ask(http.MethodGet, "/nowhere", "", "Cookie", "sluice="+w.Cookies[who.Person()])
		if rec.Code != http.StatusNotFound || ran {
			t.Errorf("%s: got %d, want 404", rt.pattern(), rec.Code)
		}
		if clean(rec.Body.String()) != clean(nowhere.Body.String()) {
			t.Errorf("%s looks different from a page that is not there", rt.pattern())
		}
	}
	if w.ask(http.MethodGet, "/only/desk", "", "Cookie", "sluice="+w.Cookies[w.Desk.Person()]); !ran {
		t.Error("the desk does not reach its own page")
	}
}

// clean takes out of a page what names its own address.
func clean(page string) string {
	return regexp.MustCompile(`href="[^"]*lang=..[^"]*"`).ReplaceAllString(page, "")
}

func TestGetChangesNothing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	all := w.Person("Ada Jansen", "ada@umc.example", account.Desk, account.Operator, account.Steward, account.Auditor, account.Representative)
	secret := w.Link(w.Invite("Bo", "bo@umc.example", "someone:1"))
	before, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []account.PersonID{"", all.Person(), w.Desk.Person()} {
		for _, rt := range w.server.routes {
			if rt.method != http.MethodGet {
				continue
			}
			path := strings.ReplaceAll(rt.path, "{$}", "")
			path = strings.ReplaceAll(path, "{secret}", secret)
			rec := w.ask(http.MethodGet, wildcard.ReplaceAllString(path, "x")+"?lang=nl", "", "Cookie", "sluice="+w.Cookies[who], "Accept", "text/html")
			if rec.Code >= 500 {
				t.Errorf("GET %s: got %d", path, rec.Code)
			}
		}
	}
	after, err := d.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if before != after {
		t.Errorf("opening every page wrote into the log: %v, then %v", before, after)
	}
	w.View(func(tx *db.Tx) error {
		inv, err := w.Accounts.Invitation(tx, strings.Split(secret, ".")[0])
		if err == nil && !inv.Accepted.IsZero() {
			t.Error("opening the link accepted the invitation")
		}
		return err
	})
}

func TestEveryAnswerCarriesTheSafetyHeaders(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := newWorld(t, d, clock)
	who := w.Person("Ada Jansen", "ada@umc.example")
	w.server.public("GET /breaks", func(http.ResponseWriter, *http.Request, *visit) error { panic("canary-panic-value") })
	w.server.public("GET /fails", func(http.ResponseWriter, *http.Request, *visit) error { return db.ErrAway })
	w.server.handler = w.server.chain()
	cookie := "sluice=" + w.Cookies[who.Person()]
	for _, c := range []struct {
		method, path, body string
		headers            []string
		want               int
	}{
		{"GET", "/", "", []string{"Cookie", cookie}, 200},
		{"HEAD", "/", "", []string{"Cookie", cookie}, 200},
		{"GET", "/", "", nil, 303},
		{"POST", "/sign-in", "email=&password=", nil, 422},
		{"POST", "/sign-in", "a=b", []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"GET", "/nowhere", "", nil, 404},
		{"DELETE", "/account", "", nil, 404},
		{"GET", "/reset/x", "", nil, 410},
		{"POST", "/sign-in", "email=" + strings.Repeat("a", formBytes+1), nil, 413},
		{"POST", "/sign-in", "%zz", nil, 400},
		{"GET", "/breaks", "", nil, 500},
		{"GET", "/fails", "", nil, 503},
		{"GET", "/healthz", "", nil, 200},
		{"GET", "/static/none.css", "", nil, 404},
		{"GET", "/.well-known/security.txt", "", nil, 200},
	} {
		rec := w.ask(c.method, c.path, c.body, c.headers...)
		if rec.Code != c.want {
			t.Errorf("%s %s: got %d, want %d", c.method, c.path, rec.Code, c.want)
		}
		for name, want := range map[string]string{
			"Content-Security-Policy": contentPolicy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin", "Cache-Control": "no-store", "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
		} {
			if got := rec.Header().Get(name); got != want {
				t.Errorf("%s %s: %s is %q, want %q", c.method, c.path, name, got, want)
			}
		}
		if rec.Header().Get("Strict-Transport-Security") != "" {
			t.Error("over plain http nobody is told to use https")
		}
		if strings.Contains(rec.Body.String(), "canary") || strings.Contains(rec.Body.String(), "goroutine") || strings.Contains(rec.Body.String(), ".go:") {
			t.Errorf("%s %s shows what went wrong inside", c.method, c.path)
		}
		if c.want == 500 && !strings.Contains(rec.Body.String(), rec.Header().Get("X-Request-Id")) {
			t.Error("a fault of ours has no reference")
		}
		if c.want == 503 && rec.Header().Get("Retry-After") == "" {
			t.Error("a part that is away: no Retry-After")
		}
	}
	if log := w.log.String(); strings.Contains(log, "canary") || !strings.Contains(log, "sweep_test") && !strings.Contains(log, "TestEveryAnswer") {
		t.Errorf("the log holds the value of a panic, or not where it was:\n%s", log)
	}
}
