package document

import (
	"strings"
	"unicode/utf8"
)

// line is one printed line: runs of text that stand side by side.
type line []run

type run struct {
	text  string
	style string // "", "B" or "I", as the font's
}

// wrap breaks spans into lines of at most width. It breaks at spaces; a word that is wider than a whole line is cut,
// after a dot, dash, slash or at-sign where it has one.
func (p *pen) wrap(spans []Span, width, size float64, style string) []line {
	var lines []line
	var now line
	used := 0.0
	for _, word := range words(spans, style) {
		for _, piece := range p.cut(word, width, size) {
			w := p.width(piece, size)
			space := 0.0
			if len(now) > 0 {
				p.pdf.SetFont("go", now[len(now)-1].style, size)
				space = p.pdf.GetStringWidth(" ")
			}
			if len(now) > 0 && used+space+w > width {
				lines, now, used, space = append(lines, now), nil, 0, 0
			}
			now = join(now, piece)
			used += space + w
		}
	}
	if len(now) > 0 {
		lines = append(lines, now)
	}
	return lines
}

// words splits spans at spaces; a word may change weight in its middle.
func words(spans []Span, style string) []line {
	var all []line
	open := false // whether the next run goes on with the last word
	for _, s := range spans {
		run := run{style: style}
		if s.Bold {
			run.style = "B"
		}
		fields := strings.Fields(s.Text)
		for i, f := range fields {
			run.text = f
			if i == 0 && open && !strings.HasPrefix(s.Text, " ") {
				all[len(all)-1] = append(all[len(all)-1], run)
				continue
			}
			all = append(all, line{run})
		}
		if s.Text != "" {
			open = len(all) > 0 && !strings.HasSuffix(s.Text, " ")
		}
	}
	return all
}

// join sets a word behind a line. The space belongs to the run before it, so that one weight is one piece of text.
func join(now, word line) line {
	if len(now) == 0 {
		return append(line{}, word...)
	}
	last := &now[len(now)-1]
	if last.style == word[0].style {
		last.text += " " + word[0].text
		return append(now, word[1:]...)
	}
	last.text += " "
	return append(now, word...)
}

func (p *pen) width(word line, size float64) float64 {
	w := 0.0
	for _, r := range word {
		p.pdf.SetFont("go", r.style, size)
		w += p.pdf.GetStringWidth(r.text)
	}
	return w
}

// cut makes pieces of a word that no line can hold.
func (p *pen) cut(word line, width, size float64) []line {
	if p.width(word, size) <= width {
		return []line{word}
	}
	var pieces []line
	for _, r := range word {
		p.pdf.SetFont("go", r.style, size)
		for r.text != "" {
			n := p.fitting(r.text, width)
			pieces = append(pieces, line{{r.text[:n], r.style}})
			r.text = r.text[n:]
		}
	}
	return pieces
}

// fitting is how many bytes of the text fit the width: at least one character, and up to the last good place to break
// when that is not too far back.
func (p *pen) fitting(text string, width float64) int {
	end, good := 0, 0
	for end < len(text) {
		r, n := utf8.DecodeRuneInString(text[end:])
		if end > 0 && p.pdf.GetStringWidth(text[:end+n]) > width {
			break
		}
		end += n
		if strings.ContainsRune("-/@._", r) {
			good = end
		}
	}
	if end < len(text) && good > end/2 {
		return good
	}
	return end
}
