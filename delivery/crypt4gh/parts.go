package crypt4gh

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
)

const (
	// PartSegments is the number of segments in a part, the unit in which a body is checked and fetched again.
	PartSegments = 256
	// PartSize is a full part of a body: 16 MiB of plaintext. The last part may be shorter.
	PartSize = PartSegments * SegmentSize
)

// A Hash is a SHA-256, written in lower-case hex.
type Hash [sha256.Size]byte

// String is the hash in hex.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText writes the hash in hex.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText takes 64 hex digits.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return fmt.Errorf("a SHA-256 has 64 hex digits, not %d characters", len(text))
	}
	if _, err := hex.Decode(h[:], text); err != nil {
		return fmt.Errorf("not a SHA-256: %v", err)
	}
	return nil
}

// PartCount is the number of parts of a body of that size.
func PartCount(body int64) int64 { return (body + PartSize - 1) / PartSize }

// RootOf is the one hash that stands for a whole body: it fixes the size, and every part with its place.
//
//	SHA-256( "crypt4gh body root v1" 0x00 | body size u64 little-endian | SHA-256 of each part, in order )
//
// The tree has always these two levels, so a part can never be taken for a root; the text before it keeps a root from
// being the hash of anything else. A plain SHA-256 of the body would say as much, but only after the last byte.
func RootOf(body int64, parts []Hash) Hash {
	h := sha256.New()
	h.Write([]byte("crypt4gh body root v1\x00"))
	h.Write(binary.LittleEndian.AppendUint64(nil, uint64(body)))
	for _, p := range parts {
		h.Write(p[:])
	}
	return Hash(h.Sum(nil))
}

// A partHasher hashes a body that passes in whole segments.
type partHasher struct {
	now   hash.Hash
	in    int64 // bytes of the present part
	parts []Hash
}

func (p *partHasher) write(b []byte) {
	for len(b) > 0 {
		n := min(int64(len(b)), PartSize-p.in)
		p.now.Write(b[:n])
		b = b[n:]
		if p.in += n; p.in == PartSize {
			p.end()
		}
	}
}

func (p *partHasher) end() {
	if p.in == 0 {
		return
	}
	p.parts = append(p.parts, Hash{})
	p.now.Sum(p.parts[len(p.parts)-1][:0])
	p.now.Reset()
	p.in = 0
}
