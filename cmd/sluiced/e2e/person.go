package e2e

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"golang.org/x/net/html"

	"sluice/portal/portaltest"
	"sluice/templates/pagetest"
)

// password is everybody's at first.
const password = "vijf stille ooievaars lezen"

// A Person is somebody at a browser of his own, with an authenticator app.
type Person struct {
	*portaltest.Browser // what stands before him, however it came there
	Name, Email         string

	t        testing.TB
	site     *Site
	window   window
	clock    Clock
	password string
	seed     string
	last     int64 // the last code used, as a number of 30 seconds
}

// A window is what somebody comes to the site with. The page that comes, the Browser of the Person shows.
type window interface {
	get(path string)
	// send sends a form of the page with its first button, which has these words, after filling in pairs of field and value.
	send(form *html.Node, button string, pairs ...string)
	// save follows a link of the page to a file, and returns what comes.
	save(path string) []byte
	cookie(name string) string
}

// plain comes without a browser, by HTTP alone.
type plain struct{ *portaltest.Browser }

func (w plain) get(path string)                                   { w.Get(path) }
func (w plain) send(_ *html.Node, button string, pairs ...string) { w.Submit(button, pairs...) }
func (w plain) save(path string) []byte                           { return []byte(w.Get(path).Body) }
func (w plain) cookie(name string) string                         { return w.Cookie(name) }

var _ window = plain{}

// Person is somebody who has not come to the site yet.
func (s *Site) Person(name, email string) *Person {
	p := &Person{Browser: s.web.Browser(s.t), Name: name, Email: email, t: s.t, site: s, clock: s.clock, password: password}
	p.window = s.window(p)
	return p
}

// Code is the next code that the site takes: no code works twice, so it may have to wait for one.
func (p *Person) Code() string {
	const length = 30
	step := max(p.last+1, p.clock.Now().Unix()/length-1) // the one before the present one is still taken
	p.clock.Until(time.Unix(step*length, 0).Add(200 * time.Millisecond))
	p.last = step
	code, err := totp.GenerateCode(p.seed, time.Unix(step*length, 0))
	if err != nil {
		p.t.Fatal(err)
	}
	return code
}

// Join makes the account behind the invitation in the mail, and enrols the app.
func (p *Person) Join() {
	p.t.Helper()
	p.Get(p.site.mailed(p.Email, "/invitation/")).Want(200, "")
	p.Press("", "password", p.password)
	p.enrol()
}

// enrol puts what the page shows into the app, and keeps the recovery codes.
func (p *Person) enrol() {
	p.t.Helper()
	secret := pagetest.ByClass(p.Root(), "qr-secret")
	if secret == nil {
		p.t.Fatalf("%s: no QR code to set up the app with, but %s:\n%s", p.Name, p.Path, p.Text())
	}
	p.seed = strings.ReplaceAll(pagetest.Text(secret), " ", "")
	p.Press("/enrol", "code", p.Code())
	p.keepCodes()
}

// keepCodes sees the recovery codes that stand on the page this once.
func (p *Person) keepCodes() {
	p.t.Helper()
	codes := pagetest.ByClass(p.Root(), "secret-value")
	if n := len(strings.Fields(pagetest.Text(codes))); n != 10 {
		p.t.Fatalf("%s got %d recovery codes, want 10:\n%s", p.Name, n, p.Text())
	}
}

// Back signs in again when the session is over.
func (p *Person) Back() {
	p.t.Helper()
	if p.Get("/account").Status == 200 && strings.HasPrefix(p.Path, "/account") {
		return
	}
	p.Get("/sign-in").Press("", "email", p.Email, "password", p.password)
	p.Press("", "code", p.Code())
	if p.Get("/account"); !strings.HasPrefix(p.Path, "/account") {
		p.t.Fatalf("%s cannot sign in: %s\n%s", p.Name, p.Path, p.Text())
	}
}

// Get opens a page.
func (p *Person) Get(path string) *Person { p.t.Helper(); p.window.get(path); return p }

// Want fails the test unless the page has this status and, in its heading, these words.
func (p *Person) Want(status int, title string) *Person {
	p.t.Helper()
	p.Browser.Want(status, title)
	return p
}

// Press sends the form of the main part whose address ends so ("" is the address of the page), by its first button. When
// the form asks for a code and none is given, it gets the next one.
func (p *Person) Press(action string, pairs ...string) *Person {
	p.t.Helper()
	form, _ := p.formAt(action)
	given := false
	for i := 0; i < len(pairs); i += 2 {
		given = given || pairs[i] == "code"
	}
	if form != nil && !given && fieldOf(form, "code") != nil {
		pairs = append(pairs, "code", p.Code())
	}
	p.Send(action, pairs...)
	if errors := p.Errors(); len(errors) > 0 {
		p.t.Fatalf("%s at %s: %q\n%s", p.Name, p.Path, errors, p.Text())
	}
	if p.Status >= 400 {
		p.t.Fatalf("%s at %s: got %d:\n%s", p.Name, p.Path, p.Status, p.Text())
	}
	return p
}

// Send is Press with whatever comes of it, and no code of its own.
func (p *Person) Send(action string, pairs ...string) *Person {
	p.t.Helper()
	form, button := p.formAt(action)
	if form == nil {
		p.t.Fatalf("%s at %s (%d): no form for %q:\n%s", p.Name, p.Path, p.Status, action, p.Text())
	}
	p.window.send(form, button, pairs...)
	return p
}

// formAt finds a form and the words of its button.
func (p *Person) formAt(action string) (form *html.Node, button string) {
	here, _, _ := strings.Cut(p.Path, "?")
	for n := range pagetest.First(p.Root(), "main").Descendants() {
		if n.Type != html.ElementNode || n.Data != "form" {
			continue
		}
		to, _, _ := strings.Cut(pagetest.Attr(n, "action"), "?")
		if to == "" {
			to = here
		}
		if action == "" && to != here || !strings.HasSuffix(to, action) {
			continue
		}
		for b := range n.Descendants() {
			if b.Type == html.ElementNode && b.Data == "button" && pagetest.Attr(b, "type") != "button" {
				return n, strings.Join(strings.Fields(pagetest.Text(b)), " ")
			}
		}
	}
	return nil, ""
}

func fieldOf(form *html.Node, name string) *html.Node {
	for n := range form.Descendants() {
		if n.Type == html.ElementNode && pagetest.Attr(n, "name") == name {
			return n
		}
	}
	return nil
}

// Option is the value of the choice with these words in a list of the page.
func (p *Person) Option(list, words string) string {
	p.t.Helper()
	field := fieldOf(p.Root(), list)
	if field == nil {
		p.t.Fatalf("%s at %s: no list %q", p.Name, p.Path, list)
	}
	for n := range field.Descendants() {
		if n.Type == html.ElementNode && n.Data == "option" && strings.Contains(pagetest.Text(n), words) {
			return pagetest.Attr(n, "value")
		}
	}
	p.t.Fatalf("%s at %s: %q has no choice %q", p.Name, p.Path, list, words)
	return ""
}

// Link is the address of the first link of the main part that begins so.
func (p *Person) Link(prefix string) string {
	p.t.Helper()
	for _, to := range p.Links() {
		if strings.HasPrefix(to, prefix) {
			return to
		}
	}
	p.t.Fatalf("%s at %s: no link to %s…:\n%q\n%s", p.Name, p.Path, prefix, p.Links(), p.Text())
	return ""
}

// Links are the addresses of all links of the main part.
func (p *Person) Links() (all []string) {
	for n := range pagetest.First(p.Root(), "main").Descendants() {
		if n.Type == html.ElementNode && n.Data == "a" {
			all = append(all, pagetest.Attr(n, "href"))
		}
	}
	return all
}

// mailed is the path of the last link in a letter to an address that begins so, such as "/invitation/".
func (s *Site) mailed(email, begin string) string {
	s.t.Helper()
	link := s.URL + begin
	letter := s.Mail.Wait(s.t, email, link)
	_, rest, _ := strings.Cut(letter.Text, link)
	secret := strings.Fields(rest)[0]
	return begin + strings.TrimRight(secret, ".,)>")
}

// day fills the three boxes of a date.
func day(name string, at time.Time) []string {
	return []string{name + "-day", fmt.Sprint(at.Day()), name + "-month", fmt.Sprint(int(at.Month())), name + "-year", fmt.Sprint(at.Year())}
}

// address is where a path of the site is.
func (s *Site) address(path string) string {
	u, err := url.Parse(s.URL)
	if err != nil {
		s.t.Fatal(err)
	}
	to, err := u.Parse(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return to.String()
}
