package objects_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"sluice/infra/objects"
	"sluice/infra/servers"
)

const (
	archiveOfProbe = "archive-of-a-reader"
	archiveIsRead  = "what is in the archive can be read"
)

// readOnly is a store in front of another that refuses whatever is not reading, as a key with few rights finds it.
func readOnly(t *testing.T, server servers.S3) string {
	t.Helper()
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Access Denied.</Message></Error>`))
	}))
	t.Cleanup(front.Close)
	return front.URL
}

func TestAKeyThatServesIsHeldToReading(t *testing.T) {
	server := servers.MinIO(t)
	writer := openS3(t, config(server))
	c := config(server)
	c.Endpoint = readOnly(t, server)
	reader := openS3(t, c)

	findings := reader.ProbeReader(t.Context(), time.Now, archiveOfProbe)
	wantGood(t, findings, 3)
	if f := find(t, findings, "the archive has nothing in it yet"); f.Do == "" {
		t.Error("before the first import: got no remark that nothing could be seen")
	}

	if err := writer.MakeBucket(t.Context(), archiveOfProbe); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := writer.Empty(context.Background(), archiveOfProbe); err != nil {
			t.Log(err)
		}
		_ = writer.RemoveBucket(context.Background(), archiveOfProbe)
	})
	if err := writer.Put(t.Context(), archiveOfProbe, "BODY", strings.NewReader("sealed"), 6); err != nil {
		t.Fatal(err)
	}
	findings = reader.ProbeReader(t.Context(), time.Now, archiveOfProbe)
	wantGood(t, findings, 3)
	find(t, findings, archiveIsRead)

	wantGood(t, writer.ProbeReader(t.Context(), time.Now, archiveOfProbe), 3, objects.ReadsOnly)
	wantNoBuckets(t, server)

	c = config(server)
	c.SecretKey = "not-the-secret-at-all"
	wantGood(t, openS3(t, c).ProbeReader(t.Context(), time.Now, archiveOfProbe), 3, archiveIsRead, objects.ReadsOnly)
}
