package portal

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"sluice/infra/account"
)

// client is the address a request comes from. X-Forwarded-For is believed only as far as trusted proxies wrote it: read from
// its end, the first address that is not a proxy of ours is the client, whatever stands before it.
func (s *Server) client(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	addr = addr.Unmap()
	if !s.trusted(addr) {
		return addr.String()
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		if addr = hop.Unmap(); !s.trusted(addr) {
			break
		}
	}
	return addr.String()
}

func (s *Server) trusted(addr netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// meta is what account wants to know of where a request comes from.
func (v *visit) meta() account.Meta {
	return account.Meta{Address: v.server.client(v.r), Agent: v.r.UserAgent()}
}
