package portal

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// A recordForm is the form on which a request is recorded or revised, with what it offers to choose from.
type recordForm struct {
	*form
	datasets  []licensing.Dataset
	named     map[licensing.CollectionID]string // the collections, by name
	signers   []account.Person
	countries []templates.Choice
	reached   int // rows shown
	sets      int
	contacts  int
}

// The rows that an empty form shows. Rows that stay empty are left out, so a few too many cost nothing.
const (
	firstCountries = 2
	firstDatasets  = 2
	firstContacts  = 1
)

func (s *Server) recordForm(ctx context.Context, v *visit, f *form) (*recordForm, error) {
	rf := &recordForm{form: f}
	err := s.cfg.DB.View(ctx, func(tx *db.Tx) error {
		all, err := s.cfg.Registry.AllDatasets(tx)
		if err != nil {
			return err
		}
		rf.datasets = slices.DeleteFunc(all, func(d licensing.Dataset) bool { return d.State != licensing.Imported })
		collections, err := s.cfg.Registry.Collections(tx)
		if err != nil {
			return err
		}
		rf.named = map[licensing.CollectionID]string{}
		for _, c := range collections {
			rf.named[c.ID] = c.Name
		}
		rf.signers, err = s.cfg.Accounts.Staff(tx, account.Representative)
		return err
	})
	if err != nil {
		return nil, err
	}
	rf.countries = s.countryChoices(v)
	rf.reached = max(firstCountries, rf.sent("reached"))
	rf.sets = max(firstDatasets, rf.sent("datasets"))
	rf.contacts = max(firstContacts, rf.sent("contacts"))
	switch f.values.Get("do") {
	case "add-country":
		rf.reached = min(rf.reached+1, mostRows)
	case "add-dataset":
		rf.sets = min(rf.sets+1, mostRows)
	case "add-contact":
		rf.contacts = min(rf.contacts+1, mostRows)
	}
	return rf, nil
}

// rowField is the name of a field in a row, as package licensing names it too: contacts.0.email. It is an id on the page, and
// an address leads there, so brackets would not do.
func rowField(list string, row int, field string) string {
	return fmt.Sprintf("%s.%d.%s", list, row, field)
}

// sent counts the rows of a list that came with the form.
func (rf *recordForm) sent(list string) int {
	n := 0
	for name := range rf.values {
		rest, ok := strings.CutPrefix(name, list+".")
		number, _, _ := strings.Cut(rest, ".")
		if i, err := strconv.Atoi(number); ok && err == nil && i >= 0 && i < mostRows {
			n = max(n, i+1)
		}
	}
	return n
}

// people are the fields of somebody, each with what the browser knows of it.
func (f *form) people(prefix string, nameHint templates.Msg) []templates.Part {
	return []templates.Part{
		f.input(templates.TextField{Name: prefix + "name", Label: templates.M("staff.name"), Hint: nameHint, Autocomplete: "off"}),
		f.input(templates.TextField{Name: prefix + "latin", Label: templates.M("staff.latin"), Hint: templates.M("staff.latin-hint"), Optional: true, Autocomplete: "off"}),
		f.input(templates.TextField{Name: prefix + "position", Label: templates.M("staff.position"), Autocomplete: "off"}),
		f.input(templates.TextField{Name: prefix + "email", Label: templates.M("staff.email"), Hint: templates.M("staff.email-hint"), Type: "email", Autocomplete: "off"}),
	}
}

// fields are the sections of the form.
func (rf *recordForm) fields() []templates.Part {
	section := func(id string, more ...templates.Part) templates.Part {
		return templates.Section{ID: id, Title: templates.M("staff.record." + id), Parts: more}
	}
	return []templates.Part{
		section("subject",
			rf.radios(templates.Radios{Name: "lang", Label: templates.M("staff.field.lang"), Hint: templates.M("staff.lang-hint"), Choices: []templates.Choice{
				{Value: "en", Text: templates.M("staff.lang.en")}, {Value: "nl", Text: templates.M("staff.lang.nl")}}}),
			rf.input(templates.TextField{Name: "title", Label: templates.M("staff.field.title")}),
			rf.area(templates.TextArea{Name: "purpose", Label: templates.M("staff.field.purpose"), Hint: templates.M("staff.purpose-hint")})),
		section("entity", rf.entity()...),
		section("applicant", append([]templates.Part{templates.Paragraph{Body: templates.M("staff.record.applicant-hint")}}, rf.people("applicant.", nil)...)...),
		section("signatory", append([]templates.Part{templates.Paragraph{Body: templates.M("staff.record.signatory-hint")}}, rf.people("signatory.", nil)...)...),
		section("foundation", rf.representative()...),
		section("data", rf.data()...),
		section("term",
			rf.date(templates.DateField{Name: "not_before", Label: templates.M("staff.field.not-before"), Hint: templates.M("staff.not-before-hint"), Optional: true}),
			rf.date(templates.DateField{Name: "until", Label: templates.M("staff.field.until"), Hint: templates.M("staff.until-hint")})),
		section("contacts", rf.contactRows()...),
	}
}

func (rf *recordForm) entity() []templates.Part {
	all := []templates.Part{
		rf.input(templates.TextField{Name: "licensee.name", Label: templates.M("staff.entity.name"), Hint: templates.M("staff.entity.name-hint"), Autocomplete: "off"}),
		rf.input(templates.TextField{Name: "licensee.latin", Label: templates.M("staff.latin"), Hint: templates.M("staff.latin-hint"), Optional: true, Autocomplete: "off"}),
		rf.area(templates.TextArea{Name: "licensee.address", Label: templates.M("staff.entity.address"), Rows: 3}),
		rf.country("licensee.country", templates.M("staff.entity.country"), nil, false),
	}
	for i := range rf.reached {
		var hint templates.Msg
		if i == 0 {
			hint = templates.M("staff.reached-hint")
		}
		all = append(all, rf.country(rowField("reached", i, "country"), templates.M("staff.reached", "Number", i+1), hint, i > 0))
	}
	return append(all, rf.area(templates.TextArea{Name: "licensee.domains", Label: templates.M("staff.domains"), Hint: templates.M("staff.domains-hint"), Rows: 2}))
}

func (rf *recordForm) country(name string, label, hint templates.Msg, optional bool) templates.Part {
	return rf.selected(templates.Select{Name: name, Label: label, Hint: hint, Choices: rf.countries, Blank: templates.M("staff.choose-country"), Optional: optional})
}

func (rf *recordForm) representative() []templates.Part {
	var choices []templates.Choice
	for _, p := range rf.signers {
		choices = append(choices, templates.Choice{Value: string(p.ID), Text: templates.Text(p.Name)})
	}
	all := []templates.Part{}
	if len(choices) == 0 {
		all = append(all, templates.Notice{Tone: templates.Warning, Body: templates.M("staff.no-representative")})
	}
	return append(all,
		rf.selected(templates.Select{Name: "representative", Label: templates.M("staff.part.representative"), Choices: choices, Blank: templates.M("staff.choose-person")}),
		rf.input(templates.TextField{Name: "representative.position", Label: templates.M("staff.position"), Autocomplete: "off"}))
}

func (rf *recordForm) data() []templates.Part {
	var all []templates.Part
	if len(rf.datasets) == 0 {
		all = append(all, templates.Notice{Tone: templates.Warning, Body: templates.M("staff.no-datasets")})
	}
	choices := make([]templates.Choice, len(rf.datasets))
	for i, d := range rf.datasets {
		choices[i] = templates.Choice{Value: string(d.ID), Text: templates.Text(rf.named[d.Collection] + " – " + d.Name)}
	}
	for i := range rf.sets {
		all = append(all,
			rf.selected(templates.Select{Name: rowField("datasets", i, "dataset"), Label: templates.M("staff.dataset", "Number", i+1), Choices: choices,
				Blank: templates.M("staff.choose-dataset"), Optional: i > 0}),
			rf.area(templates.TextArea{Name: rowField("datasets", i, "need"), Label: templates.M("staff.need", "Number", i+1), Hint: templates.M("staff.need-hint"), Rows: 2, Optional: i > 0}))
	}
	return append(all, rf.area(templates.TextArea{Name: "conditions", Label: templates.M("staff.field.conditions"), Hint: templates.M("staff.conditions-hint"), Optional: true}))
}

func (rf *recordForm) contactRows() []templates.Part {
	all := []templates.Part{templates.Paragraph{Body: templates.M("staff.record.contacts-hint")}}
	for i := range rf.contacts {
		name := rowField("contacts", i, "")
		row := []templates.Part{templates.Paragraph{Body: templates.M("staff.contact-number", "Number", i+1)}}
		row = append(row, rf.people(name, nil)...)
		all = append(all, append(row, rf.country(name+"country", templates.M("staff.contact-country"), nil, false))...)
	}
	return all
}

// read takes the input out of the form, and says at each field what is missing. What only licensing can know, it says later.
func (rf *recordForm) read() licensing.RequestInput {
	var in licensing.RequestInput
	missing := func(name, key string) string { return rf.need(name, templates.M("staff.missing."+key)) }
	in.Lang = rf.choice("lang", templates.M("staff.missing.lang"), "en", "nl")
	in.Title, in.Purpose = missing("title", "title"), missing("purpose", "purpose")
	l := licensing.Licensee{Name: missing("licensee.name", "entity-name"), Latin: rf.text("licensee.latin"), Address: missing("licensee.address", "entity-address"),
		Country: missing("licensee.country", "country")}
	for i := range rf.reached {
		if c := rf.text(rowField("reached", i, "country")); c != "" && !slices.Contains(l.ReachedFrom, c) {
			l.ReachedFrom = append(l.ReachedFrom, c)
		}
	}
	if len(l.ReachedFrom) == 0 {
		rf.fail(rowField("reached", 0, "country"), templates.M("staff.missing.reached"))
	}
	l.Domains = strings.FieldsFunc(missing("licensee.domains", "domains"), func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	in.Licensee = l
	in.Applicant, in.Signatory = rf.person("applicant."), rf.person("signatory.")
	in.Representative = account.PersonID(missing("representative", "representative"))
	in.RepresentativePosition = missing("representative.position", "position")
	rf.readData(&in)
	if y, m, d, given := rf.day("not_before"); given {
		in.NotBefore = licensing.Date{Year: y, Month: m, Day: d}
	}
	y, m, d := rf.needDay("until", templates.M("staff.missing.until"))
	in.Until = licensing.Date{Year: y, Month: m, Day: d}
	rf.readContacts(&in)
	return in
}

func (rf *recordForm) person(prefix string) licensing.PersonInput {
	p := licensing.PersonInput{Name: rf.need(prefix+"name", templates.M("staff.missing.name")), Latin: rf.text(prefix + "latin"),
		Position: rf.need(prefix+"position", templates.M("staff.missing.position")), Email: rf.need(prefix+"email", templates.M("staff.missing.email"))}
	if _, err := account.Address(p.Email); p.Email != "" && err != nil {
		rf.fail(prefix+"email", templates.M("staff.bad-email"))
	}
	return p
}

func (rf *recordForm) readData(in *licensing.RequestInput) {
	for i := range rf.sets {
		set, need := rf.text(rowField("datasets", i, "dataset")), rf.text(rowField("datasets", i, "need"))
		switch {
		case set == "" && need == "":
			continue
		case set == "":
			rf.fail(rowField("datasets", i, "dataset"), templates.M("staff.missing.dataset"))
		case need == "":
			rf.fail(rowField("datasets", i, "need"), templates.M("staff.missing.need"))
		}
		in.Datasets = append(in.Datasets, licensing.DatasetNeed{Dataset: licensing.DatasetID(set), Need: need})
	}
	if len(in.Datasets) == 0 {
		rf.fail(rowField("datasets", 0, "dataset"), templates.M("staff.missing.datasets"))
	}
	for _, line := range strings.Split(rf.text("conditions"), "\n") {
		if line = strings.TrimSpace(line); line != "" {
			in.Conditions = append(in.Conditions, line)
		}
	}
}

func (rf *recordForm) readContacts(in *licensing.RequestInput) {
	for i := range rf.contacts {
		prefix := rowField("contacts", i, "")
		empty := true
		for _, field := range []string{"name", "latin", "position", "email", "country"} {
			empty = empty && rf.text(prefix+field) == ""
		}
		if empty && (i > 0 || rf.contacts > 1) {
			in.Contacts = append(in.Contacts, licensing.ContactInput{})
			continue
		}
		in.Contacts = append(in.Contacts, licensing.ContactInput{PersonInput: rf.person(prefix), Country: rf.need(prefix+"country", templates.M("staff.missing.country"))})
	}
	none := licensing.ContactInput{}
	if !slices.ContainsFunc(in.Contacts, func(c licensing.ContactInput) bool { return c != none }) {
		rf.fail("contacts.0.name", templates.M("staff.missing.contacts"))
	}
}

// written are the contacts of an input without the rows that stayed empty.
func written(in licensing.RequestInput) licensing.RequestInput {
	in.Contacts = slices.DeleteFunc(slices.Clone(in.Contacts), func(c licensing.ContactInput) bool { return c == licensing.ContactInput{} })
	return in
}

var contactField = regexp.MustCompile(`^contacts\.(\d+)\.(\w+)$`)

// take puts what licensing refused beside the fields. It counts the contacts that were written, the form its rows.
func (rf *recordForm) take(err error, in licensing.RequestInput) bool {
	var faults licensing.Faults
	if found, ok := err.(licensing.Faults); ok {
		faults = found
	} else {
		return rf.refuse(err)
	}
	for _, e := range faults {
		rf.fail(rf.fieldOf(e.Field, in), rf.server.refusal(e))
	}
	return true
}

func (rf *recordForm) fieldOf(field string, in licensing.RequestInput) string {
	switch field {
	case "licensee.reached_from":
		return rowField("reached", 0, "country")
	case "datasets":
		return rowField("datasets", 0, "dataset")
	case "contacts":
		return rowField("contacts", 0, "name")
	}
	m := contactField.FindStringSubmatch(field)
	if m == nil {
		return field
	}
	n, _ := strconv.Atoi(m[1]) // the expression has digits there
	for row, c := range in.Contacts {
		if c == (licensing.ContactInput{}) {
			continue
		}
		if n == 0 {
			return rowField("contacts", row, m[2])
		}
		n--
	}
	return field
}

// carried are all values of the form, for the page that shows them once more.
func (rf *recordForm) carried() []templates.Hidden {
	var names []string
	for name := range rf.values {
		if name != "do" && name != "code" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []templates.Hidden
	for _, name := range names {
		for _, value := range rf.values[name] {
			all = append(all, templates.Hidden{Name: name, Value: value})
		}
	}
	return all
}

// fill puts a request into a blank form.
func (f *form) fill(q licensing.Request) {
	c := q.Content
	set := func(pairs ...string) {
		for i := 0; i+1 < len(pairs); i += 2 {
			f.values.Set(pairs[i], pairs[i+1])
		}
	}
	set("lang", c.Lang, "title", c.Title, "purpose", c.Purpose, "licensee.name", c.Licensee.Name, "licensee.latin", c.Licensee.Latin,
		"licensee.address", c.Licensee.Address, "licensee.country", c.Licensee.Country, "licensee.domains", strings.Join(c.Licensee.Domains, "\n"),
		"conditions", strings.Join(c.Conditions, "\n"))
	for i, k := range c.Licensee.ReachedFrom {
		set(rowField("reached", i, "country"), k)
	}
	for i, d := range c.Datasets {
		set(rowField("datasets", i, "dataset"), string(d.Dataset), rowField("datasets", i, "need"), d.Need)
	}
	for _, p := range q.Parties {
		if p.Part == licensing.Representative {
			set("representative", string(p.Person), "representative.position", p.Position)
			continue
		}
		prefix := string(p.Part) + "."
		set(prefix+"name", p.Name, prefix+"latin", p.Latin, prefix+"position", p.Position, prefix+"email", p.Email)
	}
	for i, k := range q.Contacts {
		set(rowField("contacts", i, "name"), k.Name, rowField("contacts", i, "latin"), k.Latin, rowField("contacts", i, "position"), k.Position,
			rowField("contacts", i, "email"), k.Email, rowField("contacts", i, "country"), k.Country)
	}
	if d := c.NotBefore; !d.IsZero() {
		f.setDay("not_before", d.Year, d.Month, d.Day)
	}
	f.setDay("until", c.Until.Year, c.Until.Month, c.Until.Day)
}
