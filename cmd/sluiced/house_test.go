package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/infra/servers"
)

// arrows are the edges between our packages that are allowed, beside those below: whoever needs another argues it here.
// Imports run downward, so that a licence knows no bucket and a bucket no licence.
var arrows = map[string][]string{
	"cmd/sluiced": {"portal", "delivery", "licensing", "licensing/jurisdiction", "templates", "templates/document", "templates/document/dates",
		"templates/mail", "infra/account", "infra/audit", "infra/db", "infra/keyring", "infra/mail", "infra/objects"},
	"portal": {"delivery", "delivery/crypt4gh", "delivery/manifest", "licensing", "licensing/jurisdiction", "templates", "templates/document",
		"templates/document/dates", "templates/mail", "infra/account", "infra/audit", "infra/db", "infra/mail"},
	"delivery":                       {"delivery/crypt4gh", "delivery/manifest", "licensing", "infra/account", "infra/audit", "infra/db"},
	"delivery/crypt4gh":              {},
	"delivery/manifest":              {"delivery/crypt4gh"}, // which is a leaf: the client may have both
	"licensing":                      {"licensing/jurisdiction", "infra/account", "infra/audit", "infra/db"},
	"licensing/jurisdiction":         {},
	"templates":                      {},
	"templates/agreements":           {},
	"templates/document":             {"templates/agreements", "templates/document/dates", "templates/document/placeholder"},
	"templates/document/dates":       {},
	"templates/document/placeholder": {},
	"templates/mail":                 {"templates/document/dates", "templates/document/placeholder"},
	"infra/account":                  {"infra/audit", "infra/db"},
	"infra/audit":                    {},
	"infra/db":                       {"infra/audit"},
	"infra/keyring":                  {"delivery", "delivery/manifest"}, // for the fingerprint of the key that signs
	"infra/mail":                     {},
	"infra/objects":                  {"delivery"},
	"infra/servers":                  {},
}

// forTests are packages that tests import and the product does not.
var forTests = regexp.MustCompile(`test$|^infra/servers|/testdata$|/e2e$`)

func TestImportsRunDownwardOnly(t *testing.T) {
	out, err := output(t, "go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "sluice/...")
	if err != nil {
		t.Fatalf("listing packages: %v\n%s", err, out)
	}
	seen := 0
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], "sluice/")
		if forTests.MatchString(name) {
			continue
		}
		seen++
		allowed, known := arrows[name]
		if !known {
			t.Errorf("package %s is not in the list of arrows", name)
		}
		for _, imported := range fields[1:] {
			to, ours := strings.CutPrefix(imported, "sluice/")
			if ours && !slices.Contains(allowed, to) {
				t.Errorf("%s imports %s, which is not in the list of arrows", name, to)
			}
		}
	}
	if seen < 15 {
		t.Fatalf("found %d packages of ours, want them all", seen)
	}
}

// clocks finds calls that read the clock of the machine.
var clocks = regexp.MustCompile(`\btime\.(Now|Since|Until)\b`)

func TestOneClockRulesEverything(t *testing.T) {
	read := 0
	for _, name := range tracked(t) {
		mayRead := strings.HasPrefix(name, "infra/db/") || strings.HasPrefix(name, "infra/servers/") || strings.HasPrefix(name, "cmd/") ||
			strings.HasSuffix(name, "_test.go") || forTests.MatchString(filepath.Dir(name)) || strings.Contains(name, "/testdata/")
		if mayRead || !strings.HasSuffix(name, ".go") {
			continue
		}
		read++
		for i, line := range bytes.Split(contents(t, name), []byte("\n")) {
			code, _, _ := bytes.Cut(line, []byte("//"))
			if clocks.Match(code) {
				t.Errorf("%s:%d reads the machine's clock; use db.DB.Now, tx.At, or take the time as an argument", name, i+1)
			}
		}
	}
	if read < 50 {
		t.Fatalf("looked at %d files, want all of the product", read)
	}
}

// statements finds SQL.
var statements = regexp.MustCompile(`\bSELECT\b|\bINSERT INTO\b|\bUPDATE \w|\bDELETE FROM\b`)

func TestStatementsStandInThePackagesThatOwnTables(t *testing.T) {
	read := 0
	for _, name := range tracked(t) {
		if !strings.HasPrefix(name, "portal/") && !strings.HasPrefix(name, "cmd/") || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		read++
		for i, line := range bytes.Split(contents(t, name), []byte("\n")) {
			code, _, _ := bytes.Cut(line, []byte("//"))
			if statements.Match(code) {
				t.Errorf("%s:%d holds SQL; make it a method of the package that owns the table", name, i+1)
			}
		}
	}
	if read < 50 {
		t.Fatalf("looked at %d files, want all of portal and cmd", read)
	}
}

// machine finds paths that only one machine has.
var machine = regexp.MustCompile(`(^|[\s"'` + "`" + `=(:])/(work|root|home|Users)/[A-Za-z0-9._-]+`)

func TestNoPathOfOneMachineStandsInTheProject(t *testing.T) {
	names := tracked(t)
	if len(names) < 100 {
		t.Fatalf("found %d files, want all of the project", len(names))
	}
	for _, name := range names {
		text := contents(t, name)
		if bytes.IndexByte(text, 0) >= 0 {
			continue
		}
		if found := machine.Find(text); found != nil {
			t.Errorf("%s holds the path %q", name, bytes.TrimSpace(found))
		}
	}
}

// tracked lists the files of the project, by their path from its root.
func tracked(t *testing.T) []string {
	t.Helper()
	out, err := output(t, "git", "-C", "../..", "ls-files")
	if err != nil {
		servers.Need(t, fmt.Errorf("this is no clone with git: %w", err))
	}
	return strings.Fields(out)
}

func contents(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("../..", name))
	if os.IsNotExist(err) {
		return nil // removed, and not committed yet
	}
	must(t, err)
	return b
}

func output(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).Output()
	return string(out), err
}
