package e2e

import "strings"

// KeepAccount has the contact get new recovery codes, a new app and another password, as long as nothing is lost.
func (s *Story) KeepAccount() {
	m := s.mia
	m.Back()
	m.Get("/account/codes").Press("").keepCodes()
	m.Get("/account/factor").Press("").enrol()
	old := m.password
	m.password += " voor altijd"
	m.Get("/account/password").Press("", "old", old, "password", m.password)
	m.Get("/account/name").Want(200, "")
	m.Get("/inbox").Get(m.Link("/inbox/")).Want(200, "")
}

// LoseBoth has the applicant forget her password and lose her app: a mailed link gives her another password, and after two
// of staff have made sure who she is another gives her another app.
func (s *Story) LoseBoth() {
	l := s.lena
	l.Get("/account")
	l.Get("/reset").Press("/reset", "email", l.Email).Want(200, "")
	reset := s.mailed(l.Email, "/reset/")
	l.password += " samen"
	l.Get(reset).Press(reset, "password", l.password)
	if l.Get("/account"); !strings.HasPrefix(l.Path, "/sign-in") {
		s.t.Errorf("with another password she is still signed in, at %s", l.Path)
	}
	l.Get("/sign-in").Press("", "email", l.Email, "password", l.password)
	l.Get("/sign-in/recovery").Want(200, "")
	l.Get("/sign-in/lost").Press("/lost")

	s.noor.Back()
	s.noor.Get("/")
	s.noor.Get(s.noor.Link("/people/")).Press("/reprove", "note", "Passport, by video")
	s.daan.Back()
	s.daan.Get("/")
	task := s.daan.Link("/staff/tasks/")
	s.daan.Get(task).Press(task, "decision", "confirm", "note", "Called her institution")

	again := s.mailed(l.Email, "/enrol/")
	l.Get(again).Press("", "email", l.Email, "password", l.password)
	l.Press("")
	l.enrol()
	if l.Get("/account"); l.Path != "/account" {
		s.t.Errorf("with another app she is not signed in, but at %s", l.Path)
	}
}
