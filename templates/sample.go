package templates

import (
	"strings"
	"time"
)

// ComponentsPage is the data of the page "components": the design language, shown with made-up data in demo mode.
type ComponentsPage struct {
	Variants []Link
	Sections []SampleSection
}

// SampleSection shows one component.
type SampleSection struct {
	ID    string
	Title Msg
	Parts []Part
}

// SampleVariants are the ways to show the page "components": everything, a failed submit, a finished act, and lists with nothing in them.
var SampleVariants = []string{"all", "errors", "confirmation", "empty"}

// ForComponents makes p the page "components" in one of the variants; anything unknown shows everything. Its own path is the
// page's Path without a query.
func (p Page) ForComponents(variant string) Page {
	p.Title, p.Section, p.Tag = M("sample.title"), M("sample.section"), InForce
	p.Caption = Text("DR-0042")
	own, _, _ := strings.Cut(p.Path, "?")
	data := ComponentsPage{Variants: []Link{
		{Text: M("sample.variant-all"), Href: own}, {Text: M("sample.variant-errors"), Href: own + "?show=errors"},
		{Text: M("sample.variant-confirmation"), Href: own + "?show=confirmation"},
		{Text: M("sample.variant-empty"), Href: own + "?show=empty"},
	}}
	switch variant {
	case "errors":
		p.Errors = sampleErrors()
		data.Sections = []SampleSection{sampleFields(), sampleSecrets()}
	case "confirmation":
		p.Confirmation = sampleConfirmation(p.At)
		p.Title = p.Confirmation.Title
	case "empty":
		data.Sections = sampleEmpty(p.At)
	default:
		p.Notice = &Notice{Tone: Success, Title: M("sample.notice-saved"), Status: true}
		data.Sections = sampleAll(p.At)
	}
	p.Data = data
	return p
}

const (
	sampleName = "Dr. Noor van den Berg"
	// sampleLongName is longer than any form expects, and has no place to break in its middle.
	sampleLongName = "Prof. dr. ir. Wilhelmina Alexandrina Johanna van Oranje-Nassau-Brandenburg-Ansbach zu Hohenlohe-Langenburg-" +
		"Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft MSc"
	sampleHash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
)

func sampleDay(at time.Time, days int) time.Time { return at.AddDate(0, 0, days) }

func sampleAll(at time.Time) []SampleSection {
	return []SampleSection{
		{ID: "turns", Title: M("sample.turns"), Parts: sampleTurns(at)},
		{ID: "tasks", Title: M("sample.tasks"), Parts: []Part{sampleTasks(at)}},
		{ID: "terms", Title: M("sample.terms"), Parts: []Part{
			TermMeter{From: sampleDay(at, -120), Until: sampleDay(at, 245)},
			TermMeter{From: sampleDay(at, -358), Until: sampleDay(at, 7)},
			TermMeter{From: sampleDay(at, -60), Until: sampleDay(at, 300), Status: Suspended},
			TermMeter{From: sampleDay(at, -368), Until: sampleDay(at, -3)},
		}},
		{ID: "summaries", Title: M("sample.summaries"), Parts: []Part{sampleSummary(at)}},
		{ID: "steps", Title: M("sample.steps"), Parts: []Part{sampleSteps(at)}},
		{ID: "files", Title: M("sample.files"), Parts: []Part{sampleFiles()}},
		{ID: "tables", Title: M("sample.tables"), Parts: []Part{sampleTable(at), Pagination{Previous: "?page=1", Next: "?page=3",
			Shown: M("sample.shown", "From", 51, "To", 100, "Count", 1234)}}},
		{ID: "time-line", Title: M("sample.time-line"), Parts: []Part{sampleTimeLine(at)}},
		{ID: "notices", Title: M("sample.notices"), Parts: sampleNotices(at)},
		{ID: "tags", Title: M("sample.tags"), Parts: []Part{sampleTags()}},
		sampleFields(),
		{ID: "sure", Title: M("sample.sure"), Parts: []Part{AreYouSure{Action: "#sure",
			Consequences: []Msg{M("sample.sure-1", "Name", sampleName), M("sample.sure-2")},
			Fields:       []Part{TextField{Name: "reason", Label: M("sample.reason")}}, Hidden: []Hidden{{"contact", "x"}},
			Yes: M("sample.sure-yes"), Cancel: Link{Text: M("sample.cancel"), Href: "#sure"}}}},
		sampleSecrets(),
		{ID: "texts", Title: M("sample.texts"), Parts: []Part{
			Paragraph{Body: M("sample.paragraph"), Lead: true}, Inset{Marked{M("sample.inset")}}, Details{Summary: M("sample.details"), Body: Marked{M("sample.details-body")}},
			Actions{Button{Text: M("sample.save")}, Button{Text: M("sample.later"), Kind: "secondary"},
				Button{Text: M("sample.remove"), Kind: "danger", Context: Text(sampleName)}, Link{Text: M("sample.cancel"), Href: "#texts"}},
		}},
		{ID: "empty", Title: M("sample.empty"), Parts: []Part{sampleNothing()}},
	}
}

func sampleTurns(at time.Time) []Part {
	return []Part{
		Turn{Yours: true, What: M("sample.turn-sign"), Until: sampleDay(at, 10), Next: M("sample.turn-next"),
			Act: &Button{Text: M("sample.turn-act"), Href: "#turns"}},
		Turn{Who: Text(sampleName), What: M("sample.turn-wait"), Until: sampleDay(at, -2), Next: M("sample.turn-next")},
	}
}

func sampleTasks(at time.Time) TaskList {
	return TaskList{Groups: []TaskGroup{
		{Title: M("sample.tasks-yours"), Tasks: []Task{
			{Title: M("sample.task-sign", "Number", "DR-0042-A"), Href: "#tasks", Hint: Text("Universitair Medisch Centrum Voorbeeld"),
				Status: ToDo, Due: sampleDay(at, 10)},
			{Title: M("sample.task-contacts"), Href: "#tasks", Status: ToDo, Due: sampleDay(at, -4)},
			{Title: M("sample.task-request"), Href: "#tasks", Status: Done, Due: sampleDay(at, -9)},
			{Title: M("sample.task-download"), Hint: M("sample.task-download-hint"), Status: NotYet},
		}},
		{Title: M("sample.tasks-others"), Tasks: []Task{{Title: Text(sampleLongName), Href: "#tasks", Status: Waiting}}},
	}}
}

func sampleSummary(at time.Time) SummaryList {
	change := []Link{{Text: M("sample.change"), Href: "#summaries", Context: M("sample.researcher")}}
	return SummaryList{Title: M("sample.agreement"), Actions: []Link{{Text: M("sample.open-pdf"), Href: "#summaries"}}, Rows: []SummaryRow{
		{Key: M("sample.number"), Value: Noted{Main: Code("DR-0042-A"), Note: M("sample.variant-eea")}},
		{Key: M("sample.researcher"), Value: Text(sampleName), Actions: change},
		{Key: M("sample.signatory"), Value: Text(sampleLongName)},
		{Key: M("sample.status"), Value: InForce},
		{Key: M("sample.term"), Value: Lines{LastDay(sampleDay(at, 245)), Left(sampleDay(at, 245))}},
		{Key: M("sample.signed-at"), Value: Moment(sampleDay(at, -120))},
		{Key: M("sample.size"), Value: Bytes(1_234_567_890_123)},
		{Key: M("sample.orcid")},
	}}
}

func sampleSteps(at time.Time) Steps {
	return Steps{Label: M("sample.steps"), Steps: []Step{
		{Title: M("sample.researcher"), Hint: Moment(sampleDay(at, -3)), Status: Signed},
		{Title: M("sample.signatory"), Status: ToDo},
		{Title: M("sample.representative"), Status: Waiting},
	}}
}

func sampleFiles() FileList {
	return FileList{Caption: M("sample.files-caption", "Count", 3), Files: []File{
		{Name: "manifest.json", Href: "#files", Size: 532, SHA256: sampleHash},
		{Name: "CPCT/CPCT02010003T/somatic/CPCT02010003T.purple.somatic.vcf.gz", Href: "#files", Size: 48_120_334, SHA256: sampleHash},
		{Name: "CPCT/" + strings.Repeat("a-name-without-end", 9) + ".cram", Size: 132_987_654_321, Note: M("sample.file-note")},
	}, All: &Link{Text: M("sample.files-all", "Size", Bytes(133_035_775_187)), Href: "#files", Download: true}}
}

func sampleTable(at time.Time) Table {
	return Table{Caption: M("sample.table"), Columns: []Column{{Text: M("sample.contact")}, {Text: M("sample.country")},
		{Text: M("sample.status")}, {Text: M("sample.until")}, {Text: M("sample.downloads"), Numeric: true}},
		Rows: [][]Part{
			{Text(sampleName), Text("Nederland"), Enrolled, LastDay(sampleDay(at, 245)), Number(1234)},
			{Text("محمد بن سلمان"), Text("Jordan"), Invited, LastDay(sampleDay(at, 245)), Number(0)},
			{Text(sampleLongName), Text("Deutschland"), Suspended, LastDay(sampleDay(at, 245)), Number(12)},
		}}
}

func sampleTimeLine(at time.Time) TimeLine {
	return TimeLine{Events: []TimeLineEvent{
		{Title: M("sample.event-signed"), By: Text(sampleName), At: sampleDay(at, -3),
			Body: Details{Summary: M("sample.event-hash"), Body: Code(sampleHash)}},
		{Title: M("sample.event-approved"), By: M("sample.desk"), At: sampleDay(at, -8)},
		{Title: M("sample.event-recorded"), By: Text(sampleLongName), At: sampleDay(at, -190)},
	}}
}

func sampleNotices(at time.Time) []Part {
	return []Part{
		Notice{Tone: Info, Body: M("sample.notice-info")},
		Notice{Tone: Success, Title: M("sample.notice-saved")},
		Notice{Tone: Warning, Title: M("sample.notice-ending"), Body: M("sample.notice-ending-body", "Until", LastDay(sampleDay(at, 7))),
			Actions: []Link{{Text: M("sample.notice-extend"), Href: "#notices"}}},
		Notice{Tone: Danger, Body: M("sample.notice-danger"), Items: []Msg{Text("files.csv:12"), Text("files.csv:48")}},
	}
}

// sampleTags shows every word there is, in one order for all builds.
func sampleTags() Actions {
	var tags Actions
	for _, s := range Statuses() {
		tags = append(tags, s)
	}
	return tags
}

func sampleFields() SampleSection {
	return SampleSection{ID: "fields", Title: M("sample.fields"), Parts: []Part{Form{Action: "#fields", Fields: []Part{
		TextField{Name: "name", Label: M("sample.name"), Value: sampleName, Autocomplete: "name"},
		TextField{Name: "email", Label: M("sample.email"), Hint: M("sample.email-hint"), Type: "email", Autocomplete: "email",
			Value: "noor@example"},
		TextArea{Name: "purpose", Label: M("sample.purpose"), Hint: M("sample.purpose-hint"), Optional: true},
		Select{Name: "country", Label: M("sample.country"), Blank: M("sample.country-blank"), Choices: []Choice{
			{Value: "DE", Text: Text("Deutschland")}, {Value: "NL", Text: Text("Nederland"), Chosen: true}}},
		Radios{Name: "decision", Label: M("sample.decision"), Choices: []Choice{
			{Value: "yes", Text: M("sample.decision-yes"), Hint: M("sample.decision-yes-hint")}, {Value: "no", Text: M("sample.decision-no")}}},
		Checkboxes{Name: "datasets", Label: M("sample.datasets"), Hint: M("sample.datasets-hint"), Choices: []Choice{
			{Value: "wgs", Text: Text("WGS 2026-10"), Chosen: true}, {Value: "clinical", Text: Text("Clinical 2026-10")}}},
		DateField{Name: "until", Label: M("sample.until"), Hint: M("sample.until-hint"), Day: "31", Month: "2", Year: "2027"},
		PasswordField{Name: "password", Label: M("sample.password")},
		CodeField{Name: "code", Label: M("sample.code"), Hint: M("sample.code-hint"), DemoCode: "492 039", DemoLeft: 17 * time.Second},
		FileField{Name: "document", Label: M("sample.document"), Hint: M("sample.document-hint"), Accept: "application/pdf", Optional: true},
	}, Submit: Button{Text: M("sample.save")}, Other: []Part{Link{Text: M("sample.cancel"), Href: "#fields"}}}}}
}

func sampleErrors() []FieldError {
	return []FieldError{
		{"email", M("sample.email-error")}, {"decision", M("sample.decision-error")}, {"until", M("sample.until-error")},
		{"code", M("sample.code-error")},
	}
}

// sampleQR is a code for a secret that opens nothing.
func sampleQR() QRCode {
	const secret = "JBSWY3DPEHPK3PXP"
	code, err := NewQRCode("otpauth://totp/Sluice:sample?secret="+secret+"&issuer=Sluice", secret, M("sample.qr"))
	if err != nil {
		panic(err) // the content is a constant that fits
	}
	return code
}

func sampleSecrets() SampleSection {
	return SampleSection{ID: "secrets", Title: M("sample.secrets"), Parts: []Part{
		sampleQR(),
		Secret{Label: M("sample.codes"), Hint: M("sample.codes-hint"), Values: []string{"7kfa-2mzq", "p4xd-9vte", "c8rw-3hnb"}},
	}}
}

func sampleConfirmation(at time.Time) *Confirmation {
	return &Confirmation{Title: M("sample.confirmed"), ReferenceLabel: M("sample.confirmed-reference"), Reference: "DR-0042-A",
		Next:    []Msg{M("sample.confirmed-1", "Name", sampleName), M("sample.confirmed-2", "Day", Day(sampleDay(at, 10))), M("sample.confirmed-3")},
		Actions: []Part{Button{Text: M("sample.open-agreement"), Href: "#main"}, Link{Text: M("sample.open-pdf"), Href: "#main"}}}
}

func sampleNothing() Empty {
	return Empty{Title: M("sample.nothing"), Body: M("sample.nothing-body"), Act: &Button{Text: M("sample.save"), Kind: "secondary", Href: "#empty"}}
}

func sampleEmpty(at time.Time) []SampleSection {
	nothing := sampleNothing()
	return []SampleSection{
		{ID: "tasks", Title: M("sample.tasks"), Parts: []Part{TaskList{Empty: &nothing}}},
		{ID: "tables", Title: M("sample.tables"), Parts: []Part{Table{Empty: &nothing}}},
		{ID: "files", Title: M("sample.files"), Parts: []Part{FileList{Empty: &Empty{Title: M("sample.nothing")}}}},
		{ID: "time-line", Title: M("sample.time-line"), Parts: []Part{TimeLine{Empty: &Empty{Title: M("sample.nothing")}}}},
		{ID: "summaries", Title: M("sample.summaries"), Parts: []Part{SummaryList{Rows: []SummaryRow{{Key: M("sample.orcid")}}}}},
		{ID: "terms", Title: M("sample.terms"), Parts: []Part{TermMeter{From: at, Until: at}}},
	}
}
