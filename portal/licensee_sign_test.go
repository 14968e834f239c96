package portal

import (
	"net/http"
	"strings"
	"testing"

	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

var nextYear = licensing.Date{Year: 2027, Month: 12, Day: 31}

func TestThreePeopleReadAndSign(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := dealWorld(t, d, clock)
		set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
		a := w.deal("NL", "en", nextYear, set.ID)

		anna := w.as(a.Applicant)
		anna.Get("/").Sees("Read and sign agreement "+a.Number).Follow("Read and sign agreement").Want(200, "Sign agreement "+a.Number)
		anna.Sees("Each code works once", "as the researcher responsible", a.load().SHA256)
		anna.Get(a.path("")).Want(200, a.Number).Sees("It is your turn", "Being signed", "Resistance in melanoma")
		anna.Get(a.path("/versions/1")).Want(200, "version 1").Sees("Publication and acknowledgement", a.load().SHA256)
		both(anna, a.path(""), a.path("/sign"), a.path("/decline"), a.path("/versions/1"), "/agreements", "/inbox")

		pdf := anna.Get(a.path("/versions/1.pdf"))
		if pdf.Status != 200 || pdf.Header.Get("Content-Type") != "application/pdf" || !strings.HasPrefix(pdf.Body, "%PDF-") || !strings.Contains(pdf.Header.Get("Content-Disposition"), a.Number+"-version-1.pdf") {
			t.Fatalf("the PDF: got %d %v %.20q", pdf.Status, pdf.Header, pdf.Body)
		}

		anna.Get(a.path("/sign")).Submit("Sign", "name", "Anna Onderzoeker", "authority", "yes", "code", w.Code(a.Applicant)).Want(200, "You have signed")
		anna.Sees(a.Number, "Sjoerd Bestuurder and Roos Vertegenwoordiger", "20 December 2026")
		anna.Get(a.path("/sign")).Want(200, "You have signed")
		anna.Get(a.path("")).Sees("Waiting for Sjoerd Bestuurder and Roos Vertegenwoordiger")
		both(anna, a.path("/signed"))

		sjoerd := w.as(a.Signatory)
		sjoerd.Get(a.path("/sign?lang=nl")).Want(200, "Onderteken overeenkomst "+a.Number).Sees("Ik ben bevoegd Universiteit Proefstad te verbinden")
		sjoerd.Submit("Onderteken", "name", "Sjoerd Bestuurder", "authority", "yes", "code", w.Code(a.Signatory)).Want(200, "U hebt getekend")

		roos := w.as(a.Rep)
		roos.Get(a.path("/sign")).Sees("I am authorised to bind Stichting Proef").Submit("Sign", "name", "Roos V.", "authority", "yes", "code", w.Code(a.Rep)).Want(200, "You have signed").Sees("All three signatures are there")

		now := a.load()
		said := map[licensing.Part]string{}
		for _, g := range now.Signatures {
			said[g.Part] = g.Authority
		}
		if now.State != licensing.InForce || len(said) != 3 || !strings.Contains(said[licensing.Signatory], "Ik ben bevoegd") {
			t.Fatalf("got %s with %d signatures: %+v", now.State, len(now.Signatures), now.Signatures)
		}
		anna.Get(a.path("")).Sees("In force", "We thank the patients of Stichting Proef.", "Signed as main applicant", "Add the last day to your calendar")
		both(w.as(a.Applicant), a.path(""), a.path("/versions/1"))
		both(w.as(a.Signatory), a.path(""), a.path("/contacts"))
	})
}

func TestNobodySignsWhatHeDidNotSee(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("NL", "en", nextYear, set.ID)
	anna := w.as(a.Applicant).Get(a.path("/sign"))
	code := w.Code(a.Applicant)
	a.revise("Resistance in melanoma, and why")

	anna.Submit("Sign", "name", "Anna", "authority", "yes", "code", code).Want(422, "Sign agreement").Sees("version 2 now", "Nothing has been signed", a.load().SHA256)
	if n := len(a.load().Signatures); n != 0 {
		t.Fatalf("got %d signatures, want none", n)
	}
	if strings.Contains(anna.Body, "checked") {
		t.Error("the statement of authority given for another text is still ticked")
	}
	// The code was not used up, and the new version can be signed with it.
	anna.Submit("Sign", "authority", "yes", "code", w.Code(a.Applicant)).Want(200, "You have signed")
	old := w.as(a.Applicant).Get(a.path("/versions/1")).Want(200, "version 1").Sees("has been replaced by version 2")
	old.Get(a.path("")).Sees("Text changed; signatures so far are void")

	// Between the change and the release nothing can be signed at all.
	sjoerd := w.as(a.Signatory).Get(a.path("/sign"))
	var rev int64
	w.View(func(tx *db.Tx) error {
		q, err := w.Registry.Request(tx, a.Request)
		rev = q.Rev
		return err
	})
	a.input.Title = "Once more"
	a.must(w.Registry.Revise(t.Context(), w.Desk, a.Request, rev, a.input))
	sjoerd.Submit("Sign", "name", "S", "authority", "yes", "code", w.Code(a.Signatory)).Want(200, a.Number).Sees("Nothing has been signed", "Waiting for the data access desk")
	both(sjoerd, a.path(""))
}

func TestABadSignatureSaysWhatToMend(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("NL", "en", nextYear, set.ID)
	for name, c := range map[string]struct {
		fields []string
		want   string
	}{
		"no name":      {[]string{"name", " ", "authority", "yes", "code", "good"}, "Type your full name"},
		"no position":  {[]string{"name", "Anna", "position", "", "authority", "yes", "code", "good"}, "Enter your position"},
		"no authority": {[]string{"name", "Anna", "code", "good"}, "State that you are authorised and have read the agreement"},
		"a long name":  {[]string{"name", strings.Repeat("a", 201), "authority", "yes", "code", "good"}, "Write at most 200 characters"},
		"no code":      {[]string{"name", "Anna", "authority", "yes"}, "Enter the six digits that your authenticator app shows now"},
		"a wrong code": {[]string{"name", "Anna", "authority", "yes", "code", "000000"}, "This code is not right, or has been used before. Wait until your app shows the next one and enter that"},
	} {
		t.Run(name, func(t *testing.T) {
			for i, f := range c.fields {
				if f == "good" {
					c.fields[i] = w.Code(a.Applicant)
				}
			}
			b := w.as(a.Applicant).Get(a.path("/sign")).Submit("Sign", c.fields...)
			if b.Status != 422 || lineList(b.Errors()) != c.want {
				t.Errorf("got %d %q, want 422 %q", b.Status, b.Errors(), c.want)
			}
			if len(a.load().Signatures) != 0 {
				t.Error("it was signed all the same")
			}
		})
	}
	t.Run("everything typed is kept", func(t *testing.T) {
		b := w.as(a.Applicant).Get(a.path("/sign")).Submit("Sign", "name", `A "B" <C>`, "authority", "yes")
		if !strings.Contains(b.Body, `value="A &#34;B&#34; &lt;C&gt;"`) || !strings.Contains(b.Body, " checked") {
			t.Error("what was typed is gone")
		}
	})
}

func TestSigningTwiceSignsOnce(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("NL", "en", nextYear, set.ID)
	one, two := w.as(a.Applicant).Get(a.path("/sign")), w.as(a.Applicant).Get(a.path("/sign"))
	fields := []string{"name", "Anna", "authority", "yes", "code", w.Code(a.Applicant)}
	one.Submit("Sign", fields...).Want(200, "You have signed")
	two.Submit("Sign", fields...).Want(200, "You have signed")
	if n := len(a.load().Signatures); n != 1 {
		t.Errorf("got %d signatures, want 1", n)
	}
}

func TestADeclinedAgreementGoesBackToTheDesk(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("NL", "en", nextYear, set.ID)
	w.as(a.Applicant).Get(a.path("/sign")).Submit("Sign", "name", "Anna", "authority", "yes", "code", w.Code(a.Applicant)).Want(200, "signed")
	sjoerd := w.as(a.Signatory).Get(a.path("/sign")).Follow("Decline to sign").Want(200, "Decline to sign")
	sjoerd.Submit("Decline").Want(422, "Decline")
	stale := w.as(a.Signatory).Get(a.path("/decline"))
	sjoerd.Submit("Decline", "reason", "Article 9 cannot be kept by us.").Want(200, a.Number).Sees("You have declined", "Waiting for the data access desk", "Article 9 cannot be kept by us.")
	if now := a.load(); now.State != licensing.Drafted || len(now.Signatures) != 0 {
		t.Errorf("got %s with %d signatures, want drafted without", now.State, len(now.Signatures))
	}
	stale.Submit("Decline", "reason", "twice").Want(200, a.Number).Sees("You have not declined anything")
}

func TestConfirmationsAreAnsweredBeforeAnybodySigns(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	w := dealWorld(t, d, clock)
	set := w.Import("WGS", map[string][]byte{"a.vcf": []byte("a")})
	a := w.deal("IN", "en", nextYear, set.ID)
	if a.load().Variant != "non-eea" || len(a.load().Confirmations) == 0 {
		t.Fatalf("got variant %q with %d confirmations", a.load().Variant, len(a.load().Confirmations))
	}
	w.as(a.Applicant).Get(a.path("")).Sees("Waiting for Sjoerd Bestuurder", "answers the confirmations").Get(a.path("/sign")).Want(200, a.Number)
	both(w.as(a.Applicant), a.path("/confirmations"))
	w.as(a.Applicant).Post(a.path("/confirmations"), nil).Want(404, "")

	sjoerd := w.as(a.Signatory)
	sjoerd.Get("/").Follow("Answer the confirmations").Want(200, "Confirmations of the licensee")
	both(sjoerd, a.path("/confirmations"))
	sjoerd.Get(a.path("/confirmations")).Submit("Give these answers", "code", w.Code(a.Signatory)).Want(422, "Confirmations")
	if got, want := len(sjoerd.Errors()), len(a.load().Confirmations); got != want {
		t.Errorf("got %d errors, want one for each of %d statements: %q", got, want, sjoerd.Errors())
	}
	fields := func(last string) (all []string) {
		for i, c := range a.load().Confirmations {
			answer := "confirmed"
			if i == 0 {
				answer = last
			}
			all = append(all, "answer."+c.Item, answer)
		}
		return all
	}
	first := a.load().Confirmations[0].Item
	sjoerd.Submit("Give these answers", append(fields("not-confirmed"), "code", w.Code(a.Signatory))...).Want(422, "").Sees("Explain why statement 1 cannot be confirmed")
	sjoerd.Submit("Give these answers", append(fields("not-confirmed"), "explanation."+first, "Our law says otherwise.", "code", w.Code(a.Signatory))...).Want(200, a.Number)
	sjoerd.Sees("Your answers have been recorded", "Two people of the foundation look at the confirmations")
	both(w.as(a.Applicant), a.path("/confirmations"), a.path(""))
	w.as(a.Applicant).Get(a.path("/confirmations")).Sees("Our law says otherwise.", "Not confirmed")

	// As long as the desk has not judged, the signatory may answer again.
	sjoerd.Get(a.path("/confirmations")).Submit("Give these answers", append(fields("confirmed"), "code", w.Code(a.Signatory))...).Want(200, a.Number).Sees("It is your turn", "Being signed")
	sjoerd.Get(a.path("/versions/1")).Want(200, "version 1")
	sjoerd.Get(a.path("/sign")).Submit("Sign", "name", "Sjoerd", "authority", "yes", "code", w.Code(a.Signatory)).Want(200, "You have signed")
	if w.as(a.Signatory).Post(a.path("/confirmations"), nil); a.load().State != licensing.Signing {
		t.Error("answering again after the opening changed something")
	}
	if got := w.as(a.Applicant).Get(a.path("/confirmations")).Status; got != http.StatusOK {
		t.Errorf("reading the answers later: got %d", got)
	}
}
