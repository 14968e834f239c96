package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/infra/db"
)

// TaskKind is what one member of staff proposes and another confirms.
type TaskKind string

// What needs two members of staff.
const (
	AddStaff      TaskKind = "add staff" // roles for somebody, who is invited if need be
	EndRole       TaskKind = "end role"  // one role of one person
	ReproveFactor TaskKind = "reprove"   // identity was proved anew after a lost second factor
	Disable       TaskKind = "disable"   // an account, and everything open of it
	Enable        TaskKind = "enable"    // an account that was disabled
	Rename        TaskKind = "rename"    // a member of staff
	Erase         TaskKind = "erase"     // the personal data of somebody whose account is disabled
)

// A Task waits for a second member of staff.
type Task struct {
	ID         string
	Kind       TaskKind
	Person     PersonID // whom it is about; "" when that is somebody who has no account yet
	Staff      NewStaff // of AddStaff
	Grant      string   // of EndRole: the id of the StaffRole
	Name       string   // of Rename, with its form in Latin letters
	Latin      string
	Note       string // how the first established what the second is asked to confirm
	ProposedBy PersonID
	Proposed   time.Time
}

// taskDetails is how the rest of an open task is stored.
type taskDetails struct {
	Staff NewStaff
	Grant string
	Name  string
	Latin string
}

// Errors of tasks.
var (
	ErrNoTask     = errors.New("this does not wait for anybody any more")
	ErrSamePerson = errors.New("somebody else must confirm what you proposed, and nobody confirms what is about himself")
	ErrProposer   = errors.New("who proposed this is no longer entitled to: decline it, and propose it anew")
	ErrProposed   = errors.New("this was proposed already, and waits for somebody else")
	ErrNote       = errors.New("say in a note, of at most 2000 characters, why and how you made sure")
	ErrState      = errors.New("this cannot be done to this account as it is now")
)

// seconding are the roles that propose and confirm tasks.
var seconding = []Role{Desk, Operator}

// ProposalAct is the act that proposing needs a code for; about is the person's id, or the e-mail address of new staff.
func ProposalAct(kind TaskKind, about string) Act {
	return Act{Kind: "decide", Subject: string(kind) + ":" + about}
}

// TaskAct is the act that confirming or declining needs a code for.
func TaskAct(id string) Act { return Act{Kind: "decide", Subject: "task:" + id} }

// ProposeStaff proposes roles for somebody.
func (a *Accounts) ProposeStaff(ctx context.Context, who Who, proof Proof, n NewStaff, note string) (task string, err error) {
	about, err := Address(n.Email)
	if err != nil {
		return "", err
	}
	return a.propose(ctx, who, proof, Task{Kind: AddStaff, Staff: n, Note: note}, about)
}

// Propose proposes what is about one person: every kind but AddStaff and Rename. The grant is for EndRole only.
func (a *Accounts) Propose(ctx context.Context, who Who, proof Proof, kind TaskKind, person PersonID, grant, note string) (task string, err error) {
	return a.propose(ctx, who, proof, Task{Kind: kind, Person: person, Grant: grant, Note: note}, string(person))
}

func (a *Accounts) propose(ctx context.Context, who Who, proof Proof, t Task, about string) (string, error) {
	if !who.IsPerson() || !who.Has(seconding...) {
		return "", ErrNotAllowed
	}
	if t.Note = strings.TrimSpace(t.Note); t.Note == "" || len([]rune(t.Note)) > 2000 {
		return "", ErrNote
	}
	t.ID = db.NewID()
	return t.ID, a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := proof.Covers(who, ProposalAct(t.Kind, about), tx.At); err != nil {
			return err
		}
		if t.Kind == AddStaff {
			if err := t.Staff.check(tx.At); err != nil {
				return err
			}
			var err error
			if t.Person, err = owner(tx, t.Staff.Email); err != nil {
				return err
			}
		}
		if t.Person == who.person {
			return ErrSamePerson
		}
		if err := a.possible(tx, t); err != nil {
			return err
		}
		details, err := json.Marshal(taskDetails{t.Staff, t.Grant, t.Name, t.Latin})
		if err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO staff_tasks (id, kind, person_id, details, note, proposed_by, proposed) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			t.ID, string(t.Kind), string(t.Person), string(details), t.Note, string(who.person), db.Stamp(tx.At))
		if err != nil {
			return fmt.Errorf("proposing: %w", err)
		}
		t.ProposedBy = who.person
		if err := tx.Record("task:"+t.ID, taskProposed{Task: t.ID, What: t.Kind, Person: t.Person}); err != nil {
			return err
		}
		return a.callSecond(tx, t)
	})
}

// callSecond writes to everybody who may be the second person of a task. The message says who proposed something, and
// nothing of what it is or whom it is about.
func (a *Accounts) callSecond(tx *db.Tx, t Task) error {
	if a.Notify == nil {
		return nil
	}
	told := map[PersonID]bool{t.ProposedBy: true, t.Person: true}
	for _, role := range seconding {
		staff, err := a.Staff(tx, role)
		if err != nil {
			return err
		}
		for _, p := range staff {
			emails, err := a.Emails(tx, p.ID)
			if err != nil {
				return err
			}
			if told[p.ID] || len(emails) == 0 {
				continue
			}
			told[p.ID] = true
			if err := a.Notify(tx, Notice{Kind: NoticeSecond, Person: p.ID, Name: p.Name, Email: emails[0].Address, Lang: p.Lang, Task: t.ID, By: t.ProposedBy}); err != nil {
				return err
			}
		}
	}
	return nil
}

// Tasks lists what waits for a second member of staff, the oldest first.
func (a *Accounts) Tasks(tx *db.Tx) ([]Task, error) {
	rows, err := tx.Query(`SELECT id, kind, person_id, details, note, proposed_by, proposed FROM staff_tasks WHERE decided = 0 ORDER BY proposed, id`)
	if err != nil {
		return nil, fmt.Errorf("reading tasks: %w", err)
	}
	defer rows.Close()
	var tasks []Task
	for rows.Next() {
		var t Task
		var details string
		var proposed int64
		if err := rows.Scan(&t.ID, &t.Kind, &t.Person, &details, &t.Note, &t.ProposedBy, &proposed); err != nil {
			return nil, err
		}
		var d taskDetails
		if err := json.Unmarshal([]byte(details), &d); err != nil {
			return nil, fmt.Errorf("task %s: %w", t.ID, err)
		}
		t.Staff, t.Grant, t.Name, t.Latin, t.Proposed = d.Staff, d.Grant, d.Name, d.Latin, db.Instant(proposed)
		tasks = append(tasks, t)
	}
	return tasks, rows.Err()
}

func (a *Accounts) task(tx *db.Tx, id string) (Task, error) {
	tasks, err := a.Tasks(tx)
	for _, t := range tasks {
		if t.ID == id {
			return t, nil
		}
	}
	if err == nil {
		err = ErrNoTask
	}
	return Task{}, err
}

// ConfirmTask does what another member of staff proposed. It takes two people who are not the one it is about, each with
// a fresh code of his own and a note.
func (a *Accounts) ConfirmTask(ctx context.Context, who Who, proof Proof, id, note string) error {
	return a.decide(ctx, who, proof, id, note, true)
}

// DeclineTask ends a proposal without doing it. Whoever made it may withdraw it so.
func (a *Accounts) DeclineTask(ctx context.Context, who Who, proof Proof, id, note string) error {
	return a.decide(ctx, who, proof, id, note, false)
}

func (a *Accounts) decide(ctx context.Context, who Who, proof Proof, id, note string, confirm bool) error {
	if !who.IsPerson() || !who.Has(seconding...) {
		return ErrNotAllowed
	}
	if note = strings.TrimSpace(note); note == "" || len([]rune(note)) > 2000 {
		return ErrNote
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := proof.Covers(who, TaskAct(id), tx.At); err != nil {
			return err
		}
		t, err := a.task(tx, id)
		if err != nil {
			return err
		}
		outcome := "declined"
		if confirm {
			outcome = "confirmed"
			if err := a.secondPerson(tx, t, who); err != nil {
				return err
			}
		}
		err = tx.Update(`UPDATE staff_tasks SET decided_by = $1, decided = $2, outcome = $3, answer = $4, details = '' WHERE id = $5 AND decided = 0`,
			string(who.person), db.Stamp(tx.At), outcome, note, id)
		if err != nil {
			return err
		}
		if err := tx.Record("task:"+id, taskDecided{Task: id, Outcome: outcome}); err != nil || !confirm {
			return err
		}
		return a.perform(tx, t)
	})
}

// secondPerson checks that two different people stand behind a task, both of them still entitled to.
func (a *Accounts) secondPerson(tx *db.Tx, t Task, who Who) error {
	about := t.Person
	if t.Kind == AddStaff {
		// The address may have been nobody's when this was proposed, and be one of theirs by now.
		var err error
		if about, err = owner(tx, t.Staff.Email); err != nil {
			return err
		}
	}
	if t.ProposedBy == who.person || about == who.person || about == t.ProposedBy {
		return ErrSamePerson
	}
	roles, err := rolesAt(tx, t.ProposedBy, tx.At)
	if err != nil {
		return err
	}
	off, err := disabledAt(tx, t.ProposedBy)
	if err != nil {
		return err
	}
	if off != 0 || !(Who{roles: roles}).Has(seconding...) {
		return ErrProposer
	}
	return nil
}
