package portal

import "sluice/templates"

// pageOf puts components on a page, one after another.
func pageOf(p templates.Page, parts ...templates.Part) templates.Page {
	p.Data = templates.PartsPage{Parts: parts}
	return p
}

// formPage puts a form on a page, with what stands before it, and what is wrong with it on top.
func formPage(p templates.Page, f *form, shown templates.Form, before ...templates.Part) templates.Page {
	if p.Errors = f.problems(); len(p.Errors) > 0 {
		p.Notice = nil
	}
	return pageOf(p, append(before, shown)...)
}

// text is a paragraph.
func text(key string, args ...any) templates.Part {
	return templates.Paragraph{Body: templates.M(key, args...)}
}

// section is a heading with what stands under it. The id is for links to it.
func section(id string, title templates.Msg, parts ...templates.Part) templates.Part {
	return templates.Section{ID: id, Title: title, Parts: parts}
}

// button is the main act of a form.
func button(key string) templates.Button { return templates.Button{Text: templates.M(key)} }

// link leads somewhere.
func link(key, to string) templates.Link { return templates.Link{Text: templates.M(key), Href: to} }
