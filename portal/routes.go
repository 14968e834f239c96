package portal

import (
	"net/http"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/templates"
)

// access says who may come to a route.
type access int

const (
	accessBare   access = iota // anybody, and who asks is not even looked up
	accessPublic               // anybody
	accessHalf                 // a session from the right password on, whatever else is missing
	accessReader               // signed in, or with a token of one delivery
	accessSigned               // signed in with both factors
	accessStaff                // signed in as staff, in one of the roles
)

// A handler answers one route. An error it returns becomes a page in one place, errors.go; it has written nothing then.
type handler func(w http.ResponseWriter, r *http.Request, v *visit) error

// A route is one line of the table.
type route struct {
	method, path string
	access       access
	roles        []account.Role
	handle       handler
	limit        *limiter // per client address; nil is none
	body         int64    // the most bytes a request may have
	lasting      bool     // the answer may take hours
}

func (rt *route) pattern() string { return rt.method + " " + rt.path }

// The sizes of what may be sent.
const (
	formBytes = 1 << 20
	fileBytes = 20 << 20  // of the files in a form; what goes beyond is read past and forgotten
	sentBytes = 200 << 20 // with files: until here a form that is too large comes back with its fields
)

// files lets a route take files.
func (rt *route) files() *route { rt.body = sentBytes; return rt }

// limited slows down who tries secrets or sends mail from one address.
func (rt *route) limited(l *limiter) *route { rt.limit = l; return rt }

// streams marks a route whose answer may take hours.
func (rt *route) streams() *route { rt.lasting = true; return rt }

func (s *Server) add(a access, pattern string, h handler, roles ...account.Role) *route {
	method, path, found := strings.Cut(pattern, " ")
	if !found || h == nil {
		panic("a route is a method, a path and a handler: " + pattern)
	}
	rt := &route{method: method, path: path, access: a, roles: roles, handle: h, body: formBytes}
	s.routes = append(s.routes, rt)
	if method == http.MethodGet {
		s.byPath[path] = rt
	}
	return rt
}

// public is for anybody, signed in or not.
func (s *Server) public(pattern string, h handler) *route { return s.add(accessPublic, pattern, h) }

// halfSignedIn is for a session that gave the right password: for the steps on the way to being signed in.
func (s *Server) halfSignedIn(pattern string, h handler) *route {
	return s.add(accessHalf, pattern, h)
}

// reader is for who is signed in or carries a token. The handler asks the gateway, which knows what the token is for.
func (s *Server) reader(pattern string, h handler) *route { return s.add(accessReader, pattern, h) }

// signedIn is for a session with both factors.
func (s *Server) signedIn(pattern string, h handler) *route { return s.add(accessSigned, pattern, h) }

// staff is for staff in one of the roles; to others the page does not exist.
func (s *Server) staff(pattern string, h handler, roles ...account.Role) *route {
	if len(roles) == 0 {
		panic("a staff route names its roles: " + pattern)
	}
	return s.add(accessStaff, pattern, h, roles...)
}

// register is the table of all routes.
func (s *Server) register() {
	s.bare("GET /healthz", s.healthz)
	s.bare("GET /readyz", s.readyz)
	s.bare("GET /static/", s.static)
	s.bare("GET /robots.txt", s.robots)
	s.bare("GET /.well-known/security.txt", s.securityText)
	s.public("GET "+manifestKeysPath, s.manifestKeys)
	s.public("GET "+templates.AccessibilityPath, s.accessibility)
	s.public("GET "+templates.PrivacyPath, s.privacy)

	s.signedIn("GET /{$}", s.home)
	s.signInRoutes()
	s.accountRoutes()
	s.staffRoutes()
	s.licenseeRoutes()
	if s.cfg.Demo != nil {
		s.demoRoutes()
	}
}

// mux lets the standard library find the route. What no route answers is the page that says so.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, rt := range s.routes {
		mux.Handle(rt.pattern(), s.serve(rt))
	}
	nowhere := &route{method: "", path: "/", access: accessPublic, body: formBytes,
		handle: func(http.ResponseWriter, *http.Request, *visit) error { return errNowhere }}
	mux.Handle("/", s.serve(nowhere))
	return mux
}

// next is where to come back to after signing in: the page asked for, or, for a form, the page it stood on.
func (s *Server) next(r *http.Request, rt *route) string {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || s.byPath[rt.path] != nil {
		return r.URL.RequestURI()
	}
	return templates.HomePath
}

// may says whether staff has one of the roles of a route.
func (rt *route) may(who account.Who) bool {
	return rt.access != accessStaff || slices.ContainsFunc(rt.roles, func(r account.Role) bool { return who.Has(r) })
}

// bare is for what machines ask: no session is read, so it answers without the database.
func (s *Server) bare(pattern string, h handler) *route { return s.add(accessBare, pattern, h) }
