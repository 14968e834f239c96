package crypt4gh

import (
	"encoding/binary"
	"fmt"
	"io"

	"golang.org/x/crypto/chacha20poly1305"
)

// Bounds of a header. The specification has none; without them four bytes could ask for gigabytes of memory.
const (
	MaxHeaderSize = 1 << 20
	MaxPackets    = 1024
)

const (
	magic   = "crypt4gh"
	version = 1

	methodX25519 = 0 // X25519_chacha20_ietf_poly1305, the only header method of version 1
	dataChaCha20 = 0 // chacha20_ietf_poly1305, the only data method of version 1

	packetKey   = 0 // data_encryption_parameters
	packetEdits = 1 // data_edit_list

	fixedHeader = 16                                         // magic, version, number of packets
	fixedPacket = 8                                          // length, method
	minX25519   = fixedPacket + 32 + nonceSize + 4 + macSize // with a payload of a packet type alone
)

// A Header is the part of a file before its body (specification, section 3.2).
//
//	"crypt4gh"(8) | version u32 = 1 | number of packets u32 | packets…
type Header struct {
	Packets []Packet
}

// A Packet carries one secret for one reader. Those for other readers cannot be told from damaged ones.
//
//	length u32, these four bytes included | method u32 | data
//	data of method 0: writer's public key(32) | nonce(12) | sealed payload | MAC(16)
//	payload: type u32 = 0 | data method u32 = 0 | data key(32)          padding may follow
//	         type u32 = 1 | number u32          | number × length u64   padding may follow
type Packet struct {
	Method uint32
	Data   []byte
}

// Contents is what a reader finds in a header.
type Contents struct {
	// Keys are the data keys; each segment is sealed under one of them.
	Keys []DataKey
	// Edits says which bytes of the plaintext count; nil when all do.
	Edits EditList
}

// ParseHeader reads exactly a header from r, and leaves the body unread. It refuses with ErrFormat what breaks the format
// or is larger than MaxPackets and MaxHeaderSize allow.
func ParseHeader(r io.Reader) (*Header, error) {
	var fixed [fixedHeader]byte
	if err := readHeader(r, fixed[:]); err != nil {
		return nil, err
	}
	if string(fixed[:8]) != magic {
		return nil, fmt.Errorf("%w: it does not begin with %q", ErrFormat, magic)
	}
	if v := binary.LittleEndian.Uint32(fixed[8:]); v != version {
		return nil, fmt.Errorf("%w: version %d", ErrFormat, v)
	}
	count := binary.LittleEndian.Uint32(fixed[12:])
	if count > MaxPackets {
		return nil, fmt.Errorf("%w: %d header packets", ErrFormat, count)
	}
	h := new(Header)
	left := MaxHeaderSize - fixedHeader
	for i := range count {
		p, err := parsePacket(r, left)
		if err != nil {
			return nil, fmt.Errorf("header packet %d: %w", i, err)
		}
		left -= fixedPacket + len(p.Data)
		h.Packets = append(h.Packets, p)
	}
	return h, nil
}

// parsePacket reads one packet of at most limit bytes.
func parsePacket(r io.Reader, limit int) (Packet, error) {
	var fixed [fixedPacket]byte
	if err := readHeader(r, fixed[:]); err != nil {
		return Packet{}, err
	}
	length := binary.LittleEndian.Uint32(fixed[:])
	p := Packet{Method: binary.LittleEndian.Uint32(fixed[4:])}
	shortest := uint32(fixedPacket)
	if p.Method == methodX25519 {
		shortest = minX25519
	}
	if length < shortest || uint64(length) > uint64(max(limit, 0)) {
		return Packet{}, fmt.Errorf("%w: a length of %d", ErrFormat, length)
	}
	p.Data = make([]byte, length-fixedPacket)
	return p, readHeader(r, p.Data)
}

func readHeader(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return fmt.Errorf("%w: it ends inside the header", ErrFormat)
	}
	return err
}

// Bytes is the header as it stands in a file.
func (h *Header) Bytes() []byte {
	b := append([]byte(nil), magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(h.Packets)))
	for _, p := range h.Packets {
		b = binary.LittleEndian.AppendUint32(b, uint32(fixedPacket+len(p.Data)))
		b = binary.LittleEndian.AppendUint32(b, p.Method)
		b = append(b, p.Data...)
	}
	return b
}

// Open opens all packets that are for one of the keys, and passes over the others. It is ErrNoKey when none of them
// brings a data key.
func (h *Header) Open(keys ...*PrivateKey) (Contents, error) {
	var c Contents
	edited := false
	for i, p := range h.Packets {
		payload, ok := p.open(keys)
		if !ok {
			continue
		}
		switch kind := binary.LittleEndian.Uint32(payload); kind {
		case packetKey:
			key, err := parseKeyPacket(payload[4:])
			if err != nil {
				return Contents{}, fmt.Errorf("header packet %d: %w", i, err)
			}
			c.Keys = append(c.Keys, key)
		case packetEdits:
			if edited {
				return Contents{}, fmt.Errorf("%w: more than one edit list", ErrFormat)
			}
			edits, err := parseEdits(payload[4:])
			if err != nil {
				return Contents{}, fmt.Errorf("header packet %d: %w", i, err)
			}
			c.Edits, edited = edits, true
		default:
			// It was sealed for us, so it says something about this file that we would be disregarding.
			return Contents{}, fmt.Errorf("%w: header packet %d is of an unknown type %d", ErrFormat, i, kind)
		}
	}
	if len(c.Keys) == 0 {
		return Contents{}, ErrNoKey
	}
	return c, nil
}

// open tries the keys on the packet; false means that it is for somebody else.
func (p Packet) open(keys []*PrivateKey) ([]byte, bool) {
	if p.Method != methodX25519 || len(p.Data) < minX25519-fixedPacket {
		return nil, false
	}
	writer, nonce, sealed := PublicKey(p.Data[:32]), p.Data[32:32+nonceSize], p.Data[32+nonceSize:]
	for _, key := range keys {
		shared, err := sharedKey(key, writer, key.Public(), writer)
		if err != nil {
			continue // a writer's key of low order: nobody honest sealed this
		}
		aead, err := chacha20poly1305.New(shared)
		if err != nil {
			return nil, false
		}
		if payload, err := aead.Open(nil, nonce, sealed, nil); err == nil {
			return payload, true
		}
	}
	return nil, false
}

func parseKeyPacket(b []byte) (DataKey, error) {
	if len(b) < 4+32 {
		return DataKey{}, fmt.Errorf("%w: a data key cut short", ErrFormat)
	}
	if method := binary.LittleEndian.Uint32(b); method != dataChaCha20 {
		return DataKey{}, fmt.Errorf("%w: unknown data method %d", ErrFormat, method)
	}
	return DataKey(b[4:36]), nil
}
