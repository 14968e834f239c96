package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"
)

func (c *command) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring the database to this version, and make what a new site lacks",
		Long: `Brings the database to the version of this program; running it twice, or on several hosts at once,
does no harm. On a new site it also makes the local key, and the keyring where that is a file.
The database role that runs this owns the tables; the one that serves needs fewer rights
(infra/deploy/postgres.sql).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			s, err := openCore(cmd.Context(), cfg, c.log(), options{fresh: true})
			if err != nil {
				return err
			}
			defer s.Close()
			switch unused, err := s.db.Unused(cmd.Context()); {
			case err != nil:
				return err
			case unused:
				if err := makeKeyring(cfg); err != nil {
					return err
				}
			}
			if err := s.db.Migrate(cmd.Context()); err != nil {
				return err
			}
			fmt.Fprintln(c.out, "The database is at the version of this program.")
			return nil
		},
	}
}

// withSite runs do on a whole site whose database is migrated.
func (c *command) withSite(ctx context.Context, do func(*site) error) error {
	return c.with(ctx, true, do)
}

// withCore is withSite for what needs neither store nor keyring.
func (c *command) withCore(ctx context.Context, do func(*site) error) error {
	return c.with(ctx, false, do)
}

func (c *command) with(ctx context.Context, whole bool, do func(*site) error) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	s, err := openCore(ctx, cfg, c.log(), options{})
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.db.Migrated(ctx); err != nil {
		return err
	}
	if whole {
		if err := s.openMeans(); err != nil {
			return err
		}
	}
	return do(s)
}

// maxSkew is how many seconds a replica's clock may be off the database's: with more, terms would not end together.
const maxSkew = 1.0
