package servers

import (
	"os"
	"strings"
	"testing"
)

// Need skips the test when err says that something of this machine is
// missing, and fails it when the environment says CI=true: a run that counts
// must not pass because half of it did not happen.
//
// Where the variable SKIPPED_TESTS names a file, each skip adds a line to it;
// make test prints them together at its end, since go test itself says
// nothing about skips.
func Need(t testing.TB, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("with CI=true nothing may be skipped: %v", err)
	}
	noteSkip(t.Name(), err)
	t.Skipf("skipped: %v", err)
}

func noteSkip(test string, why error) {
	name := os.Getenv("SKIPPED_TESTS")
	if name == "" {
		return
	}
	f, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return // the summary is a courtesy: the skip itself is in the test's log
	}
	defer f.Close()
	reason := strings.ReplaceAll(why.Error(), "\n", " ")
	_, _ = f.WriteString(reason + "\t" + test + "\n")
}
