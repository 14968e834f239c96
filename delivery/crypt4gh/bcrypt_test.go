package crypt4gh

import (
	"encoding/hex"
	"errors"
	"testing"
)

// The wanted key was computed with the implementation inside golang.org/x/crypto/ssh.
func TestBcryptGivesTheKeyThatOpenSSHWouldDerive(t *testing.T) {
	const want = "ada41053d7cce6a7c5a859b7a3f2bd79ab55a10340ef0e3b2160be62490be8ab"
	key, err := bcryptKey([]byte("correct horse battery"), []byte("0123456789abcdef"), 3)
	if got := hex.EncodeToString(key); err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestBcryptRefusesRoundsThatWouldTakeForever(t *testing.T) {
	for _, rounds := range []uint32{0, maxBcryptRounds + 1, 1 << 31} {
		if _, err := bcryptKey([]byte("x"), []byte("salt"), rounds); !errors.Is(err, ErrKeyFile) {
			t.Errorf("%d rounds: got %v, want ErrKeyFile", rounds, err)
		}
	}
}
