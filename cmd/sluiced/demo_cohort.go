package main

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// The synthetic cohort: the same bytes each time, and nobody's genome.
const (
	subjects     = 6
	variantsEach = 9000 // about 0.5 MB a file
)

// withdrawn is the subject who has withdrawn; nothing of this one is imported.
const withdrawn = "DEMO-0006"

func subjectName(i int) string { return fmt.Sprintf("DEMO-%04d", i) }

// hospitals contributed the subjects, in turn.
var hospitals = []string{"AZV", "UMCV"}

// writeCohort writes two folders with the list of each: variants as VCF, and clinical data as CSV.
func writeCohort(folder string) error {
	random := rand.New(rand.NewPCG(2026, 11))
	list := []string{"path,subject,hospital,kind"}
	for i := 1; i <= subjects; i++ {
		name := subjectName(i) + ".somatic.vcf"
		if err := writeLines(filepath.Join(folder, "wgs", name), variants(random, subjectName(i))); err != nil {
			return err
		}
		list = append(list, fmt.Sprintf("%s,%s,%s,somatic variants", name, subjectName(i), hospitals[i%2]))
	}
	if err := writeLines(filepath.Join(folder, "wgs.csv"), list); err != nil {
		return err
	}
	for _, table := range []struct{ name, head string }{{"diagnoses.csv", "subject,year_of_birth,tumour,stage"}, {"treatments.csv", "subject,line,medicine,months"}} {
		if err := writeLines(filepath.Join(folder, "clinical", table.name), clinical(random, table.head)); err != nil {
			return err
		}
	}
	return writeLines(filepath.Join(folder, "clinical.csv"), []string{"path,subject,hospital,kind", "diagnoses.csv,,,clinical data", "treatments.csv,,,clinical data"})
}

func variants(random *rand.Rand, subject string) []string {
	lines := []string{"##fileformat=VCFv4.2", "##source=made up for trying Sluice out: nobody's genome",
		`##INFO=<ID=DP,Number=1,Type=Integer,Description="Depth">`, "#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\tFORMAT\t" + subject}
	position := 10_000
	for range variantsEach {
		position += 1 + random.IntN(60_000)
		ref := random.IntN(4)
		alt := (ref + 1 + random.IntN(3)) % 4
		lines = append(lines, fmt.Sprintf("chr%d\t%d\t.\t%c\t%c\t%d\tPASS\tDP=%d\tGT\t0/1", 1+position/25_000_000, position, "ACGT"[ref], "ACGT"[alt],
			20+random.IntN(80), 30+random.IntN(90)))
	}
	return lines
}

func clinical(random *rand.Rand, head string) []string {
	lines := []string{head}
	for i := 1; i <= subjects; i++ {
		if subjectName(i) == withdrawn {
			continue
		}
		if strings.Contains(head, "stage") {
			lines = append(lines, fmt.Sprintf("%s,%d,%s,%d", subjectName(i), 1935+random.IntN(50), []string{"colon", "breast", "lung"}[random.IntN(3)], 1+random.IntN(4)))
			continue
		}
		for line := range 1 + random.IntN(3) {
			lines = append(lines, fmt.Sprintf("%s,%d,%s,%d", subjectName(i), line+1, []string{"cisplatin", "fluorouracil", "pembrolizumab"}[random.IntN(3)], 1+random.IntN(12)))
		}
	}
	return lines
}

func writeLines(path string, lines []string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for _, l := range lines {
		w.WriteString(l)
		w.WriteByte('\n')
	}
	if err := w.Flush(); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
