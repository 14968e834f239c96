package portal

import (
	"net/http"
	"net/url"
	"strconv"

	"sluice/licensing"
	"sluice/templates"
)

// staffList is the data of the page "staff-list": a list with a search above it. What is searched for stands in the
// address, so that a list can be kept as a bookmark.
type staffList struct {
	Before  []templates.Part
	Sought  templates.TextField
	More    []templates.Part
	State   string // kept while searching
	Filters []filter
	After   []templates.Part
}

// A filter is a list with one state only.
type filter struct {
	Text    templates.Msg
	Href    string
	Current bool
}

// stateFilters lead to the requests in each state of which there are any.
func stateFilters(counts map[string]int, all int, chosen string) []filter {
	filters := []filter{{templates.M("staff.requests.all", "Count", all), "/requests", chosen == ""}}
	states := []string{}
	for _, s := range licensing.RequestStates() {
		states = append(states, string(s))
	}
	for _, s := range licensing.AgreementStates() {
		states = append(states, string(s))
	}
	for _, s := range states {
		if counts[s] > 0 || chosen == s {
			filters = append(filters, filter{templates.M("staff.requests.of", "State", templates.Status(s), "Number", counts[s]), "/requests?state=" + url.QueryEscape(s), chosen == s})
		}
	}
	return filters
}

// aPage is how many rows a page shows.
const aPage = 50

// paged cuts one page out of rows, by ?page=, from 1.
func paged(r *http.Request, rows [][]templates.Part, total int) ([][]templates.Part, *templates.Pagination) {
	if total <= aPage {
		return rows, nil
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || (page-1)*aPage >= total {
		page = 1
	}
	from, to := (page-1)*aPage, min(page*aPage, total)
	links := &templates.Pagination{Shown: templates.M("staff.shown", "From", from+1, "To", to, "Total", total)}
	if page > 1 {
		links.Previous = withQuery(r, "page", strconv.Itoa(page-1))
	}
	if to < total {
		links.Next = withQuery(r, "page", strconv.Itoa(page+1))
	}
	return rows[from:to], links
}

// withQuery is the address of a page with one value of its query changed.
func withQuery(r *http.Request, name, value string) string {
	query := r.URL.Query()
	query.Set(name, value)
	query.Del("lang")
	return r.URL.Path + "?" + query.Encode()
}
