package portal

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/objects"
	"sluice/infra/servers"
	"sluice/licensing"
	"sluice/templates"
)

var someFiles = map[string][]byte{"sub dir/één #1.vcf": bytes.Repeat([]byte("variants\n"), 20_000), "b.bam": []byte("reads")}

const oddPath = "/files/sub%20dir/%C3%A9%C3%A9n%20%231.vcf"

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAContactDownloads(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := dealWorld(t, d, clock)
		a := w.inForce(nextYear, someFiles)
		carla := w.as(a.Ada)
		carla.Get("/").Sees("Data of delivery " + a.Number + "-1").Follow("Data of delivery")
		sum := sha256.Sum256(someFiles["b.bam"])
		carla.Want(200, "Delivery "+a.Number+"-1").Sees("It is your turn", "sub dir/één #1.vcf", "180 kB", hex.EncodeToString(sum[:]), "31 December 2027", "sha256sum -c SHA256SUMS", "You have not fetched anything yet")
		both(carla, "/", "/deliveries", a.deliveryPath(""), a.deliveryPath("/tokens"))

		carla.Get(a.deliveryPath("")).Follow("één")
		if carla.Status != 200 || carla.Body != string(someFiles["sub dir/één #1.vcf"]) {
			t.Fatalf("the file: got %d with %d bytes", carla.Status, len(carla.Body))
		}
		session := w.session(a.Ada)
		part := w.raw("GET", a.deliveryPath(oddPath), append(session, "Range", "bytes=9-17")...)
		if got := string(body(t, part)); part.StatusCode != 206 || got != "variants\n" {
			t.Errorf("a range: got %d %q", part.StatusCode, got)
		}
		head := w.raw("HEAD", a.deliveryPath(oddPath), session...)
		if head.StatusCode != 200 || head.ContentLength != 180_000 || head.Header.Get("ETag") == "" || head.Header.Get("Accept-Ranges") != "bytes" {
			t.Errorf("HEAD: got %d %v", head.StatusCode, head.Header)
		}
		sums := string(body(t, w.raw("GET", a.deliveryPath("/files/SHA256SUMS"), session...)))
		if !strings.Contains(sums, hex.EncodeToString(sum[:])+"  b.bam") {
			t.Errorf("SHA256SUMS: got %q", sums)
		}
		if m := string(body(t, w.raw("GET", a.deliveryPath("/files/manifest.json"), session...))); !strings.Contains(m, `b.bam`) {
			t.Errorf("the manifest: got %q", m)
		}
		all := tar.NewReader(bytes.NewReader(body(t, w.raw("GET", a.deliveryPath("/archive"), session...))))
		names := map[string]int64{}
		for {
			h, err := all.Next()
			if err != nil {
				break
			}
			names[h.Name[strings.Index(h.Name, "/")+1:]] = h.Size
		}
		if len(names) < len(someFiles) {
			t.Errorf("the archive holds %v", names)
		}
		w.as(a.Ada).Get(a.deliveryPath("")).Sees("b.bam", "may still go on")
		for _, path := range []string{"/files/", "/files/none", "/files/../../tokens", "/files/b.bam/x", "/files/%2e%2e/b.bam"} {
			if got := w.raw("GET", a.deliveryPath(path), session...).StatusCode; got != 404 && got != 301 && got != 307 {
				t.Errorf("%s: got %d, want 404", path, got)
			}
		}
	})
}

// token has somebody make a token through the page, and reads it from there.
func (a *deal) token(who account.Who, hours string) string {
	a.w.t.Helper()
	b := a.w.as(who).Get(a.deliveryPath("/tokens")).Submit("Make a token", "hours", hours, "code", a.w.Code(who)).Want(200, "Your token")
	found := regexp.MustCompile(`Bearer (sluice_[0-9A-Za-z]+)`).FindStringSubmatch(b.Text())
	if found == nil {
		a.w.t.Fatalf("no token on the page: %s", b.Text())
	}
	a.w.site.Forbid("a token", found[1])
	return found[1]
}

func TestAProgramDownloadsWithAToken(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	other := w.inForce(nextYear, map[string][]byte{"x.bin": []byte("x")})
	bad := w.as(a.Ada).Get(a.deliveryPath("/tokens"))
	bad.Submit("Make a token", "hours", "1").Want(422, "Fetch").Sees("Enter the six digits")
	bad.Post(a.deliveryPath("/tokens"), map[string][]string{"hours": {"240"}, "code": {w.Code(a.Ada)}}).Want(422, "Fetch").Sees("Choose how long")

	secret := a.token(a.Ada, "8")
	bearer := []string{"Authorization", "Bearer " + secret, "User-Agent", "curl/8"}
	get := func(path string, more ...string) *http.Response {
		return w.raw("GET", path, append(bearer, more...)...)
	}

	if r := get(a.deliveryPath(oddPath)); r.StatusCode != 200 || !bytes.Equal(body(t, r), someFiles["sub dir/één #1.vcf"]) {
		t.Errorf("the file: got %d", r.StatusCode)
	}
	if r := get(a.deliveryPath(oddPath), "Range", "bytes=179991-"); r.StatusCode != 206 || string(body(t, r)) != "variants\n" {
		t.Errorf("resuming: got %d", r.StatusCode)
	}
	if r := get(a.deliveryPath("/archive"), "Range", "bytes=0-511"); r.StatusCode != 206 || len(body(t, r)) != 512 {
		t.Errorf("a part of the archive: got %d", r.StatusCode)
	}

	t.Run("a token opens nothing else", func(t *testing.T) {
		for _, path := range []string{other.deliveryPath("/files/x.bin"), other.deliveryPath("/archive"), "/deliveries/none/archive", a.deliveryPath("/files/none")} {
			r := get(path)
			if text := string(body(t, r)); r.StatusCode != 404 || strings.Contains(text, "<") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/plain") {
				t.Errorf("%s: got %d %s %q, want 404 in plain text", path, r.StatusCode, r.Header.Get("Content-Type"), text)
			}
		}
		for _, path := range []string{"/", "/deliveries", a.deliveryPath(""), a.deliveryPath("/tokens"), a.path(""), "/account", "/inbox"} {
			if r := get(path); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(r.Header.Get("Location"), "/sign-in") {
				t.Errorf("%s with a token: got %d to %q, want to be sent to sign in", path, r.StatusCode, r.Header.Get("Location"))
			}
		}
		if r := w.raw("POST", a.deliveryPath("/tokens"), bearer...); r.StatusCode != http.StatusSeeOther {
			t.Errorf("making a token with a token: got %d", r.StatusCode)
		}
	})
	t.Run("what is no token opens nothing", func(t *testing.T) {
		for _, h := range []string{"Bearer " + secret[:len(secret)-1] + "A", "Bearer sluice_", "Bearer", "Basic " + secret, "Bearer " + strings.ToUpper(secret), "Bearer " + w.Cookies[a.Ada.Person()]} {
			r := w.raw("GET", a.deliveryPath("/files/b.bam"), "Authorization", h)
			if text := string(body(t, r)); r.StatusCode != 401 || strings.Contains(text, "<html") || strings.Contains(text, secret) {
				t.Errorf("%.20q: got %d %.60q, want 401", h, r.StatusCode, text)
			}
		}
		if r := w.raw("GET", a.deliveryPath("/files/b.bam")+"?token="+secret); r.StatusCode != 401 {
			t.Errorf("in the address: got %d, want 401", r.StatusCode)
		}
	})
	t.Run("after it was revoked it opens nothing", func(t *testing.T) {
		other := a.token(a.Ada, "1")
		w.as(a.Ada).Get(a.deliveryPath("/tokens")).Sees("Works until")
		stranger := w.Person("Eve Vreemd", "eve@elsewhere.example")
		tokens, err := w.Accounts.Tokens(t.Context(), w.SignIn(a.Ada.Person(), "carla@"+a.domain).Who)
		if err != nil || len(tokens) != 2 {
			t.Fatalf("got %d tokens, %v", len(tokens), err)
		}
		w.as(stranger).Post(a.deliveryPath("/tokens/"+tokens[0].ID+"/revoke"), nil).Want(404, "")
		if r := w.raw("GET", a.deliveryPath("/files/b.bam"), "Authorization", "Bearer "+other); r.StatusCode != 200 {
			t.Fatalf("before: got %d", r.StatusCode)
		}
		for range 2 { // a second click changes nothing
			w.as(a.Ada).Post(a.deliveryPath("/tokens/"+tokens[0].ID+"/revoke"), nil).Want(200, "Fetch without a browser").Sees("The token has been revoked")
		}
		if r := w.raw("GET", a.deliveryPath("/files/b.bam"), "Authorization", "Bearer "+other); r.StatusCode != 401 {
			t.Errorf("after: got %d, want 401", r.StatusCode)
		}
		if r := get(a.deliveryPath("/files/b.bam")); r.StatusCode != 200 {
			t.Errorf("the other token: got %d, want 200", r.StatusCode)
		}
	})
	t.Run("it ends by itself", func(t *testing.T) {
		clock.Advance(8 * time.Hour)
		if r := get(a.deliveryPath("/files/b.bam")); r.StatusCode != 401 {
			t.Errorf("after 8 hours: got %d, want 401", r.StatusCode)
		}
	})
}

func TestCurlShowsWhyATokenIsRefused(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		servers.Need(t, errors.New("no curl on this machine: apt-get install curl"))
	}
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	dir := t.TempDir()
	curl := func() (said string, err error) {
		_ = os.Remove(filepath.Join(dir, "b.bam"))
		cmd := exec.Command("curl", "-sK", "config", "-C", "-", "-o", "b.bam", w.site.URL+a.deliveryPath("/files/b.bam"))
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for lang, words := range map[string][2]string{
		"en": {"Access under this agreement has been suspended for everybody", "a token that works"},
		"nl": {"De toegang onder deze overeenkomst is voor iedereen opgeschort", "een token dat nog werkt"}} {
		clock.Advance(time.Minute)
		b := w.as(a.Ada).SetCookie("sluice-lang", lang).Get(a.deliveryPath("/tokens"))
		b.Post(a.deliveryPath("/tokens"), url.Values{"hours": {"1"}, "code": {w.Code(a.Ada)}})
		_, config, _ := strings.Cut(b.Body, "<pre class=\"secret-value\"")
		_, config, _ = strings.Cut(config, ">")
		config, _, _ = strings.Cut(config, "</pre>")
		a.must(os.WriteFile(filepath.Join(dir, "config"), []byte(html.UnescapeString(config)), 0o600))
		if said, err := curl(); err != nil || said != "" {
			t.Errorf("%s: while it may read curl says %q, %v", lang, said, err)
		}
		refused := func(status, reason string) {
			t.Helper()
			said, err := curl()
			if err == nil || !strings.Contains(said, "error: "+status+"\n") || !strings.Contains(said, reason) {
				t.Errorf("%s: curl says %q, %v, want %s and %q", lang, said, err, status, reason)
			}
			if _, err := os.Stat(filepath.Join(dir, "b.bam")); err == nil {
				t.Error("curl saved the refusal as the file")
			}
		}
		a.two(licensing.ActionSuspend)
		refused("403", words[0])
		a.two(licensing.ActionResume)
		clock.Advance(time.Hour)
		refused("401", words[1])
	}
}

func TestWhileTheStoreIsAwayAPageSaysSoAndWhenToTryAgain(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	secret := a.token(a.Ada, "24")
	w.Store.FailFrom(1, objects.NotDone)
	for _, path := range []string{"/files/b.bam", "/files/manifest.json", "/archive"} {
		for lang, words := range map[string][2]string{
			"en": {"The service is not available for the moment", "The place where the files lie cannot be reached for the moment"},
			"nl": {"De dienst is even niet beschikbaar", "De opslag waarin de bestanden staan, is even niet bereikbaar"}} {
			w.as(a.Ada).SetCookie("sluice-lang", lang).Get(a.deliveryPath(path)).Want(503, words[0]).Sees(words[1])
		}
		for _, header := range [][]string{w.session(a.Ada), {"Authorization", "Bearer " + secret}} {
			r := w.raw("GET", a.deliveryPath(path), header...)
			if r.StatusCode != 503 || r.Header.Get("Retry-After") == "" || r.Header.Get("ETag") != "" {
				t.Errorf("%s: got %d with %v, want 503 and when to try again", path, r.StatusCode, r.Header)
			}
		}
	}
	r := w.raw("GET", a.deliveryPath("/archive"), "Authorization", "Bearer "+secret)
	if text := string(body(t, r)); strings.Contains(text, "<") || !strings.Contains(text, "The place where the files lie cannot be reached") {
		t.Errorf("a program: got %q", text)
	}
	w.as(a.Ada).Get(a.deliveryPath("")).Want(200, "Delivery "+a.Number+"-1").Sees("b.bam") // which needs no store
	if r := w.raw("HEAD", a.deliveryPath("/files/b.bam"), w.session(a.Ada)...); r.StatusCode != 200 {
		t.Errorf("HEAD, which needs no store: got %d", r.StatusCode)
	}
	w.Store.Heal()
	w.as(a.Ada).Get(a.deliveryPath("/files/b.bam"))
	if r := w.raw("GET", a.deliveryPath("/files/b.bam"), w.session(a.Ada)...); r.StatusCode != 200 || string(body(t, r)) != "reads" {
		t.Errorf("when it is back: got %d", r.StatusCode)
	}
}

func TestATokenNeverOutlivesTheTerm(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(licensing.Date{Year: 2026, Month: 11, Day: 22}, someFiles)
	secret := a.token(a.Ada, "24")
	get := func() *http.Response {
		return w.raw("GET", a.deliveryPath("/files/b.bam"), "Authorization", "Bearer "+secret)
	}
	clock.Set(a.load().Term.Until.Add(-time.Millisecond))
	if r := get(); r.StatusCode != 200 {
		t.Errorf("in the last millisecond: got %d, want 200", r.StatusCode)
	}
	clock.Set(a.load().Term.Until)
	if r := get(); r.StatusCode == 200 {
		t.Errorf("at the end: got %d", r.StatusCode)
	}
}

func TestEveryRefusalSaysWhyAndTheWayOut(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	secret := a.token(a.Ada, "24")
	check := func(t *testing.T, status int, words ...string) {
		t.Helper()
		carla := w.as(a.Ada).Get(a.deliveryPath("")).Want(200, "is not open to you now").Sees(words...)
		if carla.Has("b.bam") {
			t.Error("the files are listed")
		}
		both(carla, a.deliveryPath(""), "/deliveries", "/")
		carla.Get(a.deliveryPath("/tokens")).Want(status, "is not open to you now")
		carla.Get(a.deliveryPath("/files/b.bam")).Want(status, "is not open to you now").Sees(words...)
		carla.Get(a.deliveryPath("/archive")).Want(status, "is not open to you now")
		r := w.raw("GET", a.deliveryPath("/files/b.bam"), "Authorization", "Bearer "+secret)
		if text := string(body(t, r)); r.StatusCode != status || !strings.Contains(text, words[0]) || !strings.Contains(text, "\nAfter that: ") || strings.Contains(text, "<") {
			t.Errorf("a program: got %d %q, want %d %q", r.StatusCode, text, status, words[0])
		}
	}
	t.Run("one contact suspended", func(t *testing.T) {
		a.must(w.Registry.SuspendContact(t.Context(), w.Desk, a.ID, a.load().Contacts[0].ID, "a laptop was stolen"))
		check(t, 403, "The data access desk has suspended your access", "desk@foundation.example")
		id := a.load().Contacts[0].ID
		a.must(w.Registry.ResumeContact(t.Context(), w.Desk, w.Act(w.Desk, "decide", "agreement:"+string(a.ID)), a.ID, id, "found again"))
	})
	t.Run("everybody suspended", func(t *testing.T) {
		a.must(w.Registry.Stop(t.Context(), w.Desk, a.ID, "something is wrong", nil))
		check(t, 403, "Access under this agreement has been suspended for everybody", "The last day stays 31 December 2027")
		both(w.as(a.Signatory), a.path(""), a.path("/contacts"))
		a.must(w.Registry.ConfirmStop(t.Context(), w.Second, w.Act(w.Second, "decide", "agreement:"+string(a.ID)), a.ID))
		a.two(licensing.ActionResume)
	})
	t.Run("being prepared", func(t *testing.T) {
		set := w.Import("later", map[string][]byte{"b.bam": []byte("x")})
		b := w.deal("NL", "en", nextYear, set.ID)
		b.signAll()
		b.Ada = b.join("carla", "Carla Contact")
		w.as(b.Ada).Get(b.deliveryPath("")).Want(200, "is not open to you now").Sees("The data are being prepared", "you get an e-mail")
		both(w.as(b.Ada), b.deliveryPath(""), b.path(""), "/")
		w.as(b.Ada).Get(b.deliveryPath("/files/b.bam")).Want(403, "")
		w.WorkOff()
	})
	t.Run("not begun", func(t *testing.T) {
		turn := refusedTurn(delivery.Shown{Refused: licensing.ErrNotYet})
		if turn.What == nil || turn.Next == nil {
			t.Error("nothing is said")
		}
	})
	t.Run("terminated", func(t *testing.T) {
		a.two(licensing.ActionTerminate)
		check(t, 410, "The agreement was terminated on", "all copies must be destroyed")
	})
}

// two has two members of staff suspend, resume or terminate.
func (a *deal) two(action licensing.Action) {
	a.w.t.Helper()
	subject := "agreement:" + string(a.ID)
	a.must(a.w.Registry.Propose(a.w.t.Context(), a.w.Desk, a.w.Act(a.w.Desk, "decide", subject), a.ID, action, "because"))
	a.must(a.w.Registry.Second(a.w.t.Context(), a.w.Second, a.w.Act(a.w.Second, "decide", subject), a.ID, action, "because"))
}

func TestEveryReasonHasWordsInBothLanguages(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	at := clock.Now()
	term := licensing.Term{From: at.AddDate(0, -1, 0), Until: at.AddDate(0, 1, 0)}
	for _, reason := range closings {
		for _, lang := range []string{"en", "nl"} {
			voice := w.server.cfg.Pages.Voice(lang, w.Registry.Zone(), at)
			shown := delivery.Shown{Access: delivery.Access{Agreement: licensing.Agreement{Zone: "Europe/Amsterdam", State: licensing.InForce, Term: term}}, At: at, Refused: reason}
			turn := refusedTurn(shown)
			for _, m := range []templates.Msg{turn.Who, turn.What, turn.Next} {
				if m == nil && turn.Yours {
					continue
				}
				if text, err := voice.Say(m); err != nil || text == "" && m != turn.Who {
					t.Errorf("%v in %s: got %q, %v", reason, lang, text, err)
				}
			}
		}
	}
}
