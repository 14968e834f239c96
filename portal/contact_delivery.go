package portal

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// filesAPage is how many files one page lists.
const filesAPage = 200

func deliveryPath(id delivery.ID) string { return "/deliveries/" + url.PathEscape(string(id)) }

// filePath is where a file of a delivery is fetched.
func filePath(id delivery.ID, name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return deliveryPath(id) + "/files/" + strings.Join(parts, "/")
}

// deliveryTasks are the deliveries of a contact, on the first page.
func (s *Server) deliveryTasks(v *visit) (group, error) {
	found := group{Title: templates.M("contact.tasks")}
	all, err := s.cfg.Depot.OfPerson(v.r.Context(), v.Who)
	if err != nil {
		return found, err
	}
	for _, d := range all {
		t := templates.Task{Title: templates.M("contact.task", "Number", d.Delivery.Number), Href: deliveryPath(d.Delivery.ID)}
		switch status := deliveryStatus(d); status {
		case templates.Available:
			fetched, err := s.fetched(v, d.Delivery.ID)
			if err != nil {
				return found, err
			}
			t.Status, t.Due = templates.ToDo, d.Agreement.Term.Until
			if len(fetched) > 0 {
				t.Status = templates.Done
			}
		case templates.NotYet, templates.Preparing:
			t.Status = templates.NotYet
		case templates.Suspended:
			t.Status = templates.Waiting
		default:
			continue // it is over, and stands in the list of all
		}
		found.Tasks = append(found.Tasks, t)
	}
	return found, nil
}

// deliveryStatus is the word for what a contact can do with a delivery now.
func deliveryStatus(d delivery.Shown) templates.Status {
	switch {
	case d.Refused == nil:
		return templates.Available
	case d.Delivery.State == delivery.Destroyed:
		return templates.Destroyed
	case anyOf(d.Refused, licensing.ErrEnded, delivery.ErrEnded, licensing.ErrTerminated):
		return templates.Ended
	case anyOf(d.Refused, delivery.ErrGrantRemoved):
		return templates.Removed
	case anyOf(d.Refused, delivery.ErrGrantHeld, delivery.ErrFactorHeld, licensing.ErrSuspended):
		return templates.Suspended
	case anyOf(d.Refused, delivery.ErrNotReady):
		return templates.Preparing
	}
	return templates.NotYet
}

// fetched are the viewer's own transfers of a delivery.
func (s *Server) fetched(v *visit, id delivery.ID) (all []delivery.Transfer, err error) {
	err = s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) error {
		all, err = s.cfg.Depot.Transfers(tx, id, v.Who.Person())
		return err
	})
	return all, err
}

// deliveryList is what was handed to the viewer, the newest first.
func (s *Server) deliveryList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	all, err := s.cfg.Depot.OfPerson(r.Context(), v.Who)
	if err != nil {
		return err
	}
	table := templates.Table{Caption: templates.M("contact.list-title"), QuietCaption: true, Columns: columns("contact.number", "contact.state", "contact.files", "contact.until"),
		Empty: &templates.Empty{Title: templates.M("contact.list-empty"), Body: templates.M("contact.list-empty-body")}}
	for _, d := range all {
		table.Rows = append(table.Rows, []templates.Part{templates.Link{Text: templates.Text(d.Delivery.Number), Href: deliveryPath(d.Delivery.ID)}, deliveryStatus(d),
			templates.M("licensee.files-size", "Count", int(d.Delivery.Files), "Size", templates.Bytes(d.Delivery.Bytes)), templates.LastDay(d.Agreement.Term.Until)})
	}
	p := v.page(templates.M("contact.list-title"))
	return v.show("parts", pageOf(p, table))
}

// deliveryPage is one delivery: its files when they may be read now, and otherwise why not and what to do.
func (s *Server) deliveryPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	d, err := s.cfg.Depot.Show(r.Context(), v.Who, delivery.ID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if d.Refused != nil {
		return s.showRefused(v, d, http.StatusOK)
	}
	p := v.deliveryShell(d, templates.M("contact.title", "Number", d.Delivery.Number))
	p.Wide, p.Tag, p.Back = true, templates.Available, &templates.Link{Text: templates.M("contact.back"), Href: "/deliveries"}
	fetched, err := s.fetched(v, d.Delivery.ID)
	if err != nil {
		return err
	}
	parts := []templates.Part{
		templates.Turn{Yours: true, What: templates.M("contact.turn-download"), Until: d.Agreement.Term.Until, Next: templates.M("contact.next-end", "Day", templates.LastDay(d.Agreement.Term.Until))},
		templates.TermMeter{From: d.Agreement.Term.From, Until: d.Agreement.Term.Until},
	}
	parts = append(parts, s.fileParts(v, d)...)
	verify, err := verifyParts(d)
	if err != nil {
		return err
	}
	parts = append(parts, verify, section("transfers", templates.M("contact.transfers"), transferTable(d, fetched)))
	return v.show("parts", pageOf(p, parts...))
}

func (v *visit) deliveryShell(d delivery.Shown, title templates.Msg) templates.Page {
	p := v.page(title)
	p.Caption, p.Section = templates.Text(d.Agreement.Number), templates.M("contact.section", "Number", d.Delivery.Number)
	p.Back = &templates.Link{Text: templates.M("contact.back-to", "Number", d.Delivery.Number), Href: deliveryPath(d.Delivery.ID)}
	return p
}

// fileParts list the files, a page of them at a time.
func (s *Server) fileParts(v *visit, d delivery.Shown) []templates.Part {
	id := d.Delivery.ID
	from, pages := pageFrom(v, len(d.Files))
	list := templates.FileList{Caption: templates.M("contact.files-caption", "Count", len(d.Files), "Size", templates.Bytes(d.Delivery.Bytes)),
		All:   &templates.Link{Text: templates.M("contact.files-all", "Size", templates.Bytes(d.Delivery.Bytes)), Href: deliveryPath(id) + "/archive", Download: true},
		Empty: &templates.Empty{Title: templates.M("contact.files-empty")}}
	for _, f := range d.Files[from:min(from+filesAPage, len(d.Files))] {
		list.Files = append(list.Files, templates.File{Name: f.Path, Href: filePath(id, f.Path), Size: f.Size, SHA256: f.SHA256})
	}
	parts := []templates.Part{
		paragraph(templates.M("contact.files-lead")),
		templates.Actions{
			templates.Link{Text: templates.M("contact.manifest"), Href: filePath(id, delivery.ManifestPath), Download: true},
			templates.Link{Text: templates.M("contact.sums"), Href: filePath(id, delivery.SumsPath), Download: true},
			link("contact.tokens-link", deliveryPath(id)+"/tokens")},
		list,
	}
	if pages.Shown != nil {
		parts = append(parts, pages)
	}
	return parts
}

// pageFrom is the first row of the page that ?page= asks for, and the links to those beside it.
func pageFrom(v *visit, rows int) (from int, links templates.Pagination) {
	if rows <= filesAPage {
		return 0, links
	}
	page, err := strconv.Atoi(v.r.URL.Query().Get("page"))
	last := (rows + filesAPage - 1) / filesAPage
	if err != nil || page < 1 || page > last {
		page = 1
	}
	from = (page - 1) * filesAPage
	if page > 1 {
		links.Previous = "?page=" + strconv.Itoa(page-1)
	}
	if page < last {
		links.Next = "?page=" + strconv.Itoa(page+1)
	}
	links.Shown = templates.M("contact.shown", "From", from+1, "To", min(from+filesAPage, rows), "All", rows)
	return from, links
}

// verifyParts say how to see that everything came over whole.
func verifyParts(d delivery.Shown) (templates.Part, error) {
	signature, err := signatureParts(d.Delivery)
	parts := []templates.Part{paragraph(templates.M("contact.verify-lead")),
		templates.Secret{Label: templates.M("contact.verify-command"), Values: []string{"tar -xf " + d.Delivery.Number + ".tar", "cd " + d.Delivery.Number, "sha256sum -c SHA256SUMS"}},
		paragraph(templates.M("contact.verify-wrong"))}
	return section("verify", templates.M("contact.verify"), append(parts, signature...)...), err
}

// transferTable is what the viewer has fetched himself.
func transferTable(d delivery.Shown, all []delivery.Transfer) templates.Table {
	table := templates.Table{Caption: templates.M("contact.transfers"), QuietCaption: true, Columns: columns("contact.transfer-file", "contact.transfer-opened", "contact.transfer-closed", "contact.transfer-bytes"),
		Empty: &templates.Empty{Title: templates.M("contact.transfers-empty"), Body: templates.M("contact.transfers-empty-body")}}
	table.Columns[3].Numeric = true
	for _, t := range all {
		name, closed := templates.Msg(templates.Text(t.File)), templates.Msg(templates.M("contact.transfer-open"))
		if t.File == delivery.WholeArchive {
			name = templates.Text(delivery.ArchivePath(d.Delivery))
		}
		switch {
		case !t.Closed.IsZero():
			closed = templates.Moment(t.Closed)
		case d.Refused != nil:
			closed = templates.M("common.none") // cut with the access; the log has it in some minutes
		}
		table.Rows = append(table.Rows, []templates.Part{name, templates.Moment(t.Opened), closed, templates.Bytes(t.Bytes)})
	}
	return table
}

// showRefused says why a delivery gives nothing now, and what to do. Its files are not listed.
func (s *Server) showRefused(v *visit, d delivery.Shown, status int) error {
	if err := s.withPeople(v, &d); err != nil {
		return err
	}
	p := v.deliveryShell(d, templates.M("contact.refused-title", "Number", d.Delivery.Number))
	p.Tag, p.Back = deliveryStatus(d), &templates.Link{Text: templates.M("contact.back"), Href: "/deliveries"}
	parts := []templates.Part{refusedTurn(d)}
	if !d.Agreement.Term.IsZero() && !anyOf(d.Refused, delivery.ErrGrantRemoved) {
		meter := templates.TermMeter{From: d.Agreement.Term.From, Until: d.Agreement.Term.Until}
		if status := deliveryStatus(d); status != templates.NotYet && status != templates.Preparing {
			meter.Status = status
		}
		parts = append(parts, meter)
	}
	if d.Delivery.Certificate != "" && !anyOf(d.Refused, delivery.ErrGrantRemoved) {
		parts = append(parts, paragraph(templates.M("contact.destroyed", "Moment", templates.Moment(d.Delivery.Destroyed))),
			templates.Actions{link("licensee.certificate", agreementPath(d.Agreement.Number)+"/certificates/"+d.Delivery.Number)})
	}
	if s.cfg.Help != "" {
		parts = append(parts, paragraph(templates.M("contact.help", "Email", s.cfg.Help)))
	}
	fetched, err := s.fetched(v, d.Delivery.ID)
	if err != nil {
		return err
	}
	if len(fetched) > 0 {
		parts = append(parts, section("transfers", templates.M("contact.transfers"), transferTable(d, fetched)))
	}
	return v.render(status, "parts", pageOf(p, parts...))
}

// withPeople reads the agreement with those who sign it: deciding about access needs none of them, and saying whom to ask does.
func (s *Server) withPeople(v *visit, d *delivery.Shown) error {
	return s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) (err error) {
		d.Agreement, err = s.cfg.Registry.Agreement(tx, d.Agreement.ID)
		return err
	})
}

// refusedTurn is the reason in words, with the way out.
func refusedTurn(d delivery.Shown) templates.Turn {
	a, at := d.Agreement, d.At
	signatory := templates.Text(a.Party(licensing.Signatory).Name)
	desk, end := templates.M("licensee.by-foundation"), templates.LastDay(a.Term.Until)
	w := agreementView{a: a, at: at, zone: a.Location()}
	switch {
	case errors.Is(d.Refused, delivery.ErrGrantRemoved):
		when := d.Contact.Removed
		if when.IsZero() {
			when = d.Grant.Removed
		}
		return templates.Turn{Who: signatory, What: templates.M("contact.removed", "Moment", templates.Moment(when)), Next: templates.M("contact.removed-next", "Name", signatory)}
	case errors.Is(d.Refused, delivery.ErrGrantHeld):
		return templates.Turn{Who: desk, What: templates.M("contact.held"), Next: templates.M("contact.held-next")}
	case errors.Is(d.Refused, delivery.ErrFactorHeld):
		return templates.Turn{Who: desk, What: templates.M("contact.factor-held"), Next: templates.M("contact.factor-held-next")}
	case errors.Is(d.Refused, delivery.ErrNoFactor):
		return templates.Turn{Yours: true, What: templates.M("contact.no-factor"), Next: templates.M("contact.no-factor-next"), Act: act("contact.act-enrol", "/enrol")}
	case errors.Is(d.Refused, licensing.ErrNotSigned):
		return templates.Turn{Who: w.missing(), What: templates.M("contact.not-signed"), Next: templates.M("contact.not-signed-next")}
	case errors.Is(d.Refused, licensing.ErrNotYet):
		return templates.Turn{Who: templates.M("licensee.the-day", "Day", templates.Day(a.Term.From)), What: templates.M("contact.not-yet"), Next: templates.M("contact.not-yet-next")}
	case errors.Is(d.Refused, delivery.ErrNotReady):
		return templates.Turn{Who: desk, What: templates.M("contact.not-ready"), Next: templates.M("contact.not-ready-next")}
	case errors.Is(d.Refused, licensing.ErrSuspended):
		return templates.Turn{Who: desk, What: templates.M("contact.suspended"), Next: templates.M("contact.suspended-next", "Day", end)}
	case errors.Is(d.Refused, licensing.ErrTerminated):
		return templates.Turn{Who: signatory, What: templates.M("contact.terminated", "Moment", templates.Moment(w.over())), Next: templates.M("contact.destroy-next", "Name", signatory)}
	case errors.Is(d.Refused, delivery.ErrEnded) && a.OpenAt(at) == nil && d.Delivery.EndReason == delivery.Compromised:
		return templates.Turn{Who: desk, What: templates.M("contact.compromised", "Moment", templates.Moment(d.Delivery.Ended)), Next: templates.M("contact.compromised-next"), Act: act("contact.act-list", "/deliveries")}
	case errors.Is(d.Refused, delivery.ErrEnded) && a.OpenAt(at) == nil:
		return templates.Turn{Yours: true, What: templates.M("contact.superseded", "Moment", templates.Moment(d.Delivery.Ended)), Next: templates.M("contact.superseded-next"), Act: act("contact.act-list", "/deliveries")}
	}
	if closes := a.Term.Until.In(w.zone).AddDate(0, 0, a.Durations.ExtensionAfter); at.Before(closes) && a.State != licensing.ClosedOut {
		return templates.Turn{Who: signatory, What: templates.M("contact.ended", "Moment", templates.Moment(a.Term.Until)), Next: templates.M("contact.ended-next", "Name", signatory, "Day", templates.LastDay(closes))}
	}
	return templates.Turn{Who: signatory, What: templates.M("contact.ended", "Moment", templates.Moment(a.Term.Until)), Next: templates.M("contact.destroy-next", "Name", signatory)}
}

// closings are the reasons for which a delivery is refused to somebody who may know of it.
var closings = []error{delivery.ErrGrantRemoved, delivery.ErrGrantHeld, delivery.ErrNoFactor, delivery.ErrFactorHeld, delivery.ErrNotReady, delivery.ErrEnded,
	licensing.ErrNotSigned, licensing.ErrNotYet, licensing.ErrSuspended, licensing.ErrEnded, licensing.ErrTerminated}

// refusedStatus is the status of a download that was refused for one of the reasons: gone for good, or not allowed now.
func refusedStatus(err error) int {
	if anyOf(err, delivery.ErrEnded, licensing.ErrEnded, licensing.ErrTerminated, delivery.ErrGrantRemoved) {
		return http.StatusGone
	}
	return http.StatusForbidden
}

// download answers for one file of a delivery.
func (s *Server) download(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := r.PathValue("path")
	if name == "" {
		return delivery.ErrNotFound
	}
	return s.serveDelivery(w, r, v, delivery.ID(r.PathValue("id")), name)
}

// downloadAll answers with everything as one archive.
func (s *Server) downloadAll(w http.ResponseWriter, r *http.Request, v *visit) error {
	id := delivery.ID(r.PathValue("id"))
	d, err := s.cfg.Depot.Show(r.Context(), v.Who, id)
	if err != nil {
		return err
	}
	return s.serveDelivery(w, r, v, id, delivery.ArchivePath(d.Delivery))
}

// serveDelivery hands the request to the gateway, which asks the one question itself. A refusal is a page to a browser and
// a line of text to a program.
func (s *Server) serveDelivery(w http.ResponseWriter, r *http.Request, v *visit, id delivery.ID, name string) error {
	err := s.cfg.Gateway.Serve(w, r, v.Who, id, name)
	if err == nil || !slices.ContainsFunc(closings, func(reason error) bool { return errors.Is(err, reason) }) {
		return awayIfNotWatched(err)
	}
	d, failed := s.cfg.Depot.Show(r.Context(), v.Who, id)
	if failed != nil {
		return failed
	}
	if d.Refused == nil {
		d.Refused = err // it has changed again since; this request was refused all the same
	}
	v.At = d.At
	if v.Token.ID != "" {
		return v.refuseToken(d)
	}
	return s.showRefused(v, d, refusedStatus(err))
}

// awayIfNotWatched says that downloads are away for a moment: without somebody who can cut them none begins.
func awayIfNotWatched(err error) error {
	if errors.Is(err, delivery.ErrNotWatched) {
		return errors.Join(delivery.ErrKeyringAway, err)
	}
	return err
}

// refuseToken answers a token with the reason as text.
func (v *visit) refuseToken(d delivery.Shown) error {
	if err := v.server.withPeople(v, &d); err != nil {
		return err
	}
	voice := v.server.cfg.Pages.Voice(v.Lang, v.server.zone, v.At)
	turn := refusedTurn(d)
	var said []string
	for _, m := range []templates.Msg{turn.What, templates.M("turn.next"), turn.Next} {
		words, err := voice.Say(m)
		if err != nil {
			return err
		}
		said = append(said, words)
	}
	// What follows is the rest of a sentence, which begins with the same words on the page.
	return refuseProgram(v.w, refusedStatus(d.Refused), said[0]+"\n"+said[1]+" "+said[2]+"\n")
}

// untilOf is when a token made now for some hours ends: never after the term.
func untilOf(at time.Time, hours int, a licensing.Agreement) time.Time {
	until := at.Add(time.Duration(hours) * time.Hour)
	if a.Term.Until.Before(until) {
		return a.Term.Until
	}
	return until
}

// tokenAct is what the code for a token is given for.
func tokenAct(id delivery.ID) account.Act { return account.Act{Kind: "token", Subject: id.Subject()} }
