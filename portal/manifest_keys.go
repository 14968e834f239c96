package portal

import (
	"crypto/ed25519"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sluice/delivery"
	"sluice/delivery/manifest"
	"sluice/infra/db"
	"sluice/templates"
)

// manifestKeysPath is where the public keys stand with which manifests are or were signed.
const manifestKeysPath = "/.well-known/sluice-manifest-keys"

// manifestKeys answers with all of them, the newest first, as PEM with a line about each before it.
func (s *Server) manifestKeys(w http.ResponseWriter, r *http.Request, _ *visit) error {
	var b strings.Builder
	err := s.cfg.DB.View(r.Context(), func(tx *db.Tx) error {
		b.Reset()
		keys, err := s.cfg.Depot.ManifestKeys(tx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			text, mark, err := publicKey(k.Public)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "Since: %s\nSHA-256: %s\n%s\n", k.Since.UTC().Format(time.RFC3339), mark, text)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return plain(w, http.StatusOK, b.String())
}

// publicKey is a key as other tools read it, and what people compare of it.
func publicKey(public ed25519.PublicKey) (pem, fingerprint string, err error) {
	if pem, err = manifest.PEM(public); err != nil {
		return "", "", err
	}
	fingerprint, err = manifest.Fingerprint(public)
	return pem, fingerprint, err
}

// signatureParts say how to see, with no program of ours, that the manifest is the foundation's. None for a delivery of which the key
// was not kept.
func signatureParts(d delivery.Delivery) ([]templates.Part, error) {
	if d.Manifest.PublicKey == "" {
		return nil, nil
	}
	public, err := d.Manifest.Key()
	if err != nil {
		return nil, err
	}
	text, mark, err := publicKey(public)
	if err != nil {
		return nil, err
	}
	commands := []string{"cat > manifest-key.pem <<'END'"}
	commands = append(commands, strings.Split(strings.TrimSpace(text), "\n")...)
	commands = append(commands, "END",
		"openssl pkey -pubin -in manifest-key.pem -outform DER | openssl dgst -sha256",
		// What is signed (package manifest): the words, a zero byte, and the hash of the list. The list is cut out by its place, between
		// twelve bytes and two texts of fixed length, and what was cut out is what is read: a pattern could be made to match more.
		"head -c $(($(wc -c < manifest.json) - 165)) manifest.json | tail -c +13 > manifest.list",
		`{ printf 'sluice manifest v1\000'; openssl dgst -sha256 -binary manifest.list; } > manifest.signed`,
		"tail -c 91 manifest.json | head -c 88 | openssl base64 -d -A > manifest.signature",
		"openssl pkeyutl -verify -pubin -inkey manifest-key.pem -rawin -in manifest.signed -sigfile manifest.signature",
		`jq -r '.files[] | .sha256 + "  " + .name' manifest.list | sha256sum -c`)
	return []templates.Part{templates.Details{Summary: templates.M("contact.signature"), Body: paragraph(templates.M("contact.signature-lead")), More: []templates.Part{
		paragraph(templates.M("contact.signature-key", "Fingerprint", mark)),
		templates.Actions{link("contact.signature-keys", manifestKeysPath)},
		templates.Secret{Label: templates.M("contact.signature-commands"), Hint: templates.M("contact.signature-hint"), Values: commands},
		paragraph(templates.M("contact.signature-good")),
	}}}, nil
}
