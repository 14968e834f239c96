package servers

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/vault/api"
)

// VaultServer is a Vault with the transit secrets engine and the approle auth
// method to mount, nothing mounted yet, unsealed.
type VaultServer struct {
	Address   string // http://host:port
	RootToken string
	UnsealKey string

	process *process
	remove  func()
}

// Vault returns a new Vault that belongs to this test alone: mounts and
// policies have fixed names, so tests could not share one, and may seal and
// stop theirs as they like.
func Vault(t testing.TB) VaultServer {
	t.Helper()
	return own(t, "vault", StartVault, VaultServer.Remove)
}

// StartVault starts a new Vault. It is gone, with its data, after Remove, and
// in any case when this process ends.
func StartVault(ctx context.Context) (VaultServer, error) {
	binary, err := Binary("vault")
	if err != nil {
		return VaultServer{}, err
	}
	return retry(func() (VaultServer, error) {
		dir, remove, err := folder(inMemory(""), "vault", nil)
		if err != nil {
			return VaultServer{}, err
		}
		v, err := startVault(ctx, binary, dir)
		if err != nil {
			remove()
			return VaultServer{}, err
		}
		v.remove = remove
		return v, nil
	})
}

func startVault(ctx context.Context, binary, dir string) (VaultServer, error) {
	// The port is settled here and not by the server, which must come back
	// to the same one after Stop.
	address, err := freeAddress()
	if err != nil {
		return VaultServer{}, err
	}
	v := VaultServer{
		Address: "http://" + address,
		process: &process{
			argv: []string{binary, "-listen", address, "-dir", dir},
			sig:  "TERM",
			log:  filepath.Join(dir, "log"),
		},
	}
	err = v.process.start(ctx, func(ctx context.Context) error {
		if err := v.readCard(filepath.Join(dir, "vault.json")); err != nil {
			return err
		}
		return v.ready(ctx)
	})
	return v, err
}

// readCard learns the root token and the unseal key from the file that the
// server writes when it is ready.
func (v *VaultServer) readCard(name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	var card struct {
		RootToken string `json:"root_token"`
		UnsealKey string `json:"unseal_key"`
	}
	if err := json.Unmarshal(text, &card); err != nil {
		return err // half written
	}
	v.RootToken, v.UnsealKey = card.RootToken, card.UnsealKey
	return nil
}

// ready asks something that only this very Vault answers, once unsealed.
func (v VaultServer) ready(ctx context.Context) error {
	client, err := v.Client()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err = client.Auth().Token().LookupSelfWithContext(ctx)
	return err
}

// Client returns a client with the root token. It does not retry, so that a
// test sees the first refusal.
func (v VaultServer) Client() (*api.Client, error) {
	config := api.DefaultConfig()
	if config.Error != nil {
		return nil, config.Error
	}
	config.Address = v.Address
	config.MaxRetries = 0
	client, err := api.NewClient(config)
	if err != nil {
		return nil, err
	}
	client.SetToken(v.RootToken)
	client.ClearNamespace() // VAULT_NAMESPACE of the environment is not ours
	return client, nil
}

// Seal seals the Vault, as an operator does in an emergency: it answers 503
// to everything until Unseal.
func (v VaultServer) Seal(ctx context.Context) error {
	client, err := v.Client()
	if err != nil {
		return err
	}
	return client.Sys().SealWithContext(ctx)
}

// Unseal opens the Vault again after Seal.
func (v VaultServer) Unseal(ctx context.Context) error {
	client, err := v.Client()
	if err != nil {
		return err
	}
	status, err := client.Sys().UnsealWithContext(ctx, v.UnsealKey)
	if err != nil {
		return err
	}
	if status.Sealed {
		return fmt.Errorf("still sealed: %d of %d keys", status.Progress, status.T)
	}
	return v.process.await(ctx, v.ready)
}

// Stop ends the server at once; connections are refused from then on. The
// data stays.
func (v VaultServer) Stop() { v.process.stop() }

// Start starts the server again after Stop, at the same address, unsealed.
func (v VaultServer) Start(ctx context.Context) error { return v.process.start(ctx, v.ready) }

// Remove stops the server and deletes its data.
func (v VaultServer) Remove() {
	v.process.stop()
	v.remove()
}
