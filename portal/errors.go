package portal

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// Errors of the portal itself.
var (
	errNowhere     = errors.New("no page has this address")
	errCrossSite   = errors.New("a form was sent from another site")
	errCodeMissing = errors.New("no code was given")
)

// A verdict is what an error looks like from outside.
type verdict struct {
	status int
	body   templates.Msg // nil: the general words for the status
	until  time.Time     // when to try again
	fault  bool          // ours: the log has the error, the page its number
}

// awayFor is how long to wait before asking a part again that is away.
const awayFor = 30 * time.Second

// judge is the one place where an error gets its status and its words. What is not yours and what is not there look the
// same. An error of no known kind is a fault of ours, and says nothing of itself.
func (s *Server) judge(err error, at time.Time) verdict {
	var wait *account.WaitError
	refused := allRefused(err)
	var large *http.MaxBytesError
	var unreadable errBadBody
	switch {
	case anyOf(err, errNowhere, account.ErrNotAllowed, account.ErrNoPerson, account.ErrNoTask, licensing.ErrNotFound, delivery.ErrNotFound):
		return verdict{status: http.StatusNotFound}
	case len(refused) > 0:
		return verdict{status: http.StatusUnprocessableEntity, body: s.refusal(refused[0])}
	case errors.As(err, &wait):
		return verdict{status: http.StatusTooManyRequests, until: wait.Until}
	case errors.As(err, &large):
		return verdict{status: http.StatusRequestEntityTooLarge, body: templates.M("portal.too-large", "Size", templates.Bytes(large.Limit))}
	case errors.As(err, &unreadable):
		return verdict{status: http.StatusBadRequest, body: templates.M("portal.bad-body")}
	case errors.Is(err, errCrossSite):
		return verdict{status: http.StatusForbidden, body: templates.M("portal.cross-site")}
	case errors.Is(err, account.ErrNotProved):
		return verdict{status: http.StatusForbidden}
	case errors.Is(err, account.ErrNotSignedIn):
		return verdict{status: http.StatusUnauthorized, body: templates.M("contact.token-none")}
	case errors.Is(err, account.ErrLink):
		return verdict{status: http.StatusGone, body: templates.M("portal.link-over")}
	case errors.Is(err, db.ErrConflict):
		return verdict{status: http.StatusConflict}
	case errors.Is(err, delivery.ErrStoreAway):
		return verdict{status: http.StatusServiceUnavailable, body: templates.M("portal.store-away"), until: at.Add(awayFor), fault: true}
	case anyOf(err, db.ErrAway, delivery.ErrKeyringAway):
		return verdict{status: http.StatusServiceUnavailable, until: at.Add(awayFor), fault: true}
	}
	if body, ok := closedBy(err); ok {
		return verdict{status: http.StatusGone, body: body}
	}
	if words, ok := wordsFor(err); ok {
		return verdict{status: http.StatusUnprocessableEntity, body: words.msg}
	}
	return verdict{status: http.StatusInternalServerError, fault: true}
}

// closedBy says why an agreement or delivery gives nothing now, to somebody who may know of it.
func closedBy(err error) (templates.Msg, bool) {
	for reason, key := range map[error]string{
		licensing.ErrNotSigned: "portal.closed-not-signed", licensing.ErrNotYet: "portal.closed-not-yet", licensing.ErrSuspended: "portal.closed-suspended",
		licensing.ErrEnded: "portal.closed-ended", licensing.ErrTerminated: "portal.closed-terminated",
	} {
		if errors.Is(err, reason) {
			return templates.M(key), true
		}
	}
	return nil, false
}

func anyOf(err error, targets ...error) bool {
	for _, t := range targets {
		if errors.Is(err, t) {
			return true
		}
	}
	return false
}

// fail answers with the page of an error.
func (v *visit) fail(err error) {
	s := v.server
	if rec, ok := v.w.(*recorder); ok && rec.status != 0 {
		s.log.Error("an answer broke off", "id", idOf(v.r), "error", err.Error())
		panic(http.ErrAbortHandler)
	}
	found := s.judge(err, v.At)
	if found.status == http.StatusUnauthorized && v.r.Header.Get("Authorization") == "" && v.route.access != accessReader {
		v.Session, v.Who = account.Session{}, account.Who{}
		v.signInFirst()
		return
	}
	if found.fault {
		s.log.Error("a request failed", "id", idOf(v.r), "route", v.r.Pattern, "error", err.Error())
	}
	v.retryAfter(found.until)
	if found.status == http.StatusUnauthorized {
		v.w.Header().Set("WWW-Authenticate", `Bearer realm="Sluice"`)
	}
	v.errorPage(found)
}

func (v *visit) retryAfter(until time.Time) {
	if seconds := until.Sub(v.At).Seconds(); !until.IsZero() {
		v.w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(seconds)))))
	}
}

// errorPage shows what went wrong: as a page, or as a line of text to a program.
func (v *visit) errorPage(found verdict) {
	s := v.server
	data := templates.ErrorPage{Body: found.body}
	if found.fault {
		data.Reference = idOf(v.r)
	}
	if found.status == http.StatusTooManyRequests {
		data.RetryAt = found.until
	}
	if found.status == http.StatusServiceUnavailable && v.r.Method == http.MethodGet {
		data.Retry = v.r.URL.RequestURI()
	}
	page := v.bare().ForError(withWords(found.status), data)
	if v.route.access == accessReader && v.r.Header.Get("Authorization") != "" {
		v.errorLine(found.status, page)
		return
	}
	if err := v.render(found.status, "error", page); err != nil {
		s.log.Error("an error page failed", "id", idOf(v.r), "error", err.Error())
		plain(v.w, http.StatusInternalServerError, "Something went wrong. / Er ging iets mis. ("+idOf(v.r)+")\n")
	}
}

// bare is a page made without asking the database, which may be what is away.
func (v *visit) bare() templates.Page {
	v.groups, v.asked = nil, true
	return v.page(templates.Text(""))
}

// withWords is the status whose title a page shows, for statuses that have no title of their own.
func withWords(status int) int {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnauthorized:
		return http.StatusUnprocessableEntity
	}
	return status
}

// errorLine is what a program gets.
func (v *visit) errorLine(status int, page templates.Page) {
	voice := v.server.cfg.Pages.Voice(v.Lang, v.server.zone, v.At)
	text, err := voice.Say(page.Title)
	if body := page.Data.(templates.ErrorPage).Body; err == nil && body != nil {
		var more string
		if more, err = voice.Say(body); err == nil {
			text += ". " + more
		}
	}
	if err != nil {
		text = http.StatusText(status)
	}
	refuseProgram(v.w, status, text+"\n")
}

// reasonHeader has what a program is told once more, in one line: curl saves no body of a refusal, and shows this.
const reasonHeader = "Sluice-Reason"

func refuseProgram(w http.ResponseWriter, status int, text string) error {
	w.Header().Set(reasonHeader, strings.Join(strings.Fields(text), " "))
	return plain(w, status, text)
}
