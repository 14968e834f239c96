package portal

import (
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/infra/objects"
)

func TestABucketThatEndsTooEarlyStandsBeforeTheDeskAndTheOperator(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number, a := o.inForce()
	o.WorkOff()
	clock.Set(a.Term.Until.AddDate(0, 0, -30))
	id, err := o.Registry.AskExtension(t.Context(), o.fresh(o.signatory), a.ID, a.Until.AddDays(200), "One more cohort")
	if err != nil {
		t.Fatal(err)
	}
	for _, who := range []account.Who{o.fresh(o.Desk), o.fresh(o.Second)} {
		if err := o.Registry.DecideAmendment(t.Context(), who, o.Act(who, "decide", "amendment:"+string(id)), a.ID, id, true, "fine"); err != nil {
			t.Fatal(err)
		}
	}
	o.Store.FailFrom(1, objects.NotDone)
	o.Work()
	if b := o.as(o.fresh(o.Desk)).Get("/"); b.Has("empties itself too early") {
		t.Error("the desk is told a month before")
	}
	clock.Set(o.deliveryOf(a, 0).BucketEnd.Add(-time.Hour))
	o.Work()
	o.as(o.fresh(o.Operator)).Get("/").Sees("1 bucket empties itself too early", "The bucket of "+number+"-A-1").Follow("The bucket of "+number+"-A-1").
		Want(200, "").Sees("Move the end of a bucket", "injected fault")
	o.as(o.fresh(o.Desk)).Get("/").Sees("1 bucket empties itself too early").Follow("The bucket of "+number+"-A-1").
		Want(200, number).Sees("the end of the bucket was not moved")
	o.Store.Heal()
	clock.Advance(time.Minute)
	o.Work()
	if b := o.as(o.fresh(o.Desk)).Get("/requests/" + number); b.Has("was not moved") {
		t.Error("the page still warns of a bucket whose end was moved")
	}
}
