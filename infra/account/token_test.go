package account_test

import (
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestAToken(t *testing.T) {
	const scope = "delivery:1"
	act := account.Act{Kind: "token", Subject: scope}
	day := 24 * time.Hour

	t.Run("stands in for its person at one delivery, without roles", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			desk := w.Person("Dirk", "dirk@foundation.example", account.Desk)
			secret, token, err := w.Accounts.NewToken(t.Context(), desk, w.Confirm(desk, act), scope, clock.Now().Add(48*time.Hour))
			if err != nil || !strings.HasPrefix(secret, "sluice_") || len(secret) != 7+64 || !token.Expires.Equal(clock.Now().Add(day)) {
				t.Fatalf("got %q, %+v and %v, want sluice_ and 256 bits, for 24 hours", secret, token, err)
			}
			who, _, err := w.Accounts.ByToken(t.Context(), secret)
			if err != nil || who.Person() != desk.Person() || who.Scope() != scope || who.IsStaff() {
				t.Errorf("got %v and %v, want Dirk at %s, without roles", who, err, scope)
			}
			// What needs a person in a browser is closed to a token.
			_, err = w.Accounts.Confirm(t.Context(), who, act, w.Code(desk))
			wantErr(t, "confirming", err, account.ErrNotAllowed)
			_, _, err = w.Accounts.NewToken(t.Context(), who, account.Proof{}, scope, clock.Now().Add(day))
			wantErr(t, "another token", err, account.ErrNotAllowed)
			_, err = w.Accounts.Sessions(t.Context(), who)
			wantErr(t, "sessions", err, account.ErrNotAllowed)
			wantErr(t, "accepting", w.Accounts.AcceptAs(t.Context(), w.Link(w.Invite("X", "x@lab.example", "contact:1")), who), account.ErrNotAllowed)
			list, err := w.Accounts.Tokens(t.Context(), desk)
			if err != nil || len(list) != 1 || list[0].LastUsed.IsZero() {
				t.Errorf("got %+v and %v, want one token that was used", list, err)
			}
		})
	})
	t.Run("ends when it should, to the second", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			proof := w.Confirm(ada, act)
			end := clock.Now().Add(time.Hour)
			secret, _, err := w.Accounts.NewToken(t.Context(), ada, proof, scope, end)
			if err != nil {
				t.Fatal(err)
			}
			clock.Set(end.Add(-time.Second))
			_, _, err = w.Accounts.ByToken(t.Context(), secret)
			wantErr(t, "a second before", err, nil)
			clock.Set(end)
			_, _, err = w.Accounts.ByToken(t.Context(), secret)
			wantErr(t, "at the end", err, account.ErrNotSignedIn)
		})
	})
	t.Run("needs a proof for this delivery, a scope and a time to come", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			proof := w.Confirm(ada, act)
			later := clock.Now().Add(time.Hour)
			for name, c := range map[string]struct {
				proof account.Proof
				scope string
				until time.Time
				want  error
			}{
				"no proof":         {account.Proof{}, scope, later, account.ErrNotProved},
				"another delivery": {proof, "delivery:2", later, account.ErrNotProved},
				"no scope":         {proof, "", later, account.ErrScope},
				"everything":       {proof, "delivery:", later, account.ErrScope},
				"over":             {proof, scope, clock.Now(), account.ErrScope},
			} {
				_, _, err := w.Accounts.NewToken(t.Context(), ada, c.proof, c.scope, c.until)
				wantErr(t, name, err, c.want)
			}
		})
	})
	t.Run("is revoked by its person alone", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
			secret, token, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, act), scope, clock.Now().Add(day))
			if err != nil {
				t.Fatal(err)
			}
			who, _, err := w.Accounts.ByToken(t.Context(), secret)
			wantErr(t, "using it", err, nil)
			wantErr(t, "Bob", w.Accounts.RevokeToken(t.Context(), bob, token.ID), account.ErrNotSignedIn)
			wantErr(t, "Ada", w.Accounts.RevokeToken(t.Context(), ada, token.ID), nil)
			_, _, err = w.Accounts.ByToken(t.Context(), secret)
			wantErr(t, "revoked", err, account.ErrNotSignedIn)
			view(t, d, func(tx *db.Tx) error {
				wantErr(t, "what it runs", w.Accounts.Still(tx, who), account.ErrNotSignedIn)
				return nil
			})
			for _, bad := range []string{"", "sluice_", token.ID, "sluice_" + token.ID, strings.TrimPrefix(secret, "sluice_")} {
				_, _, err = w.Accounts.ByToken(t.Context(), bad)
				wantErr(t, bad, err, account.ErrNotSignedIn)
			}
		})
	})
}
