package delivery

import (
	"context"
	"errors"
	"fmt"

	"sluice/delivery/crypt4gh"
)

// Errors a Keyring answers with.
var (
	// ErrKeyGone: there is no such key. After a Destroy that is the proof; anywhere else it is an alarm.
	ErrKeyGone = errors.New("the key does not exist")
	// ErrKeyringAway: sealed, unreachable or without a valid token. Work waits; nothing is lost.
	ErrKeyringAway = errors.New("the keyring cannot be reached")
	// ErrKeyRefused: this role may not do this with this key. It is how the serving process is kept from archive keys.
	ErrKeyRefused = errors.New("the keyring refuses this to this role")
	// ErrNotWrapped: the wrapped form does not belong to this key and context, or was damaged.
	ErrNotWrapped = errors.New("the wrapped key does not open under this key")
)

// A Mount is one of the two families of wrapping keys; the third, for signatures, is reached by Sign only.
type Mount string

const (
	Archive    Mount = "archive"  // a key a dataset: wraps the file keys of what the foundation holds
	Deliveries Mount = "delivery" // a key a delivery: wraps the same file keys again, for as long as the delivery lives
)

// A KeyName names one wrapping key. The id is random text and never used twice.
type KeyName struct {
	Mount Mount
	ID    string
}

func (k KeyName) String() string { return fmt.Sprintf("%s/%s", k.Mount, k.ID) }

// DataKey is a file's 32-byte key in the clear. It lives for the moment of use, is never stored, cached or logged; no verb
// and no encoder prints it.
type DataKey = crypt4gh.DataKey

// A Sealed is one file key to unwrap: the wrapped form, and the file's id, which it is bound to.
type Sealed struct {
	FileID  string
	Wrapped string
}

// An Opened is one file key to wrap under the name of a file.
type Opened struct {
	FileID string
	Key    DataKey
}

// A Keyring holds the keys that wrap file keys; nobody else has them. The context of every operation is the file's id,
// so a wrapped key moved to another file's row does not open.
//
// Contract, checked by one suite over every implementation:
//   - Wrap and Unwrap take any number of items, in batches of up to 500 a call, and answer in the same order, or fail whole;
//   - Wrap never makes a key: a missing one is ErrKeyGone, so that a destroyed name cannot come back by accident;
//   - after Destroy, Exists says false and nothing the key wrapped opens again;
//   - an error is never ErrKeyGone when the keyring could not be asked.
type Keyring interface {
	// Create makes a wrapping key. Repeating it is fine as long as the key was not destroyed.
	Create(ctx context.Context, key KeyName) error
	// Wrap seals file keys under the named key.
	Wrap(ctx context.Context, key KeyName, items []Opened) ([]Sealed, error)
	// Unwrap opens file keys sealed under the named key. ErrNotWrapped when one item does not belong to it.
	Unwrap(ctx context.Context, key KeyName, items []Sealed) ([]DataKey, error)
	// Destroy removes the key of a delivery for good. Absent is success; the caller proves it with Exists. The key of a
	// dataset is ErrKeyRefused: losing one loses the archive.
	Destroy(ctx context.Context, key KeyName) error
	// Exists tells whether the key is there, from the keyring itself.
	Exists(ctx context.Context, key KeyName) (bool, error)
	// Sign signs a message with the foundation's Ed25519 key and returns the public key with it, so that what is
	// kept can be verified after the key was rotated. A message is 64 KiB at most (Vault takes no text over 1 MiB): sign a
	// digest of anything longer.
	Sign(ctx context.Context, message []byte) (signature, public []byte, err error)
}
