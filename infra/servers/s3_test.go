package servers

import (
	"crypto/rand"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
)

func eachS3(t *testing.T, test func(*testing.T, func(testing.TB) S3, func(testing.TB) S3)) {
	t.Run("MinIO", func(t *testing.T) { test(t, MinIO, OwnMinIO) })
	t.Run("versitygw", func(t *testing.T) { test(t, Versity, OwnVersity) })
}

func TestAnObjectPutIsTheObjectGot(t *testing.T) {
	eachS3(t, func(t *testing.T, shared, _ func(testing.TB) S3) {
		s := shared(t)
		bucket := put(t, s, "hello")
		if got := get(t, s, bucket); got != "hello" {
			t.Errorf("got %q, want %q", got, "hello")
		}
	})
}

func TestTheTestsOfABinaryShareAServer(t *testing.T) {
	eachS3(t, func(t *testing.T, shared, own func(testing.TB) S3) {
		if a, b := shared(t), shared(t); a.Endpoint != b.Endpoint {
			t.Errorf("two calls gave %s and %s, want one server", a.Endpoint, b.Endpoint)
		}
		if a, b := shared(t), own(t); a.Endpoint == b.Endpoint {
			t.Errorf("a server of one's own is the shared one, %s", a.Endpoint)
		}
	})
}

func TestAStrangersKeyIsRefused(t *testing.T) {
	eachS3(t, func(t *testing.T, shared, _ func(testing.TB) S3) {
		s := shared(t)
		s.SecretKey += "x"
		client, err := s.Client()
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.ListBuckets(t.Context())
		if code := minio.ToErrorResponse(err).Code; code != "SignatureDoesNotMatch" {
			t.Errorf("got code %q (%v), want SignatureDoesNotMatch", code, err)
		}
	})
}

func TestAStoppedStoreComesBackWithItsObjects(t *testing.T) {
	eachS3(t, func(t *testing.T, _, own func(testing.TB) S3) {
		s := own(t)
		bucket := put(t, s, "still here")
		s.Stop()
		if conn, err := net.Dial("tcp", s.Endpoint); err == nil {
			conn.Close()
			t.Error("a stopped store takes connections")
		}
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := get(t, s, bucket); got != "still here" {
			t.Errorf("got %q, want %q", got, "still here")
		}
	})
}

func TestTheStoreKeepsVersionsAndCopies(t *testing.T) {
	eachS3(t, func(t *testing.T, shared, _ func(testing.TB) S3) {
		s := shared(t)
		client, err := s.Client()
		if err != nil {
			t.Fatal(err)
		}
		bucket := newBucket(t, client)
		if err := client.EnableVersioning(t.Context(), bucket); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"old", "new"} {
			if _, err := client.PutObject(t.Context(), bucket, "a", strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		versions := 0
		for range client.ListObjects(t.Context(), bucket, minio.ListObjectsOptions{WithVersions: true, Recursive: true}) {
			versions++
		}
		if versions != 2 {
			t.Errorf("got %d versions, want 2", versions)
		}
		_, err = client.CopyObject(t.Context(), minio.CopyDestOptions{Bucket: bucket, Object: "b"}, minio.CopySrcOptions{Bucket: bucket, Object: "a"})
		if err != nil {
			t.Errorf("copying inside the store: %v", err)
		}
	})
}

// put makes a bucket and puts one object, "a", into it.
func put(t *testing.T, s S3, text string) (bucket string) {
	t.Helper()
	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	bucket = newBucket(t, client)
	if _, err := client.PutObject(t.Context(), bucket, "a", strings.NewReader(text), int64(len(text)), minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	return bucket
}

func get(t *testing.T, s S3, bucket string) string {
	t.Helper()
	client, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	object, err := client.GetObject(t.Context(), bucket, "a", minio.GetObjectOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	text, err := io.ReadAll(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func newBucket(t *testing.T, client *minio.Client) string {
	t.Helper()
	name := "b" + strings.ToLower(rand.Text())
	if err := client.MakeBucket(t.Context(), name, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	return name
}
