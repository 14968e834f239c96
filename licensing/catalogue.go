package licensing

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"sluice/infra/account"
	"sluice/infra/db"
)

// Placement says where the bodies of a collection's files lie during a delivery.
type Placement string

// The placements.
const (
	Copied Placement = "copy"   // in the delivery's own bucket
	Shared Placement = "shared" // in the archive: for what is too large to copy
)

// A Collection has rules; its datasets follow them.
type Collection struct {
	ID        CollectionID
	Name      string // short, as on the command line: CPCT
	TitleNL   string
	TitleEN   string
	Placement Placement
	Created   time.Time
}

// DatasetState says whether a dataset can be handed out.
type DatasetState string

// The states of a dataset: it is immutable once imported.
const (
	Importing DatasetState = "importing"
	Imported  DatasetState = "imported"
)

// A Dataset is what is imported at once and never changed after that.
type Dataset struct {
	ID         DatasetID
	Collection CollectionID
	Name       string
	State      DatasetState
	Files      int
	Bytes      int64
	Created    time.Time
}

// A DatasetNeed is a dataset that is asked for, with the need for it.
type DatasetNeed struct {
	Dataset DatasetID `json:"dataset"`
	Need    string    `json:"need"`
}

// CollectionAdded is the event of a new collection.
type CollectionAdded struct {
	ID        CollectionID `json:"id"`
	Name      string       `json:"name"`
	Placement Placement    `json:"placement"`
}

// DatasetAdded is the event of an import that begins, and DatasetFinished that of its end.
type (
	DatasetAdded struct {
		ID         DatasetID    `json:"id"`
		Collection CollectionID `json:"collection"`
		Name       string       `json:"name"`
	}
	DatasetFinished struct {
		ID    DatasetID `json:"id"`
		Files int       `json:"files"`
		Bytes int64     `json:"bytes"`
	}
)

func (CollectionAdded) Kind() string { return "collection.added" }
func (DatasetAdded) Kind() string    { return "dataset.added" }
func (DatasetFinished) Kind() string { return "dataset.finished" }

var collectionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

// AddCollection makes a collection in a change of the caller's.
func (r *Registry) AddCollection(tx *db.Tx, who account.Who, c Collection) (Collection, error) {
	if !who.Has(account.Steward) {
		return c, account.ErrNotAllowed
	}
	if !collectionName.MatchString(c.Name) {
		return c, refuse("collection-name").at("name")
	}
	if c.Placement == "" {
		c.Placement = Copied
	}
	if c.Placement != Copied && c.Placement != Shared {
		return c, refuse("collection-placement").at("placement")
	}
	if _, err := r.CollectionNamed(tx, c.Name); err == nil {
		return c, refuse("collection-exists", "name", c.Name).at("name")
	} else if !errors.Is(err, ErrNotFound) {
		return c, err
	}
	c.ID, c.Created = CollectionID(db.NewID()), tx.At
	if _, err := tx.Exec(insertCollection, c.ID, c.Name, c.TitleNL, c.TitleEN, c.Placement, db.Stamp(c.Created)); err != nil {
		return c, fmt.Errorf("adding collection %s: %w", c.Name, err)
	}
	return c, tx.Record("collection:"+string(c.ID), CollectionAdded{c.ID, c.Name, c.Placement})
}

// AddDataset begins a dataset in a change of the caller's: its name is taken from here on.
func (r *Registry) AddDataset(tx *db.Tx, who account.Who, collection CollectionID, name string) (Dataset, error) {
	d := Dataset{ID: DatasetID(db.NewID()), Collection: collection, Name: name, State: Importing, Created: tx.At}
	if !who.Has(account.Steward) {
		return d, account.ErrNotAllowed
	}
	// It becomes the name of a folder, on whatever system the data is unpacked.
	if name == "" || len(name) > 120 || name != line(name) || strings.HasSuffix(name, ".") {
		return d, refuse("dataset-name").at("name")
	}
	if _, err := r.Collection(tx, collection); err != nil {
		return d, err
	}
	if _, err := r.DatasetNamed(tx, collection, name); err == nil {
		return d, refuse("dataset-exists", "name", name).at("name")
	} else if !errors.Is(err, ErrNotFound) {
		return d, err
	}
	if _, err := tx.Exec(insertDataset, d.ID, d.Collection, d.Name, d.State, d.Files, d.Bytes, db.Stamp(d.Created)); err != nil {
		return d, fmt.Errorf("adding dataset %s: %w", name, err)
	}
	return d, tx.Record("dataset:"+string(d.ID), DatasetAdded{d.ID, d.Collection, d.Name})
}

// FinishDataset makes a dataset immutable, in a change of the caller's: from here on it may be asked for.
func (r *Registry) FinishDataset(tx *db.Tx, who account.Who, id DatasetID, files int, bytes int64) error {
	if !who.Has(account.Steward) {
		return account.ErrNotAllowed
	}
	if files <= 0 || bytes < 0 {
		return refuse("dataset-empty")
	}
	if err := tx.Update(finishDataset, files, bytes, id); err != nil {
		return fmt.Errorf("finishing dataset %s: %w", id, err)
	}
	return tx.Record("dataset:"+string(id), DatasetFinished{id, files, bytes})
}

// Collection reads one collection.
func (r *Registry) Collection(tx *db.Tx, id CollectionID) (Collection, error) {
	return one(tx, scanCollection, selectCollections+` WHERE id = $1`, id)
}

// CollectionNamed reads the collection of a name.
func (r *Registry) CollectionNamed(tx *db.Tx, name string) (Collection, error) {
	return one(tx, scanCollection, selectCollections+` WHERE name = $1`, name)
}

// Collections lists all collections by name.
func (r *Registry) Collections(tx *db.Tx) ([]Collection, error) {
	return db.Many(tx, scanCollection, selectCollections+` ORDER BY name`)
}

// Dataset reads one dataset.
func (r *Registry) Dataset(tx *db.Tx, id DatasetID) (Dataset, error) {
	return one(tx, scanDataset, selectDatasets+` WHERE id = $1`, id)
}

// DatasetNamed reads the dataset of a name in a collection.
func (r *Registry) DatasetNamed(tx *db.Tx, collection CollectionID, name string) (Dataset, error) {
	return one(tx, scanDataset, selectDatasets+` WHERE collection = $1 AND name = $2`, collection, name)
}

// AllDatasets lists every dataset, newest first.
func (r *Registry) AllDatasets(tx *db.Tx) ([]Dataset, error) {
	return db.Many(tx, scanDataset, selectDatasets+` ORDER BY created DESC, id`)
}
