package portal

import (
	"net/http"
	"slices"
	"strconv"
	"time"

	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// extensionPage asks for a later end, or shows how far an extension that was asked for has come.
func (s *Server) extensionPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "amendment.extension-asked")
	if err != nil {
		return err
	}
	if m, ok := w.openExtension(); ok {
		return v.redirect(w.amendmentPath(m))
	}
	if opens, open := w.extendable(); !open {
		return v.show("parts", s.notExtendable(v, w, opens))
	}
	f := v.blank()
	last := licensing.DateOf(w.a.Term.Until.In(w.zone).Add(-time.Nanosecond).AddDate(1, 0, 0))
	if furthest := w.a.FurthestEnd(w.at); !furthest.IsZero() && furthest.Before(last) {
		last = furthest
	}
	f.setDay("until", last.Year, last.Month, last.Day)
	return v.show("parts", s.extensionForm(v, w, f))
}

func (w agreementView) openExtension() (licensing.Amendment, bool) {
	i := slices.IndexFunc(w.a.Amendments, func(m licensing.Amendment) bool { return m.Type == licensing.Extension && m.Open() })
	if i < 0 {
		return licensing.Amendment{}, false
	}
	return w.a.Amendments[i], true
}

// extendable says whether an extension may be asked for now, and from when. Asking is checked again where it is done.
func (w agreementView) extendable() (opens time.Time, open bool) {
	if w.a.Term.IsZero() {
		return time.Time{}, false
	}
	opens = w.a.Term.Until.In(w.zone).AddDate(0, 0, -w.a.Durations.ExtensionBefore)
	closes := w.a.Term.Until.In(w.zone).AddDate(0, 0, w.a.Durations.ExtensionAfter)
	switch w.state() {
	case licensing.InForce, licensing.Suspended, licensing.Ended:
		return opens, !w.at.Before(opens) && w.at.Before(closes)
	}
	return time.Time{}, false
}

func (s *Server) notExtendable(v *visit, w agreementView, opens time.Time) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.extension-title", "Number", w.a.Number))
	why := templates.M("licensee.extension-closed")
	if !opens.IsZero() && w.at.Before(opens) {
		why = templates.M("licensee.extension-early", "Day", templates.Day(opens))
	}
	return pageOf(p, templates.Notice{Tone: templates.Info, Body: why}, w.turn())
}

func (s *Server) extensionForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.extension-title", "Number", w.a.Number))
	fields := templates.Form{Action: w.path("/extension"), Submit: button("licensee.extension-yes"), Other: []templates.Part{link("portal.cancel", w.path(""))}, Fields: []templates.Part{
		f.date(templates.DateField{Name: "until", Label: templates.M("licensee.extension-until"), Hint: templates.M("licensee.extension-until-hint", "Day", templates.LastDay(w.a.Term.Until))}),
		f.area(templates.TextArea{Name: "reason", Label: templates.M("licensee.extension-reason"), Hint: templates.M("licensee.extension-reason-hint"), MaxLength: mostText}),
	}}
	intro := templates.M("licensee.extension-lead")
	if w.state() == licensing.Ended {
		intro = templates.M("licensee.extension-lead-late")
	}
	return formPage(p, f, fields, leading(intro), templates.TermMeter{From: w.a.Term.From, Until: w.a.Term.Until})
}

// askExtension asks for a later end, and leads to the page that shows how far it has come.
func (s *Server) askExtension(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "amendment.extension-asked")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	y, m, d := f.needDay("until", templates.M("licensee.extension-until-missing"))
	reason := f.need("reason", templates.M("licensee.extension-reason-missing"))
	f.within(mostText, "reason")
	f.printable("reason")
	until := licensing.Date{Year: y, Month: m, Day: d}
	if open, found := w.openExtension(); found && open.By == v.Who.Person() && open.NewUntil == until {
		return v.redirect(w.amendmentPath(open)) // sent twice
	}
	if f.ok() {
		id, err := s.cfg.Registry.AskExtension(r.Context(), v.Who, w.a.ID, until, reason)
		if err == nil {
			after, err := s.agreement(r, v)
			if err != nil {
				return err
			}
			asked, _ := after.a.Amendment(id)
			return v.redirect(w.amendmentPath(asked))
		}
		if !f.refuse(err) {
			return err
		}
	}
	return v.show("parts", s.extensionForm(v, w, f))
}

// amended is the agreement and the amendment of it that a path names.
func (s *Server) amended(r *http.Request, v *visit) (w agreementView, m licensing.Amendment, err error) {
	if w, err = s.agreement(r, v); err != nil {
		return w, m, err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	i := slices.IndexFunc(w.a.Amendments, func(m licensing.Amendment) bool { return m.Number == n })
	if err != nil || i < 0 || ofTheDesk(w.a.Amendments[i]) || !w.party() && w.a.Amendments[i].Type != licensing.Extension {
		return w, m, licensing.ErrNotFound
	}
	return w, w.a.Amendments[i], nil
}

// amendmentPage is the receipt of a change that was asked for, how far it has come, and how it ended.
func (s *Server) amendmentPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, m, err := s.amended(r, v)
	if err != nil {
		return err
	}
	title := templates.M("licensee.amendment-title", "Number", w.amendmentNumber(m))
	p := v.agreementShell(w, title)
	p.Caption = w.changeOf(m)
	p.Tag = amendmentStatus(m)
	if m.Type == licensing.AddContact || m.Type == licensing.DropContact {
		p.Back = &templates.Link{Text: templates.M("licensee.contacts-back"), Href: w.path("/contacts")}
	}
	if m.State == licensing.Effective || m.Open() && m.By == v.Who.Person() {
		p.Confirmation = w.receipt(m)
		p.Title, p.Tag = p.Confirmation.Title, ""
	}
	reasons, err := s.reasons(r, w, m)
	if err != nil {
		return err
	}
	blocks := []templates.Part{}
	if m.Open() {
		blocks = append(blocks, w.turnAmendment(m))
	}
	blocks = append(blocks, w.amendmentFacts(m, reasons))
	if m.Open() && w.may("amendment.dropped") && (m.By == v.Who.Person() || w.is(licensing.AsSignatory)) {
		blocks = append(blocks, templates.Actions{templates.Link{Text: templates.M("licensee.withdraw"), Href: w.amendmentPath(m) + "/withdraw"}})
	}
	return v.show("parts", pageOf(p, blocks...))
}

// reasons are the words that the asker and those who decided have written.
func (s *Server) reasons(r *http.Request, w agreementView, m licensing.Amendment) (reasons [2]string, err error) {
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		if reasons[0], err = s.cfg.Registry.Words(tx, m.Note); err != nil {
			return err
		}
		for _, d := range m.Decisions {
			if !d.Accept {
				reasons[1], err = s.cfg.Registry.Words(tx, d.Note)
			}
		}
		return err
	})
	return reasons, err
}

func (w agreementView) turnAmendment(m licensing.Amendment) templates.Turn {
	if m.Type == licensing.Extension {
		what, due := "licensee.turn-extension", w.due(licensing.TaskExtension)
		if m.State == licensing.Seconding {
			what = "licensee.turn-extension-second"
		}
		return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M(what), Until: due, Next: templates.M("licensee.next-extension", "Day", templates.LastDay(w.a.Term.Until))}
	}
	return templates.Turn{Who: templates.M("licensee.by-foundation"), What: templates.M("licensee.turn-contact"), Until: w.due(licensing.TaskContact), Next: templates.M("licensee.next-contact")}
}

// receipt is the panel of what was done or asked, and what happens next.
func (w agreementView) receipt(m licensing.Amendment) *templates.Confirmation {
	c := &templates.Confirmation{ReferenceLabel: templates.M("licensee.reference"), Reference: w.amendmentNumber(m)}
	contact, _ := w.a.Contact(m.Contact)
	name := contact.Name
	switch {
	case m.Type == licensing.Extension && m.Open():
		c.Title, c.Next = templates.M("licensee.asked-extension"), []templates.Msg{templates.M("licensee.asked-extension-1"), templates.M("licensee.asked-extension-2", "Day", templates.LastDay(w.a.Term.Until))}
	case m.Type == licensing.Extension:
		c.Title, c.Next = templates.M("licensee.granted-extension"), []templates.Msg{templates.M("licensee.granted-extension-1", "Day", templates.LastDay(m.NewUntil.End(w.zone)))}
		if !m.OldUntil.IsZero() && !m.Effective.Before(m.OldUntil.End(w.zone)) {
			c.Next = append(c.Next, templates.M("licensee.granted-extension-late"))
		}
	case m.Type == licensing.AddContact && m.Open():
		c.Title, c.Next = templates.M("licensee.asked-contact"), []templates.Msg{templates.M("licensee.asked-contact-1", "Name", name), templates.M("licensee.asked-contact-2"), templates.M("licensee.receipt-mail")}
	case m.Type == licensing.AddContact:
		c.Title, c.Next = templates.M("licensee.added-contact", "Name", name), []templates.Msg{templates.M("licensee.added-contact-1", "Email", contact.Email), templates.M("licensee.added-contact-2"), templates.M("licensee.receipt-mail")}
	case m.Type == licensing.ChangeParty:
		c.Title, c.Next = w.changeOf(m), []templates.Msg{templates.M("licensee.party-changed-1"), templates.M("licensee.party-changed-2")}
	default:
		c.Title, c.Next = templates.M("licensee.removed-contact", "Name", name), []templates.Msg{templates.M("licensee.removed-contact-1"), templates.M("licensee.receipt-mail")}
	}
	return c
}

func (w agreementView) amendmentFacts(m licensing.Amendment, reasons [2]string) templates.SummaryList {
	row := func(key string, value templates.Part) templates.SummaryRow {
		return templates.SummaryRow{Key: templates.M(key), Value: value}
	}
	rows := []templates.SummaryRow{row("licensee.change", w.changeOf(m)), row("licensee.asked", templates.Moment(m.Asked))}
	for _, p := range w.a.Parties {
		if p.Person == m.By {
			rows = append(rows, row("licensee.asked-by", templates.Text(p.Name)))
		}
	}
	if m.Type == licensing.Extension {
		rows = append(rows, row("licensee.old-until", templates.LastDay(m.OldUntil.End(w.zone))))
	}
	if reasons[0] != "" && w.party() {
		rows = append(rows, row("licensee.reason", templates.Text(reasons[0])))
	}
	rows = append(rows, row("licensee.state", amendmentStatus(m)))
	if m.State == licensing.Declined && reasons[1] != "" {
		rows = append(rows, row("licensee.reason-declined", templates.Text(reasons[1])))
	}
	if m.Type == licensing.ChangeParty {
		rows = append(rows, w.successionRows(m)...)
		m.Questions = nil // the desk's own
	}
	for _, q := range m.Questions {
		rows = append(rows, row("licensee.why-desk", templates.M("licensee."+q)))
	}
	if m.State == licensing.Effective {
		rows = append(rows, row("licensee.effective", templates.Moment(m.Effective)))
		if w.party() {
			rows = append(rows, templates.SummaryRow{Key: templates.M("licensee.document"), Value: templates.Code(m.SHA256),
				Actions: []templates.Link{{Text: templates.M("licensee.read"), Href: w.path("/documents/" + m.SHA256)}, {Text: templates.M("licensee.pdf"), Href: w.path("/documents/" + m.SHA256 + ".pdf"), Download: true}}})
		}
	}
	return templates.SummaryList{Rows: rows}
}

// withdrawable is an amendment that waits, for those who may take it back.
func (s *Server) withdrawable(r *http.Request, v *visit) (agreementView, licensing.Amendment, error) {
	w, m, err := s.amended(r, v)
	if err == nil && (!w.may("amendment.dropped") || m.By != v.Who.Person() && !w.is(licensing.AsSignatory)) {
		err = licensing.ErrNotFound
	}
	return w, m, err
}

func (s *Server) withdrawPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, m, err := s.withdrawable(r, v)
	if err != nil {
		return err
	}
	if !m.Open() {
		return v.redirect(w.amendmentPath(m))
	}
	p := v.agreementShell(w, templates.M("licensee.withdraw-title", "Number", w.amendmentNumber(m)))
	return v.show("parts", pageOf(p, templates.AreYouSure{Action: w.amendmentPath(m) + "/withdraw",
		Consequences: []templates.Msg{templates.M("licensee.withdraw-means", "Change", w.changeOf(m))},
		Yes:          templates.M("licensee.withdraw-yes"), Cancel: templates.Link{Text: templates.M("licensee.withdraw-no"), Href: w.amendmentPath(m)}}))
}

func (s *Server) withdraw(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, m, err := s.withdrawable(r, v)
	if err != nil {
		return err
	}
	if m.Open() {
		if err := s.cfg.Registry.DropAmendment(r.Context(), v.Who, w.a.ID, m.ID); err != nil {
			return err
		}
	}
	return v.redirect(w.amendmentPath(m))
}
