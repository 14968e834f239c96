package portal

import (
	"net/http"

	"sluice/infra/account"
	"sluice/templates"
)

// bothForms is a person's name, with its form in Latin letters where there is one.
func bothForms(p account.Person) templates.Msg {
	if p.Latin == "" {
		return templates.Text(p.Name)
	}
	return templates.M("account.name-both", "Name", p.Name, "Latin", p.Latin)
}

// namePage is where somebody corrects his own name. Staff is told who does it for them.
func (s *Server) namePage(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return v.show("parts", s.nameForm(v, v.blank("name", v.Session.Person.Name, "latin", v.Session.Person.Latin)))
}

func (s *Server) nameForm(v *visit, f *form) templates.Page {
	p := v.page(templates.M("account.name-title"))
	p.Section, p.Back = templates.M("account.nav"), &templates.Link{Href: "/account"}
	if v.Who.IsStaff() {
		return pageOf(p, text("account.name-staff"))
	}
	return formPage(p, f, templates.Form{
		Fields: append(f.nameFields("name"), v.codeField()),
		Submit: button("account.save"),
		Other:  []templates.Part{link("portal.cancel", "/account")},
	}, text("account.name-how"))
}

// nameFields ask for a name, and for its form in Latin letters.
func (f *form) nameFields(complete string) []templates.Part {
	return []templates.Part{
		f.input(templates.TextField{Name: "name", Label: templates.M("invitation.name"), Hint: templates.M("invitation.name-hint"), Autocomplete: complete}),
		f.input(templates.TextField{Name: "latin", Label: templates.M("licensee.add-latin"), Hint: templates.M("licensee.add-latin-hint"), Optional: true, Autocomplete: "off"}),
	}
}

// names reads what nameFields asked for.
func (f *form) names() (name, latin string) {
	name, latin = f.need("name", templates.M("account.name-bad")), f.text("latin")
	f.short("name", "latin")
	f.latin()
	f.printable("latin")
	return name, latin
}

func (s *Server) changeName(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	name, latin := f.names()
	err = v.prove(f, account.NameAct(v.Who.Person()), func(proof account.Proof) error {
		return s.cfg.Accounts.Rename(r.Context(), v.Who, proof, name, latin)
	})
	if err != nil {
		return err
	}
	if !f.ok() {
		return v.show("parts", s.nameForm(v, f))
	}
	if err := v.tell(templates.Success, "account.name-done"); err != nil {
		return err
	}
	return v.redirect("/account")
}
