package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"sluice/infra/db"
	"sluice/licensing"
)

// A journal is the file that takes emergency stops while the log cannot be written. One stop stands on one line, as the
// JSON of a licensing.Halt; its agreement is an id, or a number where the database could not be asked. The processes of
// this host read it and treat those agreements as suspended, and bring the stops into the log when that is possible again.
type journal struct{ path string }

// add keeps a stop durably.
func (j journal) add(h licensing.Halt) error {
	if j.path == "" {
		return errors.New("journal_file is not set: the stop could be kept nowhere")
	}
	line, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return j.locked(os.O_CREATE|os.O_RDWR|os.O_APPEND, func(f *os.File) error {
		text, err := io.ReadAll(f)
		if err != nil {
			return fmt.Errorf("reading %s: %w", j.path, err)
		}
		if len(text) > 0 && text[len(text)-1] != '\n' {
			// A full disk or a power cut left half a line: what follows it would be lost with it.
			line = append([]byte{'\n'}, line...)
		}
		if _, err := f.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("writing the stop to %s: %w", j.path, err)
		}
		return f.Sync()
	})
}

// read lists the stops in the file. A line that cannot be read is an error beside those that can: a stop is not to be lost
// because somebody touched the file.
func (j journal) read() (halts []licensing.Halt, err error) {
	err = j.locked(os.O_RDONLY, func(f *os.File) (err error) {
		halts, err = scanHalts(f)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || j.path == "" {
		return nil, nil
	}
	return halts, err
}

// remove strikes off what is in the log now, and keeps what was added meanwhile and what nobody can read.
func (j journal) remove(done []licensing.Halt) error {
	return j.locked(os.O_RDWR, func(f *os.File) error {
		text, err := io.ReadAll(f)
		if err != nil {
			return err
		}
		var kept []byte
		for line := range bytes.Lines(text) {
			if h, ok := readHalt(line); !ok || !slices.Contains(done, h) {
				kept = append(kept, line...)
			}
		}
		if _, err := f.WriteAt(kept, 0); err != nil {
			return err
		}
		return errors.Join(f.Truncate(int64(len(kept))), f.Sync())
	})
}

// scanHalts reads the whole file, for a line has no longest length: the reason in it comes from a form.
func scanHalts(f *os.File) (halts []licensing.Halt, err error) {
	text, err := io.ReadAll(f)
	n := 0
	for line := range bytes.Lines(text) {
		n++
		h, ok := readHalt(line)
		if !ok {
			err = errors.Join(err, fmt.Errorf("line %d of %s is no stop; mend or remove it by hand", n, f.Name()))
			continue
		}
		halts = append(halts, h)
	}
	return halts, err
}

func readHalt(line []byte) (h licensing.Halt, ok bool) {
	err := json.Unmarshal(line, &h)
	return h, err == nil && h.Agreement != ""
}

// locked opens the file and keeps other processes from it meanwhile.
func (j journal) locked(flag int, do func(*os.File) error) error {
	f, err := os.OpenFile(j.path, flag, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", j.path, err)
	}
	return do(f)
}

// make makes an empty file, so that it belongs to the processes that must read it whoever writes the first stop.
func (j journal) make() error {
	return j.locked(os.O_CREATE|os.O_RDWR, func(*os.File) error { return nil })
}

// journalEvery is how soon a stop in the journal takes hold of the other processes of this host.
const journalEvery = 500 * time.Millisecond

// watchJournal has this process obey the journal until ctx ends.
func (s *site) watchJournal(ctx context.Context) {
	tick := time.NewTicker(journalEvery)
	defer tick.Stop()
	w := &halting{site: s}
	if err := s.journal.make(); err != nil {
		w.complain(fmt.Errorf("the journal of stops cannot be opened: %w", err))
	}
	for {
		w.look(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// halting is what one process knows of the journal. It remembers the stops that it obeys until they stand in the log,
// also when another process struck them off the file first.
type halting struct {
	site    *site
	pending []licensing.Halt
	taken   []licensing.Halt // in the log; their lines may still stand in a file that cannot be written
	said    string           // the last complaint, so that it is not logged twice a second
}

func (w *halting) look(ctx context.Context) {
	found, err := w.site.journal.read()
	w.taken = slices.DeleteFunc(w.taken, func(h licensing.Halt) bool { return !slices.Contains(found, h) })
	for _, h := range found {
		if !slices.Contains(w.pending, h) && !slices.Contains(w.taken, h) {
			w.pending = append(w.pending, h)
		}
	}
	if len(w.pending) > 0 {
		err = errors.Join(err, w.take(ctx))
	}
	if len(w.taken) > 0 {
		err = errors.Join(err, w.site.journal.remove(w.taken))
	}
	w.complain(err)
}

// take obeys the pending stops, and tries to bring them into the log. One that names no agreement stops nothing: it is
// complained about for as long as it stands in the file, since whoever wrote it believes that something was stopped.
func (w *halting) take(ctx context.Context) error {
	halts, unknown, err := w.site.resolve(ctx, w.pending)
	w.pending = slices.DeleteFunc(w.pending, func(h licensing.Halt) bool { return slices.Contains(unknown, h) })
	w.site.registry.SetHalts(halts)
	if err != nil {
		return err
	}
	for _, h := range unknown {
		err = errors.Join(err, fmt.Errorf("no agreement is called %s, so nothing was stopped by that line of %s: stop the right one, and remove the line", h.Agreement, w.site.journal.path))
	}
	left, failed := w.site.registry.TakeHalts(ctx, halts)
	err = errors.Join(err, failed)
	var done, still []licensing.Halt
	for i, h := range halts {
		if slices.Contains(left, h) {
			still = append(still, w.pending[i])
		} else {
			done = append(done, w.pending[i])
		}
	}
	w.pending, w.taken = still, append(w.taken, done...)
	if len(done) > 0 {
		w.site.log.Info("emergency stops are in the log now", "count", len(done))
	}
	return err
}

func (w *halting) complain(err error) {
	said := ""
	if err != nil {
		said = err.Error()
	}
	if said != "" && said != w.said {
		w.site.log.Error("emergency stops wait to be taken into the log", "pending", len(w.pending), "error", said)
	}
	w.said = said
}

// resolve finds the agreements of stops, which may name one by its number. Those that name none are unknown, and not among
// the resolved.
func (s *site) resolve(ctx context.Context, halts []licensing.Halt) (resolved, unknown []licensing.Halt, err error) {
	err = s.db.View(ctx, func(tx *db.Tx) error {
		resolved, unknown = nil, nil
		for _, h := range halts {
			id, err := s.agreementID(tx, string(h.Agreement))
			switch {
			case errors.Is(err, licensing.ErrNotFound):
				unknown = append(unknown, h)
				continue
			case err != nil:
				return err
			}
			h.Agreement = id
			resolved = append(resolved, h)
		}
		return nil
	})
	if err != nil {
		return halts, nil, err // they hold all the same, as far as they name ids
	}
	return resolved, unknown, nil
}

// agreementID finds an agreement by its number or its id.
func (s *site) agreementID(tx *db.Tx, name string) (licensing.AgreementID, error) {
	a, err := s.registry.AgreementNumbered(tx, name)
	if errors.Is(err, licensing.ErrNotFound) {
		a, err = s.registry.Standing(tx, licensing.AgreementID(name))
	}
	return a.ID, err
}
