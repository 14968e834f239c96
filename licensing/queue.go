package licensing

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// TaskKind is what somebody has to do; it is the key of the message, after "task.".
type TaskKind string

// The tasks of the desk and of others.
const (
	TaskApprove      TaskKind = "approve"             // a request waits for its second person
	TaskScope        TaskKind = "scope"               // a person must look at the jurisdictions of a request
	TaskRelease      TaskKind = "release"             // a revised content waits for its second person
	TaskAnswer       TaskKind = "answer"              // the signatory answers the confirmations
	TaskJudge        TaskKind = "judge"               // confirmations that were not given
	TaskSign         TaskKind = "sign"                // somebody has not signed; Parts says who
	TaskPaper        TaskKind = "paper"               // a document signed on paper waits for its second person
	TaskContact      TaskKind = "contact"             // the desk decides about a contact
	TaskExtension    TaskKind = "extension"           // the desk decides about an extension
	TaskSecond       TaskKind = "second"              // a proposal waits for its second person
	TaskStop         TaskKind = "stop"                // an emergency stop waits for its second person
	TaskEnding       TaskKind = "ending"              // the term ends soon
	TaskAttest       TaskKind = "attest"              // ended, and destruction not attested
	TaskList         TaskKind = "list"                // the signatory confirms the contacts
	TaskJurisdiction TaskKind = "jurisdiction"        // a change of jurisdiction must be answered
	TaskBind         TaskKind = "contact-not-arrived" // a contact has not accepted the invitation
	TaskReplace      TaskKind = "replace-party"       // another signatory or applicant waits for its second person
	TaskTakePart     TaskKind = "take-part"           // the new one has not accepted the part; Parts says which
)

// A Task is something that waits for somebody.
type Task struct {
	Kind      TaskKind
	Request   RequestID
	Agreement AgreementID // "" for a request that is not approved
	Amendment AmendmentID
	Number    string
	Title     string
	Licensee  string
	Parts     []Part // who has not signed
	OnPaper   []Part // of them, whose signature on paper waits to be confirmed
	Action    Action // of a proposal
	Since     time.Time
	Due       time.Time // zero: no date
	Overdue   bool
	By        account.PersonID // who did the first half, and cannot do the second
}

// Queues are the desk's tasks, the most urgent first.
func (r *Registry) Queues(tx *db.Tx, who account.Who) ([]Task, error) {
	if !who.Has(account.Desk, account.Representative, account.Auditor) {
		return nil, account.ErrNotAllowed
	}
	var tasks []Task
	requests, err := db.Many(tx, scanRequest, selectRequests+` WHERE state = 'recorded' ORDER BY recorded, id`)
	if err != nil {
		return nil, err
	}
	for _, q := range requests {
		tasks = append(tasks, r.ofRequest(q)...)
	}
	all, err := r.waiting(tx, selectWaiting, asText(Proposal{}))
	if err != nil {
		return nil, err
	}
	r.seen.keepOnly(all)
	for _, w := range all {
		tasks = append(tasks, r.ofAgreement(*w.agreement, *w.request, tx.At)...)
	}
	return urgent(tasks, tx.At), nil
}

// TasksOf are what waits for one person as a party. What waits for staff stands in the queues.
func (r *Registry) TasksOf(tx *db.Tx, who account.Who) ([]Task, error) {
	if !who.IsPerson() || who.Scope() != "" {
		return nil, nil
	}
	parts, err := r.waiting(tx, selectWaitingFor, who.Person())
	if err != nil {
		return nil, err
	}
	var all []Task
	for _, w := range parts {
		if w.part == Representative && !who.Has(account.Representative) {
			continue
		}
		for _, t := range r.ofAgreement(*w.agreement, *w.request, tx.At) {
			mine := (t.Kind == TaskSign || t.Kind == TaskTakePart) && slices.Contains(t.Parts, w.part) && !slices.Contains(t.OnPaper, w.part)
			if w.part == Signatory {
				mine = mine || t.Kind == TaskAnswer || t.Kind == TaskAttest || t.Kind == TaskEnding || t.Kind == TaskList
			}
			if mine {
				all = append(all, t)
			}
		}
	}
	return urgent(all, tx.At), nil
}

// urgent sorts tasks by when they are due, those without a date last, and then by number.
func urgent(tasks []Task, at time.Time) []Task {
	for i := range tasks {
		tasks[i].Overdue = !tasks[i].Due.IsZero() && !at.Before(tasks[i].Due)
	}
	slices.SortStableFunc(tasks, func(a, b Task) int {
		switch {
		case a.Due.IsZero() == b.Due.IsZero():
			return cmp.Or(a.Due.Compare(b.Due), strings.Compare(a.Number, b.Number))
		case a.Due.IsZero():
			return 1
		}
		return -1
	})
	return tasks
}

func (r *Registry) ofRequest(q Request) []Task {
	due := notAfter(q.Content.Until.End(r.zone), q.Recorded.In(r.zone).AddDate(0, 0, r.opts.Settings.ApproveDays), q.Recorded)
	t := Task{Request: q.ID, Number: q.Number, Title: q.Content.Title, Licensee: q.Content.Licensee.Name, Since: q.Recorded,
		Due: due, By: lastOf(q.Editors)}
	t.Kind = TaskApprove
	if q.Outcome.NeedsPerson {
		t.Kind, t.By = TaskScope, "" // who recorded it may look at the jurisdictions too
	}
	return []Task{t}
}

func lastOf(ids []account.PersonID) account.PersonID {
	if len(ids) == 0 {
		return ""
	}
	return ids[len(ids)-1]
}

// listAhead is how many days before its date the confirmation of the contacts is a task.
const listAhead = 14

// notAfter is when something is due that can be done until an end, asked at an instant: once that has passed, and it can be
// done all the same, the date stays.
func notAfter(end, due, at time.Time) time.Time {
	if at.Before(end) && due.After(end) {
		return end
	}
	return due
}

// ofAgreement lists what an agreement waits for. Nothing is due after its last day, when it would be too late to do it.
func (r *Registry) ofAgreement(a Agreement, q Request, at time.Time) []Task {
	base := Task{Request: a.Request, Agreement: a.ID, Number: a.Number, Title: q.Content.Title, Licensee: q.Content.Licensee.Name}
	var tasks []Task
	end := a.lastInstant()
	add := func(kind TaskKind, since, due time.Time) *Task {
		t := base
		t.Kind, t.Since, t.Due = kind, since, notAfter(end, due, at)
		tasks = append(tasks, t)
		return &tasks[len(tasks)-1]
	}
	days := func(t time.Time, n int) time.Time { return t.In(r.zone).AddDate(0, 0, n) }
	settings, state := r.opts.Settings, a.StateAt(at)
	if !a.Proposal.IsZero() {
		t := add(TaskSecond, a.Proposal.At, days(a.Proposal.At, settings.JudgeDays))
		t.Action, t.By = a.Proposal.Action, a.Proposal.By
	}
	if a.Stop.Open() && state != ClosedOut {
		t := add(TaskStop, a.Stop.At, days(a.Stop.At, 1))
		if id, ok := personOf(a.Stop.By); ok {
			t.By = id
		}
	}
	switch state {
	case Drafted:
		r.ofDraft(a, q, days, add)
	case Signing:
		paper, waits := a.WaitingPaper()
		sign := add(TaskSign, a.Opened, days(a.Opened, settings.SignDays))
		sign.Parts, sign.OnPaper = a.Missing(), partsOf(a.Counting(paper))
		if waits {
			add(TaskPaper, paper.At, days(paper.At, settings.JudgeDays)).By = paper.By
		}
	case InForce, Suspended:
		if soon := days(a.Term.Until, -a.Durations.ExtensionBefore); !at.Before(soon) {
			add(TaskEnding, soon, a.Term.Until)
		}
		if due := days(a.ListConfirmed, a.Durations.ListEvery); a.Durations.ListEvery > 0 && due.Before(end) && !at.Before(days(due, -listAhead)) {
			add(TaskList, a.ListConfirmed, due)
		}
		if !a.Concern.IsZero() {
			add(TaskJurisdiction, a.Concern.At, a.Concern.Due)
		}
		for _, c := range a.Contacts {
			if c.Admitted() && c.Person == "" {
				add(TaskBind, c.Added, time.Time{})
			}
		}
	case Ended, Terminated:
		if !a.Term.IsZero() {
			over := a.overSince()
			add(TaskAttest, over, days(over, a.Durations.AttestEvery))
		}
	}
	for _, part := range []Part{Applicant, Signatory} {
		if m, waits := a.Awaits(part); waits && state != ClosedOut {
			t := add(TaskTakePart, m.Effective, days(m.Effective, settings.SignDays))
			t.Amendment, t.Parts = m.ID, []Part{part}
		}
	}
	for _, m := range a.Amendments {
		if !m.Open() {
			continue
		}
		kind := map[AmendmentType]TaskKind{Extension: TaskExtension, AddContact: TaskContact, ChangeParty: TaskReplace}[m.Type]
		t := add(kind, m.Asked, days(m.Asked, settings.JudgeDays))
		t.Amendment = m.ID
		if ids := deciders(m); len(ids) > 0 {
			t.By = lastOf(ids)
		}
	}
	return tasks
}

func (r *Registry) ofDraft(a Agreement, q Request, days func(time.Time, int) time.Time, add func(TaskKind, time.Time, time.Time) *Task) {
	switch {
	case !a.Released:
		add(TaskRelease, q.Revised, days(q.Revised, r.opts.Settings.JudgeDays)).By = a.Editor
	case slices.ContainsFunc(a.Confirmations, func(c Confirmation) bool { return c.Answer == Unanswered }):
		add(TaskAnswer, q.Decided, days(q.Decided, r.opts.Settings.SignDays))
	case a.Proposal.IsZero() && slices.ContainsFunc(a.Confirmations, func(c Confirmation) bool { return !c.Settled() }):
		add(TaskJudge, a.Confirmations[0].At, days(a.Confirmations[0].At, r.opts.Settings.JudgeDays))
	}
}

// personOf is the person whom the log names.
func personOf(actor string) (account.PersonID, bool) {
	const prefix = "person:"
	if len(actor) > len(prefix) && actor[:len(prefix)] == prefix {
		return account.PersonID(actor[len(prefix):]), true
	}
	return "", false
}
