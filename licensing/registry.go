package licensing

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing/jurisdiction"
)

// Options are what a Registry is built with.
type Options struct {
	Zone         string             // of the foundation: terms are agreed in its days. Empty: Europe/Amsterdam
	Settings     Settings           // begin with DefaultSettings; without a LongestTerm those are taken
	Jurisdiction jurisdiction.Table // without rows: the built-in one
	// Statements are the confirmations a licensee outside the EEA must give, in a language.
	Statements func(lang string) ([]Statement, error)
	// Render makes the bytes of a document, the same bytes for the same Document. It is called inside a change and calls
	// nothing that may wait.
	Render func(Document) (Rendered, error)
	// Printable says what a document could not print of a text. Nil: everything can be printed, as in a test without documents.
	Printable func(text string) error
	// Send sends one letter of the outbox.
	Send Sender
}

// A Statement is one confirmation that a licensee outside the EEA is asked for.
type Statement struct {
	Item        string
	TextVersion string
	Text        string
}

// A Registry is the only writer of requests, agreements and amendments. Make one with New, then set the hooks.
type Registry struct {
	// The hooks are called inside the change that made it so; an error undoes the change. Nil: nobody cares.
	InForce        func(*db.Tx, Agreement) error                  // the last signature
	ContactAdded   func(*db.Tx, Agreement, Contact) error         // to an agreement in force
	ContactRemoved func(*db.Tx, Agreement, Contact) error         // from an agreement in force
	ContactBound   func(*db.Tx, Contact) error                    // the invitation was accepted, before or after the signing
	TermChanged    func(tx *db.Tx, before, after Agreement) error // an extension took effect, late ones included
	Closed         func(*db.Tx, Agreement) error                  // terminated
	Resumed        func(*db.Tx, Agreement) error                  // not suspended any more
	// KeysHeld says whether there is a key that could be marked as compromised, and KeysCompromised is told that all are.
	KeysHeld        func(*db.Tx, AgreementID) (bool, error)
	KeysCompromised func(*db.Tx, Agreement) error
	covers          func(account.Proof, account.Who, account.Act, time.Time) error
	rehearsing      bool // in a test: every change is undone

	db       *db.DB
	accounts *account.Accounts
	opts     Options
	zone     *time.Location
	outbox   *Outbox
	seen     seen

	mu    sync.Mutex
	halts map[AgreementID]bool // stopped on this host while the log could not be written; the key may be the number
}

// New makes a Registry on a migrated database, and has accepted invitations bind parties and contacts.
func New(d *db.DB, accounts *account.Accounts, opts Options) *Registry {
	if opts.Zone == "" {
		opts.Zone = "Europe/Amsterdam"
	}
	if opts.Settings.LongestTerm == 0 {
		opts.Settings = DefaultSettings()
	}
	if len(opts.Jurisdiction.Rows) == 0 {
		opts.Jurisdiction = jurisdiction.Default()
	}
	zone, err := time.LoadLocation(opts.Zone)
	if err != nil {
		// cmd checks the setting; an unknown zone must not silently become another one.
		panic("unknown time zone " + opts.Zone)
	}
	r := &Registry{db: d, accounts: accounts, opts: opts, zone: zone, outbox: NewOutbox(d, opts.Send), halts: map[AgreementID]bool{}}
	r.covers = func(p account.Proof, who account.Who, act account.Act, at time.Time) error {
		return p.Covers(who, act, at)
	}
	accounts.Accepted = r.Accepted
	return r
}

// Outbox is where this registry posts its letters; others post theirs there too.
func (r *Registry) Outbox() *Outbox { return r.outbox }

// Settings are the foundation's choices as they are now.
func (r *Registry) Settings() Settings { return r.opts.Settings }

// Jurisdictions is the table in use.
func (r *Registry) Jurisdictions() jurisdiction.Table { return r.opts.Jurisdiction }

// Zone is the foundation's zone.
func (r *Registry) Zone() *time.Location { return r.zone }

// errRehearsed undoes a change that a test only wanted to try.
var errRehearsed = errors.New("rehearsed")

// change is the one way into db.Change. A Who that is nobody changes nothing.
func (r *Registry) change(ctx context.Context, by db.Actor, fn func(*db.Tx) error) error {
	if by.String() == "" {
		return ErrNotFound
	}
	return r.db.Change(ctx, by, func(tx *db.Tx) error {
		err := fn(tx)
		if err == nil && r.rehearsing {
			return errRehearsed
		}
		return err
	})
}

// applyRequest is the one place where a request changes: Next decides, the row is saved under the revision that was read,
// the event is recorded.
func (r *Registry) applyRequest(tx *db.Tx, before Request, ev RequestEvent) (Request, error) {
	after, err := before.Next(ev, tx.At)
	if err != nil {
		return before, err
	}
	if err := r.saveRequest(tx, before, after); err != nil {
		return before, err
	}
	if err := tx.Record("request:"+string(after.ID), ev); err != nil {
		return before, err
	}
	return after, r.afterRequest(tx, before, after, ev)
}

// apply is the one place where an agreement changes. What follows from the event (letters, jobs, the hooks of others)
// happens in the same transaction.
func (r *Registry) apply(tx *db.Tx, before Agreement, ev AgreementEvent) (Agreement, error) {
	after, err := before.Next(ev, tx.At)
	if err != nil {
		return before, err
	}
	if err := r.saveAgreement(tx, before, after); err != nil {
		return before, err
	}
	if err := tx.Record("agreement:"+string(after.ID), ev); err != nil {
		return before, err
	}
	return after, r.follow(tx, before, after, ev)
}

// act is the shape of every act on an agreement: load it, ask the guard, do it.
func (r *Registry) act(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, kind string, do func(*db.Tx, Agreement) error) error {
	return r.actOn(ctx, who, proof, id, kind, "agreement:"+string(id), do)
}

func (r *Registry) actOn(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, kind, subject string, do func(*db.Tx, Agreement) error) error {
	return r.change(ctx, who.Actor(), func(tx *db.Tx) error {
		a, err := r.Agreement(tx, id)
		if err != nil {
			return err
		}
		if err := r.guard(who, proof, kind, subject, a.Parties, a.Contacts, tx.At); err != nil {
			return err
		}
		if err := r.ownAddress(tx, who, kind, a.Parties, a.listed()); err != nil {
			return err
		}
		return do(tx, a)
	})
}

// actOnRequest is the same for a request.
func (r *Registry) actOnRequest(ctx context.Context, who account.Who, proof account.Proof, id RequestID, kind string, do func(*db.Tx, Request) error) error {
	return r.change(ctx, who.Actor(), func(tx *db.Tx) error {
		q, err := r.Request(tx, id)
		if err != nil {
			return err
		}
		if err := r.guard(who, proof, kind, "request:"+string(id), q.Parties, q.Contacts, tx.At); err != nil {
			return err
		}
		if err := r.ownAddress(tx, who, kind, q.Parties, q.Contacts); err != nil {
			return err
		}
		return do(tx, q)
	})
}

// longestNote is how many bytes free text may have.
const longestNote = 10_000

// note keeps free text beside the log, and gives what the log keeps of it. No text is no note.
func (r *Registry) note(tx *db.Tx, subject, text string) (Note, error) {
	if text = clean(text); text == "" {
		return Note{}, nil
	}
	if len(text) > longestNote {
		return Note{}, refuse("too-long").at("reason")
	}
	salt := db.NewID()
	n := Note{ID: db.NewID(), Digest: digest(salt, text), Text: text}
	if _, err := tx.Exec(insertNote, n.ID, subject, salt, n.Digest, text, db.Stamp(tx.At)); err != nil {
		return Note{}, fmt.Errorf("keeping a note: %w", err)
	}
	return n, nil
}

// Words reads what a note says; "" for no note or an erased one.
func (r *Registry) Words(tx *db.Tx, n Note) (string, error) {
	if n.Empty() {
		return "", nil
	}
	text, err := one(tx, scanString, selectNote, n.ID)
	if errors.Is(err, ErrNotFound) {
		return "", nil
	}
	return text, err
}

func (r *Registry) saveRequest(tx *db.Tx, before, q Request) error {
	columns := []any{q.Number, q.State, q.Rev, asText(q.Content), q.Salt, q.Digest, q.Content.Until.String(), q.Zone, asText(q.Scopes),
		asText(q.Outcome), asText(q.Editors), db.Stamp(q.Recorded), db.Stamp(q.Revised), q.Decider, db.Stamp(q.Decided),
		asText(q.Decision), q.ID}
	var err error
	if before.Rev == 0 {
		_, err = tx.Exec(insertRequest, columns...)
	} else {
		err = tx.Update(updateRequest, append(columns, before.Rev)...)
	}
	if err != nil {
		return fmt.Errorf("saving request %s: %w", q.Number, err)
	}
	for _, p := range q.Parties {
		if !slices.Contains(before.Parties, p) {
			p.Request = q.ID
			if err := r.saveParty(tx, p); err != nil {
				return err
			}
		}
	}
	if err := r.saveContacts(tx, before.Contacts, q.Contacts, q.ID, ""); err != nil {
		return err
	}
	if before.Rev != 0 && before.Digest == q.Digest {
		return nil
	}
	if _, err := tx.Exec(deleteRequestDataset, q.ID); err != nil {
		return err
	}
	for i, d := range q.Content.Datasets {
		if _, err := tx.Exec(insertRequestDataset, q.ID, d.Dataset, i); err != nil {
			return fmt.Errorf("saving the datasets of %s: %w", q.Number, err)
		}
	}
	return nil
}

func (r *Registry) saveParty(tx *db.Tx, p Party) error {
	_, err := tx.Exec(saveParty, p.ID, p.Request, p.Part, p.Person, p.Digest, p.Salt, p.Name, p.Latin, p.Position, p.Email, addressKey(p.Email))
	if err != nil {
		return fmt.Errorf("saving party %s: %w", p.ID, err)
	}
	return nil
}

// saveContacts writes the contacts that changed, and removes those that left before anybody signed for them.
func (r *Registry) saveContacts(tx *db.Tx, before, after []Contact, request RequestID, agreement AgreementID) error {
	for i, c := range after {
		if slices.Contains(before, c) && (agreement == "" || c.Agreement == agreement) {
			continue
		}
		c.Request = request
		if agreement != "" {
			c.Agreement = agreement
		}
		_, err := tx.Exec(saveContact, c.ID, c.Request, c.Agreement, c.Country, c.Person, db.Stamp(c.Added), db.Stamp(c.Removed), bit(c.Suspended),
			c.Digest, c.Salt, c.Name, c.Latin, c.Position, c.Email, addressKey(c.Email), i)
		if err != nil {
			return fmt.Errorf("saving contact %s: %w", c.ID, err)
		}
	}
	for _, c := range before {
		if !slices.ContainsFunc(after, func(o Contact) bool { return o.ID == c.ID }) {
			if _, err := tx.Exec(deleteContact, c.ID); err != nil {
				return fmt.Errorf("removing contact %s: %w", c.ID, err)
			}
		}
	}
	return nil
}

func (r *Registry) saveAgreement(tx *db.Tx, before, a Agreement) error {
	columns := []any{a.Request, a.Number, a.RequestNumber, a.State, a.Rev, a.Version, a.Variant, a.Lang, a.Zone, a.NotBefore.String(),
		a.Until.String(), db.Stamp(a.Term.From), db.Stamp(a.Term.Until), a.SHA256, bit(a.Released), a.Editor, db.Stamp(a.Opened), bit(a.Held),
		asText(a.Durations), asText(a.Proposal), asText(a.Stop), asText(a.Concern), asText(a.Known), db.Stamp(a.ListConfirmed), db.Stamp(a.Closed),
		a.Attestation, a.ID}
	var err error
	if before.Rev == 0 {
		_, err = tx.Exec(insertAgreement, append(columns, db.Stamp(tx.At))...)
	} else {
		err = tx.Update(updateAgreement, append(columns, before.Rev)...)
	}
	if err != nil {
		return fmt.Errorf("saving agreement %s: %w", a.Number, err)
	}
	if err := r.saveContacts(tx, before.Contacts, a.Contacts, a.Request, a.ID); err != nil {
		return err
	}
	if !slices.Equal(before.Confirmations, a.Confirmations) {
		if _, err := tx.Exec(deleteConfirmations, a.ID); err != nil {
			return err
		}
		for i, c := range a.Confirmations {
			_, err := tx.Exec(insertConfirmation, a.ID, i, c.Item, c.TextVersion, c.Lang, c.Answer, asText(c.Explanation), c.By, db.Stamp(c.At), bit(c.Accepted))
			if err != nil {
				return fmt.Errorf("saving the confirmations of %s: %w", a.Number, err)
			}
		}
	}
	for _, s := range a.Signatures {
		if slices.Contains(before.Signatures, s) {
			continue
		}
		_, err := tx.Exec(insertSignature, s.Part, s.Person, s.Version, s.SHA256, db.Stamp(s.At), s.Digest, s.Salt, s.Name, s.Position, s.Authority,
			s.Paper.Document, s.Paper.SignedOn.String(), s.Paper.UploadedBy, s.Paper.ConfirmedBy, a.ID)
		if err != nil {
			return fmt.Errorf("saving a signature of %s: %w", a.Number, err)
		}
	}
	if err := r.savePapers(tx, before.Papers, a); err != nil {
		return err
	}
	for i, m := range a.Amendments {
		if i < len(before.Amendments) && asText(before.Amendments[i]) == asText(m) {
			continue
		}
		_, err := tx.Exec(saveAmendment, m.ID, m.Number, m.Type, m.State, m.By, db.Stamp(m.Asked), asText(m.Note), m.OldUntil.String(),
			m.NewUntil.String(), m.Contact, asText(m.Questions), asText(m.Decisions), db.Stamp(m.Effective), m.SHA256,
			asText(m.Succession), a.ID)
		if err != nil {
			return fmt.Errorf("saving an amendment of %s: %w", a.Number, err)
		}
	}
	for _, m := range a.Reminded {
		if slices.Contains(before.Reminded, m) {
			continue
		}
		if _, err := tx.Exec(insertMilestone, a.ID, m, db.Stamp(tx.At)); err != nil {
			return fmt.Errorf("saving a milestone of %s: %w", a.Number, err)
		}
	}
	return nil
}
