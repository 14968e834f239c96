package delivery

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
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

// Serve answers a GET or HEAD for one path of a delivery: a file, "manifest.json", "SHA256SUMS", or the archive of
// everything (ArchivePath). Bytes flow while the reader may read, and while the session or token that he came with holds.
// An error means that nothing was written and no header was left, and the caller shows a page for it: ErrNotFound, one of the
// reasons of MayRead, account.ErrNotSignedIn, ErrKeyringAway, or something of the store or the database. When bytes were
// already under way, the connection is broken instead (http.ErrAbortHandler).
func (g *Gateway) Serve(w http.ResponseWriter, r *http.Request, who account.Who, id ID, name string) error {
	return g.serve(w, r, who, id, func(tx *db.Tx, d Delivery) (*content, error) { return g.depot.contentOf(tx, d, name) })
}

func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, who account.Who, id ID, of func(*db.Tx, Delivery) (*content, error)) error {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	a, err := g.find(ctx, who, id, of)
	if err != nil {
		return err
	}
	before := maps.Clone(w.Header())
	g.headers(w, a.content)
	out := &outlet{ResponseWriter: w, gateway: g, who: who, answer: a, ctx: ctx, cancel: cancel, get: r.Method == http.MethodGet,
		at: &place{size: a.content.size}}
	defer out.end()
	http.ServeContent(out, withoutManyRanges(r), "", a.content.modified, out.at)
	switch {
	case out.err == nil:
		return nil
	case !out.started:
		clear(w.Header())
		maps.Copy(w.Header(), before)
		return out.err
	case errors.Is(out.err, errCut):
		reset(w)
	case r.Context().Err() == nil:
		g.depot.opts.Log.Warn("a transfer broke off", "transfer", string(out.stream.transfer), "error", out.err.Error())
	}
	panic(http.ErrAbortHandler)
}

// reset closes the connection so that what waits in the system's buffers is not delivered either: a slow reader would
// otherwise go on receiving for minutes. Where it cannot be done (HTTP/2) the stream is only broken off.
func reset(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		tcp.SetLinger(0)
	}
	conn.Close()
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

// An answer is what was found for a request, at one moment.
type answer struct {
	content  *content
	access   Access
	transfer TransferID // the open one that this request continues, or ""
	seq      int64      // the log's last entry at that moment
	until    time.Time  // when reading ends by itself
}

// find asks the one question and looks up what is to be sent.
func (g *Gateway) find(ctx context.Context, who account.Who, id ID, of func(*db.Tx, Delivery) (*content, error)) (a answer, err error) {
	err = g.depot.db.View(ctx, func(tx *db.Tx) error {
		a = answer{}
		if a.access, err = g.depot.ask(tx, who, id); err != nil {
			return err
		}
		a.seq = a.access.seq
		if a.until, err = g.depot.until(tx, who, a.access); err != nil {
			return err
		}
		if a.content, err = of(tx, a.access.Delivery); err != nil {
			return err
		}
		t, found, err := openTransfer(tx, a.access.Grant.ID, a.content.transfer)
		if found {
			a.transfer = t.ID
		}
		return err
	})
	return a, err
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

// outlet lets http.ServeContent decide about ranges and conditions, as the standard library does it for everybody. Only when
// that has decided to send bytes does it open the content and write the transfer into the log; then it sends the
// bytes itself, chunk by chunk, each after a look at the clock.
type outlet struct {
	http.ResponseWriter
	answer
	gateway *Gateway
	who     account.Who
	ctx     context.Context
	cancel  context.CancelFunc
	get     bool // bytes are wanted, not only what is known of them
	at      *place
	stream  *stream // nil until bytes are to be sent
	opened  bool
	started bool // the first line of the answer is out
	err     error
}

// Unwrap is for http.ResponseController.
func (o *outlet) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// WriteHeader is the moment at which it is known whether bytes will follow. What fails here still makes a page.
func (o *outlet) WriteHeader(code int) {
	if o.get && (code == http.StatusOK || code == http.StatusPartialContent) {
		if o.err = o.begin(); o.err != nil {
			return
		}
	}
	o.started = true
	o.ResponseWriter.WriteHeader(code)
}

// begin opens the content, and continues the transfer or writes a new one into the log, before the first byte.
func (o *outlet) begin() error {
	o.opened = true
	if err := o.content.open(o.ctx); err != nil {
		return err
	}
	if o.transfer == "" {
		t, seq, err := o.gateway.depot.beginTransfer(o.ctx, o.who, o.access.Delivery.ID, o.content.transfer, o.content.logged)
		if err != nil {
			return err
		}
		o.transfer, o.seq = t.ID, max(o.seq, seq)
	}
	control := http.NewResponseController(o.ResponseWriter)
	one := &stream{who: o.who, delivery: o.access.Delivery.ID, transfer: o.transfer, asked: o.seq}
	one.until.Store(db.Stamp(o.until))
	one.cut = func() {
		o.cancel()
		control.SetWriteDeadline(longAgo) // wakes a write that waits for a slow reader
	}
	if err := o.gateway.streams.add(o.ctx, one); err != nil {
		return err
	}
	o.stream = one
	return nil
}

func (o *outlet) end() {
	if o.opened {
		o.content.close()
	}
	if o.stream != nil {
		o.gateway.streams.remove(o.stream)
	}
}

// Write takes the texts that http.ServeContent writes with an error.
func (o *outlet) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	return o.ResponseWriter.Write(b)
}

// ReadFrom is how io.CopyN hands over what http.ServeContent wants sent: n bytes from the place it sought.
func (o *outlet) ReadFrom(r io.Reader) (int64, error) {
	if o.err != nil {
		return 0, o.err
	}
	limited, ok := r.(*io.LimitedReader)
	if !ok || limited.R != io.Reader(o.at) || o.stream == nil {
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
	if err := c.look(); err != nil {
		return 0, err
	}
	n, err := c.out.ResponseWriter.Write(b)
	c.count(int64(n))
	return n, err
}

func (c *chunkWriter) look() error {
	s := c.out.stream
	s.endAfter(c.out.gateway.depot.db.Now())
	if s.isCut.Load() {
		return errCut
	}
	return nil
}

func (c *chunkWriter) count(n int64) {
	c.n += n
	c.out.stream.unsaved.Add(n)
}
