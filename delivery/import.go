package delivery

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"sluice/delivery/crypt4gh"
	"sluice/delivery/manifest"
	"sluice/infra/account"
	"sluice/infra/db"
	"sluice/licensing"
)

// Errors of an import, for the person at the command line.
var (
	// ErrComplete: the dataset was imported already, and never changes again.
	ErrComplete = errors.New("this dataset is complete; what is imported never changes, so use another name")
	// ErrOtherFiles: an earlier, interrupted import of this dataset had another list.
	ErrOtherFiles = errors.New("an interrupted import of this dataset had another list of files; use the same list, or another name")
	// ErrSourceChanged: a file changed while it was read.
	ErrSourceChanged = errors.New("the file changed while it was read")
	// ErrTakenOver: another import of the dataset began while this one ran, and goes on with what is left.
	ErrTakenOver = errors.New("another import of this dataset has begun meanwhile and goes on with it")
)

// batch is how many keys go to the keyring at once, the size the contract of Keyring promises.
const batch = 500

// An Import says what to import: a list that ReadList and CompareFolder found in order, and the folder it is about.
type Import struct {
	Collection string // its name
	Dataset    string
	Folder     fs.FS
	Files      []ListedFile
	Infos      []fs.FileInfo // of Files, as CompareFolder returned them
	LeftOut    int64         // people whose files were left out, for the manifest
	// Progress, if set, is told from several goroutines how far the import is.
	Progress func(Progress)
}

// Progress is how far an import is.
type Progress struct {
	Files, AllFiles int64
	Bytes, AllBytes int64 // of plaintext; those of files that an earlier try had stored count as done
}

// FileStored and ImportResumed are events of an import. Their subject is the dataset.
type (
	FileStored struct {
		File string `json:"file"`
		Size int64  `json:"size"`
		Root string `json:"root"`
		Row  string `json:"row,omitempty"` // a hash over the whole row; "" in entries from before it was kept
	}
	ImportResumed struct {
		Left int `json:"left"` // files still to be stored
	}
)

// Kind names the event in the log.
func (FileStored) Kind() string    { return "dataset.file_stored" }
func (ImportResumed) Kind() string { return "dataset.import_resumed" }

// source is one file of an import: its row, and where it comes from.
type source struct {
	file File
	path string
	info fs.FileInfo
}

// Import seals each file into the archive, verifies what the store then holds, and makes the dataset immutable. An import
// that was interrupted is continued by calling it again with the same list; files that were stored are not read again.
func (p *Depot) Import(ctx context.Context, who account.Who, in Import) (licensing.Dataset, error) {
	if !who.Has(account.Steward) {
		return licensing.Dataset{}, account.ErrNotAllowed
	}
	if err := p.store.MakeBucket(ctx, p.opts.ArchiveBucket); err != nil && !errors.Is(err, ErrAlreadyStored) {
		return licensing.Dataset{}, outside("making the archive bucket", err)
	}
	dataset, key, made, err := p.beginImport(ctx, who, in)
	if err != nil {
		return dataset, err
	}
	if err := p.keys.Create(ctx, key); err != nil {
		return dataset, fmt.Errorf("making the key of the dataset: %w", err)
	}
	left, tally, err := p.leftToStore(ctx, dataset, made, in)
	if err != nil {
		return dataset, err
	}
	if made == nil {
		if err := p.startOver(ctx, who, dataset, left); err != nil {
			return dataset, err
		}
	}
	for some := range slices.Chunk(left, batch) {
		if err := p.storeFiles(ctx, who, dataset, key, some, in.Folder, tally); err != nil {
			return dataset, err
		}
	}
	return p.finishImport(ctx, who, dataset)
}

// beginImport makes the dataset with a row for each file, and returns these; or it finds the dataset of an interrupted import.
func (p *Depot) beginImport(ctx context.Context, who account.Who, in Import) (d licensing.Dataset, key KeyName, made []File, err error) {
	err = p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		made = nil
		c, err := p.registry.CollectionNamed(tx, in.Collection)
		if err != nil {
			return fmt.Errorf("collection %s: %w", in.Collection, err)
		}
		d, err = p.registry.DatasetNamed(tx, c.ID, in.Dataset)
		if err == nil {
			if d.State != licensing.Importing {
				return ErrComplete
			}
			if key, err = archiveKey(tx, d.ID); err != nil {
				return err
			}
			return db.ErrUnchanged
		}
		if !errors.Is(err, licensing.ErrNotFound) {
			return err
		}
		if d, err = p.registry.AddDataset(tx, who, c.ID, in.Dataset); err != nil {
			return err
		}
		key = KeyName{Archive, db.NewID()}
		if err := tx.Update(`INSERT INTO archive_keys (dataset, key_id, left_out) VALUES ($1, $2, $3)`, d.ID, key.ID, in.LeftOut); err != nil {
			return err
		}
		made, err = insertFiles(tx, d.ID, in)
		return err
	})
	return d, key, made, err
}

// leftToStore finds the files that are still to be stored. What this import made itself is not read again: another may
// have taken those rows meanwhile, and would then be written over.
func (p *Depot) leftToStore(ctx context.Context, d licensing.Dataset, made []File, in Import) (left []source, t *tally, err error) {
	rows, states := made, make([]string, len(made))
	if made == nil {
		if rows, states, err = p.importRows(ctx, d); err != nil {
			return nil, nil, err
		}
	}
	sources, err := matchRows(rows, in)
	if err != nil {
		return nil, nil, err
	}
	t = &tally{report: in.Progress}
	for _, s := range sources {
		t.AllFiles++
		t.AllBytes += s.file.Size
	}
	for i, s := range sources {
		if states[i] == "stored" {
			t.add(1, s.file.Size)
		} else {
			left = append(left, s)
		}
	}
	return left, t, nil
}

// startOver gives each file that is left a fresh place, because the one an interrupted import may have begun is never used
// again. An import that still runs finds its rows changed, takes back what it put there and stops: the last one to begin
// wins. So that nothing is removed that the other has written down meanwhile, and nothing is forgotten when this is
// interrupted too, a row is taken first, then its place emptied, then a fresh one written down:
//
//	storing → clearing → storing
func (p *Depot) startOver(ctx context.Context, who account.Who, d licensing.Dataset, left []source) error {
	for some := range slices.Chunk(left, 5000) {
		err := p.replace(ctx, who, d, some, func(tx *db.Tx, f *File) error {
			return tx.Update(`UPDATE files SET state = 'clearing' WHERE id = $1 AND state <> 'stored' AND object_key = $2`, f.ID, f.object)
		})
		if err != nil {
			return err
		}
		for _, s := range some {
			if err := p.discard(ctx, s.file); err != nil {
				return err
			}
		}
		err = p.replace(ctx, who, d, some, func(tx *db.Tx, f *File) error {
			object, parts := db.NewID(), db.NewID()
			err := tx.Update(`UPDATE files SET state = 'storing', object_key = $1, parts_key = $2 WHERE id = $3 AND state = 'clearing' AND object_key = $4`,
				object, parts, f.ID, f.object)
			f.object, f.partsObject = object, parts
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// replace changes the rows of some files in one change.
func (p *Depot) replace(ctx context.Context, who account.Who, d licensing.Dataset, some []source, one func(*db.Tx, *File) error) error {
	var files []File
	err := p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		files = make([]File, len(some)) // afresh, for a change may be tried twice
		for i := range some {
			files[i] = some[i].file
			if err := one(tx, &files[i]); err != nil {
				return err
			}
		}
		return tx.Record("dataset:"+string(d.ID), ImportResumed{len(some)})
	})
	for i := range files {
		if err == nil {
			some[i].file = files[i]
		}
	}
	return err
}

func (p *Depot) importRows(ctx context.Context, d licensing.Dataset) (files []File, states []string, err error) {
	err = p.db.View(ctx, func(tx *db.Tx) error {
		if files, err = db.Many(tx, scanFile, `SELECT `+fileColumns+` FROM files WHERE dataset = $1 ORDER BY name`, d.ID); err != nil {
			return err
		}
		states, err = db.Many(tx, func(row db.Row) (s string, err error) {
			err = row.Scan(&s)
			return s, err
		},
			`SELECT state FROM files WHERE dataset = $1 ORDER BY name`, d.ID)
		return err
	})
	return files, states, err
}

// matchRows puts the rows of the dataset, which may be those of an earlier try, beside the files of this one.
func matchRows(rows []File, in Import) ([]source, error) {
	at := map[string]int{}
	for i, f := range in.Files {
		at[f.Path] = i
	}
	if len(rows) != len(in.Files) {
		return nil, ErrOtherFiles
	}
	sources := make([]source, 0, len(rows))
	for _, row := range rows {
		i, found := at[row.Name]
		if !found || in.Infos[i].Size() != row.Size {
			return nil, ErrOtherFiles
		}
		f := in.Files[i]
		if f.Subject != row.Subject || f.Hospital != row.Hospital || f.Kind != row.Kind {
			return nil, ErrOtherFiles
		}
		sources = append(sources, source{row, f.Path, in.Infos[i]})
	}
	return sources, nil
}

// discard removes what a file's row points at, if anything is there.
func (p *Depot) discard(ctx context.Context, f File) error {
	for _, key := range []string{f.object, f.partsObject} {
		if err := p.store.Remove(ctx, p.opts.ArchiveBucket, key); err != nil && !errors.Is(err, ErrNotStored) {
			return outside("removing an unfinished object", err)
		}
	}
	return nil
}

// storeFiles stores up to a batch of files, with their keys wrapped in one call.
func (p *Depot) storeFiles(ctx context.Context, who account.Who, d licensing.Dataset, key KeyName, files []source, folder fs.FS, t *tally) error {
	items := make([]Opened, len(files))
	defer clear(items)
	for i, s := range files {
		items[i] = Opened{FileID: s.file.ID, Key: crypt4gh.NewDataKey()}
	}
	sealed, err := p.keys.Wrap(ctx, key, items)
	if err != nil {
		return fmt.Errorf("wrapping file keys: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(p.opts.Lanes)
	for i, s := range files {
		group.Go(func() error {
			s.file.wrapped = sealed[i].Wrapped
			if err := p.storeFile(ctx, who, d, s, &items[i].Key, folder, t); err != nil {
				return fmt.Errorf("%s: %w", s.path, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// storeFile seals one file into the store, reads back what the store holds, and writes it down. What it put there and did not
// get so far as to write down, it removes. When writing down has failed, the row may well say that the file is there: then
// it is left to the next try, unless the row names another place.
func (p *Depot) storeFile(ctx context.Context, who account.Who, d licensing.Dataset, s source, key *DataKey, folder fs.FS, t *tally) (err error) {
	f := s.file
	written := false
	defer func() {
		if err == nil {
			return
		}
		ctx := context.WithoutCancel(ctx)
		taken := p.takenOver(ctx, f)
		if !written || taken {
			err = errors.Join(err, p.discard(ctx, f))
		}
		if taken {
			err = fmt.Errorf("%w (%w)", ErrTakenOver, err)
		}
	}()
	sum, err := p.seal(ctx, s, key, folder, t)
	if err != nil {
		return err
	}
	f.Size, f.SHA256, f.BodySize = sum.PlainSize, sum.PlainHash.String(), sum.BodySize
	f.Parts, f.Root, f.Nonce = int64(len(sum.Parts)), sum.Root.String(), sum.First
	if err := p.putList(ctx, p.opts.ArchiveBucket, f.partsObject, sum.Parts, *key); err != nil {
		return err
	}
	if err := p.checkStored(ctx, p.opts.ArchiveBucket, f.object, sum); err != nil {
		return err
	}
	written = true
	err = p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		err := tx.Update(`UPDATE files SET state = 'stored', wrapped = $1, sha256 = $2, body_size = $3, parts = $4, root = $5, nonce = $6
			WHERE id = $7 AND state = 'storing' AND object_key = $8`,
			f.wrapped, f.SHA256, f.BodySize, f.Parts, f.Root, hex.EncodeToString(f.Nonce[:]), f.ID, f.object)
		if err != nil {
			return err
		}
		return tx.Record("dataset:"+string(d.ID), FileStored{f.ID, f.Size, f.Root, f.rowHash()})
	})
	if err == nil {
		t.add(1, 0)
	}
	return err
}

// takenOver says whether another import has taken the row of a file: it names another place now, or is about to.
func (p *Depot) takenOver(ctx context.Context, f File) (taken bool) {
	err := p.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT CASE WHEN object_key = $1 AND state <> 'clearing' THEN 0 ELSE 1 END FROM files WHERE id = $2`, f.object, f.ID).Scan(&taken)
	})
	return err == nil && taken
}

func (p *Depot) seal(ctx context.Context, s source, key *DataKey, folder fs.FS, t *tally) (crypt4gh.Sum, error) {
	in, err := folder.Open(s.path)
	if err != nil {
		return crypt4gh.Sum{}, err
	}
	defer in.Close()
	source := &countingReader{Reader: in, t: t}
	sealer, err := crypt4gh.NewSealer(source, *key)
	if err != nil {
		return crypt4gh.Sum{}, err
	}
	defer sealer.Close()
	size, err := crypt4gh.BodySize(s.info.Size())
	if err != nil {
		return crypt4gh.Sum{}, err
	}
	failed := p.store.Put(ctx, p.opts.ArchiveBucket, s.file.object, sealer, size)
	if source.err != nil { // the store has told it on
		return crypt4gh.Sum{}, fmt.Errorf("reading it: %w", source.err)
	}
	after, err := in.Stat()
	if err != nil {
		return crypt4gh.Sum{}, err
	}
	if after.Size() != s.info.Size() || !after.ModTime().Equal(s.info.ModTime()) {
		return crypt4gh.Sum{}, ErrSourceChanged
	}
	if failed != nil {
		return crypt4gh.Sum{}, outside("storing", failed)
	}
	sum, err := sealer.Sum()
	if err == nil && sum.PlainSize != s.info.Size() {
		err = ErrSourceChanged
	}
	return sum, err
}

// checkStored reads a stored body back and compares it with what was sealed, part by part.
func (p *Depot) checkStored(ctx context.Context, bucket, key string, sum crypt4gh.Sum) error {
	object, err := p.store.Open(ctx, bucket, key)
	if err != nil {
		return outside("reading back", err)
	}
	defer object.Close()
	if object.Size() != sum.BodySize {
		return fmt.Errorf("the store holds %d bytes of %d: %w", object.Size(), sum.BodySize, errDiffers)
	}
	if sum.BodySize == 0 {
		return nil
	}
	in, err := object.Range(ctx, 0, sum.BodySize)
	if err != nil {
		return outside("reading back", err)
	}
	defer in.Close()
	for i, want := range sum.Parts {
		h := sha256.New()
		if _, err := io.CopyN(h, in, min(crypt4gh.PartSize, sum.BodySize-int64(i)*crypt4gh.PartSize)); err != nil {
			return outside("reading back", err)
		}
		if !bytes.Equal(h.Sum(nil), want[:]) {
			return fmt.Errorf("the store holds something else in part %d: %w", i, errDiffers)
		}
	}
	return nil
}

// putList stores the list of part hashes, sealed under a key that follows from the file's own: whoever may open the file may
// check it, and the keyring is not asked for a second key.
func (p *Depot) putList(ctx context.Context, bucket, key string, parts []crypt4gh.Hash, file DataKey) error {
	listKey, err := listKeyOf(file)
	if err != nil {
		return err
	}
	defer clear(listKey[:])
	var body bytes.Buffer
	if _, err := crypt4gh.Seal(&body, bytes.NewReader(manifest.PartList(parts).Encode()), listKey); err != nil {
		return err
	}
	return outside("storing a list of parts", p.store.Put(ctx, bucket, key, &body, int64(body.Len())))
}

// listKeyOf derives the key of a file's part list: HKDF-SHA-256 of the data key, info "sluice part list 1".
func listKeyOf(file DataKey) (key DataKey, err error) {
	derived, err := hkdf.Key(sha256.New, file[:], nil, "sluice part list 1", len(key))
	copy(key[:], derived)
	clear(derived)
	return key, err
}

// finishImport makes the dataset immutable when every file is stored.
func (p *Depot) finishImport(ctx context.Context, who account.Who, d licensing.Dataset) (licensing.Dataset, error) {
	err := p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
		var files, size, storing int64
		err := tx.QueryRow(`SELECT COUNT(*), COALESCE(SUM(size), 0), COALESCE(SUM(CASE WHEN state = 'stored' THEN 0 ELSE 1 END), 0) FROM files WHERE dataset = $1`, d.ID).
			Scan(&files, &size, &storing)
		if err != nil {
			return err
		}
		if storing > 0 {
			return fmt.Errorf("%d files are not stored: %w", storing, db.ErrConflict)
		}
		if err := p.registry.FinishDataset(tx, who, d.ID, int(files), size); err != nil {
			return err
		}
		d, err = p.registry.Dataset(tx, d.ID)
		return err
	})
	return d, err
}

// tally adds up what the lanes of an import have done.
type tally struct {
	Progress
	files, bytes atomic.Int64
	report       func(Progress)
}

func (t *tally) add(files, bytes int64) {
	now := t.Progress
	now.Files, now.Bytes = t.files.Add(files), t.bytes.Add(bytes)
	if t.report != nil {
		t.report(now)
	}
}

// countingReader tells a tally what was read, and keeps why it could not be.
type countingReader struct {
	io.Reader
	t   *tally
	err error
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if n > 0 {
		c.t.add(0, int64(n))
	}
	if err != nil && err != io.EOF {
		c.err = err
	}
	return n, err
}
