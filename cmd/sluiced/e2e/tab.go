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
	t     testing.TB
	ctx   context.Context
	axe   string
	doing string // what the browser was last asked for, to be named when it does not come

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

// patience is how long the browser may take for anything.
const patience = time.Minute

func (b *tab) do(actions ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		b.t.Fatalf("%s: the browser: %v", b.doing, err)
	}
}

func call[P, R any](b *tab, command cdp.Command[P, R], params P) R {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		b.t.Fatalf("%s: the browser: %v", b.doing, err)
	}
	return result
}

// open opens a page and returns its status.
func (b *tab) open(address string) int {
	b.t.Helper()
	b.doing = "opening " + address
	b.do(chromedp.Navigate(address))
	return b.status()
}

func (b *tab) status() int {
	b.t.Helper()
	return eval[int](b, `performance.getEntriesByType('navigation')[0].responseStatus`)
}

func eval[T any](b *tab, script string) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("%s: %.100s: %v", b.doing, script, err)
	}
	return value
}

// follow does what leads to another page, and waits until that has come.
func (b *tab) follow(action chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, action); err != nil {
		b.t.Fatalf("%s: no page follows: %v", b.doing, err)
	}
}

func (b *tab) width(pixels int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(pixels, 900))
}

// scheme changes between light and dark.
func (b *tab) scheme(name string) { b.t.Helper(); b.media("prefers-color-scheme", name) }

// media tells the page what somebody prefers, and to change at once: a colour that is still fading has no contrast.
func (b *tab) media(feature, value string) {
	b.t.Helper()
	call(b, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: feature, Value: value},
		{Name: "prefers-reduced-motion", Value: "reduce"}}})
}
