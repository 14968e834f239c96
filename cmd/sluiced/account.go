package main

import (
	"context"
	"errors"
	"fmt"
	"io"
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
	return group("account", "Make the first accounts, and list staff", c.bootstrapCommand(), c.resendCommand(), c.recoverCommand(), &cobra.Command{
		Use: "list", Short: "List who is staff, and in which roles, and who is invited", Args: cobra.NoArgs,
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

func (c *command) resendCommand() *cobra.Command {
	var print bool
	cmd := &cobra.Command{
		Use: "resend ADDRESS", Short: "Send the invitation of a member of staff once more",
		Long: `Sends an invitation that nobody has accepted once more, good for its whole time again. The link of one
that had expired is a new one. Sent to a wrong address? On a new site make a new database; later, one
of staff withdraws it on the page Staff, and two add the person again under the right address.`,
		Args: exactly(1, "ADDRESS"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withCore(cmd.Context(), func(s *site) error { return c.resend(cmd.Context(), s, args[0], print) })
		},
	}
	cmd.Flags().BoolVar(&print, "print-links", false, "print the link, for a site without mail")
	return cmd
}

func (c *command) resend(ctx context.Context, s *site, address string, print bool) error {
	var found account.Invitation
	err := s.db.View(ctx, func(tx *db.Tx) error {
		all, err := s.accounts.StaffInvitations(tx)
		for _, inv := range all {
			if strings.EqualFold(inv.Email, strings.TrimSpace(address)) {
				found = inv // the last one: an address may have been invited twice
			}
		}
		return err
	})
	if err == nil && found.ID == "" {
		err = fmt.Errorf("no invitation of staff to %s waits to be accepted; see sluiced account list", address)
	}
	if err == nil {
		err = s.accounts.ResendStaff(ctx, host(), found.ID)
	}
	if err != nil {
		return err
	}
	if !print {
		fmt.Fprintln(c.out, "The invitation is on its way again; a worker sends it.")
		return nil
	}
	return c.printLinks(ctx, s, portal.InvitationPath, printed{found.Name, found.ID})
}

// A printed link is for somebody, and has an id in package account.
type printed struct{ who, id string }

// printLinks shows links to whoever sits at the host.
func (c *command) printLinks(ctx context.Context, s *site, path string, of ...printed) error {
	fmt.Fprintln(c.out, "A link works once, for whoever has it. Hand it over in person.")
	return s.db.View(ctx, func(tx *db.Tx) error {
		for _, link := range of {
			secret, err := s.accounts.Link(tx, link.id)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s\n    %s%s%s\n", link.who, strings.TrimSuffix(s.cfg.BaseURL, "/"), path, secret)
		}
		return nil
	})
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
		return fmt.Errorf("%w: see sluiced account list and resend; they add others under Staff in the portal", err)
	}
	if err != nil {
		return err
	}
	if !print {
		fmt.Fprintln(c.out, "Two invitations are on their way; a worker sends them. Without mail: sluiced account resend ADDRESS --print-links.")
		return nil
	}
	return c.printLinks(ctx, s, portal.InvitationPath, printed{two[0].Name, ids[0]}, printed{two[1].Name, ids[1]})
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
		invited, err := s.listInvited(tx, out)
		if err == nil && len(roles)+invited == 0 {
			fmt.Fprintln(out, "(nobody yet: see sluiced account bootstrap)\t\t\t")
		}
		return err
	})
	return errors.Join(err, out.Flush())
}

// listInvited adds the roles of those who have not accepted yet. UNTIL is then when their link ends.
func (s *site) listInvited(tx *db.Tx, out io.Writer) (n int, err error) {
	all, err := s.accounts.StaffInvitations(tx)
	for _, inv := range all {
		state := "invited, link until "
		if inv.State(tx.At) != account.InvitationOpen {
			state = "invited, link ended "
		}
		for _, role := range strings.Split(strings.TrimPrefix(inv.For, "staff:"), ",") {
			fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", role, inv.Name, inv.Email, state+inv.Expires.In(s.registry.Zone()).Format(time.DateTime))
		}
	}
	return len(all), err
}
