package portal

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestTheOperatorStopsAnAgreementAndReadsNothingOfIt(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		number, a := o.inForce()
		signing := o.record()
		o.decide(o.Second, "/requests/"+signing+"/approve", "Approve the request").Want(200, signing)
		o.WorkOff()
		o.Sealed.Store(true)

		b := o.as(o.Operator).Get("/").Follow("Emergency stop").Want(200, "Stop all access").Sees("at once", "A second person must confirm it", a.Number+"In force", "sluiced stop")
		for _, content := range []string{"Universitair", "Noor", "Karin", "Resistance", "WGS", signing} {
			if b.Has(content) {
				t.Errorf("the operator reads %q", content)
			}
		}
		for typed, said := range map[string]string{"": "Enter the number", "DR-0999-A": "There is no agreement DR-0999-A", number: "There is no agreement " + number,
			signing + "-A": "not possible as the agreement stands; it is: Being signed"} {
			b.Get("/stop").Submit("Stop everything now", "number", typed, "reason", "kept").Want(422, "Stop all access").Sees(said, "kept")
			if got := b.Errors(); len(got) != 1 {
				t.Errorf("%q: the page says %q, want one thing beside the field", typed, got)
			}
		}
		b.Get("/stop").Follow("Choose "+a.Number).Submit("Stop everything now", "reason", "A laptop was stolen").Want(200, "Stop all access").
			Sees("Access under "+a.Number+" has been stopped", "Suspended", "The data access desk decides")
		if got := o.agreement(number).State; got != licensing.Suspended {
			t.Fatalf("after the stop the agreement is %s", got)
		}
		b.Get("/stop").Submit("Stop everything now", "number", a.Number).Want(422, "Stop all access").Sees("stopped already")
		o.as(o.Operator).SetCookie("sluice-lang", "nl").Get("/stop").Want(200, "Alle toegang").Sees("Noodstop", "Gestopt. Het loket beslist")

		for _, path := range []string{"/requests", "/requests/" + number, "/requests/" + number + "/stop"} {
			b.Get(path).Want(404, "")
		}
		o.as(o.Steward).Get("/stop").Want(404, "")
		o.as(o.applicant).Post("/stop", url.Values{"number": {a.Number}}).Want(404, "")

		o.as(o.Desk).Get("/").Sees("1 emergency stop to confirm").Get("/requests/"+number).Sees("Emergency stop", o.name(o.Operator), "A laptop was stolen")
		o.decide(o.Desk, "/requests/"+number+"/confirm-stop", "Confirm the stop").Want(200, number)
		o.as(o.signatory).Get("/agreements/"+a.Number).Sees("Access stopped at once", "Suspended")
	})
}

func TestAStopFromAPageGoesAheadWhenTheDatabaseTakesNothing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	var journal []licensing.Halt
	o := &office{world: newWorld(t, d, clock, func(cfg *Config) {
		cfg.Journal = func(h licensing.Halt) error { journal = append(journal, h); return nil }
	})}
	o.staffed()
	number, a := o.inForce()
	o.WorkOff()
	operator, desk := o.as(o.Operator), o.as(o.Desk)
	takes := dbtest.Full(t, d, "INSERT audit_entries", "UPDATE sessions")
	clock.Advance(2 * time.Minute) // when a session is noted as used

	operator.Get("/stop").Submit("Stop everything now", "number", a.Number, "reason", "A leak").Want(200, "Stop all access").
		Sees(a.Number+" has been stopped on this server", "Run sluiced stop on every other server", a.Number+"Suspended")
	if err := o.agreement(number).OpenAt(clock.Now()); !errors.Is(err, licensing.ErrSuspended) {
		t.Errorf("there is access while the stop waits for the log: %v", err)
	}
	desk.Get("/requests/"+number+"/stop").Submit("Stop everything now").Want(200, number).Sees(number+" has been stopped on this server", "Suspended")
	if len(journal) != 2 {
		t.Fatalf("the journal holds %v, want two stops", journal)
	}

	takes()
	if left, err := o.Registry.TakeHalts(t.Context(), journal); err != nil || len(left) != 0 {
		t.Fatalf("taking the journal: %v, %v", left, err)
	}
	desk.Get("/requests/"+number).Want(200, number).Sees("Suspended", "A leak", o.name(o.Operator))
}
