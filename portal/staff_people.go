package portal

import (
	"errors"
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

func (s *Server) newStaff(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return s.showNewStaff(v, v.blank("lang", v.Lang))
}

func (s *Server) showNewStaff(v *visit, f *form) error {
	p := v.page(templates.M("staff.new-staff.title"))
	p.Back, p.Errors = toPage("/staff", templates.M("staff.staff.nav")), f.problems()
	var roles []templates.Choice
	for _, r := range account.Roles {
		roles = append(roles, templates.Choice{Value: string(r), Text: roleWord(r), Hint: templates.M("staff.role-hint." + string(r))})
	}
	return v.showParts(p, templates.Paragraph{Body: templates.M("staff.new-staff.lead"), Lead: true}, templates.Form{Fields: []templates.Part{
		f.input(templates.TextField{Name: "name", Label: templates.M("staff.name"), Autocomplete: "off"}),
		f.input(templates.TextField{Name: "email", Label: templates.M("staff.email"), Type: "email", Autocomplete: "off"}),
		f.radios(templates.Radios{Name: "lang", Label: templates.M("staff.mail-lang"), Choices: []templates.Choice{{Value: "en", Text: templates.M("staff.lang.en")}, {Value: "nl", Text: templates.M("staff.lang.nl")}}}),
		f.boxes(templates.Checkboxes{Name: "roles", Label: templates.M("staff.roles"), Choices: roles}),
		f.date(templates.DateField{Name: "until", Label: templates.M("staff.until"), Hint: templates.M("staff.new-staff.until"), Optional: true}),
		f.area(templates.TextArea{Name: "note", Label: templates.M("staff.note"), Hint: templates.M("staff.person.note"), MaxLength: 2000, Rows: 4}),
		v.codeField(),
	}, Submit: templates.Button{Text: templates.M("staff.new-staff.button")}, Other: []templates.Part{templates.Link{Text: templates.M("staff.cancel"), Href: "/staff"}}})
}

func (s *Server) addStaff(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	n := account.NewStaff{Name: f.need("name", templates.M("staff.missing.name")), Email: f.need("email", templates.M("staff.missing.email")),
		Lang: f.choice("lang", templates.M("staff.missing.lang"), "en", "nl")}
	for _, role := range f.list("roles") {
		n.Roles = append(n.Roles, account.Role(role))
	}
	if len(n.Roles) == 0 {
		f.fail("roles", templates.M("account.roles"))
	}
	if y, m, d, given := f.day("until"); given {
		n.Until = licensing.Date{Year: y, Month: m, Day: d}.End(s.zone)
	}
	note := f.need("note", templates.M("staff.note-missing"))
	f.note("code")
	if f.ok() {
		err := s.proposeStaff(v, r, n, note)
		if err == nil {
			if err := v.tell(templates.Success, "staff.new-staff.done", "Name", n.Name); err != nil {
				return err
			}
			return v.redirect("/staff")
		}
		if !f.refuse(err) {
			return err
		}
	}
	return s.showNewStaff(v, f)
}

func (s *Server) proposeStaff(v *visit, r *http.Request, n account.NewStaff, note string) error {
	about, err := account.Address(n.Email)
	if err != nil {
		return err
	}
	proof, err := v.confirm(r, account.ProposalAct(account.AddStaff, about))
	if err != nil {
		return err
	}
	_, err = s.cfg.Accounts.ProposeStaff(r.Context(), v.Who, proof, n, note)
	return err
}

// staffTask reads a proposal, with the names that the page shows.
func (s *Server) staffTask(v *visit, r *http.Request) (t account.Task, about, by string, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		tasks, err := s.cfg.Accounts.Tasks(tx)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(tasks, func(t account.Task) bool { return t.ID == r.PathValue("id") })
		if i < 0 {
			return account.ErrNoTask
		}
		t = tasks[i]
		if about, err = s.about(tx, t); err != nil {
			return err
		}
		p, err := s.cfg.Accounts.Person(tx, t.ProposedBy)
		by = p.Name
		return err
	})
	return t, about, by, err
}

func (s *Server) staffTaskPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showStaffTask(v, r, v.blank())
}

func (s *Server) showStaffTask(v *visit, r *http.Request, f *form) error {
	t, about, by, err := s.staffTask(v, r)
	if errors.Is(err, account.ErrNoTask) && f.ok() {
		// Several are asked to be the second person, by a letter that leads here.
		if err := v.tell(templates.Info, "staff.people-task.over"); err != nil {
			return err
		}
		return v.redirect("/staff")
	}
	if err != nil {
		return err
	}
	key := taskKey(t.Kind)
	p := v.page(templates.M("staff.people-task."+key, "Name", about))
	p.Section, p.Back, p.Errors = templates.M("staff.staff.nav"), toPage("/staff", templates.M("staff.staff.nav")), f.problems()
	rows := []templates.SummaryRow{{Key: templates.M("staff.by"), Value: templates.Text(by)}, {Key: templates.M("staff.when"), Value: templates.Moment(t.Proposed)},
		{Key: templates.M("staff.note"), Value: templates.Text(t.Note)}}
	if t.Kind == account.AddStaff {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.email"), Value: templates.Text(t.Staff.Email)}, templates.SummaryRow{Key: templates.M("staff.roles"), Value: roleWords(t.Staff.Roles)})
		if !t.Staff.Until.IsZero() {
			rows = append(rows, templates.SummaryRow{Key: templates.M("staff.until"), Value: templates.LastDay(t.Staff.Until)})
		}
	}
	if t.Kind == account.Rename {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.new-name"), Value: bothForms(account.Person{Name: t.Name, Latin: t.Latin})})
	}
	facts := templates.SummaryList{Title: templates.M("staff.proposal"), Rows: rows}
	own := t.ProposedBy == v.Who.Person()
	if t.Person == v.Who.Person() {
		return v.showParts(p, facts, templates.Notice{Tone: templates.Info, Body: templates.M("account.same-person")})
	}
	choices := []templates.Choice{{Value: "confirm", Text: templates.M("staff.people-task.confirm")}, {Value: "decline", Text: templates.M("staff.people-task.decline")}}
	consequence := templates.M("staff.person."+key+".effect", "Name", about)
	shown := []templates.Part{facts}
	if own {
		choices = choices[1:]
		shown = append(shown, templates.Notice{Tone: templates.Info, Body: templates.M("staff.people-task.own")})
	}
	return v.showParts(p, append(shown, templates.AreYouSure{Action: "/staff/tasks/" + t.ID, Consequences: []templates.Msg{consequence}, Yes: templates.M("staff.people-task.send"),
		Calm: t.Kind == account.AddStaff || t.Kind == account.Rename || t.Kind == account.Enable, Cancel: templates.Link{Text: templates.M("staff.cancel"), Href: "/staff"},
		Fields: []templates.Part{f.radios(templates.Radios{Name: "decision", Label: templates.M("staff.people-task.decision"), Choices: choices}),
			f.area(templates.TextArea{Name: "note", Label: templates.M("staff.note"), Hint: templates.M("staff.people-task.note"), MaxLength: 2000, Rows: 4}), v.codeField()}})...)
}

func (s *Server) decideStaffTask(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	id := r.PathValue("id")
	decision := f.choice("decision", templates.M("staff.people-task.decision-missing"), "confirm", "decline")
	note := f.need("note", templates.M("staff.note-missing"))
	f.note("code")
	if f.ok() {
		err := s.decideTask(v, r, id, decision == "confirm", note)
		if err == nil {
			if err := v.tell(templates.Success, "staff.people-task.done-"+decision); err != nil {
				return err
			}
			return v.redirect("/staff")
		}
		if errors.Is(err, account.ErrNoTask) {
			return db.ErrConflict // somebody else decided a moment ago
		}
		if !f.refuse(err) {
			return err
		}
	}
	return s.showStaffTask(v, r, f)
}

func (s *Server) decideTask(v *visit, r *http.Request, id string, confirm bool, note string) error {
	if _, _, _, err := s.staffTask(v, r); err != nil {
		return err // before the code is used up
	}
	proof, err := v.confirm(r, account.TaskAct(id))
	if err != nil {
		return err
	}
	if confirm {
		return s.cfg.Accounts.ConfirmTask(r.Context(), v.Who, proof, id, note)
	}
	return s.cfg.Accounts.DeclineTask(r.Context(), v.Who, proof, id, note)
}

// logOf leads to the entries about a subject.
func logOf(subject string) string { return "/log?subject=" + url.QueryEscape(subject) }
