// Package placeholder finds the {{name}} marks in a text that a foundation may edit.
//
// There are marks and nothing else: no conditions, no loops, no functions. An editor can then neither hide a clause
// from some readers nor reach data that was not meant for the text.
package placeholder

import (
	"fmt"
	"slices"
	"strings"
)

// Part is a stretch of plain text, or the name of the value that stands there.
type Part struct {
	Text string
	Name string
}

// Parse cuts the text at its marks and refuses names outside the closed list and braces that are left over.
func Parse(text string, allowed []string) ([]Part, error) {
	var parts []Part
	for text != "" {
		before, rest, found := strings.Cut(text, "{{")
		if err := noBraces(before); err != nil {
			return nil, err
		}
		if before != "" {
			parts = append(parts, Part{Text: before})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("a {{ is never closed, near %q", clip(rest))
		}
		if !slices.Contains(allowed, name) {
			return nil, fmt.Errorf("unknown placeholder {{%s}}: use one of %s", clip(name), strings.Join(allowed, ", "))
		}
		parts = append(parts, Part{Name: name})
		text = after
	}
	return parts, nil
}

// Fill puts the values in. A value is inserted as it is and never read for marks again, so that a name holding
// "{{" stays a name.
func Fill(parts []Part, value func(name string) (string, error)) (string, error) {
	var b strings.Builder
	for _, p := range parts {
		if p.Name == "" {
			b.WriteString(p.Text)
			continue
		}
		v, err := value(p.Name)
		if err != nil {
			return "", err
		}
		b.WriteString(v)
	}
	return b.String(), nil
}

func noBraces(text string) error {
	for _, brace := range []string{"{{", "}}"} {
		if i := strings.Index(text, brace); i >= 0 {
			return fmt.Errorf("a %s stands alone, near %q", brace, clip(text[i:]))
		}
	}
	return nil
}

func clip(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
