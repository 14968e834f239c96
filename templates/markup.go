package templates

import (
	"html"
	"html/template"
	"regexp"
	"strings"
)

// The markup that a message may hold. It is small on purpose: a translator can write it, and nothing else gets through.
//
//	**bold**    `code`    [label](/path)    [label](https://…)    [label](mailto:…)
var (
	boldMark = regexp.MustCompile(`\*\*(.+?)\*\*`)
	codeMark = regexp.MustCompile("`([^`]+)`")
	linkMark = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)
)

// markup works on escaped text. Values stand in it as markers still; the replacer fills those in link destinations, which are
// checked afterwards.
func markup(text string, values *strings.Replacer) string {
	text = linkMark.ReplaceAllStringFunc(text, func(found string) string {
		parts := linkMark.FindStringSubmatch(found)
		destination := values.Replace(html.UnescapeString(parts[2]))
		return `<a href="` + template.HTMLEscapeString(safeDestination(destination)) + `">` + parts[1] + `</a>`
	})
	text = boldMark.ReplaceAllString(text, `<strong>$1</strong>`)
	return codeMark.ReplaceAllString(text, `<code>$1</code>`)
}

// safeDestination lets through links into this site, secure addresses and mail; a script address becomes a link to nowhere.
func safeDestination(to string) string {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.HasPrefix(to, `/\`) {
		return to
	}
	for _, prefix := range []string{"#", "https://", "mailto:", "tel:"} {
		if strings.HasPrefix(to, prefix) {
			return to
		}
	}
	return "#"
}
