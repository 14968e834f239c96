package delivery

import (
	"context"
	"fmt"
	"io"

	"sluice/delivery/crypt4gh"
	"sluice/infra/db"
)

// storedContent is a file of a delivery as it is stored: the sealed body, which nothing here opens. No page leads to it; it is
// what a reader with a registered key will get behind a header of his own, and what the cost of opening is measured against.
func (p *Depot) storedContent(tx *db.Tx, d Delivery, name string) (*content, error) {
	f, err := findDelivered(tx, d.ID, name)
	if err != nil {
		return nil, err
	}
	var object Object
	return &content{
		name: f.Path + ".c4gh", transfer: f.Path, logged: f.ID, kind: "application/octet-stream", size: f.BodySize, hash: f.Root,
		modified: d.Planned,
		open: func(ctx context.Context) (err error) {
			if object, err = p.store.Open(ctx, f.bucket, f.body); err != nil {
				return outside("opening a file", err)
			}
			if object.Size() != f.BodySize {
				return fmt.Errorf("the store holds %d bytes of %d: %w", object.Size(), f.BodySize, errDiffers)
			}
			return nil
		},
		send: func(ctx context.Context, w io.Writer, off, n int64, _ bool) error {
			if n == 0 {
				return nil
			}
			if off < 0 || n < 0 || off+n > f.BodySize {
				return crypt4gh.ErrRange
			}
			in, err := object.Range(ctx, off, n)
			if err != nil {
				return err
			}
			defer in.Close()
			_, err = io.Copy(w, in)
			return err
		},
		close: func() {
			if object != nil {
				object.Close()
			}
		},
	}, nil
}

// ReadFrom sends a piece of a file without its bytes passing through this process, where the system can. A store hands over
// pieces of some megabytes, and each is a chunk.
func (c *chunkWriter) ReadFrom(r io.Reader) (int64, error) {
	if err := c.look(); err != nil {
		return 0, err
	}
	n, err := io.Copy(c.out.ResponseWriter, r)
	c.count(n)
	return n, err
}
