package main

import (
	"errors"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/delivery"
	"sluice/infra/audit"
	"sluice/infra/db"
	"sluice/infra/mail"
	"sluice/licensing"
)

// playDemo plays the story in a folder of the test's.
func playDemo(t *testing.T, folder string) *demo {
	t.Helper()
	d := &demo{folder: folder, box: mail.NewBox(500), clock: &demoClock{}}
	if err := d.open(t.Context(), demoConfig(folder, "127.0.0.1:8080"), slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

func TestTheDemoHasARequestAtEachStage(t *testing.T) {
	d := playDemo(t, t.TempDir())
	got := map[string]string{}
	deliveries := map[string]delivery.State{}
	must(t, d.db.View(t.Context(), func(tx *db.Tx) error {
		for _, number := range []string{"DR-0001", "DR-0002", "DR-0003", "DR-0004", "DR-0005", "DR-0006", "DR-0007"} {
			q, err := d.registry.RequestNumbered(tx, number)
			if err != nil {
				return err
			}
			got[number] = string(q.State)
			agreements, err := d.registry.AgreementsOf(tx, q.ID)
			if err != nil {
				return err
			}
			for _, a := range agreements {
				got[number] = string(a.StateAt(tx.At))
				overview, err := d.depot.Overview(tx, a.ID)
				if err != nil {
					return err
				}
				for _, o := range overview {
					deliveries[o.Delivery.Number] = o.Delivery.State
				}
			}
		}
		return nil
	}))
	want := map[string]string{"DR-0001": "ended", "DR-0002": "in-force", "DR-0003": "in-force", "DR-0004": "suspended", "DR-0005": "signing",
		"DR-0006": "drafted", "DR-0007": "recorded"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the stages of the demo (-want +got):\n%s", diff)
	}
	wantDeliveries := map[string]delivery.State{"DR-0001-A-1": delivery.Destroyed, "DR-0002-A-1": delivery.Available,
		"DR-0003-A-1": delivery.Available, "DR-0004-A-1": delivery.Available}
	if diff := cmp.Diff(wantDeliveries, deliveries); diff != "" {
		t.Errorf("the deliveries of the demo (-want +got):\n%s", diff)
	}
	_, found, err := d.verify(t.Context())
	must(t, err)
	if len(found) > 0 {
		t.Errorf("the log and the tables of the demo differ: %q", found)
	}
	if sent := d.box.Messages(); len(sent) < 30 {
		t.Errorf("the demo sent %d mails, want those of every stage", len(sent))
	}
}

func TestTheDemoLooksLikeADeskAtWork(t *testing.T) {
	d := playDemo(t, t.TempDir())
	noor := d.cast[slices.IndexFunc(d.cast, func(p player) bool { return p.Key == "noor" })]
	var tasks []licensing.Task
	var entries []audit.Entry
	must(t, d.db.View(t.Context(), func(tx *db.Tx) (err error) {
		if tasks, err = d.registry.Queues(tx, noor.who); err != nil {
			return err
		}
		entries, err = tx.LogBefore(math.MaxInt64, "", "", 2000)
		return err
	}))
	late := slices.DeleteFunc(slices.Clone(tasks), func(t licensing.Task) bool { return !t.Overdue })
	if len(late) > 1 || len(tasks) < 5 {
		t.Errorf("of %d tasks of the desk these are late: %v; want one at most", len(tasks), late)
	}
	acts, moments := 0, map[time.Time]bool{}
	for _, e := range entries {
		body, err := e.Decode()
		must(t, err)
		if !strings.HasPrefix(body.By, "person:") {
			continue
		}
		at := e.At.In(d.registry.Zone())
		acts++
		moments[at.Truncate(time.Minute)] = true
		if at.Hour() < 9 || at.Hour() > 17 || workday(at, 1) != at && body.Kind != "agreement.stopped" {
			t.Errorf("%s happened on %s, want hours of work", body.Kind, at.Format("Monday 15:04"))
		}
	}
	if acts < 80 || len(moments) < acts/3 {
		t.Errorf("%d acts happened in %d minutes, want nearly each at a time of its own", acts, len(moments))
	}
}

func TestEverybodyOfTheDemoHasAPartInWordsAndACode(t *testing.T) {
	d := playDemo(t, t.TempDir())
	for _, lang := range []string{"en", "nl"} {
		people, err := d.people(t.Context(), lang)
		must(t, err)
		if len(people) != len(parts) {
			t.Errorf("the demo has %d people, want %d", len(people), len(parts))
		}
		waiting := 0
		for _, p := range people {
			if code, err := d.code(p.ID, time.Now()); err != nil || len(code) != 6 || p.Role == "" || p.Name == "" {
				t.Errorf("%s (%s) has code %q, %v", p.Name, p.Role, code, err)
			}
			if p.Waits != "" {
				waiting++
			}
		}
		if waiting < 6 {
			t.Errorf("in %s something waits for %d people, want 6 or more", lang, waiting)
		}
	}
}

func TestTheDemoGoesOnInAFolderThatItKept(t *testing.T) {
	folder := t.TempDir()
	first := playDemo(t, folder)
	before, err := first.db.Head(t.Context())
	must(t, err)
	first.Close()
	again := playDemo(t, folder)
	after, err := again.db.Head(t.Context())
	must(t, err)
	if before != after {
		t.Errorf("opening the folder again wrote to the log: %d entries, then %d", before.Seq, after.Seq)
	}
	if code, err := again.code(first.cast[0].ID, time.Now()); err != nil || code == "" {
		t.Errorf("the codes of the people were not kept: %q, %v", code, err)
	}
}

func TestTheDemoTouchesNoFolderOfOthers(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "precious"), nil, 0o600))
	c := &command{out: io.Discard, err: io.Discard}
	var wrong usageError
	if err := c.demo(t.Context(), folder, "127.0.0.1:0"); !errors.As(err, &wrong) {
		t.Errorf("a folder that is not the demo's: got %v, want a refusal", err)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
