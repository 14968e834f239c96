package db

import "context"

// Tamper runs a statement past every rule, as somebody with the database's password could.
func (d *DB) Tamper(ctx context.Context, statement string) error {
	_, err := d.write.ExecContext(ctx, statement)
	return err
}
