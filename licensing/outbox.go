package licensing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// An Address is where a letter goes, and in which language.
type Address struct {
	Email  string
	Name   string
	Lang   string
	Person account.PersonID // whose inbox in the portal shows it too; may be empty
}

// A Letter waits in the outbox until it is sent. It holds no secret: a link that proves something is derived from
// Invitation at the moment of sending.
type Letter struct {
	ID         string
	Kind       string // key of the text: "agreement.sign", "ending.30"
	To         Address
	Number     string            // DR-0042-A
	Link       string            // path in the portal
	Facts      map[string]string // what the text names: dates, names
	Invitation string            // id of an invitation or of another link of package account, if the letter carries one
	Created    time.Time
	Sent       time.Time
}

// A Sender composes and sends one letter. It may be called twice for one letter.
type Sender func(context.Context, Letter) error

// mailJob is the kind of the jobs that send letters, one a letter: a letter that cannot be sent holds up no other.
const mailJob = "mail"

// Outbox keeps letters until they are sent, in the transaction that makes them necessary.
type Outbox struct {
	db   *db.DB
	send Sender
}

// NewOutbox is an outbox over a database.
func NewOutbox(d *db.DB, send Sender) *Outbox { return &Outbox{d, send} }

// Post puts a letter into the outbox.
func (o *Outbox) Post(tx *db.Tx, l Letter) error {
	if l.Kind == "" || l.To.Email == "" {
		return errors.New("a letter without a kind or an address")
	}
	if l.To.Lang == "" {
		l.To.Lang = "en"
	}
	l.ID = db.NewID()
	_, err := tx.Exec(`INSERT INTO mail_outbox (id, kind, email, name, lang, person, number, link, facts, invitation, created, sent)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0)`,
		l.ID, l.Kind, l.To.Email, l.To.Name, l.To.Lang, l.To.Person, l.Number, l.Link, asText(l.Facts), l.Invitation, db.Stamp(tx.At))
	if err != nil {
		return fmt.Errorf("posting %s: %w", l.Kind, err)
	}
	return tx.Enqueue(mailJob, l.ID, tx.At)
}

// Notice posts a message of package account: set it as account.Accounts.Notify.
func (o *Outbox) Notice(tx *db.Tx, n account.Notice) error {
	l := Letter{Kind: "account." + n.Kind, To: Address{Email: n.Email, Name: n.Name, Lang: n.Lang, Person: n.Person}, Link: "/account", Invitation: n.Link}
	if n.Task != "" {
		l.Link, l.Facts = "/staff/tasks/"+n.Task, map[string]string{"proposer": string(n.By)}
	}
	return o.Post(tx, l)
}

const selectLetters = `SELECT id, kind, email, name, lang, person, number, link, facts, invitation, created, sent FROM mail_outbox`

func scanLetter(s db.Row) (l Letter, err error) {
	var created, sent int64
	err = s.Scan(&l.ID, &l.Kind, &l.To.Email, &l.To.Name, &l.To.Lang, &l.To.Person, &l.Number, &l.Link, as(&l.Facts), &l.Invitation, &created, &sent)
	l.Created, l.Sent = db.Instant(created), db.Instant(sent)
	return l, err
}

// Letters lists what was posted to one address or person, newest first: the inbox in the portal.
func (o *Outbox) Letters(tx *db.Tx, person account.PersonID, email string) ([]Letter, error) {
	return db.Many(tx, scanLetter, selectLetters+` WHERE (person <> '' AND person = $1) OR (email <> '' AND email = $2) ORDER BY created DESC, id LIMIT 200`,
		person, email)
}

// AllLetters lists the newest letters: the page of the demo.
func (o *Outbox) AllLetters(tx *db.Tx, limit int) ([]Letter, error) {
	return db.Many(tx, scanLetter, selectLetters+` ORDER BY created DESC, id LIMIT $1`, limit)
}

// Deliver is the handler of mail jobs: it sends the letter of an id, once unless striking it off fails.
func (o *Outbox) Deliver(ctx context.Context, id string) error {
	var l Letter
	err := o.db.View(ctx, func(tx *db.Tx) (err error) {
		l, err = one(tx, scanLetter, selectLetters+` WHERE id = $1`, id)
		return err
	})
	if errors.Is(err, ErrNotFound) || (err == nil && !l.Sent.IsZero()) {
		return nil
	}
	if err != nil {
		return err
	}
	if o.send == nil {
		return errors.New("no way of sending mail was handed in")
	}
	if err := o.send(ctx, l); err != nil {
		return err
	}
	return o.db.Upkeep(ctx, func(tx *db.Tx) error {
		_, err := tx.Exec(`UPDATE mail_outbox SET sent = $1 WHERE id = $2`, db.Stamp(tx.At), id)
		return err
	})
}
