package delivery

import (
	"context"
	"net/http"

	"sluice/infra/account"
	"sluice/infra/db"
)

// IdleAfter is after how long a transfer is over.
const IdleAfter = idleAfter

// Open is how many streams are open.
func (g *Gateway) Open() int { return g.streams.count() }

// Looks is how often the watch had an answer.
func (g *Gateway) Looks() int64 { return g.streams.looks.Load() }

// ServeStored serves a file as it is stored.
func (g *Gateway) ServeStored(w http.ResponseWriter, r *http.Request, who account.Who, id ID, name string) error {
	return g.serve(w, r, who, id, func(tx *db.Tx, d Delivery) (*content, error) { return g.depot.storedContent(tx, d, name) })
}

// Ask puts the one question, from the database.
func (p *Depot) Ask(ctx context.Context, who account.Who, id ID) error {
	return p.db.View(ctx, func(tx *db.Tx) error {
		_, err := p.ask(tx, who, id)
		return err
	})
}
