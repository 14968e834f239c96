package delivery

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/audit"
	"sluice/infra/db"
)

// decode reads an event of a delivery's life from the log; nil for other kinds.
func decode(b audit.Body) (Event, error) {
	var ev Event
	var err error
	switch b.Kind {
	case Ordered{}.Kind():
		ev, err = read[Ordered](b)
	case FilesFixed{}.Kind():
		ev, err = read[FilesFixed](b)
	case MadeAvailable{}.Kind():
		ev, err = read[MadeAvailable](b)
	case BucketEndMoved{}.Kind():
		ev, err = read[BucketEndMoved](b)
	case BucketEndsEarly{}.Kind():
		ev, err = read[BucketEndsEarly](b)
	case HasEnded{}.Kind():
		ev, err = read[HasEnded](b)
	case KeyWasCompromised{}.Kind():
		ev, err = read[KeyWasCompromised](b)
	case WasEmptied{}.Kind():
		ev, err = read[WasEmptied](b)
	case KeyWasDestroyed{}.Kind():
		ev, err = read[KeyWasDestroyed](b)
	case BucketWasRemoved{}.Kind():
		ev, err = read[BucketWasRemoved](b)
	case WasDestroyed{}.Kind():
		ev, err = read[WasDestroyed](b)
	}
	return ev, err
}

func read[T any](b audit.Body) (T, error) {
	var ev T
	if err := json.Unmarshal(b.Data, &ev); err != nil {
		return ev, fmt.Errorf("%s in the log: %w", b.Kind, err)
	}
	return ev, nil
}

// told is what the log says about the tables of this package.
type told struct {
	deliveries map[ID]Delivery
	grants     map[GrantID]Grant
	transfers  map[TransferID]Transfer
	files      map[string]FileStored // by id
	fixed      map[ID]FilesFixed
	sealed     map[ID]string     // MadeAvailable.Sealed
	certified  map[string]string // SHA-256 of certificates, by id
}

// A Replay folds the log, entry by entry, into what the tables of this package must hold.
type Replay struct{ told }

// NewReplay begins a replay.
func NewReplay() *Replay {
	return &Replay{told{map[ID]Delivery{}, map[GrantID]Grant{}, map[TransferID]Transfer{}, map[string]FileStored{}, map[ID]FilesFixed{}, map[ID]string{},
		map[string]string{}}}
}

// Entry takes the next entry of the log. Entries of other packages are passed over.
func (r *Replay) Entry(e audit.Entry, b audit.Body) error {
	if b.Kind == (FileStored{}).Kind() {
		ev, err := read[FileStored](b)
		r.files[ev.File] = ev
		return err
	}
	id, found := strings.CutPrefix(b.Subject, ID("").Subject())
	if !found {
		return nil
	}
	if ev, err := decode(b); err != nil || ev != nil {
		if err != nil {
			return err
		}
		d := r.deliveries[ID(id)]
		d.ID = ID(id)
		next, err := d.Next(ev, e.At)
		if err != nil {
			return fmt.Errorf("entry %d cannot follow what the log says before it: %w", e.Seq, err)
		}
		switch ev := ev.(type) {
		case WasDestroyed:
			r.certified[ev.Certificate] = ev.SHA256
		case FilesFixed:
			r.fixed[ID(id)] = ev
		case MadeAvailable:
			r.sealed[ID(id)] = ev.Sealed
		}
		r.deliveries[ID(id)] = next
		return nil
	}
	return r.other(ID(id), e.At, b)
}

// other takes the entries about grants and transfers.
func (r *Replay) other(id ID, at time.Time, b audit.Body) error {
	switch b.Kind {
	case Granted{}.Kind():
		ev, err := read[Granted](b)
		r.grants[ev.Grant] = Grant{ID: ev.Grant, Contact: ev.Contact, Delivery: id, Created: at}
		return err
	case GrantWasRemoved{}.Kind():
		ev, err := read[GrantWasRemoved](b)
		g := r.grants[ev.Grant]
		g.Removed = at
		r.grants[ev.Grant] = g
		return err
	case TransferOpened{}.Kind():
		ev, err := read[TransferOpened](b)
		r.transfers[ev.Transfer] = Transfer{ID: ev.Transfer, Delivery: id, Grant: ev.Grant, Opened: at,
			Person: account.PersonID(strings.TrimPrefix(b.By, "person:"))}
		return err
	case TransferClosed{}.Kind():
		ev, err := read[TransferClosed](b)
		t := r.transfers[ev.Transfer]
		t.Closed, t.Bytes = at, ev.Bytes
		r.transfers[ev.Transfer] = t
		return err
	}
	return nil
}

// Compare says where the tables differ from what the log says: each difference a sentence.
func (r *Replay) Compare(tx *db.Tx) ([]string, error) {
	var found []string
	differ := func(format string, args ...any) { found = append(found, fmt.Sprintf(format, args...)) }

	deliveries, err := loadDeliveries(tx, `SELECT `+deliveryColumns+` FROM deliveries ORDER BY id`)
	if err != nil {
		return nil, err
	}
	manifests := map[ID]Manifest{}
	for _, d := range deliveries {
		manifests[d.ID] = d.Manifest
		said, known := r.deliveries[d.ID]
		delete(r.deliveries, d.ID)
		d.Manifest = Manifest{SHA256: d.Manifest.SHA256, PublicKey: d.Manifest.PublicKey} // compareFiles sees to the rest
		if !known {
			differ("delivery %s stands in the tables and the log knows nothing of it", d.Number)
		} else if d != said {
			differ("delivery %s differs from what the log says: state %s, revision %d; the log says %s, %d", d.Number, d.State, d.Rev, said.State, said.Rev)
		}
	}
	for id := range r.deliveries {
		differ("delivery %s stands in the log and not in the tables", id)
	}
	grants, err := db.Many(tx, scanGrant, `SELECT `+grantColumns+` FROM grants ORDER BY id`)
	if err != nil {
		return nil, err
	}
	for _, g := range grants {
		if g != r.grants[g.ID] {
			differ("grant %s of delivery %s differs from what the log says", g.ID, g.Delivery)
		}
		delete(r.grants, g.ID)
	}
	for id := range r.grants {
		differ("grant %s stands in the log and not in the tables", id)
	}
	files := func(tx *db.Tx) ([]string, error) { return r.compareFiles(tx, manifests) }
	for _, compare := range []func(*db.Tx) ([]string, error){files, r.compareTransfers, r.compareCertificates} {
		more, err := compare(tx)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

// compareFiles compares what each delivery holds, and what the archive holds.
func (r *Replay) compareFiles(tx *db.Tx, manifests map[ID]Manifest) (found []string, err error) {
	for id, said := range r.fixed {
		files, err := delivered(tx, id)
		if err != nil {
			return nil, err
		}
		is := fixed(files)
		if said.Rows == "" {
			is.Rows = ""
		}
		if is != said {
			found = append(found, fmt.Sprintf("the files of delivery %s are others than the log says", id))
		}
		if said := r.sealed[id]; said != "" && said != sealedHash(files, manifests[id]) {
			found = append(found, fmt.Sprintf("the wrapped keys of delivery %s, or the place of its manifest, are others than the log says", id))
		}
	}
	stored, err := db.Many(tx, scanFile, `SELECT `+fileColumns+` FROM files WHERE state = 'stored' ORDER BY id`)
	if err != nil {
		return nil, err
	}
	for _, f := range stored {
		is, said := FileStored{f.ID, f.Size, f.Root, f.rowHash()}, r.files[f.ID]
		if said.Row == "" {
			is.Row = ""
		}
		if is != said {
			found = append(found, fmt.Sprintf("file %s differs from what the log says", f.ID))
		}
		delete(r.files, f.ID)
	}
	for id := range r.files {
		found = append(found, fmt.Sprintf("file %s stands in the log and not in the tables", id))
	}
	return found, nil
}

func (r *Replay) compareTransfers(tx *db.Tx) (found []string, err error) {
	transfers, err := db.Many(tx, scanTransfer, `SELECT t.id, t.delivery, t.granted, t.person, t.file, t.opened, t.closed, t.bytes FROM transfers t ORDER BY t.id`)
	if err != nil {
		return nil, err
	}
	for _, t := range transfers {
		said := r.transfers[t.ID]
		said.File = t.File // in the log it is an id
		if t != said {
			found = append(found, fmt.Sprintf("transfer %s differs from what the log says", t.ID))
		}
		delete(r.transfers, t.ID)
	}
	for id := range r.transfers {
		found = append(found, fmt.Sprintf("transfer %s stands in the log and not in the tables", id))
	}
	return found, nil
}

// compareCertificates compares the documents themselves, not only the hashes beside them.
func (r *Replay) compareCertificates(tx *db.Tx) (found []string, err error) {
	type kept struct{ id, hash string }
	certificates, err := db.Many(tx, func(row db.Row) (c kept, err error) {
		var pdf string
		if err := row.Scan(&c.id, &pdf); err != nil {
			return c, err
		}
		b, err := base64.StdEncoding.DecodeString(pdf)
		c.hash = hashOf(string(b))
		if err != nil {
			c.hash = "not readable"
		}
		return c, nil
	}, `SELECT id, pdf FROM certificates ORDER BY id`)
	if err != nil {
		return nil, err
	}
	for _, c := range certificates {
		if r.certified[c.id] != c.hash {
			found = append(found, fmt.Sprintf("certificate %s is not the one that the log says", c.id))
		}
		delete(r.certified, c.id)
	}
	for id := range r.certified {
		found = append(found, fmt.Sprintf("certificate %s stands in the log and not in the tables", id))
	}
	return found, nil
}
