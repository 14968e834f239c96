package servers

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestEveryCallOfPostgresGivesAnEmptyDatabaseOfItsOwn(t *testing.T) {
	first, second := Postgres(t), Postgres(t)
	run(t, first, "CREATE TABLE thing (id TEXT)")
	run(t, second, "CREATE TABLE thing (id TEXT)")
	run(t, second, "INSERT INTO thing (id) VALUES ('a')")
	if got := count(t, first, "SELECT count(*) FROM thing"); got != 0 {
		t.Errorf("the first database has %d rows, want 0: they are one", got)
	}
}

func TestAStoppedClusterKeepsItsDataAndComesBack(t *testing.T) {
	c := OwnPostgres(t)
	dsn, err := c.CreateDatabase(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	run(t, dsn, "CREATE TABLE thing (id TEXT)")
	run(t, dsn, "INSERT INTO thing (id) VALUES ('a')")
	c.Stop()
	if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
		conn.Close(context.Background())
		t.Error("a stopped cluster takes connections")
	}
	if err := c.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := count(t, dsn, "SELECT count(*) FROM thing"); got != 1 {
		t.Errorf("got %d rows, want the one committed just before", got)
	}
}

func BenchmarkADatabaseMadeAndDropped(b *testing.B) {
	c := OwnPostgres(b)
	for b.Loop() {
		dsn, err := c.CreateDatabase(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := c.DropDatabase(b.Context(), dsn); err != nil {
			b.Fatal(err)
		}
	}
}

func run(t *testing.T, dsn, query string) {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func count(t *testing.T, dsn, query string) (n int) {
	t.Helper()
	conn := connect(t, dsn)
	defer conn.Close(t.Context())
	if err := conn.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	return conn
}
