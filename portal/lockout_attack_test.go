package portal

import (
	"testing"

	"sluice/infra/db/dbtest"
)

func TestThePageThatHoldsAFactorSaysWhenNobodyCouldGiveItBack(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	first, second := w.Operators()
	b := w.as(w.Desk)
	b.Get("/people/"+string(first.Person())+"/lost").Submit("Report it lost").Want(200, "Eerste Beheerder").Sees("is held")
	b.Get("/people/"+string(second.Person())+"/lost").Submit("Report it lost").Want(200, "Tweede Beheerder").Sees("is held")
	b.Get("/people/"+string(w.Second.Person())+"/lost").Submit("Report it lost").Want(422, "").Sees("Nobody could undo this")
}
