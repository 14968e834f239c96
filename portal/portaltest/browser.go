// Package portaltest is a person at a browser without a script: it opens pages, follows links and sends forms, as they stand
// on the page. Every page it sees is held to what pagetest.Check asks, and to holding no secret.
package portaltest

import (
	"bytes"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"

	"sluice/templates/pagetest"
)

// A Site is a server under test, and what its pages must never show.
type Site struct {
	URL string

	mu     sync.Mutex
	secret map[string]string
}

// Serve starts a server for a handler that is known only once the server's address is.
func Serve(t testing.TB, handler func(base string) http.Handler) *Site {
	t.Helper()
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.Handle("/", handler(server.URL))
	return &Site{URL: server.URL, secret: map[string]string{}}
}

// Forbid makes a test fail when a page, a header or an address that is redirected to holds the secret.
func (s *Site) Forbid(name, secret string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(secret) >= 6 {
		s.secret[name] = secret
	}
}

// Allow takes a secret off the list again, around the one page that shows it.
func (s *Site) Allow(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.secret, name)
}

func (s *Site) look(t testing.TB, where, text string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, secret := range s.secret {
		if strings.Contains(text, secret) {
			t.Errorf("%s holds a secret: %s", where, name)
		}
	}
}

// A Browser is one person's. Its fields are of the page that it shows.
type Browser struct {
	Status int
	Header http.Header
	Path   string // with the query, after all redirects
	Body   string

	t      testing.TB
	site   *Site
	client *http.Client
	root   *html.Node
	lang   string
}

// Browser opens a new browser with no cookies.
func (s *Site) Browser(t testing.TB) *Browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &Browser{t: t, site: s, lang: "en"}
	b.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		s.look(t, "a redirect", r.URL.String())
		if len(via) > 8 {
			t.Errorf("redirects go in circles at %s", r.URL.Path)
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// Prefer sets the language that the browser asks for.
func (b *Browser) Prefer(lang string) *Browser { b.lang = lang; return b }

// Cookie is the value of a cookie, or "".
func (b *Browser) Cookie(name string) string {
	u, _ := url.Parse(b.site.URL)
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// SetCookie plants a cookie; an empty value takes it away.
func (b *Browser) SetCookie(name, value string) *Browser {
	u, _ := url.Parse(b.site.URL)
	c := &http.Cookie{Name: name, Value: value, Path: "/"}
	if value == "" {
		c.MaxAge = -1
	}
	b.client.Jar.SetCookies(u, []*http.Cookie{c})
	return b
}

// Get opens a page and follows redirects.
func (b *Browser) Get(path string) *Browser {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodGet, b.site.URL+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(r)
}

// Post sends a form that does not stand on the page, as a program would that knows the address.
func (b *Browser) Post(path string, values url.Values) *Browser {
	b.t.Helper()
	r, err := http.NewRequest(http.MethodPost, b.site.URL+path, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return b.do(r)
}

func (b *Browser) do(r *http.Request) *Browser {
	b.t.Helper()
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.Show(answer.StatusCode, answer.Header, answer.Request.URL.RequestURI(), string(body))
}

// Show has the browser show a page that came another way, such as through a browser with a window.
func (b *Browser) Show(status int, header http.Header, path, body string) *Browser {
	b.t.Helper()
	b.Status, b.Header, b.Path, b.Body = status, header, path, body
	b.root = nil
	if strings.HasPrefix(header.Get("Content-Type"), "text/html") {
		root, err := html.Parse(strings.NewReader(body))
		if err != nil {
			b.t.Fatal(err)
		}
		b.root = root
		lang := pagetest.Attr(pagetest.First(b.root, "html"), "lang")
		pagetest.Check(b.t, []byte(body), lang)
		if want := status == http.StatusUnprocessableEntity && strings.Contains(body, "data-focus"); want != strings.HasPrefix(b.pageTitle(), map[string]string{"en": "Error:", "nl": "Fout:"}[lang]) {
			b.t.Errorf("%s: the title is %q with status %d", b.Path, b.pageTitle(), b.Status)
		}
		if b.t.Failed() {
			b.t.Logf("on %s (%d): %s", b.Path, b.Status, b.Title())
		}
	}
	b.site.look(b.t, "the page "+path, body)
	for name, values := range header {
		if name != "Set-Cookie" {
			b.site.look(b.t, "the header "+name, strings.Join(values, "\n"))
		}
	}
	return b
}

func (b *Browser) pageTitle() string {
	return strings.TrimSpace(pagetest.Text(pagetest.First(b.root, "title")))
}

// Want fails the test unless the page has this status and, in its heading, these words ("" is any heading).
func (b *Browser) Want(status int, title string) *Browser {
	b.t.Helper()
	if b.Status != status || !strings.Contains(b.Title(), title) {
		b.t.Fatalf("at %s: got %d %q, want %d %q\n%s", b.Path, b.Status, b.Title(), status, title, b.Text())
	}
	return b
}

// Sees fails the test unless all these words stand on the page.
func (b *Browser) Sees(words ...string) *Browser {
	b.t.Helper()
	for _, w := range words {
		if !b.Has(w) {
			b.t.Fatalf("at %s: %q is not on the page:\n%s", b.Path, w, b.Text())
		}
	}
	return b
}

// Has says whether these words stand on the page.
func (b *Browser) Has(words string) bool { return strings.Contains(squeeze(b.Text()), squeeze(words)) }

// Text is what the page says, without its frame: of a page the main part, of anything else the whole.
func (b *Browser) Text() string {
	if b.root == nil {
		return b.Body
	}
	return squeeze(pagetest.Text(pagetest.First(b.root, "main")))
}

// Title is the heading of the page.
func (b *Browser) Title() string {
	if b.root == nil {
		return ""
	}
	return squeeze(pagetest.Text(pagetest.First(b.root, "h1")))
}

// Errors are the lines of the error summary.
func (b *Browser) Errors() []string {
	var lines []string
	if b.root == nil {
		return nil
	}
	summary := pagetest.ByClass(b.root, "error-summary")
	if summary == nil {
		return nil
	}
	for n := range summary.Descendants() {
		if n.Type == html.ElementNode && n.Data == "li" {
			lines = append(lines, squeeze(pagetest.Text(n)))
		}
	}
	return lines
}

// Root is the page as a tree, or nil when it is none.
func (b *Browser) Root() *html.Node { return b.root }

// Follow opens the first link with these words, in the main part or else anywhere.
func (b *Browser) Follow(words string) *Browser {
	b.t.Helper()
	for _, within := range []string{"main", "html"} {
		for n := range pagetest.First(b.root, within).Descendants() {
			if n.Type == html.ElementNode && n.Data == "a" && strings.Contains(squeeze(pagetest.Text(n)), words) {
				return b.Get(b.resolve(pagetest.Attr(n, "href")))
			}
		}
	}
	b.t.Fatalf("at %s: no link says %q:\n%s", b.Path, words, b.Text())
	return b
}

// resolve is the path a link of this page leads to.
func (b *Browser) resolve(to string) string {
	here, err := url.Parse(b.site.URL + b.Path)
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := here.Parse(to)
	if err != nil || u.Host != here.Host {
		b.t.Fatalf("at %s: a link leads away: %s", b.Path, to)
	}
	return u.RequestURI()
}

// A File is sent in a file field.
type File struct {
	Field, Name string
	Content     []byte
}

// Submit sends the form whose button has these words, as it stands on the page, after filling in pairs of field and value.
// A pair of the same field again is one more value; a field that the form does not have fails the test.
func (b *Browser) Submit(button string, pairs ...string) *Browser {
	b.t.Helper()
	return b.SubmitFiles(button, nil, pairs...)
}

// SubmitFiles is Submit with files.
func (b *Browser) SubmitFiles(button string, files []File, pairs ...string) *Browser {
	b.t.Helper()
	form, pressed := b.form(button)
	values, names := fieldsOf(form)
	set := map[string]bool{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name := pairs[i]
		if !slices.Contains(names, name) {
			b.t.Fatalf("at %s: the form has no field %q, only %q", b.Path, name, names)
		}
		if !set[name] {
			values.Del(name)
			set[name] = true
		}
		values.Add(name, pairs[i+1])
	}
	if name := pagetest.Attr(pressed, "name"); name != "" {
		values.Set(name, pagetest.Attr(pressed, "value"))
	}
	action := b.Path
	if a := pagetest.Attr(form, "action"); a != "" {
		action = b.resolve(a)
	}
	if pagetest.Attr(form, "enctype") == "multipart/form-data" {
		return b.upload(action, values, files)
	}
	return b.Post(action, values)
}

func (b *Browser) upload(action string, values url.Values, files []File) *Browser {
	b.t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for name, all := range values {
		for _, v := range all {
			w.WriteField(name, v)
		}
	}
	for _, f := range files {
		part, err := w.CreateFormFile(f.Field, f.Name)
		if err != nil {
			b.t.Fatal(err)
		}
		part.Write(f.Content)
	}
	w.Close()
	r, err := http.NewRequest(http.MethodPost, b.site.URL+action, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

// form finds the form of a button, in the main part or else anywhere.
func (b *Browser) form(button string) (form, pressed *html.Node) {
	b.t.Helper()
	if b.root == nil {
		b.t.Fatalf("at %s: this is no page: %d %.200s", b.Path, b.Status, b.Body)
	}
	for _, within := range []string{"main", "html"} {
		for n := range pagetest.First(b.root, within).Descendants() {
			if n.Type != html.ElementNode || n.Data != "button" || !strings.HasPrefix(squeeze(pagetest.Text(n)), button) || pagetest.Attr(n, "type") == "button" {
				continue
			}
			for up := range n.Ancestors() {
				if up.Type == html.ElementNode && up.Data == "form" {
					return up, n
				}
			}
		}
	}
	b.t.Fatalf("at %s: no button says %q:\n%s", b.Path, button, b.Text())
	return nil, nil
}

// fieldsOf reads the fields of a form as a browser would send them, and the names of all there are.
func fieldsOf(form *html.Node) (values url.Values, names []string) {
	values = url.Values{}
	for n := range form.Descendants() {
		name := ""
		if n.Type == html.ElementNode {
			name = pagetest.Attr(n, "name")
		}
		if name == "" {
			continue
		}
		names = append(names, name)
		switch n.Data {
		case "textarea":
			values.Add(name, strings.TrimPrefix(pagetest.Text(n), "\n"))
		case "select":
			values.Add(name, chosen(n))
		case "input":
			switch pagetest.Attr(n, "type") {
			case "radio", "checkbox":
				if hasAttr(n, "checked") {
					values.Add(name, pagetest.Attr(n, "value"))
				}
			case "file", "submit":
			default:
				values.Add(name, pagetest.Attr(n, "value"))
			}
		}
	}
	return values, names
}

func chosen(list *html.Node) string {
	first, found := "", false
	for n := range list.Descendants() {
		if n.Type != html.ElementNode || n.Data != "option" {
			continue
		}
		if hasAttr(n, "selected") {
			return pagetest.Attr(n, "value")
		}
		if !found {
			first, found = pagetest.Attr(n, "value"), true
		}
	}
	return first
}

func hasAttr(n *html.Node, key string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == key })
}

func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }
