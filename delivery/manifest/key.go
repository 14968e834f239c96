package manifest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
)

// PEM writes a public key as other tools read it.
func PEM(public ed25519.PublicKey) (string, error) {
	der, err := der(public)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), err
}

// Fingerprint is what people compare of a public key: the SHA-256, in hex, of its DER encoding.
//
//	openssl pkey -pubin -in key.pem -outform DER | openssl dgst -sha256
func Fingerprint(public ed25519.PublicKey) (string, error) {
	der, err := der(public)
	sum := sha256.Sum256(der)
	return hex.EncodeToString(sum[:]), err
}

func der(public ed25519.PublicKey) ([]byte, error) {
	if len(public) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("a public key of %d bytes", len(public))
	}
	return x509.MarshalPKIXPublicKey(public)
}
