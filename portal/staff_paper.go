package portal

import (
	"context"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
)

// paperActs are about a document that was signed outside the portal: one of the desk uploads it, another compares it with
// the version, and confirms it or sends it back.
var paperActs = []staffAct{
	{name: "upload-paper", at: "paper", kind: "agreement.paper-uploaded", calm: true, files: true, means: 3, about: aboutVersion,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.PaperUploaded{Paper: t.pretendedPaper(by)})
		},
		fields: paperFields, read: readPaper,
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.UploadPaper(ctx, v.Who, t.a.ID, paperOf(t, f))
		}},
	{name: "confirm-paper", kind: "agreement.paper-confirmed", code: true, calm: true, means: 3, about: aboutPaper,
		try: func(t *target, by account.PersonID) error {
			p := t.paper()
			return t.happens(licensing.PaperConfirmed{By: by, Paper: p.ID, Document: p.Document})
		},
		fields: func(t *target, f *form) []templates.Part {
			return []templates.Part{f.boxes(templates.Checkboxes{Name: "compared", Label: templates.M("staff.paper.compared"), Choices: comparisons()})}
		},
		read: func(_ *target, f *form) {
			for _, c := range comparisons() {
				if !f.has("compared", c.Value) {
					f.fail("compared", templates.M("staff.paper.compared-missing"))
				}
			}
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, _ *form) error {
			return s.cfg.Registry.ConfirmPaper(ctx, v.Who, proof, t.a.ID, t.paper().ID)
		}},
	{name: "refuse-paper", kind: "agreement.paper-refused", reason: "needed", means: 2, about: aboutPaper,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.PaperRefused{By: by, Paper: t.paper().ID, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.RefusePaper(ctx, v.Who, t.a.ID, t.paper().ID, f.text("reason"))
		}},
}

// paper is the document that waits; zero for none.
func (t *target) paper() licensing.Paper {
	p, _ := t.a.WaitingPaper()
	return p
}

// pretendedPaper stands for a document where nobody has chosen one yet.
func (t *target) pretendedPaper(by account.PersonID) licensing.Paper {
	p := licensing.Paper{ID: "pretended", Version: t.a.Version, SHA256: t.a.SHA256, Document: strings.Repeat("0", 64), By: by}
	for _, part := range t.a.Missing() {
		p.Signers = append(p.Signers, licensing.PaperSigner{Part: part, SignedOn: licensing.DateOf(t.At.In(t.a.Location()))})
	}
	return p
}

// comparisons are what a second member of the desk says to have compared.
func comparisons() (all []templates.Choice) {
	for _, c := range []string{"text", "whole", "signatures"} {
		all = append(all, templates.Choice{Value: c, Text: templates.M("staff.paper.compared-" + c)})
	}
	return all
}

// aboutVersion shows which version can be signed, and by what it is recognised on paper. Its hash cannot be printed in it.
func aboutVersion(_ *Server, t *target, _ *visit) []templates.Part {
	if t.a.SHA256 == "" {
		return nil
	}
	path := "/agreements/" + t.a.Number + "/documents/" + t.a.SHA256
	return []templates.Part{templates.SummaryList{Title: templates.M("staff.paper.version"), Rows: []templates.SummaryRow{
		{Key: templates.M("staff.version"), Value: templates.Noted{Main: templates.Number(t.a.Version), Note: templates.M("staff.paper.footer", "Number", t.a.Number, "Version", t.a.Version)},
			Actions: []templates.Link{{Text: templates.M("staff.document.page"), Href: path}, {Text: templates.M("staff.document.pdf"), Href: path + ".pdf", Download: true}}},
		{Key: templates.M("staff.hash"), Value: templates.Code(t.a.SHA256)},
		{Key: templates.M("staff.paper.opened"), Value: templates.Moment(t.a.Opened)}}}}
}

// aboutPaper shows the document that waits beside the version that it must be.
func aboutPaper(s *Server, t *target, v *visit) []templates.Part {
	p := t.paper()
	if p.ID == "" {
		return nil
	}
	rows := []templates.SummaryRow{
		{Key: templates.M("staff.document"), Value: templates.Code(p.Document), Actions: []templates.Link{t.paperLink(p)}},
		{Key: templates.M("staff.paper.uploaded"), Value: templates.Lines{t.name(p.By), templates.Moment(p.At)}}}
	counting := t.a.Counting(p)
	for _, g := range p.Signers {
		shown := templates.Lines{templates.Text(g.Name), templates.Text(g.Position), templates.M("staff.paper.dated", "Day", t.day(g.SignedOn)),
			templates.M("staff.paper.named", "Name", t.a.Party(g.Part).Name, "Position", t.a.Party(g.Part).Position)}
		if !slices.ContainsFunc(counting, func(c licensing.PaperSigner) bool { return c.Part == g.Part }) {
			shown = append(shown, templates.M("staff.paper.signed-since"))
		}
		rows = append(rows, templates.SummaryRow{Key: partWord(g.Part), Value: shown})
	}
	return append(aboutVersion(s, t, v), templates.SummaryList{Title: templates.M("staff.paper.waiting"), Rows: rows})
}

func (c *staffCase) paperLink(p licensing.Paper) templates.Link {
	a, _ := c.agreement()
	return templates.Link{Text: templates.M("staff.paper.open"), Href: "/agreements/" + a.Number + "/documents/" + p.Document + ".pdf", Download: true}
}

// papersOf lists what was uploaded, what became of it, and why.
func (c *staffCase) papersOf() []templates.Part {
	a, _ := c.agreement()
	if len(a.Papers) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.papers"), Columns: []templates.Column{{Text: templates.M("staff.document")}, {Text: templates.M("staff.signatures")},
		{Text: templates.M("staff.paper.uploaded")}, {Text: templates.M("staff.state")}}}
	for _, p := range a.Papers {
		var signers templates.Lines
		for _, g := range p.Signers {
			signers = append(signers, templates.Noted{Main: templates.M("staff.signer", "Part", partWord(g.Part), "Name", g.Name), Note: templates.M("staff.paper.dated", "Day", c.day(g.SignedOn))})
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: c.paperLink(p), Note: templates.M("staff.document.paper", "Version", p.Version)}, signers,
			templates.Lines{c.name(p.By), templates.Moment(p.At)}, c.paperState(a, p)})
	}
	return []templates.Part{t}
}

func (c *staffCase) paperState(a licensing.Agreement, p licensing.Paper) templates.Part {
	status := map[licensing.PaperState]templates.Status{licensing.PaperWaits: templates.Waiting, licensing.PaperCounts: templates.Confirmed,
		licensing.PaperSentBack: templates.Declined, licensing.PaperVoid: templates.Void}[p.State]
	if p.State == licensing.PaperCounts && p.Version != a.Version {
		status = templates.Void // it did count, until the content changed
	}
	shown := templates.Lines{status}
	switch p.State {
	case licensing.PaperWaits:
		return append(shown, templates.M("staff.paper-waits"))
	case licensing.PaperVoid:
		return append(shown, templates.Moment(p.Decided), templates.M("staff.paper.void"))
	}
	shown = append(shown, templates.Moment(p.Decided), c.name(p.Decider))
	if why := c.reason(p.Note); why != nil {
		shown = append(shown, why)
	}
	return shown
}

// signedHow says when somebody signed, and how, where it was not in the portal.
func signedHow(key string, a licensing.Agreement, s licensing.Signature) templates.Msg {
	if s.Paper.IsZero() {
		return templates.Moment(s.At)
	}
	return templates.M(key, "Day", templates.Day(s.Paper.SignedOn.Start(a.Location())), "Moment", templates.Moment(s.At))
}

// paperWaits says whether a document with the signature of a part waits for a second member of the desk.
func paperWaits(a licensing.Agreement, part licensing.Part) bool {
	p, waits := a.WaitingPaper()
	return waits && slices.ContainsFunc(a.Counting(p), func(g licensing.PaperSigner) bool { return g.Part == part })
}

// paperFields ask for the document, and for each signature what stands beside it there.
func paperFields(t *target, f *form) []templates.Part {
	var choices []templates.Choice
	var sections []templates.Part
	for _, p := range t.a.Missing() {
		party, part := t.a.Party(p), string(p)
		title := templates.M("staff.signer", "Part", partWord(p), "Name", party.Name)
		choices = append(choices, templates.Choice{Value: part, Text: title})
		if !f.values.Has("name." + part) {
			f.values.Set("name."+part, party.Name)
			f.values.Set("position."+part, party.Position)
		}
		sections = append(sections, templates.Section{ID: "part-" + part, Title: title, Parts: []templates.Part{
			f.input(templates.TextField{Name: "name." + part, Label: templates.M("staff.paper.name"), Autocomplete: "off"}),
			f.input(templates.TextField{Name: "position." + part, Label: templates.M("staff.paper.position"), Autocomplete: "off"}),
			f.date(templates.DateField{Name: "signed." + part, Label: templates.M("staff.paper.signed"), Hint: templates.M("staff.paper.signed-hint")})}})
	}
	fields := []templates.Part{
		templates.FileField{Name: "document", Label: templates.M("staff.paper.document"), Hint: templates.M("staff.paper.document-hint", "Most", licensing.LargestPaper>>20), Accept: "application/pdf"},
		f.boxes(templates.Checkboxes{Name: "parts", Label: templates.M("staff.paper.parts"), Hint: templates.M("staff.paper.parts-hint"), Choices: choices})}
	fields = append(fields, sections...)
	return append(fields, f.boxes(templates.Checkboxes{Name: "statement", Label: templates.M("staff.paper.statement"), Choices: []templates.Choice{
		{Value: t.a.SHA256, Text: templates.M("staff.paper.statement-text", "Number", t.a.Number, "Version", t.a.Version, "Hash", t.a.SHA256[:min(12, len(t.a.SHA256))])}}}))
}

// readPaper says at each field what is missing. What is wrong with the document itself, package licensing says.
func readPaper(t *target, f *form) {
	switch n := len(f.content("document")); {
	case n == 0:
		f.fail("document", templates.M("staff.paper.document-missing"))
	case n > licensing.LargestPaper:
		f.fail("document", templates.M("refused.paper-large", "most", licensing.LargestPaper>>20))
	}
	if len(chosenParts(t, f)) == 0 {
		f.fail("parts", templates.M("refused.paper-nobody"))
	}
	for _, p := range chosenParts(t, f) {
		f.need("name."+string(p), templates.M("staff.missing.name"))
		f.need("position."+string(p), templates.M("staff.missing.position"))
		f.needDay("signed."+string(p), templates.M("staff.paper.signed-missing"))
	}
	if !f.has("statement", t.a.SHA256) {
		f.fail("statement", templates.M("staff.paper.statement-missing"))
	}
}

// chosenParts are the parts that were ticked, of those that have not signed.
func chosenParts(t *target, f *form) []licensing.Part {
	return slices.DeleteFunc(t.a.Missing(), func(p licensing.Part) bool { return !f.has("parts", string(p)) })
}

// paperOf reads the document and what was said of it.
func paperOf(t *target, f *form) licensing.PaperInput {
	in := licensing.PaperInput{SHA256: t.a.SHA256, PDF: f.content("document")}
	for _, p := range chosenParts(t, f) {
		part := string(p)
		y, m, d, _ := f.day("signed." + part)
		in.Signers = append(in.Signers, licensing.PaperSignerInput{Part: p, SignedOn: licensing.Date{Year: y, Month: m, Day: d}, Name: f.text("name." + part), Position: f.text("position." + part)})
	}
	return in
}
