package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"sluice/cmd/sluiced/e2e"
	"sluice/infra/servers"
)

// movedClock names the file of the clock, in the environment of a process of the story.
const movedClock = "SLUICED_STORY_CLOCK"

// A process of the story is this test binary under the name of sluiced, so that nothing of the real one reads another clock
// than that of its host.
func init() {
	if path := os.Getenv(movedClock); path != "" {
		clock = func() time.Time { return e2e.ReadMoved(path) }
	}
}

// withClock is the program of this package, at the time of a moved clock.
func withClock(t *testing.T, c *e2e.Moved) e2e.Program {
	t.Helper()
	this, err := os.Executable()
	must(t, err)
	path := filepath.Join(t.TempDir(), "sluiced")
	must(t, os.Symlink(this, path))
	return e2e.Program{Path: path, Env: []string{movedClock + "=" + c.File()}}
}

func TestTheWholeStoryEmbedded(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	e2e.Begin(t, e2e.Embedded(t, withClock(t, c), c)).Whole()
}

func TestTheStoryOfALicenseeOutsideTheEEA(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	e2e.Begin(t, e2e.Embedded(t, withClock(t, c), c)).Outside()
}

func TestAStopWhileTheDatabaseIsAwayHoldsAndEntersTheLogByItself(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	cluster := servers.OwnPostgres(t)
	dsn, err := cluster.CreateDatabase(t.Context())
	must(t, err)
	e2e.Begin(t, e2e.OnPostgres(t, withClock(t, c), c, dsn)).StopWithoutDatabase(cluster)
}

func TestTheWholeStoryOnPostgresMinIOAndVault(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	e2e.Begin(t, e2e.Production(t, withClock(t, c), c)).Whole()
}

// Every page of the story is looked at, those that stand before somebody only once too.
func TestTheWholeStoryInChromium(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	e2e.Begin(t, e2e.Embedded(t, withClock(t, c), c).InChromium(true)).Whole()
}

// Many a hospital switches scripts off.
func TestTheWholeStoryInChromiumWithoutScriptsOnPostgresMinIOAndVault(t *testing.T) {
	t.Parallel()
	c := e2e.NewMoved(t)
	e2e.Begin(t, e2e.Production(t, withClock(t, c), c).InChromium(false)).Whole()
}
