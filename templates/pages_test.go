package templates

import (
	"bytes"
	"testing"
	"time"
)

var testTime = time.Date(2026, time.November, 22, 16, 0, 0, 0, time.UTC)

func amsterdam(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Amsterdam")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func loaded(t *testing.T) *Set {
	t.Helper()
	s, err := Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheDesignPageIsShownInEveryVariantAndLanguage(t *testing.T) {
	s := loaded(t)
	for _, lang := range Languages {
		for _, v := range SampleVariants {
			var out bytes.Buffer
			p := Page{Lang: lang, Zone: amsterdam(t), At: testTime, Path: "/demo/design"}
			if err := s.Render(&out, "components", p.ForComponents(v)); err != nil {
				t.Error(err)
			}
		}
	}
}
