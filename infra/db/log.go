package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math"

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

// page is how many entries of the log are read at once: a statement over all of a long log would reach its time limit.
const page = 5000

// Log yields the entries of the log in order, from the first, as this transaction sees them.
func (tx *Tx) Log() iter.Seq2[audit.Entry, error] {
	return func(yield func(audit.Entry, error) bool) {
		for e, err := range tx.lines() {
			if !yield(e.Entry, err) {
				return
			}
		}
	}
}

// A line is an entry with the columns that repeat its body, for time lines.
type line struct {
	audit.Entry
	kind, actor, subject string
}

func (tx *Tx) lines() iter.Seq2[line, error] {
	return func(yield func(line, error) bool) {
		last := int64(math.MinInt64) // a forged entry may have any number
		for {
			lines, err := tx.linesAfter(last)
			for _, l := range lines {
				last = l.Seq
				if !yield(l, nil) {
					return
				}
			}
			if err != nil {
				yield(line{}, err)
				return
			}
			if len(lines) < page {
				return
			}
		}
	}
}

func (tx *Tx) linesAfter(seq int64) ([]line, error) {
	rows, err := tx.Query(`SELECT seq, at, hash, body, kind, actor, subject FROM audit_entries WHERE seq > $1 ORDER BY seq LIMIT $2`, seq, page)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []line
	for rows.Next() {
		var l line
		if l.Entry, err = scanEntry(rows, &l.kind, &l.actor, &l.subject); err != nil {
			return lines, err
		}
		lines = append(lines, l)
	}
	return lines, rows.Err()
}

// LogOf yields the entries about one subject, oldest first: its time line.
func (tx *Tx) LogOf(subject string) iter.Seq2[audit.Entry, error] {
	return tx.entries(`SELECT seq, at, hash, body FROM audit_entries WHERE subject = $1 ORDER BY seq`, subject)
}

// LastOf reads the newest entries of one kind about one subject, the last first.
func (tx *Tx) LastOf(subject, kind string, n int) ([]audit.Entry, error) {
	return Many(tx, readEntry, `SELECT seq, at, hash, body FROM audit_entries WHERE subject = $1 AND kind = $2 ORDER BY seq DESC LIMIT $3`, subject, kind, n)
}

// LogBefore reads the entries before one, the newest first. An empty kind or subject stands for all.
func (tx *Tx) LogBefore(seq int64, kind, subject string, n int) ([]audit.Entry, error) {
	return Many(tx, readEntry, `SELECT seq, at, hash, body FROM audit_entries
		WHERE seq < $1 AND ($2 = '' OR kind = $2) AND ($3 = '' OR subject = $3) ORDER BY seq DESC LIMIT $4`, seq, kind, subject, n)
}

func readEntry(r Row) (audit.Entry, error) { return scanEntry(r) }

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

func scanEntry(row Row, more ...any) (audit.Entry, error) {
	var e audit.Entry
	var at int64
	var hash, body string
	if err := row.Scan(append([]any{&e.Seq, &at, &hash, &body}, more...)...); err != nil {
		return e, err
	}
	e.At, e.Body = Instant(at), []byte(body)
	var err error
	e.Hash, err = audit.ParseHash(hash)
	return e, err
}

// VerifyLog walks the whole chain, compares what it arrives at with the stored head, checks that the columns used for
// time lines say what the bodies say, and calls each, which may be nil, for every entry. The first fault ends it. The log
// of some years takes longer than a View may: use Survey.
func (tx *Tx) VerifyLog(each func(audit.Entry, audit.Body) error) (audit.Head, error) {
	var now line
	entries := func(yield func(audit.Entry, error) bool) {
		for l, err := range tx.lines() {
			if now = l; !yield(l.Entry, err) {
				return
			}
		}
	}
	found, err := audit.Verify(entries, func(e audit.Entry, said audit.Body) error {
		if said.Kind != now.kind || said.By != now.actor || said.Subject != now.subject {
			return fmt.Errorf("%w: the columns of entry %d do not match its body", audit.ErrBroken, e.Seq)
		}
		if each == nil {
			return nil
		}
		return each(e, said)
	})
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
	return found, nil
}

// NoRows says whether an error of Scan means that there was no row.
func NoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }
