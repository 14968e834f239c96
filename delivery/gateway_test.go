package delivery_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/delivery"
	"sluice/delivery/crypt4gh"
	"sluice/delivery/deliverytest"
	"sluice/delivery/manifest"
	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring/keyringtest"
	"sluice/infra/objects"
)

// logged counts the entries of a kind in the log.
func logged(t testing.TB, w *deliverytest.World, kind string) (n int) {
	t.Helper()
	w.View(func(tx *db.Tx) error {
		_, err := tx.VerifyLog(func(_ audit.Entry, b audit.Body) error {
			if b.Kind == kind {
				n++
			}
			return nil
		})
		return err
	})
	return n
}

func TestAFileIsFetchedWholeAndInRanges(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	const file = "sub/three.bam"
	data := small()[file]
	sum := sha256.Sum256(data)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`

	whole := s.get("carla", d.ID, file)
	whole.want(t, "the whole", 200, data)
	for header, want := range map[string]string{
		"ETag": etag, "Accept-Ranges": "bytes", "Content-Length": fmt.Sprint(len(data)), "Cache-Control": "private, no-store",
		"X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment; filename=three.bam",
		"Content-Type": "application/octet-stream",
	} {
		if got := whole.Header.Get(header); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
	for _, c := range []struct {
		name, ask string
		from, to  int
	}{
		{"the first byte", "bytes=0-0", 0, 1},
		{"across a segment", "bytes=65530-65540", 65530, 65541},
		{"a segment", "bytes=65536-131071", 65536, 131072},
		{"from the middle on", "bytes=100000-", 100000, len(data)},
		{"the last bytes", "bytes=-20", len(data) - 20, len(data)},
		{"more than there is", "bytes=196600-999999", 196600, len(data)},
	} {
		got := s.get("carla", d.ID, file, "Range", c.ask)
		got.want(t, c.name, 206, data[c.from:c.to])
		if want := fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, len(data)); got.Header.Get("Content-Range") != want {
			t.Errorf("%s: got %q, want %q", c.name, got.Header.Get("Content-Range"), want)
		}
	}
	s.get("carla", d.ID, file, "Range", "bytes=0-9", "If-Range", etag).want(t, "If-Range that matches", 206, data[:10])
	s.get("carla", d.ID, file, "Range", "bytes=0-9", "If-Range", `"other"`).want(t, "If-Range that does not", 200, data)
	s.get("carla", d.ID, file, "Range", "bytes=0-9,20-29").want(t, "several ranges", 200, data)

	before := logged(t, w, "transfer.opened")
	s.get("carla", d.ID, "exact.bam", "If-None-Match", "*").want(t, "If-None-Match with anything", 304, []byte{})
	s.get("carla", d.ID, file, "If-None-Match", `"x", `+etag).want(t, "If-None-Match", 304, []byte{})
	s.get("carla", d.ID, "exact.bam", "If-Match", `"x"`).want(t, "If-Match that does not", 412, []byte{})
	beyond := s.get("carla", d.ID, "exact.bam", "Range", "bytes=65536-")
	beyond.want(t, "beyond the end", 416, nil)
	if got := beyond.Header.Get("Content-Range"); got != "bytes */65536" {
		t.Errorf("beyond the end: got %q", got)
	}
	head := s.do(s.request(http.MethodHead, "carla", d.ID, "exact.bam"))
	head.want(t, "HEAD", 200, []byte{})
	if head.ContentLength != segment || head.Header.Get("ETag") == "" {
		t.Errorf("HEAD: got length %d and ETag %q", head.ContentLength, head.Header.Get("ETag"))
	}
	if after := logged(t, w, "transfer.opened"); after != before {
		t.Errorf("answers without contents: got %d transfers in the log, want none", after-before)
	}
	for name, data := range small() {
		s.get("carla", d.ID, name).want(t, name, 200, data)
		s.get("carla", d.ID, name, "Range", "bytes=0-").want(t, name+" from 0 on", map[bool]int{true: 200, false: 206}[len(data) == 0], data)
	}
}

func TestWhatIsNotThereAndWhatIsNotYoursLookTheSame(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	stranger := w.Person("Stella Vreemd", "stella@elsewhere.example")
	token, _, err := w.Accounts.NewToken(t.Context(), a.Contact, w.Act(a.Contact, "token", "delivery:other"), "delivery:other", w.Clock.Now().Add(1e12))
	must(t, err)
	scoped, _, err := w.Accounts.ByToken(t.Context(), token)
	must(t, err)
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact, "stella": stranger, "scoped": scoped, "desk": w.Desk,
		"signatory": a.Signatory, "host": account.Host("root", "here")})
	var bodies []string
	for _, c := range []struct{ who, id, path string }{
		{"carla", string(d.ID), "no such file"}, {"carla", "no-such-delivery", "exact.bam"}, {"carla", string(d.ID), ""},
		{"carla", string(d.ID), "EXACT.bam"}, {"carla", string(d.ID), "sub/../exact.bam"},
		{"stella", string(d.ID), "exact.bam"}, {"scoped", string(d.ID), "exact.bam"}, {"desk", string(d.ID), "exact.bam"},
		{"signatory", string(d.ID), "manifest.json"}, {"host", string(d.ID), "exact.bam"}, {"nobody", string(d.ID), "exact.bam"},
	} {
		got := s.get(c.who, delivery.ID(c.id), c.path)
		got.want(t, c.who+" "+c.path, 404, nil)
		if got.Header.Get("ETag") != "" || got.Header.Get("Accept-Ranges") != "" {
			t.Errorf("%s %s: got headers of a file: %v", c.who, c.path, got.Header)
		}
		bodies = append(bodies, string(got.body))
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("got %q and %q, want the same words", b, bodies[0])
		}
	}
}

func TestEverythingComesAsOneArchive(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	path := delivery.ArchivePath(d.Delivery)
	whole := s.get("carla", d.ID, path)
	whole.want(t, "the archive", 200, nil)
	if int64(len(whole.body)) != whole.ContentLength {
		t.Errorf("got %d bytes, announced were %d", len(whole.body), whole.ContentLength)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "all.tar")
	must(t, os.WriteFile(file, whole.body, 0o600))
	list, err := exec.Command("tar", "-tf", file).CombinedOutput()
	must(t, err)
	want := d.Number + "/manifest.json\n" + d.Number + "/SHA256SUMS\n"
	if !strings.HasPrefix(string(list), want) || strings.Count(string(list), "\n") != 2+len(small()) {
		t.Errorf("tar -t: got %s", list)
	}
	seen := map[string][]byte{}
	for r := tar.NewReader(bytes.NewReader(whole.body)); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		seen[strings.TrimPrefix(h.Name, d.Number+"/")], err = io.ReadAll(r)
		must(t, err)
	}
	for name, data := range small() {
		if !bytes.Equal(seen[name], data) {
			t.Errorf("%s: got %d bytes, want %d", name, len(seen[name]), len(data))
		}
	}
	again := s.get("carla", d.ID, path, "If-Range", whole.Header.Get("ETag"), "Range", "bytes=0-")
	again.want(t, "once more", 206, whole.body)
	n := len(whole.body)
	edges := []int{0, 1, 511, 512, 513, 1023, 1024, 1025, n - 1025, n - 1024, n - 513, n - 1, n}
	for at := 2048; at < n; at += 7919 {
		edges = append(edges, at)
	}
	for i, from := range edges {
		for _, to := range []int{from + 1, from + 700, edges[(i*7+3)%len(edges)]} {
			if from >= to || to > n {
				continue
			}
			got := s.get("carla", d.ID, path, "Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
			got.want(t, fmt.Sprintf("the range %d to %d", from, to), 206, whole.body[from:to])
		}
	}
	_, err = exec.Command("tar", "-xf", file, "-C", dir).CombinedOutput()
	must(t, err)
	check := exec.Command("sha256sum", "--strict", "-c", "SHA256SUMS")
	check.Dir = filepath.Join(dir, d.Number)
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sum -c: %v\n%s", err, out)
	} else if got := strings.Count(string(out), ": OK"); got != 1+len(small()) {
		t.Errorf("sha256sum -c: got %d files, want %d:\n%s", got, 1+len(small()), out)
	}
}

func TestTheManifestSaysWhatWasHandedOver(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	got := s.get("carla", d.ID, "manifest.json")
	got.want(t, "the manifest", 200, nil)
	_, public, err := w.Keys.Sign(t.Context(), []byte("which key"))
	must(t, err)
	m, err := manifest.Verify(got.body, public)
	must(t, err)
	if m.Delivery != d.Number || len(m.Files) != len(small()) {
		t.Errorf("got delivery %s with %d files, want %s with %d", m.Delivery, len(m.Files), d.Number, len(small()))
	}
	for _, f := range m.Files {
		data := small()[f.Name]
		if f.Size != int64(len(data)) || f.SHA256 != crypt4gh.Hash(sha256.Sum256(data)) {
			t.Errorf("%s: got size %d and hash %s", f.Name, f.Size, f.SHA256)
		}
	}
}

func TestOneTransferLeavesOneRecord(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		d := a.Delivery()
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		second := serve(t, w.Replica(), s.people)
		const file = "sub/three.bam"
		s.get("carla", d.ID, file, "Range", "bytes=0-99999").want(t, "the beginning", 206, nil)
		second.get("carla", d.ID, file, "Range", "bytes=100000-").want(t, "the rest, elsewhere", 206, nil)
		s.get("carla", d.ID, "exact.bam").want(t, "another file", 200, nil)
		if got := logged(t, w, "transfer.opened"); got != 2 {
			t.Errorf("got %d transfers in the log, want 2", got)
		}
		s.stop()
		second.stop() // writes down what was sent
		w.Clock.Advance(delivery.IdleAfter - 2e9)
		w.Work()
		if got := logged(t, w, "transfer.closed"); got != 0 {
			t.Errorf("before it was idle for long: got %d closed, want none", got)
		}
		w.Clock.Advance(120e9)
		w.Work()
		var transfers []delivery.Transfer
		w.View(func(tx *db.Tx) (err error) {
			transfers, err = w.Depot.Transfers(tx, d.ID, a.Contact.Person())
			return err
		})
		totals := map[string]int64{}
		for _, one := range transfers {
			if one.Closed.IsZero() || one.Person != a.Contact.Person() {
				t.Errorf("got %+v, want it closed, and Carla's", one)
			}
			totals[one.File] = one.Bytes
		}
		if len(transfers) != 2 || totals[file] != 3*segment+17 || totals["exact.bam"] != segment {
			t.Errorf("got totals %v, want all bytes of both files", totals)
		}
		if got := logged(t, w, "transfer.closed"); got != 2 {
			t.Errorf("got %d transfers closed in the log, want 2", got)
		}
		third := serve(t, w.Depot, s.people)
		third.get("carla", d.ID, "exact.bam", "Range", "bytes=0-9").want(t, "later", 206, nil)
		if got := logged(t, w, "transfer.opened"); got != 3 {
			t.Errorf("after it was closed: got %d opened, want 3", got)
		}
		replay(t, w)
	})
}

func TestWithoutARecordNothingIsSent(t *testing.T) {
	t.Parallel() // it waits until the patience of a writer is over
	path := filepath.Join(t.TempDir(), "sluice.db")
	database, clock := dbtest.Open(t, "sqlite:"+path)
	w := deliverytest.New(t, database, clock, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	must(t, err)
	defer other.Close()
	writing, err := other.BeginTx(t.Context(), nil) // nobody else can write now; reading goes on
	must(t, err)
	got := s.get("carla", d.ID, "exact.bam")
	must(t, writing.Rollback())
	got.want(t, "while the log cannot be written", 503, nil)
	if got.Header.Get("ETag") != "" || got.Header.Get("Content-Disposition") != "" {
		t.Errorf("the page has headers of the file: %v", got.Header)
	}
	s.get("carla", d.ID, "exact.bam").want(t, "when it can be written again", 200, small()["exact.bam"])
}

func TestASpoiledBodyIsNeverTakenForTheFile(t *testing.T) {
	store := objects.NewMemory()
	w := onSQLite(t, deliverytest.Options{Store: store})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	const file = "sub/three.bam"
	data := small()[file]
	key, other := objectOf(t, w, d.ID, file), objectOf(t, w, d.ID, "exact.bam")
	sealed := take(t, store, d.Bucket, key)
	const sealedSegment = segment + 28
	swapped := bytes.Clone(sealed)
	copy(swapped, sealed[sealedSegment:2*sealedSegment])
	copy(swapped[sealedSegment:], sealed[:sealedSegment])
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for _, c := range []struct {
		name   string
		body   []byte
		status int
	}{
		{"segments swapped", swapped, 200},
		{"a bit turned in the last segment", flipped, 200},
		{"a body of another key", bytes.Repeat([]byte{7}, len(sealed)), 200},
		{"cut at the end of a segment", sealed[:2*sealedSegment], 500},
		{"another file's body", take(t, store, d.Bucket, other), 500},
		{"nothing", nil, 500},
	} {
		put(t, store, d.Bucket, key, c.body)
		for _, path := range []string{file, delivery.ArchivePath(d.Delivery)} {
			got := s.get("carla", d.ID, path)
			switch {
			case path == file && c.status == 500:
				got.want(t, c.name, 500, nil)
			case got.err == nil:
				t.Errorf("%s, %s: got %s and a whole body, want a broken connection", c.name, path, got.Status)
			case path == file && !bytes.HasPrefix(data, got.body):
				t.Errorf("%s: what came before the break is not of the file", c.name)
			}
		}
	}
	put(t, store, d.Bucket, key, sealed)
	s.get("carla", d.ID, file).want(t, "put right", 200, data)
}

func TestAKeyringOrStoreThatIsAwayMakesAPage(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	d := a.Delivery()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	for _, path := range []string{"exact.bam", "manifest.json", delivery.ArchivePath(d.Delivery)} {
		w.Plan.FailAt(1, keyringtest.NotDone)
		s.get("carla", d.ID, path).want(t, path+" without the keyring", 503, nil)
		w.Store.FailFrom(1, objects.NotDone)
		s.get("carla", d.ID, path).want(t, path+" without the store", 503, nil)
		w.Store.Heal()
		s.get("carla", d.ID, path).want(t, path, 200, nil)
	}
	if got := logged(t, w, "transfer.opened"); got != 3 {
		t.Errorf("got %d transfers in the log, want 3: what could not begin leaves none", got)
	}
}

// objectOf finds where the body of a delivered file lies.
func objectOf(t testing.TB, w *deliverytest.World, id delivery.ID, path string) (key string) {
	t.Helper()
	w.View(func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT object_key FROM delivery_files WHERE delivery = $1 AND name = $2`, id, path).Scan(&key)
	})
	return key
}

func take(t testing.TB, s delivery.Store, bucket, key string) []byte {
	t.Helper()
	o, err := s.Open(t.Context(), bucket, key)
	must(t, err)
	defer o.Close()
	b := make([]byte, o.Size())
	_, err = o.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	return b
}

// put replaces an object behind everybody's back.
func put(t testing.TB, s delivery.Store, bucket, key string, body []byte) {
	t.Helper()
	must(t, s.Remove(t.Context(), bucket, key))
	must(t, s.Put(t.Context(), bucket, key, bytes.NewReader(body), int64(len(body))))
}
