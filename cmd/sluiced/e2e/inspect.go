package e2e

import (
	"fmt"
	"regexp"
	"sync"
	"testing"
	"time"

	"sluice/infra/servers"
)

// An inspection holds pages to what everybody needs of them. Pages that are built alike are looked at once.
type inspection struct {
	t    testing.TB
	most map[string]int // pages of a kind to be checked in each language; nil is all that are built differently

	mu      sync.Mutex
	looked  map[string]bool // pages, by what they are built of, and by what stands on them
	kinds   map[string]int  // how many pages of each kind were checked
	checks  int             // by axe
	checked time.Duration   // took so long, of all tabs together
}

func newInspection(t testing.TB) *inspection {
	return &inspection{t: t, looked: map[string]bool{}, kinds: map[string]int{}}
}

// A sight is what an inspection has to know of a page.
type sight struct {
	Lang, Words string
	Bones       [2]string // of the header and of the main part
}

// seen reads a sight from the page.
const seen = `{Lang: document.documentElement.lang, Bones: ` + skeleton + `, Words: document.title + document.querySelector('main')?.innerText}`

// look checks the page that stands before somebody, unless one like it was checked. It says whether this one was, and
// whether it is the first of its kind.
func (i *inspection) look(b *tab, where, path string, s sight, dark bool) (checked, first bool) {
	i.t.Helper()
	kind := s.Lang + kindOf(path)
	header, bones := s.Lang+digits.ReplaceAllString(s.Bones[0], "*"), kind+digits.ReplaceAllString(s.Bones[1], "*")
	words := s.Lang + digits.ReplaceAllString(s.Words, "*")
	i.mu.Lock()
	first = i.kinds[kind] == 0
	enough := i.most != nil && i.kinds[kind] >= i.most[s.Lang]
	known, read := i.looked[bones] && i.looked[header] || enough, i.looked[words]
	i.looked[header], i.looked[bones], i.looked[words] = true, true, true
	if !known {
		i.kinds[kind]++
	}
	i.mu.Unlock()
	if !known {
		i.check(b, where, dark && first)
	}
	if !known || !read && s.Lang == "en" { // names are the same in both languages
		i.fits(b, where)
	}
	return !known, first
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

var (
	randomID = regexp.MustCompile(`[A-Z2-7]{20,}`)
	sum      = regexp.MustCompile(`[0-9a-f]{64}`)
	number   = regexp.MustCompile(`DR-\d+(-A(-\d+)?)?`)
	query    = regexp.MustCompile(`=[^&]*`)
)

// shapeOf is an address without what tells one thing from another of its kind. Requests keep their numbers: each is at
// another stage.
func shapeOf(path string) string {
	return query.ReplaceAllString(sum.ReplaceAllString(randomID.ReplaceAllString(path, "*"), "*"), "=")
}

// kindOf is the shape of an address without the number of the request.
func kindOf(path string) string { return number.ReplaceAllString(shapeOf(path), "*") }

// digits are what differs between ids of the same page opened twice.
var digits = regexp.MustCompile(`[A-Z2-7]{20,}|[0-9a-f]{64}|\d+`)

// skeleton is what a page is built of: its elements with everything about them that a rule of accessibility looks at, but
// for the words. Like rows of a list count once, and so do the pages that are built alike: nothing new would be found there.
const skeleton = `(() => {
	const bone = e => {
		const about = [...e.attributes].filter(a => !['href', 'value', 'action', 'id', 'for', 'datetime', 'style', 'src', 'content'].includes(a.name) && !a.name.startsWith('data-'))
			.map(a => a.name + '=' + (a.name.startsWith('aria-') && a.name !== 'aria-current' ? '' : a.value)).sort().join(' ');
		const inner = [...e.children].map(bone).filter((b, i, all) => all.indexOf(b) === i).join('');
		const words = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim()) ? '.' : '';
		return '<' + e.tagName + ' ' + about + '>' + words + inner;
	};
	return ['.site-header', 'main'].map(part => bone(document.querySelector(part)));
})()`

// check holds a page to the rules of accessibility, in the colours of light and, where asked, of dark.
func (i *inspection) check(b *tab, where string, dark bool) {
	i.t.Helper()
	i.axe(b, where)
	if dark {
		b.scheme("dark")
		i.axe(b, where+", dark")
		b.scheme("light")
	}
}

// widths are those of the narrowest screen, of a tablet, of a small window in which tables still have columns, and of a desk.
var widths = []int64{320, 768, 1040, 1280}

// fits sees that nobody has to scroll sideways, whatever words and names stand on the page.
func (i *inspection) fits(b *tab, where string) {
	i.t.Helper()
	for _, width := range widths {
		b.width(width)
		if wide := eval[int64](b, `document.documentElement.scrollWidth`); wide > width {
			i.t.Errorf("%s: at %d pixels the page is %d wide, by %s", where, width, wide, eval[[]string](b, fmt.Sprintf(sticking, width)))
		}
	}
}

// sticking are the innermost elements that stick out of a page of some width.
const sticking = `((most) => [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > most && ![...e.children].some(c => c.getBoundingClientRect().right > most))
	.slice(0, 3).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.trim().slice(0, 60)))(%d)`

// axe holds a page to the rules of accessibility.
func (i *inspection) axe(b *tab, where string) {
	i.t.Helper()
	began := time.Now()
	for _, v := range b.violations() {
		i.t.Errorf("%s: %s", where, v)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.checks++
	i.checked += time.Since(began)
}
