package licensing_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/licensing"
	"sluice/licensing/jurisdiction"
)

func TestEveryKeyInTheCodeIsListed(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatalf("found %d files: %v", len(files), err)
	}
	keys := licensing.MessageKeys()
	refused := regexp.MustCompile(`refuse\("([^"]+)"`)
	question := regexp.MustCompile(`"(question\.[^"]+)"`)
	used := map[string]bool{}
	for _, f := range append(files, "jurisdiction/decide.go") {
		if strings.HasSuffix(f, "_test.go") || f == "messages.go" {
			continue
		}
		source, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range refused.FindAllStringSubmatch(string(source), -1) {
			used["refused."+m[1]] = true
		}
		for _, m := range question.FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`"(jurisdiction\.[^"]+)"`).FindAllStringSubmatch(string(source), -1) {
			used[m[1]] = true
		}
	}
	for _, r := range jurisdiction.Default().Rows {
		if r.Scope != "" {
			used[r.Scope] = true
		}
	}
	for k := range used {
		if !slices.Contains(keys, k) {
			t.Errorf("%s is used and not listed", k)
		}
	}
	for _, k := range keys {
		if (strings.HasPrefix(k, "refused.") || strings.HasPrefix(k, "question.") || strings.HasPrefix(k, "scope.")) && !used[k] {
			t.Errorf("%s is listed and not used", k)
		}
	}
}

func TestEveryLetterThatIsPostedIsListed(t *testing.T) {
	source, err := os.ReadFile("follow.go")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?:kind\(|Kind = |Kind: |letterOf\(after, )"([^"]+)"`).FindAllStringSubmatch(string(source), -1)
	if len(found) < 15 {
		t.Fatalf("found %d letters", len(found))
	}
	for _, m := range found {
		if !slices.Contains(licensing.LetterKinds(), m[1]) {
			t.Errorf("%s is posted and not listed", m[1])
		}
	}
}

func TestSettingsThatContradictThemselvesAreRefused(t *testing.T) {
	if err := licensing.DefaultSettings().Check(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	s := licensing.DefaultSettings()
	s.Reminders, s.ExtensionAfter, s.JudgeDays = []int{7, 7}, -1, 0
	if err := s.Check(); err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("three faults: got %v", err)
	}
}
