//go:build unix

package delivery_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/minio/minio-go/v7"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/delivery/ratiotest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/objects"
	"sluice/infra/servers"
	"sluice/licensing"
)

// now is a world at the machine's own time.
func now(b *testing.B, o deliverytest.Options) *deliverytest.World {
	b.Helper()
	d, clock := dbtest.SQLite(b)
	clock.Set(time.Now().UTC().Truncate(time.Microsecond))
	return deliverytest.New(b, d, clock, o)
}

// A handed is a large file that was handed over, and the plain file that it was made of.
type handed struct {
	*deliverytest.World
	a     *deliverytest.Agreement
	site  *site
	size  int64
	plain string // path
	url   string
}

func handOver(b *testing.B, store delivery.Store) *handed {
	b.Helper()
	h := &handed{World: now(b, deliverytest.Options{Store: store}), size: ratiotest.Bytes(b)}
	dir := b.TempDir()
	h.plain = filepath.Join(dir, "large.bam")
	f, err := os.Create(h.plain)
	must(b, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{1}), h.size)
	must(b, err)
	must(b, f.Close())
	set, err := h.Depot.Import(b.Context(), h.Steward, h.Listed("large", os.DirFS(dir), "large.bam"))
	must(b, err)
	h.a = h.InForceUntil(licensing.DateOf(h.Clock.Now()).AddDays(3), set.ID)
	h.Work()
	ahead := time.Until(h.Clock.Now()) // making people's codes has moved the clock on; now it runs
	h.DB.Now = func() time.Time { return time.Now().Add(ahead) }
	h.site = serve(b, h.Depot, map[string]account.Who{"carla": h.a.Contact})
	h.url = strings.Replace(h.site.URL, "http://", "http://carla:@", 1) + "/" + string(h.a.Delivery().ID) + "/large.bam"
	return h
}

func dirStore(b *testing.B) *objects.Dir {
	b.Helper()
	store, err := objects.NewDir(b.TempDir())
	must(b, err)
	return store
}

// fetch takes an address with curl, or with net/http where there is none, and forgets what it gets.
func fetch(b *testing.B, url string, want int64, ranges string) {
	b.Helper()
	if _, err := exec.LookPath("curl"); err == nil {
		args := []string{"-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", url}
		if ranges != "" {
			args = append(args, "-r", ranges)
		}
		out, err := exec.Command("curl", args...).CombinedOutput()
		if err != nil || string(out) != fmt.Sprint(want) {
			b.Fatalf("curl: %v, %s; want %d bytes", err, out, want)
		}
		return
	}
	r, err := http.NewRequest(http.MethodGet, url, nil)
	must(b, err)
	if ranges != "" {
		r.Header.Set("Range", "bytes="+ranges)
	}
	response, err := http.DefaultClient.Do(r)
	must(b, err)
	defer response.Body.Close()
	if n, err := io.Copy(io.Discard, response.Body); err != nil || n != want {
		b.Fatalf("got %d bytes, %v; want %d", n, err, want)
	}
}

func listen(b *testing.B, handler http.Handler) string {
	b.Helper()
	s := httptest.NewServer(handler)
	b.Cleanup(s.Close)
	return s.URL
}

func BenchmarkGatewayDecrypted(b *testing.B) {
	h := handOver(b, dirStore(b))
	data, err := os.ReadFile(h.plain)
	must(b, err)
	memory := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
	}))
	ratiotest.Paired(b, h.size, &ratiotest.Side{Name: "net/http from memory", Run: func() { fetch(b, memory, h.size, "") }},
		&ratiotest.Side{Name: "the gateway, decrypted", Run: func() { fetch(b, h.url, h.size, "") }})
}

func BenchmarkGatewayAsStored(b *testing.B) {
	h := handOver(b, dirStore(b))
	d := h.a.Delivery()
	dir := b.TempDir()
	must(b, os.WriteFile(filepath.Join(dir, "body"), take(b, h.Store, d.Bucket, objectOf(b, h.World, d.ID, "large.bam")), 0o600))
	info, err := os.Stat(filepath.Join(dir, "body"))
	must(b, err)
	files := listen(b, http.FileServer(http.Dir(dir)))
	stored := listen(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h.site.gateway.ServeStored(w, r, h.a.Contact, d.ID, "large.bam")
		if err != nil {
			http.Error(w, err.Error(), statusOf(err))
		}
	}))
	ratiotest.Paired(b, info.Size(), &ratiotest.Side{Name: "http.FileServer", Run: func() { fetch(b, files+"/body", info.Size(), "") }},
		&ratiotest.Side{Name: "the gateway, as stored", Run: func() { fetch(b, stored, info.Size(), "") }})
}

func BenchmarkGatewayEightRanges(b *testing.B) {
	h := handOver(b, dirStore(b))
	ratiotest.Paired(b, h.size, &ratiotest.Side{Name: "one stream", Run: func() { fetch(b, h.url, h.size, "") }},
		&ratiotest.Side{Name: "eight ranges at once", Run: func() {
			var all sync.WaitGroup
			for i := range int64(8) {
				from, to := h.size*i/8, h.size*(i+1)/8
				all.Go(func() { fetch(b, h.url, to-from, fmt.Sprintf("%d-%d", from, to-1)) })
			}
			all.Wait()
		}})
}

func BenchmarkGatewayShortRange(b *testing.B) {
	b.Setenv("SLUICE_BENCH_BYTES", "67108864")
	h := handOver(b, dirStore(b))
	id := h.a.Delivery().ID
	h.site.get("carla", id, "large.bam", "Range", "bytes=0-0").want(b, "the first byte", 206, nil)
	var times []time.Duration
	for b.Loop() {
		for i := range 1000 {
			start := time.Now()
			got := h.site.get("carla", id, "large.bam", "Range", fmt.Sprintf("bytes=%d-%d", i*60_000, i*60_000+10_239))
			times = append(times, time.Since(start))
			if got.StatusCode != 206 || len(got.body) != 10_240 {
				b.Fatalf("got %s, %d bytes", got.Status, len(got.body))
			}
		}
	}
	ratiotest.Spread(b, "10 KiB of an open transfer, decision included", times)
}

func BenchmarkGatewayHundredStreams(b *testing.B) {
	b.Setenv("SLUICE_BENCH_BYTES", "268435456")
	h := handOver(b, dirStore(b))
	inUse := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse+m.StackInuse) / (1 << 20)
	}
	id := h.a.Delivery().ID
	for b.Loop() {
		before := inUse()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, MaxIdleConns: -1}}
		var bodies []io.ReadCloser
		for range 100 {
			response, err := client.Do(h.site.request(http.MethodGet, "carla", id, "large.bam"))
			must(b, err)
			_, err = io.CopyN(io.Discard, response.Body, 1<<20)
			must(b, err)
			bodies = append(bodies, response.Body)
		}
		during := inUse()
		b.Logf("100 streams, clients included: %.1f MiB in use before, %.1f MiB with them open", before, during)
		b.ReportMetric(during-before, "MiB-more")
		for _, body := range bodies {
			body.Close()
		}
	}
	b.ReportMetric(0, "ns/op")
}

func BenchmarkGatewayFromMinIO(b *testing.B) {
	server := servers.OwnMinIO(b)
	store := realS3(b, server)
	h := handOver(b, store)
	d := h.a.Delivery()
	client, err := server.Client()
	must(b, err)
	buckets, err := client.ListBuckets(b.Context())
	must(b, err)
	var bucket string
	for _, one := range buckets {
		if strings.HasSuffix(one.Name, d.Bucket) {
			bucket = one.Name
		}
	}
	object := objectOf(b, h.World, d.ID, "large.bam")
	info, err := client.StatObject(b.Context(), bucket, object, minio.StatObjectOptions{})
	must(b, err)
	signed, err := client.PresignedGetObject(b.Context(), bucket, object, time.Hour, nil)
	must(b, err)
	ratiotest.Paired(b, h.size, &ratiotest.Side{Name: "MinIO's own presigned GET", Run: func() { fetch(b, signed.String(), info.Size, "") }},
		&ratiotest.Side{Name: "the gateway from MinIO, decrypted", Run: func() { fetch(b, h.url, h.size, "") }})
}

func BenchmarkImportToMinIO(b *testing.B) {
	server := servers.OwnMinIO(b)
	w := now(b, deliverytest.Options{Store: realS3(b, server)})
	size := ratiotest.Bytes(b)
	dir := b.TempDir()
	f, err := os.Create(filepath.Join(dir, "large.bam"))
	must(b, err)
	_, err = io.CopyN(f, rand.NewChaCha8([32]byte{1}), size)
	must(b, err)
	must(b, f.Close())
	client, err := server.Client()
	must(b, err)
	must(b, client.MakeBucket(b.Context(), "plain-puts", minio.MakeBucketOptions{}))
	n := 0
	ratiotest.Paired(b, size, &ratiotest.Side{Name: "minio-go's PutObject of the plain file", Run: func() {
		n++
		in, err := os.Open(filepath.Join(dir, "large.bam"))
		must(b, err)
		defer in.Close()
		_, err = client.PutObject(b.Context(), "plain-puts", fmt.Sprint(n), in, size, minio.PutObjectOptions{PartSize: 16 << 20})
		must(b, err)
		must(b, client.RemoveObject(b.Context(), "plain-puts", fmt.Sprint(n), minio.RemoveObjectOptions{}))
	}}, &ratiotest.Side{Name: "import: hash, seal, put, read back", Run: func() {
		n++
		_, err := w.Depot.Import(b.Context(), w.Steward, w.Listed(fmt.Sprint(n), os.DirFS(dir), "large.bam"))
		must(b, err)
	}})
}

// The decision is taken from a database in which ten years of others stand.
func BenchmarkDecision(b *testing.B) {
	w := now(b, deliverytest.Options{})
	a := w.InForceUntil(licensing.DateOf(w.Clock.Now()).AddDays(3), w.Import("two", two()).ID)
	w.Work()
	id := a.Delivery().ID
	crowd(b, w, id, a)
	var times []time.Duration
	for b.Loop() {
		for range 2000 {
			start := time.Now()
			must(b, w.Depot.Ask(b.Context(), a.Contact, id))
			times = append(times, time.Since(start))
		}
	}
	ratiotest.Spread(b, "the decision, with 100,000 grants under 5,000 agreements", times)
}

// crowd fills the tables with copies of one agreement's rows, as after ten years: 5,000 agreements, each with 5 deliveries and 4
// contacts, so that there are 100,000 grants; 10,000 persons, each with an account, a second factor and a session, who are
// contacts of two agreements.
func crowd(b *testing.B, w *deliverytest.World, id delivery.ID, a *deliverytest.Agreement) {
	b.Helper()
	person, request := `= '`+string(a.Contact.Person())+`'`, string(a.Request)
	for _, c := range []struct {
		table string
		n     int
		of    string // the row that is copied
		other map[string]string
	}{
		{"persons", 10_000, `id ` + person, map[string]string{"id": `'p' || i`}},
		{"accounts", 10_000, `person_id ` + person, map[string]string{"person_id": `'p' || i`}},
		{"factors", 10_000, `person_id ` + person, map[string]string{"person_id": `'p' || i`}},
		{"sessions", 10_000, `id = (SELECT MIN(id) FROM sessions WHERE person_id ` + person + `)`, map[string]string{"id": `'s' || i`, "hash": `'h' || i`, "person_id": `'p' || i`}},
		{"requests", 5_000, `id = '` + request + `'`, map[string]string{"id": `'q' || i`, "number": `'q' || i`}},
		{"agreements", 5_000, `id = '` + string(a.ID) + `'`, map[string]string{"id": `'a' || i`, "request": `'q' || i`, "number": `'a' || i`}},
		{"contacts", 20_000, `id = '` + string(a.ContactID) + `'`, map[string]string{"id": `'c' || i`, "request": `'q' || (i / 4)`, "agreement": `'a' || (i / 4)`,
			"person": `'p' || (i % 10000)`, "email": `'c' || i || '@x.example'`, "address": `'c' || i || '@x.example'`}},
		{"deliveries", 25_000, `id = '` + string(id) + `'`, map[string]string{"id": `'d' || i`, "agreement": `'a' || (i / 5)`, "number": `'d' || i`, "bucket": `'b' || i`, "key_id": `'k' || i`}},
		{"grants", 100_000, `delivery = '` + string(id) + `'`, map[string]string{"id": `'g' || i`, "contact": `'c' || (i / 20 * 4 + i % 20 / 5)`, "delivery": `'d' || (i / 20 * 5 + i % 5)`}},
	} {
		must(b, w.DB.Change(b.Context(), db.Worker(), func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT * FROM ` + c.table + ` WHERE 1 = 0`)
			if err != nil {
				return err
			}
			columns, err := rows.Columns()
			rows.Close()
			if err != nil {
				return err
			}
			values := slices.Clone(columns)
			for i, name := range columns {
				if value, found := c.other[name]; found {
					values[i] = value
				}
			}
			n, err := tx.Exec(fmt.Sprintf(`INSERT INTO %s (%s) WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %s FROM n, %s WHERE %s`,
				c.table, strings.Join(columns, ", "), c.n-1, strings.Join(values, ", "), c.table, c.of))
			if err != nil || n != int64(c.n) {
				return fmt.Errorf("%s: %d copies, %w", c.table, n, err)
			}
			return tx.Record("test:crowd", tampered{})
		}))
	}
}

func BenchmarkPrepareTenThousandFiles(b *testing.B) {
	files := ratiotest.Number(b, "SLUICE_BENCH_FILES", 10_000)
	keys := realVault(b)
	w := now(b, deliverytest.Options{Keys: keys, Placement: licensing.Shared})
	tree := fstest.MapFS{}
	var names []string
	for i := range files {
		name := fmt.Sprintf("sample-%05d.vcf", i)
		tree[name] = &fstest.MapFile{Data: []byte(name), ModTime: time.Unix(1, 0)}
		names = append(names, name)
	}
	start := time.Now()
	set, err := w.Depot.Import(b.Context(), w.Steward, w.Listed("many", tree, names...))
	must(b, err)
	b.Logf("importing %d files took %v", files, time.Since(start))
	var times []time.Duration
	for b.Loop() {
		for range 3 {
			a := w.InForceUntil(licensing.DateOf(w.Clock.Now()).AddDays(3), set.ID)
			id := a.Delivery().ID
			keys.calls.take("")
			start := time.Now()
			must(b, w.Depot.Prepare(context.Background(), id))
			times = append(times, time.Since(start))
			w.Work()
			if got := a.Delivery(); got.State != delivery.Available || got.Files != int64(files) {
				b.Fatalf("got %s with %d files", got.State, got.Files)
			}
		}
	}
	batches := (files + 499) / 500
	b.Logf("Vault was asked %d times, for %d batches of 500 and the manifest", keys.calls.take("crypt")+0, batches)
	ratiotest.Spread(b, fmt.Sprintf("preparing %d files that are shared", files), times)
}
