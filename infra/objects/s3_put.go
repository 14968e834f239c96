package objects

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"slices"
	"sync"

	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"sluice/delivery"
)

// Put reads the body into buffers of one part each and sends these: one as a whole object, several as a multipart
// upload, a few at a time. A buffered part can be sent again after a passing fault; a stream could not.
//
// The signature does not cover the body (UNSIGNED-PAYLOAD), which would cost a SHA-256 pass: TLS protects it on the
// way, a CRC-32C of each part goes with it, and a sealed body shows every change when it is opened.
func (s *S3) Put(ctx context.Context, bucket, key string, body io.Reader, size int64) error {
	if err := errors.Join(s.checkNames(bucket, key), ctx.Err()); err != nil {
		return err
	}
	if size > maxSize {
		return fmt.Errorf("put %s/%s: %d bytes are more than S3 takes, %d", bucket, key, size, int64(maxSize))
	}
	if err := s.refuseExisting(ctx, "put", bucket, key); err != nil {
		return err
	}
	source := &exact{body: ctxReader{ctx, body}, size: size}
	first, err := s.readPart(ctx, source, 1)
	if err != nil {
		return fmt.Errorf("put %s/%s: %w", bucket, key, err)
	}
	if first.last {
		defer first.drop()
		return s.putWhole(ctx, bucket, key, first)
	}
	return s.putParts(ctx, bucket, key, source, first)
}

// refuseExisting asks before sending gigabytes in vain, and for the servers that ignore the condition sent with them.
func (s *S3) refuseExisting(ctx context.Context, op, bucket, key string) error {
	_, err := s.core.StatObject(ctx, s.real(bucket), key, minio.StatObjectOptions{})
	if err == nil {
		return fmt.Errorf("%s %s/%s: %w", op, bucket, key, delivery.ErrAlreadyStored)
	}
	// Without a body in the answer to a HEAD, an absent bucket looks like an absent key: the write itself will tell.
	if err := failed(op, bucket, key, err); !errors.Is(err, delivery.ErrNotStored) {
		return err
	}
	return nil
}

// whenNew does a write on the condition that the key is not there yet. A server that does not know the condition is
// asked no second time: refuseExisting has looked, and that has to do.
func (s *S3) whenNew(write func(o minio.PutObjectOptions) error) error {
	o := minio.PutObjectOptions{DisableContentSha256: true}
	if s.unconditional.Load() {
		return write(o)
	}
	conditional := o
	conditional.SetMatchETagExcept("*")
	err := write(conditional)
	if minio.ToErrorResponse(err).Code == minio.NotImplemented {
		s.unconditional.Store(true)
		return write(o)
	}
	return err
}

func (s *S3) putWhole(ctx context.Context, bucket, key string, p *part) error {
	err := s.whenNew(func(o minio.PutObjectOptions) error {
		o.UserMetadata = map[string]string{checksumHeader: checksum(p.body)}
		_, err := s.core.PutObject(p.context(ctx), s.real(bucket), key, bytes.NewReader(p.body), int64(len(p.body)), "", "", o)
		return err
	})
	if err != nil {
		return failed("put", bucket, key, err)
	}
	return nil
}

const checksumHeader = "X-Amz-Checksum-Crc32c"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(body []byte) string {
	return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.Checksum(body, castagnoli)))
}

// putParts sends the parts and makes them one object. Nothing is readable under the key before the last step; when
// anything fails, what was sent is thrown away.
func (s *S3) putParts(ctx context.Context, bucket, key string, source *exact, first *part) error {
	upload, err := s.newUpload(ctx, "put", bucket, key, "CRC32C")
	if err != nil {
		first.drop()
		return err
	}
	sending, sendCtx := errgroup.WithContext(ctx)
	sending.SetLimit(s.config.Uploads)
	reading := s.readParts(sendCtx, source, first, func(p *part) {
		sending.Go(func() error {
			defer p.drop()
			return upload.send(sendCtx, p)
		})
	})
	// A part that could not be sent cancels the reading: its own error is the one that says why.
	if err := sending.Wait(); err != nil {
		return upload.abandon(ctx, err)
	}
	if reading != nil {
		return upload.abandon(ctx, reading)
	}
	return upload.complete(ctx)
}

// readParts hands all parts of the body to send, which releases them.
func (s *S3) readParts(ctx context.Context, source *exact, p *part, send func(*part)) error {
	for {
		last, n := p.last, p.number
		send(p)
		if last {
			return nil
		}
		if n == maxParts {
			return fmt.Errorf("the body is larger than S3 takes")
		}
		var err error
		if p, err = s.readPart(ctx, source, n+1); err != nil {
			return err
		}
		if p.last && len(p.body) == 0 { // the body ended with the part before
			p.drop()
			return nil
		}
	}
}

// An upload is a multipart upload under way.
type upload struct {
	s               *S3
	op, bucket, key string
	id              string
	mu              sync.Mutex
	parts           []minio.CompletePart
}

// newUpload begins a multipart upload. algorithm names the checksum that will come with the parts; "" is none.
func (s *S3) newUpload(ctx context.Context, op, bucket, key, algorithm string) (*upload, error) {
	o := minio.PutObjectOptions{}
	if algorithm != "" {
		o.UserMetadata = map[string]string{"x-amz-checksum-algorithm": algorithm}
	}
	id, err := s.core.NewMultipartUpload(ctx, s.real(bucket), key, o)
	if err != nil {
		return nil, failed(op, bucket, key, err)
	}
	return &upload{s: s, op: op, bucket: bucket, key: key, id: id}, nil
}

func (u *upload) send(ctx context.Context, p *part) error {
	sum := checksum(p.body)
	o := minio.PutObjectPartOptions{DisableContentSha256: true, CustomHeader: http.Header{checksumHeader: {sum}}}
	sent, err := u.s.core.PutObjectPart(p.context(ctx), u.s.real(u.bucket), u.key, u.id, p.number,
		bytes.NewReader(p.body), int64(len(p.body)), o)
	if err != nil {
		return err
	}
	u.add(minio.CompletePart{PartNumber: p.number, ETag: sent.ETag, ChecksumCRC32C: sum})
	return nil
}

func (u *upload) add(p minio.CompletePart) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.parts = append(u.parts, p)
}

// complete makes the parts one object, on the condition that the key is still free.
func (u *upload) complete(ctx context.Context) error {
	slices.SortFunc(u.parts, func(a, b minio.CompletePart) int { return a.PartNumber - b.PartNumber })
	err := u.s.whenNew(func(o minio.PutObjectOptions) error {
		_, err := u.s.core.CompleteMultipartUpload(ctx, u.s.real(u.bucket), u.key, u.id, u.parts, o)
		return err
	})
	if err == nil {
		return nil
	}
	// The request may have been sent twice, the first answer lost: then the upload is gone and the object there.
	if minio.ToErrorResponse(err).Code == minio.NoSuchUpload {
		if there := u.s.refuseExisting(ctx, u.op, u.bucket, u.key); there != nil {
			return there
		}
	}
	return u.abandon(ctx, err)
}

// abandon throws away what was sent, also when ctx is what ended it, and returns why.
func (u *upload) abandon(ctx context.Context, why error) error {
	tidy, cancel := afterwards(ctx)
	defer cancel()
	err := failed(u.op, u.bucket, u.key, why)
	aborting := u.s.core.AbortMultipartUpload(tidy, u.s.real(u.bucket), u.key, u.id)
	switch code := minio.ToErrorResponse(aborting).Code; {
	case aborting == nil, code == minio.NoSuchUpload, code == minio.NoSuchBucket:
		return err
	}
	return fmt.Errorf("%w (and its parts could not be thrown away: %v)", err, aborting)
}
