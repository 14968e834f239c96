package delivery_test

import (
	"testing"
	"time"

	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// The end of a token is no event: nothing enters the log, and whoever waits for the log to grow waits for somebody else to do
// something. A transfer begun in the last second of a stolen token would run for as long as nobody does.
func TestAStreamEndsWithTheTokenOrSessionItCameFrom(t *testing.T) {
	for name, ends := range map[string]time.Duration{"a token of an hour": time.Hour, "a session of a day": 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
				w, a, before, _, sites := flowing(t, d, clock)
				before.body.Close()
				who := w.SignIn(a.Contact.Person(), a.Address("carla")).Who
				began := clock.Now()
				if ends == time.Hour {
					secret, _, err := w.Accounts.NewToken(t.Context(), who, w.Act(who, "token", a.Delivery().ID.Subject()), a.Delivery().ID.Subject(), began.Add(ends))
					must(t, err)
					who, _, err = w.Accounts.ByToken(t.Context(), secret)
					must(t, err)
				}
				sites[0].people["carla"] = who
				one := sites[0].stream(t, "carla", a.Delivery().ID)
				clock.Set(began.Add(ends))
				sites[0].awaitNone(t)
				one.wantCut(name)
			})
		})
	}
}

// Between reading the session and beginning the transfer somebody may sign out. Nothing that is in the log already makes a
// stream ask again, so it must be asked when it begins.
func TestWhoHasSignedOutBeginsNoTransfer(t *testing.T) {
	each(t, func(t *testing.T, w *deliverytest.World) {
		a := available(t, w)
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		must(t, w.Accounts.SignOut(t.Context(), w.Cookies[a.Contact.Person()]))
		got := s.get("carla", a.Delivery().ID, "exact.bam")
		if got.StatusCode == 200 {
			t.Errorf("got %s with %d bytes, want a refusal", got.Status, len(got.body))
		}
	})
}
