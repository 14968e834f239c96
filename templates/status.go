package templates

import (
	"fmt"
	"maps"
	"slices"
)

// Status is one of the fixed words that stand on tags: a component of its own, in a word and a colour. The same word is used in lists,
// details, mail and the API.
type Status string

// The words. Those of request, agreement, delivery and grant are the states of the same name; the others belong to tasks and jobs.
const (
	Recorded     Status = "recorded"
	Approved     Status = "approved"
	Refused      Status = "refused"
	Withdrawn    Status = "withdrawn"
	Drafted      Status = "drafted"
	Signing      Status = "signing"
	InForce      Status = "in-force"
	Suspended    Status = "suspended"
	Ended        Status = "ended"
	Terminated   Status = "terminated"
	ClosedOut    Status = "closed-out"
	Preparing    Status = "preparing"
	Available    Status = "available"
	Destroyed    Status = "destroyed"
	Invited      Status = "invited"
	Enrolled     Status = "enrolled"
	Removed      Status = "removed"
	ToDo         Status = "to-do"
	Optional     Status = "optional"
	NotYet       Status = "not-yet"
	Waiting      Status = "waiting"
	Done         Status = "done"
	DueSoon      Status = "due-soon"
	Overdue      Status = "overdue"
	EndingSoon   Status = "ending-soon"
	Stuck        Status = "stuck"
	Signed       Status = "signed"
	Declined     Status = "declined"
	Void         Status = "void"
	Confirmed    Status = "confirmed"
	NotConfirmed Status = "not-confirmed"
	Active       Status = "active"
	Expired      Status = "expired"
)

// Tone is the colour family of a tag or notice; the words always say the same.
type Tone string

// The tones.
const (
	Neutral Tone = "neutral"
	Info    Tone = "info"
	Success Tone = "success"
	Warning Tone = "warning"
	Danger  Tone = "danger"
)

var tones = map[Status]Tone{
	Recorded: Info, Approved: Success, Refused: Danger, Withdrawn: Neutral,
	Drafted: Neutral, Signing: Info, InForce: Success, Suspended: Warning, Ended: Neutral, Terminated: Danger, ClosedOut: Neutral,
	Preparing: Info, Available: Success, Destroyed: Neutral,
	Invited: Info, Enrolled: Success, Removed: Neutral,
	ToDo: Info, Optional: Neutral, NotYet: Neutral, Waiting: Neutral, Done: Success, DueSoon: Warning, Overdue: Danger,
	EndingSoon: Warning, Stuck: Danger, Signed: Success, Declined: Danger, Void: Neutral, Confirmed: Success, NotConfirmed: Warning,
	Active: Success, Expired: Neutral,
}

func (Status) part() string { return "tag" }

func (s Status) word() Msg { return M("status." + string(s)) }

// Word is the status as a message, for sentences and plain text.
func (s Status) Word() Msg { return s.word() }

func (s Status) tone() (Tone, error) {
	tone, ok := tones[s]
	if !ok {
		return "", fmt.Errorf("no tag is called %q", string(s))
	}
	return tone, nil
}

// Statuses lists all words, in the order of the alphabet.
func Statuses() []Status { return slices.Sorted(maps.Keys(tones)) }
