package crypt4gh

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/crypto/chacha20poly1305"
)

// BuildHeader makes a header that gives contents to each of the readers. The writer's key is fresh and forgotten at once, so
// that only the readers' keys open it.
func BuildHeader(c Contents, readers ...PublicKey) ([]byte, error) {
	if len(c.Keys) == 0 || len(readers) == 0 {
		return nil, errors.New("a header needs a data key and a reader")
	}
	writer, err := GenerateKey()
	if err != nil {
		return nil, err
	}
	h := new(Header)
	for _, reader := range readers {
		for _, payload := range c.payloads() {
			p, err := sealPacket(writer, newNonce(), reader, payload)
			if err != nil {
				return nil, err
			}
			h.Packets = append(h.Packets, p)
		}
	}
	b := h.Bytes()
	if len(h.Packets) > MaxPackets || len(b) > MaxHeaderSize {
		return nil, fmt.Errorf("%w: a header of %d packets and %d bytes", ErrFormat, len(h.Packets), len(b))
	}
	return b, nil
}

// DeriveHeader makes the header of one data key for one reader under one grant. The same arguments give the same bytes on
// every machine, so that a file assembled from this header and a body has a stable ETag and can be resumed.
//
// The writer's secret and the nonce are HKDF-SHA-256 of the data key over all that the packet depends on: nobody without
// the data key can work them out, whoever has it gains nothing from them, and no nonce is ever used for two payloads.
//
//	HKDF(secret: data key, salt: none, info: "crypt4gh derived header v1" 0x00 | reader(32) | grant) =
//	    writer's secret(32) | nonce(12)
func DeriveHeader(key DataKey, reader PublicKey, grant string) ([]byte, error) {
	info := "crypt4gh derived header v1\x00" + string(reader[:]) + grant
	derived, err := hkdf.Key(sha256.New, key[:], nil, info, 32+nonceSize)
	if err != nil {
		return nil, fmt.Errorf("deriving a header: %w", err)
	}
	writer, err := NewPrivateKey(derived[:32])
	if err != nil {
		return nil, err
	}
	c := Contents{Keys: []DataKey{key}}
	p, err := sealPacket(writer, Nonce(derived[32:]), reader, c.payloads()[0])
	if err != nil {
		return nil, err
	}
	return (&Header{Packets: []Packet{p}}).Bytes(), nil
}

func (c Contents) payloads() [][]byte {
	var all [][]byte
	for _, key := range c.Keys {
		b := binary.LittleEndian.AppendUint32(nil, packetKey)
		b = binary.LittleEndian.AppendUint32(b, dataChaCha20)
		all = append(all, append(b, key[:]...))
	}
	if c.Edits != nil {
		all = append(all, append(binary.LittleEndian.AppendUint32(nil, packetEdits), c.Edits.encode()...))
	}
	return all
}

func sealPacket(writer *PrivateKey, nonce Nonce, reader PublicKey, payload []byte) (Packet, error) {
	from := writer.Public()
	shared, err := sharedKey(writer, reader, reader, from)
	if err != nil {
		return Packet{}, fmt.Errorf("%w: a point of low order", ErrWeakKey)
	}
	aead, err := chacha20poly1305.New(shared)
	if err != nil {
		return Packet{}, err
	}
	data := append(from[:], nonce[:]...)
	return Packet{Method: methodX25519, Data: aead.Seal(data, nonce[:], payload, nil)}, nil
}
