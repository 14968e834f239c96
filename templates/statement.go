package templates

import "time"

// ErrorPage is the data of the page "error". Make the whole page with ForError, which knows the words.
type ErrorPage struct {
	Body Msg
	// Reference is the incident number that the log has too; empty when there is nothing to look up.
	Reference string
	// Retry is the address to try again, for faults that pass.
	Retry   string
	RetryAt time.Time
}

type errorWords struct{ title, body Msg }

var errorTexts = map[int]errorWords{
	403: {M("error.403.title"), M("error.403.body")},
	404: {M("error.404.title"), M("error.404.body")},
	409: {M("error.409.title"), M("error.409.body")},
	410: {M("error.410.title"), M("error.410.body")},
	422: {M("error.422.title"), M("error.422.body")},
	429: {M("error.429.title"), M("error.429.body")},
	500: {M("error.500.title"), M("error.500.body")},
	503: {M("error.503.title"), M("error.503.body")},
}

// ForError sets title, section and data of a page for an HTTP status; statuses without words of their own read as 500.
// A body that is not nil replaces the general words by what happened here.
func (p Page) ForError(status int, data ErrorPage) Page {
	words, ok := errorTexts[status]
	if !ok {
		words = errorTexts[500]
	}
	if data.Body == nil {
		data.Body = words.body
	}
	p.Title, p.Section, p.Data = words.title, M("error.section"), data
	return p
}

// ForPrivacy sets the title of the page "privacy".
func (p Page) ForPrivacy() Page {
	p.Title = M("privacy.title")
	return p
}

// ForAccessibility sets the title of the page "accessibility".
func (p Page) ForAccessibility() Page {
	p.Title = M("accessibility.title")
	return p
}
