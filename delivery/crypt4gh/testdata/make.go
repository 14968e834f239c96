//go:build ignore

// Makes the files beside it anew: go run testdata/make.go, in the folder of the package. They are kept so that a change that
// no longer reads what was written before is noticed.
package main

import (
	"bytes"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"

	"golang.org/x/crypto/chacha20poly1305"

	"sluice/delivery/crypt4gh"
)

type vector struct {
	File    string   `json:"file"`
	Readers []string `json:"readers"`
	Size    int      `json:"plain_size"`
	Hash    string   `json:"plain_sha256"`
	Expect  string   `json:"expect"`
	Note    string   `json:"note"`
}

func main() {
	ada, bram := writeKey("ada", nil), writeKey("bram", []byte("correct horse battery"))
	text := make([]byte, crypt4gh.SegmentPlain+321)
	rand.NewChaCha8([32]byte{4}).Read(text)
	cut := append(append([]byte(nil), text[7:70]...), text[65530:65600]...)

	derived, err := crypt4gh.DeriveHeader(crypt4gh.DataKey{1, 2, 3}, ada, "a grant")
	check(err)
	write("derived.header", derived)

	list := []vector{
		file("empty.c4gh", []string{"ada"}, nil, nil, nil, "no segment", ada),
		file("two-segments.c4gh", []string{"ada", "bram"}, text, text, nil, "two readers", ada, bram),
		file("edited.c4gh", []string{"bram"}, text, cut, crypt4gh.EditList{7, 63, 65460, 70}, "edit list", bram),
	}
	b, err := json.MarshalIndent(map[string]any{"vectors": list}, "", " ")
	check(err)
	write("vectors.json", b)
}

func file(name string, readers []string, text, kept []byte, edits crypt4gh.EditList, note string, to ...crypt4gh.PublicKey) vector {
	c := crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}, Edits: edits}
	header, err := crypt4gh.BuildHeader(c, to...)
	check(err)
	out := bytes.NewBuffer(header)
	_, err = crypt4gh.Seal(out, bytes.NewReader(text), c.Keys[0])
	check(err)
	write(name, out.Bytes())
	return vector{name, readers, len(kept), crypt4gh.Hash(sha256.Sum256(kept)).String(), "ok", note}
}

func writeKey(name string, passphrase []byte) crypt4gh.PublicKey {
	secret := crypt4gh.NewDataKey() // 32 random bytes
	key, err := crypt4gh.NewPrivateKey(secret[:])
	check(err)
	box := []byte("c4gh-v1")
	field := func(b []byte) { box = append(binary.BigEndian.AppendUint16(box, uint16(len(b))), b...) }
	if passphrase == nil {
		field([]byte("none"))
		field([]byte("none"))
		field(secret[:])
	} else {
		salt := []byte("0123456789abcdef")
		derived, err := pbkdf2.Key(sha256.New, string(passphrase), salt, 100_000, 32)
		check(err)
		aead, err := chacha20poly1305.New(derived)
		check(err)
		nonce := make([]byte, 12)
		field([]byte("pbkdf2_hmac_sha256"))
		field(append(binary.BigEndian.AppendUint32(nil, 100_000), salt...))
		field([]byte("chacha20_poly1305"))
		field(aead.Seal(nonce, nonce, secret[:], nil))
	}
	field([]byte(name))
	write(name+".sec", pem.EncodeToMemory(&pem.Block{Type: "CRYPT4GH PRIVATE KEY", Bytes: box}))
	write(name+".pub", crypt4gh.EncodePublicKey(key.Public()))
	return key.Public()
}

func write(name string, b []byte) { check(os.WriteFile(filepath.Join("testdata", name), b, 0o644)) }

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
