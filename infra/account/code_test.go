package account_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/infra/servers"
)

func TestACode(t *testing.T) {
	sign := account.Act{Kind: "sign", Subject: "agreement:1"}

	t.Run("works once under fifty posts at the same time", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			code := w.Code(ada)
			var good atomic.Int32
			var wg sync.WaitGroup
			for range 50 {
				wg.Go(func() {
					_, err := w.Accounts.Confirm(t.Context(), ada, sign, code)
					var wait *account.WaitError
					switch {
					case err == nil:
						good.Add(1)
					case !errors.Is(err, account.ErrCode) && !errors.As(err, &wait):
						t.Errorf("got %v, want ErrCode", err)
					}
				})
			}
			wg.Wait()
			if good.Load() != 1 {
				t.Errorf("fifty posts of one code: got %d proofs, want 1", good.Load())
			}
		})
	})
	t.Run("of enrolment signs nobody in and confirms nothing", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			code := w.CodeAt(ada.Person(), clock.Now())
			_, err := w.Accounts.Confirm(t.Context(), ada, sign, code)
			wantErr(t, "confirming", err, account.ErrCode)
			_, _, err = w.Accounts.GiveCode(t.Context(), withPassword(t, w, adaMail), code, accounttest.Meta)
			wantErr(t, "signing in", err, account.ErrCode)
		})
	})
	t.Run("that signed in confirms nothing any more", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			who := w.SignIn(ada.Person(), adaMail).Who
			_, err := w.Accounts.Confirm(t.Context(), who, sign, w.CodeAt(ada.Person(), clock.Now()))
			wantErr(t, "the same code", err, account.ErrCode)
			clock.Set(account.NextCode(clock.Now()))
			if _, err = w.Accounts.Confirm(t.Context(), who, sign, w.CodeAt(ada.Person(), clock.Now())); err != nil {
				t.Errorf("the next code: got %v, want nil", err)
			}
		})
	})
	t.Run("is the same code with spaces and wide digits", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			code := w.Code(ada)
			if _, err := w.Accounts.Confirm(t.Context(), ada, sign, " "+code[:3]+"\u00a0"+code[3:]+"\n"); err != nil {
				t.Errorf("with spaces: got %v, want nil", err)
			}
			wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
			for _, again := range []string{code, code[:3] + " " + code[3:], wide, code + " ", "\t" + code} {
				_, err := w.Accounts.Confirm(t.Context(), ada, sign, again)
				wantErr(t, "once more as "+again, err, account.ErrCode)
			}
		})
	})
	t.Run("may be the one before, not an older and not the next", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			clock.Advance(5 * time.Minute)
			at := clock.Now()
			for name, c := range map[string]struct {
				age  time.Duration
				want error
			}{"two before": {time.Minute, account.ErrCode}, "the next": {-30 * time.Second, account.ErrCode}} {
				_, err := w.Accounts.Confirm(t.Context(), ada, sign, w.CodeAt(ada.Person(), at.Add(-c.age)))
				wantErr(t, name, err, c.want)
			}
			_, err := w.Accounts.Confirm(t.Context(), ada, sign, w.CodeAt(ada.Person(), at.Add(-30*time.Second)))
			wantErr(t, "the one before", err, nil)
			_, err = w.Accounts.Confirm(t.Context(), ada, sign, w.CodeAt(ada.Person(), at))
			wantErr(t, "the present one after it", err, nil)
			_, err = w.Accounts.Confirm(t.Context(), ada, sign, w.CodeAt(ada.Person(), at.Add(-30*time.Second)))
			wantErr(t, "back to the one before", err, account.ErrCode)
		})
	})
	t.Run("is not compared after too many wrong ones", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			right := w.Code(ada)
			var err error
			for range 11 {
				_, err = w.Accounts.Confirm(t.Context(), ada, sign, "000000")
			}
			wantWait(t, "the eleventh wrong code", err)
			_, err = w.Accounts.Confirm(t.Context(), ada, sign, right)
			wait := wantWait(t, "the right code at once", err)
			clock.Set(wait.Until)
			_, err = w.Accounts.Confirm(t.Context(), ada, sign, w.CodeAt(ada.Person(), clock.Now()))
			wantErr(t, "the right code after waiting", err, nil)
		})
	})
	t.Run("is no proof from a token, the host or nobody", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			for _, who := range []account.Who{{}, account.Host("root", "test")} {
				_, err := w.Accounts.Confirm(t.Context(), who, sign, "000000")
				wantErr(t, "confirming", err, account.ErrNotAllowed)
			}
		})
	})
}

func TestAProofIsForOnePersonOneActAndFiveMinutes(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		act := account.Act{Kind: "sign", Subject: "agreement:1"}
		proof := w.Confirm(ada, act)
		at := clock.Now()
		for name, c := range map[string]struct {
			who  account.Who
			act  account.Act
			at   time.Time
			want error
		}{
			"now":               {ada, act, at, nil},
			"after 5 minutes":   {ada, act, at.Add(5 * time.Minute), nil},
			"a moment later":    {ada, act, at.Add(5*time.Minute + 1), account.ErrNotProved},
			"before it":         {ada, act, at.Add(-1), account.ErrNotProved},
			"another agreement": {ada, account.Act{Kind: "sign", Subject: "agreement:2"}, at, account.ErrNotProved},
			"another kind":      {ada, account.Act{Kind: "contact", Subject: "agreement:1"}, at, account.ErrNotProved},
			"somebody else":     {bob, act, at, account.ErrNotProved},
			"nobody":            {account.Who{}, act, at, account.ErrNotProved},
		} {
			wantErr(t, name, proof.Covers(c.who, c.act, c.at), c.want)
		}
		wantErr(t, "no proof", account.Proof{}.Covers(account.Who{}, account.Act{}, at), account.ErrNotProved)
	})
}

func TestARecoveryCode(t *testing.T) {
	t.Run("works once, is told, and signs nothing", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			codes := w.Recovery[ada.Person()]
			if len(codes) != 10 {
				t.Fatalf("got %d recovery codes, want 10", len(codes))
			}
			_, full, err := w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), strings.ToLower(" "+codes[0]), accounttest.Meta)
			if err != nil || !full.Full() || !full.Recovered {
				t.Fatalf("a recovery code: got %+v and %v, want a full session that says so", full, err)
			}
			if told(w, account.NoticeRecoveryUsed) != 1 {
				t.Error("nobody was told that a recovery code was used")
			}
			_, err = w.Accounts.Confirm(t.Context(), full.Who, account.Act{Kind: "sign", Subject: "agreement:1"}, codes[1])
			wantErr(t, "signing with another", err, account.ErrCode)
			_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), codes[0], accounttest.Meta)
			wantErr(t, "the same once more", err, account.ErrCode)
			view(t, d, func(tx *db.Tx) error {
				left, err := w.Accounts.RecoveryCodesLeft(tx, ada.Person())
				if left != 9 {
					t.Errorf("got %d codes left, want 9", left)
				}
				return err
			})
		})
	})
	t.Run("works once under twenty posts at the same time", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			code := w.Recovery[ada.Person()][0]
			var open []account.Session
			for range 8 {
				open = append(open, withPassword(t, w, adaMail))
			}
			var good atomic.Int32
			var wg sync.WaitGroup
			for _, s := range open {
				wg.Go(func() {
					if _, _, err := w.Accounts.GiveRecoveryCode(t.Context(), s, code, accounttest.Meta); err == nil {
						good.Add(1)
					}
				})
			}
			wg.Wait()
			if good.Load() != 1 {
				t.Errorf("got %d sessions for one recovery code, want 1", good.Load())
			}
		})
	})
	t.Run("of somebody else, or its stored form, is refused", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
			_, _, err := w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), w.Recovery[bob.Person()][0], accounttest.Meta)
			wantErr(t, "Bob's code", err, account.ErrCode)
			var stored string
			view(t, d, func(tx *db.Tx) error {
				return tx.QueryRow(`SELECT hash FROM recovery_codes WHERE person_id = $1 LIMIT 1`, string(ada.Person())).Scan(&stored)
			})
			_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), stored, accounttest.Meta)
			wantErr(t, "the stored form", err, account.ErrCode)
		})
	})
	t.Run("lets a new factor be enrolled, and the old one dies", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			codes, seed := w.Recovery[ada.Person()], w.Seed(ada.Person())
			_, full, err := w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), codes[0], accounttest.Meta)
			if err != nil {
				t.Fatal(err)
			}
			clock.Advance(time.Minute)
			if w.Enrol(full); w.Seed(ada.Person()) == seed {
				t.Error("the new factor has the old seed")
			}
			_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), codes[1], accounttest.Meta)
			wantErr(t, "a code of the old set", err, account.ErrCode)
		})
	})
}

func TestACodeWorksOnceOverSeveralReplicas(t *testing.T) {
	dsn := servers.Postgres(t)
	d, clock := dbtest.Open(t, dsn)
	w := accounttest.New(t, d, clock)
	replicas := []*account.Accounts{w.Accounts}
	for range 2 {
		d, _ := dbtest.Open(t, dsn)
		d.Now = clock.Now
		replicas = append(replicas, accounttest.New(t, d, clock).Accounts)
	}
	ada := w.Person("Ada", adaMail)
	act := account.Act{Kind: "sign", Subject: "agreement:1"}
	code := w.Code(ada)
	var good atomic.Int32
	var wg sync.WaitGroup
	for i := range 30 {
		wg.Go(func() {
			if _, err := replicas[i%3].Confirm(t.Context(), ada, act, code); err == nil {
				good.Add(1)
			}
		})
	}
	wg.Wait()
	if good.Load() != 1 {
		t.Errorf("got %d proofs for one code, want 1", good.Load())
	}
}

func TestASeedOpensForItsOwnPersonAndUnderItsOwnKeyOnly(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		other, err := account.New(d, [32]byte{9}, account.Options{Hashing: account.ForTests})
		if err != nil {
			t.Fatal(err)
		}
		view(t, d, func(tx *db.Tx) error {
			wantErr(t, "the right key", w.Accounts.CheckKey(tx), nil)
			if other.CheckKey(tx) == nil {
				t.Error("another key: got no error, want one")
			}
			return nil
		})
		act := account.Act{Kind: "sign", Subject: "agreement:1"}
		if _, err := other.Confirm(t.Context(), ada, act, w.Code(ada)); err == nil {
			t.Error("under another key: got a proof, want an error")
		}
		change(t, d, func(tx *db.Tx) error {
			err := tx.Update(`UPDATE factors SET seed = (SELECT seed FROM factors WHERE person_id = $1) WHERE person_id = $2`, string(bob.Person()), string(ada.Person()))
			if err != nil {
				return err
			}
			return tx.Record("test", noise{})
		})
		if _, err := w.Accounts.Confirm(t.Context(), ada, act, w.Code(bob)); err == nil {
			t.Error("Bob's seed in Ada's row: got a proof, want an error")
		}
	})
}
