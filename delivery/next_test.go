package delivery_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/delivery"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// events is one of each kind that a delivery can meet.
func events() []delivery.Event {
	return []delivery.Event{
		delivery.Ordered{Number: "DR-0001-A-1", Agreement: "A", Of: delivery.Research, Bucket: "b", Key: "k"},
		delivery.FilesFixed{Files: 3, Bytes: 10, Hash: "h"},
		delivery.MadeAvailable{ManifestSHA256: "m"},
		delivery.BucketEndMoved{To: noon.Add(time.Hour)},
		delivery.HasEnded{Reason: delivery.TermOver, KeyDue: noon},
		delivery.WasEmptied{},
		delivery.KeyWasDestroyed{},
		delivery.BucketWasRemoved{},
		delivery.WasDestroyed{Certificate: "c", SHA256: "s"},
		delivery.KeyWasCompromised{},
		delivery.BucketEndsEarly{End: noon.Add(time.Hour)},
	}
}

// stages are deliveries at each point of their lives, made by the events that lead there.
func stages(t *testing.T) map[string]delivery.Delivery {
	t.Helper()
	all := events()
	ordered, files, available, moved, ended := all[0], all[1], all[2], all[3], all[4]
	emptied, key, bucket, destroyed, compromised, early := all[5], all[6], all[7], all[8], all[9], all[10]
	lives := map[string][]delivery.Event{
		"not there":         {},
		"ordered":           {ordered},
		"files fixed":       {ordered, files},
		"available":         {ordered, files, available},
		"moved":             {ordered, files, available, moved},
		"warned":            {ordered, files, available, moved, early},
		"ended":             {ordered, files, available, ended},
		"ended unprepared":  {ordered, ended},
		"emptied":           {ordered, files, available, ended, emptied},
		"key destroyed":     {ordered, files, available, ended, emptied, key},
		"key first":         {ordered, files, available, ended, key},
		"bucket removed":    {ordered, files, available, ended, emptied, bucket},
		"all but certified": {ordered, files, available, ended, emptied, key, bucket},
		"destroyed":         {ordered, files, available, ended, emptied, key, bucket, destroyed},
		"compromised":       {ordered, files, available, compromised},
		"ended, then so":    {ordered, files, available, ended, emptied, compromised},
		"so, without key":   {ordered, compromised, key},
	}
	made := map[string]delivery.Delivery{}
	for name, life := range lives {
		var d delivery.Delivery
		for _, ev := range life {
			var err error
			if d, err = d.Next(ev, noon); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		made[name] = d
	}
	return made
}

func TestWhatMayHappenToADeliveryAtEachStage(t *testing.T) {
	// For each stage the events that are possible, in the order of events(): o f a m e E K B D c w.
	want := map[string]string{
		"not there":         "o..........",
		"ordered":           ".f..e....c.",
		"files fixed":       "..a.e....c.",
		"available":         "...me....c.",
		"moved":             "...me....cw",
		"warned":            "...me....c.",
		"ended":             ".....EK..c.",
		"ended unprepared":  ".....EK..c.",
		"emptied":           "......KB.c.",
		"key destroyed":     ".......B...",
		"key first":         ".....E.....",
		"bucket removed":    "......K..c.",
		"all but certified": "........D..",
		"destroyed":         "...........",
		"compromised":       ".....EK....",
		"ended, then so":    "......KB...",
		"so, without key":   ".....E.....",
	}
	made := stages(t)
	if len(made) != len(want) {
		t.Fatalf("got %d stages, want %d", len(made), len(want))
	}
	for name, before := range made {
		for i, ev := range events() {
			after, err := before.Next(ev, noon)
			if possible := want[name][i] != '.'; possible != (err == nil) {
				t.Errorf("%s of a delivery that is %s: got %v, want possible: %v", ev.Kind(), name, err, possible)
			}
			if err != nil && (!errors.Is(err, delivery.ErrImpossible) || after != before) {
				t.Errorf("%s of a delivery that is %s: got %v and a change, want ErrImpossible and none", ev.Kind(), name, err)
			}
			if err == nil && after.Rev != before.Rev+1 {
				t.Errorf("%s of a delivery that is %s: got revision %d after %d", ev.Kind(), name, after.Rev, before.Rev)
			}
		}
	}
	t.Run("the key is not destroyed before it is due", func(t *testing.T) {
		d := made["emptied"]
		d.KeyDue = noon.Add(time.Hour)
		_, err := d.Next(delivery.KeyWasDestroyed{}, noon.Add(time.Hour-time.Microsecond))
		wantErr(t, "a microsecond early", err, delivery.ErrImpossible)
		_, err = d.Next(delivery.KeyWasDestroyed{}, noon.Add(time.Hour))
		wantErr(t, "when due", err, nil)
	})
	t.Run("a compromised key is due at once, and the reason of an end that was before it stays", func(t *testing.T) {
		for _, stage := range []string{"files fixed", "available", "ended"} {
			before := made[stage]
			before.KeyDue = noon.Add(24 * time.Hour)
			d, err := before.Next(delivery.KeyWasCompromised{}, noon)
			wantErr(t, stage, err, nil)
			if d.State != delivery.Ended || !d.KeyDue.Equal(noon) || !d.Compromised.Equal(noon) || (d.EndReason == delivery.Compromised) != (stage != "ended") {
				t.Errorf("%s: got %+v", stage, d)
			}
			_, err = d.Next(delivery.KeyWasDestroyed{}, noon)
			wantErr(t, stage+": destroyed at once", err, nil)
		}
	})
	t.Run("nothing is destroyed without a certificate", func(t *testing.T) {
		_, err := made["all but certified"].Next(delivery.WasDestroyed{}, noon)
		wantErr(t, "without a certificate", err, delivery.ErrImpossible)
	})
}

func TestNoSequenceOfEventsBringsADeliveryBack(t *testing.T) {
	order := map[delivery.State]int{"": 0, delivery.Preparing: 1, delivery.Available: 2, delivery.Ended: 3, delivery.Destroyed: 4}
	rapid.Check(t, func(t *rapid.T) {
		var d delivery.Delivery
		at := noon
		var life []string
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			ev := rapid.SampledFrom(events()).Draw(t, "event")
			at = at.Add(time.Duration(rapid.IntRange(0, 3600).Draw(t, "seconds")) * time.Second)
			next, err := d.Next(ev, at)
			if err != nil {
				if next != d {
					t.Fatalf("%v: a refused event changed the delivery", append(life, ev.Kind()))
				}
				continue
			}
			life = append(life, ev.Kind())
			told := strings.Join(life, " ")
			switch {
			case order[next.State] < order[d.State]:
				t.Fatalf("%s: from %s back to %s", told, d.State, next.State)
			case d.State == delivery.Destroyed:
				t.Fatalf("%s: something happened after the end", told)
			case next.Rev != d.Rev+1:
				t.Fatalf("%s: revision %d after %d", told, next.Rev, d.Rev)
			case d.Bucket != "" && (next.Bucket != d.Bucket || next.Key != d.Key || next.Number != d.Number):
				t.Fatalf("%s: bucket, key or number changed", told)
			case next.State == delivery.Destroyed && (next.Emptied.IsZero() || next.KeyDestroyed.IsZero() || next.BucketRemoved.IsZero()):
				t.Fatalf("%s: destroyed, and not all of it is gone", told)
			}
			a := allowing()
			a.Delivery.State = next.State
			if read := delivery.MayRead(a, noon) == nil; read != (next.State == delivery.Available) {
				t.Fatalf("%s: may read is %v in state %s", told, read, next.State)
			}
			d = next
		}
	})
}

func TestSubjectsOfDeliveriesAreTheScopesOfTokens(t *testing.T) {
	if got, want := fmt.Sprint(delivery.ID("X").Subject()), "delivery:X"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
