package servers

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// superuser owns the cluster and every database in it.
const superuser = "sluice"

// Cluster is a private PostgreSQL server with nothing of value in it: it
// listens on a socket in its own folder only, and does not wait for the disk.
type Cluster struct {
	process process
	dir     string
	remove  func()

	mu   sync.Mutex
	last int // databases made so far
}

var postgresShared one[*Cluster]

// Postgres returns the address of a fresh, empty database, which is dropped
// when the test ends. The cluster behind it is started once for each test
// binary and leaves with it.
func Postgres(t testing.TB) string {
	t.Helper()
	_, err := postgresBin("postgres")
	Need(t, err)
	return freshDatabase(t, postgresShared.get(t, "", StartPostgres))
}

// OwnPostgres returns a cluster that belongs to this test alone, so that
// the test may stop and start it.
func OwnPostgres(t testing.TB) *Cluster {
	t.Helper()
	_, err := postgresBin("postgres")
	Need(t, err)
	return own(t, "", StartPostgres, (*Cluster).Remove)
}

func freshDatabase(t testing.TB, c *Cluster) string {
	t.Helper()
	dsn, err := c.CreateDatabase(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.DropDatabase(context.Background(), dsn); err != nil {
			t.Errorf("dropping the test's database: %v", err)
		}
	})
	return dsn
}

// StartPostgres makes a new cluster and starts it. It is gone, with its data,
// after Remove, and in any case when this process ends.
func StartPostgres(ctx context.Context) (*Cluster, error) {
	initdb, err := postgresBin("initdb")
	if err != nil {
		return nil, err
	}
	postgres, err := postgresBin("postgres")
	if err != nil {
		return nil, err
	}
	// PostgreSQL refuses to run as root.
	user, err := otherUser("postgres", "nobody")
	if err != nil {
		return nil, err
	}
	// A socket's path has room for 107 bytes, which the folder for temporary
	// files that a user has set may use up; and another user can reach these.
	dir, remove, err := folder(inMemory("/tmp"), "pg", user)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(dir, "data")
	if err := initCluster(ctx, initdb, data, user); err != nil {
		remove()
		return nil, err
	}
	c := &Cluster{dir: dir, remove: remove}
	c.process = process{
		argv: append([]string{postgres, "-D", data, "-k", dir}, clusterSettings()...),
		sig:  "QUIT", // at once: nobody needs this data again
		user: user,
		log:  filepath.Join(dir, "log"),
	}
	if err := c.Start(ctx); err != nil {
		remove()
		return nil, err
	}
	return c, nil
}

func initCluster(ctx context.Context, initdb, data string, user *syscall.Credential) error {
	// Locale C sorts text by its bytes, as SQLite does, so that the two
	// engines agree on ORDER BY in tests.
	cmd := exec.CommandContext(ctx, initdb, "-D", data, "-U", superuser, "--auth=trust",
		"--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a PostgreSQL cluster: %w\n%s", err, out)
	}
	return nil
}

func clusterSettings() []string {
	settings := []string{
		"listen_addresses=", // the socket is in a folder that only its owner can enter
		// Only a crash of the machine loses anything by this. A commit still
		// waits for its write (synchronous_commit stays on), or Stop would
		// forget the last ones.
		"fsync=off",
		"full_page_writes=off",
		"wal_level=minimal",
		"max_wal_senders=0",
		"max_wal_size=128MB", // it may lie in memory
		"min_wal_size=32MB",
		"max_connections=300",
		"shared_buffers=64MB",
		"timezone=UTC",
	}
	var args []string
	for _, s := range settings {
		args = append(args, "-c", s)
	}
	return args
}

// Start starts the cluster again after Stop, with the databases it had.
func (c *Cluster) Start(ctx context.Context) error {
	return c.process.start(ctx, func(ctx context.Context) error {
		return c.asSuperuser(ctx, func(*pgx.Conn) error { return nil })
	})
}

// Stop breaks every connection and ends the server, as a crash would. What was
// committed stays.
func (c *Cluster) Stop() { c.process.stop() }

// Remove stops the server and deletes its data.
func (c *Cluster) Remove() {
	c.process.stop()
	c.remove()
}

func (c *Cluster) running() bool { return c.process.running() }

// CreateDatabase makes an empty database and returns its address.
func (c *Cluster) CreateDatabase(ctx context.Context) (string, error) {
	c.mu.Lock()
	c.last++
	name := "t" + strconv.Itoa(c.last)
	c.mu.Unlock()
	err := c.asSuperuser(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name+" TEMPLATE template0")
		return err
	})
	if err != nil {
		return "", fmt.Errorf("creating a database: %w", err)
	}
	return c.dsn(name), nil
}

// DropDatabase removes the database at dsn, and ends the sessions in it first.
func (c *Cluster) DropDatabase(ctx context.Context, dsn string) error {
	u, err := url.Parse(dsn)
	if err != nil {
		return err
	}
	name := pgx.Identifier{strings.TrimPrefix(u.Path, "/")}.Sanitize()
	return c.asSuperuser(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
		return err
	})
}

func (c *Cluster) dsn(database string) string {
	return "postgres://" + superuser + "@/" + database + "?host=" + url.QueryEscape(c.dir) + "&sslmode=disable"
}

func (c *Cluster) asSuperuser(ctx context.Context, fn func(*pgx.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.dsn("postgres"))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return fn(conn)
}

// postgresBin finds a program of the PostgreSQL server: in PATH, where
// pg_config points, or where Debian and its like put them (newest first).
func postgresBin(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range postgresDirs() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", errors.New("no PostgreSQL server on this machine: apt-get install postgresql")
}

func postgresDirs() []string {
	var dirs []string
	if out, err := exec.Command("pg_config", "--bindir").Output(); err == nil {
		dirs = append(dirs, strings.TrimSpace(string(out)))
	}
	byVersion, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	sort.Slice(byVersion, func(i, j int) bool { return version(byVersion[i]) > version(byVersion[j]) })
	return append(dirs, byVersion...)
}

// version is the 15 in /usr/lib/postgresql/15/bin.
func version(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}
