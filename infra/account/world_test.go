package account_test

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

const adaMail = "ada@lab.example"

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// each runs a story with a world on both engines.
func each(t *testing.T, story func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) { story(t, accounttest.New(t, d, clock), d, clock) })
}

func wantErr(t *testing.T, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func wantWait(t *testing.T, what string, got error) *account.WaitError {
	t.Helper()
	var wait *account.WaitError
	if !errors.As(got, &wait) {
		t.Fatalf("%s: got error %v, want one that says when to try again", what, got)
	}
	return wait
}

// session reads the last session of a person by its cookie.
func session(t *testing.T, w *accounttest.World, person account.PersonID) (account.Session, error) {
	t.Helper()
	return w.Accounts.Session(t.Context(), w.Cookies[person])
}

func mustSession(t *testing.T, w *accounttest.World, person account.PersonID) account.Session {
	t.Helper()
	s, err := session(t, w, person)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// withPassword gives the right password, from the usual place.
func withPassword(t *testing.T, w *accounttest.World, email string) account.Session {
	t.Helper()
	_, s, err := w.Accounts.SignIn(t.Context(), email, accounttest.Password, accounttest.Meta)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func view(t *testing.T, d *db.DB, fn func(tx *db.Tx) error) {
	t.Helper()
	if err := d.View(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

func factorOf(t *testing.T, w *accounttest.World, d *db.DB, person account.PersonID) (f account.Factor) {
	t.Helper()
	view(t, d, func(tx *db.Tx) (err error) { f, err = w.Accounts.Factor(tx, person); return err })
	return f
}

// work runs the jobs that wait.
func work(t *testing.T, w *accounttest.World, d *db.DB) {
	t.Helper()
	for {
		ran, err := d.WorkOnce(t.Context(), quiet, w.Accounts.Handlers())
		if err != nil {
			t.Fatal(err)
		}
		if !ran {
			return
		}
	}
}

// lastLink is the link in the last message of a kind.
func lastLink(t *testing.T, w *accounttest.World, kind string) string {
	t.Helper()
	for i := len(w.Notices) - 1; i >= 0; i-- {
		if w.Notices[i].Kind == kind {
			return w.Link(w.Notices[i].Link)
		}
	}
	t.Fatalf("nobody was sent a message %q", kind)
	return ""
}

// told says how many messages of a kind were sent.
func told(w *accounttest.World, kind string) (n int) {
	for _, m := range w.Notices {
		if m.Kind == kind {
			n++
		}
	}
	return n
}

// everything is each row of each table, as text.
func everything(t *testing.T, d *db.DB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../db/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations found: %v", err)
	}
	rows := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`CREATE TABLE (\w+)`).FindAllStringSubmatch(string(text), -1) {
			view(t, d, func(tx *db.Tx) error { return dump(tx, m[1], rows) })
		}
	}
	if len(rows) < 10 {
		t.Fatalf("got %d tables, want all", len(rows))
	}
	return rows
}

func dump(tx *db.Tx, table string, into map[string]string) error {
	rows, err := tx.Query(`SELECT * FROM ` + table)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	var b strings.Builder
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		if err := rows.Scan(values...); err != nil {
			return err
		}
		for _, v := range values {
			fmt.Fprintf(&b, "%v\x00", *v.(*any))
		}
		b.WriteString("\n")
	}
	into[table] = b.String()
	return rows.Err()
}
