// Package templates holds the pages of Sluice, its texts in English and Dutch, its static files, and the Go structs they are filled with.
// Call Load once at start; it refuses texts and templates that do not fit together. Then fill a Page and call Set.Render.
//
// # To add a page
//
//  1. templates/pages/NAME.html defines the template "content". Its dot is the *Page; the page's own struct is .Data. The layout writes the
//     h1 from Page.Title, the error summary, the notice and the back link, so content starts below them, with h2 as its first heading.
//  2. A struct, in the package that fills it, with one field for each thing the page shows; mostly components of this package.
//  3. templates/locales/en/AREA.yaml and templates/locales/nl/AREA.yaml: the same keys, with the same placeholders, in both. Keys are flat and
//     dotted ("signin.title"); all files of a language are read together, so an area has a file of its own and nobody waits for another.
//  4. A test in the package that fills the page renders it full and empty, in both languages, and hands it to pagetest.Check.
//
// A handler then says:
//
//	err := set.Render(w, "signin", templates.Page{
//		Lang: lang, Zone: zone, At: at, Site: site, Path: r.URL.RequestURI(),
//		Title:  templates.M("signin.title"),
//		Errors: faults, // in the order of the fields; a field finds its own by name
//		Data:   SignInPage{Email: templates.TextField{Name: "email", Label: templates.M("signin.email"), Value: typed}},
//	})
//
// and the template
//
//	{{define "content"}}<form method="post" novalidate>
//	{{put .Data.Email}}
//	<button class="button">{{t "signin.button"}}</button>
//	</form>{{end}}
//
// # Words
//
// A handler never translates: it hands over a Msg, and the page puts it into words. M(key, "Name", value, ...) is a text from the locale files,
// Text(name) is data as it is; Day, LastDay (of a half-open term), Moment (with the zone's label), Left ("12 days left"), Bytes and Number are
// times, sizes and counts. A text with {{.Count}} has the forms one and other and wants an int. Marked{M(...)} shows a text with its **bold**,
// `code` and [links](/path). Outside a page, Set.Voice says the same words.
//
// # Functions in templates
//
//	t KEY [NAME VALUE]...      a text                    rich KEY ...   a text with its markup
//	put X                      a component or message; nothing for nil
//	say X                      a message as plain text, for attributes
//	date, lastday, datetime T  days and moments          days UNTIL     the days left, in words
//	size N, count N            "1.24 GB", "1,234"        asset NAME     the address of a static file
//	document NAME              a Markdown text of locales/LANG/NAME.md
//
// No style and no script stands in a template: the content security policy allows neither
// (default-src 'self'; img-src 'self' data: is all that is needed).
//
// # Components
//
// Each is a struct, shown with {{put .}}. The page "components" (Page.ForComponents) shows all of them.
//
//   - Turn: whose turn it is, until when, and what happens next. On top of every page about a request, agreement or delivery.
//   - TaskList: what waits for somebody, with dates; the first page of every person. Steps: how far something has come.
//   - SummaryList: the facts of one thing, with links to change them; with a Title a card. Table: many things of one kind.
//   - TimeLine: who did what and when. TermMeter: a term and what is left of it. FileList: files with sizes and hashes.
//   - Status: one of the fixed words, as a coloured tag. New words are added to status.go and both status.yaml files.
//   - Notice: a message on the page. Page.Notice for the outcome of the last act. Inset and Details: asides.
//   - Page.Confirmation: the green panel after an act, with its reference and what happens next.
//   - AreYouSure: the whole form of a page of its own before what cannot be undone. Never a pop-up.
//   - TextField, TextArea, Select, Radios, Checkboxes, DateField, PasswordField, CodeField, FileField: put inside a form with novalidate; the
//     server says what is wrong, with 422 and Page.Errors. A FieldError names the field's Name, or its ID where that was given.
//   - Form: the whole of it, with its fields and its button. Section and Paragraph: headings and running text. With these the page "parts" shows
//     a simple page from a list of components, without a template of its own (PartsPage).
//   - Button, Link, Actions: Actions sets buttons and a cancel link in one row. One plain Button a page; the others "secondary" or "danger".
//   - Secret and QRCode: shown once. Empty: what a list says when it holds nothing. Pagination, Countdown, Lines, Code, Noted.
//
// # Texts of the foundation's own
//
// Load lays a folder over the built-in texts: locales/en/anything.yaml with the keys to replace, locales/nl/privacy.md and the like. A key that
// does not exist, or other placeholders, are refused at start with the name of the file.
package templates
