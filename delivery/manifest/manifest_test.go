package manifest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/manifest"
	"sluice/infra/servers"
)

func file(name, text string) manifest.File {
	body := make([]byte, 0)
	size, err := crypt4gh.BodySize(int64(len(text)))
	if err != nil {
		panic(err)
	}
	sum := crypt4gh.Sum{PlainSize: int64(len(text)), PlainHash: sha256.Sum256([]byte(text)), BodySize: size}
	for range crypt4gh.PartCount(size) {
		sum.Parts = append(sum.Parts, sha256.Sum256(append(body, text...)))
	}
	sum.Root = crypt4gh.RootOf(size, sum.Parts)
	return fileOf(name, "made-up data", "object-"+name, sum)
}

// fileOf describes a sealed file.
func fileOf(name, kind, object string, sum crypt4gh.Sum) manifest.File {
	return manifest.File{Name: name, Kind: kind, Object: object, Size: sum.PlainSize, SHA256: sum.PlainHash,
		BodySize: sum.BodySize, Parts: int64(len(sum.Parts)), Root: sum.Root}
}

func sample() manifest.Manifest {
	return manifest.Manifest{
		Delivery: "DR-0042-A-1",
		Made:     time.Date(2026, 11, 22, 6, 0, 0, 0, time.UTC),
		LeftOut:  1,
		Files:    []manifest.File{file("a/één.vcf", "text"), file("b.csv", ""), file("b.csv.<&>", "x")},
	}
}

func signer(seed byte) (ed25519.PublicKey, func([]byte) ([]byte, []byte, error)) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	public := key.Public().(ed25519.PublicKey)
	return public, func(message []byte) ([]byte, []byte, error) { return ed25519.Sign(key, message), public, nil }
}

func signed(t *testing.T, m manifest.Manifest, seed byte) ([]byte, ed25519.PublicKey) {
	public, with := signer(seed)
	b, err := manifest.Sign(m, with)
	if err != nil {
		t.Fatal(err)
	}
	return b, public
}

func TestASignedManifestIsReadAsItWasMade(t *testing.T) {
	b, public := signed(t, sample(), 1)
	other, _ := signer(2)
	got, err := manifest.Verify(b, other, public)
	if err != nil || !reflect.DeepEqual(got, sample()) {
		t.Errorf("got %+v, %v; want what was signed", got, err)
	}
}

func TestTheEncodingNeverChanges(t *testing.T) {
	m := sample()
	m.Files = m.Files[:1]
	m.Files[0].SHA256, m.Files[0].Root = crypt4gh.Hash{1}, crypt4gh.Hash{0xab}
	want := `{"version":1,"delivery":"DR-0042-A-1","made":"2026-11-22T06:00:00Z","left_out_subjects":1,"files":[` +
		`{"name":"a/één.vcf","kind":"made-up data","size":4,"sha256":"01` + strings.Repeat("00", 31) +
		`","body_size":32,"parts":1,"root":"ab` + strings.Repeat("00", 31) + `","object":"object-a/één.vcf"}]}`
	if got, err := manifest.Encode(m); err != nil || string(got) != want {
		t.Errorf("got %s, %v\nwant %s", got, err, want)
	}
	if got, err := manifest.Encode(manifest.Manifest{Delivery: "D", Made: m.Made}); err != nil || !strings.HasSuffix(string(got), `"files":[]}`) {
		t.Errorf("without files: got %s, %v; want an empty list", got, err)
	}
}

func TestNoBitOfASignedManifestCanChange(t *testing.T) {
	m := sample()
	m.Files = m.Files[:1]
	b, public := signed(t, m, 1)
	for at := range b {
		for bit := range 8 {
			changed := bytes.Clone(b)
			changed[at] ^= 1 << bit
			if _, err := manifest.Verify(changed, public); !errors.Is(err, manifest.ErrSignature) && !errors.Is(err, manifest.ErrFormat) {
				t.Fatalf("bit %d of byte %d changed (%s): got %v, want an error", bit, at, changed, err)
			}
		}
	}
	for cut := range b {
		if _, err := manifest.Verify(b[:cut], public); err == nil {
			t.Fatalf("verified after %d of %d bytes", cut, len(b))
		}
	}
	for _, longer := range []string{" ", "\n", "{}", "\x00"} {
		if _, err := manifest.Verify(append(bytes.Clone(b), longer...), public); err == nil {
			t.Errorf("verified with %q behind it", longer)
		}
	}
}

func TestOnlyATrustedKeyCounts(t *testing.T) {
	b, _ := signed(t, sample(), 1)
	other, _ := signer(2)
	for name, trusted := range map[string][]ed25519.PublicKey{"none": nil, "another": {other}, "an empty one": {nil}} {
		if _, err := manifest.Verify(b, trusted...); !errors.Is(err, manifest.ErrSignature) {
			t.Errorf("trusting %s: got %v, want ErrSignature", name, err)
		}
	}
}

func TestASignatureOfSomethingElseDoesNotCount(t *testing.T) {
	encoded, err := manifest.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	public, with := signer(1)
	sign := func([]byte) ([]byte, []byte, error) { return with(encoded) } // without the domain
	if _, err := manifest.Sign(sample(), sign); err == nil {
		t.Error("a signature over other bytes was taken")
	}
	away := errors.New("the keyring is away")
	if _, err := manifest.Sign(sample(), func([]byte) ([]byte, []byte, error) { return nil, nil, away }); !errors.Is(err, away) {
		t.Errorf("got %v, want %v", err, away)
	}
	good, _ := signed(t, sample(), 1)
	if !bytes.Contains(good, encoded) {
		t.Fatal("the signed file does not contain the encoding as it is")
	}
	if _, err := manifest.Verify(bytes.Replace(good, []byte("DR-0042"), []byte("DR-0043"), 1), public); !errors.Is(err, manifest.ErrSignature) {
		t.Errorf("another number: got %v, want ErrSignature", err)
	}
}

func TestAManifestThatContradictsItselfIsRefused(t *testing.T) {
	for name, change := range map[string]func(*manifest.Manifest){
		"no delivery":               func(m *manifest.Manifest) { m.Delivery = "" },
		"a delivery with a newline": func(m *manifest.Manifest) { m.Delivery = "a\nb" },
		"another zone":              func(m *manifest.Manifest) { m.Made = m.Made.In(time.FixedZone("CET", 3600)) },
		"a negative number":         func(m *manifest.Manifest) { m.LeftOut = -1 },
		"files unsorted":            func(m *manifest.Manifest) { slices.Reverse(m.Files) },
		"a file twice":              func(m *manifest.Manifest) { m.Files[1] = m.Files[0] },
		"an object twice":           func(m *manifest.Manifest) { m.Files[1].Object = m.Files[0].Object },
		"no object":                 func(m *manifest.Manifest) { m.Files[1].Object = "" },
		"a body size of its own":    func(m *manifest.Manifest) { m.Files[1].BodySize++ },
		"a number of parts":         func(m *manifest.Manifest) { m.Files[1].Parts++ },
		"a negative size":           func(m *manifest.Manifest) { m.Files[1].Size = -1 },
		"a size beyond all":         func(m *manifest.Manifest) { m.Files[1].Size = 1<<63 - 1 },
		"a bad name":                func(m *manifest.Manifest) { m.Files[0].Name = "../a" },
		"a reserved name":           func(m *manifest.Manifest) { m.Files[0].Name = "Manifest.JSON" },
		"names that differ in case": func(m *manifest.Manifest) { m.Files[0].Name = "B.csv" },
		"a kind with a tab":         func(m *manifest.Manifest) { m.Files[0].Kind = "a\tb" },
	} {
		m := sample()
		change(&m)
		if b, err := manifest.Encode(m); !errors.Is(err, manifest.ErrFormat) {
			t.Errorf("%s: got %s, %v; want ErrFormat", name, b, err)
		}
	}
}

func TestThereIsOneWayToWriteAManifest(t *testing.T) {
	good, err := manifest.Encode(sample())
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]string{
		"an unknown field":      {`"left_out`, `"more":1,"left_out`},
		"a doubled field":       {`"left_out_subjects":1`, `"left_out_subjects":2,"left_out_subjects":1`},
		"another case":          {`"delivery"`, `"Delivery"`},
		"a space":               {`,"files"`, `, "files"`},
		"another order":         {`"delivery":"DR-0042-A-1","made":"2026-11-22T06:00:00Z"`, `"made":"2026-11-22T06:00:00Z","delivery":"DR-0042-A-1"`},
		"an escaped letter":     {`DR-0042`, `\u0044R-0042`},
		"hex in capitals":       {`"root":"`, `"root":"` + "A"},
		"another version":       {`"version":1`, `"version":2`},
		"an instant with zeros": {`06:00:00Z`, `06:00:00.000Z`},
		"an exponent":           {`"size":4`, `"size":4e0`},
	} {
		b := strings.Replace(string(good), pair[0], pair[1], 1)
		if b == string(good) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := manifest.Decode([]byte(b)); !errors.Is(err, manifest.ErrFormat) {
			t.Errorf("%s: got %v, want ErrFormat", name, err)
		}
	}
}

func TestDecodingWhatWasEncodedGivesItBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := manifest.Manifest{
			Delivery: rapid.StringMatching(`[A-Z]{2}-[0-9]{4}-[A-Z]-[0-9]`).Draw(t, "delivery"),
			Made:     time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "made")).UTC(),
			LeftOut:  rapid.Int64Range(0, 1<<40).Draw(t, "left out"),
		}
		for i, text := range rapid.SliceOfN(rapid.String(), 0, 5).Draw(t, "texts") {
			m.Files = append(m.Files, file(fmt.Sprintf("%d/data", i), text))
		}
		b, err := manifest.Encode(m)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := manifest.Decode(b); err != nil || !reflect.DeepEqual(got, m) {
			t.Fatalf("got %+v, %v\nwant %+v", got, err, m)
		}
	})
}

func FuzzDecode(f *testing.F) {
	good, err := manifest.Encode(sample())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"delivery":"D","made":"2026-11-22T06:00:00Z","left_out_subjects":0,"files":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := manifest.Decode(b)
		if err != nil {
			return
		}
		if again, err := manifest.Encode(m); err != nil || !bytes.Equal(again, b) {
			t.Fatalf("decoded from %s, encoded as %s, %v", b, again, err)
		}
	})
}

func TestTheSumsAreWhatSha256sumChecks(t *testing.T) {
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		servers.Need(t, errors.New("there is no sha256sum here to check with"))
	}
	dir := t.TempDir()
	texts := map[string]string{"a/één & twee.vcf": "text", " leading space": "x", "*star": "y", "-c": "z", "empty": ""}
	var sums strings.Builder
	for name, text := range texts {
		if err := manifest.CheckName(name); err != nil {
			t.Errorf("%q: got %v, want it taken", name, err)
		}
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		sums.WriteString(manifest.SumLine(file(name, text).SHA256.String(), name))
	}
	check := func() (string, error) {
		cmd := exec.Command(tool, "--strict", "-c", "-")
		cmd.Dir, cmd.Stdin = dir, strings.NewReader(sums.String())
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := check(); err != nil || strings.Count(out, ": OK\n") != len(texts) {
		t.Errorf("got %v and\n%swant %d files OK", err, out, len(texts))
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), []byte("no more"), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := check(); err == nil {
		t.Errorf("a changed file passed:\n%s", out)
	}
}
