package account

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"sluice/infra/audit"
	"sluice/infra/db"
)

// opened is what lets somebody in without a code, by the log: a token, or a session that came all the way.
type opened struct {
	person  PersonID
	scope   string // of a token
	expires int64  // of a token
	at      time.Time
}

// open takes the entries that begin and end tokens and sessions. Somebody who may write to the database could otherwise
// put in a token or a session of his own for anybody.
func (r *Replay) open(e audit.Entry, body audit.Body, id PersonID) error {
	var err error
	switch body.Kind {
	case tokenMade{}.Kind():
		var ev tokenMade
		err = json.Unmarshal(body.Data, &ev)
		r.tokens[ev.Token] = opened{id, ev.Scope, ev.Expires, e.At}
	case tokenRevoked{}.Kind():
		var ev tokenRevoked
		err = json.Unmarshal(body.Data, &ev)
		delete(r.tokens, ev.Token)
	case signedIn{}.Kind():
		var ev signedIn
		err = json.Unmarshal(body.Data, &ev)
		r.sessions[ev.Session] = opened{person: id, at: e.At}
		r.forgetOld(e.At)
	case signedOut{}.Kind(), sessionRevoked{}.Kind():
		var ev signedOut // both name the session alike
		err = json.Unmarshal(body.Data, &ev)
		delete(r.sessions, ev.Session)
	case passwordChanged{}.Kind(), factorEnrolled{}.Kind(), factorHeld{}.Kind(), factorRemoved{}.Kind(), disabled{}.Kind(), erased{}.Kind():
		his := func(_ string, o opened) bool { return o.person == id }
		maps.DeleteFunc(r.tokens, his)
		maps.DeleteFunc(r.sessions, his)
	}
	if err != nil {
		return fmt.Errorf("entry %d of the log: %w", e.Seq, err)
	}
	return nil
}

// forgetOld keeps the years of a long log out of memory: nothing that old is still good for anything.
func (r *Replay) forgetOld(at time.Time) {
	if len(r.sessions)+len(r.tokens) < r.sweep {
		return
	}
	old := func(_ string, o opened) bool { return at.Sub(o.at) > max(otherTotal, tokenLife)+keptAfterEnd }
	maps.DeleteFunc(r.tokens, old)
	maps.DeleteFunc(r.sessions, old)
	r.sweep = 2*(len(r.sessions)+len(r.tokens)) + 1000
}

// compareSessions wants every session that works to be one that the log says was opened and has not ended; compareTokens
// wants the same of tokens.
func (r *Replay) compareSessions(tx *db.Tx, differ func(string, ...any)) error {
	rows, err := tx.Query(`SELECT id, person_id, created FROM sessions WHERE stage = $1 AND revoked = 0 AND created > $2 ORDER BY id`,
		string(isFull), db.Stamp(tx.At.Add(-otherTotal)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var person PersonID
		var created int64
		if err := rows.Scan(&id, &person, &created); err != nil {
			return err
		}
		if o, ok := r.sessions[id]; !ok || o.person != person || db.Stamp(o.at) != created {
			differ("session %s of person %s is open and was not opened by the log", id, person)
		}
	}
	return rows.Err()
}

func (r *Replay) compareTokens(tx *db.Tx, differ func(string, ...any)) error {
	rows, err := tx.Query(`SELECT id, person_id, scope, expires FROM tokens WHERE revoked = 0 AND expires > $1 ORDER BY id`, db.Stamp(tx.At))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var o opened
		if err := rows.Scan(&id, &o.person, &o.scope, &o.expires); err != nil {
			return err
		}
		said, ok := r.tokens[id]
		if o.at = said.at; !ok || said != o {
			differ("token %s of person %s works and was not made so by the log", id, o.person)
		}
	}
	return rows.Err()
}
