package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestThePinsAreThoseOfTheNestedModules(t *testing.T) {
	upstream := map[string]string{
		"minio":     "github.com/minio/minio",
		"vault":     "github.com/hashicorp/vault",
		"versitygw": "github.com/versity/versitygw",
	}
	if len(upstream) != len(pins) {
		t.Errorf("%d servers are pinned, want %d", len(pins), len(upstream))
	}
	for name, module := range upstream {
		text, err := os.ReadFile(filepath.Join(name, "go.mod"))
		if err != nil {
			t.Fatal(err)
		}
		if want := module + " " + pins[name] + "\n"; !strings.Contains(string(text), want) {
			t.Errorf("%s/go.mod does not require %q", name, want)
		}
	}
}

func TestAnUnknownServerHasNoBinary(t *testing.T) {
	if path, err := Binary("mysql"); err == nil {
		t.Errorf("got %s, want an error", path)
	}
}

func TestAxeIsTheOnePinned(t *testing.T) {
	text := Axe(t)
	if !strings.Contains(text, "axe v"+AxeVersion) {
		t.Errorf("the script does not say that it is version %s", AxeVersion)
	}
	if err := CheckAxe([]byte(text + " ")); err == nil {
		t.Error("a changed script passes")
	}
}

func TestChromiumShowsAPage(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.html")
	if err := os.WriteFile(page, []byte("<p id=a></p><script>a.textContent = 6*7</script>"), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"--dump-dom", "--user-data-dir=" + t.TempDir()}
	for name, value := range ChromiumFlags() {
		if text, ok := value.(string); ok {
			args = append(args, "--"+name+"="+text)
		} else {
			args = append(args, "--"+name)
		}
	}
	out, err := exec.Command(Chromium(t), append(args, "file://"+page)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), `<p id="a">42</p>`) {
		t.Errorf("got %s, want the page with 42 in it", out)
	}
}
