package document

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"sluice/templates/agreements"
)

func TestOurTextsAreMarkedAndNumbered(t *testing.T) {
	texts := loaded(t)
	mark := map[string]string{"en": "Model text: let your counsel replace it.", "nl": "Modeltekst: laat uw jurist deze vervangen."}
	for _, kind := range Kinds() {
		for _, lang := range Languages() {
			b, err := agreements.Files.ReadFile(textFile(kind, lang))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), mark[lang]) {
				t.Errorf("%s in %s is not marked as a model text", kind, lang)
			}
			checkNumbers(t, textFile(kind, lang), texts.texts[textFile(kind, lang)])
		}
		en, nl := texts.texts[textFile(kind, "en")], texts.texts[textFile(kind, "nl")]
		if got, want := sorted(nl.placeholders()), sorted(en.placeholders()); got != want {
			t.Errorf("%s: the Dutch text names %s, the English one %s", kind, got, want)
		}
	}
}

func TestTheTenConfirmationsExistInBothLanguages(t *testing.T) {
	texts := loaded(t)
	en, errEN := texts.Confirmations("en")
	nl, errNL := texts.Confirmations("nl")
	if errEN != nil || errNL != nil || len(en) != 10 || len(nl) != 10 {
		t.Fatalf("got %d and %d confirmations (%v, %v), want ten each", len(en), len(nl), errEN, errNL)
	}
	for i := range en {
		if en[i].ID != nl[i].ID || en[i].Statement == nl[i].Statement || en[i].Confirmed {
			t.Errorf("confirmation %d: %+v and %+v do not belong together", i, en[i], nl[i])
		}
	}
	if _, err := texts.Confirmations("de"); err == nil {
		t.Error("confirmations in German were returned")
	}
}

func TestLoadRefusesATextThatWouldNotDoItsWork(t *testing.T) {
	good, err := agreements.Files.ReadFile("licence-eea.en.md")
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	for name, c := range map[string]struct{ body, want string }{
		"an unknown placeholder": {change("{{licensee.name}}", "{{licensee.nmae}}"), "licensee.nmae"},
		"a brace left over":      {change("{{licensee.name}}", "{{licensee.name"), "{{"},
		"a closing brace alone":  {change("{{licensee.name}}", "licensee.name}}"), "}}"},
		"no contacts":            {change("{{table.contacts}}", ""), "table.contacts"},
		"a table inside a line":  {change("{{table.contacts}}", "See {{table.contacts}} here."), "stand alone"},
		"HTML":                   {change("## Article 1.", "<b>## Article 1."), "markup"},
		"a link":                 {change("Parties and words", "[Parties](x)"), "markup"},
		"bold left open":         {change("**Foundation**", "**Foundation"), "never closed"},
		"no version":             {change("version: model-2026-11-1", "title: x"), "version"},
		"no front":               {"# Licence\n\ntext", "begin with a line ---"},
		"letters of no font":     {change("Parties and words", "当事者"), "cannot be printed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Load(fstest.MapFS{"licence-eea.en.md": {Data: []byte(c.body)}})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "licence-eea.en.md") {
				t.Errorf("got %v, want the file's name and %q", err, c.want)
			}
		})
	}
	words, err := agreements.Files.ReadFile("words.nl.json")
	if err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{"pagina %d van %d": "pagina %d van %d %s", "tot het einde van %s (%s)": "tot het einde van %s", `"Loket`: `"", "loket": "Loket`} {
		body := strings.Replace(string(words), old, new, 1)
		if _, err := Load(fstest.MapFS{"words.nl.json": {Data: []byte(body)}}); err == nil || !strings.Contains(err.Error(), "words.nl.json") {
			t.Errorf("%q for %q: got %v, want it refused", new, old, err)
		}
	}
	if _, err := Load(fstest.MapFS{"licence-eea.EN.md": {Data: good}}); err == nil || !strings.Contains(err.Error(), "replaces none") {
		t.Errorf("a file that is never read: got %v, want an error", err)
	}
}

func TestAReplacedTextIsUsedAndNamed(t *testing.T) {
	good, err := agreements.Files.ReadFile("licence-eea.en.md")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(good), "model-2026-11-1", "counsel-7", 1)
	body = strings.Replace(body, "may not sell the Data", "shall not sell the Data", 1)
	texts, err := Load(fstest.MapFS{"licence-eea.en.md": {Data: []byte(strings.ReplaceAll(body, "\n", "\r\n"))}})
	if err != nil {
		t.Fatal(err)
	}
	s := build(t, texts, agreement(texts, "en", false))
	if words := strings.Join(s.Words(), " "); s.TextVersion != "licence-eea.en/counsel-7" || !strings.Contains(words, "shall not sell") {
		t.Errorf("text version %s; the replaced text is not used", s.TextVersion)
	}
}

func TestParseRefusesWhatIsNotASource(t *testing.T) {
	for _, bad := range []string{"", "{}", `{"format":2}`, `{"format":1,"extra":1}`, `{"format":1,"lang":"nl) /Evil (","blocks":[{"kind":"note"}]}`, `{"format":1,"lang":"nl"}`, `{"format":1,"lang":"en","blocks":[{"kind":"facts","rows":[["a"]]}]}`,
		`{"format":1,"lang":"en","blocks":[{"kind":"table","head":["a"],"rows":[["a","b"]]}]}`} {
		if _, err := Parse([]byte(bad)); err == nil {
			t.Errorf("Parse(%s) was accepted", bad)
		}
	}
}

func checkNumbers(t *testing.T, file string, tx text) {
	t.Helper()
	article, number := 0, 0
	for _, b := range tx.blocks {
		if b.kind == Heading && b.level == 3 {
			var a int
			title := b.lines[0][0].parts[0].Text
			if _, err := fmt.Sscanf(strings.NewReplacer("Article ", "", "Artikel ", "").Replace(title), "%d.", &a); err != nil {
				continue
			}
			if a != article+1 {
				t.Errorf("%s: article %d follows article %d", file, a, article)
			}
			article, number = a, 0
		}
		if b.label != "" {
			number++
			if want := fmt.Sprintf("%d.%d", article, number); b.label != want {
				t.Errorf("%s: clause %s stands where %s belongs", file, b.label, want)
			}
		}
	}
}

func sorted(list []string) string {
	list = slices.Clone(list)
	slices.Sort(list)
	return strings.Join(slices.Compact(list), " ")
}
