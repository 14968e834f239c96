package e2e

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"sluice/infra/servers"
)

// A cohort is a folder to import, with what is in it.
type cohort struct {
	folder, list string
	files        map[string][]byte
	without      string // a subject to leave out
}

// largeFile is large enough that a download of it is still running when somebody reads it slowly.
const largeFile = "large/CPCT0003T.bam"

// madeCohort is a small cohort of noise, with the sizes at which things go wrong.
func madeCohort(t testing.TB) cohort {
	t.Helper()
	c := cohort{folder: filepath.Join(t.TempDir(), "cohort"), files: map[string][]byte{
		"CPCT0001T.vcf":        []byte("##fileformat=VCFv4.2\n#CHROM\tPOS\n"),
		"CPCT0002T.bam":        noise(3*(64<<10)+17, 2),
		largeFile:              noise(40<<20, 3),
		"reference/empty.txt":  {},
		"clinical (klein).csv": []byte("subject;age\r\nCPCT0001;61\r\n"),
	}}
	rows := "path,subject,hospital,kind\n"
	for name, data := range c.files {
		subject := ""
		if name != "reference/empty.txt" {
			subject = "CPCT" + fmt.Sprint(len(data))
		}
		rows += fmt.Sprintf("%s,%s,UMC,file\n", name, subject)
		writeIn(t, c.folder, name, data)
	}
	c.list = filepath.Join(filepath.Dir(c.folder), "files.csv")
	write(t, c.list, rows)
	return c
}

func noise(n int, seed byte) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{seed}).Read(b)
	return b
}

func writeIn(t testing.TB, folder, name string, data []byte) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// sharedCohort is the cohort that lies beside the project, where it does, without the subject who has withdrawn.
func sharedCohort(t *testing.T) (c cohort, there bool) {
	t.Helper()
	from := filepath.Join(moduleRoot(t), "..", "shared", "data", "cohort")
	if _, err := os.Stat(from); errors.Is(err, fs.ErrNotExist) {
		t.Run("the shared cohort", func(t *testing.T) {
			servers.Need(t, errors.New("the folder ../shared/data/cohort is not on this machine: it is data to try imports on, and comes apart from the code"))
		})
		return c, false
	}
	c = cohort{folder: filepath.Join(t.TempDir(), "cohort"), list: filepath.Join(from, "files.csv"), files: map[string][]byte{}}
	for i, row := range readCSV(t, filepath.Join(from, "consents.csv")) {
		if i > 0 && row[4] != "" {
			c.without = row[0]
		}
	}
	for i, row := range readCSV(t, c.list) {
		if i == 0 {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, row[0]))
		if err != nil {
			t.Fatal(err)
		}
		writeIn(t, c.folder, row[0], data) // the register of consents lies beside the files there and is none of them
		if row[1] != c.without {
			c.files[row[0]] = data
		}
	}
	if c.without == "" || len(c.files) < 3 {
		t.Fatalf("%s has %d files and %q withdrew, want 3 or more and somebody", from, len(c.files), c.without)
	}
	return c, true
}

func readCSV(t testing.TB, path string) [][]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// importInto imports the cohort as a dataset.
func (c cohort) importInto(s *Site, collection, name string) {
	s.t.Helper()
	args := []string{"dataset", "import", "--collection", collection, "--name", name, "--files", c.list}
	if c.without != "" {
		args = append(args, "--without", c.without)
	}
	s.Do(append(args, c.folder)...)
}
