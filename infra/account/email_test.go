package account_test

import (
	"strings"
	"testing"
	"unicode"

	"sluice/infra/account"
)

func TestAnAddressIsNormalisedOrRefused(t *testing.T) {
	for text, want := range map[string]string{
		"ada@lab.example":                            "ada@lab.example",
		"  Ada.Lovelace+x@LAB.Example\n":             "ada.lovelace+x@lab.example",
		"ada@münchen.example":                        "ada@xn--mnchen-3ya.example",
		"ada@MÜNCHEN.example":                        "ada@xn--mnchen-3ya.example",
		"ada@xn--mnchen-3ya.example":                 "ada@xn--mnchen-3ya.example",
		"o'brien@lab.example":                        "o'brien@lab.example",
		"":                                           "",
		"ada":                                        "",
		"@lab.example":                               "",
		"ada@":                                       "",
		"ada@lab":                                    "",
		"ada@lab.example, bob@lab.example":           "",
		"ada@lab.example;bob@lab.example":            "",
		"ada@lab.example bob@lab.example":            "",
		"ada@b@lab.example":                          "",
		`"ada"@lab.example`:                          "",
		"Ada <ada@lab.example>":                      "",
		"ada@lab.example\r\nBcc: b@c.example":        "",
		"a da@lab.example":                           "",
		"ada@lab .example":                           "",
		"ada\x00@lab.example":                        "",
		"ada@[192.0.2.1]":                            "",
		"ada@192.0.2.1":                              "",
		".ada@lab.example":                           "",
		"ada.@lab.example":                           "",
		"a..da@lab.example":                          "",
		"ada@-lab.example":                           "",
		"ada@lab..example":                           "",
		"ada@.example":                               "",
		"аda@lab.example":                            "", // Cyrillic а
		"ada(comment)@lab.example":                   "",
		strings.Repeat("a", 65) + "@lab.example":     "",
		"a@" + strings.Repeat("b.", 130) + "example": "",
	} {
		got, err := account.Address(text)
		if got != want || (err != nil) != (want == "") {
			t.Errorf("%q: got %q and %v, want %q", text, got, err, want)
		}
	}
}

func FuzzAnAddressThatIsTakenIsOnePlainAddress(f *testing.F) {
	for _, s := range []string{"ada@lab.example", "Ada@münchen.example", "a@b@c.d", "\"a b\"@c.de", "a@b.c, d@e.fg", "a@xn--.example", "a@ⅷ.example", "a@b。example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := account.Address(text)
		if err != nil {
			if got != "" {
				t.Fatalf("%q: got %q beside an error", text, got)
			}
			return
		}
		if strings.Count(got, "@") != 1 || len(got) > 254 || strings.ContainsAny(got, " \"(),:;<>[]\\\x7f") {
			t.Fatalf("%q: got %q, want one plain address", text, got)
		}
		for _, r := range got {
			if r < 0x21 || r > 0x7e || unicode.IsUpper(r) {
				t.Fatalf("%q: got %q, which holds %q", text, got, r)
			}
		}
		if again, err := account.Address(got); err != nil || again != got {
			t.Fatalf("%q: normalised twice: got %q and %v, want %q", text, again, err, got)
		}
	})
}
