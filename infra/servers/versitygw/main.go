// Command versitygw is an S3 server over a folder, as the tests of this
// project start it: a second implementation beside MinIO, so that no test
// mistakes one server's habit for the protocol.
//
//	versitygw -listen 127.0.0.1:7070 -dir FOLDER
//
// The root account comes from the environment, ROOT_ACCESS_KEY and
// ROOT_SECRET_KEY. It serves until its standard input is closed; only one can
// run in a process, which is why it is a command.
//
// versitygw is Apache-2.0. It stands in its own module all the same, as a tool
// of the tests: neither its code nor its dependencies enter the product.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/versity/versitygw/backend/meta"
	"github.com/versity/versitygw/backend/posix"
	"github.com/versity/versitygw/embedgw"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:7070", "address to listen on")
	dir := flag.String("dir", "", "folder to keep everything in")
	flag.Parse()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := serve(ctx, *listen, *dir); err != nil && ctx.Err() == nil {
		fmt.Fprintln(os.Stderr, "versitygw:", err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, listen, dir string) error {
	objects, sidecar, versions := filepath.Join(dir, "objects"), filepath.Join(dir, "sidecar"), filepath.Join(dir, "versions")
	for _, d := range []string{objects, sidecar, versions} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return err
		}
	}
	// Metadata goes into files of its own: extended attributes are not to be
	// had on every file system, /tmp in memory least of all.
	store, err := meta.NewSideCar(sidecar)
	if err != nil {
		return err
	}
	backend, err := posix.New(objects, store, posix.PosixOpts{
		SideCarDir:    sidecar,
		VersioningDir: versions,
		// The limit S3 has. Left at zero, every copy is refused.
		CopyObjectThreshold: 5 << 30,
	})
	if err != nil {
		return err
	}
	defer backend.Shutdown()
	return embedgw.RunVersityGW(ctx, backend, &embedgw.Config{
		RootUserAccess:    os.Getenv("ROOT_ACCESS_KEY"),
		RootUserSecret:    os.Getenv("ROOT_SECRET_KEY"),
		Ports:             []string{listen},
		MaxConnections:    10_000,
		MaxRequests:       5_000,
		MultipartMaxParts: 10_000,
		KeepAlive:         true,
		Quiet:             true,
	})
}
