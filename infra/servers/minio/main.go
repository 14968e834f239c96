// Command minio is the MinIO server, as the tests of this project start it:
// upstream's own main, which in addition goes away when its standard input
// is closed. The tests hold the other end of that pipe, so a test binary
// that is killed, however, takes its server along.
//
// MinIO is AGPL-3.0 and no longer maintained by its makers (the pinned
// version is the last community commit). It is a tool of the tests: it is
// built from its own module, it is never shipped with Sluice, and neither its
// code nor its dependencies enter the product.
package main

import (
	"io"
	"os"

	"github.com/minio/minio/cmd"
)

func main() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	cmd.Main(os.Args)
}
