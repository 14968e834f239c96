// Package dbtest opens fresh databases for tests: every test that touches the database runs on both engines.
package dbtest

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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

// engine names the engine that a run is about, sqlite or postgres: make test has a run for each. Without it Fresh takes
// SQLite, and Each both.
const engine = "TEST_DATABASE"

// Fresh opens a fresh, migrated database on the engine of this run, with a clock that the test sets.
func Fresh(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	if os.Getenv(engine) == "postgres" {
		return Postgres(t)
	}
	return SQLite(t)
}

// Each runs a test on a fresh SQLite and on a fresh PostgreSQL database, or on the one of this run, with a clock that the
// test sets.
func Each(t *testing.T, body func(t *testing.T, d *db.DB, clock *Clock)) {
	t.Helper()
	only := os.Getenv(engine)
	for _, one := range []struct {
		name string
		open func(testing.TB) (*db.DB, *Clock)
	}{{"sqlite", SQLite}, {"postgres", Postgres}} {
		if only != "" && only != one.name {
			continue
		}
		t.Run(one.name, func(t *testing.T) {
			d, clock := one.open(t)
			body(t, d, clock)
		})
	}
}

// SQLite opens a fresh, migrated SQLite database in the test's folder: for what is about that engine. Others call Fresh.
func SQLite(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	return Open(t, "sqlite:"+filepath.Join(t.TempDir(), "sluice.db"))
}

// Postgres opens a fresh, migrated PostgreSQL database, or skips the test, saying why.
func Postgres(t testing.TB) (*db.DB, *Clock) {
	t.Helper()
	return Open(t, servers.Postgres(t))
}

// Reopen opens the database of d once more, with the same clock, as a process does that starts again. The caller closes it.
func Reopen(t testing.TB, d *db.DB) *db.DB {
	t.Helper()
	dsn, known := addresses.Load(d)
	if !known {
		t.Fatal("this database was not opened here")
	}
	again, err := db.Open(t.Context(), dsn.(string))
	if err != nil {
		t.Fatal(err)
	}
	again.Now = d.Now
	return again
}

// Open opens and migrates the database at an address, with a clock that the test sets, and closes it at the end.
func Open(t testing.TB, dsn string) (*db.DB, *Clock) {
	t.Helper()
	d, err := db.Open(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	addresses.Store(d, dsn)
	t.Cleanup(func() { addresses.Delete(d); d.Close() })
	clock := NewClock()
	d.Now = clock.Now
	if err := d.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	return d, clock
}

// addresses are those of the open databases, for what goes past the product.
var addresses sync.Map // *db.DB → string

// Full has a database refuse writes, as one does whose disk is full, until again is called. Each of what is an operation
// and a table, such as "INSERT audit_entries".
func Full(t testing.TB, d *db.DB, what ...string) (again func()) {
	t.Helper()
	dsn, _ := addresses.Load(d)
	driver, address := "pgx", fmt.Sprint(dsn)
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		driver, address = "sqlite", path
	}
	run := func(statements ...string) {
		t.Helper()
		conn, err := sql.Open(driver, address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		for _, s := range statements {
			if _, err := conn.Exec(s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
	}
	var undo []string
	for i, w := range what {
		operation, table, _ := strings.Cut(w, " ")
		name := fmt.Sprintf("full_%d", i)
		if driver == "sqlite" {
			run(`CREATE TRIGGER ` + name + ` BEFORE ` + operation + ` ON ` + table + ` BEGIN SELECT RAISE(ABORT, 'no space left'); END`)
			undo = append(undo, `DROP TRIGGER `+name)
			continue
		}
		run(`CREATE OR REPLACE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no space left'; END $$`,
			`CREATE TRIGGER `+name+` BEFORE `+operation+` ON `+table+` FOR EACH ROW EXECUTE FUNCTION full_disk()`)
		undo = append(undo, `DROP TRIGGER `+name+` ON `+table)
	}
	return func() {
		t.Helper()
		run(undo...)
	}
}
