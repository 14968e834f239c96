package jurisdiction_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/licensing/jurisdiction"
)

var (
	table  = jurisdiction.Default()
	policy = jurisdiction.Policy{ScopedAdequacyIsEEA: true}
	now    = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
)

func TestTheBuiltInTableHoldsTogether(t *testing.T) {
	if err := table.Check(); err != nil {
		t.Fatal(err)
	}
	count := map[jurisdiction.Status]int{}
	rows := table.Countries(now)
	for _, r := range rows {
		count[r.Status]++
	}
	if len(rows) != 249 || count[jurisdiction.InEEA] != 30 || count[jurisdiction.Adequate] != 16 {
		t.Errorf("got %d countries, %d in the EEA, %d adequate; want 249, 30, 16", len(rows), count[jurisdiction.InEEA], count[jurisdiction.Adequate])
	}
	if _, err := jurisdiction.Read(strings.NewReader(`{"checked":"2026-11-22","rows":[{"country":"nl"},{"country":"NL","nl":"N","en":"N","status":"eea","source":"s"},
		{"country":"NL","nl":"N","en":"N","status":"none"}]}`)); err == nil || strings.Count(err.Error(), "\n") < 2 {
		t.Errorf("a table with several faults: got %v", err)
	}
}

func TestATableThatIsPrintedReadsBack(t *testing.T) {
	got, err := jurisdiction.Read(strings.NewReader(table.Text()))
	if err != nil || !reflect.DeepEqual(got, table) {
		t.Errorf("the built-in table, printed and read: got %d rows, checked %q (%v), want it as it was", len(got.Rows), got.Checked, err)
	}
}

func TestTheVariantFollowsFromEntityAndReach(t *testing.T) {
	for _, row := range []struct {
		name   string
		entity string
		reach  []string
		scopes map[string]bool
		at     time.Time
		want   jurisdiction.Variant
		person bool
		key    string
	}{
		{"EEA and reached from there", "NL", []string{"NL", "DE", "NO"}, nil, now, "eea", false, "jurisdiction.eea"},
		{"EEA, and reached from where nothing was decided", "NL", []string{"NL", "IN"}, nil, now, "non-eea", false, "jurisdiction.none"},
		{"adequate without a question", "CH", []string{"CH"}, nil, now, "eea", false, "jurisdiction.adequate"},
		{"scope not looked at", "US", []string{"US"}, nil, now, "", true, "jurisdiction.scope-open"},
		{"scope met", "US", []string{"US"}, map[string]bool{"US": true}, now, "eea", false, "jurisdiction.scope-met"},
		{"scope not met", "CA", []string{"CA"}, map[string]bool{"CA": false}, now, "non-eea", false, "jurisdiction.scope-not-met"},
		{"open scope and a country without a decision", "US", []string{"IN"}, nil, now, "non-eea", false, "jurisdiction.none"},
		{"a territory", "CW", []string{"CW"}, nil, now, "", true, "jurisdiction.review"},
		{"not a country at all", "XX", nil, nil, now, "", true, "jurisdiction.review"},
		{"the United Kingdom on its last day", "GB", []string{"GB"}, nil, time.Date(2031, 12, 27, 23, 0, 0, 0, time.UTC), "eea", false, "jurisdiction.adequate"},
		{"the United Kingdom the day after", "GB", []string{"GB"}, nil, time.Date(2031, 12, 28, 0, 0, 0, 0, time.UTC), "non-eea", false, "jurisdiction.none"},
		{"Brazil before its decision", "BR", []string{"BR"}, nil, time.Date(2026, 1, 25, 0, 0, 0, 0, time.UTC), "non-eea", false, "jurisdiction.none"},
		{"Brazil after it", "BR", []string{"BR"}, nil, now, "eea", false, "jurisdiction.adequate"},
	} {
		v, person, why := table.Decide(row.entity, row.reach, row.scopes, policy, row.at)
		if v != row.want || person != row.person || why.Key != row.key || len(why.Rows) == 0 {
			t.Errorf("%s: got %q, person %v, %s; want %q, %v, %s", row.name, v, person, why.Key, row.want, row.person, row.key)
		}
	}
	v, _, why := table.Decide("US", []string{"US"}, map[string]bool{"US": true}, jurisdiction.Policy{}, now)
	if v != jurisdiction.NonEEA || why.Key != "jurisdiction.scope-met-other-licence" {
		t.Errorf("with the setting off: got %q, %s", v, why.Key)
	}
}

func TestOneMoreCountryNeverMakesItEEA(t *testing.T) {
	var codes []string
	for _, r := range table.Countries(now) {
		codes = append(codes, r.Country)
	}
	rapid.Check(t, func(t *rapid.T) {
		entity := rapid.SampledFrom(codes).Draw(t, "entity")
		reach := rapid.SliceOfN(rapid.SampledFrom(codes), 0, 5).Draw(t, "reach")
		more := rapid.SampledFrom(codes).Draw(t, "more")
		scopes := rapid.MapOf(rapid.SampledFrom(codes), rapid.Bool()).Draw(t, "scopes")
		before, _, _ := table.Decide(entity, reach, scopes, policy, now)
		after, _, _ := table.Decide(entity, append(reach, more), scopes, policy, now)
		if after == jurisdiction.EEA && before != jurisdiction.EEA {
			t.Fatalf("adding %s made %q into %q", more, before, after)
		}
		if row := table.At(more, now); row.Status == jurisdiction.None && after != jurisdiction.NonEEA {
			t.Fatalf("%s has no decision and the outcome is %q", more, after)
		}
	})
}
