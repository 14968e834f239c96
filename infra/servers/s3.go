package servers

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3 is an object store that speaks S3 over plain HTTP on loopback. Its key
// is the root's: it may do everything.
type S3 struct {
	Endpoint  string // host:port, as minio-go takes it
	AccessKey string
	SecretKey string
	Region    string

	process *process
	remove  func()
}

var minioShared, versityShared one[S3]

// MinIO returns the MinIO server of this test binary. Tests share it: give
// your buckets names of their own, and stop only an OwnMinIO.
func MinIO(t testing.TB) S3 {
	t.Helper()
	return minioShared.get(t, "minio", StartMinIO)
}

// Versity returns the versitygw server of this test binary, shared likewise.
func Versity(t testing.TB) S3 {
	t.Helper()
	return versityShared.get(t, "versitygw", StartVersity)
}

// OwnMinIO returns a MinIO server that belongs to this test alone, so that the
// test may stop and start it.
func OwnMinIO(t testing.TB) S3 {
	t.Helper()
	return own(t, "minio", StartMinIO, S3.Remove)
}

// OwnVersity returns a versitygw server that belongs to this test alone.
func OwnVersity(t testing.TB) S3 {
	t.Helper()
	return own(t, "versitygw", StartVersity, S3.Remove)
}

// StartMinIO starts a new, empty MinIO server. It is gone, with its data,
// after Remove, and in any case when this process ends.
func StartMinIO(ctx context.Context) (S3, error) {
	return startS3(ctx, "minio", func(s S3, binary, dir string) process {
		return process{
			argv: []string{
				binary, "server", "--quiet", "--address", s.Endpoint,
				"--certs-dir", filepath.Join(dir, "certs"), filepath.Join(dir, "objects"),
			},
			env: []string{
				"MINIO_ROOT_USER=" + s.AccessKey, "MINIO_ROOT_PASSWORD=" + s.SecretKey,
				"MINIO_BROWSER=off", "MINIO_UPDATE=off",
				"TZ=UTC", // MinIO compares local times otherwise
			},
		}
	})
}

// StartVersity starts a new, empty versitygw server, which lasts as
// StartMinIO's does.
func StartVersity(ctx context.Context) (S3, error) {
	return startS3(ctx, "versitygw", func(s S3, binary, dir string) process {
		return process{
			argv: []string{binary, "-listen", s.Endpoint, "-dir", dir},
			env:  []string{"ROOT_ACCESS_KEY=" + s.AccessKey, "ROOT_SECRET_KEY=" + s.SecretKey},
		}
	})
}

func startS3(ctx context.Context, name string, how func(s S3, binary, dir string) process) (S3, error) {
	binary, err := Binary(name)
	if err != nil {
		return S3{}, err
	}
	return retry(func() (S3, error) {
		dir, remove, err := folder("", name, nil)
		if err != nil {
			return S3{}, err
		}
		s := S3{AccessKey: "sluice" + rand.Text()[:8], SecretKey: rand.Text(), Region: "us-east-1", remove: remove}
		if s.Endpoint, err = freeAddress(); err != nil {
			remove()
			return S3{}, err
		}
		p := how(s, binary, dir)
		p.sig, p.log = "TERM", filepath.Join(dir, "log")
		s.process = &p
		if err := s.Start(ctx); err != nil {
			remove()
			return S3{}, err
		}
		return s, nil
	})
}

// Client returns a client with the root's key.
func (s S3) Client() (*minio.Client, error) {
	return minio.New(s.Endpoint, &minio.Options{
		Creds:  credentials.NewStaticV4(s.AccessKey, s.SecretKey, ""),
		Region: s.Region,
	})
}

// URL returns the address of the server with its scheme.
func (s S3) URL() string { return "http://" + s.Endpoint }

// Stop ends the server at once: requests under way break, new ones are
// refused a connection. The data stays.
func (s S3) Stop() { s.process.stop() }

// Start starts the server again after Stop, at the same address.
func (s S3) Start(ctx context.Context) error {
	client, err := s.Client()
	if err != nil {
		return err
	}
	return s.process.start(ctx, func(ctx context.Context) error {
		// A signed request: anything else could be answered by a stranger
		// who took the port before our server did.
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		_, err := client.ListBuckets(ctx)
		return err
	})
}

// Remove stops the server and deletes its data.
func (s S3) Remove() {
	s.process.stop()
	s.remove()
}

func (s S3) running() bool { return s.process.running() }

// freeAddress returns a loopback address where nobody listens at the moment.
// Somebody may a moment later: see retry.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
}

// retry starts a server up to three times, each time at another port: between
// asking for a free one and the server's using it, another program may have
// taken it.
func retry[T any](start func() (T, error)) (T, error) {
	var problems []string
	for range 3 {
		server, err := start()
		if err == nil {
			return server, nil
		}
		problems = append(problems, err.Error())
	}
	var none T
	return none, fmt.Errorf("no luck in three attempts:\n%s", strings.Join(problems, "\n"))
}
