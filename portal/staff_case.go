package portal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
	"sluice/templates"
)

// A staffCase is a request with everything that staff may know of it. Nothing in it opens anything: no link, no content.
type staffCase struct {
	licensing.Page
	At         time.Time
	Deliveries []delivery.Overview
	Transfers  map[delivery.ID][]delivery.Transfer
	Letters    []licensing.Letter // newest first
	Factors    map[account.PersonID]account.Factor
	Names      map[account.PersonID]string
	Reasons    map[string]string // what was written, by the id of its note
	Stated     map[string]string // the words of the confirmations, by item
	Jobs       []db.Job          // about its deliveries
	Lang       string
	zone       *time.Location
}

// loadCase reads a request by its number, or by its id, which letters use.
func (s *Server) loadCase(ctx context.Context, v *visit, number string) (*staffCase, error) {
	c := &staffCase{Lang: v.Lang, zone: s.zone}
	err := s.cfg.DB.View(ctx, func(tx *db.Tx) error {
		q, err := s.cfg.Registry.RequestNumbered(tx, number)
		if errors.Is(err, licensing.ErrNotFound) {
			q, err = s.cfg.Registry.Request(tx, licensing.RequestID(number))
		}
		if err != nil {
			return err
		}
		c.At = tx.At
		if c.Page, err = s.cfg.Registry.PageOf(tx, v.Who, q.ID); err != nil {
			return err
		}
		return s.fillCase(tx, c)
	})
	return c, err
}

func (s *Server) fillCase(tx *db.Tx, c *staffCase) error {
	c.Transfers, c.Factors = map[delivery.ID][]delivery.Transfer{}, map[account.PersonID]account.Factor{}
	c.Names, c.Reasons = map[account.PersonID]string{}, map[string]string{}
	for _, a := range c.Agreements {
		found, err := s.cfg.Depot.Overview(tx, a.ID)
		if err != nil {
			return err
		}
		for _, d := range found {
			if c.Transfers[d.ID], err = s.cfg.Depot.Transfers(tx, d.ID, ""); err != nil {
				return err
			}
		}
		c.Deliveries = append(c.Deliveries, found...)
	}
	if err := s.fillPeople(tx, c); err != nil {
		return err
	}
	if err := s.fillReasons(tx, c); err != nil {
		return err
	}
	if err := s.fillStated(tx, c); err != nil {
		return err
	}
	jobs, err := tx.Jobs()
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if slices.ContainsFunc(c.Deliveries, func(d delivery.Overview) bool { return string(d.ID) == j.Subject }) {
			c.Jobs = append(c.Jobs, j)
		}
	}
	return nil
}

// fillPeople reads names, second factors and letters of everybody in the request.
func (s *Server) fillPeople(tx *db.Tx, c *staffCase) error {
	ids := slices.Clone(c.Request.Editors)
	ids = append(ids, c.Request.Decider)
	seen := map[string]bool{}
	letters := func(person account.PersonID, email string) error {
		ids = append(ids, person)
		found, err := s.cfg.Registry.Outbox().Letters(tx, person, email)
		for _, l := range found {
			if !seen[l.ID] && (l.Number == c.Request.Number || strings.HasPrefix(l.Number, c.Request.Number+"-")) {
				seen[l.ID] = true
				c.Letters = append(c.Letters, l)
			}
		}
		return err
	}
	for _, p := range c.Request.Parties {
		if err := letters(p.Person, p.Email); err != nil {
			return err
		}
	}
	for _, a := range c.Agreements {
		for _, p := range a.Aside {
			if err := letters(p.Person, p.Email); err != nil {
				return err
			}
		}
	}
	for _, k := range c.contacts() {
		if err := letters(k.Person, k.Email); err != nil {
			return err
		}
	}
	sort.SliceStable(c.Letters, func(i, j int) bool { return c.Letters[i].Created.After(c.Letters[j].Created) })
	for _, a := range c.Agreements {
		ids = append(ids, a.Proposal.By, a.Editor, a.Stop.Confirmed)
		for _, p := range a.Papers {
			ids = append(ids, p.By, p.Decider)
		}
		for _, m := range a.Amendments {
			ids = append(ids, m.By)
			for _, d := range m.Decisions {
				ids = append(ids, d.By)
			}
		}
	}
	for _, id := range ids {
		if _, known := c.Names[id]; id == "" || known {
			continue
		}
		p, err := s.cfg.Accounts.Person(tx, id)
		if err != nil && !errors.Is(err, account.ErrNoPerson) {
			return err
		}
		c.Names[id] = p.Name
		if c.Factors[id], err = s.cfg.Accounts.Factor(tx, id); err != nil {
			return err
		}
	}
	return nil
}

// fillReasons reads what people wrote.
func (s *Server) fillReasons(tx *db.Tx, c *staffCase) error {
	notes := []licensing.Note{c.Request.Decision}
	for _, scope := range c.Request.Scopes {
		notes = append(notes, scope.Note)
	}
	for _, a := range c.Agreements {
		notes = append(notes, a.Proposal.Note, a.Stop.Note)
		for _, k := range a.Confirmations {
			notes = append(notes, k.Explanation)
		}
		for _, p := range a.Papers {
			notes = append(notes, p.Note)
		}
		for _, m := range a.Amendments {
			notes = append(notes, m.Note)
			for _, d := range m.Decisions {
				notes = append(notes, d.Note)
			}
		}
	}
	for _, n := range notes {
		words, err := s.cfg.Registry.Words(tx, n)
		if err != nil {
			return err
		}
		if words != "" {
			c.Reasons[n.ID] = words
		}
	}
	return nil
}

// fillStated reads the words of the confirmations. Words that were replaced since are not shown: only the new ones are there.
func (s *Server) fillStated(tx *db.Tx, c *staffCase) error {
	c.Stated = map[string]string{}
	a, _ := c.agreement()
	stated, err := s.cfg.Registry.Stated(tx, a)
	var replaced *licensing.RefusedError
	if errors.As(err, &replaced) {
		return nil
	}
	for _, k := range stated {
		c.Stated[k.Item] = k.Text
	}
	return err
}

// agreement is the agreement of the request; a request has one legal entity, hence one agreement.
func (c *staffCase) agreement() (licensing.Agreement, bool) {
	if len(c.Agreements) == 0 {
		return licensing.Agreement{}, false
	}
	return c.Agreements[0], true
}

// contacts are those of the agreement, or the ones asked for while there is none.
func (c *staffCase) contacts() []licensing.Contact {
	if a, ok := c.agreement(); ok {
		return a.Contacts
	}
	return c.Request.Contacts
}

// state is the word on the tag: of the agreement once there is one.
func (c *staffCase) state() templates.Status {
	if a, ok := c.agreement(); ok {
		return templates.Status(a.StateAt(c.At))
	}
	return templates.Status(c.Request.State)
}

// rev names what the page was made from: a form that carries another one was filled in about something that has changed.
func (c *staffCase) rev() string {
	a, _ := c.agreement()
	return fmt.Sprintf("%d.%d", c.Request.Rev, a.Rev)
}

func (c *staffCase) path(more ...string) string {
	return "/requests/" + strings.Join(append([]string{c.Request.Number}, more...), "/")
}

func (c *staffCase) may(kind string) bool { return licensing.May(c.Roles, kind) }

// name is how a person is called here; erased people have none.
func (c *staffCase) name(id account.PersonID) templates.Msg {
	if c.Names[id] == "" {
		return templates.M("staff.nobody")
	}
	return templates.Text(c.Names[id])
}

// day shows an agreed date; nil for none.
func (c *staffCase) day(d licensing.Date) templates.Msg {
	if d.IsZero() {
		return nil
	}
	return templates.Day(d.Start(c.zone))
}

// reason is what a note says, or nil.
func (c *staffCase) reason(n licensing.Note) templates.Msg {
	if w := c.Reasons[n.ID]; w != "" {
		return templates.Text(w)
	}
	return nil
}

// showParts shows a page that is made of components alone.
func (v *visit) showParts(p templates.Page, all ...templates.Part) error {
	p.Data = templates.PartsPage{Parts: all}
	return v.show("parts", p)
}

// toPage is a link, for going back.
func toPage(href string, words templates.Msg) *templates.Link {
	return &templates.Link{Text: words, Href: href}
}
