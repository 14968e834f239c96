package portal

import (
	"container/list"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// mostClients bounds the memory of a limiter: the address that came longest ago is forgotten first.
const mostClients = 10_000

// A limiter says how often one client address may ask. It protects this process; what protects accounts is counted in the
// database, over all replicas.
type limiter struct {
	every rate.Limit
	burst int

	mu      sync.Mutex
	order   *list.List // of *allowance, the latest in front
	clients map[string]*list.Element
}

type allowance struct {
	client string
	rate   *rate.Limiter
}

func newLimiter(every rate.Limit, burst int) *limiter {
	return &limiter{every: every, burst: burst, order: list.New(), clients: map[string]*list.Element{}}
}

func perSecond(n float64) rate.Limit { return rate.Limit(n) }
func perMinute(n float64) rate.Limit { return rate.Limit(n / 60) }

// ask takes one turn of a client, or says how long until there is one.
func (l *limiter) ask(client string, at time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	key := network(client)
	e, ok := l.clients[key]
	if ok {
		l.order.MoveToFront(e)
	} else {
		e = l.order.PushFront(&allowance{key, rate.NewLimiter(l.every, l.burst)})
		l.clients[key] = e
		if l.order.Len() > mostClients {
			last := l.order.Back()
			l.order.Remove(last)
			delete(l.clients, last.Value.(*allowance).client)
		}
	}
	limit := e.Value.(*allowance).rate
	if limit.AllowN(at, 1) {
		return 0
	}
	missing := 1 - limit.TokensAt(at)
	return max(time.Second, time.Duration(missing/float64(l.every)*float64(time.Second)))
}

// network is what is counted as one client: an IPv6 address stands for its whole network, which one person has for himself.
func network(client string) string {
	addr, err := netip.ParseAddr(client)
	if err != nil || addr.Is4() {
		return client
	}
	p, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return client
	}
	return p.String()
}
