package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"

	"sluice/infra/audit"
)

// Head reads where the log ends. It is one small query, cheap enough to ask twice a second.
func (d *DB) Head(ctx context.Context) (audit.Head, error) {
	var head audit.Head
	err := d.View(ctx, func(tx *Tx) error {
		var err error
		head, err = tx.Head()
		return err
	})
	return head, err
}

// Head reads where the log ends, as this transaction sees it.
func (tx *Tx) Head() (audit.Head, error) {
	var head audit.Head
	var at int64
	var hash string
	if err := tx.QueryRow(`SELECT seq, at, hash FROM audit_head WHERE id = 1`).Scan(&head.Seq, &at, &hash); err != nil {
		return head, fmt.Errorf("reading the head of the log: %w", err)
	}
	var err error
	head.At = Instant(at)
	head.Hash, err = audit.ParseHash(hash)
	return head, err
}

// Log yields the entries of the log in order, from the first, as this transaction sees them.
func (tx *Tx) Log() iter.Seq2[audit.Entry, error] {
	return tx.entries(`SELECT seq, at, hash, body FROM audit_entries ORDER BY seq`)
}

// LogOf yields the entries about one subject, oldest first: its time line.
func (tx *Tx) LogOf(subject string) iter.Seq2[audit.Entry, error] {
	return tx.entries(`SELECT seq, at, hash, body FROM audit_entries WHERE subject = $1 ORDER BY seq`, subject)
}

func (tx *Tx) entries(query string, args ...any) iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		rows, err := tx.Query(query, args...)
		if err != nil {
			yield(audit.Entry{}, err)
			return
		}
		defer rows.Close()
		for rows.Next() {
			e, err := scanEntry(rows)
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(audit.Entry{}, err)
		}
	}
}

func scanEntry(rows *sql.Rows) (audit.Entry, error) {
	var e audit.Entry
	var at int64
	var hash, body string
	if err := rows.Scan(&e.Seq, &at, &hash, &body); err != nil {
		return e, err
	}
	e.At, e.Body = Instant(at), []byte(body)
	var err error
	e.Hash, err = audit.ParseHash(hash)
	return e, err
}

// VerifyLog walks the whole chain, compares what it arrives at with the stored head, checks that the columns used for
// time lines say what the bodies say, and calls each, which may be nil, for every entry. The first fault ends it.
func (tx *Tx) VerifyLog(each func(audit.Entry, audit.Body) error) (audit.Head, error) {
	found, err := audit.Verify(tx.Log(), each)
	if err != nil {
		return found, err
	}
	head, err := tx.Head()
	if err != nil {
		return found, err
	}
	if found != head {
		return found, fmt.Errorf("%w: it ends at entry %d, and its head says %d", audit.ErrBroken, found.Seq, head.Seq)
	}
	return found, tx.compareColumns()
}

func (tx *Tx) compareColumns() error {
	rows, err := tx.Query(`SELECT seq, kind, actor, subject, body FROM audit_entries ORDER BY seq`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var e audit.Entry
		var kind, actor, subject, body string
		if err := rows.Scan(&e.Seq, &kind, &actor, &subject, &body); err != nil {
			return err
		}
		e.Body = []byte(body)
		said, err := e.Decode()
		if err != nil {
			return err
		}
		if said.Kind != kind || said.By != actor || said.Subject != subject {
			return fmt.Errorf("%w: the columns of entry %d do not match its body", audit.ErrBroken, e.Seq)
		}
	}
	return rows.Err()
}

// NoRows says whether an error of Scan means that there was no row.
func NoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
