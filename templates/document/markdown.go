package document

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"sluice/templates/document/placeholder"
)

// text is one agreement text as it stands in its file:
//
//	---
//	version: 2026-11-1
//	---
//	# Title
//	> A note.
//	## Article 4. Heading
//	4.5 A numbered clause with **bold** words and a {{licensee.name}}.
//	- an item of a list
//	{{table.contacts}}
//
// Blocks are separated by empty lines. There is no other markup: what looks like any (a link, HTML, a third kind of
// emphasis) is refused, rather than printed as it stands into something people sign.
type text struct {
	version string
	sha256  string
	blocks  []templateBlock
}

type templateBlock struct {
	kind   BlockKind
	level  int
	label  string
	lines  []templateLine // one, or the items of a list
	insert string         // the name of a table, or of a value that makes paragraphs of its own
}

type templateLine []templateSpan

type templateSpan struct {
	parts []placeholder.Part
	bold  bool
}

var (
	clause   = regexp.MustCompile(`^(\d+\.\d+)\s+(.*)$`)
	standing = regexp.MustCompile(`^\{\{([a-z._]+)\}\}$`)
	markup   = regexp.MustCompile("[<>`*_\\\\]|\\]\\(|^#{4,}|^\\d+\\. |^={3,}|^-{2,}|^\\|")
	version  = regexp.MustCompile(`^version: ([A-Za-z0-9.-]{1,40})$`)
)

func parseText(body string, allowed []string) (text, error) {
	body = strings.ReplaceAll(body, "\r\n", "\n")
	front, rest, found := strings.Cut(strings.TrimPrefix(body, "---\n"), "\n---\n")
	if !found || !strings.HasPrefix(body, "---\n") {
		return text{}, fmt.Errorf("it must begin with a line ---, a line version: 2026-11-1 and a line ---")
	}
	m := version.FindStringSubmatch(strings.TrimSpace(front))
	if m == nil {
		return text{}, fmt.Errorf("the front of the file is %q: write one line such as version: 2026-11-1", front)
	}
	t := text{version: m[1]}
	for chunk := range strings.SplitSeq(rest, "\n\n") {
		if strings.TrimSpace(chunk) == "" {
			continue
		}
		b, err := parseBlock(strings.Split(strings.Trim(chunk, "\n"), "\n"), allowed)
		if err != nil {
			return text{}, fmt.Errorf("at %q: %w", firstLine(chunk), err)
		}
		t.blocks = append(t.blocks, b)
	}
	if len(t.blocks) == 0 || t.blocks[0].kind != Heading || t.blocks[0].level != 2 {
		return text{}, fmt.Errorf("its first block must be the title: # Title")
	}
	return t, nil
}

func parseBlock(lines []string, allowed []string) (templateBlock, error) {
	joined := strings.Join(lines, " ")
	if m := standing.FindStringSubmatch(joined); m != nil {
		if !slices.Contains(allowed, m[1]) {
			_, err := placeholder.Parse(joined, allowed)
			return templateBlock{}, err
		}
		return templateBlock{insert: m[1]}, nil
	}
	switch {
	case strings.HasPrefix(joined, "# "):
		return oneLine(templateBlock{kind: Heading, level: 2}, joined[2:], allowed)
	case strings.HasPrefix(joined, "## "):
		return oneLine(templateBlock{kind: Heading, level: 3}, joined[3:], allowed)
	case strings.HasPrefix(joined, "### "):
		return oneLine(templateBlock{kind: Heading, level: 4}, joined[4:], allowed)
	case strings.HasPrefix(joined, "> "):
		return oneLine(templateBlock{kind: Note}, strings.ReplaceAll(joined[2:], " > ", " "), allowed)
	case strings.HasPrefix(joined, "- "):
		return parseList(lines, allowed)
	}
	if m := clause.FindStringSubmatch(joined); m != nil {
		return oneLine(templateBlock{kind: Paragraph, label: m[1]}, m[2], allowed)
	}
	return oneLine(templateBlock{kind: Paragraph}, joined, allowed)
}

// parseList takes a line that does not begin with a dash as the rest of the item before it.
func parseList(lines []string, allowed []string) (templateBlock, error) {
	var items []string
	for _, line := range lines {
		if item, found := strings.CutPrefix(line, "- "); found {
			items = append(items, item)
			continue
		}
		items[len(items)-1] += " " + line
	}
	b := templateBlock{kind: List}
	for _, item := range items {
		line, err := parseLine(item, allowed)
		if err != nil {
			return b, err
		}
		b.lines = append(b.lines, line)
	}
	return b, nil
}

func oneLine(b templateBlock, s string, allowed []string) (templateBlock, error) {
	line, err := parseLine(s, allowed)
	b.lines = []templateLine{line}
	return b, err
}

func parseLine(s string, allowed []string) (templateLine, error) {
	s = tidy(s)
	pieces := strings.Split(s, "**")
	if len(pieces)%2 == 0 {
		return nil, fmt.Errorf("a ** is never closed")
	}
	var line templateLine
	for i, piece := range pieces {
		parts, err := placeholder.Parse(piece, allowed)
		if err != nil {
			return nil, err
		}
		for _, p := range parts {
			if m := markup.FindString(p.Text); m != "" {
				return nil, fmt.Errorf("%q would be markup, and there is none here but headings, notes, lists, clauses and **bold**", m)
			}
			if strings.HasPrefix(p.Name, tablePrefix) {
				return nil, fmt.Errorf("{{%s}} must stand alone between empty lines", p.Name)
			}
			if err := CheckScript(p.Text); err != nil {
				return nil, err
			}
		}
		if len(parts) > 0 {
			line = append(line, templateSpan{parts, i%2 == 1})
		}
	}
	return line, nil
}

// placeholders lists the values the text uses.
func (t text) placeholders() []string {
	var used []string
	for _, b := range t.blocks {
		if b.insert != "" {
			used = append(used, b.insert)
		}
		for _, line := range b.lines {
			for _, span := range line {
				for _, p := range span.parts {
					if p.Name != "" {
						used = append(used, p.Name)
					}
				}
			}
		}
	}
	return used
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(line); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return line
}
