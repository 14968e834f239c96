package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"golang.org/x/net/html"
)

// InChromium has everybody who comes to the site from now on come with Chromium, each with a window of his own. With
// scripts every page that is built differently is held to what everybody needs of it; without them it has to work.
func (s *Site) InChromium(scripts bool) *Site {
	s.t.Helper()
	chrome := browser(s.t)
	var looks *inspection
	if scripts {
		looks = newInspection(s.t)
		s.t.Cleanup(func() {
			s.t.Logf("%d kinds of pages; %d looks of axe took %v", len(looks.kinds), looks.checks, looks.checked.Round(time.Second))
		})
	}
	s.window = func(p *Person) window {
		w := &chromium{tab: newTab(s.t, chrome), who: p, looks: looks}
		w.doing = p.Name + " coming to the site"
		call(w.tab, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts})
		return w
	}
	return s
}

// A chromium is the window of somebody who comes with Chromium. It fills in forms as a person does, by clicking and typing,
// and no field that nobody could.
type chromium struct {
	*tab
	who   *Person
	looks *inspection // nil when scripts are off
}

func (w *chromium) get(path string) {
	w.t.Helper()
	w.doing = w.who.Name + " opening " + path
	w.do(chromedp.Navigate(w.who.site.address(path)))
	w.arrive()
}

// arrive reads the page that has come, and looks at it.
func (w *chromium) arrive() {
	w.t.Helper()
	type page struct {
		HTML, Path, Type string
		Status           int
		Sight            sight
		Scripted         []bool // of each button that the script of the page brings out
	}
	p := eval[page](w.tab, `({HTML: '<!DOCTYPE html>' + document.documentElement.outerHTML, Path: location.pathname + location.search, Type: document.contentType,
		Status: performance.getEntriesByType('navigation')[0].responseStatus, Sight: `+seen+`, Scripted: [...document.querySelectorAll('[data-reveal]')].map(e => !e.hidden)})`)
	where := fmt.Sprintf("%s at %s (%d)", w.who.Name, p.Path, p.Status)
	w.who.Show(p.Status, http.Header{"Content-Type": {p.Type}}, p.Path, p.HTML)
	if said := w.complained(); len(said) > 0 {
		w.t.Errorf("%s: the browser complains: %q", where, said)
	}
	if scripts := w.looks != nil; slices.Contains(p.Scripted, !scripts) {
		w.t.Errorf("%s: the script of the page ran: %v, want %v", where, !scripts, scripts)
	}
	if w.looks != nil {
		w.looks.look(w.tab, where, p.Path, p.Sight, false)
		w.complained() // of what axe does
	}
}

// send fills in a form and presses its button.
func (w *chromium) send(form *html.Node, button string, pairs ...string) {
	w.t.Helper()
	w.doing = fmt.Sprintf("%s at %s, pressing %q", w.who.Name, w.who.Path, button)
	it := fmt.Sprintf("document.forms[%d]", w.number(form))
	values := map[string][]string{}
	var names []string
	for i := 0; i+1 < len(pairs); i += 2 {
		if values[pairs[i]] == nil {
			names = append(names, pairs[i])
		}
		values[pairs[i]] = append(values[pairs[i]], pairs[i+1])
	}
	for _, name := range names {
		w.fillIn(it, name, values[name])
	}
	if wrong := eval[[]string](w.tab, it+`.noValidate ? [] : [...`+it+`.elements].filter(e => !e.checkValidity()).map(e => e.name + ': ' + e.validationMessage)`); len(wrong) > 0 {
		w.t.Fatalf("%s: the browser does not send it: %q", w.doing, wrong)
	}
	at := w.point(fmt.Sprintf(`[...%s.elements].find(e => e.matches('button:not([type=button])'))`, it))
	w.follow(chromedp.MouseClickXY(at.X, at.Y))
	w.arrive()
}

// number is the place of a form among all of the page.
func (w *chromium) number(form *html.Node) int {
	n := 0
	for node := range w.who.Root().Descendants() {
		if node == form {
			break
		}
		if node.Type == html.ElementNode && node.Data == "form" {
			n++
		}
	}
	return n
}

// A point is the middle of something to click on.
type point struct {
	X, Y  float64
	Fault string
}

// point brings something into sight. It fails when another thing lies over it.
func (w *chromium) point(script string) point {
	w.t.Helper()
	p := eval[point](w.tab, `(e => {
		if (!e) return {Fault: 'is not there'};
		const labels = [...(e.labels || [])];
		const target = e.getBoundingClientRect().width > 4 ? e : labels[0] || e;
		target.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = target.getBoundingClientRect(), X = r.left + r.width / 2, Y = r.top + r.height / 2;
		const top = document.elementFromPoint(X, Y);
		const hit = top && [e, ...labels].some(x => x === top || x.contains(top));
		return {X, Y, Fault: !e.checkVisibility() ? 'is hidden' : e.disabled ? 'is disabled' : hit ? '' : 'lies under ' + top?.outerHTML.slice(0, 200)};
	})(`+script+`)`)
	if p.Fault != "" {
		w.t.Fatalf("%s: %s %s", w.doing, script, p.Fault)
	}
	return p
}

// fillIn gives a field its value, or a group of boxes its values.
func (w *chromium) fillIn(form, name string, values []string) {
	w.t.Helper()
	all := fmt.Sprintf(`[...%s.elements].filter(e => e.name === %q && e.type !== 'hidden')`, form, name)
	switch kind := eval[string](w.tab, all+`[0]?.type || ''`); kind {
	case "":
		w.t.Fatalf("%s: the form has no field %q to fill in", w.doing, name)
	case "checkbox", "radio":
		for i, value := range eval[[]string](w.tab, all+`.map(e => e.value)`) {
			box := fmt.Sprintf("%s[%d]", all, i)
			if want := slices.Contains(values, value); want != eval[bool](w.tab, box+`.checked`) && (want || kind == "checkbox") {
				at := w.point(box)
				w.do(chromedp.MouseClickXY(at.X, at.Y))
			}
		}
	case "select-one":
		w.point(all + "[0]")
		w.do(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{ const e = %s[0]; e.value = %q; e.dispatchEvent(new Event('change', {bubbles: true})) }`, all, values[0])))
	default:
		at := w.point(all + "[0]")
		w.do(chromedp.MouseClickXY(at.X, at.Y))
		w.do(chromedp.Evaluate[chromedp.Void](all + `[0].select()`))
		call(w.tab, input.InsertText, input.InsertTextParams{Text: values[0]})
	}
	got := eval[[]string](w.tab, all+`.filter(e => e.checked || !['checkbox', 'radio'].includes(e.type)).map(e => e.value)`)
	want := slices.Clone(values)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		w.t.Fatalf("%s: %q holds %q after %q was filled in", w.doing, name, got, want)
	}
}

// save clicks on a link, and returns what the browser saved.
func (w *chromium) save(path string) []byte {
	w.t.Helper()
	w.doing = fmt.Sprintf("%s at %s, saving %s", w.who.Name, w.who.Path, path)
	return w.saved(fmt.Sprintf(`[...document.querySelectorAll('main a')].find(a => a.getAttribute('href') === %q)`, path))
}

// saved clicks on the link that the script finds, and returns what the browser saved.
func (b *tab) saved(link string) []byte {
	b.t.Helper()
	dir := b.t.TempDir()
	on := true
	call(b, cdpbrowser.SetDownloadBehavior, cdpbrowser.SetDownloadBehaviorParams{Behavior: "allowAndName", DownloadPath: dir, EventsEnabled: &on,
		BrowserContextID: chromedp.FromContext(b.ctx).BrowserContextID})
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	ended := func(e cdpbrowser.EventDownloadProgress) bool { return e.State != "inProgress" }
	end, err := chromedp.Run(ctx, chromedp.WaitEvent(cdpbrowser.DownloadProgress, ended, chromedp.Evaluate[bool](`(a => { a.click(); return true })(`+link+`)`)))
	if err != nil || end.State != "completed" {
		b.t.Fatalf("%s: the browser saved nothing: %s, %v", b.doing, end.State, err)
	}
	data, err := os.ReadFile(filepath.Join(dir, end.GUID))
	if err != nil {
		b.t.Fatal(err)
	}
	return data
}

func (w *chromium) cookie(name string) string {
	w.t.Helper()
	for _, c := range call(w.tab, network.GetCookies, network.GetCookiesParams{}).Cookies {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

var _ window = (*chromium)(nil)
