package licensing

import (
	"sync"

	"sluice/infra/db"
)

// The agreements that may wait for somebody, or for one person who has a part. What ended long ago and was closed out is not
// read, unless something was proposed about it.
const (
	selectWaiting = `SELECT a.id, a.rev, q.rev, '' FROM agreements a JOIN requests q ON q.id = a.request
		WHERE a.state <> 'closed-out' OR a.proposal <> $1`
	selectWaitingFor = `SELECT a.id, a.rev, q.rev, p.part FROM agreements a JOIN requests q ON q.id = a.request JOIN parties p ON p.request = q.id
		WHERE a.state IN ('drafted', 'signing', 'in-force', 'suspended', 'ended', 'terminated') AND p.person = $1`
)

// A waiting is an agreement that may wait for somebody, with its request.
type waiting struct {
	id        AgreementID
	revisions [2]int64 // of agreement and request
	part      Part     // of the person who was asked for
	agreement *Agreement
	request   *Request
}

func scanWaiting(s db.Row) (w waiting, err error) {
	err = s.Scan(&w.id, &w.revisions[0], &w.revisions[1], &w.part)
	return w, err
}

// seen keeps what the queues read, since every page of staff counts what waits and nearly nothing has changed since the page
// before. Every event raises a revision, so what is kept under the two revisions that a transaction sees is what it would
// read. Only what is committed is kept: a change that is undone may be followed by another one of the same number.
type seen struct {
	mu  sync.Mutex
	all map[AgreementID]waiting
}

// waiting reads the agreements of one of the statements above.
func (r *Registry) waiting(tx *db.Tx, query string, args ...any) ([]waiting, error) {
	all, err := db.Many(tx, scanWaiting, query, args...)
	if err != nil {
		return nil, err
	}
	r.seen.fill(all)
	committed := tx.By() == (db.Actor{})
	for i := range all {
		w := &all[i]
		if w.agreement != nil {
			continue
		}
		a, err := r.Agreement(tx, w.id)
		if err != nil {
			return nil, err
		}
		q, err := one(tx, scanRequest, selectRequests+` WHERE id = $1`, a.Request)
		if err != nil {
			return nil, err
		}
		w.agreement, w.request = &a, &q
		if committed {
			r.seen.put(*w)
		}
	}
	return all, nil
}

// fill completes those that are known at their revisions.
func (s *seen) fill(all []waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, w := range all {
		if known := s.all[w.id]; known.revisions == w.revisions {
			all[i].agreement, all[i].request = known.agreement, known.request
		}
	}
}

func (s *seen) put(w waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[AgreementID]waiting{}
	}
	s.all[w.id] = w
}

// keepOnly forgets what is not among all: it was closed out.
func (s *seen) keepOnly(all []waiting) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) <= len(all) {
		return
	}
	old := s.all
	s.all = make(map[AgreementID]waiting, len(all))
	for _, w := range all {
		if known, ok := old[w.id]; ok {
			s.all[w.id] = known
		}
	}
}
