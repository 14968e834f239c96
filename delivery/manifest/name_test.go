package manifest_test

import (
	"errors"
	"path"
	"strings"
	"testing"

	"sluice/delivery/manifest"
)

func TestAGoodNameIsTaken(t *testing.T) {
	for _, name := range []string{
		"a", "a.vcf.gz", "een map/één bestand (2).csv", "a/manifest.json", "x/SHA256SUMS", "..a/b", "...a", "ДНК/ΩΣ.bam",
		"manifest.json.gz", "a:b*?\"<>|", "-rf", " a", strings.Repeat("n", 255), "漢字.txt", "data.parts/x",
	} {
		if err := manifest.CheckName(name); err != nil {
			t.Errorf("%q: got %v, want no error", name, err)
		}
	}
}

func TestABadNameIsRefusedWithTheReason(t *testing.T) {
	for name, reason := range map[string]string{
		"":                                      "empty",
		"/etc/passwd":                           "slash",
		"..":                                    "elsewhere",
		"a/../b":                                "elsewhere",
		"./a":                                   "elsewhere",
		"a//b":                                  "empty component",
		"a/":                                    "empty component",
		`a\b`:                                   "backslash",
		"a\nb":                                  "cannot be seen",
		"a\x00":                                 "cannot be seen",
		"a\x7f":                                 "cannot be seen",
		"a\u0085b":                              "cannot be seen",
		"gpj\u202egpj.exe":                      "cannot be seen",
		"a\u200bb":                              "cannot be seen",
		"a\u2028b":                              "cannot be seen",
		"a\ufeffb":                              "cannot be seen",
		"a\ufffdb":                              "cannot be seen",
		"a\xffb":                                "UTF-8",
		"e\u0301.csv":                           "NFC",
		"manifest.json":                         "of its own",
		"MANIFEST.json":                         "of its own",
		"sha256sums":                            "of its own",
		"\u017fha256sums":                       "of its own", // the long s, which is an S in other case
		"manifest.parts/x":                      "kept",
		"Manifest.Parts":                        "kept",
		strings.Repeat("n", 256):                "longer than 255",
		strings.Repeat("nnnnnnnnn/", 103) + "x": "longer than 1024",
	} {
		err := manifest.CheckName(name)
		var nameErr *manifest.NameError
		if !errors.As(err, &nameErr) || !strings.Contains(err.Error(), reason) {
			t.Errorf("%q: got %v, want a NameError with %q", name, err, reason)
		}
	}
}

func TestNamesThatCannotStandSideBySideAreAllTold(t *testing.T) {
	names := []string{"a.csv", "b/c", "A.CSV", "b", "a.csv", "../x", "B/c/d", "ok/ok", "ok/ok2"}
	var got manifest.NameFaults
	if err := manifest.CheckNames(names); !errors.As(err, &got) {
		t.Fatalf("got %v, want NameFaults", err)
	}
	want := []struct {
		index, with int
		reason      string
	}{
		{2, 0, "only in case"}, {4, 0, "the same as name 1"}, {5, -1, "elsewhere"},
		{1, 3, "is a file"}, {6, 3, "is a file"}, {6, 1, "is a file"},
	}
	if len(got) != len(want) {
		t.Fatalf("got %d faults (%v), want %d", len(got), got, len(want))
	}
	for i, w := range want {
		if got[i].Index != w.index || got[i].With != w.with || got[i].Name != names[w.index] || !strings.Contains(got[i].Reason, w.reason) {
			t.Errorf("fault %d: got %+v, want name %d, with %d, %q", i, got[i], w.index, w.with, w.reason)
		}
	}
	if err := manifest.CheckNames([]string{"a/b", "a/c", "A/d", "e"}); err != nil {
		t.Errorf("good names: got %v, want no error", err)
	}
	if err := manifest.CheckNames(nil); err != nil {
		t.Errorf("no names: got %v, want no error", err)
	}
}

// The law: a name that is taken never leads out of the folder, and is its own clean form.
func FuzzCheckName(f *testing.F) {
	for _, name := range []string{"a/b", "../a", "a/./b", "a\\b", "C:a", "\u202e", "é", "e\u0301", "K", "ſ"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if manifest.CheckName(name) != nil {
			return
		}
		if path.Clean(name) != name || path.IsAbs(name) || strings.HasPrefix(name, "../") || name == ".." || strings.ContainsAny(name, "\n\r\x00\\") {
			t.Fatalf("%q was taken", name)
		}
		if err := manifest.CheckNames([]string{name, strings.ToUpper(name)}); err == nil && strings.ToUpper(name) == strings.ToLower(name) {
			t.Fatalf("%q was taken twice", name)
		}
	})
}
