package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"sluice/delivery/manifest"
	"sluice/infra/servers"
	"sluice/templates/pagetest"
)

// An answer is a download as a client has it.
type answer struct {
	t      testing.TB
	status int
	header http.Header
	body   []byte
	err    error
}

// want fails the test unless these bytes came.
func (a answer) want(what string, status int, body []byte) {
	a.t.Helper()
	if a.err != nil || a.status != status {
		a.t.Errorf("%s: got %d, %v, %.200q, want %d", what, a.status, a.err, a.body, status)
		return
	}
	if body != nil && !bytes.Equal(a.body, body) {
		a.t.Errorf("%s: got %d bytes that differ from the %d wanted", what, len(a.body), len(body))
	}
}

// path is where a file is fetched. In a delivery each dataset is a folder.
func (s *Story) path(name string) string {
	return s.delivery + "/files/" + (&url.URL{Path: s.inDelivery(name)}).EscapedPath()
}

// inDelivery is the name of a file as the delivery has it.
func (s *Story) inDelivery(name string) string {
	for i, c := range s.cohorts {
		if _, ok := c.files[name]; ok {
			return s.folder(i) + name
		}
	}
	return name
}

// folder is where a dataset stands in the delivery: its page says it.
func (s *Story) folder(i int) string {
	if len(s.folders) == 0 {
		s.folders = make([]string, len(s.cohorts))
		s.mia.Get(s.delivery).Want(200, "")
		for j, c := range s.cohorts {
			for name := range c.files {
				for _, to := range s.mia.Links() {
					path, err := url.PathUnescape(strings.TrimPrefix(to, s.delivery+"/files/"))
					if err == nil && path != to && strings.HasSuffix(path, "/"+name) && len(path) > len(s.folders[j]+name) {
						s.folders[j] = strings.TrimSuffix(path, name)
					}
				}
				break
			}
		}
	}
	return s.folders[i]
}

// file is what a file of a cohort holds.
func (s *Story) file(name string) []byte {
	s.t.Helper()
	for _, c := range s.cohorts {
		if data, ok := c.files[name]; ok {
			return data
		}
	}
	s.t.Fatalf("no cohort has a file %s", name)
	return nil
}

func (s *Story) ask(p *Person, method, path string, header ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.address(path), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "sluice", Value: p.window.cookie("sluice")})
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return response
}

// fetch downloads a file with the session of somebody.
func (s *Story) fetch(p *Person, name string, header ...string) answer {
	s.t.Helper()
	return s.get(p, http.MethodGet, s.path(name), header...)
}

func (s *Story) get(p *Person, method, path string, header ...string) answer {
	s.t.Helper()
	response := s.ask(p, method, path, header...)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{s.t, response.StatusCode, response.Header, body, err}
}

// A running download has begun, and is not read on.
type running struct {
	*http.Response
	t     testing.TB
	begun []byte
}

// open begins a download and reads a little of it.
func (s *Story) open(p *Person, name string) *running {
	s.t.Helper()
	response := s.ask(p, http.MethodGet, s.path(name))
	s.t.Cleanup(func() { response.Body.Close() })
	r := &running{Response: response, t: s.t, begun: make([]byte, 1000)}
	if _, err := io.ReadFull(response.Body, r.begun); err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("%s opens %s: got %s, %v", p.Name, name, response.Status, err)
	}
	return r
}

// wantCut fails the test unless the connection breaks within the two seconds that were promised, and short of the end.
func (r *running) wantCut(why string, since time.Time) {
	r.t.Helper()
	time.Sleep(time.Until(since.Add(2 * time.Second))) // what was sent before that may be read now
	rest, err := io.ReadAll(r.Body)
	var broken *net.OpError
	if err == nil || int64(len(r.begun)+len(rest)) >= r.ContentLength {
		r.t.Errorf("%s: the download went on to its end, %d of %d bytes, %v", why, len(r.begun)+len(rest), r.ContentLength, err)
	} else if !errors.As(err, &broken) && !errors.Is(err, io.ErrUnexpectedEOF) {
		r.t.Errorf("%s: the download ended with %v, want a broken connection", why, err)
	}
}

// wantWhole reads to the end.
func (r *running) wantWhole(what string, want []byte) {
	r.t.Helper()
	rest, err := io.ReadAll(r.Body)
	answer{r.t, r.StatusCode, r.Header, append(r.begun, rest...), err}.want(what, http.StatusOK, want)
}

// Save has the contact follow the link to a file, as it stands on the page.
func (s *Story) Save() {
	const name = "CPCT0002T.bam"
	s.mia.Get(s.delivery).Want(200, "")
	if got := s.mia.window.save(s.path(name)); !bytes.Equal(got, s.file(name)) {
		s.t.Errorf("%s saved %d bytes as %s, which differ from the %d of the file", s.mia.Name, len(got), name, len(s.file(name)))
	}
}

// Download has the contact fetch everything with the session: whole, in pieces, and as one archive.
func (s *Story) Download() {
	for _, c := range s.cohorts {
		for name, data := range c.files {
			got := s.fetch(s.mia, name)
			got.want(name, http.StatusOK, data)
			sum := sha256.Sum256(data)
			if want := `"` + hex.EncodeToString(sum[:]) + `"`; !strings.Contains(got.header.Get("ETag"), want[1:17]) {
				s.t.Errorf("%s has the ETag %s, want one of %s", name, got.header.Get("ETag"), want)
			}
		}
	}
	data := s.file(largeFile)
	head := s.get(s.mia, http.MethodHead, s.path(largeFile))
	if head.want("HEAD", http.StatusOK, nil); head.header.Get("Content-Length") != fmt.Sprint(len(data)) || head.header.Get("Accept-Ranges") != "bytes" {
		s.t.Errorf("HEAD says %v, want %d bytes and ranges", head.header, len(data))
	}
	etag := head.header.Get("ETag")
	part := s.fetch(s.mia, largeFile, "Range", "bytes=100000-299999")
	part.want("a range", http.StatusPartialContent, data[100000:300000])
	s.fetch(s.mia, largeFile, "Range", "bytes=100000-", "If-Range", etag).want("resuming", http.StatusPartialContent, data[100000:])
	s.fetch(s.mia, largeFile, "Range", "bytes=100000-", "If-Range", `"other"`).want("resuming something else", http.StatusOK, data)
	s.fetch(s.mia, largeFile, "If-None-Match", etag).want("what is there already", http.StatusNotModified, nil)
	s.fetch(s.mia, largeFile, "Range", fmt.Sprintf("bytes=%d-", len(data))).want("a range behind the end", http.StatusRequestedRangeNotSatisfiable, nil)

	s.checkManifest(s.unpack())
}

// unpack fetches the archive in two pieces, and does with it what the page says. It returns the folder that makes.
func (s *Story) unpack() string {
	whole := s.get(s.mia, http.MethodGet, s.delivery+"/archive")
	whole.want("the archive", http.StatusOK, nil)
	half := len(whole.body) / 2
	again := s.get(s.mia, http.MethodGet, s.delivery+"/archive", "Range", fmt.Sprintf("bytes=%d-", half), "If-Range", whole.header.Get("ETag"))
	again.want("the second half of the archive", http.StatusPartialContent, whole.body[half:])
	_, params, err := mime.ParseMediaType(whole.header.Get("Content-Disposition"))
	if err != nil {
		s.t.Fatalf("the archive has no name: %v", err)
	}
	dir := s.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, params["filename"]), whole.body, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.mia.Get(s.delivery)
	out := run(s.t, dir, "sh", "-ec", s.mia.shown("sha256sum")) // which fails when a single file is wrong
	files := 0
	for _, c := range s.cohorts {
		files += len(c.files)
	}
	if got := strings.Count(out, ": OK"); got < files {
		s.t.Errorf("sha256sum finds %d files in order, want %d:\n%s", got, files, out)
	}
	dir = filepath.Join(dir, strings.TrimSuffix(params["filename"], ".tar"))
	for _, c := range s.cohorts {
		for name, want := range c.files {
			got, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(s.inDelivery(name))))
			if err != nil || !bytes.Equal(got, want) {
				s.t.Errorf("%s in the archive: %d bytes, %v, want %d", name, len(got), err, len(want))
			}
		}
	}
	return dir
}

// shown are the lines to copy from a page that hold certain words.
func (p *Person) shown(words string) string {
	p.t.Helper()
	for n := range pagetest.First(p.Root(), "main").Descendants() {
		if n.Type == html.ElementNode && pagetest.Attr(n, "class") == "secret-value" && strings.Contains(pagetest.Text(n), words) {
			return pagetest.Text(n)
		}
	}
	p.t.Fatalf("%s at %s: no lines to copy with %q:\n%s", p.Name, p.Path, words, p.Text())
	return ""
}

func (s *Story) checkManifest(dir string) {
	s.t.Helper()
	signed, err := os.ReadFile(filepath.Join(dir, "manifest.json"))
	if err != nil {
		s.t.Fatal(err)
	}
	var outer struct {
		PublicKey []byte `json:"public_key"`
	}
	if err := json.Unmarshal(signed, &outer); err != nil {
		s.t.Fatal(err)
	}
	m, err := manifest.Verify(signed, outer.PublicKey)
	if err != nil {
		s.t.Fatalf("the manifest: %v", err)
	}
	if _, err := manifest.Verify(bytes.Replace(signed, []byte(`"size":`), []byte(`"size":1`), 1), outer.PublicKey); err == nil {
		s.t.Error("a manifest that was changed still verifies")
	}
	want := map[string][]byte{}
	for _, c := range s.cohorts {
		for name, data := range c.files {
			want[s.inDelivery(name)] = data
		}
	}
	for _, f := range m.Files {
		sum := sha256.Sum256(want[f.Name])
		if data, ok := want[f.Name]; !ok || int64(len(data)) != f.Size || sum != f.SHA256 {
			s.t.Errorf("the manifest has %s with %d bytes and %v, want %d and %x", f.Name, f.Size, f.SHA256, len(data), sum)
		}
		delete(want, f.Name)
	}
	if len(want) > 0 {
		s.t.Errorf("the manifest lacks %d files", len(want))
	}
}

// DownloadWithToken has the contact make a token, and follow the page's own words with curl.
func (s *Story) DownloadWithToken() {
	s.mia.Back()
	s.mia.Get(s.delivery+"/tokens").Press("/tokens", "hours", "1")
	config, commands, sums := s.mia.shown("Authorization"), s.mia.shown("-C -"), s.mia.shown("sha256sum")
	if _, err := exec.LookPath("curl"); err != nil {
		servers.Need(s.t, errors.New("no curl on this machine: apt-get install curl"))
	}
	_, name, _ := strings.Cut(commands, "curl -K ")
	name, _, _ = strings.Cut(name, " ")
	dir := s.t.TempDir()
	write(s.t, filepath.Join(dir, name), config)
	run(s.t, dir, "sh", "-ec", commands)
	run(s.t, dir, "sh", "-ec", sums)
	to := s.address(s.path(largeFile))
	run(s.t, dir, "curl", "-K", name, "-r", "0-99999", "-o", "large", to)
	run(s.t, dir, "curl", "-K", name, "-C", "-", "-o", "large", to) // resumes
	got, err := os.ReadFile(filepath.Join(dir, "large"))
	if err != nil || !bytes.Equal(got, s.file(largeFile)) {
		s.t.Errorf("curl has %d bytes, %v, want the %d of the file", len(got), err, len(s.file(largeFile)))
	}
	_, token, _ := strings.Cut(config, "Bearer ")
	token, _, _ = strings.Cut(token, `"`)
	s.mia.Get(s.delivery + "/tokens").Press("/revoke")
	for _, wrong := range []string{"nonsense", token} {
		if got := s.withToken(wrong, to); got != http.StatusUnauthorized {
			s.t.Errorf("a token that is wrong or revoked gets %d, want 401", got)
		}
	}
}

// withToken is the status that a token gets.
func (s *Story) withToken(token, to string) int {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, to, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode
}

func run(t testing.TB, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
