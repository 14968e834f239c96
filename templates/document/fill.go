package document

import (
	"cmp"
	"fmt"
	"strings"
)

func (a Agreement) fill(f *filler) {
	f.foundation(a.Foundation)
	f.licensee(a.Licensee)
	f.set("agreement.number", a.Number)
	f.set("request.number", a.Request)
	f.set("licensee.reached_from", f.list(a.Licensee.ReachedFrom))
	f.signer("applicant", a.Applicant)
	f.signer("signatory", a.Signatory)
	f.signer("representative", a.Representative)
	f.set("project.title", a.Project.Title)
	f.set("project.purpose", a.Project.Purpose)
	f.set("acknowledgement", a.Acknowledgement)
	f.set("variant.reason", a.VariantReason)
	if a.From > a.Until {
		f.note(fmt.Errorf("the term ends on %s, before it begins on %s", a.Until, a.From))
	}
	f.set("term.from", f.day("the beginning of the term", a.From))
	f.set("term.until", f.day("the end of the term", a.Until))
	f.tables["table.parties"] = []Block{a.parties(f)}
	f.tables["table.datasets"] = []Block{a.datasets(f)}
	f.tables["table.contacts"] = []Block{f.contacts(a.Contacts)}
	f.tables["table.conditions"] = []Block{a.conditions(f)}
	f.tables["table.signatures"] = []Block{a.signatures(f)}
	if a.NonEEA {
		f.tables["table.confirmations"] = []Block{a.confirmations(f)}
	} else if len(a.Confirmations) > 0 {
		f.note(fmt.Errorf("the licence for the EEA has no place for confirmations, and there are %d", len(a.Confirmations)))
	}
}

func (a Agreement) parties(f *filler) Block {
	variant := "variant-eea"
	if a.NonEEA {
		variant = "variant-non-eea"
	}
	rows := [][]string{
		{f.words["agreement"], f.values["number"] + ", " + f.words["version"] + " " + f.values["version"]},
		{f.words["request"], f.clean("request", a.Request)},
		{f.words["variant"], f.words[variant]},
		{f.words["reason"], f.clean("the reason for the variant", a.VariantReason)},
		{f.words["foundation"], f.party(a.Foundation.Name, a.Foundation.Address, a.Foundation.Country)},
		{f.words["desk-mail"], f.clean("foundation.email", a.Foundation.Email)},
		{f.words["licensee"], f.party(f.values["licensee.name"], a.Licensee.Address, a.Licensee.CountryName)},
		{f.words["reached"], f.clean("licensee.reached_from", f.list(a.Licensee.ReachedFrom))},
		{f.words["applicant"], f.full("applicant", a.Applicant)},
		{f.words["signatory"], f.full("signatory", a.Signatory)},
		{f.words["representative"], f.full("representative", a.Representative)},
		{f.words["term"], fmt.Sprintf(f.words["term-value"], f.values["term.from"], f.values["term.until"], f.head.zone)},
	}
	if a.Foundation.Register != "" {
		rows = append(rows[:6], append([][]string{{f.words["register"], f.clean("foundation.register", a.Foundation.Register)}}, rows[6:]...)...)
	}
	return Block{Kind: Facts, Rows: rows}
}

func (a Agreement) datasets(f *filler) Block {
	if len(a.Datasets) == 0 {
		f.note(fmt.Errorf("the agreement names no dataset"))
	}
	b := f.table([]int{30, 25, 45}, "dataset", "collection", "need")
	for _, d := range a.Datasets {
		b.Rows = append(b.Rows, []string{f.must("a dataset's name", d.Name), f.clean("collection", d.Collection),
			f.clean("need", cmp.Or(d.Need, f.words["need-none"]))})
	}
	return b
}

func (a Agreement) conditions(f *filler) Block {
	if len(a.Conditions) == 0 {
		return Block{Kind: Paragraph, Text: []Span{{Text: f.words["conditions-none"]}}}
	}
	b := Block{Kind: List}
	for _, c := range a.Conditions {
		b.Items = append(b.Items, []Span{{Text: f.must("a condition", c)}})
	}
	return b
}

func (a Agreement) confirmations(f *filler) Block {
	if len(a.Confirmations) == 0 {
		f.note(fmt.Errorf("the licence for outside the EEA needs the licensee's confirmations"))
	}
	b := f.table([]int{22, 48, 30}, "part", "statement", "answer")
	for i, c := range a.Confirmations {
		answer := f.words["confirmed"]
		if !c.Confirmed {
			answer = f.words["not-confirmed"]
		}
		if c.Explanation != "" {
			answer += ": " + f.clean("explanation", c.Explanation)
		}
		part := fmt.Sprintf("%d. %s (%s)", i+1, f.clean("confirmation", c.ID), f.clean("confirmation", c.TextVersion))
		b.Rows = append(b.Rows, []string{part, f.must("a statement", c.Statement), answer})
	}
	return b
}

func (a Agreement) signatures(f *filler) Block {
	b := f.table([]int{25, 21, 24, 30}, "part", "name", "position", "signature-room")
	b.Room = true
	for _, s := range []struct {
		part   string
		person Person
	}{{"applicant", a.Applicant}, {"signatory", a.Signatory}, {"representative", a.Representative}} {
		b.Rows = append(b.Rows, []string{f.words["signs-"+s.part], f.person(s.part, s.person),
			f.clean("position", s.person.Position), ""})
	}
	return b
}

func (a Amendment) fill(f *filler) {
	f.foundation(a.Foundation)
	f.licensee(a.Licensee)
	f.set("agreement.number", a.Agreement)
	f.set("agreement.sha256", a.AgreementHash)
	f.set("requested.by", f.person("who asked for it", a.RequestedBy))
	f.set("requested.position", a.RequestedBy.Position)
	f.set("requested.at", f.instant("when it was asked for", a.RequestedAt))
	f.set("reason", cmp.Or(a.Reason, f.words["none"]))
	f.set("effective", f.instant("when it takes effect", a.Effective))
	f.tables["table.decisions"] = []Block{a.decisions(f)}
	if a.Change == PartyChanged {
		f.signer("successor", a.Successor)
		f.set("authority.sha256", f.must("the hash of the document of authority", a.Authority))
		f.tables["table.succession"] = []Block{a.succession(f)}
		return
	}
	if a.Change != Extension {
		f.set("contact.name", f.person("the contact", a.Contact.Person))
		f.tables["table.contact"] = []Block{f.contacts([]Contact{a.Contact})}
		return
	}
	if a.NewUntil <= a.OldUntil {
		f.note(fmt.Errorf("the extension to %s is no later than the end it extends, %s", a.NewUntil, a.OldUntil))
	}
	f.set("term.old", f.day("the end so far", a.OldUntil))
	f.set("term.new", f.day("the new end", a.NewUntil))
}

// succession says which part changes hands, from whom to whom.
func (a Amendment) succession(f *filler) Block {
	if a.Part != "applicant" && a.Part != "signatory" {
		f.note(fmt.Errorf("%q is no part that changes hands", a.Part))
	}
	return Block{Kind: Facts, Rows: [][]string{
		{f.words["part"], f.words[a.Part]},
		{f.words["part-before"], f.full("person who held the part", a.Was)},
		{f.words["part-after"], f.full("person who holds the part", a.Successor)},
		{f.words["authority"], f.values["authority.sha256"]},
	}}
}

func (a Amendment) decisions(f *filler) Block {
	if len(a.Decisions) == 0 {
		return Block{Kind: Paragraph, Text: []Span{{Text: f.words["decisions-none"]}}}
	}
	b := f.table([]int{30, 30, 40}, "decided-by", "decided-as", "decided-at")
	for _, d := range a.Decisions {
		b.Rows = append(b.Rows, []string{f.person("who decided", d.Person), f.must("a decider's part", d.Part),
			f.instant("when it was decided", d.At)})
	}
	return b
}

func (c Certificate) fill(f *filler) {
	f.foundation(c.Foundation)
	f.licensee(c.Licensee)
	f.set("agreement.number", c.Agreement)
	f.set("bucket", c.Bucket)
	f.set("key", c.Key)
	f.set("ended", f.instant("when access ended", c.EndedAt))
	files := "files"
	if c.Shared {
		files = "files-shared"
	}
	copies := "copies-vault"
	if c.LocalKeyring {
		copies = "copies-local"
	}
	f.set("keys.copies", f.words[copies])
	deleted := [][]string{
		{f.words["delivery"], f.values["number"]},
		{f.words[files], f.count(int64(c.Files))},
		{f.words["bytes"], f.count(c.Bytes)},
		{f.words["bucket"], f.must("the bucket's name", c.Bucket)},
		{f.words["key"], f.must("the key's name", c.Key)},
		{f.words["ended"], f.values["ended"]},
		{f.words["emptied"], f.instant("when the bucket was emptied", c.EmptiedAt)},
		{f.words["destroyed"], f.instant("when the key was destroyed", c.KeyDestroyed)},
		{f.words["bucket-deleted"], f.instant("when the bucket was deleted", c.BucketDeleted)},
	}
	if !c.Compromised.IsZero() {
		deleted = append(deleted, []string{f.words["compromised"], f.instant("when the key was marked", c.Compromised)})
	}
	f.tables["table.deleted"] = []Block{{Kind: Facts, Rows: deleted}}
	steps := f.table([]int{30, 35, 35}, "step", "step-at", "step-verified")
	for _, s := range c.Steps {
		steps.Rows = append(steps.Rows, []string{f.must("a step", s.What), f.instant("when a step was done", s.At),
			f.must("how a step was verified", s.Verified)})
	}
	if len(c.Steps) == 0 {
		f.note(fmt.Errorf("the certificate lists no step that was verified"))
	}
	f.tables["table.steps"] = []Block{steps}
}

func (a Attestation) fill(f *filler) {
	f.foundation(a.Foundation)
	f.licensee(a.Licensee)
	f.set("agreement.number", a.Agreement)
	f.signer("signatory", a.Signatory)
	f.set("deliveries", f.list(a.Deliveries))
	f.set("ended", f.instant("when access ended", a.EndedAt))
	f.set("destroyed", f.day("the day of destruction", a.DestroyedOn))
	f.set("remarks", cmp.Or(a.Remarks, f.words["remarks-none"]))
}

func (f *filler) foundation(o Foundation) {
	f.set("foundation.name", o.Name)
	f.set("foundation.address", o.Address)
	f.set("foundation.country", o.Country)
	f.set("foundation.email", o.Email)
}

func (f *filler) licensee(l Licensee) {
	f.set("licensee.name", f.name("the licensee", l.Name, l.Latin))
	f.set("licensee.country", l.CountryName)
}

func (f *filler) signer(part string, p Person) {
	f.set(part+".name", f.person("the "+part, p))
	f.set(part+".position", p.Position)
}

func (f *filler) contacts(contacts []Contact) Block {
	if len(contacts) == 0 {
		return Block{Kind: Paragraph, Text: []Span{{Text: f.words["contacts-none"]}}}
	}
	b := f.table([]int{26, 24, 32, 18}, "name", "position", "email", "country")
	for _, c := range contacts {
		b.Rows = append(b.Rows, []string{f.person("a contact", c.Person), f.clean("position", c.Position),
			f.must("a contact's e-mail address", c.Email), f.must("a contact's country", c.CountryName)})
	}
	return b
}

// table begins a table whose columns are named by words.
func (f *filler) table(widths []int, columns ...string) Block {
	b := Block{Kind: Table, Widths: widths}
	for _, c := range columns {
		b.Head = append(b.Head, f.words[c])
	}
	return b
}

// must is text for a cell that may not stay empty.
func (f *filler) must(what, s string) string {
	if tidy(s) == "" {
		f.note(fmt.Errorf("%s is missing", what))
	}
	return f.clean(what, s)
}

func (f *filler) party(name, address, country string) string {
	var parts []string
	for _, p := range []string{name, address, country} {
		if p = f.clean("a party", p); p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, ", ")
}

func (f *filler) full(part string, p Person) string {
	return f.party(f.person("the "+part, p), p.Position, p.Email)
}
