package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A Clock is the time as the program under test has it.
type Clock interface {
	Now() time.Time
	// Until comes back when the time has come, by waiting or by moving there.
	Until(at time.Time)
}

// Real is the clock of this machine.
type Real struct{}

// Now is the time.
func (Real) Now() time.Time { return time.Now() }

// Until waits.
func (Real) Until(at time.Time) { time.Sleep(time.Until(at)) }

// A Moved clock runs ahead of that of this machine by what a file says. The program reads the same file, so that it and
// the test are always at the same moment.
type Moved struct {
	t    testing.TB
	path string
}

// NewMoved makes a clock that is not ahead yet.
func NewMoved(t testing.TB) *Moved {
	c := &Moved{t: t, path: filepath.Join(t.TempDir(), "ahead")}
	c.set(0)
	return c
}

// File is what the program has to read, by ReadMoved.
func (c *Moved) File() string { return c.path }

// Now is the time in the story.
func (c *Moved) Now() time.Time { return ReadMoved(c.path) }

// Until moves the clock, and never back.
func (c *Moved) Until(at time.Time) {
	if ahead := time.Until(at); at.After(c.Now()) {
		c.set(ahead)
	}
}

// set replaces the file in one step: half a number would be another time.
func (c *Moved) set(ahead time.Duration) {
	if err := os.WriteFile(c.path+".new", []byte(strconv.FormatInt(int64(ahead), 10)), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if err := os.Rename(c.path+".new", c.path); err != nil {
		c.t.Fatal(err)
	}
}

// ReadMoved is the time by the file of a Moved clock.
func ReadMoved(path string) time.Time {
	b, err := os.ReadFile(path)
	if err != nil {
		return time.Now() // the test is over and its folder gone
	}
	ahead, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64)
	if err != nil {
		panic(fmt.Sprintf("the clock of the story: %v", err))
	}
	return time.Now().Add(time.Duration(ahead))
}
