package mail

import (
	"context"
	"slices"
	"sync"
)

// Box keeps the last messages in memory instead of sending them, to be shown on a page while trying Sluice out.
type Box struct {
	mu   sync.Mutex
	keep int
	kept []Message
}

// NewBox returns a Box that keeps the given number of messages.
func NewBox(keep int) *Box { return &Box{keep: max(keep, 1)} }

// Send puts the message in the box, and the oldest one out when it is full.
func (b *Box) Send(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kept = append(b.kept, m)
	if over := len(b.kept) - b.keep; over > 0 {
		b.kept = slices.Delete(b.kept, 0, over)
	}
	return nil
}

// Messages lists what is in the box, newest first.
func (b *Box) Messages() []Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := slices.Clone(b.kept)
	slices.Reverse(list)
	return list
}

// Recorder remembers what a test sent, and fails when the test asks it to.
type Recorder struct {
	mu       sync.Mutex
	sent     []Message
	failures []error
}

// Fail makes the next sendings return these errors, one each.
func (r *Recorder) Fail(errs ...error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failures = append(r.failures, errs...)
}

// Send records the message under the same rules as a real sender.
func (r *Recorder) Send(_ context.Context, m Message) error {
	if err := m.check(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.failures) > 0 {
		err := r.failures[0]
		r.failures = r.failures[1:]
		return err
	}
	r.sent = append(r.sent, m)
	return nil
}

// Messages lists what was sent, oldest first.
func (r *Recorder) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.sent)
}

// To lists what was sent to one address, oldest first.
func (r *Recorder) To(address string) []Message {
	return slices.DeleteFunc(r.Messages(), func(m Message) bool { return m.To.Address != address })
}
