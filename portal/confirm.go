package portal

import (
	"net/http"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/templates"
)

// codeField asks for a fresh code of the app. It says that a code works once, since whoever has just signed in has used the
// one his app still shows.
func (v *visit) codeField() templates.CodeField {
	return v.codeFor(v.Session.Person.ID, "code.hint-act")
}

func (v *visit) codeFor(person account.PersonID, hint string) templates.CodeField {
	f := templates.CodeField{Name: "code", Label: templates.M("code.label"), Hint: templates.M(hint)}
	if demo := v.server.cfg.Demo; demo != nil && demo.Code != nil {
		if code, err := demo.Code(person, v.At); err == nil {
			f.DemoCode, f.DemoLeft = code, account.NextCode(v.At).Sub(v.At).Round(time.Second)
		}
	}
	return f
}

// confirm turns the code of a form into the proof for one act. It uses the code up, so a handler calls it when all other
// fields are right; its errors are for form.refuse.
func (v *visit) confirm(r *http.Request, act account.Act) (account.Proof, error) {
	code := strings.TrimSpace(r.PostFormValue("code"))
	if code == "" {
		return account.Proof{}, errCodeMissing
	}
	return v.server.cfg.Accounts.Confirm(r.Context(), v.Who, act, code)
}
