// Package db is the one way to the database, SQLite or PostgreSQL, with the same SQL text for both.
//
// State changes through Change only, which serialises writers, hands out the time, and commits the change together with
// the entry in the log that describes it: a change nobody recorded is rolled back. View reads one consistent picture.
// Upkeep writes what proves nothing (sessions, leases, progress), in tables named in bookkeeping only.
//
// Nothing inside these functions may call a store, a keyring or a mail server: whoever waits there keeps everybody
// waiting. Such work is a job, enqueued in the change that makes it necessary and run by Work.
package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Errors of this package. ErrAway is wrapped whenever the database could not be asked or did not answer in time; the
// caller then knows nothing about whether a change happened, only that repeating it is safe.
var (
	ErrAway     = errors.New("the database cannot be reached")
	ErrConflict = errors.New("somebody else changed this first")
	ErrSilent   = errors.New("a change was not recorded in the log")
	// ErrUnchanged is returned by the function given to Change when there turned out to be nothing to do: all is
	// rolled back, and Change answers nil.
	ErrUnchanged = errors.New("nothing to change")
)

// Engine tells the two databases apart, for doctor and for migrations. No statement depends on it.
type Engine string

// The engines.
const (
	SQLite   Engine = "sqlite"
	Postgres Engine = "postgres"
)

// patience bounds one transaction. A change that lingers holds up every other.
const patience = 10 * time.Second

// A DB is an open database. Make one with Open; it is safe for concurrent use.
type DB struct {
	// Now is the clock of everything that happens, in one place so that a test can set it.
	Now func() time.Time
	// Parked is told of a job that was parked, in the transaction that parks it; nil tells nobody.
	Parked func(*Tx, Job) error
	// Asked is told the text of every statement, so that a test can have its plan explained; nil tells nobody.
	Asked func(statement string)

	engine Engine
	write  *sql.DB
	read   *sql.DB // the same as write on PostgreSQL
	wake   chan struct{}
	steady *steadiness
}

// Open connects to "sqlite:PATH" or "postgres://…". It does not migrate.
func Open(ctx context.Context, dsn string) (*DB, error) {
	d := &DB{Now: time.Now, wake: make(chan struct{}, 1), steady: newSteadiness()}
	var err error
	switch {
	case strings.HasPrefix(dsn, "sqlite:"):
		err = d.openSQLite(strings.TrimPrefix(dsn, "sqlite:"))
	case strings.HasPrefix(dsn, "postgres://"), strings.HasPrefix(dsn, "postgresql://"):
		err = d.openPostgres(dsn)
	default:
		return nil, errors.New(`the database address must begin with "sqlite:" or "postgres://"`)
	}
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := d.write.PingContext(ctx); err != nil {
		d.Close()
		return nil, away(err)
	}
	return d, nil
}

func (d *DB) openSQLite(path string) error {
	d.engine = SQLite
	// FULL: an entry of the log that was acknowledged must survive a power cut.
	common := url.Values{"_pragma": {"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)"}}
	writer := url.Values{"_pragma": common["_pragma"], "_txlock": {"immediate"}}
	reader := url.Values{"_pragma": append([]string{"query_only(1)"}, common["_pragma"]...)}
	var err error
	if d.write, err = sql.Open("sqlite", "file:"+path+"?"+writer.Encode()); err != nil {
		return err
	}
	d.write.SetMaxOpenConns(1)
	if d.read, err = sql.Open("sqlite", "file:"+path+"?"+reader.Encode()); err != nil {
		return err
	}
	d.read.SetMaxOpenConns(8)
	return nil
}

func (d *DB) openPostgres(dsn string) error {
	d.engine = Postgres
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's text may repeat the password.
		return errors.New("the address of the PostgreSQL database cannot be read")
	}
	// A stuck lock or a forgotten transaction must end by itself: the head row serialises all writers.
	config.RuntimeParams["lock_timeout"] = "8s"
	config.RuntimeParams["statement_timeout"] = "9s"
	config.RuntimeParams["idle_in_transaction_session_timeout"] = "20s"
	d.write = stdlib.OpenDB(*config)
	d.write.SetMaxOpenConns(16)
	d.write.SetConnMaxIdleTime(5 * time.Minute)
	d.read = d.write
	return nil
}

// Engine says which database this is.
func (d *DB) Engine() Engine { return d.engine }

// Close closes all connections.
func (d *DB) Close() error {
	err := d.write.Close()
	if d.read != d.write && d.read != nil {
		err = errors.Join(err, d.read.Close())
	}
	return err
}

// Migrate brings the schema to this version, safely from several replicas at once. A newer schema than this program
// knows is refused.
func (d *DB) Migrate(ctx context.Context) error {
	p, err := d.migrator()
	if err != nil {
		return err
	}
	if err := newerThan(ctx, p); err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrating the database: %w", err)
	}
	return nil
}

// Migrated says whether the schema is exactly this version's.
func (d *DB) Migrated(ctx context.Context) error {
	p, err := d.migrator()
	if err != nil {
		return err
	}
	if err := newerThan(ctx, p); err != nil {
		return err
	}
	pending, err := p.HasPending(ctx)
	if err != nil {
		return away(err)
	}
	if pending {
		return errors.New("the database schema is older than this program: run sluiced migrate")
	}
	return nil
}

// Unused says whether nothing was ever recorded here: no migration was run, or the log holds no entry. Only who may migrate
// can ask.
func (d *DB) Unused(ctx context.Context) (bool, error) {
	p, err := d.migrator()
	if err != nil {
		return false, err
	}
	version, err := p.GetDBVersion(ctx)
	if err != nil || version == 0 {
		return err == nil, away(err)
	}
	head, err := d.Head(ctx)
	return err == nil && head.Seq == 0, err
}

func (d *DB) migrator() (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	if d.engine == Postgres {
		return goose.NewProvider(goose.DialectPostgres, d.write, files, goose.WithSessionLocker(sessionLock{}))
	}
	return goose.NewProvider(goose.DialectSQLite3, d.write, files)
}

func newerThan(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return away(err)
	}
	if have > want {
		return fmt.Errorf("the database schema is version %d and this program knows %d: run the newer program", have, want)
	}
	return nil
}

// sessionLock keeps two replicas that start together from migrating at once.
type sessionLock struct{}

// migrationLock is an arbitrary number that nothing else in the database uses.
const migrationLock = 5318008421

func (sessionLock) SessionLock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, migrationLock)
	return err
}

func (sessionLock) SessionUnlock(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, migrationLock)
	return err
}

// away wraps an error of the driver that says nothing about the statement, only that nobody answered.
func away(err error) error {
	if err == nil || errors.Is(err, ErrAway) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrAway, err)
}

// unanswered recognises errors that come from a database that is gone or stuck, not from the statement.
func unanswered(err error) bool {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:2] {
		case "08", "53", "57": // connection, resources (full disk, too many clients), shut down or cancelled
			return true
		}
		return pg.Code == "55P03" // lock not available in time
	}
	var lite *sqlite.Error
	if errors.As(err, &lite) {
		switch lite.Code() & 0xff {
		case 5, 6, 10, 11, 13, 14: // busy, locked, I/O error, damaged, full, cannot open
			return true
		}
		return false
	}
	var connecting *pgconn.ConnectError
	return errors.As(err, &connecting) || errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err) ||
		errors.Is(err, sql.ErrConnDone) || strings.Contains(err.Error(), "conn closed")
}

// passing recognises the two answers after which the same transaction may simply be tried once more.
func passing(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && (pg.Code == "40001" || pg.Code == "40P01")
}

// Stamp is how an instant is stored: microseconds since 1970. The zero time is 0.
func Stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Instant reads what Stamp wrote, in UTC.
func Instant(stamp int64) time.Time {
	if stamp == 0 {
		return time.Time{}
	}
	return time.UnixMicro(stamp).UTC()
}
