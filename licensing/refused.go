package licensing

import (
	"errors"
	"fmt"
	"sort"
	"strings"
)

// ErrNotFound means that there is no such thing, or that it is not for the one who asks: the two look the same.
var ErrNotFound = errors.New("there is no such request or agreement")

// Reasons why an agreement gives no access, as OpenAt returns them.
var (
	ErrNotSigned  = errors.New("the agreement has not been signed by everybody")
	ErrNotYet     = errors.New("the term of the agreement has not begun")
	ErrSuspended  = errors.New("the agreement is suspended")
	ErrEnded      = errors.New("the term of the agreement has ended")
	ErrTerminated = errors.New("the agreement has been terminated")
)

// A RefusedError says why something may not happen now, to the person who tried: a key of the message files, with what is
// to be filled in. Nothing has changed.
type RefusedError struct {
	Key   string            // "refused.own-request"
	Args  map[string]string // what the message names
	Field string            // of the form, where one field is at fault
}

func (e *RefusedError) Error() string {
	if len(e.Args) == 0 {
		return "refused: " + e.Key
	}
	pairs := make([]string, 0, len(e.Args))
	for k, v := range e.Args {
		pairs = append(pairs, k+"="+v)
	}
	sort.Strings(pairs)
	return fmt.Sprintf("refused: %s (%s)", e.Key, strings.Join(pairs, ", "))
}

// refuse makes a RefusedError from a key and pairs of argument names and values.
func refuse(key string, pairs ...string) *RefusedError {
	return &RefusedError{Key: "refused." + key, Args: args(pairs...)}
}

// at names the field of the form that is at fault.
func (e *RefusedError) at(field string) *RefusedError { e.Field = field; return e }

func args(pairs ...string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	m := make(map[string]string, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}
