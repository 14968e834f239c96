package document

// table draws rows under a head that is repeated on every page the table reaches.
func (p *pen) table(b Block) {
	widths := columns(b)
	head := p.row(b.Head, widths, "B")
	p.room(rowHeight(head, 0) + 3*lineHeight(tableSize))
	p.tableHead(head, widths)
	for _, cells := range b.Rows {
		p.tableRow(p.row(cells, widths, ""), widths, b, head)
	}
	p.y += 3
}

// row wraps the cells of one row.
func (p *pen) row(cells []string, widths []float64, style string) [][]line {
	var all [][]line
	for i, cell := range cells {
		if i < len(widths) {
			all = append(all, p.wrap([]Span{{Text: cell}}, widths[i]-2*cellPadding, tableSize, style))
		}
	}
	return all
}

func (p *pen) tableHead(head [][]line, widths []float64) {
	if len(head) == 0 {
		return
	}
	height := rowHeight(head, 0)
	p.pdf.SetFillColor(235, 235, 235)
	p.pdf.Rect(marginSide, p.y, bodyWidth, height, "F")
	p.cells(head, widths, 0, height)
}

// tableRow moves a row to the next page when it does not fit, and cuts it only when it is higher than a page.
func (p *pen) tableRow(row [][]line, widths []float64, b Block, head [][]line) {
	least := 0.0
	if b.Room {
		least = 16
	}
	for from := 0; ; {
		left := rowHeight(skip(row, from), least)
		fresh := bodyBottom - marginTop - rowHeight(head, 0)
		if p.y+left > bodyBottom && (left <= fresh || p.y+3*lineHeight(tableSize) > bodyBottom) {
			p.newPage()
			p.repeated[p.pdf.PageCount()] = append(p.repeated[p.pdf.PageCount()], b.Head...)
			p.tableHead(head, widths)
		}
		height := min(left, bodyBottom-p.y)
		fits := int((height - 2*cellPadding + 0.001) / lineHeight(tableSize))
		p.cells(first(skip(row, from), fits), widths, 0, height)
		p.pdf.SetDrawColor(190, 190, 190)
		p.pdf.Line(marginSide, p.y, pageWidth-marginSide, p.y)
		from += fits
		if from >= most(row) {
			return
		}
	}
}

// cells draws one row's cells side by side and moves below them.
func (p *pen) cells(row [][]line, widths []float64, x, height float64) {
	top := p.y
	x += marginSide
	for i, lines := range row {
		p.y = top + cellPadding
		for _, l := range lines {
			p.line(l, x+cellPadding, tableSize)
			p.y += lineHeight(tableSize)
		}
		x += widths[i]
	}
	p.y = top + height
}

// facts draws names and values in two columns.
func (p *pen) facts(b Block) {
	widths := []float64{bodyWidth * 0.32, bodyWidth * 0.68}
	for _, cells := range b.Rows {
		name := p.row(cells[:1], widths, "B")
		value := p.row(cells[1:], widths[1:], "")
		row := [][]line{name[0], value[0]}
		p.tableRow(row, widths, Block{}, nil)
	}
	p.y += 3
}

func columns(b Block) []float64 {
	sum := 0
	for _, w := range b.Widths {
		sum += w
	}
	widths := make([]float64, len(b.Head))
	for i := range widths {
		widths[i] = bodyWidth / float64(len(b.Head))
		if len(b.Widths) == len(b.Head) && sum > 0 {
			widths[i] = bodyWidth * float64(b.Widths[i]) / float64(sum)
		}
	}
	return widths
}

func rowHeight(row [][]line, least float64) float64 {
	return max(float64(most(row))*lineHeight(tableSize)+2*cellPadding, least)
}

func most(row [][]line) int {
	n := 0
	for _, lines := range row {
		n = max(n, len(lines))
	}
	return n
}

func skip(row [][]line, n int) [][]line {
	var rest [][]line
	for _, lines := range row {
		rest = append(rest, lines[min(n, len(lines)):])
	}
	return rest
}

func first(row [][]line, n int) [][]line {
	var some [][]line
	for _, lines := range row {
		some = append(some, lines[:min(n, len(lines))])
	}
	return some
}
