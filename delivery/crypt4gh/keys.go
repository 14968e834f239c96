package crypt4gh

import (
	"crypto/ecdh"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"

	"golang.org/x/crypto/blake2b"
)

// ErrWeakKey: a public key of low order. Everybody could compute what is shared with it.
var ErrWeakKey = errors.New("this is not a usable public key")

// A PublicKey is a reader's X25519 point. Make one with NewPublicKey or ParsePublicKey, which refuse unusable points.
type PublicKey [32]byte

// NewPublicKey takes the 32 bytes of a point, and refuses with ErrWeakKey those of low order.
func NewPublicKey(raw []byte) (PublicKey, error) {
	if len(raw) != len(PublicKey{}) {
		return PublicKey{}, fmt.Errorf("%w: %d bytes instead of 32", ErrWeakKey, len(raw))
	}
	pub := PublicKey(raw)
	// X25519 multiplies by a multiple of the cofactor, so with any secret a point of low order gives zero, which
	// ECDH refuses.
	probe, err := NewPrivateKey(make([]byte, 32))
	if err != nil {
		return PublicKey{}, err
	}
	if _, err := probe.exchange(pub); err != nil {
		return PublicKey{}, fmt.Errorf("%w: a point of low order", ErrWeakKey)
	}
	return pub, nil
}

// String is the key in base64, as its file has it.
func (p PublicKey) String() string { return base64.StdEncoding.EncodeToString(p[:]) }

// A PrivateKey opens headers made for its public key.
type PrivateKey struct {
	// A func, not the key itself, for fmt prints the unexported fields of whatever holds them, and of a func only
	// the address.
	key func() *ecdh.PrivateKey
}

func keep(key *ecdh.PrivateKey) *PrivateKey {
	return &PrivateKey{func() *ecdh.PrivateKey { return key }}
}

// GenerateKey makes a private key from the system's random source.
func GenerateKey() (*PrivateKey, error) {
	key, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a private key: %w", err)
	}
	return keep(key), nil
}

// NewPrivateKey takes the 32 bytes of a secret.
func NewPrivateKey(raw []byte) (*PrivateKey, error) {
	key, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("a private key has 32 bytes, not %d", len(raw))
	}
	return keep(key), nil
}

// Public is the key that others encrypt to.
func (k *PrivateKey) Public() PublicKey { return PublicKey(k.key().PublicKey().Bytes()) }

// Format keeps the key out of logs and error texts whatever verb prints it.
func (PrivateKey) Format(s fmt.State, _ rune) { fmt.Fprint(s, "PrivateKey(secret)") }

// MarshalText refuses, so that no encoder writes a key down by accident.
func (PrivateKey) MarshalText() ([]byte, error) {
	return nil, errors.New("a private key is never encoded")
}

func (k *PrivateKey) exchange(with PublicKey) ([]byte, error) {
	point, err := ecdh.X25519().NewPublicKey(with[:])
	if err != nil {
		return nil, err
	}
	return k.key().ECDH(point)
}

// sharedKey is the key of a header packet (specification, section 3.3.1): the first half of
// BLAKE2b-512(X25519(secret, other) ‖ reader's public key ‖ writer's public key), the same from either side.
func sharedKey(own *PrivateKey, other, reader, writer PublicKey) ([]byte, error) {
	dh, err := own.exchange(other)
	if err != nil {
		return nil, err
	}
	in := append(dh, reader[:]...)
	sum := blake2b.Sum512(append(in, writer[:]...))
	return sum[:32], nil
}
