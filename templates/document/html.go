package document

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// HTML is the document as a fragment of a page: a table of contents, then the text with headings from h2 on.
func (s Source) HTML() template.HTML {
	var w page
	w.put(`<div class="document" lang="%s">`, s.Lang)
	w.contents(s)
	for _, b := range s.Blocks {
		w.block(b)
	}
	w.b.WriteString("</div>\n")
	// Everything that came from data passed through put or spans, which escape it.
	return template.HTML(w.b.String())
}

// page collects markup. The shape is ours; every value is escaped on its way in.
type page struct {
	b strings.Builder
}

func (w *page) put(shape string, values ...string) {
	escaped := make([]any, len(values))
	for i, v := range values {
		escaped[i] = html.EscapeString(v)
	}
	fmt.Fprintf(&w.b, shape+"\n", escaped...)
}

func (w *page) contents(s Source) {
	w.put(`<nav class="document-contents" aria-label="%s">`, s.Labels.Contents)
	w.b.WriteString("<ol>\n")
	for _, b := range s.Blocks {
		if b.Kind == Heading && b.Level == 3 {
			w.put(`<li><a href="#%s">%s</a></li>`, b.ID, plain(b.Text))
		}
	}
	w.b.WriteString("</ol>\n</nav>\n")
}

func (w *page) block(b Block) {
	switch b.Kind {
	case Heading:
		tag := fmt.Sprintf("h%d", min(max(b.Level, 2), 6))
		w.put(`<%s id="%s">`, tag, b.ID)
		w.spans(b.Text)
		w.put(`</%s>`, tag)
	case Paragraph:
		w.paragraph(b)
	case Note:
		w.b.WriteString(`<p class="document-note">`)
		w.spans(b.Text)
		w.b.WriteString("</p>\n")
	case List:
		w.b.WriteString("<ul>\n")
		for _, item := range b.Items {
			w.b.WriteString("<li>")
			w.spans(item)
			w.b.WriteString("</li>\n")
		}
		w.b.WriteString("</ul>\n")
	case Table:
		w.table(b)
	case Facts:
		w.b.WriteString("<dl class=\"document-facts\">\n")
		for _, row := range b.Rows {
			w.put(`<div><dt>%s</dt> <dd>%s</dd></div>`, row[0], row[1])
		}
		w.b.WriteString("</dl>\n")
	}
}

func (w *page) paragraph(b Block) {
	if b.Label == "" {
		w.b.WriteString("<p>")
	} else {
		w.put(`<p class="document-clause"><span class="document-number">%s</span> `, b.Label)
	}
	w.spans(b.Text)
	w.b.WriteString("</p>\n")
}

// table is wrapped in a region that scrolls by itself and can be reached by keyboard, so that a wide table does not
// make the page scroll sideways on a telephone.
func (w *page) table(b Block) {
	w.put(`<div class="table-scroll" role="region" tabindex="0" aria-label="%s">`, strings.Join(b.Head, ", "))
	w.b.WriteString("<table>\n<thead><tr>\n")
	for _, h := range b.Head {
		w.put(`<th scope="col">%s</th>`, h)
	}
	w.b.WriteString("</tr></thead>\n<tbody>\n")
	for _, row := range b.Rows {
		w.b.WriteString("<tr>\n")
		for _, cell := range row {
			w.put(`<td>%s</td>`, cell)
		}
		w.b.WriteString("</tr>\n")
	}
	w.b.WriteString("</tbody>\n</table>\n</div>\n")
}

func (w *page) spans(spans []Span) {
	for _, s := range spans {
		if s.Bold {
			w.b.WriteString("<strong>" + html.EscapeString(s.Text) + "</strong>")
			continue
		}
		w.b.WriteString(html.EscapeString(s.Text))
	}
}
