package account_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestASessionEndsToTheSecond(t *testing.T) {
	for name, c := range map[string]struct {
		roles       []account.Role
		idle, total time.Duration
	}{
		"of staff":  {[]account.Role{account.Desk}, 30 * time.Minute, 12 * time.Hour},
		"of others": {nil, time.Hour, 24 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
				who := w.Person("Ada", adaMail, c.roles...)
				begin := clock.Now()
				clock.Set(begin.Add(c.idle - time.Second))
				if _, err := session(t, w, who.Person()); err != nil {
					t.Errorf("a second before idling ends: got %v, want nil", err)
				}
				used := clock.Now()
				clock.Set(used.Add(c.idle + time.Second))
				_, err := session(t, w, who.Person())
				wantErr(t, "a second after idling ends", err, account.ErrNotSignedIn)

				begin = clock.Now()
				w.SignIn(who.Person(), adaMail)
				begin = clock.Now()
				for clock.Now().Add(c.idle / 2).Before(begin.Add(c.total)) {
					clock.Advance(c.idle / 2)
					mustSession(t, w, who.Person())
				}
				clock.Set(begin.Add(c.total - time.Second))
				mustSession(t, w, who.Person())
				clock.Set(begin.Add(c.total))
				_, err = session(t, w, who.Person())
				wantErr(t, "at the end of all", err, account.ErrNotSignedIn)
			})
		})
	}
}

func TestASessionBeforeTheSecondFactorCanDoNothing(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		cookie, s, err := w.Accounts.Accept(t.Context(), w.Link(w.Invite("Ada", adaMail, "someone:1")),
			account.Acceptance{Name: "Ada", Password: accounttest.Password}, accounttest.Meta)
		if err != nil || !s.NeedsEnrolment || s.Full() || s.Who.IsPerson() {
			t.Fatalf("after accepting: got %+v and %v, want nothing but enrolment", s, err)
		}
		full := w.Enrol(s)
		if _, err := w.Accounts.Session(t.Context(), cookie); !errors.Is(err, account.ErrNotSignedIn) {
			t.Errorf("the cookie from before enrolling: got %v, want ErrNotSignedIn", err)
		}
		half := withPassword(t, w, adaMail)
		if !half.NeedsCode || half.Full() || half.Who.IsPerson() {
			t.Errorf("after the password: got %+v, want nothing but the code", half)
		}
		_, err = w.Accounts.BeginEnrolment(t.Context(), half, account.Proof{})
		wantErr(t, "enrolling another factor with the password alone", err, account.ErrNotProved)
		_, err = w.Accounts.BeginEnrolment(t.Context(), full, account.Proof{})
		wantErr(t, "enrolling another factor without a code", err, account.ErrNotProved)
		clock.Advance(15 * time.Minute)
		_, _, err = w.Accounts.GiveCode(t.Context(), half, w.CodeOf(full.Person.ID), accounttest.Meta)
		wantErr(t, "the code after a quarter of an hour", err, account.ErrNotSignedIn)
	})
}

func TestSigningOutKillsTheSession(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		first := w.Cookies[ada.Person()]
		second := w.SignIn(ada.Person(), adaMail)
		if err := w.Accounts.SignOut(t.Context(), first); err != nil {
			t.Fatal(err)
		}
		_, err := w.Accounts.Session(t.Context(), first)
		wantErr(t, "the session signed out", err, account.ErrNotSignedIn)
		mustSession(t, w, ada.Person())
		view(t, d, func(tx *db.Tx) error {
			wantErr(t, "what the dead session runs", w.Accounts.Still(tx, ada), account.ErrNotSignedIn)
			wantErr(t, "what the other runs", w.Accounts.Still(tx, second.Who), nil)
			return nil
		})
		wantErr(t, "signing out twice", w.Accounts.SignOut(t.Context(), first), nil)
	})
}

func TestAPersonListsAndRevokesOnlyHisOwnSessions(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		old := w.Cookies[ada.Person()]
		who := w.SignIn(ada.Person(), adaMail).Who
		lines, err := w.Accounts.Sessions(t.Context(), who)
		if err != nil || len(lines) != 2 || !lines[0].Current || lines[1].Current || lines[0].Agent != accounttest.Meta.Agent {
			t.Fatalf("got %+v and %v, want two sessions, the newest current", lines, err)
		}
		wantErr(t, "Bob revoking Ada's", w.Accounts.RevokeSession(t.Context(), bob, lines[1].ID), account.ErrNotSignedIn)
		wantErr(t, "Ada revoking her own", w.Accounts.RevokeSession(t.Context(), who, lines[1].ID), nil)
		_, err = w.Accounts.Session(t.Context(), old)
		wantErr(t, "the revoked one", err, account.ErrNotSignedIn)
	})
}

func TestChangingThePasswordKillsWhatWasOpen(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		id, elsewhere := ada.Person(), w.Cookies[ada.Person()]
		s := w.SignIn(id, adaMail)
		const fresh = "zilveren kompas negen druppels"
		token, _, err := w.Accounts.NewToken(t.Context(), s.Who, w.Confirm(s.Who, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		proof := w.Confirm(s.Who, account.FactorAct(id))
		_, _, err = w.Accounts.ChangePassword(t.Context(), s, account.Proof{}, accounttest.Password, fresh, accounttest.Meta)
		wantErr(t, "without a code", err, account.ErrNotProved)
		_, _, err = w.Accounts.ChangePassword(t.Context(), s, proof, "not the old one", fresh, accounttest.Meta)
		wantErr(t, "with a wrong old password", err, account.ErrOldPassword)
		cookie, next, err := w.Accounts.ChangePassword(t.Context(), s, proof, accounttest.Password, fresh, accounttest.Meta)
		if err != nil || !next.Full() {
			t.Fatalf("got %+v and %v, want a full session", next, err)
		}
		for name, dead := range map[string]string{"the one elsewhere": elsewhere, "the one that changed it": w.Cookies[id]} {
			_, err := w.Accounts.Session(t.Context(), dead)
			wantErr(t, name, err, account.ErrNotSignedIn)
		}
		_, _, err = w.Accounts.ByToken(t.Context(), token)
		wantErr(t, "the token", err, account.ErrNotSignedIn)
		if _, err := w.Accounts.Session(t.Context(), cookie); err != nil {
			t.Errorf("the session that follows: got %v, want nil", err)
		}
		_, _, err = w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, accounttest.Meta)
		wantErr(t, "the old password", err, account.ErrSignIn)
		_, _, err = w.Accounts.SignIn(t.Context(), adaMail, fresh, accounttest.Meta)
		wantErr(t, "the new password", err, nil)
	})
}

func TestTheCookieIsForThisHostAndNoScript(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := accounttest.New(t, d, clock)
	ada := w.Person("Ada", adaMail)
	secret := w.Cookies[ada.Person()]

	c, err := w.Accounts.Cookies("https://data.example.org")
	if err != nil {
		t.Fatal(err)
	}
	rec := httptest.NewRecorder()
	if err := c.Set(rec, httptest.NewRequest("POST", "/", nil), secret); err != nil {
		t.Fatal(err)
	}
	got := rec.Result().Cookies()[0]
	if got.Name != "__Host-sluice" || !got.Secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.MaxAge != 0 || !got.Expires.IsZero() {
		t.Errorf("got %+v, want __Host-, Secure, HttpOnly, Lax, for this host, gone with the browser", got)
	}
	request := func(cookies ...*http.Cookie) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		return r
	}
	if s, err := c.Session(request(got)); err != nil || s.Who.Person() != ada.Person() {
		t.Errorf("the cookie sent back: got %v and %v, want Ada", s, err)
	}
	planted := &http.Cookie{Name: got.Name, Value: strings.Repeat("a", 64)}
	for name, r := range map[string]*http.Request{"no cookie": request(), "a planted one": request(planted), "two": request(got, planted), "two, the other way": request(planted, got)} {
		_, err := c.Session(r)
		wantErr(t, name, err, account.ErrNotSignedIn)
	}
	rec = httptest.NewRecorder()
	if err := c.SignOut(rec, request(got)); err != nil {
		t.Fatal(err)
	}
	if gone := rec.Result().Cookies()[0]; gone.MaxAge >= 0 || gone.Value != "" {
		t.Errorf("signing out: got %+v, want the cookie taken away", gone)
	}
	_, err = c.Session(request(got))
	wantErr(t, "the cookie after signing out", err, account.ErrNotSignedIn)

	plain, err := w.Accounts.Cookies("http://localhost:8080")
	if err != nil {
		t.Fatal(err)
	}
	rec = httptest.NewRecorder()
	if err := plain.Set(rec, request(), secret); err != nil {
		t.Fatal(err)
	}
	if got := rec.Result().Cookies()[0]; got.Name != "sluice" || got.Secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode {
		t.Errorf("on this machine: got %+v, want no prefix, not Secure, HttpOnly, Lax", got)
	}
	for _, site := range []string{"http://data.example.org", "http://10.0.0.1", "ftp://localhost", "", "localhost:8080"} {
		if _, err := w.Accounts.Cookies(site); err == nil {
			t.Errorf("a site at %q: got no error, want a refusal", site)
		}
	}
}

func TestAPersonChoosesTheLanguage(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		for _, c := range [][2]string{{"nl", "nl"}, {"nl", "nl"}, {"xx", "en"}} {
			wantErr(t, c[0], w.Accounts.SetLang(t.Context(), ada, c[0]), nil)
			if got := mustSession(t, w, ada.Person()).Person.Lang; got != c[1] {
				t.Errorf("set to %s: got %s, want %s", c[0], got, c[1])
			}
		}
		wantErr(t, "by nobody", w.Accounts.SetLang(t.Context(), account.Who{}, "nl"), account.ErrNotAllowed)
	})
}

func TestAnEmptyIdOrHashMatchesNoSessionAndNoToken(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		token := func(who account.Who) (string, account.Who) {
			secret, _, err := w.Accounts.NewToken(t.Context(), who, w.Confirm(who, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			by, _, err := w.Accounts.ByToken(t.Context(), secret)
			if err != nil {
				t.Fatal(err)
			}
			return secret, by
		}
		bob, ada := w.Person("Bob", "bob@lab.example"), w.Person("Ada", adaMail)
		_, bobs := token(bob)
		secret, adas := token(ada)
		broken := func(query string, person account.PersonID) {
			t.Helper()
			change(t, d, func(tx *db.Tx) error {
				if err := tx.Update(query, string(person)); err != nil {
					return err
				}
				return tx.Record("test", noise{})
			})
		}
		broken(`UPDATE sessions SET hash = '' WHERE person_id = $1 AND stage = 'full'`, bob.Person())
		broken(`UPDATE tokens SET hash = '', revoked = 1 WHERE person_id = $1`, bob.Person())
		if s := w.SignIn(ada.Person(), adaMail); s.Person.ID != ada.Person() {
			t.Errorf("Ada's session, beside one without a hash: got that of %s, want her own", s.Person.Name)
		}
		view(t, d, func(tx *db.Tx) error {
			wantErr(t, "Ada's token, beside one without a hash", w.Accounts.Still(tx, adas), nil)
			wantErr(t, "Bob's, which was revoked", w.Accounts.Still(tx, bobs), account.ErrNotSignedIn)
			return nil
		})
		broken(`UPDATE sessions SET id = '' WHERE person_id = $1 AND hash = ''`, bob.Person())
		broken(`UPDATE tokens SET id = '', revoked = 0 WHERE person_id = $1`, bob.Person())
		if got := mustSession(t, w, ada.Person()); got.Person.ID != ada.Person() {
			t.Errorf("Ada's cookie, beside a session without an id: got that of %s, want her own", got.Person.Name)
		}
		who, _, err := w.Accounts.ByToken(t.Context(), secret)
		if err != nil || who.Person() != ada.Person() {
			t.Errorf("Ada's token, beside one without an id: got that of %q and %v, want her own", who.Person(), err)
		}
		for _, none := range []string{"", "sluice_"} {
			_, err := w.Accounts.Session(t.Context(), none)
			wantErr(t, "an empty cookie", err, account.ErrNotSignedIn)
			_, _, err = w.Accounts.ByToken(t.Context(), none)
			wantErr(t, "an empty token", err, account.ErrNotSignedIn)
		}
	})
}
