package licensing

import (
	"context"
	"errors"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// A Halt is an emergency stop that the log could not take when it was made. One stands on one line of the journal file, as
// JSON; the file is for this host, and TakeHalts brings it into the log when that is possible again.
type Halt struct {
	Agreement AgreementID `json:"agreement"`
	By        string      `json:"by"` // as the log names people
	At        time.Time   `json:"at"`
	Reason    string      `json:"reason"`
}

// Stop suspends an agreement at once, by one person of the staff or by the host's command line; a second person confirms it
// afterwards. It is the one act that goes ahead when the log cannot be written: then journal is called, which must keep the
// halt durably, and this process treats the agreement as suspended. Other processes on the host read the journal and call
// SetHalts.
func (r *Registry) Stop(ctx context.Context, who account.Who, id AgreementID, reason string, journal func(Halt) error) error {
	err := r.act(ctx, who, account.Proof{}, id, "agreement.stopped", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, EmergencyStopped{By: who.Actor().String(), Note: note})
		return err
	})
	if err == nil || errors.Is(err, errRehearsed) || !logUnwritable(err) || journal == nil || !mayStopBlind(who) {
		return err
	}
	halt := Halt{id, who.Actor().String(), r.db.Now().UTC(), clean(reason)}
	r.SetHalts([]Halt{halt}) // first, so that a journal that cannot be written either still leaves this process closed
	if failed := journal(halt); failed != nil {
		return errors.Join(err, failed)
	}
	return nil
}

// logUnwritable tells a log that cannot take an entry from an answer about the agreement.
func logUnwritable(err error) bool {
	var refused *RefusedError
	for _, answer := range []error{ErrNotFound, account.ErrNotAllowed, account.ErrNotProved, db.ErrConflict, context.Canceled} {
		if errors.Is(err, answer) {
			return false
		}
	}
	return !errors.As(err, &refused)
}

// mayStopBlind says who may stop what cannot be looked up: roles that may stop every agreement.
func mayStopBlind(who account.Who) bool {
	return !who.IsPerson() && who.Actor().String() != "" || who.Has(account.Desk, account.Representative, account.Operator)
}

// A Stoppable is an agreement as it stands in the list of what can be stopped: nobody reads from it who asked for what.
type Stoppable struct {
	ID      AgreementID
	Number  string
	State   AgreementState // in force or suspended
	Stopped bool           // in an emergency, and nobody has let it run again
}

// Stoppables lists the agreements that an emergency stop is for, by number, to those who may stop every agreement.
func (r *Registry) Stoppables(tx *db.Tx, who account.Who) ([]Stoppable, error) {
	if !mayStopBlind(who) {
		return nil, account.ErrNotAllowed
	}
	all, err := db.Many(tx, scanAgreement, selectAgreements+` WHERE state IN ('in-force', 'suspended') ORDER BY number`)
	if err != nil {
		return nil, err
	}
	var list []Stoppable
	for _, a := range all {
		a.Halted = r.halted(a)
		if s := a.StateAt(tx.At); s == InForce || s == Suspended {
			list = append(list, Stoppable{a.ID, a.Number, s, a.Halted || a.Stop.By != ""})
		}
	}
	return list, nil
}

// SetHalts has this process treat agreements as suspended. A halt may name its agreement by the number: while the database
// is away nobody can ask which one that is, and the stop must hold from its first answer on. Halts are only ever lifted by
// TakeHalts.
func (r *Registry) SetHalts(halts []Halt) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range halts {
		r.halts[h.Agreement] = true
	}
}

// TakeHalts writes journalled stops into the log, as the worker, and returns those that are not in it yet. What is not
// running any more needs no stop and is taken as done.
func (r *Registry) TakeHalts(ctx context.Context, halts []Halt) (left []Halt, err error) {
	for _, h := range halts {
		number := ""
		failed := r.change(ctx, db.Worker(), func(tx *db.Tx) error {
			a, err := r.Agreement(tx, h.Agreement)
			if err != nil {
				return err
			}
			number = a.Number
			if s := a.StateAt(tx.At); (s != InForce && s != Suspended) || a.Stop.Open() {
				return db.ErrUnchanged
			}
			switch was, err := taken(tx, h); {
			case err != nil:
				return err
			case was:
				return db.ErrUnchanged
			}
			note, err := r.note(tx, "agreement:"+string(a.ID), fitting(h.Reason))
			if err != nil {
				return err
			}
			_, err = r.apply(tx, a, EmergencyStopped{By: h.By, Note: note, Was: h.At})
			return err
		})
		if failed != nil && !errors.Is(failed, ErrNotFound) {
			left, err = append(left, h), errors.Join(err, failed)
			continue
		}
		r.mu.Lock()
		delete(r.halts, h.Agreement)
		delete(r.halts, AgreementID(number))
		r.mu.Unlock()
	}
	return left, err
}

// fitting is as much of a reason as a note takes. Nobody can be asked to write less any more, and the stop must not wait for it.
func fitting(reason string) string {
	if reason = clean(reason); len(reason) > longestNote {
		reason = strings.ToValidUTF8(reason[:longestNote], "")
	}
	return reason
}

// taken says whether the log holds a halt already. Its line may outlive that, in a file that could not be written or was
// put back: what two people have lifted since must not come back with it.
func taken(tx *db.Tx, h Halt) (bool, error) {
	for ev, err := range eventsOf(tx, h.Agreement) {
		if err != nil {
			return false, err
		}
		if stop, ok := ev.(EmergencyStopped); ok && stop.By == h.By && stop.Was.Equal(h.At) {
			return true, nil
		}
	}
	return false, nil
}

// halted says whether an agreement was stopped while the log could not be written.
func (r *Registry) halted(a Agreement) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.halts[a.ID] || r.halts[AgreementID(a.Number)]
}

// ConfirmStop is the second person of an emergency stop.
func (r *Registry) ConfirmStop(ctx context.Context, who account.Who, proof account.Proof, id AgreementID) error {
	return r.act(ctx, who, proof, id, "agreement.stop-confirmed", func(tx *db.Tx, a Agreement) error {
		_, err := r.apply(tx, a, StopConfirmed{who.Person()})
		return err
	})
}

// Propose is the first half of what needs two people: suspend, resume, terminate, accept a confirmation that was not given,
// or destroy keys that somebody may have got at.
func (r *Registry) Propose(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, action Action, reason string) error {
	return r.act(ctx, who, proof, id, "agreement.proposed", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		if _, err = r.apply(tx, a, ActionProposed{action, who.Person(), note}); err != nil {
			return err
		}
		return r.destroyable(tx, a, action)
	})
}

// Second is the second half, and does it. reason may be empty.
func (r *Registry) Second(ctx context.Context, who account.Who, proof account.Proof, id AgreementID, action Action, reason string) error {
	return r.act(ctx, who, proof, id, "agreement.seconded", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		if err := r.destroyable(tx, a, action); err != nil {
			return err
		}
		_, err = r.apply(tx, a, ActionSeconded{action, who.Person(), note})
		return err
	})
}

// destroyable refuses to destroy keys that are gone.
func (r *Registry) destroyable(tx *db.Tx, a Agreement, action Action) error {
	if action != ActionDestroyKey {
		return nil
	}
	if r.KeysHeld != nil {
		if held, err := r.KeysHeld(tx, a.ID); err != nil || held {
			return err
		}
	}
	return refuse("no-key")
}

// DropProposal takes a proposal away: nobody seconds it.
func (r *Registry) DropProposal(ctx context.Context, who account.Who, id AgreementID, action Action, reason string) error {
	return r.act(ctx, who, account.Proof{}, id, "agreement.proposal-dropped", func(tx *db.Tx, a Agreement) error {
		note, err := r.note(tx, "agreement:"+string(id), reason)
		if err != nil {
			return err
		}
		_, err = r.apply(tx, a, ActionDropped{action, who.Person(), note})
		return err
	})
}
