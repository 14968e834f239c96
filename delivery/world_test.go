package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// each runs a story in a fresh world on both databases.
func each(t *testing.T, story func(t *testing.T, w *deliverytest.World)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		story(t, deliverytest.New(t, d, clock, deliverytest.Options{}))
	})
}

// onSQLite is a world for a test in which the database plays no part.
func onSQLite(t testing.TB, o deliverytest.Options) *deliverytest.World {
	t.Helper()
	d, clock := dbtest.Fresh(t)
	return deliverytest.New(t, d, clock, o)
}

const segment = 64 << 10

// noise is n bytes that are the same at each run.
func noise(n int, seed uint64) []byte {
	b := make([]byte, n)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	r.Read(b)
	return b
}

// small is a dataset with the sizes at which things go wrong.
func small() map[string][]byte {
	return map[string][]byte{
		"empty.txt":              {},
		"exact.bam":              noise(segment, 1),
		"sub/three.bam":          noise(3*segment+17, 2),
		"sub/tiny.vcf":           []byte("#CHROM\n"),
		"tumor ÅÄ voorbeeld.txt": noise(1000, 3),
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// available makes a delivery of the small dataset that its contact can read.
func available(t *testing.T, w *deliverytest.World) *deliverytest.Agreement {
	t.Helper()
	set := w.Import("WGS 2026-10", small())
	a := w.InForce(set.ID)
	w.Work()
	if d := a.Delivery(); d.State != delivery.Available {
		t.Fatalf("the delivery is %s, want available; jobs: %+v", d.State, w.Jobs())
	}
	return a
}

// A site serves deliveries over HTTP to whoever is put into it: /ID/path, with the person's name as the user.
type site struct {
	*httptest.Server
	t       testing.TB
	gateway *delivery.Gateway
	people  map[string]account.Who
	stop    context.CancelFunc
}

func serve(t testing.TB, p *delivery.Depot, people map[string]account.Who) *site {
	t.Helper()
	s := &site{t: t, gateway: delivery.NewGateway(p), people: people}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() { defer close(done); s.gateway.Run(ctx) }()
	s.stop = func() { cancel(); <-done }
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _, _ := r.BasicAuth()
		id, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		err := s.gateway.Serve(w, r, s.people[name], delivery.ID(id), path)
		if err != nil {
			http.Error(w, err.Error(), statusOf(err))
		}
	}))
	t.Cleanup(func() { s.stop(); s.CloseClientConnections(); s.Close() })
	return s
}

func statusOf(err error) int {
	for status, reasons := range map[int][]error{
		http.StatusNotFound: {delivery.ErrNotFound},
		http.StatusForbidden: {delivery.ErrGrantRemoved, delivery.ErrGrantHeld, delivery.ErrNoFactor, delivery.ErrFactorHeld, delivery.ErrNotReady,
			delivery.ErrEnded, licensing.ErrEnded, licensing.ErrSuspended, licensing.ErrTerminated, licensing.ErrNotYet},
		http.StatusServiceUnavailable: {delivery.ErrKeyringAway, delivery.ErrStoreAway, delivery.ErrNotWatched, db.ErrAway},
	} {
		for _, reason := range reasons {
			if errors.Is(err, reason) {
				return status
			}
		}
	}
	return http.StatusInternalServerError
}

// An answer as a client has it. err is what reading it ended with; without a first line the status is 0.
type answer struct {
	*http.Response
	body []byte
	err  error
}

func (s *site) request(method, who string, id delivery.ID, path string, header ...string) *http.Request {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.URL, nil)
	must(s.t, err)
	r.URL.Path = "/" + string(id) + "/" + path
	r.SetBasicAuth(who, "")
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (s *site) get(who string, id delivery.ID, path string, header ...string) answer {
	s.t.Helper()
	return s.do(s.request(http.MethodGet, who, id, path, header...))
}

func (s *site) do(r *http.Request) answer {
	s.t.Helper()
	response, err := s.Client().Do(r)
	if err != nil {
		return answer{&http.Response{}, nil, err}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response, body, err}
}

func (a answer) want(t testing.TB, what string, status int, body []byte) {
	t.Helper()
	if a.StatusCode != status || a.err != nil {
		t.Errorf("%s: got %s, %v (%.80q), want %d", what, a.Status, a.err, a.body, status)
		return
	}
	if body != nil && !bytes.Equal(a.body, body) {
		t.Errorf("%s: got %d bytes that differ from the %d wanted", what, len(a.body), len(body))
	}
}
