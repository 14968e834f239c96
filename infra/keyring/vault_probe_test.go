package keyring_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/infra/keyring"
)

// complaints gives the names of the findings that are not OK, and checks that each says what to do.
func complaints(t *testing.T, findings []keyring.Finding) (names []string) {
	t.Helper()
	if len(findings) == 0 {
		t.Fatal("got no findings")
	}
	for _, f := range findings {
		if f.Name == "" || f.Detail == "" {
			t.Errorf("got the finding %+v, want a name and what was seen", f)
		}
		if f.OK {
			continue
		}
		if f.Do == "" {
			t.Errorf("%s (%s): got nothing to do about it", f.Name, f.Detail)
		}
		names = append(names, f.Name)
	}
	return names
}

func TestProbeIsContentWithWhatSetupMade(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	must(t, s.setup.Apply(t.Context(), s.root)) // repeating it changes nothing
	findings := s.open(t).Probe(t.Context(), time.Now)
	if names := complaints(t, findings); len(names) > 0 {
		t.Errorf("got complaints about %q in %+v, want none", names, findings)
	}
	for _, role := range keyring.Roles {
		if names := complaints(t, onlyRole(t, s, role).Probe(t.Context(), time.Now)); len(names) > 0 {
			t.Errorf("as %s: got complaints about %q, want none", role, names)
		}
	}
}

func onlyRole(t *testing.T, s *site, role keyring.Role) *keyring.Vault {
	t.Helper()
	cfg := s.config()
	cfg.Roles = map[keyring.Role]keyring.Credentials{role: s.credentials[role]}
	return openVault(t, cfg)
}

func TestProbeComplainsAboutWhatIsWrong(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	policy := func(role keyring.Role, more string) func(t *testing.T) {
		return func(t *testing.T) {
			text := string(read(t, filepath.Join("../deploy/vault", string(role)+".hcl")))
			must(t, s.root.Sys().PutPolicy("sluice-"+string(role), text+more))
		}
	}
	path := func(path, capability string) string {
		return "\npath \"" + path + "\" { capabilities = [\"" + capability + "\"] }\n"
	}
	cases := map[string]struct {
		spoil func(t *testing.T)
		name  string
	}{
		"serving may use the archive": {policy(keyring.Serve, path("sluice-archive/decrypt/+", "update")), "role serve"},
		"serving may delete":          {policy(keyring.Serve, path("sluice-delivery/keys/+/config", "update")), "role serve"},
		"preparing may export":        {policy(keyring.Prepare, path("sluice-archive/export/*", "read")), "role prepare"},
		"encrypting may make keys":    {policy(keyring.Prepare, path("sluice-delivery/encrypt/*", "create")+path("sluice-delivery/encrypt/+", "create")), "role prepare"},
		"destroying may open":         {policy(keyring.Destroy, path("sluice-delivery/decrypt/+", "update")), "role destroy"},
		"signing may do everything":   {policy(keyring.Sign, path("*", "sudo")), "role sign"},
		"a role may do nothing but log in": {func(t *testing.T) {
			must(t, s.root.Sys().PutPolicy("sluice-sign", path("sys/capabilities-self", "update")))
		}, "role sign"},
		"Vault makes keys when encrypting":   {func(t *testing.T) { upsert(t, s, false) }, "Vault makes no keys by itself"},
		"a secret id is open to everybody":   {func(t *testing.T) { must(t, os.Chmod(s.credentials[keyring.Destroy].SecretIDFile, 0o644)) }, "secret id of the role destroy"},
		"a clock is off":                     {func(*testing.T) {}, "Vault's clock"},
		"Vault is sealed":                    {func(t *testing.T) { must(t, s.server.Seal(t.Context())) }, "Vault is unsealed"},
		"Vault is away":                      {func(t *testing.T) { s.server.Stop() }, "Vault is reachable"},
		"a secret id does not work any more": {func(t *testing.T) { s.forget(t, keyring.Serve) }, "role serve"},
	}
	for title, c := range cases {
		t.Run(title, func(t *testing.T) {
			defer s.mend(t)
			c.spoil(t)
			now := time.Now
			if title == "a clock is off" {
				now = func() time.Time { return time.Now().Add(-time.Minute) }
			}
			names := complaints(t, s.open(t).Probe(t.Context(), now))
			if !strings.Contains(strings.Join(names, "\n"), c.name) {
				t.Errorf("got complaints about %q, want one about %q", names, c.name)
			}
		})
	}
}

func upsert(t *testing.T, s *site, disable bool) {
	t.Helper()
	_, err := s.root.Logical().Write("sluice-delivery/config/keys", map[string]any{"disable_upsert": disable})
	must(t, err)
}

// forget makes a role's file hold a secret id that Vault does not know.
func (s *site) forget(t *testing.T, role keyring.Role) {
	t.Helper()
	must(t, os.WriteFile(s.credentials[role].SecretIDFile, []byte("unknown"), 0o600))
}

// mend brings the site back to what Setup makes, with fresh secret ids.
func (s *site) mend(t *testing.T) {
	t.Helper()
	if _, err := s.root.Sys().Health(); err != nil {
		must(t, s.server.Start(t.Context()))
	}
	must(t, s.server.Unseal(t.Context()))
	must(t, s.setup.Apply(t.Context(), s.root))
	for _, role := range keyring.Roles {
		_, secretID, err := s.setup.Issue(t.Context(), s.root, role)
		must(t, err)
		file := s.credentials[role].SecretIDFile
		must(t, os.WriteFile(file, []byte(secretID), 0o600))
		must(t, os.Chmod(file, 0o600))
	}
}
