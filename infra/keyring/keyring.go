// Package keyring holds the keys that wrap file keys, as delivery.Keyring asks for: in Vault (or OpenBao) through its
// transit engine, or in a file of this machine for trying out and small sites.
//
// NewVault is the first call of a production process, CreateLocal and OpenLocal of a small one. Both meet the suite in
// keyringtest, and both answer Probe, which says for the operator what works, what must be refused, and what to do.
package keyring

import (
	"crypto/ed25519"
	"fmt"
	"regexp"

	"sluice/delivery"
	"sluice/delivery/manifest"
)

// A Role is one set of rights. A process gets the credentials of the roles it plays and no others, so that a break-in
// at the serving process does not reach the archive's keys.
type Role string

const (
	Serve   Role = "serve"   // opens file keys of deliveries, for the gateway
	Prepare Role = "prepare" // makes keys, opens those of the archive and wraps them again under a delivery's
	Destroy Role = "destroy" // removes the keys of deliveries, and looks whether a key is there
	Sign    Role = "sign"    // signs manifests and the log
)

// Roles lists every role, in the order in which they are shown.
var Roles = []Role{Serve, Prepare, Destroy, Sign}

// BatchSize is the most items that go into one call.
const BatchSize = 500

// maxMessage is the longest message that is signed. Vault takes no text over 1 MiB, and what fits must not depend on the
// keyring; sign a digest of anything longer.
const maxMessage = 64 << 10

func checkMessage(message []byte) error {
	if len(message) > maxMessage {
		return fmt.Errorf("signing: a message of %d bytes is over the %d that are signed; sign its digest", len(message), maxMessage)
	}
	return nil
}

// unwrapRole is the role that may open keys of a family: the serving process never those of the archive.
func unwrapRole(mount delivery.Mount) Role {
	if mount == delivery.Deliveries {
		return Serve
	}
	return Prepare
}

// A Finding is one line of what Probe found out. A finding that is OK may still carry advice in Do.
type Finding struct {
	Name   string // what was looked at
	OK     bool
	Detail string // what was seen
	Do     string // what to do about it; empty when there is nothing to do
}

// Names go into paths of Vault's interface, where a slash or a dot would reach something else.
var nameShape = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

func checkKey(key delivery.KeyName) error {
	if key.Mount != delivery.Archive && key.Mount != delivery.Deliveries {
		return fmt.Errorf("key %s: there is no such family of keys", key)
	}
	if !nameShape.MatchString(key.ID) {
		return fmt.Errorf("key %s: an id is 1 to 128 letters, digits, - and _", key)
	}
	return nil
}

// checkWrapped sorts out what no keyring wrote; Vault would answer an empty text with an internal error, which looks as
// if it were away.
func checkWrapped(key delivery.KeyName, item delivery.Sealed) error {
	if item.Wrapped == "" {
		return fmt.Errorf("file %s under key %s: %w", item.FileID, key, delivery.ErrNotWrapped)
	}
	return checkFileID(key, item.FileID)
}

// Without a file id nothing would bind the wrapped key to a file.
func checkFileID(key delivery.KeyName, fileID string) error {
	if fileID == "" {
		return fmt.Errorf("key %s: an item has no file id to be bound to", key)
	}
	return nil
}

// checkDestroy refuses the keys of datasets: losing one loses the archive, and no step of Sluice's work asks for it.
func checkDestroy(key delivery.KeyName) error {
	if err := checkKey(key); err != nil {
		return err
	}
	if key.Mount != delivery.Deliveries {
		return fmt.Errorf("destroying key %s: only the keys of deliveries are ever destroyed: %w", key, delivery.ErrKeyRefused)
	}
	return nil
}

func notHere(role Role) error {
	return fmt.Errorf("this process does not play the role %s; configure its credentials, or do this in the process that has them: %w", role, delivery.ErrKeyRefused)
}

// signing is the finding on a key that signed: its fingerprint is what a foundation publishes by another way.
func signing(public ed25519.PublicKey) Finding {
	f := Finding{Name: "signing", OK: true}
	mark, err := manifest.Fingerprint(public)
	if f.Detail = "a signature was made and verified; the key has fingerprint " + mark; err != nil {
		f.OK, f.Detail = false, err.Error()
	}
	return f
}

// advice is the finding on whether the roles that should live apart do.
func advice(has func(Role) bool) Finding {
	f := Finding{Name: "roles kept apart", OK: true, Detail: "this process cannot both serve and reach the archive's keys"}
	if has(Serve) && (has(Prepare) || has(Destroy) || has(Sign)) {
		f.Detail = "this process serves downloads and also holds the rights of the worker"
		f.Do = "fine for a small site; otherwise run the worker as a process of its own, with its own credentials"
	}
	return f
}
