package placeholder

import (
	"strings"
	"testing"
)

func FuzzWhatParsesFillsBackToItself(f *testing.F) {
	for _, s := range []string{"", "Dear {{a}},", "{{a}}{{b}}", "}}{{", "{{", "{{a}", "{ {a}} ", "{{{a}}}", "{{a}}}}", "{{A}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		parts, err := Parse(s, []string{"a", "b"})
		if err != nil {
			return
		}
		got, err := Fill(parts, func(name string) (string, error) { return "{{" + name + "}}", nil })
		if err != nil || got != s {
			t.Errorf("%q fills back to %q (%v)", s, got, err)
		}
		filled, err := Fill(parts, func(string) (string, error) { return "x", nil })
		if err != nil || strings.Contains(filled, "{{") || strings.Contains(filled, "}}") {
			t.Errorf("%q leaves braces: %q (%v)", s, filled, err)
		}
	})
}

func TestAValueIsNeverReadForPlaceholders(t *testing.T) {
	parts, err := Parse("Dear {{a}},", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Fill(parts, func(string) (string, error) { return "{{b}}", nil })
	if want := "Dear {{b}},"; err != nil || got != want {
		t.Errorf("got %q (%v), want %q", got, err, want)
	}
}
