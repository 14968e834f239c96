package keyring_test

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"

	"sluice/infra/keyring"
	"sluice/infra/servers"
)

// TestMain lets this test binary stand in for the command vault, which setup.sh calls and few machines have.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) != "vault" {
		os.Exit(m.Run())
	}
	if err := vaultCommand(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

// vaultCommand does the few commands of setup.sh, and refuses every other word.
func vaultCommand(args []string) error {
	client, err := api.NewClient(nil) // VAULT_ADDR and VAULT_TOKEN
	if err != nil {
		return err
	}
	field, rest := "", []string{}
	path := ""
	for _, arg := range args {
		if value, ok := strings.CutPrefix(arg, "-field="); ok {
			field = value
		} else if value, ok := strings.CutPrefix(arg, "-path="); ok {
			path = value
		} else if arg != "-format=json" && arg != "-f" {
			rest = append(rest, arg)
		}
	}
	switch strings.Join(rest[:min(2, len(rest))], " ") {
	case "secrets list":
		return print(client.Sys().ListMounts())
	case "auth list":
		return print(client.Sys().ListAuth())
	case "secrets enable":
		return client.Sys().Mount(path, &api.MountInput{Type: rest[2]})
	case "auth enable":
		return client.Sys().EnableAuthWithOptions(path, &api.EnableAuthOptions{Type: rest[2]})
	case "policy write":
		text, err := io.ReadAll(os.Stdin)
		if err != nil || rest[3] != "-" {
			return fmt.Errorf("reading the policy %s: %v", rest[3], err)
		}
		return client.Sys().PutPolicy(rest[2], string(text))
	}
	return readOrWrite(client, rest, field)
}

func readOrWrite(client *api.Client, args []string, field string) (err error) {
	var secret *api.Secret
	switch args[0] {
	case "read":
		secret, err = client.Logical().Read(args[1])
	case "write":
		data := map[string]any{}
		for _, pair := range args[2:] {
			name, value, _ := strings.Cut(pair, "=")
			data[name] = value
		}
		secret, err = client.Logical().Write(args[1], data)
	default:
		return fmt.Errorf("%q is not among the commands of setup.sh", args)
	}
	if err == nil && field != "" {
		fmt.Print(secret.Data[field])
	}
	return err
}

func print[T any](answer T, err error) error {
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func TestSetupScriptMakesWhatSetupMakes(t *testing.T) {
	for _, names := range []keyring.Config{{}, {Prefix: "trial", AppRole: "machines", SignKey: "foundation"}} {
		t.Run("prefix "+names.Prefix, func(t *testing.T) {
			server, folder := servers.Vault(t), t.TempDir()
			runScript(t, server, names, folder)
			runScript(t, server, names, folder) // repeating it is fine
			cfg := names
			cfg.Address, cfg.Roles = server.Address, map[keyring.Role]keyring.Credentials{}
			for _, role := range keyring.Roles {
				base := filepath.Join(folder, string(role))
				cfg.Roles[role] = keyring.Credentials{RoleID: string(read(t, base+".role-id")), SecretIDFile: base + ".secret-id"}
			}
			findings := openVault(t, cfg).Probe(t.Context(), time.Now)
			if names := complaints(t, findings); len(names) > 0 {
				t.Errorf("got complaints about %q in %+v, want none", names, findings)
			}
		})
	}
}

func runScript(t *testing.T, server servers.VaultServer, names keyring.Config, folder string) {
	t.Helper()
	self, err := os.Executable()
	must(t, err)
	command := filepath.Join(t.TempDir(), "vault")
	must(t, os.Symlink(self, command))
	script := exec.Command("../deploy/vault/setup.sh", folder)
	script.Env = append(os.Environ(), "VAULT="+command, "VAULT_ADDR="+server.Address, "VAULT_TOKEN="+server.RootToken, "CIDRS=127.0.0.1/32,::1/128",
		"PREFIX="+names.Prefix, "APPROLE="+names.AppRole, "SIGN_KEY="+names.SignKey,
		"GORACE=atexit_sleep_ms=0") // otherwise each of some fifty commands sleeps a second at its end under the race detector
	if out, err := script.CombinedOutput(); err != nil {
		t.Fatalf("setup.sh: %v\n%s", err, out)
	}
}

func TestARoleIsHeldToItsAddresses(t *testing.T) {
	s := newSite(t, keyring.Setup{})
	s.setup.CIDRs = []string{"192.0.2.1/32"}
	must(t, s.setup.Apply(t.Context(), s.root))
	s.issue(t, keyring.Sign)
	if _, _, err := s.open(t).Sign(t.Context(), []byte("message")); err == nil {
		t.Errorf("logging in from another address: got no error, want a refusal")
	}
}

func TestAWrongConfigurationIsToldAtOnce(t *testing.T) {
	_, err := keyring.NewVault(keyring.Config{
		Address: "http://vault.example.org:8200",
		Prefix:  "../sys",
		Cipher:  "rot13",
		CAFile:  filepath.Join(t.TempDir(), "none.pem"),
		Roles:   map[keyring.Role]keyring.Credentials{"root": {RoleID: "r"}},
	})
	if err == nil {
		t.Fatal("got no error, want every mistake told")
	}
	for _, part := range []string{"use https", `"../sys"`, `"rot13"`, "none.pem", `"root"`, "secret id"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("got %q, want it to tell of %q", err, part)
		}
	}
}
