// Package manifest says what a delivery consists of, in a form that is signed and that a program of some lines can check.
//
// Crypt4GH notices changed bytes, but not that whole segments are missing, moved or repeated, nor that a file is missing
// or was exchanged for another one. The manifest does: it holds, for each file, the size and SHA-256 of its plaintext, and
// a root over the hashes of the parts of its body. The part lists themselves are objects of their own (PartList), so that
// a reader finds a fault at the end of a part of 16 MiB rather than after the last byte (BodyCheck).
//
// Sign makes the file manifest.json, and Verify reads it; SumLine makes a SHA256SUMS for those who have neither.
// CheckName and CheckNames hold the rules for names of files.
//
// The server makes all of this and checks none of it again. Verify, DecodeParts, PartRange, CheckPart and BodyCheck are for
// whoever receives a delivery: they trust a public key and nothing that a server says.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"

	"sluice/delivery/crypt4gh"
)

// Version is the version of the format that is written and read here.
const Version = 1

// MaxSize is the size of the largest manifest that is read: room for some half a million files.
const MaxSize = 256 << 20

// ErrFormat: not a manifest of this version, or one that contradicts itself; the text says where.
var ErrFormat = errors.New("not a valid manifest")

// A Manifest lists the files of one delivery.
//
// It is encoded as JSON in one way only: UTF-8 without space between the tokens, the fields in the order below, none
// left out but an empty kind, instants in UTC as RFC 3339 with no needless digits, hashes in lower-case hex.
//
//	{"version":1,"delivery":"DR-0042-A-1","made":"2026-11-22T06:00:00Z","left_out_subjects":1,"files":[
//	 {"name":"a/b.cram","kind":"aligned reads","size":…,"sha256":"…","body_size":…,"parts":…,"root":"…","object":"…"},…]}
type Manifest struct {
	// Delivery is the number of the delivery, such as DR-0042-A-1.
	Delivery string `json:"delivery"`
	// Made is when the manifest was made, in UTC.
	Made time.Time `json:"made"`
	// LeftOut is the number of persons whose files were left out, for instance because they withdrew.
	LeftOut int64 `json:"left_out_subjects"`
	// Files are sorted by name, byte by byte. Names obey CheckNames.
	Files []File `json:"files"`
}

// A File is one file of a delivery.
type File struct {
	Name string `json:"name"`
	// Kind says what the file is, such as "aligned reads"; it may be empty.
	Kind string `json:"kind,omitempty"`
	// Size and SHA256 are those of the plaintext.
	Size   int64         `json:"size"`
	SHA256 crypt4gh.Hash `json:"sha256"`
	// BodySize follows from Size, and Parts from BodySize; they are written for readers that do not know the format.
	BodySize int64 `json:"body_size"`
	Parts    int64 `json:"parts"`
	// Root is crypt4gh.RootOf the body.
	Root crypt4gh.Hash `json:"root"`
	// Object is the key under which the body is stored.
	Object string `json:"object"`
}

// document is a manifest as it is encoded.
type document struct {
	Version int `json:"version"`
	Manifest
}

// Encode is the one encoding of a manifest. It refuses with ErrFormat what Decode would refuse.
func Encode(m Manifest) ([]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if m.Files == nil {
		m.Files = []File{}
	}
	return encodeJSON(document{Version, m})
}

// Decode reads what Encode wrote, and refuses with ErrFormat any other bytes: unknown, doubled or reordered fields too, for
// there is one way only to write a manifest.
func Decode(b []byte) (Manifest, error) {
	if len(b) > MaxSize {
		return Manifest{}, fmt.Errorf("%w: larger than %d bytes", ErrFormat, MaxSize)
	}
	var doc document
	if err := json.Unmarshal(b, &doc); err != nil {
		return Manifest{}, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	if doc.Version != Version {
		return Manifest{}, fmt.Errorf("%w: version %d", ErrFormat, doc.Version)
	}
	if len(doc.Files) == 0 {
		doc.Files = nil
	}
	again, err := Encode(doc.Manifest)
	if err != nil {
		return Manifest{}, err
	}
	if !bytes.Equal(again, b) {
		return Manifest{}, fmt.Errorf("%w: not written in the one way there is", ErrFormat)
	}
	return doc.Manifest, nil
}

func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("%w: %v", ErrFormat, err)
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func (m Manifest) check() error {
	switch {
	case !plain(m.Delivery) || m.Delivery == "":
		return fmt.Errorf("%w: the delivery %q is no number of one", ErrFormat, m.Delivery)
	case m.Made.Location() != time.UTC || m.Made != m.Made.Round(0):
		return fmt.Errorf("%w: the instant it was made is not in UTC", ErrFormat)
	case m.LeftOut < 0:
		return fmt.Errorf("%w: %d subjects left out", ErrFormat, m.LeftOut)
	}
	names := make([]string, len(m.Files))
	objects := make(map[string]bool, len(m.Files))
	for i, f := range m.Files {
		names[i] = f.Name
		if i > 0 && names[i-1] >= f.Name {
			return fmt.Errorf("%w: %q does not come after %q", ErrFormat, f.Name, names[i-1])
		}
		if err := f.check(); err != nil {
			return fmt.Errorf("%w: file %q: %v", ErrFormat, f.Name, err)
		}
		if objects[f.Object] {
			return fmt.Errorf("%w: file %q: the object %q is that of another file", ErrFormat, f.Name, f.Object)
		}
		objects[f.Object] = true
	}
	if err := CheckNames(names); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return nil
}

func (f File) check() error {
	body, err := crypt4gh.BodySize(f.Size)
	switch {
	case err != nil:
		return err
	case f.BodySize != body:
		return fmt.Errorf("a plaintext of %d bytes has a body of %d, not %d", f.Size, body, f.BodySize)
	case f.Parts != crypt4gh.PartCount(body):
		return fmt.Errorf("a body of %d bytes has %d parts, not %d", body, crypt4gh.PartCount(body), f.Parts)
	case !plain(f.Object) || f.Object == "":
		return fmt.Errorf("%q is no key of an object", f.Object)
	case !plain(f.Kind):
		return fmt.Errorf("%q is no kind of file", f.Kind)
	}
	return nil
}

// plain tells a short text that can be shown in a line.
func plain(text string) bool {
	unseen := func(r rune) bool { return hidden(r) || unicode.Is(unicode.Cs, r) }
	return len(text) <= 200 && !strings.ContainsFunc(text, unseen)
}
