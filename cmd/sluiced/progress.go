package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"sluice/delivery"
)

// A progress shows how far an import is: a bar on a terminal, elsewhere a line now and then, which is what a log can take.
type progress struct {
	out  io.Writer
	mu   sync.Mutex
	bars *mpb.Progress // nil when out is no terminal
	bar  *mpb.Bar
	last time.Time
	now  delivery.Progress

	files, all atomic.Int64 // for the bar, which draws by itself
}

// lineEvery is how often a line appears where there is no terminal.
const lineEvery = 30 * time.Second

func newProgress(out io.Writer) *progress {
	p := &progress{out: out, last: time.Now()}
	if isTerminal(out) {
		p.bars = mpb.New(mpb.WithOutput(out))
	}
	return p
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// report is told from several goroutines.
func (p *progress) report(now delivery.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Bytes < p.now.Bytes || now.Files < p.now.Files { // reports overtake each other
		now.Bytes, now.Files = max(now.Bytes, p.now.Bytes), max(now.Files, p.now.Files)
	}
	p.now = now
	p.files.Store(now.Files)
	p.all.Store(now.AllFiles)
	if p.bars == nil {
		if time.Since(p.last) >= lineEvery {
			p.last = time.Now()
			fmt.Fprintf(p.out, "%d of %s, %d of %s\n", now.Files, counted(now.AllFiles, "file"), now.Bytes, counted(now.AllBytes, "byte"))
		}
		return
	}
	if p.bar == nil {
		p.bar = p.bars.AddBar(now.AllBytes,
			mpb.PrependDecorators(decor.CountersKibiByte("% .1f of % .1f")),
			mpb.AppendDecorators(decor.Percentage(), decor.Any(p.filesDone)))
	}
	p.bar.SetCurrent(now.Bytes)
}

func (p *progress) filesDone(decor.Statistics) string {
	return fmt.Sprintf("  %d of %s", p.files.Load(), counted(p.all.Load(), "file"))
}

// counted is a number of things.
func counted[N int | int64](n N, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return fmt.Sprintf("%d %s", n, thing)
}

// end leaves the terminal as it was.
func (p *progress) end() {
	if p.bars == nil {
		return
	}
	if p.bar != nil && !p.bar.Completed() {
		p.bar.Abort(false)
	}
	p.bars.Wait()
}
