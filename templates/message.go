package templates

import (
	"html/template"
	"time"
)

// Part is anything a page can show with {{put}}: a message, or one of the component structs of this package.
type Part interface {
	// part is the name of the component's template; empty for messages, which write themselves.
	part() string
}

// Msg is a piece of text that is put into words only when the page's language and zone are known, so handlers never ask for them.
// A nil Msg means "nothing", and templates leave out what would have surrounded it.
type Msg interface {
	Part
	plain(v *voice) (string, error)
	html(v *voice) (template.HTML, error)
}

// Text is shown as it is: names, numbers and other data that has no translation.
type Text string

// M is the message with this key from the locale files. The arguments are pairs of a placeholder's name and its value: a string,
// an int (written with local separators), a Status, or another Msg such as Day. The int called "Count" chooses the plural.
func M(key string, args ...any) Msg { return &keyed{key: key, args: args} }

type keyed struct {
	key  string
	args []any
}

// Day is a calendar day in the page's zone: "22 November 2026".
type Day time.Time

// LastDay is the last day of a half-open term that ends at this instant: midnight at the start of 1 January is shown as 31 December.
type LastDay time.Time

// Moment is a day and time with the zone's label: "22 November 2026, 17:00, Amsterdam time (CET)".
type Moment time.Time

// Left is the time until the end of a half-open term in words: "12 days left", "ends today", "ended 3 days ago".
type Left time.Time

// Bytes is a size in kB, MB, GB or TB (powers of ten), with the exact number at hand.
type Bytes int64

// Number is a count with the separators of the page's language.
type Number int64

// Marked is the message shown with its markup (**bold**, `code`, [label](destination)); values put into it stay plain text.
type Marked struct{ Msg Msg }

func (*keyed) part() string  { return "" }
func (Text) part() string    { return "" }
func (Day) part() string     { return "" }
func (LastDay) part() string { return "" }
func (Moment) part() string  { return "" }
func (Left) part() string    { return "" }
func (Bytes) part() string   { return "" }
func (Number) part() string  { return "" }
func (Marked) part() string  { return "" }

func (k *keyed) plain(v *voice) (string, error) { return v.say(k.key, k.args) }
func (t Text) plain(*voice) (string, error)     { return string(t), nil }
func (d Day) plain(v *voice) (string, error)    { return v.date(time.Time(d)) }
func (d LastDay) plain(v *voice) (string, error) {
	return v.date(lastInstant(time.Time(d)))
}
func (m Moment) plain(v *voice) (string, error) { return v.moment(time.Time(m)) }
func (l Left) plain(v *voice) (string, error)   { return v.left(time.Time(l)) }
func (b Bytes) plain(v *voice) (string, error)  { return v.size(int64(b)) }
func (n Number) plain(v *voice) (string, error) { return v.count(int64(n)), nil }
func (m Marked) plain(v *voice) (string, error) { return m.Msg.plain(v) }

func (k *keyed) html(v *voice) (template.HTML, error) { return v.sayHTML(k.key, k.args, false) }
func (t Text) html(*voice) (template.HTML, error)     { return escaped(string(t)), nil }
func (d Day) html(v *voice) (template.HTML, error)    { return v.dayElement(time.Time(d)) }
func (d LastDay) html(v *voice) (template.HTML, error) {
	return v.dayElement(lastInstant(time.Time(d)))
}
func (m Moment) html(v *voice) (template.HTML, error) { return v.momentElement(time.Time(m)) }
func (l Left) html(v *voice) (template.HTML, error)   { return escapedOr(l.plain(v)) }
func (b Bytes) html(v *voice) (template.HTML, error)  { return v.sizeElement(int64(b)) }
func (n Number) html(v *voice) (template.HTML, error) { return escapedOr(n.plain(v)) }
func (m Marked) html(v *voice) (template.HTML, error) {
	if k, ok := m.Msg.(*keyed); ok {
		return v.sayHTML(k.key, k.args, true)
	}
	return m.Msg.html(v)
}

func escaped(s string) template.HTML { return template.HTML(template.HTMLEscapeString(s)) }

func escapedOr(s string, err error) (template.HTML, error) { return escaped(s), err }
