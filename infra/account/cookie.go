package account

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"

	"github.com/gorilla/sessions"
)

// Cookies keeps sessions of this package in browsers. It is a store of gorilla/sessions: the cookie holds 256 random bits
// and nothing else, and the row in the database their SHA-256. Values that are put into a gorilla session are not kept;
// what a session is lives in its row.
type Cookies struct {
	accounts *Accounts
	name     string
	options  sessions.Options
}

var _ sessions.Store = (*Cookies)(nil)

// loaded is the key of the Session in the values of a gorilla session.
type loaded struct{}

// Cookies are the cookies of the site at an address, https://… or, on this machine only, http://localhost:….
//
// With the prefix __Host- a browser takes the cookie from this very host alone, so that no neighbour of the same domain
// can plant one. Browsers refuse that prefix, and Secure, without TLS.
func (a *Accounts) Cookies(site string) (*Cookies, error) {
	u, err := url.Parse(site)
	if err != nil || u.Host == "" {
		return nil, errors.New("the address of the site must be like https://data.example.org")
	}
	c := &Cookies{accounts: a, name: "__Host-sluice", options: sessions.Options{Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}}
	switch {
	case u.Scheme == "https":
		return c, nil
	case u.Scheme == "http" && loopback(u.Hostname()):
		c.name, c.options.Secure = "sluice", false
		return c, nil
	}
	return nil, errors.New("without TLS Sluice runs on this machine only: give the site an https:// address, or one of localhost")
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Get returns the session of a request, reading it from the database once a request.
func (c *Cookies) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(c, name)
}

// New reads the session of a request. One that does not exist or has ended is a new one, without an error; an error says
// that it could not be found out.
func (c *Cookies) New(r *http.Request, name string) (*sessions.Session, error) {
	g := sessions.NewSession(c, name)
	options := c.options
	g.Options, g.IsNew = &options, true
	found := r.CookiesNamed(name)
	if len(found) != 1 || len(found[0].Value) != 64 {
		return g, nil // two cookies of one name: one of them was planted, and nobody can tell which
	}
	s, err := c.accounts.Session(r.Context(), found[0].Value)
	if errors.Is(err, ErrNotSignedIn) {
		return g, nil
	}
	if err != nil {
		return g, fmt.Errorf("reading the session: %w", err)
	}
	g.ID, g.IsNew = found[0].Value, false
	g.Values[loaded{}] = s
	return g, nil
}

// Save sends the cookie, or takes it away when MaxAge is negative. The row was written by whoever opened the session.
func (c *Cookies) Save(r *http.Request, w http.ResponseWriter, g *sessions.Session) error {
	if g.ID == "" && g.Options.MaxAge >= 0 {
		return errors.New("a session that was not opened cannot be saved")
	}
	value := g.ID
	if g.Options.MaxAge < 0 {
		value = ""
	}
	http.SetCookie(w, sessions.NewCookie(g.Name(), value, g.Options))
	return nil
}

// Session is the session of a request, or ErrNotSignedIn.
func (c *Cookies) Session(r *http.Request) (Session, error) {
	g, err := c.Get(r, c.name)
	if err != nil {
		return Session{}, err
	}
	s, ok := g.Values[loaded{}].(Session)
	if !ok {
		return Session{}, ErrNotSignedIn
	}
	return s, nil
}

// Set sends the cookie of a session that was just opened, in place of the one before.
func (c *Cookies) Set(w http.ResponseWriter, r *http.Request, cookie string) error {
	g := sessions.NewSession(c, c.name)
	options := c.options
	g.Options, g.ID = &options, cookie
	return c.Save(r, w, g)
}

// SignOut ends the session of a request and takes its cookie away.
func (c *Cookies) SignOut(w http.ResponseWriter, r *http.Request) error {
	for _, cookie := range r.CookiesNamed(c.name) {
		if err := c.accounts.SignOut(r.Context(), cookie.Value); err != nil {
			return err
		}
	}
	g := sessions.NewSession(c, c.name)
	options := c.options
	options.MaxAge = -1
	g.Options = &options
	return c.Save(r, w, g)
}
