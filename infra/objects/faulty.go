package objects

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync"
	"time"

	"sluice/delivery"
)

var _ delivery.Store = (*Faulty)(nil)

// ErrInjected is the fault that [Faulty] makes. It is none of delivery's sentinels: what happened is not known.
var ErrInjected = errors.New("injected fault")

// A Fault is a way for a call to fail.
type Fault int

// The two ways a call to another machine can fail.
const (
	NotDone       Fault = iota // the call never reached the store
	DoneButFailed              // the store did it, and the answer was lost
)

// Faulty passes calls on to a store, counts them, and lets chosen ones fail. Every method of the store counts as one
// call, and so does every Range and ReadAt of an object opened through it.
type Faulty struct {
	store delivery.Store

	mu    sync.Mutex
	log   []string
	first int // the calls from first to last fail, counted from 1; 0 = none
	last  int
	how   Fault
	done  bool // whether one has failed since the last FailAt or FailFrom
}

// NewFaulty wraps a store. Until told otherwise it lets everything through.
func NewFaulty(store delivery.Store) *Faulty {
	return &Faulty{store: store}
}

// FailAt counts from now on, and lets the n-th call from here (1 is the next) fail in the given way.
func (f *Faulty) FailAt(n int, how Fault) { f.arm(n, n, how) }

// FailFrom counts from now on, and lets the n-th call from here and all after it fail: the store is down.
func (f *Faulty) FailFrom(n int, how Fault) { f.arm(n, int(^uint(0)>>1), how) }

// Heal counts from now on and lets everything through.
func (f *Faulty) Heal() { f.arm(0, 0, NotDone) }

func (f *Faulty) arm(first, last int, how Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.first, f.last, f.how, f.log, f.done = first, last, how, nil, false
}

// Calls is the number of calls since the counting began.
func (f *Faulty) Calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.log)
}

// Log names the calls since the counting began, such as "Put bucket key".
func (f *Faulty) Log() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.log)
}

// Failed tells whether a call has failed since the counting began: a loop over n ends when none did.
func (f *Faulty) Failed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.done
}

// next counts a call and says whether it fails, and whether it is done before.
func (f *Faulty) next(call string, names ...string) (do bool, fault error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, name := range names {
		call += " " + name
	}
	f.log = append(f.log, call)
	if n := len(f.log); f.first == 0 || n < f.first || n > f.last {
		return true, nil
	}
	f.done = true
	return f.how == DoneButFailed, fmt.Errorf("%s (call %d): %w", call, len(f.log), ErrInjected)
}

// run does the call, or not, and fails, or not.
func (f *Faulty) run(call func() error, what string, names ...string) error {
	do, fault := f.next(what, names...)
	if do {
		if err := call(); err != nil {
			return err
		}
	}
	return fault
}

// MakeBucket passes on or fails.
func (f *Faulty) MakeBucket(ctx context.Context, bucket string) error {
	return f.run(func() error { return f.store.MakeBucket(ctx, bucket) }, "MakeBucket", bucket)
}

// Put passes on or fails; one that is not done has read half of the body.
func (f *Faulty) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	do, fault := f.next("Put", bucket, key)
	if !do {
		_, _ = io.CopyN(io.Discard, body, max(size/2, 0))
		return fault
	}
	if err := f.store.Put(ctx, bucket, key, body, size); err != nil {
		return err
	}
	return fault
}

// Copy passes on or fails.
func (f *Faulty) Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	return f.run(func() error { return f.store.Copy(ctx, fromBucket, fromKey, toBucket, toKey) },
		"Copy", fromBucket, fromKey, toBucket, toKey)
}

// Open passes on or fails.
func (f *Faulty) Open(ctx context.Context, bucket, key string) (delivery.Object, error) {
	var object delivery.Object
	err := f.run(func() (err error) { object, err = f.store.Open(ctx, bucket, key); return err }, "Open", bucket, key)
	if err != nil {
		if object != nil {
			object.Close()
		}
		return nil, err
	}
	return &faultyObject{Object: object, faulty: f, bucket: bucket, key: key}, nil
}

type faultyObject struct {
	delivery.Object
	faulty      *Faulty
	bucket, key string
}

// ReadAt passes on or fails.
func (o *faultyObject) ReadAt(p []byte, offset int64) (n int, err error) {
	do, fault := o.faulty.next("ReadAt", o.bucket, o.key)
	if !do {
		return 0, fault
	}
	n, err = o.Object.ReadAt(p, offset)
	if fault != nil {
		return n / 2, fault
	}
	return n, err
}

// Range passes on or fails: at once, or in the middle of the stream.
func (o *faultyObject) Range(ctx context.Context, offset, n int64) (io.ReadCloser, error) {
	do, fault := o.faulty.next("Range", o.bucket, o.key)
	if !do {
		return nil, fault
	}
	stream, err := o.Object.Range(ctx, offset, n)
	if err != nil || fault == nil {
		return stream, err
	}
	return &brokenStream{Reader: io.MultiReader(io.LimitReader(stream, n/2), failing{fault}), Closer: stream}, nil
}

type brokenStream struct {
	io.Reader
	io.Closer
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// List passes on or fails: at once, or after the last entry.
func (f *Faulty) List(ctx context.Context, bucket string) iter.Seq2[delivery.ObjectInfo, error] {
	return func(yield func(delivery.ObjectInfo, error) bool) {
		do, fault := f.next("List", bucket)
		if do {
			for info, err := range f.store.List(ctx, bucket) {
				if !yield(info, err) {
					return
				}
				if err != nil {
					return
				}
			}
		}
		if fault != nil {
			yield(delivery.ObjectInfo{}, fault)
		}
	}
}

// Remove passes on or fails.
func (f *Faulty) Remove(ctx context.Context, bucket, key string) error {
	return f.run(func() error { return f.store.Remove(ctx, bucket, key) }, "Remove", bucket, key)
}

// Empty passes on or fails.
func (f *Faulty) Empty(ctx context.Context, bucket string) error {
	return f.run(func() error { return f.store.Empty(ctx, bucket) }, "Empty", bucket)
}

// Residue passes on or fails.
func (f *Faulty) Residue(ctx context.Context, bucket string) (n int, err error) {
	err = f.run(func() (err error) { n, err = f.store.Residue(ctx, bucket); return err }, "Residue", bucket)
	return n, err
}

// RemoveBucket passes on or fails.
func (f *Faulty) RemoveBucket(ctx context.Context, bucket string) error {
	return f.run(func() error { return f.store.RemoveBucket(ctx, bucket) }, "RemoveBucket", bucket)
}

// SetEnd passes on or fails.
func (f *Faulty) SetEnd(ctx context.Context, bucket string, end time.Time) error {
	return f.run(func() error { return f.store.SetEnd(ctx, bucket, end) }, "SetEnd", bucket)
}

// End passes on or fails.
func (f *Faulty) End(ctx context.Context, bucket string) (end time.Time, err error) {
	err = f.run(func() (err error) { end, err = f.store.End(ctx, bucket); return err }, "End", bucket)
	return end, err
}
