package portal

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"
)

// chain is what every request passes through, the outermost first.
func (s *Server) chain() http.Handler {
	crossOrigin := http.NewCrossOriginProtection()
	// Behind a proxy that rewrites Host, the address people see is still ours.
	if err := crossOrigin.AddTrustedOrigin(s.base.Scheme + "://" + s.base.Host); err != nil {
		panic(err) // New has checked the address
	}
	crossOrigin.SetDenyHandler(s.serve(&route{path: "/", access: accessPublic, body: formBytes,
		handle: func(http.ResponseWriter, *http.Request, *visit) error { return errCrossSite }}))
	return s.logged(s.headers(s.recovered(s.ownName(crossOrigin.Handler(s.mux())))))
}

// ownName keeps the demo, where anybody can sign in as anybody, from whoever asks for this machine by another name. The site
// of a stranger can have its name lead here (DNS rebinding): to the browser its pages and ours are then one site, and
// neither the origin of a form nor the address that we listen on keeps them out.
func (s *Server) ownName(next http.Handler) http.Handler {
	if s.cfg.Demo == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked := (&url.URL{Host: r.Host}); !loopback(asked.Hostname()) {
			plain(w, http.StatusMisdirectedRequest, "The demo is for this machine only. Open "+s.base.String()+"\nDe demo is alleen voor deze computer. Open "+s.base.String()+"\n")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// recorder remembers what was answered. It hands on what http.ResponseController asks of the writer below.
type recorder struct {
	http.ResponseWriter
	status int
}

func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

func (rec *recorder) WriteHeader(status int) {
	if rec.status == 0 {
		rec.status = status
	}
	rec.ResponseWriter.WriteHeader(status)
}

func (rec *recorder) Write(b []byte) (int, error) {
	if rec.status == 0 {
		rec.status = http.StatusOK
	}
	return rec.ResponseWriter.Write(b)
}

type requestID struct{}

// idOf is the number of a request, by which its lines in the log are found. It is the incident number on error pages.
func idOf(r *http.Request) string {
	id, _ := r.Context().Value(requestID{}).(string)
	return id
}

// logged writes one line a request. It names the route, not the path, and no query: both may hold a secret or a name.
func (s *Server) logged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		id := rand.Text()[:12]
		r = r.WithContext(context.WithValue(r.Context(), requestID{}, id))
		w.Header().Set("X-Request-Id", id)
		rec := &recorder{ResponseWriter: w}
		defer func() {
			status := rec.status
			broken := recover()
			if broken != nil && status == 0 {
				status = 499 // broken off before anything was written
			}
			s.log.Info("request", "id", id, "route", r.Pattern, "method", method(r), "status", status, "duration", s.now().Sub(began))
			if broken != nil {
				panic(broken)
			}
		}()
		next.ServeHTTP(rec, r)
	})
}

// method is the request's method if it is one of the usual ones: the log holds nothing that a client made up.
func method(r *http.Request) string {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
		return r.Method
	}
	return "other"
}

const contentPolicy = "default-src 'self'; img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"

// headers sets what every answer carries, errors included. A handler may replace one by something stricter.
func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer") // addresses of mailed links hold their secret
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
		h.Set("Cache-Control", "no-store")
		if s.secure() {
			h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into the page of an unexpected error. http.ErrAbortHandler is no fault: a download was cut.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			broken := recover()
			if broken == nil {
				return
			}
			if rec, ok := w.(*recorder); broken == http.ErrAbortHandler || ok && rec.status != 0 {
				if broken != http.ErrAbortHandler {
					s.log.Error("a handler broke after it began to answer", "id", idOf(r), "error", brokenBy(broken))
				}
				panic(http.ErrAbortHandler)
			}
			v := s.visitor(w, r, &route{path: "/", access: accessBare})
			v.fail(fmt.Errorf("a handler broke: %s", brokenBy(broken)))
		}()
		next.ServeHTTP(w, r)
	})
}

// brokenBy says what broke and where, without values that a handler may have put into its panic.
func brokenBy(broken any) string {
	what := fmt.Sprintf("%T", broken)
	if err, ok := broken.(runtime.Error); ok {
		what = err.Error()
	}
	callers := make([]uintptr, 30)
	frames := runtime.CallersFrames(callers[:runtime.Callers(3, callers)])
	for {
		f, more := frames.Next()
		if strings.HasPrefix(f.Function, "sluice/") && !strings.Contains(f.Function, "brokenBy") && !strings.Contains(f.Function, "recovered") {
			return fmt.Sprintf("%s in %s, line %d", what, f.Function, f.Line)
		}
		if !more {
			return what
		}
	}
}

// serve answers one route: who asks, whether he may, and the handler.
func (s *Server) serve(rt *route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.visitor(w, r, rt)
		done := v.bound()
		defer done()
		if err := v.answer(); err != nil {
			v.fail(err)
		}
	})
}

// The time in which a form must have come in, and an answer must have gone out. Downloads have no such end.
const (
	sendWithin = 5 * time.Minute
	readWithin = time.Minute
)

// bound limits how much a request may bring and how long it may take. The long past ends a read or write at once.
func (v *visit) bound() (done func()) {
	v.r.Body = http.MaxBytesReader(v.w, v.r.Body, v.route.body)
	if v.route.lasting {
		return func() {}
	}
	control, past := http.NewResponseController(v.w), time.Unix(1, 0)
	within := readWithin
	if v.route.body > formBytes {
		within = sendWithin
	}
	slowRead := time.AfterFunc(within, func() { control.SetReadDeadline(past) })
	slowWrite := time.AfterFunc(within+readWithin, func() { control.SetWriteDeadline(past) })
	return func() { slowRead.Stop(); slowWrite.Stop() }
}

func (s *Server) healthz(w http.ResponseWriter, _ *http.Request, _ *visit) error {
	return plain(w, http.StatusOK, "ok\n")
}

// readyz says whether this process should get requests. Why not is in the log, for the address is open to everybody.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request, _ *visit) error {
	if s.cfg.Ready != nil {
		ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
		defer cancel()
		if err := s.cfg.Ready(ctx); err != nil {
			s.log.Warn("not ready", slog.String("error", err.Error()))
			return plain(w, http.StatusServiceUnavailable, "not ready\n")
		}
	}
	return plain(w, http.StatusOK, "ready\n")
}

func plain(w http.ResponseWriter, status int, text string) error {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, err := io.WriteString(w, text)
	return ignoreGone(err)
}

// ignoreGone forgets an error of writing: the reader is gone, and there is nobody to tell.
func ignoreGone(error) error { return nil }
