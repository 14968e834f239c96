package delivery_test

import (
	"net/http"
	"testing"
	"time"

	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// A clock that is set back, or that of one replica which runs behind, must not bring a term back that the log knows to be
// over. No worker has written the end down here.
func TestAClockThatIsBehindTheLogBringsNoTermBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := deliverytest.New(t, d, clock, deliverytest.Options{})
		a := available(t, w)
		site := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		id, until := a.Delivery().ID, a.Load().Term.Until
		late := until.Add(-time.Minute)
		clock.Set(late)
		w.SignIn(a.Contact.Person(), a.Address("carla"))
		clock.Set(until.Add(time.Second))
		w.SignIn(w.Desk.Person(), "desk@foundation.example") // an entry of the log, after the end
		clock.Set(late)
		for method, what := range map[string]string{http.MethodHead: "asking what there is", http.MethodGet: "fetching"} {
			got := site.do(site.request(method, "carla", id, "exact.bam", "Range", "bytes=0-9"))
			got.want(t, what+" with the clock set back", http.StatusForbidden, nil)
		}
		shown, err := w.Depot.Show(t.Context(), a.Contact, id)
		must(t, err)
		if shown.Refused == nil || len(shown.Files) > 0 {
			t.Errorf("the page with the clock set back: refused %v, with %d files", shown.Refused, len(shown.Files))
		}
	})
}
