package licensing

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing/jurisdiction"
)

// read checks an input against a request (empty when it is recorded) and makes the request it would be. Every fault is
// reported, each at its field; who keeps his address keeps his id and person.
func (r *Registry) read(tx *db.Tx, q Request, in RequestInput) (Request, error) {
	var faults Faults
	fault := func(e *RefusedError) { faults = append(faults, e) }
	c := in.Content
	c.Title, c.Purpose, c.Licensee.Name = line(c.Title), clean(c.Purpose), line(c.Licensee.Name)
	c.Licensee.Latin, c.Licensee.Address = line(c.Licensee.Latin), clean(c.Licensee.Address)
	c.Conditions, c.Datasets = slices.Clone(c.Conditions), slices.Clone(c.Datasets)
	for i := range c.Conditions {
		c.Conditions[i] = clean(c.Conditions[i])
	}
	for i := range c.Datasets {
		c.Datasets[i].Need = clean(c.Datasets[i].Need)
	}
	for field, text := range map[string]string{"title": c.Title, "purpose": c.Purpose, "licensee.name": c.Licensee.Name} {
		if text == "" || len(text) > 20_000 {
			fault(refuse("needed").at(field))
		}
	}
	printed := map[string]string{"title": c.Title, "purpose": c.Purpose, "licensee.address": c.Licensee.Address, "conditions": strings.Join(c.Conditions, "\n")}
	for i, d := range c.Datasets {
		printed[fmt.Sprintf("datasets.%d.need", i)] = d.Need
	}
	for field, text := range printed {
		if !r.printable(text) {
			fault(refuse("not-printable").at(field))
		}
	}
	r.readName(c.Licensee.Name, c.Licensee.Latin, "licensee", fault)
	if c.Lang != "en" && c.Lang != "nl" {
		fault(refuse("lang").at("lang"))
	}
	r.readCountries(tx, &c, fault)
	r.readTerm(tx, c, fault)
	if err := r.readDatasets(tx, c, fault); err != nil {
		return q, err
	}
	n := q
	n.Content = c
	if err := r.readPeople(tx, &n, in, fault); err != nil {
		return q, err
	}
	if len(faults) > 0 {
		slices.SortStableFunc(faults, func(a, b *RefusedError) int { return strings.Compare(a.Field, b.Field) })
		return q, faults
	}
	if err := r.addressConflicts(tx, n); err != nil {
		return q, err
	}
	n.Salt = db.NewID()
	n.Digest = c.digest(n.Salt)
	n.Outcome = r.outcome(c, n.Contacts, q.confirmed(), tx.At)
	return n, nil
}

func (r *Registry) readCountries(tx *db.Tx, c *Content, fault func(*RefusedError)) {
	if !r.known(c.Licensee.Country) {
		fault(refuse("country").at("licensee.country"))
	}
	if len(c.Licensee.ReachedFrom) == 0 {
		fault(refuse("needed").at("licensee.reached_from"))
	}
	for _, k := range c.Licensee.ReachedFrom {
		if !r.known(k) {
			fault(refuse("country").at("licensee.reached_from"))
		}
	}
	domains := slices.Clone(c.Licensee.Domains)
	for i, d := range domains {
		domains[i] = strings.ToLower(strings.TrimSpace(d))
		if a, err := account.Address("x@" + domains[i]); err != nil || a != "x@"+domains[i] {
			fault(refuse("domain", "domain", d).at("licensee.domains"))
		}
	}
	c.Licensee.Domains = domains
}

func (r *Registry) known(country string) bool {
	return slices.ContainsFunc(r.opts.Jurisdiction.Rows, func(row jurisdiction.Row) bool { return row.Country == country })
}

func (r *Registry) readTerm(tx *db.Tx, c Content, fault func(*RefusedError)) {
	today := DateOf(tx.At.In(r.zone))
	first := today
	if today.Before(c.NotBefore) {
		first = c.NotBefore
	}
	switch {
	case c.Until.IsZero():
		fault(refuse("needed").at("until"))
	case c.Until.Before(first):
		fault(refuse("term-order").at("until"))
	case first.AddDays(r.opts.Settings.LongestTerm).Before(c.Until):
		fault(refuse("term-long", "days", fmt.Sprint(r.opts.Settings.LongestTerm)).at("until"))
	}
}

func (r *Registry) readDatasets(tx *db.Tx, c Content, fault func(*RefusedError)) error {
	if len(c.Datasets) == 0 {
		fault(refuse("needed").at("datasets"))
	}
	seen := map[DatasetID]bool{}
	for _, want := range c.Datasets {
		d, err := r.Dataset(tx, want.Dataset)
		switch {
		case errors.Is(err, ErrNotFound):
			fault(refuse("dataset-unknown").at("datasets"))
		case err != nil:
			return err
		case d.State != Imported:
			fault(refuse("dataset-importing", "name", d.Name).at("datasets"))
		case seen[d.ID]:
			fault(refuse("dataset-twice", "name", d.Name).at("datasets"))
		}
		seen[want.Dataset] = true
	}
	return nil
}

func (r *Registry) readPeople(tx *db.Tx, n *Request, in RequestInput, fault func(*RefusedError)) error {
	old, oldContacts := n.Parties, n.Contacts
	n.Parties, n.Contacts = nil, nil
	for _, p := range []struct {
		part Part
		in   PersonInput
	}{{Applicant, in.Applicant}, {Signatory, in.Signatory}} {
		got := r.person(p.in, string(p.part), fault)
		party := Party{ID: PartyID(db.NewID()), Request: n.ID, Part: p.part, Salt: db.NewID(), Name: got.Name, Latin: got.Latin, Position: got.Position, Email: got.Email}
		if was := partyOf(old, p.part); was.ID != "" && addressKey(was.Email) == addressKey(got.Email) {
			party.ID, party.Person = was.ID, was.Person
		}
		party.Digest = party.digest()
		n.Parties = append(n.Parties, party)
	}
	rep, err := r.representative(tx, in, partyOf(old, Representative), n.ID, fault)
	if err != nil {
		return err
	}
	n.Parties = append(n.Parties, rep)
	if len(in.Contacts) == 0 {
		fault(refuse("needed").at("contacts"))
	}
	for i, k := range in.Contacts {
		field := fmt.Sprintf("contacts.%d", i)
		got := r.person(k.PersonInput, field, fault)
		if !r.known(k.Country) {
			fault(refuse("country").at(field + ".country"))
		}
		if slices.ContainsFunc(n.Contacts, func(c Contact) bool { return c.Email != "" && addressKey(c.Email) == addressKey(got.Email) }) {
			fault(refuse("contact-twice").at(field + ".email"))
		}
		contact := Contact{ID: ContactID(db.NewID()), Request: n.ID, Country: k.Country, Salt: db.NewID(), Name: got.Name, Latin: got.Latin, Position: got.Position, Email: got.Email}
		if j := slices.IndexFunc(oldContacts, func(c Contact) bool { return addressKey(c.Email) == addressKey(got.Email) }); j >= 0 {
			contact.ID, contact.Person, contact.Agreement = oldContacts[j].ID, oldContacts[j].Person, oldContacts[j].Agreement
		}
		contact.Digest = contact.digest()
		n.Contacts = append(n.Contacts, contact)
	}
	return nil
}

// printable says whether the documents can print a text. Asked at the field, for nobody can mend it when they are made.
func (r *Registry) printable(text string) bool {
	return r.opts.Printable == nil || r.opts.Printable(text) == nil
}

// readName asks for a form of a name that can be printed.
func (r *Registry) readName(name, latin, field string, fault func(*RefusedError)) {
	switch {
	case !r.printable(latin):
		fault(refuse("not-printable").at(field + ".latin"))
	case !r.printable(name) && latin == "":
		fault(refuse("latin-needed").at(field + ".latin"))
	}
}

// person checks the fields of a person and normalises the address.
func (r *Registry) person(in PersonInput, field string, fault func(*RefusedError)) PersonInput {
	in.Name, in.Latin, in.Position = line(in.Name), line(in.Latin), line(in.Position)
	if in.Name == "" || len(in.Name) > 200 {
		fault(refuse("needed").at(field + ".name"))
	}
	if in.Position == "" || len(in.Position) > 200 {
		fault(refuse("needed").at(field + ".position"))
	}
	r.readName(in.Name, in.Latin, field, fault)
	if !r.printable(in.Position) {
		fault(refuse("not-printable").at(field + ".position"))
	}
	address, err := account.Address(in.Email)
	if err != nil {
		fault(refuse("email").at(field + ".email"))
	}
	in.Email = address
	return in
}

// representative is staff already: the foundation invites nobody to sign for itself.
func (r *Registry) representative(tx *db.Tx, in RequestInput, was Party, id RequestID, fault func(*RefusedError)) (Party, error) {
	p := Party{ID: PartyID(db.NewID()), Request: id, Part: Representative, Person: in.Representative, Salt: db.NewID(), Position: line(in.RepresentativePosition)}
	if was.ID != "" {
		p.ID = was.ID
	}
	staff, err := r.accounts.Staff(tx, account.Representative)
	if err != nil {
		return p, err
	}
	i := slices.IndexFunc(staff, func(s account.Person) bool { return s.ID == in.Representative })
	if i < 0 {
		fault(refuse("representative").at("representative"))
		return p, nil
	}
	switch {
	case p.Position == "":
		fault(refuse("needed").at("representative.position"))
	case !r.printable(p.Position):
		fault(refuse("not-printable").at("representative.position"))
	}
	emails, err := r.accounts.Emails(tx, in.Representative)
	if err != nil {
		return p, err
	}
	p.Name = staff[i].Name
	if len(emails) > 0 {
		p.Email = emails[0].Address
	}
	p.Digest = p.digest()
	return p, nil
}

// addressConflicts looks behind the addresses: somebody who has an account is the same person under any of them.
func (r *Registry) addressConflicts(tx *db.Tx, n Request) error {
	known := n
	known.Parties, known.Contacts = slices.Clone(n.Parties), slices.Clone(n.Contacts)
	for i, p := range known.Parties {
		if p.Person == "" {
			who, ok, err := r.accounts.ByEmail(tx, p.Email)
			if err != nil {
				return err
			}
			if ok {
				known.Parties[i].Person = who.ID
			}
		}
	}
	for i, c := range known.Contacts {
		if c.Person == "" {
			who, ok, err := r.accounts.ByEmail(tx, c.Email)
			if err != nil {
				return err
			}
			if ok {
				known.Contacts[i].Person = who.ID
			}
		}
	}
	handlers := slices.Clone(n.Editors)
	if n.Decider != "" {
		handlers = append(handlers, n.Decider)
	}
	return conflicts(known.Parties, known.Contacts, handlers)
}

// A Duplicate is two people of a request, or one of them and a member of staff, who may be one: the desk should look.
type Duplicate struct {
	Name       string
	One, Other string // addresses
}

// Duplicates lists people of a request who have the same name under different addresses.
func (r *Registry) Duplicates(tx *db.Tx, q Request) ([]Duplicate, error) {
	type named struct{ name, email string }
	var people []named
	for _, p := range q.Parties {
		people = append(people, named{p.Name, p.Email})
	}
	for _, c := range q.Contacts {
		people = append(people, named{c.Name, c.Email})
	}
	for _, role := range []account.Role{account.Desk, account.Representative} {
		staff, err := r.accounts.Staff(tx, role)
		if err != nil {
			return nil, err
		}
		for _, s := range staff {
			emails, err := r.accounts.Emails(tx, s.ID)
			if err != nil {
				return nil, err
			}
			if len(emails) > 0 {
				people = append(people, named{s.Name, emails[0].Address})
			}
		}
	}
	var found []Duplicate
	for i, p := range people {
		for _, o := range people[:i] {
			d := Duplicate{p.name, o.email, p.email}
			if sameName(p.name, o.name) && addressKey(p.email) != addressKey(o.email) && !slices.Contains(found, d) {
				found = append(found, d)
			}
		}
	}
	return found, nil
}

// sameName compares names without case, dots, titles and the order of their words.
func sameName(a, b string) bool {
	words := func(s string) string {
		fields := strings.FieldsFunc(strings.ToLower(s), func(c rune) bool { return c == ' ' || c == '.' || c == ',' || c == '-' })
		fields = slices.DeleteFunc(fields, func(w string) bool {
			return slices.Contains([]string{"dr", "prof", "drs", "ir", "mr", "ms", "mrs", "phd", "md"}, w)
		})
		slices.Sort(fields)
		return strings.Join(fields, " ")
	}
	return words(a) != "" && words(a) == words(b)
}
