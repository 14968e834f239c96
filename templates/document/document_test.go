package document

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sluice/infra/servers"
)

func loaded(t *testing.T) *Texts {
	t.Helper()
	texts, err := Load(nil)
	if err != nil {
		t.Fatalf("loading the embedded texts: %v", err)
	}
	return texts
}

func build(t *testing.T, texts *Texts, d Data) Source {
	t.Helper()
	s, err := texts.Build(d)
	if err != nil {
		t.Fatalf("building: %v", err)
	}
	return s
}

func pdfOf(t *testing.T, s Source) []byte {
	t.Helper()
	b, err := s.PDF()
	if err != nil {
		t.Fatalf("PDF: %v", err)
	}
	return b
}

var (
	made       = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)
	foundation = Foundation{Name: "Stichting Voorbeelddata", Address: "Singel 1, 1012 AB Amsterdam", Country: "Nederland",
		Register: "12345678", Email: "dataaccess@example.org"}
	anna = Person{Name: "Anna van 't Hof", Position: "Hoofd juridische zaken", Email: "a.vanthof@example.edu"}
)

func agreement(texts *Texts, lang string, nonEEA bool) Agreement {
	a := Agreement{
		Request: "DR-0042", Number: "DR-0042-A", Version: 2, NonEEA: nonEEA, Lang: lang,
		Foundation: foundation,
		Licensee: Licensee{Name: "Universitätsklinikum Łódź & Søn", Country: "DE", CountryName: "Deutschland",
			ReachedFrom: []string{"Deutschland", "France", "Ελλάδα"}},
		Applicant:      Person{Name: "Seán O'Neil", Position: "Hoogleraar", Email: "s.oneil@example.edu"},
		Signatory:      anna,
		Representative: Person{Name: "Дмитрий Иванов", Position: "Directeur", Email: "d.ivanov@example.org"},
		Project: Project{Title: "Resistance in metastatic disease", Purpose: "First paragraph of the purpose.\n\nSecond one,\n" +
			"with a line break and a very long word: " + strings.Repeat("Donaudampfschiff", 12) + "."},
		Datasets: []Dataset{{Name: "WGS 2026-10", Collection: "CPCT", Need: "Somatic variants"}, {Name: "Clinical", Collection: "CPCT"}},
		Contacts: []Contact{{Person{Name: "Ελένη Παπαδοπούλου", Position: "Data manager", Email: "eleni.papadopoulou@bioinformatics.example.edu"}, "Ελλάδα"},
			{Person{Name: "田中 花子", Latin: "Hanako Tanaka", Position: "Postdoc", Email: "h.tanaka@example.edu"}, "Deutschland"}},
		Conditions: []string{"Report after one year.", "No linkage with the registry."},
		From:       "2026-12-01", Until: "2027-12-31", Zone: "Europe/Amsterdam",
		Acknowledgement: "This publication was made possible by Stichting Voorbeelddata.",
		VariantReason:   "Germany is in the European Economic Area.",
		Link:            "https://sluice.example.org/agreements/k3j4",
		Made:            made,
	}
	if nonEEA {
		a.Confirmations, _ = texts.Confirmations(lang)
		for i := range a.Confirmations {
			a.Confirmations[i].Confirmed = i != 1
		}
		a.Confirmations[1].Explanation = "One order was received in 2024 and fought in court."
	}
	return a
}

func everyDocument(texts *Texts, lang string) map[string]Data {
	at := func(h int) time.Time { return made.Add(time.Duration(h) * time.Hour) }
	licensee := Licensee{Name: "Example University", CountryName: "Schweiz"}
	change := Amendment{Number: "DR-0042-A/3", Agreement: "DR-0042-A", AgreementHash: strings.Repeat("ab", 32), Lang: lang,
		Foundation: foundation, Licensee: licensee, RequestedBy: anna, RequestedAt: at(1), Effective: at(3),
		Contact: Contact{anna, "Nederland"}, OldUntil: "2027-12-31", NewUntil: "2028-12-31", Zone: "Europe/Amsterdam", Made: made,
		Reason: "Sequencing took longer."}
	extension, added, removed := change, change, change
	extension.Change, added.Change, removed.Change = Extension, ContactAdded, ContactRemoved
	party := change
	party.Change, party.Part, party.Was, party.Successor, party.Authority = PartyChanged, "signatory", Person{Name: "Bo Berg", Position: "Dean", Email: "bo@example.edu"}, anna, strings.Repeat("cd", 32)
	party.Decisions = []Decision{{anna, "loket", at(2)}, {Person{Name: "Bo Berg"}, "loket", at(3)}}
	extension.Decisions = []Decision{{anna, "loket", at(2)}, {Person{Name: "Bo Berg"}, "loket", at(3)}}
	return map[string]Data{
		"licence":           agreement(texts, lang, false),
		"licence-non-eea":   agreement(texts, lang, true),
		"extension":         extension,
		"contact-added":     added,
		"contact-removed":   removed,
		"party-changed":     party,
		"certificate":       Certificate{"DR-0042-A-1", "DR-0042-A", lang, "", foundation, licensee, 10234, 123456789012, "dr-0042-a-1-abcdefghij", "k7", false, false, at(1), time.Time{}, at(2), at(26), at(27), []Step{{"Bucket emptied", at(2), "A listing with old versions was empty."}}, "Europe/Amsterdam", "", made},
		"certificate-local": Certificate{"DR-0042-A-1", "DR-0042-A", lang, "", foundation, licensee, 1, 1, "dr-0042-a-1-abcdefghij", "k7", true, true, at(1), at(1), at(2), at(26), at(27), []Step{{"Key destroyed", at(2), "Asked again: gone."}}, "Europe/Amsterdam", "", made},
		"attestation":       Attestation{"DR-0042-A/destruction", "DR-0042-A", lang, "", foundation, licensee, anna, []string{"DR-0042-A-1", "DR-0042-A-2"}, at(0), "2026-11-21", "", "Europe/Amsterdam", "", made},
	}
}

func TestPageAndPDFHaveTheSameWords(t *testing.T) {
	need(t, "pdftotext")
	texts := loaded(t)
	for _, lang := range Languages() {
		for name, data := range everyDocument(texts, lang) {
			t.Run(lang+"/"+name, func(t *testing.T) {
				s := build(t, texts, data)
				sameLetters(t, "page", pageWords(t, s), s.Words())
				got, want := pdfWords(t, s), s.Words()
				sameLetters(t, "PDF", got, want)
				// Only the licences hold a word too long for its line; elsewhere the spaces must agree as well.
				if !strings.HasPrefix(name, "licence") && !slices.Equal(got, want) {
					t.Errorf("the PDF's words differ from the source's:\ngot  %q\nwant %q", got, want)
				}
			})
		}
	}
}

func TestTwoHundredContactsFillPagesWithoutLosingOne(t *testing.T) {
	need(t, "pdftotext")
	texts := loaded(t)
	a := agreement(texts, "nl", false)
	a.Contacts = nil
	for i := range 200 {
		a.Contacts = append(a.Contacts, Contact{Person{Name: fmt.Sprintf("Contact Nummer-%d van der %s", i, strings.Repeat("Lange", i%9)),
			Position: "Onderzoeker", Email: fmt.Sprintf("contact.%d@%s.example.edu", i, strings.Repeat("faculteit", i%5+1))}, "Nederland"})
	}
	// One row that is higher than a page by itself.
	a.Datasets[0].Need = strings.TrimSpace(strings.Repeat("noodzaak ", 900))
	s := build(t, texts, a)
	sameLetters(t, "page", pageWords(t, s), s.Words())
	got, want := pdfWords(t, s), s.Words()
	// The cells of a row cut over pages are read page by page, so only their order may differ.
	if g, w := letterCounts(got), letterCounts(want); g != w {
		t.Errorf("the PDF's letters differ from the source's:\ngot  %s\nwant %s", g, w)
	}
	p, err := s.draw(0)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.repeated) < 5 {
		t.Errorf("the head of the table is repeated on %d pages, want at least 5", len(p.repeated))
	}
	pdf := string(pdfOf(t, s))
	if n := p.pdf.PageCount(); !strings.Contains(pdf, fmt.Sprintf("/Count %d", n)) {
		t.Errorf("the PDF does not have the %d pages that its footers count", n)
	}
}

func TestTheSameSourceGivesTheSameBytes(t *testing.T) {
	texts := loaded(t)
	for _, lang := range Languages() {
		for name, data := range everyDocument(texts, lang) {
			first := pdfOf(t, build(t, texts, data))
			s := build(t, loaded(t), data)
			if !bytes.Equal(first, pdfOf(t, s)) {
				t.Errorf("%s in %s: two renderings differ", name, lang)
			}
			// The stored source is as good as the data it came from.
			b, err := s.JSON()
			if err != nil {
				t.Fatal(err)
			}
			again, err := Parse(b)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(first, pdfOf(t, again)) || again.HTML() != s.HTML() {
				t.Errorf("%s in %s: the source read back renders differently", name, lang)
			}
		}
	}
}

func TestAChangedLetterChangesTheHash(t *testing.T) {
	texts := loaded(t)
	before := sha256.Sum256(pdfOf(t, build(t, texts, agreement(texts, "en", true))))
	changes := map[string]func(*Agreement){
		"a contact's address": func(a *Agreement) { a.Contacts[0].Email = "eleni.papadopoulou@bioinformatics.example.edv" },
		"the version":         func(a *Agreement) { a.Version++ },
		"the end":             func(a *Agreement) { a.Until = "2028-01-01" },
		"an answer":           func(a *Agreement) { a.Confirmations[4].Confirmed = false },
		"the day it was made": func(a *Agreement) { a.Made = a.Made.Add(time.Second) },
		"a statement's id":    func(a *Agreement) { a.Confirmations[4].TextVersion += "x" },
	}
	for what, change := range changes {
		a := agreement(texts, "en", true)
		change(&a)
		if sha256.Sum256(pdfOf(t, build(t, texts, a))) == before {
			t.Errorf("%s changed and the hash did not", what)
		}
	}
}

func TestMarkupInNamesStaysText(t *testing.T) {
	texts := loaded(t)
	for _, hostile := range []string{`<script>alert(1)</script>`, `**bold** _x_ [a](http://b)`, `{{licensee.name}} }} {{`, `" onload="x`, `&amp; <b>`, "# Heading\n\n## Article 99. Free data\n\n- item", `\(a\) %s %d`} {
		a := agreement(texts, "en", false)
		a.Licensee.Name, a.Project.Title, a.Contacts[0].Name, a.Conditions[0] = hostile, hostile, hostile, hostile
		a.Datasets[0].Name, a.Applicant.Name = hostile, hostile
		s := build(t, texts, a)
		sameLetters(t, "page", pageWords(t, s), s.Words())
		clean := build(t, texts, agreement(texts, "en", false))
		if got, want := shape(t, s), shape(t, clean); got != want {
			t.Errorf("%q changed the page's elements:\ngot  %s\nwant %s", hostile, got, want)
		}
		if _, err := exec.LookPath("pdftotext"); err == nil {
			sameLetters(t, "PDF", pdfWords(t, s), s.Words())
		}
	}
}

func TestThePageHasItsHeadingsInOrderAndContentsThatLead(t *testing.T) {
	texts := loaded(t)
	for name, data := range everyDocument(texts, "nl") {
		root, err := html.Parse(strings.NewReader(string(build(t, texts, data).HTML())))
		if err != nil {
			t.Fatal(err)
		}
		ids, level, links := map[string]bool{}, 1, []string{}
		for n := range root.Descendants() {
			for _, a := range n.Attr {
				if a.Key == "id" && ids[a.Val] {
					t.Errorf("%s: id %s stands twice", name, a.Val)
				}
				if a.Key == "id" {
					ids[a.Val] = true
				}
				if a.Key == "href" {
					links = append(links, strings.TrimPrefix(a.Val, "#"))
				}
			}
			if len(n.Data) == 2 && n.Data[0] == 'h' && n.Data[1] >= '1' && n.Data[1] <= '6' {
				now := int(n.Data[1] - '0')
				if now < 2 || now > level+1 {
					t.Errorf("%s: h%d follows h%d", name, now, level)
				}
				level = now
			}
		}
		for _, l := range links {
			if !ids[l] {
				t.Errorf("%s: the contents lead to %q, which is not there", name, l)
			}
		}
		if len(links) < 2 {
			t.Errorf("%s: the contents have %d lines", name, len(links))
		}
	}
}

func TestCheckScriptNamesWhatCannotBePrinted(t *testing.T) {
	for _, fine := range []string{"O'Neil", "van ’t Hof", "Łukasz Żółć", "Ελένη", "Дмитрий Ёлкин", "Rene\u0301e", "Straße", "“quoted” – € …"} {
		if err := CheckScript(fine); err != nil {
			t.Errorf("CheckScript(%q) = %v, want nil", fine, err)
		}
	}
	for bad, want := range map[string]string{"田中 田": "田 中", "a\u202eb": "U+202E", "so\u00adft": "U+00AD", "x\u0000y": "U+0000", "🧬": "🧬", "שלום": "ש"} {
		err := CheckScript(bad)
		var script *ScriptError
		if !errors.As(err, &script) || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckScript(%q) = %v, want it to name %s", bad, err, want)
		}
	}
}

func TestANameInAnotherScriptNeedsItsLatinForm(t *testing.T) {
	texts := loaded(t)
	a := agreement(texts, "en", false)
	s := build(t, texts, a)
	if words := strings.Join(s.Words(), " "); !strings.Contains(words, "Hanako Tanaka") || strings.Contains(words, "田") {
		t.Errorf("the agreement does not show the Latin form alone: %s", words)
	}
	a.Contacts[1].Latin = ""
	_, err := texts.Build(a)
	if err == nil || !strings.Contains(err.Error(), "田 中 花 子") || !strings.Contains(err.Error(), "Latin") {
		t.Errorf("Build without the Latin form = %v, want the characters and what to do", err)
	}
}

func TestBuildNamesEverythingThatIsMissing(t *testing.T) {
	texts := loaded(t)
	a := agreement(texts, "en", true)
	a.Licensee.Name, a.Acknowledgement, a.Until, a.Zone, a.Confirmations = "", "", "31-12-2027", "Local", nil
	_, err := texts.Build(a)
	for _, want := range []string{"licensee", "acknowledgement", "31-12-2027", "time zone", "confirmations"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Build = %v, want it to name %q", err, want)
		}
	}
	a = agreement(texts, "en", false)
	a.TextVersion = "licence-eea.en/older"
	if _, err := texts.Build(a); !errors.Is(err, ErrTextVersion) {
		t.Errorf("Build with another text version = %v, want ErrTextVersion", err)
	}
	a.TextVersion, a.Until = texts.Version(LicenceEEA, "en"), "2026-11-30"
	if _, err := texts.Build(a); err == nil {
		t.Error("a term that ends before it begins was built")
	}
}

func TestTheCertificateSaysWhatKeyDestructionMeans(t *testing.T) {
	texts := loaded(t)
	words := strings.Join(build(t, texts, everyDocument(texts, "en")["certificate"]).Words(), " ")
	for _, want := range []string{"can no longer be opened by anything that serves", "The archive still holds the data under the dataset's key",
		"Vault's own snapshots keep the destroyed key until they age out", "123,456,789,012"} {
		if !strings.Contains(words, want) {
			t.Errorf("the certificate does not say %q", want)
		}
	}
	local := strings.Join(build(t, texts, everyDocument(texts, "en")["certificate-local"]).Words(), " ")
	if strings.Contains(local, "Vault's own") || !strings.Contains(local, "backups of that file") {
		t.Error("a key that stood in a file is said to have been in Vault")
	}
	if strings.Contains(local, "Files deleted") || !strings.Contains(local, "stay in the archive") {
		t.Error("shared files are said to have been deleted")
	}
}

func TestThePDFCarriesItsSourceAndItsName(t *testing.T) {
	need(t, "pdfdetach")
	need(t, "pdfinfo")
	texts := loaded(t)
	s := build(t, texts, agreement(texts, "nl", false))
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, pdfOf(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	out := file + ".json"
	if b, err := exec.Command("pdfdetach", "-save", "1", "-o", out, file).CombinedOutput(); err != nil {
		t.Fatalf("pdfdetach: %v: %s", err, b)
	}
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := s.JSON(); !bytes.Equal(got, want) {
		t.Error("the attachment is not the document's source")
	}
	info, err := exec.Command("pdfinfo", "-isodates", file).Output()
	if err != nil {
		t.Fatalf("pdfinfo: %v", err)
	}
	for _, want := range []string{"Licentieovereenkomst DR-0042-A", "2026-11-20T09:30:00", "A4"} {
		if !strings.Contains(string(info), want) {
			t.Errorf("pdfinfo does not show %q:\n%s", want, info)
		}
	}
	if !bytes.Contains(pdfOf(t, s), []byte("/Lang (nl)")) {
		t.Error("the PDF does not say its language")
	}
}

// need skips where a tool is missing, except in CI, where nothing may be skipped.
func need(t *testing.T, tool string) {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		servers.Need(t, fmt.Errorf("%s is not installed (package poppler-utils)", tool))
	}
}

// sameLetters compares texts without their spaces: a word too long for its line is cut in the PDF.
func sameLetters(t *testing.T, where string, got, want []string) {
	t.Helper()
	g, w := []rune(strings.Join(got, "")), []rune(strings.Join(want, ""))
	if slices.Equal(g, w) {
		return
	}
	i := 0
	for i < len(g) && i < len(w) && g[i] == w[i] {
		i++
	}
	around := func(r []rune) string { return string(r[max(i-40, 0):min(i+60, len(r))]) }
	t.Errorf("%s differs from the source at letter %d:\ngot  …%s…\nwant …%s…", where, i, around(g), around(w))
}

func letterCounts(words []string) string {
	r := []rune(strings.Join(words, ""))
	slices.Sort(r)
	sum := sha256.Sum256([]byte(string(r)))
	return fmt.Sprintf("%d letters, %x", len(r), sum[:6])
}

func pageWords(t *testing.T, s Source) []string {
	t.Helper()
	var text strings.Builder
	walk(t, s, func(n *html.Node) {
		if n.Type == html.TextNode {
			text.WriteString(n.Data)
		}
	})
	return strings.Fields(text.String())
}

// shape lists the page's elements and attributes without any text or value.
func shape(t *testing.T, s Source) string {
	t.Helper()
	count := map[string]int{}
	walk(t, s, func(n *html.Node) {
		if n.Type == html.ElementNode && n.Data != "p" {
			count[fmt.Sprint(n.Data, len(n.Attr))]++
		}
	})
	return fmt.Sprint(count)
}

func walk(t *testing.T, s Source, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(string(s.HTML())))
	if err != nil {
		t.Fatal(err)
	}
	var down func(*html.Node)
	down = func(n *html.Node) {
		if n.Data == "nav" {
			return // the contents repeat the headings
		}
		visit(n)
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			down(c)
		}
	}
	down(root)
}

// pdfWords reads the PDF's text in the order it was drawn, without footers and repeated heads of tables.
func pdfWords(t *testing.T, s Source) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "a.pdf")
	if err := os.WriteFile(file, pdfOf(t, s), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("pdftotext", "-raw", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext: %v", err)
	}
	counted, err := s.draw(0)
	if err != nil {
		t.Fatal(err)
	}
	pages := strings.Split(strings.TrimSuffix(string(out), "\f"), "\f")
	foot := regexp.MustCompile(fmt.Sprintf(`(?s)%s · \S+ %d · %s\s+\S+ (\d+) \S+ (\d+)\s*$`, regexp.QuoteMeta(s.Number), s.Version, regexp.QuoteMeta(s.TextVersion)))
	var words []string
	for i, page := range pages {
		m := foot.FindStringSubmatch(page)
		if m == nil || m[1] != fmt.Sprint(i+1) || m[2] != fmt.Sprint(len(pages)) {
			t.Fatalf("page %d of %d has no footer that says so; it ends with %q", i+1, len(pages), page[max(0, len(page)-120):])
		}
		onPage := strings.Fields(strings.TrimSuffix(page, m[0]))
		head := strings.Fields(strings.Join(counted.repeated[i+1], " "))
		if len(head) > 0 {
			if !slices.Equal(onPage[:len(head)], head) {
				t.Fatalf("page %d begins with %q, want the table's head %q", i+1, onPage[:len(head)], head)
			}
			onPage = onPage[len(head):]
		}
		words = append(words, onPage...)
	}
	return words
}
