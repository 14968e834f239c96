package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestWhatIsMissingIsSkippedAtHome(t *testing.T) {
	skips := filepath.Join(t.TempDir(), "skips")
	out, err := withoutServers("CI=", "SKIPPED_TESTS="+skips)
	if err != nil || !strings.Contains(out, "--- SKIP: TestAnObjectPutIsTheObjectGot/MinIO") {
		t.Errorf("got %v, want a skipped test:\n%s", err, out)
	}
	if !strings.Contains(out, "run make servers") {
		t.Errorf("the skip does not say what to do:\n%s", out)
	}
	noted, err := os.ReadFile(skips)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(noted), "run make servers"); got != 2 {
		t.Errorf("%d skips were noted, want 2 (MinIO and versitygw):\n%s", got, noted)
	}
}

func TestWhatIsMissingFailsInCI(t *testing.T) {
	out, err := withoutServers("CI=true", "SKIPPED_TESTS=")
	if err == nil || !strings.Contains(out, "with CI=true nothing may be skipped") {
		t.Errorf("got %v, want a failure that says why:\n%s", err, out)
	}
}

// withoutServers runs one test in a process for which nothing has been built.
func withoutServers(env ...string) (string, error) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestAnObjectPutIsTheObjectGot$", "-test.v")
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME=/nonexistent", "HOME=/nonexistent")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
