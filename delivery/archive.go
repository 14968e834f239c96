package delivery

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"

	"sluice/delivery/manifest"
)

// The archive of everything is an uncompressed tar that exists nowhere: its layout follows from the list of files, so its
// size, ETag and every range of it are known before the first byte.
//
//	header of DR-0042-A-1/manifest.json | contents, padded to 512 | header of …/SHA256SUMS | … | files in order | 1024 zeros

// A tarPiece is a run of bytes of the archive: a text of our own (headers, padding), or a content.
type tarPiece struct {
	at   int64 // where it begins in the archive
	size int64
	text []byte   // or nil:
	from *content // opened when its turn comes
}

// archiveContent lays out the archive of a delivery.
func (p *Depot) archiveContent(d Delivery, files []DeliveredFile) (*content, error) {
	m, err := p.manifestContent(d)
	if err != nil {
		return nil, err
	}
	members := []*content{m, sumsContent(d, files)}
	for _, f := range files {
		members = append(members, p.fileContent(d, f))
	}
	var pieces []tarPiece
	var at int64
	text := func(b []byte) {
		pieces = append(pieces, tarPiece{at: at, size: int64(len(b)), text: b})
		at += int64(len(b))
	}
	layout := sha256.New()
	for _, c := range members {
		header, err := tarHeader(d, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w: %w", c.logged, errNoArchive, err)
		}
		text(header)
		pieces = append(pieces, tarPiece{at: at, size: c.size, from: c})
		at += c.size
		if pad := (512 - c.size%512) % 512; pad > 0 {
			text(make([]byte, pad))
		}
		fmt.Fprintf(layout, "%x %s\n", header, c.hash)
	}
	text(make([]byte, 1024))
	return &content{
		name: ArchivePath(d), transfer: WholeArchive, logged: WholeArchive, kind: "application/x-tar", size: at,
		hash: hex.EncodeToString(layout.Sum(nil)), modified: d.Planned,
		// One member is opened here, so that a sealed keyring or a store that is down makes a page and not a broken archive.
		open: func(ctx context.Context) error { defer m.close(); return m.open(ctx) },
		send: func(ctx context.Context, w io.Writer, off, n int64, hurry bool) error {
			return sendPieces(ctx, w, pieces, off, n, hurry)
		},
		close: func() {},
	}, nil
}

// tarHeader is the header of one member, the same at each asking: fixed time, owner and mode.
func tarHeader(d Delivery, c *content) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	err := w.WriteHeader(&tar.Header{
		Typeflag: tar.TypeReg, Name: d.Number + "/" + c.name, Size: c.size, Mode: 0o644, ModTime: d.Planned.Truncate(1e9).UTC(),
	})
	return b.Bytes(), err
}

// sendPieces sends the range [off, off+n) of an archive, opening only the members it touches, one at a time.
func sendPieces(ctx context.Context, w io.Writer, pieces []tarPiece, off, n int64, hurry bool) error {
	end := off + n
	first := sort.Search(len(pieces), func(i int) bool { return pieces[i].at+pieces[i].size > off })
	last := sort.Search(len(pieces), func(i int) bool { return pieces[i].at >= end })
	touched := pieces[first:max(first, last)]
	defer forgetKeys(touched)
	asked := 0 // the pieces before this one have been asked for
	for i, piece := range touched {
		from, to := max(off, piece.at)-piece.at, min(end, piece.at+piece.size)-piece.at
		if from == to {
			continue
		}
		if i >= asked {
			next, err := keysAhead(ctx, touched[i:])
			if err != nil {
				return err
			}
			asked = i + next
		}
		if err := piece.send(ctx, w, from, to-from, hurry); err != nil {
			return err
		}
	}
	return nil
}

// aheadBytes bounds how much of the archive the keys are opened for that lie in memory: an archive of small files asks the keyring
// once for hundreds of them, and no key of a large file waits in the clear for hours until its turn comes.
const aheadBytes = 64 << 20

// keysAhead opens the keys of the members that begin within the next aheadBytes, in one call of the keyring, and says for how
// many pieces that was. Where the keyring answers that one of them does not open, each member asks for itself when its
// turn comes: what stands before the damaged one is sent.
func keysAhead(ctx context.Context, pieces []tarPiece) (n int, err error) {
	var bodies []*body
	var items []Sealed
	for n = 0; n < len(pieces) && len(items) < batch && pieces[n].at-pieces[0].at < aheadBytes; n++ {
		if p := pieces[n]; p.size > 0 && p.from != nil && p.from.sealed != nil {
			bodies = append(bodies, p.from.sealed)
			items = append(items, Sealed{FileID: p.from.sealed.id, Wrapped: p.from.sealed.wrapped})
		}
	}
	if len(items) == 0 {
		return n, nil
	}
	keys, err := bodies[0].depot.keys.Unwrap(ctx, bodies[0].key, items)
	if errors.Is(err, ErrNotWrapped) {
		return n, nil
	}
	if err != nil {
		return n, err
	}
	defer clear(keys)
	for i, b := range bodies {
		key := keys[i]
		b.ahead = &key
	}
	return n, nil
}

// forgetKeys clears the keys that were opened and not used: the reader went away, or was cut.
func forgetKeys(pieces []tarPiece) {
	for _, p := range pieces {
		if p.from != nil && p.from.sealed != nil {
			p.from.sealed.forget()
		}
	}
}

func (t tarPiece) send(ctx context.Context, w io.Writer, off, n int64, hurry bool) error {
	if t.text != nil {
		_, err := w.Write(t.text[off : off+n])
		return err
	}
	if err := t.from.open(ctx); err != nil {
		return err
	}
	defer t.from.close()
	return t.from.send(ctx, w, off, n, hurry && n >= 4<<20)
}

// sums is the text of SHA256SUMS: the manifest and every file, in order.
func sums(d Delivery, files []DeliveredFile) string {
	var b strings.Builder
	b.WriteString(manifest.SumLine(d.Manifest.SHA256, ManifestPath))
	for _, f := range files {
		b.WriteString(manifest.SumLine(f.SHA256, f.Path))
	}
	return b.String()
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
