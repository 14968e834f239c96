package db

import (
	"context"
	"time"
)

// Tamper runs a statement past every rule, as somebody with the database's password could.
func (d *DB) Tamper(ctx context.Context, statement string) error {
	_, err := d.write.ExecContext(ctx, statement)
	return err
}

// Deadline is when the transaction must be over, if ever.
func (tx *Tx) Deadline() (time.Time, bool) { return tx.ctx.Deadline() }
