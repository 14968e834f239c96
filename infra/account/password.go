package account

import (
	"context"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"
	zxcvbn "github.com/ccojocar/zxcvbn-go"
)

// Hashing is how costly it is to try a password.
type Hashing int

const (
	// Strong is for everything real: 47 MiB and one pass.
	Strong Hashing = iota
	// ForTests is for tests that make many people. A password stored under it is hashed anew at the first sign-in under Strong.
	ForTests
)

// atOnce is how many passwords are hashed at once: more would only take memory from everybody.
const atOnce = 4

func (h Hashing) params() *argon2id.Params {
	if h == ForTests {
		return &argon2id.Params{Memory: 64, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
	}
	return &argon2id.Params{Memory: 47104, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// Bounds of a password, in characters. Eight is enough because nobody gets in without a second factor.
const (
	MinPassword = 8
	MaxPassword = 128
)

// What is wrong with a new password, to be shown next to its field.
var (
	ErrPasswordShort = errors.New("a password has at least 8 characters")
	ErrPasswordLong  = errors.New("a password has at most 128 characters")
	ErrPasswordWeak  = errors.New("this password is too easy to guess: three or four words that have nothing to do with each other are better")
	ErrPasswordOwn   = errors.New("a password may not be made of your own name, your address or the name of the foundation")
)

// CheckPassword says what is wrong with a new password of somebody with this name and these addresses. There are no
// rules about digits or marks; what counts is whether it can be guessed.
func (a *Accounts) CheckPassword(password, name string, addresses ...string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password) || n > MaxPassword:
		return ErrPasswordLong
	case n < MinPassword:
		return ErrPasswordShort
	}
	own := a.ownWords(name, addresses)
	plain := strings.ToLower(password)
	if rest := without(plain, own); rest != plain && utf8.RuneCountInString(bare(rest)) < 5 {
		return ErrPasswordOwn
	}
	if common[bare(plain)] {
		return ErrPasswordWeak
	}
	// What zxcvbn does grows with the square of the length, and 40 characters tell enough.
	head := string([]rune(password)[:min(40, utf8.RuneCountInString(password))])
	if zxcvbn.PasswordStrength(head, append(own, commonWords...)).Score < 2 {
		return ErrPasswordWeak
	}
	return nil
}

// ownWords are the words that somebody who knows of a person would try first.
func (a *Accounts) ownWords(name string, addresses []string) []string {
	var own []string
	for _, text := range append([]string{name, a.opts.Foundation, "sluice"}, addresses...) {
		for _, w := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return strings.ContainsRune(" .@-_+'", r) }) {
			if utf8.RuneCountInString(w) > 2 {
				own = append(own, w)
			}
		}
	}
	return own
}

func without(password string, words []string) string {
	for _, w := range words {
		password = strings.ReplaceAll(password, w, "")
	}
	return password
}

// bare takes off what people put behind a common word to make it look like another.
func bare(password string) string {
	return strings.Trim(password, " 0123456789!?.,@#$%&*-_+=")
}

// hash makes the stored form of a password, when there is room to.
func (a *Accounts) hash(ctx context.Context, password string) (string, error) {
	if err := a.slot(ctx); err != nil {
		return "", err
	}
	defer a.leave()
	return argon2id.CreateHash(password, a.params)
}

// matches compares a password with a stored form, and says whether that form should be made anew. An empty stored form
// (nobody has this address) costs the same and never matches.
func (a *Accounts) matches(ctx context.Context, password, stored string) (match, stale bool, err error) {
	if err := a.slot(ctx); err != nil {
		return false, false, err
	}
	defer a.leave()
	if len(password) > 4*MaxPassword {
		password = "" // no stored password is that long; hashing it would be work for whoever sends it
	}
	against := stored
	if stored == "" {
		against = a.decoy
	}
	match, params, err := argon2id.CheckHash(password, against)
	if err != nil {
		return false, false, errors.New("a stored password cannot be read")
	}
	stale = params.Memory < a.params.Memory || params.Iterations < a.params.Iterations
	return match && stored != "", stale, nil
}

func (a *Accounts) slot(ctx context.Context) error {
	select {
	case a.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (a *Accounts) leave() { <-a.slots }
