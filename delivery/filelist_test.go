package delivery

import (
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"sluice/delivery/manifest"
)

func TestEveryFaultOfAListIsReportedWithItsLine(t *testing.T) {
	for _, row := range []struct {
		name, list string
		want       []string // "line: part of the text"
	}{
		{"a good list", "path,subject,hospital,kind\na.bam,P1,NKI,reads\nsub/ref.fa,,,reference\n", nil},
		{"a mark of a spreadsheet in front, and other line ends", "\ufeffpath,subject,hospital,kind\r\na.bam,P1,NKI,reads\r\n", nil},
		{"nothing at all", "", []string{"1: the list is empty"}},
		{"only a header", "path,subject,hospital,kind\n", []string{"1: names no file"}},
		{"another header", "name,subject\na,b\n", []string{"1: the first line must be"}},
		{"a field too few", "path,subject,hospital,kind\na.bam,P1,NKI\n", []string{"2: 3 fields"}},
		{"a quote left open", "path,subject,hospital,kind\n\"a.bam,P1,NKI,reads\n", []string{"2: cannot be read"}},
		{"unsafe names", "path,subject,hospital,kind\n../x,P1,N,r\n/abs,P1,N,r\na\\b,P1,N,r\n,P1,N,r\n", []string{"2: cannot be the name", "3: cannot be the name", "4: cannot be the name", "5: cannot be the name"}},
		{"a name twice", "path,subject,hospital,kind\na.bam,P1,N,r\nb.bam,P1,N,r\na.bam,P2,N,r\n", []string{"4: stands on line 2 already"}},
		{"names that differ only in case", "path,subject,hospital,kind\na.bam,P1,N,r\nA.BAM,P1,N,r\n", []string{"3: differ only in upper and lower case"}},
		{"letters that are one letter on a disk that disregards case", "path,subject,hospital,kind\n\u017f.txt,P1,N,r\ns.txt,P1,N,r\n\u03c3,P1,N,r\n\u03c2,P1,N,r\n",
			[]string{"3: differ only in upper and lower case", "5: differ only in upper and lower case"}},
		{"a file where another spelling of it is a folder", "path,subject,hospital,kind\n\u017f,P1,N,r\nS/b,P1,N,r\n", []string{"3: needs a folder where line 2"}},
		{"faults of all kinds, in order of line", "path,subject,hospital,kind\na.bam,P1,N,r\na.bam,P1,N,r\nb.bam,P1,N,\n../x,P1,N,r\n", []string{"3: stands on line 2", "4: the kind", "5: cannot be the name"}},
		{"a name that a folder before it makes too long", "path,subject,hospital,kind\n" + strings.Repeat("nnnnnnnnn/", 85) + "x,P1,N,r\n", []string{"2: longer than 844"}},
		{"a file where a folder is needed", "path,subject,hospital,kind\na,P1,N,r\nA/b,P1,N,r\n", []string{"3: needs a folder where line 2"}},
		{"no kind", "path,subject,hospital,kind\na.bam,P1,N,\n", []string{"2: the kind is missing"}},
		{"spaces around a subject", "path,subject,hospital,kind\na.bam, P1,N,r\n", []string{"2: the subject"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			_, faults := ReadList(strings.NewReader(row.list))
			expectFaults(t, faults, row.want)
		})
	}
}

func TestWhatAListNamesCanStandInADelivery(t *testing.T) {
	letters := []string{"a", "A", "s", "\u017f", "S", "k", "\u212a", "\u03c3", "\u03c2", "\u03a3", "\u00e5", "\u212b", "\u0130", "i", "\u0131", "I"}
	for _, one := range letters {
		for _, other := range letters {
			files, faults := ReadList(strings.NewReader("path,subject,hospital,kind\n" + one + ".txt,P1,N,r\n" + other + ".txt,P1,N,r\n"))
			if err := manifest.CheckNames([]string{one + ".txt", other + ".txt"}); (err == nil) != (len(faults) == 0) {
				t.Errorf("%q and %q: the list has %v, the manifest %v", one, other, faults, err)
			}
			if len(files) != 2 {
				t.Errorf("%q and %q: got %d files, want 2", one, other, len(files))
			}
		}
	}
}

func TestAListThatIsTooLargeIsRefusedAndNotCut(t *testing.T) {
	list := "path,subject,hospital,kind\n" + strings.Repeat("a.bam,P1,N\n", 1<<20/11)
	if _, faults := readList(strings.NewReader(list), len(list)); len(faults) != 1<<20/11 {
		t.Errorf("a list of just the size that is taken: got %d faults, want one a line", len(faults))
	}
	for _, size := range []int{10, len(list) - 1} {
		_, faults := readList(strings.NewReader(list), size)
		if last := faults[len(faults)-1]; last.Line != 0 || !strings.Contains(last.What, "larger than 256 MiB") {
			t.Errorf("%d bytes where %d are taken: got %v last, want it refused as too large", len(list), size, last)
		}
	}
}

func TestTheFolderMustHoldJustWhatIsListed(t *testing.T) {
	folder := fstest.MapFS{"a.bam": {Data: []byte("a")}, "sub/b.vcf": {Data: []byte("b")}, "extra.txt": {}, "files.csv": {}, "link": {Mode: 0o777 | 1<<27}}
	files := []ListedFile{{Line: 2, Path: "a.bam"}, {Line: 3, Path: "sub/b.vcf"}, {Line: 4, Path: "gone.cram"}, {Line: 5, Path: "sub"}, {Line: 6, Path: "link"}}
	infos, faults := CompareFolder(folder, files, "files.csv")
	expectFaults(t, faults, []string{`0: "extra.txt" lies in the folder and is not in the list`, "6: not a regular file", `4: "gone.cram" is not in the folder`, `5: "sub" is not in the folder`})
	if infos[0] == nil || infos[0].Size() != 1 || infos[1] == nil {
		t.Errorf("got %v, want the sizes of the two files that are there", infos)
	}
}

func expectFaults(t *testing.T, got []ListFault, want []string) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("got %d faults %v, want %d: %v", len(got), got, len(want), want)
	}
	for i, f := range got {
		line, text, _ := strings.Cut(want[i], ": ")
		if line != strconv.Itoa(f.Line) || !strings.Contains(f.What, text) {
			t.Errorf("fault %d: got %q on line %d, want %q", i, f.What, f.Line, want[i])
		}
	}
}

// Files come from hospitals, and what is wrong with them is shown on the steward's terminal, which obeys what it is sent.
func TestNamesInAFolderGiveATerminalNoOrders(t *testing.T) {
	folder := fstest.MapFS{"a.bam\x1b]0;owned\x07\x1b[2J": {Data: []byte("x")}, "b\u202emab.exe": {Data: []byte("x")}}
	_, faults := CompareFolder(folder, nil, "files.csv")
	if len(faults) != 2 {
		t.Fatalf("got %v, want a fault for each of two files", faults)
	}
	for _, f := range faults {
		if strings.ContainsFunc(f.Error(), func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("got %q, want nothing that cannot be printed", f.Error())
		}
	}
}
