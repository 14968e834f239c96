// Package objects keeps sealed bodies in buckets: the stores that delivery works with.
//
//   - [NewS3] speaks to MinIO, versitygw, AWS and others that speak S3: production.
//   - [NewDir] keeps a bucket as a directory: trying out, and small sites on one machine or one shared disk.
//   - [NewMemory] keeps everything in memory: tests. [NewFaulty] wraps any store and lets chosen calls fail.
//
// All meet delivery.Store, and the suite in objectstest states its contract sentence by sentence over each of them.
package objects

import (
	"crypto/rand"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Keys are random ids (see delivery.Store). The pattern is narrow on purpose, and one for all stores: no slash, so a
// key can never climb out of a directory; no leading dot, where the directory store keeps what is not finished.
var (
	keyPattern    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	bucketPattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
)

func checkBucket(bucket string) error {
	if !bucketPattern.MatchString(bucket) {
		return fmt.Errorf("%q is no name for a bucket: 3 to 63 lower-case letters, digits and hyphens", bucket)
	}
	return nil
}

func checkNames(bucket, key string) error {
	if err := checkBucket(bucket); err != nil {
		return err
	}
	if !keyPattern.MatchString(key) {
		return fmt.Errorf("%q is no key for an object: letters, digits, dots, hyphens and underscores, at most 128", key)
	}
	return nil
}

// checkRange refuses what lies outside the object. A range cut short without a word would be taken for the whole.
func checkRange(offset, n, size int64) error {
	if offset < 0 || n < 0 || offset > size || n > size-offset {
		return fmt.Errorf("bytes %d+%d lie outside an object of %d bytes", offset, n, size)
	}
	return nil
}

// endDate is the first midnight UTC not before end. Rounded up, never down: a rule that fires early destroys data
// that somebody may still read.
func endDate(end time.Time) time.Time {
	day := end.UTC().Truncate(24 * time.Hour)
	if day.Before(end) {
		day = day.Add(24 * time.Hour)
	}
	return day
}

// randomName makes a name that was never used before.
func randomName(prefix string) string {
	return prefix + strings.ToLower(rand.Text()[:10])
}

// exact hands on a body of exactly size bytes. The last bytes are held back until the end of the body was seen:
// otherwise a store has taken a body as complete before anybody notices that it goes on.
type exact struct {
	body io.Reader
	read int64
	size int64 // -1: not known, everything is handed on
}

func (e *exact) Read(p []byte) (int, error) {
	if e.size < 0 {
		return e.body.Read(p)
	}
	left := e.size - e.read
	if int64(len(p)) > left {
		p = p[:left]
	}
	n, err := 0, error(nil)
	if left > 0 {
		n, err = e.body.Read(p)
	}
	e.read += int64(n)
	switch {
	case e.read < e.size && err == io.EOF:
		return n, fmt.Errorf("the body ended after %d of %d bytes: %w", e.read, e.size, io.ErrUnexpectedEOF)
	case e.read < e.size || (err != nil && err != io.EOF):
		return n, err
	}
	if err == nil {
		err = atEnd(e.body)
	}
	if err != io.EOF {
		return 0, err
	}
	return n, io.EOF
}

// atEnd returns io.EOF when nothing follows.
func atEnd(r io.Reader) error {
	var one [1]byte
	for range 100 {
		n, err := r.Read(one[:])
		if n > 0 {
			return errTooLong
		}
		if err != nil {
			return err
		}
	}
	return io.ErrNoProgress
}

var errTooLong = fmt.Errorf("the body is longer than announced")

// fill reads until buf is full or the body has ended (io.EOF, with the bytes before it counted).
func fill(r io.Reader, buf []byte) (int, error) {
	n := 0
	for n < len(buf) {
		m, err := r.Read(buf[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}
