package licensing

import (
	"errors"
	"fmt"
)

// Settings are the foundation's choices, under the names that a file of settings has for them. Durations are copied into an agreement when it is drafted, so that changing one
// changes no agreement that exists.
type Settings struct {
	// Reminders are the days before the end on which signatory, applicant and contacts are reminded; each once. Default 90,
	// 30, 7, 1. A shorter list means fewer mails.
	Reminders []int `koanf:"reminders"`
	// ExtensionBefore is how many days before the end an extension may first be asked for. Default 90.
	ExtensionBefore int `koanf:"extension_before"`
	// ExtensionAfter is how many days after the end it may still be granted; access does not exist in between. Default 90.
	ExtensionAfter int `koanf:"extension_after"`
	// ListEvery is after how many days the signatory must confirm the list of contacts again. Default 90. 0: never.
	ListEvery int `koanf:"list_every"`
	// AttestEvery is how many days lie between reminders that destruction has not been attested. Default 14.
	AttestEvery int `koanf:"attest_every"`
	// ConcernDays is how long the desk has to answer a change of jurisdiction. Default 30. Nothing ends by itself then.
	ConcernDays int `koanf:"concern_days"`
	// ApproveDays, JudgeDays and SignDays are when the desk's queues call a decision, a judgement of confirmations or
	// contacts, or a missing signature overdue. Defaults 42, 7, 28.
	ApproveDays int `koanf:"approve_days"`
	JudgeDays   int `koanf:"judge_days"`
	SignDays    int `koanf:"sign_days"`
	// ScopedAdequacyIsEEA says whether the EEA licence serves a licensee in an adequate country of which a person has
	// confirmed the scope. Default true. False: such licensees get the non-EEA licence.
	ScopedAdequacyIsEEA bool `koanf:"scoped_adequacy_is_eea"`
	// LongestTerm is the longest term in days, counted from the day of recording or the stated first day; an extension counts
	// from the day on which it is asked for, and again from that of each decision. Default 3660.
	LongestTerm int `koanf:"longest_term"`
}

// DefaultSettings are the defaults that the fields of Settings name.
func DefaultSettings() Settings {
	return Settings{
		Reminders: []int{90, 30, 7, 1}, ExtensionBefore: 90, ExtensionAfter: 90, ListEvery: 90, AttestEvery: 14,
		ConcernDays: 30, ApproveDays: 42, JudgeDays: 7, SignDays: 28, ScopedAdequacyIsEEA: true, LongestTerm: 3660,
	}
}

// mostDays is a hundred years: what is longer is a slip of the keyboard.
const mostDays = 36600

// Check reports every setting that contradicts itself or its meaning, each as "name: what is wrong".
func (s Settings) Check() error {
	var errs []error
	seen := map[int]bool{}
	for _, days := range s.Reminders {
		if days < 1 || days > mostDays || seen[days] {
			errs = append(errs, fmt.Errorf("reminders: %d is not a number of days before the end, or stands twice", days))
		}
		seen[days] = true
	}
	for _, one := range []struct {
		name        string
		days, least int
	}{
		{"extension_before", s.ExtensionBefore, 0}, {"extension_after", s.ExtensionAfter, 0}, {"list_every", s.ListEvery, 0},
		{"attest_every", s.AttestEvery, 0}, {"concern_days", s.ConcernDays, 1}, {"approve_days", s.ApproveDays, 1},
		{"judge_days", s.JudgeDays, 1}, {"sign_days", s.SignDays, 1}, {"longest_term", s.LongestTerm, 1},
	} {
		if one.days < one.least || one.days > mostDays {
			errs = append(errs, fmt.Errorf("%s: choose a number of days between %d and %d", one.name, one.least, mostDays))
		}
	}
	return errors.Join(errs...)
}

// Durations are the settings an agreement keeps for its life.
type Durations struct {
	Reminders       []int `json:"reminders"`
	ExtensionBefore int   `json:"extension_before"`
	ExtensionAfter  int   `json:"extension_after"`
	ListEvery       int   `json:"list_every"`
	AttestEvery     int   `json:"attest_every"`
	ConcernDays     int   `json:"concern_days"`
	LongestTerm     int   `json:"longest_term,omitempty"` // 0: none, of agreements drafted before it was kept
}

// durations copies what an agreement keeps.
func (s Settings) durations() Durations {
	return Durations{append([]int(nil), s.Reminders...), s.ExtensionBefore, s.ExtensionAfter, s.ListEvery, s.AttestEvery, s.ConcernDays, s.LongestTerm}
}
