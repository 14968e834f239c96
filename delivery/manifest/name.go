package manifest

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Names that a delivery uses for itself; no file may have them, in whatever case.
const (
	FileName    = "manifest.json"  // the signed manifest
	SumsName    = "SHA256SUMS"     // of lines that SumLine makes
	PartsFolder = "manifest.parts" // part lists lie in it, each under the name of its file
)

// Bounds of a name, in bytes: those of the file systems it will be written to.
const (
	MaxName      = 1024
	MaxComponent = 255
)

// A NameError says why a name cannot be used, in words for whoever chose it.
type NameError struct{ Reason string }

func (e *NameError) Error() string { return e.Reason }

// CheckName says whether a file may have this name: a relative path with "/" between its components, that every system can
// write where it should and show as it is. The error is a *NameError.
//
// The rules keep three things from happening: writing outside the folder it is unpacked into; two names that look the
// same, or one that looks like another; and a line of SHA256SUMS that means something else than it says.
func CheckName(name string) error {
	refuse := func(format string, args ...any) error { return &NameError{fmt.Sprintf(format, args...)} }
	switch {
	case name == "":
		return refuse("it is empty")
	case len(name) > MaxName:
		return refuse("it is longer than %d bytes", MaxName)
	case !utf8.ValidString(name):
		return refuse("it is not UTF-8; rename it")
	case !norm.NFC.IsNormalString(name):
		return refuse("its accents are written as signs of their own (not Unicode NFC); rename it")
	case strings.HasPrefix(name, "/"):
		return refuse("it begins with a slash; name it relative to the folder")
	}
	for _, r := range name {
		if r == '\\' {
			return refuse("it has a backslash; write / between folders")
		}
		if hidden(r) {
			return refuse("it has the sign %U, which cannot be seen", r)
		}
	}
	components := strings.Split(name, "/")
	for _, c := range components {
		switch {
		case c == "":
			return refuse("it has an empty component: a slash at the end, or two in a row")
		case c == "." || c == "..":
			return refuse("its component %q leads elsewhere", c)
		case len(c) > MaxComponent:
			return refuse("a component is longer than %d bytes", MaxComponent)
		case strings.HasSuffix(c, ".") || strings.HasSuffix(c, " "):
			return refuse("%q ends with a dot or a space, which Windows drops: it would take the place of another", c)
		case device(c):
			return refuse("%q is a device on Windows, and what is written to it is lost", c)
		}
	}
	switch top := fold(components[0]); {
	case top == fold(PartsFolder):
		return refuse("the folder %s is kept for lists of parts", PartsFolder)
	case len(components) == 1 && (top == fold(FileName) || top == fold(SumsName)):
		return refuse("%s is a file that every delivery has of its own", components[0])
	}
	return nil
}

// device tells a name that Windows takes for a device, in any case and whatever ending it has.
func device(component string) bool {
	stem, _, _ := strings.Cut(strings.ToLower(component), ".")
	switch stem = strings.TrimRight(stem, " "); stem {
	case "con", "prn", "aux", "nul":
		return true
	}
	return len(stem) == 4 && (strings.HasPrefix(stem, "com") || strings.HasPrefix(stem, "lpt")) && stem[3] >= '1' && stem[3] <= '9'
}

// hidden tells control characters, marks of direction and of joining, and whatever else takes no place of its own.
func hidden(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Noncharacter_Code_Point) || r == utf8.RuneError
}

// fold gives two names that differ only in case the same text, as file systems that disregard case do: sign by sign.
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			least = min(least, next)
		}
		return least
	}, name)
}

// A Clash is why a name cannot stand beside another one.
type Clash int

const (
	NoClash     Clash = iota // the fault is the name's own
	Same                     // the other is the same
	OnlyCase                 // the other differs only in case
	NeedsFolder              // the other is a file where this one needs a folder
)

// A NameFault is one name that cannot be used, or not beside another one.
type NameFault struct {
	Index  int // of the name in the list that was checked
	Name   string
	With   int // index of the name it cannot stand beside; -1 when the fault is its own
	Clash  Clash
	Reason string
}

// NameFaults is all that is wrong with a list of names, in the order of the list.
type NameFaults []NameFault

// Error tells the first ten faults, counting names from 1.
func (f NameFaults) Error() string {
	var b strings.Builder
	for i, fault := range f {
		if i == 10 {
			fmt.Fprintf(&b, "; and %d more", len(f)-i)
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		fmt.Fprintf(&b, "name %d, %q: %s", fault.Index+1, fault.Name, fault.Reason)
	}
	return b.String()
}

// CheckNames checks every name, and that they can stand side by side on any file system: no two the same or differing only
// in case, and no file where another name needs a folder. The error is NameFaults, with all faults.
func CheckNames(names []string) error {
	var faults NameFaults
	files := make(map[string]int, len(names))
	for i, name := range names {
		if err := CheckName(name); err != nil {
			faults = append(faults, NameFault{i, name, -1, NoClash, err.Error()})
			continue
		}
		first, taken := files[fold(name)]
		switch {
		case !taken:
			files[fold(name)] = i
		case names[first] == name:
			faults = append(faults, NameFault{i, name, first, Same, fmt.Sprintf("the same as name %d", first+1)})
		default:
			faults = append(faults, NameFault{i, name, first, OnlyCase, fmt.Sprintf("differs from name %d, %q, only in case", first+1, names[first])})
		}
	}
	for i, name := range names {
		folded := fold(name)
		for at, r := range folded {
			if other, isFile := files[folded[:at]]; r == '/' && isFile {
				faults = append(faults, NameFault{i, name, other, NeedsFolder, fmt.Sprintf("needs a folder where name %d, %q, is a file", other+1, names[other])})
			}
		}
	}
	if len(faults) == 0 {
		return nil
	}
	return faults
}
