package keyring

import (
	"context"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/chacha20poly1305"

	"sluice/delivery"
)

// Local is a keyring in one file of this machine. It is not Vault: whoever reads the file, or a backup of it, can open
// everything. It keeps the same promises otherwise, and passes the same suite.
type Local struct {
	file  *keyFile
	roles []Role
}

var _ delivery.Keyring = (*Local)(nil)

// A file key wrapped by Local is this text:
//
//	local:v1:<base64 of nonce | box>
//
//	nonce   24 random bytes
//	box     32 bytes of file key sealed with XChaCha20-Poly1305, and its 16 byte tag
//
// under HKDF-SHA256(wrapping key, no salt, "sluice keyring v1 file " + file id), so that it opens under no other
// file's id, as with a derived key of Vault's transit engine.
const (
	wrappedPrefix = "local:v1:"
	derivePurpose = "sluice keyring v1 file "
)

// CreateLocal makes a new keyring file and refuses to touch one that is there.
func CreateLocal(path string) (*Local, error) {
	if err := createKeyFile(path); err != nil {
		return nil, err
	}
	return OpenLocal(path)
}

// OpenLocal opens a keyring file. It never makes one: a keyring that came back empty would look like one whose keys were
// all destroyed. A missing file is an fs.ErrNotExist.
func OpenLocal(path string) (*Local, error) {
	f := &keyFile{path: path}
	if _, err := f.current(); err != nil {
		return nil, err
	}
	return &Local{file: f, roles: Roles}, nil
}

// As gives the same keyring with the rights of these roles only.
func (l *Local) As(roles ...Role) *Local {
	return &Local{file: l.file, roles: roles}
}

// Describe tells the operator what holds the keys.
func (l *Local) Describe() string {
	return fmt.Sprintf("the local key file %s; this is not Vault: whoever reads this file can open every delivery and the archive", l.file.path)
}

func (l *Local) may(role Role) error {
	if !slices.Contains(l.roles, role) {
		return notHere(role)
	}
	return nil
}

// Create makes a wrapping key, and leaves one that is there as it is.
func (l *Local) Create(ctx context.Context, key delivery.KeyName) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if err := l.may(Prepare); err != nil {
		return err
	}
	return l.file.change(ctx, func(k *keys) error {
		if _, ok := k.Wrapping[key.String()]; ok {
			return errUnchanged
		}
		fresh := make([]byte, 32)
		rand.Read(fresh)
		k.Wrapping[key.String()] = fresh
		return nil
	})
}

// Wrap seals file keys under the named key.
func (l *Local) Wrap(ctx context.Context, key delivery.KeyName, items []delivery.Opened) ([]delivery.Sealed, error) {
	wrapping, err := l.wrapping(ctx, key, Prepare)
	if err != nil {
		return nil, fmt.Errorf("wrapping: %w", err)
	}
	out := make([]delivery.Sealed, len(items))
	for i, item := range items {
		if err := checkFileID(key, item.FileID); err != nil {
			return nil, err
		}
		box, err := seal(wrapping, item)
		if err != nil {
			return nil, err
		}
		out[i] = delivery.Sealed{FileID: item.FileID, Wrapped: box}
	}
	return out, nil
}

// Unwrap opens file keys sealed under the named key.
func (l *Local) Unwrap(ctx context.Context, key delivery.KeyName, items []delivery.Sealed) ([]delivery.DataKey, error) {
	wrapping, err := l.wrapping(ctx, key, unwrapRole(key.Mount))
	if err != nil {
		return nil, fmt.Errorf("unwrapping: %w", err)
	}
	out := make([]delivery.DataKey, len(items))
	for i, item := range items {
		if err := checkWrapped(key, item); err != nil {
			return nil, err
		}
		if out[i], err = open(wrapping, item); err != nil {
			return nil, fmt.Errorf("file %s under key %s: %w", item.FileID, key, err)
		}
	}
	return out, nil
}

// Destroy removes a key from the file and overwrites the file it stood in. A file system that copies on write, a flash
// disk or a backup may still have the old bytes.
func (l *Local) Destroy(ctx context.Context, key delivery.KeyName) error {
	if err := checkDestroy(key); err != nil {
		return err
	}
	if err := l.may(Destroy); err != nil {
		return err
	}
	return l.file.change(ctx, func(k *keys) error {
		if _, ok := k.Wrapping[key.String()]; !ok {
			return errUnchanged
		}
		delete(k.Wrapping, key.String())
		return nil
	})
}

// Exists tells whether the key stands in the file.
func (l *Local) Exists(ctx context.Context, key delivery.KeyName) (bool, error) {
	if err := checkKey(key); err != nil {
		return false, err
	}
	if err := l.may(Destroy); err != nil {
		return false, err
	}
	k, err := l.read(ctx)
	if err != nil {
		return false, err
	}
	_, ok := k.Wrapping[key.String()]
	return ok, nil
}

// Sign signs a message with the key made with the file.
func (l *Local) Sign(ctx context.Context, message []byte) (signature, public []byte, err error) {
	if err := checkMessage(message); err != nil {
		return nil, nil, err
	}
	if err := l.may(Sign); err != nil {
		return nil, nil, err
	}
	k, err := l.read(ctx)
	if err != nil {
		return nil, nil, err
	}
	private := ed25519.NewKeyFromSeed(k.Signing)
	return ed25519.Sign(private, message), private.Public().(ed25519.PublicKey), nil
}

// Probe tells the operator how the file stands. The clock is not used: a file has none.
func (l *Local) Probe(ctx context.Context, _ func() time.Time) []Finding {
	readable := Finding{Name: "key file", OK: true, Detail: l.file.path + " is readable by its owner only"}
	if _, err := l.read(ctx); err != nil {
		readable = Finding{Name: "key file", Detail: err.Error(), Do: "put the file back from a safe copy, owned by the user Sluice runs as, with mode 600"}
	}
	writable := Finding{Name: "key file can be rewritten", OK: true, Detail: "its folder takes new files"}
	if err := l.file.writable(); err != nil {
		writable = Finding{Name: "key file can be rewritten", Detail: err.Error(), Do: "let the user Sluice runs as write to the folder; keys can neither be made nor destroyed otherwise"}
	}
	kind := Finding{Name: "kind of keyring", OK: true, Detail: l.Describe(),
		Do: "use Vault or OpenBao for real patients' data; backups of this file keep destroyed keys"}
	findings := []Finding{kind, readable, writable}
	if _, public, err := l.Sign(ctx, []byte("sluice keyring probe "+rand.Text())); err == nil {
		findings = append(findings, signing(public))
	}
	return append(findings, advice(func(r Role) bool { return l.may(r) == nil }))
}

func (l *Local) read(ctx context.Context) (*keys, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("%w: %w", delivery.ErrKeyringAway, err)
	}
	return l.file.current()
}

func (l *Local) wrapping(ctx context.Context, key delivery.KeyName, role Role) ([]byte, error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err := l.may(role); err != nil {
		return nil, err
	}
	k, err := l.read(ctx)
	if err != nil {
		return nil, err
	}
	wrapping, ok := k.Wrapping[key.String()]
	if !ok {
		return nil, fmt.Errorf("key %s: %w", key, delivery.ErrKeyGone)
	}
	return wrapping, nil
}

func derive(wrapping []byte, fileID string) ([]byte, error) {
	return hkdf.Key(sha256.New, wrapping, nil, derivePurpose+fileID, chacha20poly1305.KeySize)
}

func seal(wrapping []byte, item delivery.Opened) (string, error) {
	derived, err := derive(wrapping, item.FileID)
	if err != nil {
		return "", err
	}
	aead, err := chacha20poly1305.NewX(derived)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(item.Key)+aead.Overhead())
	rand.Read(nonce)
	return wrappedPrefix + base64.StdEncoding.EncodeToString(aead.Seal(nonce, nonce, item.Key[:], nil)), nil
}

func open(wrapping []byte, item delivery.Sealed) (key delivery.DataKey, err error) {
	text, ok := strings.CutPrefix(item.Wrapped, wrappedPrefix)
	box, bad := base64.StdEncoding.DecodeString(text)
	if !ok || bad != nil || len(box) != chacha20poly1305.NonceSizeX+len(key)+chacha20poly1305.Overhead {
		return key, delivery.ErrNotWrapped
	}
	derived, err := derive(wrapping, item.FileID)
	if err != nil {
		return key, err
	}
	aead, err := chacha20poly1305.NewX(derived)
	if err != nil {
		return key, err
	}
	plain, err := aead.Open(nil, box[:aead.NonceSize()], box[aead.NonceSize():], nil)
	if err != nil {
		return key, delivery.ErrNotWrapped
	}
	copy(key[:], plain)
	clear(plain)
	return key, nil
}
