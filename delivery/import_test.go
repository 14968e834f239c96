package delivery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/keyring"
	"sluice/infra/keyring/keyringtest"
	"sluice/infra/objects"
	"sluice/licensing"
)

func importOf(w *deliverytest.World, dataset string) delivery.Import {
	return w.Listed(dataset, deliverytest.Tree(small()), slices.Collect(maps.Keys(small()))...)
}

// archived checks that the archive bucket holds just what the rows say, and that all of it opens to what was imported.
func archived(t testing.TB, w *deliverytest.World) {
	t.Helper()
	want := map[string]bool{}
	w.View(func(tx *db.Tx) error {
		rows, err := tx.Query(`SELECT object_key, parts_key FROM files WHERE state = 'stored'`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var object, parts string
			if err := rows.Scan(&object, &parts); err != nil {
				return err
			}
			want[object], want[parts] = true, true
		}
		return rows.Err()
	})
	for info, err := range w.Store.List(t.Context(), deliverytest.ArchiveBucket) {
		must(t, err)
		if !want[info.Key] {
			t.Errorf("the archive holds %s, which no row names", info.Key)
		}
		delete(want, info.Key)
	}
	for key := range want {
		t.Errorf("the archive does not hold %s", key)
	}
}

// readable hands a dataset over and compares every byte.
func readable(t *testing.T, w *deliverytest.World, set licensing.DatasetID) {
	t.Helper()
	a := w.InForce(set)
	w.Work()
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	for name, data := range small() {
		s.get("carla", a.Delivery().ID, name).want(t, name, 200, data)
	}
}

// A keeper is a keyring that keeps what file keys it was handed or handed out, in the clear: the very memory of the caller.
type keeper struct {
	delivery.Keyring
	mu     sync.Mutex
	opened [][]delivery.Opened
	keys   [][]delivery.DataKey
}

func (k *keeper) Wrap(ctx context.Context, key delivery.KeyName, items []delivery.Opened) ([]delivery.Sealed, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened = append(k.opened, items)
	return k.Keyring.Wrap(ctx, key, items)
}

func (k *keeper) Unwrap(ctx context.Context, key delivery.KeyName, items []delivery.Sealed) ([]delivery.DataKey, error) {
	keys, err := k.Keyring.Unwrap(ctx, key, items)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keys = append(k.keys, keys)
	return keys, err
}

// cleared checks that no key is left of so many.
func (k *keeper) cleared(t *testing.T, what string, atLeast int) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	all := slices.Concat(k.keys...)
	for _, items := range k.opened {
		for _, item := range items {
			all = append(all, item.Key)
		}
	}
	if len(all) < atLeast {
		t.Errorf("%s: got %d keys, want at least %d", what, len(all), atLeast)
	}
	for _, key := range all {
		if key != (delivery.DataKey{}) {
			t.Errorf("%s: a key was left in memory", what)
		}
	}
	k.opened, k.keys = nil, nil
}

func TestNoFileKeyIsLeftInMemory(t *testing.T) {
	local, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	keys := &keeper{Keyring: local}
	w := onSQLite(t, deliverytest.Options{Keys: keys})
	set := w.Import("small", small())
	keys.cleared(t, "importing", len(small()))
	a := w.InForce(set.ID)
	w.Work()
	keys.cleared(t, "preparing", 2*len(small())+1)
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	s.get("carla", a.Delivery().ID, "sub/three.bam").want(t, "a file", 200, small()["sub/three.bam"])
	s.get("carla", a.Delivery().ID, delivery.ArchivePath(a.Delivery().Delivery)).want(t, "everything", 200, nil)
	keys.cleared(t, "serving", len(small())+1)

	w.Store.FailFrom(1, objects.NotDone)
	_, err = w.Depot.Import(t.Context(), w.Steward, importOf(w, "interrupted"))
	wantErr(t, "an import without a store", err, delivery.ErrStoreAway)
	w.Store.FailFrom(2, objects.NotDone) // the archive's bucket is there
	_, err = w.Depot.Import(t.Context(), w.Steward, importOf(w, "interrupted too"))
	wantErr(t, "an import that the store leaves", err, delivery.ErrStoreAway)
	w.Store.Heal()
	keys.cleared(t, "an import that failed", len(small()))
}

// A torn folder has files that cannot be read to their end.
type torn struct {
	fs.FS
	err error
}

type tornFile struct {
	fs.File
	of torn
}

func (f torn) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(name)
	return tornFile{file, f}, err
}

func (f tornFile) Read(b []byte) (int, error) {
	n, err := f.File.Read(b)
	if err == io.EOF {
		err = f.of.err
	}
	return n, err
}

func TestAFileThatCannotBeReadOrChangesIsNoFaultOfTheStore(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	for name, cut := range map[string]int{"shorter": segment / 2, "longer": 2 * segment, "the same size": segment} {
		in := w.Listed(name, fstest.MapFS{"a.bam": {Data: noise(segment, 1), ModTime: time.Unix(1, 0)}}, "a.bam")
		in.Folder = fstest.MapFS{"a.bam": {Data: noise(cut, 2), ModTime: time.Unix(2, 0)}}
		_, err := w.Depot.Import(t.Context(), w.Steward, in)
		wantErr(t, name, err, delivery.ErrSourceChanged)
	}
	in := importOf(w, "unreadable")
	in.Folder = torn{in.Folder, fs.ErrPermission}
	_, err := w.Depot.Import(t.Context(), w.Steward, in)
	wantErr(t, "unreadable", err, fs.ErrPermission)
	if errors.Is(err, delivery.ErrStoreAway) {
		t.Errorf("got %v, which accuses the store", err)
	}
	archived(t, w)
}

func TestAnImportGoesOnAfterAnyCallThatFailed(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	for _, how := range []objects.Fault{objects.NotDone, objects.DoneButFailed} {
		for n := 1; ; n++ {
			in := importOf(w, fmt.Sprintf("store %d %d", how, n))
			w.Store.FailAt(n, how)
			_, err := w.Depot.Import(t.Context(), w.Steward, in)
			failed := w.Store.Failed()
			w.Store.Heal()
			if !failed {
				if n < 15 {
					t.Fatalf("got %d calls of the store, want more", n)
				}
				break
			}
			if err == nil {
				continue // it did not matter: the bucket was there already
			}
			set, err := w.Depot.Import(t.Context(), w.Steward, in)
			if err != nil || set.State != licensing.Imported || set.Files != len(small()) {
				t.Fatalf("store call %d: got %+v, %v when it goes on", n, set, err)
			}
			archived(t, w)
		}
	}
	for _, how := range []keyringtest.Fault{keyringtest.NotDone, keyringtest.Reported} {
		for n := 1; ; n++ {
			in := importOf(w, fmt.Sprintf("keyring %d %d", how, n))
			w.Plan.FailAt(n, how)
			_, err := w.Depot.Import(t.Context(), w.Steward, in)
			calls := len(w.Plan.Calls())
			w.Plan.FailAt(0, keyringtest.None)
			if calls < n {
				must(t, err)
				break
			}
			wantErr(t, "a keyring that fails", err, delivery.ErrKeyringAway)
			_, err = w.Depot.Import(t.Context(), w.Steward, in)
			must(t, err)
			archived(t, w)
		}
	}
	set, err := w.Depot.Import(t.Context(), w.Steward, importOf(w, "last"))
	must(t, err)
	readable(t, w, set.ID)
	replay(t, w)
}

func TestAnImportThatWasKilledGoesOnAndReadsNothingTwice(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		in := importOf(w, "killed")
		folder := &counted{FS: in.Folder, opened: map[string]int{}}
		in.Folder = folder
		ctx, kill := context.WithCancel(t.Context())
		in.Progress = func(p delivery.Progress) {
			if p.Files >= 2 {
				kill()
			}
		}
		_, err := w.Depot.Import(ctx, w.Steward, in)
		if err == nil {
			t.Fatal("got a finished import, want one that was killed")
		}
		stored := map[string]bool{}
		w.View(func(tx *db.Tx) error {
			rows, err := tx.Query(`SELECT name FROM files WHERE state = 'stored'`)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var name string
				if err := rows.Scan(&name); err != nil {
					return err
				}
				stored[name] = true
			}
			return rows.Err()
		})
		if len(stored) < 2 {
			t.Fatalf("got %d files stored, want at least 2", len(stored))
		}
		clear(folder.opened)
		var last delivery.Progress
		var mu sync.Mutex
		in.Progress = func(p delivery.Progress) {
			mu.Lock()
			defer mu.Unlock()
			if p.Files > last.Files || p.Bytes > last.Bytes {
				last = p
			}
		}
		set, err := w.Depot.Import(t.Context(), w.Steward, in)
		must(t, err)
		for name := range stored {
			if folder.opened[name] != 0 {
				t.Errorf("%s was read again", name)
			}
		}
		if last.Files != int64(len(small())) || last.Bytes != last.AllBytes || last.AllBytes != set.Bytes {
			t.Errorf("got progress %+v, want all of it", last)
		}
		archived(t, w)
		readable(t, w, set.ID)
		replay(t, w)
	})
}

// counted counts how often each file is opened.
type counted struct {
	fs.FS
	mu     sync.Mutex
	opened map[string]int
}

func (c *counted) Open(name string) (fs.File, error) {
	c.mu.Lock()
	c.opened[name]++
	c.mu.Unlock()
	return c.FS.Open(name)
}

func TestOfTwoImportsOfOneDatasetNothingIsLostAndNothingIsLeftOver(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		for round := range 5 {
			in := importOf(w, fmt.Sprintf("both %d", round))
			var both sync.WaitGroup
			var errs [3]error
			for i := range errs {
				both.Go(func() { _, errs[i] = w.Depot.Import(t.Context(), w.Steward, in) })
			}
			both.Wait()
			for _, err := range errs {
				if err != nil && !errors.Is(err, db.ErrConflict) && !errors.Is(err, delivery.ErrTakenOver) && !errors.Is(err, delivery.ErrComplete) && !strings.Contains(err.Error(), "dataset-exists") {
					t.Errorf("got %v, want to be told that somebody else did it", err)
				}
			}
			_, err := w.Depot.Import(t.Context(), w.Steward, in)
			if err != nil && !errors.Is(err, delivery.ErrComplete) {
				t.Fatal(err)
			}
			archived(t, w)
		}
		w.View(func(tx *db.Tx) error {
			c, err := w.Registry.CollectionNamed(tx, deliverytest.Collection)
			must(t, err)
			set, err := w.Registry.DatasetNamed(tx, c.ID, "both 0")
			if err == nil && set.State != licensing.Imported {
				t.Errorf("got %+v, want it imported", set)
			}
			return err
		})
		replay(t, w)
	})
}

func TestWhatAnImportRefuses(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	set := w.Import("done", small())
	in := importOf(w, "done")
	_, err := w.Depot.Import(t.Context(), w.Steward, in)
	wantErr(t, "a complete dataset", err, delivery.ErrComplete)
	_, err = w.Depot.Import(t.Context(), w.Desk, importOf(w, "desk"))
	wantErr(t, "the desk", err, account.ErrNotAllowed)
	in = importOf(w, "nowhere")
	in.Collection = "NONE"
	_, err = w.Depot.Import(t.Context(), w.Steward, in)
	wantErr(t, "an unknown collection", err, licensing.ErrNotFound)

	t.Run("another list than the interrupted one", func(t *testing.T) {
		in := importOf(w, "half")
		w.Store.FailAt(4, objects.NotDone)
		_, err := w.Depot.Import(t.Context(), w.Steward, in)
		w.Store.Heal()
		wantErr(t, "a store that fails", err, objects.ErrInjected)
		for name, spoil := range map[string]func(*delivery.Import){
			"a file less":            func(in *delivery.Import) { in.Files, in.Infos = in.Files[1:], in.Infos[1:] },
			"another name":           func(in *delivery.Import) { in.Files[0].Path = "other.bam" },
			"another subject":        func(in *delivery.Import) { in.Files[0].Subject = "SOMEBODY" },
			"another kind":           func(in *delivery.Import) { in.Files[0].Kind = "reference" },
			"a file of another size": func(in *delivery.Import) { in.Infos[0], in.Infos[1] = in.Infos[1], in.Infos[0] },
		} {
			other := importOf(w, "half")
			spoil(&other)
			_, err := w.Depot.Import(t.Context(), w.Steward, other)
			wantErr(t, name, err, delivery.ErrOtherFiles)
		}
		_, err = w.Depot.Import(t.Context(), w.Steward, in)
		must(t, err)
	})
	t.Run("a file that changes while it is read", func(t *testing.T) {
		for name, change := range map[string]func(string) error{
			"it grew":        func(file string) error { return os.WriteFile(file, noise(100_001, 5), 0o600) },
			"it shrank":      func(file string) error { return os.Truncate(file, 10) },
			"it was touched": func(file string) error { return os.Chtimes(file, time.Time{}, time.Now().Add(time.Hour)) },
		} {
			dir := t.TempDir()
			file := filepath.Join(dir, "a.bam")
			must(t, os.WriteFile(file, noise(100_000, 5), 0o600))
			in := w.Listed(name, os.DirFS(dir), "a.bam")
			must(t, change(file))
			if _, err := w.Depot.Import(t.Context(), w.Steward, in); err == nil {
				t.Errorf("%s: got no error", name)
			}
		}
	})
	archived(t, w)
	readable(t, w, set.ID)
}

func TestTheStoreSeesNoContentsAndNoNames(t *testing.T) {
	store := objects.NewMemory()
	w := onSQLite(t, deliverytest.Options{Store: store})
	marked := map[string][]byte{
		"secret-name-of-a-file.vcf": bytes.Repeat([]byte("plaintext marker 7f3a "), 10_000),
		"folder/other-name.txt":     []byte("plaintext marker 7f3a"),
	}
	set := w.Import("set with a name", marked)
	a := w.InForce(set.ID)
	w.Work()
	d := a.Delivery()
	words := []string{"plaintext marker", "secret-name", "other-name", "folder", "CPCT0000", "set with a name", "manifest", d.Number}
	objectsSeen := 0
	for _, bucket := range []string{deliverytest.ArchiveBucket, d.Bucket} {
		for info, err := range store.List(t.Context(), bucket) {
			must(t, err)
			objectsSeen++
			body := take(t, store, bucket, info.Key)
			for _, word := range words {
				if bytes.Contains(body, []byte(word)) || strings.Contains(info.Key, word) {
					t.Errorf("object %s of %s holds %q", info.Key, bucket, word)
				}
			}
		}
	}
	if objectsSeen != 4+4+1 {
		t.Errorf("got %d objects, want the bodies and lists of two files twice, and a manifest", objectsSeen)
	}
}
