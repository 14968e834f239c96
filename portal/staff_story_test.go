package portal

import (
	"net/url"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

func TestARequestIsRecordedApprovedByAnotherSignedAndStopped(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		number := o.record()
		page := "/requests/" + number

		// Who recorded it cannot decide: the page says whose turn it is, and offers no such act.
		b := o.as(o.Desk).Get(page).Want(200, number).Sees("Waiting for somebody other than Dineke Balie", "After that:", "WGS 2026-10", "EEA licence", "Karin Kluis")
		if b.Has("Approve Refuse") {
			t.Error("the recorder is offered the decision")
		}
		b.Get(page+"/approve").Want(200, "Approve").Sees("This cannot be done now")
		o.as(o.Desk).Get("/").Want(200, "What waits for you").Sees("1 request to decide")
		o.as(o.Second).Get("/").Want(200, "What waits for you").Follow("Decide about "+number).Want(200, "Approve "+number).Sees("EEA licence", "Noor van den Berg")

		o.decide(o.Second, page+"/approve", "Approve the request", "reason", "A sound plan").Want(200, number).Sees(number+" has been approved", "A sound plan", "Being signed", "Waiting for Noor van den Berg")
		a := o.agreement(number)
		o.applicant = o.join("party:", a.Party(licensing.Applicant).ID, "Noor van den Berg")
		o.signatory = o.join("party:", a.Party(licensing.Signatory).ID, "Hugo de Wit")
		o.as(o.Rep).Get(page).Sees("It is your turn").Follow("Go to this step")
		for part, who := range map[licensing.Part]account.Who{licensing.Applicant: o.applicant, licensing.Signatory: o.signatory, licensing.Representative: o.Rep} {
			o.sign(a, part, who)
		}
		o.WorkOff()
		o.as(o.Desk).Get(page).Want(200, number).Sees("In force", "Deliveries", "DR-0001-A-1", "2 files", "Available", "Agreement, version 1", a.SHA256, "everybody has signed", "Invitation of a contact")

		// One stops it at once, another confirms, two let it run again.
		b = o.as(o.Desk).Get(page).Follow("Emergency stop").Want(200, "Stop everything").Sees("at once", "Nothing is destroyed")
		b.Submit("Stop everything now", "reason", "A laptop was stolen").Want(200, number).Sees("Suspended", "A laptop was stolen", "A second person must confirm it")
		if got := o.agreement(number).State; got != licensing.Suspended {
			t.Fatalf("after the stop the agreement is %s", got)
		}
		o.as(o.Second).Get("/").Sees("1 emergency stop to confirm")
		o.decide(o.Second, page+"/confirm-stop", "Confirm the stop").Want(200, number).Sees("Emergency stop confirmed", "Two people can resume it or end the agreement", "one proposes what is to happen")
		o.decide(o.Desk, page+"/resume", "Propose to resume", "reason", "The laptop is back").Want(200, number).Sees("A second person must confirm it", "The laptop is back")
		o.as(o.Desk).Get(page+"/second").Want(200, "Confirm what was proposed").Sees("This cannot be done now")
		o.decide(o.Second, page+"/second", "Confirm, and do it").Want(200, number).Sees("In force")

		// One contact is kept out and let in.
		b = o.as(o.Desk).Get(page).Follow("Suspend Karin Kluis").Want(200, "Suspend a contact")
		b.Submit("Suspend the contact", "reason", "").Want(422, "Suspend a contact").Sees("Write the reason")
		b.Submit("Suspend the contact", "reason", "Left the institution").Want(200, number).Sees("Karin Kluis has been suspended")
		contact := o.agreement(number).Contacts[0]
		o.decide(o.Desk, page+"/contacts/"+string(contact.ID)+"/resume", "Resume the contact", "reason", "It was a mistake").Want(200, number).Sees("can download again")

		// The end, by two.
		o.decide(o.Desk, page+"/terminate", "Propose to terminate", "reason", "Breach of the terms").Want(200, number)
		o.decide(o.Second, page+"/second", "Confirm, and do it").Want(200, number).Sees("Terminated")
		o.WorkOff()
		o.as(o.Desk).Get(page).Sees("The licensee must attest")
		o.as(o.Desk).Get("/").Sees("1 agreement ended without attested destruction")
	})
}

func TestOfTwoWhoPressAtOnceOneIsToldThatTheOtherWasFirst(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	third := o.Person("Tess Derde", "third@foundation.example", account.Desk)
	number := o.record()
	path := "/requests/" + number + "/approve"
	one, other := o.as(o.Second).Get(path), o.as(third).Get(path)
	one.Submit("Approve the request", "code", o.Code(o.Second)).Want(200, number)
	other.Submit("Approve the request", "code", o.Code(third)).Want(409, "Somebody else was first")
	o.as(third).Get(path).Want(200, "Approve").Sees("This cannot be done now")

	// Before anything is signed the content may be changed; a form that was opened before another change is refused.
	b, late := o.as(o.Desk).Get("/requests/"+number+"/revise").Want(200, "Change "+number), o.as(o.Desk).Get("/requests/"+number+"/revise")
	b.Submit("Continue to the check", "title", "Another title").Want(422, "Change "+number).Sees("Write the reason")
	b.Submit("Continue to the check", "reason", "The title was wrong").Want(200, "Check the changes").Sees("Another title")
	b.Submit("Save the changes").Want(200, number).Sees("has been changed", "must release it", "The title was wrong")
	late.Submit("Continue to the check", "reason", "x").Want(409, "Somebody else was first")
	o.as(o.Desk).Get("/requests/" + number + "/release").Sees("This cannot be done now")
	o.decide(o.Second, "/requests/"+number+"/release", "Release the content").Want(200, number).Sees("Being signed", "2")

	// A button pressed twice records once.
	b = o.as(o.Desk).Get("/requests/new").Submit("Continue to the check", o.filled("title", "Twice")...).Want(200, "Check")
	twice := *b
	b.Submit("Record the request").Want(200, "DR-0002")
	twice.Submit("Record the request").Want(200, "DR-0002")
}

func TestTheFormOfARequestKeepsWhatWasTypedAndSaysWhatIsMissing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Desk).Get("/requests/new")
	b.Submit("Continue to the check").Want(422, "Record a request")
	if n := len(b.Errors()); n < 15 {
		t.Errorf("an empty form has %d errors: %q", n, b.Errors())
	}
	// Another contact, without a script and without losing a word.
	b.Get("/requests/new").Submit("Add another contact", o.filled()...).Want(200, "Record a request").Sees("Contact 2", "CPCT – WGS 2026-10")
	if !strings.Contains(b.Body, `value="Karin Kluis"`) || !strings.Contains(b.Body, "All reads of the tumours") {
		t.Error("adding a row loses what was typed")
	}
	b.Submit("Continue to the check", "contacts.1.name", "Piet Post").Want(422, "Record a request")
	if got := strings.Join(b.Errors(), " | "); got != "Enter the position | Enter the e-mail address | Choose a country" {
		t.Errorf("a row that is half filled in: %q", got)
	}
	b.Submit("Continue to the check", "contacts.1.name", "").Want(200, "Check the request") // a row that is empty again does not count
	b.Submit("Change").Want(200, "Record a request")
	if !strings.Contains(b.Body, `value="Karin Kluis"`) {
		t.Error("going back to change loses what was typed")
	}
	for name, c := range map[string]struct {
		changes []string
		says    string
	}{
		"an address that is none":      {[]string{"applicant.email", "noor"}, "Enter an e-mail address such as"},
		"a day that does not exist":    {[]string{"until-day", "31", "until-month", "2"}, "Enter a day that exists"},
		"a day that has passed":        {[]string{"until-year", "2020"}, ""},
		"a domain that is none":        {[]string{"licensee.domains", "not a domain"}, ""},
		"one person for two parts":     {[]string{"signatory.email", "noor@umc.example"}, ""},
		"a country that is not":        {[]string{"licensee.country", "XX"}, ""},
		"no country to reach it from":  {[]string{"reached.0.country", "", "reached.1.country", ""}, "Choose at least one country"},
		"a dataset without a need":     {[]string{"datasets.0.need", ""}, "Write why this dataset is needed"},
		"no first contact":             {[]string{"contacts.0.name", "", "contacts.0.position", "", "contacts.0.email", "", "contacts.0.country", ""}, "Enter the name"},
		"nobody for the foundation":    {[]string{"representative", "x"}, ""},
		"a contact who is the desk's":  {[]string{"contacts.0.email", "desk@foundation.example"}, ""},
		"a title with nothing but air": {[]string{"title", "   "}, "Enter the title"},
	} {
		t.Run(name, func(t *testing.T) {
			b := o.as(o.Desk).Get("/requests/new").Submit("Continue to the check", o.filled(c.changes...)...)
			if b.Status == 200 { // what only the recording itself can know
				b.Submit("Record the request")
			}
			b.Want(422, "Record a request").Sees(c.says)
			if len(b.Errors()) == 0 {
				t.Error("nothing says what is wrong")
			}
			if !strings.Contains(b.Body, "To find out why treatment stops working.") {
				t.Error("what was typed is gone")
			}
		})
	}
}

func TestAJurisdictionWithAScopeIsJudgedByAPersonFirst(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Desk).Get("/requests/new").Submit("Continue to the check", o.filled("licensee.country", "US")...).Want(200, "Check the request")
	b.Sees("A person must look at the jurisdictions", "Not decided").Submit("Record the request").Want(200, "DR-0001").Sees("It is your turn")
	o.as(o.Second).Get("/requests/DR-0001/approve").Sees("This cannot be done now")
	b = o.as(o.Desk).Get("/requests/DR-0001").Follow("Go to this step").Want(200, "Does adequacy cover").Sees("Data Privacy Framework")
	b.Submit("Record the answer", "reason", "").Want(422, "Does adequacy cover").Sees("Choose the country", "Choose yes or no", "Write the reason")
	o.decide(o.Desk, "/requests/DR-0001/scope", "Record the answer", "country", "US", "holds", "yes", "reason", "On the list since 2024").
		Want(200, "DR-0001").Sees("On the list since 2024", "United States")
	o.as(o.Second).Get("/requests/DR-0001/approve").Want(200, "Approve").Sees("EEA licence")
}

func TestLikelyDuplicatesWarnTheDesk(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Desk).Get("/requests/new").Submit("Continue to the check", o.filled("contacts.0.name", "Dr. Hugo de Wit")...)
	b.Want(200, "Check the request").Sees("Two people may be one", "hugo@umc.example and karin@umc.example")
}

func TestAContactElsewhereAndAnExtensionAreDecidedByTheDesk(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number, a := o.inForce()
	page := "/requests/" + number
	o.askElsewhere(a)
	o.as(o.Desk).Get("/").Sees("1 contact to decide").Follow("Decide about a contact").Want(200, number).Follow("Decide Amendment 1").
		Want(200, "Decide about an amendment").Sees("not at a verified domain", "Eva Elders", "Joins the project")
	o.as(o.Desk).Get(page+"/amendments/1").Submit("Send the decision", "reason", "").Want(422, "Decide about").Sees("Choose whether you accept or decline", "Write the reason")
	o.decide(o.Desk, page+"/amendments/1", "Send the decision", "decision", "accept", "reason", "A known partner").Want(200, number).Sees("Your decision about", "Eva Elders")
	o.as(o.Desk).Get(page+"/amendments/9").Want(404, "")

	clock.Set(a.Term.Until.AddDate(0, 0, -30))
	until := a.Until.AddDays(200)
	if _, err := o.Registry.AskExtension(t.Context(), o.fresh(o.signatory), a.ID, until, "One more cohort"); err != nil {
		t.Fatal(err)
	}
	o.as(o.Desk).Get("/").Sees("1 extension to decide", "1 agreement ending soon")
	o.decide(o.Desk, page+"/amendments/2", "Send the decision", "decision", "accept", "reason", "Fine").Want(200, number)
	o.as(o.Desk).Get(page+"/amendments/2").Sees("This cannot be done now", "Accepted by Dineke Balie")
	o.decide(o.Rep, page+"/amendments/2", "Send the decision", "decision", "accept", "reason", "Fine").Want(200, number)
	if got := o.agreement(number).Term.LastDay(o.Registry.Zone()); got != until {
		t.Errorf("after two have accepted, the last day is %s, want %s", got, until)
	}
}

// fresh is somebody with a session that has not idled away.
func (o *office) fresh(who account.Who) account.Who {
	o.t.Helper()
	return o.SignIn(who.Person(), o.email(who)).Who
}

func TestInvitationsAreSentAgainAndNeverShown(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number := o.record()
	o.decide(o.Second, "/requests/"+number+"/approve", "Approve the request").Want(200, number)
	o.View(func(tx *db.Tx) error {
		letters, err := o.Registry.Outbox().AllLetters(tx, 100)
		for _, l := range letters {
			if l.Invitation != "" {
				link, err := o.Accounts.Link(tx, l.Invitation)
				if err != nil {
					return err
				}
				o.site.Forbid("the link of "+l.To.Name, link)
			}
		}
		return err
	})
	b := o.as(o.Desk).Get("/requests/"+number).Sees("Invited", "Invitation of a party")
	b.Submit("Invite again").Want(200, number).Sees("A new link has been sent to Noor van den Berg")
	b.Post("/requests/"+number+"/parties/nobody/invite", url.Values{}).Want(404, "")
}

func TestStaffIsAddedAndLetInAgainByTwo(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Desk).Get("/staff").Want(200, "Staff").Sees("Dineke Balie", "Data access desk", "Stef Beheer").Follow("Add somebody").Want(200, "Add somebody")
	b.Submit("Propose").Want(422, "Add somebody").Sees("Enter the name", "Choose at least one role")
	o.decide(o.Desk, "/staff/new", "Propose", "name", "Nina Nieuw", "email", "nina@foundation.example", "roles", "steward", "note", "Begins on Monday").Want(200, "Staff").Sees("1 proposal about people")
	o.as(o.Desk).Get("/staff").Follow("Add Nina Nieuw").Sees("You proposed this", "Begins on Monday", "Data steward")
	task := ""
	o.View(func(tx *db.Tx) error { tasks, err := o.Accounts.Tasks(tx); task = tasks[0].ID; return err })
	first, second := o.as(o.Second).Get("/staff/tasks/"+task), o.as(o.Operator).Get("/staff/tasks/"+task)
	first.Submit("Send the decision", "decision", "confirm", "note", "I know her", "code", o.Code(o.Second)).Want(200, "Staff").Sees("Confirmed and done")
	second.Submit("Send the decision", "decision", "confirm", "note", "Me too", "code", o.Code(o.Operator)).Want(409, "Somebody else was first")
	o.as(o.Desk).Get("/staff").Sees("Invited, not here yet", "nina@foundation.example", "The link works until").Submit("Invite again Nina Nieuw").Want(200, "Staff").
		Sees("A new link has been sent to Nina Nieuw", "nina@foundation.example")
	o.as(o.Desk).Post("/staff/invitations/none/again", url.Values{}).Want(404, "")
	if b := o.as(o.Auditor).Get("/staff").Sees("Nina Nieuw"); b.Has("Withdraw") {
		t.Error("an auditor may withdraw an invitation")
	}
	invitation := o.link("invitation")
	b = o.as(o.Desk).Get("/staff").Follow("Withdraw Nina Nieuw").Want(200, "Withdraw the invitation of Nina Nieuw").Sees("nina@foundation.example").
		Submit("Withdraw the invitation").Want(200, "Staff").Sees("The invitation of Nina Nieuw has been withdrawn")
	if b.Has("nina@foundation.example") {
		t.Error("somebody whose invitation was withdrawn is still listed as invited")
	}
	o.anyone().Get(InvitationPath+invitation).Want(200, "This invitation cannot be used any more").Sees("It was withdrawn")

	// A lost second factor.
	lost := o.Person("Lot Loos", "lot@umc.example")
	o.as(o.Desk).Get("/staff").Submit("Find", "email", "nobody@umc.example").Want(422, "Find somebody").Sees("No account has this address")
	person := "/people/" + string(lost.Person())
	o.as(o.Desk).Get("/staff").Submit("Find", "email", "LOT@umc.example").Want(200, "Lot Loos").Follow("Report the second factor lost").Want(200, "Report").
		Submit("Report it lost").Want(200, "Lot Loos").Sees("Second factor reported lost")
	o.as(o.Second).Get("/").Sees("1 lost second factor to re-prove").Follow("Lot Loos has lost").Want(200, "Have you proved anew")
	o.decide(o.Second, person+"/reprove", "Propose to let in again", "note", "Passport, by video").Want(200, "Lot Loos").Follow("Open the proposal").Sees("You proposed this")
	o.View(func(tx *db.Tx) error { tasks, err := o.Accounts.Tasks(tx); task = tasks[0].ID; return err })
	o.decide(o.Desk, "/staff/tasks/"+task, "Send the decision", "decision", "confirm", "note", "Called her institution").Want(200, "Staff")
	o.as(o.Desk).Get(person).Sees("Account without a second factor").Follow("Send the link for a new factor again").Submit("Send the link").Want(200, "Lot Loos").Sees("A link has been sent")

	// Shutting an account, and ending a role.
	o.decide(o.Desk, person+"/disable", "Propose to shut it", "note", "Left").Want(200, "Lot Loos")
	o.as(o.Desk).Get(person + "/enable").Sees("This cannot be done now")
	o.as(o.Desk).Get("/people/"+string(o.Steward.Person())+"/end-role").Submit("Propose to end the role", "note", "x", "code", "000000").Want(422, "End a role").Sees("Choose the role")
	o.as(o.Desk).Get("/people/nobody").Want(404, "")
}

func TestTheStewardKeepsCollections(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	b := o.as(o.Steward).Get("/collections").Want(200, "Collections").Sees("CPCT").Follow("Add a collection").Want(200, "Add a collection")
	b.Submit("Add the collection", "name", "two words").Want(422, "Add a collection").Sees("Enter the title")
	b.Submit("Add the collection", "name", "CPCT", "title-en", "Again", "title-nl", "Nogmaals").Want(422, "Add a collection")
	b.Submit("Add the collection", "name", "DRUP", "title-en", "Drug rediscovery", "title-nl", "Geneesmiddelen", "placement", "shared").Want(200, "Collection DRUP").Sees("Shared from the archive", "holds no dataset")
	b = o.as(o.Desk).Get("/collections/CPCT").Want(200, "Collection CPCT").Follow("WGS 2026-10").Want(200, "Dataset WGS 2026-10").Sees("reads", "2")
	if b.Has("one.cram") || b.Has("CPCT0000") {
		t.Error("the page of a dataset shows names of files or of people")
	}
	o.as(o.Desk).Get("/collections/new").Want(404, "")
	o.as(o.Desk).Get("/datasets/none").Want(404, "")
}

func TestTheOperatorStartsStuckWorkAgain(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	if err := d.Upkeep(t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO jobs (id, kind, subject, due, created, attempts, parked, last_error) VALUES ('j1', 'mail', 'x', 1, 1, 10, 1, 'no route to the mail server')`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	o.as(o.Desk).Get("/jobs").Want(200, "Work of the service").Sees("Send a letter", "no route to the mail server")
	o.as(o.Operator).Get("/").Sees("1 job needs you").Follow("1 job needs you").Want(200, "Work").Submit("Start again").Want(200, "Work").Sees("started again", "Nothing is stuck")
	o.as(o.Operator).Post("/jobs/j1/retry", url.Values{}).Want(409, "")
	o.as(o.Desk).Post("/jobs/j1/retry", url.Values{}).Want(404, "")
}

func TestTheAuditorReadsAllAndDecidesNothing(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number := o.record()
	b := o.as(o.Auditor).Get("/requests").Want(200, "Requests").Sees(number, "Universitair Medisch Centrum Voorbeeld").Follow(number).Want(200, number).Sees("Request recorded")
	for _, word := range []string{"Approve", "Withdraw", "Change the content"} {
		if b.Has(word) {
			t.Errorf("the auditor is offered %q", word)
		}
	}
	for _, act := range []string{"approve", "refuse", "withdraw", "revise"} {
		o.as(o.Auditor).Get("/requests/"+number+"/"+act).Want(404, "")
		o.as(o.Auditor).Post("/requests/"+number+"/"+act, url.Values{}).Want(404, "")
	}
	o.as(o.Auditor).Get("/log?kind=request.recorded").Want(200, "Log").Sees("Request recorded", "Dineke Balie")
	b = o.as(o.Auditor).Get("/log").Want(200, "Log")
	if !b.Has("Next") {
		t.Error("a long log has no second page")
	}
	b.Follow("Next").Want(200, "Log").Follow("Previous").Want(200, "Log")
	o.as(o.Auditor).Get("/log?subject=nothing").Sees("No entry fits")
	o.as(o.Auditor).Get("/requests?q=voorbeeld").Sees(number)
	o.as(o.Auditor).Get("/requests?q=nonesuch").Sees("No request fits")
	o.as(o.Auditor).Get("/requests?state=refused").Sees("No request fits")
	o.as(o.Desk).Get("/log").Want(404, "")
}
