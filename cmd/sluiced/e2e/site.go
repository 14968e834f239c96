package e2e

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/infra/keyring"
	"sluice/infra/servers"
	"sluice/portal/portaltest"
)

// A Site is an installation: its settings in files, and the processes that run it.
type Site struct {
	URL  string
	Dir  string
	Mail *Mailbox

	t       testing.TB
	program Program
	clock   Clock
	web     *portaltest.Site
	window  func(*Person) window // what people come with
	serve   string               // the settings of the process that serves
	work    string               // those of the worker and the command line; the same where one process is both
	running []*Process

	// What the store and the keyring themselves answer, past Sluice.
	buckets   func() []string
	hasBucket func(name string) bool
	keys      func() []string // of deliveries; nil where they lie in a file of Sluice's own
	keyStatus func(name string) (status int)
	// seal seals the keyring where it can be, until what it returns is called.
	seal func() (unseal func())
}

// parts are what a site is made of, as sections of its settings.
type parts struct {
	database string
	store    string
	keyring  [2]string // of the serving process and of the worker
	apart    bool      // serve and worker are two processes
}

// Embedded is a site that needs nothing but its folder.
func Embedded(t testing.TB, program Program, clock Clock) *Site {
	t.Helper()
	dir := t.TempDir()
	return small(t, program, clock, dir, fmt.Sprintf("database: {url: \"sqlite:%s/sluice.db\"}", dir))
}

// OnPostgres is such a site with its database elsewhere.
func OnPostgres(t testing.TB, program Program, clock Clock, dsn string) *Site {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "database-url"), dsn+"\n")
	return small(t, program, clock, dir, fmt.Sprintf("database: {url_file: %s/database-url}", dir))
}

func small(t testing.TB, program Program, clock Clock, dir, database string) *Site {
	t.Helper()
	keys := fmt.Sprintf("keyring: {kind: local, file: %s/keyring.json}", dir)
	s := newSite(t, program, clock, dir, parts{
		database: database,
		store:    fmt.Sprintf("store: {kind: dir, dir: %s/store}", dir),
		keyring:  [2]string{keys, keys},
	})
	s.buckets = func() (names []string) {
		entries, err := os.ReadDir(filepath.Join(dir, "store"))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return names
	}
	s.seal = func() func() { return func() {} }
	s.hasBucket = func(name string) bool {
		_, err := os.Stat(filepath.Join(dir, "store", name))
		return err == nil
	}
	return s
}

// Production is a site on PostgreSQL, MinIO and Vault, in which the process that serves and the worker have credentials of
// their own.
func Production(t testing.TB, program Program, clock Clock) *Site {
	t.Helper()
	dir := t.TempDir()
	minio, vault, dsn := servers.MinIO(t), servers.Vault(t), servers.Postgres(t)
	secret := func(name, text string) string {
		path := filepath.Join(dir, name)
		write(t, path, text+"\n")
		return path
	}
	root, err := vault.Client()
	if err != nil {
		t.Fatal(err)
	}
	setup := keyring.Setup{Policies: os.DirFS(filepath.Join(moduleRoot(t), "infra", "deploy", "vault"))}
	if err := setup.Apply(t.Context(), root); err != nil {
		t.Fatal(err)
	}
	roles := map[keyring.Role]string{}
	for _, role := range keyring.Roles {
		id, text, err := setup.Issue(t.Context(), root, role)
		if err != nil {
			t.Fatal(err)
		}
		roles[role] = fmt.Sprintf("%s: {role_id: %s, secret_id_file: %s}", role, id, secret(string(role)+".secret-id", text))
	}
	keys := func(of ...keyring.Role) string {
		var all []string
		for _, r := range of {
			all = append(all, roles[r])
		}
		return fmt.Sprintf("keyring: {kind: vault, address: %s, roles: {%s}}", vault.Address, strings.Join(all, ", "))
	}
	s := newSite(t, program, clock, dir, parts{
		database: fmt.Sprintf("database: {url_file: %s}", secret("database-url", dsn)),
		store: fmt.Sprintf("store: {kind: s3, endpoint: %s, region: %s, access_key_file: %s, secret_key_file: %s, archive_bucket: archive-%s}", minio.URL(), minio.Region,
			secret("access", minio.AccessKey), secret("secret", minio.SecretKey), strings.ToLower(filepath.Base(filepath.Dir(dir)))[:8]),
		keyring: [2]string{keys(keyring.Serve), keys(keyring.Prepare, keyring.Destroy, keyring.Sign)},
		apart:   true,
	})
	s.buckets = func() (names []string) {
		client, err := minio.Client()
		if err != nil {
			t.Fatal(err)
		}
		all, err := client.ListBuckets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range all {
			names = append(names, b.Name)
		}
		return names
	}
	s.hasBucket = func(name string) bool {
		client, err := minio.Client()
		if err != nil {
			t.Fatal(err)
		}
		there, err := client.BucketExists(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		return there
	}
	s.seal = func() func() {
		if err := vault.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := vault.Unseal(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.keys = func() (names []string) {
		list, err := root.Logical().ListWithContext(t.Context(), "sluice-delivery/keys")
		if err != nil {
			t.Fatal(err)
		}
		if list == nil {
			return nil
		}
		for _, name := range list.Data["keys"].([]any) {
			names = append(names, name.(string))
		}
		return names
	}
	s.keyStatus = func(name string) int {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, vault.Address+"/v1/sluice-delivery/keys/"+name, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Vault-Token", vault.RootToken)
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	return s
}

func newSite(t testing.TB, program Program, clock Clock, dir string, of parts) *Site {
	t.Helper()
	address := freeAddress(t)
	s := &Site{URL: "http://" + address, Dir: dir, Mail: Mail(t), t: t, program: program, clock: clock}
	s.web = &portaltest.Site{URL: s.URL}
	s.window = func(p *Person) window { return plain{p.Browser} }
	common := fmt.Sprintf(`listen: %s
base_url: %s
foundation: {name: Stichting Proefdata, address: "Singel 1, 3511 AA Utrecht", email: loket@proefdata.example}
local_key_file: %s/local.key
mail: {kind: smtp, address: "%s", security: none, from: sluice@proefdata.example}
%s
%s
`, address, s.URL, dir, s.Mail.Address, of.database, of.store)
	s.serve = filepath.Join(dir, "serve.yaml")
	write(t, s.serve, common+of.keyring[0]+"\n")
	s.work = s.serve
	if of.apart {
		s.work = filepath.Join(dir, "worker.yaml")
		write(t, s.work, common+of.keyring[1]+"\n")
	}
	return s
}

// Do runs a command on the host of the worker. It must succeed.
func (s *Site) Do(args ...string) string {
	s.t.Helper()
	return s.program.Run(s.t, append(args, "--config", s.work)...)
}

// Start starts the process or the processes of the site.
func (s *Site) Start() {
	s.t.Helper()
	if s.work == s.serve {
		s.running = []*Process{s.program.Start(s.t, "msg=serving", "serve", "--worker", "--config", s.serve)}
		return
	}
	s.running = []*Process{s.program.Start(s.t, "msg=serving", "serve", "--config", s.serve), s.program.Start(s.t, "msg=working", "worker", "--config", s.work)}
}

// Stop asks every process of the site to end, and sees that each ends well.
func (s *Site) Stop() {
	s.t.Helper()
	for _, p := range s.running {
		if p.Stop(); p.Code() != 0 {
			s.t.Errorf("a process that was asked to end ended with code %d, want 0", p.Code())
		}
		for _, line := range strings.Split(p.Said(), "\n") {
			if s.clock != (Real{}) && strings.Contains(line, "off the database's") {
				continue // it is: the database was not moved
			}
			if strings.Contains(line, "level=ERROR") || strings.Contains(line, "panic") {
				s.t.Errorf("a process complained: %s", line)
			}
		}
	}
	s.running = nil
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// moduleRoot is the folder of go.mod.
func moduleRoot(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	t.Fatal("the test does not run inside the module")
	return ""
}
