package e2e

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// screenshots names the folder into which a crawl writes a picture of each page, for people to look at.
const screenshots = "SCREENSHOTS"

// A crawl follows every link that the people of the demo have, and looks at each page once.
type crawl struct {
	*inspection
	base string

	visited sync.Mutex
	visits  map[string]int // how many pages of each kind were opened
	pages   int
}

// A demoPerson is a line of the demo's first page.
type demoPerson struct{ ID, Name string }

// demoPeople reads the people from that page.
const demoPeople = `[...document.querySelectorAll('form:has(input[name=person])')].map(f => ({ID: f.person.value, Name: f.closest('tr').querySelector('td, th').innerText.split('\n')[0]}))`

func TestEveryPageIsForEverybody(t *testing.T) {
	t.Parallel()
	base := startDemo(t, shipped)
	chrome := browser(t)
	c := &crawl{inspection: newInspection(t), base: base, visits: map[string]int{}}
	c.most = mostOfKind

	first := newTab(t, chrome)
	first.open(base + "/demo")
	people := eval[[]demoPerson](first, demoPeople)
	if len(people) < 5 {
		t.Fatalf("the demo has the people %v, want everybody", people)
	}
	for _, dot := range []string{".step", ".time-line-event"} { // drawn by the style sheet alone, also where it may choose no colours
		first.open(base + "/demo/design")
		first.media("forced-colors", "active")
		if got := eval[string](first, fmt.Sprintf(`getComputedStyle(document.querySelector(%q), '::before').forcedColorAdjust`, dot)); got != "none" {
			t.Errorf("with forced colours %s is drawn with forced-color-adjust %q, want none", dot, got)
		}
	}
	first.scheme("light")
	work := make(chan func(*tab))
	var done sync.WaitGroup
	for range 2 {
		done.Go(func() {
			for look := range work {
				look(newTab(t, chrome))
			}
		})
	}
	for _, lang := range []string{"en", "nl"} {
		work <- func(b *tab) { c.visit(b, lang, nil) }
		for _, p := range people {
			work <- func(b *tab) { c.visit(b, lang, &p) }
		}
	}
	close(work)
	done.Wait()
	if c.pages < 100 {
		t.Errorf("the crawl found %d pages, want those of everybody", c.pages)
	}
	t.Logf("%d pages, of %d kinds; %d looks of axe took %v", c.pages, len(c.kinds), c.checks, c.checked.Round(time.Second))
}

// visit looks at all pages of one person, or of somebody who is not signed in.
func (c *crawl) visit(b *tab, lang string, p *demoPerson) {
	who := "nobody"
	b.open(c.base + "/demo?lang=" + lang)
	queue := []string{"/sign-in", "/demo", "/demo/mail", "/demo/design", "/reset", "/reset/sent", "/lost-factor", "/accessibility", "/privacy", "/no/such/page"}
	if p != nil {
		who = p.Name
		b.submit(fmt.Sprintf("document.querySelector('input[name=person][value=%q]').form", p.ID))
		if status := b.status(); status != 200 {
			c.t.Errorf("%s cannot sign in to the demo: %d", who, status)
			return
		}
		queue = []string{"/", "/account/factor", "/sign-in/lost", "/agreements/none", "/requests/none", "/deliveries/none"}
	}
	seen, here := map[string]bool{}, map[string]int{}
	for _, to := range queue {
		seen[to] = true
	}
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		shape, kind := shapeOf(path), lang+kindOf(path)
		here[shape]++
		if here[kind]++; here[shape] > 2 || here[kind] > 1 && c.opened(kind) >= mostOpened[lang] {
			continue // one more letter is not another page
		}
		look := c.look
		if lang != "en" && c.opened(kind) >= mostOpened[lang] {
			look = c.skim
		}
		for _, to := range look(b, lang, who, path) {
			if !seen[to] {
				seen[to] = true
				queue = append(queue, to)
			}
		}
	}
}

// mostOfKind is how many pages of a kind are checked in each language: in English all that are built differently, in Dutch
// the words.
var mostOfKind = map[string]int{"en": 1000, "nl": 1}

// mostOpened is how many pages of a kind are opened in each language. Of every kind each person reads one all the same, for
// where it leads.
var mostOpened = map[string]int{"en": 1000, "nl": 2}

func (c *crawl) opened(kind string) int {
	c.visited.Lock()
	defer c.visited.Unlock()
	return c.visits[kind]
}

// skim reads a page without showing it, and returns the paths that it leads to.
func (c *crawl) skim(b *tab, lang, who, path string) []string {
	type seen struct {
		Status     int
		Lang, Body string
		Links      []string
	}
	page := eval[seen](b, fmt.Sprintf(`fetch(%q).then(async r => {
		const d = new DOMParser().parseFromString(await r.text(), 'text/html');
		return {Status: r.status, Lang: d.documentElement.lang, Body: d.body.textContent,
			Links: [...d.querySelectorAll('a[href]')].filter(a => !a.hasAttribute('download')).map(a => new URL(a.getAttribute('href'), r.url).href)};
	})`, path))
	if page.Status >= 500 || page.Lang != lang || strings.Contains(page.Body, "%!") || strings.Contains(page.Body, "<no value>") {
		c.t.Errorf("%s (%s, %s): status %d, language %q:\n%.300s", path, who, lang, page.Status, page.Lang, page.Body)
	}
	b.complained() // of a status, which is looked at here
	return c.paths(page.Links)
}

// look opens a page, checks what was not checked before, and returns the paths that it leads to.
func (c *crawl) look(b *tab, lang, who, path string) []string {
	where := fmt.Sprintf("%s (%s, %s)", path, who, lang)
	status := b.open(c.base + path)
	type whole struct {
		Sight sight
		Body  string
		Links []string
		Codes int
	}
	page := eval[whole](b, `({Sight: `+seen+`, Body: document.body.innerText,
		Links: [...document.querySelectorAll('a[href]')].filter(a => !a.hasAttribute('download')).map(a => a.href),
		Codes: [...document.querySelectorAll('main form[method=post]')].filter(f => f.querySelector('[name=code]')).length})`)
	if status >= 500 || page.Sight.Lang != lang || strings.Contains(page.Body, "%!") || strings.Contains(page.Body, "<no value>") {
		c.t.Errorf("%s: status %d, language %q:\n%.300s", where, status, page.Sight.Lang, page.Body)
	}
	if said := b.complained(); len(said) > 0 {
		c.t.Errorf("%s: the browser complains: %q", where, said)
	}
	c.visited.Lock()
	c.pages++
	c.visits[lang+kindOf(path)]++
	c.visited.Unlock()
	checked, first := c.inspection.look(b, where, path, page.Sight, lang == "en")
	if checked {
		c.picture(b, lang, who, path)
	}
	if first && page.Codes > 0 && !strings.HasPrefix(path, "/demo") {
		c.refused(b, where, lang)
	}
	return c.paths(page.Links)
}

// refused sends a form without its code, which changes nothing, and looks at what comes back.
func (c *crawl) refused(b *tab, where, lang string) {
	b.submit(`[...document.querySelectorAll('main form[method=post]')].find(f => f.querySelector('[name=code]'))`)
	focused := eval[bool](b, `!!document.activeElement?.matches('.error-summary, [data-focus]')`)
	if status := b.status(); status != 422 || !focused {
		c.t.Errorf("%s: without a code the form gets %d, and the summary of errors has the focus: %v; want 422 and true", where, status, focused)
	}
	c.axe(b, where+", with errors")
	b.complained()
	c.picture(b, lang, "errors", strings.Fields(where)[0])
}

// paths are those links that lead to other pages of the site.
func (c *crawl) paths(links []string) (all []string) {
	for _, to := range links {
		u, err := url.Parse(to)
		if err != nil || !strings.HasPrefix(to, c.base) || u.Query().Has("lang") || strings.HasPrefix(u.Path, "/invitation/") {
			continue
		}
		last := u.Path[strings.LastIndex(u.Path, "/")+1:]
		if strings.HasSuffix(last, ".pdf") || strings.HasSuffix(last, ".ics") || strings.Contains(u.Path, "/files/") || last == "archive" || u.Path == "/session" ||
			strings.HasPrefix(u.Path, "/.well-known/") {
			continue
		}
		u.Fragment = ""
		if path := u.RequestURI(); !slices.Contains(all, path) {
			all = append(all, path)
		}
	}
	return all
}

// picture keeps a picture of the page at two widths, when a folder is named for them.
func (c *crawl) picture(b *tab, lang, who, path string) {
	folder := os.Getenv(screenshots)
	if folder == "" {
		return
	}
	name := strings.NewReplacer("/", "_", "?", "-", "&", "-", "=", "-").Replace(strings.Trim(path, "/"))
	for _, width := range []int64{1280, 320} {
		b.width(width)
		png, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
		if err != nil {
			c.t.Fatal(err)
		}
		file := filepath.Join(folder, fmt.Sprintf("%s-%s-%s-%d.png", lang, strings.Fields(who)[0], name, width))
		if err := os.WriteFile(file, png, 0o600); err != nil {
			c.t.Fatal(err)
		}
	}
	b.width(1280)
}

// submit sends the form that the script names, past the browser's own checks, and waits for the answer.
func (b *tab) submit(form string) {
	b.t.Helper()
	b.doing = "sending " + form
	b.follow(chromedp.Evaluate[chromedp.Void](`{ const f = ` + form + `; f.noValidate = true; f.querySelector('button:not([type=button])').click() }`))
}

// startDemo starts the demo and returns its address.
func startDemo(t testing.TB, program Program) string {
	t.Helper()
	p := program.Start(t, "Sluice demo: open http", "demo", "--listen", "127.0.0.1:0")
	_, rest, _ := strings.Cut(p.Said(), "Sluice demo: open ")
	return strings.Fields(rest)[0]
}
