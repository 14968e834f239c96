package portal

import (
	"net/http"
	"slices"

	"sluice/templates"
)

// tasksFor is what waits for the person of a visit, most urgent groups first. It is asked once a request.
func (s *Server) tasksFor(v *visit) ([]group, error) {
	if v.asked || !v.Session.Full() {
		return v.groups, nil
	}
	v.asked = true
	for _, ask := range []func(*visit) ([]group, error){s.invitationTasks, s.licenseeTasks, s.staffTasks, s.accountTasks} {
		found, err := ask(v)
		if err != nil {
			return nil, err
		}
		for _, g := range found {
			if len(g.Tasks) > 0 {
				v.groups = append(v.groups, g)
			}
		}
	}
	return v.groups, nil
}

// nav is the main navigation: home with the number of things that wait there, and what each kind of person has.
func (v *visit) nav() []navItem {
	s := v.server
	if !v.Session.Full() {
		return s.demoNav()
	}
	groups, err := s.tasksFor(v)
	if err != nil {
		// The page itself may still be shown; home will say what is wrong.
		s.log.Error("counting what waits", "id", idOf(v.r), "error", err.Error())
	}
	n := 0
	for _, g := range groups {
		for _, t := range g.Tasks {
			if yours(t) {
				n++
			}
		}
	}
	items := []navItem{{Text: templates.M("home.nav"), Href: templates.HomePath, Count: n}}
	items = append(items, s.staffNav(v)...)
	items = append(items, s.licenseeNav(v)...)
	items = append(items, navItem{Text: templates.M("account.nav"), Href: "/account"})
	items = append(items, s.demoNav()...)
	for i := range items {
		items[i].Current = items[i].Href == v.r.URL.Path
	}
	return items
}

// yours says whether a task is for the reader to do; the others are for him to watch.
func yours(t templates.Task) bool {
	return !slices.Contains([]templates.Status{templates.Waiting, templates.EndingSoon, templates.Done, templates.NotYet}, t.Status)
}

// home is everybody's first page: what waits for him.
func (s *Server) home(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	groups, err := s.tasksFor(v)
	if err != nil {
		return err
	}
	list := templates.TaskList{Groups: groups, Empty: &templates.Empty{Title: templates.M("home.nothing"), Body: templates.M("home.nothing-body")}}
	return v.show("parts", pageOf(v.page(templates.M("home.title")), list))
}
