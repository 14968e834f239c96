// Package portal is the web application: routes, pages, forms and errors.
//
// New is the first call; Handler answers requests. Every page is one route in the table of routes.go, which says who may
// come there; its handler parses, calls one method of account, licensing or delivery, and renders or redirects. No rule
// about requests, agreements or deliveries stands in this package.
//
// # To add a page
//
//  1. A line in a table of routes: s.staff("GET /requests", s.requests, account.Desk). The helper is the access level.
//  2. A handler func(w, r, v) error. v.page fills what all pages share; v.show renders it, with 422 when it holds errors.
//     Most pages are made of components (pageOf, formPage, from the components of package templates) and need no template of their own.
//  3. A form is read with v.form, which keeps what was typed. An act that needs a fresh code has the field v.codeField()
//     and calls v.confirm. Whatever error comes back goes through form.refuse: true means that the form shows it.
//  4. An error that is not for the form is returned. Errors.go alone turns it into a page.
package portal

import (
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/gorilla/sessions"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// Config is what a Server is made of.
type Config struct {
	// All of these are required.
	DB       *db.DB
	Accounts *account.Accounts
	Registry *licensing.Registry
	Depot    *delivery.Depot
	Gateway  *delivery.Gateway
	Pages    *templates.Set

	// Foundation is the name of the organisation that runs this service.
	Foundation string
	// Base is the address people see, such as https://data.example.org. Plain http is for loopback only.
	Base string
	// Zone is the foundation's time zone, in which all times are shown. Nil: UTC.
	Zone *time.Location
	// TrustedProxies may say in X-Forwarded-For who the client is; from anybody else that header is ignored.
	TrustedProxies []netip.Prefix
	Version        string
	// Help, HelpPhone and Privacy stand at the foot of every page. The phone may be empty.
	Help, HelpPhone, Privacy string
	Log                      *slog.Logger
	// CookieKey seals short notices that travel in a cookie. Every replica needs the same one.
	CookieKey [32]byte
	// Journal takes an emergency stop while the log cannot be written; see licensing.Registry.Stop. Nil: it then fails.
	Journal func(licensing.Halt) error
	// Ready says whether this process can serve; nil is always.
	Ready func(ctx context.Context) error
	// Texts are words that pages of licensees show. Without one of them its pages do not exist.
	Texts Texts
	// Demo is nil outside demo mode.
	Demo *Demo
}

// A Server answers the requests of people. Make one with New.
type Server struct {
	cfg      Config
	log      *slog.Logger
	base     *url.URL
	zone     *time.Location
	routes   []*route
	byPath   map[string]*route // of GET routes, by path pattern
	cookies  *account.Cookies
	notices  sessions.Store
	guesses  *limiter
	requests *limiter
	demo     demoSessions
	handler  http.Handler
}

// New makes a Server, and refuses a configuration with which pages could not be shown or cookies not be trusted.
func New(cfg Config) (*Server, error) {
	base, err := url.Parse(strings.TrimSuffix(cfg.Base, "/"))
	switch {
	case cfg.DB == nil || cfg.Accounts == nil || cfg.Registry == nil || cfg.Depot == nil || cfg.Gateway == nil || cfg.Pages == nil:
		return nil, errors.New("the portal needs a database, accounts, a registry, a depot, a gateway and pages")
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" || base.Path != "":
		return nil, fmt.Errorf("the address of the portal must be written like https://data.example.org, not %q", cfg.Base)
	case cfg.CookieKey == [32]byte{}:
		return nil, errors.New("the portal needs a key for its cookies")
	case cfg.Demo != nil && !loopback(base.Hostname()):
		return nil, errors.New("demo mode is for loopback only: anybody can sign in there as anybody")
	}
	s := &Server{cfg: cfg, log: cfg.Log, base: base, zone: cfg.Zone, byPath: map[string]*route{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.zone == nil {
		s.zone = time.UTC
	}
	if s.cookies, err = cfg.Accounts.Cookies(cfg.Base); err != nil {
		return nil, err
	}
	if s.notices, err = s.noticeStore(); err != nil {
		return nil, err
	}
	s.guesses = newLimiter(perSecond(1), 60)
	s.requests = newLimiter(perMinute(1), 10)
	s.register()
	s.handler = s.chain()
	return s, nil
}

// Handler answers every request.
func (s *Server) Handler() http.Handler { return s.handler }

// HTTPServer is a server with the limits that a public one needs. It has no limit on an answer, since downloads take hours;
// the portal sets those itself for everything else. ReadTimeout is for what is announced and does not come: net/http waits
// for the body of a request that nobody reads, too.
func HTTPServer(addr string, handler http.Handler) *http.Server {
	return &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: sendWithin, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10}
}

// now is the time of everything that happens here.
func (s *Server) now() time.Time { return s.cfg.DB.Now() }

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

// noticeStore keeps short notices in a sealed cookie for the one redirect they must survive.
func (s *Server) noticeStore() (sessions.Store, error) {
	var keys [2][]byte
	for i, purpose := range []string{"authenticate", "seal"} {
		key, err := hkdf.Key(sha256.New, s.cfg.CookieKey[:], nil, "sluice portal 1: notices: "+purpose, 32)
		if err != nil {
			return nil, fmt.Errorf("deriving a key for cookies: %w", err)
		}
		keys[i] = key
	}
	store := sessions.NewCookieStore(keys[0], keys[1])
	store.Options = s.cookieOptions()
	store.Options.MaxAge = 60
	store.MaxAge(60)
	return store, nil
}
