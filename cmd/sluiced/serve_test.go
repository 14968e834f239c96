package main

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/servers"
	"sluice/licensing"
)

// serving runs a demo's site as a real one and returns its address, and what it ended with.
func serving(t *testing.T, ctx context.Context, d *demo) (base string, ended chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	ended = make(chan error, 1)
	go func() { ended <- d.serve(ctx, l, true, nil) }()
	return "http://" + l.Addr().String(), ended
}

func status(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

func TestAServerThatIsAskedToEndEndsInOrder(t *testing.T) {
	d := playDemo(t, t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	base, ended := serving(t, ctx, d)
	if got := status(t, base+"/readyz"); got != http.StatusOK {
		t.Errorf("while serving, /readyz answers %d, want 200", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v, want nothing", err)
	}
	if _, err := http.Get(base + "/readyz"); err == nil {
		t.Error("it still takes requests after its end")
	}
}

func TestAReplicaWithAWrongClockOrKeyIsNotReady(t *testing.T) {
	d, clock := dbtest.Postgres(t)
	var wrong error
	r := &readiness{db: d, key: func(*db.Tx) error { return wrong }}
	look := func() error {
		by, err := d.Skew(t.Context())
		must(t, err)
		r.note(by)
		return r.ask(t.Context())
	}
	clock.Set(time.Now())
	if err := look(); err != nil {
		t.Errorf("with the right clock: %v, want ready", err)
	}
	clock.Set(time.Now().Add(5 * time.Second))
	if err := look(); err == nil {
		t.Error("with a clock 5 s ahead of the database's it is ready")
	}
	clock.Set(time.Now())
	if wrong = account.ErrKey; look() == nil {
		t.Error("with a local key that is no more the right one it is ready")
	}
	wrong = nil
	r.stop()
	if err := look(); err == nil {
		t.Error("a process that is ending is ready")
	}
}

func TestAJobAtHandIsFinishedWhenTheProcessEnds(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	handle := finishing(func(ctx context.Context, _ string) error {
		stop()
		return ctx.Err()
	})
	if err := handle(ctx, "x"); err != nil {
		t.Errorf("the job was told to stop at once: %v", err)
	}
	lost := errors.New("the lease was lost")
	ctx, cancel := context.WithCancelCause(t.Context())
	handle = finishing(func(ctx context.Context, _ string) error {
		cancel(lost)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if err := handle(ctx, "x"); !errors.Is(err, lost) {
		t.Errorf("a job whose lease was lost ended with %v, want it to be stopped for that", err)
	}
}

func TestAStopInTheJournalIsObeyedAndTakenIntoTheLogLater(t *testing.T) {
	d := playDemo(t, t.TempDir())
	full := func(query string) { change(t, filepath.Join(d.folder, "sluice.db"), query) }
	standing := func() licensing.Agreement {
		var a licensing.Agreement
		must(t, d.db.View(t.Context(), func(tx *db.Tx) (err error) {
			a, err = d.registry.AgreementNumbered(tx, "DR-0002-A")
			return err
		}))
		return a
	}
	if err := standing().OpenAt(time.Now()); err != nil {
		t.Fatalf("before the stop: %v, want open", err)
	}
	full(`CREATE TRIGGER full BEFORE INSERT ON audit_entries BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	must(t, d.journal.add(licensing.Halt{Agreement: "DR-0002-A", By: "cli:a@b", At: time.Now().UTC(), Reason: "a leak"}))
	w := &halting{site: d.site}
	w.look(t.Context())
	if err := standing().OpenAt(time.Now()); !errors.Is(err, licensing.ErrSuspended) {
		t.Errorf("with the stop in the journal: %v, want %v", err, licensing.ErrSuspended)
	}
	if halts, err := d.journal.read(); err != nil || len(halts) != 1 {
		t.Errorf("while the log takes nothing the journal holds %v, %v, want the stop", halts, err)
	}
	full(`DROP TRIGGER full`)
	w.look(t.Context())
	if halts, err := d.journal.read(); err != nil || len(halts) != 0 {
		t.Errorf("after the log took it the journal holds %v, %v, want nothing", halts, err)
	}
	if a := standing(); a.State != licensing.Suspended || !a.Stop.Open() || a.Halted {
		t.Errorf("the agreement is %s, stop %+v, halted %t; want suspended by a stop that waits for a second person", a.State, a.Stop, a.Halted)
	}
}

func TestAProcessWhoseWorkCannotBeginEnds(t *testing.T) {
	d := playDemo(t, t.TempDir())
	change(t, filepath.Join(d.folder, "sluice.db"), `CREATE TRIGGER full BEFORE INSERT ON jobs BEGIN SELECT RAISE(ABORT, 'disk full'); END`)
	ended := make(chan error, 1)
	go func() { ended <- d.site.run(t.Context(), true) }()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("the worker ended without saying why")
		}
	case <-time.After(30 * time.Second):
		t.Error("the worker neither works nor ends")
	}
}

func TestALineOfTheJournalThatIsBrokenHidesNoStop(t *testing.T) {
	j := journal{path: filepath.Join(t.TempDir(), "stops.journal")}
	must(t, j.add(licensing.Halt{Agreement: "a", By: "x"}))
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString("half a li\n")
	must(t, errors.Join(err, f.Close()))
	must(t, j.add(licensing.Halt{Agreement: "b", By: "x"}))
	halts, err := j.read()
	if len(halts) != 2 || err == nil {
		t.Errorf("got %d stops and %v, want 2 and a complaint about line 2", len(halts), err)
	}
	must(t, j.remove(halts[:1]))
	text, err := os.ReadFile(j.path)
	must(t, err)
	if got := string(text); !strings.HasPrefix(got, "half a li\n") || strings.Count(got, "\n") != 2 || !strings.Contains(got, `"b"`) {
		t.Errorf("after the first stop was struck off the file holds %q, want the broken line as it was, and the other stop", got)
	}
	if info, err := os.Stat(j.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the journal has mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestTheServingRoleOfTheDatabaseCanOnlyAddToTheLog(t *testing.T) {
	address := servers.Postgres(t)
	grant := func() {
		text, err := os.ReadFile("../../infra/deploy/postgres.sql")
		must(t, err)
		conn, err := pgx.Connect(t.Context(), address)
		must(t, err)
		defer conn.Close(context.Background())
		_, err = conn.PgConn().Exec(t.Context(), string(text)).ReadAll()
		must(t, err)
	}
	as := func(role string) *db.DB {
		u, err := url.Parse(address)
		must(t, err)
		u.User = url.User(role)
		d, err := db.Open(t.Context(), u.String())
		must(t, err)
		t.Cleanup(func() { d.Close() })
		return d
	}
	grant()
	owner := as("sluice_owner")
	must(t, owner.Migrate(t.Context()))
	grant()
	app := as("sluice_app")
	must(t, app.Migrated(t.Context()))
	must(t, rehearse(t.Context(), app))
	must(t, unalterable(t.Context(), app))
	if unalterable(t.Context(), owner) == nil {
		t.Error("doctor does not see that the owner may rewrite the log")
	}
	must(t, app.Change(t.Context(), host().Actor(), func(tx *db.Tx) error { return tx.Record("doctor", rehearsed{}) }))
	for _, query := range []string{`UPDATE audit_entries SET body = ''`, `DELETE FROM audit_entries`, `DELETE FROM audit_head`} {
		err := app.Change(t.Context(), host().Actor(), func(tx *db.Tx) error {
			_, err := tx.Exec(query)
			return errors.Join(err, tx.Record("doctor", rehearsed{}))
		})
		if err == nil {
			t.Errorf("the role that serves may %s", query)
		}
	}
}

func change(t *testing.T, path, query string) {
	t.Helper()
	d, err := sql.Open("sqlite", path)
	must(t, err)
	_, err = d.Exec(query)
	must(t, errors.Join(err, d.Close()))
}
