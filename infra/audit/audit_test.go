package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// chain makes a chain that holds, of n entries a second apart.
func chain(n int) []Entry {
	var entries []Entry
	var head Head
	for i := range n {
		body, _ := json.Marshal(Body{Version: 1, Kind: "test.happened", By: "worker", Subject: fmt.Sprintf("thing:%d", i), Data: json.RawMessage(`{}`)})
		e := Entry{Seq: head.Seq + 1, At: time.UnixMicro(1_800_000_000_000_000 + int64(i)*1_000_000).UTC(), Body: body}
		e.Hash = Link(head.Hash, e.Seq, e.At, e.Body)
		entries = append(entries, e)
		head = Head{e.Seq, e.At, e.Hash}
	}
	return entries
}

func each(entries []Entry) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestAChainThatNobodyTouchedHolds(t *testing.T) {
	entries := chain(20)
	seen := 0
	head, err := Verify(each(entries), func(e Entry, b Body) error { seen++; return nil })
	if err != nil || seen != 20 || head.Hash != entries[19].Hash || head.Seq != 20 {
		t.Fatalf("got head %+v after %d entries and error %v, want the last of 20", head, seen, err)
	}
}

func TestEveryChangeOfAnEntryIsFound(t *testing.T) {
	for _, row := range []struct {
		name   string
		tamper func([]Entry) []Entry
	}{
		{"a body changed", func(e []Entry) []Entry { e[4].Body = append(slices.Clone(e[4].Body), ' '); return e }},
		{"a time changed", func(e []Entry) []Entry { e[4].At = e[4].At.Add(time.Microsecond); return e }},
		{"an entry removed", func(e []Entry) []Entry { return slices.Delete(e, 4, 5) }},
		{"an entry doubled", func(e []Entry) []Entry { return slices.Insert(e, 4, e[4]) }},
		{"two entries swapped", func(e []Entry) []Entry { e[4], e[5] = e[5], e[4]; return e }},
		{"the first entry removed", func(e []Entry) []Entry { return e[1:] }},
		{"a number changed", func(e []Entry) []Entry { e[4].Seq = 50; return e }},
		{"a hash changed", func(e []Entry) []Entry { e[4].Hash[0] ^= 1; return e }},
		{"an entry from another chain", func(e []Entry) []Entry {
			e[4].Body = []byte(`{"v":1,"kind":"x","by":"worker","on":"y","data":{}}`)
			e[4].Hash = Link(Hash{}, e[4].Seq, e[4].At, e[4].Body)
			return e
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			if _, err := Verify(each(row.tamper(chain(9))), nil); !errors.Is(err, ErrBroken) {
				t.Errorf("got %v, want ErrBroken", err)
			}
		})
	}
}

func TestATailCutOffEndsAtAnotherHead(t *testing.T) {
	entries := chain(9)
	head, err := Verify(each(entries[:7]), nil)
	if err != nil || head.Hash == entries[8].Hash {
		t.Errorf("got head %v and %v; a shorter chain holds, and must not end at the whole one's head", head, err)
	}
}

func TestNoFlippedByteOfABodyKeepsItsHash(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entries := chain(5)
		i := rapid.IntRange(0, 4).Draw(t, "entry")
		at := rapid.IntRange(0, len(entries[i].Body)-1).Draw(t, "byte")
		body := slices.Clone(entries[i].Body)
		body[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		entries[i].Body = body
		if _, err := Verify(each(entries), nil); !errors.Is(err, ErrBroken) {
			t.Fatalf("got %v, want ErrBroken", err)
		}
	})
}

func TestAHashReadsBackWhatItWrote(t *testing.T) {
	want := chain(1)[0].Hash
	got, err := ParseHash(want.String())
	if err != nil || got != want {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
	for _, bad := range []string{"", "00", "zz", want.String() + "00"} {
		if _, err := ParseHash(bad); err == nil {
			t.Errorf("ParseHash(%q) succeeded", bad)
		}
	}
}
