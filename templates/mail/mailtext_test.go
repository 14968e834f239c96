package mailtext

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	ical "github.com/arran4/golang-ical"
	"golang.org/x/net/html"
)

const (
	base = "https://data.example.org"
	link = base + "/agreements/k3j4?from=mail&x=1"
)

func loaded(t *testing.T) *Composer {
	t.Helper()
	c, err := Load(nil, base, "Sluice", "Stichting Voorbeelddata")
	if err != nil {
		t.Fatalf("loading the mail texts: %v", err)
	}
	return c
}

func full() Data {
	return Data{Reader: "Seán O'Neil", Number: "DR-0042", Agreement: "DR-0042-A", Person: "Anna van 't Hof", Part: "signatory", Days: 30,
		When: time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC), By: time.Date(2027, 12, 31, 23, 0, 0, 0, time.UTC), Zone: "Europe/Amsterdam", Link: link}
}

var hostile = []string{"<script>alert(1)</script>", "A\r\nBcc: evil@evil.example\r\n\r\nbody", "Click https://evil.example/now", "evil.example", "www.evil.example",
	"//evil.example/x", "{{by}} {{", `"><a href="https://evil.example">`, "\u202eelpmaxe.live", "mailto:evil@evil.example", "=> Press here", "javascript:alert(1)",
	strings.Repeat("very long ", 100)}

func TestEveryMailComposesAndKeepsTheRules(t *testing.T) {
	c := loaded(t)
	year := regexp.MustCompile(`20(26|27)`)
	for _, kind := range Kinds() {
		for _, lang := range Languages() {
			t.Run(string(kind)+"/"+lang, func(t *testing.T) {
				m, err := c.Compose(kind, lang, full())
				if err != nil {
					t.Fatal(err)
				}
				if !strings.HasPrefix(m.Subject, "[DR-0042] ") {
					t.Errorf("subject %q does not begin with the number", m.Subject)
				}
				for what, body := range map[string]string{"text": m.Text, "HTML": m.HTML} {
					if !year.MatchString(body) || !strings.Contains(body, "Europe/Amsterdam") {
						t.Errorf("the %s holds no date with its zone:\n%s", what, body)
					}
				}
				onlyOurLinks(t, m)
				if got, want := htmlWords(t, m.HTML), textWords(m.Text); !slices.Equal(got, want) {
					t.Errorf("the HTML does not say what the text says:\ngot  %q\nwant %q", got, want)
				}
			})
		}
	}
}

func TestHostileNamesStayNames(t *testing.T) {
	c := loaded(t)
	for _, kind := range Kinds() {
		for _, lang := range Languages() {
			want := htmlShape(t, compose(t, c, kind, lang, full()).HTML)
			for _, name := range hostile {
				d := full()
				d.Reader, d.Person = name, name
				m := compose(t, c, kind, lang, d)
				onlyOurLinks(t, m)
				if strings.ContainsAny(m.Subject, "\r\n") {
					t.Errorf("%s: %q broke the subject: %q", kind, name, m.Subject)
				}
				if got := htmlShape(t, m.HTML); got != want {
					t.Errorf("%s in %s: %q changed the elements:\ngot  %s\nwant %s", kind, lang, name, got, want)
				}
				for line := range strings.SplitSeq(m.Text, "\n") {
					if strings.HasPrefix(line, "Bcc:") || strings.HasPrefix(line, "=>") {
						t.Errorf("%s: %q made a line of its own: %q", kind, name, line)
					}
				}
			}
		}
	}
}

func TestOrdinaryNamesAreLeftAlone(t *testing.T) {
	for _, name := range []string{"Seán O'Neil", "Anna van 't Hof", "J.R. Smith", "Dr. A. de Vries-Jansen", "Ελένη Παπαδοπούλου", "田中 花子"} {
		if got := spoken(name); got != name {
			t.Errorf("spoken(%q) = %q", name, got)
		}
	}
}

func TestAMailAboutAnAccountNamesTheService(t *testing.T) {
	c := loaded(t)
	for _, kind := range []Kind{Invitation, PasswordReset, NewDevice, FactorChanged, FactorLost, AccountEnrol, AccountEnrolAnew, FactorsVoid, NameChanged, AddressAdded, AccountDisabled, WorkParked, SecondPersonNeeded} {
		d := full()
		d.Number, d.Agreement = "", ""
		if m := compose(t, c, kind, "nl", d); !strings.HasPrefix(m.Subject, "[Sluice] ") {
			t.Errorf("%s: subject %q", kind, m.Subject)
		}
	}
}

func TestAMailWithAPartMissingIsRefused(t *testing.T) {
	c := loaded(t)
	for what, change := range map[string]func(*Data){
		"reader": func(d *Data) { d.Reader = "\n" }, "agreement": func(d *Data) { d.Agreement = "" }, "left": func(d *Data) { d.Days = 0 },
		"by": func(d *Data) { d.By = time.Time{} }, "time zone": func(d *Data) { d.Zone = "Local" }} {
		d := full()
		change(&d)
		if _, err := c.Compose(ReminderEnd, "en", d); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("without %s: %v", what, err)
		}
	}
	if _, err := c.Compose(ReminderEnd, "de", full()); err == nil {
		t.Error("a mail in German was composed")
	}
	if _, err := c.Compose(calendar, "en", full()); err == nil {
		t.Error("the calendar's text was composed as a mail")
	}
}

func TestOneDayLeftIsNotDays(t *testing.T) {
	c := loaded(t)
	d := full()
	d.Days = 1
	if m := compose(t, c, ReminderEnd, "en", d); m.Subject != "[DR-0042] Access ends in 1 day" {
		t.Errorf("subject %q", m.Subject)
	}
	if m := compose(t, c, ReminderEnd, "nl", full()); m.Subject != "[DR-0042] De toegang eindigt over 30 dagen" {
		t.Errorf("subject %q", m.Subject)
	}
}

func TestALinkToElsewhereIsRefused(t *testing.T) {
	c, err := Load(nil, base+"/portal/", "Sluice", "Stichting Voorbeelddata")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "/agreements/1", "https://evil.example/portal/x", "http://data.example.org/portal/x", base + ".evil.example/portal/x",
		"https://data.example.org@evil.example/portal/x", "https://u:p@data.example.org/portal/x", base + "/portalx", base + "/portal/../x", base + "/portal/a b",
		base + "/portal/\"onload", base + "/portal/x\r\nBcc: y", "javascript:alert(1)", base + ":8443/portal/x"} {
		d := full()
		d.Link = bad
		if _, err := c.Compose(DataReady, "en", d); err == nil {
			t.Errorf("a mail with link %q was composed", bad)
		}
	}
	d := full()
	d.Link = base + "/portal/agreements/k3j4#files"
	compose(t, c, DataReady, "en", d)
}

func TestBothLanguagesNameTheSameValues(t *testing.T) {
	c := loaded(t)
	for _, kind := range append(Kinds(), calendar, closing) {
		en, nl := used(c.texts[fileOf(kind, "en")]), used(c.texts[fileOf(kind, "nl")])
		if !slices.Equal(en, nl) {
			t.Errorf("%s: English names %v, Dutch %v", kind, en, nl)
		}
	}
	mark := map[string]string{"en": "# Model text: let your counsel replace it.", "nl": "# Modeltekst: laat uw jurist deze vervangen."}
	for _, kind := range append(Kinds(), calendar, closing) {
		for _, lang := range Languages() {
			if b, err := files.ReadFile(fileOf(kind, lang)); err != nil || !strings.HasPrefix(string(b), mark[lang]) {
				t.Errorf("%s is not marked as a model text (%v)", fileOf(kind, lang), err)
			}
			if m := compose(t, c, AccessEnded, lang, full()); strings.Contains(m.Text+m.HTML, mark[lang][2:]) {
				t.Errorf("the mark is sent in %s", lang)
			}
		}
	}
	entries, err := files.ReadDir(".")
	if want := 2 * (len(Kinds()) + 2); err != nil || len(entries) != want {
		t.Errorf("there are %d files (%v), want %d", len(entries), err, want)
	}
}

func TestLoadRefusesATextThatBreaksTheRules(t *testing.T) {
	good, err := files.ReadFile("data-ready.en.txt")
	if err != nil {
		t.Fatal(err)
	}
	change := func(old, new string) string { return strings.Replace(string(good), old, new, 1) }
	for what, c := range map[string]struct{ body, want string }{
		"no subject":          {change("Subject:", "Sub:"), "first line"},
		"a name in subject":   {change("ready to download", "ready, {{person}}"), "unknown placeholder"},
		"no number":           {change("[{{ref}}] ", ""), "first line"},
		"two actions":         {string(good) + "\n=> And this\n", "one action"},
		"no action":           {change("=> ", ""), "one action"},
		"another address":     {change("Dear", "See https://evil.example. Dear"), "address"},
		"unknown placeholder": {change("{{agreement}}", "{{file}}"), "{{file}}"},
		"no reason":           {change("Why you get this: ", ""), "Why you get this"},
		"no consequence":      {change("If you do nothing: ", ""), "If you do nothing"},
	} {
		if _, err := Load(fstest.MapFS{"data-ready.en.txt": {Data: []byte(c.body)}}, base, "S", "F"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want it to say %q", what, err, c.want)
		}
	}
	if _, err := Load(fstest.MapFS{"data-redy.en.txt": {Data: good}}, base, "S", "F"); err == nil || !strings.Contains(err.Error(), "replaces none") {
		t.Errorf("a file that is never read: %v", err)
	}
	if c, err := Load(fstest.MapFS{"data-ready.en.txt": {Data: []byte(change("Data ready", "Your data are ready"))}}, base, "S", "F"); err != nil {
		t.Error(err)
	} else if m := compose(t, c, DataReady, "en", full()); m.Subject != "[DR-0042] Your data are ready to download" {
		t.Errorf("the replaced text is not used: %q", m.Subject)
	}
	for _, bad := range []string{"", "data.example.org", "ftp://data.example.org", "https://"} {
		if _, err := Load(nil, bad, "S", "F"); err == nil {
			t.Errorf("base address %q was accepted", bad)
		}
	}
}

func TestTheCalendarEntryIsTheLastDayAndKeepsItsIdentity(t *testing.T) {
	c := loaded(t)
	e := TermEnd{ID: "k3j4", Number: "DR-0042", Agreement: "DR-0042-A", Lang: "nl", Until: full().By, Zone: "Europe/Amsterdam", Link: link, At: full().When}
	first := entry(t, c, e)
	if again := entry(t, c, e); !bytes.Equal(first, again) {
		t.Error("the same entry has other bytes the second time")
	}
	e.Sequence, e.Until = 1, e.Until.AddDate(1, 0, 0)
	moved := entry(t, c, e)
	e.Sequence, e.Cancelled = 2, true
	cancelled := entry(t, c, e)
	for what, c := range map[string]struct {
		ics  []byte
		want []string
		not  string
	}{
		"first": {first, []string{"METHOD:PUBLISH", "UID:term-k3j4@data.example.org", "SEQUENCE:0", "DTSTART;VALUE=DATE:20271231", "DTEND;VALUE=DATE:20280101",
			"DTSTAMP:20261120T093000Z", "TRIGGER:-P30D", "TRIGGER:-P7D", "[DR-0042]"}, "CANCEL"},
		"moved":     {moved, []string{"METHOD:PUBLISH", "UID:term-k3j4@data.example.org", "SEQUENCE:1", "DTSTART;VALUE=DATE:20281231"}, "CANCEL"},
		"cancelled": {cancelled, []string{"METHOD:CANCEL", "UID:term-k3j4@data.example.org", "SEQUENCE:2", "STATUS:CANCELLED"}, "TRIGGER"},
	} {
		for _, want := range c.want {
			if !strings.Contains(string(c.ics), want) {
				t.Errorf("%s lacks %s:\n%s", what, want, c.ics)
			}
		}
		if strings.Contains(string(c.ics), c.not) {
			t.Errorf("%s holds %s", what, c.not)
		}
		if bytes.Count(c.ics, []byte("\n")) != bytes.Count(c.ics, []byte("\r\n")) {
			t.Errorf("%s has lines that do not end in CR LF", what)
		}
		read, err := ical.ParseCalendar(bytes.NewReader(c.ics))
		if err != nil || len(read.Events()) != 1 {
			t.Fatalf("%s does not read back: %v", what, err)
		}
		if u := read.Events()[0].GetProperty(ical.ComponentPropertyUrl); u == nil || u.Value != link {
			t.Errorf("%s: the link reads back as %v", what, u)
		}
	}
	e.ID = "a\r\nATTENDEE:x"
	if _, err := c.Calendar(e); err == nil {
		t.Error("an id with a line end was accepted")
	}
}

func entry(t *testing.T, c *Composer, e TermEnd) []byte {
	t.Helper()
	b, err := c.Calendar(e)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func compose(t *testing.T, c *Composer, kind Kind, lang string, d Data) Parts {
	t.Helper()
	m, err := c.Compose(kind, lang, d)
	if err != nil {
		t.Fatalf("%s in %s: %v", kind, lang, err)
	}
	return m
}

// onlyOurLinks checks that nothing in the mail is an address but the one link, written out or as a mail programme would
// find it.
func onlyOurLinks(t *testing.T, m Parts) {
	t.Helper()
	if n := strings.Count(m.Text, link); n != 1 {
		t.Errorf("the text holds the link %d times, want once:\n%s", n, m.Text)
	}
	looksLike := regexp.MustCompile(`(?i)[a-z][a-z0-9+.-]*://\S*|www\.\S|[\pL\pN-]+\.[\pL]{2,}\b|\S@\S|javascript:\S|mailto:\S`)
	rest := strings.ReplaceAll(m.Text, link, "")
	if found := looksLike.FindString(rest); found != "" {
		t.Errorf("the text holds what looks like an address, %q:\n%s", found, m.Text)
	}
	walk(t, m.HTML, func(n *html.Node) {
		for _, a := range n.Attr {
			if (a.Key == "href" || a.Key == "src" || a.Key == "action") && (n.Data != "a" || a.Val != link) {
				t.Errorf("the HTML has %s %s=%q", n.Data, a.Key, a.Val)
			}
		}
		if n.Type == html.ElementNode && slices.Contains([]string{"img", "script", "link", "iframe", "form", "style"}, n.Data) {
			t.Errorf("the HTML has a %s", n.Data)
		}
	})
}

// textWords are the words of the plain text without the marks that only it has.
func textWords(s string) []string {
	return strings.Fields(strings.ReplaceAll(strings.ReplaceAll(s, ":\n"+link, "\n"+link), "\n-- \n", "\n"))
}

func htmlWords(t *testing.T, s string) []string {
	var b strings.Builder
	walk(t, s, func(n *html.Node) {
		if n.Type == html.TextNode && n.Parent.Data != "title" {
			b.WriteString(n.Data + " ")
		}
	})
	return strings.Fields(b.String())
}

func htmlShape(t *testing.T, s string) string {
	var b strings.Builder
	walk(t, s, func(n *html.Node) {
		if n.Type == html.ElementNode {
			b.WriteString(n.Data + " ")
		}
	})
	return b.String()
}

func walk(t *testing.T, s string, visit func(*html.Node)) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		visit(n)
	}
}

func used(t text) []string {
	var names []string
	add := func(kind string, name string) {
		if name != "" {
			names = append(names, kind+name)
		}
	}
	for _, p := range t.subject {
		add("subject ", p.Name)
	}
	for _, paragraph := range t.paragraphs {
		for _, p := range paragraph.parts {
			add("", p.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
