package objects

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/lifecycle"

	"sluice/delivery"
)

// versions yields every version and delete marker whose key begins with prefix. A server without versions has the
// objects themselves.
func (s *S3) versions(ctx context.Context, bucket, prefix string) iter.Seq2[minio.ObjectInfo, error] {
	return func(yield func(minio.ObjectInfo, error) bool) {
		var last *minio.ObjectInfo
		for info, err := range s.listing(ctx, bucket, minio.ListObjectsOptions{Recursive: true, WithVersions: true, Prefix: prefix}) {
			if errors.Is(err, delivery.ErrUnsupported) {
				break
			}
			// versitygw begins a page with the entry that ended the one before.
			if last != nil && last.Key == info.Key && last.VersionID == info.VersionID && err == nil {
				continue
			}
			last = &info
			if !yield(info, err) {
				return
			}
		}
		if last != nil {
			return
		}
		// Nothing at all came. Some servers know no versions of a bucket that never had versioning: look at the objects
		// themselves before believing that it is empty.
		for info, err := range s.listing(ctx, bucket, minio.ListObjectsOptions{Recursive: true, Prefix: prefix}) {
			if !yield(info, err) {
				return
			}
		}
	}
}

// uploads yields the unfinished uploads whose key begins with prefix.
//
// MinIO lists those of a whole bucket from memory: after its restart it no longer knows of them unless asked for their
// very key, and throws them away by itself within a day. Remove asks for the key; Empty and Residue cannot.
func (s *S3) uploads(ctx context.Context, bucket, prefix string) iter.Seq2[minio.ObjectMultipartInfo, error] {
	return func(yield func(minio.ObjectMultipartInfo, error) bool) {
		var keyMarker, idMarker string
		for {
			page, err := s.core.ListMultipartUploads(ctx, s.real(bucket), prefix, keyMarker, idMarker, "", 1000)
			if err != nil {
				if err := failed("list uploads of", bucket, "", err); !errors.Is(err, delivery.ErrUnsupported) {
					yield(minio.ObjectMultipartInfo{}, err)
				}
				return
			}
			for _, u := range page.Uploads {
				if !yield(u, nil) {
					return
				}
			}
			// Markers that stay where they were would list the same page for ever.
			if !page.IsTruncated || (page.NextKeyMarker == keyMarker && page.NextUploadIDMarker == idMarker) {
				return
			}
			keyMarker, idMarker = page.NextKeyMarker, page.NextUploadIDMarker
		}
	}
}

// Remove removes an object with its old versions, delete markers and unfinished uploads.
func (s *S3) Remove(ctx context.Context, bucket, key string) error {
	if err := errors.Join(s.checkNames(bucket, key), ctx.Err()); err != nil {
		return err
	}
	same := func(yield func(minio.ObjectInfo, error) bool) {
		for info, err := range s.versions(ctx, bucket, key) {
			if err == nil && info.Key != key { // a longer key with the same beginning
				continue
			}
			if !yield(info, err) {
				return
			}
		}
	}
	err := s.removeVersions(ctx, bucket, same)
	if err == nil {
		err = s.abortUploads(ctx, bucket, key, func(k string) bool { return k == key })
	}
	if errors.Is(err, delivery.ErrNotStored) { // no such bucket
		return nil
	}
	return err
}

// removeVersions removes what the listing yields, in batches.
func (s *S3) removeVersions(ctx context.Context, bucket string, listing iter.Seq2[minio.ObjectInfo, error]) error {
	var listed error
	versions := func(yield func(minio.ObjectInfo) bool) {
		for info, err := range listing {
			if err != nil {
				listed = err
				return
			}
			if !yield(minio.ObjectInfo{Key: info.Key, VersionID: info.VersionID}) {
				return
			}
		}
	}
	results, err := s.core.RemoveObjectsWithIter(ctx, s.real(bucket), versions, minio.RemoveObjectsOptions{})
	if err != nil {
		return failed("empty", bucket, "", err)
	}
	for result := range results {
		if result.Err == nil {
			continue
		}
		if err := gone(failed("remove", bucket, result.ObjectName, result.Err)); err != nil {
			return err
		}
	}
	// minio's stops without a word when cancelled.
	return errors.Join(listed, ctx.Err())
}

// gone forgives what was not there any more.
func gone(err error) error {
	if errors.Is(err, delivery.ErrNotStored) {
		return nil
	}
	return err
}

func (s *S3) abortUploads(ctx context.Context, bucket, prefix string, chosen func(key string) bool) error {
	for u, err := range s.uploads(ctx, bucket, prefix) {
		if err != nil {
			return err
		}
		if !chosen(u.Key) {
			continue
		}
		err := s.core.AbortMultipartUpload(ctx, s.real(bucket), u.Key, u.UploadID)
		if err != nil && minio.ToErrorResponse(err).Code != minio.NoSuchUpload {
			return failed("remove unfinished upload of", bucket, u.Key, err)
		}
	}
	return ctx.Err()
}

// Empty removes everything, and looks again until nothing is left: what somebody else still writes, and what a
// listing that changed under our feet has skipped.
func (s *S3) Empty(ctx context.Context, bucket string) error {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	const rounds = 5
	for range rounds {
		err := s.removeVersions(ctx, bucket, s.versions(ctx, bucket, ""))
		if err == nil {
			err = s.abortUploads(ctx, bucket, "", func(string) bool { return true })
		}
		left := 0
		if err == nil {
			left, err = s.residue(ctx, bucket, 1)
		}
		if errors.Is(err, delivery.ErrNotStored) {
			return nil
		}
		if err != nil || left == 0 {
			return err
		}
	}
	return fmt.Errorf("empty %s: after %d rounds something is still there: does somebody write to it?", bucket, rounds)
}

// Residue counts versions, delete markers and unfinished uploads.
func (s *S3) Residue(ctx context.Context, bucket string) (int, error) {
	return s.residue(ctx, bucket, 0)
}

// residue stops counting at enough, unless that is 0.
func (s *S3) residue(ctx context.Context, bucket string, enough int) (int, error) {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return 0, err
	}
	n := 0
	for _, err := range s.versions(ctx, bucket, "") {
		if err != nil {
			return 0, err
		}
		if n++; n == enough {
			return n, nil
		}
	}
	for _, err := range s.uploads(ctx, bucket, "") {
		if err != nil {
			return 0, err
		}
		n++
	}
	return n, ctx.Err()
}

// RemoveBucket removes an empty bucket.
func (s *S3) RemoveBucket(ctx context.Context, bucket string) error {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	if err := s.core.RemoveBucket(ctx, s.real(bucket)); err != nil {
		return gone(failed("remove bucket", bucket, "", err))
	}
	return nil
}

// The rules of a bucket with an end. The second tidies what the first cannot reach: an object that the first expires
// in a bucket with versions lives on as an old one.
const (
	endRule  = "sluice-end"
	tidyRule = "sluice-tidy"
)

func endRules(end time.Time) *lifecycle.Configuration {
	c := lifecycle.NewConfiguration()
	c.Rules = []lifecycle.Rule{
		{ID: endRule, Status: "Enabled", Expiration: lifecycle.Expiration{Date: lifecycle.ExpirationDate{Time: end}}},
		{ID: tidyRule, Status: "Enabled",
			NoncurrentVersionExpiration: lifecycle.NoncurrentVersionExpiration{NoncurrentDays: 1},
			// A week, since putting terabytes over a slow line takes days.
			AbortIncompleteMultipartUpload: lifecycle.AbortIncompleteMultipartUpload{DaysAfterInitiation: 7}},
	}
	return c
}

// SetEnd gives the bucket a lifecycle rule, in place of all it had, and reads it back.
func (s *S3) SetEnd(ctx context.Context, bucket string, end time.Time) error {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return err
	}
	want := endDate(end)
	if err := s.core.SetBucketLifecycle(ctx, s.real(bucket), endRules(want)); err != nil {
		return failed("set end of", bucket, "", err)
	}
	got, err := s.End(ctx, bucket)
	if err != nil {
		return err
	}
	if !got.Equal(want) {
		return fmt.Errorf("set end of %s: the store was told %v and says %v", bucket, want, got)
	}
	return nil
}

// End reads the date of the rule that SetEnd made. A rule that is switched off or narrowed counts as none.
func (s *S3) End(ctx context.Context, bucket string) (time.Time, error) {
	if err := errors.Join(s.checkBucket(bucket), ctx.Err()); err != nil {
		return time.Time{}, err
	}
	config, err := s.core.GetBucketLifecycle(ctx, s.real(bucket))
	if minio.ToErrorResponse(err).Code == "NoSuchLifecycleConfiguration" {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, failed("end of", bucket, "", err)
	}
	for _, rule := range config.Rules {
		if rule.ID == endRule && rule.Status == "Enabled" && rule.RuleFilter.IsNull() && rule.Prefix == "" {
			return rule.Expiration.Date.Time.UTC(), nil
		}
	}
	return time.Time{}, nil
}
