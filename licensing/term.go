package licensing

import (
	"fmt"
	"time"
	_ "time/tzdata" // a host without zone files must not move the end of a term
)

// A Date is a day in the calendar, without a zone. Terms are agreed in dates.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// ParseDate reads 2027-12-31. The empty text is the zero Date.
func ParseDate(s string) (Date, error) {
	if s == "" {
		return Date{}, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%q is not a date like 2027-12-31", s)
	}
	return DateOf(t), nil
}

// DateOf is the day of an instant, in the zone that the instant carries.
func DateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// String is the form that ParseDate reads; "" for the zero Date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day)
}

// MarshalText writes the form of String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText reads the form of String.
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d, err = ParseDate(string(b))
	return err
}

// IsZero says that there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// Before says whether d is an earlier day than o.
func (d Date) Before(o Date) bool {
	if d.Year != o.Year {
		return d.Year < o.Year
	}
	if d.Month != o.Month {
		return d.Month < o.Month
	}
	return d.Day < o.Day
}

// AddDays is the day n days later.
func (d Date) AddDays(n int) Date {
	return DateOf(time.Date(d.Year, d.Month, d.Day+n, 12, 0, 0, 0, time.UTC))
}

// Start is the first instant of the day in a zone. Where the clocks skip midnight it is the instant after the gap, and
// where it comes twice the first of the two; time.Date promises neither.
func (d Date) Start(zone *time.Location) time.Time {
	start := time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, zone)
	if DateOf(start).Before(d) {
		_, start = start.ZoneBounds()
	} else if began, _ := start.ZoneBounds(); !began.IsZero() {
		// The same midnight by the offset before: it counts if that offset still held.
		_, now := start.Zone()
		_, before := began.Add(-time.Nanosecond).Zone()
		if first := start.Add(time.Duration(now-before) * time.Second); first.Before(began) && DateOf(first.In(zone)) == d {
			start = first
		}
	}
	return start.UTC()
}

// End is the instant at which the day is over: midnight after it. "Until 31 December" means until then.
func (d Date) End(zone *time.Location) time.Time { return d.AddDays(1).Start(zone) }

// A Term is a half-open span of time, [From, Until). The zero Term contains nothing.
type Term struct {
	From  time.Time `json:"from,omitzero"`
	Until time.Time `json:"until,omitzero"`
}

// Contains says whether an instant lies in the term.
func (t Term) Contains(at time.Time) bool {
	return !t.IsZero() && !at.Before(t.From) && at.Before(t.Until)
}

// IsZero says that the term contains nothing: it was never set, or it ends before it begins.
func (t Term) IsZero() bool { return t.From.IsZero() || !t.From.Before(t.Until) }

// Left is the time until the end; 0 when it has ended or the term is zero.
func (t Term) Left(at time.Time) time.Duration {
	if t.IsZero() || !at.Before(t.Until) {
		return 0
	}
	return t.Until.Sub(at)
}

// LastDay is the last day on which the term holds, in a zone: the date that was agreed.
func (t Term) LastDay(zone *time.Location) Date {
	if t.Until.IsZero() {
		return Date{}
	}
	return DateOf(t.Until.In(zone).Add(-time.Nanosecond))
}

// beginning is when a term begins: at the last signature, and not before the first instant of a stated day.
func beginning(signed time.Time, notBefore Date, zone *time.Location) time.Time {
	if notBefore.IsZero() {
		return signed
	}
	if start := notBefore.Start(zone); start.After(signed) {
		return start
	}
	return signed
}
