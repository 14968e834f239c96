package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/manifest"
	"sluice/infra/db"
)

// Names that Sluice itself adds to a delivery. manifest.CheckName keeps them free.
const (
	ManifestPath = manifest.FileName
	SumsPath     = manifest.SumsName
)

// ArchivePath is the name of a delivery's archive of everything.
func ArchivePath(d Delivery) string { return d.Number + ".tar" }

// A content is something that can be fetched: its size and hash are known before the first byte, and any range of it can be
// sent. open asks the keyring and the store, so that they fail before an answer has begun.
type content struct {
	name     string // for the file on the other side
	transfer string // what transfers of it are called
	logged   string // what the log calls it: no names from the data
	kind     string // media type
	size     int64
	hash     string // of the plaintext, or of all that determines it
	modified time.Time

	sealed *body // what open unwraps a key for; nil: nothing

	open  func(ctx context.Context) error
	send  func(ctx context.Context, w io.Writer, off, n int64, hurry bool) error
	close func()
}

func (c *content) etag() string { return `"` + c.hash + `"` }

// contentOf finds what a path of a delivery stands for.
func (p *Depot) contentOf(tx *db.Tx, d Delivery, name string) (*content, error) {
	switch name {
	case ManifestPath:
		return p.manifestContent(d)
	case SumsPath:
		files, err := delivered(tx, d.ID)
		if err != nil {
			return nil, err
		}
		return sumsContent(d, files), nil
	case ArchivePath(d):
		files, err := delivered(tx, d.ID)
		if err != nil {
			return nil, err
		}
		return p.archiveContent(d, files)
	}
	f, err := findDelivered(tx, d.ID, name)
	if err != nil {
		return nil, err
	}
	return p.fileContent(d, f), nil
}

// body is a sealed object of a delivery.
type body struct {
	depot   *Depot
	key     KeyName
	id      string // what the data key is bound to
	wrapped string
	bucket  string
	object  string
	size    int64 // sealed
	nonce   crypt4gh.Nonce

	ahead  *DataKey // the data key, when it was unwrapped together with others; open takes it
	opened Object
	plain  *crypt4gh.Body
}

// open unwraps the data key and opens the object. The key stays in memory for as long as the stream, and nowhere else.
func (b *body) open(ctx context.Context) error {
	if b.ahead == nil {
		keys, err := b.depot.keys.Unwrap(ctx, b.key, []Sealed{{FileID: b.id, Wrapped: b.wrapped}})
		if err != nil {
			return err
		}
		defer clear(keys)
		b.ahead = &keys[0]
	}
	defer b.forget()
	object, err := b.depot.store.Open(ctx, b.bucket, b.object)
	if err != nil {
		return outside("opening a file", err)
	}
	if object.Size() != b.size {
		object.Close()
		return fmt.Errorf("the store holds %d bytes of %d: %w", object.Size(), b.size, errDiffers)
	}
	plain, err := crypt4gh.OpenBody(nil, b.size, *b.ahead)
	if err != nil {
		object.Close()
		return err
	}
	plain.InOrder(b.nonce)
	b.opened, b.plain = object, plain
	return nil
}

// forget clears the data key.
func (b *body) forget() {
	if b.ahead != nil {
		clear(b.ahead[:])
		b.ahead = nil
	}
}

func (b *body) send(ctx context.Context, w io.Writer, off, n int64, hurry bool) error {
	in, err := b.plain.Range(ctx, b.opened.Range, off, n)
	if err != nil {
		return err
	}
	defer in.Close()
	if hurry {
		_, err = in.WriteParallel(w)
	} else {
		_, err = in.WriteTo(w)
	}
	return err
}

func (b *body) close() {
	if b.opened != nil {
		b.opened.Close()
	}
}

func (p *Depot) bodyOf(d Delivery, f DeliveredFile) *body {
	return &body{depot: p, key: d.Key, id: f.ID, wrapped: f.key, bucket: f.bucket, object: f.body, size: f.BodySize, nonce: f.Nonce}
}

func (p *Depot) fileContent(d Delivery, f DeliveredFile) *content {
	b := p.bodyOf(d, f)
	return &content{
		name: f.Path, transfer: f.Path, logged: f.ID, kind: "application/octet-stream", size: f.Size, hash: f.SHA256,
		modified: d.Planned, sealed: b, open: b.open, send: b.send, close: b.close,
	}
}

func (p *Depot) manifestBody(d Delivery) (*body, error) {
	size, err := crypt4gh.BodySize(d.Manifest.Size)
	if err != nil {
		return nil, err
	}
	nonce, err := parseNonce(d.Manifest.Nonce)
	if err != nil {
		return nil, err
	}
	return &body{depot: p, key: d.Key, id: d.Manifest.Object, wrapped: d.Manifest.Wrapped, bucket: d.Bucket,
		object: d.Manifest.Object, size: size, nonce: nonce}, nil
}

func (p *Depot) manifestContent(d Delivery) (*content, error) {
	b, err := p.manifestBody(d)
	if err != nil {
		return nil, err
	}
	return &content{
		name: ManifestPath, transfer: ManifestPath, logged: ManifestPath, kind: "application/json", size: d.Manifest.Size,
		hash: d.Manifest.SHA256, modified: d.Planned, sealed: b, open: b.open, send: b.send, close: b.close,
	}, nil
}

// sumsContent is SHA256SUMS, worked out from the same rows as the manifest.
func sumsContent(d Delivery, files []DeliveredFile) *content {
	text := sums(d, files)
	return &content{
		name: SumsPath, transfer: SumsPath, logged: SumsPath, kind: "text/plain; charset=utf-8", size: int64(len(text)),
		hash: hashOf(text), modified: d.Planned,
		open: func(context.Context) error { return nil },
		send: func(_ context.Context, w io.Writer, off, n int64, _ bool) error {
			if off < 0 || n < 0 || off+n > int64(len(text)) {
				return crypt4gh.ErrRange
			}
			_, err := io.Copy(w, strings.NewReader(text[off:off+n]))
			return err
		},
		close: func() {},
	}
}

// errNoArchive: an archive of these files cannot be made.
var errNoArchive = errors.New("these files do not fit into one archive")
