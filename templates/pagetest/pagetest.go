// Package pagetest checks a page as it leaves templates.Set.Render. Every package that fills pages calls Check on each of them, full and
// empty, in every language.
package pagetest

import (
	"bytes"
	"io"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// Check holds a page to what a browser, a screen reader and the content security policy need.
func Check(t testing.TB, page []byte, lang string) {
	t.Helper()
	written := tags(t, page)
	root, err := html.Parse(bytes.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	built, ids, labelled := map[string]int{}, map[string]int{}, map[string]bool{}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		built[n.Data]++
		if id := Attr(n, "id"); id != "" {
			ids[id]++
		}
		if n.Data == "label" {
			labelled[Attr(n, "for")] = true
		}
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("<%s> has the attribute %s, which the policy forbids", n.Data, a.Key)
			}
		}
	}
	// A browser that mends nesting builds other elements than were written.
	if !maps.Equal(written, built) {
		t.Errorf("the elements written %v are not those a browser builds %v", written, built)
	}
	if built["h1"] != 1 || built["main"] != 1 || built["title"] != 1 || built["style"] != 0 {
		t.Errorf("got %d h1, %d main, %d title, %d style; want 1, 1, 1, 0", built["h1"], built["main"], built["title"], built["style"])
	}
	for id, n := range ids {
		if n > 1 {
			t.Errorf("the id %q stands on %d elements", id, n)
		}
	}
	checkReferences(t, root, ids, labelled)
	if got := Attr(First(root, "html"), "lang"); got != lang {
		t.Errorf("lang is %q, want %q", got, lang)
	}
	if bytes.ContainsAny(page, "\x02\x03") || bytes.Contains(page, []byte("no value")) || bytes.Contains(page, []byte("ZgotmplZ")) {
		t.Error("the page shows a marker where a value should be")
	}
}

func checkReferences(t testing.TB, root *html.Node, ids map[string]int, labelled map[string]bool) {
	t.Helper()
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "input", "select", "textarea":
			if Attr(n, "type") != "hidden" && !labelled[Attr(n, "id")] {
				t.Errorf("the %s %q has no label", n.Data, Attr(n, "name"))
			}
		case "img":
			if !has(n, "alt") {
				t.Error("an image has no alt")
			}
		case "th":
			if Attr(n, "scope") == "" {
				t.Error("a table heading has no scope")
			}
		case "script":
			if Attr(n, "src") == "" || n.FirstChild != nil {
				t.Error("a script stands in the page")
			}
		}
		for _, name := range []string{"aria-describedby", "aria-labelledby", "aria-controls", "data-copy", "data-reveal"} {
			for _, id := range strings.Fields(Attr(n, name)) {
				if ids[id] == 0 {
					t.Errorf("<%s> refers to the id %q, which is not there", n.Data, id)
				}
			}
		}
	}
	summary := ByClass(root, "error-summary")
	if summary == nil {
		return
	}
	for n := range summary.Descendants() {
		if n.Data != "a" {
			continue
		}
		// A browser unescapes the fragment before it looks for the id.
		id, err := url.PathUnescape(strings.TrimPrefix(Attr(n, "href"), "#"))
		if err != nil || ids[id] == 0 {
			t.Errorf("the error summary leads to %q, which is not there", Attr(n, "href"))
		}
	}
}

var voidElements = []string{"meta", "link", "input", "img", "br", "wbr", "hr"}

// tags counts the start tags as written, and fails on end tags that do not match.
func tags(t testing.TB, page []byte) map[string]int {
	t.Helper()
	count, open := map[string]int{}, []string{}
	z := html.NewTokenizer(bytes.NewReader(page))
	for {
		kind := z.Next()
		name, _ := z.TagName()
		switch kind {
		case html.ErrorToken:
			if z.Err() != io.EOF || len(open) > 0 {
				t.Errorf("the page ends with %v open (%v)", open, z.Err())
			}
			return count
		case html.SelfClosingTagToken:
			count[string(name)]++
		case html.StartTagToken:
			count[string(name)]++
			if !slices.Contains(voidElements, string(name)) {
				open = append(open, string(name))
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != string(name) {
				t.Fatalf("</%s> ends %v", name, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// Attr is the value of an attribute, or empty.
func Attr(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

func has(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

// First is the first element of this name below root; an empty node when there is none.
func First(root *html.Node, name string) *html.Node {
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			return n
		}
	}
	return &html.Node{}
}

// ByClass is the first element of this class below root, or nil.
func ByClass(root *html.Node, class string) *html.Node {
	for n := range root.Descendants() {
		if slices.Contains(strings.Fields(Attr(n, "class")), class) {
			return n
		}
	}
	return nil
}

// Text is all text below root.
func Text(root *html.Node) string {
	var b strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			b.WriteString(n.Data)
		}
	}
	return strings.TrimSpace(b.String())
}
