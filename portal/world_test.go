package portal

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pquerna/otp/totp"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring"
	"sluice/infra/objects"
	"sluice/licensing"
	"sluice/portal/portaltest"
	"sluice/templates"
)

// A world is a foundation with a portal, and people at browsers.
type world struct {
	*deliverytest.World
	server *Server
	site   *portaltest.Site
	log    *logged

	t testing.TB
}

// logged keeps what the portal logs.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// newWorld makes a world on a fresh database. A change to the configuration comes before the server is made. At the end no
// secret and no address may stand in the log.
func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock, with ...func(*Config)) *world {
	t.Helper()
	w := &world{World: deliverytest.New(t, d, clock, deliverytest.Options{}), log: &logged{}, t: t}
	pages, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	gateway := delivery.NewGateway(w.Depot)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { gateway.Run(ctx); close(done) }()
	t.Cleanup(func() { stop(); <-done })
	w.site = portaltest.Serve(t, func(base string) http.Handler {
		cfg := Config{DB: d, Accounts: w.Accounts, Registry: w.Registry, Depot: w.Depot, Gateway: gateway, Pages: pages,
			Foundation: "Stichting Proef", Base: base, Zone: w.Registry.Zone(), Version: "1.2.3", Help: "desk@foundation.example",
			Privacy: "privacy@foundation.example", Log: slog.New(slog.NewJSONHandler(w.log, nil)), CookieKey: [32]byte{42}}
		for _, change := range with {
			change(&cfg)
		}
		w.server, err = New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return w.server.Handler()
	})
	w.site.Forbid("the password", accounttest.Password)
	t.Cleanup(w.checkLog)
	return w
}

func (w *world) checkLog() {
	text := w.log.String()
	for _, secret := range append(w.secrets(), "@", accounttest.Password) {
		if secret != "" && strings.Contains(text, secret) {
			w.t.Errorf("the log holds what it must not: %q", secret)
		}
	}
	if w.t.Failed() && strings.Contains(text, `"level":"ERROR"`) {
		for line := range strings.Lines(text) {
			if strings.Contains(line, `"level":"ERROR"`) {
				w.t.Log(line)
			}
		}
	}
}

func (w *world) secrets() []string {
	var all []string
	for id, cookie := range w.Cookies {
		all = append(all, cookie, w.Seed(id))
	}
	for _, codes := range w.Recovery {
		all = append(all, codes...)
	}
	return all
}

// as is a browser in which somebody is signed in.
func (w *world) as(who account.Who) *portaltest.Browser {
	w.t.Helper()
	cookie := w.Cookies[who.Person()]
	if _, err := w.Accounts.Session(w.t.Context(), cookie); err != nil {
		w.SignIn(who.Person(), w.email(who))
		cookie = w.Cookies[who.Person()]
	}
	w.site.Forbid("the session of "+string(who.Person()), cookie)
	w.site.Forbid("the seed of "+string(who.Person()), w.Seed(who.Person()))
	return w.site.Browser(w.t).SetCookie("sluice", cookie)
}

// anyone is a browser in which nobody is signed in.
func (w *world) anyone() *portaltest.Browser { return w.site.Browser(w.t) }

// email is somebody's first address.
func (w *world) email(who account.Who) (address string) {
	w.t.Helper()
	w.View(func(tx *db.Tx) error {
		emails, err := w.Accounts.Emails(tx, who.Person())
		if err == nil {
			address = emails[0].Address
		}
		return err
	})
	return address
}

// link is the secret of the link in the last notice of a kind.
func (w *world) link(kind string) string {
	w.t.Helper()
	for i := len(w.Notices) - 1; i >= 0; i-- {
		if w.Notices[i].Kind == kind && w.Notices[i].Link != "" {
			return w.Link(w.Notices[i].Link)
		}
	}
	w.t.Fatalf("no notice of kind %s has a link: %v", kind, w.Notices)
	return ""
}

// codeOf is what an app shows now that was set up with a secret.
func (w *world) codeOf(seed string) string {
	w.t.Helper()
	code, err := totp.GenerateCode(strings.ReplaceAll(seed, " ", ""), w.Clock.Now())
	if err != nil {
		w.t.Fatal(err)
	}
	return code
}

// nextStep moves the clock to where every app shows another code.
func (w *world) nextStep() { w.Clock.Set(account.NextCode(w.Clock.Now())) }

// newWorldWithoutPeople is a server alone, for what needs nobody.
func newWorldWithoutPeople(t testing.TB) *Server {
	t.Helper()
	d, clock := dbtest.Fresh(t)
	s, err := New(bare(t, d, accounttest.New(t, d, clock).Accounts, "http://localhost:1"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bare is the least that a server is made of.
func bare(t testing.TB, d *db.DB, accounts *account.Accounts, base string) Config {
	t.Helper()
	pages, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	registry := licensing.New(d, accounts, licensing.Options{})
	depot, err := delivery.New(d, registry, accounts, objects.NewMemory(), keys, delivery.Options{
		Certificate: func(delivery.Certificate) (source, pdf []byte, err error) {
			return nil, nil, errors.New("no certificates here")
		}})
	if err != nil {
		t.Fatal(err)
	}
	return Config{DB: d, Accounts: accounts, Registry: registry, Depot: depot, Gateway: delivery.NewGateway(depot), Pages: pages, Base: base, CookieKey: [32]byte{1}}
}

func TestAPortalThatLacksAPartIsNotMade(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	whole := bare(t, d, accounttest.New(t, d, clock).Accounts, "http://localhost:1")
	for name, remove := range map[string]func(*Config){
		"database": func(c *Config) { c.DB = nil }, "accounts": func(c *Config) { c.Accounts = nil }, "registry": func(c *Config) { c.Registry = nil },
		"depot": func(c *Config) { c.Depot = nil }, "gateway": func(c *Config) { c.Gateway = nil }, "pages": func(c *Config) { c.Pages = nil },
	} {
		cfg := whole
		remove(&cfg)
		if _, err := New(cfg); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: got %v, want it refused", name, err)
		}
	}
	if _, err := New(whole); err != nil {
		t.Errorf("whole: got %v", err)
	}
}
