package licensing_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"sluice/infra/account"
	"sluice/infra/account/accounttest"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
)

// world is a foundation with staff and one dataset, and as many people outside as a test brings in.
type world struct {
	*accounttest.World
	t     testing.TB
	d     *db.DB
	clock *dbtest.Clock
	r     *licensing.Registry

	desk, second, rep, steward, auditor account.Who
	dataset                             licensing.DatasetID
	sent                                []licensing.Letter

	request                          licensing.RequestID
	agreement                        licensing.AgreementID
	applicant, signatory, contact    account.Who
	inForce, added, removed, changed int
}

func newWorld(t testing.TB, d *db.DB, clock *dbtest.Clock) *world {
	t.Helper()
	w := &world{World: accounttest.New(t, d, clock), t: t, d: d, clock: clock}
	w.r = licensing.New(d, w.Accounts, licensing.Options{
		Statements: func(lang string) ([]licensing.Statement, error) {
			return []licensing.Statement{{Item: "law", TextVersion: "1", Text: "The law is stated."}, {Item: "doors", TextVersion: "1", Text: "No back doors."}}, nil
		},
		Render: func(doc licensing.Document) (licensing.Rendered, error) {
			b, err := json.Marshal(doc)
			return licensing.Rendered{TextVersion: "test-1", Source: string(b), PDF: append([]byte("%PDF-1.7\n"), b...)}, err
		},
		Send: func(_ context.Context, l licensing.Letter) error { w.sent = append(w.sent, l); return nil },
	})
	w.r.InForce = func(*db.Tx, licensing.Agreement) error { w.inForce++; return nil }
	w.r.ContactAdded = func(*db.Tx, licensing.Agreement, licensing.Contact) error { w.added++; return nil }
	w.r.ContactRemoved = func(*db.Tx, licensing.Agreement, licensing.Contact) error { w.removed++; return nil }
	w.r.TermChanged = func(*db.Tx, licensing.Agreement, licensing.Agreement) error { w.changed++; return nil }
	w.desk = w.Person("Dineke Balie", "desk@foundation.example", account.Desk)
	w.second = w.Person("Bram Tweede", "second@foundation.example", account.Desk)
	w.rep = w.Person("Roos Vertegenwoordiger", "rep@foundation.example", account.Representative)
	w.steward = w.Person("Stef Beheer", "steward@foundation.example", account.Steward)
	w.auditor = w.Person("Aukje Controle", "auditor@foundation.example", account.Auditor)
	w.must(d.Change(t.Context(), w.steward.Actor(), func(tx *db.Tx) error {
		c, err := w.r.AddCollection(tx, w.steward, licensing.Collection{Name: "CPCT"})
		if err != nil {
			return err
		}
		set, err := w.r.AddDataset(tx, w.steward, c.ID, "WGS 2026-10")
		w.dataset = set.ID
		return errors.Join(err, w.r.FinishDataset(tx, w.steward, set.ID, 3, 1000))
	}))
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// input is a request of a hospital in the Netherlands, until the end of 2027.
func (w *world) input() licensing.RequestInput {
	return licensing.RequestInput{
		Content: licensing.Content{
			Lang: "en", Title: "Resistance in melanoma", Purpose: "Why some tumours come back.",
			Licensee:  licensing.Licensee{Name: "Universiteit Proefstad", Country: "NL", ReachedFrom: []string{"NL"}, Domains: []string{"uni.example"}},
			Datasets:  []licensing.DatasetNeed{{Dataset: w.dataset, Need: "all of it"}},
			Until:     licensing.Date{Year: 2027, Month: time.December, Day: 31},
			NotBefore: licensing.Date{},
		},
		Applicant:      licensing.PersonInput{Name: "Anna Onderzoeker", Position: "professor", Email: "anna@uni.example"},
		Signatory:      licensing.PersonInput{Name: "Sjoerd Bestuurder", Position: "dean", Email: "sjoerd@uni.example"},
		Representative: w.rep.Person(), RepresentativePosition: "director",
		Contacts: []licensing.ContactInput{{PersonInput: licensing.PersonInput{Name: "Carla Contact", Position: "analyst", Email: "carla@uni.example"}, Country: "NL"}},
	}
}

func (w *world) act(who account.Who, kind, subject string) account.Proof {
	w.t.Helper()
	w.queues()
	return w.Confirm(who, account.Act{Kind: kind, Subject: subject})
}

func (w *world) onAgreement(who account.Who, kind string) account.Proof {
	w.t.Helper()
	return w.act(who, kind, "agreement:"+string(w.agreement))
}

func (w *world) record(in licensing.RequestInput) {
	w.t.Helper()
	id, err := w.r.Record(w.t.Context(), w.desk, in)
	w.must(err)
	w.request = id
}

func (w *world) approve() {
	w.t.Helper()
	id, err := w.r.Approve(w.t.Context(), w.second, w.act(w.second, "decide", "request:"+string(w.request)), w.request, "in order")
	w.must(err)
	w.agreement = id
}

// join accepts the newest invitation that was posted to an address.
func (w *world) join(email, name string) account.Who {
	w.t.Helper()
	for _, l := range w.letters() {
		if l.To.Email == email && l.Invitation != "" {
			return w.Join(l.Invitation, name)
		}
	}
	w.t.Fatalf("no invitation was posted to %s", email)
	return account.Who{}
}

func (w *world) joinParties() {
	w.t.Helper()
	w.applicant = w.join("anna@uni.example", "Anna Onderzoeker")
	w.signatory = w.join("sjoerd@uni.example", "Sjoerd Bestuurder")
}

func (w *world) letters() (letters []licensing.Letter) {
	w.t.Helper()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) (err error) {
		letters, err = w.r.Outbox().AllLetters(tx, 10_000)
		return err
	}))
	return letters
}

func (w *world) count(kind string) (n int) {
	for _, l := range w.letters() {
		if l.Kind == kind {
			n++
		}
	}
	return n
}

func (w *world) get() (a licensing.Agreement) {
	w.t.Helper()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) (err error) {
		a, err = w.r.Agreement(tx, w.agreement)
		return err
	}))
	return a
}

func (w *world) getRequest() (q licensing.Request) {
	w.t.Helper()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) (err error) {
		q, err = w.r.Request(tx, w.request)
		return err
	}))
	return q
}

func (w *world) sign(who account.Who, part licensing.Part) error {
	w.t.Helper()
	return w.r.Sign(w.t.Context(), who, w.onAgreement(who, "sign"), w.agreement,
		licensing.SignatureInput{Part: part, SHA256: w.get().SHA256, Name: "Typed Name", Position: "as stated", Authority: "I may sign."})
}

// toForce takes a request all the way to an agreement in force with one contact who has an account.
func (w *world) toForce() {
	w.t.Helper()
	w.record(w.input())
	w.approve()
	w.joinParties()
	w.signAll()
	w.contact = w.join("carla@uni.example", "Carla Contact")
}

func (w *world) signAll() {
	w.t.Helper()
	w.must(w.sign(w.applicant, licensing.Applicant))
	w.must(w.sign(w.signatory, licensing.Signatory))
	w.must(w.sign(w.rep, licensing.Representative))
}

// work runs every job that is due.
func (w *world) work() {
	w.t.Helper()
	for range 1000 {
		ran, err := w.d.WorkOnce(w.t.Context(), slog.New(slog.DiscardHandler), w.r.Handlers())
		w.must(err)
		if !ran {
			return
		}
	}
	w.t.Fatal("the work does not end")
}

// queues checks that what was kept of earlier looks at the queues says what the tables say. Every act asks it first.
func (w *world) queues() {
	w.t.Helper()
	fresh := w.r.Fresh()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) error {
		for _, who := range []account.Who{w.desk, w.rep, w.applicant, w.signatory, w.contact} {
			got, err := w.r.TasksOf(tx, who)
			want, err2 := fresh.TasksOf(tx, who)
			if err = errors.Join(err, err2); err != nil || !reflect.DeepEqual(got, want) {
				w.t.Errorf("tasks of %s: got %+v, want %+v (%v)", who.Person(), got, want, err)
			}
		}
		got, err := w.r.Queues(tx, w.desk)
		want, err2 := fresh.Queues(tx, w.desk)
		if !reflect.DeepEqual(got, want) {
			w.t.Errorf("the queues: got %+v, want %+v", got, want)
		}
		return errors.Join(err, err2)
	}))
}

// replay checks that the log and the tables agree.
func (w *world) replay() {
	w.t.Helper()
	w.must(w.d.View(w.t.Context(), func(tx *db.Tx) error {
		if _, err := tx.VerifyLog(nil); err != nil {
			return err
		}
		found, err := w.r.Replay(tx, tx.Log())
		for _, f := range found {
			w.t.Errorf("the replay differs: %s", f)
		}
		return err
	}))
}

func refusal(err error) string {
	var refused *licensing.RefusedError
	if errors.As(err, &refused) {
		return refused.Key
	}
	return ""
}

func wantRefused(t *testing.T, what string, err error, key string) {
	t.Helper()
	if got := refusal(err); got != "refused."+key {
		t.Errorf("%s: got %v, want refused.%s", what, err, key)
	}
}
