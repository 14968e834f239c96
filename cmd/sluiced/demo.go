package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/spf13/cobra"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/mail"
	"sluice/licensing"
	"sluice/portal"
)

func (c *command) demoCommand() *cobra.Command {
	var folder, listen string
	cmd := &cobra.Command{
		Use: "demo", Short: "Try it out: a made-up foundation, with requests at every stage",
		Long: `Starts a made-up foundation with two licensees, a small synthetic cohort, and a request at each stage,
and lists the people to sign in as on its first page. It needs nothing, listens on this machine only,
and removes everything at its end; with --data it keeps a folder, and continues with it next time.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			host, _, err := net.SplitHostPort(listen)
			if err != nil || !loopback(host) {
				return usageError{fmt.Errorf("the demo lets anybody sign in as anybody, so it listens on this machine only: --listen 127.0.0.1:8080, not %q", listen)}
			}
			return c.demo(cmd.Context(), folder, listen)
		},
	}
	cmd.Flags().StringVar(&folder, "data", "", "folder to keep; default: a temporary one, removed at the end")
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8080", "address on this machine")
	return cmd
}

// demoMark is the file by which the demo knows a folder of its own.
const demoMark = "sluice-demo.json"

func (c *command) demo(ctx context.Context, folder, listen string) error {
	began, keeps := time.Now(), folder != ""
	if !keeps {
		temporary, err := os.MkdirTemp("", "sluice-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(temporary)
		folder = temporary
	} else if err := demoFolder(folder); err != nil {
		return usageError{err}
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return usageError{fmt.Errorf("%w; choose another address with --listen 127.0.0.1:0", err)}
	}
	defer l.Close()
	cfg := demoConfig(folder, l.Addr().String())
	d := &demo{folder: folder, box: mail.NewBox(500), clock: &demoClock{}}
	log := slog.New(slog.NewTextHandler(c.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := d.open(ctx, cfg, log); err != nil {
		return err
	}
	defer d.Close()
	fmt.Fprintf(c.out, "\nSluice demo: open %s\n\nReady after %.1f s. Everything in it is made up. Ctrl-C ends it", cfg.BaseURL, time.Since(began).Seconds())
	if keeps {
		fmt.Fprintf(c.out, "; %s keeps its data.\n\n", folder)
	} else {
		fmt.Fprint(c.out, " and removes it.\n\n")
	}
	return d.serve(ctx, l, true, &portal.Demo{People: d.people, Code: d.code, Mail: d.box})
}

// demoFolder makes the folder, or makes sure that it is one that the demo made before: it writes a site in it that anybody
// may enter.
func demoFolder(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return os.MkdirAll(folder, 0o700)
	}
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, demoMark)); err != nil && len(entries) > 0 {
		return fmt.Errorf("%s was not made by the demo; name another folder, or an empty one", folder)
	}
	return nil
}

func demoConfig(folder, address string) Config {
	c := Config{Listen: address, BaseURL: "http://" + address, Zone: "Europe/Amsterdam", KeyDelay: 24 * time.Hour}
	c.Foundation.Name, c.Foundation.Address, c.Foundation.Country = "Stichting Voorbeeld Kankerdata", "Singel 1, 3511 AA Utrecht", "NL"
	c.Foundation.Register, c.Foundation.Email = "KvK 00000000", "data@voorbeeld-kankerdata.example"
	in := func(name string) string { return filepath.Join(folder, name) }
	c.LocalKeyFile, c.JournalFile = in("local.key"), in("stops.journal")
	c.Database.URL = "sqlite:" + in("sluice.db")
	c.Store.Kind, c.Store.Dir, c.Store.Archive = "dir", in("store"), "sluice-archive"
	c.Keyring.Kind, c.Keyring.File = "local", in("keyring.json")
	c.Mail.Kind = "none"
	return c
}

// A demo is a site with people whose secrets it knows.
type demo struct {
	*site
	folder string
	box    *mail.Box
	clock  *demoClock
	cast   cast
}

// open opens the folder, and plays the story in a fresh one.
func (d *demo) open(ctx context.Context, cfg Config, log *slog.Logger) (err error) {
	known, err := os.ReadFile(filepath.Join(d.folder, demoMark))
	fresh := errors.Is(err, fs.ErrNotExist)
	if err != nil && !fresh {
		return err
	}
	if fresh {
		if err := makeKeyring(cfg); err != nil {
			return err
		}
		zone, err := time.LoadLocation(cfg.Zone)
		if err != nil {
			return err
		}
		d.clock.set(storyStart(time.Now(), zone))
	} else if err := json.Unmarshal(known, &d.cast); err != nil {
		return fmt.Errorf("reading %s: %w", demoMark, err)
	}
	if d.site, err = open(ctx, cfg, log, options{now: d.clock.now, out: d.box, hashing: account.ForTests, fresh: true}); err != nil {
		return err
	}
	if err := d.db.Migrate(ctx); err != nil {
		return err
	}
	if !fresh {
		return nil
	}
	if err := d.play(ctx); err != nil {
		return fmt.Errorf("playing the story: %w", err)
	}
	d.clock.release()
	text, err := json.Marshal(d.cast)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.folder, demoMark), text, 0o600)
}

// A demoClock stands where the story sets it, and is the real one once released.
type demoClock struct{ at time.Time }

func (c *demoClock) now() time.Time {
	if c.at.IsZero() {
		return time.Now()
	}
	return c.at
}

func (c *demoClock) set(at time.Time) { c.at = at }
func (c *demoClock) release()         { c.at = time.Time{} }

// code is what a person's app shows.
func (d *demo) code(person account.PersonID, at time.Time) (string, error) {
	for _, p := range d.cast {
		if p.ID == person {
			return totp.GenerateCode(p.Seed, at)
		}
	}
	return "", errors.New("this is nobody of the demo")
}

// people lists the cast, with what waits for each as long as it does.
func (d *demo) people(ctx context.Context, lang string) (all []portal.DemoPerson, err error) {
	err = d.db.View(ctx, func(tx *db.Tx) error {
		all = nil
		for _, p := range d.cast {
			role := p.role()
			waits, err := d.waits(tx, p)
			if err != nil {
				return err
			}
			all = append(all, portal.DemoPerson{ID: p.ID, Name: p.Name, Email: p.Email, Password: demoPassword, Role: in(lang, role.Part), Waits: in(lang, waits)})
		}
		return nil
	})
	return all, err
}

// waits says what the story left for a person to do, until it is done.
func (d *demo) waits(tx *db.Tx, p player) (words, error) {
	for _, w := range p.role().Waits {
		q, err := d.registry.RequestNumbered(tx, requestNumber(w.Number))
		if errors.Is(err, licensing.ErrNotFound) {
			continue
		}
		if err != nil {
			return words{}, err
		}
		state := string(q.State)
		if agreementNumber(w.Number) != "" {
			a, err := d.registry.AgreementNumbered(tx, w.Number)
			if err != nil {
				return words{}, err
			}
			state = string(a.StateAt(tx.At))
			if w.Open != nil && !w.Open(a) {
				continue
			}
		}
		if state == w.State {
			return w.Do, nil
		}
	}
	return words{}, nil
}

// words are the same in both languages.
type words struct{ en, nl string }

func in(lang string, w words) string {
	if lang == "nl" {
		return w.nl
	}
	return w.en
}
