package portal

import (
	"fmt"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// many makes copies of an agreement in force with all that belongs to it. Their terms end over three years and their lists
// of contacts are confirmed day by day, as in a foundation that has been at it for years.
func (o *office) many(a licensing.Agreement, n int) {
	o.t.Helper()
	day := (24 * time.Hour).Microseconds()
	now := db.Stamp(o.Clock.Now())
	for from := 0; from < n; from += 250 {
		err := o.DB.Change(o.t.Context(), o.Desk.Actor(), func(tx *db.Tx) error {
			for i := from; i < min(from+250, n); i++ {
				tag := fmt.Sprintf("%05d", i)
				for _, s := range []struct {
					query string
					args  []any
				}{
					{`INSERT INTO requests (id, number, state, rev, content, salt, digest, until_day, zone, scopes, outcome, editors, recorded, revised, decider, decided, decision)
						SELECT 'q' || $1, 'DR-' || $2, state, rev, content, salt, digest, until_day, zone, scopes, outcome, editors, recorded, revised, decider, decided, decision
						FROM requests WHERE id = $3`, []any{tag, tag, a.Request}},
					{`INSERT INTO agreements (id, request, number, request_number, state, rev, version, variant, lang, zone, not_before, until_day, term_from, term_until,
							sha256, released, editor, opened, held, durations, proposal, stop, concern, known, list_confirmed, closed, attestation, drafted)
						SELECT 'a' || $1, 'q' || $2, 'DR-' || $3 || '-A', 'DR-' || $4, state, rev, version, variant, lang, zone, not_before, until_day, term_from, $5,
							sha256, released, editor, opened, held, durations, proposal, stop, concern, known, $6, closed, attestation, drafted
						FROM agreements WHERE id = $7`, []any{tag, tag, tag, tag, now + int64(i%1095+1)*day, now - int64(i%90)*day, a.ID}},
					{`INSERT INTO parties (id, request, part, person, digest, salt, name, latin, position, email, address)
						SELECT id || $1, 'q' || $2, part, person, digest, salt, name, latin, position, email, address FROM parties WHERE request = $3`, []any{tag, tag, a.Request}},
					{`INSERT INTO contacts (id, request, agreement, country, person, added, removed, suspended, digest, salt, name, latin, position, email, address, seq)
						SELECT id || $1, 'q' || $2, 'a' || $3, country, 'somebody', added, removed, suspended, digest, salt, name, latin, position, email, address, seq
						FROM contacts WHERE request = $4`, []any{tag, tag, tag, a.Request}},
					{`INSERT INTO signatures (agreement, version, part, person, sha256, at, digest, salt, name, position, authority)
						SELECT 'a' || $1, version, part, person, sha256, at, digest, salt, name, position, authority FROM signatures WHERE agreement = $2`, []any{tag, a.ID}},
				} {
					if _, err := tx.Exec(s.query, s.args...); err != nil {
						return err
					}
				}
				if err := tx.Enqueue("licensing.milestones", "a"+tag, o.Clock.Now().Add(time.Hour)); err != nil {
					return err
				}
			}
			return tx.Record("speed", noEvent{})
		})
		if err != nil {
			o.t.Fatal(err)
		}
	}
}

type noEvent struct{}

func (noEvent) Kind() string { return "test.many" }

// BenchmarkStaffPage is a page of staff with 5,000 agreements in force, whose navigation counts what waits.
func BenchmarkStaffPage(b *testing.B) {
	d, clock := dbtest.SQLite(b)
	benchmarkStaffPage(b, d, clock)
}

// BenchmarkStaffPagePostgres is the same on PostgreSQL.
func BenchmarkStaffPagePostgres(b *testing.B) {
	d, clock := dbtest.Postgres(b)
	benchmarkStaffPage(b, d, clock)
}

// It prints how many such pages are shown while the queues are read once with nothing kept: what every page did twice.
func benchmarkStaffPage(b *testing.B, d *db.DB, clock *dbtest.Clock) {
	o := newOffice(b, d, clock)
	_, a := o.inForce()
	o.many(a, 5000)
	for name, who := range map[string]account.Who{"desk": o.Desk, "representative": o.Rep} {
		b.Run(name, func(b *testing.B) {
			fresh := licensing.New(d, o.Accounts, licensing.Options{})
			start := time.Now()
			o.View(func(tx *db.Tx) error {
				_, err := fresh.Queues(tx, o.Desk)
				return err
			})
			cold := time.Since(start)
			page := o.as(who).Get("/account").Want(200, "Your account")
			for b.Loop() {
				page.Get("/account")
			}
			b.ReportMetric(float64(cold)*float64(b.N)/float64(b.Elapsed()), "pages/reading")
		})
	}
}
