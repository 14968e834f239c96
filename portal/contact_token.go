package portal

import (
	"errors"
	"net/http"
	"slices"
	"strconv"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/templates"
)

// tokenHours are the lives of a token that can be chosen.
var tokenHours = []string{"1", "8", "24"}

// readable is a delivery that the viewer may read now; when he may not, he has been shown why.
func (s *Server) readable(r *http.Request, v *visit) (d delivery.Shown, ok bool, err error) {
	d, err = s.cfg.Depot.Show(r.Context(), v.Who, delivery.ID(r.PathValue("id")))
	if err == nil && d.Refused != nil {
		return d, false, s.showRefused(v, d, refusedStatus(d.Refused))
	}
	return d, err == nil, err
}

// tokensPage is for fetching without a browser: make a token, and see and revoke those there are.
func (s *Server) tokensPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	d, ok, err := s.readable(r, v)
	if err != nil || !ok {
		return err
	}
	return s.showTokens(v, d, v.blank("hours", "8"))
}

func (s *Server) showTokens(v *visit, d delivery.Shown, f *form) error {
	p := v.deliveryShell(d, templates.M("contact.tokens-title"))
	p.Wide = true
	tokens, err := s.tokensOf(v, d.Delivery.ID)
	if err != nil {
		return err
	}
	var choices []templates.Choice
	for _, h := range tokenHours {
		hours, _ := strconv.Atoi(h) // they stand above
		choices = append(choices, templates.Choice{Value: h, Text: templates.M("contact.token-hours", "Count", hours)})
	}
	make := templates.Form{Action: deliveryPath(d.Delivery.ID) + "/tokens", Submit: button("contact.token-make"), Other: []templates.Part{link("portal.cancel", deliveryPath(d.Delivery.ID))},
		Fields: []templates.Part{f.radios(templates.Radios{Name: "hours", Label: templates.M("contact.token-life"), Hint: templates.M("contact.token-life-hint", "Moment", templates.Moment(d.Agreement.Term.Until)), Choices: choices}), v.codeField()}}
	return v.show("parts", formPage(p, f, make, leading(templates.M("contact.tokens-lead")),
		templates.Turn{Yours: true, What: templates.M("contact.turn-token"), Next: templates.M("contact.next-token"), Until: d.Agreement.Term.Until},
		section("tokens", templates.M("contact.tokens"), s.tokenTable(d, tokens)), paragraph(templates.M("contact.tokens-about"))))
}

// tokensOf are the viewer's tokens for one delivery.
func (s *Server) tokensOf(v *visit, id delivery.ID) ([]account.Token, error) {
	all, err := s.cfg.Accounts.Tokens(v.r.Context(), v.Who)
	return slices.DeleteFunc(all, func(t account.Token) bool { return t.Scope != id.Subject() }), err
}

func (s *Server) tokenTable(d delivery.Shown, tokens []account.Token) templates.Table {
	table := templates.Table{Caption: templates.M("contact.tokens"), QuietCaption: true, Columns: columns("contact.token-made", "contact.token-ends", "contact.token-used", "contact.token-revoke"),
		Empty: &templates.Empty{Title: templates.M("contact.tokens-empty")}}
	for _, t := range tokens {
		used := templates.Part(templates.M("contact.token-unused"))
		if !t.LastUsed.IsZero() {
			used = templates.Moment(t.LastUsed)
		}
		revoke := templates.Form{Action: deliveryPath(d.Delivery.ID) + "/tokens/" + t.ID + "/revoke",
			Submit: templates.Button{Text: templates.M("contact.token-revoke-yes"), Kind: "secondary", Context: templates.Moment(t.Created)}}
		table.Rows = append(table.Rows, []templates.Part{templates.Moment(t.Created), templates.Moment(t.Expires), used, revoke})
	}
	return table
}

// makeToken makes a token and shows it, this once.
func (s *Server) makeToken(_ http.ResponseWriter, r *http.Request, v *visit) error {
	d, ok, err := s.readable(r, v)
	if err != nil || !ok {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	hours, _ := strconv.Atoi(f.choice("hours", templates.M("contact.token-life-missing"), tokenHours...))
	var secret string
	var token account.Token
	err = v.prove(f, tokenAct(d.Delivery.ID), func(proof account.Proof) error {
		secret, token, err = s.cfg.Accounts.NewToken(r.Context(), v.Who, proof, d.Delivery.ID.Subject(), untilOf(d.At, hours, d.Agreement))
		return err
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		return s.showTokens(v, d, f)
	}
	return s.showToken(v, d, secret, token)
}

// showToken shows a token in the lines that curl reads it from: in a file it stands neither in an address, which servers
// write down, nor on a command line, which everybody on the machine can read. With "fail" curl saves no refusal as if it were
// the file; what the server said instead comes in a header, which curl shows on its error output from version 7.84 on.
func (s *Server) showToken(v *visit, d delivery.Shown, secret string, t account.Token) error {
	p := v.deliveryShell(d, templates.M("contact.token-title"))
	base, number := s.base.String(), d.Delivery.Number
	config := number + ".curl"
	commands := []string{"curl -K " + config + " -C - -o " + number + ".tar " + base + deliveryPath(d.Delivery.ID) + "/archive"}
	if len(d.Files) > 0 {
		first := d.Files[0].Path
		commands = append(commands, "curl -K "+config+" -C - --create-dirs -o "+quoted(first)+" "+quoted(base+filePath(d.Delivery.ID, first)))
	}
	sums := []string{"curl -K " + config + " -o SHA256SUMS " + base + filePath(d.Delivery.ID, delivery.SumsPath), "sha256sum --ignore-missing -c SHA256SUMS"}
	return v.show("parts", pageOf(p,
		templates.Notice{Tone: templates.Success, Title: templates.M("contact.token-made-notice", "Moment", templates.Moment(t.Expires)), Status: true},
		leading(templates.M("contact.token-once")),
		templates.Secret{Label: templates.M("contact.token-config", "File", config), Hint: templates.M("contact.token-config-hint", "File", config), Values: []string{
			`header = "Authorization: Bearer ` + secret + `"`, `header = "Accept-Language: ` + v.Lang + `"`, "fail", "show-error",
			`write-out = "%{onerror}%{stderr}%header{` + reasonHeader + `}\n"`}},
		templates.Secret{Label: templates.M("contact.token-commands"), Hint: templates.M("contact.token-commands-hint"), Values: commands},
		templates.Secret{Label: templates.M("contact.token-verify"), Values: sums},
		templates.Turn{Yours: true, What: templates.M("contact.turn-fetch"), Until: d.Agreement.Term.Until, Next: templates.M("contact.next-fetch")},
		templates.Actions{link("contact.token-all", deliveryPath(d.Delivery.ID)+"/tokens")}))
}

// quoted is an argument as a shell reads it, whatever stands in it.
func quoted(s string) string {
	out := "'"
	for _, c := range s {
		if c == '\'' {
			out += `'\''`
			continue
		}
		out += string(c)
	}
	return out + "'"
}

// revokeToken ends one of the viewer's tokens. It needs no code: whoever fears for a token must not have to wait.
func (s *Server) revokeToken(_ http.ResponseWriter, r *http.Request, v *visit) error {
	id := delivery.ID(r.PathValue("id"))
	tokens, err := s.tokensOf(v, id)
	if err != nil {
		return err
	}
	token := r.PathValue("token")
	if slices.ContainsFunc(tokens, func(t account.Token) bool { return t.ID == token }) {
		err = s.cfg.Accounts.RevokeToken(r.Context(), v.Who, token)
	} else if _, err := s.cfg.Depot.Show(r.Context(), v.Who, id); err != nil {
		return err
	}
	if err != nil && !errors.Is(err, account.ErrNotSignedIn) { // revoked a moment ago
		return err
	}
	if err := v.tell(templates.Success, "contact.token-revoked"); err != nil {
		return err
	}
	return v.redirect(deliveryPath(id) + "/tokens")
}
