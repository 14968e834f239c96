package main

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"sluice/infra/servers"
)

// fetchAxe takes axe.min.js out of the npm package, unless the right one is
// in the cache. npm knows where packages come from on this machine; which
// file is right is decided by its hash.
func fetchAxe() error {
	path, err := servers.AxePath()
	if err != nil {
		return err
	}
	if text, err := os.ReadFile(path); err == nil && servers.CheckAxe(text) == nil {
		fmt.Printf("axe: is there (%s)\n", path)
		return nil
	}
	text, err := packedAxe()
	if err != nil {
		return err
	}
	if err := servers.CheckAxe(text); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", text, 0o644); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return err
	}
	fmt.Printf("axe: fetched (%s)\n", path)
	return nil
}

func packedAxe() ([]byte, error) {
	dir, err := os.MkdirTemp("", "sluice-axe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	cmd := exec.Command("npm", "pack", "--silent", "axe-core@"+servers.AxeVersion)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("npm pack: %w", err)
	}
	archive, err := os.Open(filepath.Join(dir, "axe-core-"+servers.AxeVersion+".tgz"))
	if err != nil {
		return nil, err
	}
	defer archive.Close()
	return member(archive, "package/axe.min.js")
}

// member reads one file out of a compressed archive.
func member(archive io.Reader, name string) ([]byte, error) {
	plain, err := gzip.NewReader(archive)
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(plain)
	for {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("no %s in the package", name)
		}
		if err != nil {
			return nil, err
		}
		if header.Name == name {
			return io.ReadAll(io.LimitReader(files, 16<<20))
		}
	}
}
