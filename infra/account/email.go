package account

import (
	"errors"
	"strings"

	"golang.org/x/net/idna"
)

// ErrAddress is returned for text that is not one plain e-mail address.
var ErrAddress = errors.New("this is not an e-mail address: write it like name@example.org")

const localMarks = "!#$%&'*+-/=?^_`{|}~."

// Address normalises an e-mail address: trimmed, in lower case, its domain in ASCII (punycode), so that two spellings of
// one address are equal. It takes what real mailboxes have and refuses the rest of the standard (quotes, comments,
// addresses of machines, letters outside ASCII before the @): such text rather means a second address hidden in a header.
func Address(text string) (string, error) {
	text = strings.Trim(text, " \t\r\n")
	local, domain, found := strings.Cut(text, "@")
	if !found || len(text) > 254 || !goodLocal(local) {
		return "", ErrAddress
	}
	domain, err := idna.Lookup.ToASCII(domain)
	if err != nil {
		return "", ErrAddress
	}
	domain = strings.ToLower(domain)
	// What stands for itself in ASCII must be taken once more as it is: broken letters turn into punycode that is not.
	if again, err := idna.Lookup.ToASCII(domain); err != nil || again != domain {
		return "", ErrAddress
	}
	if !goodDomain(domain) || len(local)+1+len(domain) > 254 {
		return "", ErrAddress
	}
	return strings.ToLower(local) + "@" + domain, nil
}

func goodLocal(local string) bool {
	if local == "" || len(local) > 64 || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return false
	}
	for _, c := range local {
		if !letterOrDigit(c) && !strings.ContainsRune(localMarks, c) {
			return false
		}
	}
	return true
}

// goodDomain wants two labels at least and a last one that is not a number, so that an address of a machine is none.
func goodDomain(domain string) bool {
	labels := strings.Split(domain, ".")
	if len(labels) < 2 || len(domain) > 253 {
		return false
	}
	for _, l := range labels {
		if l == "" || len(l) > 63 || l[0] == '-' || l[len(l)-1] == '-' {
			return false
		}
		for _, c := range l {
			if !letterOrDigit(c) && c != '-' {
				return false
			}
		}
	}
	last := labels[len(labels)-1]
	return len(last) > 1 && strings.Trim(last, "0123456789") != ""
}

func letterOrDigit(c rune) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// lookup is the name under which jobs and counters speak of an address without holding it.
func (a *Accounts) lookup(address string) string { return a.keyed("address", address) }
