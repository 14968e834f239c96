package templates

import (
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// sources are the files that may name a key: Go code here and in the packages that fill pages, and all templates.
func sources(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, root := range []string{".", "../portal", "../cmd"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if os.IsNotExist(err) {
				return nil // the package has not been written yet
			}
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			if slices.Contains([]string{".go", ".html", ".txt", ".tmpl", ".yaml"}, filepath.Ext(path)) && !strings.HasPrefix(path, "locales") {
				content, err := os.ReadFile(path)
				found[path] = string(content)
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(found) < 10 {
		t.Fatalf("found %d source files only", len(found))
	}
	return found
}

var (
	quotedKey = regexp.MustCompile("[\"`]([a-z0-9-]+(?:\\.[a-z0-9-]+)+)[\"`]")
	// A key that is put together from a quoted beginning ("licensee.part-" + part) uses every key that begins so.
	quotedFamily = regexp.MustCompile("[\"`]([a-z0-9-]+(?:\\.[a-z0-9-]+)*(?:\\.|-))[\"`]")
	messageCall  = regexp.MustCompile(`\bM\("([^"]+)"`)
)

func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	s := loaded(t)
	keys := s.words.entries[defaultLanguage]
	used, families := map[string]bool{}, map[string]bool{}
	for path, content := range sources(t) {
		for _, m := range quotedKey.FindAllStringSubmatch(content, -1) {
			used[m[1]] = true
		}
		for _, m := range quotedFamily.FindAllStringSubmatch(content, -1) {
			families[m[1]] = true
		}
		if filepath.Ext(path) != ".go" || filepath.Base(path) == "doc.go" {
			continue
		}
		for _, m := range messageCall.FindAllStringSubmatch(content, -1) {
			if _, ok := keys[m[1]]; !ok && !strings.HasSuffix(m[1], ".") && !strings.HasSuffix(m[1], "-") {
				t.Errorf("%s uses the text %s, which is in no locale file", path, m[1])
			}
		}
	}
	for f := range families {
		if strings.Contains(f, ".") && strings.HasSuffix(f, "-") && !slices.ContainsFunc(slices.Collect(maps.Keys(keys)), func(k string) bool { return strings.HasPrefix(k, f) }) {
			t.Errorf("no text begins with %s", f)
		}
	}
	for key, e := range keys {
		inFamily := slices.ContainsFunc(slices.Collect(maps.Keys(families)), func(f string) bool { return strings.HasPrefix(key, f) })
		if !used[key] && !inFamily {
			t.Errorf("%s: nothing uses %s", e.file, key)
		}
	}
	for _, status := range Statuses() {
		if _, ok := keys["status."+string(status)]; !ok {
			t.Errorf("the status %s has no word", status)
		}
	}
	for key := range keys {
		if name, ok := strings.CutPrefix(key, "status."); ok && tones[Status(name)] == "" {
			t.Errorf("the word %s belongs to no status", key)
		}
	}
}

func TestEveryComponentHasItsTemplateAndIsTested(t *testing.T) {
	returned := regexp.MustCompile(`\) part\(\) string\s+\{ return "([a-z-]+)" \}`)
	var inCode, inTest []string
	for path, content := range sources(t) {
		if filepath.Ext(path) == ".go" && filepath.Dir(path) == "." {
			for _, m := range returned.FindAllStringSubmatch(content, -1) {
				inCode = append(inCode, m[1])
			}
		}
	}
	page := loaded(t).pages["components"]
	for _, c := range components {
		inTest = append(inTest, c.part())
		if page.Lookup(c.part()) == nil {
			t.Errorf("no template is called %s", c.part())
		}
	}
	slices.Sort(inCode)
	slices.Sort(inTest)
	if !slices.Equal(inCode, inTest) {
		t.Errorf("the components are %v, tested are %v", inCode, inTest)
	}
}

func TestAFoundationReplacesTextsFromAFolder(t *testing.T) {
	s, err := Load(fstest.MapFS{
		"locales/nl/own.yaml":   {Data: []byte("layout.help: \"Bel ons:\"\nlayout.run-by: Van {{.Foundation}}.\n")},
		"locales/nl/privacy.md": {Data: []byte("## Ons beleid\n\n{{.Foundation}} bewaart niets. <script>alert(1)</script>\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := s.Render(&out, "privacy", fullPage(t, "nl").ForPrivacy()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Bel ons:", "Van Stichting Voorbeeld.", "<h2>Ons beleid</h2>", "Stichting Voorbeeld bewaart niets."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(out.String(), "<script>alert") {
		t.Error("a script in a text reached the page")
	}
}

func TestTextsThatDoNotFitAreRefusedTogetherWithTheirFile(t *testing.T) {
	_, err := Load(fstest.MapFS{
		"locales/en/a.yaml":     {Data: []byte("layout.nothing: x\nlayout.version: Version\nlayout.help: 3\nlayout.skip: \"{{.Bad\"\nlayout.back: \" \"\n")},
		"locales/en/b.yaml":     {Data: []byte("layout.errors:\n  one: x\nlayout.nav: \"{{printf .A}}\"\n")},
		"locales/en/c.yaml":     {Data: []byte("layout.nav: a\nlayout.nav: b\n")},
		"locales/nl/own.txt":    {Data: []byte("x")},
		"locales/nl/other.md":   {Data: []byte("x")},
		"locales/en/privacy.md": {Data: []byte("# Title\n")},
		"locales/nl/privacy.md": {Data: []byte("{{.Fondation}}\n")},
	})
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, want := range []string{"a.yaml: layout.nothing", "a.yaml: layout.version", "a.yaml: layout.help", "a.yaml: layout.skip",
		"a.yaml: layout.back", "b.yaml: layout.errors", "b.yaml: layout.nav", "c.yaml", "own.txt", "other.md", "en/privacy.md", "nl/privacy.md"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s:\n%v", want, err)
		}
	}
}

func TestLanguagesThatDifferInKeysOrPlaceholdersAreRefused(t *testing.T) {
	_, err := loadCatalog(fstest.MapFS{
		"locales/en/a.yaml": {Data: []byte("a.one: x\na.both: \"{{.Name}}\"\n")},
		"locales/nl/a.yaml": {Data: []byte("a.two: x\na.both: \"{{.Naam}}\"\n")},
		"locales/en/b.yaml": {Data: []byte("a.one: y\n")},
		"locales/en/doc.md": {Data: []byte("x")},
	}, nil)
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, want := range []string{"nl lacks a.one", "en lacks a.two", "a.both", "b.yaml: a.one: stands in", "nl lacks doc.md"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
}

func TestTheLanguageIsTheChosenOneOrTheBrowsers(t *testing.T) {
	for _, c := range []struct{ accept, chosen, want string }{
		{"nl,en;q=0.5", "", "nl"}, {"nl-BE", "", "nl"}, {"en-GB,nl;q=0.9", "", "en"}, {"fr,nl;q=0.8,en;q=0.5", "", "nl"}, {"ja", "", "en"},
		{"", "", "en"}, {"nl", "en", "en"}, {"en", "nl", "nl"}, {"nl", "xx", "nl"}, {";;;", "", "en"}, {strings.Repeat("a-", 5000), "", "en"},
	} {
		if got := Match(c.accept, c.chosen); got != c.want {
			t.Errorf("Match(%.30q, %q) = %q, want %q", c.accept, c.chosen, got, c.want)
		}
	}
}
