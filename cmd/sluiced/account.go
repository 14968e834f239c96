package main

import (
	"context"
	"errors"
	"fmt"
	"net/mail"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/portal"
)

func (c *command) accountCommand() *cobra.Command {
	return group("account", "Make the first accounts, and list staff", c.bootstrapCommand(), &cobra.Command{
		Use: "list", Short: "List who is staff, and in which roles", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withCore(cmd.Context(), func(s *site) error { return c.listStaff(cmd.Context(), s) })
		},
	})
}

func (c *command) bootstrapCommand() *cobra.Command {
	var staff []string
	var lang string
	var print bool
	cmd := &cobra.Command{
		Use: "bootstrap --staff 'NAME <ADDRESS>' --staff 'NAME <ADDRESS>'", Short: "Invite the first two members of staff; works once",
		Long: `Invites the first two members of staff, who add all others: whatever matters needs two people. Both
get the roles desk and operator. It works once in the life of a database.

With --print-links it prints the two links, for a site without mail. Whoever has a link can become
that person until it was used: hand each over in person.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			two, err := readStaff(staff, lang)
			if err != nil {
				return usageError{err}
			}
			return c.withCore(cmd.Context(), func(s *site) error { return c.bootstrap(cmd.Context(), s, two, print) })
		},
	}
	cmd.Flags().StringArrayVar(&staff, "staff", nil, "a name and an address, as 'Anna de Wit <anna@example.org>'; twice")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of their mail: en or nl")
	cmd.Flags().BoolVar(&print, "print-links", false, "print the links, for a site without mail")
	return cmd
}

func readStaff(staff []string, lang string) (two [2]account.NewStaff, err error) {
	if len(staff) != len(two) {
		return two, errors.New("give --staff twice: nothing that matters can be done by one person alone")
	}
	if lang != "en" && lang != "nl" {
		return two, fmt.Errorf("--lang is en or nl, not %q", lang)
	}
	for i, text := range staff {
		a, err := mail.ParseAddress(text)
		if err != nil || a.Name == "" {
			return two, fmt.Errorf("%q: write it as 'Anna de Wit <anna@example.org>'", text)
		}
		two[i] = account.NewStaff{Name: a.Name, Email: a.Address, Lang: lang}
	}
	return two, nil
}

func (c *command) bootstrap(ctx context.Context, s *site, two [2]account.NewStaff, print bool) error {
	ids, err := s.accounts.Bootstrap(ctx, host(), two)
	if errors.Is(err, account.ErrBootstrapped) {
		return fmt.Errorf("%w: they are added under Staff in the portal", err)
	}
	if err != nil {
		return err
	}
	if !print {
		fmt.Fprintln(c.out, "Two invitations are on their way; a worker sends them. Who has no mail: --print-links, which has to be given at once.")
		return nil
	}
	return s.db.View(ctx, func(tx *db.Tx) error {
		fmt.Fprintln(c.out, "Each link works once, for whoever has it. Hand it over in person.")
		for i, id := range ids {
			secret, err := s.accounts.Link(tx, id)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s\n    %s%s%s\n", two[i].Name, strings.TrimSuffix(s.cfg.BaseURL, "/"), portal.InvitationPath, secret)
		}
		return nil
	})
}

func (c *command) listStaff(ctx context.Context, s *site) error {
	out := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "ROLE\tNAME\tADDRESS\tUNTIL")
	err := s.db.View(ctx, func(tx *db.Tx) error {
		roles, err := s.accounts.StaffRoles(tx)
		if err != nil {
			return err
		}
		for _, r := range roles {
			p, err := s.accounts.Person(tx, r.Person)
			if err != nil {
				return err
			}
			emails, err := s.accounts.Emails(tx, r.Person)
			if err != nil {
				return err
			}
			address, until := "-", "-"
			if len(emails) > 0 {
				address = emails[0].Address
			}
			if !r.Until.IsZero() {
				until = r.Until.In(s.registry.Zone()).Format(time.DateTime)
			}
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", r.Role, p.Name, address, until)
		}
		if len(roles) == 0 {
			fmt.Fprintln(out, "(nobody yet: see sluiced account bootstrap)\t\t\t")
		}
		return nil
	})
	return errors.Join(err, out.Flush())
}
