package servers

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// As a process of its own, told by this variable, the test binary starts a
// server and prints how to see that it lives: an address, and its folder.
const ownerOf = "SLUICE_TEST_OWNER_OF"

func TestMain(m *testing.M) {
	if name := os.Getenv(ownerOf); name != "" {
		own := owners[name]
		if err := own(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		select {} // until killed
	}
	os.Exit(m.Run())
}

var owners = map[string]func(context.Context) error{
	"postgres": func(ctx context.Context) error {
		c, err := StartPostgres(ctx)
		if err == nil {
			fmt.Println("unix", filepath.Join(c.dir, ".s.PGSQL.5432"), c.dir)
		}
		return err
	},
	"minio":     func(ctx context.Context) error { return ownS3(StartMinIO(ctx)) },
	"versitygw": func(ctx context.Context) error { return ownS3(StartVersity(ctx)) },
	"vault": func(ctx context.Context) error {
		v, err := StartVault(ctx)
		if err == nil {
			u, _ := url.Parse(v.Address)
			fmt.Println("tcp", u.Host, filepath.Dir(v.process.log))
		}
		return err
	},
}

func ownS3(s S3, err error) error {
	if err == nil {
		fmt.Println("tcp", s.Endpoint, filepath.Dir(s.process.log))
	}
	return err
}

func TestAServerIsGoneSoonAfterItsOwnerIsKilled(t *testing.T) {
	for name := range owners {
		t.Run(name, func(t *testing.T) {
			if name == "postgres" {
				_, err := postgresBin("postgres")
				Need(t, err)
			} else {
				needBinary(t, name)
			}
			owner := exec.Command(os.Args[0])
			owner.Env = append(os.Environ(), ownerOf+"="+name)
			owner.Stderr = os.Stderr
			out, err := owner.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := owner.Start(); err != nil {
				t.Fatal(err)
			}
			network, address, dir := introduction(t, out)
			if !answers(network, address) {
				t.Errorf("%s does not answer while its owner lives", name)
			}
			if err := owner.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = owner.Wait()
			eventually(t, name+" still answers", func() bool { return !answers(network, address) })
			eventually(t, dir+" is still there", func() bool {
				_, err := os.Stat(dir)
				return os.IsNotExist(err)
			})
		})
	}
}

func introduction(t *testing.T, out io.Reader) (network, address, dir string) {
	t.Helper()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the owner said %q: %v", line, err)
	}
	words := strings.Fields(line)
	if len(words) != 3 {
		t.Fatalf("the owner said %q, want three words", line)
	}
	return words[0], words[1], words[2]
}

func answers(network, address string) bool {
	conn, err := net.Dial(network, address)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

func eventually(t *testing.T, otherwise string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(40 * time.Second); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Error(otherwise)
			return
		}
	}
}
