package templates

import (
	"net/url"
	"strings"
	"time"
)

// Page is everything the layout needs, and the content's own struct in Data. Fill it completely for each answer; the zero value of a
// field leaves its part of the layout out, except Lang (English), Zone (UTC) and Title, which must be given.
type Page struct {
	Lang string
	// Title is the h1 and the first part of the browser's title. Ask a question or name the thing.
	Title Msg
	// Caption stands small above the h1: the number of the request, for instance.
	Caption Msg
	// Tag stands beside the h1.
	Tag Status
	// Section is the second part of the browser's title: "Your account", "Request DR-0042".
	Section Msg
	Site    Site
	Nav     []NavItem
	User    User
	Back    *Link
	// Errors make the summary at the top, and each field component finds its own here by its name. In the order of the fields.
	Errors []FieldError
	// Notice tells the outcome of the last act, or something about this page as a whole.
	Notice *Notice
	// Confirmation replaces the heading by the green panel after a completed act.
	Confirmation *Confirmation
	// Demo shows the banner that says nothing here is real.
	Demo bool
	// Path is the page's own path and query, so that the language switch comes back to it with ?lang= set.
	Path string
	Zone *time.Location
	// At is the time the page is made for. Days left and overdue are reckoned from it.
	At time.Time
	// SessionLeft is the time until the session ends; with it the browser warns two minutes before.
	SessionLeft time.Duration
	// SessionExtend is the path that a GET of prolongs the session.
	SessionExtend string
	// Wide gives tables the whole width.
	Wide bool
	Data any
}

// Site is what is the same on every page: who runs this service and where help is.
type Site struct {
	Foundation string
	// HelpEmail and HelpPhone are the data access desk's; the phone may be empty.
	HelpEmail string
	HelpPhone string
	// Privacy is the address of the person who answers questions about personal data.
	PrivacyEmail string
	Version      string
}

// The paths of the pages that every footer links to.
const (
	AccessibilityPath = "/accessibility"
	PrivacyPath       = "/privacy"
	HomePath          = "/"
)

// NavItem is one place in the main navigation. A Count above zero is shown beside it: what waits there.
type NavItem struct {
	Text    Msg
	Href    string
	Current bool
	Count   int
}

// User is who is signed in; the zero value is nobody.
type User struct {
	Name        string
	AccountHref string
	// SignOutHref takes a POST.
	SignOutHref string
}

// FieldError is one thing to mend. Field is the field's Name, or its ID where that was given. An empty Field stands for the form as a whole and is not a link.
type FieldError struct {
	Field   string
	Message Msg
}

// errorFor is the first error of a field.
func (p *Page) errorFor(field string) Msg {
	for _, e := range p.Errors {
		if e.Field == field && field != "" {
			return e.Message
		}
	}
	return nil
}

type languageLink struct {
	Code, Name, Href string
	Current          bool
}

// languageLinks lead to this page in each language. Only a path of this site is kept: the path comes from the request.
func (p *Page) languageLinks(v *voice) ([]languageLink, error) {
	here, err := url.Parse(p.Path)
	if err != nil || !strings.HasPrefix(here.Path, "/") || here.Host != "" {
		here = &url.URL{Path: HomePath}
	}
	links := make([]languageLink, 0, len(Languages))
	for _, lang := range Languages {
		name, err := v.words.localize(lang, "language.name", nil, nil)
		if err != nil {
			return nil, err
		}
		query := here.Query()
		query.Set("lang", lang)
		to := url.URL{Path: here.Path, RawQuery: query.Encode()}
		links = append(links, languageLink{lang, name, to.String(), lang == v.lang})
	}
	return links, nil
}
