package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/infra/db"
	"sluice/licensing"
)

func (c *command) stopCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "stop AGREEMENT --reason WORDS", Short: "Stop all access under an agreement at once",
		Long: `Stops everything for an agreement (DR-0042-A) at once. It needs the host and nothing else: no keyring,
no store, no code. While the log cannot be written the stop is kept in journal_file, which every
process of this host obeys, and goes into the log as soon as that is possible. Processes on other
hosts do not see that file: run the command there too, or stop them.

Somebody at the desk confirms the stop afterwards; two people resume.`,
		Args: exactly(1, "AGREEMENT --reason WORDS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.TrimSpace(reason) == "" {
				return usageError{errors.New("say why with --reason: it is shown to those who confirm the stop")}
			}
			cfg, err := c.load()
			if err != nil && cfg.Database.URL == "" && cfg.Database.URLFile == "" {
				return err
			}
			if err != nil { // a fault in the settings for mail keeps nobody from stopping a leak
				fmt.Fprintf(c.err, "sluiced: going on in spite of this: %v\n", err)
			}
			return c.stop(cmd.Context(), cfg, strings.ToUpper(args[0]), reason) // as numbers and ids are: with the database away nobody can ask
		},
	}
	cmd.Flags().StringVar(&reason, "reason", "", "why; it is shown to those who confirm the stop")
	return cmd
}

func (c *command) stop(ctx context.Context, cfg Config, name, reason string) error {
	journalled, blind := false, false
	keep := func(h licensing.Halt) error {
		err := journal{path: cfg.JournalFile}.add(h)
		journalled = err == nil
		return err
	}
	err := stopInLog(ctx, cfg, name, reason, keep)
	if err != nil && !journalled && errors.Is(err, db.ErrAway) {
		// Not even the database can be asked which agreement this is; whoever reads the journal will.
		blind = true
		err = keep(licensing.Halt{Agreement: licensing.AgreementID(name), By: host().Actor().String(), At: time.Now().UTC(), Reason: reason})
	}
	switch {
	case errors.Is(err, licensing.ErrNotFound):
		return fmt.Errorf("there is no agreement %s; write its number, such as DR-0042-A", name)
	case err != nil:
		return fmt.Errorf("%s is NOT stopped. Stop the processes of Sluice to close everything. The cause: %w", name, err)
	case blind && journalled:
		fmt.Fprintf(c.out, "%s is stopped on this host, if there is an agreement of that name: the database cannot be asked. Check the number.\nThe stop stands in %s and goes into the log by itself. Run this on every other host that serves.\n", name, cfg.JournalFile)
		return nil
	case journalled:
		fmt.Fprintf(c.out, "%s is stopped on this host. The log cannot be written now: the stop stands in %s and goes into the log by itself.\nRun this on every other host that serves.\n", name, cfg.JournalFile)
		return nil
	}
	fmt.Fprintf(c.out, "%s is stopped, everywhere. Somebody at the desk confirms it; two people resume.\n", name)
	return nil
}

func stopInLog(ctx context.Context, cfg Config, name, reason string, keep func(licensing.Halt) error) error {
	s, err := openCore(ctx, cfg, slog.New(slog.DiscardHandler), options{anyKey: true})
	if err != nil {
		return err
	}
	defer s.Close()
	var id licensing.AgreementID
	err = s.db.View(ctx, func(tx *db.Tx) (err error) {
		id, err = s.agreementID(tx, name)
		return err
	})
	if err != nil {
		return err
	}
	return s.registry.Stop(ctx, host(), id, reason, keep)
}
