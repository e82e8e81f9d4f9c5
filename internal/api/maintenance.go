package api

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/klauspost/compress/gzhttp"

	"rollcall/internal/atomicfile"
	"rollcall/internal/backup"
	"rollcall/store"
)

// Paths of what keeps the database in good order. They take long and go to the disk,
// so that they are for the operator, who reaches the socket, not for whoever has an
// API token. The document of the API, which is for those, does not tell of them.
const (
	BackupPath  = "/v1/backup"
	CompactPath = "/v1/compact"
	LoginPath   = "/v1/login"
)

// tellTime is how often a caller hears that a compaction goes on.
const tellTime = time.Second

// CompactEvent is a line of what POST /v1/compact answers: how far it is, about once
// a second, and then either what was done or what went wrong.
type CompactEvent struct {
	Progress *CompactProgress `json:"progress,omitempty"`
	Done     *Compacted       `json:"done,omitempty"`
	Problem  *Problem         `json:"problem,omitempty"`
}

// CompactProgress is how much is copied. What follows, the check above all, takes a
// while, too.
type CompactProgress struct {
	Copied int64 `json:"bytes_copied"`
	Most   int64 `json:"bytes_at_most"` // 0 before it begins
}

// Compacted is what a compaction did.
type Compacted struct {
	Before  int64   `json:"bytes_before"`
	After   int64   `json:"bytes"`
	Seconds float64 `json:"seconds"`
	Paused  float64 `json:"paused_seconds"` // how long writers waited
}

// upkeepRoutes are for the socket alone.
func (s *Server) upkeepRoutes() []route {
	return []route{
		{"POST", BackupPath, s.alone(s.postBackup)},
		{"POST", CompactPath, s.alone(s.postCompact)},
		{"POST", LoginPath, bodiless(s.postLogin)},
		{"GET", FoldersPath, s.getFolders},
		{"GET", SettingsPath, s.getSettings},
		{"GET", ReadingPath, s.limited(s.getReading)},
		{"GET", RecordsPath, s.limited(s.getRecords)},
		{"POST", ImportPath, s.postImport},
	}
}

// alone lets one of them run at a time, and for as long as it takes.
func (s *Server) alone(f func(http.ResponseWriter, *http.Request) error) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		if r.ContentLength != 0 {
			return problem(http.StatusRequestEntityTooLarge, "a request has no body here")
		}
		if !s.upkeep.TryLock() {
			return problem(http.StatusConflict, "a backup is being made or the database compacted: ask again when that is done")
		}
		defer s.upkeep.Unlock()
		w.Header().Set(gzhttp.HeaderNoCompression, "it stays on this machine")
		return f(w, r)
	}
}

// postBackup sends a backup. It is made in a temporary file first: a caller who takes
// it slowly, or stops to, must not keep a transaction open.
func (s *Server) postBackup(w http.ResponseWriter, r *http.Request) error {
	compact, err := wantsCompact(r)
	if err != nil {
		return err
	}
	f, err := s.copyOfStore(r.Context(), backup.Of(s.store, compact))
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(info.Size(), 10))
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return err
	}
	caller := &receiver{w: w}
	if _, err := io.Copy(caller, f); err != nil {
		if !caller.gone {
			s.log.Error("backup is not whole", "error", err)
		}
		panic(http.ErrAbortHandler)
	}
	return nil
}

func wantsCompact(r *http.Request) (bool, error) {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return false, problem(http.StatusBadRequest, "the query cannot be read: %v", err)
	}
	compact, err := strconv.ParseBool(cmp.Or(values.Get("compact"), "false"))
	values.Del("compact")
	if err != nil || len(values) > 0 {
		return false, problem(http.StatusBadRequest, "the only parameter here is compact, true or false")
	}
	return compact, nil
}

// receiver knows whether the caller took in what was sent.
type receiver struct {
	w    http.ResponseWriter
	gone bool // the caller did not take it
}

func (p *receiver) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.gone = err != nil
	return n, err
}

// copyOfStore returns an open file that nobody sees, and that is gone when it is
// closed, or, where an open file cannot be removed, when the database is opened again.
func (s *Server) copyOfStore(ctx context.Context, source backup.Source) (*os.File, error) {
	folder := filepath.Dir(s.store.Path())
	if err := s.room(ctx, folder); err != nil {
		return nil, err
	}
	f, err := atomicfile.CreateTemporary(s.store.Path())
	if err != nil {
		return nil, err
	}
	err = source(ctx, f)
	os.Remove(f.Name())
	if err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// room refuses a copy that would take the room of the messages that are to come.
func (s *Server) room(ctx context.Context, folder string) error {
	err := backup.Room(ctx, folder, s.store, s.minFree)
	if errors.Is(err, backup.ErrNoRoom) {
		return problem(http.StatusInsufficientStorage, "%v: make room, or stop the daemon, without which none is needed here for a backup", err)
	}
	return err
}

// postCompact compacts the database and tells how far it is. Once it has told
// something, a problem is its last line. If the caller goes away, it gives up.
func (s *Server) postCompact(w http.ResponseWriter, r *http.Request) error {
	if len(r.URL.Query()) > 0 {
		return problem(http.StatusBadRequest, "there are no parameters here")
	}
	if err := s.room(r.Context(), filepath.Dir(s.store.Path())); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var copied, most atomic.Int64
	var done Compacted
	ended := make(chan error, 1)
	go func() {
		began := time.Now()
		c, err := s.store.Compact(ctx, store.CompactOptions{
			Check:    func(ctx context.Context, path string) error { return backup.Sound(ctx, path, s.store.Path()) },
			Progress: func(n, of int64) error { copied.Store(n); most.Store(of); return nil },
		})
		done = Compacted{c.Before, c.After, time.Since(began).Seconds(), c.Paused.Seconds()}
		ended <- err
	}()
	caller := &teller{w: w}
	ticks := time.NewTicker(tellTime)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			if caller.tell(CompactEvent{Progress: &CompactProgress{copied.Load(), most.Load()}}) != nil {
				cancel()
			}
		case err := <-ended:
			switch {
			case err == nil:
				s.log.Info("compacted", "bytes_before", done.Before, "bytes", done.After, "paused_seconds", done.Paused)
				caller.tell(CompactEvent{Done: &done})
			case !caller.told:
				return err
			default:
				caller.tell(CompactEvent{Problem: problemOf(err)})
			}
			return nil
		}
	}
}

// teller sends events, each when it happens.
type teller struct {
	w    http.ResponseWriter
	told bool // anything
}

func (t *teller) tell(e CompactEvent) error {
	if !t.told {
		t.w.Header().Set("Content-Type", "application/x-ndjson")
		t.told = true
	}
	return errors.Join(encode(t.w, e), http.NewResponseController(t.w).Flush())
}
