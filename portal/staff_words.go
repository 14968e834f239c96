package portal

import (
	"slices"
	"strings"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
	"sluice/templates"
)

func partWord(p licensing.Part) templates.Msg { return templates.M("staff.part." + string(p)) }

func partNames(parts []licensing.Part) (names []templates.Msg) {
	for _, p := range parts {
		names = append(names, partWord(p))
	}
	return names
}

func variantWord(v jurisdiction.Variant) templates.Msg {
	if v == "" {
		return templates.M("staff.variant.open")
	}
	return templates.M("staff.variant." + string(v))
}

func roleWord(r account.Role) templates.Msg { return templates.M("staff.role." + string(r)) }

// roleWords are roles in a row, in the order in which they are shown everywhere.
func roleWords(roles []account.Role) templates.Msg {
	roles = slices.Clone(roles)
	slices.SortFunc(roles, func(a, b account.Role) int { return slices.Index(account.Roles, a) - slices.Index(account.Roles, b) })
	var words []templates.Msg
	for _, r := range slices.Compact(roles) {
		words = append(words, roleWord(r))
	}
	return sentence(words)
}

// alphabet compares as the readers of a language expect it: by bytes, Åland would stand behind Zimbabwe.
func alphabet(lang string) func(a, b string) int {
	return collate.New(language.Make(lang), collate.IgnoreCase).CompareString
}

// countryChoices are the countries of the table in the viewer's language.
func (s *Server) countryChoices(v *visit) []templates.Choice {
	var all []templates.Choice
	for _, row := range s.cfg.Registry.Jurisdictions().Countries(v.At) {
		all = append(all, templates.Choice{Value: row.Country, Text: templates.Text(s.country(row.Country, v.Lang))})
	}
	compare := alphabet(v.Lang)
	slices.SortFunc(all, func(a, b templates.Choice) int {
		return compare(string(a.Text.(templates.Text)), string(b.Text.(templates.Text)))
	})
	return all
}

// sentence puts messages in a row, separated by commas, as one message.
func sentence(all []templates.Msg) templates.Msg {
	switch len(all) {
	case 0:
		return nil
	case 1:
		return all[0]
	}
	return templates.M("staff.list", "First", sentence(all[:len(all)-1]), "Last", all[len(all)-1])
}

func (s *Server) country(code, lang string) string {
	return s.cfg.Registry.Jurisdictions().Name(code, lang)
}

func (s *Server) countries(codes []string, lang string) string {
	names := make([]string, len(codes))
	for i, c := range codes {
		names[i] = s.country(c, lang)
	}
	return strings.Join(names, ", ")
}

// reasonKeys are the reasons package jurisdiction gives. One that is not among them is shown as its key.
var reasonKeys = []string{"eea", "adequate", "none", "scope-open", "scope-met", "scope-met-other-licence", "scope-not-met", "review", "review-met",
	"review-not-met", "unknown"}

// outcomeReason says in words why a licence variant follows.
func (s *Server) outcomeReason(o licensing.Outcome, lang string) templates.Msg {
	key := strings.TrimPrefix(o.Reason.Key, "jurisdiction.")
	if !slices.Contains(reasonKeys, key) {
		return templates.Text(o.Reason.Key)
	}
	blamed := o.Reason.Args["because"]
	if blamed == "" {
		blamed = o.Reason.Args["countries"]
	}
	var codes []string
	for _, c := range strings.Split(blamed, ",") {
		codes = append(codes, strings.TrimSpace(c))
	}
	return templates.M("staff.why."+key, "Countries", s.countries(codes, lang))
}

// outcomeRows shows the rows of the jurisdiction table that an outcome rests on.
func (s *Server) outcomeRows(o licensing.Outcome, lang string) templates.Table {
	t := templates.Table{Caption: templates.M("staff.rows.caption"), Columns: []templates.Column{{Text: templates.M("staff.rows.country")},
		{Text: templates.M("staff.rows.status")}, {Text: templates.M("staff.rows.source")}}}
	for _, r := range o.Reason.Rows {
		name := r.EN
		if lang == "nl" {
			name = r.NL
		}
		var status templates.Part = templates.M("staff.rows." + string(r.Status))
		if slices.Contains(scopeKeys, r.Scope) {
			status = templates.Noted{Main: status, Note: templates.M("staff.scope." + strings.TrimPrefix(r.Scope, "scope."))}
		}
		source := templates.Msg(templates.Text(r.Source))
		if r.Source == "" {
			source = templates.M("common.none")
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Text(name), status, source})
	}
	return t
}

var scopeKeys = []string{"scope.us", "scope.ca", "scope.jp", "scope.kr", "scope.il"}

// outcomeNow asks the jurisdiction table as Approve will.
func (s *Server) outcomeNow(c licensing.Content, contacts []licensing.Contact, scopes []licensing.Scope, v *visit) licensing.Outcome {
	from := slices.Clone(c.Licensee.ReachedFrom)
	for _, k := range contacts {
		if k.Removed.IsZero() && !slices.Contains(from, k.Country) {
			from = append(from, k.Country)
		}
	}
	judged := map[string]bool{}
	for _, scope := range scopes {
		judged[scope.Country] = scope.Holds
	}
	policy := jurisdiction.Policy{ScopedAdequacyIsEEA: s.cfg.Registry.Settings().ScopedAdequacyIsEEA}
	variant, person, why := s.cfg.Registry.Jurisdictions().Decide(c.Licensee.Country, from, judged, policy, v.At)
	return licensing.Outcome{Variant: variant, NeedsPerson: person, Reason: why}
}

// openCountries are those whose adequacy a person must still judge.
func openCountries(o licensing.Outcome, scopes []licensing.Scope) []string {
	var open []string
	for _, r := range o.Reason.Rows {
		judged := slices.ContainsFunc(scopes, func(s licensing.Scope) bool { return s.Country == r.Country })
		if !judged && (r.Scope != "" || r.Status == jurisdiction.Review) {
			open = append(open, r.Country)
		}
	}
	return open
}
