package delivery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// ErrOtherArchive: the archive lacks what the tables name, so that this database and this store may not belong together, and
// what one does not know says nothing about the other.
var ErrOtherArchive = errors.New("the archive does not hold what the tables name")

// strayAge is how long ago something must have been stored to be taken for a stray.
const strayAge = 24 * time.Hour

// Strays is what a sweep of the archive found.
type Strays struct {
	Objects, Bytes int64 // that no row names
	Young          int64 // of objects that no row names and that are not a day old: they are left alone
	Named          int64 // objects that a row names
}

// ArchiveSwept says that so many sealed objects that no row names are removed from the archive. Its subject is the bucket.
type ArchiveSwept struct {
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
}

// Kind names the event in the log.
func (ArchiveSwept) Kind() string { return "archive.swept" }

// Sweep looks for sealed bodies in the archive that no row names: what an import left that was killed between storing and
// clearing up, while another took its row. It removes them when remove is set.
//
// What a row names is never touched. A row is written before anything is put under the keys in it; the keys are random and
// never used again; and the rows are asked after the listing. So what is listed and not named then was never named, or is
// not any more, and nothing will name it. As nothing but the tables tells a stray, they must be those of this store: a sweep
// of an archive that lacks what they name finds ErrOtherArchive before it has removed anything.
func (p *Depot) Sweep(ctx context.Context, who account.Who, remove bool) (s Strays, err error) {
	if !who.Has(account.Steward) {
		return s, account.ErrNotAllowed
	}
	var want, stored int64
	err = p.db.View(ctx, func(tx *db.Tx) error {
		return tx.QueryRow(`SELECT 2 * COUNT(*) FROM files WHERE state = 'stored'`).Scan(&want)
	})
	if err != nil {
		return s, err
	}
	now := p.db.Now()
	var strays, page []ObjectInfo
	sort := func() error {
		states, err := p.named(ctx, page)
		for i, state := range states {
			switch {
			case state == "stored":
				s.Named++
				stored++
			case state != "":
				s.Named++
			case now.Sub(page[i].Modified) < strayAge:
				s.Young++
			default:
				s.Objects, s.Bytes = s.Objects+1, s.Bytes+page[i].Size
				strays = append(strays, page[i])
			}
		}
		page = page[:0]
		return err
	}
	for info, err := range p.store.List(ctx, p.opts.ArchiveBucket) {
		if err != nil {
			return s, outside("listing the archive", err)
		}
		if page = append(page, info); len(page) == batch {
			if err := sort(); err != nil {
				return s, err
			}
		}
	}
	if err := sort(); err != nil {
		return s, err
	}
	if len(strays) > 0 && (want == 0 || stored < want) {
		return s, fmt.Errorf("%d objects are named and %d of them are there: %w", want, stored, ErrOtherArchive)
	}
	if !remove {
		return s, nil
	}
	return s, p.removeStrays(ctx, who, strays)
}

// named says for each object in which state the row is that names it; "" if none does.
func (p *Depot) named(ctx context.Context, objects []ObjectInfo) (states []string, err error) {
	err = p.db.View(ctx, func(tx *db.Tx) error {
		states = make([]string, len(objects))
		for i, o := range objects {
			if states[i], err = stateNaming(tx, o.Key); err != nil {
				return err
			}
		}
		return nil
	})
	return states, err
}

func stateNaming(tx *db.Tx, key string) (state string, err error) {
	err = tx.QueryRow(`SELECT state FROM files WHERE object_key = $1 UNION ALL SELECT state FROM files WHERE parts_key = $1`, key).Scan(&state)
	if db.NoRows(err) {
		return "", nil
	}
	return state, err
}

// removeStrays writes down what goes before it goes. What is interrupted here is found by the next sweep.
func (p *Depot) removeStrays(ctx context.Context, who account.Who, strays []ObjectInfo) error {
	for len(strays) > 0 {
		some := strays[:min(batch, len(strays))]
		strays = strays[len(some):]
		err := p.db.Change(ctx, who.Actor(), func(tx *db.Tx) error {
			ev := ArchiveSwept{Objects: len(some)}
			for _, o := range some {
				// Asked once more, in the one writing transaction there is: a sweep that is wrong must not come this far.
				state, err := stateNaming(tx, o.Key)
				if err != nil {
					return err
				}
				if state != "" {
					return fmt.Errorf("object %s is named after all: %w", o.Key, db.ErrConflict)
				}
				ev.Bytes += o.Size
			}
			return tx.Record("archive:"+p.opts.ArchiveBucket, ev)
		})
		if err != nil {
			return err
		}
		for _, o := range some {
			if err := p.store.Remove(ctx, p.opts.ArchiveBucket, o.Key); err != nil && !errors.Is(err, ErrNotStored) {
				return outside("removing a stray object", err)
			}
		}
	}
	return nil
}
