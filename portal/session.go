package portal

import (
	"net/http"

	"github.com/gorilla/sessions"

	"sluice/infra/account"
)

// begin gives the browser the secret of a new session, in place of the one before.
func (v *visit) begin(cookie string, session account.Session) error {
	v.Session, v.Who = session, session.Who
	return v.server.cookies.Set(v.w, v.r, cookie)
}

// forget ends the session and takes its cookie away.
func (v *visit) forget() error {
	v.Session, v.Who = account.Session{}, account.Who{}
	return v.server.cookies.SignOut(v.w, v.r)
}

// cookieName is the name of a cookie beside that of the session. The prefix makes browsers refuse one that came over plain
// HTTP or from a neighbouring host name.
func (s *Server) cookieName(name string) string {
	if s.secure() {
		return "__Host-" + name
	}
	return name
}

// secure says whether people come by https, which cookies and headers follow.
func (s *Server) secure() bool { return s.base.Scheme == "https" }

func (s *Server) cookieOptions() *sessions.Options {
	return &sessions.Options{Path: "/", HttpOnly: true, Secure: s.secure(), SameSite: http.SameSiteLaxMode}
}
