// Command build makes the servers that tests talk to, and fetches axe-core,
// into the user's cache folder, where they serve every clone of this
// repository. What is there already costs nothing.
//
//	go run ./infra/servers/build             all servers
//	go run ./infra/servers/build vault       one of them
//	go run ./infra/servers/build axe         axe-core, with npm
package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sluice/infra/servers"
)

func main() {
	wanted := os.Args[1:]
	if len(wanted) == 0 {
		wanted = servers.Names()
	}
	if err := makeAll(wanted); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func makeAll(wanted []string) error {
	cache, err := servers.CacheDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return err
	}
	// One at a time, over all clones: two of these builds at once want more
	// memory than many a machine has. The lock goes when the process goes.
	lock, err := os.OpenFile(filepath.Join(cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("locking %s: %w", lock.Name(), err)
	}
	for _, name := range wanted {
		if err := makeOne(name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func makeOne(name string) error {
	if name == "axe" {
		return fetchAxe()
	}
	return buildServer(name)
}

// buildServer builds a server from its nested module, unless the one in the
// cache was made from the very same files.
func buildServer(name string) error {
	path, err := servers.BinaryPath(name)
	if err != nil {
		return err
	}
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	module := filepath.Join(root, "infra", "servers", name)
	print, err := fingerprint(module)
	if err != nil {
		return err
	}
	if upToDate(path, print) {
		fmt.Printf("%s: is there (%s)\n", name, path)
		return nil
	}
	fmt.Printf("%s: building, which takes some minutes the first time\n", name)
	start := time.Now()
	if err := goBuild(module, path); err != nil {
		return err
	}
	if err := os.WriteFile(path+".source", []byte(print), 0o644); err != nil {
		return err
	}
	fmt.Printf("%s: built in %v (%s)\n", name, time.Since(start).Round(time.Second), path)
	return nil
}

func goBuild(module, path string) error {
	// Into a name of its own first: a test that looks now must not find half
	// a server, nor lose the one it is running.
	unfinished := path + ".new"
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", unfinished, ".")
	cmd.Dir = module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=-mod=readonly -buildvcs=false")
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return os.Rename(unfinished, path)
}

// fingerprint is the hash over what a server is built from.
func fingerprint(module string) (string, error) {
	hash := sha256.New()
	for _, name := range []string{"go.mod", "go.sum", "main.go"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", err
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(text))
		hash.Write(text)
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}

func upToDate(path, print string) bool {
	if _, err := os.Stat(path); err != nil {
		return false
	}
	source, err := os.ReadFile(path + ".source")
	return err == nil && string(source) == print
}

func moduleRoot() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(string(out))
	if filepath.Base(file) != "go.mod" {
		return "", errors.New("run this inside the repository")
	}
	return filepath.Dir(file), nil
}
