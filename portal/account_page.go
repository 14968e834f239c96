package portal

import (
	"net/http"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/templates"
)

// accountRoutes are a person's own account.
func (s *Server) accountRoutes() {
	s.signedIn("GET /account", s.accountPage)
	s.signedIn("GET /account/language", s.languagePage)
	s.signedIn("POST /account/language", s.chooseLanguage)
	s.signedIn("GET /account/password", s.passwordPage)
	s.signedIn("POST /account/password", s.changePassword).limited(s.guesses)
	s.signedIn("GET /account/factor", s.factorPage)
	s.signedIn("POST /account/factor", s.replaceFactor).limited(s.guesses)
	s.signedIn("GET /account/name", s.namePage)
	s.signedIn("POST /account/name", s.changeName).limited(s.guesses)
	s.signedIn("GET /account/codes", s.codesPage)
	s.signedIn("POST /account/codes", s.renewCodes).limited(s.guesses)
	s.signedIn("POST /account/sessions/{id}/end", s.endSession)
}

// fewCodes is when somebody should get new recovery codes.
const fewCodes = 3

// own is what the database knows of a person's account.
type own struct {
	emails []account.Email
	factor account.Factor
	codes  int
}

func (s *Server) own(r *http.Request, who account.Who) (o own, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		if o.emails, err = s.cfg.Accounts.Emails(tx, who.Person()); err != nil {
			return err
		}
		if o.factor, err = s.cfg.Accounts.Factor(tx, who.Person()); err != nil {
			return err
		}
		o.codes, err = s.cfg.Accounts.RecoveryCodesLeft(tx, who.Person())
		return err
	})
	return o, err
}

// accountTasks is what a person should do about his own account.
func (s *Server) accountTasks(v *visit) ([]group, error) {
	var tasks []templates.Task
	o, err := s.own(v.r, v.Who)
	if err != nil {
		return nil, err
	}
	if v.Session.Recovered {
		tasks = append(tasks, templates.Task{Title: templates.M("account.task-factor"), Hint: templates.M("account.task-factor-hint"), Href: "/enrol", Status: templates.ToDo})
	} else if o.codes <= fewCodes {
		tasks = append(tasks, templates.Task{Title: fewLeft(o.codes), Hint: templates.M("account.task-codes-hint"), Href: "/account/codes", Status: templates.ToDo})
	}
	return []group{{Title: templates.M("account.nav"), Tasks: tasks}}, nil
}

func fewLeft(codes int) templates.Msg {
	if codes == 0 {
		return templates.M("account.task-codes-none")
	}
	return templates.M("account.task-codes", "Count", codes)
}

func (s *Server) accountPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	o, err := s.own(r, v.Who)
	if err != nil {
		return err
	}
	lines, err := s.cfg.Accounts.Sessions(r.Context(), v.Who)
	if err != nil {
		return err
	}
	signIns, failed, err := s.cfg.Accounts.SignIns(r.Context(), v.Who, v.meta())
	if err != nil {
		return err
	}
	parts := []templates.Part{s.aboutYou(v, o), s.security(v, o), s.sessionsTable(lines), s.signInsTable(signIns, failed)}
	if o.codes <= fewCodes && !v.Session.Recovered {
		parts = append([]templates.Part{templates.Notice{Tone: templates.Warning, Title: fewLeft(o.codes), Body: templates.M("account.task-codes-hint"),
			Actions: []templates.Link{link("account.codes-new", "/account/codes")}}}, parts...)
	}
	return v.show("parts", pageOf(v.page(templates.M("account.nav")), parts...))
}

func (s *Server) aboutYou(v *visit, o own) templates.Part {
	addresses := templates.Lines{}
	for _, e := range o.emails {
		addresses = append(addresses, templates.Text(e.Address))
	}
	name := templates.SummaryRow{Key: templates.M("account.name"), Value: templates.Noted{Main: bothForms(v.Session.Person), Note: templates.M("account.name-note")},
		Actions: []templates.Link{change("/account/name", "account.name")}}
	if v.Who.IsStaff() {
		name.Value, name.Actions = templates.Noted{Main: bothForms(v.Session.Person), Note: templates.M("account.name-staff")}, nil
	}
	return templates.SummaryList{Title: templates.M("account.you"), Rows: []templates.SummaryRow{
		name,
		{Key: templates.M("account.addresses"), Value: templates.Noted{Main: addresses, Note: templates.M("account.addresses-note")}},
		{Key: templates.M("account.language"), Value: templates.M("account.lang." + v.Session.Person.Lang),
			Actions: []templates.Link{change("/account/language", "account.language")}},
	}}
}

func change(to, what string) templates.Link {
	return templates.Link{Text: templates.M("account.change"), Href: to, Context: templates.M(what)}
}

func (s *Server) security(v *visit, o own) templates.Part {
	replace, codes := change("/account/factor", "account.factor"), link("account.codes-new", "/account/codes")
	if v.Session.Recovered {
		replace.Href, codes.Href = "/enrol", "/enrol" // without the app no code can be given, and with a new one come new codes
	}
	return templates.SummaryList{Title: templates.M("account.security"), Rows: []templates.SummaryRow{
		{Key: templates.M("signin.password"), Value: templates.M("account.password-set"), Actions: []templates.Link{change("/account/password", "signin.password")}},
		{Key: templates.M("account.factor"), Value: templates.M("account.factor-since", "Day", templates.Day(o.factor.Enrolled)),
			Actions: []templates.Link{replace, {Text: templates.M("signin.lost"), Href: "/sign-in/lost"}}},
		{Key: templates.M("account.codes"), Value: templates.M("account.codes-left", "Count", o.codes), Actions: []templates.Link{codes}},
	}}
}

func (s *Server) sessionsTable(lines []account.SessionLine) templates.Part {
	table := templates.Table{Caption: templates.M("account.sessions"), QuietCaption: true, Columns: []templates.Column{
		{Text: templates.M("account.device")}, {Text: templates.M("account.since")}, {Text: templates.M("account.seen")}, {Text: templates.M("account.end")}}}
	for _, l := range lines {
		end := templates.Part(templates.M("account.this-one"))
		if !l.Current {
			end = templates.Form{Action: "/account/sessions/" + l.ID + "/end", Submit: templates.Button{Text: templates.M("account.end-session"), Kind: "secondary",
				Context: device(l.Agent)}}
		}
		table.Rows = append(table.Rows, []templates.Part{device(l.Agent), templates.Moment(l.Created), templates.Moment(l.Seen), end})
	}
	return section("sessions", templates.M("account.sessions"), text("account.sessions-note"), table)
}

// device says in words what browser an agent text stands for. Many name others than themselves, so the order matters.
func device(agent string) templates.Msg {
	find := func(names ...string) string {
		for i := 0; i+1 < len(names); i += 2 {
			if strings.Contains(agent, names[i]) {
				return names[i+1]
			}
		}
		return ""
	}
	browser := find("Edg", "Edge", "OPR/", "Opera", "Firefox/", "Firefox", "Chrome/", "Chrome", "Safari/", "Safari", "curl/", "curl")
	system := find("iPhone", "iPhone", "iPad", "iPad", "Android", "Android", "Windows", "Windows", "Mac OS X", "macOS", "Linux", "Linux")
	switch {
	case browser == "":
		return templates.M("account.device-unknown")
	case system == "":
		return templates.Text(browser)
	}
	return templates.M("account.device-on", "Browser", browser, "System", system)
}

func (s *Server) endSession(_ http.ResponseWriter, r *http.Request, v *visit) error {
	if err := s.cfg.Accounts.RevokeSession(r.Context(), v.Who, r.PathValue("id")); err != nil {
		if !anyOf(err, account.ErrNotSignedIn) {
			return err
		}
		return errNowhere // it is the other session that is not there
	}
	if err := v.tell(templates.Success, "account.session-ended"); err != nil {
		return err
	}
	return v.redirect("/account#sessions")
}

func (s *Server) languagePage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.languageForm(v, v.blank("lang", v.Session.Person.Lang)))
}

func (s *Server) languageForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("account.language-title"))
	p.Section, p.Back = templates.M("account.nav"), &templates.Link{Href: "/account"}
	var choices []templates.Choice
	for _, lang := range templates.Languages {
		choices = append(choices, templates.Choice{Value: lang, Text: templates.M("account.lang." + lang)})
	}
	return formPage(p, f, templates.Form{
		Fields: []templates.Part{f.radios(templates.Radios{Name: "lang", Label: templates.M("account.language"), Hint: templates.M("account.language-hint"), Choices: choices})},
		Submit: button("account.save"),
		Other:  []templates.Part{link("portal.cancel", "/account")},
	})
}

func (s *Server) chooseLanguage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	lang := f.choice("lang", templates.M("account.language-missing"), templates.Languages...)
	if !f.ok() {
		return v.show("parts", s.languageForm(v, f))
	}
	if err := s.cfg.Accounts.SetLang(r.Context(), v.Who, lang); err != nil {
		return err
	}
	v.setLanguage(lang)
	if err := v.tell(templates.Success, "account.saved"); err != nil {
		return err
	}
	return v.redirect("/account")
}
