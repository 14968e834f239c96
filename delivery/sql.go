package delivery

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"sluice/delivery/crypt4gh"
	"sluice/infra/db"
	"sluice/licensing"
)

// Every statement on the tables of this package stands in this file, but those of transfers (transfer.go).

const deliveryColumns = `id, number, agreement, kind, supersedes, state, rev, bucket, key_id, created, planned, available,
	ended, end_reason, key_due, emptied, key_destroyed, bucket_removed, destroyed, bucket_end, files, bytes,
	certificate, manifest_object, manifest_wrapped, manifest_nonce, manifest_size, manifest_sha256, manifest_key, compromised, warned`

func scanDelivery(row db.Row) (Delivery, error) {
	var d Delivery
	var created, planned, available, ended, keyDue, emptied, keyDestroyed, bucketRemoved, destroyed, bucketEnd, compromised, warned int64
	err := row.Scan(&d.ID, &d.Number, &d.Agreement, &d.Kind, &d.Supersedes, &d.State, &d.Rev, &d.Bucket, &d.Key.ID,
		&created, &planned, &available, &ended, &d.EndReason, &keyDue, &emptied, &keyDestroyed, &bucketRemoved, &destroyed,
		&bucketEnd, &d.Files, &d.Bytes, &d.Certificate,
		&d.Manifest.Object, &d.Manifest.Wrapped, &d.Manifest.Nonce, &d.Manifest.Size, &d.Manifest.SHA256, &d.Manifest.PublicKey, &compromised, &warned)
	d.Key.Mount = Deliveries
	d.Created, d.Planned, d.Available = db.Instant(created), db.Instant(planned), db.Instant(available)
	d.Ended, d.KeyDue, d.Emptied = db.Instant(ended), db.Instant(keyDue), db.Instant(emptied)
	d.KeyDestroyed, d.BucketRemoved, d.Destroyed = db.Instant(keyDestroyed), db.Instant(bucketRemoved), db.Instant(destroyed)
	d.BucketEnd, d.Compromised, d.Warned = db.Instant(bucketEnd), db.Instant(compromised), db.Instant(warned)
	return d, err
}

func loadDelivery(tx *db.Tx, id ID) (Delivery, error) {
	d, err := scanDelivery(tx.QueryRow(`SELECT `+deliveryColumns+` FROM deliveries WHERE id = $1`, id))
	if db.NoRows(err) {
		return d, ErrNotFound
	}
	return d, err
}

// Number is the number that people read of a delivery, for a list of work.
func (p *Depot) Number(tx *db.Tx, id ID) (string, error) {
	d, err := loadDelivery(tx, id)
	return d.Number, err
}

func loadDeliveries(tx *db.Tx, query string, args ...any) ([]Delivery, error) {
	return db.Many(tx, scanDelivery, query, args...)
}

// deliveriesOf lists the deliveries of an agreement as they were numbered; two may have been made in one instant.
func deliveriesOf(tx *db.Tx, agreement licensing.AgreementID) ([]Delivery, error) {
	return loadDeliveries(tx, `SELECT `+deliveryColumns+` FROM deliveries WHERE agreement = $1 ORDER BY LENGTH(number), number`, agreement)
}

func insertDelivery(tx *db.Tx, d Delivery) error {
	return tx.Update(`INSERT INTO deliveries (id, number, agreement, kind, supersedes, state, rev, bucket, key_id, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		d.ID, d.Number, d.Agreement, d.Kind, d.Supersedes, d.State, d.Rev, d.Bucket, d.Key.ID, db.Stamp(d.Created))
}

// saveDelivery writes all that may change in a delivery's life, if nobody else did so since it was read at revision rev.
func saveDelivery(tx *db.Tx, d Delivery, rev int64) error {
	return tx.Update(`UPDATE deliveries SET state = $1, rev = $2, planned = $3, available = $4, ended = $5, end_reason = $6,
		key_due = $7, emptied = $8, key_destroyed = $9, bucket_removed = $10, destroyed = $11, bucket_end = $12, files = $13,
		bytes = $14, certificate = $15, manifest_object = $16, manifest_wrapped = $17, manifest_nonce = $18,
		manifest_size = $19, manifest_sha256 = $20, compromised = $21, warned = $22, manifest_key = $23 WHERE id = $24 AND rev = $25`,
		d.State, d.Rev, db.Stamp(d.Planned), db.Stamp(d.Available), db.Stamp(d.Ended), d.EndReason,
		db.Stamp(d.KeyDue), db.Stamp(d.Emptied), db.Stamp(d.KeyDestroyed), db.Stamp(d.BucketRemoved), db.Stamp(d.Destroyed),
		db.Stamp(d.BucketEnd), d.Files, d.Bytes, d.Certificate,
		d.Manifest.Object, d.Manifest.Wrapped, d.Manifest.Nonce, d.Manifest.Size, d.Manifest.SHA256, db.Stamp(d.Compromised), db.Stamp(d.Warned), d.Manifest.PublicKey, d.ID, rev)
}

const grantColumns = `id, contact, delivery, created, removed`

func scanGrant(row db.Row) (Grant, error) {
	var g Grant
	var created, removed int64
	err := row.Scan(&g.ID, &g.Contact, &g.Delivery, &created, &removed)
	g.Created, g.Removed = db.Instant(created), db.Instant(removed)
	return g, err
}

func grantsOf(tx *db.Tx, delivery ID) ([]Grant, error) {
	return db.Many(tx, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE delivery = $1 ORDER BY created, id`, delivery)
}

func grantsOfContact(tx *db.Tx, contact licensing.ContactID) ([]Grant, error) {
	return db.Many(tx, scanGrant, `SELECT `+grantColumns+` FROM grants WHERE contact = $1 ORDER BY created, id`, contact)
}

func findGrant(tx *db.Tx, contact licensing.ContactID, delivery ID) (Grant, error) {
	g, err := scanGrant(tx.QueryRow(`SELECT `+grantColumns+` FROM grants WHERE contact = $1 AND delivery = $2`, contact, delivery))
	if db.NoRows(err) {
		return g, ErrNotGranted
	}
	return g, err
}

func insertGrant(tx *db.Tx, g Grant) error {
	return tx.Update(`INSERT INTO grants (id, contact, delivery, created) VALUES ($1, $2, $3, $4)`,
		g.ID, g.Contact, g.Delivery, db.Stamp(g.Created))
}

func removeGrant(tx *db.Tx, g Grant) error {
	return tx.Update(`UPDATE grants SET removed = $1 WHERE id = $2 AND removed = 0`, db.Stamp(tx.At), g.ID)
}

// A File is one file of a dataset, as the foundation holds it: sealed in the archive.
type File struct {
	ID       string
	Dataset  licensing.DatasetID
	Name     string // unique in the dataset
	Subject  string // pseudonym; empty for what belongs to nobody
	Hospital string
	Kind     string

	Size     int64 // of the plaintext
	SHA256   string
	BodySize int64
	Parts    int64
	Root     string
	Nonce    crypt4gh.Nonce // of the first segment: what shows that none was moved

	sourceMod int64 // when what it was read from was last changed

	object, partsObject string // in the archive bucket
	wrapped             string // the data key under the dataset's key
}

const fileColumns = `id, dataset, name, subject, hospital, kind, object_key, parts_key, wrapped, size, sha256, body_size, parts, root, nonce, source_mod`

func scanFile(row db.Row) (File, error) {
	var f File
	var nonce string
	err := row.Scan(&f.ID, &f.Dataset, &f.Name, &f.Subject, &f.Hospital, &f.Kind, &f.object, &f.partsObject, &f.wrapped,
		&f.Size, &f.SHA256, &f.BodySize, &f.Parts, &f.Root, &nonce, &f.sourceMod)
	if err != nil {
		return f, err
	}
	f.Nonce, err = parseNonce(nonce)
	return f, err
}

// rowHash is what the log keeps of the row: its columns hold names and pseudonyms, which do not stand in the log. The random
// ids and the wrapped key among them keep anybody from trying names until the hash fits.
func (f File) rowHash() string {
	h := newRowHash()
	h.add(f.ID, f.Dataset, f.Name, f.Subject, f.Hospital, f.Kind, f.sourceMod, f.object, f.partsObject, f.wrapped,
		f.Size, f.SHA256, f.BodySize, f.Parts, f.Root, hex.EncodeToString(f.Nonce[:]))
	return h.sum()
}

// A rowHash is a hash over rows, in their order.
type rowHash struct{ hash.Hash }

func newRowHash() rowHash { return rowHash{sha256.New()} }

// add takes a row. Each column is quoted, so that no text can be moved from one into the next.
func (h rowHash) add(columns ...any) {
	for _, c := range columns {
		fmt.Fprintf(h, "%q ", fmt.Sprint(c))
	}
	fmt.Fprintln(h)
}

func (h rowHash) sum() string { return hex.EncodeToString(h.Sum(nil)) }

// insertRows inserts rows of equal length after a text that ends in VALUES, some dozens with each statement: one by one a
// large dataset would keep every other change waiting. Not hundreds: SQLite takes $1 for a name, and looks each one up
// among all before it.
func insertRows(tx *db.Tx, insert string, rows [][]any) error {
	for some := range slices.Chunk(rows, 50) {
		var text strings.Builder
		text.WriteString(insert)
		var args []any
		for i, row := range some {
			for j := range row {
				mark := ", $"
				switch {
				case j == 0 && i == 0:
					mark = " ($"
				case j == 0:
					mark = "), ($"
				}
				fmt.Fprintf(&text, "%s%d", mark, len(args)+j+1)
			}
			args = append(args, row...)
		}
		text.WriteString(")")
		n, err := tx.Exec(text.String(), args...)
		if err != nil {
			return err
		}
		if n != int64(len(some)) {
			return db.ErrConflict
		}
	}
	return nil
}

// insertFiles writes a row for each file of an import, with the place it will have.
func insertFiles(tx *db.Tx, dataset licensing.DatasetID, in Import) ([]File, error) {
	files, rows := make([]File, len(in.Files)), make([][]any, len(in.Files))
	for i, l := range in.Files {
		f := File{ID: db.NewID(), Dataset: dataset, Name: l.Path, Subject: l.Subject, Hospital: l.Hospital, Kind: l.Kind,
			Size: in.Infos[i].Size(), sourceMod: db.Stamp(in.Infos[i].ModTime()), object: db.NewID(), partsObject: db.NewID()}
		files[i] = f
		rows[i] = []any{f.ID, f.Dataset, f.Name, f.Subject, f.Hospital, f.Kind, "storing", f.sourceMod,
			f.object, f.partsObject, "", f.Size, "", 0, 0, "", ""}
	}
	return files, insertRows(tx, `INSERT INTO files (id, dataset, name, subject, hospital, kind, state, source_mod, object_key, parts_key,
		wrapped, size, sha256, body_size, parts, root, nonce) VALUES`, rows)
}

// A KindOfFile is how many files of one kind a dataset has.
type KindOfFile struct {
	Kind         string
	Files, Bytes int64
}

// Kinds sums up the files of a dataset by kind. No name of a file is read: names may tell who is behind them.
func (p *Depot) Kinds(tx *db.Tx, dataset licensing.DatasetID) ([]KindOfFile, error) {
	return db.Many(tx, func(r db.Row) (k KindOfFile, err error) { err = r.Scan(&k.Kind, &k.Files, &k.Bytes); return k, err },
		`SELECT kind, COUNT(*), SUM(size) FROM files WHERE dataset = $1 GROUP BY kind ORDER BY kind`, dataset)
}

func filesOf(tx *db.Tx, dataset licensing.DatasetID) ([]File, error) {
	return db.Many(tx, scanFile, `SELECT `+fileColumns+` FROM files WHERE dataset = $1 AND state = 'stored' ORDER BY name`, dataset)
}

// A DeliveredFile is one file of a delivery: which file it is, where its body lies, and its data key under the
// delivery's own key.
type DeliveredFile struct {
	File
	Position int64
	Path     string // its name in the delivery
	bucket   string
	body     string // object keys in bucket
	list     string
	key      string // wrapped under the delivery's key; empty until prepared
}

const deliveredColumns = `f.id, f.dataset, f.name, f.subject, f.hospital, f.kind, f.object_key, f.parts_key, f.wrapped, f.size, f.sha256,
	f.body_size, f.parts, f.root, f.nonce, d.position, d.name, d.bucket, d.object_key, d.parts_key, d.wrapped`

func scanDelivered(row db.Row) (DeliveredFile, error) {
	var f DeliveredFile
	var nonce string
	err := row.Scan(&f.ID, &f.Dataset, &f.Name, &f.Subject, &f.Hospital, &f.Kind, &f.object, &f.partsObject, &f.wrapped,
		&f.Size, &f.SHA256, &f.BodySize, &f.Parts, &f.Root, &nonce,
		&f.Position, &f.Path, &f.bucket, &f.body, &f.list, &f.key)
	if err != nil {
		return f, err
	}
	f.Nonce, err = parseNonce(nonce)
	return f, err
}

// delivered lists the files of a delivery in their fixed order.
func delivered(tx *db.Tx, delivery ID) ([]DeliveredFile, error) {
	return db.Many(tx, scanDelivered, `SELECT `+deliveredColumns+` FROM delivery_files d JOIN files f ON f.id = d.file
		WHERE d.delivery = $1 ORDER BY d.position`, delivery)
}

func findDelivered(tx *db.Tx, delivery ID, path string) (DeliveredFile, error) {
	f, err := scanDelivered(tx.QueryRow(`SELECT `+deliveredColumns+` FROM delivery_files d JOIN files f ON f.id = d.file
		WHERE d.delivery = $1 AND d.name = $2`, delivery, path))
	if db.NoRows(err) {
		return f, ErrNotFound
	}
	return f, err
}

func insertDelivered(tx *db.Tx, delivery ID, files []DeliveredFile) error {
	rows := make([][]any, len(files))
	for i, f := range files {
		rows[i] = []any{delivery, f.Position, f.ID, f.Path, f.bucket, f.body, f.list}
	}
	return insertRows(tx, `INSERT INTO delivery_files (delivery, position, file, name, bucket, object_key, parts_key) VALUES`, rows)
}

func saveWrapped(tx *db.Tx, delivery ID, file, wrapped string) error {
	return tx.Update(`UPDATE delivery_files SET wrapped = $1 WHERE delivery = $2 AND file = $3 AND wrapped = ''`, wrapped, delivery, file)
}

func archiveKey(tx *db.Tx, dataset licensing.DatasetID) (KeyName, error) {
	key := KeyName{Mount: Archive}
	err := tx.QueryRow(`SELECT key_id FROM archive_keys WHERE dataset = $1`, dataset).Scan(&key.ID)
	if db.NoRows(err) {
		return key, fmt.Errorf("dataset %s has no key: %w", dataset, ErrNotFound)
	}
	return key, err
}

func parseNonce(text string) (crypt4gh.Nonce, error) {
	var n crypt4gh.Nonce
	b, err := hex.DecodeString(text)
	if err != nil || (len(b) != len(n) && len(b) != 0) {
		return n, fmt.Errorf("%q is not a nonce", text)
	}
	copy(n[:], b)
	return n, nil
}
