package document

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/text/unicode/norm"
)

// ScriptError names the characters that the PDF's font does not have. Left in, they would print as empty boxes in
// the very bytes that are signed.
type ScriptError struct {
	Characters []rune
}

// Error says which characters and what to do about them.
func (e *ScriptError) Error() string {
	var names []string
	for _, r := range e.Characters {
		if unicode.IsPrint(r) && !unicode.Is(unicode.M, r) {
			names = append(names, fmt.Sprintf("%c", r))
			continue
		}
		names = append(names, fmt.Sprintf("U+%04X", r))
	}
	return fmt.Sprintf("these characters cannot be printed: %s: use others (most Latin, Greek and Cyrillic letters can be)",
		strings.Join(names, " "))
}

// CheckScript returns a *ScriptError for text that cannot be printed, naming each character once.
func CheckScript(text string) error {
	var missing []rune
	seen := map[rune]bool{}
	for _, r := range tidy(text) {
		if !known(r) && !seen[r] {
			seen[r] = true
			missing = append(missing, r)
		}
	}
	if missing != nil {
		return &ScriptError{missing}
	}
	return nil
}

// tidy composes letters with their accents, which the font has as one glyph or not at all, and turns every run of
// white space into one space, so that page and PDF break the same words.
func tidy(text string) string {
	return strings.Join(strings.Fields(norm.NFC.String(text)), " ")
}

// known remembers what printable found: every letter of an agreement is asked for, again and again.
func known(r rune) bool {
	if was, found := glyphs.Load(r); found {
		return was.(bool)
	}
	ok := printable(r)
	if ok { // only what the font has is kept, so that no input makes the memory grow
		glyphs.Store(r, true)
	}
	return ok
}

var glyphs sync.Map // rune → true

func printable(r rune) bool {
	switch {
	case r == ' ':
		return true
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.M, r), r == unicode.ReplacementChar:
		// Format characters are invisible: a soft hyphen or a change of direction would make two names look the same.
		return false
	}
	for _, f := range faces() {
		var b sfnt.Buffer
		if i, err := f.GlyphIndex(&b, r); err != nil || i == 0 {
			return false
		}
	}
	return true
}

var faces = sync.OnceValue(func() []*sfnt.Font {
	var all []*sfnt.Font
	for _, ttf := range [][]byte{goregular.TTF, gobold.TTF, goitalic.TTF} {
		f, err := sfnt.Parse(ttf)
		if err != nil {
			panic("document: the embedded font does not parse: " + err.Error())
		}
		all = append(all, f)
	}
	return all
})
