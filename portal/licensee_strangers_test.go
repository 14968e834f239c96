package portal

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db/dbtest"
)

// Whoever has no part in an agreement learns nothing of it from any address: what is not his and what is not there answer
// with the same bytes, but for the number of the request.
func TestWhatIsNotYoursIsNotThere(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	b := w.inForce(nextYear, map[string][]byte{"x.bin": []byte("x")})
	now := a.load()
	fill := strings.NewReplacer("{contact}", string(now.Contacts[0].ID), "{n}", "1", "{file}", "1", "{id}", string(a.delivery().ID), "{path...}", "b.bam",
		"{token}", "none", "{letter}", "none")
	strangers := map[string]account.Who{"the signatory of another": b.Signatory, "the applicant of another": b.Applicant, "the contact of another": b.Ada,
		"somebody without any part": w.Person("Eve Vreemd", "eve@elsewhere.example"), "a steward": w.Steward}
	tried := 0
	for name, who := range strangers {
		for _, rt := range w.server.routes {
			if !strings.HasPrefix(rt.path, "/agreements/{number}") && !strings.HasPrefix(rt.path, "/deliveries/{id}") {
				continue
			}
			tried++
			for _, number := range []string{a.Number, string(a.ID)} {
				path := strings.ReplaceAll(fill.Replace(rt.path), "{number}", number)
				gone := strings.NewReplacer(a.Number, "DR-9999-A", string(a.ID), "NONE", string(a.delivery().ID), "NONE").Replace(path)
				theirs, nobodys := w.answerTo(rt.method, path, who), w.answerTo(rt.method, gone, who)
				if theirs.code != http.StatusNotFound {
					t.Errorf("%s: %s %s: got %d, want 404", name, rt.method, path, theirs.code)
				}
				if same := strings.ReplaceAll(theirs.text, path, gone); theirs.code != nobodys.code || same != nobodys.text {
					t.Errorf("%s: %s %s differs from what is not there:\n%s\n%s", name, rt.method, path, same, nobodys.text)
				}
			}
		}
	}
	if tried < 100 {
		t.Fatalf("only %d addresses were tried", tried)
	}
	if after := a.load(); after.Rev != now.Rev {
		t.Error("something changed")
	}
}

type answer struct {
	code int
	text string
}

// answerTo is what somebody gets who asks without a browser, with a form where there is one.
func (w *world) answerTo(method, path string, who account.Who) answer {
	body := ""
	if method == http.MethodPost {
		body = url.Values{"code": {"123456"}, "name": {"x"}, "position": {"x"}, "reason": {"x"}, "sha256": {"x"}, "hours": {"1"}, "email": {"x@x.example"},
			"country": {"NL"}, "authority": {"yes"}, "statement": {"yes"}, "accept": {"yes"}}.Encode()
	}
	w.as(who)
	rec := w.ask(method, path, body, "Cookie", "sluice="+w.Cookies[who.Person()], "Accept", "text/html")
	return answer{rec.Code, rec.Body.String()}
}

// A contact sees the agreement that binds him, and does nothing to it; the parties do only what is theirs.
func TestEveryPartDoesOnlyWhatIsItsOwn(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	contact := "/contacts/" + string(a.load().Contacts[0].ID) + "/remove"
	for _, c := range []struct {
		who   account.Who
		name  string
		paths []string
	}{
		{a.Ada, "the contact", []string{"/sign", "/decline", "/signed", "/confirmations", "/contacts", "/contacts/add", "/contacts/confirm", contact, "/extension", "/destruction"}},
		{a.Applicant, "the applicant", []string{"/contacts/add", "/contacts/confirm", contact, "/destruction"}},
		{a.Rep, "the representative", []string{"/contacts/add", "/contacts/confirm", contact, "/destruction", "/extension"}},
		{w.Desk, "the desk", []string{"/sign", "/decline", "/confirmations", "/contacts", "/contacts/add", "/contacts/confirm", contact, "/extension", "/destruction"}},
	} {
		for _, p := range c.paths {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if method == http.MethodPost && (p == "/contacts" || p == "/signed") {
					continue
				}
				if got := w.answerTo(method, a.path(p), c.who); got.code != http.StatusNotFound {
					t.Errorf("%s: %s %s: got %d, want 404", c.name, method, p, got.code)
				}
			}
		}
	}
	if got := w.answerTo(http.MethodGet, a.path(""), w.Desk); got.code != http.StatusSeeOther {
		t.Errorf("the desk at the licensee's page: got %d, want to be led to its own", got.code)
	}
	for name, who := range map[string]account.Who{"the applicant": a.Applicant, "the signatory": a.Signatory, "the desk": w.Desk} {
		for _, p := range []string{"", "/tokens", "/archive", "/files/b.bam", "/files/manifest.json"} {
			if got := w.answerTo(http.MethodGet, a.deliveryPath(p), who); got.code != http.StatusNotFound {
				t.Errorf("%s at the data: %s: got %d, want 404", name, p, got.code)
			}
		}
	}
}
