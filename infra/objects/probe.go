package objects

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"sluice/delivery"
)

// A Finding is one thing that Probe looked at.
type Finding struct {
	Name   string // what was looked at, a sentence that is true when OK
	OK     bool
	Detail string // what was seen
	Do     string // what to do about it; beside OK it is a remark
}

// The findings that decide whether the store may hold data at all: opening a delivery must be refused while one of
// these is not OK.
const (
	RefusesUnsigned = "the store refuses to write without a signature"
	RefusesForged   = "the store refuses to write with a forged signature"
	ClocksAgree     = "the store's clock agrees with ours"
)

// maxSkew is how far the store's clock may be from ours. Signatures allow 15 minutes; lifecycle rules and listings
// are only to be believed with far less.
const maxSkew = 30 * time.Second

// Probe tries out what Sluice needs of the directory, in a bucket of its own that it removes again.
func (d *Dir) Probe(ctx context.Context, _ func() time.Time) []Finding {
	p := &probe{ctx: ctx, store: d, bucket: randomName("sluice-probe-")}
	p.all(nil)
	return p.findings
}

// Probe tries out what Sluice needs of the server, in a bucket of its own that it removes again. now is our clock.
func (s *S3) Probe(ctx context.Context, now func() time.Time) []Finding {
	p := &probe{ctx: ctx, store: s, bucket: randomName("sluice-probe-")}
	p.transport(s)
	if p.answers(s, now) {
		p.all(func() {
			p.intruders(s, now)
		})
	}
	return p.findings
}

// A probe is one run.
type probe struct {
	ctx      context.Context
	store    delivery.Store
	bucket   string
	findings []Finding
}

// note adds a finding and returns whether it is good.
func (p *probe) note(name string, err error, do string) bool {
	f := Finding{Name: name, OK: err == nil}
	if err != nil {
		f.Detail, f.Do = err.Error(), do
	}
	p.findings = append(p.findings, f)
	return err == nil
}

const probeKey = "PROBE"

// all makes a bucket and tries everything in it; inside runs while there is an object.
func (p *probe) all(inside func()) {
	body := make([]byte, 100_000)
	rand.Read(body)
	if !p.note("a bucket can be made", p.store.MakeBucket(p.ctx, p.bucket),
		"check address, region and credentials, and that the key may make buckets under the prefix") {
		return
	}
	defer p.leave()
	put := func() error {
		return p.store.Put(p.ctx, p.bucket, probeKey, bytes.NewReader(body), int64(len(body)))
	}
	if !p.note("an object can be written", put(), "check that the key may write, and that the disk is not full") {
		return
	}
	p.note("what was written can be read, whole and in part", p.read(body), "check that the key may read")
	p.note("what is there is not overwritten", p.refused(put()), "use a store that honours If-None-Match, or give Sluice a store of its own")
	p.note("it is listed", p.listed(), "check that the key may list")
	p.note("it can be copied by the store itself", p.store.Copy(p.ctx, p.bucket, probeKey, p.bucket, probeKey+"2"),
		"check that the key may copy, and the store's limit for copies")
	p.end()
	if inside != nil {
		inside()
	}
}

func (p *probe) read(want []byte) error {
	obj, err := p.store.Open(p.ctx, p.bucket, probeKey)
	if err != nil {
		return err
	}
	defer obj.Close()
	for _, r := range [][2]int{{0, len(want)}, {65_500, 100}} {
		stream, err := obj.Range(p.ctx, int64(r[0]), int64(r[1]))
		if err != nil {
			return err
		}
		got, err := io.ReadAll(stream)
		stream.Close()
		if err != nil {
			return err
		}
		if !bytes.Equal(got, want[r[0]:r[0]+r[1]]) {
			return errors.New("the store gave back other bytes than it was given")
		}
	}
	return nil
}

func (p *probe) refused(err error) error {
	switch {
	case errors.Is(err, delivery.ErrAlreadyStored):
		return nil
	case err == nil:
		return errors.New("a second write under the same key was taken")
	}
	return err
}

func (p *probe) listed() error {
	n := 0
	for info, err := range p.store.List(p.ctx, p.bucket) {
		if err != nil {
			return err
		}
		if info.Key == probeKey {
			n++
		}
	}
	if n != 1 {
		return fmt.Errorf("the object is listed %d times", n)
	}
	return nil
}

// end looks for the bucket's own end. A store without one is good enough, but it has to be known.
func (p *probe) end() {
	err := p.store.SetEnd(p.ctx, p.bucket, time.Date(2099, 12, 31, 0, 0, 0, 0, time.UTC))
	if !errors.Is(err, delivery.ErrUnsupported) {
		p.note("a bucket empties itself after its end, should nobody do so before", err, "check that the key may set lifecycle rules")
		return
	}
	p.findings = append(p.findings, Finding{
		Name: "buckets are emptied by Sluice alone", OK: true,
		Detail: "this store has no rule that empties a bucket at a date",
		Do:     "should Sluice be given up, remember to empty the buckets of ended deliveries by hand",
	})
}

// leave removes the bucket, also when ctx has ended, and proves that it is gone.
func (p *probe) leave() {
	ctx, cancel := afterwards(p.ctx)
	defer cancel()
	empty := func() error {
		if err := p.store.Empty(ctx, p.bucket); err != nil {
			return err
		}
		if n, err := p.store.Residue(ctx, p.bucket); err != nil || n != 0 {
			return fmt.Errorf("%d objects are left (%v)", n, err)
		}
		return nil
	}
	p.note("a bucket can be emptied", empty(), "check that the key may delete, old versions too, and that no object lock is set")
	gone := func() error {
		if err := p.store.RemoveBucket(ctx, p.bucket); err != nil {
			return err
		}
		if _, err := p.store.Residue(ctx, p.bucket); !errors.Is(err, delivery.ErrNotStored) {
			return fmt.Errorf("the bucket is still there (%v)", err)
		}
		return nil
	}
	p.note("a bucket can be removed", gone(), "remove the bucket "+p.bucket+" by hand")
}

// transport remarks on a connection that others can read.
func (p *probe) transport(s *S3) {
	host := s.endpoint.Hostname()
	if s.endpoint.Scheme == "https" || host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1" {
		return
	}
	p.findings = append(p.findings, Finding{
		Name: "the store is reached without TLS", OK: true,
		Detail: "who listens on the way sees sizes, times and bucket names; contents are sealed",
		Do:     "use https:// unless the network between is yours alone",
	})
}

// answers says whether there is anybody to try things out with: while the store is away, every other finding would be the
// same error with advice about something else. It compares the server's clock with ours; the answer was made some time
// between asking and now.
func (p *probe) answers(s *S3, now func() time.Time) bool {
	asked := now()
	answer, err := s.raw(p.ctx, http.MethodHead, "/", nil, nil, nil)
	if err == nil && answer.StatusCode >= http.StatusInternalServerError && answer.StatusCode != http.StatusNotImplemented {
		err = fmt.Errorf("it answers with %s", answer.Status)
	}
	if err != nil {
		return p.note("the store answers", err, "check the address, that the store runs, and its certificate; what else it can do was not looked at")
	}
	answered := now()
	date, err := http.ParseTime(answer.Header.Get("Date"))
	if err == nil {
		err = skew(date, asked, answered)
	}
	p.note(ClocksAgree, err, "set both clocks by NTP")
	return true
}

// skew judges a Date header, which has whole seconds, cut off.
func skew(date, asked, answered time.Time) error {
	early, late := asked.Sub(date.Add(time.Second)), date.Sub(answered)
	if by := max(early, late); by > maxSkew {
		return fmt.Errorf("the store says %s, we say %s: %s apart", date.UTC().Format(time.RFC3339),
			answered.UTC().Format(time.RFC3339), by.Round(time.Second))
	}
	return nil
}

// intruders tries to write and read as somebody who has no secret: at best the access key's name, which every
// presigned URL shows.
func (p *probe) intruders(s *S3, now func() time.Time) {
	p.note(RefusesUnsigned, errors.Join(
		s.intrude(p.ctx, http.MethodPut, p.bucket, "INTRUDER1", nil, nil, "intruder"),
		s.intrude(p.ctx, http.MethodGet, p.bucket, probeKey, nil, nil, ""),
	), "close the buckets to the public: remove anonymous rights")
	p.note(RefusesForged, s.forged(p.ctx, p.bucket, now().UTC()),
		"update the store: this version takes writes from everybody who knows the access key's name (for MinIO see "+
			"CVE-2026-41145), or let nobody but Sluice reach its port")
}

// forged sends the forgeries that some server has taken. All name the real access key and none has a real signature.
func (s *S3) forged(ctx context.Context, bucket string, at time.Time) error {
	date, day := at.Format("20060102T150405Z"), at.Format("20060102")
	scope := s.config.AccessKey + "/" + day + "/" + s.config.Region + "/s3/aws4_request"
	signature := strings.Repeat("0", 64)
	inHeader := "AWS4-HMAC-SHA256 Credential=" + scope + ", SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=" + signature
	inQuery := url.Values{"X-Amz-Algorithm": {"AWS4-HMAC-SHA256"}, "X-Amz-Credential": {scope}, "X-Amz-Date": {date},
		"X-Amz-Expires": {"300"}, "X-Amz-SignedHeaders": {"host"}, "X-Amz-Signature": {signature}}
	// A streamed body, with all that belongs to it: a forgery refused for its bad form would prove nothing.
	chunked := "8\r\nintruder\r\n0\r\nx-amz-checksum-crc32c:" + checksum([]byte("intruder")) + "\r\n\r\n"
	streamed := http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "X-Amz-Trailer": {"x-amz-checksum-crc32c"},
		"X-Amz-Decoded-Content-Length": {"8"}, "Content-Encoding": {"aws-chunked"}, "X-Amz-Date": {date}}
	plain := http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}, "X-Amz-Date": {date}}
	with := func(h http.Header, name, value string) http.Header {
		h = h.Clone()
		h.Set(name, value)
		return h
	}
	return errors.Join(
		s.intrude(ctx, http.MethodPut, bucket, "INTRUDER2", nil, with(plain, "Authorization", inHeader), "intruder"),
		s.intrude(ctx, http.MethodPut, bucket, "INTRUDER3", inQuery, plain, "intruder"),
		s.intrude(ctx, http.MethodPut, bucket, "INTRUDER4", nil, with(streamed, "Authorization", inHeader), chunked),
		s.intrude(ctx, http.MethodPut, bucket, "INTRUDER5", inQuery, streamed, chunked),
		s.intrude(ctx, http.MethodPut, bucket, "INTRUDER6", nil, streamed, chunked),
		s.intrude(ctx, http.MethodGet, bucket, probeKey, inQuery, nil, ""),
	)
}

// intrude sends a request that must be refused. A refusal is an answer of 400 and above that left nothing behind.
func (s *S3) intrude(ctx context.Context, method, bucket, key string, query url.Values, header http.Header, body string) error {
	answer, err := s.raw(ctx, method, "/"+s.real(bucket)+"/"+key, query, header, strings.NewReader(body))
	if err != nil {
		return fmt.Errorf("it could not be tried: %w", err)
	}
	switch {
	case answer.StatusCode < 400:
		return fmt.Errorf("%s %s was answered with %s, must be refused", method, key, answer.Status)
	case answer.StatusCode >= 500:
		return fmt.Errorf("%s %s was answered with %s: not known whether it is refused", method, key, answer.Status)
	case method == http.MethodGet:
		return nil
	}
	obj, err := s.Open(ctx, bucket, key)
	if err == nil {
		obj.Close()
		return fmt.Errorf("%s %s was answered with %s, and is stored all the same", method, key, answer.Status)
	}
	if !errors.Is(err, delivery.ErrNotStored) {
		return err
	}
	return nil
}

// raw sends a request just as it is, over the store's own connections, and throws the body of the answer away.
func (s *S3) raw(ctx context.Context, method, path string, query url.Values, header http.Header, body io.Reader) (*http.Response, error) {
	u := *s.endpoint
	u.Path, u.RawQuery = path, query.Encode()
	request, err := http.NewRequestWithContext(ctx, method, u.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range header {
		request.Header[name] = values
	}
	answer, err := s.transport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 1<<20))
	return answer, nil
}
