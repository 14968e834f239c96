package delivery

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"sluice/infra/db"
)

// A StoredCertificate is the certificate of a destroyed delivery as it was kept; it is never rendered again.
type StoredCertificate struct {
	ID     string
	Made   time.Time
	Source string // JSON
	PDF    []byte
	SHA256 string // of the PDF
}

// StoredCertificate reads the certificate of a delivery, in a transaction of the caller's, who has decided that the asker
// may see it. ErrNotFound while there is none.
func (p *Depot) StoredCertificate(tx *db.Tx, id ID) (c StoredCertificate, err error) {
	var made int64
	var pdf string
	err = tx.QueryRow(`SELECT id, made, source, pdf, sha256 FROM certificates WHERE delivery = $1`, id).
		Scan(&c.ID, &made, &c.Source, &pdf, &c.SHA256)
	if db.NoRows(err) {
		return StoredCertificate{}, ErrNotFound
	}
	if err != nil {
		return StoredCertificate{}, fmt.Errorf("reading a certificate: %w", err)
	}
	if c.PDF, err = base64.StdEncoding.DecodeString(pdf); err != nil {
		return StoredCertificate{}, fmt.Errorf("reading the certificate %s: %w", c.ID, err)
	}
	if sum := sha256.Sum256(c.PDF); hex.EncodeToString(sum[:]) != c.SHA256 {
		return StoredCertificate{}, fmt.Errorf("the stored certificate %s is not the one that the log names", c.ID)
	}
	c.Made = db.Instant(made)
	return c, nil
}
