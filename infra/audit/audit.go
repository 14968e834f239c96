// Package audit is the hash chain: each entry of the log is hashed together with the one before it, so that an entry
// which was changed, removed, inserted or moved is found by whoever walks the chain. It knows no database; package db
// appends entries inside the transaction they describe, and Verify checks them wherever they were read from.
//
// What a chain cannot do: somebody who may rewrite the whole database can also recompute the whole chain.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"
)

// A Hash is the SHA-256 that links an entry to all entries before it. The zero Hash stands before the first entry.
type Hash [sha256.Size]byte

// String is the lower-case hexadecimal form, as it is stored.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads the form that String writes.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) {
		return Hash{}, fmt.Errorf("%q is not a hash of the log", s)
	}
	copy(h[:], b)
	return h, nil
}

// Link computes the hash of an entry from the stored bytes, never from a re-encoding of them:
//
//	SHA-256( "sluice-audit-1\n"            15 bytes
//	       | hash of the previous entry    32 bytes
//	       | sequence number               8 bytes, big-endian, from 1
//	       | microseconds since 1970, UTC  8 bytes, big-endian
//	       | length of the body            8 bytes, big-endian
//	       | body                          JSON, as stored )
//
// The length stands before the body so that no two different entries have the same bytes.
func Link(prev Hash, seq int64, at time.Time, body []byte) Hash {
	h := sha256.New()
	h.Write([]byte("sluice-audit-1\n"))
	h.Write(prev[:])
	var n [24]byte
	binary.BigEndian.PutUint64(n[0:], uint64(seq))
	binary.BigEndian.PutUint64(n[8:], uint64(at.UnixMicro()))
	binary.BigEndian.PutUint64(n[16:], uint64(len(body)))
	h.Write(n[:])
	h.Write(body)
	var sum Hash
	h.Sum(sum[:0])
	return sum
}

// An Entry is one line of the log, as stored.
type Entry struct {
	Seq  int64 // from 1, without gaps
	At   time.Time
	Hash Hash
	Body []byte // the JSON of a Body
}

// A Body says who did what to what. It holds ids only: personal data stands in the tables, so that a person can be
// erased without breaking the chain.
type Body struct {
	Version int             `json:"v"`    // of this envelope: 1
	Kind    string          `json:"kind"` // "agreement.signed"; a change of meaning gets a new kind
	By      string          `json:"by"`   // "person:…", "worker", "cli:user@host"
	Subject string          `json:"on"`   // "agreement:…"
	Data    json.RawMessage `json:"data"`
}

// Decode reads the body of an entry.
func (e Entry) Decode() (Body, error) {
	var b Body
	if err := json.Unmarshal(e.Body, &b); err != nil {
		return Body{}, fmt.Errorf("entry %d of the log: %w", e.Seq, err)
	}
	if b.Version != 1 || b.Kind == "" || b.By == "" || b.Subject == "" {
		return Body{}, fmt.Errorf("entry %d of the log has no kind, actor or subject that this version knows", e.Seq)
	}
	return b, nil
}

// ErrBroken is wrapped by every fault that Verify finds in a chain.
var ErrBroken = errors.New("the log has been changed")

// A Head is where a chain ends: the number and hash of its last entry.
type Head struct {
	Seq  int64
	At   time.Time
	Hash Hash
}

// Verify walks a chain from its first entry and calls each, which may be nil, for every entry that holds. It returns
// the head it arrived at, or the first fault. Compare the result with the stored head: a tail that was cut off leaves a
// shorter chain that holds.
func Verify(entries iter.Seq2[Entry, error], each func(Entry, Body) error) (Head, error) {
	var head Head
	for e, err := range entries {
		if err != nil {
			return head, fmt.Errorf("reading the log after entry %d: %w", head.Seq, err)
		}
		switch {
		case e.Seq != head.Seq+1:
			return head, fmt.Errorf("%w: entry %d follows entry %d", ErrBroken, e.Seq, head.Seq)
		case e.At.Before(head.At):
			return head, fmt.Errorf("%w: entry %d is dated before the one it follows", ErrBroken, e.Seq)
		case Link(head.Hash, e.Seq, e.At, e.Body) != e.Hash:
			return head, fmt.Errorf("%w: the hash of entry %d does not match its contents", ErrBroken, e.Seq)
		}
		body, err := e.Decode()
		if err != nil {
			return head, fmt.Errorf("%w: %w", ErrBroken, err)
		}
		if each != nil {
			if err := each(e, body); err != nil {
				return head, err
			}
		}
		head = Head{Seq: e.Seq, At: e.At, Hash: e.Hash}
	}
	return head, nil
}
