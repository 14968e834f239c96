package templates

import (
	"reflect"
	"time"
)

// isNil finds nil pointers inside a Part, so that {{put .Link}} shows nothing for a missing link.
func isNil(p Part) bool {
	v := reflect.ValueOf(p)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// Link leads somewhere. Context is read out after the text where the text alone ("Change") would not say what it leads to.
type Link struct {
	Text    Msg
	Href    string
	Context Msg
	// Download marks a link whose answer is a file rather than a page.
	Download bool
}

// Button sends its form, or, with Href, looks like a button and is a link. Kind is empty for the main act of the page (one a page),
// "secondary" or "danger".
type Button struct {
	Text        Msg
	Kind        string
	Name, Value string
	Href        string
	Context     Msg
}

// Actions stand beside one another: buttons, and a link to cancel.
type Actions []Part

// Lines are shown under one another in one cell or row.
type Lines []Part

// Code is a number, hash or key that people compare or copy letter by letter.
type Code string

// Noted is something with a smaller line under it.
type Noted struct {
	Main Part
	Note Msg
}

// TaskList is what waits for a person, or the parts of something to complete.
type TaskList struct {
	Groups []TaskGroup
	Empty  *Empty
}

// TaskGroup is a part of a task list; its title may be nil.
type TaskGroup struct {
	Title Msg
	Tasks []Task
}

// Task is one thing to do. Without Href it cannot be started yet. Due is half open like a term: midnight after the last day, which is the
// day shown; once it has passed the task is overdue, in words.
type Task struct {
	Title  Msg
	Href   string
	Hint   Msg
	Status Status
	Due    time.Time
}

// SummaryList shows what is known of one thing, and where it may be changed.
type SummaryList struct {
	// Title makes it a card with a heading of its own.
	Title   Msg
	Actions []Link
	Rows    []SummaryRow
}

// SummaryRow is one fact. A nil Value is shown as not given.
type SummaryRow struct {
	Key     Msg
	Value   Part
	Actions []Link
}

// Notice is a message about the page or the last act. With Status it is announced by screen readers when the page opens.
type Notice struct {
	Tone    Tone
	Title   Msg
	Body    Msg
	Items   []Msg
	Actions []Link
	Status  bool
}

// Confirmation is the panel after a completed act: what was done, the reference, and what happens next and by when.
type Confirmation struct {
	Title Msg
	// ReferenceLabel and Reference: "Your reference", "DR-0042".
	ReferenceLabel Msg
	Reference      string
	Next           []Msg
	Actions        []Part
}

// Table has its row header in the first cell of each row, and stacks on narrow screens.
type Table struct {
	Caption Msg
	// QuietCaption keeps the caption for screen readers only, where a heading right above says the same.
	QuietCaption bool
	Columns      []Column
	Rows         [][]Part
	// Empty is shown instead when there are no rows.
	Empty *Empty
}

// Column is a column's heading; numbers are set to the right.
type Column struct {
	Text    Msg
	Numeric bool
}

// Pagination leads through a long list; an empty address leaves the link out.
type Pagination struct {
	Previous, Next string
	// Shown says which part this is: "1 to 50 of 1,234".
	Shown Msg
}

// TimeLine is who did what and when, the newest where the caller puts it.
type TimeLine struct {
	Events []TimeLineEvent
	Empty  *Empty
}

// TimeLineEvent is one thing that happened. By is a person's name or the system's.
type TimeLineEvent struct {
	Title Msg
	By    Msg
	At    time.Time
	Body  Part
}

// FileList is the files of a delivery. All leads to everything in one archive.
type FileList struct {
	Caption Msg
	Files   []File
	All     *Link
	Empty   *Empty
}

// File is one file to download; without Href it is only listed.
type File struct {
	Name   string
	Href   string
	Size   int64
	SHA256 string
	Note   Msg
}

// TermMeter shows a term, half open, and how much of it is left at the page's time.
type TermMeter struct {
	From, Until time.Time
	// Status replaces the time left while access is not running: suspended, for instance.
	Status Status
}

// Turn says whose turn it is and what happens next. It is yours, or Who is waited for. Until is half open, as Due of a Task is.
type Turn struct {
	Yours bool
	Who   Msg
	What  Msg
	Until time.Time
	Next  Msg
	Act   *Button
}

// Steps shows how far something has come.
type Steps struct {
	Label Msg
	Steps []Step
}

// Step is one of them, with Done, Waiting, ToDo or another status.
type Step struct {
	Title  Msg
	Hint   Msg
	Status Status
}

// AreYouSure is the form of a page of its own before something that cannot be undone. It says the consequences; Fields may ask
// for a reason or a code, and Files asks for the encoding that a FileField needs.
type AreYouSure struct {
	Action       string
	Files        bool
	Consequences []Msg
	Fields       []Part
	Hidden       []Hidden
	Yes          Msg
	// Calm is for steps that bind but destroy nothing, such as signing.
	Calm   bool
	Cancel Link
}

// Hidden is a value that a form carries.
type Hidden struct{ Name, Value string }

// Form is a whole form: its fields, its button, and where to go instead. It posts to Action, or to the page's own address when that is empty.
// Files asks for the encoding that a FileField needs.
type Form struct {
	Action string
	Files  bool
	Hidden []Hidden
	Fields []Part
	Submit Button
	Other  []Part
}

// Section is a part of a page under a heading of its own; its ID makes it a place that links can lead to.
type Section struct {
	ID    string
	Title Msg
	Parts []Part
}

// Paragraph is running text with markup. Lead is for the one that says what the page is about.
type Paragraph struct {
	Body Msg
	Lead bool
}

// PartsPage is the data of the page "parts", which shows them one after another: enough for a page that needs no order of its own.
type PartsPage struct{ Parts []Part }

// Secret is shown once, to be copied: a token, a key as text, recovery codes one a line.
type Secret struct {
	Label  Msg
	Values []string
	Hint   Msg
}

// Empty says that a list holds nothing, and why that is or what to do.
type Empty struct {
	Title Msg
	Body  Msg
	Act   *Button
}

// Inset sets a text apart from its surroundings.
type Inset struct{ Body Part }

// Details are shown when asked for. More stands below the body, each as a block of its own.
type Details struct {
	Summary Msg
	Body    Part
	More    []Part
	Open    bool
}

// Countdown shows minutes and seconds left; a script counts on, without it the number stands for the moment the page was made.
type Countdown struct {
	Label Msg
	Left  time.Duration
}

// Seconds is what is left, in whole seconds and never below zero.
func (c Countdown) Seconds() int { return max(0, int(c.Left/time.Second)) }

func (Link) part() string         { return "link" }
func (Button) part() string       { return "button" }
func (Actions) part() string      { return "actions" }
func (Lines) part() string        { return "lines" }
func (Code) part() string         { return "code" }
func (Noted) part() string        { return "noted" }
func (TaskList) part() string     { return "task-list" }
func (SummaryList) part() string  { return "summary-list" }
func (Notice) part() string       { return "notice" }
func (Confirmation) part() string { return "confirmation" }
func (Table) part() string        { return "table" }
func (Pagination) part() string   { return "pagination" }
func (TimeLine) part() string     { return "time-line" }
func (FileList) part() string     { return "file-list" }
func (TermMeter) part() string    { return "term-meter" }
func (Turn) part() string         { return "turn" }
func (Steps) part() string        { return "steps" }
func (Hidden) part() string       { return "hidden" }
func (Form) part() string         { return "form" }
func (Section) part() string      { return "section" }
func (Paragraph) part() string    { return "paragraph" }
func (AreYouSure) part() string   { return "are-you-sure" }
func (Secret) part() string       { return "secret" }
func (Empty) part() string        { return "empty" }
func (Inset) part() string        { return "inset" }
func (Details) part() string      { return "details" }
func (Countdown) part() string    { return "countdown" }
