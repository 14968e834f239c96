package servers

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// axe-core, the accessibility checker that runs inside the page, is MPL-2.0
// and a tool of the tests. It is pinned by what is in the file, not only by
// the number on the package.
const (
	AxeVersion = "4.14.1"
	AxeSHA256  = "29348999450cdf2849a8e70b7912fc2da85a849da39c0d0d5394f51d4a9ed95c"
)

// Chromium returns the path of the Chromium browser.
func Chromium(t testing.TB) string {
	t.Helper()
	path, err := chromium()
	Need(t, err)
	return path
}

func chromium() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no Chromium on this machine: apt-get install chromium")
}

// ChromiumFlags returns the flags Chromium needs where tests run, besides its
// defaults under chromedp: each goes into chromedp.Flag(name, value).
func ChromiumFlags() map[string]any {
	flags := map[string]any{
		"headless":                            true,
		"disable-gpu":                         true,
		"no-first-run":                        true,
		"disable-quic":                        true,
		"disable-sync":                        true,
		"disable-component-update":            true,
		"disable-background-networking":       true, // it would look up addresses of its maker at every start
		"disable-dev-shm-usage":               true, // /dev/shm is too small in most containers
		"disable-features":                    "Translate,OptimizationHints,MediaRouter",
		"password-store":                      "basic",
		"disable-search-engine-choice-screen": true,
	}
	if os.Geteuid() == 0 {
		flags["no-sandbox"] = true // Chromium refuses to start as root with it
	}
	return flags
}

// Axe returns the text of axe.min.js, to be evaluated in the page under test.
func Axe(t testing.TB) string {
	t.Helper()
	path, err := AxePath()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		Need(t, errors.New("no axe-core on this machine: run make axe (it needs npm)"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckAxe(text); err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// AxePath returns where axe.min.js is kept.
func AxePath() (string, error) {
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, "axe-core-"+AxeVersion+".min.js"), nil
}

// CheckAxe refuses a script that is not the one that was pinned.
func CheckAxe(text []byte) error {
	sum := sha256.Sum256(text)
	if got := hex.EncodeToString(sum[:]); got != AxeSHA256 {
		return fmt.Errorf("axe.min.js has the hash %s, want %s: delete it and run make axe", got, AxeSHA256)
	}
	return nil
}
