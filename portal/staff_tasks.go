package portal

import (
	"errors"
	"net/http"
	"slices"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// What staff proposes about staff, and a second person decides.

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
