package account_test

import (
	"testing"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// One member of staff holds a lost factor without a code, and two give it back. Whoever holds those of all others leaves
// nobody who could: the foundation would be shut out of its own service for good.
func TestOneOfStaffCannotShutOutAllOthers(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		desk := w.Person("Dineke Balie", "desk@foundation.example", account.Desk)
		auditor := w.Person("Arie Controle", "auditor@foundation.example", account.Auditor)
		wantErr(t, "the auditor's factor", w.Accounts.ReportLostOf(t.Context(), desk, auditor.Person()), nil)
		wantErr(t, "that of one operator", w.Accounts.ReportLostOf(t.Context(), desk, first.Person()), nil)
		wantErr(t, "that of the other", w.Accounts.ReportLostOf(t.Context(), desk, second.Person()), account.ErrLastTwo)
		wantErr(t, "one's own, with one other left", w.Accounts.ReportLostOf(t.Context(), desk, desk.Person()), account.ErrLastTwo)
		if f := factorOf(t, w, d, second.Person()); !f.Holds() {
			t.Errorf("got %+v, want the factor of the other to hold", f)
		}
		for _, who := range []account.Who{first, auditor} {
			task, err := w.Accounts.Propose(t.Context(), desk, w.Confirm(desk, account.ProposalAct(account.ReproveFactor, string(who.Person()))), account.ReproveFactor, who.Person(), "", "seen in person")
			wantErr(t, "proposing to give it back", err, nil)
			wantErr(t, "giving it back", w.Accounts.ConfirmTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "seen in person"), nil)
		}
	})
}
