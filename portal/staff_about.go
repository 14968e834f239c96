package portal

import (
	"slices"
	"strings"

	"sluice/licensing"
	"sluice/templates"
)

// aboutRequest is what somebody should have in view who decides about the content.
func aboutRequest(s *Server, t *target, v *visit) []templates.Part {
	shown := []templates.Part{s.factsOf(t.staffCase, v), s.peopleList(t.Request, v)}
	shown = append(shown, s.duplicates(t.staffCase)...)
	return append(shown, s.outcomeParts(t.now, v)...)
}

// outcomeParts say which licence variant follows, and why.
func (s *Server) outcomeParts(o licensing.Outcome, v *visit) []templates.Part {
	return []templates.Part{
		templates.SummaryList{Title: templates.M("staff.outcome"), Rows: []templates.SummaryRow{
			{Key: templates.M("staff.variant"), Value: variantWord(o.Variant)}, {Key: templates.M("staff.why"), Value: s.outcomeReason(o, v.Lang)}}},
		templates.Details{Summary: templates.M("staff.rows.show"), Body: s.outcomeRows(o, v.Lang)},
	}
}

// duplicates warns of two who may be one person.
func (s *Server) duplicates(c *staffCase) []templates.Part {
	return duplicateWarning(c.Duplicates)
}

func duplicateWarning(found []licensing.Duplicate) []templates.Part {
	if len(found) == 0 {
		return nil
	}
	n := templates.Notice{Tone: templates.Warning, Title: templates.M("staff.duplicates", "Count", len(found)), Body: templates.M("staff.duplicates-body")}
	for _, d := range found {
		n.Items = append(n.Items, templates.M("staff.duplicate", "Name", d.Name, "One", d.One, "Other", d.Other))
	}
	return []templates.Part{n}
}

// aboutScope shows the question of each country.
func aboutScope(s *Server, t *target, v *visit) []templates.Part {
	shown := s.outcomeParts(t.now, v)
	for _, r := range t.now.Reason.Rows {
		if slices.Contains(scopeKeys, r.Scope) {
			shown = append(shown, templates.Inset{Body: templates.Noted{Main: templates.M("staff.scope." + strings.TrimPrefix(r.Scope, "scope.")), Note: templates.Text(s.country(r.Country, v.Lang))}})
		}
	}
	return shown
}

// scopeChoices are the countries about which somebody may judge: with a question, or to be looked at each time.
func (t *target) scopeChoices() []templates.Choice {
	var choices []templates.Choice
	for _, r := range t.now.Reason.Rows {
		open := openCountries(licensing.Outcome{Reason: t.now.Reason}, nil)
		if !slices.Contains(open, r.Country) {
			continue
		}
		name := r.EN
		if t.Lang == "nl" {
			name = r.NL
		}
		choices = append(choices, templates.Choice{Value: r.Country, Text: templates.Text(name)})
	}
	return choices
}

// aboutAnswers shows the confirmations that were not given.
func aboutAnswers(s *Server, t *target, v *visit) []templates.Part {
	return s.confirmations(t.staffCase)
}

// aboutStop shows an emergency stop.
func aboutStop(_ *Server, t *target, _ *visit) []templates.Part {
	stop := t.a.Stop
	if stop.By == "" {
		return nil
	}
	return []templates.Part{templates.SummaryList{Title: templates.M("staff.stop"), Rows: []templates.SummaryRow{
		{Key: templates.M("staff.by"), Value: t.actor(stop.By)}, {Key: templates.M("staff.when"), Value: templates.Moment(stop.At)},
		{Key: templates.M("staff.reason"), Value: t.reason(stop.Note)}}}}
}

// aboutProposal shows what waits for a second person, and what it will do.
func aboutProposal(_ *Server, t *target, _ *visit) []templates.Part {
	p := t.a.Proposal
	if p.IsZero() {
		return nil
	}
	rows := []templates.SummaryRow{
		{Key: templates.M("staff.proposal.action"), Value: templates.M("staff.action." + string(p.Action))},
		{Key: templates.M("staff.by"), Value: t.name(p.By)}, {Key: templates.M("staff.when"), Value: templates.Moment(p.At)},
		{Key: templates.M("staff.reason"), Value: t.reason(p.Note)}}
	return []templates.Part{templates.SummaryList{Title: templates.M("staff.proposal"), Rows: rows}}
}

// aboutConcern shows how the jurisdictions changed.
func aboutConcern(s *Server, t *target, v *visit) []templates.Part {
	if t.a.Concern.IsZero() {
		return nil
	}
	shown := []templates.Part{templates.SummaryList{Title: templates.M("staff.concern"), Rows: []templates.SummaryRow{
		{Key: templates.M("staff.concern.signed"), Value: variantWord(t.a.Variant)},
		{Key: templates.M("staff.concern.since"), Value: templates.Day(t.a.Concern.At)},
		{Key: templates.M("staff.concern.due"), Value: templates.LastDay(t.a.Concern.Due)}}}}
	return append(shown, s.outcomeParts(t.a.Concern.Outcome, v)...)
}

// aboutAmendment shows what was asked, and who has decided so far.
func aboutAmendment(s *Server, t *target, v *visit) []templates.Part {
	m := t.amendment
	rows := []templates.SummaryRow{
		{Key: templates.M("staff.amendment.what"), Value: templates.M("staff.amendment." + string(m.Type))},
		{Key: templates.M("staff.amendment.asked-by"), Value: t.name(m.By)}, {Key: templates.M("staff.when"), Value: templates.Moment(m.Asked)},
		{Key: templates.M("staff.reason"), Value: t.reason(m.Note)}}
	if m.Type == licensing.Extension {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.amendment.old-until"), Value: t.day(m.OldUntil)},
			templates.SummaryRow{Key: templates.M("staff.amendment.new-until"), Value: t.day(m.NewUntil)})
	} else {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.contact"), Value: templates.Lines{templates.Text(t.contact.Name),
			templates.Text(t.contact.Position), templates.Text(t.contact.Email), templates.Text(s.country(t.contact.Country, v.Lang))}},
			templates.SummaryRow{Key: templates.M("staff.domains"), Value: lines(t.Request.Content.Licensee.Domains)},
			templates.SummaryRow{Key: templates.M("staff.amendment.questions"), Value: questions(m.Questions)})
	}
	for _, d := range m.Decisions {
		rows = append(rows, templates.SummaryRow{Key: templates.M("staff.amendment.decided"), Value: t.decision(d)})
	}
	return []templates.Part{templates.SummaryList{Title: templates.M("staff.amendment.number", "Number", m.Number), Rows: rows}}
}

func (c *staffCase) decision(d licensing.Decision) templates.Part {
	word := templates.M("staff.amendment.declined-by", "Name", c.name(d.By))
	if d.Accept {
		word = templates.M("staff.amendment.accepted-by", "Name", c.name(d.By))
	}
	shown := templates.Lines{word, templates.Moment(d.At)}
	if r := c.reason(d.Note); r != nil {
		shown = append(shown, r)
	}
	return shown
}

var questionKeys = []string{"question.contact", "question.domain", "question.jurisdiction", "question.country", "question.own"}

// questions are why the desk must decide about a contact.
func questions(keys []string) templates.Part {
	if len(keys) == 0 {
		return nil
	}
	var all templates.Lines
	for _, k := range keys {
		if slices.Contains(questionKeys, k) {
			all = append(all, templates.M("staff."+k))
		} else {
			all = append(all, templates.Text(k))
		}
	}
	return all
}

func lines(all []string) templates.Part {
	if len(all) == 0 {
		return nil
	}
	var l templates.Lines
	for _, s := range all {
		l = append(l, templates.Text(s))
	}
	return l
}
