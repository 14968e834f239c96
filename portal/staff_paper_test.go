package portal

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
	"sluice/portal/portaltest"
)

// scanned is a signed document as it comes from a scanner.
func scanned(text string) []portaltest.File {
	return []portaltest.File{{Field: "document", Name: "scan.pdf", Content: []byte("%PDF-1.7\n%" + text + "\nstartxref\n0\n%%EOF\n")}}
}

// signedToday are the fields that say that parts have signed today.
func (o *office) signedToday(a licensing.Agreement, parts ...licensing.Part) []string {
	return o.signedOn(a, 0, parts...)
}

func (o *office) signedOn(a licensing.Agreement, days int, parts ...licensing.Part) []string {
	today := licensing.DateOf(o.Clock.Now().In(a.Location())).AddDays(days)
	fields := []string{"statement", a.SHA256}
	for _, p := range parts {
		fields = append(fields, "parts", string(p), "signed."+string(p)+"-day", fmt.Sprint(today.Day), "signed."+string(p)+"-month", fmt.Sprint(int(today.Month)), "signed."+string(p)+"-year", fmt.Sprint(today.Year))
	}
	return fields
}

// toSign is an approved request whose agreement nobody has signed.
func (o *office) toSign() (page string, a licensing.Agreement) {
	number := o.record()
	o.decide(o.Second, "/requests/"+number+"/approve", "Approve the request").Want(200, "Request "+number)
	return "/requests/" + number, o.agreement(number)
}

func TestASignatureOnPaperIsUploadedByOneComparedByAnotherAndCounts(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		o := newOffice(t, d, clock)
		page, a := o.toSign()
		number := strings.TrimPrefix(page, "/requests/")

		// The first uploads. What is missing is said at its field, and nothing that was typed is lost.
		b := o.as(o.Desk).Get(page).Follow("Upload a signed document").Want(200, "Upload a document signed for "+number).
			Sees("At the foot of every page stands "+a.Number+", version 1", a.SHA256, "Hugo de Wit")
		b.SubmitFiles("Upload the document", nil).Want(422, "Upload").Sees("Choose the signed PDF", "Choose whose signatures the document carries", "State that it is this version")
		b.SubmitFiles("Upload the document", scanned("x"), "statement", a.SHA256, "parts", "signatory", "name.signatory", "H. de Wit").Want(422, "Upload").Sees("Enter the date that is written beside the signature")
		if !strings.Contains(b.Body, `value="H. de Wit"`) {
			t.Error("the name that was typed is gone")
		}
		wrong := []portaltest.File{{Field: "document", Name: "scan.pdf", Content: []byte("PK\x03\x04 a letter in another format")}}
		b.SubmitFiles("Upload the document", wrong, o.signedToday(a, licensing.Signatory)...).Want(422, "Upload").Sees("The file is no PDF")
		b.SubmitFiles("Upload the document", scanned("x"), o.signedOn(a, 1, licensing.Signatory)...).Want(422, "Upload").Sees("The date lies in the future")
		b.SubmitFiles("Upload the document", scanned("signatory"), o.signedToday(a, licensing.Signatory)...).Want(200, "Request "+number).
			Sees("A second member of the desk must compare it", "Signed on paper, and waiting for a second member of the desk", "Document signed on paper uploaded", "Signed document, version 1")
		if got := o.agreement(number); len(got.Signatures) != 0 {
			t.Fatalf("%d signatures count before anybody compared the document", len(got.Signatures))
		}
		o.as(o.Desk).Get(page + "/confirm-paper").Sees("This cannot be done now")
		if o.as(o.Desk).Get(page).Has("Compare the signed document") {
			t.Error("who uploaded it is offered the comparison")
		}

		// The second finds it in the queues, downloads it, and confirms every word.
		o.as(o.Second).Get("/").Sees("1 document signed on paper to compare", "Signed on paper, and waiting for a second person: Signatory of the licensee")
		o.as(o.Second).Get("/queues/paper").Want(200, "1 document signed on paper").Follow("Compare the signed document of "+a.Number).
			Want(200, "Is this "+number+", signed?").Sees("Hugo de Wit", "Dated ", "Dineke Balie")
		file := o.as(o.Second).Get(page + "/confirm-paper").Follow("Download it")
		if file.Status != 200 || file.Body != string(scanned("signatory")[0].Content) || !strings.HasPrefix(file.Header.Get("Content-Disposition"), "attachment;") ||
			file.Header.Get("X-Content-Type-Options") != "nosniff" || file.Header.Get("Content-Type") != "application/pdf" {
			t.Errorf("the document comes as %d %v", file.Status, file.Header)
		}
		document := file.Path
		b = o.as(o.Second).Get(page + "/confirm-paper")
		b.Submit("Confirm the signatures", "compared", "text", "compared", "whole", "code", o.Code(o.Second)).Want(422, "Is this").Sees("Confirm all of it")
		all := []string{"compared", "text", "compared", "whole", "compared", "signatures"}
		b.Submit("Confirm the signatures", all...).Want(422, "Is this")
		b.Submit("Confirm the signatures", append(all, "code", o.Code(o.Second))...).Want(200, "Request "+number).
			Sees("The signatures on paper for "+number+" count", "Signed on paper on", "recorded by the desk, confirmed by a second member", "Signature on paper confirmed by a second person: Signatory of the licensee")

		// The parties see it and may read it; what else they sign, they sign in the portal.
		o.applicant = o.join("party:", a.Party(licensing.Applicant).ID, "Noor van den Berg")
		o.as(o.applicant).Get("/agreements/"+a.Number).Want(200, a.Number).Sees("recorded by the data access desk, confirmed by a second member", "Signature on paper recorded: signatory of the licensee", "Signed on paper, version 1")
		if got := o.as(o.applicant).Get(document); got.Status != 200 {
			t.Errorf("a party reads the document: got %d", got.Status)
		}
		o.sign(a, licensing.Applicant, o.applicant)
		o.sign(a, licensing.Representative, o.Rep)
		if got := o.agreement(number).State; got != licensing.InForce {
			t.Fatalf("with the third signature the agreement is %s", got)
		}
		o.signatory = o.join("party:", a.Party(licensing.Signatory).ID, "Hugo de Wit")
		o.as(o.signatory).Get("/agreements/"+a.Number+"/contacts").Want(200, "Download contacts")
		o.as(o.signatory).Get("/agreements/"+a.Number+"/sign").Want(200, "You have signed")
		contact := o.join("contact:", o.agreement(number).Contacts[0].ID, "Karin Kluis")
		for name, who := range map[string]account.Who{"a contact": contact, "a steward": o.Steward, "somebody else": o.Person("Eve Vreemd", "eve@elsewhere.example")} {
			if got := o.as(who).Get(document).Status; got != 404 {
				t.Errorf("%s reads the document: got %d, want 404", name, got)
			}
		}
		for _, lang := range []string{"nl", "en"} {
			o.as(o.applicant).Prefer(lang).SetCookie("sluice-lang", lang).Get("/agreements/"+a.Number).Want(200, a.Number)
			o.as(o.Desk).Prefer(lang).SetCookie("sluice-lang", lang).Get(page).Want(200, number)
		}
	})
}

func TestADocumentIsSentBackOrOvertakenByAnotherVersion(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	page, a := o.toSign()
	number := strings.TrimPrefix(page, "/requests/")
	o.applicant = o.join("party:", a.Party(licensing.Applicant).ID, "Noor van den Berg")
	upload := func(who account.Who) *portaltest.Browser {
		now := o.agreement(number)
		return o.as(who).Get(page+"/paper").SubmitFiles("Upload the document", scanned(fmt.Sprint(now.Version, len(now.Papers))), o.signedToday(now, licensing.Applicant)...).Want(200, number)
	}
	upload(o.Desk)
	document := o.agreement(number).Papers[0].Document
	if got := o.as(o.applicant).Get("/agreements/" + a.Number + "/documents/" + document + ".pdf").Status; got != 404 {
		t.Errorf("a party reads what nobody has compared: got %d, want 404", got)
	}
	o.as(o.applicant).Get("/agreements/"+a.Number).Sees("You need not sign here as well", "comparing a document signed on paper").Prefer("nl")
	if o.as(o.applicant).Get("/").Has("Read and sign agreement") {
		t.Error("who signed on paper is asked to sign")
	}
	for _, lang := range []string{"nl", "en"} {
		b := o.as(o.Second).Prefer(lang).SetCookie("sluice-lang", lang)
		for _, path := range []string{"/", page, page + "/paper", page + "/confirm-paper", page + "/refuse-paper", "/queues/paper", "/queues/sign"} {
			b.Get(path).Want(200, "")
		}
	}
	o.as(o.Second).Get(page + "/paper").Sees("A signed document waits for a second person already")
	b := o.as(o.Second).Get(page + "/refuse-paper")
	b.Submit("Send the document back", "reason", "").Want(422, "Send back").Sees("Write the reason")
	b.Submit("Send the document back", "reason", "Page 3 is missing").Want(200, number).Sees("has been sent back", "Page 3 is missing", "Document signed on paper sent back")
	o.as(o.applicant).Get("/agreements/" + a.Number).Sees("It is your turn")

	// Another version overtakes the next one, and whoever had it open is told.
	upload(o.Desk)
	late := o.as(o.Second).Get(page+"/confirm-paper").Want(200, "Is this")
	b = o.as(o.Desk).Get(page+"/revise").Submit("Continue to the check", "reason", "The title was wrong", "title", "Another title").Want(200, "Check")
	b.Submit("Save the changes").Want(200, number).Sees("so is the signed document that was waiting", "The version changed")
	late.Submit("Confirm the signatures", "compared", "text", "compared", "whole", "compared", "signatures", "code", o.Code(o.Second)).Want(409, "Somebody else was first")
	o.as(o.Second).Get(page + "/confirm-paper").Sees("This cannot be done now")
	o.WorkOff()
}

func TestOfTwoWhoCompareTheSameDocumentOneIsToldThatTheOtherWasFirst(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	third := o.Person("Tess Derde", "third@foundation.example", account.Desk)
	page, a := o.toSign()
	o.as(o.Desk).Get(page+"/paper").SubmitFiles("Upload the document", scanned("x"), o.signedToday(a, licensing.Signatory)...).Want(200, "Request")
	one, other := o.as(o.Second).Get(page+"/confirm-paper"), o.as(third).Get(page+"/confirm-paper")
	all := []string{"compared", "text", "compared", "whole", "compared", "signatures"}
	one.Submit("Confirm the signatures", append(all, "code", o.Code(o.Second))...).Want(200, "Request")
	other.Submit("Confirm the signatures", append(all, "code", o.Code(third))...).Want(409, "Somebody else was first")
}

func TestADocumentThatIsTooLargeIsRefusedBeforeItIsRead(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	o := newOffice(t, d, clock)
	page, a := o.toSign()
	large := scanned(strings.Repeat("x", licensing.LargestPaper))
	o.as(o.Desk).Get(page+"/paper").SubmitFiles("Upload the document", large, o.signedToday(a, licensing.Signatory)...).Want(422, "Upload").Sees("The file is larger than 16 MB")
	// Another route takes no files at all.
	if got := o.as(o.Desk).Post(page+"/refuse-paper", url.Values{"reason": {strings.Repeat("x", formBytes)}}).Status; got != 413 {
		t.Errorf("a form of more than a megabyte: got %d, want 413", got)
	}
}
