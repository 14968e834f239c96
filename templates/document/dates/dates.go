// Package dates writes days and instants the way a reader expects them, always with the zone they hold in.
package dates

import (
	"fmt"
	"time"
)

// Day is a calendar day without a time, written 2027-12-31.
type Day string

var months = map[string][12]string{
	"en": {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"},
	"nl": {"januari", "februari", "maart", "april", "mei", "juni", "juli", "augustus", "september", "oktober", "november", "december"},
}

// In writes the day in a language: 31 December 2027, 31 december 2027.
func (d Day) In(lang string) (string, error) {
	t, err := time.Parse(time.DateOnly, string(d))
	if err != nil {
		return "", fmt.Errorf("%q is not a day: write it as 2027-12-31", string(d))
	}
	return long(t, lang)
}

// DayOf is the calendar day that the instant falls on in the zone.
func DayOf(at time.Time, zone string) (Day, error) {
	local, err := in(at, zone)
	if err != nil {
		return "", err
	}
	return Day(local.Format(time.DateOnly)), nil
}

// LastDay is the last whole or partial day of a term that ends just before the given instant: a term until midnight
// between 31 December and 1 January has 31 December as its last day.
func LastDay(until time.Time, zone string) (Day, error) {
	return DayOf(until.Add(-time.Nanosecond), zone)
}

// Instant writes an instant to the second with its zone: 31 December 2027, 14:05:09 (Europe/Amsterdam, UTC+01:00).
// The offset stands beside the zone's name because the hour at the end of summer time occurs twice.
func Instant(at time.Time, zone, lang string) (string, error) {
	local, err := in(at, zone)
	if err != nil {
		return "", err
	}
	day, err := long(local, lang)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s (%s, UTC%s)", day, local.Format("15:04:05"), zone, local.Format("-07:00")), nil
}

// Moment writes an instant to the minute: 31 December 2027, 14:05 (Europe/Amsterdam).
func Moment(at time.Time, zone, lang string) (string, error) {
	local, err := in(at, zone)
	if err != nil {
		return "", err
	}
	day, err := long(local, lang)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s, %s (%s)", day, clock(local, lang), zone), nil
}

// Until writes the end of a term or the latest moment to act, so that it reads well behind "at" and "by" in English and
// behind "op" and "uiterlijk" in Dutch. Midnight is named as the end of the day before, since "1 January, 00:00" is read
// as a day more than there is.
func Until(at time.Time, zone, lang string) (string, error) {
	local, err := in(at, zone)
	if err != nil {
		return "", err
	}
	midnight := local.Hour() == 0 && local.Minute() == 0 && local.Second() == 0
	if midnight {
		local = local.Add(-time.Nanosecond)
	}
	day, err := long(local, lang)
	if err != nil {
		return "", err
	}
	switch {
	case midnight && lang == "nl":
		return fmt.Sprintf("%s, 24.00 uur (%s)", day, zone), nil
	case midnight:
		return fmt.Sprintf("the end of %s (%s)", day, zone), nil
	case lang == "nl":
		return fmt.Sprintf("%s, %s (%s)", day, clock(local, lang), zone), nil
	}
	return fmt.Sprintf("%s on %s (%s)", clock(local, lang), day, zone), nil
}

func clock(local time.Time, lang string) string {
	if lang == "nl" {
		return local.Format("15.04") + " uur"
	}
	return local.Format("15:04")
}

func in(at time.Time, zone string) (time.Time, error) {
	if at.IsZero() {
		return at, fmt.Errorf("a date is missing")
	}
	// LoadLocation takes "" for UTC and "Local" for the machine's own zone; both would write a date nobody agreed on.
	if zone == "" || zone == "Local" {
		return at, fmt.Errorf("time zone %q: name one, such as Europe/Amsterdam", zone)
	}
	loc, err := time.LoadLocation(zone)
	if err != nil {
		return at, fmt.Errorf("time zone %q: %w", zone, err)
	}
	return at.In(loc), nil
}

func long(t time.Time, lang string) (string, error) {
	names, ok := months[lang]
	if !ok {
		return "", fmt.Errorf("no dates in language %q", lang)
	}
	return fmt.Sprintf("%d %s %d", t.Day(), names[t.Month()-1], t.Year()), nil
}
