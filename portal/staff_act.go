package portal

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// A staffAct is something that staff does to a request or its agreement, on a page of its own that says what it means.
// Its words are the texts "staff.act.NAME.…".
type staffAct struct {
	name   string
	at     string // the path below the request, where it is not the name
	kind   string // the event, as the rules of licensing name it
	code   bool   // a fresh code is asked for
	reason string // "needed", "optional", or "" where none is asked for
	calm   bool   // binds, and destroys nothing
	urgent bool   // goes ahead whatever has changed since the page was opened
	files  bool   // takes a file
	means  int    // how many consequences the texts hold
	// effect is one more consequence, that depends on what is there; nil: none.
	effect func(t *target) templates.Msg
	// subject is what the code is given for; nil: the agreement.
	subject func(t *target) string
	// aim finds what the act is about beside the agreement; nil: nothing.
	aim func(t *target, r *http.Request) error
	// try says why it cannot be done now, by the pure rules.
	try func(t *target, by account.PersonID) error
	// about are components that stand before the form, and fields are its own fields.
	about  func(s *Server, t *target, v *visit) []templates.Part
	fields func(t *target, f *form) []templates.Part
	read   func(t *target, f *form)
	do     func(s *Server, ctx context.Context, v *visit, t *target, proof account.Proof, f *form) error
}

// A target is what an act is done to.
type target struct {
	*staffCase
	a         licensing.Agreement
	contact   licensing.Contact
	amendment licensing.Amendment
	now       licensing.Outcome // of the jurisdictions, today
	kept      bool              // a stop, by the journal and not yet by the log
}

// pretended stands for the reason in a rehearsal, where nobody has written one yet.
var pretended = licensing.Note{ID: "pretended"}

func (a staffAct) path() string {
	if a.at != "" {
		return a.at
	}
	return a.name
}

// roles are those of the rule: the same table decides who sees the page and who may do it.
func (a staffAct) roles() []account.Role {
	roles := []account.Role{account.Desk}
	if licensing.May([]licensing.Role{licensing.AsStaffSigner}, a.kind) {
		roles = append(roles, account.Representative)
	}
	return roles
}

// aimAt loads what an act is about. For who may not do it, it is not there.
func (s *Server) aimAt(act staffAct, v *visit, r *http.Request) (*target, error) {
	c, err := s.loadCase(r.Context(), v, r.PathValue("number"))
	if err != nil {
		return nil, err
	}
	if !c.may(act.kind) {
		return nil, account.ErrNotAllowed
	}
	t := &target{staffCase: c, now: s.outcomeNow(c.Request.Content, c.contacts(), c.Request.Scopes, v)}
	t.a, _ = c.agreement()
	if act.subject == nil && t.a.ID == "" {
		return nil, errNowhere
	}
	if act.aim != nil {
		err = act.aim(t, r)
	}
	return t, err
}

// actPage asks whether somebody is sure, or says why it cannot be done now.
func (s *Server) actPage(act staffAct) handler {
	return func(_ http.ResponseWriter, r *http.Request, v *visit) error {
		t, err := s.aimAt(act, v, r)
		if err != nil {
			return err
		}
		return s.showAct(act, v, t, v.blank())
	}
}

func (s *Server) showAct(act staffAct, v *visit, t *target, f *form) error {
	name := "staff.act." + act.name
	p := v.page(templates.M(name+".title", "Number", t.Request.Number))
	p.Section, p.Caption, p.Tag = templates.M("staff.request.section", "Number", t.Request.Number), templates.Text(t.Request.Content.Licensee.Name), t.state()
	p.Back = toPage(t.path(), templates.M("staff.back-request", "Number", t.Request.Number))
	var shown []templates.Part
	if act.about != nil {
		shown = act.about(s, t, v)
	}
	if err := act.try(t, v.Who.Person()); err != nil && f.ok() {
		var refused *licensing.RefusedError
		if !errors.As(err, &refused) {
			return err
		}
		return v.showParts(p, append([]templates.Part{templates.Notice{Tone: templates.Warning, Title: templates.M("staff.not-now"), Body: s.refusal(refused),
			Actions: []templates.Link{*p.Back}}}, shown...)...)
	}
	p.Errors = f.problems()
	sure := templates.AreYouSure{Action: t.path(act.pathOf(t)), Files: act.files, Calm: act.calm, Yes: templates.M(name + ".yes"),
		Hidden: []templates.Hidden{{Name: "rev", Value: t.rev()}}, Cancel: templates.Link{Text: templates.M("staff.cancel"), Href: t.path()}}
	if act.effect != nil {
		sure.Consequences = append(sure.Consequences, act.effect(t))
	}
	for i := range act.means {
		sure.Consequences = append(sure.Consequences, templates.M(name+".means-"+string(rune('1'+i)), act.words(t)...))
	}
	if act.fields != nil {
		sure.Fields = append(sure.Fields, act.fields(t, f)...)
	}
	if act.reason != "" {
		sure.Fields = append(sure.Fields, f.area(templates.TextArea{Name: "reason", Label: templates.M("staff.reason"),
			Hint: templates.M(name + ".reason"), Optional: act.reason == "optional", Rows: 4}))
	}
	if act.code {
		sure.Fields = append(sure.Fields, v.codeField())
	}
	return v.showParts(p, append(shown, sure)...)
}

// words are what the texts of an act may name.
func (a staffAct) words(t *target) []any {
	s := t.amendment.Succession
	return []any{"Number", t.Request.Number, "Licensee", t.Request.Content.Licensee.Name, "Contact", t.contact.Name,
		"Variant", variantWord(t.now.Variant), "People", len(t.contacts()), "Name", s.Party.Name, "Was", t.a.Party(s.Part).Name}
}

// pathOf is the path of an act on this target.
func (a staffAct) pathOf(t *target) string {
	return strings.NewReplacer("{contact}", string(t.contact.ID), "{amendment}", strconv.Itoa(t.amendment.Number)).Replace(a.path())
}

// actDone does it. What has changed since the page was opened is told before the code is used up.
func (s *Server) actDone(act staffAct) handler {
	return func(_ http.ResponseWriter, r *http.Request, v *visit) error {
		f, err := v.form()
		if err != nil {
			return err
		}
		t, err := s.aimAt(act, v, r)
		if err != nil {
			return err
		}
		if !act.urgent && f.text("rev") != t.rev() {
			return db.ErrConflict
		}
		if act.read != nil {
			act.read(t, f)
		}
		if act.reason == "needed" {
			f.need("reason", templates.M("staff.reason-missing"))
		}
		f.note("reason")
		f.note("code")
		if err := act.try(t, v.Who.Person()); err != nil {
			if !f.refuse(err) {
				return err
			}
		}
		if f.ok() {
			if err = s.perform(act, v, r, t, f); err == nil {
				return s.told(v, act, t)
			}
			if err = s.overtaken(v, r, t, act, err); !f.refuse(err) {
				return err
			}
		}
		return s.showAct(act, v, t, f)
	}
}

func (s *Server) perform(act staffAct, v *visit, r *http.Request, t *target, f *form) (err error) {
	var proof account.Proof
	if act.code {
		subject := "agreement:" + string(t.a.ID)
		if act.subject != nil {
			subject = act.subject(t)
		}
		if proof, err = v.confirm(r, account.Act{Kind: "decide", Subject: subject}); err != nil {
			return err
		}
	}
	return act.do(s, r.Context(), v, t, proof, f)
}

// overtaken turns a refusal into a conflict when somebody else was first: of two who press at once, the second reads that
// the first has done it, not that his own form is wrong.
func (s *Server) overtaken(v *visit, r *http.Request, t *target, act staffAct, err error) error {
	var refused *licensing.RefusedError
	if !errors.As(err, &refused) {
		return err
	}
	now, failed := s.loadCase(r.Context(), v, r.PathValue("number"))
	if failed == nil && now.rev() != t.rev() {
		return db.ErrConflict
	}
	return err
}

func (s *Server) told(v *visit, act staffAct, t *target) error {
	tone, key := templates.Success, "staff.act."+act.name+".done"
	if t.kept {
		tone, key = saidOf(t.kept)
	}
	if err := v.tell(tone, key, "Number", t.Request.Number, "Contact", t.contact.Name); err != nil {
		return err
	}
	return v.redirect(t.path())
}

func requestSubject(t *target) string   { return "request:" + string(t.Request.ID) }
func amendmentSubject(t *target) string { return "amendment:" + string(t.amendment.ID) }

func aimContact(t *target, r *http.Request) error {
	c, ok := t.a.Contact(licensing.ContactID(r.PathValue("contact")))
	if !ok {
		return errNowhere
	}
	t.contact = c
	return nil
}

func aimAmendment(t *target, r *http.Request) error {
	i := slices.IndexFunc(t.a.Amendments, func(m licensing.Amendment) bool { return strconv.Itoa(m.Number) == r.PathValue("amendment") })
	if i < 0 {
		return errNowhere
	}
	t.amendment = t.a.Amendments[i]
	t.contact, _ = t.a.Contact(t.amendment.Contact)
	return nil
}
