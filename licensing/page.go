package licensing

import (
	"encoding/json"
	"slices"
	"sort"
	"time"

	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
)

// Mine is one agreement, or a request without one, with the parts that a person has in it.
type Mine struct {
	Request   Request
	Agreement Agreement // zero while the request is not approved
	Roles     []Role
}

// AgreementsFor lists what a person has a part in, the newest first. Removed contacts see nothing any more.
func (r *Registry) AgreementsFor(tx *db.Tx, who account.Who) ([]Mine, error) {
	if who.Scope() != "" {
		return nil, nil // a token reads files and is for nothing else
	}
	seen := map[RequestID]bool{}
	var ids []RequestID
	parties, err := r.PartiesOf(tx, who.Person())
	if err != nil {
		return nil, err
	}
	for _, p := range parties {
		if p.Part == Representative && !who.Has(account.Representative) {
			continue
		}
		if !seen[p.Request] {
			seen[p.Request] = true
			ids = append(ids, p.Request)
		}
	}
	contacts, err := r.ContactsOf(tx, who.Person())
	if err != nil {
		return nil, err
	}
	for _, c := range contacts {
		if c.Admitted() && !seen[c.Request] {
			seen[c.Request] = true
			ids = append(ids, c.Request)
		}
	}
	var all []Mine
	for _, id := range ids {
		q, err := r.Request(tx, id)
		if err != nil {
			return nil, err
		}
		agreements, err := r.AgreementsOf(tx, id)
		if err != nil {
			return nil, err
		}
		if len(agreements) == 0 {
			all = append(all, Mine{Request: q, Roles: r.rolesIn(who, q.Parties, nil)})
		}
		for _, a := range agreements {
			all = append(all, Mine{q, a, r.rolesIn(who, a.Parties, a.Contacts)})
		}
	}
	sort.SliceStable(all, func(i, j int) bool { return all[i].Request.Recorded.After(all[j].Request.Recorded) })
	return all, nil
}

// Requests lists all requests for staff, the newest first.
func (r *Registry) Requests(tx *db.Tx, who account.Who) ([]Mine, error) {
	if !who.Has(account.Desk, account.Representative, account.Auditor) {
		return nil, account.ErrNotAllowed
	}
	ids, err := db.Many(tx, scanString, `SELECT id FROM requests ORDER BY recorded DESC, id`)
	if err != nil {
		return nil, err
	}
	var all []Mine
	for _, id := range ids {
		q, err := r.Request(tx, RequestID(id))
		if err != nil {
			return nil, err
		}
		agreements, err := r.AgreementsOf(tx, q.ID)
		if err != nil {
			return nil, err
		}
		mine := Mine{Request: q, Roles: r.rolesIn(who, q.Parties, nil)}
		if len(agreements) > 0 {
			mine.Agreement = agreements[0]
			mine.Roles = r.rolesIn(who, q.Parties, agreements[0].Contacts)
		}
		all = append(all, mine)
	}
	return all, nil
}

// A Page is a request with everything about it, for somebody who may see it.
type Page struct {
	Request    Request
	Agreements []Agreement
	Datasets   []Dataset
	Documents  []StoredDocument
	Signatures []Signature // of every version
	Tasks      []Task
	TimeLine   []Moment
	Duplicates []Duplicate // for the desk
	Roles      []Role
}

// PageOf reads the page of a request. For others than those concerned it is not there.
func (r *Registry) PageOf(tx *db.Tx, who account.Who, id RequestID) (Page, error) {
	q, err := r.Request(tx, id)
	if err != nil {
		return Page{}, err
	}
	p := Page{Request: q}
	if p.Agreements, err = r.AgreementsOf(tx, id); err != nil {
		return Page{}, err
	}
	contacts := []Contact(nil)
	for _, a := range p.Agreements {
		contacts = append(contacts, a.Contacts...)
	}
	p.Roles = r.rolesIn(who, q.Parties, contacts)
	if !sees(p.Roles) {
		return Page{}, ErrNotFound
	}
	for _, need := range q.Content.Datasets {
		d, err := r.Dataset(tx, need.Dataset)
		if err != nil {
			return Page{}, err
		}
		p.Datasets = append(p.Datasets, d)
	}
	if len(p.Agreements) == 0 && q.State == Recorded {
		p.Tasks = r.ofRequest(q)
	}
	for _, a := range p.Agreements {
		documents, err := r.Documents(tx, a.ID)
		if err != nil {
			return Page{}, err
		}
		signatures, err := r.AllSignatures(tx, a.ID)
		if err != nil {
			return Page{}, err
		}
		documents = slices.DeleteFunc(documents, func(d StoredDocument) bool { return !a.shows(d, p.Roles) })
		p.Documents, p.Signatures = append(p.Documents, documents...), append(p.Signatures, signatures...)
		p.Tasks = append(p.Tasks, r.ofAgreement(a, q, tx.At)...)
	}
	p.Tasks = urgent(p.Tasks, tx.At)
	if who.Has(account.Desk) {
		if p.Duplicates, err = r.Duplicates(tx, q); err != nil {
			return Page{}, err
		}
	}
	if p.TimeLine, err = r.timeLine(tx, p); err != nil {
		return Page{}, err
	}
	if len(p.Roles) == 1 && p.Roles[0] == AsContact {
		// What the parties wrote to each other is not for those who only download.
		for i := range p.TimeLine {
			p.TimeLine[i].Words = ""
		}
	}
	return p, nil
}

// RolesIn are somebody's roles towards an agreement; ErrNotFound when it is not for him to know of.
func (r *Registry) RolesIn(who account.Who, a Agreement) ([]Role, error) {
	roles := r.rolesIn(who, a.Parties, a.Contacts)
	if !sees(roles) {
		return nil, ErrNotFound
	}
	return roles, nil
}

// A Moment is one entry of a time line: a key of the message files with its arguments, who and when.
type Moment struct {
	Seq     int64
	At      time.Time
	By      string // as in the log: "person:…", "worker", "cli:user@host"
	Name    string // of the person, while there is one
	Subject string
	Key     string // "timeline.agreement.signed"
	Args    map[string]string
	Words   string // a reason that somebody wrote
}

// timeLine reads what happened to a request and its agreements, oldest first.
func (r *Registry) timeLine(tx *db.Tx, p Page) ([]Moment, error) {
	subjects := []string{"request:" + string(p.Request.ID)}
	for _, a := range p.Agreements {
		subjects = append(subjects, "agreement:"+string(a.ID))
	}
	var line []Moment
	for _, subject := range subjects {
		for e, err := range tx.LogOf(subject) {
			if err != nil {
				return nil, err
			}
			body, err := e.Decode()
			if err != nil {
				return nil, err
			}
			m := Moment{Seq: e.Seq, At: e.At, By: body.By, Subject: subject, Key: "timeline." + body.Kind, Args: momentArgs(p, body.Kind, body.Data)}
			m.Words = noteID(body.Data)
			if body.Kind == (EmergencyStopped{}).Kind() {
				m.By = stopperOf(body) // whoever brought a journalled stop into the log did not make it
			}
			line = append(line, m)
		}
	}
	sort.SliceStable(line, func(i, j int) bool { return line[i].Seq < line[j].Seq })
	names := map[string]string{}
	for i, m := range line {
		words, err := r.Words(tx, Note{ID: m.Words})
		if err != nil {
			return nil, err
		}
		line[i].Words = words
		if id, ok := personOf(m.By); ok {
			if _, known := names[m.By]; !known {
				who, err := r.accounts.Person(tx, id)
				if err != nil {
					return nil, err
				}
				names[m.By] = who.Name
			}
			line[i].Name = names[m.By]
		}
	}
	return line, nil
}

// stopperOf is who made an emergency stop.
func stopperOf(body audit.Body) string {
	var ev EmergencyStopped
	if json.Unmarshal(body.Data, &ev) != nil || ev.By == "" {
		return body.By
	}
	return ev.By
}

// noteID finds the note of an event, if it has one.
func noteID(data []byte) string {
	var d struct {
		Note  Note `json:"note"`
		Scope struct {
			Note Note `json:"note"`
		} `json:"scope"`
	}
	if json.Unmarshal(data, &d) != nil {
		return ""
	}
	if d.Note.Empty() {
		return d.Scope.Note.ID
	}
	return d.Note.ID
}

// momentArgs are what the message of an event names.
func momentArgs(p Page, kind string, data []byte) map[string]string {
	var d struct {
		Action    Action          `json:"action"`
		Part      Part            `json:"part"`
		Party     PartyID         `json:"party"`
		Version   int             `json:"version"`
		SHA256    string          `json:"sha256"`
		NewUntil  Date            `json:"new_until"`
		Until     Date            `json:"until"`
		Amendment AmendmentID     `json:"amendment"`
		Accept    *bool           `json:"accept"`
		Contact   json.RawMessage `json:"contact"`
		Milestone string          `json:"milestone"`
		Paper     json.RawMessage `json:"paper"`
		Left      *int            `json:"left"`
		Signature struct {
			Part Part `json:"part"`
		} `json:"signature"`
		Scope struct {
			Country string `json:"country"`
		} `json:"scope"`
	}
	if json.Unmarshal(data, &d) != nil {
		return nil
	}
	m := map[string]string{}
	put := func(k, v string) {
		if v != "" {
			m[k] = v
		}
	}
	put("action", string(d.Action))
	put("part", string(d.Part)+string(d.Signature.Part))
	put("sha256", d.SHA256)
	put("until", d.Until.String()+d.NewUntil.String())
	put("milestone", d.Milestone)
	put("country", d.Scope.Country)
	if d.Left != nil && *d.Left == 0 {
		m["last"] = "true"
	}
	if d.Accept != nil {
		m["accept"] = map[bool]string{true: "true", false: "false"}[*d.Accept]
	}
	for _, q := range p.Request.Parties {
		if q.ID == d.Party {
			put("part", string(q.Part))
		}
	}
	for k, v := range paperArgs(p, kind, d.Paper) {
		put(k, v)
	}
	contact := contactOf(d.Contact)
	for _, a := range p.Agreements {
		if am, ok := a.Amendment(d.Amendment); ok {
			put("amendment", amendmentNumber(a, am.Number))
			put("type", string(am.Type))
			put("part", string(am.Succession.Part))
			put("name", am.Succession.Party.Name)
			if contact == "" {
				contact = am.Contact
			}
		}
		if c, ok := a.Contact(contact); ok && contact != "" {
			put("contact", c.Name)
		}
	}
	return m
}

// contactOf reads the contact of an event: its id, or the contact itself.
func contactOf(raw json.RawMessage) ContactID {
	var id ContactID
	if json.Unmarshal(raw, &id) == nil {
		return id
	}
	var c Contact
	if json.Unmarshal(raw, &c) == nil {
		return c.ID
	}
	return ""
}
