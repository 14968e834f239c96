package dates

import (
	"testing"
	"time"
)

func at(t *testing.T, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestDatesAreWrittenWithTheirZone(t *testing.T) {
	const zone = "Europe/Amsterdam"
	for _, c := range []struct {
		write    func(time.Time, string, string) (string, error)
		instant  string
		lang     string
		want     string
		sentence string
	}{
		{Until, "2027-12-31T23:00:00Z", "en", "the end of 31 December 2027 (Europe/Amsterdam)", "midnight is the end of the day before"},
		{Until, "2027-12-31T23:00:00Z", "nl", "31 december 2027, 24.00 uur (Europe/Amsterdam)", "midnight in Dutch"},
		{Until, "2027-12-31T23:00:01Z", "en", "00:00 on 1 January 2028 (Europe/Amsterdam)", "a second after midnight"},
		{Until, "2027-07-01T12:05:00Z", "nl", "1 juli 2027, 14.05 uur (Europe/Amsterdam)", "summer time"},
		{Moment, "2027-12-31T23:00:00Z", "en", "1 January 2028, 00:00 (Europe/Amsterdam)", "a moment is not an end"},
		{Instant, "2027-10-31T00:30:00Z", "en", "31 October 2027, 02:30:00 (Europe/Amsterdam, UTC+02:00)", "the hour that comes twice, first"},
		{Instant, "2027-10-31T01:30:00Z", "en", "31 October 2027, 02:30:00 (Europe/Amsterdam, UTC+01:00)", "the hour that comes twice, second"},
	} {
		if got, err := c.write(at(t, c.instant), zone, c.lang); err != nil || got != c.want {
			t.Errorf("%s: got %q (%v), want %q", c.sentence, got, err, c.want)
		}
	}
}

func TestTheLastDayOfATermIsTheDayBeforeItsMidnight(t *testing.T) {
	for instant, want := range map[string]Day{
		"2027-12-31T23:00:00Z": "2027-12-31", "2027-12-31T22:59:59Z": "2027-12-31", "2027-12-31T23:00:01Z": "2028-01-01",
		"2027-10-31T23:00:00Z": "2027-10-31", "2027-03-28T22:00:00Z": "2027-03-28"} {
		if got, err := LastDay(at(t, instant), "Europe/Amsterdam"); err != nil || got != want {
			t.Errorf("LastDay(%s) = %q (%v), want %q", instant, got, err, want)
		}
	}
}

func TestADateWithoutZoneOrLanguageIsRefused(t *testing.T) {
	now := at(t, "2027-12-31T23:00:00Z")
	for _, zone := range []string{"", "Local", "Europe/Nowhere"} {
		if _, err := Until(now, zone, "en"); err == nil {
			t.Errorf("zone %q was accepted", zone)
		}
	}
	if _, err := Until(now, "Europe/Amsterdam", "de"); err == nil {
		t.Error("a language without dates was accepted")
	}
	if _, err := Moment(time.Time{}, "Europe/Amsterdam", "en"); err == nil {
		t.Error("a missing date was accepted")
	}
	if _, err := Day("31-12-2027").In("en"); err == nil {
		t.Error("a day written the other way round was accepted")
	}
}
