package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/licensing/jurisdiction"
	"sluice/templates"
)

// An agreementView is one agreement with everything its pages tell, for somebody who may know of it.
type agreementView struct {
	a          licensing.Agreement
	page       licensing.Page // of the request it belongs to
	roles      []licensing.Role
	viewer     account.PersonID
	deliveries []delivery.Overview
	at         time.Time
	zone       *time.Location
}

// agreement reads the agreement that a path names, by its number or, as links in mail do, by its id. What is not there and
// what is not for who asks are the same.
func (s *Server) agreement(r *http.Request, v *visit) (w agreementView, err error) {
	key := r.PathValue("number")
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		w = agreementView{at: tx.At, viewer: v.Who.Person()}
		reg := s.cfg.Registry
		w.a, err = reg.AgreementNumbered(tx, key)
		if errors.Is(err, licensing.ErrNotFound) {
			w.a, err = reg.Agreement(tx, licensing.AgreementID(key))
		}
		if err != nil {
			return err
		}
		w.zone = w.a.Location()
		if w.roles, err = reg.RolesIn(v.Who, w.a); err != nil {
			return err
		}
		if w.page, err = reg.PageOf(tx, v.Who, w.a.Request); err != nil {
			return err
		}
		w.deliveries, err = s.cfg.Depot.Overview(tx, w.a.ID)
		return err
	})
	v.At = s.now()
	return w, err
}

// agreementFor is agreement for those who may try one kind of act; to others its page is not there.
func (s *Server) agreementFor(r *http.Request, v *visit, kind string) (agreementView, error) {
	w, err := s.agreement(r, v)
	if err == nil && (!w.may(kind) || !w.concerned()) {
		err = licensing.ErrNotFound
	}
	if _, waits := w.toTake(); err == nil && waits && kind != "amendment.party-accepted" {
		err = &licensing.RefusedError{Key: "refused.party-first"}
	}
	return w, err
}

func agreementPath(number string) string { return "/agreements/" + number }

func (w agreementView) path(more string) string { return agreementPath(w.a.Number) + more }

func (w agreementView) is(role licensing.Role) bool { return slices.Contains(w.roles, role) }

func (w agreementView) may(kind string) bool { return licensing.May(w.roles, kind) }

// party says whether the viewer is one of the three who sign. The others who may look are contacts and staff.
func (w agreementView) party() bool {
	return w.is(licensing.AsApplicant) || w.is(licensing.AsSignatory) || w.is(licensing.AsRepresentative)
}

func (w agreementView) concerned() bool { return w.party() || w.is(licensing.AsContact) }

// whole says whether the viewer may read all there is: the parties, and staff that handles the case. A contact reads what
// concerns him, and of the other people only what stands in the agreement.
func (w agreementView) whole() bool {
	return w.party() || w.is(licensing.AsDesk) || w.is(licensing.AsStaffSigner) || w.is(licensing.AsAuditor)
}

func (w agreementView) state() licensing.AgreementState { return w.a.StateAt(w.at) }

// part is the part that the viewer signs for; "" for others.
func (w agreementView) part() licensing.Part {
	for _, role := range []licensing.Role{licensing.AsApplicant, licensing.AsSignatory, licensing.AsRepresentative} {
		if w.is(role) {
			return licensing.Part(role)
		}
	}
	return ""
}

// signed says whether the viewer has signed the version that is current.
func (w agreementView) signed() bool {
	return w.a.SignedBy(w.part())
}

// due is when a task of the agreement is due; zero where there is none.
func (w agreementView) due(kind licensing.TaskKind) time.Time {
	for _, t := range w.page.Tasks {
		if t.Kind == kind && t.Agreement == w.a.ID {
			return t.Due
		}
	}
	return time.Time{}
}

// text is the stored agreement of a version.
func (w agreementView) text(version int) (licensing.StoredDocument, bool) {
	for _, d := range w.page.Documents {
		if d.Agreement == w.a.ID && d.Kind == licensing.AgreementDocument && d.Version == version {
			return d, true
		}
	}
	return licensing.StoredDocument{}, false
}

// agreementShell is a page about an agreement, with what all of them share.
func (v *visit) agreementShell(w agreementView, title templates.Msg) templates.Page {
	p := v.page(title)
	p.Caption, p.Section = templates.Text(w.a.Number), templates.M("licensee.section", "Number", w.a.Number)
	p.Back = &templates.Link{Text: templates.M("licensee.back", "Number", w.a.Number), Href: w.path("")}
	return p
}

// agreementList is every agreement that the viewer has a part in.
func (s *Server) agreementList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var all []licensing.Mine
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		all, err = s.cfg.Registry.AgreementsFor(tx, v.Who)
		return err
	})
	if err != nil {
		return err
	}
	table := templates.Table{Caption: templates.M("licensee.list-caption"), QuietCaption: true, Columns: columns("licensee.number", "licensee.project", "licensee.your-part", "licensee.state", "licensee.until"),
		Empty: &templates.Empty{Title: templates.M("licensee.list-empty"), Body: templates.M("licensee.list-empty-body")}}
	for _, m := range all {
		if m.Agreement.ID == "" {
			table.Rows = append(table.Rows, []templates.Part{templates.Text(m.Request.Number), templates.Text(m.Request.Content.Title), partWords(m.Roles),
				templates.Status(m.Request.State), templates.M("licensee.not-yet-agreement")})
			continue
		}
		until := templates.Msg(templates.LastDay(m.Agreement.Until.End(m.Agreement.Location())))
		if !m.Agreement.Term.IsZero() {
			until = templates.LastDay(m.Agreement.Term.Until)
		}
		table.Rows = append(table.Rows, []templates.Part{templates.Link{Text: templates.Text(m.Agreement.Number), Href: agreementPath(m.Agreement.Number)},
			templates.Text(m.Request.Content.Title), partWords(m.Roles), templates.Status(m.Agreement.StateAt(v.At)), until})
	}
	p := v.page(templates.M("licensee.list-title"))
	p.Wide = true
	return v.show("parts", pageOf(p, table))
}

// partWords are the parts somebody has, under one another.
func partWords(roles []licensing.Role) templates.Lines {
	var lines templates.Lines
	for _, r := range roles {
		switch r {
		case licensing.AsApplicant, licensing.AsSignatory, licensing.AsRepresentative, licensing.AsContact:
			lines = append(lines, templates.M("licensee.part-"+string(r)))
		}
	}
	return lines
}

func columns(keys ...string) []templates.Column {
	all := make([]templates.Column, len(keys))
	for i, k := range keys {
		all[i].Text = templates.M(k)
	}
	return all
}

// agreementPage is how an agreement stands: whose turn it is, what was agreed, and what happened.
func (s *Server) agreementPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreement(r, v)
	if err != nil {
		return err
	}
	if r.PathValue("number") != w.a.Number {
		return v.redirect(w.path(""))
	}
	if !w.concerned() {
		return v.redirect("/requests/" + w.a.RequestNumber) // staff: what it does stands there
	}
	p := v.agreementShell(w, templates.M("licensee.title", "Number", w.a.Number))
	p.Caption, p.Tag, p.Back = templates.Text(w.page.Request.Content.Title), templates.Status(w.state()), nil
	blocks := []templates.Part{w.turn()}
	if !w.a.Term.IsZero() {
		meter := templates.TermMeter{From: w.a.Term.From, Until: w.a.Term.Until}
		if w.state() == licensing.Suspended || w.state() == licensing.Terminated || w.a.Halted {
			meter.Status = templates.Suspended
			if w.state() == licensing.Terminated {
				meter.Status = templates.Terminated
			}
		}
		blocks = append(blocks, meter)
	}
	blocks = append(blocks, w.facts(s, v.Lang))
	if w.party() {
		blocks = append(blocks, section("signatures", templates.M("licensee.signatures"), w.signatures()))
	}
	blocks = append(blocks, w.dataBlocks(v.Who.Person())...)
	if w.party() && w.state() != licensing.Drafted && w.state() != licensing.Signing {
		blocks = append(blocks, section("contacts", templates.M("licensee.contacts"), w.contactTable(s, v.Lang, false),
			templates.Actions{templates.Link{Text: templates.M(w.contactsLink()), Href: w.path("/contacts")}}))
	}
	obligations, err := s.obligations(r, v, w)
	if err != nil {
		return err
	}
	blocks = append(blocks, obligations...)
	blocks = append(blocks, w.amendmentBlocks()...)
	blocks = append(blocks, w.documentBlocks()...)
	if w.party() {
		blocks = append(blocks, section("time-line", templates.M("licensee.line"), w.timeLine()))
	}
	return v.show("parts", pageOf(p, blocks...))
}

// contactsLink says what the page of contacts is for, to somebody.
func (w agreementView) contactsLink() string {
	if w.is(licensing.AsSignatory) {
		return "licensee.contacts-change"
	}
	return "licensee.contacts-see"
}

// facts are what was agreed, in short.
func (w agreementView) facts(s *Server, lang string) templates.SummaryList {
	c := w.page.Request.Content
	row := func(key string, value templates.Part) templates.SummaryRow {
		return templates.SummaryRow{Key: templates.M(key), Value: value}
	}
	variant := "licensee.variant-eea"
	if w.a.Variant == jurisdiction.NonEEA {
		variant = "licensee.variant-non-eea"
	}
	rows := []templates.SummaryRow{
		row("licensee.project", templates.Text(c.Title)),
		row("licensee.licensee", templates.Noted{Main: templates.Text(c.Licensee.Name), Note: templates.Text(s.cfg.Registry.Jurisdictions().Name(c.Licensee.Country, lang))}),
		row("licensee.variant", templates.M(variant)),
		row("licensee.your-part", partWords(w.roles)),
	}
	if w.a.Term.IsZero() {
		rows = append(rows, row("licensee.until", templates.LastDay(w.a.Until.End(w.zone))))
	}
	if len(w.page.Datasets) > 0 {
		var lines templates.Lines
		for _, d := range w.page.Datasets {
			lines = append(lines, templates.Text(d.Name))
		}
		rows = append(rows, row("licensee.datasets", lines))
	}
	if d, ok := w.text(w.a.Version); ok {
		rows = append(rows, templates.SummaryRow{Key: templates.M("licensee.text"),
			Value:   templates.Noted{Main: templates.M("licensee.version", "Version", w.a.Version), Note: templates.M("licensee.hash", "Hash", d.SHA256)},
			Actions: []templates.Link{{Text: templates.M("licensee.read"), Href: w.versionPath("")}, {Text: templates.M("licensee.pdf"), Href: w.versionPath(".pdf"), Download: true}}})
	}
	return templates.SummaryList{Rows: rows}
}

func (w agreementView) versionPath(ending string) string {
	return w.path(fmt.Sprintf("/versions/%d%s", w.a.Version, ending))
}

// signatures is how far signing has come, for all three to see.
func (w agreementView) signatures() templates.Steps {
	steps := templates.Steps{Label: templates.M("licensee.signatures")}
	for _, p := range licensing.Signers() {
		step := templates.Step{Title: templates.M("licensee.signer-"+string(p), "Name", w.a.Party(p).Name), Status: templates.Waiting}
		for _, g := range w.a.Signatures {
			if g.Part == p {
				step.Status, step.Hint = templates.Signed, signedHow("licensee.signed-on-paper", w.a, g)
				if !w.a.SignedBy(p) { // somebody else has the part now, and did not sign
					step.Title = templates.M("licensee.signer-"+string(p), "Name", g.Name)
				}
			}
		}
		switch {
		case step.Status == templates.Signed:
		case paperWaits(w.a, p):
			step.Hint = templates.M("licensee.paper-waits")
		case w.state() == licensing.Drafted:
			step.Status = templates.NotYet
		case w.state() == licensing.Signing && p == w.part():
			step.Status = templates.ToDo
		}
		steps.Steps = append(steps.Steps, step)
	}
	steps.Steps = append(steps.Steps, w.takenOver()...)
	return steps
}

// dataBlocks are the deliveries under the agreement; each contact is led to the page with the files.
func (w agreementView) dataBlocks(person account.PersonID) []templates.Part {
	if len(w.deliveries) == 0 {
		return nil
	}
	table := templates.Table{Caption: templates.M("licensee.deliveries"), QuietCaption: true,
		Columns: columns("licensee.delivery", "licensee.state", "licensee.files", "licensee.ready")}
	table.Columns[2].Numeric = true
	for _, d := range w.deliveries {
		number, ready, mine := templates.Part(templates.Text(d.Number)), 0, false
		for _, g := range d.Grantees {
			if g.State == delivery.GrantEnrolled {
				ready++
			}
			mine = mine || g.Contact.Person == person
		}
		if mine {
			number = templates.Link{Text: templates.Text(d.Number), Href: deliveryPath(d.ID)}
		}
		state := templates.Part(templates.Status(d.State))
		if d.Certificate != "" {
			state = templates.Lines{templates.Status(d.State), templates.Link{Text: templates.M("licensee.certificate"), Href: w.path("/certificates/" + d.Number)}}
		}
		readers := templates.M("licensee.ready-of", "Ready", ready, "All", len(d.Grantees))
		if d.State == delivery.Ended || d.State == delivery.Destroyed || w.a.OpenAt(w.at) != nil {
			readers = templates.M("licensee.nobody")
		}
		table.Rows = append(table.Rows, []templates.Part{number, state,
			templates.M("licensee.files-size", "Count", int(d.Files), "Size", templates.Bytes(d.Bytes)),
			readers})
	}
	return []templates.Part{section("deliveries", templates.M("licensee.deliveries"), table)}
}

// amendmentBlocks are the changes to the agreement since it was signed.
func (w agreementView) amendmentBlocks() []templates.Part {
	var blocks []templates.Part
	if len(w.a.Amendments) > 0 {
		table := templates.Table{Caption: templates.M("licensee.amendments"), QuietCaption: true,
			Columns: columns("licensee.number", "licensee.change", "licensee.asked", "licensee.state")}
		for i := len(w.a.Amendments) - 1; i >= 0; i-- {
			m := w.a.Amendments[i]
			if ofTheDesk(m) {
				continue
			}
			table.Rows = append(table.Rows, []templates.Part{templates.Link{Text: templates.Text(w.amendmentNumber(m)), Href: w.amendmentPath(m)},
				w.changeOf(m), templates.Day(m.Asked), amendmentStatus(m)})
		}
		if len(table.Rows) == 0 {
			return nil
		}
		blocks = append(blocks, section("amendments", templates.M("licensee.amendments"), table))
	}
	return blocks
}

func (w agreementView) amendmentNumber(m licensing.Amendment) string {
	return fmt.Sprintf("%s/%d", w.a.Number, m.Number)
}

func (w agreementView) amendmentPath(m licensing.Amendment) string {
	return w.path(fmt.Sprintf("/amendments/%d", m.Number))
}

// changeOf says in a line what an amendment changes. A contact reads of others only that there was a change.
func (w agreementView) changeOf(m licensing.Amendment) templates.Msg {
	if m.Type == licensing.Extension {
		return templates.M("licensee.change-extension", "Day", templates.LastDay(m.NewUntil.End(w.zone)))
	}
	c, _ := w.a.Contact(m.Contact)
	if s := m.Succession; s.Part != "" && w.party() {
		return templates.M("licensee.change-party-changed", "Name", s.Party.Name, "Part", asPart(s.Part))
	}
	if !w.party() {
		return templates.M("licensee.change-" + string(m.Type) + "-somebody")
	}
	return templates.M("licensee.change-"+string(m.Type), "Name", c.Name)
}

func amendmentStatus(m licensing.Amendment) templates.Status {
	switch m.State {
	case licensing.Effective:
		return templates.Done
	case licensing.Declined:
		return templates.Declined
	case licensing.Dropped:
		return templates.Withdrawn
	}
	return templates.Waiting
}

// documentBlocks are the documents that were stored for the agreement, the newest first.
func (w agreementView) documentBlocks() []templates.Part {
	var links templates.Table
	links.Caption, links.QuietCaption = templates.M("licensee.documents"), true
	links.Columns = columns("licensee.document", "licensee.made", "licensee.sha256", "licensee.pdf-column")
	for i := len(w.page.Documents) - 1; i >= 0; i-- {
		d := w.page.Documents[i]
		if d.Agreement != w.a.ID || !w.whole() && d.Kind != licensing.AgreementDocument {
			continue
		}
		path, title := w.path("/documents/"+d.SHA256), templates.Msg(nil)
		switch d.Kind {
		case licensing.AgreementDocument:
			path, title = w.path(fmt.Sprintf("/versions/%d", d.Version)), templates.M("licensee.document-agreement", "Version", d.Version)
		case licensing.AmendmentDocument:
			m, _ := w.a.Amendment(d.Amendment)
			title = templates.M("licensee.document-amendment", "Number", w.amendmentNumber(m))
		case licensing.PaperDocument:
			path, title = path+".pdf", templates.M("licensee.document-paper", "Version", d.Version)
		default:
			title = templates.M("licensee.document-attestation")
		}
		pdf := strings.TrimSuffix(path, ".pdf") + ".pdf"
		name := templates.Part(templates.Link{Text: title, Href: path, Download: path == pdf})
		if (d.Kind == licensing.AgreementDocument || d.Kind == licensing.PaperDocument) && d.Version != w.a.Version {
			name = templates.Lines{name, templates.Void}
		}
		links.Rows = append(links.Rows, []templates.Part{name, templates.Day(d.Made), templates.Code(d.SHA256),
			templates.Link{Text: templates.M("licensee.pdf"), Href: pdf, Download: true, Context: title}})
	}
	if len(links.Rows) == 0 {
		return nil
	}
	return []templates.Part{section("documents", templates.M("licensee.documents"), links)}
}

// obligations are what the licensee has bound itself to, and the date that counts.
func (s *Server) obligations(r *http.Request, v *visit, w agreementView) ([]templates.Part, error) {
	if w.a.Term.IsZero() {
		return nil, nil
	}
	var blocks []templates.Part
	text, err := s.acknowledgement(r, v, w)
	if err != nil {
		return nil, err
	}
	if text != "" {
		blocks = append(blocks, templates.Secret{Label: templates.M("licensee.acknowledge"), Hint: templates.M("licensee.acknowledge-hint"), Values: []string{text}})
	} else {
		blocks = append(blocks, paragraph(templates.M("licensee.acknowledge-in", "Path", w.versionPath(""))))
	}
	blocks = append(blocks, paragraph(templates.M("licensee.destroy", "Day", templates.LastDay(w.a.Term.Until))))
	if s.cfg.Texts.Calendar != nil && w.state() != licensing.ClosedOut {
		blocks = append(blocks, templates.Actions{templates.Link{Text: templates.M("licensee.calendar"), Href: w.path("/end.ics"), Download: true}})
	}
	return []templates.Part{section("obligations", templates.M("licensee.obligations"), blocks...)}, nil
}

// paragraph is running text; leading is the one that a page begins with.
func paragraph(m templates.Msg) templates.Part { return templates.Paragraph{Body: m} }

func leading(m templates.Msg) templates.Part { return templates.Paragraph{Body: m, Lead: true} }

// nameOf is how a licensee reads who did something: its own people and the representative by name, other staff as the foundation.
func (w agreementView) nameOf(m licensing.Moment) templates.Msg {
	id, isPerson := strings.CutPrefix(m.By, "person:")
	switch {
	case !isPerson:
		return templates.M("licensee.by-system")
	case slices.ContainsFunc(slices.Concat(w.a.Parties, w.a.Aside), func(p licensing.Party) bool { return string(p.Person) == id }),
		slices.ContainsFunc(w.a.Contacts, func(c licensing.Contact) bool { return string(c.Person) == id }):
		return templates.Text(m.Name)
	}
	return templates.M("licensee.by-foundation")
}
