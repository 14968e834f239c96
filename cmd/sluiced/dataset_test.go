package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/licensing"
)

// newSite is a fresh embedded site with a collection.
func newSite(t *testing.T) *site {
	t.Helper()
	cfg := demoConfig(t.TempDir(), "127.0.0.1:8080")
	must(t, makeKeyring(cfg))
	s, err := open(t.Context(), cfg, slog.New(slog.DiscardHandler), options{fresh: true})
	must(t, err)
	t.Cleanup(s.Close)
	must(t, s.db.Migrate(t.Context()))
	must(t, s.db.Change(t.Context(), host().Actor(), func(tx *db.Tx) error {
		_, err := s.registry.AddCollection(tx, host(), licensing.Collection{Name: "CPCT"})
		return err
	}))
	return s
}

func TestAnImportThatWasInterruptedIsContinuedByTheSameCommand(t *testing.T) {
	s := newSite(t)
	folder := t.TempDir()
	list := []string{"path,subject,hospital,kind"}
	for i := range 1500 { // several batches, so that there is something to continue with
		name := fmt.Sprintf("f%04d.vcf", i)
		must(t, os.WriteFile(filepath.Join(folder, name), []byte(name), 0o600))
		list = append(list, name+",S1,NKI,variants")
	}
	in := toImport{collection: "CPCT", name: "One", folder: folder, list: filepath.Join(t.TempDir(), "files.csv")}
	must(t, writeLines(in.list, list))

	ctx, stop := context.WithCancel(t.Context())
	interrupted := make(chan struct{})
	go func() { // Ctrl-C once the first batch is stored
		defer close(interrupted)
		defer stop()
		for t.Context().Err() == nil && stored(t, s) == 0 {
			time.Sleep(5 * time.Millisecond)
		}
	}()
	c := &command{out: io.Discard, err: io.Discard}
	err := c.importDataset(ctx, s, in)
	<-interrupted
	if !errors.Is(err, context.Canceled) || codeOf(ctx, err) != exitInterrupted || !strings.Contains(err.Error(), "same command continues") {
		t.Fatalf("interrupted: got %v (code %d), want to be told that the same command continues (code %d)", err, codeOf(ctx, err), exitInterrupted)
	}
	before := stored(t, s)
	if before == 0 || before == 1500 {
		t.Fatalf("%d files were stored when it was interrupted, want some", before)
	}
	var out strings.Builder
	c.out = &out
	must(t, c.importDataset(t.Context(), s, in))
	if !strings.Contains(out.String(), "1500 files") {
		t.Errorf("continued: got %q, want all 1500 files", out.String())
	}
	if _, found, err := s.verify(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("the log and the tables differ afterwards: %q, %v", found, err)
	}
}

func stored(t *testing.T, s *site) (n int) {
	err := s.db.View(t.Context(), func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT COUNT(*) FROM files WHERE state = 'stored'`).Scan(&n)
	})
	if err != nil {
		t.Error(err)
	}
	return n
}
