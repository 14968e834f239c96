package db

import "context"

// Skew is how many seconds our clock is from that of the database. SQLite has none of its own.
func (d *DB) Skew(ctx context.Context) (by float64, err error) {
	if d.engine != Postgres {
		return 0, nil
	}
	err = d.View(ctx, func(tx *Tx) error {
		before := d.Now()
		var theirs float64
		if err := tx.QueryRow(`SELECT EXTRACT(EPOCH FROM clock_timestamp())`).Scan(&theirs); err != nil {
			return err
		}
		after := d.Now()
		middle := before.Add(after.Sub(before) / 2)
		by = float64(middle.UnixMicro())/1e6 - theirs
		return nil
	})
	return by, err
}

// TryWriting writes a job that is due in a century, and takes it away.
func (d *DB) TryWriting(ctx context.Context) error {
	return d.Upkeep(ctx, func(tx *Tx) error {
		if err := tx.Enqueue("doctor", "doctor", tx.At.AddDate(100, 0, 0)); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM jobs WHERE kind = 'doctor' AND subject = 'doctor'`)
		return err
	})
}

// MayAlterLog asks PostgreSQL whether our role could change or remove an entry of the log.
func (d *DB) MayAlterLog(ctx context.Context) (may bool, err error) {
	err = d.View(ctx, func(tx *Tx) error {
		return tx.QueryRow(`SELECT has_table_privilege('audit_entries', 'UPDATE') OR has_table_privilege('audit_entries', 'DELETE')
			OR has_table_privilege('audit_entries', 'TRUNCATE')`).Scan(&may)
	})
	return may, err
}
