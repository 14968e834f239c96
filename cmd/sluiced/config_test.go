package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/knadh/koanf/parsers/yaml"
	"github.com/knadh/koanf/providers/file"
	"github.com/knadh/koanf/v2"

	"sluice/licensing"
)

const documentedSettings = "../../infra/deploy/sluice.yaml"

func TestEverySettingIsDocumentedAndNothingElse(t *testing.T) {
	text, err := os.ReadFile(documentedSettings)
	must(t, err)
	k := koanf.New(".")
	must(t, k.Load(file.Provider(documentedSettings), yaml.Parser()))
	var got []string
	for _, key := range k.Keys() {
		key = strings.Replace(key, "keyring.roles.serve.", "keyring.roles."+anyRole+".", 1)
		got = append(got, key)
	}
	want := settings()
	if len(want) < 40 {
		t.Fatalf("found %d settings, want all", len(want))
	}
	for _, key := range want {
		if !slices.Contains(got, key) {
			t.Errorf("%s does not show %s", documentedSettings, key)
		}
	}
	for _, key := range got {
		if !slices.Contains(want, key) {
			t.Errorf("%s shows %s, which is no setting", documentedSettings, key)
		}
	}
	for i, line := range strings.Split(string(text), "\n") {
		if len(line) > 200 {
			t.Errorf("line %d of %s is %d characters long", i+1, documentedSettings, len(line))
		}
	}
}

func TestTheDocumentedSettingsLoad(t *testing.T) {
	text, err := os.ReadFile(documentedSettings)
	must(t, err)
	folder := t.TempDir()
	// The secrets that it names are there.
	named := regexp.MustCompile(`/etc/sluice/([a-z.-]+)`)
	for _, m := range named.FindAllStringSubmatch(string(text), -1) {
		must(t, os.WriteFile(filepath.Join(folder, m[1]), []byte("secret\n"), 0o600))
	}
	path := filepath.Join(folder, "sluice.yaml")
	must(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/etc/sluice/", folder+"/")), 0o600))
	c, err := loadConfig(path)
	if err != nil {
		t.Fatalf("the documented settings have faults:\n%v", err)
	}
	if c.Keyring.Roles["serve"].SecretIDFile == "" || c.KeyDelay.Hours() != 24 || c.TrustedProxies[0] != "127.0.0.1" {
		t.Errorf("the documented settings were not read: %+v", c)
	}
}

func TestSettingsFromTheEnvironmentReachEveryKindOfValue(t *testing.T) {
	for name, value := range map[string]string{
		"SLUICE_TRUSTED_PROXIES": "10.0.0.0/8,192.0.2.1", "SLUICE_KEY_DELAY": "36h", "SLUICE_STORE__HOST_STYLE": "true",
		"SLUICE_KEYRING__ROLES__SIGN__ROLE_ID": "r", "SLUICE_FOUNDATION__NAME": "Stichting, Proef",
		"SLUICE_TERMS__REMINDERS": "60,7", "SLUICE_TERMS__LIST_EVERY": "0", "SLUICE_TERMS__SCOPED_ADEQUACY_IS_EEA": "false",
	} {
		t.Setenv(name, value)
	}
	c, _ := loadConfig("")
	if !slices.Equal(c.TrustedProxies, []string{"10.0.0.0/8", "192.0.2.1"}) || c.KeyDelay.Hours() != 36 || !c.Store.HostStyle ||
		c.Keyring.Roles["sign"].RoleID != "r" || c.Foundation.Name != "Stichting, Proef" {
		t.Errorf("the environment was read as %v, %v, %v, %v, %q", c.TrustedProxies, c.KeyDelay, c.Store.HostStyle, c.Keyring.Roles, c.Foundation.Name)
	}
	want := licensing.DefaultSettings()
	want.Reminders, want.ListEvery, want.ScopedAdequacyIsEEA = []int{60, 7}, 0, false
	if diff := cmp.Diff(want, c.Terms); diff != "" {
		t.Errorf("the terms from the environment (-want +got):\n%s", diff)
	}
}

func TestNoRemindersIsAChoice(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sluice.yaml")
	must(t, os.WriteFile(path, []byte("terms: {reminders: []}\n"), 0o600))
	if c, _ := loadConfig(path); len(c.Terms.Reminders) != 0 || c.Terms.LongestTerm != 3660 {
		t.Errorf("terms with an empty list of reminders: got %+v, want none of them and the other defaults", c.Terms)
	}
}

// A setting that is read and goes nowhere looks like one that works.
func TestTermsAndJurisdictionsReachTheRegistry(t *testing.T) {
	folder := t.TempDir()
	table := filepath.Join(folder, "jurisdictions.json")
	must(t, os.WriteFile(table, []byte(`{"checked": "2026-11-01", "rows": [{"country": "NL", "nl": "Nederland", "en": "Netherlands", "status": "eea", "source": "s"}]}`), 0o600))
	cfg := Config{Zone: "Europe/Amsterdam", LocalKeyFile: filepath.Join(folder, "local.key"), Jurisdictions: table, Terms: licensing.DefaultSettings()}
	cfg.Database.URL, cfg.Terms.LongestTerm = "sqlite:"+filepath.Join(folder, "sluice.db"), 100
	s, err := openCore(t.Context(), cfg, slog.New(slog.DiscardHandler), options{fresh: true})
	must(t, err)
	defer s.Close()
	if got := s.registry.Settings().LongestTerm; got != 100 {
		t.Errorf("the longest term of the registry is %d days, want the 100 of the settings", got)
	}
	if got := s.registry.Jurisdictions().Checked; got != "2026-11-01" || s.docs.table.Checked != got {
		t.Errorf("the registry's table was checked on %q and that of documents on %q, want the file's", got, s.docs.table.Checked)
	}
}
