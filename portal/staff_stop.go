package portal

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// stopPage is the emergency stop for who handles no requests: to the operator an agreement is a number and a state.
func (s *Server) stopPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	return s.showStop(v, v.blank("number", r.URL.Query().Get("number")))
}

func (s *Server) showStop(v *visit, f *form) error {
	p := v.page(templates.M("staff.halt.title"))
	p.Errors = f.problems()
	sure := templates.AreYouSure{Action: "/stop", Yes: templates.M("staff.act.stop.yes"), Cancel: templates.Link{Text: templates.M("staff.cancel"), Href: templates.HomePath},
		Consequences: []templates.Msg{templates.M("staff.halt.means-1"), templates.M("staff.act.stop.means-2"), templates.M("staff.act.stop.means-3")},
		Fields: []templates.Part{
			f.input(templates.TextField{Name: "number", Label: templates.M("staff.halt.number"), Hint: templates.M("staff.halt.number-hint")}),
			f.area(templates.TextArea{Name: "reason", Label: templates.M("staff.reason"), Hint: templates.M("staff.act.stop.reason"), Optional: true, Rows: 4})}}
	return v.showParts(p, append([]templates.Part{sure, paragraph(templates.M("staff.halt.host"))}, s.stoppable(v)...)...)
}

// stoppable lists what can be stopped. Where it cannot be read a number can be typed all the same.
func (s *Server) stoppable(v *visit) []templates.Part {
	var all []licensing.Stoppable
	err := s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) (err error) {
		all, err = s.cfg.Registry.Stoppables(tx, v.Who)
		return err
	})
	if err != nil {
		s.log.Error("what can be stopped cannot be listed", "id", idOf(v.r), "error", err.Error())
		return nil
	}
	t := templates.Table{Caption: templates.M("staff.halt.running"), Columns: columns("staff.number", "staff.state", "staff.halt.choose-column"),
		Empty: &templates.Empty{Title: templates.M("staff.halt.none")}}
	for _, a := range all {
		var choose templates.Part = templates.Link{Text: templates.M("staff.halt.choose"), Href: "/stop?number=" + a.Number, Context: templates.Text(a.Number)}
		if a.Stopped {
			choose = templates.M("staff.halt.stopped")
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Text(a.Number), templates.Status(a.State), choose})
	}
	rows, pages := paged(v.r, t.Rows, len(t.Rows))
	t.Rows = rows
	shown := []templates.Part{t}
	if pages != nil {
		shown = append(shown, *pages)
	}
	return shown
}

func (s *Server) stopDone(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	number := strings.ToUpper(f.need("number", templates.M("staff.halt.number-missing")))
	f.note("reason")
	if !f.ok() {
		return s.showStop(v, f)
	}
	var a licensing.Agreement
	kept := false
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		a, err = s.cfg.Registry.AgreementNumbered(tx, number)
		return err
	})
	if err == nil {
		kept, err = s.stop(r.Context(), v, a.ID, f.text("reason"))
	}
	if err == nil {
		tone, key := saidOf(kept)
		if err := v.tell(tone, key, "Number", a.Number); err != nil {
			return err
		}
		return v.redirect("/stop")
	}
	if errors.Is(err, licensing.ErrNotFound) {
		f.fail("number", templates.M("staff.halt.unknown", "Number", number))
	}
	for _, e := range allRefused(err) {
		if e.Field == "" {
			e.Field = "number"
		}
		f.fail(fieldName(e.Field), s.refusal(e))
	}
	if f.ok() {
		return err
	}
	return s.showStop(v, f)
}

// stop stops everything under an agreement, and says whether only the journal of this host could take it.
func (s *Server) stop(ctx context.Context, v *visit, id licensing.AgreementID, reason string) (kept bool, err error) {
	journal := s.cfg.Journal
	if journal != nil {
		journal = func(h licensing.Halt) error {
			err := s.cfg.Journal(h)
			kept = err == nil
			return err
		}
	}
	err = s.cfg.Registry.Stop(ctx, v.Who, id, reason, journal)
	return kept, err
}

// saidOf is what is said of a stop.
func saidOf(kept bool) (templates.Tone, string) {
	if kept {
		return templates.Warning, "staff.act.stop.kept"
	}
	return templates.Success, "staff.act.stop.done"
}
