package portal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// noHash stands for the hash of a document in a rehearsal, where none has been made yet.
var noHash = strings.Repeat("0", 64)

// successionActs put somebody else in a part of an agreement that everybody has signed: one proposes with the document of
// authority, another reads that and confirms.
var successionActs = []staffAct{
	{name: "replace-party", kind: "amendment.party-proposed", code: true, reason: "needed", calm: true, means: 3, files: true,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.PartyProposed{Amendment: "new", By: by, Successor: licensing.Party{ID: "new", Part: licensing.Signatory}, Authority: noHash, Note: pretended})
		},
		fields: func(t *target, f *form) []templates.Part {
			var parts []templates.Choice
			for _, p := range []licensing.Part{licensing.Signatory, licensing.Applicant} {
				parts = append(parts, templates.Choice{Value: string(p), Text: partWord(p), Hint: templates.M("staff.succession.now", "Name", t.a.Party(p).Name)})
			}
			fields := append([]templates.Part{f.radios(templates.Radios{Name: "part", Label: templates.M("staff.succession.part"), Choices: parts})},
				f.people("", templates.M("staff.succession.name"))...)
			return append(fields, templates.FileField{Name: "authority", Label: templates.M("staff.succession.authority"), Hint: templates.M("staff.succession.authority-hint"), Accept: "application/pdf"})
		},
		read: func(_ *target, f *form) {
			f.choice("part", templates.M("staff.succession.part-missing"), string(licensing.Signatory), string(licensing.Applicant))
			f.need("name", templates.M("staff.missing.name"))
			f.note("latin")
			f.need("position", templates.M("staff.missing.position"))
			if _, err := account.Address(f.need("email", templates.M("staff.missing.email"))); err != nil {
				f.fail("email", templates.M("account.email-bad"))
			}
			if err := licensing.CheckAuthority(f.content("authority")); err != nil {
				f.refuse(err) // here, so that a wrong file costs no code
			}
			f.short("name", "latin", "position", "email")
			f.within(mostText, "reason")
			f.latin()
			f.printable("latin", "position", "reason")
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			_, err := s.cfg.Registry.ProposeParty(ctx, v.Who, proof, t.a.ID, licensing.SuccessorInput{Part: licensing.Part(f.text("part")),
				PersonInput: licensing.PersonInput{Name: f.text("name"), Latin: f.text("latin"), Position: f.text("position"), Email: f.text("email")},
				Authority:   f.content("authority"), Reason: f.text("reason")})
			return err
		}},
	{name: "confirm-party", at: "amendments/{amendment}/party", kind: "amendment.party-replaced", code: true, reason: "optional", means: 4, aim: aimSuccession,
		subject: amendmentSubject, about: aboutSuccession,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.PartyReplaced{Amendment: t.amendment.ID, By: by, Authority: t.amendment.Succession.Authority, SHA256: noHash})
		},
		fields: func(_ *target, f *form) []templates.Part {
			return []templates.Part{f.boxes(templates.Checkboxes{Name: "read", Label: templates.M("staff.succession.read"), Choices: []templates.Choice{
				{Value: "yes", Text: templates.M("staff.succession.read-yes")}}})}
		},
		read: func(_ *target, f *form) {
			if !f.has("read", "yes") {
				f.fail("read", templates.M("staff.succession.read-missing"))
			}
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error {
			return s.cfg.Registry.ReplaceParty(ctx, v.Who, proof, t.a.ID, t.amendment.ID, t.amendment.Succession.Authority, f.text("reason"))
		}},
	{name: "keep-party", at: "amendments/{amendment}/party/keep", kind: "amendment.party-kept", reason: "needed", calm: true, means: 1, aim: aimSuccession,
		about: aboutSuccession,
		try: func(t *target, by account.PersonID) error {
			return t.happens(licensing.PartyKept{Amendment: t.amendment.ID, By: by, Note: pretended})
		},
		do: func(s *Server, ctx context.Context, v *visit, t *target, _ account.Proof, f *form) error {
			return s.cfg.Registry.KeepParty(ctx, v.Who, t.a.ID, t.amendment.ID, f.text("reason"))
		}},
}

func aimSuccession(t *target, r *http.Request) error {
	if err := aimAmendment(t, r); err != nil {
		return err
	}
	if t.amendment.Type != licensing.ChangeParty {
		return errNowhere
	}
	return nil
}

// aboutSuccession shows who takes over from whom, and leads to the document of authority.
func aboutSuccession(_ *Server, t *target, _ *visit) []templates.Part {
	m, p := t.amendment, t.amendment.Succession.Party
	was := t.a.Party(m.Succession.Part)
	for _, o := range t.a.Aside {
		if o.ID == m.Succession.Was {
			was = o
		}
	}
	row := func(key string, value templates.Part) templates.SummaryRow {
		return templates.SummaryRow{Key: templates.M(key), Value: value}
	}
	rows := []templates.SummaryRow{
		row("staff.part", partWord(m.Succession.Part)),
		row("staff.succession.was", compactLines(was.Name, was.Position, was.Email)),
		row("staff.succession.is", compactLines(p.Name, p.Latin, p.Position, p.Email)),
		row("staff.domains", lines(t.Request.Content.Licensee.Domains)),
		row("staff.amendment.questions", questions(m.Questions)),
		{Key: templates.M("staff.succession.authority"), Value: templates.Code(m.Succession.Authority),
			Actions: []templates.Link{{Text: templates.M("staff.succession.open"), Href: t.path("amendments", itoa(m.Number), "authority"), Download: true}}},
		row("staff.proposal", templates.Lines{t.name(m.By), templates.Moment(m.Asked)}),
		row("staff.reason", t.reason(m.Note)),
	}
	if len(m.Questions) == 0 {
		rows = slices.Delete(rows, 4, 5)
	}
	return []templates.Part{templates.SummaryList{Title: templates.M("staff.amendment.number", "Number", m.Number), Rows: rows}}
}

// successionLinks lead to what can be done about a succession, and to its document of authority.
func (c *staffCase) successionLinks(m licensing.Amendment) templates.Part {
	number := itoa(m.Number)
	about := templates.M("staff.amendment.number", "Number", m.Number)
	links := templates.Lines{templates.Link{Text: templates.M("staff.succession.open"), Href: c.path("amendments", number, "authority"), Context: about, Download: true}}
	if m.Open() && c.may("amendment.party-replaced") {
		links = append(links, templates.Link{Text: templates.M("staff.act.confirm-party.offer"), Href: c.path("amendments", number, "party"), Context: about})
	}
	if m.Open() && c.may("amendment.party-kept") {
		links = append(links, templates.Link{Text: templates.M("staff.act.keep-party.offer"), Href: c.path("amendments", number, "party", "keep"), Context: about})
	}
	return links
}

// toTake is the task of somebody who has got a part and not accepted it.
func (c *staffCase) toTake(part licensing.Part) (licensing.Task, bool) {
	i := slices.IndexFunc(c.Tasks, func(t licensing.Task) bool { return t.Kind == licensing.TaskTakePart && slices.Contains(t.Parts, part) })
	if i < 0 {
		return licensing.Task{}, false
	}
	return c.Tasks[i], true
}

// ofSignatory says whether a task is the signatory's.
func ofSignatory(t licensing.Task) bool {
	return slices.Contains([]licensing.TaskKind{licensing.TaskAttest, licensing.TaskList, licensing.TaskEnding}, t.Kind)
}

// authorityFile hands out a document of authority as it came: for saving, never shown within the site.
func (s *Server) authorityFile(_ http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return err
	}
	t := &target{staffCase: c}
	t.a, _ = c.agreement()
	if err := aimSuccession(t, r); err != nil {
		return err
	}
	var pdf []byte
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		pdf, err = s.cfg.Registry.Authority(tx, v.Who, t.a.ID, t.amendment.ID)
		return err
	})
	if err != nil {
		return err
	}
	return v.pdf(fmt.Sprintf("%s-amendment-%d-authority.pdf", t.a.Number, t.amendment.Number), pdf)
}
