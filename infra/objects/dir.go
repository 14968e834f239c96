package objects

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"
	"time"

	"sluice/delivery"
)

var _ delivery.Store = (*Dir)(nil)

// Dir is a store in a directory:
//
//	DIR/BUCKET/KEY             one object, complete and never changed
//	DIR/BUCKET/.put-RANDOM     a Put or Copy under way, or what a crash left of one; Residue counts it, Empty removes it
//
// Several processes may use one directory at once, also on a shared disk. A directory empties itself by no rule, so
// SetEnd and End answer ErrUnsupported.
type Dir struct {
	root *os.Root
	link func(oldname, newname string) error // the root's, but for the test of a disk without hard links
	// naming is held while a name is given on such a disk, where looking and renaming are two steps. Two processes may
	// then both give one name; the later body stays. Keys are random, so nobody does unless by repeating a step.
	naming sync.Mutex
}

const unfinished = ".put-"

// NewDir opens the store in the directory at path, and makes the directory when it is not there.
func NewDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("opening the store's directory: %w", err)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, fmt.Errorf("opening the store's directory: %w", err)
	}
	return &Dir{root: root, link: root.Link}, nil
}

// Close lets go of the directory.
func (d *Dir) Close() error { return d.root.Close() }

// dirError tells "not there" and "already there" from the rest.
func dirError(op, what string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrNotStored)
	case errors.Is(err, fs.ErrExist):
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrAlreadyStored)
	}
	return fmt.Errorf("%s %s: %w", op, what, err)
}

// syncDir makes names durable; without it a crash can undo a rename or a removal that was reported as done.
func (d *Dir) syncDir(name string) error {
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// MakeBucket makes a directory.
func (d *Dir) MakeBucket(ctx context.Context, bucket string) error {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	err := d.root.Mkdir(bucket, 0o700)
	if err == nil {
		err = d.syncDir(".")
	}
	if err != nil {
		return dirError("make bucket", bucket, err)
	}
	return nil
}

// Put writes beside the key's name and gives the name last, so that nobody ever sees half a body.
func (d *Dir) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	if err := errors.Join(checkNames(bucket, key), ctx.Err()); err != nil {
		return err
	}
	return d.write(bucket, key, func(f *os.File) error {
		buf := dirBuffers.Get().(*[]byte)
		defer dirBuffers.Put(buf)
		_, err := io.CopyBuffer(writerOnly{f}, &exact{body: ctxReader{ctx, body}, size: size}, *buf)
		return err
	})
}

var dirBuffers = sync.Pool{New: func() any { b := make([]byte, 1<<20); return &b }}

// writerOnly hides the file's ReadFrom, which would use small buffers of its own for a body that is no file.
type writerOnly struct{ io.Writer }

// write lets content fill a new file and gives it its name when that is done and on the disk.
func (d *Dir) write(bucket, key string, content func(*os.File) error) error {
	name, what := path.Join(bucket, key), bucket+"/"+key
	if _, err := d.root.Lstat(name); err == nil {
		return dirError("put", what, fs.ErrExist)
	}
	temp := path.Join(bucket, unfinished+rand.Text())
	f, err := d.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return dirError("put", what, err)
	}
	defer d.root.Remove(temp)
	err = content(f)
	if err == nil {
		err = f.Sync()
	}
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", what, err)
	}
	if err := d.name(temp, name); err != nil {
		return dirError("put", what, err)
	}
	if err := d.syncDir(bucket); err != nil {
		return dirError("put", what, err)
	}
	return nil
}

// name gives the file its key. A link refuses an existing name, which a rename would replace without a word.
func (d *Dir) name(temp, name string) error {
	err := d.link(temp, name)
	if err == nil {
		return d.root.Remove(temp)
	}
	if !errors.Is(err, syscall.EPERM) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	d.naming.Lock()
	defer d.naming.Unlock()
	if _, err := d.root.Lstat(name); err == nil {
		return fs.ErrExist
	}
	return d.root.Rename(temp, name)
}

// Copy copies on the kernel's side, sharing blocks where the disk can. It makes no hard link: whoever overwrites the
// delivery's copy on purpose at its end must not destroy the archive's.
func (d *Dir) Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	if err := errors.Join(checkNames(fromBucket, fromKey), checkNames(toBucket, toKey), ctx.Err()); err != nil {
		return err
	}
	from, err := d.root.Open(path.Join(fromBucket, fromKey))
	if err != nil {
		return dirError("copy", fromBucket+"/"+fromKey, err)
	}
	defer from.Close()
	return d.write(toBucket, toKey, func(f *os.File) error {
		for {
			if err := ctx.Err(); err != nil {
				return err
			}
			// In pieces, so that cancelling is noticed. Two files and a limit between them: the kernel copies.
			n, err := io.CopyN(f, from, 64<<20)
			if n == 0 && err == io.EOF {
				return nil
			}
			if err != nil && err != io.EOF {
				return err
			}
		}
	})
}

// List yields the bucket's objects in order of key.
func (d *Dir) List(ctx context.Context, bucket string) iter.Seq2[delivery.ObjectInfo, error] {
	return func(yield func(delivery.ObjectInfo, error) bool) {
		entries, err := d.entries(bucket)
		if err != nil {
			yield(delivery.ObjectInfo{}, err)
			return
		}
		for _, entry := range entries {
			if strings.HasPrefix(entry.Name(), ".") {
				continue
			}
			info, err := entry.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue // removed while we were reading
			}
			if err == nil {
				err = ctx.Err()
			}
			if err != nil {
				yield(delivery.ObjectInfo{}, fmt.Errorf("list %s: %w", bucket, err))
				return
			}
			if !yield(delivery.ObjectInfo{Key: entry.Name(), Size: info.Size(), Modified: info.ModTime().UTC()}, nil) {
				return
			}
		}
	}
}

// entries is all there is in a bucket, in order of name.
func (d *Dir) entries(bucket string) ([]fs.DirEntry, error) {
	if err := checkBucket(bucket); err != nil {
		return nil, err
	}
	entries, err := fs.ReadDir(d.root.FS(), bucket)
	if err != nil {
		return nil, dirError("list", bucket, err)
	}
	return entries, nil
}

// Remove removes an object.
func (d *Dir) Remove(ctx context.Context, bucket, key string) error {
	if err := errors.Join(checkNames(bucket, key), ctx.Err()); err != nil {
		return err
	}
	err := d.root.Remove(path.Join(bucket, key))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.syncDir(bucket)
	}
	if err != nil {
		return fmt.Errorf("remove %s/%s: %w", bucket, key, err)
	}
	return nil
}

// Empty removes everything in the bucket's directory, whatever it is.
func (d *Dir) Empty(ctx context.Context, bucket string) error {
	entries, err := d.entries(bucket)
	if errors.Is(err, delivery.ErrNotStored) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.root.RemoveAll(path.Join(bucket, entry.Name())); err != nil {
			return fmt.Errorf("empty %s: %w", bucket, err)
		}
	}
	if err := d.syncDir(bucket); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("empty %s: %w", bucket, err)
	}
	return nil
}

// Residue counts everything in the bucket's directory.
func (d *Dir) Residue(ctx context.Context, bucket string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	entries, err := d.entries(bucket)
	return len(entries), err
}

// RemoveBucket removes an empty directory.
func (d *Dir) RemoveBucket(ctx context.Context, bucket string) error {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	err := d.root.Remove(bucket)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err == nil {
		err = d.syncDir(".")
	}
	if err != nil {
		return fmt.Errorf("remove bucket %s: %w", bucket, err)
	}
	return nil
}

// SetEnd answers ErrUnsupported: nothing but Sluice itself would act on a date in a directory.
func (d *Dir) SetEnd(ctx context.Context, bucket string, end time.Time) error {
	_, err := d.End(ctx, bucket)
	return err
}

// End answers ErrUnsupported.
func (d *Dir) End(ctx context.Context, bucket string) (time.Time, error) {
	if err := errors.Join(checkBucket(bucket), ctx.Err()); err != nil {
		return time.Time{}, err
	}
	if _, err := d.root.Stat(bucket); err != nil {
		return time.Time{}, dirError("end of", bucket, err)
	}
	return time.Time{}, fmt.Errorf("end of %s: a date on a directory: %w", bucket, delivery.ErrUnsupported)
}
