// Package deliverytest makes, for the tests of delivery and of what stands above it, a foundation that hands data over:
// staff, datasets that were imported, and agreements in force with contacts who have accounts, all through the front door.
package deliverytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/keyring"
	"sluice/infra/keyring/keyringtest"
	"sluice/infra/objects"
	"sluice/licensing"
	"sluice/templates/document"
)

// Options say where a World keeps its data. What is nil is made: a store in memory, and a local keyring.
type Options struct {
	Store     delivery.Store
	Keys      delivery.Keyring
	Placement licensing.Placement // of the collection; empty: copied
	KeyDelay  time.Duration       // 0: the default of delivery.Options
	Log       *slog.Logger
}

// A World is a foundation with staff, one collection, and people outside as tests bring them in.
type World struct {
	*accounttest.World
	DB        *db.DB
	Clock     *dbtest.Clock
	Registry  *licensing.Registry
	Depot     *delivery.Depot
	Store     *objects.Faulty   // what the depot uses
	Plan      *keyringtest.Plan // of the faults of the keyring that the depot uses
	Keys      delivery.Keyring  // the keyring itself, without faults
	Sealed    atomic.Bool       // set: the keyring cannot be reached
	Restarts  bool              // set: WorkOff goes on in a new process (Restart) after each job that failed
	Restarted int               // how often

	Desk, Second, Rep, Steward account.Who

	t     testing.TB
	o     Options
	cases int
	first *db.DB // DB, until the first Restart
}

// Collection is the name of the one collection, and ArchiveBucket the name of its bucket.
const (
	Collection    = "CPCT"
	ArchiveBucket = "sluice-archive"
)

// New makes a World on a fresh database.
func New(t testing.TB, d *db.DB, clock *dbtest.Clock, o Options) *World {
	t.Helper()
	w := &World{World: accounttest.New(t, d, clock), t: t, DB: d, first: d, Clock: clock, Plan: &keyringtest.Plan{}}
	if o.Store == nil {
		o.Store = objects.NewMemory()
	}
	if o.Keys == nil {
		local, err := keyring.CreateLocal(filepath.Join(t.TempDir(), "keys"))
		w.must(err)
		o.Keys = local
	}
	w.Store, w.Keys, w.o = objects.NewFaulty(o.Store), o.Keys, o
	w.Registry = newRegistry(d, w.Accounts)
	w.Depot = w.Replica()
	w.Desk = w.Person("Dineke Balie", "desk@foundation.example", account.Desk)
	w.Second = w.Person("Bram Tweede", "second@foundation.example", account.Desk)
	w.Rep = w.Person("Roos Vertegenwoordiger", "rep@foundation.example", account.Representative)
	w.Steward = w.Person("Stef Beheer", "steward@foundation.example", account.Steward)
	w.must(d.Change(t.Context(), w.Steward.Actor(), func(tx *db.Tx) error {
		_, err := w.Registry.AddCollection(tx, w.Steward, licensing.Collection{Name: Collection, Placement: o.Placement})
		return err
	}))
	return w
}

func newRegistry(d *db.DB, accounts *account.Accounts) *licensing.Registry {
	return licensing.New(d, accounts, licensing.Options{
		Render: func(doc licensing.Document) (licensing.Rendered, error) {
			b, err := json.Marshal(doc)
			return licensing.Rendered{TextVersion: "test-1", Source: string(b), PDF: append([]byte("%PDF-1.7\n"), b...)}, err
		},
		Printable: document.CheckScript,
		Send:      func(context.Context, licensing.Letter) error { return nil },
	})
}

// Restart goes on as a process does that was killed and starts again: nothing is known but what stands in the database, the store
// and the keyring. What was made before, such as a site that serves, goes on beside it as another replica would.
func (w *World) Restart() {
	w.t.Helper()
	d := dbtest.Reopen(w.t, w.first)
	if w.DB != w.first {
		w.must(w.DB.Close())
	} else {
		w.t.Cleanup(func() { w.DB.Close() })
	}
	accounts, err := account.New(d, accounttest.Key, account.Options{Foundation: "Stichting Proef", Hashing: account.ForTests})
	w.must(err)
	accounts.Notify = w.Accounts.Notify
	w.DB, w.Registry = d, newRegistry(d, accounts)
	depot, err := w.depot(accounts)
	w.must(err)
	w.Depot = depot
	w.Restarted++
}

// Replica is one more Depot over the same database, store and keyring, as another process has it.
func (w *World) Replica() *delivery.Depot {
	depot, err := w.depot(w.Accounts)
	w.must(err)
	return depot
}

func (w *World) depot(accounts *account.Accounts) (*delivery.Depot, error) {
	return delivery.New(w.DB, w.Registry, accounts, w.Store, &keyringtest.Faulty{Keyring: w.Keys, Next: w.next}, delivery.Options{
		ArchiveBucket: ArchiveBucket, KeyDelay: w.o.KeyDelay, Log: w.o.Log,
		Certificate: func(c delivery.Certificate) (source, pdf []byte, err error) {
			b, err := json.Marshal(c.Number)
			return b, append([]byte("%PDF-1.7\n"), b...), err
		},
	})
}

// next says how a call of the keyring goes wrong.
func (w *World) next(call string) keyringtest.Fault {
	if w.Sealed.Load() {
		return keyringtest.NotDone
	}
	return w.Plan.Next(call)
}

// Tree is a folder in memory with these files.
func Tree(files map[string][]byte) fs.FS {
	tree := fstest.MapFS{}
	for name, data := range files {
		tree[name] = &fstest.MapFile{Data: data, ModTime: time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)}
	}
	return tree
}

// Listed is an import of these files.
func (w *World) Listed(dataset string, folder fs.FS, names ...string) delivery.Import {
	w.t.Helper()
	slices.Sort(names)
	var files []delivery.ListedFile
	for i, name := range names {
		files = append(files, delivery.ListedFile{Line: i + 2, Path: name, Subject: fmt.Sprintf("CPCT%04d", i), Hospital: "H1", Kind: "reads"})
	}
	infos, faults := delivery.CompareFolder(folder, files, "")
	for _, f := range faults {
		w.t.Fatal(f)
	}
	return delivery.Import{Collection: Collection, Dataset: dataset, Folder: folder, Files: files, Infos: infos}
}

// Import imports files as a dataset.
func (w *World) Import(dataset string, files map[string][]byte) licensing.Dataset {
	w.t.Helper()
	d, err := w.Depot.Import(w.t.Context(), w.Steward, w.Listed(dataset, Tree(files), slices.Collect(maps.Keys(files))...))
	w.must(err)
	return d
}

// Handlers are the jobs of all packages.
func (w *World) Handlers() map[string]db.Handler {
	all := w.Registry.Handlers()
	maps.Copy(all, w.Depot.Handlers())
	return all
}

// Work runs every job that is due.
func (w *World) Work() {
	w.t.Helper()
	for range 10_000 {
		ran, err := w.DB.WorkOnce(w.t.Context(), slog.New(slog.DiscardHandler), w.Handlers())
		w.must(err)
		if !ran {
			return
		}
	}
	w.t.Fatal("the work does not end")
}

// WorkOff runs jobs, and moves the clock on to those that were put off by less than half an hour, until there are none.
func (w *World) WorkOff() {
	w.t.Helper()
	for range 100 {
		w.Work()
		var next time.Time
		failed := false
		for _, j := range w.Jobs() {
			failed = failed || j.LastError != ""
			if !j.Parked.IsZero() {
				w.t.Fatalf("the job %s of %s is parked: %s", j.Kind, j.Subject, j.LastError)
			}
			if next.IsZero() || j.Due.Before(next) {
				next = j.Due
			}
		}
		if next.IsZero() || next.Sub(w.Clock.Now()) > 30*time.Minute {
			return
		}
		if failed && w.Restarts {
			w.Restart()
		}
		w.Clock.Set(next)
	}
	w.t.Fatal("the work does not end")
}

// Jobs lists the jobs.
func (w *World) Jobs() (jobs []db.Job) {
	w.t.Helper()
	w.View(func(tx *db.Tx) (err error) {
		jobs, err = tx.Jobs()
		return err
	})
	return jobs
}

// View reads the database.
func (w *World) View(fn func(*db.Tx) error) {
	w.t.Helper()
	w.must(w.DB.View(w.t.Context(), fn))
}

// Act confirms an act with a code.
func (w *World) Act(who account.Who, kind, subject string) account.Proof {
	w.t.Helper()
	return w.Confirm(who, account.Act{Kind: kind, Subject: subject})
}

func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}
