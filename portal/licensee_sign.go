package portal

import (
	"net/http"

	"sluice/infra/account"
	"sluice/licensing"
	"sluice/templates"
)

// signPage asks for a signature under the version that it names.
func (s *Server) signPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.signed")
	if err != nil {
		return err
	}
	if w.state() != licensing.Signing || w.signed() {
		return v.redirect(s.afterSigning(w))
	}
	return v.show("parts", s.signForm(v, w, v.blank("position", w.a.Party(w.part()).Position)))
}

// afterSigning is where somebody belongs who cannot sign: at what he signed, or at how the agreement stands.
func (s *Server) afterSigning(w agreementView) string {
	if w.signed() {
		return w.path("/signed")
	}
	return w.path("")
}

func (s *Server) signForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.sign-title", "Number", w.a.Number))
	p.Errors = f.problems()
	mine := w.part()
	content := w.page.Request.Content
	shown := templates.SummaryList{Rows: []templates.SummaryRow{
		{Key: templates.M("licensee.text"), Value: templates.M("licensee.version", "Version", w.a.Version),
			Actions: []templates.Link{{Text: templates.M("licensee.read"), Href: w.versionPath("")}, {Text: templates.M("licensee.pdf"), Href: w.versionPath(".pdf"), Download: true}}},
		{Key: templates.M("licensee.sha256-of"), Value: templates.Code(w.a.SHA256)},
		{Key: templates.M("licensee.project"), Value: templates.Text(content.Title)},
		{Key: templates.M("licensee.licensee"), Value: templates.Text(content.Licensee.Name)},
		{Key: templates.M("licensee.until"), Value: templates.LastDay(w.a.Until.End(w.zone))},
		{Key: templates.M("licensee.sign-as"), Value: templates.M("licensee.as-" + string(mine))},
	}}
	consequences := []templates.Msg{templates.M("licensee.sign-means-" + string(mine)), templates.M("licensee.sign-means-hash"), templates.M("licensee.sign-means-last")}
	sure := templates.AreYouSure{Action: w.path("/sign"), Consequences: consequences, Calm: true,
		Hidden: []templates.Hidden{{Name: "sha256", Value: w.a.SHA256}},
		Fields: []templates.Part{
			f.input(templates.TextField{Name: "name", Label: templates.M("licensee.sign-name"), Hint: templates.M("licensee.sign-name-hint", "Name", w.a.Party(mine).Name), Autocomplete: "name"}),
			f.input(templates.TextField{Name: "position", Label: templates.M("licensee.sign-position"), Autocomplete: "organization-title"}),
			f.boxes(templates.Checkboxes{Name: "authority", Label: templates.M("licensee.sign-authority"),
				Choices: []templates.Choice{{Value: "yes", Text: v.authority(w)}}}),
			v.codeField(),
		},
		Yes: templates.M("licensee.sign-yes"), Cancel: templates.Link{Text: templates.M("licensee.act-decline"), Href: w.path("/decline")}}
	return pageOf(p, leading(templates.M("licensee.sign-lead")), w.turnWithout(), shown, sure)
}

// turnWithout is whose turn it is, on the page where the act itself is done.
func (w agreementView) turnWithout() templates.Turn {
	t := w.turn()
	t.Act = nil
	return t
}

// authority is the statement that the signer may sign, in his part.
func (v *visit) authority(w agreementView) templates.Msg {
	return templates.M("licensee.authority-"+string(w.part()), "Licensee", w.page.Request.Content.Licensee.Name, "Foundation", v.server.cfg.Foundation)
}

// sign signs. When the text has changed since the page was made, nothing is signed, no code is used up, and the page says so.
func (s *Server) sign(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.signed")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if w.signed() { // sent twice
		return v.redirect(w.path("/signed"))
	}
	if w.state() != licensing.Signing {
		if err := v.tell(templates.Warning, "licensee.sign-not-now"); err != nil {
			return err
		}
		return v.redirect(w.path(""))
	}
	if f.raw("sha256") != w.a.SHA256 {
		f.values.Del("authority") // it was given for another text
		f.fail("", templates.M("licensee.sign-changed", "Version", w.a.Version))
		return v.show("parts", s.signForm(v, w, f))
	}
	in := licensing.SignatureInput{Part: w.part(), SHA256: w.a.SHA256,
		Name: f.need("name", templates.M("licensee.sign-name-missing")), Position: f.need("position", templates.M("licensee.sign-position-missing"))}
	if !f.has("authority", "yes") {
		f.fail("authority", templates.M("licensee.sign-authority-missing"))
	}
	f.short("name", "position")
	if in.Authority, err = s.cfg.Pages.Voice(v.Lang, s.zone, v.At).Say(v.authority(w)); err != nil {
		return err
	}
	err = v.prove(f, account.Act{Kind: "sign", Subject: "agreement:" + string(w.a.ID)}, func(proof account.Proof) error {
		return s.cfg.Registry.Sign(r.Context(), v.Who, proof, w.a.ID, in)
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		if w, err = s.agreementFor(r, v, "agreement.signed"); err != nil {
			return err
		}
		if w.signed() || w.state() != licensing.Signing {
			return v.redirect(s.afterSigning(w)) // the same form came twice, and the other one was first
		}
		return v.show("parts", s.signForm(v, w, f))
	}
	return v.redirect(w.path("/signed"))
}

// prove asks for the fresh code of a form, when the rest of it is right, and does the act with it. What is wrong with the
// form stands in the form then; an error is for the error page.
func (v *visit) prove(f *form, act account.Act, do func(account.Proof) error) error {
	f.note("code")
	if !f.ok() {
		return nil
	}
	proof, err := v.confirm(v.r, act)
	if err == nil {
		err = do(proof)
	}
	if err != nil && f.refuse(err) {
		return nil
	}
	return err
}

// The most characters of a line and of a longer text that somebody types.
const (
	mostLine = 200
	mostText = 4000
)

// short refuses lines that are longer than any name.
func (f *form) short(names ...string) { f.within(mostLine, names...) }

func (f *form) within(most int, names ...string) {
	for _, name := range names {
		if n := len([]rune(f.text(name))); n > most {
			f.fail(name, templates.M("licensee.too-long", "Most", most))
		}
	}
}

// signedPage says what was signed and what happens next. It can be opened again.
func (s *Server) signedPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.signed")
	if err != nil {
		return err
	}
	if !w.signed() {
		return v.redirect(w.path(""))
	}
	p := v.agreementShell(w, templates.M("licensee.signed-title"))
	c := &templates.Confirmation{Title: p.Title, ReferenceLabel: templates.M("licensee.reference"), Reference: w.a.Number,
		Actions: []templates.Part{templates.Button{Text: templates.M("licensee.act-open"), Href: w.path("")},
			templates.Link{Text: templates.M("licensee.pdf-get"), Href: w.versionPath(".pdf"), Download: true}}}
	if len(w.a.Missing()) > 0 {
		next := templates.M("licensee.signed-wait", "Who", w.missing())
		if due := w.due(licensing.TaskSign); !due.IsZero() {
			next = templates.M("licensee.signed-wait-until", "Who", w.missing(), "Day", templates.LastDay(due))
		}
		c.Next = []templates.Msg{next, templates.M("licensee.signed-then")}
	} else {
		c.Next = []templates.Msg{templates.M("licensee.signed-all"), templates.M("licensee.signed-prepare"), templates.M("licensee.signed-end", "Day", templates.LastDay(w.a.Term.Until))}
	}
	p.Confirmation = c
	return v.show("parts", pageOf(p))
}

func (s *Server) declinePage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.declined")
	if err != nil {
		return err
	}
	if w.state() != licensing.Signing {
		return v.redirect(w.path(""))
	}
	return v.show("parts", s.declineForm(v, w, v.blank()))
}

func (s *Server) declineForm(v *visit, w agreementView, f *form) templates.Page {
	p := v.agreementShell(w, templates.M("licensee.decline-title", "Number", w.a.Number))
	p.Errors = f.problems()
	return pageOf(p, templates.AreYouSure{Action: w.path("/decline"),
		Consequences: []templates.Msg{templates.M("licensee.decline-means-1"), templates.M("licensee.decline-means-2"), templates.M("licensee.decline-means-3")},
		Hidden:       []templates.Hidden{{Name: "sha256", Value: w.a.SHA256}},
		Fields:       []templates.Part{f.area(templates.TextArea{Name: "reason", Label: templates.M("licensee.decline-reason"), Hint: templates.M("licensee.decline-reason-hint"), MaxLength: mostText})},
		Yes:          templates.M("licensee.decline-yes"), Cancel: templates.Link{Text: templates.M("licensee.decline-no"), Href: w.path("/sign")}})
}

// decline sends the agreement back to the desk. It declines the version that was shown and no other.
func (s *Server) decline(_ http.ResponseWriter, r *http.Request, v *visit) error {
	w, err := s.agreementFor(r, v, "agreement.declined")
	if err != nil {
		return err
	}
	f, err := v.form()
	if err != nil {
		return err
	}
	if w.state() != licensing.Signing || f.raw("sha256") != w.a.SHA256 {
		if err := v.tell(templates.Warning, "licensee.decline-not-now"); err != nil {
			return err
		}
		return v.redirect(w.path(""))
	}
	reason := f.need("reason", templates.M("licensee.decline-reason-missing"))
	f.within(mostText, "reason")
	if f.ok() {
		err := s.cfg.Registry.Decline(r.Context(), v.Who, w.a.ID, w.part(), reason)
		if err == nil {
			if err := v.tell(templates.Success, "licensee.declined"); err != nil {
				return err
			}
			return v.redirect(w.path(""))
		}
		if !f.refuse(err) {
			return err
		}
	}
	return v.show("parts", s.declineForm(v, w, f))
}
