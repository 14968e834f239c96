package main

import (
	"sluice/infra/account"
	"sluice/licensing"
)

// demoPassword is everybody's in the demo. It protects nothing.
const demoPassword = "gracht viool zeven lantaarn"

// A player is one person of the demo, with the secret of the app. Key finds the role in the story.
type player struct {
	Key   string           `json:"key"`
	Name  string           `json:"name"`
	Email string           `json:"email"`
	ID    account.PersonID `json:"id"`
	Seed  string           `json:"seed"`

	who  account.Who
	last int64 // the last code used, as a number of 30 seconds
}

type cast []player

// part is what somebody is in the story.
type part struct {
	Key, Name, Email, Lang string
	Part                   words
	Staff                  []account.Role
	Position               string
	Waits                  []waiting
}

// waiting is something left to do while a request or agreement is in a state.
type waiting struct {
	Number, State string
	Open          func(licensing.Agreement) bool // nil: the state says it
	Do            words
}

func (p player) role() part {
	for _, r := range parts {
		if r.Key == p.Key {
			return r
		}
	}
	return part{}
}

const (
	clinicDomain    = "musterstadt.example"
	instituteDomain = "genomics.example"
)

// parts is everybody, in the order of the first page.
var parts = []part{
	{Key: "noor", Name: "Noor Bakker", Email: "noor@voorbeeld-kankerdata.example", Lang: "nl", Staff: []account.Role{account.Desk, account.Operator},
		Part:  words{"Data access desk", "Loket voor data-aanvragen"},
		Waits: []waiting{{"DR-0003-A", "in-force", extensionOpen, words{"An extension of DR-0003-A is asked for", "Een verlenging van DR-0003-A is aangevraagd"}}}},
	{Key: "daan", Name: "Daan Visser", Email: "daan@voorbeeld-kankerdata.example", Lang: "nl", Staff: []account.Role{account.Desk},
		Part: words{"Data access desk, the second person", "Loket voor data-aanvragen, de tweede persoon"},
		Waits: []waiting{
			{"DR-0007", "recorded", nil, words{"Approve request DR-0007, which Noor recorded", "Aanvraag DR-0007 goedkeuren, die Noor heeft vastgelegd"}},
			{"DR-0004-A", "suspended", nil, words{"Confirm the emergency stop of DR-0004-A", "De noodstop van DR-0004-A bevestigen"}},
		}},
	{Key: "sem", Name: "Sem de Boer", Email: "sem@voorbeeld-kankerdata.example", Lang: "nl", Staff: []account.Role{account.Steward},
		Part: words{"Data steward: collections and imports", "Datasteward: collecties en imports"}},
	{Key: "willem", Name: "Willem Smit", Email: "willem@voorbeeld-kankerdata.example", Lang: "nl", Staff: []account.Role{account.Representative}, Position: "Director",
		Part:  words{"Signs for the foundation", "Tekent namens de stichting"},
		Waits: []waiting{{"DR-0005-A", "signing", nil, words{"Sign agreement DR-0005-A", "Overeenkomst DR-0005-A ondertekenen"}}}},
	{Key: "iris", Name: "Iris Mulder", Email: "iris@voorbeeld-kankerdata.example", Lang: "nl", Staff: []account.Role{account.Operator, account.Auditor},
		Part: words{"Operator and auditor: keeps it running, reads along", "Beheerder en auditor: houdt het draaiend, leest mee"}},

	{Key: "lena", Name: "Lena Vogel", Email: "lena.vogel@" + clinicDomain, Lang: "en", Position: "Head of research group",
		Part: words{"Main applicant of Klinikum Musterstadt (Germany)", "Hoofdaanvrager van Klinikum Musterstadt (Duitsland)"}},
	{Key: "karl", Name: "Karl Brandt", Email: "karl.brandt@" + clinicDomain, Lang: "en", Position: "Managing director",
		Part: words{"Signatory of Klinikum Musterstadt", "Tekenbevoegde van Klinikum Musterstadt"},
		Waits: []waiting{
			{"DR-0005-A", "signing", nil, words{"Sign agreement DR-0005-A", "Overeenkomst DR-0005-A ondertekenen"}},
			{"DR-0001-A", "ended", nil, words{"Attest the destruction of the data of DR-0001-A", "De vernietiging van de gegevens van DR-0001-A verklaren"}},
		}},
	{Key: "mia", Name: "Mia Schulz", Email: "mia.schulz@" + clinicDomain, Lang: "en", Position: "Bioinformatician",
		Part:  words{"Download contact of Klinikum Musterstadt", "Downloadcontact van Klinikum Musterstadt"},
		Waits: []waiting{{"DR-0002-A", "in-force", nil, words{"Download the data of DR-0002-A", "De gegevens van DR-0002-A downloaden"}}}},
	{Key: "jonas", Name: "Jonas Weber", Email: "jonas.weber@" + clinicDomain, Lang: "en", Position: "Data manager",
		Part:  words{"Download contact of Klinikum Musterstadt", "Downloadcontact van Klinikum Musterstadt"},
		Waits: []waiting{{"DR-0003-A", "in-force", nil, words{"Download the data of DR-0003-A", "De gegevens van DR-0003-A downloaden"}}}},
	{Key: "olivia", Name: "Olivia Harris", Email: "olivia.harris@" + instituteDomain, Lang: "en", Position: "Principal investigator",
		Part: words{"Main applicant of the Example Institute of Genomics (Australia)", "Hoofdaanvrager van het Example Institute of Genomics (Australië)"}},
	{Key: "jack", Name: "Jack Wilson", Email: "jack.wilson@" + instituteDomain, Lang: "en", Position: "Chief legal officer",
		Part:  words{"Signatory of the Example Institute of Genomics", "Tekenbevoegde van het Example Institute of Genomics"},
		Waits: []waiting{{"DR-0006-A", "drafted", nil, words{"Answer the confirmations of DR-0006-A", "De bevestigingen van DR-0006-A beantwoorden"}}}},
	{Key: "ruby", Name: "Ruby Clark", Email: "ruby.clark@" + instituteDomain, Lang: "en", Position: "Research engineer",
		Part: words{"Download contact of the Example Institute of Genomics", "Downloadcontact van het Example Institute of Genomics"}},
}

// extensionOpen says that an extension waits for a decision.
func extensionOpen(a licensing.Agreement) bool {
	for _, m := range a.Amendments {
		if m.Type == licensing.Extension && m.Open() {
			return true
		}
	}
	return false
}
