package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sluice/infra/db"
	"sluice/infra/keyring"
	"sluice/infra/objects"
)

func (c *command) doctorCommand() *cobra.Command {
	var serving bool
	cmd := &cobra.Command{
		Use: "doctor", Short: "Try out every part for real, and say what to do",
		Long: `Tries out every part with these settings: writes to the database and reads it back, compares clocks, makes
and removes a bucket, asks the keyring what each role may and may not do, signs in to the mail server,
and says what is fit for trying out only. Run it on each host, with the settings of each process; with
--serving for the process that serves, whose keys must not be able to do what others do for it.

Code 1: something does not work or must not be as it is. Remarks alone give code 0.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.load()
			if err != nil {
				return err
			}
			d := &doctor{out: c.out, cfg: cfg, serving: serving}
			return d.examine(cmd.Context(), c)
		},
	}
	cmd.Flags().BoolVar(&serving, "serving", false, "these are the settings of a process that only serves: whatever it holds beyond that is a fault")
	return cmd
}

// A doctor prints findings as it makes them, for some take a while.
type doctor struct {
	out     io.Writer
	cfg     Config
	serving bool
	bad     int
	remarks int
}

// find prints one finding: ok, a remark (with something to do), or bad.
func (d *doctor) find(part, name string, ok bool, detail, do string) {
	mark := "ok    "
	switch {
	case !ok:
		mark = "BAD   "
		d.bad++
	case do != "":
		mark = "remark"
		d.remarks++
	}
	fmt.Fprintf(d.out, "%s  %-9s %s", mark, part, name)
	if detail != "" {
		fmt.Fprintf(d.out, ": %s", strings.ReplaceAll(detail, "\n", "; "))
	}
	fmt.Fprintln(d.out)
	if do != "" {
		fmt.Fprintf(d.out, "%17s -> %s\n", "", do)
	}
}

// try is find for something that was tried.
func (d *doctor) try(part, name string, err error, do string) bool {
	if err != nil {
		d.find(part, name, false, err.Error(), do)
		return false
	}
	d.find(part, name, true, "", "")
	return true
}

func (d *doctor) examine(ctx context.Context, c *command) error {
	d.settings()
	_, _, err1 := loadTexts(d.cfg)
	_, err2 := loadPages(d.cfg)
	d.try("texts", "documents, mail and pages can be composed", errors.Join(err1, err2), "mend or remove the files in the folder that texts names")
	d.jurisdictions(clock())
	s, err := openCore(ctx, d.cfg, c.log(), options{unchecked: true})
	if d.try("database", "it and the local key can be opened", err, "check database.url, that it runs, and the way to it; about the local key: "+keyLost) {
		defer s.Close()
		d.database(ctx, s)
	}
	d.journal()
	d.store(ctx)
	d.keyring(ctx, c)
	d.mail(ctx)
	fmt.Fprintf(d.out, "\nbad: %d, remarks: %d\n", d.bad, d.remarks)
	if d.bad > 0 {
		return fmt.Errorf("findings to be mended before this holds data: %d", d.bad)
	}
	return nil
}

// settings remarks on what is fit for trying out only.
func (d *doctor) settings() {
	if strings.HasPrefix(d.cfg.BaseURL, "http://") {
		d.find("web", "plain http", true, d.cfg.BaseURL, "for trying out on one machine only: set base_url to https and tls, or put a proxy in front")
	}
	if d.cfg.Store.Kind == "dir" {
		d.find("store", "a folder of this machine", true, d.cfg.Store.Dir, "for trying out and small sites: no other host can serve it, and nobody but Sluice empties a bucket; use S3 in production")
	}
	if d.cfg.Keyring.Kind == "local" {
		d.find("keyring", "a file of this machine", true, d.cfg.Keyring.File, "for trying out and small sites: whoever reads that file opens everything; use Vault or OpenBao in production")
	}
	if d.cfg.Mail.Kind == "none" {
		d.find("mail", "nothing is sent", true, "", "nobody is told anything, and invitations reach nobody: set mail.kind to smtp")
	}
	roles := roleNames(d.cfg)
	var worker []string
	for _, r := range roles {
		if r != string(keyring.Serve) {
			worker = append(worker, r)
		}
	}
	slices.Sort(worker)
	if slices.Contains(roles, string(keyring.Serve)) && len(worker) > 0 {
		d.find("roles", "the process that serves also holds "+strings.Join(worker, ", "), !d.serving, "",
			"whoever breaks into it reaches the archive's keys: fine for a small site with serve --worker; in production run the worker apart, and give this process the role serve alone")
	}
}

// jurisdictions remarks on a table that nobody has looked at for a year: adequacy decisions come, lapse and are struck down.
func (d *doctor) jurisdictions(at time.Time) {
	table, err := readJurisdictions(d.cfg.Jurisdictions)
	if !d.try("licences", "the table of jurisdictions can be read", err, "mend the file that jurisdictions names") {
		return
	}
	do := ""
	if checked, err := time.Parse(time.DateOnly, table.Checked); err != nil || checked.AddDate(1, 0, 0).Before(at) {
		do = "compare it with the law, put today's date into checked, and name the file in jurisdictions (sluiced config jurisdictions prints the table)"
	}
	d.find("licences", "the table of jurisdictions was compared with the law", true, table.Checked, do)
}

func (d *doctor) database(ctx context.Context, s *site) {
	if s.db.Engine() == db.SQLite {
		d.find("database", "SQLite", true, "", "for trying out and small sites: one host only; use PostgreSQL in production")
	}
	if !d.try("database", "its tables are of this version", s.db.Migrated(ctx), "run sluiced migrate") {
		return
	}
	d.try("database", "it can be read", s.db.View(ctx, func(tx *db.Tx) error { _, err := tx.Head(); return err }), "check the rights of its role")
	d.try("database", "the local key is the one that it was used with", s.db.View(ctx, s.accounts.CheckKey), keyLost)
	d.try("database", "it can be written", s.db.TryWriting(ctx), "check the rights of its role (infra/deploy/postgres.sql) and that its disk is not full")
	d.try("database", "the log can take an entry", rehearse(ctx, s.db), "check the rights of its role: it needs INSERT on audit_entries")
	if s.db.Engine() == db.Postgres {
		if err := unalterable(ctx, s.db); err != nil {
			d.find("database", "this role's hold on the log", !d.serving, err.Error(), "let another role own the tables, and serve with one that may only add to the log: infra/deploy/postgres.sql")
		}
		by, err := s.db.Skew(ctx)
		if err == nil && math.Abs(by) > maxSkew {
			err = fmt.Errorf("our clock is %.2f s off", by)
		}
		d.try("database", "its clock agrees with ours to a second", err, "set both clocks by NTP (chrony or systemd-timesyncd); until then this process is not ready")
	}
	d.jobs(ctx, s)
}

var errRehearsal = errors.New("rehearsed")

// rehearse takes the log's head and writes an entry, and takes it back.
func rehearse(ctx context.Context, d *db.DB) error {
	err := d.Change(ctx, host().Actor(), func(tx *db.Tx) error {
		if err := tx.Record("doctor", rehearsed{}); err != nil {
			return err
		}
		return errRehearsal
	})
	if errors.Is(err, errRehearsal) {
		return nil
	}
	return err
}

type rehearsed struct{}

func (rehearsed) Kind() string { return "doctor.rehearsed" }

// unalterable is an error if our role could change an entry of the log.
func unalterable(ctx context.Context, d *db.DB) error {
	may, err := d.MayAlterLog(ctx)
	if err == nil && may {
		err = errors.New("it may change and remove entries")
	}
	return err
}

func (d *doctor) jobs(ctx context.Context, s *site) {
	err := s.db.View(ctx, func(tx *db.Tx) error {
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		late := 0
		for _, j := range jobs {
			switch {
			case !j.Parked.IsZero():
				d.find("jobs", "parked: "+j.Kind+" of "+j.Subject, false, j.LastError, "mend the cause, then start it again on the desk's page of stuck work")
			case !j.Running && tx.At.Sub(j.Due) > 15*time.Minute:
				late++
			}
		}
		if late > 0 {
			d.find("jobs", fmt.Sprintf("%d have been due for more than a quarter of an hour", late), false, "", "is a worker running? sluiced worker, or serve --worker")
		}
		return nil
	})
	d.try("jobs", "they can be listed", err, "check the rights of its role")
}

func (d *doctor) journal() {
	halts, err := journal{path: d.cfg.JournalFile}.read()
	if err == nil && len(halts) > 0 {
		err = fmt.Errorf("%d stops are not in the log", len(halts))
	}
	d.try("stops", "no emergency stop waits to be taken into the log", err, "they take effect on this host only until a process of Sluice runs here and the log can be written")
}

func (d *doctor) store(ctx context.Context) {
	store, err := openStore(d.cfg)
	if !d.try("store", "it can be opened", err, "check the settings under store") {
		return
	}
	probe := store.Probe
	if s3, ok := store.(*objects.S3); ok && d.serving {
		probe = func(ctx context.Context, now func() time.Time) []objects.Finding {
			return s3.ProbeReader(ctx, now, d.cfg.Store.Archive)
		}
	}
	for _, f := range probe(ctx, time.Now) {
		d.find("store", f.Name, f.OK, f.Detail, f.Do)
	}
}

func (d *doctor) keyring(ctx context.Context, c *command) {
	keys, err := openKeyring(d.cfg, c.log())
	if !d.try("keyring", "it can be opened", err, "check the settings under keyring") {
		return
	}
	if vault, ok := keys.(*keyring.Vault); ok {
		defer vault.Close()
	}
	for _, f := range keys.Probe(ctx, time.Now) {
		d.find("keyring", f.Name, f.OK, f.Detail, f.Do)
	}
}

// mail calls the server as for a letter, with TLS and the sign-in; no message is sent.
func (d *doctor) mail(ctx context.Context) {
	if d.cfg.Mail.Kind != "smtp" {
		return
	}
	server, err := newSMTP(d.cfg)
	if d.try("mail", "its settings can be used", err, "check the settings under mail") {
		d.try("mail", "the server lets us in", server.Call(ctx), "check mail.address, security, user and password_file, and the way to the server")
	}
}
