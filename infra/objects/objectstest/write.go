package objectstest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"sluice/delivery"
)

func (s *suite) buckets() {
	s.run("a bucket is made once", func(s *suite) {
		b := s.bucket()
		s.wantErr("making it again", s.store.MakeBucket(s.ctx, b), delivery.ErrAlreadyStored)
	})
	s.run("a new bucket is empty", func(s *suite) {
		b := s.bucket()
		if n := len(s.listing(b)); n != 0 {
			s.Errorf("a new bucket lists %d objects, want 0", n)
		}
		s.wantResidue(b, 0)
	})
	s.run("removing what is not there succeeds, again and again", func(s *suite) {
		for range 2 {
			s.must(s.store.RemoveBucket(s.ctx, "never-was-there"))
			s.must(s.store.Empty(s.ctx, "never-was-there"))
			s.must(s.store.Remove(s.ctx, "never-was-there", "key"))
		}
	})
	s.run("a removed bucket is gone", func(s *suite) {
		b := s.bucket()
		s.must(s.store.RemoveBucket(s.ctx, b))
		s.must(s.store.RemoveBucket(s.ctx, b))
		_, err := s.store.Residue(s.ctx, b)
		s.wantErr("residue", err, delivery.ErrNotStored)
	})
	s.run("a bucket that holds something is not removed", func(s *suite) {
		b := s.bucket()
		s.putBytes(b, "key", []byte("body"))
		if err := s.store.RemoveBucket(s.ctx, b); err == nil {
			s.Error("removing a full bucket succeeded, want an error")
		}
		s.wantBody(b, "key", []byte("body"))
	})
	s.run("what names an absent bucket says so", func(s *suite) {
		const no = "never-was-there"
		b := s.bucket()
		s.putBytes(b, "key", []byte("body"))
		_, open := s.store.Open(s.ctx, no, "key")
		_, residue := s.store.Residue(s.ctx, no)
		var list error
		for _, err := range s.store.List(s.ctx, no) {
			list = err
		}
		for what, err := range map[string]error{
			"put":       s.store.Put(s.ctx, no, "key", strings.NewReader("body"), 4),
			"copy to":   s.store.Copy(s.ctx, b, "key", no, "key"),
			"copy from": s.store.Copy(s.ctx, no, "key", b, "other"),
			"open":      open, "residue": residue, "list": list,
		} {
			s.wantErr(what, err, delivery.ErrNotStored)
		}
	})
}

// sizes are the interesting ones: nothing, one byte, and around the boundary to parts and between them.
func (s *suite) sizes() []int64 {
	sizes := []int64{0, 1, 100_000}
	if part := s.o.MultipartAbove; part > 0 {
		sizes = append(sizes, part-1, part, part+1, 2*part, 2*part+17)
	}
	return sizes
}

func (s *suite) put() {
	b := s.bucket()
	for _, size := range s.sizes() {
		s.run(fmt.Sprintf("%d bytes are readable at once", size), func(s *suite) {
			body := random(size)
			key := fmt.Sprintf("known-%d", size)
			s.must(s.store.Put(s.ctx, b, key, plain{bytes.NewReader(body)}, size))
			s.wantBody(b, key, body)
		})
		s.run(fmt.Sprintf("%d bytes of unknown size", size), func(s *suite) {
			body := random(size)
			key := fmt.Sprintf("unknown-%d", size)
			s.must(s.store.Put(s.ctx, b, key, plain{bytes.NewReader(body)}, -1))
			s.wantBody(b, key, body)
		})
	}
	s.run("many at once", func(s *suite) {
		var wg sync.WaitGroup
		for i := range 16 {
			wg.Go(func() {
				key, body := fmt.Sprintf("many-%d", i), random(50_000)
				if err := s.store.Put(s.ctx, b, key, bytes.NewReader(body), int64(len(body))); err != nil {
					s.Error(err)
					return
				}
				obj, err := s.store.Open(s.ctx, b, key)
				if err != nil {
					s.Error(err)
					return
				}
				defer obj.Close()
				got := make([]byte, len(body))
				if _, err := obj.ReadAt(got, 0); (err != nil && err != io.EOF) || !bytes.Equal(got, body) {
					s.Errorf("%s: what was read differs from what was put (%v)", key, err)
				}
			})
		}
		wg.Wait()
	})
}

func (s *suite) putThatFails() {
	cut := errors.New("the source went away")
	for _, size := range s.sizes() {
		if size < 2 {
			continue
		}
		for name, body := range map[string]io.Reader{
			"a body that breaks off":   broken(size/2, cut),
			"a body that is too short": plain{bytes.NewReader(random(size - 1))},
			"a body that is too long":  plain{bytes.NewReader(random(size + 1))},
		} {
			s.run(fmt.Sprintf("%s, of %d bytes, leaves nothing", name, size), func(s *suite) {
				b := s.bucket()
				err := s.store.Put(s.ctx, b, "key", body, size)
				if err == nil {
					s.Error("put succeeded, want an error")
				}
				if name == "a body that breaks off" {
					s.wantErr("put", err, cut)
				}
				s.wantGone(b, "key")
				s.wantResidue(b, 0)
			})
		}
		s.run(fmt.Sprintf("unknown size, breaking off after %d, leaves nothing", size), func(s *suite) {
			b := s.bucket()
			s.wantErr("put", s.store.Put(s.ctx, b, "key", broken(size, cut), -1), cut)
			s.wantGone(b, "key")
			s.wantResidue(b, 0)
		})
		s.run(fmt.Sprintf("cancelled after %d bytes, it leaves nothing", size/2), func(s *suite) {
			b := s.bucket()
			ctx, cancel := context.WithCancel(s.ctx)
			defer cancel()
			half := size / 2
			body := io.MultiReader(bytes.NewReader(random(half)), cancelling{cancel}, bytes.NewReader(random(size-half)))
			s.wantErr("put", s.store.Put(ctx, b, "key", plain{body}, size), context.Canceled)
			s.wantGone(b, "key")
			s.wantResidue(b, 0)
		})
	}
}

// cancelling is an empty body that cancels when it is reached.
type cancelling struct{ cancel func() }

func (c cancelling) Read([]byte) (int, error) { c.cancel(); return 0, io.EOF }

func (s *suite) neverOverwritten() {
	b := s.bucket()
	for _, size := range s.sizes() {
		s.run(fmt.Sprintf("a put over %d bytes is refused", size), func(s *suite) {
			key, body := fmt.Sprintf("put-%d", size), random(size)
			s.putBytes(b, key, body)
			err := s.store.Put(s.ctx, b, key, bytes.NewReader(random(size)), size)
			s.wantErr("put again", err, delivery.ErrAlreadyStored)
			err = s.store.Put(s.ctx, b, key, plain{bytes.NewReader(random(size))}, -1)
			s.wantErr("put again, size unknown", err, delivery.ErrAlreadyStored)
			s.wantBody(b, key, body)
		})
		s.run(fmt.Sprintf("a copy over %d bytes is refused", size), func(s *suite) {
			body := random(size)
			from, to := fmt.Sprintf("from-%d", size), fmt.Sprintf("to-%d", size)
			s.putBytes(b, to, body)
			s.putBytes(b, from, random(size))
			s.wantErr("copy over", s.store.Copy(s.ctx, b, from, b, to), delivery.ErrAlreadyStored)
			s.wantBody(b, to, body)
		})
	}
	s.run("of two puts at once one wins and the other is told", func(s *suite) {
		sizes := []int64{1000}
		if s.o.MultipartAbove > 0 {
			sizes = append(sizes, s.o.MultipartAbove+1)
		}
		for _, size := range sizes {
			key := fmt.Sprintf("race-%d", size)
			bodies := [2][]byte{random(size), random(size)}
			var errs [2]error
			var wg sync.WaitGroup
			for i := range bodies {
				wg.Go(func() { errs[i] = s.store.Put(s.ctx, b, key, bytes.NewReader(bodies[i]), size) })
			}
			wg.Wait()
			winner := 0
			if errs[0] != nil {
				winner = 1
			}
			if errs[winner] != nil {
				s.Fatalf("both puts failed: %v; %v", errs[0], errs[1])
			}
			s.wantErr("the loser", errs[1-winner], delivery.ErrAlreadyStored)
			s.wantBody(b, key, bodies[winner])
		}
	})
}

func (s *suite) names() {
	b := s.bucket()
	s.run("a key is letters, digits and little more", func(s *suite) {
		for _, key := range []string{"", ".", "..", ".hidden", "../other", "a/b", "a\\b", "a b", "a\x00b", "é", "-a",
			strings.Repeat("a", 129)} {
			err := s.store.Put(s.ctx, b, key, strings.NewReader("x"), 1)
			if err == nil {
				s.Errorf("put under key %q succeeded, want an error", key)
			}
			if _, err := s.store.Open(s.ctx, b, key); err == nil {
				s.Errorf("open of key %q succeeded, want an error", key)
			}
			if err := s.store.Remove(s.ctx, b, key); err == nil {
				s.Errorf("remove of key %q succeeded, want an error", key)
			}
		}
		for _, key := range []string{"A", "7QX2ABCDEFGHIJKLMNOPQRSTUV", "7QX2.parts", "a-b_c.d", strings.Repeat("a", 128)} {
			s.putBytes(b, key, []byte(key))
			s.wantBody(b, key, []byte(key))
		}
	})
	s.run("a bucket is a plain name", func(s *suite) {
		for _, bucket := range []string{"", "a", ".", "..", "Upper", "a/b", "../up", "-a-b", "under_score", strings.Repeat("a", 64)} {
			if err := s.store.MakeBucket(s.ctx, bucket); err == nil {
				s.Errorf("making bucket %q succeeded, want an error", bucket)
			}
			if err := s.store.RemoveBucket(s.ctx, bucket); err == nil {
				s.Errorf("removing bucket %q succeeded, want an error", bucket)
			}
			if err := s.store.Empty(s.ctx, bucket); err == nil {
				s.Errorf("emptying bucket %q succeeded, want an error", bucket)
			}
		}
	})
}

func (s *suite) copy() {
	archive, b := s.bucket(), s.bucket()
	for _, size := range s.sizes() {
		s.run(fmt.Sprintf("%d bytes", size), func(s *suite) {
			key, body := fmt.Sprintf("key-%d", size), random(size)
			s.putBytes(archive, key, body)
			s.must(s.store.Copy(s.ctx, archive, key, b, "copy-"+key))
			s.wantBody(b, "copy-"+key, body)
			s.wantBody(archive, key, body)
		})
	}
	s.run("the copy outlives its source, and the source its copy", func(s *suite) {
		s.putBytes(archive, "one", []byte("one"))
		s.putBytes(archive, "two", []byte("two"))
		s.must(s.store.Copy(s.ctx, archive, "one", b, "one"))
		s.must(s.store.Copy(s.ctx, archive, "two", b, "two"))
		s.must(s.store.Remove(s.ctx, archive, "one"))
		s.must(s.store.Remove(s.ctx, b, "two"))
		s.wantBody(b, "one", []byte("one"))
		s.wantBody(archive, "two", []byte("two"))
	})
	s.run("of nothing", func(s *suite) {
		s.wantErr("copy", s.store.Copy(s.ctx, archive, "absent", b, "absent"), delivery.ErrNotStored)
		s.wantGone(b, "absent")
	})
	s.run("cancelled", func(s *suite) {
		s.putBytes(archive, "late", []byte("late"))
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		s.wantErr("copy", s.store.Copy(ctx, archive, "late", b, "late"), context.Canceled)
		s.wantGone(b, "late")
	})
}
