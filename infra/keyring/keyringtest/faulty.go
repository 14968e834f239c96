package keyringtest

import (
	"context"
	"fmt"
	"sync"

	"sluice/delivery"
)

// A Fault is how a call goes wrong.
type Fault int

const (
	None     Fault = iota
	NotDone        // the call fails and nothing happened
	Reported       // the call happened and fails all the same, as when the answer is lost
)

// Faulty is a keyring whose calls fail as Next says. Failing calls answer ErrKeyringAway, as a lost connection does.
type Faulty struct {
	Keyring delivery.Keyring
	Next    func(call string) Fault // asked once a call, with its name, as "Destroy"; may be shared with other fakes
}

var _ delivery.Keyring = (*Faulty)(nil)

// Plan makes one call fail, by number, and counts all of them. The zero Plan only counts.
type Plan struct {
	mu    sync.Mutex
	at    int
	fault Fault
	calls []string
}

// FailAt begins to count anew and makes the n-th call from here fail; the first is 1, and 0 is none.
func (p *Plan) FailAt(n int, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at, p.fault, p.calls = n, fault, nil
}

// Next counts a call and says how it goes wrong. It fits Faulty.Next.
func (p *Plan) Next(call string) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
	if len(p.calls) == p.at {
		return p.fault
	}
	return None
}

// Calls lists the calls since FailAt. A fault loop is through when there were fewer of them than its number.
func (p *Plan) Calls() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.calls...)
}

// do lets one call go wrong as planned.
func (f *Faulty) do(call string, act func() error) error {
	fault := f.Next(call)
	if fault == NotDone {
		return fmt.Errorf("%s was made to fail and did not happen: %w", call, delivery.ErrKeyringAway)
	}
	err := act()
	if fault == Reported && err == nil {
		return fmt.Errorf("%s was made to fail after it happened: %w", call, delivery.ErrKeyringAway)
	}
	return err
}

// Create is delivery.Keyring's.
func (f *Faulty) Create(ctx context.Context, key delivery.KeyName) error {
	return f.do("Create", func() error { return f.Keyring.Create(ctx, key) })
}

// Wrap is delivery.Keyring's.
func (f *Faulty) Wrap(ctx context.Context, key delivery.KeyName, items []delivery.Opened) ([]delivery.Sealed, error) {
	return through(f, "Wrap", func() ([]delivery.Sealed, error) { return f.Keyring.Wrap(ctx, key, items) })
}

// Unwrap is delivery.Keyring's.
func (f *Faulty) Unwrap(ctx context.Context, key delivery.KeyName, items []delivery.Sealed) ([]delivery.DataKey, error) {
	return through(f, "Unwrap", func() ([]delivery.DataKey, error) { return f.Keyring.Unwrap(ctx, key, items) })
}

// Destroy is delivery.Keyring's.
func (f *Faulty) Destroy(ctx context.Context, key delivery.KeyName) error {
	return f.do("Destroy", func() error { return f.Keyring.Destroy(ctx, key) })
}

// Exists is delivery.Keyring's.
func (f *Faulty) Exists(ctx context.Context, key delivery.KeyName) (bool, error) {
	return through(f, "Exists", func() (bool, error) { return f.Keyring.Exists(ctx, key) })
}

// Sign is delivery.Keyring's.
func (f *Faulty) Sign(ctx context.Context, message []byte) (signature, public []byte, err error) {
	err = f.do("Sign", func() (err error) {
		signature, public, err = f.Keyring.Sign(ctx, message)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	return signature, public, nil
}

// through hands the answer on only when the call did not fail.
func through[T any](f *Faulty, call string, act func() (T, error)) (answer T, err error) {
	var got T
	err = f.do(call, func() (err error) {
		got, err = act()
		return err
	})
	if err != nil {
		return answer, err
	}
	return got, nil
}
