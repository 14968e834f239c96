package account_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func wrong(t *testing.T, w *accounttest.World, email string, meta account.Meta) error {
	t.Helper()
	_, _, err := w.Accounts.SignIn(t.Context(), email, "not the password", meta)
	return err
}

func TestKnownAndUnknownAddressesGetTheSameAnswers(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		w.Person("Ada", adaMail)
		for i := range 14 {
			known := wrong(t, w, adaMail, account.Meta{Address: "198.51.100.1"})
			unknown := wrong(t, w, "nobody@lab.example", account.Meta{Address: "198.51.100.2"})
			if fmt.Sprint(known) != fmt.Sprint(unknown) {
				t.Errorf("attempt %d: got %q for a known and %q for an unknown address, want the same", i+1, known, unknown)
			}
		}
		for _, email := range []string{"", "no address", "a@b@c", "x@y"} {
			wantErr(t, "signing in as "+email, wrong(t, w, email, account.Meta{Address: "198.51.100.3"}), account.ErrSignIn)
		}
	})
}

func TestFailuresCountWhateverBecomesOfTheRest(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		meta := account.Meta{Address: "198.51.100.1"}
		for range 10 {
			wantErr(t, "one of ten", wrong(t, w, adaMail, meta), account.ErrSignIn)
		}
		boom := errors.New("boom")
		err := d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error { return boom })
		wantErr(t, "a failing change", err, boom)
		wantWait(t, "the eleventh", wrong(t, w, adaMail, meta))
		// Spelling the address otherwise is the same account.
		wantWait(t, "in capitals", wrong(t, w, " ADA@Lab.Example ", meta))
		// The second factor's failures are kept though the sign-in they are part of never commits anything.
		half := withPassword(t, w, adaMail)
		for range 10 {
			_, _, err := w.Accounts.GiveCode(t.Context(), half, "000000", accounttest.Meta)
			wantErr(t, "a wrong code", err, account.ErrCode)
		}
		_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), half, w.Recovery[ada.Person()][0], accounttest.Meta)
		wantWait(t, "a recovery code after ten wrong codes", err)
	})
}

func TestTheOwnerIsNotLockedOut(t *testing.T) {
	t.Run("where he signed in before, whatever others try", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			for i := range 1000 {
				wrong(t, w, adaMail, account.Meta{Address: fmt.Sprintf("198.51.100.%d", i%250)})
				clock.Advance(time.Second)
			}
			w.SignIn(ada.Person(), adaMail)
		})
	})
	t.Run("anywhere for more than a quarter of an hour after the last attempt", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			w.Person("Ada", adaMail)
			here := account.Meta{Address: "203.0.113.9"}
			for range 300 {
				err := wrong(t, w, adaMail, here)
				if errors.Is(err, account.ErrSignIn) {
					continue
				}
				wait := wantWait(t, "trying on and on", err)
				if left := wait.Until.Sub(clock.Now()); left > 15*time.Minute {
					t.Fatalf("got %s to wait, want at most 15 minutes", left)
				}
				// Trying while it is shut does not make it longer.
				if again := wantWait(t, "trying while shut", wrong(t, w, adaMail, here)); again.Until.After(wait.Until) {
					t.Fatalf("got %s, want no later than %s", again.Until, wait.Until)
				}
				clock.Set(wait.Until)
			}
			wrong(t, w, adaMail, here)
			clock.Advance(15 * time.Minute)
			_, _, err := w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, here)
			wantErr(t, "the right password after 15 minutes", err, nil)
		})
	})
	t.Run("by a clock that is set back", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			w.Person("Ada", adaMail)
			here := account.Meta{Address: "203.0.113.9"}
			for range 11 {
				wrong(t, w, adaMail, here)
			}
			clock.Advance(-10 * time.Hour)
			wait := wantWait(t, "after the clock went back", wrong(t, w, adaMail, here))
			if left := wait.Until.Sub(clock.Now()); left > 15*time.Minute {
				t.Errorf("got %s to wait, want at most 15 minutes", left)
			}
		})
	})
}

func TestOneNetworkOfIPv6IsOneAddress(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		w.Person("Ada", adaMail)
		var err error
		for i := range 11 {
			err = wrong(t, w, adaMail, account.Meta{Address: fmt.Sprintf("2001:db8:1:2::%x", i+1)})
		}
		wantWait(t, "eleven addresses of one network", err)
	})
}

func TestOnesOwnAccountBuysNoGuessesAtOthers(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		w.Person("Mallory", "mallory@lab.example")
		for name, here := range map[string]account.Meta{"from a new place": {Address: "203.0.113.9"}, "from where one always is": accounttest.Meta} {
			if tried := guesses(t, w, here); tried > 50 {
				t.Errorf("%s: got %d guesses from one address, want about 40", name, tried)
			}
		}
	})
}

// guesses counts how often others' passwords are tried from one address, signing in as oneself in between.
func guesses(t *testing.T, w *accounttest.World, here account.Meta) (tried int) {
	t.Helper()
	for tried < 200 && errors.Is(wrong(t, w, fmt.Sprintf("victim%d@lab.example", tried), here), account.ErrSignIn) {
		tried++
		if _, _, err := w.Accounts.SignIn(t.Context(), "mallory@lab.example", accounttest.Password, here); err != nil {
			break
		}
	}
	return tried
}

func TestTheTableOfFailuresStaysSmall(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := accounttest.New(t, d, clock)
	for i := range 100 {
		wrong(t, w, fmt.Sprintf("nobody%d@lab.example", i), account.Meta{Address: fmt.Sprintf("198.51.%d.1", i)})
	}
	rows := func() (n int) {
		view(t, d, func(tx *db.Tx) error { return tx.QueryRow(`SELECT COUNT(*) FROM sign_in_failures`).Scan(&n) })
		return n
	}
	if got := rows(); got != 300 {
		t.Errorf("got %d rows, want 300", got)
	}
	clock.Advance(25 * time.Hour)
	wrong(t, w, adaMail, account.Meta{Address: "198.51.100.1"})
	if got := rows(); got != 3 {
		t.Errorf("a day later: got %d rows, want the 3 of the last attempt", got)
	}
}

func TestSigningInFromANewPlaceIsTold(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		w.SignIn(ada.Person(), adaMail)
		if n := told(w, account.NoticeNewPlace); n != 0 {
			t.Errorf("from the usual place: got %d messages, want none", n)
		}
		_, s, err := w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, account.Meta{Address: "203.0.113.9"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.Accounts.GiveCode(t.Context(), s, w.CodeOf(ada.Person()), account.Meta{Address: "203.0.113.9"}); err != nil {
			t.Fatal(err)
		}
		if n := told(w, account.NoticeNewPlace); n != 1 {
			t.Errorf("from a new place: got %d messages, want 1", n)
		}
	})
}

func TestAPasswordUnderOldCostsIsHashedAnewAtSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		strong, err := account.New(d, accounttest.Key, account.Options{Foundation: "Stichting Proef"})
		if err != nil {
			t.Fatal(err)
		}
		stored := func() (s string) {
			view(t, d, func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT password FROM accounts WHERE person_id = $1`, string(ada.Person())).Scan(&s)
			})
			return s
		}
		before := stored()
		for range 2 {
			if _, _, err := strong.SignIn(t.Context(), adaMail, accounttest.Password, accounttest.Meta); err != nil {
				t.Fatal(err)
			}
		}
		if after := stored(); after == before || after[:29] != "$argon2id$v=19$m=47104,t=1,p=" {
			t.Errorf("got %.40s, want one with 47 MiB", after)
		}
	})
}

func TestAPasswordThatIsEasyToGuessIsRefused(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	a := accounttest.New(t, d, clock).Accounts
	for password, want := range map[string]error{
		"":                            account.ErrPasswordShort,
		"kort7!x":                     account.ErrPasswordShort,
		"wachtwoord":                  account.ErrPasswordWeak,
		"Wachtwoord123!":              account.ErrPasswordWeak,
		"Welkom2026!":                 account.ErrPasswordWeak,
		"stroopwafel1":                account.ErrPasswordWeak,
		"password1":                   account.ErrPasswordWeak,
		"qwertyuiop":                  account.ErrPasswordWeak,
		"31415926535":                 account.ErrPasswordWeak,
		"aaaaaaaaaaaa":                account.ErrPasswordWeak,
		"Lovelace1":                   account.ErrPasswordOwn,
		"ada.lovelace":                account.ErrPasswordOwn,
		"proef2026":                   account.ErrPasswordOwn,
		"sluice-2026":                 account.ErrPasswordOwn,
		"gracht viool zeven lantaarn": nil,
		"πέντε λέξεις χωρίς νόημα": nil,
		"xK7#pq2vLm":                      nil,
		"  spaties blijven staan  ":       nil,
		string([]byte("kapot\xff kapot")): account.ErrPasswordLong,
		longText(128):                     nil,
		longText(129):                     account.ErrPasswordLong,
	} {
		if got := a.CheckPassword(password, "Ada Lovelace", adaMail); !errors.Is(got, want) {
			t.Errorf("%q: got %v, want %v", password, got, want)
		}
	}
}

func longText(n int) string {
	var s string
	for i := 0; len(s) < n; i++ {
		s += fmt.Sprint("woord", i*i*7919, " ")
	}
	return s[:n]
}

func TestAccountsNeedALocalKey(t *testing.T) {
	d, _ := dbtest.Fresh(t)
	if _, err := account.New(d, [32]byte{}, account.Options{}); err == nil {
		t.Error("an empty key: got no error, want a refusal")
	}
}

func TestEverySignInHashesAPasswordAndAtMostFourAtOnce(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := accounttest.New(t, d, clock)
	w.Person("Ada", adaMail)
	release := w.Accounts.FillSlots()
	for _, email := range []string{adaMail, "nobody@lab.example", "no address"} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		_, _, err := w.Accounts.SignIn(ctx, email, accounttest.Password, accounttest.Meta)
		wantErr(t, email+" while four passwords are being hashed", err, context.DeadlineExceeded)
		cancel()
	}
	release()
	withPassword(t, w, adaMail)
}
