package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files that pages load. Each has a name with the hash of what is in it, so that
// browsers keep it for ever, and is compressed once.
type assets struct {
	names map[string]string // of a file, the name under which it is served
	files map[string]asset
}

type asset struct {
	kind          string
	plain, zipped []byte
}

func loadAssets() (*assets, error) {
	a := &assets{names: map[string]string{}, files: map[string]asset{}}
	entries, err := fs.ReadDir(staticFiles, "static")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		text, err := staticFiles.ReadFile(path.Join("static", e.Name()))
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(text)
		extension := path.Ext(e.Name())
		name := strings.TrimSuffix(e.Name(), extension) + "." + hex.EncodeToString(sum[:6]) + extension
		var zipped bytes.Buffer
		z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		z.Write(text)
		if err := z.Close(); err != nil {
			return nil, err
		}
		a.names[e.Name()] = "/assets/" + name
		a.files[name] = asset{kind: mime.TypeByExtension(extension), plain: text, zipped: zipped.Bytes()}
	}
	return a, nil
}

// path returns the address of a file.
func (a *assets) path(name string) string { return a.names[name] }

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	w.Write(body)
}
