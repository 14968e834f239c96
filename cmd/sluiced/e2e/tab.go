package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"sluice/infra/servers"
)

// A tab is one page of Chromium. It notes everything that the browser complains about.
type tab struct {
	t   testing.TB
	ctx context.Context
	axe string

	mu         sync.Mutex
	complaints []string
}

// browser starts Chromium.
func browser(t testing.TB) context.Context {
	t.Helper()
	options := append([]chromedp.ExecAllocatorOption{}, chromedp.DefaultExecAllocatorOptions[:]...)
	for name, value := range servers.ChromiumFlags() {
		options = append(options, chromedp.Flag(name, value))
	}
	options = append(options, chromedp.ExecPath(servers.Chromium(t)), chromedp.WSURLReadTimeout(time.Minute))
	ctx, cancel := chromedp.NewExecAllocator(context.WithoutCancel(t.Context()), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("starting Chromium: %v", err)
	}
	return ctx
}

// newTab opens a page with cookies of its own.
func newTab(t testing.TB, browser context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	b.width(1280)
	b.scheme("light")
	return b
}

func (b *tab) listen(event any) {
	said := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		said = fmt.Sprintf("exception: %s %+v", e.ExceptionDetails.Text, e.ExceptionDetails.Exception)
	case *runtime.EventConsoleAPICalled:
		if e.Type == "error" || e.Type == "warning" {
			said = fmt.Sprintf("console: %+v", e.Args)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Source == "network" && strings.Contains(e.Entry.Text, "the server responded with a status of") {
			return // what the page itself answers is looked at apart
		}
		if e.Entry.Level == "error" || e.Entry.Level == "warning" {
			said = e.Entry.Text + " " + e.Entry.URL
		}
	}
	if said != "" {
		b.mu.Lock()
		b.complaints = append(b.complaints, said)
		b.mu.Unlock()
	}
}

func (b *tab) complained() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	said := b.complaints
	b.complaints = nil
	return said
}

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("the browser: %v", err)
	}
	return result
}

// open opens a page and returns its status.
func (b *tab) open(address string) int {
	b.t.Helper()
	b.do(chromedp.Navigate(address))
	return b.status()
}

func (b *tab) status() int {
	b.t.Helper()
	return eval[int](b, `performance.getEntriesByType('navigation')[0].responseStatus`)
}

func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 60*time.Second)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%.100s: %v", script, err)
	}
	return value
}

// submit sends the form that the script names, past the browser's own checks, and waits for the answer.
func (b *tab) submit(form string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	_, err := chromedp.RunResponse(ctx, chromedp.Evaluate[chromedp.Void](`{ const f = `+form+`; f.noValidate = true; f.querySelector('button:not([type=button])').click() }`))
	if err != nil {
		b.t.Fatalf("sending %s: %v", form, err)
	}
}

// wcag are the rules that every page keeps.
const wcag = `{runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}, resultTypes: ['violations']}`

// violations are the rules of accessibility that the page breaks.
func (b *tab) violations() []string {
	b.t.Helper()
	if b.axe == "" {
		b.axe = servers.Axe(b.t)
	}
	if !eval[bool](b, `!!window.axe`) {
		eval[int](b, b.axe+`; 0`)
	}
	return eval[[]string](b, `axe.run(document, `+wcag+`).then(r => r.violations.map(v => v.id + ': ' + v.help + ' at ' +
		v.nodes.slice(0, 3).map(n => n.target.join(' ') + ' ' + n.html.slice(0, 150)).join(' | ')))`)
}

func (b *tab) width(pixels int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(pixels, 900))
}

// scheme changes between light and dark, at once: a colour that is still fading has no contrast.
func (b *tab) scheme(name string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name},
		{Name: "prefers-reduced-motion", Value: "reduce"}}})
}

// startDemo starts the demo and returns its address.
func startDemo(t testing.TB, program Program) string {
	t.Helper()
	p := program.Start(t, "Sluice demo: open http", "demo", "--listen", "127.0.0.1:0")
	_, rest, _ := strings.Cut(p.Said(), "Sluice demo: open ")
	return strings.Fields(rest)[0]
}
