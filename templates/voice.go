package templates

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Voice puts messages into words outside a page (mail, the API, a file name) in one language and zone, at one time.
type Voice struct{ v voice }

// Say is the message as plain text.
func (v Voice) Say(m Msg) (string, error) {
	if m == nil {
		return "", nil
	}
	return m.plain(&v.v)
}

// Voice speaks this language; an unknown language becomes English, a nil zone UTC.
func (s *Set) Voice(lang string, zone *time.Location, at time.Time) Voice {
	return Voice{s.words.voice(lang, zone, at)}
}

// voice is what turns a Msg into words: the messages of one language, the zone, and the time the page is made for.
type voice struct {
	words *catalog
	lang  string
	zone  *time.Location
	at    time.Time
}

func (c *catalog) voice(lang string, zone *time.Location, at time.Time) voice {
	if _, known := c.localizers[lang]; !known {
		lang = defaultLanguage
	}
	if zone == nil {
		zone = time.UTC
	}
	return voice{words: c, lang: lang, zone: zone, at: at}
}

// values resolves the argument pairs of a message with one function per kind of value.
func (v *voice) values(key string, args []any, show func(Msg) (string, error)) (map[string]any, *int, error) {
	if len(args)%2 != 0 {
		return nil, nil, fmt.Errorf("message %s: arguments are pairs of name and value, got %d", key, len(args))
	}
	data := make(map[string]any, len(args)/2)
	var plural *int
	for i := 0; i < len(args); i += 2 {
		name, ok := args[i].(string)
		if !ok {
			return nil, nil, fmt.Errorf("message %s: argument %d must be a placeholder's name, got %T", key, i, args[i])
		}
		m, err := asMsg(args[i+1])
		if err != nil {
			return nil, nil, fmt.Errorf("message %s, placeholder %s: %w", key, name, err)
		}
		if n, ok := m.(Number); ok && name == "Count" {
			count := int(n)
			plural = &count
		}
		if data[name], err = show(m); err != nil {
			return nil, nil, err
		}
	}
	return data, plural, nil
}

// asMsg accepts what templates and handlers may hand over as a value. A bare time is refused: it does not say whether the day, the
// last day of a term or the moment is meant, and the three differ.
func asMsg(value any) (Msg, error) {
	switch x := value.(type) {
	case nil:
		return Text(""), nil
	case Msg:
		return x, nil
	case string:
		return Text(x), nil
	case int:
		return Number(x), nil
	case int64:
		return Number(x), nil
	case Status:
		return x.word(), nil
	}
	return nil, fmt.Errorf("a %T cannot be put into words; use Text, M, Day, LastDay, Moment, Left, Bytes or Number", value)
}

func (v *voice) say(key string, args []any) (string, error) {
	data, plural, err := v.values(key, args, func(m Msg) (string, error) { return m.plain(v) })
	if err != nil {
		return "", err
	}
	return v.words.localize(v.lang, key, data, plural)
}

// sayHTML fills the message with markers, escapes and marks up the message, and only then puts the values in: whatever a value
// holds, it cannot become markup.
func (v *voice) sayHTML(key string, args []any, marked bool) (template.HTML, error) {
	var plain, rich []string
	data, plural, err := v.values(key, args, func(m Msg) (string, error) {
		p, err := m.plain(v)
		if err != nil {
			return "", err
		}
		h, err := m.html(v)
		if err != nil {
			return "", err
		}
		marker := "\x02" + strconv.Itoa(len(plain)) + "\x03"
		plain, rich = append(plain, marker, p), append(rich, marker, string(h))
		return marker, nil
	})
	if err != nil {
		return "", err
	}
	text, err := v.words.localize(v.lang, key, data, plural)
	if err != nil {
		return "", err
	}
	text = template.HTMLEscapeString(text)
	if marked {
		text = markup(text, strings.NewReplacer(plain...))
	}
	return template.HTML(strings.NewReplacer(rich...).Replace(text)), nil
}

// months are message keys, so that a test finds them used.
var months = [...]string{"", "month.1", "month.2", "month.3", "month.4", "month.5", "month.6", "month.7", "month.8", "month.9",
	"month.10", "month.11", "month.12"}

func (v *voice) date(t time.Time) (string, error) {
	if t.IsZero() {
		return v.say("common.none", nil)
	}
	t = t.In(v.zone)
	month, err := v.say(months[t.Month()], nil)
	return fmt.Sprintf("%d %s %d", t.Day(), month, t.Year()), err
}

// zones are the places whose time has a name of its own; others are named after their city.
var zones = map[string]string{"Europe/Amsterdam": "zone.amsterdam", "UTC": "zone.utc"}

func (v *voice) zoneName(t time.Time) (string, error) {
	name := v.zone.String()
	if key, ok := zones[name]; ok {
		return v.say(key, nil)
	}
	city := strings.ReplaceAll(name[strings.LastIndexByte(name, '/')+1:], "_", " ")
	return v.say("zone.other", []any{"City", city})
}

func (v *voice) moment(t time.Time) (string, error) {
	if t.IsZero() {
		return v.say("common.none", nil)
	}
	day, err := v.date(t)
	if err != nil {
		return "", err
	}
	zone, err := v.zoneName(t)
	if err != nil {
		return "", err
	}
	local := t.In(v.zone)
	abbreviation, _ := local.Zone()
	return v.say("format.moment", []any{"Day", day, "Time", local.Format("15:04"), "Zone", zone, "Short", abbreviation})
}

// lastInstant belongs to the last day of a half-open term.
func lastInstant(until time.Time) time.Time {
	if until.IsZero() {
		return until
	}
	return until.Add(-1)
}

// daysBetween counts calendar days in the zone, so that a day with 23 or 25 hours is one day like any other.
func daysBetween(from, to time.Time, zone *time.Location) int {
	a, b := from.In(zone), to.In(zone)
	start := time.Date(a.Year(), a.Month(), a.Day(), 0, 0, 0, 0, time.UTC)
	end := time.Date(b.Year(), b.Month(), b.Day(), 0, 0, 0, 0, time.UTC)
	return int(end.Sub(start) / (24 * time.Hour))
}

func (v *voice) left(until time.Time) (string, error) {
	if until.IsZero() {
		return v.say("common.none", nil)
	}
	days := daysBetween(v.at, lastInstant(until), v.zone)
	switch {
	case !v.at.Before(until) && days == 0:
		return v.say("left.ended-today", nil)
	case !v.at.Before(until):
		return v.say("left.ended", []any{"Count", -days})
	case days == 0:
		return v.say("left.today", nil)
	case days == 1:
		return v.say("left.tomorrow", nil)
	}
	return v.say("left.days", []any{"Count", days})
}

func (v *voice) printer() *message.Printer { return message.NewPrinter(language.Make(v.lang)) }

func (v *voice) count(n int64) string { return v.printer().Sprintf("%d", n) }

var units = [...]string{"kB", "MB", "GB", "TB", "PB"}

func (v *voice) exactSize(n int64) (string, error) {
	return v.say("format.bytes", []any{"Count", Number(n)})
}

// size rounds to three figures at most ("1.24 GB", "12.4 GB", "124 GB"): enough to plan with, and never a false precision.
func (v *voice) size(n int64) (string, error) {
	if n < 1000 {
		return v.exactSize(n)
	}
	value, unit := float64(n)/1000, 0
	for value >= 999.5 && unit < len(units)-1 {
		value, unit = value/1000, unit+1
	}
	digits := 2
	if value >= 9.995 {
		digits = 1
	}
	if value >= 99.95 {
		digits = 0
	}
	text := v.printer().Sprintf("%.*f", digits, value)
	return text + "\u00a0" + units[unit], nil
}

func (v *voice) dayElement(t time.Time) (template.HTML, error) {
	text, err := v.date(t)
	if err != nil || t.IsZero() {
		return escaped(text), err
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.In(v.zone).Format(time.DateOnly), escaped(text))), nil
}

func (v *voice) momentElement(t time.Time) (template.HTML, error) {
	text, err := v.moment(t)
	if err != nil || t.IsZero() {
		return escaped(text), err
	}
	return template.HTML(fmt.Sprintf(`<time datetime="%s">%s</time>`, t.UTC().Format(time.RFC3339), escaped(text))), nil
}

func (v *voice) sizeElement(n int64) (template.HTML, error) {
	text, err := v.size(n)
	if err != nil || n < 1000 {
		return escaped(text), err
	}
	exact, err := v.exactSize(n)
	return template.HTML(fmt.Sprintf(`<abbr title="%s">%s</abbr>`, escaped(exact), escaped(text))), err
}

// passed is the share of the term that is over, in percent.
func passed(from, until, at time.Time) string {
	total := until.Sub(from)
	if total <= 0 {
		return "100"
	}
	share := min(1, max(0, float64(at.Sub(from))/float64(total)))
	return strconv.FormatFloat(100*share, 'f', 1, 64)
}
