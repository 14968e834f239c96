package portal

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/licensing"
	"sluice/templates"
)

func TestEveryRefusalHasWords(t *testing.T) {
	pages, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, key := range licensing.MessageKeys() {
		if !strings.HasPrefix(key, "refused.") {
			continue
		}
		found++
		// Everything that a refusal of package licensing ever names.
		m := templates.M(key, "state", "x", "one", "x", "other", "x", "name", "x", "country", "x", "domain", "x", "days", "x", "from", "x", "until", "x", "action", "x", "most", "x")
		for _, lang := range templates.Languages {
			if _, err := pages.Voice(lang, nil, time.Time{}).Say(m); err != nil {
				t.Errorf("%s in %s: %v", key, lang, err)
			}
		}
	}
	if found == 0 {
		t.Fatal("package licensing names no refusals")
	}
}

func TestARefusalSaysStatesDatesAndPartsInWords(t *testing.T) {
	w := newWorldWithoutPeople(t)
	for _, c := range []struct {
		e    licensing.RefusedError
		want string
	}{
		{licensing.RefusedError{Key: "refused.state", Args: map[string]string{"state": "in-force"}}, "In force"},
		{licensing.RefusedError{Key: "refused.amendment-closed", Args: map[string]string{"state": "dropped"}}, "withdrawn"},
		{licensing.RefusedError{Key: "refused.conflict", Args: map[string]string{"one": "signatory", "other": "contact"}}, "signatory of the licensee and download contact"},
		{licensing.RefusedError{Key: "refused.extension-early", Args: map[string]string{"from": "2027-10-02"}}, "2 October 2027"},
		{licensing.RefusedError{Key: "refused.proposal-open", Args: map[string]string{"action": "terminate"}}, "terminating"},
		{licensing.RefusedError{Key: "refused.nothing-known"}, "not possible as things stand"},
	} {
		got, err := w.cfg.Pages.Voice("en", w.zone, w.now()).Say(w.refusal(&c.e))
		if err != nil || !strings.Contains(got, c.want) || regexp.MustCompile(`\{\{|<no value>`).MatchString(got) {
			t.Errorf("%s: got %q, %v, want %q in it", c.e.Key, got, err, c.want)
		}
	}
}

func TestAFormShowsEveryFaultOfAnInputAtItsField(t *testing.T) {
	w := newWorldWithoutPeople(t)
	f := &form{server: w}
	f.note(at("contacts", 1, "email"))
	f.note("until")
	if !f.refuse(licensing.Faults{{Key: "refused.term-order", Field: "until"}, {Key: "refused.email", Field: "contacts.1.email"}}) {
		t.Fatal("the form does not take faults of an input")
	}
	got := f.problems()
	if len(got) != 2 || got[0].Field != "contacts[1].email" || got[1].Field != "until" {
		t.Errorf("got %+v", got)
	}
}
