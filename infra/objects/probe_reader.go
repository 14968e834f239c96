package objects

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/minio/minio-go/v7"

	"sluice/delivery"
)

// ReadsOnly is the finding that the key of a process that serves can do no harm to what is stored.
const ReadsOnly = "the key of the store can read and not write"

// ProbeReader tries out the key of a process that only serves: it must read what is in the archive's bucket, and neither
// make a bucket nor write. What it could make it removes again. now is our clock.
func (s *S3) ProbeReader(ctx context.Context, now func() time.Time, archive string) []Finding {
	p := &probe{ctx: ctx, store: s, bucket: randomName("sluice-probe-")}
	p.transport(s)
	if p.answers(s, now) {
		p.reads(archive)
		p.writesNot(archive)
	}
	return p.findings
}

// reads opens the first object of the archive. Before the first import there is none, and nothing can be said.
func (p *probe) reads(archive string) {
	const name = "what is in the archive can be read"
	for info, err := range p.store.List(p.ctx, archive) {
		if errors.Is(err, delivery.ErrNotStored) {
			break
		}
		if err == nil {
			err = p.opens(archive, info)
		}
		p.note(name, err, "check address and key; a key that serves may list and read (infra/deploy/store/serve.json)")
		return
	}
	p.findings = append(p.findings, Finding{Name: "the archive has nothing in it yet", OK: true,
		Do: "ask again after the first import: only then can it be seen whether this key reads it"})
}

func (p *probe) opens(bucket string, info delivery.ObjectInfo) error {
	obj, err := p.store.Open(p.ctx, bucket, info.Key)
	if err != nil {
		return err
	}
	defer obj.Close()
	stream, err := obj.Range(p.ctx, 0, min(info.Size, 1))
	if err != nil {
		return err
	}
	return stream.Close()
}

func (p *probe) writesNot(archive string) {
	const narrower = "give the process that serves a key of its own that only reads (infra/deploy/store/serve.json)"
	err := p.store.MakeBucket(p.ctx, p.bucket)
	if err == nil {
		err = errors.New("it may make buckets")
		p.leaveQuietly()
	} else if denied(err) {
		key, body := randomName("probe"), []byte("probe")
		if err = p.store.Put(p.ctx, archive, key, bytes.NewReader(body), int64(len(body))); err == nil {
			err = errors.Join(errors.New("it may write into the archive"), p.store.Remove(p.ctx, archive, key))
		} else if denied(err) || errors.Is(err, delivery.ErrNotStored) {
			err = nil
		}
	}
	p.note(ReadsOnly, err, narrower)
}

// leaveQuietly removes a bucket that should not have come to be.
func (p *probe) leaveQuietly() {
	ctx, cancel := afterwards(p.ctx)
	defer cancel()
	p.note("the bucket that it made is removed", p.store.RemoveBucket(ctx, p.bucket), "remove the bucket "+p.bucket+" by hand")
}

// denied says that the store knows who asks, and does not let him.
func denied(err error) bool {
	var answer minio.ErrorResponse
	return errors.As(err, &answer) && answer.StatusCode == http.StatusForbidden && answer.Code == minio.AccessDenied
}
