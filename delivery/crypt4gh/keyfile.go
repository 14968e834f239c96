package crypt4gh

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"encoding/pem"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/crypto/scrypt"
)

// Errors of key files.
var (
	// ErrKeyFile: not a Crypt4GH key file, or one in a form that cannot be read here; the text says which.
	ErrKeyFile = errors.New("not a readable Crypt4GH key file")
	// ErrPassphrase: the key file is protected, and the passphrase is missing or wrong.
	ErrPassphrase = errors.New("wrong passphrase for this key file")
)

const (
	publicLabel    = "CRYPT4GH PUBLIC KEY"
	privateLabel   = "CRYPT4GH PRIVATE KEY"
	encryptedLabel = "CRYPT4GH ENCRYPTED PRIVATE KEY"

	maxKeyFile = 64 << 10
	// maxRounds bounds what a hostile key file can make us compute: some seconds.
	maxRounds = 10_000_000
)

// ParsePublicKey reads a public key file.
//
//	-----BEGIN CRYPT4GH PUBLIC KEY-----
//	base64 of the 32 bytes of the point
//	-----END CRYPT4GH PUBLIC KEY-----
func ParsePublicKey(file []byte) (PublicKey, error) {
	data, label, err := unarmour(file)
	if err != nil {
		return PublicKey{}, err
	}
	if label == privateLabel || label == encryptedLabel {
		return PublicKey{}, fmt.Errorf("%w: this is a private key; keep it to yourself and use the public one", ErrKeyFile)
	}
	if label != publicLabel {
		return PublicKey{}, fmt.Errorf("%w: it holds a %q", ErrKeyFile, label)
	}
	return NewPublicKey(data)
}

// EncodePublicKey writes a public key file.
func EncodePublicKey(key PublicKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: publicLabel, Bytes: key[:]})
}

// ParsePrivateKey reads a private key file. A file without protection ignores the passphrase; with protection, a missing or
// wrong one is ErrPassphrase.
//
//	"c4gh-v1" | kdf name | kdf options, unless the name is "none" | cipher | data | comment, if any
//	each a string with its length before it as big-endian u16 (the key files are big-endian, the data files are not)
//	kdf options = rounds u32 | salt          cipher "none":              data = the 32 bytes of the secret
//	                                         cipher "chacha20_poly1305": data = nonce(12) | sealed secret(32) | MAC(16)
func ParsePrivateKey(file, passphrase []byte) (*PrivateKey, error) {
	data, label, err := unarmour(file)
	if err != nil {
		return nil, err
	}
	if label != privateLabel && label != encryptedLabel {
		return nil, fmt.Errorf("%w: it holds a %q", ErrKeyFile, label)
	}
	box, err := parseContainer(data)
	if err != nil {
		return nil, err
	}
	secret, err := box.open(passphrase)
	if err != nil {
		return nil, err
	}
	if len(secret) != 32 {
		return nil, fmt.Errorf("%w: a secret of %d bytes", ErrKeyFile, len(secret))
	}
	return NewPrivateKey(secret)
}

func unarmour(file []byte) (data []byte, label string, err error) {
	if len(file) > maxKeyFile {
		return nil, "", fmt.Errorf("%w: too large", ErrKeyFile)
	}
	block, _ := pem.Decode(file)
	if block == nil {
		return nil, "", fmt.Errorf("%w: no line -----BEGIN CRYPT4GH …-----", ErrKeyFile)
	}
	return block.Bytes, block.Type, nil
}

type container struct {
	kdf, cipher string
	rounds      uint32
	salt, data  []byte
}

func parseContainer(b []byte) (container, error) {
	rest, ok := bytes.CutPrefix(b, []byte("c4gh-v1"))
	if !ok {
		return container{}, fmt.Errorf("%w: not a c4gh-v1 container", ErrKeyFile)
	}
	var c container
	bad := false
	next := func() []byte {
		if len(rest) < 2 || len(rest)-2 < int(binary.BigEndian.Uint16(rest)) {
			bad = true
			return nil
		}
		n := int(binary.BigEndian.Uint16(rest))
		field := rest[2 : 2+n]
		rest = rest[2+n:]
		return field
	}
	c.kdf = string(next())
	if c.kdf != "none" && !bad {
		options := next()
		if len(options) < 4 {
			return container{}, fmt.Errorf("%w: no options for %q", ErrKeyFile, c.kdf)
		}
		c.rounds, c.salt = binary.BigEndian.Uint32(options), options[4:]
	}
	c.cipher, c.data = string(next()), next()
	if len(rest) > 0 {
		next() // the comment says nothing that matters here
	}
	if bad || len(rest) > 0 {
		return container{}, fmt.Errorf("%w: fields that do not fit", ErrKeyFile)
	}
	return c, nil
}

func (c container) open(passphrase []byte) ([]byte, error) {
	if (c.kdf == "none") != (c.cipher == "none") {
		return nil, fmt.Errorf("%w: kdf %q with cipher %q", ErrKeyFile, c.kdf, c.cipher)
	}
	if c.kdf == "none" {
		return c.data, nil
	}
	if c.cipher != "chacha20_poly1305" {
		return nil, fmt.Errorf("%w: unknown cipher %q", ErrKeyFile, c.cipher)
	}
	if len(c.data) < nonceSize+macSize {
		return nil, fmt.Errorf("%w: sealed secret too short", ErrKeyFile)
	}
	if len(passphrase) == 0 {
		return nil, fmt.Errorf("%w: it is protected, and none was given", ErrPassphrase)
	}
	key, err := c.derive(passphrase)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.New(key)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, c.data[:nonceSize], c.data[nonceSize:], nil)
	if err != nil {
		return nil, ErrPassphrase
	}
	return secret, nil
}

func (c container) derive(passphrase []byte) ([]byte, error) {
	if c.rounds > maxRounds {
		return nil, fmt.Errorf("%w: %d rounds are too many", ErrKeyFile, c.rounds)
	}
	switch c.kdf {
	case "scrypt": // its parameters are fixed by convention; the rounds field is 0 and without meaning
		return scrypt.Key(passphrase, c.salt, 1<<14, 8, 1, 32)
	case "pbkdf2_hmac_sha256":
		if c.rounds == 0 {
			return nil, fmt.Errorf("%w: no rounds", ErrKeyFile)
		}
		return pbkdf2.Key(sha256.New, string(passphrase), c.salt, int(c.rounds), 32)
	case "bcrypt":
		return bcryptKey(passphrase, c.salt, c.rounds)
	}
	return nil, fmt.Errorf("%w: unknown kdf %q", ErrKeyFile, c.kdf)
}
