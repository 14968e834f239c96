package licensing_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// scan is a document that somebody signed, other bytes for each text.
func scan(text string) []byte {
	return []byte("%PDF-1.6\n% " + text + "\nstartxref\n0\n%%EOF\n")
}

// paper is a scan with the signatures of some parts under the present version, dated today.
func (w *world) paper(parts ...licensing.Part) licensing.PaperInput {
	w.t.Helper()
	a := w.get()
	text := a.Number
	in := licensing.PaperInput{SHA256: a.SHA256}
	for _, p := range parts {
		text += " " + string(p)
		in.Signers = append(in.Signers, licensing.PaperSignerInput{Part: p, SignedOn: licensing.DateOf(w.clock.Now().In(a.Location())), Name: "As Printed", Position: "as printed"})
	}
	in.PDF = scan(text)
	return in
}

func (w *world) waiting() licensing.PaperID {
	w.t.Helper()
	p, _ := w.get().WaitingPaper()
	return p.ID
}

func (w *world) upload(who account.Who, parts ...licensing.Part) {
	w.t.Helper()
	w.must(w.r.UploadPaper(w.t.Context(), who, w.agreement, w.paper(parts...)))
}

func (w *world) confirmPaper(who account.Who) error {
	w.t.Helper()
	return w.r.ConfirmPaper(w.t.Context(), who, w.onAgreement(who, "decide"), w.agreement, w.waiting())
}

// toSign runs a story on both engines, on an agreement that is open for signing and of which nobody has an account yet.
func toSign(t *testing.T, story func(t *testing.T, w *world)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := newWorld(t, d, clock)
		w.record(w.input())
		w.approve()
		story(t, w)
	})
}

func TestSignaturesOnPaperAndInThePortalBringAnAgreementIntoForceTogether(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.applicant = w.join("anna@uni.example", "Anna Onderzoeker")
		w.must(w.sign(w.rep, licensing.Representative))
		w.upload(w.desk, licensing.Signatory)
		if a := w.get(); len(a.Missing()) != 2 {
			t.Fatalf("an upload that nobody confirmed counts: %d signatures are missing, want 2", len(a.Missing()))
		}
		w.wantReaders("paper.to-confirm", "second@foundation.example")
		w.replay()
		w.clock.Advance(48 * time.Hour)
		w.second = w.SignIn(w.second.Person(), "second@foundation.example").Who
		w.must(w.confirmPaper(w.second))
		w.wantReaders("paper.receipt", "sjoerd@uni.example")
		w.applicant = w.SignIn(w.applicant.Person(), "anna@uni.example").Who
		w.must(w.sign(w.applicant, licensing.Applicant))

		a := w.get()
		if a.State != licensing.InForce || w.inForce != 1 {
			t.Fatalf("with the third signature the agreement is %s, and was told to be in force %d times", a.State, w.inForce)
		}
		i := slices.IndexFunc(a.Signatures, func(s licensing.Signature) bool { return s.Part == licensing.Signatory })
		got := a.Signatures[i]
		if p := a.Papers[0]; got.Paper.Document != p.Document || got.Paper.UploadedBy != w.desk.Person() || got.Paper.ConfirmedBy != w.second.Person() ||
			got.Person != "" || got.SHA256 != a.SHA256 || got.Version != 1 || got.Name != "As Printed" || !got.At.Equal(p.Decided) || p.State != licensing.PaperCounts {
			t.Errorf("the signature is %+v of %+v", got, p)
		}

		// What comes later takes an account, and the invitation still stands.
		w.signatory = w.join("sjoerd@uni.example", "Sjoerd Bestuurder")
		if _, err := w.askContact("Nora Nieuw", "nora@uni.example", "NL"); err != nil {
			t.Errorf("a signatory who signed on paper asks for a contact: %v", err)
		}
		w.replay()
	})
}

func TestTheLastSignatureMayBeOnPaperAndOneDocumentMayCarryAllThree(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.upload(w.desk, licensing.Signers()...)
		w.must(w.confirmPaper(w.second))
		a := w.get()
		if a.State != licensing.InForce || w.inForce != 1 || len(a.Signatures) != 3 || a.Term.From.After(w.clock.Now()) {
			t.Fatalf("got %s with %d signatures, term %v", a.State, len(a.Signatures), a.Term)
		}
		w.wantReaders("paper.receipt", "anna@uni.example", "rep@foundation.example", "sjoerd@uni.example")
		w.wantReaders("contact.invited", "carla@uni.example")
		w.joinParties()
		w.replay()
	})
}

func TestNobodyConfirmsWhatHeUploadedOrWhereHeHasAPart(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		both := w.Person("Rita Beide", "rita@foundation.example", account.Desk, account.Representative)
		in := w.input()
		in.Representative = both.Person()
		w.must(w.r.Revise(t.Context(), w.desk, w.request, w.getRequest().Rev, in))
		w.must(w.r.Release(t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement))
		wantRefused(t, "the representative, who is of the desk too, uploads", w.r.UploadPaper(t.Context(), both, w.agreement, w.paper(licensing.Representative)), "conflict")
		w.upload(w.desk, licensing.Representative)
		wantRefused(t, "the first confirms", w.confirmPaper(w.desk), "own-record")
		wantRefused(t, "the representative confirms", w.confirmPaper(both), "conflict")
		wantRefused(t, "the representative sends it back", w.r.RefusePaper(t.Context(), both, w.agreement, w.waiting(), "mine"), "conflict")
		if err := w.r.ConfirmPaper(t.Context(), w.second, account.Proof{}, w.agreement, w.waiting()); !errors.Is(err, account.ErrNotProved) {
			t.Errorf("a second person without a fresh code: got %v", err)
		}
		if n := len(w.get().Signatures); n != 0 {
			t.Fatalf("%d signatures count, want none", n)
		}
		w.must(w.confirmPaper(w.second))
		w.replay()
	})
}

func TestWhoBroughtInASignatureTakesNoPartOfTheLicenseeLater(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		// Members of the desk who did nothing but this: the address of a party turns out to be one of theirs.
		third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
		fourth := w.Person("Vera Vierde", "fourth@foundation.example", account.Desk)
		w.must(w.r.UploadPaper(t.Context(), third, w.agreement, w.paper(licensing.Signatory)))
		w.must(w.confirmPaper(fourth))
		for _, l := range w.letters() {
			if l.To.Email == "sjoerd@uni.example" && l.Invitation != "" {
				wantRefused(t, "the first accepts the signatory's invitation", w.Accounts.AcceptAs(t.Context(), w.Link(l.Invitation), third), "conflict")
				wantRefused(t, "the second does", w.Accounts.AcceptAs(t.Context(), w.Link(l.Invitation), fourth), "conflict")
			}
		}
		// Nor does anybody become the second of two signers.
		w.applicant = w.join("anna@uni.example", "Anna Onderzoeker")
		for _, l := range w.letters() {
			if l.To.Email == "sjoerd@uni.example" && l.Invitation != "" {
				wantRefused(t, "the applicant accepts it", w.Accounts.AcceptAs(t.Context(), w.Link(l.Invitation), w.applicant), "conflict")
			}
		}
		w.must(w.sign(w.applicant, licensing.Applicant))
		w.replay()
	})
}

func TestWhoDecidedWhileTheSignerOnPaperWasAwayDoesNotTakeHisPart(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.applicant = w.join("anna@uni.example", "Anna Onderzoeker")
		w.must(w.sign(w.applicant, licensing.Applicant))
		w.must(w.sign(w.rep, licensing.Representative))
		w.upload(w.desk, licensing.Signatory)
		w.must(w.confirmPaper(w.second))
		w.clock.Set(w.get().Term.Until.Add(-30 * 24 * time.Hour))
		w.applicant = w.SignIn(w.applicant.Person(), "anna@uni.example").Who
		w.desk = w.SignIn(w.desk.Person(), "desk@foundation.example").Who
		w.must(w.r.ResendInvitation(t.Context(), w.desk, w.request, licensing.Signatory))
		// Two who did nothing but grant the extension: the signatory's address turns out to be one of theirs.
		third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
		fourth := w.Person("Vera Vierde", "fourth@foundation.example", account.Desk)
		id, err := w.r.AskExtension(t.Context(), w.applicant, w.agreement, licensing.Date{Year: 2028, Month: time.June, Day: 30}, "the work goes on")
		w.must(err)
		w.must(w.decide(third, id, true))
		w.must(w.decide(fourth, id, true))
		for _, who := range []account.Who{fourth, third} {
			wantRefused(t, "one who granted the extension takes the signatory's part", w.acceptInvitation("sjoerd@uni.example", who), "conflict")
		}
		w.replay()
	})
}

func TestNobodySignsInTwoPartsByHavingAnotherAddress(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.signatory = w.join("sjoerd@uni.example", "Sjoerd Bestuurder")
		w.must(w.sign(w.signatory, licensing.Signatory))
		w.upload(w.desk, licensing.Applicant)
		// The applicant's address turns out to be the signatory's too.
		w.must(w.Accounts.AcceptAs(t.Context(), w.Link(w.Invite("Sjoerd Bestuurder", "anna@uni.example", "elsewhere:x")), w.signatory))
		wantRefused(t, "confirming the signature of one who has signed", w.confirmPaper(w.second), "conflict")
		w.must(w.r.RefusePaper(t.Context(), w.second, w.agreement, w.waiting(), "one person for two"))
		wantRefused(t, "uploading it again", w.r.UploadPaper(t.Context(), w.desk, w.agreement, w.paper(licensing.Applicant)), "conflict")
		w.replay()
	})
}

func TestOfTwoWhoConfirmAtOnceOneWinsAndTheOtherIsTold(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
		w.upload(w.desk, licensing.Signatory)
		id := w.waiting()
		people := []account.Who{w.second, third}
		proofs := []account.Proof{w.onAgreement(w.second, "decide"), w.onAgreement(third, "decide")}
		errs := make([]error, 2)
		var wg sync.WaitGroup
		for i := range people {
			wg.Go(func() { errs[i] = w.r.ConfirmPaper(t.Context(), people[i], proofs[i], w.agreement, id) })
		}
		wg.Wait()
		if won, told := slices.Index(errs, nil), slices.IndexFunc(errs, func(err error) bool { return refusal(err) == "refused.no-paper" }); won < 0 || told < 0 {
			t.Errorf("got %v, want one done and one told", errs)
		}
		if n := len(w.get().Signatures); n != 1 {
			t.Errorf("%d signatures count, want 1", n)
		}
		w.replay()
	})
}

func TestAnotherVersionVoidsWhatWaitsAndTellsWhoUploadedIt(t *testing.T) {
	for name, change := range map[string]func(w *world) error{
		"revised": func(w *world) error {
			return w.r.Revise(w.t.Context(), w.second, w.request, w.getRequest().Rev, w.input())
		},
		"declined": func(w *world) error {
			return w.r.Decline(w.t.Context(), w.applicant, w.agreement, licensing.Applicant, "not so")
		},
		"terminated": func(w *world) error {
			w.must(w.r.Propose(w.t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionTerminate, "not serious"))
			return w.r.Second(w.t.Context(), w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionTerminate, "")
		},
		"signed in the portal by all that it carries": func(w *world) error { return w.sign(w.signatory, licensing.Signatory) },
	} {
		t.Run(name, func(t *testing.T) {
			toSign(t, func(t *testing.T, w *world) {
				w.joinParties()
				w.upload(w.desk, licensing.Signatory)
				id, proof := w.waiting(), w.onAgreement(w.second, "decide")
				w.must(change(w))
				if got := w.get().Papers[0].State; got != licensing.PaperVoid {
					t.Fatalf("the document is %q, want void", got)
				}
				w.wantReaders("paper.void", "desk@foundation.example")
				if name != "terminated" { // by which the code was used up
					if err := w.r.ConfirmPaper(t.Context(), w.second, proof, w.agreement, id); refusal(err) != "refused.no-paper" && refusal(err) != "refused.state" {
						t.Errorf("confirming it after that: %v", err)
					}
				}
				w.replay()
			})
		})
	}
}

func TestOfADocumentOnlyThePartsCountThatHaveNotSignedOtherwise(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.joinParties()
		w.upload(w.desk, licensing.Applicant, licensing.Signatory)
		w.must(w.sign(w.applicant, licensing.Applicant))
		w.must(w.confirmPaper(w.second))
		a := w.get()
		for _, s := range a.Signatures {
			if s.Paper.IsZero() != (s.Part == licensing.Applicant) {
				t.Errorf("the signature of the %s came in as %+v", s.Part, s.Paper)
			}
		}
		w.wantReaders("paper.receipt", "sjoerd@uni.example")
		wantRefused(t, "signing in the portal after that", w.sign(w.signatory, licensing.Signatory), "signed-already")
		w.must(w.sign(w.rep, licensing.Representative))
		w.replay()
	})
}

func TestADocumentSentBackCountsForNothingAndMayComeAgain(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.upload(w.desk, licensing.Signatory)
		wantRefused(t, "sending back without a reason", w.r.RefusePaper(t.Context(), w.second, w.agreement, w.waiting(), " "), "reason")
		wantRefused(t, "another beside it", w.r.UploadPaper(t.Context(), w.second, w.agreement, w.paper(licensing.Applicant)), "paper-waits")
		w.must(w.r.RefusePaper(t.Context(), w.second, w.agreement, w.waiting(), "page 3 is missing"))
		w.wantReaders("paper.sent-back", "desk@foundation.example")
		w.upload(w.desk, licensing.Signatory)
		w.must(w.r.RefusePaper(t.Context(), w.desk, w.agreement, w.waiting(), "the wrong file")) // taken back
		w.wantReaders("paper.sent-back", "desk@foundation.example")
		w.upload(w.second, licensing.Signatory)
		w.must(w.confirmPaper(w.desk))
		if a := w.get(); len(a.Signatures) != 1 || len(a.Papers) != 3 || a.Papers[0].State != licensing.PaperSentBack {
			t.Errorf("got %d signatures, and the documents %+v", len(a.Signatures), a.Papers)
		}
		w.replay()
	})
}

func TestWhatIsNoSignatureOnThisVersionIsRefused(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.must(w.sign(w.rep, licensing.Representative))
		var own licensing.StoredDocument
		w.must(w.d.View(t.Context(), func(tx *db.Tx) (err error) {
			own, err = w.r.Document(tx, w.desk, w.get().SHA256)
			return err
		}))
		today := licensing.DateOf(w.clock.Now())
		for name, c := range map[string]struct {
			change func(*licensing.PaperInput)
			want   string
		}{
			"nothing":                     {func(in *licensing.PaperInput) { in.PDF = nil }, "paper-empty"},
			"too much":                    {func(in *licensing.PaperInput) { in.PDF = append(make([]byte, licensing.LargestPaper), in.PDF...) }, "paper-large"},
			"another kind of file":        {func(in *licensing.PaperInput) { in.PDF = append([]byte("\n"), in.PDF...) }, "paper-type"},
			"a page in disguise":          {func(in *licensing.PaperInput) { in.PDF = []byte("<html>%PDF-1.6 startxref %%EOF") }, "paper-type"},
			"a file that was cut off":     {func(in *licensing.PaperInput) { in.PDF = append(in.PDF, strings.Repeat("x", 4096)...) }, "paper-broken"},
			"the portal's own PDF":        {func(in *licensing.PaperInput) { in.PDF = own.PDF }, "paper-broken"}, // the test's has no end
			"another version":             {func(in *licensing.PaperInput) { in.SHA256 = hash }, "other-version"},
			"nobody's signature":          {func(in *licensing.PaperInput) { in.Signers = nil }, "paper-nobody"},
			"a part that has signed":      {func(in *licensing.PaperInput) { in.Signers[0].Part = licensing.Representative }, "paper-signed"},
			"a part that there is not":    {func(in *licensing.PaperInput) { in.Signers[0].Part = "witness" }, "paper-signed"},
			"one part twice":              {func(in *licensing.PaperInput) { in.Signers = append(in.Signers, in.Signers[0]) }, "paper-signed"},
			"a day to come":               {func(in *licensing.PaperInput) { in.Signers[0].SignedOn = today.AddDays(1) }, "paper-future"},
			"a day before the version":    {func(in *licensing.PaperInput) { in.Signers[0].SignedOn = today.AddDays(-1) }, "paper-early"},
			"no day":                      {func(in *licensing.PaperInput) { in.Signers[0].SignedOn = licensing.Date{} }, "needed"},
			"no name":                     {func(in *licensing.PaperInput) { in.Signers[0].Name = "\n" }, "needed"},
			"a position longer than life": {func(in *licensing.PaperInput) { in.Signers[0].Position = strings.Repeat("x", 2001) }, "needed"},
		} {
			in := w.paper(licensing.Applicant)
			c.change(&in)
			wantRefused(t, name, w.r.UploadPaper(t.Context(), w.desk, w.agreement, in), c.want)
		}
		if a := w.get(); len(a.Papers) != 0 {
			t.Errorf("%d documents wait, want none", len(a.Papers))
		}
		w.replay()
	})
}

func TestADocumentOfAnotherAgreementOrVersionIsRefused(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		in := w.paper(licensing.Signatory)
		w.must(w.r.UploadPaper(t.Context(), w.desk, w.agreement, in))
		w.must(w.r.Revise(t.Context(), w.second, w.request, w.getRequest().Rev, w.input()))
		w.must(w.r.Release(t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement))
		again := in
		again.SHA256 = w.get().SHA256
		wantRefused(t, "the old version's document for the new one", w.r.UploadPaper(t.Context(), w.desk, w.agreement, again), "paper-known")

		w.record(w.input())
		w.approve()
		again.SHA256 = w.get().SHA256
		wantRefused(t, "one agreement's document for another", w.r.UploadPaper(t.Context(), w.desk, w.agreement, again), "paper-known")
		w.replay()
	})
}

func TestARepresentativeWhoLeftSignsNothingOnPaperEither(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.upload(w.desk, licensing.Representative)
		w.dismiss(w.rep)
		wantRefused(t, "confirming the signature of somebody who left", w.confirmPaper(w.second), "paper-representative")
	})
}

func TestWhatWasSignedOnPaperIsForThePartiesOnceItCounts(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.joinParties()
		w.upload(w.desk, licensing.Signatory)
		document := w.get().Papers[0].Document
		read := func(who account.Who) (d licensing.StoredDocument, err error) {
			err = w.d.View(t.Context(), func(tx *db.Tx) error {
				d, err = w.r.Document(tx, who, document)
				return err
			})
			return d, err
		}
		if _, err := read(w.signatory); !errors.Is(err, licensing.ErrNotFound) {
			t.Errorf("a party reads what nobody has compared yet: %v", err)
		}
		w.must(w.confirmPaper(w.second))
		for _, who := range []account.Who{w.applicant, w.signatory, w.rep, w.desk, w.auditor} {
			if d, err := read(who); err != nil || string(d.PDF) != string(scan(w.get().Number+" signatory")) {
				t.Errorf("reading it: %v, %q", err, d.PDF)
			}
		}
		w.must(w.sign(w.applicant, licensing.Applicant))
		w.must(w.sign(w.rep, licensing.Representative))
		w.contact = w.join("carla@uni.example", "Carla Contact")
		for _, who := range []account.Who{w.contact, w.steward} {
			if _, err := read(who); !errors.Is(err, licensing.ErrNotFound) {
				t.Errorf("somebody who only downloads reads it: %v", err)
			}
		}
	})
}

func TestEditedRowsOfSignaturesOnPaperAreFound(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.upload(w.desk, licensing.Signatory)
		w.must(w.confirmPaper(w.second))
		w.upload(w.desk, licensing.Applicant)
		w.replay()
		for name, statement := range map[string]string{
			"one that waits counts":            `UPDATE papers SET state = 'counts' WHERE position = $1 + 1`,
			"another confirmed it":             `UPDATE papers SET decider = 'x' WHERE position = $1`,
			"another day":                      `UPDATE paper_signers SET signed_on = '2020-01-01' WHERE $1 = 0`,
			"another name":                     `UPDATE paper_signers SET name = 'Mallory' WHERE $1 = 0`,
			"a signature given in the portal":  `UPDATE signatures SET document = '' WHERE $1 = 0`,
			"another pair of eyes":             `UPDATE signatures SET confirmed_by = uploaded_by WHERE $1 = 0`,
			"other bytes under the same hash":  `UPDATE documents SET pdf = 'x' WHERE kind = 'paper' AND $1 = 0`,
			"words that were never beside it":  `UPDATE documents SET html = 'x' WHERE kind = 'paper' AND $1 = 0`,
			"the document under another name":  `UPDATE papers SET document = (SELECT sha256 FROM documents WHERE kind = 'agreement') WHERE position = $1`,
			"the upload is somebody else's":    `UPDATE papers SET uploader = 'x' WHERE position = $1`,
			"the signer whom nobody witnessed": `INSERT INTO paper_signers (paper, part, signed_on, digest, salt, name, position) SELECT id, 'representative', '2026-11-22', '', '', '', '' FROM papers WHERE position = $1`,
		} {
			if !w.differs(statement, 0) {
				t.Errorf("%s: got no difference, want one", name)
			}
		}
		w.replay()
	})
}
