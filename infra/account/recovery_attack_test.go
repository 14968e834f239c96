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

// A session that began with a recovery code may enrol a new factor without a code of the old one. For the rest of its day
// that would make its cookie alone worth the whole account: whoever steals it puts his own factor in place, and signs.
func TestARecoveryCodeOpensEnrolmentForAQuarterOfAnHourOnly(t *testing.T) {
	recovered := func(t *testing.T, w *accounttest.World, who account.Who, n int) account.Session {
		t.Helper()
		_, s, err := w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), w.Recovery[who.Person()][n], accounttest.Meta)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	t.Run("to begin it", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			s := recovered(t, w, ada, 0)
			clock.Advance(16 * time.Minute)
			_, err := w.Accounts.BeginEnrolment(t.Context(), s, account.Proof{})
			wantErr(t, "beginning it later", err, account.ErrNotProved)
			_, err = w.Accounts.BeginEnrolment(t.Context(), recovered(t, w, ada, 1), account.Proof{})
			wantErr(t, "beginning it with another recovery code", err, nil)
		})
	})
	t.Run("and to finish it", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			ada := w.Person("Ada", adaMail)
			s := recovered(t, w, ada, 0)
			e, err := w.Accounts.BeginEnrolment(t.Context(), s, account.Proof{})
			wantErr(t, "beginning it at once", err, nil)
			clock.Advance(16 * time.Minute)
			_, _, _, err = w.Accounts.FinishEnrolment(t.Context(), s, codeFor(t, strings.ReplaceAll(e.Secret, " ", ""), clock.Now()), accounttest.Meta)
			wantErr(t, "finishing it later", err, account.ErrNotBegun)
		})
	})
}
