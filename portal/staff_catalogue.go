package portal

import (
	"net/http"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// title is a collection's in the reader's language.
func collectionTitle(c licensing.Collection, lang string) templates.Msg {
	title := c.TitleEN
	if lang == "nl" {
		title = c.TitleNL
	}
	if title == "" {
		return nil
	}
	return templates.Text(title)
}

func placementWord(p licensing.Placement) templates.Msg {
	return templates.M("staff.placement." + string(p))
}

func datasetTag(s licensing.DatasetState) templates.Status {
	if s == licensing.Imported {
		return templates.Available
	}
	return templates.Preparing
}

func (s *Server) collectionList(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var collections []licensing.Collection
	var sets []licensing.Dataset
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if collections, err = s.cfg.Registry.Collections(tx); err != nil {
			return err
		}
		sets, err = s.cfg.Registry.AllDatasets(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := v.page(templates.M("staff.collections.title"))
	shown := []templates.Part{}
	if v.Who.Has(account.Steward) {
		shown = append(shown, templates.Actions{templates.Button{Text: templates.M("staff.collections.new"), Href: "/collections/new"}})
	}
	t := templates.Table{Caption: templates.M("staff.collections.title"), QuietCaption: true, Columns: []templates.Column{{Text: templates.M("staff.collection")},
		{Text: templates.M("staff.placement")}, {Text: templates.M("staff.datasets"), Numeric: true}},
		Empty: &templates.Empty{Title: templates.M("staff.collections.none"), Body: templates.M("staff.collections.none-body")}}
	for _, c := range collections {
		n := 0
		for _, d := range sets {
			if d.Collection == c.ID {
				n++
			}
		}
		t.Rows = append(t.Rows, []templates.Part{templates.Noted{Main: templates.Link{Text: templates.Text(c.Name), Href: "/collections/" + c.Name}, Note: collectionTitle(c, v.Lang)},
			placementWord(c.Placement), templates.Number(n)})
	}
	return v.showParts(p, append(shown, t)...)
}

func (s *Server) newCollection(_ http.ResponseWriter, _ *http.Request, v *visit) error {
	return s.showNewCollection(v, v.blank("placement", string(licensing.Copied)))
}

func (s *Server) showNewCollection(v *visit, f *form) error {
	p := v.page(templates.M("staff.collection.new-title"))
	p.Back, p.Errors = toPage("/collections", templates.M("staff.collections.nav")), f.problems()
	return v.showParts(p, templates.Form{Fields: []templates.Part{
		f.input(templates.TextField{Name: "name", Label: templates.M("staff.collection.name"), Hint: templates.M("staff.collection.name-hint"), Width: "medium", Autocomplete: "off"}),
		f.input(templates.TextField{Name: "title-en", Label: templates.M("staff.collection.title-en")}),
		f.input(templates.TextField{Name: "title-nl", Label: templates.M("staff.collection.title-nl")}),
		f.radios(templates.Radios{Name: "placement", Label: templates.M("staff.placement"), Choices: []templates.Choice{
			{Value: string(licensing.Copied), Text: templates.M("staff.placement.copy"), Hint: templates.M("staff.placement.copy-hint")},
			{Value: string(licensing.Shared), Text: templates.M("staff.placement.shared"), Hint: templates.M("staff.placement.shared-hint")}}}),
	}, Submit: templates.Button{Text: templates.M("staff.collection.add")}, Other: []templates.Part{templates.Link{Text: templates.M("staff.cancel"), Href: "/collections"}}})
}

func (s *Server) addCollection(_ http.ResponseWriter, r *http.Request, v *visit) error {
	f, err := v.form()
	if err != nil {
		return err
	}
	c := licensing.Collection{Name: f.need("name", templates.M("staff.collection.name-missing")), TitleEN: f.need("title-en", templates.M("staff.collection.title-missing")),
		TitleNL:   f.need("title-nl", templates.M("staff.collection.title-missing")),
		Placement: licensing.Placement(f.choice("placement", templates.M("staff.collection.placement-missing"), string(licensing.Copied), string(licensing.Shared)))}
	if f.ok() {
		err := s.cfg.DB.Change(r.Context(), v.Who.Actor(), func(tx *db.Tx) error {
			_, err := s.cfg.Registry.AddCollection(tx, v.Who, c)
			return err
		})
		if err == nil {
			if err := v.tell(templates.Success, "staff.collection.done", "Name", c.Name); err != nil {
				return err
			}
			return v.redirect("/collections/" + c.Name)
		}
		if !f.refuse(err) {
			return err
		}
	}
	return s.showNewCollection(v, f)
}

func (s *Server) collectionPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var c licensing.Collection
	var sets []licensing.Dataset
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if c, err = s.cfg.Registry.CollectionNamed(tx, r.PathValue("name")); err != nil {
			return err
		}
		sets, err = s.cfg.Registry.AllDatasets(tx)
		return err
	})
	if err != nil {
		return err
	}
	p := v.page(templates.M("staff.collection.page", "Name", c.Name))
	p.Back, p.Caption = toPage("/collections", templates.M("staff.collections.nav")), collectionTitle(c, v.Lang)
	t := templates.Table{Caption: templates.M("staff.datasets"), Columns: []templates.Column{{Text: templates.M("staff.dataset-name")}, {Text: templates.M("staff.state")},
		{Text: templates.M("staff.files"), Numeric: true}, {Text: templates.M("staff.size"), Numeric: true}, {Text: templates.M("staff.added")}},
		Empty: &templates.Empty{Title: templates.M("staff.datasets.none"), Body: templates.M("staff.datasets.none-body", "Name", c.Name)}}
	for _, d := range sets {
		if d.Collection == c.ID {
			t.Rows = append(t.Rows, []templates.Part{templates.Link{Text: templates.Text(d.Name), Href: "/datasets/" + string(d.ID)}, datasetTag(d.State), templates.Number(d.Files),
				templates.Bytes(d.Bytes), templates.Day(d.Created)})
		}
	}
	return v.showParts(p, templates.SummaryList{Rows: []templates.SummaryRow{{Key: templates.M("staff.placement"), Value: placementWord(c.Placement)},
		{Key: templates.M("staff.added"), Value: templates.Moment(c.Created)}}}, t)
}

func (s *Server) datasetPage(_ http.ResponseWriter, r *http.Request, v *visit) error {
	var d licensing.Dataset
	var c licensing.Collection
	var kinds []delivery.KindOfFile
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) (err error) {
		if d, err = s.cfg.Registry.Dataset(tx, licensing.DatasetID(r.PathValue("id"))); err != nil {
			return err
		}
		if c, err = s.cfg.Registry.Collection(tx, d.Collection); err != nil {
			return err
		}
		kinds, err = s.cfg.Depot.Kinds(tx, d.ID)
		return err
	})
	if err != nil {
		return err
	}
	p := v.page(templates.M("staff.dataset.page", "Name", d.Name))
	p.Tag, p.Caption = datasetTag(d.State), collectionTitle(c, v.Lang)
	p.Back = toPage("/collections/"+c.Name, templates.Text(c.Name))
	t := templates.Table{Caption: templates.M("staff.kinds"), Columns: []templates.Column{{Text: templates.M("staff.kind")}, {Text: templates.M("staff.files"), Numeric: true}, {Text: templates.M("staff.size"), Numeric: true}},
		Empty: &templates.Empty{Title: templates.M("staff.kinds.none")}}
	for _, k := range kinds {
		t.Rows = append(t.Rows, []templates.Part{templates.Text(k.Kind), templates.Number(k.Files), templates.Bytes(k.Bytes)})
	}
	shown := []templates.Part{templates.SummaryList{Rows: []templates.SummaryRow{
		{Key: templates.M("staff.collection"), Value: templates.Link{Text: templates.Text(c.Name), Href: "/collections/" + c.Name}},
		{Key: templates.M("staff.files"), Value: templates.Number(d.Files)}, {Key: templates.M("staff.size"), Value: templates.Bytes(d.Bytes)},
		{Key: templates.M("staff.placement"), Value: placementWord(c.Placement)}, {Key: templates.M("staff.added"), Value: templates.Moment(d.Created)}}}, t}
	if d.State == licensing.Importing {
		shown = append([]templates.Part{templates.Notice{Tone: templates.Info, Title: templates.M("staff.dataset.importing"), Body: templates.M("staff.dataset.importing-body")}}, shown...)
	} else {
		shown = append(shown, templates.Inset{Body: templates.M("staff.dataset.fixed")})
	}
	return v.showParts(p, shown...)
}
