package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/manifest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// Prepare fills a delivery's bucket and opens it. Until the last step nobody may read, so a half-made delivery is a closed
// one. It may be killed anywhere and called again; every name was chosen and written down before anything was made
// under it, so what is there already is recognised and nothing is made twice.
//
//	files fixed → bucket → key → bodies and part lists copied → file keys wrapped → manifest → strays removed → available
func (p *Depot) Prepare(ctx context.Context, id ID) error {
	d, err := p.plan(ctx, id)
	if err != nil || d.State != Preparing {
		return err
	}
	if err := p.store.MakeBucket(ctx, d.Bucket); err != nil && !errors.Is(err, ErrAlreadyStored) {
		return outside("making bucket "+d.Bucket, err)
	}
	if err := p.keys.Create(ctx, d.Key); err != nil {
		return fmt.Errorf("making the key of %s: %w", d.Number, err)
	}
	files, err := p.deliveredFiles(ctx, id)
	if err != nil {
		return err
	}
	if err := p.copyBodies(ctx, d, files); errors.Is(err, errOver) {
		return nil // End takes away what was made
	} else if err != nil {
		return err
	}
	if err := p.wrapKeys(ctx, d, files); err != nil {
		return err
	}
	m, err := p.putManifest(ctx, d, files)
	if err != nil {
		return err
	}
	if err := p.tidy(ctx, d, files, m); err != nil {
		return err
	}
	return p.open(ctx, d, files, m)
}

// plan fixes which files the delivery holds, and where each will lie, unless that was done before. A delivery whose
// agreement is over meanwhile is left to End.
func (p *Depot) plan(ctx context.Context, id ID) (d Delivery, err error) {
	err = p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		if d, err = loadDelivery(tx, id); err != nil {
			return err
		}
		if d.State != Preparing || !d.Planned.IsZero() {
			return db.ErrUnchanged
		}
		files, err := p.choose(tx, d)
		if err != nil {
			return err
		}
		if err := insertDelivered(tx, id, files); err != nil {
			return err
		}
		d, err = p.apply(tx, id, fixed(files), nil)
		return err
	})
	return d, err
}

// fixed is the event that says which files, in their order, a delivery holds.
func fixed(files []DeliveredFile) FilesFixed {
	ev := FilesFixed{Files: int64(len(files))}
	h, rows := sha256.New(), newRowHash()
	for _, f := range files {
		ev.Bytes += f.Size
		fmt.Fprintf(h, "%s %s\n", f.ID, f.SHA256)
		rows.add(f.Position, f.ID, f.Path, f.bucket, f.body, f.list)
	}
	ev.Hash, ev.Rows = hex.EncodeToString(h.Sum(nil)), rows.sum()
	return ev
}

// sealedHash is what the log keeps of what only a keyring makes sense of: the wrapped keys, and the place of the manifest.
func sealedHash(files []DeliveredFile, m Manifest) string {
	rows := newRowHash()
	rows.add(m.Object, m.Wrapped, m.Nonce, m.Size)
	for _, f := range files {
		rows.add(f.ID, f.key)
	}
	return rows.sum()
}

// choose lists the files of the agreement's datasets in their final order, with their names in the delivery. With
// more than one dataset each gets a folder of its own.
func (p *Depot) choose(tx *db.Tx, d Delivery) ([]DeliveredFile, error) {
	datasets, err := p.registry.Datasets(tx, d.Agreement)
	if err != nil {
		return nil, err
	}
	var files []DeliveredFile
	folders := folderNames{}
	for _, set := range datasets {
		c, err := p.registry.Collection(tx, set.Collection)
		if err != nil {
			return nil, err
		}
		all, err := filesOf(tx, set.ID)
		if err != nil {
			return nil, err
		}
		folder := folders.name(c, set)
		for _, f := range all {
			one := DeliveredFile{File: f, Path: f.Name, bucket: d.Bucket}
			if len(datasets) > 1 {
				one.Path = folder + "/" + f.Name
			}
			if c.Placement == licensing.Shared {
				one.bucket, one.body, one.list = p.opts.ArchiveBucket, f.object, f.partsObject
			} else {
				one.body, one.list = db.NewID(), db.NewID()
			}
			files = append(files, one)
		}
	}
	slices.SortFunc(files, func(a, b DeliveredFile) int { return compareText(a.Path, b.Path) })
	names := make([]string, len(files))
	for i := range files {
		files[i].Position = int64(i)
		names[i] = files[i].Path
	}
	if err := manifest.CheckNames(names); err != nil {
		return nil, fmt.Errorf("the files of %s cannot stand side by side: %w", d.Number, err)
	}
	return files, nil
}

func compareText(a, b string) int { return bytes.Compare([]byte(a), []byte(b)) }

// folderNames are the folders of a delivery's datasets, folded to lower case.
type folderNames map[string]bool

// longestFolder leaves room for the names of files, which ReadList keeps as much shorter than manifest.MaxName.
const longestFolder = 180

// name makes a folder of a dataset's name, in letters that every system takes, and different from all others: datasets
// called "a b" and "a_b" must not meet when three people have signed already.
func (f folderNames) name(c licensing.Collection, set licensing.Dataset) string {
	name := []byte(c.Name + " " + set.Name)
	for i, b := range name {
		if !(b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '-') {
			name[i] = '_'
		}
	}
	base := string(name[:min(len(name), longestFolder-8)])
	folder := base
	for n := 2; f[strings.ToLower(folder)]; n++ {
		folder = fmt.Sprintf("%s_%d", base, n)
	}
	f[strings.ToLower(folder)] = true
	return folder
}

func (p *Depot) deliveredFiles(ctx context.Context, id ID) (files []DeliveredFile, err error) {
	err = p.db.View(ctx, func(tx *db.Tx) error {
		files, err = delivered(tx, id)
		return err
	})
	return files, err
}

// contents is what a bucket holds, by key.
func (p *Depot) contents(ctx context.Context, bucket string) (map[string]int64, error) {
	held := map[string]int64{}
	for info, err := range p.store.List(ctx, bucket) {
		if err != nil {
			return nil, outside("listing bucket "+bucket, err)
		}
		held[info.Key] = info.Size
	}
	return held, nil
}

// copyBodies copies what is not there yet, on the store's own side.
func (p *Depot) copyBodies(ctx context.Context, d Delivery, files []DeliveredFile) error {
	held, err := p.contents(ctx, d.Bucket)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Lanes)
	for _, f := range files {
		if f.bucket != d.Bucket {
			continue
		}
		for _, pair := range [][2]string{{f.object, f.body}, {f.partsObject, f.list}} {
			if _, found := held[pair[1]]; found {
				continue
			}
			group.Go(func() error {
				if err := p.stillPreparing(ctx, d.ID); err != nil {
					return err
				}
				err := p.store.Copy(ctx, p.opts.ArchiveBucket, pair[0], d.Bucket, pair[1])
				if errors.Is(err, ErrAlreadyStored) {
					return nil
				}
				return outside("copying a file of "+d.Number, err)
			})
		}
	}
	return group.Wait()
}

// errOver: the delivery ended while it was being prepared.
var errOver = errors.New("the delivery has ended meanwhile")

// stillPreparing is asked before each file: End waits for who is preparing, and copying on for days would keep a key that
// must go.
func (p *Depot) stillPreparing(ctx context.Context, id ID) error {
	return p.db.View(ctx, func(tx *db.Tx) error {
		d, err := loadDelivery(tx, id)
		if err == nil && d.State != Preparing {
			err = errOver
		}
		return err
	})
}

// wrapKeys takes the file keys from under the keys of their datasets and wraps them under the delivery's: two calls to the
// keyring for each 500 files. In the clear they exist between the two.
func (p *Depot) wrapKeys(ctx context.Context, d Delivery, files []DeliveredFile) error {
	byDataset := map[licensing.DatasetID][]int{}
	var order []licensing.DatasetID
	for i, f := range files {
		if f.key != "" {
			continue
		}
		if _, found := byDataset[f.Dataset]; !found {
			order = append(order, f.Dataset)
		}
		byDataset[f.Dataset] = append(byDataset[f.Dataset], i)
	}
	for _, set := range order {
		var archive KeyName
		err := p.db.View(ctx, func(tx *db.Tx) (err error) {
			archive, err = archiveKey(tx, set)
			return err
		})
		if err != nil {
			return err
		}
		for some := range slices.Chunk(byDataset[set], batch) {
			if err := p.wrapSome(ctx, d, archive, files, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// KeysWrapped says that so many file keys were wrapped under the delivery's key. Its subject is the delivery.
type KeysWrapped struct {
	Count int `json:"count"`
}

// Kind names the event in the log.
func (KeysWrapped) Kind() string { return "delivery.keys_wrapped" }

func (p *Depot) wrapSome(ctx context.Context, d Delivery, archive KeyName, files []DeliveredFile, some []int) error {
	sealed := make([]Sealed, len(some))
	for i, at := range some {
		sealed[i] = Sealed{FileID: files[at].ID, Wrapped: files[at].wrapped}
	}
	keys, err := p.keys.Unwrap(ctx, archive, sealed)
	if err != nil {
		return fmt.Errorf("opening file keys for %s: %w", d.Number, err)
	}
	defer clear(keys)
	opened := make([]Opened, len(some))
	for i, at := range some {
		opened[i] = Opened{FileID: files[at].ID, Key: keys[i]}
	}
	defer clear(opened)
	wrapped, err := p.keys.Wrap(ctx, d.Key, opened)
	if err != nil {
		return fmt.Errorf("wrapping file keys for %s: %w", d.Number, err)
	}
	return p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		for i, at := range some {
			if err := saveWrapped(tx, d.ID, files[at].ID, wrapped[i].Wrapped); err != nil {
				return err
			}
			files[at].key = wrapped[i].Wrapped
		}
		return tx.Record(d.ID.Subject(), KeysWrapped{len(some)})
	})
}

// putManifest writes down what the delivery holds, signed, and seals it into the bucket like any file. Each try uses a key
// and a place of its own: what an earlier one left is a stray that tidy removes.
func (p *Depot) putManifest(ctx context.Context, d Delivery, files []DeliveredFile) (Manifest, error) {
	text, public, err := p.manifestOf(ctx, d, files)
	if err != nil {
		return Manifest{}, err
	}
	object := db.NewID()
	opened := []Opened{{FileID: object, Key: crypt4gh.NewDataKey()}}
	defer clear(opened)
	wrapped, err := p.keys.Wrap(ctx, d.Key, opened)
	if err != nil {
		return Manifest{}, fmt.Errorf("wrapping the key of the manifest of %s: %w", d.Number, err)
	}
	var body bytes.Buffer
	sum, err := crypt4gh.Seal(&body, bytes.NewReader(text), opened[0].Key)
	if err != nil {
		return Manifest{}, err
	}
	if err := p.store.Put(ctx, d.Bucket, object, &body, sum.BodySize); err != nil {
		return Manifest{}, outside("storing the manifest of "+d.Number, err)
	}
	return Manifest{Object: object, Wrapped: wrapped[0].Wrapped, Nonce: hex.EncodeToString(sum.First[:]),
		Size: sum.PlainSize, SHA256: sum.PlainHash.String(), PublicKey: base64.StdEncoding.EncodeToString(public)}, nil
}

// tidy compares the bucket with what must be in it. Something missing or of another size is an error; something more is
// what an interrupted try left, and is removed: the bucket holds the approved files and nothing else.
func (p *Depot) tidy(ctx context.Context, d Delivery, files []DeliveredFile, m Manifest) error {
	held, err := p.contents(ctx, d.Bucket)
	if err != nil {
		return err
	}
	take := func(key string, size int64) error {
		got, found := held[key]
		delete(held, key)
		if !found || got != size {
			return fmt.Errorf("bucket %s holds %d bytes under a key that needs %d: %w", d.Bucket, got, size, errDiffers)
		}
		return nil
	}
	size, err := crypt4gh.BodySize(m.Size)
	if err != nil {
		return err
	}
	if err := take(m.Object, size); err != nil {
		return err
	}
	for _, f := range files {
		if f.bucket != d.Bucket {
			continue
		}
		listSize, err := crypt4gh.BodySize(f.Parts * int64(len(crypt4gh.Hash{})))
		if err != nil {
			return err
		}
		if err := errors.Join(take(f.body, f.BodySize), take(f.list, listSize)); err != nil {
			return err
		}
	}
	for key := range held {
		if err := p.store.Remove(ctx, d.Bucket, key); err != nil {
			return outside("removing a stray object of "+d.Number, err)
		}
	}
	return nil
}

// open is the last step: from here on MayRead decides.
func (p *Depot) open(ctx context.Context, d Delivery, files []DeliveredFile, m Manifest) error {
	var a licensing.Agreement
	err := p.db.View(ctx, func(tx *db.Tx) (err error) {
		a, err = p.registry.Agreement(tx, d.Agreement)
		return err
	})
	if err != nil {
		return err
	}
	if over, _ := isOver(a, p.db.Now()); over {
		return nil // End takes away what was made
	}
	set := a.Term.Until
	end, err := p.setBucketEnd(ctx, d, set)
	if err != nil {
		return err
	}
	ev := MadeAvailable{ManifestSHA256: m.SHA256, ManifestKey: m.PublicKey, BucketEnd: end, Sealed: sealedHash(files, m)}
	return p.db.Change(ctx, db.Worker(), func(tx *db.Tx) error {
		if a, err = p.registry.Agreement(tx, d.Agreement); err != nil {
			return err
		}
		d, err := p.apply(tx, d.ID, ev, func(d *Delivery) { d.Manifest = m })
		if err != nil {
			return err
		}
		if !a.Term.Until.Equal(set) { // extended a moment ago: the bucket would empty itself too early
			if err := p.followTerm(tx, d); err != nil {
				return err
			}
		}
		return p.tell(tx, a, d)
	})
}

// manifestOf writes the manifest of a delivery and has it signed, with the key that it tells.
func (p *Depot) manifestOf(ctx context.Context, d Delivery, files []DeliveredFile) (text, public []byte, err error) {
	m := manifest.Manifest{Delivery: d.Number, Made: d.Planned}
	err = p.db.View(ctx, func(tx *db.Tx) error {
		m.LeftOut = 0
		datasets, err := p.registry.Datasets(tx, d.Agreement)
		if err != nil {
			return err
		}
		for _, set := range datasets {
			var n int64
			if err := tx.QueryRow(`SELECT left_out FROM archive_keys WHERE dataset = $1`, set.ID).Scan(&n); err != nil {
				return err
			}
			m.LeftOut += n
		}
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		one := manifest.File{Name: f.Path, Kind: f.Kind, Size: f.Size, BodySize: f.BodySize, Parts: f.Parts, Object: f.body}
		if err := errors.Join(one.SHA256.UnmarshalText([]byte(f.SHA256)), one.Root.UnmarshalText([]byte(f.Root))); err != nil {
			return nil, nil, err
		}
		m.Files = append(m.Files, one)
	}
	text, err = manifest.Sign(m, func(message []byte) (signature, _ []byte, err error) {
		signature, public, err = p.keys.Sign(ctx, message)
		return signature, public, err
	})
	return text, public, err
}

// tell writes to the contacts that there is something to fetch, and to the desk that it told them. Those who have no account
// yet were invited to make one.
func (p *Depot) tell(tx *db.Tx, a licensing.Agreement, d Delivery) error {
	if errors.Is(a.OpenAt(tx.At), licensing.ErrSuspended) {
		return nil // whoever resumes it tells them
	}
	for _, c := range a.Contacts {
		if !c.Admitted() || c.Suspended {
			continue
		}
		to := licensing.Address{Email: c.Email, Name: c.Name, Lang: a.Lang, Person: c.Person}
		if c.Person != "" {
			person, err := p.accounts.Person(tx, c.Person)
			if err != nil {
				return err
			}
			to.Name, to.Lang = person.Name, person.Lang
		}
		err := p.letters.Post(tx, licensing.Letter{
			Kind: "data-ready", To: to, Number: d.Number, Link: "/deliveries/" + string(d.ID),
			Facts: map[string]string{"number": a.Number, "until": a.Term.LastDay(a.Location()).String()},
		})
		if err != nil {
			return err
		}
	}
	return p.registry.TellStaff(tx, account.Desk, "", licensing.Letter{
		Kind: "data-ready-desk", Number: d.Number, Link: "/requests/" + a.RequestNumber, Facts: map[string]string{"number": a.Number},
	})
}
