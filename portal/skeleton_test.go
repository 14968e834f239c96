package portal

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"sluice/infra/account/accounttest"
	"sluice/infra/db/dbtest"
	"sluice/templates"
)

func TestAnswersOfTheSkeleton(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := accounttest.New(t, d, clock)
	pages, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{DB: d, Accounts: w.Accounts, Pages: pages, Base: "http://localhost:1", CookieKey: [32]byte{1}})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"/healthz": 200, "/": 303, "/nowhere": 404, "/privacy": 200} {
		rec := httptest.NewRecorder()
		s.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		if rec.Code != want {
			t.Errorf("%s: got %d, want %d: %s", path, rec.Code, want, rec.Body)
		}
	}
}
