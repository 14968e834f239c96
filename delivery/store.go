package delivery

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// ErrStoreAway: the store did not do what was asked of it, and gave none of the answers below. Nothing is known but that it
// did not work; asking again is safe.
var ErrStoreAway = errors.New("the store cannot be reached")

// Errors a Store answers with. Everything else means "not known whether it happened": ask again.
var (
	// ErrNotStored: there is no such bucket or object. Every method that names one may return it, except removals.
	ErrNotStored = errors.New("not in the store")
	// ErrAlreadyStored: the bucket or key exists. Nothing is ever written twice under one name, so this means that an
	// earlier try succeeded after all, or that somebody interferes.
	ErrAlreadyStored = errors.New("already in the store")
	// ErrUnsupported: this store has no such ability; doctor says so, and nothing relies on it.
	ErrUnsupported = errors.New("not supported by this store")
)

// A Store keeps sealed bodies in buckets. It never sees plaintext, and object keys are random ids: whoever runs the
// store learns sizes and times, no more.
//
// Contract, checked by one suite over every implementation:
//   - what Put or Copy returned for is durable, and readable by every replica at once;
//   - all methods may be repeated: a removal of what is not there succeeds;
//   - names are never used twice, because a re-created name revives old credentials on some servers;
//   - methods are safe for concurrent use; retries of passing faults are the implementation's.
type Store interface {
	// MakeBucket makes a private, empty bucket. ErrAlreadyStored when it exists.
	MakeBucket(ctx context.Context, bucket string) error
	// Put stores size bytes (-1: not known) under the key. It refuses an existing key where the store can tell, and
	// leaves nothing readable under the key when it fails.
	Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error
	// Copy copies an object on the server's side, whatever its size.
	Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error
	// Open opens an object for reading at any offset. ErrNotStored when it is not there.
	Open(ctx context.Context, bucket, key string) (Object, error)
	// List yields every object of the bucket, in order of key, until the consumer stops or an error is yielded.
	List(ctx context.Context, bucket string) iter.Seq2[ObjectInfo, error]
	// Remove removes one object with all its versions. Absent is success.
	Remove(ctx context.Context, bucket, key string) error
	// Empty removes all there is in a bucket: objects, old versions, delete markers, unfinished uploads. A bucket that
	// is not there is empty.
	Empty(ctx context.Context, bucket string) error
	// Residue counts what is left in a bucket, old versions and unfinished uploads included; ErrNotStored when
	// the bucket itself is gone. It is the proof that Empty did its work.
	Residue(ctx context.Context, bucket string) (int, error)
	// RemoveBucket removes an empty bucket. Absent is success.
	RemoveBucket(ctx context.Context, bucket string) error
	// SetEnd tells the bucket to empty itself at the first midnight UTC not before end: clean-up for the day nobody is
	// left to do it, never the end itself. It reads the rule back. ErrUnsupported where the store has no such rule.
	SetEnd(ctx context.Context, bucket string, end time.Time) error
	// End reads the date that SetEnd left. The zero time means that there is none.
	End(ctx context.Context, bucket string) (time.Time, error)
}

// An Object is one stored body, open for reading. ReadAt may be called from several goroutines. Reads that follow one
// another through Range reuse one stream.
type Object interface {
	io.ReaderAt
	io.Closer
	// Size is the number of stored bytes.
	Size() int64
	// Range streams n bytes from offset, with one request to the store. The caller closes it; cancelling ctx ends it.
	Range(ctx context.Context, offset, n int64) (io.ReadCloser, error)
}

// ObjectInfo is one entry of a bucket's listing.
type ObjectInfo struct {
	Key      string
	Size     int64
	Modified time.Time
}
