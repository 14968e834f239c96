package templates

import (
	"html/template"
	"regexp"
	"strings"
)

// Where lines may break: never in the number by which people know a thing, and in a long address or file name after the signs
// that part it rather than between any two letters.
var (
	tagOrText  = regexp.MustCompile(`<[^>]*>|[^<]+`)
	numberText = regexp.MustCompile(`\b(?:DR|CR)-\d{4,}(?:-A(?:-\d+)?)?\b`)
	longWord   = regexp.MustCompile(`[^\s<>]{20,}`)
	partedAt   = strings.NewReplacer("@", "@<wbr>", "/", "/<wbr>", "_", "_<wbr>")
)

// breaking works on HTML: its tags stay as they are.
func breaking(h template.HTML) template.HTML {
	if !strings.ContainsAny(string(h), "-@/_") {
		return h
	}
	return template.HTML(tagOrText.ReplaceAllStringFunc(string(h), func(piece string) string {
		if strings.HasPrefix(piece, "<") {
			return piece
		}
		piece = longWord.ReplaceAllStringFunc(piece, func(word string) string { return partedAt.Replace(word) })
		return numberText.ReplaceAllString(piece, `<span class="number">$0</span>`)
	}))
}
