package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"sluice/infra/account"
	"sluice/infra/mail"
	"sluice/templates"
)

// Demo is what demo mode adds: people anybody may be, their codes, and the mail they get.
type Demo struct {
	// People lists the demo people, in the order of the story, in the words of a language.
	People func(ctx context.Context, lang string) ([]DemoPerson, error)
	// Code is the code that a person's app shows at a time.
	Code func(person account.PersonID, at time.Time) (string, error)
	// Mail is where mail goes instead of being sent.
	Mail *mail.Box
}

// A DemoPerson is somebody to sign in as with one click.
type DemoPerson struct {
	ID              account.PersonID
	Name            string
	Email, Password string
	Role            string // "Signatory of UMC Voorbeeld"
	Waits           string // what waits for this person; may be empty
}

// demoSessions remembers the session of each demo person, so that changing from one to another and back needs no new code.
type demoSessions struct {
	mu      sync.Mutex
	cookies map[account.PersonID]string
}

func (d *demoSessions) of(id account.PersonID) string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.cookies[id]
}

func (d *demoSessions) keep(id account.PersonID, cookie string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cookies == nil {
		d.cookies = map[account.PersonID]string{}
	}
	d.cookies[id] = cookie
}

// demoPath is the page that lists the demo people.
const demoPath = "/demo"

// demoRoutes exist in demo mode only.
func (s *Server) demoRoutes() {
	s.public("GET "+demoPath, s.demoPage)
	s.public("POST "+demoPath, s.demoSignIn)
	s.public("GET "+demoPath+"/mail", s.demoMail)
	s.public("GET "+demoPath+"/mail/{id}", s.demoLetter)
	s.public("GET "+demoPath+"/design", s.design)
}

// demoNav leads between the demo's own pages and the people.
func (s *Server) demoNav() []navItem {
	if s.cfg.Demo == nil {
		return nil
	}
	return []navItem{{Text: templates.M("demo.nav"), Href: demoPath}, {Text: templates.M("demo.mail"), Href: demoPath + "/mail"}}
}

func (s *Server) demoPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	people, err := s.cfg.Demo.People(r.Context(), v.Lang)
	if err != nil {
		return err
	}
	table := templates.Table{Caption: templates.M("demo.people"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("demo.person")},
		{Text: templates.M("demo.waits")}, {Text: templates.M("demo.code")}, {Text: templates.M("demo.sign-in")}}}
	for _, p := range people {
		table.Rows = append(table.Rows, s.demoRow(v, p))
	}
	left := account.NextCode(v.At).Sub(v.At)
	page := v.page(templates.M("demo.title"))
	page.Wide = true
	return v.show("parts", pageOf(page, text("demo.how"), table,
		templates.Paragraph{Body: templates.M("demo.codes")}, templates.Countdown{Label: templates.M("field.code-demo-next"), Left: left},
		templates.Actions{templates.Button{Text: templates.M("demo.mail"), Href: demoPath + "/mail", Kind: "secondary"},
			templates.Button{Text: templates.M("sample.title"), Href: demoPath + "/design", Kind: "secondary"}}))
}

func (s *Server) demoRow(v *visit, p DemoPerson) []templates.Part {
	waits := templates.Part(templates.M("demo.nothing"))
	if p.Waits != "" {
		waits = templates.Text(p.Waits)
	}
	code := templates.Part(templates.M("common.none"))
	if c, err := s.cfg.Demo.Code(p.ID, v.At); err == nil {
		code = templates.Code(c)
	}
	sign := templates.Form{Action: demoPath, Hidden: []templates.Hidden{{Name: "person", Value: string(p.ID)}},
		Submit: templates.Button{Text: templates.M("demo.be"), Context: templates.Text(p.Name), Kind: "secondary"}}
	return []templates.Part{templates.Noted{Main: templates.Text(p.Name), Note: templates.Text(p.Role)}, waits, code, sign}
}

// demoSignIn signs in as one of the demo people, by the same steps as everybody.
func (s *Server) demoSignIn(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	people, err := s.cfg.Demo.People(r.Context(), v.Lang)
	if err != nil {
		return err
	}
	for _, p := range people {
		if string(p.ID) == f.text("person") {
			return s.demoAs(v, p)
		}
	}
	return errNowhere
}

func (s *Server) demoAs(v *visit, p DemoPerson) error {
	ctx := v.r.Context()
	if cookie := s.demo.of(p.ID); cookie != "" {
		session, err := s.cfg.Accounts.Session(ctx, cookie)
		if err == nil {
			return v.demoArrive(p, cookie, session)
		}
		if !errors.Is(err, account.ErrNotSignedIn) {
			return err
		}
	}
	cookie, session, err := s.cfg.Accounts.SignIn(ctx, p.Email, p.Password, v.meta())
	if err != nil {
		return err
	}
	if !session.NeedsCode {
		return v.demoArrive(p, cookie, session)
	}
	// The code before the present one is still taken. Using it leaves the one that is shown for signing and deciding.
	for _, at := range []time.Time{v.At.Add(-30 * time.Second), v.At} {
		code, err := s.cfg.Demo.Code(p.ID, at)
		if err != nil {
			return err
		}
		full, whole, err := s.cfg.Accounts.GiveCode(ctx, session, code, v.meta())
		if err == nil {
			return v.demoArrive(p, full, whole)
		}
		if !errors.Is(err, account.ErrCode) {
			return err
		}
	}
	return v.show("parts", s.demoWait(v, p))
}

func (v *visit) demoArrive(p DemoPerson, cookie string, session account.Session) error {
	if err := v.begin(cookie, session); err != nil {
		return err
	}
	if session.Full() {
		v.server.demo.keep(p.ID, cookie)
	}
	v.setLanguage(v.Lang) // whoever tries Sluice out reads on in his own language, not in that of the demo person
	return v.redirect(v.step())
}

// demoWait is for who signs in twice within the life of one code.
func (s *Server) demoWait(v *visit, p DemoPerson) templates.Page {
	left := account.NextCode(v.At).Sub(v.At)
	return pageOf(v.page(templates.M("demo.wait")), text("demo.wait-why", "Name", p.Name), templates.Countdown{Label: templates.M("field.code-demo-next"), Left: left},
		templates.Form{Action: demoPath, Hidden: []templates.Hidden{{Name: "person", Value: string(p.ID)}}, Submit: button("error.try-again"),
			Other: []templates.Part{link("demo.nav", demoPath)}})
}

func (s *Server) demoMail(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	table := templates.Table{Caption: templates.M("demo.mail"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("demo.subject")},
		{Text: templates.M("demo.to")}, {Text: templates.M("demo.sent")}}, Empty: &templates.Empty{Title: templates.M("demo.no-mail")}}
	for _, m := range s.demoLetters() {
		table.Rows = append(table.Rows, []templates.Part{templates.Link{Text: templates.Text(m.Subject), Href: demoPath + "/mail/" + m.ID},
			templates.Noted{Main: templates.Text(m.To.Name), Note: templates.Text(m.To.Address)}, templates.Moment(m.At)})
	}
	p := v.page(templates.M("demo.mail"))
	p.Wide, p.Back = true, &templates.Link{Text: templates.M("demo.nav"), Href: demoPath}
	return v.show("parts", pageOf(p, table))
}

func (s *Server) demoLetters() []mail.Message {
	if s.cfg.Demo.Mail == nil {
		return nil
	}
	return s.cfg.Demo.Mail.Messages()
}

func (s *Server) demoLetter(_ http.ResponseWriter, r *http.Request, v *visit) error {
	for _, m := range s.demoLetters() {
		if m.ID != r.PathValue("id") {
			continue
		}
		p := v.page(templates.Text(m.Subject))
		p.Section, p.Back = templates.M("demo.mail"), &templates.Link{Text: templates.M("demo.mail"), Href: demoPath + "/mail"}
		parts := []templates.Part{templates.SummaryList{Rows: []templates.SummaryRow{
			{Key: templates.M("demo.to"), Value: templates.Text(m.To.Name + " <" + m.To.Address + ">")},
			{Key: templates.M("demo.sent"), Value: templates.Moment(m.At)}}}}
		return v.show("parts", pageOf(p, append(parts, s.letterParts(m.Text)...)...))
	}
	return errNowhere
}

// letterParts shows the plain text of a mail, its lines as they stand, and its link as one to follow.
func (s *Server) letterParts(plain string) []templates.Part {
	var parts []templates.Part
	for paragraph := range strings.SplitSeq(strings.ReplaceAll(plain, "\r\n", "\n"), "\n\n") {
		var lines templates.Lines
		for line := range strings.SplitSeq(paragraph, "\n") {
			before, address, found := strings.Cut(line, s.base.String()+"/")
			if strings.TrimSpace(before) != "" {
				lines = append(lines, templates.Text(before))
			}
			if found {
				path, _, _ := strings.Cut("/"+address, " ")
				lines = append(lines, templates.Link{Text: templates.Text(s.base.String() + path), Href: path})
			}
		}
		if len(lines) > 0 {
			parts = append(parts, templates.Inset{Body: lines})
		}
	}
	return parts
}

func (s *Server) design(_ http.ResponseWriter, r *http.Request, v *visit) error {
	p := v.page(templates.Text("")).ForComponents(r.URL.Query().Get("show"))
	return v.show("components", p)
}
