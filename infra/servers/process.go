package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// keeper is the shell that stands between us and a server. Its standard
// input is a pipe that only we hold, so that when we are gone, by exit, by
// panic or by SIGKILL, the read ends and the keeper takes the server down
// with it. Nothing in this process has to run for
// that, which no deferred function or signal handler could promise.
//
//	$1 the signal that stops the server   then its command line
//
// The server is given the same pipe as its standard input: ours (minio,
// vault, versitygw) leave at its end even when the keeper itself was killed.
// A server that ignores the signal for ten seconds is killed. When a server
// ends by itself, the watch ends too, before its number is somebody else's.
const keeper = `
sig=$1; shift
exec 3<&0
"$@" <&3 &
server=$!
(
	cat >/dev/null
	kill -s "$sig" $server
	n=0
	while kill -0 $server && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
	kill -s KILL $server
) <&3 >/dev/null 2>&1 &
watch=$!
wait $server
kill $watch
`

// process is one server under its keeper. It can be stopped and started
// again, at the same address and with the same data.
type process struct {
	argv []string
	env  []string // in addition to ours
	sig  string   // what asks it to stop: INT, TERM or QUIT
	user *syscall.Credential
	log  string // file that takes what it prints

	mu    sync.Mutex
	stdin io.Closer     // the pipe: closing it stops the server
	gone  chan struct{} // closed when the server has ended
}

// start runs the server and waits until ready answers nil. A server that ends
// before that is reported with the last of what it printed.
func (p *process) start(ctx context.Context, ready func(context.Context) error) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdin != nil {
		return errors.New("already running")
	}
	if err := p.launch(); err != nil {
		return err
	}
	if err := p.await(ctx, ready); err != nil {
		p.halt()
		return fmt.Errorf("starting %s: %w\n%s", filepath.Base(p.argv[0]), err, p.lastWords())
	}
	return nil
}

func (p *process) launch() error {
	// The output goes to a file, never to ours: go test waits for as long as
	// anybody holds the test's output open.
	out, err := os.OpenFile(p.log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command("/bin/sh", append([]string{"-c", keeper, "sh", p.sig}, p.argv...)...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = out, out
	// A session of its own: Ctrl-C at the terminal must not reach the keeper
	// before it has done its work.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Credential: p.user}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	p.stdin, p.gone = stdin, gone
	go func() {
		_ = cmd.Wait()
		close(gone)
	}()
	return nil
}

func (p *process) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.gone:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("not ready in time: %w", err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// stop ends the server and returns when it has ended.
func (p *process) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.halt()
}

func (p *process) halt() {
	if p.stdin == nil {
		return
	}
	_ = p.stdin.Close()
	<-p.gone
	p.stdin = nil
}

// running tells whether the server was started, and has not ended, by stop or
// by itself.
func (p *process) running() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stdin == nil {
		return false
	}
	select {
	case <-p.gone:
		p.halt()
		return false
	default:
		return true
	}
}

func (p *process) lastWords() string {
	all, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	if len(all) > 4000 {
		all = all[len(all)-4000:]
	}
	return string(all)
}

// folder makes an empty folder that vanishes with this process: a shell of
// its own waits for our end and removes it, after the servers had time to
// leave it. It returns the folder and what removes it earlier.
func folder(parent, name string, owner *syscall.Credential) (string, func(), error) {
	dir, err := os.MkdirTemp(parent, "sluice-"+name+"-")
	if err != nil {
		return "", nil, err
	}
	if owner != nil {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			return "", nil, err
		}
	}
	// A server that is still closing its files may put one back after rm
	// looked, so it tries until the folder is gone, for half a minute.
	const sweep = `cat >/dev/null; n=0
		while [ -e "$1" ] && [ $n -lt 60 ]; do rm -rf "$1" || sleep 0.5; n=$((n+1)); done`
	cmd := exec.Command("/bin/sh", "-c", sweep, "sh", dir)
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	var once sync.Once
	return dir, func() {
		once.Do(func() {
			_ = stdin.Close()
			_ = cmd.Wait()
		})
	}, nil
}

// inMemory returns the folder for many small files that nobody will miss: the
// memory file system where there is one with room, as making a database there
// takes a tenth of the time it takes on disk, and otherwise the folder given.
func inMemory(otherwise string) string {
	const shm, room = "/dev/shm", 2 << 30
	var fs syscall.Statfs_t
	if err := syscall.Statfs(shm, &fs); err != nil || uint64(fs.Bavail)*uint64(fs.Bsize) < room {
		return otherwise
	}
	return shm
}

// otherUser is whom a server runs as that refuses to be root: nil when we are
// not root ourselves.
func otherUser(names ...string) (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range names {
		if cred, err := credential(name); err == nil {
			return cred, nil
		}
	}
	return nil, fmt.Errorf("none of the users %v exists on this machine", names)
}

func credential(name string) (*syscall.Credential, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}
