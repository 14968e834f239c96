package objects

import (
	"context"
	"errors"
	"fmt"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"
)

// Copy copies on the server's side: in one request up to CopyPart bytes, else part by part, since S3 refuses to copy
// more than 5 GiB at once.
func (s *S3) Copy(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	if err := errors.Join(s.checkNames(fromBucket, fromKey), s.checkNames(toBucket, toKey), ctx.Err()); err != nil {
		return err
	}
	from, err := s.core.StatObject(ctx, s.real(fromBucket), fromKey, minio.StatObjectOptions{})
	if err != nil {
		return failed("copy", fromBucket, fromKey, err)
	}
	if err := s.refuseExisting(ctx, "copy to", toBucket, toKey); err != nil {
		return err
	}
	spans := copySpans(from.Size, s.config.CopyPart)
	if len(spans) == 1 {
		return s.copyWhole(ctx, fromBucket, fromKey, toBucket, toKey)
	}
	return s.copyParts(ctx, fromBucket, fromKey, toBucket, toKey, from.ETag, spans)
}

// A span is a piece of an object.
type span struct{ offset, length int64 }

// copySpans divides size bytes into pieces of part bytes, and the rest. Larger ones where 10,000 would not hold all of
// it; since no object is over 5 TiB, they are never near the 5 GiB that one request may copy.
func copySpans(size, part int64) []span {
	each := partSize(part, size, 1)
	spans := []span{{0, min(each, size)}}
	for at := each; at < size; at += each {
		spans = append(spans, span{at, min(each, size-at)})
	}
	return spans
}

func (s *S3) copyWhole(ctx context.Context, fromBucket, fromKey, toBucket, toKey string) error {
	var done minio.ObjectInfo
	err := s.whenNew(func(o minio.PutObjectOptions) (err error) {
		// Some servers ignore the condition on a copy, for which refuseExisting has asked.
		condition := map[string]string{}
		if header := o.Header().Get("If-None-Match"); header != "" {
			condition["If-None-Match"] = header
		}
		done, err = s.core.CopyObject(ctx, s.real(fromBucket), fromKey, s.real(toBucket), toKey,
			condition, minio.CopySrcOptions{}, minio.PutObjectOptions{})
		return err
	})
	if err != nil {
		return failed("copy to", toBucket, toKey, err)
	}
	return wantETag("copy to", toBucket, toKey, done.ETag)
}

// wantETag notices a copy that failed after the server had answered 200, as S3 may: the answer then holds no ETag.
func wantETag(op, bucket, key, etag string) error {
	if etag == "" {
		return fmt.Errorf("%s %s/%s: the store broke off the copy", op, bucket, key)
	}
	return nil
}

func (s *S3) copyParts(ctx context.Context, fromBucket, fromKey, toBucket, toKey, etag string, spans []span) error {
	upload, err := s.newUpload(ctx, "copy to", toBucket, toKey, "")
	if err != nil {
		return err
	}
	copying, copyCtx := errgroup.WithContext(ctx)
	copying.SetLimit(s.config.Uploads)
	for i, span := range spans {
		copying.Go(func() error {
			// All parts must come from one and the same source, whatever happens to it meanwhile.
			same := map[string]string{"x-amz-copy-source-if-match": etag}
			done, err := s.core.CopyObjectPart(copyCtx, s.real(fromBucket), fromKey, s.real(toBucket), toKey,
				upload.id, i+1, span.offset, span.length, same)
			if err == nil {
				err = wantETag("copy to", toBucket, toKey, done.ETag)
			}
			if err != nil {
				return err
			}
			upload.add(done)
			return nil
		})
	}
	if err := copying.Wait(); err != nil {
		return upload.abandon(ctx, err)
	}
	return upload.complete(ctx)
}
