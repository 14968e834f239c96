// Package keyringtest holds keyrings to the contract that delivery.Keyring states, and makes them fail on purpose.
//
// Every implementation runs Run, RunRoles and RunAway; a fake that does not is of no use to any test.
package keyringtest

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"sluice/delivery"
	"sluice/infra/keyring"
)

// Run holds a keyring with all roles to every sentence of the contract. open is called once a sentence and may give
// the same keyring each time, since every sentence makes keys of its own.
func Run(t *testing.T, open func(t *testing.T) delivery.Keyring) {
	sentences := []struct {
		name  string
		holds func(*testing.T, delivery.Keyring)
	}{
		{"what was wrapped opens again, under both families of keys", opensAgain},
		{"order is kept over more items than go into one call", keepsOrder},
		{"no items are no work", noItems},
		{"wrapping the same file key twice gives different text", wrapsDifferently},
		{"a wrapped key does not open under another file's id", boundToFile},
		{"a wrapped key does not open under another wrapping key", boundToKey},
		{"one item that does not belong fails the whole call", failsWhole},
		{"damaged text does not open", damaged},
		{"a file key without file id is refused", needsFileID},
		{"wrapping under a missing key is ErrKeyGone and makes none", wrapMakesNoKey},
		{"unwrapping under a missing key is ErrKeyGone", unwrapMissing},
		{"making a key twice leaves the first in place", createTwice},
		{"after Destroy nothing opens, nothing is wrapped and Exists is false", destroyed},
		{"destroying what is not there is fine", destroyAbsent},
		{"destroying one key leaves the others alone", destroyOne},
		{"a key made again under a destroyed name opens nothing of the old", madeAgain},
		{"the key of a dataset is never destroyed", archiveStays},
		{"a name that would reach something else is refused", strangeNames},
		{"a signature verifies under the public key that comes with it", signs},
		{"many at once do not disturb one another", concurrently},
	}
	for _, s := range sentences {
		t.Run(s.name, func(t *testing.T) { s.holds(t, open(t)) })
	}
}

// Name is a fresh name in a family, for tests.
func Name(mount delivery.Mount) delivery.KeyName {
	return delivery.KeyName{Mount: mount, ID: rand.Text()}
}

// Keys draws n file keys for n files.
func Keys(n int) []delivery.Opened {
	items := make([]delivery.Opened, n)
	for i := range items {
		items[i].FileID = fmt.Sprintf("%s-%d", rand.Text(), i)
		rand.Read(items[i].Key[:])
	}
	return items
}

func opensAgain(t *testing.T, k delivery.Keyring) {
	for _, mount := range []delivery.Mount{delivery.Archive, delivery.Deliveries} {
		key, items := made(t, k, mount), Keys(3)
		checkOpens(t, k, key, wrap(t, k, key, items), items)
	}
}

func keepsOrder(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Deliveries), Keys(2*keyring.BatchSize+7)
	checkOpens(t, k, key, wrap(t, k, key, items), items)
}

func noItems(t *testing.T, k delivery.Keyring) {
	key := made(t, k, delivery.Deliveries)
	sealed, err := k.Wrap(t.Context(), key, nil)
	if err != nil || len(sealed) != 0 {
		t.Errorf("wrapping nothing: got %d items, %v, want none and no error", len(sealed), err)
	}
	opened, err := k.Unwrap(t.Context(), key, nil)
	if err != nil || len(opened) != 0 {
		t.Errorf("unwrapping nothing: got %d items, %v, want none and no error", len(opened), err)
	}
}

func wrapsDifferently(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Deliveries), Keys(1)
	first, second := wrap(t, k, key, items), wrap(t, k, key, items)
	if first[0].Wrapped == second[0].Wrapped {
		t.Errorf("got the same text twice, want different text each time")
	}
}

func boundToFile(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Deliveries), Keys(2)
	sealed := wrap(t, k, key, items)
	sealed[0].FileID, sealed[1].FileID = sealed[1].FileID, sealed[0].FileID
	for _, moved := range sealed {
		wantUnwrap(t, k, key, []delivery.Sealed{moved}, delivery.ErrNotWrapped)
	}
	wantUnwrap(t, k, key, sealed, delivery.ErrNotWrapped)
}

func boundToKey(t *testing.T, k delivery.Keyring) {
	first, second := made(t, k, delivery.Deliveries), made(t, k, delivery.Deliveries)
	sealed := wrap(t, k, first, Keys(1))
	wantUnwrap(t, k, second, sealed, delivery.ErrNotWrapped)
	sameID := delivery.KeyName{Mount: delivery.Archive, ID: first.ID}
	create(t, k, sameID)
	wantUnwrap(t, k, sameID, sealed, delivery.ErrNotWrapped)
}

func failsWhole(t *testing.T, k delivery.Keyring) {
	key := made(t, k, delivery.Deliveries)
	for _, bad := range []int{0, 3, keyring.BatchSize + 1} {
		sealed := wrap(t, k, key, Keys(keyring.BatchSize+2))
		sealed[bad].FileID = "another file"
		wantUnwrap(t, k, key, sealed, delivery.ErrNotWrapped)
	}
}

func damaged(t *testing.T, k delivery.Keyring) {
	key := made(t, k, delivery.Deliveries)
	good := wrap(t, k, key, Keys(1))[0]
	for _, text := range []string{"", "x", "vault:v1:", "local:v1:", "vault:v1:AAAA", "local:v1:AAAA", "vault:v7:" + rand.Text(),
		good.Wrapped[:len(good.Wrapped)-8], good.Wrapped + "AAAA", flip(good.Wrapped)} {
		wantUnwrap(t, k, key, []delivery.Sealed{{FileID: good.FileID, Wrapped: text}}, delivery.ErrNotWrapped)
	}
}

// flip changes one letter in the middle of the sealed bytes.
func flip(wrapped string) string {
	b := []byte(wrapped)
	at := len(b) - 20
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}

func needsFileID(t *testing.T, k delivery.Keyring) {
	key := made(t, k, delivery.Deliveries)
	if _, err := k.Wrap(t.Context(), key, []delivery.Opened{{}}); err == nil {
		t.Errorf("wrapping for no file: got no error, want a refusal")
	}
	if _, err := k.Unwrap(t.Context(), key, []delivery.Sealed{{Wrapped: "x"}}); err == nil {
		t.Errorf("unwrapping for no file: got no error, want a refusal")
	}
}

func wrapMakesNoKey(t *testing.T, k delivery.Keyring) {
	for _, mount := range []delivery.Mount{delivery.Archive, delivery.Deliveries} {
		missing := Name(mount)
		sealed, err := k.Wrap(t.Context(), missing, Keys(2))
		want(t, "wrapping under a missing key", err, delivery.ErrKeyGone)
		if len(sealed) != 0 {
			t.Errorf("got %d wrapped keys, want none", len(sealed))
		}
		wantExists(t, k, missing, false)
	}
}

func unwrapMissing(t *testing.T, k delivery.Keyring) {
	sealed := wrap(t, k, made(t, k, delivery.Deliveries), Keys(1))
	for _, mount := range []delivery.Mount{delivery.Archive, delivery.Deliveries} {
		wantUnwrap(t, k, Name(mount), sealed, delivery.ErrKeyGone)
	}
}

func createTwice(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Archive), Keys(2)
	sealed := wrap(t, k, key, items)
	create(t, k, key)
	checkOpens(t, k, key, sealed, items)
	wantExists(t, k, key, true)
}

func destroyed(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Deliveries), Keys(3)
	sealed := wrap(t, k, key, items)
	wantExists(t, k, key, true)
	destroy(t, k, key)
	wantExists(t, k, key, false)
	wantUnwrap(t, k, key, sealed, delivery.ErrKeyGone)
	_, err := k.Wrap(t.Context(), key, items)
	want(t, "wrapping under a destroyed key", err, delivery.ErrKeyGone)
	wantExists(t, k, key, false)
	destroy(t, k, key)
}

func destroyAbsent(t *testing.T, k delivery.Keyring) {
	key := Name(delivery.Deliveries)
	destroy(t, k, key)
	wantExists(t, k, key, false)
}

func destroyOne(t *testing.T, k delivery.Keyring) {
	gone, stays, items := made(t, k, delivery.Deliveries), made(t, k, delivery.Deliveries), Keys(2)
	sealed := wrap(t, k, stays, items)
	destroy(t, k, gone)
	checkOpens(t, k, stays, sealed, items)
}

func madeAgain(t *testing.T, k delivery.Keyring) {
	key := made(t, k, delivery.Deliveries)
	sealed := wrap(t, k, key, Keys(1))
	destroy(t, k, key)
	create(t, k, key)
	wantUnwrap(t, k, key, sealed, delivery.ErrNotWrapped)
}

func archiveStays(t *testing.T, k delivery.Keyring) {
	key, items := made(t, k, delivery.Archive), Keys(1)
	sealed := wrap(t, k, key, items)
	want(t, "destroying the key of a dataset", k.Destroy(t.Context(), key), delivery.ErrKeyRefused)
	checkOpens(t, k, key, sealed, items)
}

func strangeNames(t *testing.T, k delivery.Keyring) {
	there := made(t, k, delivery.Deliveries)
	for _, key := range []delivery.KeyName{{}, {Mount: "sign", ID: "sluice"}, {Mount: delivery.Deliveries},
		{Mount: delivery.Deliveries, ID: "../" + there.ID}, {Mount: delivery.Deliveries, ID: there.ID + "/config"},
		{Mount: delivery.Deliveries, ID: there.ID + "?a=b"}, {Mount: delivery.Deliveries, ID: "a b"}} {
		_, existsErr := k.Exists(t.Context(), key)
		_, wrapErr := k.Wrap(t.Context(), key, Keys(1))
		_, unwrapErr := k.Unwrap(t.Context(), key, []delivery.Sealed{{FileID: "f", Wrapped: "x"}})
		for _, err := range []error{k.Create(t.Context(), key), k.Destroy(t.Context(), key), existsErr, wrapErr, unwrapErr} {
			if err == nil || errors.Is(err, delivery.ErrKeyGone) {
				t.Errorf("key %q: got %v, want a refusal that is not ErrKeyGone", key, err)
			}
		}
	}
	wantExists(t, k, there, true)
}

func signs(t *testing.T, k delivery.Keyring) {
	var first []byte
	for _, message := range [][]byte{nil, []byte("a manifest"), bytes.Repeat([]byte("x"), 64<<10)} {
		signature, public, err := k.Sign(t.Context(), message)
		if err != nil {
			t.Fatalf("signing %d bytes: %v", len(message), err)
		}
		if len(public) != ed25519.PublicKeySize || !ed25519.Verify(public, message, signature) {
			t.Errorf("the signature of %d bytes does not verify", len(message))
		}
		if ed25519.Verify(public, append([]byte("y"), message...), signature) {
			t.Errorf("the signature verifies another message too")
		}
		if first == nil {
			first = public
		} else if !bytes.Equal(first, public) {
			t.Errorf("got two public keys, want the same one without a rotation")
		}
	}
	if _, _, err := k.Sign(t.Context(), make([]byte, 64<<10+1)); err == nil {
		t.Errorf("signing more than 64 KiB: got no error, want a refusal")
	}
}

func concurrently(t *testing.T, k delivery.Keyring) {
	shared, items := made(t, k, delivery.Deliveries), Keys(20)
	sealed := wrap(t, k, shared, items)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			checkOpens(t, k, shared, sealed, items)
			own := Name(delivery.Deliveries)
			mine := Keys(5)
			if err := k.Create(t.Context(), own); err != nil {
				t.Errorf("creating: %v", err)
				return
			}
			wrapped, err := k.Wrap(t.Context(), own, mine)
			if err != nil {
				t.Errorf("wrapping: %v", err)
				return
			}
			checkOpens(t, k, own, wrapped, mine)
			if err := k.Destroy(t.Context(), own); err != nil {
				t.Errorf("destroying: %v", err)
			}
			wantExists(t, k, own, false)
		})
	}
	wg.Wait()
	checkOpens(t, k, shared, sealed, items)
}

func made(t *testing.T, k delivery.Keyring, mount delivery.Mount) delivery.KeyName {
	t.Helper()
	key := Name(mount)
	create(t, k, key)
	return key
}

func create(t *testing.T, k delivery.Keyring, key delivery.KeyName) {
	t.Helper()
	if err := k.Create(t.Context(), key); err != nil {
		t.Fatalf("creating %s: %v", key, err)
	}
}

func destroy(t *testing.T, k delivery.Keyring, key delivery.KeyName) {
	t.Helper()
	if err := k.Destroy(t.Context(), key); err != nil {
		t.Fatalf("destroying %s: %v", key, err)
	}
}

func wrap(t *testing.T, k delivery.Keyring, key delivery.KeyName, items []delivery.Opened) []delivery.Sealed {
	t.Helper()
	sealed, err := k.Wrap(t.Context(), key, items)
	if err != nil {
		t.Fatalf("wrapping %d keys under %s: %v", len(items), key, err)
	}
	if len(sealed) != len(items) {
		t.Fatalf("wrapping %d keys: got %d", len(items), len(sealed))
	}
	for i := range items {
		if sealed[i].FileID != items[i].FileID {
			t.Fatalf("item %d: got file %s, want %s", i, sealed[i].FileID, items[i].FileID)
		}
	}
	return sealed
}

func checkOpens(t *testing.T, k delivery.Keyring, key delivery.KeyName, sealed []delivery.Sealed, items []delivery.Opened) {
	t.Helper()
	opened, err := k.Unwrap(t.Context(), key, sealed)
	if err != nil {
		t.Errorf("unwrapping %d keys under %s: %v", len(sealed), key, err)
		return
	}
	same := slices.EqualFunc(opened, items, func(got delivery.DataKey, item delivery.Opened) bool { return got == item.Key })
	if !same {
		t.Errorf("got %d other keys or another order, want the %d keys as wrapped", len(opened), len(items))
	}
}

func wantUnwrap(t *testing.T, k delivery.Keyring, key delivery.KeyName, sealed []delivery.Sealed, wanted error) {
	t.Helper()
	opened, err := k.Unwrap(t.Context(), key, sealed)
	want(t, "unwrapping", err, wanted)
	if len(opened) != 0 {
		t.Errorf("got %d keys beside the error, want none", len(opened))
	}
}

func wantExists(t *testing.T, k delivery.Keyring, key delivery.KeyName, wanted bool) {
	t.Helper()
	if there, err := k.Exists(t.Context(), key); err != nil || there != wanted {
		t.Errorf("key %s exists: got %t, %v, want %t", key, there, err, wanted)
	}
}

// want checks for one of the contract's errors and none of the others.
func want(t *testing.T, doing string, err, wanted error) {
	t.Helper()
	for _, one := range []error{delivery.ErrKeyGone, delivery.ErrKeyringAway, delivery.ErrKeyRefused, delivery.ErrNotWrapped} {
		if errors.Is(err, one) != (one == wanted) {
			t.Errorf("%s: got %v, want %v", doing, err, wanted)
			return
		}
	}
}
