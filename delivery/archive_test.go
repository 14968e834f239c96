package delivery_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/keyring"
)

// unwraps counts the items of each call that opens keys of deliveries.
type unwraps struct {
	delivery.Keyring
	mu    sync.Mutex
	items []int
}

func (u *unwraps) Unwrap(ctx context.Context, key delivery.KeyName, items []delivery.Sealed) ([]delivery.DataKey, error) {
	if key.Mount == delivery.Deliveries {
		u.mu.Lock()
		u.items = append(u.items, len(items))
		u.mu.Unlock()
	}
	return u.Keyring.Unwrap(ctx, key, items)
}

func (u *unwraps) take() []int {
	u.mu.Lock()
	defer u.mu.Unlock()
	defer func() { u.items = nil }()
	return u.items
}

// handedOver is a delivery of these files with a keyring that counts, and a site that serves it.
func handedOver(t *testing.T, files map[string][]byte) (*deliverytest.World, delivery.Overview, *site, *unwraps) {
	t.Helper()
	local, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	must(t, err)
	keys := &unwraps{Keyring: local}
	w := onSQLite(t, deliverytest.Options{Keys: keys})
	a := w.InForce(w.Import("set", files).ID)
	w.Work()
	d := a.Delivery()
	if d.State != delivery.Available {
		t.Fatalf("the delivery is %s", d.State)
	}
	keys.take()
	return w, d, serve(t, w.Depot, map[string]account.Who{"carla": a.Contact}), keys
}

func wantCalls(t *testing.T, what string, keys *unwraps, want ...int) {
	t.Helper()
	if got := keys.take(); !slices.Equal(got, want) {
		t.Errorf("%s: the keyring opened %v keys, one number a call, want %v", what, got, want)
	}
}

func TestAnArchiveOfSmallFilesAsksTheKeyringForHundredsOfKeysAtOnce(t *testing.T) {
	files := map[string][]byte{"empty.txt": {}}
	for i := range 1200 {
		files[fmt.Sprintf("sample-%04d.vcf", i)] = fmt.Appendf(nil, "variants of %d", i)
	}
	_, d, s, keys := handedOver(t, files)
	whole := s.get("carla", d.ID, d.Number+".tar")
	whole.want(t, "the archive", 200, nil)
	// The first call shows, before the first byte, that the keyring can be reached.
	wantCalls(t, "the whole archive", keys, 1, 500, 500, 201)
	var last int64
	got, r := map[string][]byte{}, tar.NewReader(bytes.NewReader(whole.body))
	for {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		must(t, err)
		got[h.Name], err = io.ReadAll(r)
		must(t, err)
		last = int64(len(whole.body)) - 1024
	}
	for name, data := range files {
		if !bytes.Equal(got[d.Number+"/"+name], data) {
			t.Errorf("%s: got %q, want %q", name, got[d.Number+"/"+name], data)
		}
	}
	// A range opens what it touches: the last two files lie in the last two kilobytes, each in 512 bytes behind a header of 512.
	tail := s.get("carla", d.ID, d.Number+".tar", "Range", fmt.Sprintf("bytes=%d-", last-2048))
	tail.want(t, "the end of the archive", 206, whole.body[last-2048:])
	wantCalls(t, "the end of the archive", keys, 1, 2)
	s.get("carla", d.ID, d.Number+".tar", "Range", fmt.Sprintf("bytes=%d-%d", last-1024, last-1024+99)).want(t, "a header", 206, nil)
	wantCalls(t, "a header", keys, 1)
	s.get("carla", d.ID, "sample-0001.vcf").want(t, "one file", 200, nil)
	wantCalls(t, "one file", keys, 1)
}

func TestNoKeyOfALargeFileIsOpenedLongBeforeItsTurn(t *testing.T) {
	large := noise(33<<20, 6)
	_, d, s, keys := handedOver(t, map[string][]byte{"a.cram": large, "b.cram": large, "c.cram": large})
	s.get("carla", d.ID, d.Number+".tar").want(t, "the archive", 200, nil)
	wantCalls(t, "three large files", keys, 1, 3, 1) // the manifest and two, then the third
}

func TestADamagedKeyStopsTheArchiveAtItsFileAndNotBefore(t *testing.T) {
	files := map[string][]byte{}
	for i := range 20 {
		files[fmt.Sprintf("f%02d.vcf", i)] = fmt.Appendf(nil, "variants of %d", i)
	}
	w, d, s, keys := handedOver(t, files)
	whole := s.get("carla", d.ID, d.Number+".tar")
	whole.want(t, "the archive", 200, nil)
	keys.take()
	must(t, w.DB.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE delivery_files SET wrapped = (SELECT wrapped FROM delivery_files o WHERE o.delivery = delivery_files.delivery AND o.name = 'f00.vcf') WHERE name = 'f10.vcf'`)
		if err != nil {
			return err
		}
		return tx.Record("test:tampering", tampered{})
	}))
	broken := s.get("carla", d.ID, d.Number+".tar")
	if broken.err == nil || len(broken.body) == 0 || !bytes.HasPrefix(whole.body, broken.body) || !bytes.Contains(broken.body, []byte("variants of 5")) || bytes.Contains(broken.body, []byte("variants of 10")) {
		// What had been sent last may be lost on the way when the connection breaks.
		t.Errorf("got %d bytes of %d and %v, want what stands before the damaged file, or most of it", len(broken.body), len(whole.body), broken.err)
	}
	if n := len(keys.take()); n > 16 {
		t.Errorf("the keyring was asked %d times, want once for each file", n)
	}
}
