package account

import (
	"fmt"
	"net/netip"
	"time"

	"sluice/infra/db"
)

// Failures are counted by keyed hashes, so the table says nothing about who tried what:
//
//	1 address      one client address, over all accounts
//	2 account      one account, over all addresses from which its owner never signed in
//	3 pair         one account from one address
//	4 code         the second factor of one person, after the right password
//	5, 6 reset     asking for a new password, from one address and of one account
//	7 old          the old password, when it is changed
//
// A refused attempt is not counted: otherwise somebody who keeps knocking would keep the owner out for good.
// An address from which the owner has signed in before is counted by the pair alone, so others cannot keep him out there.
const (
	freeTries   = 10               // of an account from one address, or of a code
	freeOfMany  = 40               // of an address shared by a whole hospital, or of an account from everywhere
	longestWait = 15 * time.Minute // no one waits longer
	memory      = 24 * time.Hour   // after the last failure
	mostRows    = 20_000
)

// A WaitError says that there were too many failures, and until when nothing is tried.
type WaitError struct{ Until time.Time }

func (e *WaitError) Error() string {
	return "too many attempts: try again after " + e.Until.UTC().Format("15:04:05") + " UTC"
}

// A counter is one row of failures, and how many are free.
type counter struct {
	name string
	free int
}

func (a *Accounts) addressCounter(address string) counter {
	return counter{"1 " + a.keyed("client", address), freeOfMany}
}
func (a *Accounts) accountCounter(lookup string) counter {
	return counter{"2 " + a.keyed("account", lookup), freeOfMany}
}
func (a *Accounts) pairCounter(lookup, address string) counter {
	return counter{"3 " + a.keyed("pair", lookup, address), freeTries}
}
func (a *Accounts) resetCounters(lookup, address string) []counter {
	return []counter{{"5 " + a.keyed("reset from", address), freeTries}, {"6 " + a.keyed("reset of", lookup), freeTries}}
}
func (a *Accounts) oldPasswordCounter(person PersonID) counter {
	return counter{"7 " + a.keyed("old password", string(person)), freeTries}
}
func (a *Accounts) codeCounter(person PersonID) counter {
	return counter{"4 " + a.keyed("code", string(person)), freeTries}
}

// delay is how long nothing is tried after the n-th failure: from one second, doubling.
func delay(failures, free int) time.Duration {
	over := failures - free
	if over < 0 {
		return 0
	}
	return min(time.Second<<min(over, 20), longestWait)
}

// charge counts one attempt on every counter before it is made, or counts nothing and says until when to wait. Whoever
// succeeds calls forget. The counters must be given in the order of their names: two that cross would stop each other.
func (a *Accounts) charge(tx *db.Tx, counters ...counter) (wait error, err error) {
	counts := make([]int, len(counters))
	for i, c := range counters {
		var last int64
		// Writing first takes the row, so that of many attempts at once each sees the one before.
		err := tx.QueryRow(`INSERT INTO sign_in_failures (name, count, last) VALUES ($1, 0, $2)
			ON CONFLICT (name) DO UPDATE SET count = sign_in_failures.count RETURNING count, last`, c.name, db.Stamp(tx.At)).Scan(&counts[i], &last)
		if err != nil {
			return nil, fmt.Errorf("counting an attempt: %w", err)
		}
		since := db.Instant(last)
		if since.After(tx.At) {
			since = tx.At // the clock was set back; nobody waits for it to catch up
		}
		if tx.At.Sub(since) >= memory {
			counts[i] = 0
		}
		if until := since.Add(delay(counts[i], c.free)); counts[i] > 0 && until.After(tx.At) {
			return &WaitError{until}, nil
		}
	}
	for i, c := range counters {
		if _, err := tx.Exec(`UPDATE sign_in_failures SET count = $1, last = $2 WHERE name = $3`, counts[i]+1, db.Stamp(tx.At), c.name); err != nil {
			return nil, fmt.Errorf("counting an attempt: %w", err)
		}
	}
	return nil, bound(tx)
}

// bound keeps the table small, whatever is thrown at it. Failures of a second factor are not pushed out by others: nobody
// makes such a row without the right password.
func bound(tx *db.Tx) error {
	if _, err := tx.Exec(`DELETE FROM sign_in_failures WHERE last < $1`, db.Stamp(tx.At.Add(-memory))); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM sign_in_failures WHERE last <= (SELECT last FROM sign_in_failures ORDER BY last DESC LIMIT 1 OFFSET $1)
		AND name NOT LIKE '4 %'`, mostRows)
	return err
}

// forget takes away counters after a success.
func forget(tx *db.Tx, counters ...counter) error {
	for _, c := range counters {
		if _, err := tx.Exec(`DELETE FROM sign_in_failures WHERE name = $1`, c.name); err != nil {
			return err
		}
	}
	return nil
}

// takeBack uncounts the one attempt that succeeded.
func takeBack(tx *db.Tx, c counter) error {
	_, err := tx.Exec(`UPDATE sign_in_failures SET count = count - 1 WHERE name = $1 AND count > 0`, c.name)
	return err
}

// Meta is what a request says about where it comes from.
type Meta struct {
	Address string // of the client, as the proxy we trust says it; only a keyed hash of it is kept
	Agent   string // of the browser, shown in the person's own list of sessions
}

// client is the address that is counted: of IPv6 the network, since one person has all of it to choose from.
func (m Meta) client() string {
	addr, err := netip.ParseAddr(m.Address)
	if err != nil {
		return m.Address
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is6() {
		network, err := addr.Prefix(64)
		if err == nil {
			return network.String()
		}
	}
	return addr.String()
}

func (m Meta) agent() string {
	if r := []rune(m.Agent); len(r) > 200 {
		return string(r[:200])
	}
	return m.Agent
}
