package objects

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/semaphore"

	"sluice/delivery"
)

var _ delivery.Store = (*S3)(nil)

// S3 is a store that speaks S3: MinIO, versitygw, AWS and their like.
//
// What it needs of the server is the common core: signature version 4, ranges, listing, multipart uploads, copies of
// whole objects and of parts. Old versions, lifecycle rules and conditional writes (If-None-Match) are used where
// they are. Where a server ignores the condition, two Puts of one key at the same moment are not told apart.
type S3 struct {
	config    Config
	core      minio.Core
	transport *http.Transport
	endpoint  *url.URL
	memory    *semaphore.Weighted
	buffers   sync.Pool // of *[]byte, PartSize long
	// unconditional is set when the server said that it does not know If-None-Match.
	unconditional atomic.Bool
}

// NewS3 makes a store from its configuration. It does not speak to the server yet; Probe does.
func NewS3(config Config) (*S3, error) {
	if err := config.Check(); err != nil {
		return nil, err
	}
	config = config.withDefaults()
	endpoint, err := url.Parse(config.Endpoint)
	if err != nil {
		return nil, err
	}
	transport, err := config.transport()
	if err != nil {
		return nil, err
	}
	lookup := minio.BucketLookupPath
	if config.HostStyle {
		lookup = minio.BucketLookupDNS
	}
	client, err := minio.New(endpoint.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(config.AccessKey, string(config.SecretKey), ""),
		Secure:       endpoint.Scheme == "https",
		Transport:    partTransport{transport},
		Region:       config.Region,
		BucketLookup: lookup,
		MaxRetries:   config.Attempts,
	})
	if err != nil {
		return nil, fmt.Errorf("store at %s: %w", config.Endpoint, err)
	}
	return &S3{
		config: config, core: minio.Core{Client: client}, transport: transport, endpoint: endpoint,
		memory: semaphore.NewWeighted(config.Memory),
	}, nil
}

// String is the configuration without its secret.
func (s *S3) String() string { return s.config.String() }

// GoString is String: %#v shall not show the secret either.
func (s *S3) GoString() string { return s.String() }

// Close lets go of idle connections.
func (s *S3) Close() error {
	s.transport.CloseIdleConnections()
	return nil
}

// real is the bucket's name at the server.
func (s *S3) real(bucket string) string { return s.config.Prefix + bucket }

func (s *S3) checkBucket(bucket string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	return checkBucket(s.real(bucket))
}

func (s *S3) checkNames(bucket, key string) error {
	return errors.Join(s.checkBucket(bucket), checkNames(bucket, key))
}

// failed wraps the server's answer. Everything that is not plainly one of delivery's sentinels stays an unknown:
// taking another 404, such as that of a lost upload, for "not there" would make callers believe a removal.
func failed(op, bucket, key string, err error) error {
	what := bucket
	if key != "" {
		what += "/" + key
	}
	answer := minio.ToErrorResponse(err)
	switch answer.Code {
	case minio.NoSuchBucket, minio.NoSuchKey, "NotFound", minio.NoSuchVersion:
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrNotStored)
	case minio.BucketAlreadyExists, minio.BucketAlreadyOwnedByYou, minio.PreconditionFailed:
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrAlreadyStored)
	case minio.NotImplemented, minio.APINotSupported, minio.MethodNotAllowed:
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrUnsupported)
	}
	if answer.StatusCode == http.StatusPreconditionFailed {
		return fmt.Errorf("%s %s: %w", op, what, delivery.ErrAlreadyStored)
	}
	return fmt.Errorf("%s %s: %w", op, what, err)
}

// MakeBucket makes a private bucket.
func (s *S3) MakeBucket(ctx context.Context, bucket string) error {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	// AWS answers in some regions that it has made a bucket that was there already, so ask first.
	there, err := s.core.BucketExists(ctx, s.real(bucket))
	if err != nil {
		return failed("make bucket", bucket, "", err)
	}
	if there {
		return fmt.Errorf("make bucket %s: %w", bucket, delivery.ErrAlreadyStored)
	}
	if err := s.core.MakeBucket(ctx, s.real(bucket), minio.MakeBucketOptions{Region: s.config.Region}); err != nil {
		return failed("make bucket", bucket, "", err)
	}
	return nil
}

// List yields the bucket's objects in order of key, a page of 1,000 at a time.
func (s *S3) List(ctx context.Context, bucket string) iter.Seq2[delivery.ObjectInfo, error] {
	return func(yield func(delivery.ObjectInfo, error) bool) {
		for info, err := range s.listing(ctx, bucket, minio.ListObjectsOptions{Recursive: true}) {
			if err != nil {
				yield(delivery.ObjectInfo{}, err)
				return
			}
			if !yield(delivery.ObjectInfo{Key: info.Key, Size: info.Size, Modified: info.LastModified}, nil) {
				return
			}
		}
	}
}

// listing is minio's, with an error at the end when it was cut short: minio's stops without a word when cancelled,
// and what was not listed would be taken for not there.
func (s *S3) listing(ctx context.Context, bucket string, o minio.ListObjectsOptions) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		if err := s.checkBucket(bucket); err != nil {
			yield(minio.ObjectInfo{}, err)
			return
		}
		for info := range s.core.ListObjectsIter(ctx, s.real(bucket), o) {
			if err := ctx.Err(); err != nil {
				break
			}
			if info.Err != nil {
				yield(minio.ObjectInfo{}, failed("list", bucket, "", info.Err))
				return
			}
			if !yield(info, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(minio.ObjectInfo{}, fmt.Errorf("list %s: %w", bucket, err))
		}
	}
}
