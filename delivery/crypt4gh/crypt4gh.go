// Package crypt4gh reads and writes files in the GA4GH Crypt4GH format, version 1 (crypt4gh.tex of samtools/hts-specs).
//
// A file is a header and a body. The header holds the data key, sealed for each reader; the body holds the data, sealed
// under the data key in segments. The two travel apart as well as together: a store may keep bodies for years while
// headers are made when somebody may read.
//
//	whole file      NewReader(file, privateKey) and io.Copy from it
//	body, sealing   NewSealer(plain, key) is a reader of the body; Sum afterwards
//	body, opening   OpenBody(object, size, key): ReadAt, or Range for one stream of plaintext out of one stream of body
//	header          ParseHeader, Header.Open; BuildHeader, DeriveHeader
//	keys            ParsePublicKey, ParsePrivateKey
//
// What the format does not notice: whole segments that were removed, repeated or moved, and who wrote the file. A body
// made here numbers its nonces, so a reader that knows the first one (Body.InOrder) notices moved and foreign segments at
// no cost; that nothing is missing at the end must be checked against a size and a Root kept elsewhere.
//
// Every reader needs bounded memory whatever its input: at most MaxHeaderSize for a header and some megabytes for a body.
package crypt4gh

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes of a body. All integers in a file are little-endian (section 3.1.2 of the specification).
const (
	// SegmentPlain is the plaintext of a full segment.
	SegmentPlain = 65536
	// SegmentOverhead is what sealing adds to a segment: the nonce before it and the MAC behind it.
	SegmentOverhead = nonceSize + macSize
	// SegmentSize is a full segment as stored.
	SegmentSize = SegmentPlain + SegmentOverhead
	// MaxPlainSize is the largest plaintext that the size functions take: a pebibyte, far from overflowing an int64.
	MaxPlainSize int64 = 1 << 50

	nonceSize = 12
	macSize   = 16
)

// Errors that a caller may ask for with errors.Is.
var (
	// ErrFormat: these bytes are not Crypt4GH version 1, or break its rules or our bounds.
	ErrFormat = errors.New("not a readable Crypt4GH file")
	// ErrNoKey: the header is sound, but no packet with a data key opens for the keys at hand.
	ErrNoKey = errors.New("the file is not encrypted for this key")
	// ErrSegment: a segment was changed, or was sealed under another data key.
	ErrSegment = errors.New("a segment does not open: damaged, or sealed under another key")
	// ErrOrder: a segment opens but does not stand where it was sealed.
	ErrOrder = errors.New("a segment is not in its place")
	// ErrTruncated: the body ends inside a segment, or before the size it should have.
	ErrTruncated = errors.New("the body is cut short")
	// ErrRange: a range reaches outside the plaintext.
	ErrRange = errors.New("range outside the plaintext")
)

// A DataKey seals the segments of one body. Use a fresh one for each file.
type DataKey [32]byte

// NewDataKey makes a key from the system's random source.
func NewDataKey() DataKey {
	var k DataKey
	rand.Read(k[:]) // never fails: the runtime ends the program first
	return k
}

// Format keeps the key out of logs and error texts whatever verb prints it.
func (DataKey) Format(s fmt.State, _ rune) { fmt.Fprint(s, "DataKey(secret)") }

// MarshalText refuses, so that no encoder writes a key down by accident.
func (DataKey) MarshalText() ([]byte, error) { return nil, errors.New("a data key is never encoded") }

// A Nonce stands before each segment. It is public.
type Nonce [nonceSize]byte

// At is the nonce of segment i of a body that begins with n: the last eight bytes, little-endian, plus i.
//
// The specification (section 5.3) recommends counting from a random start: no two segments of a body can share a nonce,
// however long it is. The start is random rather than worked out from the key, so that sealing changed contents under
// the same key by mistake still does not repeat one.
func (n Nonce) At(i int64) Nonce {
	binary.LittleEndian.PutUint64(n[4:], binary.LittleEndian.Uint64(n[4:])+uint64(i))
	return n
}

func newNonce() Nonce {
	var n Nonce
	rand.Read(n[:])
	return n
}

// BodySize is the size of the body that seals plain bytes: 28 bytes more for each segment begun.
func BodySize(plain int64) (int64, error) {
	if plain < 0 || plain > MaxPlainSize {
		return 0, fmt.Errorf("%w: a plaintext of %d bytes", ErrFormat, plain)
	}
	return plain + segments(plain)*SegmentOverhead, nil
}

// PlainSize is the size of the plaintext in a body of that size. A body can have no size at which its last segment would
// be empty or incomplete.
func PlainSize(body int64) (int64, error) {
	full, tail := body/SegmentSize, body%SegmentSize
	if body < 0 || full > MaxPlainSize/SegmentPlain {
		return 0, fmt.Errorf("%w: a body of %d bytes", ErrFormat, body)
	}
	if tail == 0 {
		return full * SegmentPlain, nil
	}
	if tail <= SegmentOverhead {
		return 0, fmt.Errorf("%w: %d bytes are no segment", ErrTruncated, tail)
	}
	return full*SegmentPlain + tail - SegmentOverhead, nil
}

// BodyRange tells which bytes of the body hold plaintext [off, off+n) of plain bytes: whole segments. An empty range needs
// none.
func BodyRange(plain, off, n int64) (bodyOff, bodyLen int64, err error) {
	size, err := BodySize(plain)
	if err != nil {
		return 0, 0, err
	}
	if off < 0 || n < 0 || off > plain || n > plain-off {
		return 0, 0, fmt.Errorf("%w: %d bytes from %d of %d", ErrRange, n, off, plain)
	}
	if n == 0 {
		return 0, 0, nil
	}
	bodyOff = off / SegmentPlain * SegmentSize
	end := min(segments(off+n)*SegmentSize, size)
	return bodyOff, end - bodyOff, nil
}

func segments(plain int64) int64 { return (plain + SegmentPlain - 1) / SegmentPlain }
