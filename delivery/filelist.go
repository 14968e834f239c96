package delivery

import (
	"bytes"
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

// ReadList reads files.csv: a header "path,subject,hospital,kind" and a line a file, in UTF-8. It reports all that is wrong
// at once, in order of line, so that the list needs to be mended once.
func ReadList(r io.Reader) ([]ListedFile, []ListFault) {
	text, err := io.ReadAll(io.LimitReader(r, 256<<20))
	if err != nil {
		return nil, []ListFault{{0, "the list cannot be read: " + err.Error()}}
	}
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))) // spreadsheets put a mark in front
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if errors.Is(err, io.EOF) {
		return nil, []ListFault{{1, `the list is empty; it begins with "path,subject,hospital,kind"`}}
	}
	if err != nil || !slices.Equal(header, listHeader) {
		return nil, []ListFault{{1, `the first line must be "path,subject,hospital,kind"`}}
	}
	var files []ListedFile
	var faults []ListFault
	for len(files) < maxListed {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		var broken *csv.ParseError
		if errors.As(err, &broken) {
			return files, append(faults, ListFault{broken.StartLine, "this line cannot be read: " + broken.Err.Error()})
		}
		if err != nil {
			return files, append(faults, ListFault{0, err.Error()})
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
	return files, append(faults, doubled(files)...)
}

// faults checks one line by itself.
func (f ListedFile) faults() []ListFault {
	var faults []ListFault
	// A dataset that is delivered beside others gets a folder before its names.
	if len(f.Path) > manifest.MaxName-longestFolder {
		faults = append(faults, ListFault{f.Line, fmt.Sprintf("the name is longer than %d bytes", manifest.MaxName-longestFolder)})
	} else if err := manifest.CheckName(f.Path); err != nil {
		faults = append(faults, ListFault{f.Line, fmt.Sprintf("%q cannot be the name of a file: %v", f.Path, err)})
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

// doubled finds names that stand twice, or that only their case tells apart: on many disks the second would overwrite the first.
func doubled(files []ListedFile) []ListFault {
	var faults []ListFault
	seen := map[string]ListedFile{}
	for _, f := range files {
		folded := strings.ToLower(f.Path)
		first, found := seen[folded]
		switch {
		case !found:
			seen[folded] = f
		case first.Path == f.Path:
			faults = append(faults, ListFault{f.Line, fmt.Sprintf("%q stands on line %d already", f.Path, first.Line)})
		default:
			faults = append(faults, ListFault{f.Line, fmt.Sprintf("%q and %q on line %d differ only in upper and lower case", f.Path, first.Path, first.Line)})
		}
	}
	for _, f := range files { // a file where another line needs a folder
		for dir := range parents(strings.ToLower(f.Path)) {
			if other, found := seen[dir]; found {
				faults = append(faults, ListFault{f.Line, fmt.Sprintf("%q needs a folder where line %d has the file %q", f.Path, other.Line, other.Path)})
			}
		}
	}
	return faults
}

// parents yields the folders of a path, nearest last.
func parents(path string) func(func(string) bool) {
	return func(yield func(string) bool) {
		for i, r := range path {
			if r == '/' && i > 0 && !yield(path[:i]) {
				return
			}
		}
	}
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
