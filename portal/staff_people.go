package portal

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// A staffPerson is somebody with an account, as staff sees him.
type staffPerson struct {
	account.Person
	Emails   []account.Email
	Factor   account.Factor
	Disabled time.Time
	Roles    []account.StaffRole
	Tasks    []account.Task
	Former   []account.FormerName
	Parts    []string // numbers of requests in which the person has a part
}

func (s *Server) staffPerson(tx *db.Tx, id account.PersonID) (p staffPerson, err error) {
	if p.Person, err = s.cfg.Accounts.Person(tx, id); err != nil {
		return p, err
	}
	if p.Emails, err = s.cfg.Accounts.Emails(tx, id); err != nil {
		return p, err
	}
	if p.Factor, err = s.cfg.Accounts.Factor(tx, id); err != nil {
		return p, err
	}
	if p.Disabled, err = s.cfg.Accounts.Disabled(tx, id); err != nil {
		return p, err
	}
	if p.Former, err = s.cfg.Accounts.FormerNames(tx, id); err != nil {
		return p, err
	}
	roles, err := s.cfg.Accounts.StaffRoles(tx)
	if err != nil {
		return p, err
	}
	p.Roles = slices.DeleteFunc(roles, func(r account.StaffRole) bool { return r.Person != id })
	tasks, err := s.cfg.Accounts.Tasks(tx)
	if err != nil {
		return p, err
	}
	p.Tasks = slices.DeleteFunc(tasks, func(t account.Task) bool { return t.Person != id })
	parties, err := s.cfg.Registry.PartiesOf(tx, id)
	if err != nil {
		return p, err
	}
	contacts, err := s.cfg.Registry.ContactsOf(tx, id)
	if err != nil {
		return p, err
	}
	ids := []licensing.RequestID{}
	for _, q := range parties {
		ids = append(ids, q.Request)
	}
	for _, k := range contacts {
		ids = append(ids, k.Request)
	}
	slices.Sort(ids)
	for _, id := range slices.Compact(ids) {
		q, err := s.cfg.Registry.Request(tx, id)
		if err != nil {
			return p, err
		}
		p.Parts = append(p.Parts, q.Number)
	}
	return p, nil
}

// staffList shows who of staff has which roles, and what waits for a second person.
func (s *Server) staffList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var groups []group
	var invited []account.Invitation
	names, order := map[account.PersonID]string{}, []account.PersonID{}
	roles := map[account.PersonID][]account.StaffRole{}
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		all, err := s.cfg.Accounts.StaffRoles(tx)
		if err != nil {
			return err
		}
		for _, g := range all {
			if _, known := names[g.Person]; !known {
				p, err := s.cfg.Accounts.Person(tx, g.Person)
				if err != nil {
					return err
				}
				names[g.Person], order = p.Name, append(order, g.Person)
			}
			roles[g.Person] = append(roles[g.Person], g)
		}
		if invited, err = s.cfg.Accounts.StaffInvitations(tx); err != nil {
			return err
		}
		groups, err = s.peopleGroups(tx, v)
		return err
	})
	if err != nil {
		return err
	}
	compare := alphabet(v.Lang)
	slices.SortStableFunc(order, func(a, b account.PersonID) int { return compare(names[a], names[b]) })
	p := v.page(templates.M("staff.staff.title"))
	shown := []templates.Part{}
	mayAct := v.Who.Has(account.Desk, account.Operator)
	if mayAct {
		shown = append(shown, templates.Actions{templates.Button{Text: templates.M("staff.staff.new"), Href: "/staff/new"}})
	}
	if len(groups) > 0 {
		shown = append(shown, templates.TaskList{Groups: groups})
	}
	t := templates.Table{Caption: templates.M("staff.staff.title"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("staff.name")}, {Text: templates.M("staff.roles")}, {Text: templates.M("staff.since")}}}
	for _, id := range order {
		var held []account.Role
		for _, g := range roles[id] {
			held = append(held, g.Role)
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Link{Text: templates.Text(names[id]), Href: "/people/" + string(id)}, roleWords(held), templates.Day(roles[id][0].Since)})
	}
	shown = append(append(shown, t), s.invitedStaff(invited, v)...)
	if mayAct {
		shown = append(shown, templates.Section{ID: "find", Title: templates.M("staff.find.title"), Parts: []templates.Part{s.findForm(v.blank())}})
	}
	return v.showParts(p, shown...)
}

func (s *Server) findForm(f *form) templates.Form {
	return templates.Form{Action: "/people", Fields: []templates.Part{
		f.input(templates.TextField{Name: "email", Label: templates.M("staff.find.email"), Hint: templates.M("staff.find.hint"), Type: "email", Autocomplete: "off"})},
		Submit: templates.Button{Text: templates.M("staff.find.button"), Kind: "secondary"}}
}

// findPerson leads to the person of an address. It is asked by POST, so that the address stands in no history.
func (s *Server) findPerson(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	var found account.Person
	var ok bool
	address := f.need("email", templates.M("staff.missing.email"))
	if err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		found, ok, err = s.cfg.Accounts.ByEmail(tx, address)
		return err
	}); err != nil {
		return err
	}
	if ok {
		return v.redirect("/people/" + string(found.ID))
	}
	if f.ok() {
		f.fail("email", templates.M("staff.find.nobody"))
	}
	p := v.page(templates.M("staff.find.title"))
	p.Back, p.Errors = toPage("/staff", templates.M("staff.staff.nav")), f.problems()
	return v.showParts(p, s.findForm(f))
}

// personPage is somebody with an account: roles, second factor, and where he takes part.
func (s *Server) personPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var person staffPerson
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		person, err = s.staffPerson(tx, account.PersonID(r.PathValue("person")))
		return err
	})
	if err != nil {
		return err
	}
	p := v.page(templates.Text(personName(person)))
	p.Section, p.Back = templates.M("staff.staff.nav"), toPage("/staff", templates.M("staff.staff.nav"))
	rows := []templates.SummaryRow{{Key: templates.M("staff.email"), Value: addresses(person.Emails)}, {Key: templates.M("staff.factor"), Value: person.factorWord()},
		{Key: templates.M("staff.since"), Value: templates.Day(person.Created)}}
	if person.Latin != "" {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.latin"), Value: templates.Text(person.Latin)})
	}
	if len(person.Former) > 0 {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.former-names"), Value: formerNames(person.Former)})
	}
	if !person.Disabled.IsZero() {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.state"), Value: templates.Lines{templates.M("staff.disabled"), templates.Moment(person.Disabled)}})
	}
	if v.Who.Has(account.Desk, account.Auditor) && len(person.Parts) > 0 {
		var links templates.Lines
		for _, n := range person.Parts {
			links = append(links, templates.Link{Text: templates.Text(n), Href: "/requests/" + n})
		}
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.requests.nav"), Value: links})
	}
	t := templates.Table{Caption: templates.M("staff.roles"), Columns: []templates.Column{{Text: templates.M("staff.role")}, {Text: templates.M("staff.since")}, {Text: templates.M("staff.until")}},
		Empty: &templates.Empty{Title: templates.M("staff.no-roles")}}
	for _, g := range person.Roles {
		until := templates.Part(templates.M("common.none"))
		if !g.Until.IsZero() {
			until = templates.LastDay(g.Until)
		}
		t.Rows = append(t.Rows, []templates.Part{roleWord(g.Role), templates.Day(g.Since), until})
	}
	shown := []templates.Part{}
	for _, task := range person.Tasks {
		shown = append(shown, templates.Notice{Tone: templates.Info, Title: templates.M("staff.people-task."+taskKey(task.Kind), "Name", personName(person)),
			Actions: []templates.Link{{Text: templates.M("staff.people-task.open"), Href: "/staff/tasks/" + task.ID}}})
	}
	return v.showParts(p, append(shown, templates.SummaryList{Rows: rows}, t, s.personActs(person, v))...)
}

func personName(p staffPerson) string {
	if p.Name == "" {
		return string(p.ID)
	}
	return p.Name
}

func addresses(all []account.Email) templates.Part {
	var texts []string
	for _, e := range all {
		texts = append(texts, e.Address)
	}
	return lines(texts)
}

// formerNames are what somebody was called before, so that nobody passes for another by a new name.
func formerNames(all []account.FormerName) templates.Part {
	var shown templates.Lines
	for _, f := range all {
		shown = append(shown, templates.M("staff.former-name", "Name", bothForms(account.Person{Name: f.Name, Latin: f.Latin}), "Moment", templates.Moment(f.Until)))
	}
	return shown
}

func (p staffPerson) factorWord() templates.Part {
	switch {
	case p.Factor.Held:
		return templates.M("staff.arrival.lost")
	case !p.Factor.Voided.IsZero():
		return templates.Lines{templates.M("staff.factor-void"), templates.Day(p.Factor.Voided)}
	case p.Factor.Holds():
		return templates.Lines{templates.Enrolled, templates.Day(p.Factor.Enrolled)}
	}
	return templates.M("staff.arrival.no-factor")
}

// A personAct is what staff does about a person. Those with a task need a second member of staff.
type personAct struct {
	name string
	task account.TaskKind // "" where one is enough
	can  func(staffPerson) bool
	do   func(s *Server, r *http.Request, v *visit, id account.PersonID) error // without a task
}

var personActs = []personAct{
	{name: "end-role", task: account.EndRole, can: func(p staffPerson) bool { return len(p.Roles) > 0 }},
	{name: "lost", can: func(p staffPerson) bool {
		return (p.Factor.Holds() || !p.Factor.Voided.IsZero() && !p.Factor.Held) && p.Disabled.IsZero()
	},
		do: func(s *Server, r *http.Request, v *visit, id account.PersonID) error {
			return s.cfg.Accounts.ReportLostOf(r.Context(), v.Who, id)
		}},
	{name: "reprove", task: account.ReproveFactor, can: func(p staffPerson) bool { return p.Factor.Held || !p.Factor.Voided.IsZero() }},
	{name: "enrolment", can: func(p staffPerson) bool { return p.Factor == account.Factor{} && p.Disabled.IsZero() },
		do: func(s *Server, r *http.Request, v *visit, id account.PersonID) error {
			return s.cfg.Accounts.ResendEnrolment(r.Context(), v.Who, id)
		}},
	{name: "rename", task: account.Rename, can: func(p staffPerson) bool { return len(p.Roles) > 0 && p.Disabled.IsZero() }},
	{name: "disable", task: account.Disable, can: func(p staffPerson) bool { return p.Disabled.IsZero() }},
	{name: "enable", task: account.Enable, can: func(p staffPerson) bool { return !p.Disabled.IsZero() }},
	{name: "erase", task: account.Erase, can: func(p staffPerson) bool { return !p.Disabled.IsZero() && p.Name != "" }},
}

// personActs are links to what can be done about a person now.
func (s *Server) personActs(p staffPerson, v *visit) templates.Part {
	var acts templates.Actions
	if v.Who.Has(account.Desk, account.Operator) && p.ID != v.Who.Person() {
		for _, act := range personActs {
			if act.can(p) {
				acts = append(acts, templates.Button{Text: templates.M("staff.person." + act.name + ".offer"), Kind: "secondary", Href: "/people/" + string(p.ID) + "/" + act.name})
			}
		}
	}
	return acts
}

func (s *Server) personAct(v *visit, r *http.Request) (personAct, staffPerson, error) {
	var p staffPerson
	i := slices.IndexFunc(personActs, func(a personAct) bool { return a.name == r.PathValue("act") })
	if i < 0 {
		return personAct{}, p, errNowhere
	}
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		p, err = s.staffPerson(tx, account.PersonID(r.PathValue("person")))
		return err
	})
	return personActs[i], p, err
}

func (s *Server) personActPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	act, p, err := s.personAct(v, r)
	if err != nil {
		return err
	}
	return s.showPersonAct(v, act, p, v.blank("name", p.Name, "latin", p.Latin))
}

func (s *Server) showPersonAct(v *visit, act personAct, person staffPerson, f *form) error {
	name, path := "staff.person."+act.name, "/people/"+string(person.ID)
	p := v.page(templates.M(name+".title", "Name", personName(person)))
	p.Section, p.Back, p.Errors = templates.M("staff.staff.nav"), toPage(path, templates.Text(personName(person))), f.problems()
	if !act.can(person) && f.ok() {
		return v.showParts(p, templates.Notice{Tone: templates.Warning, Title: templates.M("staff.not-now"), Body: templates.M("account.state"), Actions: []templates.Link{*p.Back}})
	}
	sure := templates.AreYouSure{Action: path + "/" + act.name, Yes: templates.M(name + ".yes"), Cancel: templates.Link{Text: templates.M("staff.cancel"), Href: path},
		Consequences: []templates.Msg{templates.M(name+".means", "Name", personName(person))}, Calm: act.task == account.Enable || act.task == account.Rename || act.name == "enrolment"}
	if act.task != "" {
		sure.Consequences = append(sure.Consequences, templates.M("staff.person.second"))
	}
	if act.task == account.EndRole {
		var choices []templates.Choice
		for _, g := range person.Roles {
			choices = append(choices, templates.Choice{Value: g.ID, Text: roleWord(g.Role)})
		}
		sure.Fields = append(sure.Fields, f.radios(templates.Radios{Name: "grant", Label: templates.M("staff.role"), Choices: choices}))
	}
	if act.task == account.Rename {
		sure.Fields = append(sure.Fields, f.nameFields("off")...)
	}
	if act.task != "" {
		sure.Fields = append(sure.Fields, f.area(templates.TextArea{Name: "note", Label: templates.M("staff.note"), Hint: templates.M("staff.person.note"), MaxLength: 2000, Rows: 4}), v.codeField())
	}
	return v.showParts(p, sure)
}

func (s *Server) personActDone(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	act, p, err := s.personAct(v, r)
	if err != nil {
		return err
	}
	err = s.actOnPerson(v, r, act, p, f)
	if err == nil && f.ok() {
		if err := v.tell(templates.Success, "staff.person."+act.name+".done", "Name", personName(p)); err != nil {
			return err
		}
		return v.redirect("/people/" + string(p.ID))
	}
	if err != nil && !f.refuse(err) {
		return err
	}
	return s.showPersonAct(v, act, p, f)
}

func (s *Server) actOnPerson(v *visit, r *http.Request, act personAct, p staffPerson, f *form) error {
	if act.task == "" {
		return act.do(s, r, v, p.ID)
	}
	grant := ""
	if act.task == account.EndRole {
		var offered []string
		for _, g := range p.Roles {
			offered = append(offered, g.ID)
		}
		grant = f.choice("grant", templates.M("staff.person.role-missing"), offered...)
	}
	var name, latin string
	if act.task == account.Rename {
		name, latin = f.names()
	}
	note := f.need("note", templates.M("staff.note-missing"))
	f.note("code")
	if !f.ok() {
		return nil
	}
	proof, err := v.confirm(r, account.ProposalAct(act.task, string(p.ID)))
	if err != nil {
		return err
	}
	if act.task == account.Rename {
		_, err = s.cfg.Accounts.ProposeName(r.Context(), v.Who, proof, p.ID, name, latin, note)
		return err
	}
	_, err = s.cfg.Accounts.Propose(r.Context(), v.Who, proof, act.task, p.ID, grant, note)
	return err
}

// logOf leads to the entries about a subject.
func logOf(subject string) string { return "/log?subject=" + url.QueryEscape(subject) }
