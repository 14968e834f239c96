package portal

import (
	"slices"
	"strings"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
)

// factsOf are the facts of a request, as they will be or were signed.
func (s *Server) factsOf(c *staffCase, v *visit) templates.SummaryList {
	q, l := c.Request.Content, c.Request.Content.Licensee
	row := func(key templates.Msg, value templates.Part) templates.SummaryRow {
		return templates.SummaryRow{Key: key, Value: value}
	}
	rows := []templates.SummaryRow{
		row(templates.M("staff.field.title"), templates.Text(q.Title)), row(templates.M("staff.field.purpose"), templates.Text(q.Purpose)),
		row(templates.M("staff.licensee"), compactLines(l.Name, l.Latin, l.Address, s.country(l.Country, v.Lang))),
		row(templates.M("staff.field.reached"), templates.Text(s.countries(l.ReachedFrom, v.Lang))),
		row(templates.M("staff.domains"), lines(l.Domains)),
		row(templates.M("staff.field.datasets"), c.datasetLines()),
		row(templates.M("staff.field.conditions"), lines(q.Conditions)),
		row(templates.M("staff.field.not-before"), c.day(q.NotBefore)), row(templates.M("staff.field.until"), c.day(q.Until)),
		row(templates.M("staff.field.lang"), templates.M("staff.lang."+q.Lang)),
		row(templates.M("staff.recorded"), templates.Lines{templates.Moment(c.Request.Recorded), c.editors()}),
	}
	if !c.Request.Decided.IsZero() {
		decided := templates.Lines{templates.Status(c.Request.State), templates.Moment(c.Request.Decided)}
		if c.Request.Decider != "" {
			decided = append(decided, c.name(c.Request.Decider))
		}
		if why := c.reason(c.Request.Decision); why != nil {
			decided = append(decided, why)
		}
		rows = append(rows, row(templates.M("staff.decision"), decided))
	}
	return templates.SummaryList{Title: templates.M("staff.facts"), Rows: rows}
}

func compactLines(all ...string) templates.Part {
	return lines(slices.DeleteFunc(slices.Clone(all), func(s string) bool { return strings.TrimSpace(s) == "" }))
}

func (c *staffCase) editors() templates.Msg {
	var names []templates.Msg
	for _, id := range c.Request.Editors {
		names = append(names, c.name(id))
	}
	return sentence(names)
}

func (c *staffCase) datasetLines() templates.Part {
	var all templates.Lines
	for i, need := range c.Request.Content.Datasets {
		var shown templates.Part = templates.Text(need.Dataset)
		if i < len(c.Datasets) {
			d := c.Datasets[i]
			shown = templates.Link{Text: templates.Text(d.Name), Href: "/datasets/" + string(d.ID)}
		}
		if need.Need != "" {
			shown = templates.Noted{Main: shown, Note: templates.Text(need.Need)}
		}
		all = append(all, shown)
	}
	if all == nil {
		return nil
	}
	return all
}

// agreementParts show one agreement: its version and hash, who has signed, its term, and what waits.
func (s *Server) agreementParts(c *staffCase, a licensing.Agreement, v *visit) []templates.Part {
	rows := []templates.SummaryRow{
		{Key: templates.M("staff.state"), Value: templates.Status(a.StateAt(c.At))},
		{Key: templates.M("staff.variant"), Value: variantWord(a.Variant)},
		{Key: templates.M("staff.version"), Value: templates.Number(a.Version)},
		{Key: templates.M("staff.hash"), Value: hash(a.SHA256)},
	}
	if !a.Term.IsZero() {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.list-confirmed"), Value: templates.Moment(a.ListConfirmed)})
	}
	list := templates.SummaryList{Title: templates.M("staff.agreement", "Number", a.Number), Rows: rows}
	if rep := c.Request.Party(licensing.Representative); rep.Person == v.Who.Person() && a.State == licensing.Signing && slices.Contains(a.Missing(), licensing.Representative) {
		list.Actions = []templates.Link{{Text: templates.M("staff.sign"), Href: "/agreements/" + a.Number + "/sign"}}
	}
	shown := []templates.Part{list}
	if !a.Term.IsZero() {
		meter := templates.TermMeter{From: a.Term.From, Until: a.Term.Until}
		if st := a.StateAt(c.At); st != licensing.InForce {
			meter.Status = templates.Status(st)
		}
		shown = append(shown, meter)
	}
	if a.State == licensing.Drafted || a.State == licensing.Signing {
		shown = append(shown, c.signatures(a))
	}
	t := &target{staffCase: c, a: a}
	shown = append(shown, aboutProposal(s, t, v)...)
	shown = append(shown, aboutStop(s, t, v)...)
	return append(shown, aboutConcern(s, t, v)...)
}

func hash(h string) templates.Part {
	if h == "" {
		return nil
	}
	return templates.Code(h)
}

// signatures show who has signed this version, and who has not.
func (c *staffCase) signatures(a licensing.Agreement) templates.Part {
	steps := templates.Steps{Label: templates.M("staff.signatures")}
	for _, p := range licensing.Signers() {
		step := templates.Step{Title: templates.M("staff.signer", "Part", partWord(p), "Name", c.Request.Party(p).Name), Status: templates.Waiting}
		if a.State == licensing.Drafted {
			step.Status = templates.NotYet
		}
		for _, s := range a.Signatures {
			if s.Part == p {
				step.Status, step.Hint = templates.Signed, signedHow("staff.signed-on-paper", a, s)
			}
		}
		if paperWaits(a, p) {
			step.Hint = templates.M("staff.paper-waits")
		}
		steps.Steps = append(steps.Steps, step)
	}
	return steps
}

// partiesTable shows the parties, how far each has come, and a button to invite again who has not arrived.
func (s *Server) partiesTable(c *staffCase, v *visit) templates.Part {
	t := templates.Table{Caption: templates.M("staff.parties"), Columns: []templates.Column{{Text: templates.M("staff.name")}, {Text: templates.M("staff.part")},
		{Text: templates.M("staff.email")}, {Text: templates.M("staff.arrival")}, {Text: templates.M("staff.signature")}}}
	a, hasAgreement := c.agreement()
	unbound := func(p licensing.Party) bool {
		return p.ID != "" && p.Person == "" && c.Request.State == licensing.Approved && c.may("request.invitation-resent")
	}
	inviting := slices.ContainsFunc(c.Request.Parties, unbound)
	if inviting {
		t.Columns = append(t.Columns, templates.Column{Text: templates.M("staff.again")})
	}
	for _, part := range licensing.Signers() {
		p := c.Request.Party(part)
		if p.ID == "" {
			continue
		}
		var again templates.Part = templates.M("common.none")
		if unbound(p) {
			again = templates.Form{Action: c.path("parties", string(part), "invite"),
				Submit: templates.Button{Text: templates.M("staff.invite-again"), Kind: "secondary", Context: templates.Text(p.Name)}}
		}
		row := []templates.Part{templates.Noted{Main: c.personLink(p.Person, p.Name, v), Note: templates.Text(p.Position)}, partWord(part), templates.Text(p.Email),
			c.arrival(p.Person, c.Request.State == licensing.Approved, p.Email), c.signature(a, hasAgreement, part)}
		if inviting {
			row = append(row, again)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// personLink leads to the page of a person, for who may open it.
func (c *staffCase) personLink(id account.PersonID, name string, v *visit) templates.Part {
	if id == "" || !v.Who.Has(account.Desk, account.Operator, account.Auditor) {
		return templates.Text(name)
	}
	return templates.Link{Text: templates.Text(name), Href: "/people/" + string(id)}
}

// arrival says whether somebody has an account and a second factor, and if not, when the last invitation went out.
func (c *staffCase) arrival(id account.PersonID, asked bool, email string) templates.Part {
	switch f := c.Factors[id]; {
	case id != "" && f.Held:
		return templates.M("staff.arrival.lost")
	case id != "" && f.Holds():
		return templates.Enrolled
	case id != "":
		return templates.M("staff.arrival.no-factor")
	case !asked:
		return templates.NotYet
	}
	for _, l := range c.Letters {
		if l.Invitation != "" && strings.EqualFold(l.To.Email, email) {
			return templates.Lines{templates.Invited, templates.Day(l.Created)}
		}
	}
	return templates.Invited
}

func (c *staffCase) signature(a licensing.Agreement, has bool, p licensing.Part) templates.Part {
	if !has {
		return templates.NotYet
	}
	if m, ok := a.TookOver(p); ok {
		if m.Succession.Accepted.IsZero() {
			return templates.Lines{templates.Waiting, templates.M("staff.succession.to-accept")}
		}
		return templates.Lines{templates.M("staff.succession.accepted"), templates.Moment(m.Succession.Accepted)}
	}
	for _, s := range a.Signatures {
		if s.Part == p {
			return templates.Lines{templates.Signed, signedHow("staff.signed-on-paper", a, s)}
		}
	}
	if a.State == licensing.Drafted {
		return templates.NotYet
	}
	if paperWaits(a, p) {
		return templates.Lines{templates.Waiting, templates.M("staff.paper-waits")}
	}
	return templates.Waiting
}

// contactsTable shows who may download, and what the desk can do about each.
func (s *Server) contactsTable(c *staffCase, v *visit) templates.Part {
	t := templates.Table{Caption: templates.M("staff.contacts"), Columns: []templates.Column{{Text: templates.M("staff.name")}, {Text: templates.M("staff.email")},
		{Text: templates.M("staff.country")}, {Text: templates.M("staff.state")}, {Text: templates.M("staff.arrival")}, {Text: templates.M("staff.again")}}}
	for _, k := range c.contacts() {
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: c.personLink(k.Person, k.Name, v), Note: templates.Text(k.Position)}, templates.Text(k.Email),
			templates.Text(s.country(k.Country, v.Lang)), c.contactState(k), c.arrival(k.Person, k.Admitted(), k.Email), c.contactActs(k)})
	}
	return t
}

func (c *staffCase) contactState(k licensing.Contact) templates.Part {
	switch {
	case !k.Removed.IsZero():
		return templates.Lines{templates.Removed, templates.Day(k.Removed)}
	case k.Suspended:
		return templates.Suspended
	case !k.Admitted():
		return templates.NotYet
	}
	return templates.Lines{templates.Active, templates.Day(k.Added)}
}

func (c *staffCase) contactActs(k licensing.Contact) templates.Part {
	if !k.Admitted() {
		return templates.M("common.none")
	}
	var acts templates.Lines
	if k.Suspended && c.may("contact.resumed") {
		acts = append(acts, templates.Link{Text: templates.M("staff.act.resume-contact.offer"), Href: c.path("contacts", string(k.ID), "resume"), Context: templates.Text(k.Name)})
	} else if c.may("contact.suspended") {
		acts = append(acts, templates.Link{Text: templates.M("staff.act.suspend-contact.offer"), Href: c.path("contacts", string(k.ID), "suspend"), Context: templates.Text(k.Name)})
	}
	if k.Person == "" && c.may("contact.suspended") {
		acts = append(acts, templates.Form{Action: c.path("contacts", string(k.ID), "invite"),
			Submit: templates.Button{Text: templates.M("staff.invite-again"), Kind: "secondary", Context: templates.Text(k.Name)}})
	}
	if acts == nil {
		return templates.M("common.none")
	}
	return acts
}

// scopesOf shows what people judged about adequacy.
func (s *Server) scopesOf(c *staffCase) []templates.Part {
	if len(c.Request.Scopes) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.scopes"), Columns: []templates.Column{{Text: templates.M("staff.country")}, {Text: templates.M("staff.scope.holds-short")},
		{Text: templates.M("staff.by")}, {Text: templates.M("staff.when")}, {Text: templates.M("staff.reason")}}}
	for _, sc := range c.Request.Scopes {
		word := templates.M("staff.scope.no")
		if sc.Holds {
			word = templates.M("staff.scope.yes")
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Text(s.country(sc.Country, c.Lang)), word, c.name(sc.By), templates.Moment(sc.At), orNone(c.reason(sc.Note))})
	}
	return []templates.Part{t}
}

func orNone(m templates.Msg) templates.Msg {
	if m == nil {
		return templates.M("common.none")
	}
	return m
}

// confirmations show what a licensee outside the EEA has answered.
func (s *Server) confirmations(c *staffCase) []templates.Part {
	a, _ := c.agreement()
	if len(a.Confirmations) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.confirmations"), Columns: []templates.Column{{Text: templates.M("staff.confirmation")}, {Text: templates.M("staff.answer")},
		{Text: templates.M("staff.explanation")}, {Text: templates.M("staff.when")}}}
	for _, k := range a.Confirmations {
		var when, answer templates.Part = templates.M("common.none"), templates.Waiting
		if k.Answer != licensing.Unanswered {
			answer, when = templates.Status(k.Answer), templates.Moment(k.At)
		}
		if k.Accepted {
			answer = templates.Lines{answer, templates.M("staff.answer.accepted")}
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: templates.Text(c.statement(k)), Note: templates.M("staff.confirmation.version", "Item", k.Item, "Version", k.TextVersion)},
			answer, orNone(c.reason(k.Explanation)), when})
	}
	return []templates.Part{t}
}

// statement is a confirmation in its words, or its item where those are not at hand any more.
func (c *staffCase) statement(k licensing.Confirmation) string {
	if words := c.Stated[k.Item]; words != "" {
		return words
	}
	return k.Item
}

// amendmentsOf shows every amendment, with the page on which an open one is decided.
func (s *Server) amendmentsOf(c *staffCase) []templates.Part {
	a, _ := c.agreement()
	if len(a.Amendments) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.amendments"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("staff.number")}, {Text: templates.M("staff.amendment.what")},
		{Text: templates.M("staff.state")}, {Text: templates.M("staff.amendment.asked")}, {Text: templates.M("staff.again")}}}
	for _, m := range a.Amendments {
		what := templates.Msg(templates.M("staff.amendment." + string(m.Type)))
		var note templates.Msg
		if k, ok := a.Contact(m.Contact); ok {
			note = templates.Text(k.Name)
		} else if m.Type == licensing.Extension {
			note = c.day(m.NewUntil)
		} else if s := m.Succession; s.Part != "" {
			note = templates.M("staff.succession.who", "Part", partWord(s.Part), "Name", s.Party.Name)
		}
		var act templates.Part = templates.M("common.none")
		if m.Open() && c.may("amendment.decided") {
			act = templates.Link{Text: templates.M("staff.amendment.decide"), Href: c.path("amendments", itoa(m.Number)), Context: templates.M("staff.amendment.number", "Number", m.Number)}
		}
		if m.Type == licensing.ChangeParty {
			act = c.successionLinks(m)
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Text(itoa(m.Number)), templates.Noted{Main: what, Note: note}, amendmentState(m.State),
			templates.Lines{templates.Moment(m.Asked), c.name(m.By)}, act})
	}
	return []templates.Part{templates.Section{ID: "amendments", Title: templates.M("staff.amendments"), Parts: []templates.Part{t}}}
}

// amendmentState is the word on the tag of an amendment.
func amendmentState(s licensing.AmendmentState) templates.Status {
	switch s {
	case licensing.Effective:
		return templates.InForce
	case licensing.Declined:
		return templates.Declined
	case licensing.Dropped:
		return templates.Withdrawn
	}
	return templates.ToDo
}

// deliveriesOf shows each delivery: how far, how large, the bucket's own end, who may read, and what was fetched.
func (c *staffCase) deliveriesOf() []templates.Part {
	var shown []templates.Part
	for _, d := range c.Deliveries {
		shown = append(shown, c.deliveryParts(d)...)
	}
	if shown == nil {
		return nil
	}
	return []templates.Part{templates.Section{ID: "deliveries", Title: templates.M("staff.deliveries"), Parts: shown}}
}

func (c *staffCase) deliveryParts(d delivery.Overview) []templates.Part {
	rows := []templates.SummaryRow{{Key: templates.M("staff.delivery"), Value: templates.Code(d.Number)}, {Key: templates.M("staff.state"), Value: templates.Status(d.State)}}
	add := func(key templates.Msg, value templates.Part) {
		if value != nil {
			rows = append(rows, templates.SummaryRow{Key: key, Value: value})
		}
	}
	if !d.Planned.IsZero() {
		add(templates.M("staff.delivery.size"), templates.M("staff.delivery.files", "Count", int(d.Files), "Size", templates.Bytes(d.Bytes)))
	}
	moments := []struct {
		key templates.Msg
		at  templates.Part
	}{{templates.M("staff.delivery.created"), moment(d.Created)}, {templates.M("staff.delivery.available"), moment(d.Available)},
		{templates.M("staff.delivery.bucket-end"), moment(d.BucketEnd)}, {templates.M("staff.delivery.ended"), moment(d.Ended)},
		{templates.M("staff.delivery.compromised"), moment(d.Compromised)},
		{templates.M("staff.delivery.emptied"), moment(d.Emptied)}, {templates.M("staff.delivery.key-destroyed"), moment(d.KeyDestroyed)},
		{templates.M("staff.delivery.bucket-removed"), moment(d.BucketRemoved)}, {templates.M("staff.delivery.destroyed"), moment(d.Destroyed)}}
	for _, m := range moments {
		add(m.key, m.at)
	}
	if d.State == delivery.Destroyed {
		agreement, _ := c.agreement()
		add(templates.M("staff.delivery.certificate"), templates.Link{Text: templates.M("staff.document.page"), Href: "/agreements/" + agreement.Number + "/certificates/" + d.Number, Context: templates.Text(d.Number)})
	}
	add(templates.M("staff.delivery.transfers"), c.transfers(d))
	shown := []templates.Part{}
	a, _ := c.agreement()
	if st := a.StateAt(c.At); (st == licensing.InForce || st == licensing.Suspended) && d.EndsEarly(a.Term.Until, c.At) {
		shown = append(shown, templates.Notice{Tone: templates.Danger, Title: templates.M("staff.task.bucket", "Number", d.Number), Body: templates.M("staff.delivery.ends-early", "Moment", templates.Moment(d.BucketEnd))})
	}
	for _, j := range c.Jobs {
		if j.Subject == string(d.ID) && !j.Parked.IsZero() {
			shown = append(shown, templates.Notice{Tone: templates.Danger, Title: templates.M("staff.delivery.stuck"), Items: []templates.Msg{templates.Text(j.LastError)}})
		}
	}
	shown = append(shown, templates.SummaryList{Rows: rows})
	grants := templates.Table{Caption: templates.M("staff.grants", "Number", d.Number), Columns: []templates.Column{{Text: templates.M("staff.contact")},
		{Text: templates.M("staff.state")}, {Text: templates.M("staff.grants.fetched")}},
		Empty: &templates.Empty{Title: templates.M("staff.grants.none")}}
	for _, g := range d.Grantees {
		grants.Rows = append(grants.Rows, []templates.Part{templates.Noted{Main: templates.Text(g.Contact.Name), Note: templates.Text(g.Contact.Email)}, grantState(g), c.fetched(d, g)})
	}
	return append(shown, grants)
}

// transfers sums up what was fetched of a delivery.
func (c *staffCase) transfers(d delivery.Overview) templates.Part {
	all := c.Transfers[d.ID]
	if len(all) == 0 {
		return templates.M("staff.delivery.no-transfers")
	}
	var sum int64
	for _, t := range all {
		sum += t.Bytes
	}
	return templates.Lines{templates.M("staff.delivery.fetched", "Count", len(all), "Size", templates.Bytes(sum)),
		templates.M("staff.delivery.last", "At", templates.Moment(all[0].Opened))}
}

// fetched sums up what one contact fetched.
func (c *staffCase) fetched(d delivery.Overview, g delivery.Grantee) templates.Part {
	n, sum := 0, int64(0)
	for _, t := range c.Transfers[d.ID] {
		if t.Grant == g.ID {
			n, sum = n+1, sum+t.Bytes
		}
	}
	if n == 0 {
		return templates.M("common.none")
	}
	return templates.M("staff.delivery.fetched", "Count", n, "Size", templates.Bytes(sum))
}

// documentsOf lists what was stored: the PDF and the page with the same words.
func (c *staffCase) documentsOf() []templates.Part {
	if len(c.Documents) == 0 {
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.documents"), Columns: []templates.Column{{Text: templates.M("staff.document")}, {Text: templates.M("staff.document.made")},
		{Text: templates.M("staff.hash")}, {Text: templates.M("staff.document.open")}}}
	a, _ := c.agreement()
	for _, d := range c.Documents {
		name := templates.M("staff.document."+string(d.Kind), "Version", d.Version)
		path := "/agreements/" + a.Number + "/documents/" + d.SHA256
		open := templates.Lines{templates.Link{Text: templates.M("staff.document.pdf"), Href: path + ".pdf", Context: name}}
		if d.Kind != licensing.PaperDocument { // which is a file and nothing else
			open = append(open, templates.Link{Text: templates.M("staff.document.page"), Href: path, Context: name})
		}
		t.Rows = append(t.Rows, []templates.Part{name, templates.Moment(d.Made), templates.Code(d.SHA256), open})
	}
	return []templates.Part{t}
}

// lettersOf lists what was sent to the people of the request: that it was, and never what it opens.
func (c *staffCase) lettersOf() templates.Part {
	t := templates.Table{Caption: templates.M("staff.letters"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("staff.letter")}, {Text: templates.M("staff.letter.to")},
		{Text: templates.M("staff.letter.made")}, {Text: templates.M("staff.letter.sent")}}}
	for _, l := range c.Letters {
		var sent templates.Part = templates.Waiting
		if !l.Sent.IsZero() {
			sent = templates.Moment(l.Sent)
		}
		t.Rows = append(t.Rows, []templates.Part{letterWord(l.Kind), templates.Noted{Main: templates.Text(l.To.Name), Note: templates.Text(l.To.Email)}, templates.Moment(l.Created), sent})
	}
	if len(t.Rows) == 0 {
		return templates.Details{Summary: templates.M("staff.letters"), Body: templates.M("staff.letters.none")}
	}
	return templates.Details{Summary: templates.M("staff.letters.count", "Count", len(t.Rows)), Body: t}
}
