package manifest_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/delivery/manifest"
)

func TestASignedManifestHasOneForm(t *testing.T) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := manifest.Manifest{Delivery: "DR-0042-A-1", Made: time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC)}
	file, err := manifest.Sign(m, func(b []byte) ([]byte, []byte, error) { return ed25519.Sign(private, b), public, nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := manifest.Verify(file, public); err != nil {
		t.Fatal(err)
	}
	text := string(file)
	for name, other := range map[string]string{
		"no line end":         strings.TrimSuffix(text, "\n"),
		"two line ends":       text + "\n",
		"a byte order mark":   "\ufeff" + text,
		"space":               strings.Replace(text, ":", ": ", 1),
		"another field":       strings.Replace(text, `{"manifest"`, `{"x":1,"manifest"`, 1),
		"a field twice":       strings.Replace(text, `{"manifest"`, `{"manifest":{},"manifest"`, 1),
		"a field in capitals": strings.Replace(text, `"manifest"`, `"Manifest"`, 1),
		"an escape":           strings.Replace(text, `"delivery":"D`, `"delivery":"\u0044`, 1),
		"files that are null": strings.Replace(text, `"files":[]`, `"files":null`, 1),
		"another zone":        strings.Replace(text, `06:00:00Z`, `06:00:00+00:00`, 1),
		"a year of 5 digits":  strings.Replace(text, `2026-11-22`, `12026-11-22`, 1),
	} {
		if _, err := manifest.Verify([]byte(other), public); err == nil {
			t.Errorf("%s: got no error, want a refusal", name)
		}
	}
	if _, err := manifest.Verify(file); !errors.Is(err, manifest.ErrSignature) {
		t.Errorf("no trusted key: got %v, want ErrSignature", err)
	}
	if _, err := manifest.Verify(file, nil, ed25519.PublicKey{}); !errors.Is(err, manifest.ErrSignature) {
		t.Errorf("empty keys: got %v, want ErrSignature", err)
	}
}

func TestNamesThatOneSystemTakesForAnother(t *testing.T) {
	for _, names := range [][]string{{"a.vcf", "a.vcf."}, {"a.vcf", "a.vcf "}, {"dir/x", "dir./y"}, {"dir/x", "dir /y"}} {
		if err := manifest.CheckNames(names); err == nil {
			t.Errorf("%q: got no fault, want one: Windows drops dots and spaces at the end, and the second replaces the first", names)
		}
	}
	for _, name := range []string{"nul", "reads/CON", "aux.vcf", "Com1.txt", "lpt9"} {
		if err := manifest.CheckName(name); err == nil {
			t.Errorf("%q: got no fault, want one: on Windows it is a device, and what is written to it is lost", name)
		}
	}
	for _, name := range []string{"HLA-A*01:01.txt", "console.txt", "auxiliary", "com10.txt", ".hidden", "a. b"} {
		if err := manifest.CheckName(name); err != nil {
			t.Errorf("%q: got %v, want it taken", name, err)
		}
	}
}
