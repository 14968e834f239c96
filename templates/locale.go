package templates

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"go.yaml.in/yaml/v3"
	"golang.org/x/text/language"
)

const defaultLanguage = "en"

// Languages are the languages every page exists in, the default first.
var Languages = []string{defaultLanguage, "nl"}

var languageMatcher = language.NewMatcher([]language.Tag{language.English, language.Dutch})

// Match is the language to use: the one a person chose if it exists, else the best for the browser's Accept-Language.
func Match(acceptLanguage, chosen string) string {
	if slices.Contains(Languages, chosen) {
		return chosen
	}
	wanted, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(wanted) == 0 {
		return defaultLanguage
	}
	_, i, confidence := languageMatcher.Match(wanted...)
	if confidence == language.No {
		return defaultLanguage
	}
	return Languages[i]
}

// entry is one message of one language.
type entry struct {
	message      *i18n.Message
	placeholders []string // sorted, each once
	file         string
}

// catalog holds all messages of all languages, merged from locales/LANG/*.yaml, and the documents locales/LANG/*.md.
//
// A locale file is a flat list of dotted keys; a message with a count has two forms:
//
//	signin.title: Sign in
//	files.number:
//	  one: one file
//	  other: "{{.Count}} files"
type catalog struct {
	entries    map[string]map[string]entry // language, key
	documents  map[string]map[string]*template.Template
	localizers map[string]*i18n.Localizer
}

// loadCatalog reads the built-in texts and lays those of the foundation over them. Every mistake is reported, not only the first.
func loadCatalog(builtIn, overrides fs.FS) (*catalog, error) {
	c := &catalog{entries: map[string]map[string]entry{}, documents: map[string]map[string]*template.Template{},
		localizers: map[string]*i18n.Localizer{}}
	var faults []error
	for _, lang := range Languages {
		c.entries[lang], c.documents[lang] = map[string]entry{}, map[string]*template.Template{}
		faults = append(faults, c.readLanguage(builtIn, lang, false)...)
		if overrides != nil {
			faults = append(faults, c.readLanguage(overrides, lang, true)...)
		}
	}
	faults = append(faults, c.compare()...)
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return c, c.index()
}

func (c *catalog) readLanguage(from fs.FS, lang string, override bool) (faults []error) {
	names, err := fs.Glob(from, path.Join("locales", lang, "*"))
	if err != nil {
		return []error{err}
	}
	if len(names) == 0 && !override {
		return []error{fmt.Errorf("locales/%s holds no files", lang)}
	}
	for _, name := range names {
		content, err := fs.ReadFile(from, name)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		switch path.Ext(name) {
		case ".yaml":
			faults = append(faults, c.readMessages(lang, name, content, override)...)
		case ".md":
			faults = append(faults, c.readDocument(lang, name, content, override)...)
		default:
			faults = append(faults, fmt.Errorf("%s: only .yaml and .md files belong here", name))
		}
	}
	return faults
}

func (c *catalog) readMessages(lang, file string, content []byte, override bool) (faults []error) {
	var raw map[string]any
	if err := yaml.Unmarshal(content, &raw); err != nil {
		return []error{fmt.Errorf("%s: %w", file, err)}
	}
	for _, key := range slices.Sorted(maps.Keys(raw)) {
		e, err := newEntry(key, file, raw[key])
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %s: %w", file, key, err))
			continue
		}
		before, exists := c.entries[lang][key]
		switch {
		case override && !exists:
			err = errors.New("no text with this key exists, so this one would never be shown; check the key")
		case override && !slices.Equal(before.placeholders, e.placeholders):
			err = fmt.Errorf("uses the placeholders %v where the text it replaces has %v", e.placeholders, before.placeholders)
		case !override && exists:
			err = fmt.Errorf("stands in %s as well", before.file)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %s: %w", file, key, err))
			continue
		}
		c.entries[lang][key] = e
	}
	return faults
}

func newEntry(key, file string, value any) (entry, error) {
	e := entry{message: &i18n.Message{ID: key}, file: file}
	switch x := value.(type) {
	case string:
		e.message.Other = x
	case map[string]any:
		one, hasOne := x["one"].(string)
		other, hasOther := x["other"].(string)
		if !hasOne || !hasOther || len(x) != 2 {
			return e, errors.New("a message with a count has exactly the forms one and other")
		}
		e.message.One, e.message.Other = one, other
	default:
		return e, errors.New("is not text; put it in quotes")
	}
	if strings.TrimSpace(e.message.Other) == "" {
		return e, errors.New("is empty")
	}
	var err error
	e.placeholders, err = placeholders(key, e.message.One, e.message.Other)
	return e, err
}

// placeholders lists the fields that the texts use. Anything but a plain field is refused: a text is not a program.
func placeholders(name string, texts ...string) ([]string, error) {
	found := map[string]bool{}
	for _, text := range texts {
		t, err := template.New(name).Parse(text)
		if err != nil {
			return nil, err
		}
		if t.Tree == nil {
			continue
		}
		for _, node := range t.Tree.Root.Nodes {
			field, err := placeholder(node)
			if err != nil {
				return nil, err
			}
			if field != "" {
				found[field] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func placeholder(node parse.Node) (string, error) {
	switch n := node.(type) {
	case *parse.TextNode:
		return "", nil
	case *parse.ActionNode:
		if len(n.Pipe.Cmds) == 1 && len(n.Pipe.Cmds[0].Args) == 1 {
			if f, ok := n.Pipe.Cmds[0].Args[0].(*parse.FieldNode); ok && len(f.Ident) == 1 {
				return f.Ident[0], nil
			}
		}
	}
	return "", fmt.Errorf("%s: only placeholders such as {{.Name}} can stand in a text", node)
}

// compare demands the same keys, with the same placeholders, in every language.
func (c *catalog) compare() (faults []error) {
	first := c.entries[defaultLanguage]
	for _, lang := range Languages[1:] {
		for _, key := range slices.Sorted(maps.Keys(first)) {
			other, ok := c.entries[lang][key]
			switch {
			case !ok:
				faults = append(faults, fmt.Errorf("locales/%s lacks %s, which stands in %s", lang, key, first[key].file))
			case !slices.Equal(first[key].placeholders, other.placeholders):
				faults = append(faults, fmt.Errorf("%s: %s has the placeholders %v, %s has %v", key, first[key].file,
					first[key].placeholders, other.file, other.placeholders))
			}
		}
		for _, key := range slices.Sorted(maps.Keys(c.entries[lang])) {
			if _, ok := first[key]; !ok {
				faults = append(faults, fmt.Errorf("locales/%s lacks %s, which stands in %s", defaultLanguage, key,
					c.entries[lang][key].file))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(c.documents[defaultLanguage])) {
			if c.documents[lang][name] == nil {
				faults = append(faults, fmt.Errorf("locales/%s lacks %s.md", lang, name))
			}
		}
	}
	return faults
}

func (c *catalog) index() error {
	bundle := i18n.NewBundle(language.Make(defaultLanguage))
	for _, lang := range Languages {
		for _, e := range c.entries[lang] {
			if err := bundle.AddMessages(language.Make(lang), e.message); err != nil {
				return fmt.Errorf("%s: %s: %w", e.file, e.message.ID, err)
			}
		}
		c.localizers[lang] = i18n.NewLocalizer(bundle, lang)
	}
	return nil
}

// localize fills one message. A placeholder without a value is an error: "<no value>" on a page of terms would be read as one.
func (c *catalog) localize(lang, key string, data map[string]any, plural *int) (string, error) {
	e, ok := c.entries[lang][key]
	if !ok {
		return "", fmt.Errorf("no text has the key %q", key)
	}
	for _, name := range e.placeholders {
		if _, given := data[name]; !given {
			return "", fmt.Errorf("message %s needs a value for %s", key, name)
		}
	}
	config := &i18n.LocalizeConfig{MessageID: key, TemplateData: data}
	if e.message.One != "" {
		if plural == nil {
			return "", fmt.Errorf("message %s needs an int called Count", key)
		}
		config.PluralCount = *plural
	}
	text, err := c.localizers[lang].Localize(config)
	if err != nil {
		return "", fmt.Errorf("message %s: %w", key, err)
	}
	return text, nil
}
