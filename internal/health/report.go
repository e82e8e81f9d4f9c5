package health

import (
	"context"
	"runtime/metrics"
	"time"

	"rollcall/internal/disk"
	"rollcall/migration"
	"rollcall/store"
	"rollcall/tracker"
)

// Report is everything that can be said at a moment. What does not run is nil.
type Report struct {
	At        store.Micros      `json:"at"`
	Parts     map[string]Part   `json:"parts"` // as of Ready
	Daemon    *Daemon           `json:"daemon,omitempty"`
	Database  Database          `json:"database"`
	Tracker   *tracker.Status   `json:"tracker,omitempty"`
	Gaps      Gaps              `json:"gaps"`
	Channels  Channels          `json:"channels"`
	Migration *migration.Status `json:"migration,omitempty"`
	Backup    *Backup           `json:"backup,omitempty"`
}

// Daemon is the process that holds the database.
type Daemon struct {
	Version string       `json:"version"`
	Commit  string       `json:"commit"`
	Process int          `json:"pid"`
	Started store.Micros `json:"started_at"`
	// Memory is what the Go runtime holds of the system's, in bytes, without the map
	// of the file; Heap the part of it that is in use.
	Memory int64 `json:"memory_bytes"`
	Heap   int64 `json:"heap_bytes"`
}

// Database is the state of the file and of the disk that it is on.
type Database struct {
	Path string `json:"path"`
	store.Stats
	DiskFree *int64 `json:"disk_free_bytes,omitempty"` // nil: the system does not tell
}

// Gaps are the open ones of the ledger, or, while the tracker runs, those of them that
// it knows how to fill.
type Gaps struct {
	Open   int          `json:"open"`
	Oldest store.Micros `json:"oldest_open_at,omitzero"` // when we listened again; 0: none is open
	// Waiting are open, too, but are not among Open: the bot may not read their channels.
	Waiting int `json:"waiting"`
	// Crawls are the channels that are to be read back to their beginning, and the guilds
	// whose archived threads are to be looked through.
	Crawls int `json:"crawls_open"`
}

// Channels are those that the bot may not read, of those that are to be recorded: as the
// tracker knows it, or as the file says when it did.
type Channels struct {
	Hidden     int `json:"hidden"`     // by Discord
	Unreadable int `json:"unreadable"` // not to be viewed or, voice channels, not to be connected to
	NoHistory  int `json:"no_history"` // new messages are heard, those of the past may not be read
}

// Report asks all parts. It is not an error if one does not answer: the part says so.
func (v *Vitals) Report(ctx context.Context) Report {
	r := Report{At: store.MicrosOf(time.Now()), Daemon: v.from.Daemon}
	if r.Daemon != nil {
		d := *r.Daemon
		d.Memory, d.Heap = memory()
		r.Daemon = &d
	}
	var err error
	r.Database.Path = v.from.Store.Path()
	r.Database.Stats, err = v.from.Store.Stats(ctx)
	if free, err := disk.Free(r.Database.Path); err == nil {
		r.Database.DiskFree = &free
	}
	if v.from.Tracker != nil {
		t := v.from.Tracker()
		r.Tracker = &t
		r.Gaps = Gaps{Open: t.Backfill.Open, Oldest: t.Backfill.OldestOpen, Waiting: t.Backfill.Waiting, Crawls: t.Backfill.History}
		r.Channels = Channels{t.Hidden, t.Unreadable, t.NoHistory}
	} else if err == nil {
		if r.Gaps, err = openGaps(ctx, v.from.Store); err == nil {
			r.Channels, err = unreadable(ctx, v.from.Store)
		}
	}
	if v.from.Migration != nil {
		m := v.from.Migration()
		r.Migration = &m
	} else if err == nil {
		m := migration.Status{}
		m.Guilds, err = migration.Known(ctx, v.from.Store)
		r.Migration = &m
	}
	if v.from.Backup != nil {
		b := v.from.Backup()
		r.Backup = &b
	}
	r.Parts = v.parts(&r, err)
	return r
}

// openGaps reads the ledger.
func openGaps(ctx context.Context, db *store.DB) (Gaps, error) {
	list, err := db.Gaps(ctx, true)
	var gaps Gaps
	for _, g := range list {
		if g.Waits != "" {
			gaps.Waiting++
			continue
		}
		if g.Kind == store.GapHistory {
			gaps.Crawls++
			continue
		}
		gaps.Open++
		if gaps.Oldest == 0 || g.To < gaps.Oldest {
			gaps.Oldest = g.To
		}
	}
	return gaps, err
}

// unreadable reads which channels could not be read when somebody listened last.
func unreadable(ctx context.Context, db *store.DB) (Channels, error) {
	list, err := db.Unreadable(ctx, 0)
	var n Channels
	for _, u := range list {
		switch u.Reason {
		case store.ReasonHidden:
			n.Hidden++
		case store.ReasonUnreadable:
			n.Unreadable++
		case store.ReasonNoHistory:
			n.NoHistory++
		}
	}
	return n, err
}

// memory returns Daemon.Memory and Daemon.Heap.
func memory() (total, heap int64) {
	samples := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}, {Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64() - samples[1].Value.Uint64()), int64(samples[2].Value.Uint64())
}
