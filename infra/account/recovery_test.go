package account_test

import (
	"testing"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

func TestRecoveryCodesAreMadeAnewByWhoHasTheApp(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
		id, old := ada.Person(), w.Recovery[ada.Person()]
		// Somebody who stole a code is in, and could enrol an app of his own.
		stolen, thief, err := w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), old[0], accounttest.Meta)
		wantErr(t, "signing in by a code", err, nil)
		w.SignIn(id, adaMail)
		s := mustSession(t, w, id)

		_, err = w.Accounts.RenewRecoveryCodes(t.Context(), s, account.Proof{})
		wantErr(t, "without a code of the app", err, account.ErrNotProved)
		_, err = w.Accounts.RenewRecoveryCodes(t.Context(), s, w.Confirm(bob, account.FactorAct(id)))
		wantErr(t, "with a code of somebody else's app", err, account.ErrNotProved)
		_, err = w.Accounts.RenewRecoveryCodes(t.Context(), s, w.Confirm(s.Who, account.Act{Kind: "sign", Subject: "agreement:1"}))
		wantErr(t, "with a code given for something else", err, account.ErrNotProved)
		_, err = w.Accounts.RenewRecoveryCodes(t.Context(), thief, account.Proof{})
		wantErr(t, "by who has a recovery code only", err, account.ErrNotProved)
		_, err = w.Accounts.RenewRecoveryCodes(t.Context(), withPassword(t, w, adaMail), account.Proof{})
		wantErr(t, "by who has the password only", err, account.ErrNotAllowed)

		fresh, err := w.Accounts.RenewRecoveryCodes(t.Context(), s, w.Confirm(s.Who, account.FactorAct(id)))
		if err != nil || len(fresh) != 10 {
			t.Fatalf("got %d codes and error %v, want ten", len(fresh), err)
		}
		if n := told(w, account.NoticeRecoveryNew); n != 1 {
			t.Errorf("she was told %d times, want once", n)
		}
		_, err = w.Accounts.Session(t.Context(), stolen)
		wantErr(t, "the session of the stolen code", err, account.ErrNotSignedIn)
		if _, err := session(t, w, id); err != nil {
			t.Errorf("her own session: got %v, want it to go on", err)
		}
		half := withPassword(t, w, adaMail)
		_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), half, old[1], accounttest.Meta)
		wantErr(t, "an old code", err, account.ErrCode)
		_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), half, fresh[0], accounttest.Meta)
		wantErr(t, "a new code", err, nil)
		verify(t, d)
	})
}
