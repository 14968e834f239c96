// Command sluiced is the server of Sluice, and everything that is done on its host: see sluiced help.
//
// It ends with one of these codes, for scripts:
//
//	0  done
//	1  it could not be done, or what was checked is not in order
//	2  the command or a setting is wrong: nothing was tried
//	3  something it needs (database, store, keyring) cannot be reached: the same command may succeed later
//	4  interrupted; what was begun can be continued by the same command
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"os/user"
	"runtime/debug"
	"strings"
	"syscall"
	_ "time/tzdata" // a bare image has no zones, and terms are agreed in one

	"github.com/spf13/cobra"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
)

// The codes that sluiced ends with, as the package comment says.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitAway        = 3
	exitInterrupted = 4
)

func main() { os.Exit(run()) }

// run is main with a code to end with.
func run() int {
	syscall.Umask(0o077) // keys, the database and the journal are nobody else's to read
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := newRoot(os.Stdout, os.Stderr).ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	if text := err.Error(); text != "" {
		fmt.Fprintf(os.Stderr, "sluiced: %s\n", strings.ReplaceAll(text, "\n", "\nsluiced: "))
	}
	return codeOf(ctx, err)
}

// codeOf is the code for an error.
func codeOf(ctx context.Context, err error) int {
	var wrong usageError
	switch {
	case errors.As(err, &wrong):
		return exitUsage
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.Is(err, db.ErrAway), errors.Is(err, delivery.ErrKeyringAway), errors.Is(err, delivery.ErrStoreAway):
		return exitAway
	}
	return exitFailed
}

// A usageError is the fault of the one who typed the command or wrote the settings.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

// errReported ends a command whose output has said what is wrong.
var errReported = errors.New("")

// command is what every command shares.
type command struct {
	out, err io.Writer
	config   string // path of the settings
}

func newRoot(out, errs io.Writer) *cobra.Command {
	c := &command{out: out, err: errs}
	root := &cobra.Command{
		Use:           "sluiced",
		Short:         "Hands research data through, on terms",
		SilenceErrors: true,
		SilenceUsage:  true,
		Long: `Sluice hands research data through, on terms.

Try it with "sluiced demo". To run it, write the settings (infra/deploy/sluice.yaml shows
them all), then: sluiced migrate, sluiced account bootstrap, sluiced doctor, sluiced serve.

Codes: 0 done; 1 not done, or not in order; 2 wrong command or settings; 3 something it
needs is away, try again; 4 interrupted, the same command continues.`,
	}
	root.SetOut(out)
	root.SetErr(errs)
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.PersistentFlags().StringVarP(&c.config, "config", "c", os.Getenv(configFile), "file of settings; the environment is read after it")
	root.AddCommand(c.serveCommand(), c.workerCommand(), c.migrateCommand(), c.versionCommand(), c.configCommand(), c.demoCommand(),
		c.datasetCommand(), c.collectionCommand(), c.accountCommand(), c.stopCommand(), c.auditCommand(), c.doctorCommand())
	root.CompletionOptions.HiddenDefaultCmd = true
	return root
}

// group makes a command that only holds others. A word that is none of them is an error, which cobra lets pass.
func group(use, short string, of ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usageError{fmt.Errorf("there is no %q; see %s --help", strings.Join(args, " "), cmd.CommandPath())}
		}
		return cmd.Help()
	}}
	g.AddCommand(of...)
	return g
}

// exactly wants that many arguments and says which.
func exactly(n int, names string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) != n {
			return usageError{fmt.Errorf("write: %s %s", cmd.CommandPath(), names)}
		}
		return nil
	}
}

// load reads the settings and refuses to go on with any fault in them.
func (c *command) load() (Config, error) {
	cfg, err := loadConfig(c.config)
	if err == nil {
		return cfg, nil
	}
	where := "the environment alone; name the file of settings with --config"
	if c.config != "" {
		where = c.config
	}
	return cfg, usageError{fmt.Errorf("mend these settings (from %s):\n%w", where, err)}
}

// log writes to the error output. Facts are pairs, and none of them is personal or secret.
func (c *command) log() *slog.Logger { return slog.New(slog.NewTextHandler(c.err, nil)) }

// host is who types commands here.
func host() account.Who {
	name := "unknown"
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	} else if id := os.Getuid(); id >= 0 {
		name = fmt.Sprintf("uid%d", id) // a bare image has no names
	}
	machine, err := os.Hostname()
	if err != nil || machine == "" {
		machine = "unknown"
	}
	return account.Host(name, machine)
}

func (c *command) versionCommand() *cobra.Command {
	return &cobra.Command{Use: "version", Short: "Say which version this is; needs no settings", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(c.out, "sluiced", version())
			return err
		}}
}

// version is what the build knows of itself.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(unknown)"
	}
	v := info.Main.Version
	if v == "" || v == "(devel)" {
		v = "development"
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				v += " " + s.Value[:12]
			}
		}
	}
	return v + " (" + info.GoVersion + ")"
}

func (c *command) configCommand() *cobra.Command {
	return group("config", "Look at the settings", &cobra.Command{
		Use: "check", Short: "Say everything that is wrong with the settings", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			_, _, err1 := loadTexts(cfg)
			_, err2 := loadPages(cfg)
			if err := errors.Join(err1, err2); err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.out, "The settings are in order. Whether what they name works, sluiced doctor finds out.")
			return err
		},
	}, &cobra.Command{
		Use: "jurisdictions", Short: "Print the table of jurisdictions in use, to begin one of your own with", Args: cobra.NoArgs,
		Long: `Prints the table from which the licence variant follows: a row a country and span of days. Have counsel check it,
keep it in a file that the setting jurisdictions names, and give every process the same. A change decides
about new requests at once; for agreements in force the next night makes a task of each difference.`,
		RunE: func(*cobra.Command, []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			table, err := readJurisdictions(cfg.Jurisdictions)
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.out, table.Text())
			return err
		},
	})
}
