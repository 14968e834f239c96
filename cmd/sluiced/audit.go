package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
)

func (c *command) auditCommand() *cobra.Command {
	return group("audit", "Check what was recorded", &cobra.Command{
		Use: "verify", Short: "Walk the log, replay it, and compare it with the tables",
		Long: `Walks the hash chain from the first entry to the last, works out from the entries alone what the
tables must hold, and lists every difference. It changes nothing, and may run while others work.

Code 1: there is a difference. What a chain cannot show: that somebody who may rewrite the whole
database rewrote all of it. Keep the line with the head of each run elsewhere: the entry of that
number must have that hash for ever.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			s, err := openCore(cmd.Context(), cfg, c.log(), options{})
			if err != nil {
				return err
			}
			defer s.Close()
			return c.verify(cmd.Context(), s)
		},
	})
}

func (c *command) verify(ctx context.Context, s *site) error {
	head, found, err := s.verify(ctx)
	if err != nil {
		return err
	}
	for _, difference := range found {
		fmt.Fprintln(c.out, "DIFFERS:", difference)
	}
	fmt.Fprintf(c.out, "%d entries, last on %s: entry %d has hash %s\n", head.Seq, head.At.Format("2006-01-02 15:04:05 MST"), head.Seq, head.Hash)
	if len(found) > 0 {
		return fmt.Errorf("the tables and the log disagree in %d places: keep a copy of the database as it is, and find out who could write to it", len(found))
	}
	fmt.Fprintln(c.out, "The chain holds, and the tables are what the log says.")
	return nil
}

// verify compares log and tables in one transaction. What it finds wrong are sentences; an error means that it could not look.
func (s *site) verify(ctx context.Context) (head audit.Head, found []string, err error) {
	err = s.db.Survey(ctx, func(tx *db.Tx) error {
		found = nil
		accounts, deliveries := account.NewReplay(), delivery.NewReplay()
		replayed := true
		var err error
		head, err = tx.VerifyLog(func(e audit.Entry, b audit.Body) error {
			if err := errors.Join(accounts.Entry(e, b), deliveries.Entry(e, b)); err != nil {
				found, replayed = append(found, err.Error()), false
			}
			return nil
		})
		if errors.Is(err, audit.ErrBroken) {
			found = append(found, err.Error())
			return nil // what a broken chain says proves nothing
		}
		if err != nil || !replayed {
			return err
		}
		for _, compare := range []func(*db.Tx) ([]string, error){accounts.Compare, deliveries.Compare} {
			differences, err := compare(tx)
			found = append(found, differences...)
			if err != nil {
				return err
			}
		}
		agreements, err := s.registry.Replay(tx, tx.Log())
		for _, d := range agreements {
			found = append(found, d.String())
		}
		return err
	})
	return head, found, err
}
