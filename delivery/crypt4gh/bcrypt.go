package crypt4gh

import (
	"crypto/sha512"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/blowfish"
)

// maxBcryptRounds is about a minute's work; files are written with 100.
const maxBcryptRounds = 10_000

// bcryptKey is the bcrypt_pbkdf function of OpenBSD for a key of 32 bytes, one of its output blocks: the exclusive or of
// as many bcrypt hashes as there are rounds, each salted with the one before it.
func bcryptKey(passphrase, salt []byte, rounds uint32) ([]byte, error) {
	if rounds == 0 || rounds > maxBcryptRounds || len(salt) == 0 {
		return nil, fmt.Errorf("%w: bcrypt with %d rounds and %d bytes of salt", ErrKeyFile, rounds, len(salt))
	}
	pass := sha512.Sum512(passphrase)
	block := append(append([]byte(nil), salt...), 0, 0, 0, 1) // number of the block, big-endian
	var key [32]byte
	for range rounds {
		salted := sha512.Sum512(block)
		hash, err := bcryptHash(pass[:], salted[:])
		if err != nil {
			return nil, err
		}
		for i := range key {
			key[i] ^= hash[i]
		}
		block = hash
	}
	return key[:], nil
}

// bcryptHash encrypts a fixed text 64 times with Blowfish, keyed the expensive way. The words of the text are big-endian,
// those of the result little-endian.
func bcryptHash(pass, salt []byte) ([]byte, error) {
	c, err := blowfish.NewSaltedCipher(pass, salt)
	if err != nil {
		return nil, err
	}
	for range 64 {
		blowfish.ExpandKey(salt, c)
		blowfish.ExpandKey(pass, c)
	}
	text := []byte("OxychromaticBlowfishSwatDynamite")
	for i := 0; i < len(text); i += blowfish.BlockSize {
		for range 64 {
			c.Encrypt(text[i:], text[i:])
		}
	}
	for i := 0; i < len(text); i += 4 {
		binary.LittleEndian.PutUint32(text[i:], binary.BigEndian.Uint32(text[i:]))
	}
	return text, nil
}
