package account

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// mac is HMAC-SHA256 over parts, each with its length before it: joined without, "ab","c" and "a","bc" would be one.
func mac(key []byte, parts ...string) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(p))))
		h.Write([]byte(p))
	}
	return h.Sum(nil)
}

// keyed is a mac as it is stored. Without the key, guessing what is behind it leads nowhere.
func (a *Accounts) keyed(parts ...string) string {
	return hex.EncodeToString(mac(a.keys.lookup, parts...))
}

// salted is what an event says of an address or a name. The salt stands in its row and goes when that is erased; from then
// on nobody can test a guess.
func salted(salt string, fields ...string) string {
	return hex.EncodeToString(mac([]byte(salt), fields...))
}

// hashed is how a random secret of 256 bits is stored. It needs no key and no salt: there is nothing to guess.
func hashed(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// secret is 256 random bits as text.
func secret() string {
	b := make([]byte, 32)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// seal encrypts a seed for one person. As stored, in hexadecimal:
//
//	nonce       24 bytes, random
//	ciphertext  as long as the seed
//	tag         16 bytes, also over the person's id, so that a seed moved to another row does not open
func (a *Accounts) seal(person PersonID, seed string) (string, error) {
	aead, err := chacha20poly1305.NewX(a.keys.seal)
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize())
	rand.Read(nonce)
	return hex.EncodeToString(aead.Seal(nonce, nonce, []byte(seed), []byte(person))), nil
}

var errSealed = errors.New("a second factor cannot be opened with this local key")

func (a *Accounts) unseal(person PersonID, sealed string) (string, error) {
	aead, err := chacha20poly1305.NewX(a.keys.seal)
	if err != nil {
		return "", err
	}
	b, err := hex.DecodeString(sealed)
	if err != nil || len(b) < aead.NonceSize() {
		return "", fmt.Errorf("person %s: %w", person, errSealed)
	}
	seed, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], []byte(person))
	if err != nil {
		return "", fmt.Errorf("person %s: %w", person, errSealed)
	}
	return string(seed), nil
}
