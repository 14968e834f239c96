package licensing_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// attacked runs a story on both engines, on an agreement in force.
func attacked(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.toForce()
		story(t, w)
	})
}

func (w *world) askContact(name, email, country string) (licensing.AmendmentID, error) {
	w.t.Helper()
	return w.r.AskContact(w.t.Context(), w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement,
		licensing.ContactInput{PersonInput: licensing.PersonInput{Name: name, Position: "analyst", Email: email}, Country: country}, "needed")
}

func (w *world) decide(who account.Who, m licensing.AmendmentID, accept bool) error {
	w.t.Helper()
	return w.r.DecideAmendment(w.t.Context(), who, w.act(who, "decide", "amendment:"+string(m)), w.agreement, m, accept, "because")
}

// extend asks for and grants an extension, by two.
func (w *world) extend(first, second account.Who) error {
	w.t.Helper()
	m, err := w.r.AskExtension(w.t.Context(), w.applicant, w.agreement, licensing.Date{Year: 2028, Month: time.June, Day: 30}, "more to do")
	if err != nil {
		return err
	}
	if err := w.decide(first, m, true); err != nil {
		return err
	}
	return w.decide(second, m, true)
}

func (w *world) nearTheEnd() {
	w.t.Helper()
	w.clock.Set(w.get().Term.Until.Add(-30 * 24 * time.Hour))
	// Everybody has been away for long: new sessions.
	for _, p := range []struct {
		who   *account.Who
		email string
	}{{&w.desk, "desk@foundation.example"}, {&w.second, "second@foundation.example"}, {&w.applicant, "anna@uni.example"}, {&w.signatory, "sjoerd@uni.example"}} {
		*p.who = w.SignIn(p.who.Person(), p.email).Who
	}
}

func TestASignatoryCannotKeepTheDeskOutByNamingItsPeopleAsContacts(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		third := w.Person("Derde Balie", "third@foundation.example", account.Desk)
		_, err := w.askContact("Derde Balie", "third@foundation.example", "NL")
		if err != nil {
			t.Fatalf("asking for somebody of the desk as a contact: got %v, want it put to the desk", err)
		}
		if err := w.r.Stop(t.Context(), third, w.agreement, "a leak", nil); err != nil {
			t.Errorf("an emergency stop by somebody whom the signatory has asked for as a contact: got %v, want it done", err)
		}
	})
}

func TestAContactThatTheDeskDeclinedCountsForNothing(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		m, err := w.askContact("Una States", "una@uni.example", "US")
		w.must(err)
		w.nightly(w.r)
		if !w.get().Concern.IsZero() {
			t.Error("a contact that waits for the desk made a concern about jurisdictions, want none: nobody reaches the data from there")
		}
		w.must(w.decide(w.desk, m, false))
		w.nightly(w.r)
		if !w.get().Concern.IsZero() {
			t.Error("a declined contact made a concern about jurisdictions, want none")
		}
		w.nearTheEnd()
		if err := w.extend(w.desk, w.second); err != nil {
			t.Errorf("an extension after a declined contact: got %v, want it granted", err)
		}
		w.replay()
	})
}

func TestWhoDecidedAboutAnAmendmentDoesNotBecomeAContact(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		third := w.Person("Derde Balie", "third@foundation.example", account.Desk)
		_, err := w.askContact("D. Balie", "private@uni.example", "NL")
		w.must(err)
		w.nearTheEnd()
		third = w.SignIn(third.Person(), "third@foundation.example").Who
		w.must(w.extend(w.desk, third))
		for _, l := range w.letters() {
			if l.To.Email == "private@uni.example" && l.Invitation != "" {
				w.must(w.d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error { return w.Accounts.Resend(tx, l.Invitation) }))
				wantRefused(t, "accepting", w.Accounts.AcceptAs(t.Context(), w.Link(l.Invitation), third), "conflict")
				return
			}
		}
		t.Fatal("nobody was invited")
	})
}

func TestWhoReleasedAContentTakesNoPartOfTheLicensee(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		third := w.Person("Derde Balie", "third@foundation.example", account.Desk)
		w.must(w.r.Revise(t.Context(), w.desk, w.request, w.getRequest().Rev, w.input()))
		w.must(w.r.Release(t.Context(), third, w.onAgreement(third, "decide"), w.agreement))
		wantRefused(t, "the applicant's address turns out to be his", w.acceptInvitation("anna@uni.example", third), "conflict")
		wantRefused(t, "or the signatory's", w.acceptInvitation("sjoerd@uni.example", third), "conflict")
		w.joinParties()
		w.signAll()
		wantRefused(t, "or a contact's", w.acceptInvitation("carla@uni.example", third), "conflict")
		w.replay()
	})
}

func TestARepresentativeWhoLeftSignsNothing(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		w.approve()
		w.joinParties()
		w.dismiss(w.rep)
		w.rep = w.SignIn(w.rep.Person(), "rep@foundation.example").Who
		if err := w.sign(w.rep, licensing.Representative); err == nil {
			t.Error("somebody who is no staff any more signed for the foundation: got no error, want a refusal")
		}
	})
}

// dismiss ends the roles of a member of staff, by two operators.
func (w *world) dismiss(who account.Who) {
	w.t.Helper()
	first, second := w.Operators()
	var grant string
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) error {
		roles, err := w.Accounts.StaffRoles(tx)
		for _, g := range roles {
			if g.Person == who.Person() {
				grant = g.ID
			}
		}
		return err
	}))
	proof := w.Confirm(first, account.ProposalAct(account.EndRole, string(who.Person())))
	task, err := w.Accounts.Propose(w.t.Context(), first, proof, account.EndRole, who.Person(), grant, "left")
	w.must(err)
	w.must(w.Accounts.ConfirmTask(w.t.Context(), second, w.Confirm(second, account.TaskAct(task)), task, "left"))
}

func TestAnsweringDoesNotSweepAwayAProposalToTerminate(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := w.input()
		in.Licensee.Country, in.Licensee.ReachedFrom, in.Contacts[0].Country = "IN", []string{"IN"}, "IN"
		w.record(in)
		w.approve()
		w.joinParties()
		w.must(w.r.Propose(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionTerminate, "not serious"))
		answers := []licensing.AnswerInput{{Item: "law", TextVersion: "1", Explanation: "no"}, {Item: "doors", TextVersion: "1", Confirmed: true}}
		w.must(w.r.AnswerConfirmations(t.Context(), w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, answers))
		if got := w.get().Proposal.Action; got != licensing.ActionTerminate {
			t.Errorf("got the proposal %q after the answers, want %q still", got, licensing.ActionTerminate)
		}
	})
}

func TestATokenForADeliveryShowsNoAgreements(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		scope := "delivery:" + db.NewID()
		bearer, _, err := w.Accounts.NewToken(t.Context(), w.contact, w.act(w.contact, "token", scope), scope, w.clock.Now().Add(time.Hour))
		w.must(err)
		who, _, err := w.Accounts.ByToken(t.Context(), bearer)
		w.must(err)
		w.must(w.d.View(t.Context(), func(tx *db.Tx) error {
			mine, err := w.r.AgreementsFor(tx, who)
			w.must(err)
			tasks, err := w.r.TasksOf(tx, who)
			if len(mine)+len(tasks) != 0 {
				t.Errorf("got %d agreements and %d tasks, want none", len(mine), len(tasks))
			}
			return err
		}))
	})
}

func TestAMidnightThatTheClocksSkipOrRepeat(t *testing.T) {
	azores, err := time.LoadLocation("Atlantic/Azores")
	if err != nil {
		t.Fatal(err)
	}
	for day, want := range map[licensing.Date]time.Time{
		{Year: 2027, Month: time.March, Day: 28}:   time.Date(2027, time.March, 28, 1, 0, 0, 0, time.UTC),   // 00:00 is skipped: 01:00 summer time
		{Year: 2026, Month: time.October, Day: 25}: time.Date(2026, time.October, 25, 0, 0, 0, 0, time.UTC), // 00:00 comes twice: the first
		{Year: 2027, Month: time.July, Day: 1}:     time.Date(2027, time.July, 1, 0, 0, 0, 0, time.UTC),
		{Year: 2027, Month: time.January, Day: 1}:  time.Date(2027, time.January, 1, 1, 0, 0, 0, time.UTC),
	} {
		if got := day.Start(azores); !got.Equal(want) {
			t.Errorf("%s in the Azores begins at %s, want %s", day, got, want)
		}
	}
	for day := (licensing.Date{Year: 2026, Month: 1, Day: 1}); day.Year < 2031; day = day.AddDays(1) {
		for _, name := range []string{"Europe/Amsterdam", "Atlantic/Azores", "America/Havana", "Africa/Cairo", "Asia/Beirut", "America/Santiago", "Pacific/Chatham"} {
			zone, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			start := day.Start(zone)
			if licensing.DateOf(start.In(zone)) != day || licensing.DateOf(start.Add(-time.Nanosecond).In(zone)) == day {
				t.Fatalf("%s in %s begins at %s, which is not its first instant", day, name, start.In(zone))
			}
		}
	}
}

// TestTheEndIsWrittenDownThoughItComesBetweenTwoLooks has the clock move on at every look, so that the term ends between
// the handler's change and its planning.
func TestTheEndIsWrittenDownThoughItComesBetweenTwoLooks(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		end := w.get().Term.Until
		w.clock.Set(end.Add(-time.Hour))
		w.work()
		for ahead := 6; ahead >= 0; ahead-- {
			w.must(w.d.Upkeep(t.Context(), func(tx *db.Tx) error {
				_, err := tx.Exec(`DELETE FROM jobs WHERE kind = 'licensing.milestones'`)
				return err
			}))
			w.clock.Set(end.Add(-time.Duration(ahead) * time.Millisecond))
			w.d.Now = func() time.Time { w.clock.Advance(time.Millisecond); return w.clock.Now() }
			w.must(w.r.Milestones(t.Context(), string(w.agreement)))
			w.d.Now = w.clock.Now
			if w.get().State == licensing.Ended {
				continue
			}
			found := false
			w.must(w.d.View(t.Context(), func(tx *db.Tx) error {
				jobs, err := tx.Jobs()
				for _, j := range jobs {
					found = found || j.Kind == "licensing.milestones"
				}
				return err
			}))
			if !found {
				t.Fatalf("%d ms before the end: the end is not written down, and no job will", ahead)
			}
		}
	})
}

func TestNamesStayOnOneLine(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		_, err := w.askContact("Mallory\n\nYour account is blocked: call 0900-123", "mallory@uni.example", "NL")
		w.must(err)
		_, err = w.askContact("Eve\u202eecnarf", "eve@uni.example", "NL")
		w.must(err)
		for _, c := range w.get().Contacts {
			if strings.ContainsAny(c.Name, "\n\t\u202e") {
				t.Errorf("got the name %q, want one line without marks of direction: it goes into mails and agreements", c.Name)
			}
		}
	})
}

func TestTextThatIsNoneRaisesNoFalseAlarm(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		in := w.input()
		in.Licensee.Address, in.Licensee.Latin = "Street \xff 1\x00", "Uni\xfeversity"
		in.Conditions = []string{"only \xff here\x00"}
		in.Datasets[0].Need = "all\xff\x00"
		in.Applicant.Name, in.RepresentativePosition = "Anna \xff", "dir\xffector"
		w.record(in)
		w.replay()
	})
}

func TestEditedRowsAreFound(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		_, err := w.askContact("Nora Nieuw", "nora@uni.example", "NL")
		w.must(err)
		w.replay()
		other := w.otherDataset()
		content := func(change func(map[string]any)) string {
			var m map[string]any
			var text string
			w.must(w.d.View(t.Context(), func(tx *db.Tx) error { return tx.QueryRow(`SELECT content FROM requests`).Scan(&text) }))
			w.must(json.Unmarshal([]byte(text), &m))
			change(m)
			b, err := json.Marshal(m)
			w.must(err)
			return string(b)
		}
		for name, c := range map[string]struct {
			statement string
			args      []any
		}{
			"one more dataset is handed out":       {`INSERT INTO request_datasets (request, dataset, position) VALUES ($1, $2, 9)`, []any{string(w.request), string(other)}},
			"other content, which looks erased":    {`UPDATE requests SET content = $1`, []any{content(func(m map[string]any) { m["Title"], m["Purpose"] = "", "another" })}},
			"another address, which looks erased":  {`UPDATE contacts SET name = '', email = 'mallory@evil.example' WHERE email = $1`, []any{"nora@uni.example"}},
			"another party, which looks erased":    {`UPDATE parties SET name = '', email = 'mallory@evil.example' WHERE part = $1`, []any{"signatory"}},
			"another signature, that looks erased": {`UPDATE signatures SET name = '', position = 'king' WHERE part = $1`, []any{"signatory"}},
			"what is known of the jurisdictions":   {`UPDATE agreements SET known = $1`, []any{`{"variant":"non-eea","reason":{"key":""}}`}},
			"the language":                         {`UPDATE agreements SET lang = $1`, []any{"nl"}},
			"who edited it":                        {`UPDATE agreements SET editor = $1`, []any{"nobody"}},
			"the words of a note":                  {`UPDATE notes SET body = $1 WHERE body = 'in order'`, []any{"out of order"}},
			"the words beside the signed document": {`UPDATE documents SET html = $1 WHERE kind = 'agreement'`, []any{"other words"}},
			"the source of the signed document":    {`UPDATE documents SET source = $1 WHERE kind = 'agreement'`, []any{"{}"}},
		} {
			if !w.differs(c.statement, c.args...) {
				t.Errorf("%s: got no difference, want one", name)
			}
		}
		w.replay()
	})
}

var errUndo = errors.New("undo")

// differs edits a row as somebody with the database's password could, replays, and undoes the edit.
func (w *world) differs(statement string, args ...any) (found bool) {
	w.t.Helper()
	err := w.d.Change(w.t.Context(), db.Worker(), func(tx *db.Tx) error {
		n, err := tx.Exec(statement, args...)
		w.must(err)
		if n == 0 {
			w.t.Fatalf("no row was edited: %s", statement)
		}
		differences, err := w.r.Replay(tx, tx.Log())
		w.must(err)
		found = len(differences) > 0
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) otherDataset() (id licensing.DatasetID) {
	w.t.Helper()
	w.must(w.d.Change(w.t.Context(), db.Worker(), func(tx *db.Tx) error {
		c, err := w.r.CollectionNamed(tx, "CPCT")
		w.must(err)
		host := account.Host("root", "test")
		set, err := w.r.AddDataset(tx, host, c.ID, "secret")
		w.must(err)
		id = set.ID
		return w.r.FinishDataset(tx, host, set.ID, 1, 1)
	}))
	return id
}
