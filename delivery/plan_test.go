package delivery

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"sluice/infra/db/dbtest"
)

// A query that reads a whole table is fast in every test and slow for the foundation that has used this for ten years.
func TestNothingOnTheWayToAByteReadsAWholeTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "plan.db")
	dbtest.Open(t, "sqlite:"+path)
	raw, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for name, query := range map[string]string{
		"a delivery":               `SELECT ` + deliveryColumns + ` FROM deliveries WHERE id = $1`,
		"deliveries of agreement":  `SELECT ` + deliveryColumns + ` FROM deliveries WHERE agreement = $1 ORDER BY created, id`,
		"the grant of a contact":   `SELECT ` + grantColumns + ` FROM grants WHERE contact = $1 AND delivery = $2`,
		"the grants of a delivery": `SELECT ` + grantColumns + ` FROM grants WHERE delivery = $1 ORDER BY created, id`,
		"the grants of a contact":  `SELECT ` + grantColumns + ` FROM grants WHERE contact = $1 ORDER BY created, id`,
		"the contacts of a person": `SELECT id FROM contacts WHERE person = $1 ORDER BY seq, id`,
		"an agreement":             `SELECT id FROM agreements WHERE id = $1`,
		"a delivered file": `SELECT ` + deliveredColumns + ` FROM delivery_files d JOIN files f ON f.id = d.file
			WHERE d.delivery = $1 AND d.name = $2`,
		"the files of a delivery": `SELECT ` + deliveredColumns + ` FROM delivery_files d JOIN files f ON f.id = d.file
			WHERE d.delivery = $1 ORDER BY d.position`,
		"an open transfer": `SELECT ` + transferColumns + ` FROM transfers t LEFT JOIN transfer_progress p ON p.transfer = t.id
			WHERE t.granted = $1 AND t.file = $2 AND t.closed = 0 AND COALESCE(p.at, t.opened) > $3 ORDER BY t.opened DESC LIMIT 1`,
		"idle transfers": `SELECT ` + transferColumns + ` FROM transfers t LEFT JOIN transfer_progress p ON p.transfer = t.id
			WHERE t.closed = 0 AND COALESCE(p.at, t.opened) <= $1 ORDER BY t.opened LIMIT 200`,
	} {
		args := []any{"a", "b", "c"}[:strings.Count(query, "$")]
		rows, err := raw.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for rows.Next() {
			var id, parent, unused int
			var detail string
			if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
				t.Fatal(err)
			}
			if strings.HasPrefix(detail, "SCAN") {
				t.Errorf("%s: %s", name, detail)
			}
		}
		if err := rows.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		rows.Close()
	}
}
