package licensing_test

import (
	"testing"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// BenchmarkStanding is what every decision about a file reads of the agreement, and BenchmarkAgreement what a page reads.
func BenchmarkStanding(b *testing.B)  { benchmark(b, true) }
func BenchmarkAgreement(b *testing.B) { benchmark(b, false) }

func benchmark(b *testing.B, short bool) {
	var w *world
	d, clock := dbtest.SQLite(b)
	w = newWorld(b, d, clock)
	w.toForce()
	for b.Loop() {
		w.must(d.View(b.Context(), func(tx *db.Tx) (err error) {
			if short {
				_, err = w.r.Standing(tx, w.agreement)
			} else {
				_, err = w.r.Agreement(tx, w.agreement)
			}
			return err
		}))
	}
}
