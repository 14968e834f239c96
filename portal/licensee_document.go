package portal

import (
	"encoding/json"
	"fmt"
	"html/template"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"sluice/delivery"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
	"sluice/templates/document"
	"sluice/templates/mail"
)

// textPage is the data of the page "licensee-text": a stored document between components.
type textPage struct {
	Before   []templates.Part
	Document template.HTML
	After    []templates.Part
}

// versionPage is the agreement itself, in one of its versions: "2" as a page, "2.pdf" as it was stored.
func (s *Server) versionPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreement(r, v)
	if err != nil {
		return err
	}
	name, pdf := strings.CutSuffix(r.PathValue("file"), ".pdf")
	version, err := strconv.Atoi(name)
	d, ok := w.text(version)
	if err != nil || !ok || strconv.Itoa(version) != name {
		return licensing.ErrNotFound
	}
	stored, err := s.stored(r, v, d.SHA256)
	if err != nil {
		return err
	}
	if pdf {
		return v.pdf(fmt.Sprintf("%s-version-%d.pdf", w.a.Number, version), stored.PDF)
	}
	p := v.agreementShell(w, templates.M("licensee.text-title", "Number", w.a.Number, "Version", version))
	var before, after []templates.Part
	switch {
	case version != w.a.Version:
		before = append(before, templates.Notice{Tone: templates.Warning, Body: templates.M("licensee.text-old", "Version", w.a.Version)})
	case w.state() == licensing.Signing:
		before = append(before, w.turn())
		if w.party() && !w.signed() {
			after = append(after, templates.Actions{templates.Button{Text: templates.M("licensee.act-sign-now"), Href: w.path("/sign")},
				templates.Link{Text: templates.M("licensee.act-decline"), Href: w.path("/decline")}})
		}
	}
	before = append(before, evidence(stored, w.path("/versions/"+name+".pdf")))
	return v.showDocument(p, stored.Source, before, after)
}

// documentPage is another document of an agreement, by its hash: an amendment, or the statement of destruction.
func (s *Server) documentPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreement(r, v)
	if err != nil {
		return err
	}
	hash, pdf := strings.CutSuffix(r.PathValue("file"), ".pdf")
	for _, d := range w.page.Documents {
		if d.SHA256 != hash || d.Agreement != w.a.ID {
			continue
		}
		if d.Kind == licensing.AgreementDocument {
			return v.redirect(w.path(fmt.Sprintf("/versions/%d%s", d.Version, ending(pdf))))
		}
		if !w.whole() {
			break
		}
		stored, err := s.stored(r, v, hash)
		if err != nil {
			return err
		}
		if d.Kind == licensing.PaperDocument {
			return v.pdf(fmt.Sprintf("%s-version-%d-signed-%s.pdf", w.a.Number, d.Version, hash[:8]), stored.PDF)
		}
		title, name := templates.M("licensee.document-attestation"), w.a.Number+"-destruction"
		if m, ok := w.a.Amendment(d.Amendment); ok && d.Kind == licensing.AmendmentDocument {
			title, name = templates.M("licensee.document-amendment", "Number", w.amendmentNumber(m)), fmt.Sprintf("%s-amendment-%d", w.a.Number, m.Number)
		}
		if pdf {
			return v.pdf(name+".pdf", stored.PDF)
		}
		return v.showDocument(v.agreementShell(w, title), stored.Source, []templates.Part{evidence(stored, w.path("/documents/"+hash+".pdf"))}, nil)
	}
	return licensing.ErrNotFound
}

func ending(pdf bool) string {
	if pdf {
		return ".pdf"
	}
	return ""
}

// certificatePage is the certificate of what was deleted at the end of a delivery, by the delivery's number.
func (s *Server) certificatePage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreement(r, v)
	if err != nil {
		return err
	}
	number, pdf := strings.CutSuffix(r.PathValue("file"), ".pdf")
	for _, d := range w.deliveries {
		if d.Number != number {
			continue
		}
		var c delivery.StoredCertificate
		err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
			c, err = s.cfg.Depot.StoredCertificate(tx, d.ID)
			return err
		})
		if err != nil {
			return err
		}
		if pdf {
			return v.pdf(number+"-certificate.pdf", c.PDF)
		}
		kept := licensing.StoredDocument{SHA256: c.SHA256, Made: c.Made}
		return v.showDocument(v.agreementShell(w, templates.M("licensee.certificate-title", "Number", number)), c.Source,
			[]templates.Part{evidence(kept, w.path("/certificates/"+number+".pdf"))}, nil)
	}
	return licensing.ErrNotFound
}

// stored reads the bytes of a document that the viewer may see.
func (s *Server) stored(r *http.Request, v *visit, hash string) (d licensing.StoredDocument, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		d, err = s.cfg.Registry.Document(tx, v.Who, hash)
		return err
	})
	return d, err
}

// evidence is what a document can be recognised by, and where its file is.
func evidence(d licensing.StoredDocument, pdf string) templates.SummaryList {
	return templates.SummaryList{Rows: []templates.SummaryRow{
		{Key: templates.M("licensee.made"), Value: templates.Moment(d.Made)},
		{Key: templates.M("licensee.sha256-of"), Value: templates.Code(d.SHA256),
			Actions: []templates.Link{{Text: templates.M("licensee.pdf-get"), Href: pdf, Download: true}}},
	}}
}

// showDocument shows a stored document in the words it was stored with.
func (v *visit) showDocument(p templates.Page, source string, before, after []templates.Part) error {
	var doc document.Source
	if err := json.Unmarshal([]byte(source), &doc); err != nil {
		return fmt.Errorf("reading a stored document: %w", err)
	}
	p.Data = textPage{Before: before, Document: doc.HTML(), After: after}
	return v.show("licensee-text", p)
}

// pdf answers with a stored file.
func (v *visit) pdf(name string, content []byte) error {
	return v.file("application/pdf", name, content)
}

func (v *visit) file(kind, name string, content []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": name}))
	h.Set("Content-Length", strconv.Itoa(len(content)))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	v.w.WriteHeader(http.StatusOK)
	_, err := v.w.Write(content)
	return ignoreGone(err)
}

// calendarFile is the end of the term for somebody's own calendar. Taking it in again after an extension moves the entry.
func (s *Server) calendarFile(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreement(r, v)
	if err != nil {
		return err
	}
	if s.cfg.Texts.Calendar == nil || w.a.Term.IsZero() {
		return licensing.ErrNotFound
	}
	entry := mailtext.TermEnd{ID: string(w.a.ID), Number: w.a.RequestNumber, Agreement: w.a.Number, Lang: v.Lang, Until: w.a.Term.Until, Zone: w.a.Zone,
		Link: s.base.String() + w.path(""), Cancelled: w.a.State == licensing.Terminated, At: w.at}
	for _, m := range w.a.Amendments {
		if m.Type == licensing.Extension && m.State == licensing.Effective {
			entry.Sequence++
		}
	}
	if entry.Cancelled {
		entry.Sequence++
	}
	content, err := s.cfg.Texts.Calendar(entry)
	if err != nil {
		return fmt.Errorf("writing a calendar entry: %w", err)
	}
	return v.file("text/calendar; charset=utf-8", w.a.Number+".ics", content)
}

// publication finds the article about what publications must say, in either language and whatever its number.
var publication = regexp.MustCompile(`(?i)acknowledg|bronvermelding|dankbetuiging|erkenning`)

// acknowledgement is the text that publications must carry, as it stands in the agreement that was signed: the paragraphs
// without a number in the article about it. "" where an agreement has another shape; then the page leads to the article.
func (s *Server) acknowledgement(r *http.Request, v *visit, w agreementView) (string, error) {
	d, ok := w.text(w.a.Version)
	if !ok {
		return "", nil
	}
	stored, err := s.stored(r, v, d.SHA256)
	if err != nil {
		return "", err
	}
	var doc document.Source
	if err := json.Unmarshal([]byte(stored.Source), &doc); err != nil {
		return "", fmt.Errorf("reading a stored agreement: %w", err)
	}
	var text []string
	inside := false
	for _, b := range doc.Blocks {
		switch {
		case b.Kind == document.Heading:
			inside = publication.MatchString(wordsOf(b.Text))
		case inside && b.Kind == document.Paragraph && b.Label == "":
			text = append(text, wordsOf(b.Text))
		}
	}
	return strings.Join(text, "\n\n"), nil
}

func wordsOf(spans []document.Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}
