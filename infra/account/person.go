package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/infra/db"
)

// A Person is somebody with an account.
type Person struct {
	ID      PersonID
	Name    string // empty once erased
	Latin   string // the name in Latin letters, where Name is in a script that cannot be printed
	Lang    string // "en" or "nl"
	Created time.Time
}

// Erased says whether the personal data of this person was erased; only the id is left, for the log.
func (p Person) Erased() bool { return p.Name == "" }

// An Email is an address that a person has shown to receive mail at.
type Email struct {
	Address  string // normalised, see Address
	Verified time.Time
}

// ErrNoPerson is returned for an id that no person has.
var ErrNoPerson = errors.New("there is no such person")

// Person reads one person.
func (a *Accounts) Person(tx *db.Tx, id PersonID) (Person, error) {
	p := Person{ID: id}
	var created int64
	err := tx.QueryRow(`SELECT name, latin, lang, created FROM persons WHERE id = $1`, string(id)).Scan(&p.Name, &p.Latin, &p.Lang, &created)
	if db.NoRows(err) {
		return Person{}, ErrNoPerson
	}
	if err != nil {
		return Person{}, fmt.Errorf("reading person %s: %w", id, err)
	}
	p.Created = db.Instant(created)
	return p, nil
}

// SetLang sets the language in which a person reads pages and mail.
func (a *Accounts) SetLang(ctx context.Context, who Who, lang string) error {
	if !who.IsPerson() || who.session == "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		lang := language(lang)
		if n, err := tx.Exec(`UPDATE persons SET lang = $1 WHERE id = $2 AND lang <> $3`, lang, string(who.person), lang); err != nil || n == 0 {
			return cmp.Or(err, db.ErrUnchanged)
		}
		return tx.Record(subject(who.person), langSet{Lang: lang})
	})
}

// ByEmail finds the person to whom a verified address belongs. Text that is no address belongs to nobody.
func (a *Accounts) ByEmail(tx *db.Tx, address string) (Person, bool, error) {
	address, err := Address(address)
	if err != nil {
		return Person{}, false, nil
	}
	id, err := owner(tx, address)
	if err != nil || id == "" {
		return Person{}, false, err
	}
	p, err := a.Person(tx, id)
	return p, err == nil, err
}

// owner is the person of a normalised address, or "".
func owner(tx *db.Tx, address string) (PersonID, error) {
	var id PersonID
	err := tx.QueryRow(`SELECT person_id FROM emails WHERE address = $1`, address).Scan(&id)
	if db.NoRows(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("looking up an address: %w", err)
	}
	return id, nil
}

// Emails lists the verified addresses of a person, the oldest first: that one is where mail goes.
func (a *Accounts) Emails(tx *db.Tx, id PersonID) ([]Email, error) {
	rows, err := tx.Query(`SELECT address, verified FROM emails WHERE person_id = $1 ORDER BY verified, address`, string(id))
	if err != nil {
		return nil, fmt.Errorf("reading the addresses of person %s: %w", id, err)
	}
	defer rows.Close()
	var emails []Email
	for rows.Next() {
		var e Email
		var verified int64
		if err := rows.Scan(&e.Address, &verified); err != nil {
			return nil, err
		}
		e.Verified = db.Instant(verified)
		emails = append(emails, e)
	}
	return emails, rows.Err()
}

// Factor reads the state of a person's second factor. Of somebody who has none, or whose account is disabled, it is the
// zero Factor, which does not hold.
func (a *Accounts) Factor(tx *db.Tx, id PersonID) (Factor, error) {
	f, err := readFactor(tx, id)
	if err != nil || f.disabled {
		return Factor{}, err
	}
	return f.Factor, nil
}

// factor is the row behind a Factor.
type factor struct {
	Factor
	seed     string // sealed; "" while there is none
	byLink   bool   // enrolling needs a mailed link
	disabled bool   // the account, not the factor
}

func readFactor(tx *db.Tx, id PersonID) (factor, error) {
	var f factor
	var enrolled, held, voided, disabled int64
	err := tx.QueryRow(`SELECT f.seed, f.enrolled, f.held, f.by_link, f.voided, a.disabled FROM factors f
		JOIN accounts a ON a.person_id = f.person_id WHERE f.person_id = $1`, string(id)).
		Scan(&f.seed, &enrolled, &held, &f.byLink, &voided, &disabled)
	if db.NoRows(err) {
		return factor{}, nil
	}
	if err != nil {
		return factor{}, fmt.Errorf("reading the second factor of person %s: %w", id, err)
	}
	f.Enrolled, f.Held, f.Voided, f.disabled = db.Instant(enrolled), held != 0, db.Instant(voided), disabled != 0
	return f, nil
}

// addEmail binds a normalised address to a person. Somebody else's is refused.
func (a *Accounts) addEmail(tx *db.Tx, person PersonID, address string) error {
	has, err := owner(tx, address)
	switch {
	case err != nil:
		return err
	case has == person:
		return nil
	case has != "":
		return ErrTaken
	}
	salt := db.NewID()
	_, err = tx.Exec(`INSERT INTO emails (address, lookup, person_id, salt, verified) VALUES ($1, $2, $3, $4, $5)`,
		address, a.lookup(address), string(person), salt, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("adding an address to person %s: %w", person, err)
	}
	return tx.Record(subject(person), emailVerified{Address: salted(salt, address)})
}

func subject(person PersonID) string { return "person:" + string(person) }
