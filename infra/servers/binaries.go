package servers

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// pins are the servers that make servers builds, with the version of the
// upstream module each is. The go.mod in the folder of that name says the
// same; a test keeps the two together.
var pins = map[string]string{
	"minio":     "v0.0.0-20260212201848-7aac2a2c5b7c", // the last community commit
	"vault":     "v1.21.0",                            // later ones build with no published sdk
	"versitygw": "v1.8.0",
}

// Names lists the servers that make servers builds.
func Names() []string {
	var names []string
	for name := range pins {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Binary returns the path of a built server: minio, vault or versitygw.
// The error says how to get it.
func Binary(name string) (string, error) {
	path, err := BinaryPath(name)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("no %s on this machine: run make servers (once, some minutes)", name)
	}
	return path, nil
}

// BinaryPath returns where a server is kept once it is built, by its own
// version and that of Go, so that a change of either builds it anew.
func BinaryPath(name string) (string, error) {
	pin, ok := pins[name]
	if !ok {
		return "", fmt.Errorf("no server is called %q: there are %s", name, strings.Join(Names(), ", "))
	}
	dir, err := CacheDir()
	if err != nil {
		return "", err
	}
	goVersion := strings.ReplaceAll(runtime.Version(), " ", "-")
	return filepath.Join(dir, name+"-"+pin+"-"+goVersion), nil
}

// CacheDir returns the folder in the user's cache where built servers and
// axe-core are kept.
func CacheDir() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", errors.New("this user has no cache folder: set HOME or XDG_CACHE_HOME")
	}
	return filepath.Join(cache, "sluice", "servers"), nil
}
