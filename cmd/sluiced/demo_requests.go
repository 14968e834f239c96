package main

import (
	"time"

	"sluice/infra/db"
	"sluice/licensing"
)

// The two licensees.
var (
	clinic = licensing.Licensee{Name: "Klinikum Musterstadt", Address: "Marktplatz 1, Musterstadt", Country: "DE", ReachedFrom: []string{"DE"}, Domains: []string{clinicDomain}}
	// The institute is outside the European Economic Area, in a country without a decision on adequacy.
	institute = licensing.Licensee{Name: "Example Institute of Genomics", Address: "1 Sample Street, Melbourne", Country: "AU", ReachedFrom: []string{"AU"}, Domains: []string{instituteDomain}}
)

// A plot is what one request of the story is about.
type plot struct {
	title, purpose       string
	licensee             licensing.Licensee
	applicant, signatory string
	contacts             []string
	sets                 []string
	until                licensing.Date
	conditions           []string
}

func personIn(key string) licensing.PersonInput {
	r := player{Key: key}.role()
	return licensing.PersonInput{Name: r.Name, Position: r.Position, Email: r.Email}
}

// record has Noor record a request.
func (s *story) record(p plot) (licensing.RequestID, error) {
	in := licensing.RequestInput{
		Content:   licensing.Content{Lang: "en", Title: p.title, Purpose: p.purpose, Licensee: p.licensee, Until: p.until, Conditions: p.conditions},
		Applicant: personIn(p.applicant), Signatory: personIn(p.signatory), Representative: s.the("willem").ID, RepresentativePosition: "Director",
	}
	for _, set := range p.sets {
		in.Datasets = append(in.Datasets, licensing.DatasetNeed{Dataset: s.sets[set], Need: "The analysis plan uses every file of it, and nothing beside it."})
	}
	for _, key := range p.contacts {
		in.Contacts = append(in.Contacts, licensing.ContactInput{PersonInput: personIn(key), Country: p.licensee.Country})
	}
	return s.registry.Record(s.ctx, s.the("noor").who, in)
}

// approve has Daan approve it, and the licensee's people make or use their accounts.
func (s *story) approve(p plot) (licensing.AgreementID, error) {
	id, err := s.record(p)
	if err != nil {
		return "", err
	}
	if err := s.tomorrow(); err != nil {
		return "", err
	}
	proof, err := s.confirm(s.the("daan"), "decide", "request:"+string(id))
	if err != nil {
		return "", err
	}
	agreement, err := s.registry.Approve(s.ctx, s.the("daan").who, proof, id, "The board approved it; the decision is on file")
	if err != nil {
		return "", err
	}
	if err := s.tomorrow(); err != nil {
		return "", err
	}
	return agreement, s.accept(p.applicant, p.signatory)
}

// sign has somebody sign what is to be signed.
func (s *story) sign(id licensing.AgreementID, part licensing.Part, key string) error {
	a, err := s.agreement(id)
	if err != nil {
		return err
	}
	if err := s.soon(); err != nil {
		return err
	}
	p := s.the(key)
	proof, err := s.confirm(p, "sign", "agreement:"+string(id))
	if err != nil {
		return err
	}
	return s.registry.Sign(s.ctx, p.who, proof, id, licensing.SignatureInput{Part: part, SHA256: a.SHA256, Name: p.Name, Position: p.role().Position,
		Authority: "I may sign this agreement in this part"})
}

func (s *story) agreement(id licensing.AgreementID) (a licensing.Agreement, err error) {
	err = s.db.View(s.ctx, func(tx *db.Tx) error {
		a, err = s.registry.Agreement(tx, id)
		return err
	})
	return a, err
}

// bring has everybody sign, the contacts accept, and the delivery prepared.
func (s *story) bring(p plot) (licensing.AgreementID, error) {
	id, err := s.approve(p)
	if err != nil {
		return "", err
	}
	return id, s.conclude(id, p)
}

func (s *story) conclude(id licensing.AgreementID, p plot) error {
	for _, by := range []struct {
		part licensing.Part
		key  string
	}{{licensing.Applicant, p.applicant}, {licensing.Signatory, p.signatory}, {licensing.Representative, "willem"}} {
		if err := s.sign(id, by.part, by.key); err != nil {
			return err
		}
		if err := s.tomorrow(); err != nil {
			return err
		}
	}
	if err := s.accept(p.contacts...); err != nil {
		return err
	}
	return s.work()
}

// confirmed is a signatory confirming the list of contacts, before it is late.
func (s *story) confirmed(number, signatory string) func() error {
	return func() error {
		id, err := s.numbered(number)
		if err != nil {
			return err
		}
		proof, err := s.confirm(s.the(signatory), "contact", "agreement:"+string(id))
		if err != nil {
			return err
		}
		return s.registry.ConfirmList(s.ctx, s.the(signatory).who, proof, id)
	}
}

// first came to its end: everything of it was deleted, with a certificate, and the attestation is missing.
func (s *story) first() error {
	_, err := s.bring(plot{title: "Clonal evolution of metastatic colon cancer", purpose: "We describe how metastases differ from the tumour they came from.",
		licensee: clinic, applicant: "lena", signatory: "karl", contacts: []string{"mia"}, sets: []string{"WGS 2025"}, until: s.date(dayFirstEnds)})
	return err
}

// running is as it should be: data available, contacts enrolled.
func (s *story) running() error {
	_, err := s.bring(plot{title: "Signatures of resistance under immunotherapy", purpose: "We look for mutational signatures that go with resistance.\n\nResults are published whatever they are.",
		licensee: clinic, applicant: "lena", signatory: "karl", contacts: []string{"mia", "jonas"}, sets: []string{"WGS 2025", "Clinical 2025"}, until: s.date(-200),
		conditions: []string{"Results are shown to the foundation thirty days before they are published."}})
	return err
}

// extending ends in forty days.
func (s *story) extending() error {
	_, err := s.bring(plot{title: "Calibration of a variant caller", purpose: "We measure how well a variant caller does on tumours of low purity.",
		licensee: clinic, applicant: "lena", signatory: "karl", contacts: []string{"jonas"}, sets: []string{"WGS 2025"}, until: s.date(-40)})
	return err
}

// outside is with the institute in Australia, whose signatory confirmed every statement.
func (s *story) outside() error {
	p := plot{title: "Rare germline variants in early onset", purpose: "We compare early with late onset.",
		licensee: institute, applicant: "olivia", signatory: "jack", contacts: []string{"ruby"}, sets: []string{"WGS 2025"}, until: s.date(-120)}
	id, err := s.approve(p)
	if err != nil {
		return err
	}
	a, err := s.agreement(id)
	if err != nil {
		return err
	}
	var answers []licensing.AnswerInput
	for _, c := range a.Confirmations {
		answers = append(answers, licensing.AnswerInput{Item: c.Item, TextVersion: c.TextVersion, Confirmed: true})
	}
	if err := s.soon(); err != nil {
		return err
	}
	proof, err := s.confirm(s.the("jack"), "sign", "agreement:"+string(id))
	if err != nil {
		return err
	}
	if err := s.registry.AnswerConfirmations(s.ctx, s.the("jack").who, proof, id, answers); err != nil {
		return err
	}
	return s.conclude(id, p)
}

// signing has one of three signatures.
func (s *story) signing() error {
	id, err := s.approve(plot{title: "Structural variants in lung cancer", purpose: "We map structural variants to the therapies that were given.",
		licensee: clinic, applicant: "lena", signatory: "karl", contacts: []string{"mia"}, sets: []string{"WGS 2025", "Clinical 2025"}, until: s.date(-380)})
	if err != nil {
		return err
	}
	return s.sign(id, licensing.Applicant, "lena")
}

// confirming waits for the statements of the signatory outside the EEA.
func (s *story) confirming() error {
	_, err := s.approve(plot{title: "Replication of a polygenic score", purpose: "We test on this cohort a score that was made on another.",
		licensee: institute, applicant: "olivia", signatory: "jack", contacts: []string{"ruby"}, sets: []string{"Clinical 2025"}, until: s.date(-300)})
	return err
}

// stopped is the emergency stop of the agreement with the institute, to be confirmed by a second person within a day. It came
// just now: theft knows no weekend.
func (s *story) stopped() error {
	today := midnight(s.now.In(s.registry.Zone()))
	at := today.Add(9*time.Hour + 41*time.Minute)
	if s.now.Before(today.Add(12 * time.Hour)) {
		at = today.AddDate(0, 0, -1).Add(16*time.Hour + 47*time.Minute)
	}
	if err := s.at(at); err != nil {
		return err
	}
	id, err := s.numbered("DR-0004-A")
	if err != nil {
		return err
	}
	return s.registry.Stop(s.ctx, s.the("noor").who, id, "A laptop of the institute was reported stolen", nil)
}

// asked is the signatory asking for another year.
func (s *story) asked() error {
	id, err := s.numbered("DR-0003-A")
	if err != nil {
		return err
	}
	_, err = s.registry.AskExtension(s.ctx, s.the("karl").who, id, s.date(-400), "The measurements took longer than planned")
	return err
}

func (s *story) numbered(number string) (id licensing.AgreementID, err error) {
	err = s.db.View(s.ctx, func(tx *db.Tx) error {
		id, err = s.agreementID(tx, number)
		return err
	})
	return id, err
}

// recorded waits for the second person of the desk.
func (s *story) recorded() error {
	_, err := s.record(plot{title: "Immune infiltration and survival", purpose: "We relate the immune cells in a tumour to survival.",
		licensee: clinic, applicant: "lena", signatory: "karl", contacts: []string{"jonas"}, sets: []string{"Clinical 2025"}, until: s.date(-500)})
	return err
}
