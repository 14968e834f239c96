package e2e

import (
	"fmt"
	"os"
	"testing"
)

// shipped is built once for all tests.
var shipped Program

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "sluiced-")
	if err == nil {
		shipped, err = Build(folder)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// The binary that is shipped reads the real clock, so this is the part of the story that happens on one day. The whole of
// it, months included, is played by cmd/sluiced itself.
func TestADayWithTheBinaryThatIsShipped(t *testing.T) {
	t.Parallel()
	s := Begin(t, Embedded(t, shipped, Real{}))
	s.Found(madeCohort(t))
	s.AddRepresentative()
	s.Record()
	s.Sign()
	s.Receive()
	s.Download()
	s.DownloadWithToken()
	s.Halt()
	s.Audit()
	s.Stop()
	s.Audit()
}
