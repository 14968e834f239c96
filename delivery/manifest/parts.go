package manifest

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"sluice/delivery/crypt4gh"
)

// ErrBody: a body is not the one that the manifest means: something in it is missing, moved, changed or too much.
var ErrBody = errors.New("the stored body is not the one in the manifest")

// ErrPartList: a part list is not the one that the manifest means.
var ErrPartList = errors.New("the list of parts is not the one in the manifest")

// A PartError is an ErrBody that tells which part to fetch again.
type PartError struct {
	Part   int64
	Reason string
}

func (e *PartError) Error() string { return fmt.Sprintf("part %d: %s: %v", e.Part, e.Reason, ErrBody) }

// Unwrap makes errors.Is find ErrBody.
func (e *PartError) Unwrap() error { return ErrBody }

// A PartList has the SHA-256 of each part of a body, crypt4gh.PartSize bytes but for the last one. It is stored as those
// hashes one after the other, nothing before, between or behind them; the root in the manifest proves it.
//
//	part 0 (32) | part 1 (32) | …
type PartList []crypt4gh.Hash

// Encode is the list as it is stored.
func (l PartList) Encode() []byte {
	b := make([]byte, 0, len(l)*sha256.Size)
	for _, h := range l {
		b = append(b, h[:]...)
	}
	return b
}

// DecodeParts reads the part list of f, and refuses with ErrPartList any other.
func DecodeParts(b []byte, f File) (PartList, error) {
	if len(b)%sha256.Size != 0 || int64(len(b)/sha256.Size) != f.Parts {
		return nil, fmt.Errorf("%w: %d bytes for %d parts of %q", ErrPartList, len(b), f.Parts, f.Name)
	}
	l := make(PartList, f.Parts)
	for i := range l {
		copy(l[i][:], b[i*sha256.Size:])
	}
	return l, l.check(f)
}

func (l PartList) check(f File) error {
	if int64(len(l)) != f.Parts || crypt4gh.PartCount(f.BodySize) != f.Parts || crypt4gh.RootOf(f.BodySize, l) != f.Root {
		return fmt.Errorf("%w: it has another root than %q", ErrPartList, f.Name)
	}
	return nil
}

// PartRange tells which bytes of the body of f part i is.
func PartRange(f File, i int64) (off, n int64, err error) {
	if i < 0 || i >= f.Parts || i > f.BodySize/crypt4gh.PartSize {
		return 0, 0, fmt.Errorf("part %d of %d of %q: there is none", i, f.Parts, f.Name)
	}
	off = i * crypt4gh.PartSize
	return off, min(crypt4gh.PartSize, f.BodySize-off), nil
}

// CheckPart says whether b is part i of the body of f; if not, the error is a *PartError. The list is one that DecodeParts
// returned for f.
func CheckPart(f File, l PartList, i int64, b []byte) error {
	_, n, err := PartRange(f, i)
	if err != nil {
		return err
	}
	if int64(len(b)) != n {
		return &PartError{i, fmt.Sprintf("%d bytes of %d", len(b), n)}
	}
	if sha256.Sum256(b) != l[i] {
		return &PartError{i, "another SHA-256"}
	}
	return nil
}

// A BodyCheck hands on a body and compares each part with the list when its last byte comes by; that byte and those read
// together with it are held back if the part is not the right one. What came before it in the part was handed on already:
// who must not act on unchecked bytes waits for the next part, or for the end.
//
// It finds segments that were moved, repeated, removed or replaced, and bodies cut short or with something behind them.
type BodyCheck struct {
	src  io.Reader
	file File
	list PartList
	part int64 // the present part
	left int64 // bytes of it still to come
	now  hash.Hash
	err  error
}

// NewBodyCheck checks the body of f from the beginning of part first, where src must stand, to its end. A list that does not
// belong to f is ErrPartList.
func NewBodyCheck(src io.Reader, f File, l PartList, first int64) (*BodyCheck, error) {
	if err := l.check(f); err != nil {
		return nil, err
	}
	if first < 0 || first > f.Parts {
		return nil, fmt.Errorf("part %d of %d of %q: there is none", first, f.Parts, f.Name)
	}
	c := &BodyCheck{src: src, file: f, list: l, part: first, now: sha256.New()}
	c.begin()
	return c, nil
}

func (c *BodyCheck) begin() {
	c.left = min(crypt4gh.PartSize, c.file.BodySize-c.part*crypt4gh.PartSize)
	c.left = max(c.left, 0)
	c.now.Reset()
}

// Read hands on the next bytes, never beyond the end of a part. io.EOF means that the whole body is the right one.
func (c *BodyCheck) Read(p []byte) (int, error) {
	if c.err != nil || len(p) == 0 {
		return 0, c.err
	}
	if c.left == 0 {
		c.err = c.end()
		return 0, c.err
	}
	n, err := c.src.Read(p[:min(int64(len(p)), c.left)])
	c.now.Write(p[:n])
	c.left -= int64(n)
	if c.left == 0 {
		if !c.matches() {
			c.err = &PartError{c.part, "another SHA-256"}
			return 0, c.err
		}
		c.part++
		c.begin()
		if err == io.EOF && c.left > 0 {
			c.err = &PartError{c.part, "missing"}
		} else if err != io.EOF {
			c.err = err
		}
		return n, c.err
	}
	if err == io.EOF {
		err = &PartError{c.part, fmt.Sprintf("cut short, %d bytes before its end", c.left)}
	}
	c.err = err
	return n, err
}

func (c *BodyCheck) matches() bool {
	var got crypt4gh.Hash
	c.now.Sum(got[:0])
	return got == c.list[c.part]
}

// end makes sure that nothing follows the last part.
func (c *BodyCheck) end() error {
	var more [1]byte
	_, err := io.ReadFull(c.src, more[:])
	if err == nil {
		return fmt.Errorf("there is something behind the last part: %w", ErrBody)
	}
	return err
}
