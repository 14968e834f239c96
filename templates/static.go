package templates

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed static
var staticFiles embed.FS

type staticFile struct {
	address string // "/static/app.3f2a9c1b7d.css"
	content []byte
}

// staticIndex knows each file by its own name and by its address. The address holds the content's hash, so a browser may keep it
// for ever and still shows the new one after an update.
var staticIndex = sync.OnceValue(func() (index struct{ byName, byAddress map[string]staticFile }) {
	index.byName, index.byAddress = map[string]staticFile{}, map[string]staticFile{}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	for _, e := range entries {
		content, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		ext := path.Ext(e.Name())
		f := staticFile{"/static/" + strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:5]) + ext, content}
		index.byName[e.Name()], index.byAddress[f.address] = f, f
	}
	return index
})

// Asset is the address of a static file ("app.css"), or empty when there is none of this name.
func Asset(name string) string { return staticIndex().byName[name].address }

func assetOrError(name string) (string, error) {
	if address := Asset(name); address != "" {
		return address, nil
	}
	return "", fmt.Errorf("static holds no %s", name)
}

var staticTypes = map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}

// Static serves the files under /static/ by their addresses, to be kept for a year. Anything else is 404.
func Static() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := staticIndex().byAddress[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		w.Header().Set("Content-Type", staticTypes[path.Ext(f.address)])
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.content))
	})
}
