package portal

import (
	"sluice/infra/account"
	"sluice/templates"
)

// signedInWith are the words for how somebody proved who he is.
var signedInWith = map[string]string{"code": "account.with-code", "recovery": "account.with-recovery", "enrolment": "account.with-enrolment", "password": "account.with-password"}

// signInsTable is how often somebody signed in lately and how often it failed, so that he notices if it was not he.
func (s *Server) signInsTable(lines []account.SignInLine, failed int) templates.Part {
	table := templates.Table{Caption: templates.M("account.history"), QuietCaption: true, Columns: []templates.Column{
		{Text: templates.M("account.since")}, {Text: templates.M("account.with")}, {Text: templates.M("account.device")},
		{Text: templates.M("account.failed"), Numeric: true}}}
	for _, l := range lines {
		browser, before := templates.Part(device(l.Agent)), templates.Part(templates.Number(l.Failed))
		if l.Current {
			browser = templates.Noted{Main: device(l.Agent), Note: templates.M("account.this-one")}
		}
		if !l.Known {
			browser, before = templates.M("account.not-kept"), templates.M("common.none")
		}
		table.Rows = append(table.Rows, []templates.Part{templates.Moment(l.At), templates.M(signedInWith[l.With]), browser, before})
	}
	parts := []templates.Part{text("account.history-note"), table}
	if failed > 0 {
		parts = append(parts, templates.Notice{Tone: templates.Warning, Title: templates.M("account.failed-since", "Count", failed), Body: templates.M("account.failed-body")})
	}
	not := text("account.not-you")
	if s.cfg.Help != "" {
		not = text("account.not-you-desk", "Email", s.cfg.Help)
	}
	return section("sign-ins", templates.M("account.history"), append(parts, not)...)
}
