package portal

import (
	"errors"
	"html"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/delivery"
	"sluice/delivery/manifest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/servers"
)

var shownCommands = regexp.MustCompile(`(?s)<pre[^>]*>(cat &gt; manifest-key\.pem.*?)</pre>`)

// checking is a folder with the files of a delivery as its contact has them, and the commands of its page.
func checking(t *testing.T) (w *world, folder, commands string) {
	t.Helper()
	for _, tool := range []string{"sh", "openssl", "jq", "sha256sum", "wc", "tail", "head"} {
		if _, err := exec.LookPath(tool); err != nil {
			servers.Need(t, errors.New("there is no "+tool+" here to check a manifest with"))
		}
	}
	d, clock := dbtest.Fresh(t)
	w = dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	folder = t.TempDir()
	session := w.session(a.Ada)
	for name, path := range map[string]string{"manifest.json": "/files/manifest.json", "b.bam": "/files/b.bam", "sub dir/één #1.vcf": oddPath} {
		write(t, filepath.Join(folder, name), body(t, w.raw("GET", a.deliveryPath(path), session...)))
	}
	page := w.as(a.Ada).Get(a.deliveryPath("")).Want(200, "Delivery").Sees("Check the signature of the manifest", "Compare the fingerprint")
	found := shownCommands.FindStringSubmatch(page.Body)
	if found == nil {
		t.Fatal("the page shows no commands")
	}
	return w, folder, html.UnescapeString(found[1])
}

func write(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o700), os.WriteFile(name, text, 0o600)); err != nil {
		t.Fatal(err)
	}
}

func shell(folder, commands string) string {
	c := exec.Command("sh", "-c", commands)
	c.Dir = folder
	out, _ := c.CombinedOutput()
	return string(out)
}

func TestTheCommandsOfThePageVerifyAManifestAndNoOther(t *testing.T) {
	w, folder, commands := checking(t)
	good := shell(folder, commands)
	for _, words := range []string{"Signature Verified Successfully", "b.bam: OK", "sub dir/één #1.vcf: OK"} {
		if !strings.Contains(good, words) {
			t.Errorf("the commands do not say %q:\n%s\n%s", words, commands, good)
		}
	}
	var keys []delivery.ManifestKey
	w.View(func(tx *db.Tx) (err error) {
		keys, err = w.Depot.ManifestKeys(tx)
		return err
	})
	if len(keys) != 1 {
		t.Fatalf("got %d keys, want one", len(keys))
	}
	mark, err := manifest.Fingerprint(keys[0].Public)
	if err != nil || !strings.Contains(good, mark) {
		t.Errorf("openssl does not show the fingerprint %s (%v):\n%s", mark, err, good)
	}

	file := filepath.Join(folder, "manifest.json")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(string) string{
		"another size":      func(s string) string { return strings.Replace(s, `"size":5`, `"size":6`, 1) },
		"another signature": func(s string) string { return s[:len(s)-20] + strings.ToUpper(s[len(s)-20:len(s)-10]) + s[len(s)-10:] },
		"a second list": func(s string) string {
			return strings.Replace(s, `,"public_key"`, `,"manifest":{"files":[]},"public_key"`, 1)
		},
		"a list behind":          func(s string) string { return strings.TrimSuffix(s, "}\n") + `,"manifest":{"files":[]}}` + "\n" },
		"another list on a line": func(s string) string { return `{"manifest":{"files":[]}}` + "\n" + s },
		"a file wrapped up": func(s string) string {
			return strings.Replace(s, `[{"name":"b.bam"`, "[\n"+`{"manifest":{"name":"b.bam"`, 1)
		},
		"a line more":             func(s string) string { return s + `{"manifest":{"files":[]}}` + "\n" },
		"the line that is signed": func(s string) string { return "{}\n" + s },
	} {
		changed := change(string(whole))
		if changed == string(whole) {
			t.Fatalf("%s changes nothing", name)
		}
		write(t, file, []byte(changed))
		if out := shell(folder, commands); strings.Contains(out, "Verified Successfully") {
			t.Errorf("%s: openssl takes it for good:\n%s", name, out)
		}
	}
}

func TestThePublicKeysStandWhereAnybodyReadsThemOlderOnesToo(t *testing.T) {
	w, folder, _ := checking(t)
	r := w.raw(http.MethodGet, "/.well-known/sluice-manifest-keys")
	text := string(body(t, r))
	if r.StatusCode != 200 || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" || !strings.HasPrefix(text, "Since: ") {
		t.Fatalf("got %d, %q:\n%s", r.StatusCode, r.Header.Get("Content-Type"), text)
	}
	write(t, filepath.Join(folder, "keys"), []byte(text))
	mark := regexp.MustCompile(`SHA-256: ([0-9a-f]{64})\n`).FindStringSubmatch(text)
	if out := shell(folder, "openssl pkey -pubin -in keys -outform DER | openssl dgst -sha256"); mark == nil || !strings.Contains(out, mark[1]) {
		t.Errorf("openssl reads the fingerprint %q, the page says %v", out, mark)
	}
	// After a rotation the older key stays.
	err := w.DB.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO deliveries (id, number, agreement, kind, state, rev, bucket, key_id, created, available, manifest_key)
			SELECT 'X', 'X', agreement, kind, state, rev, 'x', 'x', created, available + 1000000, 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=' FROM deliveries`)
		if err != nil {
			return err
		}
		return tx.Record("test:1", rotated{})
	})
	if err != nil {
		t.Fatal(err)
	}
	text = string(body(t, w.raw(http.MethodGet, "/.well-known/sluice-manifest-keys")))
	if strings.Count(text, "BEGIN PUBLIC KEY") != 2 || strings.Index(text, mark[1]) < strings.Index(text, "BEGIN PUBLIC KEY") {
		t.Errorf("got\n%s\nwant two keys, the newer one first", text)
	}
}

type rotated struct{}

func (rotated) Kind() string { return "test.rotated" }
