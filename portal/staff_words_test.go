package portal

import (
	"slices"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/templates"
)

func TestCountriesStandInTheOrderOfTheReadersLanguage(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	for lang, order := range map[string][]string{
		"en": {"Afghanistan", "Åland Islands", "Albania", "Zimbabwe"},
		"nl": {"Åland", "Albanië", "Oekraïne", "Oman", "Oostenrijk", "Zimbabwe"},
	} {
		var names []string
		for _, c := range w.server.countryChoices(&visit{Lang: lang, At: clock.Now()}) {
			names = append(names, string(c.Text.(templates.Text)))
		}
		last := -1
		for _, name := range order {
			i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, name) })
			if i <= last {
				t.Errorf("in %s %s stands at %d, want it behind %d: %q", lang, name, i, last, names)
			}
			last = max(last, i)
		}
	}
}

func TestRolesStandInOneOrder(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	o.Person("Wim Alles", "wim@foundation.example", account.Operator, account.Auditor, account.Desk)
	o.as(o.Desk).Get("/staff").Want(200, "Staff").Sees("Data access desk, Auditor, Operator")
	o.decide(o.Desk, "/staff/new", "Propose", "name", "Nina Nieuw", "email", "nina@foundation.example", "roles", "operator", "roles", "desk", "note", "Begins on Monday").Want(200, "Staff")
	o.as(o.Second).Get("/staff").Follow("Add Nina Nieuw").Sees("Data access desk, Operator", "How you made sure yourself, or why you decline")
}
