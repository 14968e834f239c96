// Package dbtest opens fresh databases for tests: every test that touches the database runs on both engines.
package dbtest

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/infra/servers"
)

// A Clock is a clock that a test sets.
type Clock struct {
	mu sync.Mutex
	at time.Time
}

// Start is where every test's clock begins: a Sunday morning in November, Amsterdam time CET.
var Start = time.Date(2026, time.November, 22, 9, 0, 0, 0, time.UTC)

// NewClock is a clock that stands at Start.
func NewClock() *Clock { return &Clock{at: Start} }

// Now reads the clock.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

// Set moves the clock to an instant, backwards too.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = at
}

// Advance moves the clock on.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Each runs a test on a fresh SQLite and on a fresh PostgreSQL database, with a clock that the test sets.
func Each(t *testing.T, body func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		d, clock := SQLite(t)
		body(t, d, clock)
	})
	t.Run("postgres", func(t *testing.T) {
		d, clock := Postgres(t)
		body(t, d, clock)
	})
}

// SQLite opens a fresh, migrated SQLite database in the test's folder.
func SQLite(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "sluice.db"))
}

// Postgres opens a fresh, migrated PostgreSQL database, or skips the test, saying why.
func Postgres(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	return Open(t, servers.Postgres(t))
}

// Open opens and migrates the database at an address, with a clock that the test sets, and closes it at the end.
func Open(t testing.TB, dsn string) (*db.DB, *Clock) {
	t.Helper()
	d, err := db.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	clock := NewClock()
	d.Now = clock.Now
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, clock
}
