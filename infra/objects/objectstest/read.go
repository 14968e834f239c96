package objectstest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"sync"

	"sluice/delivery"
)

func (s *suite) ranges() {
	b := s.bucket()
	size := int64(200_000)
	if s.o.MultipartAbove > 0 {
		size = 2*s.o.MultipartAbove + 17 // so that ranges lie within, at and across parts
	}
	body := random(size)
	s.putBytes(b, "key", body)
	obj, err := s.store.Open(s.ctx, b, "key")
	s.must(err)
	defer obj.Close()
	offsets := []int64{0, 1, 65_535, 65_536, size / 2, size - 1, size}
	if part := s.o.MultipartAbove; part > 0 {
		offsets = append(offsets, part-1, part, part+1)
	}
	for _, offset := range offsets {
		for _, n := range []int64{0, 1, 2, 65_536, size - offset} {
			if n <= size-offset {
				s.wantRange(obj, offset, n, body[offset:offset+n])
			}
		}
	}
	s.run("outside the object they are refused", func(s *suite) {
		for _, r := range [][2]int64{{-1, 1}, {0, -1}, {0, size + 1}, {size, 1}, {size + 1, 0}, {1, size}, {1, 1<<63 - 1}} {
			stream, err := obj.Range(s.ctx, r[0], r[1])
			if err == nil {
				stream.Close()
				s.Errorf("range %d+%d of %d bytes succeeded, want an error", r[0], r[1], size)
			}
		}
	})
	s.run("to a writer", func(s *suite) {
		stream, err := obj.Range(s.ctx, 7, size-9)
		s.must(err)
		defer stream.Close()
		var got bytes.Buffer
		n, err := io.Copy(&got, stream)
		if err != nil || n != size-9 || !bytes.Equal(got.Bytes(), body[7:size-2]) {
			s.Errorf("copied %d bytes, %v, want the %d put", n, err, size-9)
		}
	})
	s.run("several at once do not disturb each other", func(s *suite) {
		var streams []io.ReadCloser
		for i := range int64(4) {
			stream, err := obj.Range(s.ctx, i*1000, 100_000)
			s.must(err)
			defer stream.Close()
			streams = append(streams, stream)
		}
		buf := make([]byte, 10_000)
		for step := range int64(10) {
			for i, stream := range streams {
				_, err := io.ReadFull(stream, buf)
				s.must(err)
				if at := int64(i)*1000 + step*10_000; !bytes.Equal(buf, body[at:at+10_000]) {
					s.Fatalf("stream %d differs at %d", i, at)
				}
			}
		}
	})
	s.run("closed half-way, the object stays usable", func(s *suite) {
		for range 20 {
			stream, err := obj.Range(s.ctx, 0, size)
			s.must(err)
			_, err = io.ReadFull(stream, make([]byte, 100))
			s.must(err)
			s.must(stream.Close())
		}
		s.wantRange(obj, 5, 10, body[5:15])
	})
	s.run("of a removed object there are none", func(s *suite) {
		s.putBytes(b, "removed", body[:100])
		obj, err := s.store.Open(s.ctx, b, "removed")
		s.must(err)
		defer obj.Close()
		s.must(s.store.Remove(s.ctx, b, "removed"))
		_, err = obj.Range(s.ctx, 0, 100)
		s.wantErr("range", err, delivery.ErrNotStored)
	})
	s.run("of an empty object", func(s *suite) {
		s.putBytes(b, "empty", nil)
		obj, err := s.store.Open(s.ctx, b, "empty")
		s.must(err)
		defer obj.Close()
		s.wantRange(obj, 0, 0, nil)
		if n, err := obj.ReadAt(make([]byte, 1), 0); n != 0 || err != io.EOF {
			s.Errorf("read of an empty object: got %d, %v, want 0, EOF", n, err)
		}
	})
	s.run("opening what is not there", func(s *suite) {
		_, err := s.store.Open(s.ctx, b, "absent")
		s.wantErr("open", err, delivery.ErrNotStored)
	})
}

func (s *suite) readAt() {
	b := s.bucket()
	body := random(300_000)
	s.putBytes(b, "key", body)
	obj, err := s.store.Open(s.ctx, b, "key")
	s.must(err)
	defer obj.Close()
	s.run("from several goroutines", func(s *suite) {
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 10 {
					at := (i*37_000 + j*1_003) % 290_000
					got := make([]byte, 10_000)
					if n, err := obj.ReadAt(got, int64(at)); n != len(got) || (err != nil && err != io.EOF) {
						s.Errorf("read at %d: got %d, %v", at, n, err)
					}
					if !bytes.Equal(got, body[at:at+10_000]) {
						s.Errorf("read at %d differs", at)
					}
				}
			})
		}
		wg.Wait()
	})
	s.run("at the end it says so", func(s *suite) {
		buf := make([]byte, 100)
		if n, err := obj.ReadAt(buf, 299_950); n != 50 || err != io.EOF || !bytes.Equal(buf[:n], body[299_950:]) {
			s.Errorf("read across the end: got %d, %v, want 50, EOF", n, err)
		}
		if n, err := obj.ReadAt(buf, 300_000); n != 0 || err != io.EOF {
			s.Errorf("read at the end: got %d, %v, want 0, EOF", n, err)
		}
		if n, err := obj.ReadAt(buf, 400_000); n != 0 || err != io.EOF {
			s.Errorf("read after the end: got %d, %v, want 0, EOF", n, err)
		}
		if _, err := obj.ReadAt(buf, -1); err == nil || err == io.EOF {
			s.Errorf("read before the start: got %v, want an error", err)
		}
	})
}

func (s *suite) cancelling() {
	b := s.bucket()
	body := random(8 << 20) // more than any buffer between here and a server holds
	s.putBytes(b, "key", body)
	obj, err := s.store.Open(s.ctx, b, "key")
	s.must(err)
	defer obj.Close()
	s.run("ends a range that is being read", func(s *suite) {
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		stream, err := obj.Range(ctx, 0, int64(len(body)))
		s.must(err)
		defer stream.Close()
		_, err = io.ReadFull(stream, make([]byte, 1000))
		s.must(err)
		cancel()
		n, err := io.Copy(io.Discard, stream)
		s.wantErr(fmt.Sprintf("after %d bytes", n), err, context.Canceled)
	})
	s.run("ends every call before it begins", func(s *suite) {
		ctx, cancel := context.WithCancel(s.ctx)
		cancel()
		_, open := s.store.Open(ctx, b, "key")
		_, stream := obj.Range(ctx, 0, 10)
		_, residue := s.store.Residue(ctx, b)
		var list error
		for _, err := range s.store.List(ctx, b) {
			list = err
		}
		for what, err := range map[string]error{
			"open": open, "range": stream, "residue": residue, "list": list,
			"remove": s.store.Remove(ctx, b, "key"), "empty": s.store.Empty(ctx, b),
			"remove bucket": s.store.RemoveBucket(ctx, b), "make bucket": s.store.MakeBucket(ctx, b+"-x"),
		} {
			s.wantErr(what, err, context.Canceled)
		}
		s.wantBody(b, "key", body)
	})
}

func (s *suite) list() {
	many := s.o.Many
	if many == 0 {
		many = 50
	}
	b := s.bucket()
	var keys []string
	for i := range many {
		keys = append(keys, fmt.Sprintf("%c%05d", "aZ0"[i%3], (i*7919)%100_000))
	}
	work := make(chan string)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for key := range work {
				if err := s.store.Put(s.ctx, b, key, bytes.NewReader([]byte(key)), int64(len(key))); err != nil {
					s.Error(err)
				}
			}
		})
	}
	for _, key := range keys {
		work <- key
	}
	close(work)
	wg.Wait()
	slices.Sort(keys)
	s.run("yields every object once, in order of key", func(s *suite) {
		var got []string
		for _, info := range s.listing(b) {
			got = append(got, info.Key)
			if info.Size != int64(len(info.Key)) || info.Modified.IsZero() {
				s.Errorf("%s: got size %d, modified %v, want %d and a date", info.Key, info.Size, info.Modified, len(info.Key))
			}
		}
		if !slices.Equal(got, keys) {
			s.Errorf("got %d keys, want %d in order", len(got), len(keys))
		}
		s.wantResidue(b, many)
	})
	s.run("stops when the consumer does", func(s *suite) {
		n := 0
		for _, err := range s.store.List(s.ctx, b) {
			s.must(err)
			if n++; n == 3 {
				break
			}
		}
	})
	s.run("cancelled half-way, it says so", func(s *suite) {
		ctx, cancel := context.WithCancel(s.ctx)
		defer cancel()
		n, last := 0, error(nil)
		for _, err := range s.store.List(ctx, b) {
			if n++; n == 3 {
				cancel()
			}
			last = err
		}
		s.wantErr("the last entry", last, context.Canceled)
	})
	s.run("empties in one go", func(s *suite) {
		s.must(s.store.Empty(s.ctx, b))
		s.wantResidue(b, 0)
	})
}
