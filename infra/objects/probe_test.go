package objects_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/infra/objects"
	"sluice/infra/servers"
)

func find(t *testing.T, findings []objects.Finding, name string) objects.Finding {
	t.Helper()
	for _, f := range findings {
		if f.Name == name {
			return f
		}
	}
	t.Fatalf("no finding %q among %+v", name, findings)
	return objects.Finding{}
}

// wantGood checks that nothing but what is named is wrong, and that all that is wrong says what to do.
func wantGood(t *testing.T, findings []objects.Finding, least int, but ...string) {
	t.Helper()
	if len(findings) < least {
		t.Errorf("got %d findings, want at least %d: %+v", len(findings), least, findings)
	}
	for _, f := range findings {
		if want := strings.Contains(strings.Join(but, "\n"), f.Name); f.OK == want {
			t.Errorf("%s: got OK %v (%s), want %v", f.Name, f.OK, f.Detail, !want)
		}
		if !f.OK && (f.Do == "" || f.Detail == "") {
			t.Errorf("%s is wrong, and the finding does not say what is and what to do: %+v", f.Name, f)
		}
	}
}

func wantNoBuckets(t *testing.T, server servers.S3) {
	t.Helper()
	buckets, err := behind(t, server).ListBuckets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range buckets {
		if strings.Contains(b.Name, "probe") {
			t.Errorf("the probe left its bucket %s behind", b.Name)
		}
	}
}

// The last community version of MinIO takes writes from everybody who knows the name of an access key. The probe must
// see it: should this test fail after an update of the server, the hole may be mended.
func TestProbeSeesThatMinIOTakesForgedWrites(t *testing.T) {
	server := servers.MinIO(t)
	findings := openS3(t, config(server)).Probe(t.Context(), time.Now)
	wantGood(t, findings, 11, objects.RefusesForged)
	wantNoBuckets(t, server)
}

func TestProbeFindsNothingWrongWithVersitygw(t *testing.T) {
	server := servers.Versity(t)
	findings := openS3(t, config(server)).Probe(t.Context(), time.Now)
	wantGood(t, findings, 11)
	if f := find(t, findings, "buckets are emptied by Sluice alone"); f.Do == "" {
		t.Error("a store without lifecycle rules deserves a remark")
	}
	wantNoBuckets(t, server)
}

func TestProbeComparesClocks(t *testing.T) {
	server := servers.Versity(t)
	for _, c := range []struct {
		by   time.Duration
		good bool
	}{{0, true}, {-20 * time.Second, true}, {20 * time.Second, true}, {-time.Minute, false}, {time.Minute, false}} {
		now := func() time.Time { return time.Now().Add(c.by) }
		f := find(t, openS3(t, config(server)).Probe(t.Context(), now), objects.ClocksAgree)
		if f.OK != c.good {
			t.Errorf("our clock off by %v: got OK %v (%s), want %v", c.by, f.OK, f.Detail, c.good)
		}
	}
}

func TestProbeSeesABucketOpenToThePublic(t *testing.T) {
	server := servers.MinIO(t)
	core := behind(t, server)
	// A server that opens each new bucket to everybody, as a wrong default policy does.
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	proxy.ModifyResponse = func(r *http.Response) error {
		path := strings.Trim(r.Request.URL.Path, "/")
		if r.Request.Method == http.MethodPut && !strings.Contains(path, "/") && r.Request.URL.RawQuery == "" {
			return core.SetBucketPolicy(context.Background(), path, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
				"Principal":"*","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::`+path+`/*"]}]}`)
		}
		return nil
	}
	front := httptest.NewServer(proxy)
	defer front.Close()
	c := config(server)
	c.Endpoint = front.URL
	findings := openS3(t, c).Probe(t.Context(), time.Now)
	wantGood(t, findings, 11, objects.RefusesForged, objects.RefusesUnsigned)
}

func TestProbeSaysWhatToDoWhenCredentialsAreWrong(t *testing.T) {
	server := servers.Versity(t)
	c := config(server)
	c.SecretKey = "not-the-secret-at-all"
	findings := openS3(t, c).Probe(t.Context(), time.Now)
	wantGood(t, findings, 2, "a bucket can be made")
	for _, f := range findings {
		if strings.Contains(f.Detail+f.Do, "not-the-secret-at-all") {
			t.Errorf("the finding shows the secret: %+v", f)
		}
	}
}

func TestAStoreThatIsAwayIsOneFinding(t *testing.T) {
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }))
	defer broken.Close()
	for name, endpoint := range map[string]string{"nobody listens": "http://" + nobody.Addr().String(), "a proxy answers for it": broken.URL} {
		store := openS3(t, objects.Config{Endpoint: endpoint, AccessKey: "x", SecretKey: "y"})
		for of, findings := range map[string][]objects.Finding{
			"all": store.Probe(t.Context(), time.Now), "reading": store.ProbeReader(t.Context(), time.Now, archiveOfProbe),
		} {
			if len(findings) != 1 || findings[0].OK || findings[0].Name != "the store answers" {
				t.Errorf("%s, probing %s: got %+v, want the one finding that it does not answer", name, of, findings)
			}
		}
	}
}

func TestProbeOfADirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	d := openDir(t, path)
	wantGood(t, d.Probe(t.Context(), time.Now), 9)
	entries, err := os.ReadDir(path)
	if err != nil || len(entries) != 0 {
		t.Errorf("the probe left %v behind (%v)", entries, err)
	}
}
