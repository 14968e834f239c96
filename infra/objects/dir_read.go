package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"sluice/delivery"
)

// Open opens an object's file.
func (d *Dir) Open(ctx context.Context, bucket, key string) (delivery.Object, error) {
	if err := errors.Join(checkNames(bucket, key), ctx.Err()); err != nil {
		return nil, err
	}
	f, size, err := d.openFile(bucket, key)
	if err != nil {
		return nil, err
	}
	return &dirObject{dir: d, file: f, bucket: bucket, key: key, size: size}, nil
}

func (d *Dir) openFile(bucket, key string) (*os.File, int64, error) {
	f, err := d.root.Open(path.Join(bucket, key))
	if err != nil {
		return nil, 0, dirError("open", bucket+"/"+key, err)
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is no regular file")
	}
	if err != nil {
		f.Close()
		return nil, 0, dirError("open", bucket+"/"+key, err)
	}
	return f, info.Size(), nil
}

type dirObject struct {
	dir         *Dir
	file        *os.File
	bucket, key string
	size        int64
}

func (o *dirObject) Size() int64  { return o.size }
func (o *dirObject) Close() error { return o.file.Close() }

func (o *dirObject) ReadAt(p []byte, offset int64) (int, error) {
	return o.file.ReadAt(p, offset)
}

// Range opens the file once more, because a position belongs to an open file and two ranges must not share one. An
// object that was removed since Open is ErrNotStored, as in the other stores.
func (o *dirObject) Range(ctx context.Context, offset, n int64) (io.ReadCloser, error) {
	if err := errors.Join(checkRange(offset, n, o.size), ctx.Err()); err != nil {
		return nil, err
	}
	f, _, err := o.dir.openFile(o.bucket, o.key)
	if err != nil {
		return nil, err
	}
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		f.Close()
		return nil, fmt.Errorf("read %s/%s: %w", o.bucket, o.key, err)
	}
	return &dirRange{ctx: ctx, file: f, left: n}, nil
}

// dirRange is a piece of a file. It ends with its context.
type dirRange struct {
	ctx  context.Context
	file *os.File
	left int64
}

func (r *dirRange) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	n, err := r.file.Read(p)
	r.left -= int64(n)
	if err == io.EOF && r.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// WriteTo hands the file itself to the writer, piece by piece: a socket then takes it with sendfile and the bytes
// never pass through this process. Between the pieces the context is looked at.
func (r *dirRange) WriteTo(w io.Writer) (int64, error) {
	var total int64
	for r.left > 0 {
		if err := r.ctx.Err(); err != nil {
			return total, err
		}
		n, err := io.Copy(w, io.LimitReader(r.file, min(r.left, 4<<20)))
		total += n
		r.left -= n
		if err == nil && n == 0 {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return total, err
		}
	}
	return total, nil
}

func (r *dirRange) Close() error { return r.file.Close() }
