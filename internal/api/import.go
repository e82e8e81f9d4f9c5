package api

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"rollcall/internal/importer/intake"
	"rollcall/store"
)

// ImportPath takes a part of another tool's archive, an intake.Batch as JSON, and answers
// with an intake.Outcome: over the socket alone, because it changes what others have said.
const ImportPath = "/v1/import"

// DryRun is the parameter of ImportPath with which nothing is stored.
const DryRun = "dry_run"

const (
	// maxBatch bounds a batch; the importer's are a fraction of it.
	maxBatch = 256 << 20
	// batchTime is for a batch to be sent.
	batchTime = time.Minute
)

// postImport stores a batch in small commits, with pauses for live messages. Batches come
// from the importer of the same program, which has read the archive as the user who may.
func (s *Server) postImport(w http.ResponseWriter, r *http.Request) error {
	if s.intake == nil {
		return problem(http.StatusNotFound, "no archives are taken in here")
	}
	dry, err := wantsDryRun(r)
	if err != nil {
		return err
	}
	if !s.importing.TryLock() {
		return problem(http.StatusConflict, "another import is under way: wait until it is done")
	}
	defer s.importing.Unlock()
	http.NewResponseController(w).SetReadDeadline(time.Now().Add(batchTime))
	var b intake.Batch
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBatch)).Decode(&b); err != nil {
		return problem(http.StatusBadRequest, "this is no part of an archive: %v", err)
	}
	http.NewResponseController(w).SetReadDeadline(time.Time{})
	into := *s.intake
	into.DryRun = dry
	out, err := into.Take(r.Context(), &b)
	if errors.Is(err, store.ErrFull) {
		return problem(http.StatusInsufficientStorage, "%v", err)
	}
	if err != nil {
		return err
	}
	return encode(w, out)
}

func wantsDryRun(r *http.Request) (bool, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return false, problem(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	dry := false
	if v := values.Get(DryRun); v != "" {
		dry, err = strconv.ParseBool(v)
	}
	values.Del(DryRun)
	if err != nil || len(values) > 0 {
		return false, problem(http.StatusBadRequest, "the only parameter here is %s, true or false", DryRun)
	}
	return dry, nil
}
