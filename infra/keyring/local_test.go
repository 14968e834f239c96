package keyring_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sluice/delivery"
	"sluice/infra/keyring"
	"sluice/infra/keyring/keyringtest"
)

func newLocal(t *testing.T) (*keyring.Local, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	k, err := keyring.CreateLocal(path)
	if err != nil {
		t.Fatal(err)
	}
	return k, path
}

func TestLocalKeepsTheContract(t *testing.T) {
	keyringtest.Run(t, func(t *testing.T) delivery.Keyring {
		k, _ := newLocal(t)
		return k
	})
}

func TestLocalHoldsEachRoleToItsWork(t *testing.T) {
	k, _ := newLocal(t)
	keyringtest.RunRoles(t, func(t *testing.T, role keyring.Role) delivery.Keyring { return k.As(role) })
}

func TestLocalSaysWhenItsFileCannotBeRead(t *testing.T) {
	spoil := map[string]func(t *testing.T, path string) (back func()){
		"missing": func(t *testing.T, path string) func() {
			must(t, os.Rename(path, path+".away"))
			return func() { must(t, os.Rename(path+".away", path)) }
		},
		"damaged": func(t *testing.T, path string) func() {
			must(t, os.Rename(path, path+".away"))
			must(t, os.WriteFile(path, []byte(`{"version":1,"wrapping":{}}`), 0o600))
			return func() { must(t, os.Rename(path+".away", path)) }
		},
		"open to others": func(t *testing.T, path string) func() {
			must(t, os.Chmod(path, 0o644))
			return func() { must(t, os.Chmod(path, 0o600)) }
		},
	}
	for name, leave := range spoil {
		t.Run(name, func(t *testing.T) {
			k, path := newLocal(t)
			var back func()
			keyringtest.RunAway(t, k, func() { back = leave(t, path) }, func() { back() })
		})
	}
}

func TestLocalIsNeverMadeByOpeningItAndNeverMadeTwice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if _, err := keyring.OpenLocal(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("opening what is not there: got %v, want %v", err, fs.ErrNotExist)
	}
	if _, err := keyring.CreateLocal(path); err != nil {
		t.Fatal(err)
	}
	before := read(t, path)
	if _, err := keyring.CreateLocal(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("making it again: got %v, want %v", err, fs.ErrExist)
	}
	if !bytes.Equal(before, read(t, path)) {
		t.Errorf("making it again changed the file")
	}
}

func TestADestroyedKeyLeavesTheFileAndTheBytesItStoodIn(t *testing.T) {
	k, path := newLocal(t)
	key := keyringtest.Name(delivery.Deliveries)
	must(t, k.Create(t.Context(), key))
	text := read(t, path)
	var stored struct{ Wrapping map[string]string }
	must(t, json.Unmarshal(text, &stored))
	secret := stored.Wrapping[key.String()]
	if secret == "" {
		t.Fatalf("the key is not in the file: %q", stored.Wrapping)
	}
	old, err := os.Open(path)
	must(t, err)
	defer old.Close()
	must(t, k.Destroy(t.Context(), key))
	if strings.Contains(string(read(t, path)), secret) {
		t.Errorf("the destroyed key is still in the file")
	}
	rest := make([]byte, len(text))
	_, err = old.ReadAt(rest, 0)
	must(t, err)
	if !bytes.Equal(rest, make([]byte, len(text))) {
		t.Errorf("the bytes of the old file were not overwritten")
	}
	if entries, _ := filepath.Glob(path + "*"); len(entries) != 2 {
		t.Errorf("got files %q, want the file and its lock only", entries)
	}
}

func TestTwoProcessesMayShareALocalKeyring(t *testing.T) {
	first, path := newLocal(t)
	second, err := keyring.OpenLocal(path)
	must(t, err)
	var wg sync.WaitGroup
	names := make([][]delivery.KeyName, 2)
	for i, k := range []*keyring.Local{first, second} {
		for range 15 {
			names[i] = append(names[i], keyringtest.Name(delivery.Deliveries))
		}
		wg.Go(func() {
			for _, name := range names[i] {
				if err := k.Create(t.Context(), name); err != nil {
					t.Errorf("creating: %v", err)
				}
			}
		})
	}
	wg.Wait()
	for i, other := range []*keyring.Local{second, first} {
		for _, name := range names[i] {
			if there, err := other.Exists(t.Context(), name); err != nil || !there {
				t.Fatalf("key %s of the other process: got %t, %v, want true", name, there, err)
			}
		}
	}
	must(t, first.Destroy(t.Context(), names[0][0]))
	if _, err := second.Unwrap(t.Context(), names[0][0], []delivery.Sealed{{FileID: "f", Wrapped: "x"}}); !errors.Is(err, delivery.ErrKeyGone) {
		t.Errorf("a key the other process destroyed: got %v, want %v", err, delivery.ErrKeyGone)
	}
}

func TestLocalSaysThatItIsNotVault(t *testing.T) {
	k, path := newLocal(t)
	if got := k.Describe(); !strings.Contains(got, "not Vault") || !strings.Contains(got, path) {
		t.Errorf("got %q, want it to name the file and say that it is not Vault", got)
	}
	for _, f := range k.Probe(t.Context(), nil) {
		if !f.OK {
			t.Errorf("%s: got %q, want it fine", f.Name, f.Detail)
		}
	}
	must(t, os.Chmod(path, 0o640))
	var complaints int
	for _, f := range k.Probe(t.Context(), nil) {
		if !f.OK && f.Do != "" {
			complaints++
		}
	}
	if complaints != 1 {
		t.Errorf("a file open to others: got %d complaints, want 1", complaints)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return text
}
