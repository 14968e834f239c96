package delivery

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"sluice/delivery/manifest"
)

// A ListedFile is one line of files.csv: a file, whose it is, and what it is.
type ListedFile struct {
	Line     int    // in files.csv, from 1
	Path     string // below the folder, with slashes; it becomes the file's name
	Subject  string // pseudonym of the person behind it; empty for what belongs to nobody, such as a reference genome
	Hospital string
	Kind     string
}

// A ListFault is one thing wrong with files.csv or with the folder beside it. Line is 0 when it has no line.
type ListFault struct {
	Line int
	What string
}

func (f ListFault) Error() string {
	if f.Line == 0 {
		return f.What
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.What)
}

// header of files.csv.
var listHeader = []string{"path", "subject", "hospital", "kind"}

// maxListed bounds one dataset; a larger one is split, or the manifest becomes unwieldy for everybody.
const maxListed = 200_000

// maxList bounds the text of a list, in bytes.
const maxList = 256 << 20

// longestPath leaves room for the folder of the dataset.
const longestPath = manifest.MaxName - longestFolder

// ReadList reads files.csv: a header "path,subject,hospital,kind" and a line a file, in UTF-8. It reports all that is wrong
// at once, in order of line, so that the list needs to be mended once.
func ReadList(r io.Reader) ([]ListedFile, []ListFault) { return readList(r, maxList) }

func readList(r io.Reader, size int) ([]ListedFile, []ListFault) {
	text := bufio.NewReader(&listReader{r, size})
	if mark, _ := text.Peek(3); string(mark) == "\ufeff" { // spreadsheets put it in front
		text.Discard(len(mark))
	}
	in := csv.NewReader(text)
	in.FieldsPerRecord = -1
	header, err := in.Read()
	var broken *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, []ListFault{{1, `the list is empty; it begins with "path,subject,hospital,kind"`}}
	case err != nil && !errors.As(err, &broken):
		return nil, []ListFault{{0, "the list cannot be read: " + err.Error()}}
	case err != nil || !slices.Equal(header, listHeader):
		return nil, []ListFault{{1, `the first line must be "path,subject,hospital,kind"`}}
	}
	var files []ListedFile
	var faults []ListFault
	for len(files) < maxListed {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.As(err, &broken) {
			return files, append(faults, ListFault{broken.StartLine, "this line cannot be read: " + broken.Err.Error()})
		}
		if err != nil {
			return files, append(faults, ListFault{0, "the list cannot be read: " + err.Error()})
		}
		line, _ := in.FieldPos(0)
		if len(record) != len(listHeader) {
			faults = append(faults, ListFault{line, fmt.Sprintf("there are %d fields, and there must be 4", len(record))})
			continue
		}
		f := ListedFile{Line: line, Path: record[0], Subject: record[1], Hospital: record[2], Kind: record[3]}
		files = append(files, f)
		faults = append(faults, f.faults()...)
	}
	switch {
	case len(files) == maxListed:
		faults = append(faults, ListFault{0, fmt.Sprintf("there are %d files or more; split the dataset", maxListed)})
	case len(files) == 0 && len(faults) == 0:
		faults = append(faults, ListFault{1, "the list names no file"})
	}
	faults = append(faults, nameFaults(files)...)
	slices.SortStableFunc(faults, func(a, b ListFault) int { return a.Line - b.Line })
	return files, faults
}

// A listReader reads a list, and fails where it is too large: a list that is cut short would look like a whole one.
type listReader struct {
	io.Reader
	left int
}

func (l *listReader) Read(b []byte) (int, error) {
	n, err := l.Reader.Read(b[:min(len(b), l.left+1)])
	if n > l.left {
		return l.left, fmt.Errorf("it is larger than %d MiB; split the dataset", maxList>>20)
	}
	l.left -= n
	return n, err
}

// faults checks one line by itself.
func (f ListedFile) faults() []ListFault {
	var faults []ListFault
	// A dataset that is delivered beside others gets a folder before its names. What no manifest can hold is told with the names.
	if n := len(f.Path); n > longestPath && n <= manifest.MaxName {
		faults = append(faults, ListFault{f.Line, fmt.Sprintf("the name is longer than %d bytes", longestPath)})
	}
	for _, field := range []struct{ name, value string }{{"subject", f.Subject}, {"hospital", f.Hospital}, {"kind", f.Kind}} {
		if len(field.value) > 200 || strings.TrimSpace(field.value) != field.value || strings.ContainsFunc(field.value, unprintable) {
			faults = append(faults, ListFault{f.Line, fmt.Sprintf("the %s %q has spaces around it, signs that cannot be printed, or more than 200 bytes", field.name, field.value)})
		}
	}
	if f.Kind == "" {
		faults = append(faults, ListFault{f.Line, "the kind is missing; write what this file is, such as \"aligned reads\""})
	}
	return faults
}

func unprintable(r rune) bool { return r < ' ' || r == 0x7f || r == '\ufffd' }

// nameFaults finds the names that no manifest can hold, alone or beside the others. It is the manifest's own rule: what this
// let through would keep a delivery from being made when three people have signed for it.
func nameFaults(files []ListedFile) (found []ListFault) {
	names := make([]string, len(files))
	for i, f := range files {
		names[i] = f.Path
	}
	var faults manifest.NameFaults
	errors.As(manifest.CheckNames(names), &faults)
	for _, fault := range faults {
		other := ListedFile{}
		if fault.With >= 0 {
			other = files[fault.With]
		}
		what := fmt.Sprintf("%q cannot be the name of a file: %s", fault.Name, fault.Reason)
		switch fault.Clash {
		case manifest.Same:
			what = fmt.Sprintf("%q stands on line %d already", fault.Name, other.Line)
		case manifest.OnlyCase:
			what = fmt.Sprintf("%q and %q on line %d differ only in upper and lower case", fault.Name, other.Path, other.Line)
		case manifest.NeedsFolder:
			what = fmt.Sprintf("%q needs a folder where line %d has the file %q", fault.Name, other.Line, other.Path)
		}
		found = append(found, ListFault{files[fault.Index].Line, what})
	}
	return found
}

// cause is an error without the name in it, which may be made of signs that a terminal obeys.
func cause(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

// CompareFolder compares the list with what lies in the folder: every listed file must be there as a regular file, and
// every file there must be listed. list itself, when it lies in the folder, is left out. Links are refused, for they could
// bring in what nobody meant to hand over.
func CompareFolder(folder fs.FS, files []ListedFile, list string) ([]fs.FileInfo, []ListFault) {
	infos := make([]fs.FileInfo, len(files))
	listed := map[string]int{}
	var faults []ListFault
	for i, f := range files {
		if manifest.CheckName(f.Path) == nil {
			listed[f.Path] = i
		}
	}
	err := fs.WalkDir(folder, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			faults = append(faults, ListFault{0, fmt.Sprintf("%q cannot be read: %v", path, cause(err))})
			return nil
		}
		if entry.IsDir() || path == list {
			return nil
		}
		i, found := listed[path]
		if !found {
			faults = append(faults, ListFault{0, fmt.Sprintf("%q lies in the folder and is not in the list", path)})
			return nil
		}
		if !entry.Type().IsRegular() {
			faults = append(faults, ListFault{files[i].Line, fmt.Sprintf("%s is not a regular file", path)})
			return nil
		}
		infos[i], err = entry.Info()
		if err != nil {
			faults = append(faults, ListFault{files[i].Line, fmt.Sprintf("%s cannot be read: %v", path, err)})
		}
		return nil
	})
	if err != nil {
		faults = append(faults, ListFault{0, "the folder cannot be read: " + err.Error()})
	}
	for i, f := range files {
		_, known := listed[f.Path]
		if known && infos[i] == nil && !slices.ContainsFunc(faults, func(l ListFault) bool { return l.Line == f.Line }) {
			faults = append(faults, ListFault{f.Line, fmt.Sprintf("%q is not in the folder", f.Path)})
		}
	}
	return infos, faults
}
