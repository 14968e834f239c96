package main

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sluice/infra/mail"
	"sluice/licensing"
)

func halt(agreement, reason string) licensing.Halt {
	return licensing.Halt{Agreement: licensing.AgreementID(agreement), By: "cli:root@host", At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), Reason: reason}
}

// A full disk or a power cut leaves half a line. The stop after it must not become the other half of nonsense.
func TestAStopAfterHalfALineIsKeptWhole(t *testing.T) {
	j := journal{path: filepath.Join(t.TempDir(), "stops.journal")}
	if err := j.add(halt("A1", "a leak")); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(j.path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	f.WriteString(`{"agreement":"A2","by":"cli:ro`)
	f.Close()
	if err := j.add(halt("A3", "a leak")); err != nil {
		t.Fatal(err)
	}
	halts, err := j.read()
	if len(halts) != 2 || halts[0].Agreement != "A1" || halts[1].Agreement != "A3" {
		t.Errorf("got the stops %v, want those of A1 and A3", halts)
	}
	if err == nil {
		t.Error("the half line is not complained about")
	}
}

// The reason comes from a form that may hold a megabyte. A line that is too long for whoever reads it would hide itself and
// all that follow.
func TestAStopWithALongReasonHidesNoOther(t *testing.T) {
	j := journal{path: filepath.Join(t.TempDir(), "stops.journal")}
	for _, h := range []licensing.Halt{halt("A1", "a leak"), halt("A2", strings.Repeat("because ", 100_000)), halt("A3", "a leak")} {
		if err := j.add(h); err != nil {
			t.Fatal(err)
		}
	}
	halts, err := j.read()
	if err != nil || len(halts) != 3 {
		t.Fatalf("got %d stops and %v, want 3", len(halts), err)
	}
	if err := j.remove(halts[:2]); err != nil {
		t.Fatal(err)
	}
	if halts, err = j.read(); err != nil || len(halts) != 1 || halts[0].Agreement != "A3" {
		t.Errorf("after striking off two: got %v and %v, want A3", halts, err)
	}
}

// What is in the log is struck off whatever else stands in the file: left there, it would stop the agreement again after
// two people have resumed it.
func TestALineNobodyCanReadKeepsNoStopInTheFile(t *testing.T) {
	j := journal{path: filepath.Join(t.TempDir(), "stops.journal")}
	if err := j.add(halt("A1", "a leak")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(j.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(j.path, append([]byte("stop everything!\n"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := j.remove([]licensing.Halt{halt("A1", "a leak")}); err != nil {
		t.Errorf("striking off what is in the log: %v", err)
	}
	halts, err := j.read()
	if len(halts) != 0 || err == nil {
		t.Errorf("got %v and %v, want no stop and the complaint about the line", halts, err)
	}
	if text, _ := os.ReadFile(j.path); string(text) != "stop everything!\n" {
		t.Errorf("the file holds %q, want the line that somebody has to mend", text)
	}
}

// With the database away nobody can tell whether an agreement has the name that was typed. When it turns out that none has,
// the stop must not vanish as if it had been obeyed.
func TestAStopOfAnAgreementThatIsNotThereIsNotTakenAsDone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "demo")
	if err := demoFolder(folder); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	d := &demo{folder: folder, box: mail.NewBox(1), clock: &demoClock{}}
	if err := d.open(t.Context(), demoConfig(folder, "127.0.0.1:8080"), slog.New(slog.NewTextHandler(&said, nil))); err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, name := range []string{"DR-0999-A", "DR-0002-A"} {
		if err := d.journal.add(halt(name, "a leak")); err != nil {
			t.Fatal(err)
		}
	}
	w := &halting{site: d.site}
	for range 3 {
		w.look(ctx)
	}
	if n := strings.Count(said.String(), "DR-0999-A"); n != 1 {
		t.Errorf("the log names the stop that stopped nothing %d times, want once:\n%s", n, said.String())
	}
	if !strings.Contains(said.String(), `in the log now" count=1`) {
		t.Errorf("the log does not say that one stop was taken:\n%s", said.String())
	}
	halts, err := d.journal.read()
	if err != nil || len(halts) != 1 || halts[0].Agreement != "DR-0999-A" {
		t.Errorf("the file holds %v, %v, want the stop that stopped nothing", halts, err)
	}
}
