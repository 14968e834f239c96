package templates

import (
	"fmt"
	"math"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestStaticFilesAreKeptForAYearUnderAnAddressThatNamesTheirContent(t *testing.T) {
	for _, name := range []string{"app.css", "app.js", "icon.svg"} {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", Asset(name), nil))
		want, err := os.ReadFile("static/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if w.Code != 200 || w.Body.String() != string(want) {
			t.Errorf("%s at %s: got %d with %d bytes, want 200 with %d", name, Asset(name), w.Code, w.Body.Len(), len(want))
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control is %q", name, got)
		}
		if w.Header().Get("Content-Type") == "" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: headers are %v", name, w.Header())
		}
	}
	for _, path := range []string{"/static/app.css", "/static/", "/static/app.0000000000.css", "/static/../static.go"} {
		w := httptest.NewRecorder()
		Static().ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 404 || w.Header().Get("Cache-Control") != "" {
			t.Errorf("%s: got %d, kept %q; want 404, not kept", path, w.Code, w.Header().Get("Cache-Control"))
		}
	}
	if got := Asset("nothing.css"); got != "" {
		t.Errorf("a file that is not there has the address %q", got)
	}
}

// schemes reads the colours of the light and the dark scheme from the style sheet itself; the dark one inherits what it leaves out.
func schemes(t *testing.T) map[string]map[string]string {
	t.Helper()
	css, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), 2)
	if len(blocks) != 2 {
		t.Fatalf("found %d colour schemes, want 2", len(blocks))
	}
	found := map[string]map[string]string{"light": {}, "dark": {}}
	for i, name := range []string{"light", "dark"} {
		for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(blocks[i][1], -1) {
			found[name][m[1]] = m[2]
		}
	}
	if len(found["light"]) != len(found["dark"]) || len(found["light"]) < 15 {
		t.Errorf("light has %d colours, dark %d; want the same", len(found["light"]), len(found["dark"]))
	}
	return found
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func TestColoursHaveEnoughContrastInBothSchemes(t *testing.T) {
	const text, control = 4.5, 3.0
	soft := "accent-soft success-soft warning-soft danger-soft"
	pairs := []struct {
		front, grounds string
		least          float64
	}{
		{"ink", "paper ground sunken " + soft, text}, {"ink-soft", "paper ground sunken " + soft, text},
		{"accent", "paper ground " + soft, text}, {"accent-strong", "paper ground " + soft, text},
		{"on-accent", "accent accent-strong", text}, {"on-success", "success", text}, {"on-panel", "panel", text}, {"on-danger", "danger danger-strong", text},
		{"success", "paper success-soft", text}, {"warning", "paper warning-soft", text},
		{"danger", "paper ground accent-soft danger-soft", text},
		{"edge", "paper ground sunken accent-soft", control}, {"focus", "paper ground sunken " + soft, control},
	}
	for scheme, colours := range schemes(t) {
		for _, p := range pairs {
			for ground := range strings.FieldsSeq(p.grounds) {
				a, b := colours[p.front], colours[ground]
				if a == "" || b == "" {
					t.Fatalf("%s lacks %s or %s", scheme, p.front, ground)
				}
				la, lb := luminance(t, a), luminance(t, b)
				if ratio := (max(la, lb) + 0.05) / (min(la, lb) + 0.05); ratio < p.least {
					t.Errorf("%s: %s (%s) on %s (%s) is %.2f, want %.1f", scheme, p.front, a, ground, b, ratio, p.least)
				}
			}
		}
	}
}

func TestColoursAndLengthsOutsideTheTokensAreFew(t *testing.T) {
	css, err := os.ReadFile("static/app.css")
	if err != nil {
		t.Fatal(err)
	}
	screen, _, _ := strings.Cut(string(css), "@page")
	_, rules, _ := strings.Cut(screen, "*, *::before")
	// A QR code must stay dark on white in every scheme; nothing else may bring a colour of its own.
	got := fmt.Sprint(regexp.MustCompile(`#[0-9a-fA-F]{3,8}\b`).FindAllString(rules, -1))
	if got != "[#ffffff]" {
		t.Errorf("colours outside the tokens: %s, want the QR code's white only", got)
	}
	for _, want := range []string{"prefers-color-scheme: dark", "forced-colors: active", "prefers-reduced-motion", "@media print"} {
		if !strings.Contains(string(css), want) {
			t.Errorf("the style sheet has no rule for %s", want)
		}
	}
	used := regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(string(css), -1)
	for _, m := range used {
		if !strings.Contains(string(css), "--"+m[1]+":") {
			t.Errorf("--%s is used and not defined", m[1])
		}
	}
}
