package objectstest

import (
	"bytes"
	"time"

	"sluice/delivery"
)

func (s *suite) remove() {
	b := s.bucket()
	s.putBytes(b, "key", []byte("body"))
	s.putBytes(b, "key2", []byte("other"))
	for range 2 {
		s.must(s.store.Remove(s.ctx, b, "key"))
		s.wantGone(b, "key")
	}
	s.must(s.store.Remove(s.ctx, b, "absent"))
	s.wantBody(b, "key2", []byte("other"))
	s.wantResidue(b, 1)
}

func (s *suite) emptyAndResidue() {
	b, other := s.bucket(), s.bucket()
	s.putBytes(other, "key", []byte("stays"))
	for _, key := range []string{"a", "b", "c"} {
		s.putBytes(b, key, random(1000))
	}
	if size := s.o.MultipartAbove; size > 0 {
		s.putBytes(b, "large", random(size+1))
	} else {
		s.putBytes(b, "large", random(100))
	}
	s.wantResidue(b, 4)
	for range 2 {
		s.must(s.store.Empty(s.ctx, b))
		s.wantResidue(b, 0)
	}
	for _, key := range []string{"a", "b", "c", "large"} {
		s.wantGone(b, key)
	}
	s.wantBody(other, "key", []byte("stays"))
	for range 2 {
		s.must(s.store.RemoveBucket(s.ctx, b))
	}
	s.must(s.store.Empty(s.ctx, b))
}

func (s *suite) oldVersions() {
	if s.o.Versioned == nil {
		return // this store keeps no versions, so there are none to find
	}
	s.run("are counted and removed with their object", func(s *suite) {
		b := s.bucket()
		s.o.Versioned(s.T, b)
		s.putBytes(b, "key", []byte("first"))
		s.putBytes(b, "key2", []byte("neighbour"))
		s.o.Overwrite(s.T, b, "key")
		if n, err := s.store.Residue(s.ctx, b); err != nil || n < 3 {
			s.Errorf("residue: got %d, %v, want at least 3: both objects and an old version", n, err)
		}
		s.must(s.store.Remove(s.ctx, b, "key"))
		s.wantGone(b, "key")
		s.wantResidue(b, 1)
		s.wantBody(b, "key2", []byte("neighbour"))
	})
	s.run("go when the bucket is emptied", func(s *suite) {
		b := s.bucket()
		s.o.Versioned(s.T, b)
		for _, key := range []string{"a", "b", "c"} {
			s.putBytes(b, key, []byte(key))
			s.o.Overwrite(s.T, b, key)
		}
		s.must(s.store.Empty(s.ctx, b))
		s.wantResidue(b, 0)
		s.must(s.store.RemoveBucket(s.ctx, b))
	})
}

func (s *suite) unfinishedUploads() {
	if s.o.Unfinished == nil {
		return // this store cannot be left with one
	}
	b := s.bucket()
	s.o.Unfinished(s.T, b)
	s.putBytes(b, "key", []byte("body"))
	s.wantResidue(b, 2)
	if n := len(s.listing(b)); n != 1 {
		s.Errorf("the listing has %d entries, want 1: an unfinished upload is no object", n)
	}
	s.must(s.store.Empty(s.ctx, b))
	s.wantResidue(b, 0)
	s.must(s.store.RemoveBucket(s.ctx, b))
}

func (s *suite) end() {
	b := s.bucket()
	s.putBytes(b, "key", []byte("body"))
	_, absent := s.store.End(s.ctx, "never-was-there")
	s.wantErr("end of an absent bucket", absent, delivery.ErrNotStored)
	s.wantErr("set end of an absent bucket", s.store.SetEnd(s.ctx, "never-was-there", time.Unix(2e9, 0)), delivery.ErrNotStored)
	if s.o.EndUnsupported {
		_, err := s.store.End(s.ctx, b)
		s.wantErr("end", err, delivery.ErrUnsupported)
		s.wantErr("set end", s.store.SetEnd(s.ctx, b, time.Unix(2e9, 0)), delivery.ErrUnsupported)
		return
	}
	got, err := s.store.End(s.ctx, b)
	if err != nil || !got.IsZero() {
		s.Errorf("end of a new bucket: got %v, %v, want none", got, err)
	}
	amsterdam := time.FixedZone("CET", 3600)
	for _, c := range []struct{ end, want time.Time }{
		// Half open until midnight in Amsterdam is 23:00 UTC: the rule comes an hour later, never earlier.
		{time.Date(2037, 12, 31, 0, 0, 0, 0, amsterdam), time.Date(2037, 12, 31, 0, 0, 0, 0, time.UTC)},
		{time.Date(2037, 12, 31, 0, 0, 0, 1, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)},
		{time.Date(2037, 12, 31, 12, 0, 0, 0, time.UTC), time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC)},
		{time.Date(2039, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2039, 3, 1, 0, 0, 0, 0, time.UTC)},
		{time.Date(2036, 2, 28, 23, 59, 59, 0, time.UTC), time.Date(2036, 2, 29, 0, 0, 0, 0, time.UTC)},
	} {
		for range 2 {
			s.must(s.store.SetEnd(s.ctx, b, c.end))
			if got, err := s.store.End(s.ctx, b); err != nil || !got.Equal(c.want) {
				s.Errorf("end after setting %v: got %v, %v, want %v", c.end, got, err, c.want)
			}
		}
	}
	if got := s.listing(b); len(got) != 1 || !bytes.Equal([]byte(got[0].Key), []byte("key")) {
		s.Errorf("after setting ends to come the bucket lists %v, want its object", got)
	}
}
