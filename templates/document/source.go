package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Source is a document as a list of blocks: the one thing that page and PDF are both made from.
//
//	{"format": 1, "kind": "licence-eea", "lang": "en", "number": "DR-0042-A", "version": 2,
//	 "text_version": "licence-eea.en/2026-11-1", "text_sha256": "…", "title": "…", "made": "2026-11-20T09:00:00Z",
//	 "page_of": "page %d of %d", "contents": "Contents", "blocks": [{"kind": "heading", "level": 3, …}, …]}
type Source struct {
	Format      int       `json:"format"`
	Kind        Kind      `json:"kind"`
	Lang        string    `json:"lang"`
	Number      string    `json:"number"`
	Version     int       `json:"version"`
	TextVersion string    `json:"text_version"`
	TextSHA256  string    `json:"text_sha256"`
	Title       string    `json:"title"`
	Made        time.Time `json:"made"`
	Labels      Labels    `json:"labels"`
	Blocks      []Block   `json:"blocks"`
}

// Labels are the few words around a document that are not part of it. They are kept in the Source, so that a stored
// one can be shown again when the words of the programme have changed.
type Labels struct {
	Contents string `json:"contents"`
	Version  string `json:"version"`
	Page     string `json:"page"` // page %d of %d
}

const format = 1

// BlockKind says how a Block reads.
type BlockKind string

// The blocks a document is made of.
const (
	Heading   BlockKind = "heading"
	Paragraph BlockKind = "paragraph" // with Label: a numbered clause
	Note      BlockKind = "note"
	List      BlockKind = "list"
	Table     BlockKind = "table"
	Facts     BlockKind = "facts" // Rows of a name and a value
)

// Block is one piece of a document; which fields are set follows from its Kind.
type Block struct {
	Kind   BlockKind  `json:"kind"`
	Level  int        `json:"level,omitempty"` // of a heading: 2 is the title
	ID     string     `json:"id,omitempty"`    // of a heading: its anchor
	Label  string     `json:"label,omitempty"` // of a clause: 4.5
	Text   []Span     `json:"text,omitempty"`
	Items  [][]Span   `json:"items,omitempty"`
	Head   []string   `json:"head,omitempty"`
	Widths []int      `json:"widths,omitempty"` // of a table's columns, in parts of their sum
	Rows   [][]string `json:"rows,omitempty"`
	Room   bool       `json:"room,omitempty"` // rows high enough to write in by hand
}

// Span is a run of text in one weight.
type Span struct {
	Text string `json:"t"`
	Bold bool   `json:"b,omitempty"`
}

// Parse reads a Source back from the JSON that a PDF carries or that was stored beside it.
func Parse(b []byte) (Source, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var s Source
	if err := d.Decode(&s); err != nil {
		return Source{}, fmt.Errorf("reading a document's source: %w", err)
	}
	if s.Format != format {
		return Source{}, fmt.Errorf("reading a document's source: format %d is not %d", s.Format, format)
	}
	if !slices.Contains(Languages(), s.Lang) || len(s.Blocks) == 0 {
		return Source{}, fmt.Errorf("reading a document's source: it has no blocks, or language %q", s.Lang)
	}
	for i, b := range s.Blocks {
		for _, row := range b.Rows {
			if b.Kind == Facts && len(row) != 2 || b.Kind == Table && len(row) != len(b.Head) {
				return Source{}, fmt.Errorf("reading a document's source: block %d has a row of %d cells", i+1, len(row))
			}
		}
	}
	return s, nil
}

// JSON is the Source as it is stored and attached to the PDF.
func (s Source) JSON() ([]byte, error) {
	b, err := json.MarshalIndent(s, "", " ")
	if err != nil {
		return nil, fmt.Errorf("writing a document's source: %w", err)
	}
	return append(b, '\n'), nil
}

// Words lists the document's words in reading order, as page and PDF both show them.
func (s Source) Words() []string {
	var b strings.Builder
	say := func(texts ...string) {
		for _, t := range texts {
			b.WriteString(t)
			b.WriteByte(' ')
		}
	}
	for _, block := range s.Blocks {
		say(block.Label, plain(block.Text))
		for _, item := range block.Items {
			say(plain(item))
		}
		say(block.Head...)
		for _, row := range block.Rows {
			say(row...)
		}
	}
	return strings.Fields(b.String())
}

func plain(spans []Span) string {
	var b strings.Builder
	for _, s := range spans {
		b.WriteString(s.Text)
	}
	return b.String()
}
