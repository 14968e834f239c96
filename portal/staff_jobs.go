package portal

import (
	"net/http"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/templates"
)

// jobList is the work that waits, runs or is stuck.
func (s *Server) jobList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var jobs []db.Job
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		jobs, err = tx.Jobs()
		return err
	})
	if err != nil {
		return err
	}
	parked := templates.Table{Caption: templates.M("staff.jobs.parked"), Columns: []templates.Column{{Text: templates.M("staff.job")}, {Text: templates.M("staff.job.since")},
		{Text: templates.M("staff.job.attempts"), Numeric: true}, {Text: templates.M("staff.job.why")}, {Text: templates.M("staff.again")}},
		Empty: &templates.Empty{Title: templates.M("staff.jobs.none-parked"), Body: templates.M("staff.jobs.none-parked-body")}}
	waiting := templates.Table{Caption: templates.M("staff.jobs.waiting"), Columns: []templates.Column{{Text: templates.M("staff.job")}, {Text: templates.M("staff.state")},
		{Text: templates.M("staff.job.due")}, {Text: templates.M("staff.job.attempts"), Numeric: true}, {Text: templates.M("staff.job.why")}},
		Empty: &templates.Empty{Title: templates.M("staff.jobs.none")}}
	for _, j := range jobs {
		name := templates.Noted{Main: jobWord(j.Kind), Note: templates.Text(j.Kind + " " + j.Subject)}
		why := templates.Msg(templates.Text(j.LastError))
		if j.LastError == "" {
			why = templates.M("common.none")
		}
		if !j.Parked.IsZero() {
			var again templates.Part = templates.M("common.none")
			if v.Who.Has(account.Operator) {
				again = templates.Form{Action: "/jobs/" + j.ID + "/retry", Submit: templates.Button{Text: templates.M("staff.job.retry"), Kind: "secondary", Context: jobWord(j.Kind)}}
			}
			parked.Rows = append(parked.Rows, []templates.Part{name, templates.Moment(j.Parked), templates.Number(j.Attempts), why, again})
			continue
		}
		state := templates.Waiting
		if j.Running {
			state = templates.Active
		}
		waiting.Rows = append(waiting.Rows, []templates.Part{name, state, templates.Moment(j.Due), templates.Number(j.Attempts), why})
	}
	p := v.page(templates.M("staff.jobs.title"))
	p.Wide = true
	rows, pages := paged(r, waiting.Rows, len(waiting.Rows))
	waiting.Rows = rows
	shown := []templates.Part{parked, waiting}
	if pages != nil {
		shown = append(shown, *pages)
	}
	return v.showParts(p, shown...)
}

// jobWords are the kinds of work that have words.
var jobWords = map[string]string{"mail": "staff.job.mail", prepareJob: "staff.job.prepare", "delivery.end": "staff.job.end", "delivery.move_bucket_end": "staff.job.move-end",
	"delivery.watch_bucket_end": "staff.job.watch-end",
	"transfer.close":            "staff.job.transfers", "licensing.milestones": "staff.job.milestones", "licensing.nightly": "staff.job.nightly",
	"licensing.reconsider": "staff.job.reconsider"}

func jobWord(kind string) templates.Msg {
	if key, ok := jobWords[kind]; ok {
		return templates.M(key)
	}
	return templates.Text(kind)
}

// retryJob starts stuck work afresh. It is bookkeeping: what the work does is in the log.
func (s *Server) retryJob(_ http.ResponseWriter, r *http.Request, v *visit) error {
	found := false
	err := s.cfg.DB.Upkeep(r.Context(), func(tx *db.Tx) error {
		jobs, err := tx.Jobs()
		if err != nil {
			return err
		}
		for _, j := range jobs {
			if j.ID == r.PathValue("id") && !j.Parked.IsZero() {
				found = true
				return tx.Enqueue(j.Kind, j.Subject, tx.At)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !found {
		return db.ErrConflict // it was started by somebody else, or has been done
	}
	if err := v.tell(templates.Success, "staff.job.retried"); err != nil {
		return err
	}
	return v.redirect("/jobs")
}
