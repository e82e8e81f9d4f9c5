package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
)

// sendJSON sends a value as the whole answer, which nobody keeps.
func sendJSON(w http.ResponseWriter, v any) error {
	var body bytes.Buffer
	if err := encode(&body, v); err != nil {
		return err
	}
	return send(w, "application/json", body.Bytes())
}

// sendAnswer sends a value as the whole answer, with its tag.
func sendAnswer(w http.ResponseWriter, r *http.Request, v any) error {
	var body bytes.Buffer
	if err := encode(&body, v); err != nil {
		return err
	}
	return sendTagged(w, r, "application/json", body.Bytes())
}

// sendTagged sends an answer, or only that it is the one that the caller has from
// before. Callers may keep answers and must ask every time whether they still hold.
//
// The tag is weak, because the same answer may be sent compressed.
func sendTagged(w http.ResponseWriter, r *http.Request, contentType string, body []byte) error {
	sum := sha256.Sum256(body)
	tag := `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache")
	if has(r.Header.Values("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return send(w, contentType, body)
}

// has compares a tag of ours, in which there are no commas, with those of If-None-Match.
func has(given []string, tag string) bool {
	for element := range strings.SplitSeq(strings.Join(given, ","), ",") {
		element = strings.TrimSpace(element)
		if element == "*" || strings.TrimPrefix(element, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

func send(w http.ResponseWriter, contentType string, body []byte) error {
	w.Header().Set("Content-Type", contentType)
	w.Write(body) // the caller is gone if this fails
	return nil
}

// encode writes a value as JSON and a newline. Text stays as it is: there is no
// HTML around it.
func encode(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
