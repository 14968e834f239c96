package portal

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
	"sluice/portal/portaltest"
)

// authority is a document of authority, and appointed a form filled in with it.
var (
	authority = []byte("%PDF-1.4\nThe board appoints a new signatory.\n%%EOF\n")
	appointed = []string{"part", "signatory", "name", "Nora Nieuw", "position", "Dean", "email", "nora@umc.example", "reason", "The director has left"}
)

func authorityFile(name string, content []byte) []portaltest.File {
	return []portaltest.File{{Field: "authority", Name: name, Content: content}}
}

// proposeParty proposes somebody else as the signatory, as the desk does.
func (o *office) proposeParty(a licensing.Agreement) {
	o.t.Helper()
	in := licensing.SuccessorInput{Part: licensing.Signatory, PersonInput: licensing.PersonInput{Name: "Nora Nieuw", Position: "Dean", Email: "nora@umc.example"},
		Authority: authority, Reason: "The director has left"}
	if _, err := o.Registry.ProposeParty(o.t.Context(), o.Desk, o.Act(o.Desk, "decide", "agreement:"+string(a.ID)), a.ID, in); err != nil {
		o.t.Fatal(err)
	}
}

func TestTheDeskReplacesASignatoryByTwoAndADocument(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		number, a := o.inForce()
		o.WorkOff()
		page := "/requests/" + number

		b := o.as(o.Desk).Get(page).Follow("Change the signatory or applicant").Want(200, "Propose another").Sees("Now: Hugo de Wit", "loses it at once")
		b.SubmitFiles("Propose the change", authorityFile("besluit.pdf", authority), append(appointed, "code", o.Code(o.Desk))...).
			Want(200, number).Sees("has been proposed", "somebody other than Dineke Balie", "Nora Nieuw")
		o.as(o.Desk).Get(page).Follow("Decide Amendment 1").Sees("This cannot be done now")
		o.as(o.Rep).Get("/").Sees("1 change of signatory or applicant")
		o.as(o.Second).Get("/").Sees("1 change of signatory or applicant")

		// The document comes as a file to keep, whatever it is, and to nobody but staff who handle the case.
		file := page + "/amendments/1/authority"
		answer := o.raw(http.MethodGet, file, o.session(o.Second)...)
		var body bytes.Buffer
		body.ReadFrom(answer.Body)
		for header, want := range map[string]string{"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox",
			"Content-Disposition": "attachment; filename=" + number + "-A-amendment-1-authority.pdf"} {
			if got := answer.Header.Get(header); got != want {
				t.Errorf("%s: got %q, want %q", header, got, want)
			}
		}
		if !bytes.Equal(body.Bytes(), authority) {
			t.Error("the document is not the one that was handed in")
		}
		for status, people := range map[int][]account.Who{404: {o.Steward, o.Operator, o.applicant, o.signatory}, 200: {o.Auditor, o.Rep}} {
			for _, who := range people {
				if got := o.raw(http.MethodGet, file, o.session(who)...).StatusCode; got != status {
					t.Errorf("the document of authority: got %d, want %d", got, status)
				}
			}
		}

		// The signatory reads nothing of it before it is done, and the page of the agreement is still his.
		old := o.as(o.signatory).Get("/agreements/"+a.Number).Want(200, a.Number)
		if old.Has("Nora") {
			t.Error("the signatory reads who might replace him")
		}
		if got := o.raw(http.MethodGet, "/agreements/"+a.Number+"/amendments/1", o.session(o.signatory)...).StatusCode; got != 404 {
			t.Errorf("the page of a proposal: got %d, want 404", got)
		}

		sum := sha256.Sum256(authority)
		b = o.as(o.Second).Get("/").Follow("Read the document of authority for "+a.Number).Want(200, "Request "+number)
		b = o.as(o.Second).Get(page+"/amendments/1/party").Want(200, "Give the part").Sees("Hugo de Wit loses the part at once", hex.EncodeToString(sum[:]), "nora@umc.example", "The director has left")
		b.Submit("Give the part to this person", "code", "000000").Want(422, "Give the part").Sees("say here that you have read it")
		b.Submit("Give the part to this person", "read", "yes", "code", o.Code(o.Second)).Want(200, number).
			Sees("has changed hands", "Waiting for", "Told that somebody else has the part", "Invite again", "has to accept the part")
		for _, path := range []string{"", "/contacts", "/contacts/add", "/contacts/confirm", "/extension", "/destruction", "/part", "/amendments/1", "/documents/" + o.agreement(number).Amendments[0].SHA256, "/versions/1"} {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if got := o.answerTo(method, "/agreements/"+a.Number+path, o.signatory).code; got != 404 && got != 405 {
					t.Errorf("the old signatory: %s %s: got %d, want 404", method, path, got)
				}
			}
		}
		o.as(o.signatory).Get("/agreements").Want(200, "greements").Sees("There is no agreement yet")
		if n := len(o.agreement(number).Amendments); n != 1 {
			t.Errorf("%d amendments, want one", n)
		}
	})
}

func TestAWrongFileIsToldBesideItsFieldAndLosesNothingElse(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	number, a := o.inForce()
	path := "/requests/" + number + "/replace-party"
	for what, c := range map[string]struct {
		files []portaltest.File
		words string
	}{
		"no file":       {nil, "Choose the document of authority"},
		"an empty file": {authorityFile("leeg.pdf", nil), "A file with nothing in it does not count"},
		"another type":  {authorityFile("besluit.pdf", []byte("<html><script>alert(1)</script>%%EOF")), "This is not a complete PDF"},
		"half a PDF":    {authorityFile("besluit.pdf", authority[:20]), "This is not a complete PDF"},
		"a large one":   {authorityFile("besluit.pdf", append(bytes.Clone(authority), make([]byte, 11<<20)...)), "at most 10 MB"},
		"a huge one":    {authorityFile("besluit.pdf", append(bytes.Clone(authority), make([]byte, 60<<20)...)), "at most 10 MB"},
		"two at a time": {append(authorityFile("a.pdf", []byte("x")), authorityFile("b.pdf", authority)...), "This is not a complete PDF"},
	} {
		t.Run(what, func(t *testing.T) {
			b := o.as(o.Desk).Get(path)
			b.SubmitFiles("Propose the change", c.files, append(appointed, "code", o.Code(o.Desk))...).Want(422, "Propose another")
			if got := b.Errors(); len(got) != 1 || !strings.Contains(got[0], c.words) {
				t.Errorf("errors %q, want one with %q", got, c.words)
			}
			for _, kept := range []string{`value="Nora Nieuw"`, `value="Dean"`, `value="nora@umc.example"`, "The director has left"} {
				if !strings.Contains(b.Body, kept) {
					t.Errorf("%s is lost", kept)
				}
			}
			if !regexp.MustCompile(`<input[^>]*id="authority"[^>]*aria-invalid`).MatchString(b.Body) && !strings.Contains(b.Body, `href="#authority"`) {
				t.Error("the message does not lead to the field")
			}
		})
	}
	// None of them has used the code up, and everything else is told at once.
	b := o.as(o.Desk).Get(path)
	b.SubmitFiles("Propose the change", nil).Want(422, "Propose another")
	if n := len(b.Errors()); n != 6 {
		t.Errorf("an empty form has %d errors: %q", n, b.Errors())
	}
	for email, words := range map[string]string{"hugo@umc.example": "This person has the part now", "noor@umc.example": "One person cannot be both", "steward@foundation.example": "staff"} {
		clock.Set(account.NextCode(clock.Now()))
		b := o.as(o.Desk).Get(path)
		b.SubmitFiles("Propose the change", authorityFile("b.pdf", authority), "part", "signatory", "name", "N", "position", "p", "email", email, "reason", "r", "code", o.Code(o.Desk)).Want(422, "Propose another").Sees(words)
	}
	b = o.as(o.Desk).Get(path)
	b.SubmitFiles("Propose the change", authorityFile("b.pdf", authority), "part", "signatory", "name", "田中 花子", "position", "p", "email", "h@umc.example", "reason", "r", "code", "1").Want(422, "Propose another").Sees("Latin")
	b = o.as(o.Desk).Get(path)
	b.SubmitFiles("Propose the change", authorityFile("b.pdf", authority), "reason", strings.Repeat("a", formBytes)).Want(http.StatusRequestEntityTooLarge, "")
	if after := o.agreement(number); after.Rev != a.Rev {
		t.Error("something changed")
	}
}

func TestOfTwoWhoConfirmASignatoryOneIsToldThatTheOtherWasFirst(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	third := o.Person("Tess Derde", "third@foundation.example", account.Desk)
	number, a := o.inForce()
	o.proposeParty(a)
	path := "/requests/" + number + "/amendments/1/party"
	one, other := o.as(o.Second).Get(path), o.as(third).Get(path)
	one.Submit("Give the part", "read", "yes", "code", o.Code(o.Second)).Want(200, number)
	other.Submit("Give the part", "read", "yes", "code", o.Code(third)).Want(409, "Somebody else was first")
	o.as(third).Get(path).Want(200, "").Sees("This cannot be done now")

	// One who turns it down instead says why.
	number, a = o.inForce("signatory.email", "second.hugo@umc.example", "applicant.email", "second.noor@umc.example")
	o.proposeParty(a)
	b := o.as(o.Second).Get("/requests/"+number).Follow("Turn it down or take it back").Want(200, "Leave the part").Sees("Hugo de Wit keeps the part")
	b.Submit("Leave it where it is").Want(422, "Leave the part").Sees("Write the reason")
	b.Submit("Leave it where it is", "reason", "The letter is not signed").Want(200, number).Sees("The letter is not signed", "Change the signatory or applicant")
}

func TestTheNewSignatoryAcceptsThePartAndTheOthersSeeWhoseTurnItIs(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := dealWorld(t, d, clock)
	a := w.inForce(nextYear, someFiles)
	old := a.Signatory
	in := licensing.SuccessorInput{Part: licensing.Signatory, PersonInput: licensing.PersonInput{Name: "Nora Nieuw", Position: "dean", Email: "nora@" + a.domain},
		Authority: authority, Reason: "The dean has left"}
	id, err := w.Registry.ProposeParty(t.Context(), w.Desk, w.Act(w.Desk, "decide", "agreement:"+string(a.ID)), a.ID, in)
	a.must(err)
	sum := sha256.Sum256(authority)
	a.must(w.Registry.ReplaceParty(t.Context(), w.Second, w.Act(w.Second, "decide", "amendment:"+string(id)), a.ID, id, hex.EncodeToString(sum[:]), ""))

	w.as(a.Applicant).Get(a.path("")).Want(200, a.Number).Sees("Waiting for Nora Nieuw", "must accept the part", "Nora Nieuw takes over", "Sjoerd Bestuurder", "Amendment "+a.Number+"/1")
	w.as(a.Applicant).Get(a.path("/contacts")).Sees("Waiting for Nora Nieuw")
	w.as(a.Ada).Get(a.path("")).Want(200, a.Number).Sees("It is your turn", "A part is held by another person")
	if got := w.answerTo(http.MethodGet, a.path(""), old).code; got != 404 {
		t.Errorf("the old signatory: got %d, want 404", got)
	}
	if got := w.answerTo(http.MethodPost, a.path("/contacts/add"), old).code; got != 404 {
		t.Errorf("the old signatory adds a contact: got %d, want 404", got)
	}

	a.Signatory = a.join("nora", "Nora Nieuw")
	b := w.as(a.Signatory)
	b.Get("/").Sees("Read and accept your part in agreement " + a.Number)
	both(b, a.path(""), a.path("/part"), a.path("/contacts"), a.path("/amendments/1"))
	for _, path := range []string{"/contacts/add", "/contacts/confirm", "/extension"} {
		b.Get(a.path(path)).Want(422, "").Sees("First accept your part")
	}
	if b.Get(a.path("/contacts")); b.Has("Add a contact") {
		t.Error("contacts can be added before the part is accepted")
	}
	if got := w.answerTo(http.MethodPost, a.path("/contacts/confirm"), a.Signatory).code; got != 422 {
		t.Errorf("confirming the list before accepting: got %d, want 422", got)
	}
	b = w.as(a.Signatory).Get(a.path("")).Follow("Read and accept").Want(200, "Accept your part").Sees(a.load().SHA256, a.load().Amendments[0].SHA256)
	b.Submit("Accept the part", "code", w.Code(a.Signatory)).Want(422, "Accept your part").Sees("Tick the statement")
	b.Post(a.path("/part"), url.Values{"accept": {"yes"}, "sha256": {strings.Repeat("0", 64)}, "code": {w.Code(a.Signatory)}}).Want(422, "Accept your part")
	clock.Set(account.NextCode(clock.Now()))
	b.Get(a.path("/part")).Submit("Accept the part", "accept", "yes").Want(422, "Accept your part")
	b.Submit("Accept the part", "accept", "yes", "code", w.Code(a.Signatory)).Want(200, a.Number).Sees("You have accepted your part", "Nora Nieuw accepted the part: signatory")
	b.Get(a.path("/part")).Want(200, a.Number)
	b.Get(a.path("/signed")).Want(200, "Agreement "+a.Number) // did not sign
	b.Get(a.path("/contacts/add")).Want(200, "")
	b.Get(a.path("/amendments/1")).Want(200, "Nora Nieuw becomes").Sees("Sjoerd Bestuurder").Follow("Read").Want(200, "Amendment").
		Sees("accepts the part in the Foundation", hex.EncodeToString(sum[:]), "Dineke Balie")

	// Her list of contacts is hers to confirm; at the end the statement of destruction is too.
	clock.Set(account.NextCode(clock.Now()))
	b.Get(a.path("/contacts/confirm")).Submit("The list still holds", "code", w.Code(a.Signatory)).Want(200, "")
	a.passTo(1)
	w.as(a.Signatory).Get(a.path("")).Sees("It is your turn", "Destroy all data")
}
