package keyring_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sluice/delivery"
	"sluice/infra/keyring"
	"sluice/infra/keyring/keyringtest"
	"sluice/infra/servers"
)

// A site is a real Vault set up for Sluice, with a secret id a role.
type site struct {
	server      servers.VaultServer
	root        *api.Client
	setup       keyring.Setup
	credentials map[keyring.Role]keyring.Credentials
	calls       *counter
}

func newSite(t *testing.T, setup keyring.Setup) *site {
	t.Helper()
	s := &site{server: servers.Vault(t), setup: setup, credentials: map[keyring.Role]keyring.Credentials{}, calls: &counter{}}
	s.setup.Policies = os.DirFS("../deploy/vault")
	s.setup.CIDRs = []string{"127.0.0.1/32"}
	var err error
	s.root, err = s.server.Client()
	must(t, err)
	must(t, s.setup.Apply(t.Context(), s.root))
	for _, role := range keyring.Roles {
		s.issue(t, role)
	}
	return s
}

func (s *site) issue(t *testing.T, role keyring.Role) {
	t.Helper()
	roleID, secretID, err := s.setup.Issue(t.Context(), s.root, role)
	must(t, err)
	file := filepath.Join(t.TempDir(), string(role))
	must(t, os.WriteFile(file, []byte(secretID+"\n"), 0o600))
	s.credentials[role] = keyring.Credentials{RoleID: roleID, SecretIDFile: file}
}

func (s *site) config() keyring.Config {
	return keyring.Config{Address: s.server.Address, Prefix: s.setup.Prefix, Roles: s.credentials, Transport: s.calls}
}

// open gives a keyring with all four roles.
func (s *site) open(t *testing.T) *keyring.Vault {
	t.Helper()
	return openVault(t, s.config())
}

// as gives a keyring that uses one role's credentials for everything, so that only Vault's policies can refuse.
func (s *site) as(t *testing.T, role keyring.Role) *keyring.Vault {
	t.Helper()
	cfg := s.config()
	cfg.Roles = map[keyring.Role]keyring.Credentials{}
	for _, one := range keyring.Roles {
		cfg.Roles[one] = s.credentials[role]
	}
	return openVault(t, cfg)
}

func openVault(t *testing.T, cfg keyring.Config) *keyring.Vault {
	t.Helper()
	k, err := keyring.NewVault(cfg)
	must(t, err)
	t.Cleanup(k.Close)
	return k
}

// A counter passes requests on and keeps their paths.
type counter struct {
	mu    sync.Mutex
	paths []string
}

func (c *counter) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.paths = append(c.paths, r.Method+" "+r.URL.Path)
	c.mu.Unlock()
	return http.DefaultTransport.RoundTrip(r)
}

// since runs fn and gives the requests it made whose path holds part.
func (c *counter) since(part string, fn func()) (found []string) {
	c.mu.Lock()
	from := len(c.paths)
	c.mu.Unlock()
	fn()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, path := range c.paths[from:] {
		if strings.Contains(path, part) {
			found = append(found, path)
		}
	}
	return found
}

// count gives how many requests so far ended in this.
func (c *counter) count(ending string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, path := range c.paths {
		if strings.HasSuffix(path, ending) {
			n++
		}
	}
	return n
}

func TestVaultKeepsTheContract(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	k := s.open(t)
	keyringtest.Run(t, func(t *testing.T) delivery.Keyring { return k })
}

func TestVaultKeepsTheContractWithAnotherCipherAndOtherNames(t *testing.T) {
	s := newSite(t, keyring.Setup{Prefix: "trial", SignKey: "foundation"})
	cfg := s.config()
	cfg.Cipher, cfg.SignKey = "chacha20-poly1305", "foundation"
	k := openVault(t, cfg)
	keyringtest.Run(t, func(t *testing.T) delivery.Keyring { return k })
}

func TestVaultHoldsEachRoleToItsWork(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	keyringtest.RunRoles(t, func(t *testing.T, role keyring.Role) delivery.Keyring { return s.as(t, role) })
}

func TestVaultLetsNoRoleGetAKeyOut(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	key := keyringtest.Name(delivery.Deliveries)
	must(t, s.open(t).Create(t.Context(), key))
	for _, role := range keyring.Roles {
		client := s.login(t, role)
		name := "sluice-delivery/keys/" + key.ID
		refused := map[string]error{
			"exporting it":             second(client.Logical().Read("sluice-delivery/export/encryption-key/" + key.ID)),
			"backing it up":            second(client.Logical().Read("sluice-delivery/backup/" + key.ID)),
			"making it exportable":     second(client.Logical().Write(name+"/config", map[string]any{"exportable": true})),
			"making an exportable one": second(client.Logical().Write(name+"x", map[string]any{"type": "aes256-gcm96", "derived": true, "exportable": true})),
			"making one not derived":   second(client.Logical().Write(name+"y", map[string]any{"type": "aes256-gcm96", "derived": false})),
			"listing keys":             second(client.Logical().List("sluice-delivery/keys")),
			"reading another engine":   second(client.Logical().Read("sys/mounts")),
		}
		for what, err := range refused {
			var answer *api.ResponseError
			if !errors.As(err, &answer) || answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s as %s: got %v, want a 403", what, role, err)
			}
		}
	}
	info, err := s.root.Logical().Read("sluice-delivery/keys/" + key.ID)
	must(t, err)
	for flag, want := range map[string]bool{"derived": true, "exportable": false, "allow_plaintext_backup": false, "deletion_allowed": false} {
		if info.Data[flag] != want {
			t.Errorf("%s of a new key: got %v, want %v", flag, info.Data[flag], want)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// login gives Vault's own client with a token of the role.
func (s *site) login(t *testing.T, role keyring.Role) *api.Client {
	t.Helper()
	client, err := s.server.Client()
	must(t, err)
	secretID := strings.TrimSpace(string(read(t, s.credentials[role].SecretIDFile)))
	secret, err := client.Logical().Write("auth/approle/login", map[string]any{"role_id": s.credentials[role].RoleID, "secret_id": secretID})
	must(t, err)
	client.SetToken(secret.Auth.ClientToken)
	return client
}

func TestAThousandFileKeysTakeTwoCallsEachWay(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	k := s.open(t)
	key, items := keyringtest.Name(delivery.Deliveries), keyringtest.Keys(1000)
	must(t, k.Create(t.Context(), key))
	var sealed []delivery.Sealed
	_, err := k.Unwrap(t.Context(), key, []delivery.Sealed{{FileID: "f", Wrapped: "x"}}) // logs in
	if !errors.Is(err, delivery.ErrNotWrapped) {
		t.Fatalf("got %v, want %v", err, delivery.ErrNotWrapped)
	}
	calls := s.calls.since("", func() {
		sealed, err = k.Wrap(t.Context(), key, items)
		must(t, err)
	})
	if len(calls) != 2 {
		t.Errorf("wrapping: got calls %q, want 2", calls)
	}
	calls = s.calls.since("", func() {
		_, err := k.Unwrap(t.Context(), key, sealed)
		must(t, err)
	})
	if len(calls) != 2 {
		t.Errorf("unwrapping: got calls %q, want 2", calls)
	}
}

func TestARoleWithoutCredentialsIsRefusedWithoutAskingVault(t *testing.T) {
	cfg := keyring.Config{Address: "http://127.0.0.1:1", Roles: map[keyring.Role]keyring.Credentials{keyring.Serve: {RoleID: "r", SecretIDFile: "none"}}}
	k := openVault(t, cfg)
	_, err := k.Unwrap(t.Context(), keyringtest.Name(delivery.Archive), []delivery.Sealed{{FileID: "f", Wrapped: "x"}})
	if !errors.Is(err, delivery.ErrKeyRefused) || !strings.Contains(err.Error(), "prepare") {
		t.Errorf("got %v, want %v and the role's name", err, delivery.ErrKeyRefused)
	}
}

func TestVaultSealedOrStoppedIsAwayAndComesBackByItself(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	t.Run("sealed", func(t *testing.T) {
		keyringtest.RunAway(t, s.open(t),
			func() { must(t, s.server.Seal(t.Context())) },
			func() { must(t, s.server.Unseal(t.Context())) })
	})
	t.Run("sealed before the first login", func(t *testing.T) {
		k := s.open(t)
		must(t, s.server.Seal(t.Context()))
		if err := k.Create(t.Context(), keyringtest.Name(delivery.Archive)); !errors.Is(err, delivery.ErrKeyringAway) {
			t.Errorf("got %v, want %v", err, delivery.ErrKeyringAway)
		}
		must(t, s.server.Unseal(t.Context()))
		must(t, k.Create(t.Context(), keyringtest.Name(delivery.Archive)))
	})
	t.Run("stopped", func(t *testing.T) {
		keyringtest.RunAway(t, s.open(t), s.server.Stop, func() { must(t, s.server.Start(t.Context())) })
	})
}

func TestARevokedTokenIsReplacedByANewLogin(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	k := s.open(t)
	key, items := keyringtest.Name(delivery.Deliveries), keyringtest.Keys(2)
	must(t, k.Create(t.Context(), key))
	sealed, err := k.Wrap(t.Context(), key, items)
	must(t, err)
	_, err = k.Unwrap(t.Context(), key, sealed)
	must(t, err)
	must(t, s.root.Sys().RevokePrefix("auth/approle/login"))
	logins := s.calls.since("auth/approle/login", func() {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				if _, err := k.Unwrap(t.Context(), key, sealed); err != nil {
					t.Errorf("got %v, want no error", err)
				}
			})
		}
		wg.Wait()
	})
	if len(logins) != 1 {
		t.Errorf("got %d logins, want 1 for all who waited", len(logins))
	}
}

func TestATokenAtTheEndOfItsLifeIsReplacedAndNobodyNotices(t *testing.T) {
	s := newSite(t, keyring.Setup{TokenTTL: 2 * time.Second, TokenMax: 4 * time.Second})
	k := s.open(t)
	key, items := keyringtest.Name(delivery.Deliveries), keyringtest.Keys(2)
	must(t, k.Create(t.Context(), key))
	deadline := time.Now().Add(2 * time.Minute)
	for s.calls.count("/renew-self") == 0 || s.calls.count("/login") < 3 {
		if time.Now().After(deadline) {
			t.Fatalf("got %d renewals and %d logins in two minutes, want 1 and 3", s.calls.count("/renew-self"), s.calls.count("/login"))
		}
		_, err := k.Wrap(t.Context(), key, items)
		must(t, err)
		time.Sleep(20 * time.Millisecond) // the tokens live for seconds: asking without pause would only load Vault
	}
}

func TestALostSecretIDIsAwayAndANewOneIsReadFromTheFile(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	file := s.credentials[keyring.Prepare].SecretIDFile
	good := read(t, file)
	must(t, os.WriteFile(file, []byte("wrong"), 0o600))
	k := s.open(t)
	err := k.Create(t.Context(), keyringtest.Name(delivery.Archive))
	if !errors.Is(err, delivery.ErrKeyringAway) || strings.Contains(err.Error(), "wrong") {
		t.Errorf("got %v, want %v without the secret id", err, delivery.ErrKeyringAway)
	}
	must(t, os.WriteFile(file, good, 0o600))
	must(t, k.Create(t.Context(), keyringtest.Name(delivery.Archive)))
}

func TestAHangingVaultIsAwayWithinTheTimeLimit(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(hang) })
	file := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(file, []byte("s"), 0o600))
	k := openVault(t, keyring.Config{Address: server.URL, Timeout: 50 * time.Millisecond,
		Roles: map[keyring.Role]keyring.Credentials{keyring.Destroy: {RoleID: "r", SecretIDFile: file}}})
	if _, err := k.Exists(t.Context(), keyringtest.Name(delivery.Deliveries)); !errors.Is(err, delivery.ErrKeyringAway) {
		t.Errorf("got %v, want %v", err, delivery.ErrKeyringAway)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := k.Exists(ctx, keyringtest.Name(delivery.Deliveries)); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller who went away: got %v, want %v", err, context.Canceled)
	}
}

// Only the transit engine's own answer proves that a key is gone: the others below are 404s of other origin.
func TestA404ThatIsNotTheEnginesOwnProvesNothing(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	must(t, os.WriteFile(file, []byte("s"), 0o600))
	answers := map[string]struct {
		status int
		body   string
		there  bool
		err    error
	}{
		"no such key":           {404, `{"errors":[]}`, false, nil},
		"no such mount":         {404, `{"errors":["no handler for route \"sluice-delivery/keys/x\". route entry not found."]}`, false, delivery.ErrKeyringAway},
		"a proxy's page":        {404, `<html>not found</html>`, false, delivery.ErrKeyringAway},
		"a proxy's JSON":        {404, `{}`, false, delivery.ErrKeyringAway},
		"nothing":               {404, ``, false, delivery.ErrKeyringAway},
		"success without a key": {200, `{"data":{}}`, false, delivery.ErrKeyringAway},
		"success without JSON":  {200, `<html>welcome</html>`, false, delivery.ErrKeyringAway},
		"overloaded":            {429, `{"errors":["quota"]}`, false, delivery.ErrKeyringAway},
		"internal error":        {500, `{"errors":["oh"]}`, false, delivery.ErrKeyringAway},
		"standby":               {472, ``, false, delivery.ErrKeyringAway},
		"a key":                 {200, `{"data":{"derived":true,"keys":{"1":1}}}`, true, nil},
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "/login") {
					_, _ = w.Write([]byte(`{"auth":{"client_token":"t","lease_duration":3600,"renewable":true}}`))
					return
				}
				w.WriteHeader(answer.status)
				_, _ = w.Write([]byte(answer.body))
			}))
			defer server.Close()
			k := openVault(t, keyring.Config{Address: server.URL, Roles: map[keyring.Role]keyring.Credentials{keyring.Destroy: {RoleID: "r", SecretIDFile: file}}})
			there, err := k.Exists(t.Context(), keyringtest.Name(delivery.Deliveries))
			if there != answer.there || !errors.Is(err, answer.err) {
				t.Errorf("got %t, %v, want %t, %v", there, err, answer.there, answer.err)
			}
		})
	}
}

func TestAKeyThatWasMadeOtherwiseIsNotUsed(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	k := s.open(t)
	for name, settings := range map[string]map[string]any{
		"not derived": {"derived": false},
		"exportable":  {"derived": true, "exportable": true},
	} {
		key := keyringtest.Name(delivery.Archive)
		_, err := s.root.Logical().Write("sluice-archive/keys/"+key.ID, settings)
		must(t, err)
		if err := k.Create(t.Context(), key); !errors.Is(err, delivery.ErrKeyRefused) {
			t.Errorf("a key that is %s: got %v, want %v", name, err, delivery.ErrKeyRefused)
		}
	}
}

func TestRotatedKeysOpenWhatWasAndSignAnew(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	k := s.open(t)
	key, items := keyringtest.Name(delivery.Archive), keyringtest.Keys(1)
	must(t, k.Create(t.Context(), key))
	sealed, err := k.Wrap(t.Context(), key, items)
	must(t, err)
	_, before, err := k.Sign(t.Context(), []byte("message"))
	must(t, err)
	for _, path := range []string{"sluice-archive/keys/" + key.ID, "sluice-sign/keys/sluice"} {
		_, err := s.root.Logical().Write(path+"/rotate", nil)
		must(t, err)
	}
	opened, err := k.Unwrap(t.Context(), key, sealed)
	if err != nil || opened[0] != items[0].Key {
		t.Errorf("what was wrapped before the rotation: got %v, want the same key", err)
	}
	signature, after, err := k.Sign(t.Context(), []byte("message"))
	must(t, err)
	if bytes.Equal(before, after) || !ed25519.Verify(after, []byte("message"), signature) {
		t.Errorf("after the rotation: got the old public key or a signature that does not verify")
	}
}
