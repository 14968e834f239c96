package licensing_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
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

// authority is a document of authority as a desk might get it.
var (
	authority     = []byte("%PDF-1.4\nThe board appoints a new signatory.\n%%EOF\n")
	authorityHash = hashOf(authority)
)

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (w *world) successor(part licensing.Part, name, email string) licensing.SuccessorInput {
	return licensing.SuccessorInput{Part: part, PersonInput: licensing.PersonInput{Name: name, Position: "dean", Email: email}, Authority: authority,
		Reason: "The dean has left."}
}

func (w *world) propose(part licensing.Part, name, email string) licensing.AmendmentID {
	w.t.Helper()
	id, err := w.r.ProposeParty(w.t.Context(), w.desk, w.onAgreement(w.desk, "decide"), w.agreement, w.successor(part, name, email))
	w.must(err)
	return id
}

func (w *world) replace(who account.Who, id licensing.AmendmentID) error {
	w.t.Helper()
	return w.r.ReplaceParty(w.t.Context(), who, w.act(who, "decide", "amendment:"+string(id)), w.agreement, id, authorityHash, "")
}

func (w *world) replaceParty(part licensing.Part, name, email string) licensing.AmendmentID {
	w.t.Helper()
	id := w.propose(part, name, email)
	w.must(w.replace(w.second, id))
	return id
}

func (w *world) hashOf(id licensing.AmendmentID) string {
	m, _ := w.get().Amendment(id)
	return m.SHA256
}

func (w *world) accept(who account.Who, id licensing.AmendmentID) error {
	w.t.Helper()
	return w.r.AcceptPart(w.t.Context(), who, w.act(who, "sign", "amendment:"+string(id)), w.agreement, id, w.hashOf(id))
}

func (w *world) acceptPart(who account.Who, part licensing.Part) {
	w.t.Helper()
	m, waits := w.get().Awaits(part)
	if !waits {
		w.t.Fatalf("nobody has to accept the part of the %s", part)
	}
	w.must(w.accept(who, m.ID))
}

func TestANewSignatoryTakesOverAndTheOldOneMayDoNothingAnyMore(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		old, ctx := w.signatory, t.Context()
		id := w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
		if w.count("party.to-second") == 0 || w.count("party.replaced") != 0 {
			t.Error("a proposal asks the desk for its second person, and tells nobody else")
		}
		if got := w.get().Party(licensing.Signatory).Person; got != old.Person() {
			t.Errorf("after the proposal the part belongs to %s, want the old signatory still", got)
		}
		w.must(w.replace(w.second, id))
		a := w.get()
		m, _ := a.Amendment(id)
		if p := a.Party(licensing.Signatory); p.Person != "" || p.Name != "Nora Nieuw" || m.State != licensing.Effective || len(m.SHA256) != 64 {
			t.Errorf("got %+v and amendment %+v, want the part with the new one, who is not here yet", p, m)
		}
		for kind, want := range map[string]int{"party.replaced": 1, "party.successor-invited": 1, "party.changed": 3} { // applicant, representative, contact
			if got := w.count(kind); got != want {
				t.Errorf("%d letters %s, want %d", got, kind, want)
			}
		}
		w.oldIsOut(old)

		w.signatory = w.join("nora@uni.example", "Nora Nieuw")
		w.replay()
		if err := w.r.ConfirmList(ctx, w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement); refusal(err) != "refused.party-first" {
			t.Errorf("before accepting the part: got %v, want it refused", err)
		}
		if err := w.r.AcceptPart(ctx, w.signatory, w.act(w.signatory, "sign", "amendment:"+string(id)), w.agreement, id, strings.Repeat("0", 64)); refusal(err) != "refused.other-version" {
			t.Errorf("accepting another document: got %v, want it refused", err)
		}
		if err := w.r.AcceptPart(ctx, w.signatory, account.Proof{}, w.agreement, id, w.hashOf(id)); !errors.Is(err, account.ErrNotProved) {
			t.Errorf("accepting without a code: got %v, want not proved", err)
		}
		wantRefused(t, "the applicant accepts it", w.accept(w.applicant, id), "not-your-part")
		w.must(w.accept(w.signatory, id))
		wantRefused(t, "accepting twice", w.accept(w.signatory, id), "accepted-already")
		w.must(w.r.ConfirmList(ctx, w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement))
		w.oldIsOut(old)
		w.clock.Set(time.Date(2028, 1, 5, 10, 0, 0, 0, time.UTC))
		w.work()
		w.oldIsOut(old)
		w.must(w.r.AttestDestruction(ctx, w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(w.clock.Now()), ""))
		w.oldIsOut(old)
		w.replay()
	})
}

// oldIsOut tries everything that was the old signatory's.
func (w *world) oldIsOut(old account.Who) {
	w.t.Helper()
	ctx, proof := w.t.Context(), account.Proof{}
	carla := w.get().Contacts[0].ID
	_, asked := w.r.AskContact(ctx, old, proof, w.agreement, licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "N", Position: "p", Email: "n@uni.example"}, Country: "NL"}, "")
	_, extended := w.r.AskExtension(ctx, old, w.agreement, licensing.Date{Year: 2028, Month: 6, Day: 1}, "because")
	var paged, listed error
	mine := 0
	w.must(w.d.View(ctx, func(tx *db.Tx) error {
		_, paged = w.r.PageOf(tx, old, w.request)
		_, listed = w.r.RolesIn(old, w.get())
		all, err := w.r.AgreementsFor(tx, old)
		mine = len(all)
		return err
	}))
	for what, err := range map[string]error{
		"adding a contact": asked, "asking for an extension": extended, "reading the page": paged, "reading the agreement": listed,
		"removing a contact": w.r.RemoveContact(ctx, old, proof, w.agreement, carla, ""),
		"confirming":         w.r.ConfirmList(ctx, old, proof, w.agreement),
		"attesting":          w.r.AttestDestruction(ctx, old, proof, w.agreement, licensing.DateOf(w.clock.Now()), ""),
		"taking the part":    w.r.AcceptPart(ctx, old, proof, w.agreement, w.get().Amendments[0].ID, w.hashOf(w.get().Amendments[0].ID)),
	} {
		if !errors.Is(err, licensing.ErrNotFound) {
			w.t.Errorf("the old signatory, %s: got %v, want not found", what, err)
		}
	}
	if mine != 0 {
		w.t.Errorf("the old signatory still has %d agreements on the list", mine)
	}
}

func TestTheSecondOfTwoWhoConfirmIsToldThatItIsDone(t *testing.T) {
	attacked(t, func(t *testing.T, w *world) {
		third := w.Person("Cor Derde", "third@foundation.example", account.Desk)
		id := w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
		proofs := map[account.PersonID]account.Proof{}
		for _, who := range []account.Who{w.second, third} {
			proofs[who.Person()] = w.act(who, "decide", "amendment:"+string(id))
		}
		errs := make([]error, 2)
		var wait sync.WaitGroup
		for i, who := range []account.Who{w.second, third} {
			wait.Add(1)
			go func() {
				defer wait.Done()
				errs[i] = w.r.ReplaceParty(t.Context(), who, proofs[who.Person()], w.agreement, id, authorityHash, "")
			}()
		}
		wait.Wait()
		won := slices.Index(errs, nil)
		if won < 0 || refusal(errs[1-won]) != "refused.amendment-closed" {
			t.Errorf("got %v and %v, want one done and the other told", errs[0], errs[1])
		}
		if n := w.count("party.successor-invited"); n != 1 {
			t.Errorf("%d invitations, want one", n)
		}
		w.replay()
	})
}

func TestWhoMayNotPutSomebodyInAPart(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	ctx := t.Context()
	try := func(in licensing.SuccessorInput) error {
		_, err := w.r.ProposeParty(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, in)
		return err
	}
	_, err := w.r.ProposeParty(ctx, w.desk, account.Proof{}, w.agreement, w.successor(licensing.Signatory, "Nora", "nora@uni.example"))
	if !errors.Is(err, account.ErrNotProved) {
		t.Errorf("proposing without a code: got %v", err)
	}
	for what, c := range map[string]struct{ email, key string }{
		"the old one":              {"SJOERD@uni.example", "party-same"},
		"the applicant":            {"anna@uni.example", "conflict"},
		"the representative":       {"rep@foundation.example", "party-staff"},
		"who proposes it":          {"desk@foundation.example", "conflict"},
		"who approved the request": {"second@foundation.example", "conflict"},
		"staff without any part":   {"steward@foundation.example", "party-staff"},
		"nobody, at no address":    {"nobody", "email"},
	} {
		wantRefused(t, what, try(w.successor(licensing.Signatory, "N", c.email)), c.key)
	}
	big := append(bytes.Clone(authority[:8]), make([]byte, 11<<20)...)
	for what, c := range map[string]struct {
		pdf []byte
		key string
	}{"no file": {nil, "authority-missing"}, "a picture": {[]byte("\x89PNG\r\n%%EOF"), "authority-type"}, "half a PDF": {authority[:20], "authority-type"}, "too much": {big, "authority-large"}} {
		in := w.successor(licensing.Signatory, "Nora", "nora@uni.example")
		in.Authority = c.pdf
		err := try(in)
		wantRefused(t, what, err, c.key)
		var faults licensing.Faults
		if !errors.As(err, &faults) || faults[0].Field != "authority" {
			t.Errorf("%s: %v stands at no field", what, err)
		}
	}
	in := w.successor(licensing.Representative, "Nora", "nora@uni.example")
	wantRefused(t, "the representative's part", try(in), "needed")

	id := w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
	wantRefused(t, "two proposals", try(w.successor(licensing.Applicant, "Otto", "otto@uni.example")), "party-open")
	wantRefused(t, "who proposed it", w.replace(w.desk, id), "own-proposal")
	wantRefused(t, "another document", w.r.ReplaceParty(ctx, w.second, w.act(w.second, "decide", "amendment:"+string(id)), w.agreement, id, strings.Repeat("0", 64), ""), "other-authority")
	if err := w.r.DropAmendment(ctx, w.signatory, w.agreement, id); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("the old signatory takes away the proposal against him: %v", err)
	}
	if err := w.r.DecideAmendment(ctx, w.second, w.act(w.second, "decide", "amendment:"+string(id)), w.agreement, id, true, "because"); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("deciding it like another amendment: %v", err)
	}
	wantRefused(t, "keeping without a reason", w.r.KeepParty(ctx, w.second, w.agreement, id, " "), "reason")
	w.must(w.r.KeepParty(ctx, w.second, w.agreement, id, "The letter is not signed."))
	wantRefused(t, "what was turned down", w.replace(w.second, id), "amendment-closed")

	// Whose own address is named is not the second person, nor is one with a part in the request; and the address of staff stays out.
	id = w.propose(licensing.Signatory, "Dubbele Rol", "double@foundation.example")
	double := w.Person("Dubbele Rol", "double@foundation.example", account.Desk)
	wantRefused(t, "whose own address it is", w.replace(double, id), "conflict")
	wantRefused(t, "staff since the proposal", w.replace(w.second, id), "party-staff")
	asked, err := w.askContact("Dubbele Rol", "double@foundation.example", "NL")
	w.must(err)
	w.must(w.decide(w.desk, asked, true))
	w.must(w.acceptInvitation("double@foundation.example", double))
	wantRefused(t, "a contact of the desk", w.replace(double, id), "conflict")
	w.replay()
}

func TestTheInvitationOfASuccessorIsForNobodyOfTheFoundationAndNotForTheOldOne(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	old := w.signatory
	w.replaceParty(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
	for what, c := range map[string]struct {
		who account.Who
		key string
	}{"the old one": {old, "party-same"}, "the one who proposed": {w.desk, "conflict"}, "the one who confirmed": {w.second, "conflict"}, "staff": {w.steward, "party-staff"}, "the applicant": {w.applicant, "conflict"}} {
		wantRefused(t, what, w.acceptInvitation("nora@uni.example", c.who), c.key)
	}
	w.must(w.acceptInvitation("nora@uni.example", w.Person("Nora Nieuw", "nora@elsewhere.example")))
	w.replay()
}

// acceptInvitation accepts the newest invitation to an address while signed in as somebody.
func (w *world) acceptInvitation(email string, who account.Who) error {
	w.t.Helper()
	for _, l := range w.letters() {
		if l.To.Email == email && l.Invitation != "" {
			return w.Accounts.AcceptAs(w.t.Context(), w.Link(l.Invitation), who)
		}
	}
	w.t.Fatalf("no invitation was posted to %s", email)
	return nil
}

func TestWhatTheOldSignatoryAskedForIsKeptOrFalls(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	clock.Set(time.Date(2027, 12, 1, 10, 0, 0, 0, time.UTC))
	ctx := t.Context()
	extension, err := w.r.AskExtension(ctx, w.signatory, w.agreement, licensing.Date{Year: 2028, Month: 12, Day: 31}, "because")
	w.must(err)
	contact, err := w.r.AskContact(ctx, w.signatory, w.onAgreement(w.signatory, "contact"), w.agreement,
		licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "Eva Elders", Position: "analyst", Email: "eva@elsewhere.example"}, Country: "NL"}, "")
	w.must(err)
	w.replaceParty(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
	a := w.get()
	if m, _ := a.Amendment(contact); m.State != licensing.Dropped {
		t.Errorf("the contact that waited is %s, want it dropped: who asked may not ask any more", m.State)
	}
	if m, _ := a.Amendment(extension); !m.Open() {
		t.Errorf("the extension is %s, want it waiting: the licensee asked for it", m.State)
	}
	// Its document still names who asked.
	for _, who := range []account.Who{w.desk, w.second} {
		w.must(w.r.DecideAmendment(ctx, who, w.act(who, "decide", "amendment:"+string(extension)), w.agreement, extension, true, ""))
	}
	if m, _ := w.get().Amendment(extension); m.State != licensing.Effective {
		t.Errorf("the extension is %s, want effective", m.State)
	}
	w.replay()
}

func TestASuccessorHasNotSignedWhatSomebodyElseSignedOnPaper(t *testing.T) {
	toSign(t, func(t *testing.T, w *world) {
		w.applicant = w.join("anna@uni.example", "Anna Onderzoeker")
		w.must(w.sign(w.applicant, licensing.Applicant))
		w.must(w.sign(w.rep, licensing.Representative))
		w.upload(w.desk, licensing.Signatory)
		w.must(w.confirmPaper(w.second))
		if !w.get().SignedBy(licensing.Signatory) {
			t.Error("the signature on paper is the signatory's, who has no account yet")
		}
		w.replaceParty(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
		if w.get().SignedBy(licensing.Signatory) {
			t.Error("the new signatory, who has no account yet, is said to have signed")
		}
		w.join("nora@uni.example", "Nora Nieuw")
		if w.get().SignedBy(licensing.Signatory) {
			t.Error("the new signatory is said to have signed")
		}
	})
}

func TestASuccessorWhoNeverArrivesIsReplacedInTurn(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	w.toForce()
	w.replaceParty(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
	w.must(w.r.ResendInvitation(t.Context(), w.desk, w.request, licensing.Signatory))
	if n := w.count("party.successor-invited"); n != 2 {
		t.Errorf("%d letters to the successor, want the second one in the same words", n)
	}
	w.replaceParty(licensing.Signatory, "Piet Plaats", "piet@uni.example")
	if err := w.acceptInvitation("nora@uni.example", w.Person("Nora Nieuw", "nora@elsewhere.example")); !errors.Is(err, licensing.ErrNotFound) {
		t.Errorf("an invitation of somebody who was replaced: got %v, want not found", err)
	}
	w.signatory = w.join("piet@uni.example", "Piet Plaats")
	w.acceptPart(w.signatory, licensing.Signatory)
	w.replay()
}

func TestASuccessionAfterTheEndStillFindsItsSignatory(t *testing.T) {
	d, clock := dbtest.SQLite(t)
	w := newWorld(t, d, clock)
	bring(w, licensing.InForce)
	ctx := t.Context()
	id := w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
	w.must(w.r.Propose(ctx, w.desk, w.onAgreement(w.desk, "decide"), w.agreement, licensing.ActionTerminate, "because"))
	w.must(w.r.Second(ctx, w.second, w.onAgreement(w.second, "decide"), w.agreement, licensing.ActionTerminate, ""))
	w.must(w.replace(w.second, id))
	w.signatory = w.join("nora@uni.example", "Nora Nieuw")
	attest := func() error {
		return w.r.AttestDestruction(ctx, w.signatory, w.onAgreement(w.signatory, "sign"), w.agreement, licensing.DateOf(clock.Now()), "")
	}
	wantRefused(t, "attesting before accepting", attest(), "party-first")
	w.acceptPart(w.signatory, licensing.Signatory)
	w.must(attest())
	w.replay()
}

func TestAnAlteredSuccessionIsFoundByTheReplay(t *testing.T) {
	for what, statement := range map[string]string{
		"the document of authority": `UPDATE authorities SET pdf = pdf || pdf`,
		"its hash":                  `UPDATE authorities SET sha256 = '0'`,
		"no document":               `DELETE FROM authorities`,
		"who is proposed":           `UPDATE parties_aside SET email = 'mallory@evil.example'`,
		"who took over":             `UPDATE parties SET person = 'mallory' WHERE part = 'applicant'`,
		"the amendment":             `UPDATE amendments SET succession = replace(succession, '"applicant"', '"signatory"')`,
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			d, clock := dbtest.SQLite(t)
			w := newWorld(t, d, clock)
			w.toForce()
			w.replaceParty(licensing.Applicant, "Otto Opvolger", "otto@uni.example")
			w.propose(licensing.Signatory, "Nora Nieuw", "nora@uni.example")
			w.replay()
			w.must(d.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
				if _, err := tx.Exec(statement); err != nil {
					return err
				}
				return tx.Record("test:1", happened{})
			}))
			w.must(d.View(t.Context(), func(tx *db.Tx) error {
				found, err := w.r.Replay(tx, tx.Log())
				if len(found) == 0 {
					t.Error("the replay finds nothing")
				}
				return err
			}))
		})
	}
}
