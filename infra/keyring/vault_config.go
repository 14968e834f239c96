package keyring

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/vault/api"
)

// Config says where Vault is and which roles this process plays in it.
type Config struct {
	Address   string               // as https://vault.example.org:8200; plain http only to this machine itself
	CAFile    string               // certificates to trust, PEM; empty: those of the system
	Namespace string               // for OpenBao and Vault Enterprise; empty: the root
	Prefix    string               // the mounts are Prefix-archive, Prefix-delivery and Prefix-sign; empty: sluice
	AppRole   string               // where the AppRole method is mounted; empty: approle
	SignKey   string               // the key that signs, in Prefix-sign; empty: sluice
	Cipher    string               // type of new wrapping keys: aes256-gcm96 (also when empty) or chacha20-poly1305
	Timeout   time.Duration        // for one call, so that a hanging Vault hangs no page; 0: 5 seconds
	Roles     map[Role]Credentials // what this process may do; a role that is not here is refused without asking
	Transport http.RoundTripper    // nil: one made from CAFile; tests count calls through it
	Log       *slog.Logger         // nil: nothing is logged
}

// Credentials log one role in. The file is read at each login, so that a secret id can be replaced while running.
type Credentials struct {
	RoleID       string
	SecretIDFile string
}

var ciphers = []string{"aes256-gcm96", "chacha20-poly1305"}

// complete fills in the defaults and tells all mistakes at once.
func (c Config) complete() (Config, error) {
	c.Prefix = orDefault(c.Prefix, "sluice")
	c.AppRole = orDefault(c.AppRole, "approle")
	c.SignKey = orDefault(c.SignKey, "sluice")
	c.Cipher = orDefault(c.Cipher, ciphers[0])
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	mistakes := []error{checkAddress(c.Address)}
	if !slices.Contains(ciphers, c.Cipher) {
		mistakes = append(mistakes, fmt.Errorf("cipher %q: choose one of %q", c.Cipher, ciphers))
	}
	for _, name := range []string{c.Prefix, c.AppRole, c.SignKey} {
		if !nameShape.MatchString(name) {
			mistakes = append(mistakes, fmt.Errorf("name %q: use letters, digits, - and _", name))
		}
	}
	mistakes = append(mistakes, c.checkRoles()...)
	if c.Transport == nil {
		transport, err := newTransport(c.CAFile)
		mistakes = append(mistakes, err)
		c.Transport = transport
	}
	if err := errors.Join(mistakes...); err != nil {
		return c, fmt.Errorf("configuration of Vault: %w", err)
	}
	return c, nil
}

func (c Config) checkRoles() (mistakes []error) {
	if len(c.Roles) == 0 {
		mistakes = append(mistakes, fmt.Errorf("no role has credentials; configure at least one of %q", Roles))
	}
	for role, credentials := range c.Roles {
		if !slices.Contains(Roles, role) {
			mistakes = append(mistakes, fmt.Errorf("role %q: choose from %q", role, Roles))
		}
		if credentials.RoleID == "" || credentials.SecretIDFile == "" {
			mistakes = append(mistakes, fmt.Errorf("role %q: give both its role id and the file with its secret id", role))
		}
	}
	return mistakes
}

// Over plain http anybody on the way reads the file keys.
func checkAddress(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return fmt.Errorf("address %q: give it as https://host:8200, without a user name", address)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("address %q: plain http would send keys in the clear; use https", address)
	}
	return nil
}

func newTransport(caFile string) (http.RoundTripper, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	transport.MaxIdleConnsPerHost = 32
	if caFile == "" {
		return transport, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("certificates to trust: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("certificates to trust: %s holds none in PEM form", caFile)
	}
	transport.TLSClientConfig.RootCAs = pool
	return transport, nil
}

// client makes one without token. It never repeats a call by itself: a page would wait, and work is repeated by its job.
func (c Config) client() (*api.Client, error) {
	client, err := api.NewClient(&api.Config{
		Address:    c.Address,
		HttpClient: &http.Client{Transport: c.Transport},
		Timeout:    c.Timeout,
		MaxRetries: 0,
	})
	if err != nil {
		return nil, fmt.Errorf("making a client for Vault: %w", err)
	}
	// The library reads these two from the environment, and a token found there would outrank every role.
	client.ClearToken()
	client.ClearNamespace()
	if c.Namespace != "" {
		client.SetNamespace(c.Namespace)
	}
	return client, nil
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}
