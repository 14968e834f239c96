package manifest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrSignature: the manifest was not signed with a key that is trusted, or was changed since.
var ErrSignature = errors.New("the manifest does not bear a trusted signature")

// domain keeps a signature of a manifest from being one of anything else that the same key signs.
const domain = "sluice manifest v1\x00"

// signed is the file manifest.json: one line of JSON and the end of the line, without space between the tokens.
//
//	{"manifest":M,"public_key":"base64","signature":"base64"}
//
// M is the encoding of the manifest, and the signature is Ed25519, without hashing beforehand, of
//
//	"sluice manifest v1" 0x00 | SHA-256 of the bytes of M (32)
//
// so that a key kept elsewhere need not be sent a large manifest. Nothing stands behind the manifest but two texts of fixed length,
// so that a shell can take the file apart: the page of a delivery shows how, for openssl. The public key says which of several trusted keys to
// verify with; by itself it proves nothing.
type signed struct {
	Manifest  json.RawMessage `json:"manifest"`
	PublicKey []byte          `json:"public_key"`
	Signature []byte          `json:"signature"`
}

func message(encoded []byte) []byte {
	sum := sha256.Sum256(encoded)
	return append([]byte(domain), sum[:]...)
}

// Sign encodes a manifest and signs it. with signs a message, and tells the public key it did it with.
func Sign(m Manifest, with func(message []byte) (signature, public []byte, err error)) ([]byte, error) {
	encoded, err := Encode(m)
	if err != nil {
		return nil, err
	}
	signature, public, err := with(message(encoded))
	if err != nil {
		return nil, fmt.Errorf("signing the manifest of %s: %w", m.Delivery, err)
	}
	// A signature that nobody could verify must be noticed now, not by the first one who downloads.
	if len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, message(encoded), signature) {
		return nil, fmt.Errorf("signing the manifest of %s: the signature is not one of the key it names", m.Delivery)
	}
	return encodeSigned(signed{encoded, public, signature})
}

// Verify reads a signed manifest, if it was signed with one of the trusted keys; otherwise it is ErrSignature, or ErrFormat
// for what is no signed manifest at all. No byte of the file can change without an error.
func Verify(file []byte, trusted ...ed25519.PublicKey) (Manifest, error) {
	if len(file) > MaxSize {
		return Manifest{}, fmt.Errorf("%w: larger than %d bytes", ErrFormat, MaxSize)
	}
	var s signed
	if err := json.Unmarshal(file, &s); err != nil {
		return Manifest{}, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	again, err := encodeSigned(s)
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(again, file) {
		return Manifest{}, fmt.Errorf("%w: not written in the one way there is", ErrFormat)
	}
	if !trusts(trusted, s.PublicKey) || !ed25519.Verify(s.PublicKey, message(s.Manifest), s.Signature) {
		return Manifest{}, ErrSignature
	}
	return Decode(s.Manifest)
}

func trusts(keys []ed25519.PublicKey, key []byte) bool {
	for _, k := range keys {
		if len(k) == ed25519.PublicKeySize && bytes.Equal(k, key) {
			return true
		}
	}
	return false
}

func encodeSigned(s signed) ([]byte, error) {
	b, err := encodeJSON(s)
	if err != nil {
		return nil, err
	}
	return append(b, '\n'), nil
}
