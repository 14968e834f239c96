package account

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"sluice/infra/audit"
	"sluice/infra/db"
)

// A Replay works out from the log what the tables of this package must say, for audit verify: hand Entry to
// db.Tx.VerifyLog, then call Compare. It finds what was changed behind the back of the log: an account enabled again, a
// role given, a factor declared found, an address moved to another person, a token or session that nobody opened.
//
// What it cannot see is a password, a seed or a recovery code that was replaced: their digests are not in the log. Nobody
// gets in by that without the local key too. A password alone opens nothing; seeds are sealed and recovery codes hashed
// with that key, and both are bound to their person, so that none can be made or moved.
type Replay struct {
	persons  map[PersonID]*replayed
	roles    map[string]replayedRole
	tokens   map[string]opened
	sessions map[string]opened
	sweep    int
}

type replayed struct {
	enrolled, held, disabled, erased bool
	voided                           bool     // by the loss of the local key
	account                          bool     // of the tables: there is a row of it
	name                             string   // salted hash, once it was changed
	addresses                        []string // salted hashes
}

type replayedRole struct {
	person PersonID
	role   Role
	since  int64
	until  int64
}

// NewReplay begins before the first entry.
func NewReplay() *Replay {
	return &Replay{persons: map[PersonID]*replayed{}, roles: map[string]replayedRole{}, tokens: map[string]opened{}, sessions: map[string]opened{}}
}

// Entry takes one entry of the log. Those of other packages change nothing.
func (r *Replay) Entry(e audit.Entry, body audit.Body) error {
	if body.Subject == "staff" && body.Kind == (recovered{}).Kind() {
		return r.recover(e, body)
	}
	id, ok := strings.CutPrefix(body.Subject, "person:")
	if !ok {
		return nil
	}
	p := r.persons[PersonID(id)]
	if body.Kind == (created{}).Kind() {
		p = &replayed{}
		r.persons[PersonID(id)] = p
	}
	if p == nil {
		return fmt.Errorf("entry %d of the log is about person %s, who was never made", e.Seq, id)
	}
	switch body.Kind {
	case factorEnrolled{}.Kind():
		p.enrolled, p.held, p.voided = true, false, false
	case factorHeld{}.Kind():
		p.held = true
	case factorRemoved{}.Kind():
		p.enrolled, p.held, p.voided = false, false, false
	case disabled{}.Kind():
		p.disabled = true
	case enabled{}.Kind():
		p.disabled = false
	case erased{}.Kind():
		*p = replayed{disabled: p.disabled, erased: true}
	}
	if err := r.open(e, body, PersonID(id)); err != nil {
		return err
	}
	return r.detailed(e, body, PersonID(id), p)
}

// detailed takes the entries whose data matters too.
func (r *Replay) detailed(e audit.Entry, body audit.Body, id PersonID, p *replayed) error {
	var err error
	switch body.Kind {
	case renamed{}.Kind():
		var ev renamed
		err = json.Unmarshal(body.Data, &ev)
		p.name = ev.Name
	case emailVerified{}.Kind():
		var ev emailVerified
		err = json.Unmarshal(body.Data, &ev)
		p.addresses = append(p.addresses, ev.Address)
	case roleGiven{}.Kind():
		var ev roleGiven
		err = json.Unmarshal(body.Data, &ev)
		r.roles[ev.Grant] = replayedRole{id, ev.Role, ev.Since, ev.Until}
	case roleEnded{}.Kind():
		var ev roleEnded
		err = json.Unmarshal(body.Data, &ev)
		g := r.roles[ev.Grant]
		g.until = db.Stamp(e.At)
		r.roles[ev.Grant] = g
	}
	if err != nil {
		return fmt.Errorf("entry %d of the log: %w", e.Seq, err)
	}
	return nil
}

// recover takes the loss of the local key: every factor that was not reported lost before is void, and all that was open has
// ended. The two who are named may enrol in any case.
func (r *Replay) recover(e audit.Entry, body audit.Body) error {
	var ev recovered
	if err := json.Unmarshal(body.Data, &ev); err != nil {
		return fmt.Errorf("entry %d of the log: %w", e.Seq, err)
	}
	for id, p := range r.persons {
		switch {
		case slices.Contains(ev.Staff, id):
			p.enrolled, p.held, p.voided = false, false, false
		case p.enrolled && !p.held:
			p.enrolled, p.voided = false, true
		}
	}
	clear(r.tokens)
	clear(r.sessions)
	return nil
}

// Compare says where the tables differ from what the log says: each difference a sentence.
func (r *Replay) Compare(tx *db.Tx) (found []string, err error) {
	differ := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }
	tables, err := tabled(tx)
	if err != nil {
		return nil, err
	}
	for _, id := range slices.Sorted(maps.Keys(r.persons)) {
		want, have := r.persons[id], tables[id]
		if have == nil {
			differ("person %s is in the log and not in the table", id)
			continue
		}
		if !have.account {
			differ("person %s has no account in the table", id)
		}
		if want.name != have.name {
			differ("the name of person %s is not the one that the log says it was changed to", id)
		}
		slices.Sort(want.addresses)
		if want.enrolled != have.enrolled || want.held != have.held || want.voided != have.voided || want.disabled != have.disabled || want.erased != have.erased ||
			!slices.Equal(want.addresses, have.addresses) {
			differ("person %s is not as the log says: factor enrolled %t, held %t, void %t, account disabled %t, erased %t, addresses %d; the tables say %t, %t, %t, %t, %t and %d",
				id, want.enrolled, want.held, want.voided, want.disabled, want.erased, len(want.addresses), have.enrolled, have.held, have.voided, have.disabled, have.erased, len(have.addresses))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(tables)) {
		if r.persons[id] == nil {
			differ("person %s is in the table and not in the log", id)
		}
	}
	for _, compare := range []func(*db.Tx, func(string, ...any)) error{r.compareRoles, r.compareTokens, r.compareSessions} {
		if err := compare(tx, differ); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func tabled(tx *db.Tx) (map[PersonID]*replayed, error) {
	persons := map[PersonID]*replayed{}
	rows, err := tx.Query(`SELECT p.id, p.name, p.latin, p.salt, p.erased, a.disabled, COALESCE(f.enrolled, 0), COALESCE(f.held, 0), COALESCE(f.voided, 0) FROM persons p
		LEFT JOIN accounts a ON a.person_id = p.id LEFT JOIN factors f ON f.person_id = p.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id PersonID
		var name, latin, salt string
		var gone, enrolled, held, voided int64
		var off *int64
		if err := rows.Scan(&id, &name, &latin, &salt, &gone, &off, &enrolled, &held, &voided); err != nil {
			return nil, err
		}
		p := &replayed{account: off != nil, enrolled: enrolled != 0, held: held != 0, voided: voided != 0, disabled: off != nil && *off != 0, erased: gone != 0}
		if salt != "" {
			p.name = salted(salt, name, latin)
		}
		persons[id] = p
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	return persons, tabledAddresses(tx, persons)
}

func tabledAddresses(tx *db.Tx, persons map[PersonID]*replayed) error {
	rows, err := tx.Query(`SELECT person_id, salt, address FROM emails`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id PersonID
		var salt, address string
		if err := rows.Scan(&id, &salt, &address); err != nil {
			return err
		}
		if p := persons[id]; p != nil {
			p.addresses = append(p.addresses, salted(salt, address))
		}
	}
	for _, p := range persons {
		slices.Sort(p.addresses)
	}
	return rows.Err()
}

func (r *Replay) compareRoles(tx *db.Tx, differ func(string, ...any)) error {
	grants, err := roleRows(tx, `SELECT id, person_id, role, since, until FROM staff_roles WHERE person_id <> '' ORDER BY id`)
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, g := range grants {
		there[g.ID] = true
		have := replayedRole{g.Person, g.Role, db.Stamp(g.Since), db.Stamp(g.Until)}
		if want, ok := r.roles[g.ID]; !ok || want != have {
			differ("role %s of person %s is not as the log says", g.ID, g.Person)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(r.roles)) {
		if !there[id] {
			differ("role %s of person %s is in the log and not in the table", id, r.roles[id].person)
		}
	}
	return nil
}
