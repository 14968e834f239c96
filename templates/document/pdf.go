package document

import (
	"bytes"
	"fmt"
	"html"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/gofont/goitalic"
	"golang.org/x/image/font/gofont/goregular"
)

// All lengths are in millimetres on A4, sizes of type in points.
const (
	pageWidth, pageHeight = 210.0, 297.0
	marginSide            = 20.0
	marginTop             = 18.0
	marginBottom          = 22.0
	bodyWidth             = pageWidth - 2*marginSide
	bodyBottom            = pageHeight - marginBottom
	bodySize              = 9.5
	tableSize             = 8.5
	cellPadding           = 1.2
)

// PDF is the document as it is signed and kept. The same Source gives the same bytes.
func (s Source) PDF() ([]byte, error) {
	first, err := s.draw(0)
	if err != nil {
		return nil, err
	}
	// Drawn a second time, now that the number of pages is known.
	final, err := s.draw(first.pdf.PageCount())
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := final.pdf.Output(&b); err != nil {
		return nil, fmt.Errorf("writing the PDF of %s: %w", s.Number, err)
	}
	return b.Bytes(), nil
}

func (s Source) draw(pages int) (*pen, error) {
	if len(s.Blocks) == 0 || s.Made.IsZero() {
		return nil, fmt.Errorf("the source of %q is empty or has no date", s.Number)
	}
	// The font prints an empty box for what it lacks. Build refuses such text; a Source can also come from elsewhere.
	for _, word := range s.Words() {
		if err := CheckScript(word); err != nil {
			return nil, fmt.Errorf("the PDF of %s: %w", s.Number, err)
		}
	}
	p := newPen(s, pages)
	if err := s.describe(p.pdf); err != nil {
		return nil, err
	}
	p.newPage()
	for _, b := range s.Blocks {
		p.block(b)
	}
	p.footer()
	if err := p.pdf.Error(); err != nil {
		return nil, fmt.Errorf("drawing the PDF of %s: %w", s.Number, err)
	}
	return p, nil
}

// describe sets what stands in the file beside its pages. Dates are the document's own: the library would put in the
// clock's, and no two renderings would have the same hash.
func (s Source) describe(pdf *fpdf.Fpdf) error {
	source, err := s.JSON()
	if err != nil {
		return err
	}
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(s.Made.UTC())
	pdf.SetModificationDate(s.Made.UTC())
	pdf.SetProducer("Sluice", true)
	pdf.SetTitle(s.Title, true)
	pdf.SetSubject(fmt.Sprintf("%s, %s %d", s.Number, s.Labels.Version, s.Version), true)
	pdf.SetKeywords(s.TextVersion, true)
	pdf.SetLang(s.Lang)
	pdf.SetXmpMetadata(s.xmp())
	pdf.SetAttachments([]fpdf.Attachment{{Content: source, Filename: "source.json", Description: s.Number}})
	return nil
}

func (s Source) xmp() []byte {
	return fmt.Appendf(nil, `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">%s</rdf:li></rdf:Alt></dc:title>
<dc:language><rdf:Bag><rdf:li>%s</rdf:li></rdf:Bag></dc:language>
<dc:identifier>%s</dc:identifier><xmp:CreateDate>%s</xmp:CreateDate>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="r"?>`, html.EscapeString(s.Title), html.EscapeString(s.Lang), html.EscapeString(s.Number),
		s.Made.UTC().Format(time.RFC3339))
}

// pen draws downwards from y and begins a new page when there is no room.
type pen struct {
	pdf      *fpdf.Fpdf
	source   Source
	pages    int // in all; 0 while they are being counted
	y        float64
	repeated map[int][]string // by page: the heads of tables that go on there
}

func newPen(s Source, pages int) *pen {
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetMargins(marginSide, marginTop, marginSide)
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes("go", "", goregular.TTF)
	pdf.AddUTF8FontFromBytes("go", "B", gobold.TTF)
	pdf.AddUTF8FontFromBytes("go", "I", goitalic.TTF)
	return &pen{pdf: pdf, source: s, pages: pages, repeated: map[int][]string{}}
}

func (p *pen) newPage() {
	if p.pdf.PageCount() > 0 {
		p.footer()
	}
	p.pdf.AddPage()
	p.y = marginTop
}

// footer says on every page which document and version it belongs to, so that a loose sheet can be told.
func (p *pen) footer() {
	left := fmt.Sprintf("%s · %s %d · %s", p.source.Number, p.source.Labels.Version, p.source.Version, p.source.TextVersion)
	right := fmt.Sprintf(p.source.Labels.Page, p.pdf.PageCount(), p.pages)
	p.pdf.SetDrawColor(150, 150, 150)
	p.pdf.Line(marginSide, pageHeight-15, pageWidth-marginSide, pageHeight-15)
	p.pdf.SetFont("go", "", 8)
	p.pdf.SetTextColor(70, 70, 70)
	p.pdf.Text(marginSide, pageHeight-11, left)
	p.pdf.Text(pageWidth-marginSide-p.pdf.GetStringWidth(right), pageHeight-11, right)
	p.pdf.SetTextColor(0, 0, 0)
}

func (p *pen) block(b Block) {
	switch b.Kind {
	case Heading:
		p.heading(b)
	case Note:
		p.note(b)
	case Paragraph:
		p.paragraph(b)
	case List:
		for _, item := range b.Items {
			p.item(item)
		}
		p.y += 1.5
	case Table:
		p.table(b)
	case Facts:
		p.facts(b)
	}
}

func (p *pen) heading(b Block) {
	size := map[int]float64{2: 17, 3: 12.5}[b.Level]
	if size == 0 {
		size = 10.5
	}
	lines := p.wrap([]Span{{Text: plain(b.Text), Bold: true}}, bodyWidth, size, "")
	height := lineHeight(size)
	// A heading at the foot of a page, its text on the next, would be read as the end of an article.
	if p.y+3+float64(len(lines))*height+3*lineHeight(bodySize) > bodyBottom {
		p.newPage()
	} else if p.y > marginTop {
		p.y += 3
	}
	p.pdf.SetFont("go", "B", size)
	p.pdf.Bookmark(plain(b.Text), max(b.Level-2, 0), p.y)
	p.lines(lines, marginSide, size)
	p.y += 1
}

func (p *pen) paragraph(b Block) {
	indent := 0.0
	lines := p.wrap(b.Text, bodyWidth, bodySize, "")
	if b.Label != "" {
		indent = 11
		lines = p.wrap(b.Text, bodyWidth-indent, bodySize, "")
		p.room(lineHeight(bodySize))
		p.say(b.Label, marginSide, bodySize, "")
	}
	p.lines(lines, marginSide+indent, bodySize)
	p.y += 1.5
}

func (p *pen) note(b Block) {
	lines := p.wrap(b.Text, bodyWidth-6, bodySize, "I")
	height := float64(len(lines)) * lineHeight(bodySize)
	if p.y+height > bodyBottom {
		p.newPage()
	}
	p.pdf.SetFillColor(120, 120, 120)
	p.pdf.Rect(marginSide, p.y, 0.8, height, "F")
	p.lines(lines, marginSide+4, bodySize)
	p.y += 2
}

// item marks a list with a drawn dot, not a printed one: a printed dot would be a word that the page does not have.
func (p *pen) item(spans []Span) {
	lines := p.wrap(spans, bodyWidth-17, bodySize, "")
	p.room(lineHeight(bodySize))
	p.pdf.SetFillColor(0, 0, 0)
	p.pdf.Circle(marginSide+14, p.y+lineHeight(bodySize)*0.52, 0.6, "F")
	p.lines(lines, marginSide+17, bodySize)
	p.y += 0.5
}

func (p *pen) room(height float64) {
	if p.y+height > bodyBottom {
		p.newPage()
	}
}

// lines draws wrapped lines, going on over as many pages as they need.
func (p *pen) lines(lines []line, x, size float64) {
	for _, l := range lines {
		p.room(lineHeight(size))
		p.line(l, x, size)
		p.y += lineHeight(size)
	}
}

// line draws one line at y without moving on.
func (p *pen) line(l line, x, size float64) {
	for _, run := range l {
		p.say(run.text, x, size, run.style)
		x += p.pdf.GetStringWidth(run.text)
	}
}

func (p *pen) say(text string, x, size float64, style string) {
	p.pdf.SetFont("go", style, size)
	p.pdf.Text(x, p.y+lineHeight(size)*0.75, text)
}

func lineHeight(size float64) float64 { return size * 0.3528 * 1.32 }
