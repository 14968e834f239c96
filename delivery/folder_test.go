package delivery

import (
	"strings"
	"testing"

	"sluice/licensing"
)

func TestNoTwoDatasetsOfADeliveryShareAFolder(t *testing.T) {
	folders, seen := folderNames{}, map[string]bool{}
	c := licensing.Collection{Name: "CPCT"}
	for _, name := range []string{"a b", "a_b", "A B", "a.b", "a b_2", strings.Repeat("x", 200), strings.Repeat("x", 200) + "y", "Größe", "..", "con"} {
		folder := folders.name(c, licensing.Dataset{Name: name})
		if folded := strings.ToLower(folder); seen[folded] || folder == "" || len(folder) > longestFolder {
			t.Errorf("dataset %.20q: got the folder %q (%d bytes), want a short one of its own", name, folder, len(folder))
		}
		seen[strings.ToLower(folder)] = true
	}
}
