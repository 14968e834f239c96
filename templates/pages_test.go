package templates

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sluice/templates/pagetest"
)

var testTime = time.Date(2026, time.November, 22, 16, 0, 0, 0, time.UTC)

func amsterdam(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func loaded(t *testing.T) *Set {
	t.Helper()
	s, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// fullPage uses every part of the layout.
func fullPage(t *testing.T, lang string) Page {
	return Page{
		Lang: lang, Zone: amsterdam(t), At: testTime, Path: "/design?show=all&page=2", Demo: true, Wide: true,
		Site: Site{Foundation: "Stichting Voorbeeld", HelpEmail: "desk@example.org", HelpPhone: "+31 30 123 45 67",
			PrivacyEmail: "fg@example.org", Version: "1.2.3"},
		Nav:  []NavItem{{Text("Requests"), "/requests", true, 3}, {Text("Files"), "/files", false, 0}},
		User: User{"Noor van den Berg", "/account", "/sign-out"}, Back: &Link{Href: "/requests"},
		Section: Text("Section"), SessionLeft: 30 * time.Minute, SessionExtend: "/session",
	}
}

// pageCases are the pages of this package, each as full and as empty as it gets.
func pageCases(t *testing.T, lang string) map[string]Page {
	full, bare := fullPage(t, lang), Page{Lang: lang, At: testTime}
	cases := map[string]Page{
		"privacy full": full.ForPrivacy(), "privacy bare": bare.ForPrivacy(),
		"accessibility full": full.ForAccessibility(), "accessibility bare": bare.ForAccessibility(),
		"parts full": partsPage(full), "parts bare": partsPage(bare),
		"error of no known kind": bare.ForError(418, ErrorPage{}),
	}
	for status := range errorTexts {
		cases[fmt.Sprintf("error %d full", status)] = full.ForError(status, ErrorPage{Body: Text("What happened."), Reference: "K7TQ2M",
			Retry: "/again", RetryAt: testTime.Add(time.Hour)})
		cases[fmt.Sprintf("error %d bare", status)] = bare.ForError(status, ErrorPage{})
	}
	for _, variant := range SampleVariants {
		cases["components "+variant] = full.ForComponents(variant)
		cases["components bare "+variant] = bare.ForComponents(variant)
	}
	return cases
}

func partsPage(p Page) Page {
	p.Title = Text("Parts")
	p.Data = PartsPage{}
	if p.Site.Foundation != "" {
		p.Data = PartsPage{[]Part{Paragraph{Body: Text("x")}, Section{ID: "here", Title: Text("y"), Parts: []Part{Form{Files: true,
			Fields: []Part{FileField{Name: "f", Label: Text("File")}}, Submit: Button{Text: Text("Send")}}}}}}
	}
	return p
}

func TestEveryPageIsWellFormedFullAndEmptyInBothLanguages(t *testing.T) {
	s := loaded(t)
	shown := map[string]bool{}
	for _, lang := range Languages {
		for name, page := range pageCases(t, lang) {
			t.Run(lang+" "+name, func(t *testing.T) {
				template, _, _ := strings.Cut(name, " ")
				shown[template] = true
				var out bytes.Buffer
				if err := s.Render(&out, template, page); err != nil {
					t.Fatal(err)
				}
				pagetest.Check(t, out.Bytes(), lang)
			})
		}
	}
	for _, name := range s.Pages() {
		if !shown[name] {
			t.Logf("page %s has no case here; its package must execute it", name)
		}
	}
}

func rendered(t *testing.T, page string, p Page) *html.Node {
	t.Helper()
	var out bytes.Buffer
	if err := loaded(t).Render(&out, page, p); err != nil {
		t.Fatal(err)
	}
	root, err := html.Parse(&out)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

func TestTheTitleSaysPageSectionServiceAndWhetherThereIsAnError(t *testing.T) {
	p := fullPage(t, "nl").ForComponents("errors")
	if got, want := pagetest.Text(pagetest.First(rendered(t, "components", p), "title")), "Fout: Vormgeving – Demonstratie – Sluice"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	p.Errors = nil
	root := rendered(t, "components", p)
	if got, want := pagetest.Text(pagetest.First(root, "title")), "Vormgeving – Demonstratie – Sluice"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := pagetest.Text(pagetest.First(root, "h1")); got != "Vormgeving" {
		t.Errorf("the heading says %q, the title Vormgeving", got)
	}
}

func TestTheLanguageSwitchKeepsThePageAndLeadsNowhereElse(t *testing.T) {
	for path, want := range map[string]string{
		"/requests/DR-0042?page=2": "/requests/DR-0042?lang=nl&page=2",
		"/a?lang=en":               "/a?lang=nl",
		"//evil.example/x":         "/?lang=nl",
		"https://evil.example/":    "/?lang=nl",
		"":                         "/?lang=nl",
	} {
		p := fullPage(t, "en").ForPrivacy()
		p.Path = path
		var got string
		for n := range pagetest.ByClass(rendered(t, "privacy", p), "languages").Descendants() {
			if n.Data == "a" && pagetest.Attr(n, "lang") == "nl" {
				got = pagetest.Attr(n, "href")
			}
		}
		if got != want {
			t.Errorf("from %q the switch leads to %q, want %q", path, got, want)
		}
	}
}

func TestAFieldShowsItsErrorAndKeepsWhatWasTyped(t *testing.T) {
	root := rendered(t, "components", fullPage(t, "en").ForComponents("errors"))
	for n := range root.Descendants() {
		if pagetest.Attr(n, "id") != "email" {
			continue
		}
		if pagetest.Attr(n, "value") != "noor@example" || pagetest.Attr(n, "aria-invalid") != "true" || pagetest.Attr(n, "aria-describedby") != "email-hint email-error" {
			t.Errorf("the field is %v", n.Attr)
		}
		return
	}
	t.Error("the field is not there")
}

func TestNothingIsWrittenWhenAPageFails(t *testing.T) {
	s := loaded(t)
	p := fullPage(t, "en").ForComponents("all")
	p.Data = ComponentsPage{Sections: []SampleSection{{Title: M("there.is.no.such.text")}}}
	var out bytes.Buffer
	if err := s.Render(&out, "components", p); err == nil || !strings.Contains(err.Error(), "there.is.no.such.text") {
		t.Errorf("got %v, want an error naming the key", err)
	}
	if out.Len() != 0 {
		t.Errorf("%d bytes were written", out.Len())
	}
	if err := s.Render(&out, "components", fullPage(t, "en").ForComponents("all")); err != nil {
		t.Errorf("after a failed page the next one fails too: %v", err)
	}
	if err := s.Render(&out, "nowhere", Page{Title: Text("x")}); err == nil {
		t.Error("a page that does not exist was shown")
	}
}

func TestManyPagesAreMadeAtOnce(t *testing.T) {
	s := loaded(t)
	var group sync.WaitGroup
	for i := range 40 {
		group.Go(func() {
			lang := Languages[i%2]
			var out bytes.Buffer
			if err := s.Render(&out, "components", fullPage(t, lang).ForComponents("all")); err != nil {
				t.Error(err)
			}
			if want := map[string]string{"en": "245 days left", "nl": "nog 245 dagen"}[lang]; !strings.Contains(out.String(), want) {
				t.Errorf("a page in %s does not say %q", lang, want)
			}
		})
	}
	group.Wait()
}

// components has one of each, so that a new one cannot be forgotten: a test compares it with the templates.
var components = []Part{
	Link{}, Button{}, Actions{}, Status(""), Lines{}, Code(""), Noted{}, TaskList{}, SummaryList{}, Notice{}, Confirmation{}, Table{},
	Pagination{}, TimeLine{}, FileList{}, TermMeter{}, Turn{}, Steps{}, AreYouSure{}, Secret{}, QRCode{}, Empty{}, Inset{}, Details{},
	Countdown{}, TextField{}, TextArea{}, Select{}, Radios{}, Checkboxes{}, DateField{}, PasswordField{}, CodeField{}, FileField{},
	Hidden{}, Form{}, Section{}, Paragraph{},
}

func TestEveryComponentIsExecutedFullAndEmpty(t *testing.T) {
	s := loaded(t)
	for _, lang := range Languages {
		p := fullPage(t, lang).ForComponents("all")
		press := newPress(s, s.pages["components"])
		for _, c := range components {
			if c.part() == "tag" {
				continue // every word is shown on the design page; no word is an error
			}
			p.Data = ComponentsPage{Sections: []SampleSection{{Title: Text("x"), Parts: []Part{c, filled(c, "plain")}}}}
			if _, err := press.print(p); err != nil {
				t.Errorf("%s in %s: %v", c.part(), lang, err)
			}
		}
	}
}

// filled gives every field of a component a value: every text the given one, every list two items.
func filled(p Part, text string) Part {
	v := reflect.New(reflect.TypeOf(p)).Elem()
	fill(v, text, 0)
	return v.Interface().(Part)
}

func fill(v reflect.Value, text string, depth int) {
	msg, part := reflect.TypeFor[Msg](), reflect.TypeFor[Part]()
	switch {
	case v.Type() == msg, v.Type() == part:
		v.Set(reflect.ValueOf(Text(text)))
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(testTime.AddDate(0, 0, 5)))
	case v.Type() == reflect.TypeFor[Status]():
		v.SetString(string(InForce))
	case v.Type() == reflect.TypeFor[Tone]():
		v.SetString(string(Warning))
	case v.Kind() == reflect.String:
		v.SetString(text)
	case v.Kind() == reflect.Int, v.Kind() == reflect.Int64:
		v.SetInt(12345)
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), text, depth+1)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() != reflect.Uint8:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), text, depth+1)
		fill(v.Index(1), text, depth+1)
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), text, depth+1)
		}
	}
}

// hostile are names as somebody may type them into a form.
var hostile = []string{
	`<svg/onload=alert(1)>`, `"><script>alert(1)</script>`, `' onmouseover='alert(1)`, `</textarea><img src=x onerror=alert(1)>`,
	`</title><script>`, `javascript:alert(1)`, `{{.Site}}`, "**bold** [link](javascript:alert(1)) `code`", "\u202eksa.exe\u202c",
	"a\x00b\x02c\x030", `&lt;b&gt;`, `<!--`, `]]>`, strings.Repeat("x", 5000),
}

func TestWhatPeopleTypeNeverBecomesMarkup(t *testing.T) {
	s := loaded(t)
	show := func(text string) map[string]int {
		p := fullPage(t, "en")
		p.Title, p.Caption, p.Section = Text(text), Marked{M("sample.sure-1", "Name", text)}, Text(text)
		p.Errors = []FieldError{{text, Text(text)}, {"", M("sample.sure-1", "Name", text)}}
		p.User.Name, p.Site.Foundation, p.Site.HelpEmail, p.Path = text, text, text, "/"+text
		var parts []Part
		for _, c := range components {
			parts = append(parts, filled(c, text))
		}
		p.Data = ComponentsPage{Sections: []SampleSection{{Title: Text(text), Parts: parts}}}
		var out bytes.Buffer
		if err := s.Render(&out, "components", p); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		root, err := html.Parse(&out)
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for n := range root.Descendants() {
			if n.Type == html.CommentNode {
				count["comment"]++
			}
			if n.Type != html.ElementNode || n.Data == "wbr" && len(n.Attr) == 0 {
				continue // where a line may break follows what was typed, and is nothing of it
			}
			count[n.Data]++
			for _, a := range n.Attr {
				if strings.HasPrefix(a.Key, "on") || a.Key == "href" && strings.HasPrefix(a.Val, "javascript:") {
					t.Errorf("%q became %s=%q", text, a.Key, a.Val)
				}
			}
		}
		return count
	}
	harmless := show("plain")
	for _, text := range hostile {
		if got := show(text); !maps.Equal(got, harmless) {
			t.Errorf("%.60q changed the elements of the page: got %v, want %v", text, got, harmless)
		}
	}
}
