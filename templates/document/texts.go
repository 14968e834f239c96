package document

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"sluice/templates/agreements"
)

// Texts are the loaded agreement texts, checked as a whole: what loads can be built.
type Texts struct {
	texts         map[string]text              // by file name
	words         map[string]map[string]string // by language
	confirmations []confirmation
}

// ErrTextVersion says that a document asked for a version of its text that is not the loaded one.
var ErrTextVersion = errors.New("the text of the agreement has changed")

// confirmation is one item of confirmations.json.
type confirmation struct {
	ID        string            `json:"id"`
	Version   string            `json:"version"`
	Statement map[string]string `json:"statement"` // by language
}

var hole = regexp.MustCompile(`%.?`)

const confirmationsFile = "confirmations.json"

// Load reads the embedded texts and, where override is not nil, takes each file from there that it has. It reports
// every mistake at once. A file in override that replaces nothing is a mistake too: it would never be read.
func Load(override fs.FS) (*Texts, error) {
	t := &Texts{texts: map[string]text{}, words: map[string]map[string]string{}}
	var wrong []error
	note := func(file string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("agreement text %s: %w", file, err))
		}
	}
	for _, kind := range Kinds() {
		for _, lang := range Languages() {
			note(textFile(kind, lang), t.loadText(override, kind, lang))
		}
	}
	for _, lang := range Languages() {
		note(wordsFile(lang), t.loadWords(override, lang))
	}
	note(confirmationsFile, t.loadConfirmations(override))
	wrong = append(wrong, strangers(override)...)
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return t, nil
}

// Version is the id of the text that a kind has in a language, as it is printed in the document.
func (t *Texts) Version(kind Kind, lang string) string {
	return fmt.Sprintf("%s.%s/%s", kind, lang, t.texts[textFile(kind, lang)].version)
}

// Confirmations are the statements asked of a licensee outside the EEA, unanswered, in the order they are put.
func (t *Texts) Confirmations(lang string) ([]Confirmation, error) {
	if !slices.Contains(Languages(), lang) {
		return nil, fmt.Errorf("no confirmations in language %q", lang)
	}
	var all []Confirmation
	for _, c := range t.confirmations {
		all = append(all, Confirmation{ID: c.ID, TextVersion: c.Version, Statement: c.Statement[lang]})
	}
	return all, nil
}

func (t *Texts) loadText(override fs.FS, kind Kind, lang string) error {
	name := textFile(kind, lang)
	b, err := readText(override, name)
	if err != nil {
		return err
	}
	parsed, err := parseText(string(b), allowed(kind))
	if err != nil {
		return err
	}
	used := parsed.placeholders()
	for _, must := range required(kind) {
		if !slices.Contains(used, must) {
			return fmt.Errorf("{{%s}} is missing: the document would not say it", must)
		}
	}
	sum := sha256.Sum256(b)
	parsed.sha256 = hex.EncodeToString(sum[:])
	t.texts[name] = parsed
	return nil
}

func (t *Texts) loadWords(override fs.FS, lang string) error {
	b, err := readText(override, wordsFile(lang))
	if err != nil {
		return err
	}
	var words map[string]string
	if err := json.Unmarshal(b, &words); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(words)) {
		if !slices.Contains(wordKeys, key) {
			return fmt.Errorf("unknown word %q", key)
		}
		if err := CheckScript(words[key]); err != nil {
			return fmt.Errorf("word %q: %w", key, err)
		}
	}
	for _, key := range wordKeys {
		if strings.TrimSpace(words[key]) == "" {
			return fmt.Errorf("word %q is missing", key)
		}
	}
	for key, holes := range map[string]string{"page": "%d%d", "term-value": "%s%s%s"} {
		if got := strings.Join(hole.FindAllString(words[key], -1), ""); got != holes {
			return fmt.Errorf("word %q must hold %s in this order, and no other percent sign", key, holes)
		}
	}
	t.words[lang] = words
	return nil
}

// Word is one of the words and sentences of words.LANG.json, with {name} replaced by pairs of name and text. A key that is
// not there is a mistake of the program: the sentence of another would stand in what people sign.
func (t *Texts) Word(lang, key string, pairs ...string) string {
	word, ok := t.words[lang][key]
	if !ok {
		panic("no word of agreements is called " + key + " in " + lang)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		word = strings.ReplaceAll(word, "{"+pairs[i]+"}", pairs[i+1])
	}
	return word
}

// HasWord says whether Word has a word.
func (t *Texts) HasWord(lang, key string) bool { return t.words[lang][key] != "" }

func (t *Texts) loadConfirmations(override fs.FS) error {
	b, err := readText(override, confirmationsFile)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, &t.confirmations); err != nil {
		return err
	}
	if len(t.confirmations) == 0 {
		return fmt.Errorf("it holds no confirmations")
	}
	seen := map[string]bool{}
	for _, c := range t.confirmations {
		if c.ID == "" || c.Version == "" || seen[c.ID] {
			return fmt.Errorf("item %q needs an id of its own and a version", c.ID)
		}
		seen[c.ID] = true
		for _, lang := range Languages() {
			if strings.TrimSpace(c.Statement[lang]) == "" {
				return fmt.Errorf("item %q has no statement in language %s", c.ID, lang)
			}
			if err := CheckScript(c.Statement[lang]); err != nil {
				return fmt.Errorf("item %q: %w", c.ID, err)
			}
		}
	}
	return nil
}

func readText(override fs.FS, name string) ([]byte, error) {
	if override != nil {
		b, err := fs.ReadFile(override, name)
		if err == nil || !errors.Is(err, fs.ErrNotExist) {
			return b, err
		}
	}
	return fs.ReadFile(agreements.Files, name)
}

func strangers(override fs.FS) []error {
	if override == nil {
		return nil
	}
	entries, err := fs.ReadDir(override, ".")
	if err != nil {
		return []error{fmt.Errorf("reading the folder of agreement texts: %w", err)}
	}
	var wrong []error
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if _, err := fs.Stat(agreements.Files, e.Name()); err != nil {
			wrong = append(wrong, fmt.Errorf("agreement text %s: it replaces none of ours: check its name", e.Name()))
		}
	}
	return wrong
}

func textFile(kind Kind, lang string) string { return string(kind) + "." + lang + ".md" }

func wordsFile(lang string) string { return "words." + lang + ".json" }
