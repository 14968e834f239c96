package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/delivery"
	"sluice/infra/objects"
)

func TestADirectoryStoreStaysInItsDirectory(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "outside")
	if err := os.WriteFile(outside, []byte("not yours"), 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := objects.NewDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	if err := s.MakeBucket(ctx, "bucket-one"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "bucket-one", "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Dir(outside), filepath.Join(dir, "bucket-two")); err != nil {
		t.Fatal(err)
	}
	if o, err := s.Open(ctx, "bucket-one", "link"); err == nil {
		o.Close()
		t.Error("a link to outside was opened")
	}
	if o, err := s.Open(ctx, "bucket-two", "outside"); err == nil {
		o.Close()
		t.Error("a bucket that is a link to outside was opened")
	}
	if err := s.Copy(ctx, "bucket-one", "link", "bucket-one", "copied"); err == nil {
		t.Error("a link to outside was copied")
	}
	for _, names := range [][2]string{{"..", "x"}, {"bucket-one", ".."}, {"bucket-one", "../x"}, {"bucket-one", ".put-x"}, {"bucket-one", "a\x00"}, {"bucket-one", "a\n"},
		{"bucket-one\n", "a"}, {"", "a"}, {"bucket-one", ""}, {"bucket-one/..", "a"}} {
		if err := s.Put(ctx, names[0], names[1], strings.NewReader("x"), 1); err == nil {
			t.Errorf("%q was put, want a refusal", names)
		}
		if err := s.Remove(ctx, names[0], names[1]); err == nil {
			t.Errorf("%q was removed, want a refusal", names)
		}
	}
	s.Empty(ctx, "bucket-two")
	if err := s.Empty(ctx, "bucket-one"); err != nil {
		t.Error(err)
	}
	if b, err := os.ReadFile(outside); err != nil || string(b) != "not yours" {
		t.Errorf("what is outside: got %q and %v, want it untouched", b, err)
	}
}

func TestOfTwoPutsAtOnceOneWins(t *testing.T) {
	s, err := objects.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := t.Context()
	if err := s.MakeBucket(ctx, "bucket-one"); err != nil {
		t.Fatal(err)
	}
	for round := range 50 {
		key := "key" + strings.Repeat("x", round)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				errs[i] = s.Put(ctx, "bucket-one", key, bytes.NewReader(bytes.Repeat([]byte{byte('a' + i)}, 1000)), 1000)
			})
		}
		wg.Wait()
		won := -1
		for i, err := range errs {
			if err == nil {
				if won >= 0 {
					t.Fatalf("both %d and %d were stored under one key", won, i)
				}
				won = i
			} else if !errors.Is(err, delivery.ErrAlreadyStored) {
				t.Errorf("got %v, want ErrAlreadyStored", err)
			}
		}
		o, err := s.Open(ctx, "bucket-one", key)
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, o.Size())
		if _, err := o.ReadAt(got, 0); err != nil && err != io.EOF {
			t.Fatal(err)
		}
		o.Close()
		if won < 0 || !bytes.Equal(got, bytes.Repeat([]byte{byte('a' + won)}, 1000)) {
			t.Fatalf("the winner is %d and the body another's", won)
		}
	}
	if n, err := s.Residue(ctx, "bucket-one"); n != 50 || err != nil {
		t.Errorf("got %d and %v, want 50 objects and nothing unfinished", n, err)
	}
}

func TestARangeWithOverflowingBoundsIsRefused(t *testing.T) {
	s, err := objects.NewDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx := context.Background()
	if err := s.MakeBucket(ctx, "bucket-one"); err != nil {
		t.Fatal(err)
	}
	if err := s.Put(ctx, "bucket-one", "k", strings.NewReader("body"), 4); err != nil {
		t.Fatal(err)
	}
	o, err := s.Open(ctx, "bucket-one", "k")
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for _, r := range [][2]int64{{1, 1<<63 - 1}, {1<<63 - 1, 1}, {-1, 1}, {0, -1}, {5, 0}, {-1 << 63, 1}} {
		if body, err := o.Range(ctx, r[0], r[1]); err == nil {
			body.Close()
			t.Errorf("bytes %d+%d of 4: got no error", r[0], r[1])
		}
	}
}
