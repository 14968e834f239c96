package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"sluice/infra/audit"
)

// An Actor is who does something, as the log names him. The zero Actor may do nothing.
type Actor struct{ name string }

// Person is the actor for an act of a signed-in person.
func Person(id string) Actor { return Actor{"person:" + id} }

// Worker is the actor for what Sluice does by itself: preparing, ending, reminding.
func Worker() Actor { return Actor{"worker"} }

// CommandLine is the actor for what somebody does on the host.
func CommandLine(user, host string) Actor { return Actor{"cli:" + user + "@" + host} }

// String is the name in the log: "person:…", "worker" or "cli:user@host".
func (a Actor) String() string { return a.name }

// An Event is something that happened, encoded as JSON into the log. Its kind names its meaning and shape for ever.
type Event interface{ Kind() string }

// A Tx is one transaction. At is its one time: state, log and page agree to the microsecond.
type Tx struct {
	At time.Time

	ctx      context.Context
	sql      *sql.Tx
	db       *DB
	mode     mode
	long     bool // not bounded by patience
	by       Actor
	head     audit.Head
	recorded int
	enqueued bool
}

type mode int

const (
	viewing mode = iota
	changing
	keepingUp
)

// bookkeeping are the tables that Upkeep may write. None of them decides what somebody may do, or proves what was done.
var bookkeeping = []string{
	"jobs", "sessions", "sign_in_failures", "totp_steps", "transfer_progress", "mail_outbox", "seen",
}

// Change runs fn in the one writing transaction there is at a time, and commits it together with the entries that fn
// recorded. What fn reads cannot be stale. fn may run again when the database asks for it, so it changes nothing outside tx.
func (d *DB) Change(ctx context.Context, by Actor, fn func(*Tx) error) error {
	if by.name == "" {
		return errors.New("a change without an actor")
	}
	return d.run(ctx, &Tx{mode: changing, by: by}, fn)
}

// View runs fn on one consistent picture of the database, which it cannot change.
func (d *DB) View(ctx context.Context, fn func(*Tx) error) error {
	return d.run(ctx, &Tx{mode: viewing}, fn)
}

// Survey is View for as long as ctx allows: for walking a log of years. Each statement must be short all the same.
func (d *DB) Survey(ctx context.Context, fn func(*Tx) error) error {
	return d.run(ctx, &Tx{mode: viewing, long: true}, fn)
}

// Upkeep runs fn in a transaction that may write bookkeeping tables only and appears in no log.
func (d *DB) Upkeep(ctx context.Context, fn func(*Tx) error) error {
	return d.run(ctx, &Tx{mode: keepingUp}, fn)
}

// run tries a transaction, and repeats it when the database broke off two that crossed.
func (d *DB) run(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	var err error
	for range 4 {
		attempt := *tx
		if err = d.once(ctx, &attempt, fn); !passing(err) {
			break
		}
	}
	if err != nil && unanswered(err) && ctx.Err() == nil {
		return away(err)
	}
	return err
}

func (d *DB) once(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	if tx.mode != viewing {
		if err := d.steady.check(); err != nil {
			return away(err)
		}
	}
	if !tx.long {
		bounded, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		ctx = bounded
	}
	pool, opts := d.write, &sql.TxOptions{}
	if tx.mode == viewing {
		pool = d.read
		if d.engine == Postgres {
			opts = &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}
		}
	}
	stx, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return away(err)
	}
	defer stx.Rollback() // after Commit this does nothing
	tx.ctx, tx.sql, tx.db, tx.At = ctx, stx, d, d.Now().UTC().Truncate(time.Microsecond)
	if tx.mode == changing {
		if err := tx.takeHead(); err != nil {
			return err
		}
	}
	switch err := fn(tx); {
	case errors.Is(err, ErrUnchanged):
		return nil
	case err != nil:
		return err
	}
	if tx.mode == changing {
		if err := tx.leaveHead(); err != nil {
			return err
		}
	}
	if err := stx.Commit(); err != nil {
		return away(err)
	}
	if tx.enqueued {
		d.nudge()
	}
	return nil
}

// takeHead locks the end of the log. The clock is read after the lock is held and never runs behind the last entry, so
// the order of times is the order of entries, whatever the clocks of the replicas say.
func (tx *Tx) takeHead() error {
	var at int64
	var hash string
	err := tx.sql.QueryRowContext(tx.ctx, `UPDATE audit_head SET seq = seq WHERE id = 1 RETURNING seq, at, hash`).
		Scan(&tx.head.Seq, &at, &hash)
	if err != nil {
		return fmt.Errorf("taking the head of the log: %w", err)
	}
	if tx.head.Hash, err = audit.ParseHash(hash); err != nil {
		return err
	}
	tx.head.At = Instant(at)
	tx.At = tx.db.Now().UTC().Truncate(time.Microsecond)
	if tx.At.Before(tx.head.At) {
		tx.At = tx.head.At
	}
	return nil
}

func (tx *Tx) leaveHead() error {
	if tx.recorded == 0 {
		return ErrSilent
	}
	return tx.Update(`UPDATE audit_head SET seq = $1, at = $2, hash = $3 WHERE id = 1 AND seq = $4`,
		tx.head.Seq, Stamp(tx.head.At), tx.head.Hash.String(), tx.head.Seq-int64(tx.recorded))
}

// Record appends an event about a subject ("agreement:…") to the log, in this change.
func (tx *Tx) Record(subject string, ev Event) error {
	if tx.mode != changing {
		return fmt.Errorf("recording %s outside a change", ev.Kind())
	}
	data, err := json.Marshal(ev)
	if err != nil {
		return fmt.Errorf("encoding %s: %w", ev.Kind(), err)
	}
	body, err := json.Marshal(audit.Body{Version: 1, Kind: ev.Kind(), By: tx.by.name, Subject: subject, Data: data})
	if err != nil {
		return fmt.Errorf("encoding %s: %w", ev.Kind(), err)
	}
	next := audit.Head{Seq: tx.head.Seq + 1, At: tx.At}
	next.Hash = audit.Link(tx.head.Hash, next.Seq, next.At, body)
	_, err = tx.Exec(`INSERT INTO audit_entries (seq, at, hash, kind, actor, subject, body) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		next.Seq, Stamp(next.At), next.Hash.String(), ev.Kind(), tx.by.name, subject, string(body))
	if err != nil {
		return fmt.Errorf("recording %s: %w", ev.Kind(), err)
	}
	tx.head = next
	tx.recorded++
	return nil
}

// By is the actor of a change.
func (tx *Tx) By() Actor { return tx.by }

// Query runs a SELECT.
func (tx *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	if err := tx.allowed(query); err != nil {
		return nil, err
	}
	return tx.sql.QueryContext(tx.ctx, query, storable(args)...)
}

// QueryRow runs a SELECT, or a statement with RETURNING, that yields at most one row.
func (tx *Tx) QueryRow(query string, args ...any) *sql.Row {
	if err := tx.allowed(query); err != nil {
		// A Row cannot carry an error of ours; a statement that cannot run can.
		ctx, cancel := context.WithCancelCause(tx.ctx)
		cancel(err)
		return tx.sql.QueryRowContext(ctx, query, storable(args)...)
	}
	return tx.sql.QueryRowContext(tx.ctx, query, storable(args)...)
}

// Exec runs a statement and says how many rows it touched.
func (tx *Tx) Exec(query string, args ...any) (int64, error) {
	if err := tx.allowed(query); err != nil {
		return 0, err
	}
	result, err := tx.sql.ExecContext(tx.ctx, query, storable(args)...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// Update runs a statement that must touch exactly one row: the one whose state or revision it names. Anything else is
// ErrConflict, and nothing of the transaction is kept once the caller returns it.
func (tx *Tx) Update(query string, args ...any) error {
	n, err := tx.Exec(query, args...)
	if err != nil {
		return err
	}
	if n != 1 {
		return ErrConflict
	}
	return nil
}

// storable replaces, in text, what PostgreSQL cannot hold and SQLite can: broken UTF-8 and zero bytes. Otherwise an id out of
// somebody's link would not be found on one engine and be an error on the other, and a browser's name could keep a person
// from signing in.
func storable(args []any) []any {
	for i, arg := range args {
		v := reflect.ValueOf(arg)
		if v.Kind() != reflect.String {
			continue
		}
		if s := v.String(); !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

var written = regexp.MustCompile(`(?i)^\s*(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)`)

// allowed keeps bookkeeping apart from what must be recorded, and views from writing.
func (tx *Tx) allowed(query string) error {
	if tx.db.Asked != nil {
		tx.db.Asked(query)
	}
	if tx.mode == changing {
		return nil
	}
	m := written.FindStringSubmatch(query)
	switch {
	case m == nil && strings.HasPrefix(strings.ToUpper(strings.TrimSpace(query)), "SELECT"):
		return nil
	case m != nil && tx.mode == keepingUp && slices.Contains(bookkeeping, strings.ToLower(m[1])):
		return nil
	}
	return fmt.Errorf("this statement needs a change that is recorded: %.60s", query)
}

// Next takes the next number of a counter, from 1. Numbers people read come from here; nothing is found by them alone.
func (tx *Tx) Next(counter string) (int64, error) {
	var n int64
	err := tx.QueryRow(`INSERT INTO counters (name, value) VALUES ($1, 1)
		ON CONFLICT (name) DO UPDATE SET value = counters.value + 1 RETURNING value`, counter).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting %s: %w", counter, err)
	}
	return n, nil
}

// NewID is a new internal key: 130 bits of random text.
func NewID() string { return rand.Text() }
