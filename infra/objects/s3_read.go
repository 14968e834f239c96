package objects

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/minio/minio-go/v7"

	"sluice/delivery"
)

// Open asks for the object's size. Reading begins with Range or ReadAt.
func (s *S3) Open(ctx context.Context, bucket, key string) (delivery.Object, error) {
	if err := errors.Join(s.checkNames(bucket, key), ctx.Err()); err != nil {
		return nil, err
	}
	info, err := s.core.StatObject(ctx, s.real(bucket), key, minio.StatObjectOptions{})
	if err != nil {
		return nil, failed("open", bucket, key, err)
	}
	reading, cancel := context.WithCancel(context.WithoutCancel(ctx))
	return &s3Object{s: s, bucket: bucket, key: key, size: info.Size, etag: info.ETag, ctx: reading, cancel: cancel}, nil
}

type s3Object struct {
	s           *S3
	bucket, key string
	size        int64
	etag        string
	// ctx is for ReadAt, which has none of its own; Close ends it. It does not end with Open's, which may be that of
	// a short first step.
	ctx    context.Context
	cancel context.CancelFunc
}

func (o *s3Object) Size() int64 { return o.size }

func (o *s3Object) Close() error {
	o.cancel()
	return nil
}

// Range is one GET.
func (o *s3Object) Range(ctx context.Context, offset, n int64) (io.ReadCloser, error) {
	if err := errors.Join(checkRange(offset, n, o.size), ctx.Err()); err != nil {
		return nil, err
	}
	if n == 0 { // HTTP has no empty range
		return io.NopCloser(ctxReader{ctx, eof{}}), nil
	}
	var o2 minio.GetObjectOptions
	if err := errors.Join(o2.SetRange(offset, offset+n-1), o2.SetMatchETag(o.etag)); err != nil {
		return nil, failed("read", o.bucket, o.key, err)
	}
	body, info, _, err := o.s.core.GetObject(ctx, o.s.real(o.bucket), o.key, o2)
	if err != nil {
		return nil, failed("read", o.bucket, o.key, err)
	}
	if info.Size != n { // the length of the answer: a server that ignores ranges sends the whole
		body.Close()
		return nil, fmt.Errorf("read %s/%s: the store answered with %d bytes for a range of %d", o.bucket, o.key, info.Size, n)
	}
	return &s3Range{ctx: ctx, body: body, left: n, what: o.bucket + "/" + o.key}, nil
}

type eof struct{}

func (eof) Read([]byte) (int, error) { return 0, io.EOF }

// s3Range is the body of one answer.
type s3Range struct {
	ctx  context.Context
	body io.ReadCloser
	left int64
	what string
}

// Read never takes a broken connection for the end.
func (r *s3Range) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.left -= int64(n)
	switch {
	case err == nil:
		return n, nil
	case err == io.EOF && r.left == 0:
		return n, io.EOF
	case r.ctx.Err() != nil:
		err = r.ctx.Err()
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return n, fmt.Errorf("read %s: %w", r.what, err)
}

// Close ends the stream. One that was not read to its end takes its connection along.
func (r *s3Range) Close() error { return r.body.Close() }

// ReadAt is one GET a call: good for a header here and there. What is read in sequence belongs into one Range.
func (o *s3Object) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, checkRange(offset, 0, o.size)
	}
	n := min(int64(len(p)), max(o.size-offset, 0))
	var short error
	if n < int64(len(p)) {
		short = io.EOF
	}
	if n == 0 {
		return 0, short
	}
	stream, err := o.Range(o.ctx, offset, n)
	if err != nil {
		return 0, err
	}
	defer stream.Close()
	read, err := io.ReadFull(stream, p[:n])
	if err == nil {
		err = short
	}
	return read, err
}
