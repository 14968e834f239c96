package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"sluice/delivery"
)

func (c *command) sweepCommand() *cobra.Command {
	var remove bool
	sweep := &cobra.Command{
		Use: "sweep [--remove]", Short: "Find, and remove, what killed imports left in the archive", Args: cobra.NoArgs,
		Long: `Looks for sealed bodies in the archive bucket that no dataset names: an import that was killed in a
bad moment, while another continued with its files, can leave one. Without --remove they are only
counted. What a dataset names is never touched, and neither is what is not a day old; imports may run.

The database says what is a stray. Do not remove anything while an older dump of it is restored, or
where another site keeps its archive in the same bucket.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.withSite(cmd.Context(), func(s *site) error { return c.sweepArchive(cmd.Context(), s, remove) })
		},
	}
	sweep.Flags().BoolVar(&remove, "remove", false, "remove what was found")
	return sweep
}

func (c *command) sweepArchive(ctx context.Context, s *site, remove bool) error {
	found, err := s.depot.Sweep(ctx, host(), remove)
	switch {
	case errors.Is(err, delivery.ErrNotStored):
		return errors.New("there is no archive yet: nothing has been imported")
	case errors.Is(err, delivery.ErrOtherArchive):
		return fmt.Errorf("%w\nnothing was removed: see that the settings name the database and the store that belong together, and that the store is whole", err)
	case err != nil:
		return fmt.Errorf("%w\nthe same command continues", inWords(err))
	}
	fmt.Fprintf(c.out, "Objects that datasets name: %d. Strays: %d, of %d bytes in all", found.Named, found.Objects, found.Bytes)
	switch {
	case found.Objects == 0:
		fmt.Fprintln(c.out, ".")
	case remove:
		fmt.Fprintln(c.out, "; they are removed.")
	default:
		fmt.Fprintln(c.out, "; to remove them, give --remove.")
	}
	if found.Young > 0 {
		fmt.Fprintf(c.out, "Not a day old, and left alone: %d.\n", found.Young)
	}
	return nil
}
