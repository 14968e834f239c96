package portal

import (
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"sluice/licensing"
	"sluice/templates"
)

// filled is a form that came in with values.
func filled(t *testing.T, body string) *form {
	t.Helper()
	r := httptest.NewRequest("POST", "/?name=from-the-address", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	v := &visit{r: r}
	f, err := v.form()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAFormReadsItsBodyAndNotTheAddress(t *testing.T) {
	f := filled(t, "other=1")
	if got := f.text("name"); got != "" {
		t.Errorf("a value of the address fills in the form: %q", got)
	}
}

func TestAFormReadsNestedRows(t *testing.T) {
	f := filled(t, url.Values{"contacts[0].email": {"a@b.example"}, "contacts[2].name": {"C"}, "contacts[99999999999].name": {"x"}, "contacts[500].name": {"x"}, "contacts[-1].name": {"x"}}.Encode())
	if got := f.rows("contacts"); got != 3 {
		t.Errorf("got %d rows, want 3", got)
	}
	if got := f.text(at("contacts", 0, "email")); got != "a@b.example" {
		t.Errorf("got %q", got)
	}
	if f.rows("others") != 0 {
		t.Error("a list that was not sent has rows")
	}
}

func TestADateIsThreeNumbersOfADayThatExists(t *testing.T) {
	type day struct {
		y     int
		m     time.Month
		d     int
		given bool
		ok    bool
	}
	for _, c := range []struct {
		day, month, year string
		want             day
	}{
		{"31", "12", "2027", day{2027, 12, 31, true, true}},
		{" 1 ", "02", "2028", day{2028, 2, 1, true, true}},
		{"29", "2", "2028", day{2028, 2, 29, true, true}},
		{"", "", "", day{ok: true}},
		{"29", "2", "2027", day{}},
		{"31", "4", "2027", day{}},
		{"", "4", "2027", day{}},
		{"x", "4", "2027", day{}},
		{"1", "13", "2027", day{}},
		{"1", "1", "27", day{}},
		{"0", "1", "2027", day{}},
		{"1", "1", "99999", day{}},
	} {
		f := filled(t, url.Values{"until-day": {c.day}, "until-month": {c.month}, "until-year": {c.year}}.Encode())
		y, m, d, given := f.day("until")
		if got := (day{y, m, d, given, f.ok()}); got != c.want {
			t.Errorf("%s-%s-%s: got %+v, want %+v", c.day, c.month, c.year, got, c.want)
		}
		if back := f.date(templates.DateField{Name: "until"}); back.Day != c.day || back.Month != c.month || back.Year != c.year {
			t.Errorf("what was typed is not kept: %+v", back)
		}
	}
}

func TestErrorsAreSortedAsTheFieldsWereRead(t *testing.T) {
	f := filled(t, "b=1")
	f.server = &Server{}
	f.text("a")
	f.text("b")
	f.need("c", templates.Text("c missing"))
	f.fail("b", templates.Text("b wrong"))
	f.fail("", templates.Text("all wrong"))
	f.fail("b", templates.Text("said too late"))
	f.refuse(errCodeMissing)
	var got []string
	for _, e := range f.problems() {
		got = append(got, e.Field)
	}
	if want := []string{"b", "c", "", "code"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if f.refuse(licensing.ErrNotFound) {
		t.Error("what is not there is no fault of the form")
	}
}

func TestAChoiceIsOneOfThoseOffered(t *testing.T) {
	f := filled(t, "decision=other&sets=a&sets=b")
	if got := f.choice("decision", templates.Text("choose"), "yes", "no"); got != "" || f.ok() {
		t.Errorf("got %q", got)
	}
	if !f.has("sets", "b") || f.has("sets", "c") || len(f.list("sets")) != 2 {
		t.Error("checkboxes are read wrongly")
	}
	boxes := f.boxes(templates.Checkboxes{Name: "sets", Choices: []templates.Choice{{Value: "a"}, {Value: "c"}}})
	if !boxes.Choices[0].Chosen || boxes.Choices[1].Chosen {
		t.Errorf("what was ticked is not kept: %+v", boxes.Choices)
	}
}
