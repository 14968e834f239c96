package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice/infra/db/dbtest"
)

// A page of another site can have its own name lead to this machine (DNS rebinding). To the browser it is then one site
// with the demo, so that neither the origin of a form nor the address that was listened on keeps it out.
func TestTheDemoAnswersToNoNameButThisMachinesOwn(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var w *world
	w = newWorld(t, d, clock, demoConfig(&w))
	person := string(w.Desk.Person())
	ask := func(method, host, path string) int {
		t.Helper()
		r, err := http.NewRequest(method, w.site.URL+path, strings.NewReader(url.Values{"person": {person}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", "http://"+host)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if len(answer.Cookies()) > 0 && answer.StatusCode >= 400 {
			t.Errorf("%s %s at %s: a refusal hands out a cookie", method, path, host)
		}
		return answer.StatusCode
	}
	for _, host := range []string{"evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "192.0.2.1", "[2001:db8::1]:80", "localhost@evil.example"} {
		for _, path := range []string{"/", "/demo", "/demo/mail", "/sign-in", "/healthz"} {
			if got := ask(http.MethodGet, host, path); got != http.StatusMisdirectedRequest {
				t.Errorf("%s at the name %s: got %d, want %d", path, host, got, http.StatusMisdirectedRequest)
			}
		}
		if got := ask(http.MethodPost, host, "/demo"); got != http.StatusMisdirectedRequest {
			t.Errorf("signing in at the name %s: got %d, want %d", host, got, http.StatusMisdirectedRequest)
		}
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080", "sluice.localhost:80"} {
		if got := ask(http.MethodGet, host, "/demo"); got != http.StatusOK {
			t.Errorf("at the name %s: got %d, want 200", host, got)
		}
	}
}
