// Package jurisdiction says which licence variant follows from where a licensee is established and from where data will be
// reached, by dated rows: the law changes, and a decision must be explainable years later.
//
// It is the entity that counts and the place the data are reached from, never a person's nationality or address. What is
// unclear is a person's to decide; nothing here ever turns an unknown country into an allowed one.
package jurisdiction

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Variant is a licence variant. The zero Variant is not decided.
type Variant string

// The variants.
const (
	EEA    Variant = "eea"
	NonEEA Variant = "non-eea" // with confirmations and a transfer assessment
)

// Status is what a row says about a country.
type Status string

// The statuses.
const (
	InEEA    Status = "eea"
	Adequate Status = "adequate" // with a question about scope, if the row has one
	None     Status = "none"     // no decision
	Review   Status = "review"   // a person must look, each time
)

// A Row is what holds for a country during a span of days. Several rows of one country do not overlap.
type Row struct {
	Country string `json:"country"` // ISO 3166-1 alpha-2
	NL      string `json:"nl"`
	EN      string `json:"en"`
	Status  Status `json:"status"`
	Scope   string `json:"scope,omitempty"` // key of the question whether the decision covers this recipient
	From    string `json:"from,omitempty"`  // first day; empty: always
	To      string `json:"to,omitempty"`    // last day; empty: until further notice
	Source  string `json:"source,omitempty"`
}

// holds says whether the row holds on a day.
func (r Row) holds(day string) bool {
	return (r.From == "" || r.From <= day) && (r.To == "" || day <= r.To)
}

// A Table is the rows in use, with the day on which somebody compared them with the law.
type Table struct {
	Checked string `json:"checked"`
	Rows    []Row  `json:"rows"`
}

// A Reason explains a decision: a key of the message files with its arguments, and the rows that were used.
type Reason struct {
	Key  string            `json:"key"`
	Args map[string]string `json:"args,omitempty"`
	Rows []Row             `json:"rows,omitempty"`
}

//go:embed table.json
var builtin []byte

// Default is the table that comes with the program. Have your counsel check it, and replace it with one of your own.
func Default() Table {
	var t Table
	if err := json.Unmarshal(builtin, &t); err != nil {
		panic("the built-in jurisdiction table cannot be read: " + err.Error()) // a test reads it
	}
	return t
}

// Read reads and checks a table that replaces the built-in one.
func Read(r io.Reader) (Table, error) {
	var t Table
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&t); err != nil {
		return Table{}, fmt.Errorf("reading the jurisdiction table: %w", err)
	}
	return t, t.Check()
}

// Text is the table as Read reads it, a row a line, so that two versions can be compared.
func (t Table) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "{\n\"checked\": %q,\n\"rows\": [\n", t.Checked)
	for i, r := range t.Rows {
		row, err := json.Marshal(r)
		if err != nil {
			panic(err) // strings alone
		}
		b.Write(row)
		if i < len(t.Rows)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]\n}\n")
	return b.String()
}

var (
	code = regexp.MustCompile(`^[A-Z]{2}$`)
	day  = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

// Check reports every fault of a table at once.
func (t Table) Check() error {
	var errs []error
	if len(t.Rows) == 0 {
		errs = append(errs, errors.New("the jurisdiction table has no rows"))
	}
	if _, err := time.Parse(time.DateOnly, t.Checked); err != nil {
		errs = append(errs, errors.New(`"checked" must be the day on which the table was compared with the law, such as 2026-11-30`))
	}
	for i, r := range t.Rows {
		fault := func(what string) { errs = append(errs, fmt.Errorf("row %d (%s): %s", i+1, r.Country, what)) }
		if !code.MatchString(r.Country) {
			fault("the country is not a code of two capitals")
		}
		if r.NL == "" || r.EN == "" {
			fault("a name is missing")
		}
		if !slices.Contains([]Status{InEEA, Adequate, None, Review}, r.Status) {
			fault("the status is none of eea, adequate, none, review")
		}
		if r.Scope != "" && r.Status != Adequate {
			fault("only an adequacy decision has a question about scope")
		}
		for _, d := range []string{r.From, r.To} {
			if _, err := time.Parse(time.DateOnly, d); d != "" && (err != nil || !day.MatchString(d)) {
				fault("a day is not written like 2027-12-31")
			}
		}
		if (r.Status == InEEA || r.Status == Adequate) && r.Source == "" {
			fault("the source is missing")
		}
		for _, o := range t.Rows[:i] {
			if o.Country == r.Country && overlap(o, r) {
				fault("another row of this country holds at the same time")
			}
		}
	}
	return errors.Join(errs...)
}

func overlap(a, b Row) bool {
	return (a.To == "" || b.From == "" || b.From <= a.To) && (b.To == "" || a.From == "" || a.From <= b.To)
}
