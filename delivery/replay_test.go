package delivery_test

import (
	"strings"
	"testing"
	"time"

	"sluice/delivery/deliverytest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/infra/db/dbtest"
)

// Tampered is the event under which these tests change tables behind the log's back.
type tampered struct{}

func (tampered) Kind() string { return "test.tampered" }

func TestTamperingWithTheTablesIsFound(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := deliverytest.New(t, d, clock, deliverytest.Options{KeyDelay: time.Minute})
		set := w.Import("two", two())
		old, a := w.InForceUntil(later, set.ID), w.InForceUntil(later, set.ID)
		w.Work()
		_, dora := a.AddContact("dora", "Dora Download")
		a.RemoveContact(dora)
		s := serve(t, w.Depot, map[string]account.Who{"carla": a.Contact})
		s.get("carla", a.Delivery().ID, "a.bam").want(t, "a.bam", 200, nil)
		old.Do("terminate")
		w.WorkOff()
		replay(t, w)

		id, gone := string(a.Delivery().ID), string(old.Delivery().ID)
		for _, c := range []struct{ name, do, undo, want string }{
			{"a grant put in", `INSERT INTO grants (id, contact, delivery, created) VALUES ('X', 'Y', '` + id + `', 1)`,
				`DELETE FROM grants WHERE id = 'X'`, "grant X"},
			{"a removed grant brought back", `UPDATE grants SET removed = removed - 1000000000000000000 WHERE removed <> 0`,
				`UPDATE grants SET removed = removed + 1000000000000000000 WHERE removed <> 0`, "grant "},
			{"a grant moved to another contact", `UPDATE grants SET contact = contact || 'x' WHERE removed = 0 AND delivery = '` + id + `'`,
				`UPDATE grants SET contact = SUBSTR(contact, 1, LENGTH(contact) - 1) WHERE removed = 0 AND delivery = '` + id + `'`, "grant "},
			{"a destroyed delivery made available", `UPDATE deliveries SET state = 'available' WHERE id = '` + gone + `'`,
				`UPDATE deliveries SET state = 'destroyed' WHERE id = '` + gone + `'`, "differs from what the log says: state available"},
			{"the end of a bucket moved", `UPDATE deliveries SET bucket_end = bucket_end + 1 WHERE id = '` + id + `'`,
				`UPDATE deliveries SET bucket_end = bucket_end - 1 WHERE id = '` + id + `'`, "delivery "},
			{"a delivery moved to another agreement", `UPDATE deliveries SET agreement = agreement || 'x' WHERE id = '` + id + `'`,
				`UPDATE deliveries SET agreement = SUBSTR(agreement, 1, LENGTH(agreement) - 1) WHERE id = '` + id + `'`, "delivery "},
			{"another manifest", `UPDATE deliveries SET manifest_sha256 = manifest_sha256 || 'x' WHERE id = '` + id + `'`,
				`UPDATE deliveries SET manifest_sha256 = SUBSTR(manifest_sha256, 1, 64) WHERE id = '` + id + `'`, "delivery "},
			{"another key of the manifest", `UPDATE deliveries SET manifest_key = manifest_key || 'x' WHERE id = '` + id + `'`,
				`UPDATE deliveries SET manifest_key = SUBSTR(manifest_key, 1, 44) WHERE id = '` + id + `'`, "delivery "},
			{"a key marked behind the log's back", `UPDATE deliveries SET compromised = 1 WHERE id = '` + id + `'`, `UPDATE deliveries SET compromised = 0 WHERE id = '` + id + `'`, "delivery "},
			{"a warning hidden", `UPDATE deliveries SET warned = 1 WHERE id = '` + id + `'`, `UPDATE deliveries SET warned = 0 WHERE id = '` + id + `'`, "delivery "},
			{"a delivery put in", `INSERT INTO deliveries (id, number, agreement, kind, state, rev, bucket, key_id, created) VALUES ('X', 'X', 'X', 'research', 'available', 1, 'x', 'x', 1)`,
				`DELETE FROM deliveries WHERE id = 'X'`, "delivery X stands in the tables"},
			{"the root of a file", `UPDATE files SET root = root || 'x' WHERE name = 'a.bam'`, `UPDATE files SET root = SUBSTR(root, 1, 64) WHERE name = 'a.bam'`,
				"differs from what the log says"},
			{"the hash of a delivered file", `UPDATE files SET sha256 = sha256 || 'x' WHERE name = 'a.bam'`, `UPDATE files SET sha256 = SUBSTR(sha256, 1, 64) WHERE name = 'a.bam'`,
				"the files of delivery"},
			{"two files of a delivery exchanged", `UPDATE delivery_files SET position = 9 - position WHERE delivery = '` + id + `'`,
				`UPDATE delivery_files SET position = 9 - position WHERE delivery = '` + id + `'`, "the files of delivery"},
			{"a transfer made somebody else's", `UPDATE transfers SET person = person || 'x'`, `UPDATE transfers SET person = SUBSTR(person, 1, LENGTH(person) - 1)`, "transfer "},
			{"a transfer hidden", `UPDATE transfers SET id = id || 'x'`, `UPDATE transfers SET id = SUBSTR(id, 1, LENGTH(id) - 1)`, "stands in the log and not in the tables"},
			{"a certificate rewritten", `UPDATE certificates SET pdf = 'AAAA' || pdf`, `UPDATE certificates SET pdf = SUBSTR(pdf, 5)`, "certificate "},
			{"a certificate hidden", `UPDATE certificates SET id = id || 'x'`, `UPDATE certificates SET id = SUBSTR(id, 1, LENGTH(id) - 1)`, "stands in the log and not in the tables"},
		} {
			tamper(t, w, c.do)
			found := strings.Join(differences(t, w), "\n")
			if !strings.Contains(found, c.want) {
				t.Errorf("%s: got %q, want it to say %q", c.name, found, c.want)
			}
			tamper(t, w, c.undo)
			if left := differences(t, w); len(left) > 0 {
				t.Fatalf("%s: could not be undone: %v", c.name, left)
			}
		}
	})
}

// columns are those of a table that may not be changed behind the log's back: numbers, and texts.
type columns struct{ table, where, numbers, texts string }

func TestNoColumnOfAFileCanBeChangedUnseen(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		w := deliverytest.New(t, d, clock, deliverytest.Options{})
		a := w.InForceUntil(later, w.Import("two", two()).ID)
		w.Work()
		replay(t, w)
		id := string(a.Delivery().ID)
		found := func(what, do, undo string) {
			t.Helper()
			tamper(t, w, do)
			if len(differences(t, w)) == 0 {
				t.Errorf("%s was changed, and nobody sees it", what)
			}
			tamper(t, w, undo)
			if left := differences(t, w); len(left) > 0 {
				t.Fatalf("%s: could not be undone: %v", what, left)
			}
		}
		for _, c := range []columns{
			{"files", ``, "source_mod size body_size parts", "id dataset name subject hospital kind state object_key parts_key wrapped sha256 root"},
			{"delivery_files", ` WHERE delivery LIKE '` + id + `%'`, "position", "delivery file name bucket object_key parts_key wrapped"},
			{"deliveries", ` WHERE id = '` + id + `'`, "manifest_size", "manifest_object manifest_wrapped manifest_nonce"},
		} {
			for _, n := range strings.Fields(c.numbers) {
				found(c.table+"."+n, `UPDATE `+c.table+` SET `+n+` = `+n+` + 9`+c.where, `UPDATE `+c.table+` SET `+n+` = `+n+` - 9`+c.where)
			}
			for _, s := range strings.Fields(c.texts) {
				found(c.table+"."+s, `UPDATE `+c.table+` SET `+s+` = `+s+` || 'x'`+c.where, `UPDATE `+c.table+` SET `+s+` = SUBSTR(`+s+`, 1, LENGTH(`+s+`) - 1)`+c.where)
			}
		}
		found("files.nonce", `UPDATE files SET nonce = SUBSTR(nonce, 3) || SUBSTR(nonce, 1, 2)`, `UPDATE files SET nonce = SUBSTR(nonce, 23) || SUBSTR(nonce, 1, 22)`)
	})
}

func tamper(t *testing.T, w *deliverytest.World, statement string) {
	t.Helper()
	must(t, w.DB.Change(t.Context(), db.Worker(), func(tx *db.Tx) error {
		n, err := tx.Exec(statement)
		if err != nil {
			return err
		}
		if n == 0 {
			t.Errorf("nothing was changed by %s", statement)
		}
		return tx.Record("test:tampering", tampered{})
	}))
}
