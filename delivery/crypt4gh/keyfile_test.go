package crypt4gh_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"testing"

	"sluice/delivery/crypt4gh"
)

func fields(all ...string) []byte {
	b := []byte("c4gh-v1")
	for _, f := range all {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(f))), f...)
	}
	return b
}

func armour(label string, b []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: b})
}

func TestAProtectedKeyAsksForItsPassphrase(t *testing.T) {
	file := load(t, "testdata", "bram.sec")
	for _, wrong := range []string{"", "correct horse", passphrase + " "} {
		if _, err := crypt4gh.ParsePrivateKey(file, []byte(wrong)); !errors.Is(err, crypt4gh.ErrPassphrase) {
			t.Errorf("with %q: got %v, want ErrPassphrase", wrong, err)
		}
	}
}

func TestABadKeyFileIsRefusedWithTheReason(t *testing.T) {
	const private = "CRYPT4GH PRIVATE KEY"
	secret := strings.Repeat("s", 32)
	sealed := strings.Repeat("x", 60)
	huge := "\xff\xff\xff\xff" + "salt"
	for name, file := range map[string][]byte{
		"empty":                      nil,
		"no frame":                   []byte("hello"),
		"too large":                  bytes.Repeat([]byte("a"), 1<<20),
		"another kind":               armour("OPENSSH PRIVATE KEY", fields("none", "none", secret)),
		"a public key":               load(t, "testdata", "ada.pub"),
		"another magic":              armour(private, []byte("c4gh-v2\x00\x04none")),
		"nothing after the magic":    armour(private, []byte("c4gh-v1")),
		"a length beyond the end":    armour(private, []byte("c4gh-v1\xff\xffnone")),
		"fields missing":             armour(private, fields("none", "none")),
		"fields too many":            armour(private, fields("none", "none", secret, "comment", "more")),
		"a short secret":             armour(private, fields("none", "none", "short")),
		"no kdf but a cipher":        armour(private, fields("none", "chacha20_poly1305", secret)),
		"a kdf but no cipher":        armour(private, fields("scrypt", "\x00\x00\x00\x00salt", "none", secret)),
		"no options":                 armour(private, fields("scrypt", "", "chacha20_poly1305", sealed)),
		"an unknown cipher":          armour(private, fields("scrypt", "\x00\x00\x00\x00salt", "aes", sealed)),
		"an unknown kdf":             armour(private, fields("argon2", "\x00\x00\x00\x01salt", "chacha20_poly1305", sealed)),
		"pbkdf2 without rounds":      armour(private, fields("pbkdf2_hmac_sha256", "\x00\x00\x00\x00salt", "chacha20_poly1305", sealed)),
		"pbkdf2 with endless rounds": armour(private, fields("pbkdf2_hmac_sha256", huge, "chacha20_poly1305", sealed)),
		"bcrypt with endless rounds": armour(private, fields("bcrypt", huge, "chacha20_poly1305", sealed)),
		"a sealed secret too short":  armour(private, fields("scrypt", "\x00\x00\x00\x00salt", "chacha20_poly1305", "x")),
	} {
		if _, err := crypt4gh.ParsePrivateKey(file, []byte("p")); !errors.Is(err, crypt4gh.ErrKeyFile) {
			t.Errorf("%s: got %v, want ErrKeyFile", name, err)
		}
	}
}

func TestAPrivateKeyHandedInAsAPublicOneIsRefused(t *testing.T) {
	_, err := crypt4gh.ParsePublicKey(load(t, "testdata", "ada.sec"))
	if !errors.Is(err, crypt4gh.ErrKeyFile) || !strings.Contains(err.Error(), "private key") {
		t.Errorf("got %v, want ErrKeyFile that says what it is", err)
	}
}

// The points of low order on the curve and its twist, as RFC 7748 has them read: also in encodings above the field's prime.
func TestAPublicKeyOfLowOrderIsRefused(t *testing.T) {
	for _, text := range []string{
		strings.Repeat("00", 32),
		"01" + strings.Repeat("00", 31),
		"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
		"5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
		"ec" + strings.Repeat("ff", 30) + "7f",
		"ed" + strings.Repeat("ff", 30) + "7f",
		"ee" + strings.Repeat("ff", 30) + "7f",
	} {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := crypt4gh.NewPublicKey(raw); !errors.Is(err, crypt4gh.ErrWeakKey) {
			t.Errorf("%s: got %v, want ErrWeakKey", text, err)
		}
		c := crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}}
		if _, err := crypt4gh.BuildHeader(c, crypt4gh.PublicKey(raw)); !errors.Is(err, crypt4gh.ErrWeakKey) {
			t.Errorf("a header for %s: got %v, want ErrWeakKey", text, err)
		}
	}
	if _, err := crypt4gh.NewPublicKey(make([]byte, 31)); !errors.Is(err, crypt4gh.ErrWeakKey) {
		t.Errorf("31 bytes: got %v, want ErrWeakKey", err)
	}
}

func TestAPublicKeyFileIsReadAsWritten(t *testing.T) {
	key := publicKey(t, "testdata", "ada")
	again, err := crypt4gh.ParsePublicKey(crypt4gh.EncodePublicKey(key))
	if err != nil || again != key {
		t.Errorf("got %v, %v; want %v", again, err, key)
	}
}

func TestNoVerbPrintsASecret(t *testing.T) {
	data := crypt4gh.DataKey([]byte("0123456789abcdefghijklmnopqrstuv"))
	private, err := crypt4gh.NewPrivateKey(data[:])
	if err != nil {
		t.Fatal(err)
	}
	body, err := crypt4gh.OpenBody(nil, 0, data)
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := crypt4gh.NewSealer(nil, data)
	if err != nil {
		t.Fatal(err)
	}
	holders := []any{data, &data, []crypt4gh.DataKey{data}, crypt4gh.Contents{Keys: []crypt4gh.DataKey{data}}, private, *private, body, sealer}
	for _, holder := range holders {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q", "%o", "%c"} {
			text := fmt.Sprintf(verb, holder)
			for _, leak := range []string{"012345", "30313233", "48 49 50", "0x30, 0x31", "60 61 62 63"} {
				if strings.Contains(text, leak) {
					t.Errorf("%T with %s prints the key: %s", holder, verb, text)
				}
			}
		}
	}
	for _, holder := range []any{data, private, crypt4gh.Contents{Keys: []crypt4gh.DataKey{data}}} {
		if text, err := json.Marshal(holder); err == nil {
			t.Errorf("%T encodes as %s, want an error", holder, text)
		}
	}
}
