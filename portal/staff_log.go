package portal

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
	"sluice/templates"
)

// logPage is the log as the auditor reads it: as it was written, with the names of people who still have one.
func (s *Server) logPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	query := r.URL.Query()
	kind, subject := strings.TrimSpace(query.Get("kind")), strings.TrimSpace(query.Get("subject"))
	before, err := strconv.ParseInt(query.Get("before"), 10, 64)
	if err != nil || before < 1 {
		before = 1 << 62
	}
	var entries []audit.Entry
	var head audit.Head
	names := map[string]string{}
	err = s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if entries, err = tx.LogBefore(before, kind, subject, aPage+1); err != nil {
			return err
		}
		if head, err = tx.Head(); err != nil {
			return err
		}
		return s.nameActors(tx, entries, names)
	})
	if err != nil {
		return err
	}
	p := v.page(templates.M("staff.log.title"))
	p.Wide = true
	list := staffList{Sought: templates.TextField{Name: "kind", Label: templates.M("staff.log.kind"), Hint: templates.M("staff.log.kind-hint"), Value: kind},
		More: []templates.Part{templates.TextField{Name: "subject", Label: templates.M("staff.log.subject"), Hint: templates.M("staff.log.subject-hint"), Value: subject}}}
	t := templates.Table{Caption: templates.M("staff.log.head", "Number", int(head.Seq), "Hash", head.Hash.String()), Columns: []templates.Column{{Text: templates.M("staff.number")},
		{Text: templates.M("staff.log.what")}, {Text: templates.M("staff.by")}, {Text: templates.M("staff.log.subject")}, {Text: templates.M("staff.log.entry")}},
		Empty: &templates.Empty{Title: templates.M("staff.log.none")}}
	more := len(entries) > aPage
	if more {
		entries = entries[:aPage]
	}
	for _, e := range entries {
		row, err := logRow(e, names)
		if err != nil {
			return err
		}
		t.Rows = append(t.Rows, row)
	}
	list.After = []templates.Part{t}
	if more || query.Get("before") != "" {
		pages := templates.Pagination{}
		if more {
			pages.Next = withQuery(r, "before", strconv.FormatInt(entries[len(entries)-1].Seq, 10))
		}
		if query.Get("before") != "" {
			pages.Previous = withQuery(r, "before", "") // the newest: how far back a filter reached is not known
		}
		list.After = append(list.After, pages)
	}
	p.Data = list
	return v.show("staff-list", p)
}

func (s *Server) nameActors(tx *db.Tx, entries []audit.Entry, names map[string]string) error {
	for _, e := range entries {
		body, err := e.Decode()
		if err != nil {
			return err
		}
		id, ok := strings.CutPrefix(body.By, "person:")
		if _, known := names[body.By]; !ok || known {
			continue
		}
		p, err := s.cfg.Accounts.Person(tx, account.PersonID(id))
		if err != nil && !errors.Is(err, account.ErrNoPerson) {
			return err
		}
		names[body.By] = p.Name
	}
	return nil
}

func logRow(e audit.Entry, names map[string]string) ([]templates.Part, error) {
	body, err := e.Decode()
	if err != nil {
		return nil, err
	}
	by := machineActor(body.By)
	if names[body.By] != "" {
		by = templates.Text(names[body.By])
	}
	entry := templates.Details{Summary: templates.M("staff.log.show"), Body: templates.Lines{templates.Code(e.Hash.String()), templates.Code(body.Subject), templates.Code(body.By), templates.Code(body.Data)}}
	return []templates.Part{templates.Number(e.Seq), templates.Noted{Main: eventWord(body.Kind), Note: templates.Text(body.Kind)}, templates.Lines{by, templates.Moment(e.At)},
		templates.Link{Text: templates.Text(short(body.Subject)), Href: logOf(body.Subject)}, entry}, nil
}

// short is enough of a subject to tell it from others on the page; the entry as written has it whole.
func short(subject string) string {
	what, id, found := strings.Cut(subject, ":")
	if !found || len(id) <= 10 {
		return subject
	}
	return what + ":" + id[:8] + "…"
}
