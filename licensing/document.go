package licensing

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// DocumentKind says what a document is.
type DocumentKind string

// The kinds of document that this package stores.
const (
	AgreementDocument   DocumentKind = "agreement"
	AmendmentDocument   DocumentKind = "amendment"
	AttestationDocument DocumentKind = "attestation"
	PaperDocument       DocumentKind = "paper" // not made here: uploaded, signed outside the portal
)

// A Document is everything a document says, for whoever renders it. Names stand in it: it is never logged.
type Document struct {
	Kind          DocumentKind
	Number        string // DR-0042-A, DR-0042-A/3, DR-0042-A/destruction
	Version       int
	Lang          string
	Zone          string
	Made          time.Time
	Link          string // path of the page with the same words
	Request       Request
	Agreement     Agreement // as it is when the document takes effect, but for the hash
	Amendment     Amendment // of an amendment
	Contact       Contact   // of an amendment about one
	Was           Party     // of an amendment by which somebody else takes over a part: who had it
	Datasets      []CoveredDataset
	Confirmations []StatedConfirmation
	RequestedBy   Named
	Decisions     []NamedDecision
	DestroyedOn   Date // of an attestation
	Remarks       string
}

// A CoveredDataset is a dataset as a document names it.
type CoveredDataset struct {
	Name, Collection, Need string
}

// A StatedConfirmation is a confirmation with its words.
type StatedConfirmation struct {
	Confirmation
	Text        string
	Explanation string
}

// Named is a person as a document names him.
type Named struct {
	Name, Latin, Position, Email string
}

// A NamedDecision is a decision with the person's name.
type NamedDecision struct {
	Decision
	Name, Latin string
}

// Rendered are the bytes of a document, with the structured source that they come from.
type Rendered struct {
	TextVersion string
	Source      string // JSON
	HTML        string // may be empty when the page is made from the source
	PDF         []byte
}

// A StoredDocument is a document that was kept; it is never rendered again.
type StoredDocument struct {
	SHA256      string
	Agreement   AgreementID
	Amendment   AmendmentID
	Kind        DocumentKind
	Version     int
	Lang        string
	TextVersion string
	Made        time.Time
	Rendered    // empty in lists
}

// render makes the bytes of a document and their hash. It is pure computing; the caller does it before the change where
// it can, for everybody else waits during one.
func (r *Registry) render(d Document) (Rendered, string, error) {
	if r.opts.Render == nil {
		return Rendered{}, "", fmt.Errorf("rendering %s: no renderer was handed in", d.Number)
	}
	out, err := r.opts.Render(d)
	if err != nil {
		return out, "", fmt.Errorf("rendering %s: %w", d.Number, err)
	}
	if len(out.PDF) == 0 {
		return out, "", fmt.Errorf("rendering %s: the PDF is empty", d.Number)
	}
	return out, sha256Of(out.PDF), nil
}

// DocumentKept is the event of a document that was stored, about "document:" and its hash. The signature covers the PDF;
// Words is the digest of what the page is made from, which is what most people read before they sign.
type DocumentKept struct {
	Agreement AgreementID `json:"agreement"`
	Words     string      `json:"words"`
}

// Kind names the event in the log.
func (DocumentKept) Kind() string { return "document.kept" }

// words is the digest of all that a page shows of a document. The hash of its PDF takes the place of a salt.
func (r Rendered) words(hash string) string { return digest(hash, r.TextVersion, r.Source, r.HTML) }

// keep stores a document under its hash.
func (r *Registry) keep(tx *db.Tx, d Document, out Rendered, hash string) error {
	n, err := tx.Exec(insertDocument, hash, d.Agreement.ID, d.Amendment.ID, d.Kind, d.Version, d.Lang, out.TextVersion, out.Source,
		out.HTML, out.PDF, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("keeping the document %s: %w", d.Number, err)
	}
	if n == 0 {
		return nil // the very same document was kept before
	}
	return tx.Record("document:"+hash, DocumentKept{d.Agreement.ID, out.words(hash)})
}

func scanDocument(s db.Row) (d StoredDocument, err error) {
	var made int64
	err = s.Scan(&d.SHA256, &d.Agreement, &d.Amendment, &d.Kind, &d.Version, &d.Lang, &d.TextVersion, &made)
	d.Made = db.Instant(made)
	return d, err
}

// Documents lists the documents of an agreement, oldest first, without their bytes.
func (r *Registry) Documents(tx *db.Tx, id AgreementID) ([]StoredDocument, error) {
	return db.Many(tx, scanDocument, selectDocuments+` WHERE agreement = $1 ORDER BY made, sha256`, id)
}

// errOtherBytes means that the bytes under a hash are not the bytes that were signed.
var errOtherBytes = errors.New("the stored document is not the one that was signed")

// stored reads a document and checks its bytes against its hash.
func (r *Registry) stored(tx *db.Tx, hash string) (StoredDocument, error) {
	var made int64
	var d StoredDocument
	err := tx.QueryRow(selectDocument, hash).Scan(&d.SHA256, &d.Agreement, &d.Amendment, &d.Kind, &d.Version, &d.Lang, &d.TextVersion, &made,
		&d.Source, &d.HTML, &d.PDF)
	if db.NoRows(err) {
		return StoredDocument{}, ErrNotFound
	}
	if err != nil {
		return StoredDocument{}, fmt.Errorf("reading a document: %w", err)
	}
	d.Made, d.Rendered.TextVersion = db.Instant(made), d.TextVersion
	if sha256Of(d.PDF) != d.SHA256 {
		return StoredDocument{}, fmt.Errorf("%w: %s", errOtherBytes, hash)
	}
	return d, nil
}

// Document reads a stored document, for somebody who may see its agreement.
func (r *Registry) Document(tx *db.Tx, who account.Who, hash string) (StoredDocument, error) {
	d, err := r.stored(tx, hash)
	if err != nil {
		return StoredDocument{}, err
	}
	a, err := r.Agreement(tx, d.Agreement)
	if err != nil {
		return StoredDocument{}, err
	}
	if roles := r.rolesIn(who, a.Parties, a.Contacts); !sees(roles) || !a.shows(d, roles) {
		return StoredDocument{}, ErrNotFound
	}
	return d, nil
}

// shows says whether a document is for somebody who may see the agreement. What was signed on paper holds signatures and
// what else was on the desk's scanner: the parties read it once two have compared it, the contacts never.
func (a Agreement) shows(d StoredDocument, roles []Role) bool {
	is := func(all ...Role) bool {
		return slices.ContainsFunc(all, func(r Role) bool { return slices.Contains(roles, r) })
	}
	if d.Kind != PaperDocument || is(AsDesk, AsStaffSigner, AsAuditor) {
		return true
	}
	counts := func(p Paper) bool { return p.Document == d.SHA256 && p.State == PaperCounts }
	return is(AsApplicant, AsSignatory, AsRepresentative) && slices.ContainsFunc(a.Papers, counts)
}
