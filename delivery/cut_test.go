package delivery_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// large is more than what lies in the buffers between a reader that reads nothing and the gateway.
const large = 40 << 20

var once = sync.OnceValue(func() []byte { return noise(large, 9) })

// streaming is a large file under way to a reader who has taken the beginning and now waits.
type streaming struct {
	t    *testing.T
	body io.ReadCloser
	got  int
}

func (s *site) stream(t *testing.T, who string, id delivery.ID) *streaming {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			conn.(*net.TCPConn).SetReadBuffer(64 << 10)
		}
		return conn, err
	}}}
	response, err := client.Do(s.request(http.MethodGet, who, id, "large.bam"))
	must(t, err)
	t.Cleanup(func() { response.Body.Close() })
	if response.StatusCode != 200 {
		t.Fatalf("got %s", response.Status)
	}
	one := &streaming{t: t, body: response.Body}
	one.read(1 << 20)
	return one
}

// read takes n bytes more.
func (o *streaming) read(n int) {
	o.t.Helper()
	got, err := io.CopyN(io.Discard, o.body, int64(n))
	o.got += int(got)
	must(o.t, err)
}

// wantCut waits until the gateway has no such stream any more, and then looks at how it ended for the reader.
func (o *streaming) wantCut(what string) {
	o.t.Helper()
	n, err := io.Copy(io.Discard, o.body)
	o.got += int(n)
	if err == nil || o.got >= large {
		o.t.Errorf("%s: got %d bytes and %v, want a connection that breaks before %d", what, o.got, err, large)
	}
	if !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, io.ErrUnexpectedEOF) {
		o.t.Errorf("%s: the reader saw %v, want a reset", what, err)
	}
}

func (o *streaming) wantWhole(what string) {
	o.t.Helper()
	n, err := io.Copy(io.Discard, o.body)
	o.got += int(n)
	if err != nil || o.got != large {
		o.t.Errorf("%s: got %d bytes and %v, want all %d", what, o.got, err, large)
	}
}

// flowing is a world with a large file, a reader, and two replicas that each send it to her.
func flowing(t *testing.T, d *db.DB, clock *dbtest.Clock) (w *deliverytest.World, a *deliverytest.Agreement, one, two *streaming, sites [2]*site) {
	t.Helper()
	w = deliverytest.New(t, d, clock, deliverytest.Options{})
	set := w.Import("large", map[string][]byte{"large.bam": once()})
	a = w.InForce(set.ID)
	w.Work()
	people := map[string]account.Who{"carla": a.Contact}
	sites = [2]*site{serve(t, w.Depot, people), serve(t, w.Replica(), people)}
	id := a.Delivery().ID
	return w, a, sites[0].stream(t, "carla", id), sites[1].stream(t, "carla", id), sites
}

// awaitNone waits until no stream is open on a gateway. How long that may take is bounded by the test's own deadline only;
// the rhythm itself is fixed in constants.
func (s *site) awaitNone(t *testing.T) {
	t.Helper()
	for s.gateway.Open() > 0 {
		select {
		case <-t.Context().Done():
			t.Fatal("the stream is still open")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestAStreamIsCutOnEveryReplicaWhenItsReaderMayNotReadAnyMore(t *testing.T) {
	for name, act := range map[string]func(*deliverytest.World, *deliverytest.Agreement) error{
		"the contact is removed": func(_ *deliverytest.World, a *deliverytest.Agreement) error { a.RemoveContact(a.ContactID); return nil },
		"the contact is suspended": func(w *deliverytest.World, a *deliverytest.Agreement) error {
			return w.Registry.SuspendContact(context.Background(), w.Desk, a.ID, a.ContactID, "odd downloads")
		},
		"the agreement is stopped": func(_ *deliverytest.World, a *deliverytest.Agreement) error { a.Stop(); return nil },
		"the agreement is suspended": func(_ *deliverytest.World, a *deliverytest.Agreement) error {
			a.Do(licensing.ActionSuspend)
			return nil
		},
		"the agreement is terminated": func(_ *deliverytest.World, a *deliverytest.Agreement) error {
			a.Do(licensing.ActionTerminate)
			return nil
		},
		"she signs out": func(w *deliverytest.World, a *deliverytest.Agreement) error {
			return w.Accounts.SignOut(context.Background(), w.Cookies[a.Contact.Person()])
		},
	} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w, a, one, two, sites := flowing(t, d, clock)
				must(t, act(w, a))
				for i, s := range []*streaming{one, two} {
					sites[i].awaitNone(t)
					s.wantCut(name)
				}
			})
		})
	}
}

func TestWhatHappensToOthersDoesNotDisturbAStream(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w, a, one, two, sites := flowing(t, d, clock)
	_, other := a.AddContact("dora", "Dora Download")
	a.RemoveContact(other)
	one.read(1 << 20)
	w.InForce(w.Import("small", small()).ID)
	a.Extend(licensing.Date{Year: 2026, Month: 12, Day: 24})
	awaitLooks(t, sites[:])
	one.wantWhole("on the first")
	two.wantWhole("on the second")
}

// awaitLooks waits until each gateway has looked at the log at least twice more.
func awaitLooks(t *testing.T, sites []*site) {
	t.Helper()
	for _, s := range sites {
		for looks := s.gateway.Looks(); s.gateway.Looks() < looks+2; {
			select {
			case <-t.Context().Done():
				t.Fatal("the gateway does not look")
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

func TestNotOneChunkMoreAfterTheEndOfTheTerm(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w, a, one, two, _ := flowing(t, d, clock)
	w.Clock.Set(a.Load().Term.Until)
	one.wantCut("after the end")
	two.wantCut("after the end, on the other replica")
	if slack := 16 << 20; one.got > slack {
		t.Errorf("got %d bytes, want no more than lay in the buffers", one.got)
	}
}

func TestAnExtensionKeepsTheBytesFlowing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w, a, one, _, sites := flowing(t, d, clock)
	until := a.Load().Term.Until
	a.Extend(licensing.Date{Year: 2026, Month: 11, Day: 30})
	awaitLooks(t, sites[:1])
	w.Clock.Set(until.Add(time.Minute))
	one.wantWhole("after the first end")
	if a.Load().Term.Until.Equal(until) {
		t.Error("the term was not extended")
	}
	if d := a.Delivery(); d.Number[len(d.Number)-2:] != "-1" {
		t.Errorf("got a new delivery %s, want the same one", d.Number)
	}
}

func TestWithoutAnAnswerFromTheDatabaseEveryStreamIsCut(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	_, _, one, two, sites := flowing(t, d, clock)
	must(t, d.Close())
	for i, s := range []*streaming{one, two} {
		sites[i].awaitNone(t)
		s.wantCut("without a database")
	}
}

func TestAGatewayThatNobodyWatchesSendsNothing(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{})
	a := available(t, w)
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	s.stop()
	s.get("carla", a.Delivery().ID, "exact.bam").want(t, "after the watch has ended", 503, nil)
}

func TestTheEndOfTheProcessCutsAndCounts(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w, a, one, two, sites := flowing(t, d, clock)
	sites[0].stop()
	sites[1].stop()
	one.wantCut("on the first")
	two.wantCut("on the second")
	w.View(func(tx *db.Tx) error {
		transfers, err := w.Depot.Transfers(tx, a.Delivery().ID, "")
		if err == nil && (len(transfers) != 1 || transfers[0].Bytes < 2<<20) {
			t.Errorf("got %+v, want one transfer with the bytes of both", transfers)
		}
		return err
	})
}
