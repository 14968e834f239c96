package portal

import (
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

func (s *Server) newRequest(_ http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showRecord(v, r, v.blank("lang", v.Lang), nil)
}

// showRecord shows the form: for a new request, or for one that is revised.
func (s *Server) showRecord(v *visit, r *http.Request, f *form, c *staffCase) error {
	rf, err := s.recordForm(r.Context(), v, f)
	if err != nil {
		return err
	}
	return s.showForm(v, rf, c)
}

func (s *Server) showForm(v *visit, rf *recordForm, c *staffCase) error {
	p := v.page(templates.M("staff.record.title"))
	p.Back = toPage("/requests", templates.M("staff.back-requests"))
	p.Errors = rf.problems()
	fields := rf.fields()
	lead := templates.M("staff.record.lead")
	other := []templates.Part{
		templates.Button{Text: templates.M("staff.add-contact"), Kind: "secondary", Name: "do", Value: "add-contact"},
		templates.Button{Text: templates.M("staff.add-dataset"), Kind: "secondary", Name: "do", Value: "add-dataset"},
		templates.Button{Text: templates.M("staff.add-country"), Kind: "secondary", Name: "do", Value: "add-country"},
	}
	hidden := []templates.Hidden(nil)
	if c != nil {
		p.Title, p.Tag = templates.M("staff.revise.title", "Number", c.Request.Number), c.state()
		p.Back = toPage(c.path(), templates.M("staff.back-request", "Number", c.Request.Number))
		lead = templates.M("staff.revise.lead")
		hidden = append(hidden, templates.Hidden{Name: "rev", Value: c.rev()})
		fields = append(fields, templates.Section{ID: "revision", Title: templates.M("staff.revise.section"), Parts: []templates.Part{
			rf.area(templates.TextArea{Name: "reason", Label: templates.M("staff.reason"), Hint: templates.M("staff.revise.reason"), Rows: 3})}})
		other = append(other, templates.Link{Text: templates.M("staff.cancel"), Href: c.path()})
	} else {
		other = append(other, templates.Link{Text: templates.M("staff.cancel"), Href: "/requests"})
	}
	return v.showParts(p, templates.Paragraph{Body: lead, Lead: true}, templates.Form{Hidden: hidden, Fields: fields,
		Submit: templates.Button{Text: templates.M("staff.record.check"), Name: "do", Value: "check"}, Other: other})
}

// recordRequest takes the steps of recording: more rows, the check, and the recording itself.
func (s *Server) recordRequest(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	rf, err := s.recordForm(r.Context(), v, f)
	if err != nil {
		return err
	}
	switch f.text("do") {
	case "add-contact", "add-dataset", "add-country", "edit":
		return s.showForm(v, rf, nil)
	}
	in := rf.read()
	if !rf.ok() {
		return s.showForm(v, rf, nil)
	}
	if f.text("do") != "record" {
		return s.showCheck(v, r, rf, in, nil)
	}
	if number, ok, err := s.recordedAlready(v, r, in); err != nil || ok {
		return s.recorded(v, number, err)
	}
	id, err := s.cfg.Registry.Record(r.Context(), v.Who, written(in))
	if err != nil {
		if rf.take(err, in) {
			return s.showForm(v, rf, nil)
		}
		return err
	}
	number, err := s.numberOf(r, id)
	return s.recorded(v, number, err)
}

func (s *Server) recorded(v *visit, number string, err error) error {
	if err != nil {
		return err
	}
	if err := v.tell(templates.Success, "staff.record.done", "Number", number); err != nil {
		return err
	}
	return v.redirect("/requests/" + number)
}

func (s *Server) numberOf(r *http.Request, id licensing.RequestID) (number string, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		q, err := s.cfg.Registry.Request(tx, id)
		number = q.Number
		return err
	})
	return number, err
}

// recordedAlready finds the request that the same form made a moment ago: a button pressed twice records once.
func (s *Server) recordedAlready(v *visit, r *http.Request, in licensing.RequestInput) (number string, found bool, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		all, err := s.cfg.Registry.Requests(tx, v.Who)
		if err != nil {
			return err
		}
		for _, m := range all {
			q := m.Request
			if q.State == licensing.Recorded && v.At.Sub(q.Recorded) < 10*time.Minute && slices.Equal(q.Editors, []account.PersonID{v.Who.Person()}) &&
				sameRequest(q, asRequest(written(in), nil)) {
				number, found = q.Number, true
			}
		}
		return nil
	})
	return number, found, err
}

// sameRequest compares what was typed, in the form in which it is kept.
func sameRequest(kept, typed licensing.Request) bool {
	return reflect.DeepEqual(asTyped(kept), asTyped(typed))
}

// asTyped is everything in a request that comes from the form, without what recording adds.
func asTyped(q licensing.Request) []string {
	f := &form{values: url.Values{}}
	f.fill(q)
	var all []string
	for name, values := range f.values {
		all = append(all, name+"="+strings.ToLower(strings.Join(strings.Fields(strings.Join(values, " ")), " ")))
	}
	slices.Sort(all)
	return all
}

// showCheck shows what will be recorded, the licence that follows from it, and who may be one person twice.
func (s *Server) showCheck(v *visit, r *http.Request, rf *recordForm, in licensing.RequestInput, c *staffCase) error {
	q := asRequest(written(in), rf.signers)
	pretend := &staffCase{Page: licensing.Page{Request: q}, At: v.At, Lang: v.Lang, zone: s.zone, Names: map[account.PersonID]string{}}
	before := licensing.Request{Editors: []account.PersonID{v.Who.Person()}}
	if c != nil {
		q.Scopes, before = c.Request.Scopes, c.Request
	}
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if err := s.cfg.Registry.Check(tx, before, written(in)); err != nil {
			return err
		}
		for _, need := range q.Content.Datasets {
			d, err := s.cfg.Registry.Dataset(tx, need.Dataset)
			if err != nil {
				return err
			}
			pretend.Datasets = append(pretend.Datasets, d)
		}
		if err := s.fillAddress(tx, &q); err != nil {
			return err
		}
		pretend.Duplicates, err = s.cfg.Registry.Duplicates(tx, q)
		return err
	})
	if err != nil && rf.take(err, in) {
		return s.showForm(v, rf, c)
	}
	if err != nil {
		return err
	}
	p := v.page(templates.M("staff.check.title"))
	yes, lead := templates.M("staff.check.record"), templates.M("staff.check.lead")
	if c != nil {
		p.Title, yes, lead = templates.M("staff.check.revise-title", "Number", c.Request.Number), templates.M("staff.check.revise"), templates.M("staff.check.revise-lead")
	}
	outcome := s.outcomeNow(q.Content, q.Contacts, q.Scopes, v)
	facts := s.factsOf(pretend, v)
	facts.Rows = facts.Rows[:len(facts.Rows)-1] // when it was recorded
	shown := []templates.Part{templates.Paragraph{Body: lead, Lead: true}}
	shown = append(shown, s.duplicates(pretend)...)
	if outcome.NeedsPerson {
		shown = append(shown, templates.Notice{Tone: templates.Warning, Title: templates.M("staff.check.scope"), Body: templates.M("staff.check.scope-body")})
	}
	shown = append(shown, s.outcomeParts(outcome, v)...)
	shown = append(shown, facts, s.peopleList(q, v))
	return v.showParts(p, append(shown, templates.Form{Hidden: rf.carried(), Submit: templates.Button{Text: yes, Name: "do", Value: "record"},
		Other: []templates.Part{templates.Button{Text: templates.M("staff.check.change"), Kind: "secondary", Name: "do", Value: "edit"}}})...)
}

// fillAddress gives the representative the address of the account: without it the same person would look like two.
func (s *Server) fillAddress(tx *db.Tx, q *licensing.Request) error {
	for i, p := range q.Parties {
		if p.Part != licensing.Representative {
			continue
		}
		emails, err := s.cfg.Accounts.Emails(tx, p.Person)
		if err != nil {
			return err
		}
		if len(emails) > 0 {
			q.Parties[i].Email = emails[0].Address
		}
	}
	return nil
}

// peopleList shows everybody who will be written to.
func (s *Server) peopleList(q licensing.Request, v *visit) templates.Table {
	t := templates.Table{Caption: templates.M("staff.people"), Columns: []templates.Column{{Text: templates.M("staff.name")}, {Text: templates.M("staff.part")},
		{Text: templates.M("staff.email")}, {Text: templates.M("staff.country")}}}
	for _, p := range q.Parties {
		email := templates.Msg(templates.Text(p.Email))
		if p.Email == "" {
			email = templates.M("common.none")
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: templates.Text(p.Name), Note: templates.Text(p.Position)}, partWord(p.Part), email, templates.M("common.none")})
	}
	for _, k := range q.Contacts {
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: templates.Text(k.Name), Note: templates.Text(k.Position)}, templates.M("staff.contact"), templates.Text(k.Email),
			templates.Text(s.country(k.Country, v.Lang))})
	}
	return t
}

// asRequest is what an input would be, for showing only.
func asRequest(in licensing.RequestInput, signers []account.Person) licensing.Request {
	q := licensing.Request{Content: in.Content}
	for _, p := range []struct {
		part licensing.Part
		in   licensing.PersonInput
	}{{licensing.Applicant, in.Applicant}, {licensing.Signatory, in.Signatory}} {
		q.Parties = append(q.Parties, licensing.Party{Part: p.part, Name: p.in.Name, Latin: p.in.Latin, Position: p.in.Position, Email: p.in.Email})
	}
	rep := licensing.Party{Part: licensing.Representative, Person: in.Representative, Position: in.RepresentativePosition}
	for _, p := range signers {
		if p.ID == in.Representative {
			rep.Name = p.Name
		}
	}
	q.Parties = append(q.Parties, rep)
	for _, k := range in.Contacts {
		q.Contacts = append(q.Contacts, licensing.Contact{Name: k.Name, Latin: k.Latin, Position: k.Position, Email: k.Email, Country: k.Country})
	}
	return q
}

// revisable loads a request that its reader may revise.
func (s *Server) revisable(v *visit, r *http.Request) (*staffCase, error) {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	if !c.may("request.revised") {
		return nil, account.ErrNotAllowed
	}
	return c, nil
}

func (s *Server) revisePage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.revisable(v, r)
	if err != nil {
		return err
	}
	if !c.revisable() {
		p := v.page(templates.M("staff.revise.title", "Number", c.Request.Number))
		p.Back = toPage(c.path(), templates.M("staff.back-request", "Number", c.Request.Number))
		return v.showParts(p, templates.Notice{Tone: templates.Warning, Title: templates.M("staff.not-now"), Body: templates.M("staff.revise.closed"), Actions: []templates.Link{*p.Back}})
	}
	f := v.blank()
	f.fill(c.Request)
	return s.showRecord(v, r, f, c)
}

func (s *Server) reviseRequest(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	c, err := s.revisable(v, r)
	if err != nil {
		return err
	}
	rf, err := s.recordForm(r.Context(), v, f)
	if err != nil {
		return err
	}
	if f.text("rev") != c.rev() {
		return db.ErrConflict
	}
	switch f.text("do") {
	case "add-contact", "add-dataset", "add-country", "edit":
		return s.showForm(v, rf, c)
	}
	in := rf.read()
	in.Reason = rf.need("reason", templates.M("staff.reason-missing"))
	if !rf.ok() {
		return s.showForm(v, rf, c)
	}
	if f.text("do") != "record" {
		return s.showCheck(v, r, rf, in, c)
	}
	if err := s.cfg.Registry.Revise(r.Context(), v.Who, c.Request.ID, c.Request.Rev, written(in)); err != nil {
		if rf.take(err, in) {
			return s.showForm(v, rf, c)
		}
		return err
	}
	done := "staff.revise.done"
	a, _ := c.agreement()
	if _, waited := a.WaitingPaper(); waited {
		done = "staff.revise.done-paper"
	}
	if err := v.tell(templates.Success, done, "Number", c.Request.Number); err != nil {
		return err
	}
	return v.redirect(c.path())
}
