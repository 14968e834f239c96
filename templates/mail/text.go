package mailtext

import (
	"cmp"
	"errors"
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode"

	"sluice/templates/document/dates"
	"sluice/templates/document/placeholder"
)

// text is one parsed file.
type text struct {
	subject    []placeholder.Part
	paragraphs []templateParagraph
}

type templateParagraph struct {
	parts  []placeholder.Part
	action bool
}

type paragraph struct {
	text   string
	action bool
}

// must are the paragraphs that every mail has, by their first words.
var must = map[string][]string{
	"en": {"Dear ", "Why you get this: ", "If you do nothing: "},
	"nl": {"Beste ", "Waarom u dit krijgt: ", "Als u niets doet: "},
}

func parse(body string, kind Kind, lang string) (text, error) {
	var t text
	body = strings.ReplaceAll(body, "\r\n", "\n")
	for strings.HasPrefix(body, "#") { // remarks for whoever edits the file; they are not sent
		_, body, _ = strings.Cut(body, "\n")
	}
	if kind != closing {
		first, rest, _ := strings.Cut(body, "\n")
		subject, found := strings.CutPrefix(first, "Subject: ")
		if !found || !strings.HasPrefix(subject, "[{{ref}}] ") {
			return t, errors.New("its first line must be: Subject: [{{ref}}] and the subject")
		}
		var err error
		// Names of people stay out of subjects: those show on locked screens and in lists.
		if t.subject, err = placeholder.Parse(subject, []string{"ref", "left"}); err != nil {
			return t, err
		}
		body = rest
	}
	if strings.Contains(body, "://") || strings.Contains(body, "www.") {
		return t, errors.New("it holds an address: the line with => is the only link")
	}
	actions := 0
	for chunk := range strings.SplitSeq(body, "\n\n") {
		p, err := parseParagraph(strings.Join(strings.Fields(chunk), " "))
		if err != nil {
			return t, err
		}
		if p.action {
			actions++
		}
		if p.parts != nil {
			t.paragraphs = append(t.paragraphs, p)
		}
	}
	return t, t.complete(kind, lang, actions)
}

func parseParagraph(s string) (templateParagraph, error) {
	s, action := strings.CutPrefix(s, "=> ")
	parts, err := placeholder.Parse(s, allowed)
	return templateParagraph{parts, action}, err
}

func (t text) complete(kind Kind, lang string, actions int) error {
	if kind == closing {
		if actions != 0 {
			return errors.New("the closing has no link")
		}
		return nil
	}
	if actions != 1 {
		return fmt.Errorf("it has %d lines with =>, and a mail has one action", actions)
	}
	if kind == calendar {
		return nil
	}
	for _, begin := range must[lang] {
		if !slices.ContainsFunc(t.paragraphs, func(p templateParagraph) bool { return strings.HasPrefix(p.parts[0].Text, begin) }) {
			return fmt.Errorf("no paragraph begins with %q", strings.TrimSpace(begin))
		}
	}
	return nil
}

// values answers what a text asks for.
type values struct {
	c    *Composer
	d    Data
	lang string
}

func (v values) value(name string) (string, error) {
	s, err := v.raw(name)
	if err == nil && s == "" {
		err = errors.New("it is missing, and the text names it")
	}
	if err != nil {
		return "", fmt.Errorf("{{%s}}: %w", name, err)
	}
	return s, nil
}

func (v values) raw(name string) (string, error) {
	switch name {
	case "ref":
		return cmp.Or(spoken(v.d.Number), v.c.service), nil
	case "number":
		return spoken(v.d.Number), nil
	case "agreement":
		return spoken(v.d.Agreement), nil
	case "reader":
		return spoken(v.d.Reader), nil
	case "person":
		return spoken(v.d.Person), nil
	case "part":
		return map[string]map[string]string{"en": {"signatory": "signatory", "applicant": "main applicant"},
			"nl": {"signatory": "tekenbevoegde", "applicant": "hoofdaanvrager"}}[v.lang][v.d.Part], nil
	case "service":
		return v.c.service, nil
	case "foundation":
		return v.c.foundation, nil
	case "left":
		return v.left()
	case "when":
		return dates.Moment(v.d.When, v.d.Zone, v.lang)
	case "ended":
		return dates.Until(v.d.When, v.d.Zone, v.lang)
	case "by":
		return dates.Until(v.d.By, v.d.Zone, v.lang)
	}
	return "", nil
}

func (v values) left() (string, error) {
	if v.d.Days < 1 {
		return "", fmt.Errorf("%d days left", v.d.Days)
	}
	word := map[string][2]string{"en": {"day", "days"}, "nl": {"dag", "dagen"}}[v.lang][min(v.d.Days-1, 1)]
	return fmt.Sprintf("%d %s", v.d.Days, word), nil
}

// spoken makes a name out of whatever somebody typed as theirs. Mail programmes turn what looks like an address into a
// link, so a name must not look like one: it would be a link of a stranger in a mail of ours.
func spoken(name string) string {
	s := strings.NewReplacer("://", " ", "/", " ", "\\", " ", "@", " ", "<", " ", ">", " ").Replace(oneLine(name))
	r := []rune(s)
	var b strings.Builder
	for i, c := range r {
		b.WriteRune(c)
		// "J.R. Smith" keeps its dots; "evil.example" does not stay one word.
		if dot := c == '.' || c == '。' || c == '․' || c == ':'; dot && i+2 < len(r) && word(r[i+1]) && word(r[i+2]) {
			b.WriteByte(' ')
		}
	}
	s = strings.Join(strings.Fields(b.String()), " ")
	if r := []rune(s); len(r) > 120 {
		return string(r[:120]) + "…"
	}
	return s
}

func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' }

func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.Is(unicode.Zl, r) || unicode.Is(unicode.Zp, r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

func plain(paragraphs []paragraph, link string) string {
	var b strings.Builder
	for i, p := range paragraphs {
		if i > 0 {
			b.WriteString("\n\n")
		}
		if i == len(paragraphs)-1 {
			b.WriteString("-- \n") // where a signature begins, as mail programmes know it
		}
		b.WriteString(p.text)
		if p.action {
			b.WriteString(":\n" + link)
		}
	}
	return b.String() + "\n"
}

// markup is the same text in one narrow column. It loads nothing, and sets no colours beside the button's own, so that it
// stays readable where a mail programme turns light into dark.
func markup(lang, subject string, paragraphs []paragraph, link string) string {
	var b strings.Builder
	put := func(shape string, values ...any) {
		for i, v := range values {
			values[i] = html.EscapeString(v.(string))
		}
		fmt.Fprintf(&b, shape+"\n", values...)
	}
	put(`<!DOCTYPE html><html lang="%s"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">`, lang)
	put(`<meta name="color-scheme" content="light dark"><title>%s</title></head>`, subject)
	put(`<body style="font-family:system-ui,sans-serif;font-size:16px;line-height:1.5"><div style="max-width:600px;margin:0 auto;padding:16px">`)
	for i, p := range paragraphs {
		switch {
		case p.action:
			put(`<p><a href="%s" style="display:inline-block;padding:10px 16px;border-radius:4px;background:#1f4e79;color:#ffffff">%s</a></p>`, link, p.text)
			put(`<p style="font-size:13px;word-break:break-all">%s</p>`, link)
		case i == len(paragraphs)-1:
			put(`<hr><p style="font-size:13px">%s</p>`, p.text)
		default:
			put(`<p>%s</p>`, p.text)
		}
	}
	put(`</div></body></html>`)
	return b.String()
}
