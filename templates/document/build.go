package document

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"sluice/templates/document/dates"
	"sluice/templates/document/placeholder"
)

// Build puts the data into the text of its kind and language. It refuses data with a part missing or with characters
// that cannot be printed, naming all of them, and returns ErrTextVersion when the data insist on another text.
func (t *Texts) Build(d Data) (Source, error) {
	h := d.head()
	if err := h.check(); err != nil {
		return Source{}, err
	}
	if !slices.Contains(Kinds(), h.kind) || !slices.Contains(Languages(), h.lang) {
		return Source{}, fmt.Errorf("document %s: there is no text %s in language %q", h.number, h.kind, h.lang)
	}
	if v := t.Version(h.kind, h.lang); h.textVersion != "" && h.textVersion != v {
		return Source{}, fmt.Errorf("document %s: %w: it asks for %s and %s is loaded", h.number, ErrTextVersion, h.textVersion, v)
	}
	f := newFiller(t, h)
	d.fill(f)
	source := f.source(t.texts[textFile(h.kind, h.lang)])
	if err := errors.Join(f.wrong...); err != nil {
		return Source{}, fmt.Errorf("document %s: %w", h.number, err)
	}
	return source, nil
}

// filler gathers the values and tables of one document, and everything that is wrong with them.
type filler struct {
	head   head
	words  map[string]string
	values map[string]string
	tables map[string][]Block
	text   string // the text's version
	wrong  []error
}

func newFiller(t *Texts, h head) *filler {
	f := &filler{head: h, words: t.words[h.lang], values: map[string]string{}, tables: map[string][]Block{}}
	f.text = t.Version(h.kind, h.lang)
	f.set("number", h.number)
	f.set("version", fmt.Sprint(h.version))
	f.set("text.version", f.text)
	f.set("zone", h.zone)
	f.set("made", f.instant("the date it was made", h.made))
	return f
}

// source lays the values into the text.
func (f *filler) source(t text) Source {
	s := Source{Format: format, Kind: f.head.kind, Lang: f.head.lang, Number: f.head.number, Version: f.head.version,
		TextVersion: f.text, TextSHA256: t.sha256, Made: f.head.made.UTC().Truncate(time.Second),
		Labels: Labels{Contents: f.words["contents"], Version: f.words["version"], Page: f.words["page"]}}
	for _, b := range t.blocks {
		s.Blocks = append(s.Blocks, f.blocks(b)...)
	}
	if f.head.link != "" {
		s.Blocks = append(s.Blocks, Block{Kind: Note, Text: []Span{{Text: f.words["link"] + " " + f.clean("link", f.head.link)}}})
	}
	for i := range s.Blocks {
		if s.Blocks[i].Kind == Heading {
			s.Blocks[i].ID = fmt.Sprintf("document-%d", i+1)
		}
	}
	s.Title = plain(s.Blocks[0].Text)
	return s
}

func (f *filler) blocks(b templateBlock) []Block {
	if table, found := f.tables[b.insert]; found {
		return table
	}
	if b.insert != "" {
		return f.paragraphs(b.insert)
	}
	filled := Block{Kind: b.kind, Level: b.level, Label: b.label}
	if b.kind == List {
		for _, line := range b.lines {
			filled.Items = append(filled.Items, f.line(line))
		}
		return []Block{filled}
	}
	filled.Text = f.line(b.lines[0])
	return []Block{filled}
}

// paragraphs keeps the paragraphs of a value that stands alone, such as the purpose of a project.
func (f *filler) paragraphs(name string) []Block {
	var all []Block
	for part := range strings.SplitSeq(strings.ReplaceAll(f.value(name), "\r\n", "\n"), "\n\n") {
		if p := tidy(part); p != "" {
			all = append(all, Block{Kind: Paragraph, Text: []Span{{Text: p}}})
		}
	}
	return all
}

func (f *filler) line(line templateLine) []Span {
	var spans []Span
	for _, span := range line {
		s, err := placeholder.Fill(span.parts, func(name string) (string, error) { return tidy(f.value(name)), nil })
		f.note(err)
		spans = append(spans, Span{Text: s, Bold: span.bold})
	}
	return spans
}

func (f *filler) value(name string) string {
	v := f.values[name]
	if v == "" {
		f.note(fmt.Errorf("%s is missing, and the text names it", name))
	}
	return v
}

// set gives a value its name; text that cannot be printed is noted with that name.
func (f *filler) set(name, value string) {
	if err := CheckScript(value); err != nil {
		f.note(fmt.Errorf("%s: %w", name, err))
	}
	f.values[name] = strings.TrimSpace(value)
}

// clean is text for the cell of a table.
func (f *filler) clean(what, s string) string {
	if err := CheckScript(s); err != nil {
		f.note(fmt.Errorf("%s: %w", what, err))
	}
	return tidy(s)
}

// name picks the form of a name that can be printed. Where only the Latin form can be, both page and PDF show that one,
// so that the words on the screen are the words that are signed.
func (f *filler) name(what, name, latin string) string {
	err := CheckScript(name)
	switch {
	case tidy(name) == "":
		f.note(fmt.Errorf("%s has no name", what))
	case err == nil:
		return tidy(name)
	case tidy(latin) == "":
		f.note(fmt.Errorf("%s: %w; or give the name in Latin letters beside it", what, err))
	default:
		return f.clean(what, latin)
	}
	return ""
}

func (f *filler) person(what string, p Person) string { return f.name(what, p.Name, p.Latin) }

func (f *filler) day(what string, d dates.Day) string {
	s, err := d.In(f.head.lang)
	if err != nil {
		f.note(fmt.Errorf("%s: %w", what, err))
	}
	return s
}

func (f *filler) instant(what string, at time.Time) string {
	s, err := dates.Instant(at, f.head.zone, f.head.lang)
	if err != nil {
		f.note(fmt.Errorf("%s: %w", what, err))
	}
	return s
}

// note keeps an error once, however often the text names the value that is wrong.
func (f *filler) note(err error) {
	if err == nil || slices.ContainsFunc(f.wrong, func(e error) bool { return e.Error() == err.Error() }) {
		return
	}
	f.wrong = append(f.wrong, err)
}

// list writes "a, b and c".
func (f *filler) list(items []string) string {
	if len(items) < 2 {
		return strings.Join(items, "")
	}
	last := len(items) - 1
	return strings.Join(items[:last], ", ") + " " + f.words["and"] + " " + items[last]
}

// count groups digits by three as the language does, since a row of twelve digits is misread.
func (f *filler) count(n int64) string {
	separator := ","
	if f.head.lang == "nl" {
		separator = "."
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + separator + s[i:]
	}
	return s
}
