package delivery_test

import (
	"database/sql"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// statements keeps the texts of what the product asks of the database, by what it was doing.
type statements struct {
	mu    sync.Mutex
	doing string
	asked map[string]string // by text
}

func (s *statements) while(doing string, do func()) {
	s.mu.Lock()
	s.doing = doing
	s.mu.Unlock()
	do()
	s.mu.Lock()
	s.doing = ""
	s.mu.Unlock()
}

func (s *statements) add(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doing != "" {
		s.asked[text] = s.doing
	}
}

// bounded are scans of what does not grow with the years: the roles of staff (r), the jobs there are, and the
// failed sign-ins, which are kept up to a number.
var bounded = regexp.MustCompile(`^SCAN (r|CONSTANT ROW|jobs USING INDEX jobs_due|sign_in_failures USING COVERING INDEX sign_in_failures_last)$`)

// A query that reads a whole table is fast in every test and slow for the foundation that has used this for ten years.
func TestNothingOnTheWayToAByteOrAtTheEndReadsAWholeTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.db")
	d, clock := dbtest.Open(t, "sqlite:"+path)
	seen := &statements{asked: map[string]string{}}
	d.Asked = seen.add
	w := deliverytest.New(t, d, clock, deliverytest.Options{KeyDelay: 10 * time.Minute})
	a := w.InForceUntil(later, w.Import("two", two()).ID)
	seen.while("preparing", w.Work)
	id := a.Delivery().ID
	s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
	seen.while("the decision", func() { must(t, w.Depot.Ask(t.Context(), a.Contact, id)) })
	seen.while("a download", func() {
		for range 2 { // the second continues the transfer
			s.get("carla", id, "a.bam", "Range", "bytes=0-9").want(t, "a range", 206, nil)
		}
		s.get("carla", id, delivery.ArchivePath(a.Delivery().Delivery)).want(t, "everything", 200, nil)
	})
	seen.while("the lists of a contact", func() {
		_, err := w.Depot.OfPerson(t.Context(), a.Contact)
		must(t, err)
		_, err = w.Depot.Show(t.Context(), a.Contact, id)
		must(t, err)
	})
	seen.while("an extension", func() { a.Extend(licensing.Date{Year: 2026, Month: 12, Day: 31}); w.WorkOff() })
	clock.Set(a.Load().Term.Until)
	seen.while("the end of the term", w.WorkOff)
	gone(t, "at the end", w, a.Delivery().Delivery)

	raw, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer raw.Close()
	doing := map[string]int{}
	for _, text := range slices.Sorted(maps.Keys(seen.asked)) {
		if strings.HasPrefix(text, "INSERT") && !strings.Contains(text, "SELECT") {
			continue
		}
		doing[seen.asked[text]]++
		for _, detail := range planOf(t, raw, text) {
			if strings.HasPrefix(detail, "SCAN") && !bounded.MatchString(detail) {
				t.Errorf("%s: %s in\n%s", seen.asked[text], detail, text)
			}
		}
	}
	if len(doing) < 5 || len(seen.asked) < 60 {
		t.Errorf("got %d statements, %v, want those of everything that was done", len(seen.asked), doing)
	}
}

var placeholders = regexp.MustCompile(`\$(\d+)`)

// planOf is how SQLite would go about a statement, step by step.
func planOf(t *testing.T, raw *sql.DB, text string) (steps []string) {
	t.Helper()
	args := 0
	for _, m := range placeholders.FindAllStringSubmatch(text, -1) {
		n, _ := strconv.Atoi(m[1])
		args = max(args, n)
	}
	rows, err := raw.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+text, slices.Repeat([]any{"a"}, args)...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var detail string
		must(t, rows.Scan(&id, &parent, &unused, &detail))
		steps = append(steps, detail)
	}
	must(t, rows.Err())
	return steps
}
