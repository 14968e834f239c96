package portal

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// requestPage is one page with everything about a request.
func (s *Server) requestPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return err
	}
	if r.PathValue("number") != c.Request.Number {
		return v.redirect(c.path()) // letters name the id, people the number
	}
	p := v.page(templates.M("staff.request.title", "Number", c.Request.Number))
	p.Section, p.Tag, p.Caption, p.Wide = templates.M("staff.request.nav"), c.state(), templates.Text(c.Request.Content.Licensee.Name), true
	p.Back = toPage("/requests", templates.M("staff.back-requests"))
	shown := []templates.Part{templates.Paragraph{Body: templates.Text(c.Request.Content.Title), Lead: true}, s.turn(c, v)}
	shown = append(shown, s.duplicates(c)...)
	if acts := c.offered(v); len(acts) > 0 {
		shown = append(shown, acts)
	}
	shown = append(shown, s.factsOf(c, v))
	for _, a := range c.Agreements {
		shown = append(shown, s.agreementParts(c, a, v)...)
	}
	shown = append(shown, c.papersOf()...)
	shown = append(shown, s.partiesTable(c, v), s.contactsTable(c, v))
	shown = append(shown, s.outcomeParts(c.Request.Outcome, v)...)
	shown = append(shown, s.scopesOf(c)...)
	shown = append(shown, s.confirmations(c)...)
	shown = append(shown, s.amendmentsOf(c)...)
	shown = append(shown, c.deliveriesOf()...)
	shown = append(shown, c.documentsOf()...)
	shown = append(shown, c.lettersOf(), templates.Section{ID: "time-line", Title: templates.M("staff.timeline"), Parts: []templates.Part{s.timeLine(c)}})
	return v.showParts(p, shown...)
}

// offered are the acts that somebody may do now, most of them links to pages of their own.
func (c *staffCase) offered(v *visit) templates.Actions {
	t := &target{staffCase: c}
	t.a, _ = c.agreement()
	t.now = v.server.outcomeNow(c.Request.Content, c.contacts(), c.Request.Scopes, v)
	var acts templates.Actions
	for _, act := range staffActs {
		if act.aim != nil || !c.may(act.kind) || (act.subject == nil && t.a.ID == "") || act.try(t, v.Who.Person()) != nil ||
			(act.name == "scope" && len(t.scopeChoices()) == 0) {
			continue
		}
		kind := "secondary"
		if act.name == "stop" {
			kind = "danger"
		}
		acts = append(acts, templates.Button{Text: templates.M("staff.act." + act.name + ".offer"), Kind: kind, Href: c.path(act.path())})
	}
	if c.revisable() {
		acts = append(acts, templates.Link{Text: templates.M("staff.revise.offer"), Href: c.path("revise")})
	}
	return acts
}

// revisable says whether the content may still be changed by this page's reader.
func (c *staffCase) revisable() bool {
	if !c.may("request.revised") {
		return false
	}
	a, ok := c.agreement()
	if ok {
		return a.State == licensing.Drafted || a.State == licensing.Signing
	}
	return c.Request.State == licensing.Recorded
}

// turn says whose turn it is: the most urgent task that is the reader's, or else the most urgent one.
func (s *Server) turn(c *staffCase, v *visit) templates.Part {
	if c.halted() {
		return templates.Turn{Who: templates.M("staff.waits.desk"), What: c.rest(), Next: templates.M("staff.next.halted")}
	}
	if len(c.Tasks) == 0 {
		return templates.Notice{Tone: templates.Info, Title: templates.M("staff.turn.nobody"), Body: c.rest()}
	}
	chosen, mine := c.Tasks[0], false
	for _, t := range c.Tasks {
		if s.mine(c, t, v) {
			chosen, mine = t, true
			break
		}
	}
	if !mine {
		for _, t := range c.Tasks {
			if !background(t) {
				chosen = t
				break
			}
		}
	}
	if t, waits := c.toTake(licensing.Signatory); waits && !mine && ofSignatory(chosen) {
		chosen = t // first things first: nobody is the signatory yet
	}
	turn := templates.Turn{Yours: mine, Who: s.waitsFor(c, chosen), What: templates.M("staff.turn." + string(chosen.Kind)), Until: chosen.Due,
		Next: templates.M("staff.next." + string(chosen.Kind))}
	if mine {
		turn.Act = &templates.Button{Text: templates.M("staff.turn.go"), Href: s.taskPath(chosen, c, v)}
	}
	return turn
}

// background says whether a task waits all the time, beside whatever else goes on.
func background(t licensing.Task) bool {
	return t.Kind == licensing.TaskList || t.Kind == licensing.TaskBind
}

// halted says whether access is suspended and nothing is proposed yet: it stays so until two people end it, whatever waits
// in the background.
func (c *staffCase) halted() bool {
	a, ok := c.agreement()
	return ok && a.StateAt(c.At) == licensing.Suspended && !slices.ContainsFunc(c.Tasks, func(t licensing.Task) bool { return !background(t) })
}

// rest says what happens when nothing waits for anybody.
func (c *staffCase) rest() templates.Msg {
	if a, ok := c.agreement(); ok && !a.Term.IsZero() && a.StateAt(c.At) == licensing.InForce {
		return templates.M("staff.rest.in-force", "Until", templates.LastDay(a.Term.Until))
	}
	return templates.M("staff.rest." + string(c.state()))
}

// mine says whether the reader may do a task.
func (s *Server) mine(c *staffCase, t licensing.Task, v *visit) bool {
	if t.Kind == licensing.TaskSign {
		rep := c.Request.Party(licensing.Representative)
		return rep.Person == v.Who.Person() && slices.Contains(t.Parts, licensing.Representative)
	}
	kind, ok := taskActs[t.Kind]
	return ok && t.By != v.Who.Person() && c.may(kind.kind)
}

// taskActs are the acts that end a task of the desk: the event, and the page.
var taskActs = map[licensing.TaskKind]struct{ kind, path string }{
	licensing.TaskApprove:      {"request.approved", "approve"},
	licensing.TaskScope:        {"request.scope-judged", "scope"},
	licensing.TaskRelease:      {"agreement.released", "release"},
	licensing.TaskJudge:        {"agreement.proposed", "accept-answers"},
	licensing.TaskPaper:        {"agreement.paper-confirmed", "confirm-paper"},
	licensing.TaskContact:      {"amendment.decided", "amendments"},
	licensing.TaskExtension:    {"amendment.decided", "amendments"},
	licensing.TaskSecond:       {"agreement.seconded", "second"},
	licensing.TaskReplace:      {"amendment.party-replaced", "amendments"},
	licensing.TaskStop:         {"agreement.stop-confirmed", "confirm-stop"},
	licensing.TaskJurisdiction: {"agreement.jurisdiction-answered", "jurisdiction"},
}

// taskPath is the page on which a task is done, or the request's own.
func (s *Server) taskPath(t licensing.Task, c *staffCase, v *visit) string {
	number, _, _ := strings.Cut(t.Number, "-A")
	request := "/requests/" + number
	if t.Kind == licensing.TaskSign && c != nil && s.mine(c, t, v) {
		return "/agreements/" + t.Number + "/sign"
	}
	act, ok := taskActs[t.Kind]
	if !ok {
		return request
	}
	if t.Amendment != "" {
		if c != nil {
			for _, a := range c.Agreements {
				if m, ok := a.Amendment(t.Amendment); ok && t.Kind == licensing.TaskReplace {
					return c.path("amendments", strconv.Itoa(m.Number), "party")
				} else if ok {
					return c.path("amendments", strconv.Itoa(m.Number))
				}
			}
		}
		return request + "#amendments"
	}
	return request + "/" + act.path
}

// waitsFor names whom a task waits for.
func (s *Server) waitsFor(c *staffCase, t licensing.Task) templates.Msg {
	switch t.Kind {
	case licensing.TaskSign:
		var names []templates.Msg
		for _, p := range t.Parts {
			if name := c.Request.Party(p).Name; name != "" {
				names = append(names, templates.Text(name))
			}
		}
		if len(names) > 0 {
			return sentence(names)
		}
	case licensing.TaskAnswer, licensing.TaskAttest, licensing.TaskList, licensing.TaskEnding:
		return templates.Text(c.Request.Party(licensing.Signatory).Name)
	case licensing.TaskBind:
		return templates.M("staff.waits.contact")
	case licensing.TaskTakePart:
		return templates.Text(c.Request.Party(t.Parts[0]).Name)
	case licensing.TaskApprove, licensing.TaskRelease, licensing.TaskSecond, licensing.TaskStop, licensing.TaskReplace, licensing.TaskPaper:
		if t.By != "" {
			return templates.M("staff.waits.second", "Name", c.name(t.By))
		}
	}
	return templates.M("staff.waits.desk")
}

// inviteAgain sends a party a new link. Its words never reach staff.
func (s *Server) inviteAgain(_ http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return err
	}
	p := c.Request.Party(licensing.Part(r.PathValue("part")))
	if p.ID == "" {
		return errNowhere
	}
	if err := s.cfg.Registry.ResendInvitation(r.Context(), v.Who, c.Request.ID, p.Part); err != nil {
		return err
	}
	return s.sentAgain(v, c, p.Name)
}

func (s *Server) inviteContactAgain(_ http.ResponseWriter, r *http.Request, v *visit) error {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return err
	}
	a, _ := c.agreement()
	k, ok := a.Contact(licensing.ContactID(r.PathValue("contact")))
	if !ok {
		return errNowhere
	}
	if err := s.cfg.Registry.ResendContact(r.Context(), v.Who, a.ID, k.ID); err != nil {
		return err
	}
	return s.sentAgain(v, c, k.Name)
}

func (s *Server) sentAgain(v *visit, c *staffCase, name string) error {
	if err := v.tell(templates.Success, "staff.invited-again", "Name", name); err != nil {
		return err
	}
	return v.redirect(c.path())
}

// requestList is every request, by state and by what is searched for.
func (s *Server) requestList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var all []licensing.Mine
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		all, err = s.cfg.Registry.Requests(tx, v.Who)
		return err
	})
	if err != nil {
		return err
	}
	state, sought := r.URL.Query().Get("state"), strings.ToLower(strings.TrimSpace(r.URL.Query().Get("q")))
	counts, rows := map[string]int{}, [][]templates.Part{}
	for _, m := range all {
		is := s.stateOf(m, v)
		counts[is]++
		if (state != "" && state != is) || !matches(m, sought) {
			continue
		}
		rows = append(rows, s.requestRow(m, is, v))
	}
	p := v.page(templates.M("staff.requests.title"))
	p.Wide = true
	list := staffList{Sought: templates.TextField{Name: "q", Label: templates.M("staff.requests.search"), Value: r.URL.Query().Get("q"), Type: "search"},
		State: state, Filters: stateFilters(counts, len(all), state)}
	if v.Who.Has(account.Desk) {
		list.Before = append(list.Before, templates.Actions{templates.Button{Text: templates.M("staff.requests.new"), Href: "/requests/new"}})
	}
	rows, pages := paged(r, rows, len(rows))
	list.After = []templates.Part{templates.Table{Caption: templates.M("staff.requests.caption"), QuietCaption: true, Rows: rows, Columns: []templates.Column{
		{Text: templates.M("staff.number")}, {Text: templates.M("staff.licensee")}, {Text: templates.M("staff.state")}, {Text: templates.M("staff.until")}, {Text: templates.M("staff.recorded")}},
		Empty: &templates.Empty{Title: templates.M("staff.requests.none"), Body: templates.M("staff.requests.none-body")}}}
	if pages != nil {
		list.After = append(list.After, *pages)
	}
	p.Data = list
	return v.show("staff-list", p)
}

func (s *Server) stateOf(m licensing.Mine, v *visit) string {
	if m.Agreement.ID != "" {
		return string(m.Agreement.StateAt(v.At))
	}
	return string(m.Request.State)
}

func (s *Server) requestRow(m licensing.Mine, state string, v *visit) []templates.Part {
	q := m.Request
	until := templates.Msg(templates.Day(q.Content.Until.Start(s.zone)))
	if !m.Agreement.Term.IsZero() {
		until = templates.LastDay(m.Agreement.Term.Until)
	}
	return []templates.Part{templates.Noted{Main: templates.Link{Text: templates.Text(q.Number), Href: "/requests/" + q.Number}, Note: templates.Text(q.Content.Title)},
		templates.Text(q.Content.Licensee.Name), templates.Status(state), until, templates.Day(q.Recorded)}
}

// matches searches what people remember of a request: number, title, licensee and names.
func matches(m licensing.Mine, sought string) bool {
	if sought == "" {
		return true
	}
	texts := []string{m.Request.Number, m.Request.Content.Title, m.Request.Content.Licensee.Name}
	for _, p := range m.Request.Parties {
		texts = append(texts, p.Name, p.Email)
	}
	contacts := m.Request.Contacts
	if m.Agreement.ID != "" {
		contacts = m.Agreement.Contacts
	}
	for _, c := range contacts {
		texts = append(texts, c.Name, c.Email)
	}
	return strings.Contains(strings.ToLower(strings.Join(texts, "\n")), sought)
}

// grantState is the word for a grant.
func grantState(g delivery.Grantee) templates.Status { return templates.Status(g.State) }
