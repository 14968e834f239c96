package delivery

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"time"

	"sluice/infra/db"
)

// A ManifestKey is a public key that manifests are or were signed with.
type ManifestKey struct {
	Public ed25519.PublicKey
	Since  time.Time // when the first delivery became available whose manifest it signed
}

// ManifestKeys lists them, the newest first. They come from the deliveries, so that a key that was rotated out stays known, and
// whoever serves need not be able to sign.
func (p *Depot) ManifestKeys(tx *db.Tx) ([]ManifestKey, error) {
	return db.Many(tx, func(row db.Row) (k ManifestKey, err error) {
		var since int64
		var public string
		if err := row.Scan(&public, &since); err != nil {
			return k, err
		}
		k.Since = db.Instant(since)
		k.Public, err = Manifest{PublicKey: public}.Key()
		return k, err
	}, `SELECT manifest_key, MIN(available) FROM deliveries WHERE manifest_key <> '' GROUP BY manifest_key ORDER BY MIN(available) DESC, manifest_key`)
}

// Key is the public key that the manifest was signed with.
func (m Manifest) Key() (ed25519.PublicKey, error) {
	public, err := base64.StdEncoding.DecodeString(m.PublicKey)
	if err == nil && len(public) != ed25519.PublicKeySize {
		err = fmt.Errorf("%d bytes", len(public))
	}
	if err != nil {
		return nil, fmt.Errorf("the public key of a manifest: %w", err)
	}
	return public, nil
}
