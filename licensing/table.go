package licensing

import (
	"fmt"
	"slices"
	"strings"
)

//go:generate go test -run TestTheTableOfPermissionsIsWrittenDown -update

// Table is the table state × event × role in Markdown: what the rules say, and what a test executes cell by cell.
func Table() string {
	var b strings.Builder
	b.WriteString("# Who may do what, and when\n\nGenerated from the rules in rules.go by `go generate ./licensing`; a test executes every cell.\n\n")
	b.WriteString("A cell says what happens when somebody in a role tries an act in a state: **yes** (it happens, unless its own conditions fail),\n")
	b.WriteString("**not now** (this person may, in another state), nothing (never: *not allowed* for who may see the request, *not found* for others).\n")
	b.WriteString("A code is the fresh second factor that the act takes.\n")
	states := []string{""}
	for _, s := range RequestStates() {
		states = append(states, string(s))
	}
	b.WriteString("\n## Requests\n")
	section(&b, requestRules, states)
	states = nil
	for _, s := range AgreementStates() {
		states = append(states, string(s))
	}
	b.WriteString("\n## Agreements\n")
	section(&b, agreementRules, states)
	return b.String()
}

func section(b *strings.Builder, rules []rule, states []string) {
	roles := slices.DeleteFunc(Roles(), func(r Role) bool { return r == AsStranger })
	for _, state := range states {
		name := state
		if name == "" {
			name = "before anything is recorded"
		}
		fmt.Fprintf(b, "\n### %s\n\n| act | code |", name)
		for _, role := range roles {
			fmt.Fprintf(b, " %s |", role)
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(roles)) + "\n")
		for _, rule := range rules {
			if (state == "") != (rule.states[0] == "") {
				continue
			}
			fmt.Fprintf(b, "| %s | %s |", rule.kind, rule.act)
			for _, role := range roles {
				fmt.Fprintf(b, " %s |", cell(rule, state, role))
			}
			b.WriteString("\n")
		}
	}
}

func cell(r rule, state string, role Role) string {
	switch {
	case !slices.Contains(r.roles, role):
		return ""
	case slices.Contains(r.states, state):
		return "**yes**"
	}
	return "not now"
}

// Possible says whether an act may happen in a state at all: for pages, which offer nothing that is refused.
func Possible(kind, state string) bool {
	rule, ok := ruleOf(kind)
	return ok && slices.Contains(rule.states, state)
}
