package servers

import (
	"context"
	"sync"
	"testing"
)

// one is a server that all tests of a binary share: started when the first
// of them asks, and never stopped, since only the end of the binary tells
// that none will ask again (see keeper).
type one[S server] struct {
	mu      sync.Mutex
	started bool
	server  S
	err     error
}

// server is what a shared server must answer and do.
type server interface {
	running() bool
	Start(context.Context) error
}

// get returns the server, after skipping the test when its binary, unless
// that is "", is not on the machine.
func (o *one[S]) get(t testing.TB, binary string, start func(context.Context) (S, error)) S {
	t.Helper()
	needBinary(t, binary)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.started {
		o.server, o.err = start(context.Background())
		o.started = true
	}
	if o.err != nil {
		t.Fatal(o.err)
	}
	// A test that stopped it and failed before starting it again must not
	// take all the others along.
	if !o.server.running() {
		if err := o.server.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	return o.server
}

// own starts a server for one test, and removes it at the test's end.
func own[S any](t testing.TB, binary string, start func(context.Context) (S, error), remove func(S)) S {
	t.Helper()
	needBinary(t, binary)
	s, err := start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(s) })
	return s
}

func needBinary(t testing.TB, name string) {
	t.Helper()
	if name != "" {
		_, err := Binary(name)
		Need(t, err)
	}
}
