package portal

import (
	"errors"

	"sluice/infra/account"
	"sluice/templates"
)

// words are what a form says about an error, and at which field. An empty field is the form as a whole.
type words struct {
	field string
	msg   templates.Msg
}

// accountWords are the errors of package account that are about what somebody filled in.
var accountWords = []struct {
	err   error
	field string
	key   string
}{
	{errCodeMissing, "code", "code.missing"},
	{account.ErrCode, "code", "code.wrong"},
	{account.ErrNotProved, "code", "code.needed"},
	{account.ErrNotBegun, "code", "code.begin-again"},
	{account.ErrSignIn, "", "signin.wrong"},
	{account.ErrPasswordShort, "password", "password.short"},
	{account.ErrPasswordLong, "password", "password.long"},
	{account.ErrPasswordWeak, "password", "password.weak"},
	{account.ErrPasswordOwn, "password", "password.own"},
	{account.ErrName, "name", "account.name-bad"},
	{account.ErrStaffName, "", "account.name-staff"},
	{account.ErrAddress, "email", "account.email-bad"},
	{account.ErrTaken, "", "invitation.taken"},
	{account.ErrSignInFirst, "", "invitation.sign-in-first"},
	{account.ErrOnePerson, "", "invitation.one-person"},
	{account.ErrOtherAddress, "email", "invitation.other-address"},
	{account.ErrNote, "note", "account.note"},
	{account.ErrSamePerson, "", "account.same-person"},
	{account.ErrProposed, "", "account.proposed"},
	{account.ErrState, "", "account.state"},
	{account.ErrRoles, "roles", "account.roles"},
	{account.ErrTerm, "until", "account.role-term"},
	{account.ErrTooFew, "", "account.too-few"},
	{account.ErrLastTwo, "", "account.last-two"},
	{account.ErrScope, "", "account.token-scope"},
}

// wordsFor finds the words for an error that is about what was filled in.
func wordsFor(err error) (words, bool) {
	for _, w := range accountWords {
		if errors.Is(err, w.err) {
			return words{w.field, templates.M(w.key)}, true
		}
	}
	return words{}, false
}

// refuseWhole is refuse for a form that has no field for what the error is about.
func (f *form) refuseWhole(err error) bool {
	refused := allRefused(err)
	for _, e := range refused {
		f.fail("", f.server.refusal(e))
	}
	return len(refused) > 0 || f.refuse(err)
}

// refuse puts an error beside the field it is about, and says whether it could: any other is for the error page.
func (f *form) refuse(err error) bool {
	refused := allRefused(err)
	for _, e := range refused {
		f.fail(fieldName(e.Field), f.server.refusal(e))
	}
	if len(refused) > 0 {
		return true
	}
	w, ok := wordsFor(err)
	if ok {
		f.fail(w.field, w.msg)
	}
	return ok
}
