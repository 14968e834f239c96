package licensing

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"sluice/infra/account"
	"sluice/infra/db"
)

// LargestPaper is how many bytes a document may have that was signed outside the portal: a scan of some thirty pages.
const LargestPaper = 16 << 20

// A PaperInput is a document that was signed outside the portal, with what a member of the desk says of it.
type PaperInput struct {
	SHA256  string // of the stored PDF that it is said to be a signature on
	PDF     []byte
	Signers []PaperSignerInput
}

// A PaperSignerInput is one signature on it, as a form gives it.
type PaperSignerInput struct {
	Part           Part
	SignedOn       Date
	Name, Position string
}

// UploadPaper keeps a document that was signed outside the portal. Nothing is signed before a second member of the desk has
// confirmed it.
func (r *Registry) UploadPaper(ctx context.Context, who account.Who, id AgreementID, in PaperInput) error {
	hash := sha256Of(in.PDF)
	return r.act(ctx, who, account.Proof{}, id, "agreement.paper-uploaded", func(tx *db.Tx, a Agreement) error {
		signers, faults := readSigners(in.Signers)
		if err := readablePDF(in.PDF); err != nil {
			faults = append(faults, err)
		}
		if len(faults) > 0 {
			return faults
		}
		p := Paper{ID: PaperID(db.NewID()), Version: a.Version, SHA256: in.SHA256, Document: hash, By: who.Person(), Signers: signers}
		if err := r.trustworthy(tx, a, p, who); err != nil {
			return err
		}
		if err := r.keepPaper(tx, a, in.PDF, hash); err != nil {
			return err
		}
		_, err := r.apply(tx, a, PaperUploaded{p})
		return err
	})
}

// readSigners checks what was typed of each signature.
func readSigners(in []PaperSignerInput) (signers []PaperSigner, faults Faults) {
	for _, s := range in {
		signer := PaperSigner{Part: s.Part, SignedOn: s.SignedOn, Salt: db.NewID(), Name: line(s.Name), Position: line(s.Position)}
		signer.Digest = signer.digest()
		for field, text := range map[string]string{"name": signer.Name, "position": signer.Position} {
			if text == "" || len(text) > 2000 {
				faults = append(faults, refuse("needed").at(field+"."+string(s.Part)))
			}
		}
		signers = append(signers, signer)
	}
	// The order of the rows, so that the log and the tables say the same.
	slices.SortStableFunc(signers, func(a, b PaperSigner) int { return bytes.Compare([]byte(a.Part), []byte(b.Part)) })
	return signers, faults
}

// readablePDF looks whether bytes can be a whole PDF. What it says is for a person to read: it is kept as it came, with
// whatever signature is embedded in it.
func readablePDF(pdf []byte) *RefusedError {
	switch {
	case len(pdf) == 0:
		return refuse("paper-empty").at("document")
	case len(pdf) > LargestPaper:
		return refuse("paper-large", "most", fmt.Sprint(LargestPaper>>20)).at("document")
	case !beginsAsPDF(pdf):
		return refuse("paper-type").at("document")
	case !endsWith(pdf, "startxref") || !endsWith(pdf, "%%EOF"):
		return refuse("paper-broken").at("document")
	}
	return nil
}

func beginsAsPDF(pdf []byte) bool { return bytes.HasPrefix(pdf, []byte("%PDF-")) }

// endsWith says whether a mark stands at the end of a PDF: a cut upload has none. Programs put little behind it; the standard
// allows a kilobyte.
func endsWith(pdf []byte, mark string) bool {
	return bytes.Contains(pdf[max(0, len(pdf)-2048):], []byte(mark))
}

// keepPaper keeps the bytes, once. The same bytes may come again for the same version, after they were sent back.
func (r *Registry) keepPaper(tx *db.Tx, a Agreement, pdf []byte, hash string) error {
	known, err := one(tx, scanDocument, selectDocuments+` WHERE sha256 = $1`, hash)
	switch {
	case errors.Is(err, ErrNotFound):
		return r.keep(tx, Document{Kind: PaperDocument, Number: a.Number, Version: a.Version, Lang: a.Lang, Agreement: a}, Rendered{PDF: pdf}, hash)
	case err != nil:
		return err
	case known.Kind != PaperDocument:
		return refuse("paper-unsigned").at("document") // the portal's own PDF, without anything on it
	case known.Agreement != a.ID || known.Version != a.Version:
		return refuse("paper-known").at("document")
	}
	return nil
}

// trustworthy is what the tables must say besides, both when a document is uploaded and when it is confirmed: the version
// may still be signed, the representative still represents, and nobody is on both sides under another address.
func (r *Registry) trustworthy(tx *db.Tx, a Agreement, p Paper, who account.Who) error {
	if a.State != Signing {
		return a.wrongState()
	}
	if err := r.stillRight(tx, a); err != nil {
		return err
	}
	if slices.Contains(partsOf(a.Counting(p)), Representative) {
		staff, err := r.accounts.Staff(tx, account.Representative)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(staff, func(s account.Person) bool { return s.ID == a.Party(Representative).Person }) {
			return refuse("paper-representative")
		}
	}
	return r.addressConflicts(tx, Request{Parties: a.Parties, Contacts: a.Contacts, Editors: []account.PersonID{p.By, who.Person()}})
}

// ConfirmPaper says, as a second member of the desk, that a document is the version, whole, with these signatures. They
// count from now on.
func (r *Registry) ConfirmPaper(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, paper PaperID) error {
	return r.act(ctx, who, proof, id, "agreement.paper-confirmed", func(tx *db.Tx, a Agreement) error {
		p, waits := a.WaitingPaper()
		if waits && p.ID == paper {
			if err := r.trustworthy(tx, a, p, who); err != nil {
				return err
			}
			if _, err := r.stored(tx, p.Document); err != nil {
				return err
			}
		}
		_, err := r.apply(tx, a, PaperConfirmed{who.Person(), paper, p.Document, len(a.Missing()) - len(a.Counting(p))})
		return err
	})
}

// RefusePaper sends a document back to who uploaded it, with a reason. Who uploaded it may take it back likewise.
func (r *Registry) RefusePaper(ctx context.Context, who account.Who, id AgreementID, paper PaperID, reason string) error {
	return r.act(ctx, who, account.Proof{}, id, "agreement.paper-refused", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, PaperRefused{who.Person(), paper, note})
		return err
	})
}

func scanPaper(s db.Row) (p Paper, err error) {
	var at, decided int64
	err = s.Scan(&p.ID, &p.Version, &p.SHA256, &p.Document, &p.By, &at, &p.State, &p.Decider, &decided, as(&p.Note))
	p.At, p.Decided = db.Instant(at), db.Instant(decided)
	return p, err
}

func scanPaperSigner(s db.Row) (g PaperSigner, err error) {
	var signedOn string
	if err = s.Scan(&g.Part, &signedOn, &g.Digest, &g.Salt, &g.Name, &g.Position); err != nil {
		return g, err
	}
	g.SignedOn, err = ParseDate(signedOn)
	return g, err
}

// papers reads what was signed outside the portal.
func (r *Registry) papers(tx *db.Tx, id AgreementID) ([]Paper, error) {
	all, err := db.Many(tx, scanPaper, selectPapers, id)
	for i := range all {
		if err == nil {
			all[i].Signers, err = db.Many(tx, scanPaperSigner, selectPaperSigners, all[i].ID)
		}
	}
	return all, err
}

func (r *Registry) savePapers(tx *db.Tx, before []Paper, a Agreement) error {
	for i, p := range a.Papers {
		if i < len(before) && asText(before[i]) == asText(p) {
			continue
		}
		_, err := tx.Exec(savePaper, p.ID, p.Version, p.SHA256, p.Document, p.By, db.Stamp(p.At), p.State, p.Decider, db.Stamp(p.Decided), asText(p.Note), a.ID, i)
		if err != nil {
			return fmt.Errorf("saving what was signed on paper for %s: %w", a.Number, err)
		}
		for _, s := range p.Signers {
			if _, err := tx.Exec(insertPaperSigner, s.Part, s.SignedOn.String(), s.Digest, s.Salt, s.Name, s.Position, p.ID); err != nil {
				return fmt.Errorf("saving who signed on paper for %s: %w", a.Number, err)
			}
		}
	}
	return nil
}
