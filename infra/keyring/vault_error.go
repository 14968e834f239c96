package keyring

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/hashicorp/vault/api"

	"sluice/delivery"
)

// errNotVault: something answers at the address, a proxy's page for example, and it is not Vault.
var errNotVault = fmt.Errorf("what answers is not Vault's transit engine: %w", delivery.ErrKeyringAway)

// A refusal is an answer of Vault that is not success. The client's own error is not passed on: for a failed batch it
// may hold the body, and the body the keys that did open.
type refusal struct {
	status  int
	missing bool // a 404 with an empty list of errors, which is how a secrets engine says that it has no such thing
	text    string
	kind    error // the sentinel it amounts to, or nil
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("Vault answers %d %s", r.status, http.StatusText(r.status))
	if r.text != "" {
		text += " (" + r.text + ")"
	}
	if r.kind != nil {
		text += ": " + r.kind.Error()
	}
	return text
}

func (r *refusal) Unwrap() error { return r.kind }

// classify turns what the client library answers into one of ours. A 403 is left to the caller, who knows whether the
// token or the policy was the reason.
func classify(err error) error {
	var answer *api.ResponseError
	if err == nil || errors.Is(err, delivery.ErrKeyringAway) {
		return err
	}
	if !errors.As(err, &answer) {
		// Not an answer of Vault: no connection, a time limit, a certificate, or text that is no JSON.
		return fmt.Errorf("%w: %w", delivery.ErrKeyringAway, err)
	}
	r := &refusal{status: answer.StatusCode}
	if !answer.RawError {
		r.text = shorten(strings.Join(answer.Errors, "; "))
		// A path without an engine is a 404 too, with text; a proxy's page is no JSON. Neither proves a key destroyed.
		r.missing = answer.StatusCode == http.StatusNotFound && answer.Errors != nil && len(answer.Errors) == 0
	}
	switch {
	case r.status == http.StatusForbidden:
		r.kind = delivery.ErrKeyRefused
	case r.status == http.StatusBadRequest, r.missing:
	default:
		// Sealed (503), overloaded (429), a standby without its leader, a mount that is not there: work waits.
		r.kind = delivery.ErrKeyringAway
	}
	return r
}

// answered tells whether err is an answer of Vault with one of these statuses.
func answered(err error, statuses ...int) bool {
	var r *refusal
	return errors.As(err, &r) && slices.Contains(statuses, r.status)
}

func noSuchKey(err error) bool {
	var r *refusal
	return errors.As(err, &r) && r.missing
}

// shorten keeps one line of what Vault says.
func shorten(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > 200 {
		text = text[:200] + "..."
	}
	return text
}

func wrapping(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}
