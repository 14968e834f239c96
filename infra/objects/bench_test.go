package objects_test

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"sluice/infra/objects"
	"sluice/infra/servers"
)

const benchSize = 256 << 20

func openBench(b *testing.B) (*objects.S3, *minio.Core, string) {
	server := servers.MinIO(b)
	s := openS3(b, objects.Config{Endpoint: server.URL(), AccessKey: server.AccessKey, SecretKey: objects.Secret(server.SecretKey)})
	return s, behind(b, server), newBucket(b, s)
}

// BenchmarkPut puts 256 MiB into MinIO, and does the same with a plain put of minio-go, which hashes nothing for its
// signature either: one thread and its default of four. Rounds alternate, so that all three see the same machine.
func BenchmarkPut(b *testing.B) {
	s, core, bucket := openBench(b)
	body := noise(benchSize)
	plainPut := func(threads uint) func(key string) error {
		return func(key string) error {
			o := minio.PutObjectOptions{DisableContentSha256: true, NumThreads: threads}
			_, err := core.Client.PutObject(b.Context(), bucket, key, bytes.NewReader(body), benchSize, o)
			return err
		}
	}
	ways := []struct {
		name string
		put  func(key string) error
		took []time.Duration
	}{
		{name: "ours", put: func(key string) error {
			return s.Put(b.Context(), bucket, key, plain{bytes.NewReader(body)}, benchSize)
		}},
		{name: "plain1", put: plainPut(1)},
		{name: "plain4", put: plainPut(4)},
	}
	b.SetBytes(benchSize * int64(len(ways)))
	round := 0
	for b.Loop() {
		for i := range ways {
			way := &ways[(i+round)%len(ways)]
			key := fmt.Sprint(way.name, "-", round)
			began := time.Now()
			if err := way.put(key); err != nil {
				b.Fatal(err)
			}
			way.took = append(way.took, time.Since(began))
			if err := s.Remove(b.Context(), bucket, key); err != nil {
				b.Fatal(err)
			}
		}
		round++
	}
	median := func(i int) float64 {
		slices.Sort(ways[i].took)
		return ways[i].took[len(ways[i].took)/2].Seconds()
	}
	for i, way := range ways {
		b.ReportMetric(median(i), way.name+"-s")
	}
	b.ReportMetric(median(0)/median(1), "ours/plain1")
	b.ReportMetric(median(0)/median(2), "ours/plain4")
}

// BenchmarkRange streams 256 MiB from MinIO to nowhere.
func BenchmarkRange(b *testing.B) {
	s, _, bucket := openBench(b)
	put(b, s, bucket, "key", noise(benchSize))
	obj, err := s.Open(b.Context(), bucket, "key")
	if err != nil {
		b.Fatal(err)
	}
	defer obj.Close()
	buf := make([]byte, 1<<20)
	b.SetBytes(benchSize)
	for b.Loop() {
		stream, err := obj.Range(b.Context(), 0, benchSize)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, stream, buf); n != benchSize || err != nil {
			b.Fatal(n, err)
		}
		stream.Close()
	}
}
