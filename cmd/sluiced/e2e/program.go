// Package e2e plays the story of a delivery from the first account to the certificate, against sluiced as a process, over
// HTTP, with mail that really travels. The program comes as a path, so that the same acts run the binary that is shipped
// and one whose clock a test moves.
package e2e

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// A Program is sluiced, to be run as a process.
type Program struct {
	Path string
	Env  []string // beside that of the test
}

// Build builds the binary that is shipped, into a folder.
func Build(folder string) (Program, error) {
	path := filepath.Join(folder, "sluiced")
	out, err := exec.Command("go", "build", "-o", path, "sluice/cmd/sluiced").CombinedOutput()
	if err != nil {
		return Program{}, fmt.Errorf("building sluiced: %w\n%s", err, out)
	}
	return Program{Path: path}, nil
}

func (p Program) command(args ...string) *exec.Cmd {
	cmd := exec.Command(p.Path, args...)
	// Settings come from the environment too, and those of whoever runs the tests are not the site's.
	cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "SLUICE_") }), p.Env...)
	return cmd
}

// Run runs a command to its end and returns what it printed. It must succeed.
func (p Program) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, code := p.Try(t, args...)
	if code != 0 {
		t.Fatalf("sluiced %s: code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// Try runs a command to its end, and returns what it printed on both outputs and its code.
func (p Program) Try(t testing.TB, args ...string) (out string, code int) {
	t.Helper()
	var exit *exec.ExitError
	b, err := p.command(args...).CombinedOutput()
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("sluiced %s: %v", strings.Join(args, " "), err)
	}
	if exit != nil {
		code = exit.ExitCode()
	}
	return string(b), code
}

// A Process is a command that runs until it is stopped.
type Process struct {
	t    testing.TB
	cmd  *exec.Cmd
	done chan struct{}

	mu   sync.Mutex
	said bytes.Buffer
}

// Start starts a command, and waits until a line of its output holds the words. It is stopped at the end of the test.
func (p Program) Start(t testing.TB, words string, args ...string) *Process {
	t.Helper()
	r, w := io.Pipe()
	q := &Process{t: t, cmd: p.command(args...), done: make(chan struct{})}
	q.cmd.Stdout, q.cmd.Stderr = w, w
	q.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := q.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan struct{})
	go q.listen(r, words, found)
	go func() {
		_ = q.cmd.Wait()
		w.Close()
		close(q.done)
	}()
	t.Cleanup(func() {
		q.Stop()
		if t.Failed() {
			t.Logf("sluiced %s said:\n%s", strings.Join(args, " "), q.Said())
		}
	})
	select {
	case <-found:
	case <-q.done:
		t.Fatalf("sluiced %s ended:\n%s", strings.Join(args, " "), q.Said())
	case <-time.After(time.Minute):
		t.Fatalf("sluiced %s does not say %q:\n%s", strings.Join(args, " "), words, q.Said())
	}
	return q
}

func (q *Process) listen(r io.Reader, words string, found chan<- struct{}) {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		q.mu.Lock()
		q.said.WriteString(line)
		q.mu.Unlock()
		if words != "" && strings.Contains(line, words) {
			words = ""
			close(found)
		}
		if err != nil {
			return
		}
	}
}

// Said is everything the process has printed.
func (q *Process) Said() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.said.String()
}

// Stop asks the process to end and waits for it; one that lingers is killed, and fails the test.
func (q *Process) Stop() {
	_ = q.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-q.done:
	case <-time.After(40 * time.Second):
		_ = q.cmd.Process.Kill()
		<-q.done
		q.t.Errorf("the process did not end within 40 s of being asked to")
	}
}

// Code is what the process ended with.
func (q *Process) Code() int { return q.cmd.ProcessState.ExitCode() }

// freeAddress is an address on loopback that nobody listens on.
func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
