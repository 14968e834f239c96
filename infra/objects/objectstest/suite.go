// Package objectstest states the contract of delivery.Store as tests. Every store runs it: one that passes can stand
// in for any other, in tests as in production.
package objectstest

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	mathrand "math/rand/v2"
	"strings"
	"testing"

	"sluice/delivery"
)

// Options say what the store under test is expected to have, and where its own boundaries lie.
type Options struct {
	// MultipartAbove is the size above which the store puts and copies in parts; 0 when it knows no parts.
	MultipartAbove int64
	// EndUnsupported: the store has no rule that empties a bucket, and must say ErrUnsupported.
	EndUnsupported bool
	// Many is the number of objects that takes the store more than one page to list. 0 means 50.
	Many int
	// Versioned makes a bucket keep old versions; nil when the store has none.
	Versioned func(t *testing.T, bucket string)
	// Overwrite replaces or hides an object behind the store's back, as an older version; nil as above.
	Overwrite func(t *testing.T, bucket, key string)
	// Unfinished leaves an unfinished upload in the bucket, as a crash does; nil when the store cannot have one.
	Unfinished func(t *testing.T, bucket string)
}

// Run runs the suite over one kind of store. make is called once a test and cleans up after itself.
func Run(t *testing.T, make func(t *testing.T) delivery.Store, o Options) {
	for _, part := range []struct {
		name string
		run  func(s *suite)
	}{
		{"buckets", (*suite).buckets},
		{"put", (*suite).put},
		{"put that fails", (*suite).putThatFails},
		{"never overwritten", (*suite).neverOverwritten},
		{"names", (*suite).names},
		{"copy", (*suite).copy},
		{"ranges", (*suite).ranges},
		{"read at", (*suite).readAt},
		{"cancelling", (*suite).cancelling},
		{"list", (*suite).list},
		{"remove", (*suite).remove},
		{"empty and residue", (*suite).emptyAndResidue},
		{"old versions", (*suite).oldVersions},
		{"unfinished uploads", (*suite).unfinishedUploads},
		{"end", (*suite).end},
	} {
		t.Run(part.name, func(t *testing.T) {
			part.run(&suite{T: t, store: make(t), o: o, ctx: t.Context()})
		})
	}
}

type suite struct {
	*testing.T
	store delivery.Store
	o     Options
	ctx   context.Context
}

func (s *suite) run(name string, test func(s *suite)) {
	s.T.Run(name, func(t *testing.T) {
		test(&suite{T: t, store: s.store, o: s.o, ctx: t.Context()})
	})
}

// bucket makes a bucket of its own for the test, and removes it afterwards.
func (s *suite) bucket() string {
	s.Helper()
	name := "suite-" + strings.ToLower(rand.Text()[:10])
	s.must(s.store.MakeBucket(s.ctx, name))
	s.Cleanup(func() {
		ctx := context.WithoutCancel(s.ctx)
		if err := s.store.Empty(ctx, name); err != nil {
			s.Errorf("emptying %s: %v", name, err)
		}
		if err := s.store.RemoveBucket(ctx, name); err != nil {
			s.Errorf("removing %s: %v", name, err)
		}
	})
	return name
}

func (s *suite) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *suite) wantErr(what string, got, want error) {
	s.Helper()
	if !errors.Is(got, want) {
		s.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func (s *suite) putBytes(bucket, key string, body []byte) {
	s.Helper()
	s.must(s.store.Put(s.ctx, bucket, key, bytes.NewReader(body), int64(len(body))))
}

// wantBody reads the object whole and compares.
func (s *suite) wantBody(bucket, key string, want []byte) {
	s.Helper()
	obj, err := s.store.Open(s.ctx, bucket, key)
	if err != nil {
		s.Fatalf("open %s: %v", key, err)
	}
	defer obj.Close()
	if obj.Size() != int64(len(want)) {
		s.Errorf("size of %s: got %d, want %d", key, obj.Size(), len(want))
	}
	s.wantRange(obj, 0, int64(len(want)), want)
}

func (s *suite) wantRange(obj delivery.Object, offset, n int64, want []byte) {
	s.Helper()
	stream, err := obj.Range(s.ctx, offset, n)
	if err != nil {
		s.Fatalf("range %d+%d: %v", offset, n, err)
	}
	defer stream.Close()
	got, err := io.ReadAll(stream)
	if err != nil {
		s.Fatalf("range %d+%d: %v", offset, n, err)
	}
	if !bytes.Equal(got, want) {
		s.Errorf("range %d+%d: got %d bytes that differ from the %d put", offset, n, len(got), len(want))
	}
}

// wantGone checks that the key cannot be read and is not listed.
func (s *suite) wantGone(bucket, key string) {
	s.Helper()
	obj, err := s.store.Open(s.ctx, bucket, key)
	if err == nil {
		obj.Close()
	}
	s.wantErr("open "+key, err, delivery.ErrNotStored)
	for _, info := range s.listing(bucket) {
		if info.Key == key {
			s.Errorf("%s is still listed", key)
		}
	}
}

func (s *suite) listing(bucket string) []delivery.ObjectInfo {
	s.Helper()
	var infos []delivery.ObjectInfo
	for info, err := range s.store.List(s.ctx, bucket) {
		if err != nil {
			s.Fatalf("list %s: %v", bucket, err)
		}
		infos = append(infos, info)
	}
	return infos
}

func (s *suite) wantResidue(bucket string, want int) {
	s.Helper()
	got, err := s.store.Residue(s.ctx, bucket)
	if err != nil || got != want {
		s.Errorf("residue: got %d, %v, want %d", got, err, want)
	}
}

// random makes n bytes that differ from call to call and within themselves, so that no two parts look alike.
func random(n int64) []byte {
	var seed [32]byte
	rand.Read(seed[:])
	b := make([]byte, n)
	mathrand.NewChaCha8(seed).Read(b)
	return b
}

// plain hides everything but Read, as a body that comes from a pipe does.
type plain struct{ io.Reader }

// broken fails after its bytes.
func broken(n int64, err error) io.Reader {
	return plain{io.MultiReader(bytes.NewReader(random(n)), failing{err})}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
