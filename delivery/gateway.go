package delivery

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"path"
	"runtime"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// A Gateway hands out the contents of deliveries over HTTP: decrypted, with ranges, resumption and a strong ETag, for as
// long as the reader may read, and not a chunk longer.
type Gateway struct {
	depot   *Depot
	streams *streams
}

// NewGateway makes the gateway of a process. Run must be running for it to serve.
func NewGateway(p *Depot) *Gateway {
	return &Gateway{depot: p, streams: newStreams(p)}
}

// Run watches over the open streams until ctx ends, and then cuts them.
func (g *Gateway) Run(ctx context.Context) { g.streams.watch(ctx) }

// A Visitor is who asks the gateway, and whether what he came with (a session, a token) still holds, which is asked again
// while bytes flow.
type Visitor struct {
	Who   account.Who
	Still func(tx *db.Tx) error // may be nil
}

// Serve answers a GET or HEAD for one path of a delivery: a file, "manifest.json", "SHA256SUMS", or the archive of
// everything (ArchivePath). An error means that nothing was written, and the caller shows a page for it; ErrNotFound, one of
// the reasons of MayRead, ErrKeyringAway, or something of the store or the database. When bytes were already
// under way, the connection is broken instead (http.ErrAbortHandler).
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, v Visitor, id ID, name string) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c, access, seq, err := g.find(ctx, v, id, name)
	if err != nil {
		return err
	}
	g.headers(w, c)
	if r.Method == http.MethodHead || r.Header.Get("If-None-Match") == c.etag() {
		http.ServeContent(w, withoutManyRanges(r), "", c.modified, &place{size: c.size})
		return nil
	}
	if err := c.open(ctx); err != nil {
		return err
	}
	defer c.close()
	transfer, began, err := g.begin(ctx, v, access, c)
	if err != nil {
		return err
	}
	one := &stream{who: v.Who, delivery: id, transfer: transfer.ID, still: v.Still,
		saved: g.depot.db.Now(), asked: max(seq, began)}
	one.until.Store(db.Stamp(access.Agreement.Term.Until))
	control := http.NewResponseController(w)
	one.cut = func() {
		cancel()
		control.SetWriteDeadline(time.Unix(1, 0)) // wakes a write that waits for a slow reader
	}
	g.streams.add(one)
	defer g.streams.remove(one)
	out := &outlet{ResponseWriter: w, gateway: g, stream: one, content: c, ctx: ctx, at: &place{size: c.size}}
	http.ServeContent(out, withoutManyRanges(r), "", c.modified, out.at)
	if out.err != nil {
		if !errors.Is(out.err, errCut) && r.Context().Err() == nil {
			g.depot.opts.Log.Warn("a transfer broke off", "transfer", string(transfer.ID), "error", out.err.Error())
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

// withoutManyRanges drops a Range header that asks for several ranges: the answer is then the whole, as RFC 9110 section
// 14.2 allows. Nobody fetches genomes that way, and overlapping ranges are an old way to tire a server.
func withoutManyRanges(r *http.Request) *http.Request {
	if !strings.Contains(r.Header.Get("Range"), ",") {
		return r
	}
	r = r.Clone(r.Context())
	r.Header.Del("Range")
	return r
}

// find asks the one question and looks up what the name stands for.
func (g *Gateway) find(ctx context.Context, v Visitor, id ID, name string) (c *content, access Access, seq int64, err error) {
	err = g.depot.db.View(ctx, func(tx *db.Tx) error {
		head, err := tx.Head()
		if err != nil {
			return err
		}
		seq = head.Seq
		if access, err = g.depot.ask(tx, v.Who, id); err != nil {
			return err
		}
		c, err = g.depot.contentOf(tx, access.Delivery, name)
		return err
	})
	return c, access, seq, err
}

// begin continues a transfer that is open, or writes a new one into the log, before the first byte.
func (g *Gateway) begin(ctx context.Context, v Visitor, access Access, c *content) (t Transfer, seq int64, err error) {
	var found bool
	err = g.depot.db.View(ctx, func(tx *db.Tx) error {
		t, found, err = openTransfer(tx, access.Grant.ID, c.transfer)
		return err
	})
	if err != nil || found {
		return t, 0, err
	}
	return g.depot.beginTransfer(ctx, v.Who, access.Delivery.ID, c.transfer, c.logged)
}

func (g *Gateway) headers(w http.ResponseWriter, c *content) {
	h := w.Header()
	h.Set("Content-Type", c.kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": path.Base(c.name)}))
	h.Set("ETag", c.etag())
	h.Set("Cache-Control", "private, no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("X-Accel-Buffering", "no") // a proxy that buffers would go on sending after the end
}

// place is where http.ServeContent has put itself in a content. It never reads: outlet takes the bytes from elsewhere.
type place struct{ at, size int64 }

func (p *place) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekStart:
		p.at = offset
	case io.SeekCurrent:
		p.at += offset
	case io.SeekEnd:
		p.at = p.size + offset
	}
	return p.at, nil
}

func (p *place) Read([]byte) (int, error) { return 0, errors.New("the outlet reads by itself") }

// outlet lets http.ServeContent decide about ranges and conditions, as the standard library does it for everybody, and then
// sends the bytes itself: chunk by chunk, each after a look at the clock.
type outlet struct {
	http.ResponseWriter
	gateway *Gateway
	stream  *stream
	content *content
	ctx     context.Context
	at      *place
	err     error
}

// Unwrap is for http.ResponseController.
func (o *outlet) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// ReadFrom is how io.CopyN hands over what http.ServeContent wants sent: n bytes from the place it sought.
func (o *outlet) ReadFrom(r io.Reader) (int64, error) {
	limited, ok := r.(*io.LimitedReader)
	if !ok || limited.R != io.Reader(o.at) {
		o.err = fmt.Errorf("asked to send %T", r)
		return 0, o.err
	}
	want := limited.N
	chunks := &chunkWriter{out: o}
	err := o.content.send(o.ctx, chunks, o.at.at, want, o.gateway.mayHurry(want))
	if err == nil && chunks.n != want {
		err = fmt.Errorf("sent %d bytes of %d", chunks.n, want)
	}
	if o.stream.isCut.Load() {
		err = errCut
	}
	o.err = err
	limited.N -= chunks.n
	return chunks.n, err
}

// mayHurry says whether a range may be opened with two workers: when it is long, and the machine has nothing else to send.
func (g *Gateway) mayHurry(n int64) bool {
	return n >= 4<<20 && g.streams.count() < max(2, runtime.GOMAXPROCS(0))
}

// chunkWriter sends plaintext, and looks at the clock before each chunk: after the end of the term not one more goes out.
type chunkWriter struct {
	out *outlet
	n   int64
}

func (c *chunkWriter) Write(b []byte) (int, error) {
	s := c.out.stream
	if s.isCut.Load() {
		return 0, errCut
	}
	if db.Stamp(c.out.gateway.depot.db.Now()) >= s.until.Load() {
		s.end()
		return 0, errCut
	}
	n, err := c.out.ResponseWriter.Write(b)
	c.n += int64(n)
	s.unsaved.Add(int64(n))
	return n, err
}
