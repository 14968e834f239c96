package delivery_test

import (
	"fmt"
	"testing"

	"sluice/delivery"
	"sluice/delivery/deliverytest"
	"sluice/infra/keyring/keyringtest"
	"sluice/licensing"
)

// Each call is a round trip, and of a hundred thousand files one a file would take hours.
func TestPreparingAsksTheKeyringTwiceForFiveHundredFiles(t *testing.T) {
	w := onSQLite(t, deliverytest.Options{Placement: licensing.Shared})
	files := map[string][]byte{}
	for i := range 1001 {
		files[fmt.Sprintf("sample-%04d.vcf", i)] = []byte{byte(i)}
	}
	set := w.Import("many", files)
	few := w.Import("few", two())
	for _, c := range []struct {
		sets    []licensing.DatasetID
		batches int
	}{{[]licensing.DatasetID{set.ID}, 3}, {[]licensing.DatasetID{few.ID}, 1}, {[]licensing.DatasetID{few.ID, set.ID}, 4}} {
		a := w.InForce(c.sets...)
		w.Plan.FailAt(0, keyringtest.None)
		must(t, w.Depot.Prepare(t.Context(), a.Delivery().ID))
		if got := a.Delivery().State; got != delivery.Available {
			t.Fatalf("got %s, want available", got)
		}
		asked := map[string]int{}
		for _, call := range w.Plan.Calls() {
			asked[call]++
		}
		// The manifest has a key and a signature of its own.
		if asked["Unwrap"] != c.batches || asked["Wrap"] != c.batches+1 || asked["Create"] != 1 || asked["Sign"] != 1 || len(asked) != 4 {
			t.Errorf("%d batches: got %v", c.batches, asked)
		}
	}
}
