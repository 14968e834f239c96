package portal

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sluice/infra/account"
	"sluice/infra/db/dbtest"
	"sluice/licensing"
	"sluice/templates"
)

// everywhere are addresses of every staff page, with something on it.
func (o *office) everywhere(number string) []string {
	a := o.agreement(number)
	page, contact, person := "/requests/"+number, string(a.Contacts[0].ID), "/people/"+string(o.Steward.Person())
	paths := []string{"/", "/requests", "/requests?q=none", "/requests/new", page, page + "/revise", "/collections", "/collections/new", "/collections/CPCT",
		"/datasets/" + string(o.Data.ID), "/staff", "/staff/new", person, "/jobs", "/stop", "/log"}
	for _, act := range staffActs {
		amendment := "1" // of a contact; the second one is of a part
		if act.kind != "amendment.decided" {
			amendment = "2"
		}
		paths = append(paths, page+"/"+strings.NewReplacer("{contact}", contact, "{amendment}", amendment).Replace(act.path()))
	}
	for _, act := range personActs {
		paths = append(paths, person+"/"+act.name)
	}
	for _, kind := range queueOrder {
		paths = append(paths, "/queues/"+string(kind))
	}
	return paths
}

// askElsewhere has the signatory ask for a contact whom the desk must decide about.
func (o *office) askElsewhere(a licensing.Agreement) {
	o.t.Helper()
	contact := licensing.ContactInput{PersonInput: licensing.PersonInput{Name: "Eva Elders", Position: "Analyst", Email: "eva@elsewhere.example"}, Country: "NL"}
	proof := o.Act(o.signatory, "contact", "agreement:"+string(a.ID))
	if _, err := o.Registry.AskContact(o.t.Context(), o.signatory, proof, a.ID, contact, "Joins the project"); err != nil {
		o.t.Fatal(err)
	}
}

// everybody is somebody in every role of staff, so that every page is open.
func (o *office) everybody() account.Who {
	return o.Person("Ada van Alles", "ada@foundation.example", account.Roles...)
}

func TestEveryStaffPageIsSoundInBothLanguagesAtEveryStage(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	all := o.everybody()
	look := func(stage, number string, paths []string) {
		for _, lang := range templates.Languages {
			b := o.as(all).Prefer(lang).SetCookie("sluice-lang", lang)
			for _, path := range paths {
				t.Run(stage+" "+lang+" "+path, func(t *testing.T) {
					b.Get(path)
					if b.Status != 200 || b.Title() == "" || !strings.Contains(b.Body, `<html lang="`+lang+`"`) {
						t.Errorf("got %d %q: %s", b.Status, b.Title(), b.Text())
					}
				})
			}
		}
	}
	empty := []string{"/", "/requests", "/collections", "/staff", "/jobs", "/log?kind=none", "/queues/sign"}
	look("empty", "", empty)

	number := o.record("licensee.country", "US", "contacts.0.name", "محمد بن سلمان", "contacts.0.latin", "Mohammed bin Salman")
	page := "/requests/" + number
	look("recorded", number, []string{"/", "/requests", page, page + "/approve", page + "/scope", page + "/refuse", page + "/withdraw", page + "/revise"})

	number, a := o.inForce()
	o.askElsewhere(a)
	o.proposeParty(a)
	o.WorkOff()
	look("in force", number, o.everywhere(number))
	b := o.as(o.Desk).Get("/requests/" + number + "/stop")
	b.Submit("Stop everything now").Want(200, number)
	o.decide(o.Desk, "/requests/"+number+"/terminate", "Propose to terminate", "reason", "<b>Bold</b> & sons").Want(200, number).Sees("<b>Bold</b> & sons")
	look("stopped", number, o.everywhere(number))
	o.decide(o.Second, "/requests/"+number+"/second", "Confirm, and do it").Want(200, number)
	o.WorkOff()
	look("terminated", number, o.everywhere(number))
}

func TestARoleReachesItsOwnPagesAndNoOthers(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number, a := o.inForce()
	o.askElsewhere(a)
	o.proposeParty(a)
	people := map[account.Role]account.Who{account.Desk: o.Desk, account.Steward: o.Steward, account.Representative: o.Rep, account.Auditor: o.Auditor, account.Operator: o.Operator}
	if len(people) != len(account.Roles) {
		t.Fatal("a role has nobody in this test")
	}
	swept := 0
	for _, path := range o.everywhere(number) {
		if strings.Contains(path, "?") || path == "/" {
			continue
		}
		rt := o.routeOf(path)
		if rt == nil {
			t.Errorf("no route answers %s", path)
			continue
		}
		for role, who := range people {
			swept++
			want := 404
			if slices.Contains(rt.roles, role) {
				want = 200
			}
			if got := o.ask(http.MethodGet, path, "", "Cookie", "sluice="+o.cookie(who)).Code; got != want {
				t.Errorf("%s opens %s: got %d, want %d", role, path, got, want)
			}
			if want == 404 {
				if got := o.ask(http.MethodPost, path, "rev=1", "Cookie", "sluice="+o.cookie(who)).Code; got != 404 {
					t.Errorf("%s posts to %s: got %d, want 404", role, path, got)
				}
			}
		}
		for _, who := range []account.Who{o.applicant, o.signatory} {
			if got := o.ask(http.MethodGet, path, "", "Cookie", "sluice="+o.cookie(who)).Code; got != 404 {
				t.Errorf("somebody of the licensee opens %s: got %d", path, got)
			}
		}
	}
	if swept < 200 {
		t.Errorf("only %d pages were tried", swept)
	}
}

// cookie is the session of somebody, made anew if it has idled away.
func (o *office) cookie(who account.Who) string {
	o.as(who)
	return o.Cookies[who.Person()]
}

// routeOf finds the staff route that answers a path.
func (o *office) routeOf(path string) *route {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	mux := http.NewServeMux()
	found := map[string]*route{}
	for _, rt := range o.server.routes {
		if rt.access == accessStaff && rt.method == http.MethodGet {
			mux.Handle(rt.pattern(), http.NotFoundHandler())
			found[rt.pattern()] = rt
		}
	}
	_, pattern := mux.Handler(r)
	return found[pattern]
}

func TestNoActGoesThroughWithoutItsCodeOrItsReason(t *testing.T) {
	d, clock := dbtest.Fresh(t)
	o := newOffice(t, d, clock)
	number, a := o.inForce()
	tried := 0
	for _, act := range staffActs {
		if !act.code || act.aim != nil || act.subject != nil {
			continue
		}
		path := "/requests/" + number + "/" + act.path()
		b := o.as(o.Desk).Get(path)
		if strings.Contains(b.Text(), "This cannot be done now") {
			continue
		}
		tried++
		rev := regexp.MustCompile(`name="rev" value="([^"]+)"`).FindStringSubmatch(b.Body)[1]
		for _, values := range []url.Values{{"rev": {rev}, "reason": {"Because"}}, {"rev": {rev}, "reason": {"Because"}, "code": {"000000"}}, {"rev": {rev}, "code": {"123456"}}} {
			if got := b.Post(path, values).Status; got != 422 {
				t.Errorf("%s with %v: got %d, want 422", act.name, values, got)
			}
		}
		if got := b.Post(path, url.Values{"reason": {"Because"}, "code": {"000000"}}).Status; got != 409 {
			t.Errorf("%s without what it was made from: got %d, want 409", act.name, got)
		}
	}
	if tried < 2 {
		t.Errorf("only %d acts were tried", tried)
	}
	if after := o.agreement(number); after.Rev != a.Rev {
		t.Errorf("something changed: revision %d, then %d", a.Rev, after.Rev)
	}
}

func TestTheTablesOfWordsCoverWhatThereIs(t *testing.T) {
	pages, err := templates.Load(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{}
	s.cfg.Pages = pages
	d, _ := dbtest.Fresh(t)
	s.cfg.DB, s.zone = d, d.Now().Location()
	has := func(m templates.Msg, what string) {
		t.Helper()
		if !s.hasWords(m) {
			t.Errorf("%s has no words", what)
		}
	}
	for _, kind := range knownEvents {
		has(eventWord(kind), kind)
	}
	for _, kind := range knownLetters {
		has(letterWord(kind), kind)
	}
	for _, key := range licensing.MessageKeys() {
		family, rest, _ := strings.Cut(key, ".")
		switch family {
		case "timeline":
			if !slices.Contains(knownEvents, rest) {
				t.Errorf("the event %s has no words", rest)
			}
		case "task":
			has(templates.M("staff.turn."+rest), "the turn of "+rest)
			has(templates.M("staff.next."+rest), "what follows "+rest)
			has(templates.M("staff.task."+rest, "Number", "x"), "the task "+rest)
			has(templates.M("staff.queue."+rest, "Count", 2), "the queue "+rest)
			if !slices.Contains(queueOrder, licensing.TaskKind(rest)) {
				t.Errorf("the task %s stands in no queue", rest)
			}
		case "question":
			if !slices.Contains(questionKeys, key) {
				t.Errorf("the question %s has no words", key)
			}
		case "jurisdiction":
			if !slices.Contains(reasonKeys, rest) {
				t.Errorf("the reason %s has no words", key)
			}
		case "scope":
			if !slices.Contains(scopeKeys, key) {
				t.Errorf("the scope %s has no words", key)
			}
		}
	}
	for _, a := range licensing.Actions() {
		has(templates.M("staff.action."+string(a)), string(a))
		has(templates.M("staff.effect."+string(a)), string(a))
	}
	for _, st := range licensing.AgreementStates() {
		if st != licensing.InForce {
			has(templates.M("staff.rest."+string(st)), string(st))
		}
	}
	for _, act := range staffActs {
		name := "staff.act." + act.name
		keys := []string{".title", ".yes", ".done"}
		if act.aim == nil || act.name != "amendment" {
			keys = append(keys, ".offer")
		}
		if act.reason != "" {
			keys = append(keys, ".reason")
		}
		for _, k := range keys {
			has(templates.M(name+k, "Number", "x", "Contact", "x"), name+k)
		}
		for i := range act.means {
			has(templates.M(name+".means-"+itoa(i+1), "Number", "x", "Licensee", "x", "Contact", "x", "Variant", "x", "Name", "x", "Was", "x"), name)
		}
	}
}
