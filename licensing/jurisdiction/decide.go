package jurisdiction

import (
	"slices"
	"strings"
	"time"
)

// Policy is what a foundation chooses where the law leaves a choice.
type Policy struct {
	// ScopedAdequacyIsEEA lets a licensee in an adequate country whose scope a person has confirmed sign the EEA licence.
	ScopedAdequacyIsEEA bool
}

// At finds the row of a country that holds on the day of an instant, in UTC. A country without a row needs a person.
func (t Table) At(country string, at time.Time) Row {
	day := at.UTC().Format(time.DateOnly)
	known := Row{Country: country, NL: country, EN: country, Status: Review}
	for _, r := range t.Rows {
		if r.Country != country {
			continue
		}
		if r.holds(day) {
			return r
		}
		// The country is known, and what was decided about it does not hold now.
		known.NL, known.EN, known.Status, known.Source = r.NL, r.EN, None, r.Source
	}
	return known
}

// Countries lists one row a country as it holds at an instant, by code: for choosing from.
func (t Table) Countries(at time.Time) []Row {
	var all []Row
	seen := map[string]bool{}
	for _, r := range t.Rows {
		if !seen[r.Country] {
			seen[r.Country] = true
			all = append(all, t.At(r.Country, at))
		}
	}
	slices.SortFunc(all, func(a, b Row) int { return strings.Compare(a.Country, b.Country) })
	return all
}

// Name is a country's name in a language, and its code when the table does not know it.
func (t Table) Name(country, lang string) string {
	for _, r := range t.Rows {
		if r.Country == country {
			if lang == "nl" {
				return r.NL
			}
			return r.EN
		}
	}
	return country
}

// The ways a country can come out, worst last.
const (
	fine = iota
	unclear
	foreign
)

// Decide says which variant follows from where a legal entity is established and from where data will be reached. scopes
// holds, by country, a person's word on whether the adequacy decision covers this recipient; a country that is not in it
// has not been looked at. One country without adequacy makes it the non-EEA variant, whatever else is unclear; needsPerson
// says that a person must confirm scope or decide, and the variant is then empty.
func (t Table) Decide(entity string, reachedFrom []string, scopes map[string]bool, policy Policy, at time.Time) (v Variant, needsPerson bool, why Reason) {
	countries := []string{entity}
	for _, c := range reachedFrom {
		if !slices.Contains(countries, c) {
			countries = append(countries, c)
		}
	}
	worst, key := fine, "jurisdiction.eea"
	var rows []Row
	var blame []string
	for _, c := range countries {
		row := t.At(c, at)
		rows = append(rows, row)
		how, k := row.judge(scopes, policy)
		switch {
		case how > worst:
			worst, key, blame = how, k, []string{c}
		case how == worst && how != fine:
			blame = append(blame, c)
		case how == fine && worst == fine && k != "jurisdiction.eea":
			key = k
		}
	}
	why = Reason{Key: key, Args: map[string]string{"entity": entity, "countries": strings.Join(countries, ", ")}, Rows: rows}
	if len(blame) > 0 {
		why.Args["because"] = strings.Join(blame, ", ")
	}
	switch worst {
	case fine:
		return EEA, false, why
	case foreign:
		return NonEEA, false, why
	}
	return "", true, why
}

func (r Row) judge(scopes map[string]bool, policy Policy) (int, string) {
	switch r.Status {
	case InEEA:
		return fine, "jurisdiction.eea"
	case None:
		return foreign, "jurisdiction.none"
	case Adequate:
		if r.Scope == "" {
			return fine, "jurisdiction.adequate"
		}
		holds, judged := scopes[r.Country]
		switch {
		case !judged:
			return unclear, "jurisdiction.scope-open"
		case holds && policy.ScopedAdequacyIsEEA:
			return fine, "jurisdiction.scope-met"
		case holds:
			return foreign, "jurisdiction.scope-met-other-licence"
		}
		return foreign, "jurisdiction.scope-not-met"
	case Review:
		// A person's word decides here too: true means that the country is as good as the EEA for this recipient.
		switch holds, judged := scopes[r.Country]; {
		case !judged:
			return unclear, "jurisdiction.review"
		case holds:
			return fine, "jurisdiction.review-met"
		}
		return foreign, "jurisdiction.review-not-met"
	}
	return unclear, "jurisdiction.unknown"
}
