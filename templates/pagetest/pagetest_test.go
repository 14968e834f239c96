package pagetest

import (
	"fmt"
	"strings"
	"testing"
)

// recorder takes down what Check finds instead of failing.
type recorder struct {
	testing.TB
	found []string
}

func (r *recorder) Helper()                      {}
func (r *recorder) Error(args ...any)            { r.found = append(r.found, fmt.Sprint(args...)) }
func (r *recorder) Errorf(f string, args ...any) { r.found = append(r.found, fmt.Sprintf(f, args...)) }
func (r *recorder) Fatalf(f string, args ...any) { r.Errorf(f, args...); panic("stop") }
func (r *recorder) Fatal(args ...any)            { r.Error(args...); panic("stop") }

const sound = `<!doctype html><html lang="en"><head><title>x</title></head><body><main><h1>x</h1>` +
	`<label for="a">A</label><input id="a" name="a">BODY</main></body></html>`

func check(page, lang string) (found []string) {
	r := &recorder{}
	defer func() {
		if stopped := recover(); stopped != nil && stopped != "stop" {
			panic(stopped)
		}
		found = r.found
	}()
	Check(r, []byte(page), lang)
	return r.found
}

func TestASoundPagePasses(t *testing.T) {
	if found := check(strings.Replace(sound, "BODY", "<p>x</p>", 1), "en"); len(found) > 0 {
		t.Errorf("got %q, want nothing", found)
	}
}

func TestEachFaultIsFound(t *testing.T) {
	for body, want := range map[string]string{
		`<h1>y</h1>`:                 "2 h1",
		`<p id="a">y</p>`:            `"a" stands on 2`,
		`<input name="b" id="b">`:    "has no label",
		`<p style="color:red">y</p>`: "attribute style",
		`<p onclick="x()">y</p>`:     "attribute onclick",
		`<p><div>y</div></p>`:        "not those a browser builds",
		`<p>y</div>`:                 "ends",
		`<img src="x">`:              "no alt",
		`<table><tbody><tr><th>y</th></tr></tbody></table>`:   "no scope",
		`<script>x()</script>`:                                "script stands",
		`<p aria-describedby="z">y</p>`:                       `the id "z"`,
		`<div class="error-summary"><a href="#z">y</a></div>`: `"#z"`,
		`<p>no value</p>`:                                     "a marker",
	} {
		found := check(strings.Replace(sound, "BODY", body, 1), "en")
		if !strings.Contains(strings.Join(found, "\n"), want) {
			t.Errorf("%s: got %q, want %q", body, found, want)
		}
	}
	if found := check(sound, "nl"); !strings.Contains(strings.Join(found, ""), "lang is") {
		t.Errorf("a wrong language: got %q", found)
	}
}
