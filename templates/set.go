package templates

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"text/template/parse"
	"time"
)

//go:embed layout components pages locales
var builtIn embed.FS

// Set holds all pages and texts, ready to be shown. It is safe for use by many goroutines.
type Set struct {
	words   *catalog
	pages   map[string]*template.Template // never executed: a template that was executed cannot be cloned
	presses map[string]*sync.Pool         // of *press
}

// Load reads the built-in pages and texts. From overrides, which may be nil, come texts of the foundation's own:
// locales/LANG/*.yaml and locales/LANG/*.md, in the same form as the built-in ones. All faults found are reported together.
func Load(overrides fs.FS) (*Set, error) {
	words, err := loadCatalog(builtIn, overrides)
	if err != nil {
		return nil, fmt.Errorf("reading texts: %w", err)
	}
	s := &Set{words: words, pages: map[string]*template.Template{}, presses: map[string]*sync.Pool{}}
	shared, err := template.New("").Funcs((&press{}).funcs()).ParseFS(builtIn, "layout/*.html", "components/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the layout: %w", err)
	}
	names, err := fs.Glob(builtIn, "pages/*.html")
	if err != nil {
		return nil, err
	}
	for _, file := range names {
		if err := s.addPage(shared, file); err != nil {
			return nil, fmt.Errorf("reading %s: %w", file, err)
		}
	}
	return s, s.checkKeys()
}

func (s *Set) addPage(shared *template.Template, file string) error {
	page, err := shared.Clone()
	if err != nil {
		return err
	}
	if _, err := page.ParseFS(builtIn, file); err != nil {
		return err
	}
	if page.Lookup("content") == nil {
		return errors.New(`a page defines the template "content"`)
	}
	name := strings.TrimSuffix(path.Base(file), ".html")
	s.pages[name] = page
	s.presses[name] = &sync.Pool{New: func() any { return newPress(s, page) }}
	return nil
}

// Pages lists the names that Render knows.
func (s *Set) Pages() []string {
	return slices.Sorted(maps.Keys(s.pages))
}

// Render writes the page, or nothing at all when something in it fails: half a page of terms must never be shown.
func (s *Set) Render(w io.Writer, page string, p Page) error {
	pool, ok := s.presses[page]
	if !ok {
		return fmt.Errorf("no page is called %q", page)
	}
	press := pool.Get().(*press)
	if press.broken != nil {
		return press.broken
	}
	defer pool.Put(press)
	out, err := press.print(p)
	if err != nil {
		return fmt.Errorf("page %s: %w", page, err)
	}
	_, err = w.Write(out)
	return err
}

// press prints one page at a time. Its functions know the page being printed, which is how components deep inside a page find its
// language, zone and errors without being handed them.
type press struct {
	set    *Set
	page   *Page
	voice  voice
	layout *template.Template
	ids    int
	broken error
}

func newPress(s *Set, page *template.Template) *press {
	p := &press{set: s}
	p.layout, p.broken = page.Clone()
	if p.broken == nil {
		p.layout.Funcs(p.funcs())
	}
	return p
}

func (p *press) print(page Page) ([]byte, error) {
	if page.Title == nil {
		return nil, errors.New("the page has no title")
	}
	p.page, p.ids = &page, 0
	p.voice = p.set.words.voice(page.Lang, page.Zone, page.At)
	page.Lang = p.voice.lang
	defer func() { p.page = nil }()
	var out bytes.Buffer
	if err := p.layout.ExecuteTemplate(&out, "layout", &page); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// put shows a message or a component wherever a template says {{put .Something}}. Nothing is shown for nil.
func (p *press) put(x any) (template.HTML, error) {
	if x == nil {
		return "", nil
	}
	switch component := x.(type) {
	case Msg:
		h, err := component.html(&p.voice)
		return breaking(h), err
	case Part:
		if isNil(component) {
			return "", nil
		}
		var out bytes.Buffer
		err := p.layout.ExecuteTemplate(&out, component.part(), component)
		return template.HTML(out.String()), err
	}
	m, err := asMsg(x)
	if err != nil {
		return "", err
	}
	h, err := m.html(&p.voice)
	return breaking(h), err
}

func (p *press) newID(prefix string) string {
	p.ids++
	return fmt.Sprintf("%s-%d", prefix, p.ids)
}

// say is a message as plain text, for attributes and the title.
func (p *press) say(x any) (string, error) {
	m, err := asMsg(x)
	if err != nil {
		return "", err
	}
	return m.plain(&p.voice)
}

// checkKeys finds the keys that templates name but no locale file has, before anybody opens the page.
func (s *Set) checkKeys() error {
	var faults []error
	for key, file := range s.keysInTemplates() {
		if _, ok := s.words.entries[defaultLanguage][key]; !ok {
			faults = append(faults, fmt.Errorf("%s uses the text %s, which is in no locale file", file, key))
		}
	}
	return errors.Join(faults...)
}

// keysInTemplates maps each key that stands as a literal after t or rich to a template using it.
func (s *Set) keysInTemplates() map[string]string {
	keys := map[string]string{}
	for _, page := range s.pages {
		for _, t := range page.Templates() {
			if t.Tree == nil {
				continue
			}
			walk(t.Tree.Root, func(cmd *parse.CommandNode) {
				name, ok := cmd.Args[0].(*parse.IdentifierNode)
				if !ok || name.Ident != "t" && name.Ident != "rich" || len(cmd.Args) < 2 {
					return
				}
				if key, ok := cmd.Args[1].(*parse.StringNode); ok {
					keys[key.Text] = t.Tree.ParseName
				}
			})
		}
	}
	return keys
}

// walk visits every command of a template, those in conditions, pipes and parentheses too.
func walk(node parse.Node, visit func(*parse.CommandNode)) {
	branch := func(n *parse.BranchNode) {
		walk(n.Pipe, visit)
		walk(n.List, visit)
		if n.ElseList != nil {
			walk(n.ElseList, visit)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			walk(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, cmd := range n.Cmds {
			visit(cmd)
			for _, arg := range cmd.Args {
				walk(arg, visit)
			}
		}
	}
}

// funcs are the functions that templates may call. Besides these there is only range, if and with: no rule stands in a template.
func (p *press) funcs() template.FuncMap {
	return template.FuncMap{
		"t":        func(key string, args ...any) (string, error) { return p.voice.say(key, args) },
		"rich":     func(key string, args ...any) (template.HTML, error) { return p.voice.sayHTML(key, args, true) },
		"put":      p.put,
		"say":      p.say,
		"marked":   p.marked,
		"date":     func(t time.Time) (template.HTML, error) { return Day(t).html(&p.voice) },
		"datetime": func(t time.Time) (template.HTML, error) { return Moment(t).html(&p.voice) },
		"lastday":  func(t time.Time) (template.HTML, error) { return LastDay(t).html(&p.voice) },
		"days":     func(t time.Time) (string, error) { return p.voice.left(t) },
		"size":     func(n int64) (template.HTML, error) { return Bytes(n).html(&p.voice) },
		"count":    func(n int) string { return p.voice.count(int64(n)) },
		"asset":    assetOrError,
		"word":     func(s Status) (string, error) { return s.word().plain(&p.voice) },
		"tone":     func(s Status) (Tone, error) { return s.tone() },
		"id":       p.newID,
		"document": func(name string) (template.HTML, error) { return p.voice.document(name, p.page.Site) },
		"error":    func(field string) Msg { return p.page.errorFor(field) },
		"late":     func(due time.Time) bool { return !due.IsZero() && due.Before(p.page.At) },
		"gone":     func(until time.Time) bool { return !until.After(p.page.At) },
		"near":     func(until time.Time) bool { return until.Sub(p.page.At) < 14*24*time.Hour },
		"passed":   func(from, until time.Time) string { return passed(from, until, p.page.At) },
		"languages": func() ([]languageLink, error) {
			return p.page.languageLinks(&p.voice)
		},
	}
}

// marked shows a message with its markup, where a component has room for more than a label.
func (p *press) marked(x any) (template.HTML, error) {
	if x == nil {
		return "", nil
	}
	m, err := asMsg(x)
	if err != nil {
		return "", err
	}
	return Marked{m}.html(&p.voice)
}
