package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/portal"
)

func (c *command) recoverCommand() *cobra.Command {
	var staff []string
	var lost, print bool
	cmd := &cobra.Command{
		Use: "recover --staff ADDRESS --staff ADDRESS", Short: "Start again after the local key was lost",
		Long: `For when the local key is lost and no backup of it exists. It works only while no second factor in the
database opens with the key there is. Without --key-is-lost it says what would be lost, and does nothing.

It makes a new local key where there is none; a file with a wrong key is used as it is, so put the right
one back or take it away first. Then every second factor, recovery code, session, download token and
mailed link of everybody is void. Passwords, agreements and data stay. The two who are named, each staff
with the role desk or operator, get a link to set up a second factor, good for 24 hours. Together they
let the rest of staff in again. Everybody else signs in with the password and has such a link sent to
the own mailbox, within 30 days; later, or with a new password, two of staff must say who it is.

Stop every other process of Sluice before, and copy the new key to the other hosts after.

With --print-links it prints the two links, for a site without mail: hand each over in person.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(staff) != 2 {
				return usageError{errors.New("give --staff twice: nothing that matters can be done by one person alone")}
			}
			cfg, err := c.load()
			if err != nil {
				return err
			}
			return c.recover(cmd.Context(), cfg, [2]string{staff[0], staff[1]}, lost, print)
		},
	}
	cmd.Flags().StringArrayVar(&staff, "staff", nil, "the address of somebody who is desk or operator now; twice")
	cmd.Flags().BoolVar(&lost, "key-is-lost", false, "no backup of the local key exists: go on")
	cmd.Flags().BoolVar(&print, "print-links", false, "print the links, for a site without mail")
	return cmd
}

func (c *command) recover(ctx context.Context, cfg Config, two [2]string, lost, print bool) error {
	if err := c.mayRecover(ctx, cfg, two); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Without the local key in %s are lost, for good: every second factor, recovery code,\nsession, download token and mailed link of everybody. Passwords, agreements and data stay.\n", cfg.LocalKeyFile)
	if !lost {
		return errors.New("nothing was done: look for a backup of the local key first. If there is none, stop every other process of Sluice and give --key-is-lost")
	}
	_, err := os.Stat(cfg.LocalKeyFile)
	if errors.Is(err, os.ErrNotExist) {
		if _, err = makeLocalKey(cfg.LocalKeyFile); err == nil {
			fmt.Fprintf(c.out, "A new local key is in %s. Keep a backup of it, apart from the database.\n", cfg.LocalKeyFile)
		}
	}
	if err != nil {
		return fmt.Errorf("the local key: %w", err)
	}
	s, err := openCore(ctx, cfg, c.log(), options{unchecked: true})
	if err != nil {
		return err
	}
	defer s.Close()
	links, err := s.accounts.Recover(ctx, host(), two)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "Everybody who had a second factor is told, and the two have a link to set up a second factor.\nNow copy %s to every other host, then start Sluice. Send open invitations again: their links are dead.\n", cfg.LocalKeyFile)
	if !print {
		fmt.Fprintln(c.out, "A worker sends the letters. Without mail: give this command again with --print-links.")
		return nil
	}
	return c.printLinks(ctx, s, portal.EnrolmentPath, printed{two[0], links[0]}, printed{two[1], links[1]})
}

// mayRecover asks before anything is made. The key does not matter here, and may be missing.
func (c *command) mayRecover(ctx context.Context, cfg Config, two [2]string) error {
	s, err := openCore(ctx, cfg, c.log(), options{anyKey: true})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.db.Migrated(ctx); err != nil {
		return err
	}
	return s.db.View(ctx, func(tx *db.Tx) error {
		err := s.accounts.CanRecover(tx, two)
		if errors.Is(err, account.ErrRecoverers) {
			return errors.Join(err, s.whoRecovers(tx))
		}
		return err
	})
}

// whoRecovers says who can be named, for account list works with the right key only.
func (s *site) whoRecovers(tx *db.Tx) error {
	var named []string
	for _, role := range []account.Role{account.Desk, account.Operator} {
		staff, err := s.accounts.Staff(tx, role)
		if err != nil {
			return err
		}
		for _, p := range staff {
			emails, err := s.accounts.Emails(tx, p.ID)
			if err != nil {
				return err
			}
			if len(emails) > 0 && !slices.Contains(named, emails[0].Address) {
				named = append(named, emails[0].Address)
			}
		}
	}
	if len(named) < 2 {
		return errors.New("there are not two of them yet: make a new database")
	}
	return fmt.Errorf("these can be named: %s", strings.Join(named, ", "))
}
