package portal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/sessions"

	"sluice/infra/account"
	"sluice/templates"
)

// A visit is one request and who makes it.
type visit struct {
	Who     account.Who     // the zero Who unless signed in with both factors, or with a token
	Token   account.Token   // of a request that came with a token instead of a session
	Session account.Session // the zero Session without one
	Lang    string
	At      time.Time

	server *Server
	route  *route
	w      http.ResponseWriter
	r      *http.Request
	groups []group // what waits, once asked for
	asked  bool
}

type (
	group   = templates.TaskGroup
	navItem = templates.NavItem
)

// visitor makes the visit of a request, before anything is known of who makes it.
func (s *Server) visitor(w http.ResponseWriter, r *http.Request, rt *route) *visit {
	v := &visit{server: s, route: rt, w: w, r: r, At: s.now()}
	chosen := r.URL.Query().Get("lang")
	if c, err := r.Cookie(s.cookieName("sluice-lang")); chosen == "" && err == nil {
		chosen = c.Value
	}
	v.Lang = templates.Match(r.Header.Get("Accept-Language"), chosen)
	return v
}

// answer lets the handler answer, if whoever asks may come here.
func (v *visit) answer() error {
	if v.route.limit != nil && v.r.Method != http.MethodGet && v.r.Method != http.MethodHead {
		if wait := v.route.limit.ask(v.server.client(v.r), v.At); wait > 0 {
			return &account.WaitError{Until: v.At.Add(wait)}
		}
	}
	if v.route.access != accessBare {
		if err := v.recognise(); err != nil {
			return err
		}
		v.keepLanguage()
	}
	if ok, err := v.admit(); err != nil || !ok {
		return err
	}
	return v.route.handle(v.w, v.r, v)
}

// recognise reads the session or the token of the request.
func (v *visit) recognise() error {
	if bearer, ok := strings.CutPrefix(v.r.Header.Get("Authorization"), "Bearer "); ok && v.route.access == accessReader {
		var err error
		v.Who, v.Token, err = v.server.cfg.Accounts.ByToken(v.r.Context(), strings.TrimSpace(bearer))
		if errors.Is(err, account.ErrNotSignedIn) {
			if wait := v.server.guesses.ask(v.server.client(v.r), v.At); wait > 0 {
				return &account.WaitError{Until: v.At.Add(wait)}
			}
		}
		return err
	}
	s, err := v.server.cookies.Session(v.r)
	if errors.Is(err, account.ErrNotSignedIn) {
		return nil
	}
	if err != nil {
		return err
	}
	v.Session, v.Who, v.At = s, s.Who, v.server.now()
	if _, err := v.r.Cookie(v.server.cookieName("sluice-lang")); err != nil && v.r.URL.Query().Get("lang") == "" {
		v.Lang = templates.Match("", s.Person.Lang)
	}
	return nil
}

// keepLanguage remembers the language that was asked for by ?lang= in a cookie.
func (v *visit) keepLanguage() {
	if asked := v.r.URL.Query().Get("lang"); asked != "" && asked == v.Lang {
		v.setLanguage(asked)
	}
}

func (v *visit) setLanguage(lang string) {
	options := v.server.cookieOptions()
	options.MaxAge = 365 * 24 * 60 * 60
	http.SetCookie(v.w, sessions.NewCookie(v.server.cookieName("sluice-lang"), lang, options))
	v.Lang = lang
}

// admit says whether the route is open to who asks. If not, it has sent him where he must go first, or returns the error.
func (v *visit) admit() (ok bool, err error) {
	signedIn := v.Who.IsPerson()
	switch v.route.access {
	case accessBare, accessPublic:
		return true, nil
	case accessHalf:
		if v.Session.ID != "" {
			return true, nil
		}
	case accessReader:
		if signedIn {
			return true, nil
		}
		if !strings.Contains(v.r.Header.Get("Accept"), "text/html") {
			return false, account.ErrNotSignedIn
		}
	default:
		if signedIn && v.Token.ID == "" {
			if !v.route.may(v.Who) {
				return false, account.ErrNotAllowed
			}
			return true, nil
		}
	}
	return false, v.signInFirst()
}

// signInFirst leads to the step of signing in that is missing, and from there back here.
func (v *visit) signInFirst() error {
	if v.server.cfg.Demo != nil && v.r.URL.Path == templates.HomePath {
		return v.redirect(demoPath)
	}
	return v.redirect(v.step() + "?next=" + url.QueryEscape(v.server.next(v.r, v.route)))
}

// step is the page of what is missing for this session to be signed in.
func (v *visit) step() string {
	switch {
	case v.Session.NeedsCode:
		return "/sign-in/code"
	case v.Session.NeedsEnrolment:
		return "/enrol"
	case v.Session.NeedsLink, v.Session.Held:
		return "/sign-in/waiting"
	case v.Session.Full():
		return templates.HomePath
	}
	return "/sign-in"
}

// page is a page with everything filled in that all pages share.
func (v *visit) page(title templates.Msg) templates.Page {
	s := v.server
	p := templates.Page{
		Lang: v.Lang, Title: title, Zone: s.zone, At: v.At, Path: v.r.URL.RequestURI(), Demo: s.cfg.Demo != nil,
		Site: templates.Site{Foundation: s.cfg.Foundation, HelpEmail: s.cfg.Help, HelpPhone: s.cfg.HelpPhone, PrivacyEmail: s.cfg.Privacy, Version: s.cfg.Version},
	}
	if v.r.Method != http.MethodGet && v.r.Method != http.MethodHead && s.byPath[v.route.path] == nil {
		p.Path = templates.HomePath // the language switch leads here by GET
	}
	if v.Session.Full() {
		p.User = templates.User{Name: v.Session.Person.Name, AccountHref: "/account", SignOutHref: "/sign-out"}
		p.SessionLeft, p.SessionExtend = v.left(), "/session"
	}
	p.Nav = v.nav()
	p.Notice = v.takeNotice()
	return p
}

// left is how long the session lives if nothing more is done in it.
func (v *visit) left() time.Duration {
	end := v.Session.IdleEnd
	if v.Session.TotalEnd.Before(end) {
		end = v.Session.TotalEnd
	}
	return end.Sub(v.At)
}

// show renders a page, with 422 when it tells what to mend.
func (v *visit) show(template string, p templates.Page) error {
	status := http.StatusOK
	if len(p.Errors) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return v.render(status, template, p)
}

// render writes a page whole, or nothing of it.
func (v *visit) render(status int, template string, p templates.Page) error {
	var out bytes.Buffer
	if err := v.server.cfg.Pages.Render(&out, template, p); err != nil {
		return fmt.Errorf("rendering: %w", err)
	}
	v.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	v.w.WriteHeader(status)
	_, err := v.w.Write(out.Bytes())
	return ignoreGone(err)
}

// redirect leads to another page of this site by GET.
func (v *visit) redirect(to string) error {
	v.w.Header().Set("Location", to)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// back is the page that next= names, or home. Only a page of this site counts, for the address comes from a link that anybody
// may have made.
func back(next string) string {
	if !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsFunc(next, odd) || len(next) > 2000 {
		return templates.HomePath
	}
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || strings.Contains(u.Path, "//") || strings.ContainsFunc(strings.ReplaceAll(u.Path, " ", ""), odd) {
		return templates.HomePath
	}
	for _, avoid := range []string{"/sign-in", "/sign-out", "/session"} {
		if u.Path == avoid || strings.HasPrefix(u.Path, avoid+"/") {
			return templates.HomePath
		}
	}
	return u.RequestURI()
}

// odd finds what browsers read differently from us: a backslash is a slash to them, and line ends vanish.
func odd(r rune) bool { return r == '\\' || unicode.IsControl(r) || unicode.IsSpace(r) }

// A told is a notice on its way to the next page.
type told struct {
	Tone templates.Tone `json:"tone"`
	Key  string         `json:"key"`
	Args []string       `json:"args,omitempty"`
}

// tell shows a message on the page that comes after the redirect. The arguments are pairs of a name and a value.
func (v *visit) tell(tone templates.Tone, key string, args ...string) error {
	text, err := json.Marshal(told{tone, key, args})
	if err != nil {
		return err
	}
	out, _ := v.server.notices.Get(v.r, v.server.cookieName("sluice-notice")) // what cannot be read is replaced
	out.AddFlash(string(text))
	return out.Save(v.r, v.w)
}

// takeNotice reads the message from before the redirect, and takes its cookie away.
func (v *visit) takeNotice() *templates.Notice {
	name := v.server.cookieName("sluice-notice")
	if _, err := v.r.Cookie(name); err != nil {
		return nil
	}
	out, _ := v.server.notices.Get(v.r, name)
	texts := out.Flashes()
	out.Options.MaxAge = -1
	if err := out.Save(v.r, v.w); err != nil || len(texts) == 0 {
		return nil
	}
	var t told
	text, _ := texts[0].(string)
	if json.Unmarshal([]byte(text), &t) != nil {
		return nil
	}
	args := make([]any, len(t.Args))
	for i, a := range t.Args {
		args[i] = a
	}
	return &templates.Notice{Tone: t.Tone, Title: templates.M(t.Key, args...), Status: true}
}
