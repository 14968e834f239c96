package objects_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/minio/minio-go/v7"

	"sluice/delivery"
	"sluice/infra/objects"
	"sluice/infra/servers"
)

// front is a proxy before a server, where requests can be counted, held and refused. The host name stays, since it is
// signed.
func front(t *testing.T, server servers.S3, tls bool, each func(w http.ResponseWriter, r *http.Request, on http.Handler)) *httptest.Server {
	t.Helper()
	target, err := url.Parse(server.URL())
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host
	}}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { each(w, r, proxy) })
	f := httptest.NewUnstartedServer(handler)
	if tls {
		f.StartTLS()
	} else {
		f.Start()
	}
	t.Cleanup(f.Close)
	return f
}

func noise(n int) []byte {
	b := make([]byte, n)
	mathrand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

func put(t testing.TB, s delivery.Store, bucket, key string, body []byte) {
	t.Helper()
	if err := s.Put(t.Context(), bucket, key, bytes.NewReader(body), int64(len(body))); err != nil {
		t.Fatal(err)
	}
}

func readAll(t testing.TB, s delivery.Store, bucket, key string) []byte {
	t.Helper()
	obj, err := s.Open(t.Context(), bucket, key)
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	stream, err := obj.Range(t.Context(), 0, obj.Size())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	body, err := io.ReadAll(stream)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestARangeIsOneRequestForJustItsBytes(t *testing.T) {
	server := servers.MinIO(t)
	var mu sync.Mutex
	var seen []string
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		mu.Lock()
		seen = append(seen, r.Method+" "+r.Header.Get("Range"))
		mu.Unlock()
		on.ServeHTTP(w, r)
	})
	c := config(server)
	c.Endpoint = proxy.URL
	s := openS3(t, c)
	bucket := newBucket(t, s)
	body := noise(300_000)
	put(t, s, bucket, "key", body)
	obj, err := s.Open(t.Context(), bucket, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	seen = nil
	stream, err := obj.Range(t.Context(), 1000, 200_000)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(stream)
	stream.Close()
	if err != nil || !bytes.Equal(got, body[1000:201_000]) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if want := []string{"GET bytes=1000-200999"}; len(seen) != 1 || seen[0] != want[0] {
		t.Errorf("got requests %q, want %q", seen, want)
	}
}

func TestPassingFaultsAreRetried(t *testing.T) {
	server := servers.MinIO(t)
	var n, failed atomic.Int64
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if n.Add(1)%3 != 0 {
			on.ServeHTTP(w, r)
			return
		}
		// Half of the faults come after the body was read: only a buffered part can be sent again then.
		if failed.Add(1)%2 == 0 {
			_, _ = io.Copy(io.Discard, r.Body)
		}
		http.Error(w, "busy", http.StatusServiceUnavailable)
	})
	c := config(server)
	c.Endpoint, c.Attempts = proxy.URL, 10
	s := openS3(t, c)
	bucket := newBucket(t, s)
	body := noise(2*testPart + 17)
	if err := s.Put(t.Context(), bucket, "key", plain{bytes.NewReader(body)}, int64(len(body))); err != nil {
		t.Fatal(err)
	}
	if err := s.Copy(t.Context(), bucket, "key", bucket, "copy"); err != nil {
		t.Fatal(err)
	}
	if got := readAll(t, s, bucket, "copy"); !bytes.Equal(got, body) {
		t.Errorf("read %d bytes that differ from the %d put", len(got), len(body))
	}
	if failed.Load() < 3 {
		t.Errorf("only %d requests failed: nothing was tried", failed.Load())
	}
}

type plain struct{ io.Reader }

func TestAnAnswerThatWasLostIsNoSecondObject(t *testing.T) {
	server := servers.MinIO(t)
	var lose atomic.Bool
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		writes := r.Method == http.MethodPut && !r.URL.Query().Has("partNumber") || r.URL.Query().Has("uploadId") && r.Method == http.MethodPost
		if writes && lose.CompareAndSwap(true, false) {
			on.ServeHTTP(httptest.NewRecorder(), r) // done
			panic(http.ErrAbortHandler)             // and the connection breaks
		}
		on.ServeHTTP(w, r)
	})
	c := config(server)
	c.Endpoint, c.Attempts = proxy.URL, 5
	s := openS3(t, c)
	bucket := newBucket(t, s)
	for _, size := range []int{1000, testPart + 1} {
		key, body := fmt.Sprint("key-", size), noise(size)
		lose.Store(true)
		err := s.Put(t.Context(), bucket, key, bytes.NewReader(body), int64(size))
		if !errors.Is(err, delivery.ErrAlreadyStored) {
			t.Errorf("%d bytes: got %v, want that it is stored already", size, err)
		}
		if got := readAll(t, s, bucket, key); !bytes.Equal(got, body) {
			t.Errorf("%d bytes: what is stored differs", size)
		}
	}
	if n, err := s.Residue(t.Context(), bucket); n != 2 || err != nil {
		t.Errorf("residue: got %d, %v, want the 2 objects", n, err)
	}
}

func TestAStoreWithoutConditionalWritesOverwritesNothing(t *testing.T) {
	server := servers.MinIO(t)
	var refused atomic.Int64
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if r.Header.Get("If-None-Match") == "" {
			on.ServeHTTP(w, r)
			return
		}
		refused.Add(1)
		w.WriteHeader(http.StatusNotImplemented)
		_, _ = io.WriteString(w, "<Error><Code>NotImplemented</Code><Message>no such header</Message></Error>")
	})
	for name, size := range map[string]int{"whole": 1000, "parts": testPart + 1} {
		c := config(server)
		c.Endpoint = proxy.URL
		s := openS3(t, c)
		bucket := newBucket(t, s)
		refused.Store(0)
		body := noise(size)
		put(t, s, bucket, name, body)
		if err := s.Copy(t.Context(), bucket, name, bucket, "copy"); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{name, "copy"} {
			err := s.Put(t.Context(), bucket, key, strings.NewReader("other"), 5)
			if !errors.Is(err, delivery.ErrAlreadyStored) {
				t.Errorf("put over %s: got %v, want already stored", key, err)
			}
			if got := readAll(t, s, bucket, key); !bytes.Equal(got, body) {
				t.Errorf("%s was overwritten", key)
			}
		}
		if refused.Load() != 1 {
			t.Errorf("%s: the condition was tried %d times, want once", name, refused.Load())
		}
	}
}

func TestAllPutsTogetherHoldBoundedMemory(t *testing.T) {
	server := servers.MinIO(t)
	const memory, puts, size = 3 * testPart, 4, 6 * testPart
	var read, answered atomic.Int64
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if r.Method == http.MethodPut && r.URL.Query().Has("partNumber") {
			// Counted before the answer is sent, so before the client can let go of its buffer.
			answered.Add(r.ContentLength)
		}
		on.ServeHTTP(w, r)
	})
	c := config(server)
	c.Endpoint, c.Memory = proxy.URL, memory
	s := openS3(t, c)
	bucket := newBucket(t, s)
	var wg sync.WaitGroup
	for i := range puts {
		wg.Go(func() {
			body := counting{io.LimitReader(mathrand.NewChaCha8([32]byte{byte(i)}), size), func(n int) {
				if held := read.Add(int64(n)) - answered.Load(); held > memory {
					t.Errorf("%d bytes were read and not sent, want %d at most", held, memory)
				}
			}}
			if err := s.Put(t.Context(), bucket, fmt.Sprint("key-", i), body, size); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if answered.Load() != puts*size {
		t.Errorf("%d bytes arrived, want %d", answered.Load(), puts*size)
	}
}

type counting struct {
	io.Reader
	count func(int)
}

func (c counting) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.count(n)
	return n, err
}

func TestAStreamThatBreaksIsNoEnd(t *testing.T) {
	server := servers.MinIO(t)
	proxy := front(t, server, false, func(w http.ResponseWriter, r *http.Request, on http.Handler) {
		if r.Header.Get("Range") == "" {
			on.ServeHTTP(w, r)
			return
		}
		on.ServeHTTP(&cut{ResponseWriter: w, left: 100_000}, r)
	})
	c := config(server)
	c.Endpoint = proxy.URL
	s := openS3(t, c)
	bucket := newBucket(t, s)
	put(t, s, bucket, "key", noise(1_000_000))
	obj, err := s.Open(t.Context(), bucket, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	stream, err := obj.Range(t.Context(), 0, 1_000_000)
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	if n, err := io.Copy(io.Discard, stream); err == nil || n >= 1_000_000 {
		t.Errorf("got %d bytes, %v, want an error", n, err)
	}
}

// cut breaks the connection after so many bytes.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

func TestUnfinishedUploadsThatMinIOForgotAreRemovedByKey(t *testing.T) {
	server := servers.OwnMinIO(t)
	s := openS3(t, config(server))
	bucket := newBucket(t, s)
	core := behind(t, server)
	id, err := core.NewMultipartUpload(t.Context(), testPrefix+bucket, "key", minio.PutObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	server.Stop()
	if _, err := s.Residue(t.Context(), bucket); err == nil || errors.Is(err, delivery.ErrNotStored) {
		t.Errorf("residue while the store is down: got %v, want an error that does not say it is gone", err)
	}
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.Remove(t.Context(), bucket, "key"); err != nil {
		t.Fatal(err)
	}
	if _, err := core.ListObjectParts(t.Context(), testPrefix+bucket, "key", id, 0, 10); err == nil {
		t.Error("the unfinished upload is still there")
	}
}

func TestOverTLSWithACertificateOfTheHouse(t *testing.T) {
	server := servers.MinIO(t)
	proxy := front(t, server, true, func(w http.ResponseWriter, r *http.Request, on http.Handler) { on.ServeHTTP(w, r) })
	c := config(server)
	c.Endpoint, c.Attempts = proxy.URL, 1
	if err := openS3(t, c).MakeBucket(t.Context(), "untrusted"); err == nil {
		t.Error("a certificate that nobody vouches for was taken")
	}
	c.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw})
	if err := os.WriteFile(c.CAFile, ca, 0o600); err != nil {
		t.Fatal(err)
	}
	s := openS3(t, c)
	bucket := newBucket(t, s)
	body := noise(testPart + 1)
	put(t, s, bucket, "large", body)
	put(t, s, bucket, "small", body[:10])
	if got := readAll(t, s, bucket, "large"); !bytes.Equal(got, body) {
		t.Errorf("what was read differs")
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	const secret = "the-very-secret"
	c := objects.Config{Endpoint: "https://s3.example.org", AccessKey: "key", SecretKey: secret}
	s := openS3(t, c)
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, nil))
	logger.Info("store", "config", c, "secret", c.SecretKey, "store", s)
	slog.New(slog.NewTextHandler(&log, nil)).Info("store", "config", c, "secret", c.SecretKey, "store", s)
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown := log.String() + string(encoded)
	for _, v := range []any{c, &c, c.SecretKey, &c.SecretKey, s, struct{ C objects.Config }{c}, []any{c, c.SecretKey}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			shown += fmt.Sprintf(verb+"\n", v)
		}
	}
	if strings.Contains(shown, secret) || strings.Contains(shown, fmt.Sprintf("%x", secret)) {
		t.Errorf("the secret is shown:\n%s", shown)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.MakeBucket(ctx, "bucket"); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v", err)
	}
}

func TestAWrongConfigurationIsReportedWhole(t *testing.T) {
	good := objects.Config{Endpoint: "https://s3.example.org:9000/", AccessKey: "key", SecretKey: "secret", Prefix: "sluice-"}
	if err := good.Check(); err != nil {
		t.Errorf("a good one: %v", err)
	}
	bad := objects.Config{Endpoint: "s3.example.org", Prefix: "Not_Good", PartSize: 1, CopyPart: 1 << 40, Uploads: -1, Attempts: -1,
		Memory: -1, CAFile: "/does/not/exist", AnswerTimeout: -1}
	err := bad.Check()
	if err == nil {
		t.Fatal("a wrong configuration was taken")
	}
	for _, want := range []string{"endpoint", "access key", "secret key", "prefix", "part size", "copy part", "uploads", "attempts",
		"memory", "certificates", "time limits"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("nothing is said about the %s: %v", want, err)
		}
	}
	for _, endpoint := range []string{"https://user:password@host", "https://host/path", "ftp://host", "https://", "https://host?x=1"} {
		c := good
		c.Endpoint = endpoint
		if c.Check() == nil {
			t.Errorf("endpoint %q was taken", endpoint)
		}
	}
}
