package licensing

import (
	"errors"
	"fmt"
)

// Settings are the foundation's choices. Durations are copied into an agreement when it is drafted, so that changing one
// changes no agreement that exists.
type Settings struct {
	// Reminders are the days before the end on which signatory, applicant and contacts are reminded; each once. Default 90,
	// 30, 7, 1. A shorter list means fewer mails.
	Reminders []int
	// ExtensionBefore is how many days before the end an extension may first be asked for. Default 90.
	ExtensionBefore int
	// ExtensionAfter is how many days after the end it may still be granted; access does not exist in between. Default 90.
	ExtensionAfter int
	// ListEvery is after how many days the signatory must confirm the list of contacts again. Default 90. 0: never.
	ListEvery int
	// AttestEvery is how many days lie between reminders that destruction has not been attested. Default 14.
	AttestEvery int
	// ConcernDays is how long the desk has to answer a change of jurisdiction. Default 30. Nothing ends by itself then.
	ConcernDays int
	// ApproveDays, JudgeDays and SignDays are when the desk's queues call a decision, a judgement of confirmations or
	// contacts, or a missing signature overdue. Defaults 42, 7, 28.
	ApproveDays, JudgeDays, SignDays int
	// ScopedAdequacyIsEEA says whether the EEA licence serves a licensee in an adequate country of which a person has
	// confirmed the scope. Default true. False: such licensees get the non-EEA licence.
	ScopedAdequacyIsEEA bool
	// LongestTerm is the longest term in days, counted from the day of recording or the stated first day. Default 3660.
	LongestTerm int
}

// DefaultSettings are the defaults that the fields of Settings name.
func DefaultSettings() Settings {
	return Settings{
		Reminders: []int{90, 30, 7, 1}, ExtensionBefore: 90, ExtensionAfter: 90, ListEvery: 90, AttestEvery: 14,
		ConcernDays: 30, ApproveDays: 42, JudgeDays: 7, SignDays: 28, ScopedAdequacyIsEEA: true, LongestTerm: 3660,
	}
}

// Check reports every setting that contradicts itself or its meaning.
func (s Settings) Check() error {
	var errs []error
	seen := map[int]bool{}
	for _, days := range s.Reminders {
		if days < 1 || seen[days] {
			errs = append(errs, fmt.Errorf("reminders: %d is not a number of days before the end, or stands twice", days))
		}
		seen[days] = true
	}
	for name, days := range map[string]int{"extension_before": s.ExtensionBefore, "extension_after": s.ExtensionAfter, "list_every": s.ListEvery, "attest_every": s.AttestEvery} {
		if days < 0 {
			errs = append(errs, fmt.Errorf("%s: %d days is less than none", name, days))
		}
	}
	for name, days := range map[string]int{"concern_days": s.ConcernDays, "approve_days": s.ApproveDays, "judge_days": s.JudgeDays, "sign_days": s.SignDays, "longest_term": s.LongestTerm} {
		if days < 1 {
			errs = append(errs, fmt.Errorf("%s: %d days leaves no time", name, days))
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
}

// durations copies what an agreement keeps.
func (s Settings) durations() Durations {
	return Durations{append([]int(nil), s.Reminders...), s.ExtensionBefore, s.ExtensionAfter, s.ListEvery, s.AttestEvery, s.ConcernDays}
}
