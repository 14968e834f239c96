package objects_test

import (
	"bytes"
	"fmt"
	"io"
	"testing"

	"github.com/minio/minio-go/v7"

	"sluice/infra/objects"
	"sluice/infra/servers"
)

const benchSize = 256 << 20

// BenchmarkPut compares a Put into MinIO with a plain put of minio-go, which hashes nothing for its signature either.
// Rounds alternate, so that both see the same machine.
func BenchmarkPut(b *testing.B) {
	server := servers.MinIO(b)
	s := openS3(b, objects.Config{Endpoint: server.URL(), AccessKey: server.AccessKey, SecretKey: objects.Secret(server.SecretKey)})
	bucket := newBucket(b, s)
	core := behind(b, server)
	body := noise(benchSize)
	b.Run("sluice", func(b *testing.B) {
		b.SetBytes(benchSize)
		for i := 0; b.Loop(); i++ {
			key := fmt.Sprint("sluice-", b.N, "-", i)
			if err := s.Put(b.Context(), bucket, key, plain{bytes.NewReader(body)}, benchSize); err != nil {
				b.Fatal(err)
			}
			b.StopTimer()
			_ = s.Remove(b.Context(), bucket, key)
			b.StartTimer()
		}
	})
	for _, threads := range []uint{1, 4} {
		b.Run(fmt.Sprintf("minio-go, %d threads", threads), func(b *testing.B) {
			b.SetBytes(benchSize)
			for i := 0; b.Loop(); i++ {
				key := fmt.Sprint("plain-", threads, b.N, "-", i)
				o := minio.PutObjectOptions{DisableContentSha256: true, NumThreads: threads}
				if _, err := core.Client.PutObject(b.Context(), bucket, key, bytes.NewReader(body), benchSize, o); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				_ = s.Remove(b.Context(), bucket, key)
				b.StartTimer()
			}
		})
	}
}

// BenchmarkRange streams an object from each store to nowhere.
func BenchmarkRange(b *testing.B) {
	server := servers.MinIO(b)
	s := openS3(b, objects.Config{Endpoint: server.URL(), AccessKey: server.AccessKey, SecretKey: objects.Secret(server.SecretKey)})
	bucket := newBucket(b, s)
	put(b, s, bucket, "key", noise(benchSize))
	obj, err := s.Open(b.Context(), bucket, "key")
	if err != nil {
		b.Fatal(err)
	}
	defer obj.Close()
	b.SetBytes(benchSize)
	for b.Loop() {
		stream, err := obj.Range(b.Context(), 0, benchSize)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, stream, make([]byte, 1<<20)); n != benchSize || err != nil {
			b.Fatal(n, err)
		}
		stream.Close()
	}
}
