package objects

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"sluice/delivery"
)

var _ delivery.Store = (*Memory)(nil)

// Memory is a store that forgets everything when the process ends.
type Memory struct {
	mu      sync.Mutex
	buckets map[string]*memoryBucket
}

type memoryBucket struct {
	objects map[string]memoryObject
	uploads int // Puts that have begun and not ended
	end     time.Time
}

type memoryObject struct {
	body     []byte
	modified time.Time
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{buckets: map[string]*memoryBucket{}}
}

// bucket is called with the lock held.
func (m *Memory) bucket(name string) (*memoryBucket, error) {
	if err := checkBucket(name); err != nil {
		return nil, err
	}
	b, ok := m.buckets[name]
	if !ok {
		return nil, fmt.Errorf("bucket %s: %w", name, delivery.ErrNotStored)
	}
	return b, nil
}

// MakeBucket makes an empty bucket.
func (m *Memory) MakeBucket(ctx context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, ok := m.buckets[bucket]; ok {
		return fmt.Errorf("bucket %s: %w", bucket, delivery.ErrAlreadyStored)
	}
	m.buckets[bucket] = &memoryBucket{objects: map[string]memoryObject{}}
	return nil
}

// Put stores a body under a key that is not in use.
func (m *Memory) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	if err := checkNames(bucket, key); err != nil {
		return err
	}
	b, err := m.begin(bucket, key)
	if err != nil {
		return err
	}
	read, err := io.ReadAll(&exact{body: ctxReader{ctx, body}, size: size})
	if err != nil {
		err = fmt.Errorf("put %s/%s: %w", bucket, key, err)
	}
	return m.finish(b, bucket, key, read, err)
}

func (m *Memory) begin(bucket, key string) (*memoryBucket, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(bucket)
	if err != nil {
		return nil, err
	}
	if _, ok := b.objects[key]; ok {
		return nil, fmt.Errorf("put %s/%s: %w", bucket, key, delivery.ErrAlreadyStored)
	}
	b.uploads++
	return b, nil
}

// finish ends what begin began. Bucket or key may have changed while the body was read.
func (m *Memory) finish(b *memoryBucket, bucket, key string, body []byte, failed error) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	b.uploads--
	if failed != nil {
		return failed
	}
	if m.buckets[bucket] != b {
		return fmt.Errorf("put %s/%s: %w", bucket, key, delivery.ErrNotStored)
	}
	if _, ok := b.objects[key]; ok {
		return fmt.Errorf("put %s/%s: %w", bucket, key, delivery.ErrAlreadyStored)
	}
	b.objects[key] = memoryObject{body: body, modified: memoryTime}
	return nil
}

// Objects here all carry one date: nobody acts on it, and reading the clock is the database's business.
var memoryTime = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Copy copies an object; the two share their bytes, which never change.
func (m *Memory) Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	if err := checkNames(toBucket, toKey); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	obj, err := m.object(fromBucket, fromKey)
	if err != nil {
		return err
	}
	to, err := m.bucket(toBucket)
	if err != nil {
		return err
	}
	if _, ok := to.objects[toKey]; ok {
		return fmt.Errorf("copy to %s/%s: %w", toBucket, toKey, delivery.ErrAlreadyStored)
	}
	to.objects[toKey] = obj
	return nil
}

// object is called with the lock held.
func (m *Memory) object(bucket, key string) (memoryObject, error) {
	if err := checkNames(bucket, key); err != nil {
		return memoryObject{}, err
	}
	b, err := m.bucket(bucket)
	if err != nil {
		return memoryObject{}, err
	}
	obj, ok := b.objects[key]
	if !ok {
		return memoryObject{}, fmt.Errorf("%s/%s: %w", bucket, key, delivery.ErrNotStored)
	}
	return obj, nil
}

// Open opens an object. As with the other stores, one that is removed meanwhile gives no new ranges.
func (m *Memory) Open(ctx context.Context, bucket, key string) (delivery.Object, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	obj, err := m.object(bucket, key)
	if err != nil {
		return nil, err
	}
	return &memoryReader{Reader: bytes.NewReader(obj.body), store: m, bucket: bucket, key: key}, nil
}

type memoryReader struct {
	*bytes.Reader
	store       *Memory
	bucket, key string
}

func (r *memoryReader) ReadAt(p []byte, offset int64) (int, error) {
	if err := r.there(); err != nil {
		return 0, err
	}
	return r.Reader.ReadAt(p, offset)
}

func (r *memoryReader) there() error {
	r.store.mu.Lock()
	defer r.store.mu.Unlock()
	_, err := r.store.object(r.bucket, r.key)
	return err
}

func (r *memoryReader) Range(ctx context.Context, offset, n int64) (io.ReadCloser, error) {
	if err := checkRange(offset, n, r.Size()); err != nil {
		return nil, err
	}
	if err := r.there(); err != nil {
		return nil, err
	}
	return io.NopCloser(ctxReader{ctx, io.NewSectionReader(r.Reader, offset, n)}), ctx.Err()
}

func (r *memoryReader) Close() error { return nil }

// List yields the bucket's objects in order of key.
func (m *Memory) List(ctx context.Context, bucket string) iter.Seq2[delivery.ObjectInfo, error] {
	return func(yield func(delivery.ObjectInfo, error) bool) {
		infos, err := m.infos(bucket)
		if err != nil {
			yield(delivery.ObjectInfo{}, err)
			return
		}
		for _, info := range infos {
			if err := ctx.Err(); err != nil {
				yield(delivery.ObjectInfo{}, err)
				return
			}
			if !yield(info, nil) {
				return
			}
		}
	}
}

func (m *Memory) infos(bucket string) ([]delivery.ObjectInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(bucket)
	if err != nil {
		return nil, err
	}
	var infos []delivery.ObjectInfo
	for _, key := range slices.Sorted(maps.Keys(b.objects)) {
		obj := b.objects[key]
		infos = append(infos, delivery.ObjectInfo{Key: key, Size: int64(len(obj.body)), Modified: obj.modified})
	}
	return infos, nil
}

// Remove removes an object.
func (m *Memory) Remove(ctx context.Context, bucket, key string) error {
	if err := checkNames(bucket, key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.buckets[bucket]; ok {
		delete(b.objects, key)
	}
	return nil
}

// Empty removes all objects of a bucket.
func (m *Memory) Empty(ctx context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.buckets[bucket]; ok {
		clear(b.objects)
	}
	return nil
}

// Residue counts the objects of a bucket, and the Puts still under way.
func (m *Memory) Residue(ctx context.Context, bucket string) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(bucket)
	if err != nil {
		return 0, err
	}
	return len(b.objects) + b.uploads, nil
}

// RemoveBucket removes an empty bucket.
func (m *Memory) RemoveBucket(ctx context.Context, bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if b, ok := m.buckets[bucket]; ok && len(b.objects) > 0 {
		return fmt.Errorf("remove bucket %s: it still holds %d objects", bucket, len(b.objects))
	}
	delete(m.buckets, bucket)
	return nil
}

// SetEnd records a date. Nothing acts on it: memory lives no longer than its process.
func (m *Memory) SetEnd(ctx context.Context, bucket string, end time.Time) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(bucket)
	if err != nil {
		return err
	}
	b.end = endDate(end)
	return nil
}

// End is the date that SetEnd recorded.
func (m *Memory) End(ctx context.Context, bucket string) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	b, err := m.bucket(bucket)
	if err != nil {
		return time.Time{}, err
	}
	return b.end, nil
}

// ctxReader ends when its context does.
type ctxReader struct {
	ctx context.Context
	r   io.Reader
}

func (c ctxReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
