package crypt4gh_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"sluice/delivery/crypt4gh"
)

const passphrase = "correct horse battery"

// A vector is one file of a folder with a vectors.json: ours in testdata, and those of the reference implementation.
type vector struct {
	File    string   `json:"file"`
	Readers []string `json:"readers"`
	Size    int64    `json:"plain_size"`
	Hash    string   `json:"plain_sha256"`
	Expect  string   `json:"expect"`
	Note    string   `json:"note"`
}

// vectorFolders are the folders to test with. The second is not part of a clone.
func vectorFolders(t testing.TB) []string {
	reference := filepath.Join("..", "..", "..", "shared", "data", "crypt4gh")
	if _, err := os.Stat(reference); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the files of the reference implementation are missing: %v", err)
		}
		t.Logf("without the files of the reference implementation (../shared/data/crypt4gh is absent): own files only")
		return []string{"testdata"}
	}
	return []string{"testdata", reference}
}

func loadVectors(t testing.TB, dir string) []vector {
	var all struct{ Vectors []vector }
	if err := json.Unmarshal(load(t, dir, "vectors.json"), &all); err != nil {
		t.Fatal(err)
	}
	if len(all.Vectors) == 0 {
		t.Fatalf("%s lists no vectors", dir)
	}
	return all.Vectors
}

func load(t testing.TB, parts ...string) []byte {
	b, err := os.ReadFile(filepath.Join(parts...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func secretKey(t testing.TB, dir, name string) *crypt4gh.PrivateKey {
	key, err := crypt4gh.ParsePrivateKey(load(t, dir, name+".sec"), []byte(passphrase))
	if err != nil {
		t.Fatalf("%s.sec: %v", name, err)
	}
	return key
}

func publicKey(t testing.TB, dir, name string) crypt4gh.PublicKey {
	key, err := crypt4gh.ParsePublicKey(load(t, dir, name+".pub"))
	if err != nil {
		t.Fatalf("%s.pub: %v", name, err)
	}
	return key
}

// ways are the ways to read a whole file; each must give the same.
var ways = map[string]func(io.Writer, *crypt4gh.Reader) (int64, error){
	"Read": func(w io.Writer, r *crypt4gh.Reader) (int64, error) {
		return io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{r}, make([]byte, 7777))
	},
	"WriteTo":       func(w io.Writer, r *crypt4gh.Reader) (int64, error) { return r.WriteTo(w) },
	"WriteParallel": func(w io.Writer, r *crypt4gh.Reader) (int64, error) { return r.WriteParallel(w) },
	"Read, then WriteParallel": func(w io.Writer, r *crypt4gh.Reader) (int64, error) {
		n, err := io.CopyN(w, struct{ io.Reader }{r}, 70_001)
		if err == io.EOF {
			return n, nil
		} else if err != nil {
			return n, err
		}
		m, err := r.WriteParallel(w)
		return n + m, err
	},
}

func decrypt(file []byte, way func(io.Writer, *crypt4gh.Reader) (int64, error), keys ...*crypt4gh.PrivateKey) ([]byte, error) {
	r, err := crypt4gh.NewReader(bytes.NewReader(file), keys...)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out bytes.Buffer
	n, err := way(&out, r)
	if err == nil && n != int64(out.Len()) {
		return nil, errors.New("the number of bytes told is not the number written")
	}
	return out.Bytes(), err
}

func TestEveryVectorComesOutAsItsListSays(t *testing.T) {
	for _, dir := range vectorFolders(t) {
		keys := map[string]*crypt4gh.PrivateKey{"ada": secretKey(t, dir, "ada"), "bram": secretKey(t, dir, "bram")}
		for _, v := range loadVectors(t, dir) {
			file := load(t, dir, v.File)
			for name, key := range keys {
				for how, way := range ways {
					got, err := decrypt(file, way, key)
					mayRead := slices.Contains(v.Readers, name)
					switch {
					case v.Expect == "ok" && mayRead:
						if hash := crypt4gh.Hash(sha256.Sum256(got)); err != nil || int64(len(got)) != v.Size || hash.String() != v.Hash {
							t.Errorf("%s for %s by %s (%s): got %d bytes, %s, %v; want %d bytes, %s", v.File, name, how, v.Note, len(got), hash, err, v.Size, v.Hash)
						}
					case v.Expect == "undetected-by-format" && mayRead:
						if err != nil {
							t.Errorf("%s for %s by %s: got %v; the format cannot see what is wrong with it (%s)", v.File, name, how, err, v.Note)
						}
					case v.Expect == "ok":
						if !errors.Is(err, crypt4gh.ErrNoKey) {
							t.Errorf("%s for %s by %s: got %v, want ErrNoKey", v.File, name, how, err)
						}
					case err == nil:
						t.Errorf("%s for %s by %s: opened, though %s", v.File, name, how, v.Note)
					}
				}
			}
		}
	}
}

func TestAKeyPairOfTheReferenceBelongsTogether(t *testing.T) {
	for _, dir := range vectorFolders(t) {
		for _, name := range []string{"ada", "bram"} {
			if got, want := secretKey(t, dir, name).Public(), publicKey(t, dir, name); got != want {
				t.Errorf("%s/%s: the public key of the private key is %s, want %s", dir, name, got, want)
			}
		}
	}
}

// A damaged header may claim anything; what is allocated for it stays near the header's bound and a chunk.
func TestADamagedFileNeedsBoundedMemory(t *testing.T) {
	const bound = 4 << 20
	for _, dir := range vectorFolders(t) {
		key := secretKey(t, dir, "ada")
		for _, v := range loadVectors(t, dir) {
			file := load(t, dir, v.File)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if r, err := crypt4gh.NewReader(bytes.NewReader(file), key); err == nil {
				r.WriteTo(io.Discard)
				r.Close()
			}
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; got > bound {
				t.Errorf("%s: allocated %d bytes, want at most %d", v.File, got, bound)
			}
		}
	}
}
