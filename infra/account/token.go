package account

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"sluice/infra/db"
)

// tokenLife is the longest a token lives. It begins with tokenPrefix, so that a scanner finds one that leaked.
const (
	tokenLife   = 24 * time.Hour
	tokenPrefix = "sluice_"
)

// ErrScope is returned for a token that would be for nothing, for everything, or for a time that is over.
var ErrScope = errors.New("a token is for one delivery, until a time that has not passed")

// A Token stands in for its person at one delivery, where there is no browser.
type Token struct {
	ID       string
	Person   PersonID
	Scope    string // "delivery:ID"
	Created  time.Time
	Expires  time.Time
	LastUsed time.Time // to the minute
	Revoked  time.Time
}

// NewToken makes a token for one subject, until the given time and at most 24 hours, with the proof for the act "token" on
// that subject. The secret is returned this once.
func (a *Accounts) NewToken(ctx context.Context, who Who, proof Proof, scope string, until time.Time) (bearer string, t Token, err error) {
	if !who.IsPerson() || who.session == "" {
		return "", Token{}, ErrNotAllowed
	}
	if rest, ok := strings.CutPrefix(scope, "delivery:"); !ok || rest == "" {
		return "", Token{}, ErrScope
	}
	made := tokenPrefix + secret()
	err = a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		if err := proof.Covers(who, Act{Kind: "token", Subject: scope}, tx.At); err != nil {
			return err
		}
		if err := a.Still(tx, who); err != nil {
			return err
		}
		t = Token{ID: db.NewID(), Person: who.person, Scope: scope, Created: tx.At, Expires: tx.At.Add(tokenLife)}
		if until.Before(t.Expires) {
			t.Expires = until
		}
		if !tx.At.Before(t.Expires) {
			return ErrScope
		}
		_, err := tx.Exec(`INSERT INTO tokens (id, hash, person_id, scope, created, expires) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, hashed(made), string(who.person), scope, db.Stamp(t.Created), db.Stamp(t.Expires))
		if err != nil {
			return fmt.Errorf("making a token: %w", err)
		}
		return tx.Record(subject(who.person), tokenMade{Token: t.ID, Scope: scope, Expires: db.Stamp(t.Expires)})
	})
	if err != nil {
		return "", Token{}, err
	}
	return made, t, nil
}

// ByToken finds who a token stands in for. That Who has no role, and its Scope names the one thing it is for.
func (a *Accounts) ByToken(ctx context.Context, secret string) (Who, Token, error) {
	if !strings.HasPrefix(secret, tokenPrefix) {
		return Who{}, Token{}, ErrNotSignedIn
	}
	var who Who
	var t Token
	var stale bool
	err := a.db.View(ctx, func(tx *db.Tx) error {
		var err error
		who, t, err = a.tokenOf(tx, secret)
		stale = tx.At.Sub(t.LastUsed) >= seenEvery
		return err
	})
	if err != nil || !stale {
		return who, t, err
	}
	return who, t, a.db.Upkeep(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`INSERT INTO seen (subject, person_id, at) VALUES ($1, $2, $3) ON CONFLICT (subject) DO UPDATE SET at = excluded.at`,
			"token:"+t.ID, string(t.Person), db.Stamp(tx.At))
		return err
	})
}

const selectToken = `SELECT t.id, t.person_id, t.scope, t.created, t.expires, t.revoked, a.disabled, COALESCE(s.at, 0)
	FROM tokens t JOIN accounts a ON a.person_id = t.person_id LEFT JOIN seen s ON s.subject = 'token:' || t.id`

// tokenOf reads the token of a secret.
func (a *Accounts) tokenOf(tx *db.Tx, secret string) (Who, Token, error) {
	return a.scanToken(tx, tx.QueryRow(selectToken+` WHERE t.hash = $1`, hashed(secret)))
}

// readToken reads one token by its id.
func (a *Accounts) readToken(tx *db.Tx, id string) (Who, Token, error) {
	return a.scanToken(tx, tx.QueryRow(selectToken+` WHERE t.id = $1`, id))
}

// scanToken makes a token of a row, and refuses it unless it works.
func (a *Accounts) scanToken(tx *db.Tx, row db.Row) (Who, Token, error) {
	var t Token
	var created, expires, revoked, off, used int64
	err := row.Scan(&t.ID, &t.Person, &t.Scope, &created, &expires, &revoked, &off, &used)
	if err != nil && !db.NoRows(err) {
		return Who{}, Token{}, fmt.Errorf("reading a token: %w", err)
	}
	if err != nil || revoked != 0 || off != 0 || !tx.At.Before(db.Instant(expires)) {
		return Who{}, Token{}, ErrNotSignedIn
	}
	f, err := a.Factor(tx, t.Person)
	if err != nil {
		return Who{}, Token{}, err
	}
	if !f.Holds() {
		return Who{}, Token{}, ErrNotSignedIn
	}
	t.Created, t.Expires, t.LastUsed = db.Instant(created), db.Instant(expires), db.Instant(used)
	return Who{person: t.Person, scope: t.Scope, token: t.ID}, t, nil
}

// Tokens lists the tokens of who asks that still work, the newest first.
func (a *Accounts) Tokens(ctx context.Context, who Who) ([]Token, error) {
	if !who.IsPerson() || who.session == "" {
		return nil, ErrNotAllowed
	}
	var tokens []Token
	err := a.db.View(ctx, func(tx *db.Tx) error {
		tokens = nil
		rows, err := tx.Query(`SELECT t.id, t.scope, t.created, t.expires, COALESCE(s.at, 0) FROM tokens t
			LEFT JOIN seen s ON s.subject = 'token:' || t.id
			WHERE t.person_id = $1 AND t.revoked = 0 AND t.expires > $2 ORDER BY t.created DESC, t.id`, string(who.person), db.Stamp(tx.At))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			t := Token{Person: who.person}
			var created, expires, used int64
			if err := rows.Scan(&t.ID, &t.Scope, &created, &expires, &used); err != nil {
				return err
			}
			t.Created, t.Expires, t.LastUsed = db.Instant(created), db.Instant(expires), db.Instant(used)
			tokens = append(tokens, t)
		}
		return rows.Err()
	})
	return tokens, err
}

// RevokeToken ends one token of who asks. Somebody else's is not found.
func (a *Accounts) RevokeToken(ctx context.Context, who Who, id string) error {
	if !who.IsPerson() || who.session == "" {
		return ErrNotAllowed
	}
	return a.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		n, err := tx.Exec(`UPDATE tokens SET revoked = $1 WHERE id = $2 AND person_id = $3 AND revoked = 0`, db.Stamp(tx.At), id, string(who.person))
		if err != nil {
			return err
		}
		if n == 0 {
			return ErrNotSignedIn
		}
		return tx.Record(subject(who.person), tokenRevoked{Token: id})
	})
}
