package account

import (
	"crypto/hmac"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"sluice/infra/db"
)

// ErrLink is returned for a link that does not exist, was used, has expired or was replaced.
var ErrLink = errors.New("this link does not work any more: ask for a new one")

// The secret of a link, as it stands behind /…/ in a mail:
//
//	id          26 characters, the key of its row
//	"."
//	mac         43 characters, base64url: HMAC-SHA256 under the key for links, over kind, id and generation,
//	            each with its length before it
//
// It is made anew whenever it is needed and stands nowhere at rest.
func (a *Accounts) linkSecret(kind, id string, generation int) string {
	return id + "." + base64.RawURLEncoding.EncodeToString(mac(a.keys.link, kind, id, strconv.Itoa(generation)))
}

// idOf is the id that a secret claims; genuine says whether it may.
func idOf(secret string) string {
	id, _, _ := strings.Cut(secret, ".")
	return id
}

func (a *Accounts) genuine(secret, kind, id string, generation int) bool {
	return hmac.Equal([]byte(secret), []byte(a.linkSecret(kind, id, generation)))
}

// Link makes the secret of an invitation or another link. Only what sends the mail may call it, and the command line
// where there is no mail: no page ever shows it, or staff could become the person it is for.
func (a *Accounts) Link(tx *db.Tx, id string) (string, error) {
	var generation int
	err := tx.QueryRow(`SELECT generation FROM invitations WHERE id = $1`, id).Scan(&generation)
	if err == nil {
		return a.linkSecret(invitationLink, id, generation), nil
	}
	if !db.NoRows(err) {
		return "", fmt.Errorf("reading invitation %s: %w", id, err)
	}
	var kind string
	err = tx.QueryRow(`SELECT kind FROM links WHERE id = $1`, id).Scan(&kind)
	if db.NoRows(err) {
		return "", ErrLink
	}
	if err != nil {
		return "", fmt.Errorf("reading link %s: %w", id, err)
	}
	return a.linkSecret(kind, id, 1), nil
}

// The kinds of links. The kind is part of what the secret is made from.
const (
	invitationLink = "invitation"
	resetLink      = "reset"
	enrolLink      = "enrol"
)

// ResetLife and EnrolLife are how long they live. That of an invitation is a setting.
const (
	ResetLife = 30 * time.Minute
	EnrolLife = 24 * time.Hour
)

// newLink makes a link of a kind for a person, and ends those made before.
func newLink(tx *db.Tx, kind string, person PersonID, life time.Duration) (id string, err error) {
	if _, err := tx.Exec(`UPDATE links SET used = $1 WHERE person_id = $2 AND kind = $3 AND used = 0`, db.Stamp(tx.At), string(person), kind); err != nil {
		return "", err
	}
	id = db.NewID()
	_, err = tx.Exec(`INSERT INTO links (id, kind, person_id, created, expires) VALUES ($1, $2, $3, $4, $5)`,
		id, kind, string(person), db.Stamp(tx.At), db.Stamp(tx.At.Add(life)))
	return id, err
}

// readLink returns the person a link of this kind is for, while it works.
func (a *Accounts) readLink(tx *db.Tx, kind, secret string) (PersonID, error) {
	id := idOf(secret)
	var person PersonID
	var expires, used, off int64
	err := tx.QueryRow(`SELECT l.person_id, l.expires, l.used, a.disabled FROM links l JOIN accounts a ON a.person_id = l.person_id
		WHERE l.id = $1 AND l.kind = $2`, id, kind).Scan(&person, &expires, &used, &off)
	if err != nil && !db.NoRows(err) {
		return "", fmt.Errorf("reading a link: %w", err)
	}
	if err != nil || !a.genuine(secret, kind, id, 1) || used != 0 || off != 0 || !tx.At.Before(db.Instant(expires)) {
		return "", ErrLink
	}
	return person, nil
}

// useLink uses up a link, once.
func useLink(tx *db.Tx, id string) error {
	err := tx.Update(`UPDATE links SET used = $1 WHERE id = $2 AND used = 0`, db.Stamp(tx.At), id)
	if errors.Is(err, db.ErrConflict) {
		return ErrLink
	}
	return err
}
