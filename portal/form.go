package portal

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/templates"
)

// mostRows bounds how many rows of a nested list a form may have.
const mostRows = 100

// A form is what somebody filled in: it reads values, keeps what was typed, and collects what is wrong in the order in
// which fields were asked for, which is the order on the page.
//
//	f := v.form()
//	email := f.need("email", templates.M("signin.email-missing"))
//	if f.ok() {
//		err := s.cfg.Accounts.RequestReset(r.Context(), email, v.meta())
//		if err == nil {
//			return v.redirect("/reset/sent")
//		}
//		if !f.refuse(err) {
//			return err
//		}
//	}
//	return v.show("parts", s.resetForm(v, f))
//
// The page function is the same for an empty form (v.blank) and for one that came back.
type form struct {
	server *Server
	values url.Values
	files  map[string][]byte
	order  []string
	errors []templates.FieldError
}

// blank is a form nobody has filled in yet, with the values it starts with as pairs of name and value.
func (v *visit) blank(pairs ...string) *form {
	f := &form{server: v.server, values: url.Values{}}
	for i := 0; i+1 < len(pairs); i += 2 {
		f.values.Add(pairs[i], pairs[i+1])
	}
	return f
}

// form reads the body of a POST. Values of the address are not in it: a link must not fill in a form.
func (v *visit) form() (*form, error) {
	f := &form{server: v.server}
	if strings.HasPrefix(v.r.Header.Get("Content-Type"), "multipart/form-data") {
		if err := f.readParts(v.r); err != nil {
			return nil, badBody(err)
		}
	} else if err := v.r.ParseForm(); err != nil {
		return nil, badBody(err)
	}
	f.values = v.r.PostForm
	return f, nil
}

// ok says whether nothing is wrong so far.
func (f *form) ok() bool { return len(f.errors) == 0 }

// fail notes what is wrong with a field; the first word about a field is the last. An empty field is the form as a whole.
func (f *form) fail(field string, m templates.Msg) {
	if field != "" && slices.ContainsFunc(f.errors, func(e templates.FieldError) bool { return e.Field == field }) {
		return
	}
	f.errors = append(f.errors, templates.FieldError{Field: field, Message: m})
}

// problems are what is wrong, in the order of the fields.
func (f *form) problems() []templates.FieldError {
	sorted := slices.Clone(f.errors)
	place := func(e templates.FieldError) int {
		if i := slices.Index(f.order, e.Field); i >= 0 {
			return i
		}
		return len(f.order)
	}
	slices.SortStableFunc(sorted, func(a, b templates.FieldError) int { return place(a) - place(b) })
	return sorted
}

func (f *form) note(field string) {
	if !slices.Contains(f.order, field) {
		f.order = append(f.order, field)
	}
}

// raw is a value exactly as it was sent: for passwords.
func (f *form) raw(name string) string {
	f.note(name)
	return f.values.Get(name)
}

// text is a value without the space around it.
func (f *form) text(name string) string { return strings.TrimSpace(f.raw(name)) }

// need is text that may not be missing.
func (f *form) need(name string, missing templates.Msg) string {
	text := f.text(name)
	if text == "" {
		f.fail(name, missing)
	}
	return text
}

// choice is one of the values a form offers. Anything else counts as not chosen.
func (f *form) choice(name string, missing templates.Msg, offered ...string) string {
	if chosen := f.text(name); slices.Contains(offered, chosen) {
		return chosen
	}
	f.fail(name, missing)
	return ""
}

// list is every value of a name, for checkboxes.
func (f *form) list(name string) []string {
	f.note(name)
	return f.values[name]
}

// has says whether a checkbox of a name has a value chosen.
func (f *form) has(name, value string) bool { return slices.Contains(f.list(name), value) }

// rows counts the rows of a nested list: "contacts" has two rows when contacts[1].anything was sent.
func (f *form) rows(list string) int {
	n := 0
	for name := range f.values {
		rest, ok := strings.CutPrefix(name, list+"[")
		if !ok {
			continue
		}
		number, _, _ := strings.Cut(rest, "]")
		if i, err := strconv.Atoi(number); err == nil && i >= 0 && i < mostRows {
			n = max(n, i+1)
		}
	}
	return n
}

// at is the name of a field in a row: at("contacts", 1, "email") is "contacts[1].email".
func at(list string, row int, field string) string { return fmt.Sprintf("%s[%d].%s", list, row, field) }

// day reads the three parts of a date. None filled in is ok and no day; half filled in, or a day that does not exist, is wrong.
func (f *form) day(name string) (year int, month time.Month, day int, given bool) {
	f.note(name)
	parts := [3]string{}
	for i, part := range []string{"-year", "-month", "-day"} {
		parts[i] = strings.TrimSpace(f.values.Get(name + part))
	}
	if parts == [3]string{} {
		return 0, 0, 0, false
	}
	var n [3]int
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(p); err != nil || n[i] < 1 {
			f.fail(name, templates.M("form.date-incomplete"))
			return 0, 0, 0, false
		}
	}
	d := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, time.UTC)
	if n[0] < 1900 || n[0] > 2200 || d.Year() != n[0] || int(d.Month()) != n[1] || d.Day() != n[2] {
		f.fail(name, templates.M("form.date-none"))
		return 0, 0, 0, false
	}
	return n[0], time.Month(n[1]), n[2], true
}

// needDay is day where one must be given.
func (f *form) needDay(name string, missing templates.Msg) (year int, month time.Month, day int) {
	y, m, d, given := f.day(name)
	if !given {
		f.fail(name, missing)
	}
	return y, m, d
}

// The components with what was typed put back.

func (f *form) input(t templates.TextField) templates.TextField {
	t.Value = f.values.Get(t.Name)
	return t
}

func (f *form) area(t templates.TextArea) templates.TextArea {
	t.Value = f.values.Get(t.Name)
	return t
}

func (f *form) choices(name string, all []templates.Choice) []templates.Choice {
	all = slices.Clone(all)
	for i := range all {
		all[i].Chosen = slices.Contains(f.values[name], all[i].Value)
	}
	return all
}

func (f *form) radios(t templates.Radios) templates.Radios {
	t.Choices = f.choices(t.Name, t.Choices)
	return t
}

func (f *form) boxes(t templates.Checkboxes) templates.Checkboxes {
	t.Choices = f.choices(t.Name, t.Choices)
	return t
}

func (f *form) selected(t templates.Select) templates.Select {
	t.Choices = f.choices(t.Name, t.Choices)
	return t
}

func (f *form) date(t templates.DateField) templates.DateField {
	t.Day, t.Month, t.Year = f.values.Get(t.Name+"-day"), f.values.Get(t.Name+"-month"), f.values.Get(t.Name+"-year")
	return t
}

// setDay fills a date field of a blank form.
func (f *form) setDay(name string, year int, month time.Month, day int) {
	f.values.Set(name+"-day", strconv.Itoa(day))
	f.values.Set(name+"-month", strconv.Itoa(int(month)))
	f.values.Set(name+"-year", strconv.Itoa(year))
}

// errBadBody is a body that no form of ours sends.
type errBadBody struct{ error }

func (e errBadBody) Unwrap() error { return e.error }

func badBody(err error) error { return errBadBody{fmt.Errorf("reading a form: %w", err)} }
