package objects_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/infra/objects"
	"sluice/infra/objects/objectstest"
)

func TestMemoryKeepsTheContract(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) delivery.Store { return objects.NewMemory() }, objectstest.Options{})
}

func TestAFaultyStoreWithoutFaultsKeepsTheContract(t *testing.T) {
	objectstest.Run(t, func(t *testing.T) delivery.Store { return objects.NewFaulty(objects.NewMemory()) }, objectstest.Options{})
}

func TestADirectoryKeepsTheContract(t *testing.T) {
	path := t.TempDir()
	objectstest.Run(t, func(t *testing.T) delivery.Store { return openDir(t, path) }, objectstest.Options{
		EndUnsupported: true,
		Unfinished: func(t *testing.T, bucket string) {
			if err := os.WriteFile(filepath.Join(path, bucket, ".put-left-by-a-crash"), []byte("half"), 0o600); err != nil {
				t.Fatal(err)
			}
		},
	})
}

func openDir(t *testing.T, path string) *objects.Dir {
	t.Helper()
	d, err := objects.NewDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestADirectoryIsReadByASecondProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "store")
	one, two := openDir(t, path), openDir(t, path)
	ctx := t.Context()
	if err := errors.Join(one.MakeBucket(ctx, "bucket"), one.Put(ctx, "bucket", "key", strings.NewReader("body"), 4)); err != nil {
		t.Fatal(err)
	}
	obj, err := two.Open(ctx, "bucket", "key")
	if err != nil {
		t.Fatal(err)
	}
	defer obj.Close()
	got := make([]byte, 4)
	if _, err := obj.ReadAt(got, 0); string(got) != "body" {
		t.Errorf("got %q, %v, want %q", got, err, "body")
	}
}

func TestADirectoryFollowsNoLinkOutOfIt(t *testing.T) {
	outside, path := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	d := openDir(t, path)
	if err := d.MakeBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "secret"), filepath.Join(path, "bucket", "key")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open(t.Context(), "bucket", "key"); err == nil {
		t.Error("a link out of the directory was opened, want an error")
	}
	if err := d.Empty(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(outside, "secret")); string(got) != "secret" {
		t.Errorf("after emptying, what the link led to is %q, %v", got, err)
	}
}

func TestADirectoryAndItsFilesAreTheOwnersAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store")
	d := openDir(t, path)
	ctx := t.Context()
	if err := errors.Join(d.MakeBucket(ctx, "bucket"), d.Put(ctx, "bucket", "key", strings.NewReader("body"), 4)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "bucket", "bucket/key"} {
		info, err := os.Stat(filepath.Join(path, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%q has mode %v, want nothing for others", name, info.Mode())
		}
	}
}

// each call of a small story, to be hit by faults in turn
func story(ctx context.Context, s delivery.Store) error {
	again := func(err error) error { // as callers do: what happened before, happened
		if errors.Is(err, delivery.ErrAlreadyStored) {
			return nil
		}
		return err
	}
	if err := again(s.MakeBucket(ctx, "bucket")); err != nil {
		return err
	}
	if err := again(s.Put(ctx, "bucket", "key", strings.NewReader("body"), 4)); err != nil {
		return err
	}
	if err := again(s.Copy(ctx, "bucket", "key", "bucket", "copy")); err != nil {
		return err
	}
	obj, err := s.Open(ctx, "bucket", "copy")
	if err != nil {
		return err
	}
	defer obj.Close()
	stream, err := obj.Range(ctx, 0, 4)
	if err != nil {
		return err
	}
	defer stream.Close()
	got, err := io.ReadAll(stream)
	if err == nil && !bytes.Equal(got, []byte("body")) {
		err = errors.New("the copy differs")
	}
	if err != nil {
		return err
	}
	if _, err := obj.ReadAt(make([]byte, 4), 0); err != nil && err != io.EOF {
		return err
	}
	n := 0
	for _, err := range s.List(ctx, "bucket") {
		if err != nil {
			return err
		}
		n++
	}
	if n != 2 {
		return errors.New("the listing is not two long")
	}
	end := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	if err := s.SetEnd(ctx, "bucket", end); err != nil {
		return err
	}
	_, err = s.End(ctx, "bucket")
	return err
}

func cleanUp(ctx context.Context, s delivery.Store) error {
	if err := s.Remove(ctx, "bucket", "key"); err != nil {
		return err
	}
	if err := s.Empty(ctx, "bucket"); err != nil {
		return err
	}
	if _, err := s.Residue(ctx, "bucket"); err != nil && !errors.Is(err, delivery.ErrNotStored) {
		return err
	}
	return s.RemoveBucket(ctx, "bucket")
}

func TestEveryCallCanFailInBothWaysAndBeRepeated(t *testing.T) {
	for name, how := range map[string]objects.Fault{"not done": objects.NotDone, "done but failed": objects.DoneButFailed} {
		t.Run(name, func(t *testing.T) {
			for n := 1; ; n++ {
				f := objects.NewFaulty(objects.NewMemory())
				f.FailAt(n, how)
				err := story(t.Context(), f)
				if err == nil {
					err = cleanUp(t.Context(), f)
				}
				if !f.Failed() {
					if want := 9 + 4; err != nil || n != want+1 || f.Calls() != want {
						t.Errorf("the loop ended at n = %d after %d calls with %v, want %d calls: %q", n, f.Calls(), err, want, f.Log())
					}
					return
				}
				if !errors.Is(err, objects.ErrInjected) {
					t.Fatalf("n = %d: got %v, want the injected fault", n, err)
				}
				f.Heal()
				if n <= 9 {
					if err := story(t.Context(), f); err != nil {
						t.Fatalf("n = %d, the story again: %v", n, err)
					}
				}
				if err := cleanUp(t.Context(), f); err != nil {
					t.Fatalf("n = %d, cleaning up again: %v", n, err)
				}
			}
		})
	}
}

func TestAStoreThatIsDownStaysDownUntilHealed(t *testing.T) {
	f := objects.NewFaulty(objects.NewMemory())
	f.FailFrom(2, objects.NotDone)
	if err := f.MakeBucket(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := f.Empty(t.Context(), "bucket"); !errors.Is(err, objects.ErrInjected) {
			t.Fatalf("got %v, want the injected fault", err)
		}
	}
	f.Heal()
	if err := f.Empty(t.Context(), "bucket"); err != nil {
		t.Fatal(err)
	}
}
