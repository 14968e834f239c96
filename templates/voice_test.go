package templates

import (
	"testing"
	"time"
)

func TestMessagesAreSaidInTheLanguageAndZoneOfThePage(t *testing.T) {
	s := loaded(t)
	newYear := time.Date(2026, time.December, 31, 23, 0, 0, 0, time.UTC) // midnight in Amsterdam
	summer := time.Date(2026, time.July, 1, 15, 4, 5, 0, time.UTC)
	for _, c := range []struct {
		m      Msg
		en, nl string
	}{
		{Day(testTime), "22 November 2026", "22 november 2026"},
		{Day(newYear), "1 January 2027", "1 januari 2027"},
		{LastDay(newYear), "31 December 2026", "31 december 2026"},
		{Moment(testTime), "22 November 2026, 17:00, Amsterdam time (CET)", "22 november 2026, 17:00 uur, Nederlandse tijd (CET)"},
		{Moment(summer), "1 July 2026, 17:04, Amsterdam time (CEST)", "1 juli 2026, 17:04 uur, Nederlandse tijd (CEST)"},
		{Day{}, "–", "–"}, {Moment{}, "–", "–"}, {LastDay{}, "–", "–"}, {Left{}, "–", "–"},
		{Left(newYear), "39 days left", "nog 39 dagen"},
		{Left(testTime.Add(7*time.Hour + time.Minute)), "ends tomorrow", "eindigt morgen"},
		{Left(testTime.Add(7 * time.Hour)), "ends today", "eindigt vandaag"},
		{Left(testTime), "ended today", "vandaag geëindigd"},
		{Left(testTime.AddDate(0, 0, -1)), "ended yesterday", "gisteren geëindigd"},
		{Left(testTime.AddDate(0, 0, -8)), "ended 8 days ago", "8 dagen geleden geëindigd"},
		{Bytes(0), "0 bytes", "0 bytes"}, {Bytes(1), "1 byte", "1 byte"}, {Bytes(999), "999 bytes", "999 bytes"},
		{Bytes(1000), "1.00\u00a0kB", "1,00\u00a0kB"}, {Bytes(999_499), "999\u00a0kB", "999\u00a0kB"},
		{Bytes(999_999), "1.00\u00a0MB", "1,00\u00a0MB"}, {Bytes(12_345_678), "12.3\u00a0MB", "12,3\u00a0MB"},
		{Bytes(124_000_000_000), "124\u00a0GB", "124\u00a0GB"}, {Bytes(1 << 62), "4,612\u00a0PB", "4.612\u00a0PB"},
		{Number(1234567), "1,234,567", "1.234.567"},
		{M("sample.files-caption", "Count", 1), "One file", "Eén bestand"},
		{M("sample.files-caption", "Count", 10000), "10,000 files", "10.000 bestanden"},
		{M("sample.files-all", "Size", Bytes(124_000_000_000)), "Download everything as one archive (124\u00a0GB)",
			"Alles downloaden als één archief (124\u00a0GB)"},
		{InForce.Word(), "In force", "Van kracht"},
		{M("turn.waiting", "Who", Signed), "Waiting for Signed", "We wachten op Ondertekend"},
		{nil, "", ""},
	} {
		for lang, want := range map[string]string{"en": c.en, "nl": c.nl} {
			got, err := s.Voice(lang, amsterdam(t), testTime).Say(c.m)
			if err != nil || got != want {
				t.Errorf("%T %v in %s: got %q, %v; want %q", c.m, c.m, lang, got, err, want)
			}
		}
	}
}

func TestOtherZonesAreNamedAfterTheirCity(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	got, err := loaded(t).Voice("en", zone, testTime).Say(Moment(testTime))
	if want := "22 November 2026, 11:00, New York time (EST)"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestAMessageWithoutItsValuesIsAnError(t *testing.T) {
	v := loaded(t).Voice("en", nil, testTime)
	for name, m := range map[string]Msg{
		"no such key": M("no.such.key"), "no value": M("layout.version"), "no count": M("layout.errors"), "a bare time": M("layout.version",
			"Version", testTime), "half a pair": M("layout.version", "Version"), "no name": M("layout.version", 1, 2),
		"a struct": M("layout.version", "Version", struct{}{}),
	} {
		if got, err := v.Say(m); err == nil {
			t.Errorf("%s: said %q", name, got)
		}
	}
}

func TestMarkupInATextIsShownAndInAValueIsNot(t *testing.T) {
	s := loaded(t)
	v := s.words.voice("en", nil, testTime)
	for _, c := range []struct{ in, want string }{
		{"a **b** `c` <d>", "a <strong>b</strong> <code>c</code> &lt;d&gt;"},
		{"[see](/privacy?a=1&b=2)", `<a href="/privacy?a=1&amp;b=2">see</a>`},
		{"[x](javascript:alert)", `<a href="#">x</a>`}, {"[x](//evil.example)", `<a href="#">x</a>`}, {`[x](/\evil.example)`, `<a href="#">x</a>`},
		{"[x](http://plain.example)", `<a href="#">x</a>`}, {"[x](mailto:a@b.example)", `<a href="mailto:a@b.example">x</a>`},
	} {
		s.words.entries["en"]["sample.inset"].message.Other = c.in
		if err := s.words.index(); err != nil {
			t.Fatal(err)
		}
		got, err := Marked{M("sample.inset")}.html(&v)
		if err != nil || string(got) != c.want {
			t.Errorf("%q: got %q, %v; want %q", c.in, got, err, c.want)
		}
	}
	got, err := Marked{M("sample.sure-1", "Name", "**x** [y](https://z.example) \x020\x03 <b>")}.html(&v)
	want := "<strong>**x** [y](https://z.example) \x020\x03 &lt;b&gt;</strong> can no longer read anything from this moment on."
	if err != nil || string(got) != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestTheMeterShowsTheShareOfTheTermThatIsOver(t *testing.T) {
	from, until := testTime, testTime.AddDate(0, 0, 100)
	for days, want := range map[int]string{-5: "0.0", 0: "0.0", 25: "25.0", 100: "100.0", 300: "100.0"} {
		if got := passed(from, until, testTime.AddDate(0, 0, days)); got != want {
			t.Errorf("after %d of 100 days: got %s, want %s", days, got, want)
		}
	}
	if got := passed(until, from, testTime); got != "100" {
		t.Errorf("a term that ends before it starts: got %s, want 100", got)
	}
}
