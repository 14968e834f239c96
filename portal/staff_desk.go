package portal

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// queueOrder are the queues of the desk: first what only it can do, then what it watches.
var queueOrder = []licensing.TaskKind{
	licensing.TaskStop, licensing.TaskSecond, licensing.TaskReplace, licensing.TaskPaper, licensing.TaskScope, licensing.TaskApprove, licensing.TaskRelease, licensing.TaskJudge,
	licensing.TaskContact, licensing.TaskExtension, licensing.TaskJurisdiction,
	licensing.TaskAnswer, licensing.TaskSign, licensing.TaskTakePart, licensing.TaskEnding, licensing.TaskAttest, licensing.TaskBind, licensing.TaskList,
}

// onHome is how many tasks of one queue stand on the first page; the rest have a page of their own.
const onHome = 8

// staffTasks is what waits for a member of staff: what is his and late, what is his, and what he watches.
func (s *Server) staffTasks(v *visit) ([]group, error) {
	if !v.Who.IsStaff() {
		return nil, nil
	}
	var groups []group
	err := s.cfg.DB.View(v.r.Context(), func(tx *db.Tx) error {
		groups = nil
		for _, ask := range []func(*db.Tx, *visit) ([]group, error){s.deskGroups, s.bucketGroups, s.deliveryGroups, s.peopleGroups, s.jobGroups, s.importGroups} {
			found, err := ask(tx, v)
			if err != nil {
				return err
			}
			groups = append(groups, found...)
		}
		return nil
	})
	return lateFirst(groups), err
}

// lateFirst moves what the reader has to do and is overdue into a group of its own, on top; then come the groups in which
// something is his to do.
func lateFirst(groups []group) []group {
	var late group
	var rest []group
	for _, g := range groups {
		kept := g.Tasks[:0:0]
		for _, t := range g.Tasks {
			if t.Status == templates.Overdue {
				late.Tasks = append(late.Tasks, t)
			} else {
				kept = append(kept, t)
			}
		}
		if len(kept) > 0 {
			rest = append(rest, group{Title: g.Title, Tasks: kept})
		}
	}
	slices.SortStableFunc(rest, func(a, b group) int {
		mine, other := slices.ContainsFunc(a.Tasks, yours), slices.ContainsFunc(b.Tasks, yours)
		switch {
		case mine == other:
			return 0
		case mine:
			return -1
		}
		return 1
	})
	if len(late.Tasks) == 0 {
		return rest
	}
	slices.SortStableFunc(late.Tasks, func(a, b templates.Task) int { return a.Due.Compare(b.Due) })
	late.Title = templates.M("staff.overdue", "Count", len(late.Tasks))
	return append([]group{late}, rest...)
}

// queues are the desk's tasks by kind.
func (s *Server) queues(tx *db.Tx, v *visit) (map[licensing.TaskKind][]licensing.Task, error) {
	if !v.Who.Has(account.Desk, account.Representative) {
		return nil, nil
	}
	all, err := s.cfg.Registry.Queues(tx, v.Who)
	if err != nil {
		return nil, err
	}
	byKind := map[licensing.TaskKind][]licensing.Task{}
	for _, t := range all {
		if s.inQueue(t, v) {
			byKind[t.Kind] = append(byKind[t.Kind], t)
		}
	}
	return byKind, nil
}

// inQueue leaves out what is not for the reader's role.
func (s *Server) inQueue(t licensing.Task, v *visit) bool {
	if v.Who.Has(account.Desk) {
		return true
	}
	act, ok := taskActs[t.Kind]
	return ok && licensing.May([]licensing.Role{licensing.AsStaffSigner}, act.kind)
}

func (s *Server) deskGroups(tx *db.Tx, v *visit) ([]group, error) {
	byKind, err := s.queues(tx, v)
	if err != nil {
		return nil, err
	}
	var groups []group
	for _, kind := range queueOrder {
		tasks := byKind[kind]
		if len(tasks) == 0 {
			continue
		}
		g := group{Title: templates.M("staff.queue."+string(kind), "Count", len(tasks))}
		for i, t := range tasks {
			if i >= onHome && !t.Overdue {
				g.Tasks = append(g.Tasks, templates.Task{Title: templates.M("staff.queue-all", "Count", len(tasks)), Href: "/queues/" + string(kind), Status: templates.Waiting})
				break
			}
			g.Tasks = append(g.Tasks, s.deskTask(t, v))
		}
		groups = append(groups, g)
	}
	return groups, nil
}

// deskTask is one task as it stands in a list.
func (s *Server) deskTask(t licensing.Task, v *visit) templates.Task {
	number, _, _ := strings.Cut(t.Number, "-A")
	shown := templates.Task{Title: templates.M("staff.task."+string(t.Kind), "Number", t.Number), Href: "/requests/" + number,
		Hint: templates.M("staff.task-hint", "Licensee", t.Licensee, "Title", t.Title), Due: t.Due, Status: templates.Waiting}
	if t.Kind == licensing.TaskSign {
		missing := partNames(t.Parts)
		shown.Hint = templates.M("staff.task-unsigned", "Licensee", t.Licensee, "Parts", sentence(missing))
		if len(t.OnPaper) > 0 {
			shown.Hint = templates.M("staff.task-on-paper", "Licensee", t.Licensee, "Parts", sentence(missing), "Papers", sentence(partNames(t.OnPaper)))
		}
	}
	if t.Kind == licensing.TaskSecond {
		shown.Hint = templates.M("staff.task-action", "Licensee", t.Licensee, "Action", templates.M("staff.action."+string(t.Action)))
	}
	if act, ok := taskActs[t.Kind]; ok && t.By != v.Who.Person() {
		shown.Status = templates.ToDo
		if t.Amendment == "" {
			shown.Href += "/" + act.path
		} else {
			shown.Href += "#amendments"
		}
	}
	switch {
	case t.Kind == licensing.TaskEnding:
		shown.Status = templates.EndingSoon
	case t.Overdue && shown.Status == templates.ToDo: // what is late with others stays with them, its date says so
		shown.Status = templates.Overdue
	}
	return shown
}

// queuePage is one queue whole.
func (s *Server) queuePage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	kind := licensing.TaskKind(r.PathValue("kind"))
	if !slices.Contains(queueOrder, kind) {
		return errNowhere
	}
	var tasks []licensing.Task
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		byKind, err := s.queues(tx, v)
		tasks = byKind[kind]
		return err
	})
	if err != nil {
		return err
	}
	g := group{}
	for _, t := range tasks {
		g.Tasks = append(g.Tasks, s.deskTask(t, v))
	}
	list := templates.TaskList{Empty: &templates.Empty{Title: templates.M("staff.queue-empty")}}
	if len(g.Tasks) > 0 {
		list.Groups = lateFirst([]group{g})
	}
	p := v.page(templates.M("staff.queue."+string(kind), "Count", len(tasks)))
	p.Back = toPage(templates.HomePath, templates.M("home.nav"))
	return v.showParts(p, list)
}

// prepareJob is what package delivery calls the work of preparing.
const prepareJob = "delivery.prepare"

// deliveryGroups are deliveries that are being prepared, and those of which the work is stuck.
func (s *Server) deliveryGroups(tx *db.Tx, v *visit) ([]group, error) {
	if !v.Who.Has(account.Desk) {
		return nil, nil
	}
	jobs, err := tx.StuckJobs(prepareJob)
	if err != nil {
		return nil, err
	}
	jobs = slices.DeleteFunc(jobs, func(j db.Job) bool {
		return j.Kind != prepareJob && (j.Parked.IsZero() || !strings.HasPrefix(j.Kind, "delivery."))
	})
	stuck, preparing := group{}, group{}
	for _, j := range jobs {
		number, err := s.cfg.Depot.Number(tx, delivery.ID(j.Subject))
		if errors.Is(err, delivery.ErrNotFound) {
			continue // work of the archive
		}
		if err != nil {
			return nil, err
		}
		t := templates.Task{Title: templates.M("staff.task.preparing", "Number", number), Href: requestOf(number) + "#deliveries", Status: templates.Waiting,
			Hint: templates.M("staff.task.preparing-hint")}
		if j.Parked.IsZero() {
			preparing.Tasks = append(preparing.Tasks, t)
			continue
		}
		t.Title, t.Status, t.Hint = templates.M("staff.task.stuck", "Number", number), templates.Stuck, templates.Text(j.LastError)
		stuck.Tasks = append(stuck.Tasks, t)
	}
	stuck.Title, preparing.Title = templates.M("staff.queue-stuck", "Count", len(stuck.Tasks)), templates.M("staff.queue-preparing", "Count", len(preparing.Tasks))
	return slices.DeleteFunc([]group{stuck, preparing}, func(g group) bool { return len(g.Tasks) == 0 }), nil
}

// bucketGroups are deliveries whose bucket empties itself before their term ends, because an extension has not moved it.
func (s *Server) bucketGroups(tx *db.Tx, v *visit) ([]group, error) {
	if !v.Who.Has(account.Desk, account.Operator) {
		return nil, nil
	}
	early, err := s.cfg.Depot.EndingEarly(tx)
	if err != nil || len(early) == 0 {
		return nil, err
	}
	g := group{Title: templates.M("staff.queue-bucket", "Count", len(early))}
	for _, d := range early {
		t := templates.Task{Title: templates.M("staff.task.bucket", "Number", d.Number), Href: "/jobs", Status: templates.Stuck,
			Hint: templates.M("staff.task.bucket-hint", "Moment", templates.Moment(d.BucketEnd))}
		if v.Who.Has(account.Desk) {
			t.Href = requestOf(d.Number) + "#deliveries"
		}
		g.Tasks = append(g.Tasks, t)
	}
	return []group{g}, nil
}

func requestOf(number string) string {
	request, _, _ := strings.Cut(number, "-A")
	return "/requests/" + request
}

// peopleGroups are what two of staff decide about people: what was proposed, and second factors that were lost.
func (s *Server) peopleGroups(tx *db.Tx, v *visit) ([]group, error) {
	if !v.Who.Has(account.Desk, account.Operator) {
		return nil, nil
	}
	tasks, err := s.cfg.Accounts.Tasks(tx)
	if err != nil {
		return nil, err
	}
	proposed, lost := group{}, group{}
	taken := map[account.PersonID]bool{}
	for _, t := range tasks {
		if t.Kind == account.ReproveFactor {
			taken[t.Person] = true
		}
		name, err := s.about(tx, t)
		if err != nil {
			return nil, err
		}
		shown := templates.Task{Title: templates.M("staff.people-task."+taskKey(t.Kind), "Name", name), Href: "/staff/tasks/" + t.ID, Status: templates.ToDo,
			Hint: templates.M("staff.people-task-since", "Day", templates.Day(t.Proposed))}
		if t.ProposedBy == v.Who.Person() || t.Person == v.Who.Person() {
			shown.Status = templates.Waiting
		}
		proposed.Tasks = append(proposed.Tasks, shown)
	}
	held, err := s.cfg.Accounts.HeldFactors(tx)
	if err != nil {
		return nil, err
	}
	for _, id := range held {
		if taken[id] {
			continue
		}
		p, err := s.cfg.Accounts.Person(tx, id)
		if err != nil {
			return nil, err
		}
		lost.Tasks = append(lost.Tasks, templates.Task{Title: templates.M("staff.task.lost", "Name", p.Name), Href: "/people/" + string(id) + "/reprove", Status: templates.ToDo,
			Hint: templates.M("staff.task.lost-hint")})
	}
	proposed.Title, lost.Title = templates.M("staff.queue-proposed", "Count", len(proposed.Tasks)), templates.M("staff.queue-lost", "Count", len(lost.Tasks))
	return slices.DeleteFunc([]group{lost, proposed}, func(g group) bool { return len(g.Tasks) == 0 }), nil
}

// about names whom a task of staff is about.
func (s *Server) about(tx *db.Tx, t account.Task) (string, error) {
	if t.Kind == account.AddStaff {
		return t.Staff.Name, nil
	}
	p, err := s.cfg.Accounts.Person(tx, t.Person)
	if errors.Is(err, account.ErrNoPerson) {
		return "", nil
	}
	return p.Name, err
}

func taskKey(k account.TaskKind) string { return strings.ReplaceAll(string(k), " ", "-") }

// jobGroups is work that is stuck, for who looks after it.
func (s *Server) jobGroups(tx *db.Tx, v *visit) ([]group, error) {
	if !v.Who.Has(account.Operator) {
		return nil, nil
	}
	stuck, err := tx.StuckJobs("")
	if err != nil || len(stuck) == 0 {
		return nil, err
	}
	return []group{{Title: templates.M("staff.queue-parked"), Tasks: []templates.Task{{Title: templates.M("staff.task.parked", "Count", len(stuck)), Href: "/jobs", Status: templates.Stuck}}}}, nil
}

// importGroups are datasets of which the import has not ended.
func (s *Server) importGroups(tx *db.Tx, v *visit) ([]group, error) {
	if !v.Who.Has(account.Steward) {
		return nil, nil
	}
	all, err := s.cfg.Registry.AllDatasets(tx)
	if err != nil {
		return nil, err
	}
	g := group{}
	for _, d := range all {
		if d.State == licensing.Importing {
			g.Tasks = append(g.Tasks, templates.Task{Title: templates.M("staff.task.importing", "Name", d.Name), Href: "/datasets/" + string(d.ID), Status: templates.Waiting,
				Hint: templates.M("staff.task.importing-hint", "Day", templates.Day(d.Created))})
		}
	}
	g.Title = templates.M("staff.queue-importing", "Count", len(g.Tasks))
	return slices.DeleteFunc([]group{g}, func(g group) bool { return len(g.Tasks) == 0 }), nil
}

// staffNav is the part of the navigation that staff sees.
func (s *Server) staffNav(v *visit) []navItem {
	var items []navItem
	add := func(key, href string, roles ...account.Role) {
		if v.Who.Has(roles...) {
			items = append(items, navItem{Text: templates.M(key), Href: href})
		}
	}
	add("staff.requests.nav", "/requests", account.Desk, account.Representative, account.Auditor)
	add("staff.collections.nav", "/collections", account.Desk, account.Steward, account.Auditor)
	add("staff.staff.nav", "/staff", account.Desk, account.Operator, account.Auditor)
	add("staff.jobs.nav", "/jobs", account.Operator)
	if !v.Who.Has(account.Desk) { // who finds it on the page of each request
		add("staff.act.stop.offer", "/stop", account.Operator)
	}
	add("staff.log.nav", "/log", account.Auditor)
	return items
}
