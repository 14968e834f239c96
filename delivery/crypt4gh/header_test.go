package crypt4gh_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"testing"

	"sluice/delivery/crypt4gh"
)

func newKey(t testing.TB) *crypt4gh.PrivateKey {
	key, err := crypt4gh.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func buildHeader(t testing.TB, c crypt4gh.Contents, readers ...crypt4gh.PublicKey) []byte {
	b, err := crypt4gh.BuildHeader(c, readers...)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func openHeader(b []byte, keys ...*crypt4gh.PrivateKey) (crypt4gh.Contents, error) {
	h, err := crypt4gh.ParseHeader(bytes.NewReader(b))
	if err != nil {
		return crypt4gh.Contents{}, err
	}
	return h.Open(keys...)
}

func TestAHeaderGivesEachReaderWhatWasPutIn(t *testing.T) {
	ada, bram, carl := newKey(t), newKey(t), newKey(t)
	c := crypt4gh.Contents{
		Keys:  []crypt4gh.DataKey{crypt4gh.NewDataKey(), crypt4gh.NewDataKey()},
		Edits: crypt4gh.EditList{1, 2, 3},
	}
	header := buildHeader(t, c, ada.Public(), bram.Public())
	if want := 16 + 2*(2*108+76+3*8); len(header) != want {
		t.Errorf("the header has %d bytes, want %d", len(header), want)
	}
	for _, key := range []*crypt4gh.PrivateKey{ada, bram} {
		got, err := openHeader(header, carl, key)
		if err != nil || !slices.Equal(got.Keys, c.Keys) || !slices.Equal(got.Edits, c.Edits) {
			t.Errorf("got %d keys, edits %v, %v; want what was put in", len(got.Keys), got.Edits, err)
		}
	}
	if _, err := openHeader(header, carl); !errors.Is(err, crypt4gh.ErrNoKey) {
		t.Errorf("a stranger: got %v, want ErrNoKey", err)
	}
}

func TestAHeaderIsNeverTheSameTwiceUnlessDerived(t *testing.T) {
	reader, other := newKey(t).Public(), newKey(t).Public()
	key := crypt4gh.NewDataKey()
	c := crypt4gh.Contents{Keys: []crypt4gh.DataKey{key}}
	if bytes.Equal(buildHeader(t, c, reader), buildHeader(t, c, reader)) {
		t.Error("two headers built for the same reader are equal")
	}
	derive := func(key crypt4gh.DataKey, reader crypt4gh.PublicKey, grant string) string {
		b, err := crypt4gh.DeriveHeader(key, reader, grant)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	first := derive(key, reader, "grant")
	if derive(key, reader, "grant") != first {
		t.Error("two headers derived from the same arguments differ")
	}
	for name, b := range map[string]string{
		"another key":    derive(crypt4gh.NewDataKey(), reader, "grant"),
		"another reader": derive(key, other, "grant"),
		"another grant":  derive(key, reader, "grant2"),
	} {
		if b[24:68] == first[24:68] {
			t.Errorf("%s: the writer's key and nonce are the same", name)
		}
	}
}

func TestADerivedHeaderOpensForItsReader(t *testing.T) {
	reader, key := newKey(t), crypt4gh.NewDataKey()
	b, err := crypt4gh.DeriveHeader(key, reader.Public(), "grant")
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 124 {
		t.Errorf("the header has %d bytes, want 124", len(b))
	}
	if got, err := openHeader(b, reader); err != nil || len(got.Keys) != 1 || got.Keys[0] != key {
		t.Errorf("got %d keys, %v; want the data key", len(got.Keys), err)
	}
}

// The bytes must be the same on every machine and in every later version, or downloads could not be resumed.
func TestTheDerivedHeaderOfFixedArgumentsNeverChanges(t *testing.T) {
	b, err := crypt4gh.DeriveHeader(crypt4gh.DataKey{1, 2, 3}, publicKey(t, "testdata", "ada"), "a grant")
	if err != nil {
		t.Fatal(err)
	}
	if want := load(t, "testdata", "derived.header"); !bytes.Equal(b, want) {
		t.Errorf("got %x, want %x", b, want)
	}
}

func TestAHeaderOutsideItsBoundsIsRefused(t *testing.T) {
	reader := newKey(t)
	good := buildHeader(t, crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}}, reader.Public())
	changed := func(at int, value uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], value)
		return b
	}
	wide := changed(16, crypt4gh.MaxHeaderSize)
	wide = append(wide, make([]byte, crypt4gh.MaxHeaderSize)...)
	for name, b := range map[string][]byte{
		"empty":                          nil,
		"cut in the fixed part":          good[:15],
		"cut in a packet's length":       good[:18],
		"cut in a packet":                good[:len(good)-1],
		"more packets than bytes":        changed(12, 2),
		"too many packets":               changed(12, crypt4gh.MaxPackets+1),
		"version 0":                      changed(8, 0),
		"version 2":                      changed(8, 2),
		"a length below the fixed part":  changed(16, 7),
		"a length below the method's":    changed(16, 71),
		"a length above the bound":       wide,
		"a length that wraps around":     changed(16, 1<<32-1),
		"a length that would be signed":  changed(16, 1<<31),
		"a magic of another format":      append([]byte("age-encr"), good[8:]...),
		"an unknown method and length 0": changed(16, 0),
	} {
		if _, err := openHeader(b, reader); !errors.Is(err, crypt4gh.ErrFormat) {
			t.Errorf("%s: got %v, want ErrFormat", name, err)
		}
	}
}

func TestAPacketOfAnUnknownMethodIsPassedOver(t *testing.T) {
	reader, key := newKey(t), crypt4gh.NewDataKey()
	h, err := crypt4gh.ParseHeader(bytes.NewReader(buildHeader(t, crypt4gh.Contents{Keys: []crypt4gh.DataKey{key}}, reader.Public())))
	if err != nil {
		t.Fatal(err)
	}
	h.Packets = append([]crypt4gh.Packet{{Method: 9, Data: []byte("?")}}, h.Packets...)
	if got, err := openHeader(h.Bytes(), reader); err != nil || len(got.Keys) != 1 || got.Keys[0] != key {
		t.Errorf("got %d keys, %v; want the data key", len(got.Keys), err)
	}
}

func TestParsingAHeaderLeavesTheBody(t *testing.T) {
	header := buildHeader(t, crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}}, newKey(t).Public())
	r := bytes.NewReader(append(header, "body"...))
	if _, err := crypt4gh.ParseHeader(r); err != nil {
		t.Fatal(err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "body" {
		t.Errorf("left %q, want %q", rest, "body")
	}
}

func TestAHeaderNobodyCouldReadIsNotBuilt(t *testing.T) {
	one := crypt4gh.Contents{Keys: []crypt4gh.DataKey{crypt4gh.NewDataKey()}}
	if _, err := crypt4gh.BuildHeader(one); err == nil {
		t.Error("built without a reader")
	}
	if _, err := crypt4gh.BuildHeader(crypt4gh.Contents{}, newKey(t).Public()); err == nil {
		t.Error("built without a data key")
	}
	if _, err := crypt4gh.BuildHeader(one, slices.Repeat([]crypt4gh.PublicKey{newKey(t).Public()}, crypt4gh.MaxPackets+1)...); !errors.Is(err, crypt4gh.ErrFormat) {
		t.Errorf("more packets than a reader takes: got %v, want ErrFormat", err)
	}
}

func FuzzHeader(f *testing.F) {
	reader, err := crypt4gh.ParsePrivateKey(load(f, "testdata", "ada.sec"), nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, dir := range vectorFolders(f) {
		for _, v := range loadVectors(f, dir) {
			b := load(f, dir, v.File)
			f.Add(b[:min(len(b), 1000)])
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		h, err := crypt4gh.ParseHeader(r)
		if err != nil {
			return
		}
		if taken := b[:len(b)-r.Len()]; !bytes.Equal(h.Bytes(), taken) {
			t.Fatalf("parsed from %x, built again %x", taken, h.Bytes())
		}
		if c, err := h.Open(reader); err == nil && len(c.Keys) == 0 {
			t.Fatal("opened without a data key")
		}
	})
}

func FuzzPrivateKey(f *testing.F) {
	for _, dir := range vectorFolders(f) {
		f.Add(load(f, dir, "ada.sec"))
	}
	f.Add(load(f, "testdata", "ada.pub"))
	f.Add(load(f, "testdata", "bram.sec"))
	f.Fuzz(func(t *testing.T, b []byte) {
		key, err := crypt4gh.ParsePrivateKey(b, nil) // without a passphrase nothing slow is reached
		if (key == nil) == (err == nil) {
			t.Fatalf("got %v and %v", key, err)
		}
	})
}
