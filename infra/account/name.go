package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/infra/db"
)

// ErrStaffName is returned to staff who would change their own name: one of them could pass for another.
var ErrStaffName = errors.New("two colleagues change the name of a member of staff")

// NameAct is the act that changing one's own name needs a code for.
func NameAct(person PersonID) Act { return Act{Kind: "name", Subject: subject(person)} }

// Rename changes the name of who is signed in, and its form in Latin letters, which may be empty. Nothing signed changes:
// documents hold names of their own. Staff is renamed by two others, see ProposeName.
func (a *Accounts) Rename(ctx context.Context, who Who, proof Proof, name, latin string) error {
	if !who.IsPerson() || who.session == "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := proof.Covers(who, NameAct(who.person), tx.At); err != nil {
			return err
		}
		if err := a.Still(tx, who); err != nil {
			return err
		}
		staff, err := engaged(tx, who.person)
		if err == nil && staff {
			err = ErrStaffName
		}
		if err != nil {
			return err
		}
		if err = a.rename(tx, who.person, name, latin, ""); errors.Is(err, ErrState) {
			return db.ErrUnchanged
		}
		return err
	})
}

// ProposeName proposes another name for a member of staff; a second one confirms it, and neither is the one it is about.
func (a *Accounts) ProposeName(ctx context.Context, who Who, proof Proof, person PersonID, name, latin, note string) (task string, err error) {
	if name, latin, err = cleanNames(name, latin); err != nil {
		return "", err
	}
	return a.propose(ctx, who, proof, Task{Kind: Rename, Person: person, Name: name, Latin: latin, Note: note}, string(person))
}

// rename keeps the name there was, tells the person, and records a hash of the new one.
func (a *Accounts) rename(tx *db.Tx, person PersonID, name, latin, task string) error {
	name, latin, err := cleanNames(name, latin)
	if err != nil {
		return err
	}
	old, err := a.Person(tx, person)
	if err != nil {
		return err
	}
	if old.Name == name && old.Latin == latin {
		return ErrState
	}
	_, err = tx.Exec(`INSERT INTO former_names (id, person_id, name, latin, until) VALUES ($1, $2, $3, $4, $5)`,
		db.NewID(), string(person), old.Name, old.Latin, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("keeping the name of person %s: %w", person, err)
	}
	salt := db.NewID()
	err = tx.Update(`UPDATE persons SET name = $1, latin = $2, salt = $3 WHERE id = $4 AND erased = 0`, name, latin, salt, string(person))
	if err != nil {
		return err
	}
	if err := tx.Record(subject(person), renamed{Name: salted(salt, name, latin), Task: task}); err != nil {
		return err
	}
	return a.notify(tx, NoticeName, person)
}

// cleanNames trims both forms of a name; the one in Latin letters may be empty.
func cleanNames(name, latin string) (string, string, error) {
	name, err := cleanName(name)
	if err != nil {
		return "", "", err
	}
	if err != nil || strings.TrimSpace(latin) == "" {
		return name, "", err
	}
	latin, err = cleanName(latin)
	return name, latin, err
}

// A FormerName is what a person was called until a change.
type FormerName struct {
	Name, Latin string
	Until       time.Time
}

// FormerNames lists what a person was called before, the last first.
func (a *Accounts) FormerNames(tx *db.Tx, person PersonID) ([]FormerName, error) {
	return db.Many(tx, func(r db.Row) (f FormerName, err error) {
		var until int64
		err = r.Scan(&f.Name, &f.Latin, &until)
		f.Until = db.Instant(until)
		return f, err
	}, `SELECT name, latin, until FROM former_names WHERE person_id = $1 ORDER BY until DESC, id`, string(person))
}

// engaged says whether somebody is staff or is going to be.
func engaged(tx *db.Tx, person PersonID) (bool, error) {
	var n int
	err := tx.QueryRow(`SELECT COUNT(*) FROM staff_roles WHERE person_id = $1 AND (until = 0 OR until > $2)`, string(person), db.Stamp(tx.At)).Scan(&n)
	return n > 0, err
}
