package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// fill types into fields by their names, and ticks boxes.
func (b *tab) fill(pairs ...string) {
	b.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		b.do(chromedp.Click(`main [name="` + pairs[i] + `"]`))
		if pairs[i+1] != "✓" {
			call(b, input.InsertText, input.InsertTextParams{Text: pairs[i+1]})
		}
	}
}

// press clicks what the selector names, and waits for the page that follows.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.doing = "pressing " + selector
	b.follow(chromedp.Click(selector))
}

func (b *tab) text(selector string) string {
	b.t.Helper()
	text, err := chromedp.Run(b.ctx, chromedp.TextContent(selector))
	if err != nil {
		b.t.Fatalf("reading %s: %v", selector, err)
	}
	return strings.TrimSpace(text)
}

func (b *tab) path() string {
	b.t.Helper()
	to, err := chromedp.Run(b.ctx, chromedp.Location())
	if err != nil {
		b.t.Fatal(err)
	}
	_, path, _ := strings.Cut(strings.TrimPrefix(to, "http://"), "/")
	return "/" + path
}

// Many a hospital switches scripts off. What somebody came for works all the same.
func TestWithScriptsSwitchedOff(t *testing.T) {
	t.Parallel()
	base := startDemo(t, shipped)
	chrome := browser(t)

	plain := func(t *testing.T) *tab {
		b := newTab(t, chrome)
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return b
	}
	t.Run("somebody signs in and out", func(t *testing.T) {
		b := plain(t)
		b.open(base + "/sign-in?lang=en")
		b.fill("email", "lena.vogel@musterstadt.example", "password", "gracht viool zeven lantaarn")
		b.press(theButton)
		b.fill("code", b.shownCode())
		b.press(theButton)
		if got := b.text("h1"); b.path() != "/" || got != "What waits for you" {
			t.Fatalf("signing in leads to %s, %q", b.path(), got)
		}
		b.press(`form[action="/sign-out"] button`)
		if b.path() != "/sign-in" {
			t.Errorf("signing out leads to %s", b.path())
		}
	})
	t.Run("the foundation signs an agreement", func(t *testing.T) {
		b := plain(t)
		b.be(base, "Willem Smit")
		b.open(base + "/agreements/DR-0005-A/sign")
		b.fill("name", "Willem Smit", "authority", "✓", "code", b.shownCode())
		b.press(theButton)
		if b.path() != "/agreements/DR-0005-A/signed" {
			t.Fatalf("signing leads to %s: %s", b.path(), b.text("main"))
		}
	})
	t.Run("a mistake keeps what was typed", func(t *testing.T) {
		b := plain(t)
		b.be(base, "Karl Brandt")
		b.open(base + "/agreements/DR-0002-A/contacts/add")
		b.fill("name", "Emma Fischer")
		b.press(theButton)
		if status, name := b.status(), eval[string](b, `document.querySelector('[name=name]').value`); status != 422 || name != "Emma Fischer" {
			t.Errorf("an unfinished form: got %d with the name %q, want 422 and what was typed", status, name)
		}
	})
	t.Run("a contact downloads", func(t *testing.T) {
		b := plain(t)
		b.be(base, "Mia Schulz")
		b.open(base + "/deliveries")
		delivery := eval[string](b, `[...document.querySelectorAll('main table a')].find(a => a.textContent.includes('DR-0002-A-1')).href`)
		b.open(delivery)
		b.wantDownload(t, `main a[href*="/files/"]:not([href$=manifest\.json]):not([href$=SHA256SUMS])`)
	})
}

// theButton is the first of the form in the main part.
const theButton = "main form button:not([type=button])"

// be signs in as somebody of the demo.
func (b *tab) be(base, name string) {
	b.t.Helper()
	b.open(base + "/demo?lang=en")
	for _, p := range eval[[]demoPerson](b, demoPeople) {
		if p.Name == name {
			b.press(`form:has(input[value="` + p.ID + `"]) button`)
			return
		}
	}
	b.t.Fatalf("the demo has nobody called %s", name)
}

// shownCode is the code that the demo shows beside the field for it.
func (b *tab) shownCode() string {
	b.t.Helper()
	return eval[string](b, `(document.querySelector('main').innerText.match(/\b\d{3} ?\d{3}\b/) || [''])[0]`)
}

// wantDownload clicks a link to a file, and compares what the browser saved with the hash beside it.
func (b *tab) wantDownload(t *testing.T, link string) {
	t.Helper()
	hash := eval[string](b, `document.querySelector('`+strings.ReplaceAll(link, `\`, `\\`)+`').closest('tr').textContent.match(/[0-9a-f]{64}/)[0]`)
	sum := sha256.Sum256(b.saved("document.querySelector('" + strings.ReplaceAll(link, `\`, `\\`) + "')"))
	if got := hex.EncodeToString(sum[:]); got != hash {
		t.Errorf("the browser saved what has the hash %s, want %s", got, hash)
	}
}
