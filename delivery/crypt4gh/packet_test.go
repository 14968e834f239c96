package crypt4gh

import (
	"bytes"
	"errors"
	"testing"
)

// Packets that a writer sealed properly for the reader, with contents as they may be, or should not be.
func TestWhatIsSealedForUsIsObeyedOrRefused(t *testing.T) {
	reader, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	const (
		key   = "\x00\x00\x00\x00\x00\x00\x00\x00kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk"
		edits = "\x01\x00\x00\x00\x02\x00\x00\x00\x05\x00\x00\x00\x00\x00\x00\x00\x06\x00\x00\x00\x00\x00\x00\x00"
	)
	for name, c := range map[string]struct {
		payloads []string
		want     error
		edits    int
	}{
		"a key":                      {[]string{key}, nil, 0},
		"a key and padding":          {[]string{key + "\x00\x00\x00"}, nil, 0},
		"a key and an edit list":     {[]string{key, edits}, nil, 2},
		"an edit list and padding":   {[]string{edits + "\x00", key}, nil, 2},
		"an edit list alone":         {[]string{edits}, ErrNoKey, 0},
		"two edit lists":             {[]string{key, edits, edits}, ErrFormat, 0},
		"a key cut short":            {[]string{key[:39]}, ErrFormat, 0},
		"an unknown data method":     {[]string{key, "\x00\x00\x00\x00\x01\x00\x00\x00" + key[8:]}, ErrFormat, 0},
		"an unknown type":            {[]string{key, "\x02\x00\x00\x00expires"}, ErrFormat, 0},
		"an edit list without count": {[]string{key, "\x01\x00\x00\x00\x01\x00"}, ErrFormat, 0},
		"more lengths than bytes":    {[]string{key, "\x01\x00\x00\x00\xff\xff\xff\xff\x00\x00\x00\x00"}, ErrFormat, 0},
	} {
		h := new(Header)
		for _, payload := range c.payloads {
			writer, err := GenerateKey()
			if err != nil {
				t.Fatal(err)
			}
			p, err := sealPacket(writer, newNonce(), reader.Public(), []byte(payload))
			if err != nil {
				t.Fatal(err)
			}
			h.Packets = append(h.Packets, p)
		}
		parsed, err := ParseHeader(bytes.NewReader(h.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := parsed.Open(reader); !errors.Is(err, c.want) || len(got.Edits) != c.edits {
			t.Errorf("%s: got edits %v, %v; want %d lengths, %v", name, got.Edits, err, c.edits, c.want)
		}
	}
}

func TestAHashIsReadAsWritten(t *testing.T) {
	want := Hash{1, 0xab}
	text, err := want.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var got Hash
	if err := got.UnmarshalText(text); err != nil || got != want {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
	for _, bad := range []string{"", "ab", string(text) + "00", "zz" + string(text[2:])} {
		if err := got.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was taken for a hash", bad)
		}
	}
}
