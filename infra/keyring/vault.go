package keyring

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/hashicorp/vault/api"

	"sluice/delivery"
)

// Vault is a keyring in the transit engine of HashiCorp Vault or OpenBao. Every key is derived, with the file's id as
// context; associated data would do the same until the day a key has to be rotated, and then refuse.
//
// It starts without Vault and works again by itself when Vault does: each role logs in at its first use.
type Vault struct {
	cfg    Config
	logins map[Role]*login
	stop   context.CancelFunc
	kept   sync.WaitGroup

	mu     sync.Mutex
	public map[int]ed25519.PublicKey // by version of the signing key
}

var _ delivery.Keyring = (*Vault)(nil)

// NewVault checks the configuration and asks Vault nothing yet. Close ends its logins.
func NewVault(cfg Config) (*Vault, error) {
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	life, stop := context.WithCancel(context.Background())
	v := &Vault{cfg: cfg, logins: map[Role]*login{}, stop: stop, public: map[int]ed25519.PublicKey{}}
	for role, credentials := range cfg.Roles {
		v.logins[role] = &login{cfg: cfg, role: role, credentials: credentials, life: life, kept: &v.kept}
	}
	return v, nil
}

// Close ends the renewal of every login and revokes their tokens, where Vault can be reached.
func (v *Vault) Close() {
	v.stop()
	v.kept.Wait()
	for _, l := range v.logins {
		l.revoke()
	}
}

// Describe tells the operator what holds the keys.
func (v *Vault) Describe() string {
	var roles []string
	for _, role := range Roles {
		if v.logins[role] != nil {
			roles = append(roles, string(role))
		}
	}
	return fmt.Sprintf("Vault at %s, mounts %s-*, as %s", v.cfg.Address, v.cfg.Prefix, strings.Join(roles, ", "))
}

// path is where an operation on a key lives, as sluice-delivery/decrypt/<id>.
func (v *Vault) path(operation string, key delivery.KeyName) string {
	return v.cfg.Prefix + "-" + string(key.Mount) + "/" + operation + "/" + key.ID
}

func (v *Vault) signPath(operation string) string {
	return v.cfg.Prefix + "-sign/" + operation + "/" + v.cfg.SignKey
}

// Create makes a wrapping key, and leaves one that is there as it is.
func (v *Vault) Create(ctx context.Context, key delivery.KeyName) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if _, err := v.write(ctx, Prepare, v.path("keys", key), map[string]any{"type": v.cfg.Cipher, "derived": true}); err != nil {
		return fmt.Errorf("creating key %s: %w", key, err)
	}
	// A key that was there before may have been made by hand: one that is not derived ignores the file's id, and an
	// exportable one can leave Vault. Neither can be mended, so neither is used.
	info, err := v.keyInfo(ctx, Prepare, v.path("keys", key))
	if err != nil {
		return fmt.Errorf("creating key %s: %w", key, err)
	}
	if !info.Derived || info.Exportable || info.PlainBackup {
		return fmt.Errorf("creating key %s: Vault has a key of this name that is not derived, or can be exported: %w", key, delivery.ErrKeyRefused)
	}
	return nil
}

// Wrap seals file keys under the named key.
func (v *Vault) Wrap(ctx context.Context, key delivery.KeyName, items []delivery.Opened) ([]delivery.Sealed, error) {
	out := make([]delivery.Sealed, 0, len(items))
	for batch := range slices.Chunk(items, BatchSize) {
		input := make([]transitItem, len(batch))
		for i, item := range batch {
			if err := checkFileID(key, item.FileID); err != nil {
				return nil, err
			}
			input[i] = transitItem{Context: encode([]byte(item.FileID)), Plaintext: encode(item.Key[:])}
		}
		results, err := v.batch(ctx, Prepare, "encrypt", key, input)
		if err != nil {
			return nil, fmt.Errorf("wrapping: %w", err)
		}
		for i, r := range results {
			if r.Error != "" || r.Ciphertext == "" {
				return nil, fmt.Errorf("wrapping: file %s under key %s: Vault answers %q", batch[i].FileID, key, shorten(r.Error))
			}
			out = append(out, delivery.Sealed{FileID: batch[i].FileID, Wrapped: r.Ciphertext})
		}
	}
	return out, nil
}

// Unwrap opens file keys sealed under the named key.
func (v *Vault) Unwrap(ctx context.Context, key delivery.KeyName, items []delivery.Sealed) ([]delivery.DataKey, error) {
	out := make([]delivery.DataKey, 0, len(items))
	for batch := range slices.Chunk(items, BatchSize) {
		input := make([]transitItem, len(batch))
		for i, item := range batch {
			if err := checkWrapped(key, item); err != nil {
				return nil, err
			}
			input[i] = transitItem{Context: encode([]byte(item.FileID)), Ciphertext: item.Wrapped}
		}
		results, err := v.batch(ctx, unwrapRole(key.Mount), "decrypt", key, input)
		if err != nil {
			return nil, fmt.Errorf("unwrapping: %w", err)
		}
		for i, r := range results {
			plain, err := base64.StdEncoding.DecodeString(r.Plaintext)
			if r.Error != "" || err != nil || len(plain) != len(delivery.DataKey{}) {
				return nil, fmt.Errorf("unwrapping: file %s under key %s: %w (Vault answers %q)", batch[i].FileID, key, delivery.ErrNotWrapped, shorten(r.Error))
			}
			out = append(out, delivery.DataKey(plain))
			clear(plain)
		}
	}
	return out, nil
}

// Destroy removes the key of a delivery for good. Vault's own snapshots keep it until they age out.
func (v *Vault) Destroy(ctx context.Context, key delivery.KeyName) error {
	if err := checkDestroy(key); err != nil {
		return err
	}
	_, err := v.write(ctx, Destroy, v.path("keys", key)+"/config", map[string]any{"deletion_allowed": true})
	if err == nil {
		err = v.delete(ctx, Destroy, v.path("keys", key))
	}
	if !answered(err, 400, 404) {
		return wrapping(err, "destroying key %s", key)
	}
	// Vault answers 400 where there is no key, and in other cases too. Only the key's own 404 tells them apart.
	there, lookErr := v.Exists(ctx, key)
	if lookErr != nil {
		return fmt.Errorf("destroying key %s: %w", key, lookErr)
	}
	if there {
		return fmt.Errorf("destroying key %s: %w", key, err)
	}
	return nil
}

// Exists asks Vault for the key itself.
func (v *Vault) Exists(ctx context.Context, key delivery.KeyName) (bool, error) {
	if err := checkKey(key); err != nil {
		return false, err
	}
	gone, err := v.gone(ctx, Destroy, key)
	if err != nil {
		return false, fmt.Errorf("looking for key %s: %w", key, err)
	}
	return !gone, nil
}

// Sign signs a message with the newest version of the signing key.
func (v *Vault) Sign(ctx context.Context, message []byte) (signature, public []byte, err error) {
	if err := checkMessage(message); err != nil {
		return nil, nil, err
	}
	data, err := v.write(ctx, Sign, v.signPath("sign"), map[string]any{"input": encode(message)})
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	text, _ := data["signature"].(string)
	version, signature, err := parseSignature(text)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	public, err = v.publicKey(ctx, version)
	if err != nil {
		return nil, nil, fmt.Errorf("signing: %w", err)
	}
	if !ed25519.Verify(public, message, signature) {
		v.forgetPublicKeys()
		return nil, nil, fmt.Errorf("signing: Vault's signature does not verify under its key %s; was the key replaced? try again: %w", v.cfg.SignKey, delivery.ErrKeyringAway)
	}
	return signature, public, nil
}

// parseSignature reads vault:v<version>:<base64>.
func parseSignature(text string) (version int, signature []byte, err error) {
	parts := strings.Split(text, ":")
	if len(parts) == 3 && parts[0] == "vault" && strings.HasPrefix(parts[1], "v") {
		version, err = strconv.Atoi(parts[1][1:])
		if err == nil {
			signature, err = base64.StdEncoding.DecodeString(parts[2])
		}
		if err == nil && len(signature) == ed25519.SignatureSize {
			return version, signature, nil
		}
	}
	return 0, nil, fmt.Errorf("what Vault answers is not an Ed25519 signature; is the signing key of type ed25519?")
}

// publicKey gives the public half of one version, which never changes, so it is asked for once.
func (v *Vault) publicKey(ctx context.Context, version int) (ed25519.PublicKey, error) {
	v.mu.Lock()
	known := v.public[version]
	v.mu.Unlock()
	if known != nil {
		return known, nil
	}
	info, err := v.keyInfo(ctx, Sign, v.signPath("keys"))
	if err != nil {
		return nil, err
	}
	var one struct {
		PublicKey []byte `json:"public_key"`
	}
	if err := json.Unmarshal(info.Keys[strconv.Itoa(version)], &one); err != nil || len(one.PublicKey) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("Vault shows no Ed25519 public key for version %d of %s", version, v.cfg.SignKey)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.public[version] = one.PublicKey
	return one.PublicKey, nil
}

func (v *Vault) forgetPublicKeys() {
	v.mu.Lock()
	defer v.mu.Unlock()
	clear(v.public)
}

// A transitItem is one line of a batch, going and coming.
type transitItem struct {
	Context    string `json:"context,omitempty"`
	Plaintext  string `json:"plaintext,omitempty"`
	Ciphertext string `json:"ciphertext,omitempty"`
	Error      string `json:"error,omitempty"`
}

// batch sends one call. A 200 for a batch in which items fail is asked for, because the answer then says which; when
// all fail it is a 400 nevertheless.
func (v *Vault) batch(ctx context.Context, role Role, operation string, key delivery.KeyName, input []transitItem) ([]transitItem, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	data, err := v.write(ctx, role, v.path(operation, key), map[string]any{"batch_input": input, "partial_failure_response_code": 200})
	if err != nil {
		return nil, v.whyBatchFailed(ctx, role, operation, key, err)
	}
	results, err := batchResults(data)
	if err != nil || len(results) != len(input) {
		return nil, fmt.Errorf("key %s: Vault answers a batch of %d with %d results: %w", key, len(input), len(results), delivery.ErrKeyringAway)
	}
	return results, nil
}

// whyBatchFailed tells a destroyed key from a damaged item and from a policy. Vault says 403 when encrypting under a
// missing key would have made it and the policy forbids that, and 400 in every other case.
func (v *Vault) whyBatchFailed(ctx context.Context, role Role, operation string, key delivery.KeyName, err error) error {
	if !answered(err, 400, 403, 404) {
		return err
	}
	gone, lookErr := v.gone(ctx, role, key)
	switch {
	case answered(err, 403) && (lookErr != nil || !gone):
		return err
	case lookErr != nil:
		return lookErr
	case gone:
		return fmt.Errorf("key %s: %w", key, delivery.ErrKeyGone)
	case answered(err, 400) && operation == "decrypt":
		return fmt.Errorf("key %s: %w (%v)", key, delivery.ErrNotWrapped, err)
	}
	return err
}

func batchResults(data map[string]any) (results []transitItem, err error) {
	list, _ := data["batch_results"].([]any)
	for _, one := range list {
		fields, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a result is not an object")
		}
		var item transitItem
		item.Plaintext, _ = fields["plaintext"].(string)
		item.Ciphertext, _ = fields["ciphertext"].(string)
		item.Error, _ = fields["error"].(string)
		results = append(results, item)
	}
	return results, nil
}

// keyInfo is what Vault tells of a key.
type keyInfo struct {
	Derived     bool                       `json:"derived"`
	Exportable  bool                       `json:"exportable"`
	PlainBackup bool                       `json:"allow_plaintext_backup"`
	Keys        map[string]json.RawMessage `json:"keys"`
}

func (v *Vault) keyInfo(ctx context.Context, role Role, path string) (info keyInfo, err error) {
	err = v.call(ctx, role, func(ctx context.Context, c *api.Client) error {
		resp, err := c.Logical().ReadRawWithContext(ctx, path)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var body struct {
			Data *keyInfo `json:"data"`
		}
		if err := resp.DecodeJSON(&body); err != nil || body.Data == nil || body.Data.Keys == nil {
			return errNotVault
		}
		info = *body.Data
		return nil
	})
	return info, err
}

// gone says true only for the answer the transit engine itself gives when it has no such key.
func (v *Vault) gone(ctx context.Context, role Role, key delivery.KeyName) (bool, error) {
	_, err := v.keyInfo(ctx, role, v.path("keys", key))
	if err == nil {
		return false, nil
	}
	if noSuchKey(err) {
		return true, nil
	}
	return false, err
}

func (v *Vault) write(ctx context.Context, role Role, path string, data map[string]any) (answer map[string]any, err error) {
	err = v.call(ctx, role, func(ctx context.Context, c *api.Client) error {
		secret, err := c.Logical().WriteWithContext(ctx, path, data)
		if err == nil && secret != nil {
			answer = secret.Data
		}
		return err
	})
	return answer, err
}

func (v *Vault) delete(ctx context.Context, role Role, path string) error {
	return v.call(ctx, role, func(ctx context.Context, c *api.Client) error {
		_, err := c.Logical().DeleteWithContext(ctx, path)
		return err
	})
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }
