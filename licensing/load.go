package licensing

import (
	"encoding/json"
	"fmt"

	"sluice/infra/account"
	"sluice/infra/db"
)

// one reads the single row of a query; none is ErrNotFound.
func one[T any](tx *db.Tx, scan func(db.Row) (T, error), query string, args ...any) (T, error) {
	v, err := scan(tx.QueryRow(query, args...))
	if db.NoRows(err) {
		return v, ErrNotFound
	}
	return v, err
}

// stored reads and writes a value as JSON in a column.
type stored[T any] struct{ v *T }

func as[T any](v *T) stored[T] { return stored[T]{v} }

// Scan reads the JSON of a column.
func (s stored[T]) Scan(src any) error {
	var text string
	switch src := src.(type) {
	case string:
		text = src
	case []byte:
		text = string(src)
	default:
		return fmt.Errorf("a column holds %T instead of JSON", src)
	}
	return json.Unmarshal([]byte(text), s.v)
}

// asText is the JSON for a column. The types of this package always encode.
func asText(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic("encoding a column: " + err.Error())
	}
	return string(b)
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

func scanCollection(s db.Row) (c Collection, err error) {
	var created int64
	err = s.Scan(&c.ID, &c.Name, &c.TitleNL, &c.TitleEN, &c.Placement, &created)
	c.Created = db.Instant(created)
	return c, err
}

func scanDataset(s db.Row) (d Dataset, err error) {
	var created int64
	err = s.Scan(&d.ID, &d.Collection, &d.Name, &d.State, &d.Files, &d.Bytes, &created)
	d.Created = db.Instant(created)
	return d, err
}

func scanRequest(s db.Row) (r Request, err error) {
	var recorded, revised, decided int64
	var until string
	err = s.Scan(&r.ID, &r.Number, &r.State, &r.Rev, as(&r.Content), &r.Salt, &r.Digest, &until, &r.Zone, as(&r.Scopes), as(&r.Outcome),
		as(&r.Editors), &recorded, &revised, &r.Decider, &decided, as(&r.Decision))
	r.Recorded, r.Revised, r.Decided = db.Instant(recorded), db.Instant(revised), db.Instant(decided)
	return r, err
}

func scanParty(s db.Row) (p Party, err error) {
	err = s.Scan(&p.ID, &p.Request, &p.Part, &p.Person, &p.Digest, &p.Salt, &p.Name, &p.Latin, &p.Position, &p.Email)
	return p, err
}

func scanContact(s db.Row) (c Contact, err error) {
	var added, removed int64
	var suspended int
	err = s.Scan(&c.ID, &c.Request, &c.Agreement, &c.Country, &c.Person, &added, &removed, &suspended, &c.Digest, &c.Salt, &c.Name, &c.Latin,
		&c.Position, &c.Email)
	c.Added, c.Removed, c.Suspended = db.Instant(added), db.Instant(removed), suspended != 0
	return c, err
}

func scanAgreement(s db.Row) (a Agreement, err error) {
	var from, until, opened, listed, closed int64
	var released, held int
	var notBefore, untilDay string
	err = s.Scan(&a.ID, &a.Request, &a.Number, &a.RequestNumber, &a.State, &a.Rev, &a.Version, &a.Variant, &a.Lang, &a.Zone, &notBefore,
		&untilDay, &from, &until, &a.SHA256, &released, &a.Editor, &opened, &held, as(&a.Durations), as(&a.Proposal), as(&a.Stop),
		as(&a.Concern), as(&a.Known), &listed, &closed, &a.Attestation)
	if err != nil {
		return a, err
	}
	a.Term = Term{db.Instant(from), db.Instant(until)}
	a.Released, a.Held = released != 0, held != 0
	a.Opened, a.ListConfirmed, a.Closed = db.Instant(opened), db.Instant(listed), db.Instant(closed)
	if a.NotBefore, err = ParseDate(notBefore); err != nil {
		return a, err
	}
	a.Until, err = ParseDate(untilDay)
	return a, err
}

func scanConfirmation(s db.Row) (c Confirmation, err error) {
	var at int64
	var accepted int
	err = s.Scan(&c.Item, &c.TextVersion, &c.Lang, &c.Answer, as(&c.Explanation), &c.By, &at, &accepted)
	c.At, c.Accepted = db.Instant(at), accepted != 0
	return c, err
}

func scanSignature(s db.Row) (g Signature, err error) {
	var at int64
	var signedOn string
	err = s.Scan(&g.Part, &g.Person, &g.Version, &g.SHA256, &at, &g.Digest, &g.Salt, &g.Name, &g.Position, &g.Authority,
		&g.Paper.Document, &signedOn, &g.Paper.UploadedBy, &g.Paper.ConfirmedBy)
	if err != nil {
		return g, err
	}
	g.At = db.Instant(at)
	g.Paper.SignedOn, err = ParseDate(signedOn)
	return g, err
}

func scanAmendment(s db.Row) (m Amendment, err error) {
	var asked, effective int64
	var oldUntil, newUntil string
	err = s.Scan(&m.ID, &m.Number, &m.Type, &m.State, &m.By, &asked, as(&m.Note), &oldUntil, &newUntil, &m.Contact, as(&m.Questions),
		as(&m.Decisions), &effective, &m.SHA256, as(&m.Succession))
	if err != nil {
		return m, err
	}
	m.Asked, m.Effective = db.Instant(asked), db.Instant(effective)
	if m.OldUntil, err = ParseDate(oldUntil); err != nil {
		return m, err
	}
	m.NewUntil, err = ParseDate(newUntil)
	return m, err
}

func scanString(s db.Row) (v string, err error) {
	err = s.Scan(&v)
	return v, err
}

// Request reads a request with its parties and first contacts.
func (r *Registry) Request(tx *db.Tx, id RequestID) (Request, error) {
	q, err := one(tx, scanRequest, selectRequests+` WHERE id = $1`, id)
	if err != nil {
		return q, err
	}
	return q, r.requestParts(tx, &q)
}

// RequestNumbered reads the request of a number.
func (r *Registry) RequestNumbered(tx *db.Tx, number string) (Request, error) {
	q, err := one(tx, scanRequest, selectRequests+` WHERE number = $1`, number)
	if err != nil {
		return q, err
	}
	return q, r.requestParts(tx, &q)
}

func (r *Registry) requestParts(tx *db.Tx, q *Request) (err error) {
	if q.Parties, err = db.Many(tx, scanParty, selectParties+` WHERE request = $1 ORDER BY part`, q.ID); err != nil {
		return err
	}
	q.Contacts, err = db.Many(tx, scanContact, firstContacts, q.ID)
	return err
}

// Agreement reads an agreement with everything that decides about it; its Term has the amendments folded in.
func (r *Registry) Agreement(tx *db.Tx, id AgreementID) (Agreement, error) {
	a, err := r.Standing(tx, id)
	if err != nil {
		return a, err
	}
	return a, r.agreementParts(tx, &a)
}

// Standing reads the row of an agreement alone, one query: enough for OpenAt and nothing else. Parties, contacts,
// signatures and amendments are empty.
func (r *Registry) Standing(tx *db.Tx, id AgreementID) (Agreement, error) {
	a, err := one(tx, scanAgreement, selectAgreements+` WHERE id = $1`, id)
	a.Halted = r.halted(a)
	return a, err
}

// AgreementNumbered reads the agreement of a number, for the command line.
func (r *Registry) AgreementNumbered(tx *db.Tx, number string) (Agreement, error) {
	a, err := one(tx, scanAgreement, selectAgreements+` WHERE number = $1`, number)
	if err != nil {
		return a, err
	}
	a.Halted = r.halted(a)
	return a, r.agreementParts(tx, &a)
}

// AgreementsOf reads the agreements of a request.
func (r *Registry) AgreementsOf(tx *db.Tx, id RequestID) ([]Agreement, error) {
	all, err := db.Many(tx, scanAgreement, selectAgreements+` WHERE request = $1 ORDER BY number`, id)
	for i := range all {
		if err == nil {
			all[i].Halted = r.halted(all[i])
			err = r.agreementParts(tx, &all[i])
		}
	}
	return all, err
}

func (r *Registry) agreementParts(tx *db.Tx, a *Agreement) (err error) {
	if a.Parties, err = db.Many(tx, scanParty, selectParties+` WHERE request = $1 ORDER BY part`, a.Request); err != nil {
		return err
	}
	if a.Contacts, err = db.Many(tx, scanContact, selectContacts+` WHERE agreement = $1 ORDER BY seq`, a.ID); err != nil {
		return err
	}
	if a.Confirmations, err = db.Many(tx, scanConfirmation, selectConfirmations, a.ID); err != nil {
		return err
	}
	if a.Signatures, err = db.Many(tx, scanSignature, selectSignatures+` WHERE agreement = $1 AND version = $2 ORDER BY at, part`, a.ID, a.Version); err != nil {
		return err
	}
	if a.Amendments, err = db.Many(tx, scanAmendment, selectAmendments+` WHERE agreement = $1 ORDER BY number`, a.ID); err != nil {
		return err
	}
	if a.Papers, err = r.papers(tx, a.ID); err != nil {
		return err
	}
	if err := r.successions(tx, a); err != nil {
		return err
	}
	a.Reminded, err = db.Many(tx, scanString, selectMilestones, a.ID)
	return err
}

// AllSignatures lists every signature of an agreement, those that a new version made void too.
func (r *Registry) AllSignatures(tx *db.Tx, id AgreementID) ([]Signature, error) {
	return db.Many(tx, scanSignature, selectSignatures+` WHERE agreement = $1 ORDER BY version, at, part`, id)
}

// Contact reads one contact.
func (r *Registry) Contact(tx *db.Tx, id ContactID) (Contact, error) {
	return one(tx, scanContact, selectContacts+` WHERE id = $1`, id)
}

// Contacts lists the contacts of an agreement, removed and undecided ones too: see Contact.Admitted.
func (r *Registry) Contacts(tx *db.Tx, id AgreementID) ([]Contact, error) {
	return db.Many(tx, scanContact, selectContacts+` WHERE agreement = $1 ORDER BY seq`, id)
}

// ContactsOf lists what one person is a contact of, removed ones too.
func (r *Registry) ContactsOf(tx *db.Tx, person account.PersonID) ([]Contact, error) {
	if person == "" {
		return nil, nil
	}
	return db.Many(tx, scanContact, selectContacts+` WHERE person = $1 ORDER BY seq, id`, person)
}

// PartiesOf lists the parts one person holds.
func (r *Registry) PartiesOf(tx *db.Tx, person account.PersonID) ([]Party, error) {
	if person == "" {
		return nil, nil
	}
	return db.Many(tx, scanParty, selectParties+` WHERE person = $1 ORDER BY request, part`, person)
}

// TakesPart says whether a person is a party or a contact anywhere, for the navigation: one may be a party to thousands.
func (r *Registry) TakesPart(tx *db.Tx, person account.PersonID) (party, contact bool, err error) {
	if person == "" {
		return false, false, nil
	}
	err = tx.QueryRow(`SELECT EXISTS (SELECT 1 FROM parties WHERE person = $1), EXISTS (SELECT 1 FROM contacts WHERE person = $2)`, person, person).
		Scan(&party, &contact)
	return party, contact, err
}

// Datasets lists what an agreement covers, in the order of the request.
func (r *Registry) Datasets(tx *db.Tx, id AgreementID) ([]Dataset, error) {
	return db.Many(tx, scanDataset, datasetsOfAgreement, id)
}
