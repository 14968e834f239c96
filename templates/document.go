package templates

import (
	"bytes"
	"fmt"
	html "html/template"
	"path"
	"slices"
	"strings"
	"text/template"

	"github.com/yuin/goldmark"
)

// A document is a longer text that a foundation replaces whole, such as its privacy statement: Markdown in locales/LANG/NAME.md, with the
// fields of Site as placeholders ({{.Foundation}}). Headings start at the second level, since the page's title is the first.

func (c *catalog) readDocument(lang, file string, content []byte, override bool) []error {
	name := strings.TrimSuffix(path.Base(file), ".md")
	t, err := template.New(name).Option("missingkey=error").Parse(string(content))
	if err != nil {
		return []error{fmt.Errorf("%s: %w", file, err)}
	}
	if slices.ContainsFunc(strings.Split(string(content), "\n"), func(line string) bool { return strings.HasPrefix(line, "# ") }) {
		return []error{fmt.Errorf("%s: start headings with ##; the page's title is the only #", file)}
	}
	if override && c.documents[lang][name] == nil {
		return []error{fmt.Errorf("%s: no text of this name exists, so this one would never be shown; check the name", file)}
	}
	if err := t.Execute(&bytes.Buffer{}, Site{}); err != nil {
		return []error{fmt.Errorf("%s: %w", file, err)}
	}
	c.documents[lang][name] = t
	return nil
}

// document shows the text as HTML. Raw HTML in it is left out by goldmark's default, which keeps the page free of foreign scripts.
func (v *voice) document(name string, site Site) (html.HTML, error) {
	t, ok := v.words.documents[v.lang][name]
	if !ok {
		return "", fmt.Errorf("no document is called %q", name)
	}
	var source, out bytes.Buffer
	if err := t.Execute(&source, site); err != nil {
		return "", err
	}
	if err := goldmark.Convert(source.Bytes(), &out); err != nil {
		return "", err
	}
	return html.HTML(out.String()), nil
}
