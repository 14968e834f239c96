package templates

import (
	"html/template"
	"testing"
)

func TestLinesBreakInNoNumberAndAfterTheSignsOfALongWord(t *testing.T) {
	for in, want := range map[template.HTML]template.HTML{
		"Delivery DR-0002-A-1":                  `Delivery <span class="number">DR-0002-A-1</span>`,
		"CR-0007, DR-0042-A/2":                  `<span class="number">CR-0007</span>, <span class="number">DR-0042-A</span>/2`,
		"a@b.nl or 3/4 of DR-":                  "a@b.nl or 3/4 of DR-",
		"mia.schulz@musterstadt.example":        "mia.schulz@<wbr>musterstadt.example",
		"DEMO_Clinical_2025/diagnoses.csv":      "DEMO_<wbr>Clinical_<wbr>2025/<wbr>diagnoses.csv",
		`<a href="/agreements/DR-0002-A">x</a>`: `<a href="/agreements/DR-0002-A">x</a>`,
		"&lt;svg/onload=alert(1)&gt;":           "&lt;svg/<wbr>onload=alert(1)&gt;",
	} {
		if got := breaking(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}
