package templates

import "time"

// The field components keep what was typed and find their error in Page.Errors. The first input's id is the name, so the error
// summary can lead to it. On a page with two forms give fields of the same name an ID, and use that in the errors.

// TextField is one line. Type is "text" when empty; others are email, url, tel, search, number.
type TextField struct {
	Name, ID, Value string
	Label, Hint     Msg
	Type            string
	// Autocomplete is the HTML token, such as "email" or "organization", so that nobody types twice what the browser knows.
	Autocomplete string
	// Width is "short", "medium" or empty for the full width: as long as the answer is likely to be.
	Width    string
	Optional bool
}

// TextArea is several lines; Rows is 5 when 0.
type TextArea struct {
	Name, ID, Value string
	Label, Hint     Msg
	Rows            int
	MaxLength       int
	Optional        bool
}

// Choice is one of the options of Select, Radios and Checkboxes.
type Choice struct {
	Value  string
	Text   Msg
	Hint   Msg
	Chosen bool
}

// Select is for long lists such as countries; use Radios up to about seven choices.
type Select struct {
	Name, ID    string
	Label, Hint Msg
	Choices     []Choice
	// Blank is the first, empty choice: "Choose a country".
	Blank    Msg
	Optional bool
}

// Radios is one choice of a few.
type Radios struct {
	Name, ID    string
	Label, Hint Msg
	Choices     []Choice
}

// Checkboxes is any number of choices, or a single statement to agree with.
type Checkboxes struct {
	Name, ID    string
	Label, Hint Msg
	Choices     []Choice
}

// DateField is three fields, NAME-day, NAME-month and NAME-year: nobody needs a date picker for a date they know.
type DateField struct {
	Name, ID         string
	Label, Hint      Msg
	Day, Month, Year string
	Optional         bool
}

// PasswordField is a password, current or New. It keeps nothing that was typed.
type PasswordField struct {
	Name, ID    string
	Label, Hint Msg
	New         bool
}

// CodeField is the one-time code of an authenticator app. It keeps nothing that was typed.
type CodeField struct {
	Name, ID    string
	Label, Hint Msg
	// DemoCode is the current code, shown in demo mode only, with the time until the next one.
	DemoCode string
	DemoLeft time.Duration
}

// DemoCountdown counts to the next code.
func (c CodeField) DemoCountdown() Countdown { return Countdown{M("field.code-demo-next"), c.DemoLeft} }

// FileField takes one file; the form needs enctype="multipart/form-data". Accept is the HTML list of types.
type FileField struct {
	Name, ID    string
	Label, Hint Msg
	Accept      string
	Optional    bool
}

func idOr(id, name string) string {
	if id != "" {
		return id
	}
	return name
}

// Key is the id of the first input.
func (f TextField) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the text area.
func (f TextArea) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the select.
func (f Select) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the first radio button.
func (f Radios) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the first checkbox.
func (f Checkboxes) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the field for the day.
func (f DateField) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the input.
func (f PasswordField) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the input.
func (f CodeField) Key() string { return idOr(f.ID, f.Name) }

// Key is the id of the input.
func (f FileField) Key() string { return idOr(f.ID, f.Name) }

// Kind is the input's type.
func (f TextField) Kind() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// Height is the number of rows.
func (f TextArea) Height() int {
	if f.Rows == 0 {
		return 5
	}
	return f.Rows
}

func (TextField) part() string     { return "text-field" }
func (TextArea) part() string      { return "text-area" }
func (Select) part() string        { return "select" }
func (Radios) part() string        { return "radios" }
func (Checkboxes) part() string    { return "checkboxes" }
func (DateField) part() string     { return "date-field" }
func (PasswordField) part() string { return "password-field" }
func (CodeField) part() string     { return "code-field" }
func (FileField) part() string     { return "file-field" }
