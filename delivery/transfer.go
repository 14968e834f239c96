package delivery

import (
	"context"
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// TransferID names a transfer.
type TransferID string

// A Transfer is one person fetching one file, in as many requests as it takes (ranges, resumption). It is opened in the
// log before its first byte, and closed there with its total when it has been idle.
type Transfer struct {
	ID       TransferID
	Delivery ID
	Grant    GrantID
	Person   account.PersonID
	File     string // path in the delivery; WholeArchive for all as one
	Opened   time.Time
	Closed   time.Time // zero while it may still go on
	Bytes    int64     // sent so far, or in all
}

// WholeArchive is the File of a transfer of everything as one archive.
const WholeArchive = "*"

// idleAfter is how long nothing must have been sent for a transfer to be over.
const idleAfter = 10 * time.Minute

// TransferOpened and TransferClosed are the two entries a transfer leaves in the log. Their subject is the delivery. File is
// the id of the file, or a name Sluice itself gives ("manifest.json"), never a name from the data.
type (
	TransferOpened struct {
		Transfer TransferID `json:"transfer"`
		Grant    GrantID    `json:"grant"`
		File     string     `json:"file"`
	}
	TransferClosed struct {
		Transfer TransferID `json:"transfer"`
		Bytes    int64      `json:"bytes"`
	}
)

// Kind names the event in the log.
func (TransferOpened) Kind() string { return "transfer.opened" }
func (TransferClosed) Kind() string { return "transfer.closed" }

const transferColumns = `t.id, t.delivery, t.granted, t.person, t.file, t.opened, t.closed,
	CASE WHEN t.closed = 0 THEN COALESCE(p.bytes, 0) ELSE t.bytes END`

func scanTransfer(row db.Row) (Transfer, error) {
	var t Transfer
	var opened, closed int64
	err := row.Scan(&t.ID, &t.Delivery, &t.Grant, &t.Person, &t.File, &opened, &closed, &t.Bytes)
	t.Opened, t.Closed = db.Instant(opened), db.Instant(closed)
	return t, err
}

// openTransfer finds the transfer that a request continues, if there is one that has not been idle too long.
func openTransfer(tx *db.Tx, grant GrantID, file string) (Transfer, bool, error) {
	t, err := scanTransfer(tx.QueryRow(`SELECT `+transferColumns+` FROM transfers t LEFT JOIN transfer_progress p ON p.transfer = t.id
		WHERE t.granted = $1 AND t.file = $2 AND t.closed = 0 AND COALESCE(p.at, t.opened) > $3 ORDER BY t.opened DESC LIMIT 1`,
		grant, file, db.Stamp(tx.At.Add(-idleAfter))))
	if db.NoRows(err) {
		return t, false, nil
	}
	return t, err == nil, err
}

// beginTransfer writes a transfer down, and asks once more in the same transaction: what was read a moment ago may have
// been taken away since.
func (p *Depot) beginTransfer(ctx context.Context, who account.Who, id ID, file, logged string) (t Transfer, seq int64, err error) {
	err = p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		access, err := p.ask(tx, who, id)
		if err != nil {
			return err
		}
		found, there, err := openTransfer(tx, access.Grant.ID, file)
		if err != nil {
			return err
		}
		if there {
			t = found
			return db.ErrUnchanged
		}
		t = Transfer{ID: TransferID(db.NewID()), Delivery: id, Grant: access.Grant.ID, Person: who.Person(), File: file, Opened: tx.At}
		err = tx.Update(`INSERT INTO transfers (id, delivery, granted, person, file, opened) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.Delivery, t.Grant, t.Person, t.File, db.Stamp(t.Opened))
		if err != nil {
			return err
		}
		if err := tx.Enqueue(jobClose, "all", tx.At.Add(idleAfter)); err != nil {
			return err
		}
		if err := tx.Record(id.Subject(), TransferOpened{t.ID, t.Grant, logged}); err != nil {
			return err
		}
		head, err := tx.Head()
		seq = head.Seq // at least the entry before this one: whatever comes later makes the stream ask again
		return err
	})
	return t, seq, err
}

// saveProgress adds what was sent since the last time, in one transaction for all streams of this process.
func (p *Depot) saveProgress(ctx context.Context, sent map[TransferID]int64) error {
	ids := make([]TransferID, 0, len(sent))
	for id := range sent {
		ids = append(ids, id)
	}
	slices.Sort(ids) // two replicas that touch the same rows take them in one order
	return p.db.Upkeep(ctx, func(tx *db.Tx) error {
		for _, id := range ids {
			_, err := tx.Exec(`INSERT INTO transfer_progress (transfer, bytes, at) VALUES ($1, $2, $3)
				ON CONFLICT (transfer) DO UPDATE SET bytes = transfer_progress.bytes + excluded.bytes, at = excluded.at`,
				id, sent[id], db.Stamp(tx.At))
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// CloseTransfers writes the totals of idle transfers into the log, and comes back while any is open.
func (p *Depot) CloseTransfers(ctx context.Context) error {
	var more bool
	for {
		closed := 0
		err := p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
			idle, err := db.Many(tx, scanTransfer, `SELECT `+transferColumns+` FROM transfers t LEFT JOIN transfer_progress p ON p.transfer = t.id
				WHERE t.closed = 0 AND COALESCE(p.at, t.opened) <= $1 ORDER BY t.opened LIMIT 200`, db.Stamp(tx.At.Add(-idleAfter)))
			if err != nil {
				return err
			}
			closed = len(idle)
			for _, t := range idle {
				if err := tx.Update(`UPDATE transfers SET closed = $1, bytes = $2 WHERE id = $3 AND closed = 0`, db.Stamp(tx.At), t.Bytes, t.ID); err != nil {
					return err
				}
				if _, err := tx.Exec(`DELETE FROM transfer_progress WHERE transfer = $1`, t.ID); err != nil {
					return err
				}
				if err := tx.Record(t.Delivery.Subject(), TransferClosed{t.ID, t.Bytes}); err != nil {
					return err
				}
			}
			if closed == 0 {
				return db.ErrUnchanged
			}
			return nil
		})
		if err != nil {
			return err
		}
		if closed < 200 {
			break
		}
	}
	return p.db.Upkeep(ctx, func(tx *db.Tx) error {
		if err := tx.QueryRow(`SELECT CASE WHEN EXISTS (SELECT 1 FROM transfers WHERE closed = 0) THEN 1 ELSE 0 END`).Scan(&more); err != nil || !more {
			return err
		}
		return tx.Enqueue(jobClose, "all", tx.At.Add(time.Minute))
	})
}

// Transfers lists the transfers of a delivery, newest first, in a transaction of the caller's, who has decided that the
// asker may see them. person, unless empty, limits them to one person's own.
func (p *Depot) Transfers(tx *db.Tx, id ID, person account.PersonID) ([]Transfer, error) {
	return db.Many(tx, scanTransfer, `SELECT `+transferColumns+` FROM transfers t LEFT JOIN transfer_progress p ON p.transfer = t.id
		WHERE t.delivery = $1 AND (t.person = $2 OR $2 = '') ORDER BY t.opened DESC, t.id LIMIT 500`, id, person)
}
