package keyringtest_test

import (
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"sluice/delivery"
	"sluice/infra/keyring"
	"sluice/infra/keyring/keyringtest"
)

func faulty(t *testing.T) (*keyringtest.Faulty, *keyringtest.Plan) {
	t.Helper()
	local, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	plan := &keyringtest.Plan{}
	return &keyringtest.Faulty{Keyring: local, Next: plan.Next}, plan
}

func TestAFaultyKeyringWithoutFaultsKeepsTheContract(t *testing.T) {
	keyringtest.Run(t, func(t *testing.T) delivery.Keyring {
		k, _ := faulty(t)
		return k
	})
}

func TestACallThatIsMadeToFailHappenedOrDidNotAsPlanned(t *testing.T) {
	for fault, happened := range map[keyringtest.Fault]bool{keyringtest.NotDone: false, keyringtest.Reported: true} {
		k, plan := faulty(t)
		key := keyringtest.Name(delivery.Deliveries)
		plan.FailAt(2, fault)
		if there, err := k.Exists(t.Context(), key); err != nil || there {
			t.Fatalf("call 1: got %t, %v, want false and no error", there, err)
		}
		if err := k.Create(t.Context(), key); !errors.Is(err, delivery.ErrKeyringAway) {
			t.Errorf("call 2: got %v, want %v", err, delivery.ErrKeyringAway)
		}
		if there, err := k.Exists(t.Context(), key); err != nil || there != happened {
			t.Errorf("call 3: got %t, %v, want %t and no error", there, err, happened)
		}
		if want := []string{"Exists", "Create", "Exists"}; !slices.Equal(plan.Calls(), want) {
			t.Errorf("got calls %q, want %q", plan.Calls(), want)
		}
	}
}

func TestAnAnswerThatWasLostGivesNothingAway(t *testing.T) {
	k, plan := faulty(t)
	key := keyringtest.Name(delivery.Deliveries)
	if err := k.Create(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	plan.FailAt(1, keyringtest.Reported)
	sealed, err := k.Wrap(t.Context(), key, keyringtest.Keys(1))
	if !errors.Is(err, delivery.ErrKeyringAway) || sealed != nil {
		t.Errorf("got %d wrapped keys and %v, want none and %v", len(sealed), err, delivery.ErrKeyringAway)
	}
	plan.FailAt(1, keyringtest.Reported)
	if signature, _, err := k.Sign(t.Context(), []byte("m")); !errors.Is(err, delivery.ErrKeyringAway) || signature != nil {
		t.Errorf("got a signature of %d bytes and %v, want none and %v", len(signature), err, delivery.ErrKeyringAway)
	}
}
