package keyring

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"sluice/delivery"
)

// keys is what the file of a local keyring holds, as JSON:
//
//	{
//	  "about":    "Sluice's local keyring. ...",
//	  "version":  1,
//	  "signing":  base64 of an Ed25519 seed, 32 bytes
//	  "wrapping": { "archive/<id>": base64 of 32 random bytes, "delivery/<id>": ... }
//	}
//
// A rewrite makes <file>.new and renames it over the file, so that a crash leaves the old or the new one, whole. Two
// processes may share the file: whoever reads or rewrites it holds the lock on <file>.lock, which is never renamed.
type keys struct {
	About    string            `json:"about"`
	Version  int               `json:"version"`
	Signing  []byte            `json:"signing"`
	Wrapping map[string][]byte `json:"wrapping"`
}

const aboutKeys = "Sluice's local keyring. Whoever reads this can open the data. Keep it readable by its owner only, and its copies few."

// errUnchanged: a change found nothing to do, and the file stays as it is.
var errUnchanged = errors.New("nothing to change")

// keyFile is the file with what was last read of it. The file read stays open: a new one cannot get its inode number
// then, so comparing the two tells for certain whether another process has rewritten it.
type keyFile struct {
	path string

	mu   sync.Mutex
	read *os.File
	keys *keys
}

func createKeyFile(path string) error {
	k := &keys{About: aboutKeys, Version: 1, Signing: make([]byte, ed25519.SeedSize), Wrapping: map[string][]byte{}}
	rand.Read(k.Signing)
	unlock, err := lockFile(path, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("making the key file %s: %w", path, fs.ErrExist)
	}
	return write(path, k)
}

// current gives the keys as they stand in the file now. What it gives is never changed afterwards.
func (f *keyFile) current() (*keys, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fresh() {
		return f.keys, nil
	}
	// Without the lock a reader could meet the old file while it is being overwritten after a rename.
	unlock, err := lockFile(f.path, syscall.LOCK_SH)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := f.load(); err != nil {
		return nil, err
	}
	return f.keys, nil
}

func (f *keyFile) fresh() bool {
	if f.read == nil {
		return false
	}
	there, err := os.Stat(f.path)
	if err != nil || there.Mode().Perm()&0o077 != 0 {
		return false
	}
	ours, err := f.read.Stat()
	return err == nil && os.SameFile(there, ours)
}

// change rewrites the file with what fn makes of a copy of its keys. fn leaves it alone by answering errUnchanged.
func (f *keyFile) change(ctx context.Context, fn func(*keys) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", delivery.ErrKeyringAway, err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	unlock, err := lockFile(f.path, syscall.LOCK_EX)
	if err != nil {
		return err
	}
	defer unlock()
	if err := f.load(); err != nil {
		return err
	}
	next := f.keys.clone()
	if err := fn(next); errors.Is(err, errUnchanged) {
		return nil
	} else if err != nil {
		return err
	}
	old, err := os.OpenFile(f.path, os.O_WRONLY, 0)
	if err != nil {
		return away(f.path, err)
	}
	defer old.Close()
	if err := write(f.path, next); err != nil {
		return err
	}
	// The new file stands from here on. What follows only removes the traces of the old one.
	return errors.Join(f.load(), overwrite(old))
}

// load reads the file again; the caller holds the lock on it.
func (f *keyFile) load() error {
	file, err := os.Open(f.path)
	if err != nil {
		return away(f.path, err)
	}
	k, err := parse(file)
	if err != nil {
		file.Close()
		return fmt.Errorf("key file %s: %w", f.path, err)
	}
	if f.read != nil {
		f.read.Close()
	}
	f.read, f.keys = file, k
	return nil
}

func parse(file *os.File) (*keys, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("others than its owner can read or write it (mode %04o); set it to 600 with chmod, and consider its keys known: %w", info.Mode().Perm(), delivery.ErrKeyringAway)
	}
	text, err := io.ReadAll(file)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", delivery.ErrKeyringAway, err)
	}
	k := &keys{}
	if err := json.Unmarshal(text, k); err != nil || k.Version != 1 || len(k.Signing) != ed25519.SeedSize || k.Wrapping == nil {
		// The decoder's own words may hold parts of the file.
		return nil, fmt.Errorf("it is damaged or not a keyring of version 1; put it back from a safe copy: %w", delivery.ErrKeyringAway)
	}
	for name, key := range k.Wrapping {
		if len(key) != 32 {
			return nil, fmt.Errorf("the key %s in it is damaged; put the file back from a safe copy: %w", name, delivery.ErrKeyringAway)
		}
	}
	return k, nil
}

func (k *keys) clone() *keys {
	c := *k
	c.Wrapping = make(map[string][]byte, len(k.Wrapping)+1)
	for name, key := range k.Wrapping {
		c.Wrapping[name] = append([]byte(nil), key...)
	}
	return &c
}

// write puts the keys in place of the file and on the disk before it returns.
func write(path string, k *keys) error {
	text, err := json.MarshalIndent(k, "", " ")
	if err != nil {
		return err
	}
	fresh := path + ".new"
	if err := os.Remove(fresh); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return away(path, err)
	}
	if err := writeSynced(fresh, append(text, '\n')); err != nil {
		return away(path, err)
	}
	if err := os.Rename(fresh, path); err != nil {
		return away(path, err)
	}
	return syncFolder(path)
}

func writeSynced(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// Until its folder is on the disk, a power cut may bring the old file back: a destroyed key with it.
func syncFolder(path string) error {
	folder, err := os.Open(filepath.Dir(path))
	if err != nil {
		return away(path, err)
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil {
		return away(path, err)
	}
	return nil
}

func overwrite(old *os.File) error {
	info, err := old.Stat()
	if err != nil {
		return away(old.Name(), err)
	}
	if _, err := old.WriteAt(make([]byte, info.Size()), 0); err != nil {
		return away(old.Name(), err)
	}
	if err := old.Sync(); err != nil {
		return away(old.Name(), err)
	}
	return nil
}

func (f *keyFile) writable() error {
	probe, err := os.CreateTemp(filepath.Dir(f.path), filepath.Base(f.path)+".probe-")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

// lockFile waits for the lock beside the file: shared to read, exclusive to rewrite.
func lockFile(path string, how int) (unlock func(), err error) {
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, away(path, err)
	}
	for {
		err = syscall.Flock(int(lock.Fd()), how)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		lock.Close()
		return nil, away(path, err)
	}
	return func() { lock.Close() }, nil
}

func away(path string, err error) error {
	return fmt.Errorf("key file %s: %w: %w", path, delivery.ErrKeyringAway, err)
}
