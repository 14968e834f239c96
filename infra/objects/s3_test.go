package objects_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"sluice/delivery"
	"sluice/infra/objects"
	"sluice/infra/objects/objectstest"
	"sluice/infra/servers"
)

const (
	testPart   = 5 << 20
	testPrefix = "pre-"
)

func config(server servers.S3) objects.Config {
	return objects.Config{
		Endpoint: server.URL(), AccessKey: server.AccessKey, SecretKey: objects.Secret(server.SecretKey), Region: server.Region,
		Prefix: testPrefix, PartSize: testPart, CopyPart: testPart, Uploads: 3, Memory: 40 << 20, Attempts: 2,
	}
}

func openS3(t testing.TB, c objects.Config) *objects.S3 {
	t.Helper()
	s, err := objects.NewS3(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// behind is a client of the server itself, for what happens behind the store's back.
func behind(t testing.TB, server servers.S3) *minio.Core {
	t.Helper()
	core, err := minio.NewCore(server.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(server.AccessKey, server.SecretKey, ""), Region: server.Region})
	if err != nil {
		t.Fatal(err)
	}
	return core
}

func runS3(t *testing.T, server servers.S3, o objectstest.Options) {
	core := behind(t, server)
	must := func(t *testing.T, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	o.MultipartAbove, o.Many = testPart, 1100
	o.Versioned = func(t *testing.T, bucket string) {
		must(t, core.EnableVersioning(t.Context(), testPrefix+bucket))
	}
	o.Overwrite = func(t *testing.T, bucket, key string) {
		_, err := core.Client.PutObject(t.Context(), testPrefix+bucket, key, strings.NewReader("newer"), 5, minio.PutObjectOptions{})
		must(t, err)
		must(t, core.RemoveObject(t.Context(), testPrefix+bucket, key, minio.RemoveObjectOptions{}))
	}
	o.Unfinished = func(t *testing.T, bucket string) {
		id, err := core.NewMultipartUpload(t.Context(), testPrefix+bucket, "unfinished", minio.PutObjectOptions{})
		must(t, err)
		_, err = core.PutObjectPart(t.Context(), testPrefix+bucket, "unfinished", id, 1,
			bytes.NewReader(make([]byte, 1000)), 1000, minio.PutObjectPartOptions{})
		must(t, err)
	}
	objectstest.Run(t, func(t *testing.T) delivery.Store { return openS3(t, config(server)) }, o)
}

func TestMinIOKeepsTheContract(t *testing.T) {
	runS3(t, servers.MinIO(t), objectstest.Options{})
}

func TestVersitygwKeepsTheContract(t *testing.T) {
	runS3(t, servers.Versity(t), objectstest.Options{EndUnsupported: true})
}

func newBucket(t testing.TB, s delivery.Store) string {
	t.Helper()
	bucket := "test-" + strings.ToLower(rand.Text()[:10])
	if err := s.MakeBucket(t.Context(), bucket); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx := context.WithoutCancel(t.Context())
		if err := s.Empty(ctx, bucket); err != nil {
			t.Error(err)
		}
		if err := s.RemoveBucket(ctx, bucket); err != nil {
			t.Error(err)
		}
	})
	return bucket
}
