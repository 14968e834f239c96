package account_test

import (
	"slices"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// propose and confirm go through the front door with a fresh code each.
func propose(t *testing.T, w *accounttest.World, who account.Who, kind account.TaskKind, person account.PersonID, grant string) (string, error) {
	t.Helper()
	return w.Accounts.Propose(t.Context(), who, w.Confirm(who, account.ProposalAct(kind, string(person))), kind, person, grant, "seen passport by video")
}

func confirm(t *testing.T, w *accounttest.World, who account.Who, task string) error {
	t.Helper()
	return w.Accounts.ConfirmTask(t.Context(), who, w.Confirm(who, account.TaskAct(task)), task, "called back on the number on file")
}

// both has two members of staff do something about a person.
func both(t *testing.T, w *accounttest.World, kind account.TaskKind, person account.PersonID) {
	t.Helper()
	first, second := w.Operators()
	task, err := propose(t, w, first, kind, person, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := confirm(t, w, second, task); err != nil {
		t.Fatal(err)
	}
}

func TestTheFirstTwoOfStaffAreMadeOnce(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		two := [2]account.NewStaff{{Name: "A", Email: "a@foundation.example"}, {Name: "B", Email: "b@foundation.example"}}
		host := account.Host("root", "server")
		twice := two
		twice[1].Email = " A@foundation.example"
		_, err := w.Accounts.Bootstrap(t.Context(), host, twice)
		wantErr(t, "one person twice", err, account.ErrTooFew)
		_, err = w.Accounts.Bootstrap(t.Context(), account.Who{}, two)
		wantErr(t, "by nobody", err, account.ErrNotAllowed)
		ids, err := w.Accounts.Bootstrap(t.Context(), host, two)
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Accounts.Bootstrap(t.Context(), host, two)
		wantErr(t, "once more", err, account.ErrBootstrapped)
		if told(w, account.NoticeInvitation) != 2 {
			t.Errorf("got %d invitations, want 2", told(w, account.NoticeInvitation))
		}
		wantStaffInvited(t, w, d, "a@foundation.example", "b@foundation.example")
		who := w.Join(ids[0], "A")
		wantStaffInvited(t, w, d, "b@foundation.example")
		if !who.Has(account.Desk) || !who.Has(account.Operator) || who.Has(account.Steward) {
			t.Errorf("got %v, want desk and operator", who)
		}
		clock.Advance(15 * 24 * time.Hour)
		wantErr(t, "sending the other one again from the host", w.Accounts.ResendStaff(t.Context(), host, ids[1]), nil)
		w.Join(ids[1], "B")
	})
}

func wantStaffInvited(t *testing.T, w *accounttest.World, d *db.DB, want ...string) {
	t.Helper()
	var got []string
	err := d.View(t.Context(), func(tx *db.Tx) error {
		all, err := w.Accounts.StaffInvitations(tx)
		for _, inv := range all {
			got = append(got, inv.Email)
		}
		return err
	})
	slices.Sort(got)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("invited are %q (%v), want %q", got, err, want)
	}
}

func TestStaffIsAddedByTwo(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		ada := w.Person("Ada", adaMail)
		auditor := w.Person("Ans", "ans@foundation.example", account.Auditor)
		wanted := account.NewStaff{Name: "Ada", Email: adaMail, Roles: []account.Role{account.Desk}, From: clock.Now().Add(time.Hour), Until: clock.Now().Add(48 * time.Hour)}
		act := account.ProposalAct(account.AddStaff, adaMail)

		_, err := w.Accounts.ProposeStaff(t.Context(), first, account.Proof{}, wanted, "why")
		wantErr(t, "without a code", err, account.ErrNotProved)
		_, err = w.Accounts.ProposeStaff(t.Context(), ada, w.Confirm(ada, act), wanted, "why")
		wantErr(t, "by somebody who is no staff", err, account.ErrNotAllowed)
		_, err = w.Accounts.ProposeStaff(t.Context(), auditor, w.Confirm(auditor, act), wanted, "why")
		wantErr(t, "by an auditor", err, account.ErrNotAllowed)
		_, err = w.Accounts.ProposeStaff(t.Context(), account.Host("root", "x"), account.Proof{}, wanted, "why")
		wantErr(t, "by the host", err, account.ErrNotAllowed)
		_, err = w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, act), wanted, "  ")
		wantErr(t, "without a note", err, account.ErrNote)
		bad := wanted
		bad.Roles = []account.Role{"king"}
		_, err = w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, act), bad, "why")
		wantErr(t, "a role that does not exist", err, account.ErrRoles)

		task, err := w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, act), wanted, "why")
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Accounts.ProposeStaff(t.Context(), second, w.Confirm(second, act), wanted, "why")
		wantErr(t, "proposing it again", err, account.ErrProposed)
		view(t, d, func(tx *db.Tx) error {
			tasks, err := w.Accounts.Tasks(tx)
			if len(tasks) != 1 || tasks[0].ID != task || tasks[0].ProposedBy != first.Person() || tasks[0].Staff.Email != adaMail {
				t.Errorf("got %+v, want the one proposal", tasks)
			}
			return err
		})
		wantErr(t, "confirming one's own", confirm(t, w, first, task), account.ErrSamePerson)
		wantErr(t, "confirming without a code", w.Accounts.ConfirmTask(t.Context(), second, account.Proof{}, task, "why"), account.ErrNotProved)
		wantErr(t, "confirming by an auditor", confirm(t, w, auditor, task), account.ErrNotAllowed)
		wantErr(t, "confirming", confirm(t, w, second, task), nil)
		wantErr(t, "confirming twice", confirm(t, w, second, task), account.ErrNoTask)

		roles := func() bool { return mustSession(t, w, ada.Person()).Who.Has(account.Desk) }
		if roles() {
			t.Error("a role of which the beginning has not come is there")
		}
		clock.Set(wanted.From)
		w.SignIn(ada.Person(), adaMail)
		if !roles() {
			t.Error("a role of which the beginning has come is not there")
		}
		clock.Set(wanted.Until)
		w.SignIn(ada.Person(), adaMail)
		if roles() {
			t.Error("a role that has ended is still there")
		}
	})
}

func TestARoleIsEndedByTwo(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		desk := w.Person("Dirk", "dirk@foundation.example", account.Desk)
		grants := map[account.PersonID]string{}
		view(t, d, func(tx *db.Tx) error {
			roles, err := w.Accounts.StaffRoles(tx)
			for _, r := range roles {
				grants[r.Person] = r.ID
			}
			return err
		})
		end := func(by, also, of account.Who) error {
			task, err := propose(t, w, by, account.EndRole, of.Person(), grants[of.Person()])
			if err != nil {
				return err
			}
			return confirm(t, w, also, task)
		}
		_, err := propose(t, w, first, account.EndRole, first.Person(), grants[first.Person()])
		wantErr(t, "about oneself", err, account.ErrSamePerson)
		wantErr(t, "of a third", end(first, second, desk), nil)
		if mustSession(t, w, desk.Person()).Who.IsStaff() {
			t.Error("Dirk is still staff")
		}
		dirk := mustSession(t, w, desk.Person()).Who
		_, err = propose(t, w, dirk, account.EndRole, first.Person(), grants[first.Person()])
		wantErr(t, "by somebody whose role ended", err, account.ErrNotAllowed)
	})
}

func TestALostFactor(t *testing.T) {
	t.Run("holds everything, and comes back by two of staff and a mailed link", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			first, second := w.Operators()
			ada := w.Person("Ada", adaMail)
			id, codes := ada.Person(), w.Recovery[ada.Person()]
			token, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			half := withPassword(t, w, adaMail)
			wantErr(t, "reporting", w.Accounts.ReportLost(t.Context(), half), nil)
			if f := factorOf(t, w, d, id); !f.Held || f.Holds() {
				t.Errorf("got %+v, want held", f)
			}
			_, err = session(t, w, id)
			wantErr(t, "the open session", err, account.ErrNotSignedIn)
			_, _, err = w.Accounts.ByToken(t.Context(), token)
			wantErr(t, "the token", err, account.ErrNotSignedIn)
			_, _, err = w.Accounts.GiveCode(t.Context(), half, w.CodeOf(id), accounttest.Meta)
			wantErr(t, "the code of the lost device", err, account.ErrCode)
			held := withPassword(t, w, adaMail)
			if !held.Held || held.NeedsCode || held.NeedsEnrolment {
				t.Errorf("after the password: got %+v, want nothing but waiting", held)
			}
			_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), half, codes[0], accounttest.Meta)
			wantErr(t, "a recovery code", err, account.ErrCode)

			task, err := propose(t, w, first, account.ReproveFactor, id, "")
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, "the same one twice", confirm(t, w, first, task), account.ErrSamePerson)
			if f := factorOf(t, w, d, id); !f.Held {
				t.Error("one member of staff was enough")
			}
			wantErr(t, "the second", confirm(t, w, second, task), nil)
			if f := factorOf(t, w, d, id); f.Holds() || f.Held || !f.Enrolled.IsZero() {
				t.Errorf("got %+v, want none", f)
			}
			s := withPassword(t, w, adaMail)
			if !s.NeedsLink || s.NeedsEnrolment {
				t.Errorf("after the password: got %+v, want the link to be needed", s)
			}
			_, err = w.Accounts.BeginEnrolment(t.Context(), s, account.Proof{})
			wantErr(t, "enrolling with the password alone", err, account.ErrNotProved)
			secret := lastLink(t, w, account.NoticeEnrol)
			other := w.Person("Bob", "bob@lab.example")
			wantErr(t, "with the link as somebody else", w.Accounts.OpenEnrolment(t.Context(), mustSession(t, w, other.Person()), secret), account.ErrLink)
			wantErr(t, "with the link", w.Accounts.OpenEnrolment(t.Context(), s, secret), nil)
			w.Enrol(s)
			if f := factorOf(t, w, d, id); !f.Holds() {
				t.Errorf("got %+v, want it to hold again", f)
			}
			_, _, err = w.Accounts.GiveRecoveryCode(t.Context(), withPassword(t, w, adaMail), codes[0], accounttest.Meta)
			wantErr(t, "an old recovery code", err, account.ErrCode)
			wantErr(t, "the link once more", w.Accounts.OpenEnrolment(t.Context(), s, secret), account.ErrLink)
		})
	})
	t.Run("is held by the desk at once, and by nobody else", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			first, _ := w.Operators()
			ada, bob := w.Person("Ada", adaMail), w.Person("Bob", "bob@lab.example")
			wantErr(t, "by Bob", w.Accounts.ReportLostOf(t.Context(), bob, ada.Person()), account.ErrNotAllowed)
			_, err := propose(t, w, first, account.ReproveFactor, ada.Person(), "")
			wantErr(t, "re-proving what was not lost", err, account.ErrState)
			wantErr(t, "by the desk", w.Accounts.ReportLostOf(t.Context(), first, ada.Person()), nil)
			wantErr(t, "twice", w.Accounts.ReportLostOf(t.Context(), first, ada.Person()), account.ErrState)
		})
	})
	t.Run("has a link that is mailed again after a day", func(t *testing.T) {
		each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
			first, _ := w.Operators()
			ada := w.Person("Ada", adaMail)
			wantErr(t, "the desk", w.Accounts.ReportLostOf(t.Context(), first, ada.Person()), nil)
			both(t, w, account.ReproveFactor, ada.Person())
			old := lastLink(t, w, account.NoticeEnrol)
			clock.Advance(24 * time.Hour)
			wantErr(t, "a day later", w.Accounts.OpenEnrolment(t.Context(), withPassword(t, w, adaMail), old), account.ErrLink)
			wantErr(t, "again", w.Accounts.ResendEnrolment(t.Context(), first, ada.Person()), nil)
			s := withPassword(t, w, adaMail)
			wantErr(t, "the fresh one", w.Accounts.OpenEnrolment(t.Context(), s, lastLink(t, w, account.NoticeEnrol)), nil)
			w.Enrol(s)
		})
	})
}

func TestADisabledAccountIsShutEverywhere(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		ada := w.Person("Ada", adaMail)
		id := ada.Person()
		token, _, err := w.Accounts.NewToken(t.Context(), ada, w.Confirm(ada, account.Act{Kind: "token", Subject: "delivery:1"}), "delivery:1", clock.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		invitation := w.Link(w.Invite("Ada", adaMail, "contact:2"))
		half := withPassword(t, w, adaMail)
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
		reset := lastLink(t, w, account.NoticeReset)

		both(t, w, account.Disable, id)

		_, err = session(t, w, id)
		wantErr(t, "the session", err, account.ErrNotSignedIn)
		_, _, err = w.Accounts.ByToken(t.Context(), token)
		wantErr(t, "the token", err, account.ErrNotSignedIn)
		_, _, err = w.Accounts.SignIn(t.Context(), adaMail, accounttest.Password, accounttest.Meta)
		wantErr(t, "signing in", err, account.ErrSignIn)
		_, _, err = w.Accounts.GiveCode(t.Context(), half, w.CodeOf(id), accounttest.Meta)
		wantErr(t, "the code of a session half open", err, account.ErrCode)
		_, err = w.Accounts.Confirm(t.Context(), ada, account.Act{Kind: "sign", Subject: "agreement:1"}, w.CodeOf(id))
		wantErr(t, "confirming", err, account.ErrCode)
		wantErr(t, "the link for a new password", w.Accounts.Reset(t.Context(), reset, "zilveren kompas negen druppels"), account.ErrLink)
		wantErr(t, "an invitation", accept(t, w, invitation), account.ErrLink)
		if f := factorOf(t, w, d, id); f.Holds() {
			t.Errorf("got %+v, want a factor that does not hold", f)
		}
		view(t, d, func(tx *db.Tx) error {
			wantErr(t, "what ran", w.Accounts.Still(tx, ada), account.ErrNotSignedIn)
			return nil
		})
		told := len(w.Notices)
		if err := w.Accounts.RequestReset(t.Context(), adaMail, accounttest.Meta); err != nil {
			t.Fatal(err)
		}
		work(t, w, d)
		if len(w.Notices) != told {
			t.Error("a link for a new password was mailed to a disabled account")
		}

		both(t, w, account.Enable, id)
		_, err = session(t, w, id)
		wantErr(t, "the old session after enabling", err, account.ErrNotSignedIn)
		w.SignIn(id, adaMail)
	})
}

func TestAProposalFallsWithWhoMadeIt(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		_, second := w.Operators()
		ada, desk := w.Person("Ada", adaMail), w.Person("Dirk", "dirk@foundation.example", account.Desk)
		task, err := propose(t, w, desk, account.Disable, ada.Person(), "")
		if err != nil {
			t.Fatal(err)
		}
		both(t, w, account.Disable, desk.Person())
		wantErr(t, "confirming it", confirm(t, w, second, task), account.ErrProposer)
		wantErr(t, "declining it", w.Accounts.DeclineTask(t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "he left"), nil)
		mustSession(t, w, ada.Person())
	})
}

func TestWhoMaySecondAProposalAmongStaffIsAsked(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		first, second := w.Operators()
		desk := w.Person("Dora", "dora@foundation.example", account.Desk, account.Operator)
		w.Person("Ans", "ans@foundation.example", account.Auditor)
		shut := w.Person("Sjoerd", "sjoerd@foundation.example", account.Desk)
		both(t, w, account.Disable, shut.Person())
		ada := w.Person("Ada Lovelace", adaMail)
		asked := func() (who []string) {
			for _, n := range w.Notices {
				if n.Kind == account.NoticeSecond {
					who = append(who, n.Email)
				}
			}
			slices.Sort(who)
			return who
		}
		w.Notices = nil
		task, err := propose(t, w, first, account.Disable, ada.Person(), "")
		if err != nil {
			t.Fatal(err)
		}
		if got, want := asked(), []string{"dora@foundation.example", "second.operator@foundation.example"}; !slices.Equal(got, want) {
			t.Errorf("asked are %q, want %q", got, want)
		}
		for _, n := range w.Notices {
			if n.Task != task || n.By != first.Person() || n.Link != "" {
				t.Errorf("got %+v, want the task and who proposed it", n)
			}
		}
		w.Notices = nil
		if _, err := propose(t, w, first, account.Disable, desk.Person(), ""); err != nil {
			t.Fatal(err)
		}
		if got, want := asked(), []string{"second.operator@foundation.example"}; !slices.Equal(got, want) {
			t.Errorf("of what is about one of them, asked are %q, want %q", got, want)
		}
		w.Notices = nil
		if err := confirm(t, w, second, task); err != nil || len(asked()) != 0 {
			t.Errorf("confirming: got %v, and asked are %q", err, asked())
		}
	})
}

func TestAnInvitationOfStaffIsWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, w *accounttest.World, d *db.DB, clock *dbtest.Clock) {
		two := [2]account.NewStaff{{Name: "A", Email: "a@foundation.example"}, {Name: "B", Email: "b@foundation.example"}}
		ids, err := w.Accounts.Bootstrap(t.Context(), account.Host("root", "server"), two)
		if err != nil {
			t.Fatal(err)
		}
		first := w.Join(ids[0], "A")
		wantErr(t, "of the second of all, by the first", w.Accounts.WithdrawStaff(t.Context(), first, ids[1]), account.ErrTooFew)
		second := w.Join(ids[1], "B")
		invite := func(email string) (id string) {
			t.Helper()
			n := account.NewStaff{Name: "Nina", Email: email, Roles: []account.Role{account.Operator}}
			task, err := w.Accounts.ProposeStaff(t.Context(), first, w.Confirm(first, account.ProposalAct(account.AddStaff, email)), n, "why")
			if err != nil {
				t.Fatal(err)
			}
			wantErr(t, "confirming", confirm(t, w, second, task), nil)
			return w.Notices[len(w.Notices)-1].Link
		}
		id := invite("nnina@foundation.example")
		contact := w.Invite("Ada", adaMail, "contact:1")
		ada := w.Join(contact, "Ada")
		for name, who := range map[string]account.Who{"a contact": ada, "the host": account.Host("root", "server"), "nobody": {}} {
			wantErr(t, "by "+name, w.Accounts.WithdrawStaff(t.Context(), who, id), account.ErrNotAllowed)
		}
		wantErr(t, "of somebody who is no staff", w.Accounts.WithdrawStaff(t.Context(), first, contact), account.ErrNotAllowed)
		wantErr(t, "of one accepted", w.Accounts.WithdrawStaff(t.Context(), first, ids[0]), account.ErrLink)
		link := w.Link(id)
		wantErr(t, "by one of staff", w.Accounts.WithdrawStaff(t.Context(), first, id), nil)
		wantErr(t, "once more", w.Accounts.WithdrawStaff(t.Context(), first, id), account.ErrLink)
		wantErr(t, "accepting it", accept(t, w, link), account.ErrLink)
		wantErr(t, "accepting it with an account", w.Accounts.AcceptAs(t.Context(), link, ada), account.ErrLink)
		wantErr(t, "sending it again", w.Accounts.ResendStaff(t.Context(), second, id), account.ErrLink)
		wantStaffInvited(t, w, d)
		again := w.Join(invite("nina@foundation.example"), "Nina")
		if !again.Has(account.Operator) {
			t.Errorf("invited under the right address: got %v, want an operator", again)
		}
		verify(t, d)
	})
}
