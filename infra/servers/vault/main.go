// Command vault is a small HashiCorp Vault server, as the tests of this
// project start it: Vault's own core and HTTP API with two plugins, the
// transit secrets engine and the approle auth method. The vault command
// itself brings every storage and cloud there is, and takes ten times as
// long to build.
//
//	vault [-listen 127.0.0.1:0] [-dir FOLDER]
//
// It initialises and unseals itself, prints one line of JSON
//
//	{"address":"http://127.0.0.1:1234","root_token":"…","unseal_key":"…"}
//
// and serves until its standard input is closed. Sealing and unsealing after
// that go through the API (sys/seal, sys/unseal). With -dir it stores its
// data there, and the same line in vault.json, so that it can be killed and
// started again; otherwise it forgets everything.
//
// One key share lying beside the data it protects: nothing here is meant to
// keep a secret. Vault is under the Business Source License 1.1 (BUSL-1.1). It
// is a tool of the tests: it is built from its own module, it is never
// shipped with Sluice, and neither its code nor its dependencies enter the
// product.
package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/vault/builtin/credential/approle"
	"github.com/hashicorp/vault/builtin/logical/transit"
	vaulthttp "github.com/hashicorp/vault/http"
	"github.com/hashicorp/vault/internalshared/configutil"
	"github.com/hashicorp/vault/sdk/helper/consts"
	"github.com/hashicorp/vault/sdk/logical"
	"github.com/hashicorp/vault/sdk/physical"
	"github.com/hashicorp/vault/sdk/physical/file"
	"github.com/hashicorp/vault/sdk/physical/inmem"
	"github.com/hashicorp/vault/vault"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address to listen on")
	dir := flag.String("dir", "", "folder to keep the data in; without it, in memory")
	flag.Parse()
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	if err := serve(*listen, *dir); err != nil {
		fmt.Fprintln(os.Stderr, "vault:", err)
		os.Exit(1)
	}
}

// card is what a client needs to know of this server.
type card struct {
	Address   string `json:"address"`
	RootToken string `json:"root_token"`
	UnsealKey string `json:"unseal_key"` // base64, as sys/unseal takes it
}

func serve(listen, dir string) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	core, err := newCore(dir)
	if err != nil {
		return err
	}
	c, err := unseal(core, dir)
	if err != nil {
		return err
	}
	c.Address = "http://" + listener.Addr().String()
	if err := announce(c, dir); err != nil {
		return err
	}
	// Without a listener's settings the handler takes no client's address,
	// and then no AppRole bound to an address range lets anybody in.
	handler := vaulthttp.Handler.Handler(&vault.HandlerProperties{
		Core:           core,
		ListenerConfig: &configutil.Listener{Type: "tcp", Address: listener.Addr().String()},
	})
	return http.Serve(listener, handler)
}

func newCore(dir string) (*vault.Core, error) {
	logger := hclog.New(&hclog.LoggerOptions{Level: hclog.Warn, Output: os.Stderr})
	store, err := storage(dir, logger)
	if err != nil {
		return nil, err
	}
	return vault.NewCore(&vault.CoreConfig{
		Physical:           store,
		Logger:             logger,
		BuiltinRegistry:    plugins{},
		LogicalBackends:    map[string]logical.Factory{"transit": transit.Factory},
		CredentialBackends: map[string]logical.Factory{"approle": approle.Factory},
		DisableMlock:       true, // needs a privilege, and there is nothing to protect
		ClusterName:        "sluice-tests",
	})
}

func storage(dir string, logger hclog.Logger) (physical.Backend, error) {
	if dir == "" {
		return inmem.NewInmem(nil, logger)
	}
	return file.NewFileBackend(map[string]string{"path": filepath.Join(dir, "data")}, logger)
}

// unseal opens the core: a new one after initialising it, an old one with the
// key that was kept beside its data.
func unseal(core *vault.Core, dir string) (card, error) {
	ctx := context.Background()
	old, err := core.Initialized(ctx)
	if err != nil {
		return card{}, err
	}
	var c card
	if old {
		c, err = readCard(dir)
	} else {
		c, err = initialise(ctx, core)
	}
	if err != nil {
		return card{}, err
	}
	key, err := base64.StdEncoding.DecodeString(c.UnsealKey)
	if err != nil {
		return card{}, err
	}
	opened, err := core.Unseal(key)
	if err != nil {
		return card{}, err
	}
	if !opened {
		return card{}, errors.New("still sealed after its one key")
	}
	return c, nil
}

func initialise(ctx context.Context, core *vault.Core) (card, error) {
	result, err := core.Initialize(ctx, &vault.InitParams{
		BarrierConfig: &vault.SealConfig{SecretShares: 1, SecretThreshold: 1},
	})
	if err != nil {
		return card{}, err
	}
	key := base64.StdEncoding.EncodeToString(result.SecretShares[0])
	return card{RootToken: result.RootToken, UnsealKey: key}, nil
}

func readCard(dir string) (c card, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "vault.json"))
	if err != nil {
		return card{}, err
	}
	return c, json.Unmarshal(text, &c)
}

func announce(c card, dir string) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	fmt.Println(string(text))
	if dir == "" {
		return nil
	}
	return os.WriteFile(filepath.Join(dir, "vault.json"), text, 0o600)
}

// plugins is the whole of Vault's plugin registry here.
type plugins struct{}

func (plugins) Keys(kind consts.PluginType) []string {
	switch kind {
	case consts.PluginTypeSecrets:
		return []string{"transit"}
	case consts.PluginTypeCredential:
		return []string{"approle"}
	}
	return nil
}

func (p plugins) Contains(name string, kind consts.PluginType) bool {
	return slices.Contains(p.Keys(kind), name)
}

func (p plugins) Get(name string, kind consts.PluginType) (func() (any, error), bool) {
	if !p.Contains(name, kind) {
		return nil, false
	}
	factory := logical.Factory(transit.Factory)
	if name == "approle" {
		factory = approle.Factory
	}
	return func() (any, error) { return factory, nil }, true
}

func (p plugins) DeprecationStatus(name string, kind consts.PluginType) (consts.DeprecationStatus, bool) {
	return consts.Supported, p.Contains(name, kind)
}

func (plugins) IsBuiltinEntPlugin(string, consts.PluginType) bool { return false }
