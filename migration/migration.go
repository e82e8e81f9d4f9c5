package migration

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/internal/disk"
	"rollcall/internal/rules"
	"rollcall/store"
)

// Options of a Follower and of Once.
type Options struct {
	Store *store.DB
	// Root is the folder of the logs. It may be a link.
	Root string
	// Guild restricts the migration to one guild's files: the folder of its id,
	// the folders that guilds_map.json gives its id, and the emergency files
	// that carry either in their name. 0 means all.
	Guild store.ID
	// Rules say what is kept of each message; nil: everything.
	Rules *rules.Rules
	Log   *slog.Logger
	// Now is the clock that says which day is today (UTC); nil means time.Now.
	Now func() time.Time

	// Batch is how many records a Follower commits at a time; 0 means 500.
	Batch int
	// StartDelay is how long a Follower waits before it starts, DayDelay how long
	// it waits between two days of a guild that had something to read.
	StartDelay, DayDelay time.Duration

	// MinFree is how many bytes must be free on the disk of the database for a
	// commit; while there are less, the migration waits. 0: no such bound.
	MinFree int64

	// Progress, if set, is called by Once before the first and after each
	// commit, from the goroutine that called Once.
	Progress func(Progress)
}

// Progress is how far Once has come.
type Progress struct {
	// Bytes of the files (on disk, thus compressed where they are) have been
	// taken in, of the Total bytes that were to be read when it began.
	Bytes, Total int64
	Lines        int64
	Messages     int64
}

// Summary is what one run of Once did. Lines is the sum of Messages, Skipped,
// Duplicates and Malformed. Where an earlier release has counted a malformed line that is
// none, it is among Lines, and its file's count of malformed ones is lower by one.
type Summary struct {
	Files            int64   `json:"files"` // of which lines were taken in
	Bytes            int64   `json:"bytes"` // of those lines with their ends, decompressed
	Lines            int64   `json:"lines"`
	Messages         int64   `json:"messages"`
	Skipped          int64   `json:"skipped"`
	Duplicates       int64   `json:"duplicates"`
	Malformed        int64   `json:"malformed"`
	UnsupportedFiles int64   `json:"unsupported_files"` // text logs of an old release, and what nobody knows
	Seconds          float64 `json:"seconds"`
	// IncompleteFiles are those that could not be read to their end, by their paths below
	// the root: the first 1,000 of Incomplete. Each run tries them again.
	IncompleteFiles []string `json:"incomplete_files"`
	Incomplete      int64    `json:"-"`
}

// migration is what Once and a Follower share.
type migration struct {
	Options
	report reporter
	// exhausted are the files that had nothing more to give when they looked like
	// this: today's, read up to their last whole line, and damaged ones.
	exhausted map[string]stamp
	// listed are the files of which malformed lines were listed at first, by key.
	listed map[string]bool
	// spare are slices of records (*[]store.Record) that have been prepared, for those to come.
	spare sync.Pool
	// room returns how many bytes are free on the disk that holds a path.
	room func(path string) (int64, error)
	// waiting: the last attempt to commit found too little room on the disk.
	waiting atomic.Bool
	// fullTold is when the log last said that the disk is full.
	fullTold time.Time
}

// stamp is how a file looked, to see whether it has changed.
type stamp struct {
	size, modified int64
	past           bool // of an earlier day
}

// exhaustedLimit bounds the memory of migration.exhausted. Beyond it all are
// forgotten, and read once more to no effect.
const exhaustedLimit = 10_000

func newMigration(o Options) *migration {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Batch <= 0 {
		o.Batch = 500
	}
	return &migration{Options: o, report: reporter{log: o.Log, known: map[string]string{}}, exhausted: map[string]stamp{}, room: disk.Free}
}

// date returns the day that lies so many days after today.
func (m *migration) date(days int) string {
	return m.Now().UTC().AddDate(0, 0, days).Format(dateLayout)
}

// job is a file that has something to read, or may have.
type job struct {
	logFile
	past     bool          // the file is of an earlier day
	cursor   store.LogFile // zero if the file was never read
	outdated bool          // see isOutdated
}

func (j *job) stamp() stamp { return stamp{j.size, j.modified, j.past} }

// job returns what there is to do with a file. todo is false if there is
// nothing; read says that it has been read to its end and is of an earlier day.
func (m *migration) job(ctx context.Context, f logFile) (j job, todo, read bool, err error) {
	j = job{logFile: f, past: f.date < m.date(0)}
	if m.exhausted[f.key] == j.stamp() {
		return j, false, false, nil
	}
	if j.cursor, _, err = m.Store.LogFile(ctx, f.key); err != nil {
		return j, false, false, err
	}
	c := &j.cursor
	if j.outdated, err = m.isOutdated(ctx, c); err != nil {
		return j, false, false, err
	}
	// Earlier releases took a .zst of no bytes for a whole one.
	empty := f.size == 0 && f.path != f.key
	read = c.Complete && c.Size == f.size && c.Modified == f.modified && !empty && !j.outdated
	return j, !read, read, nil
}

// markExhausted remembers that a file has no more to give as long as it looks like this.
func (m *migration) markExhausted(j *job) {
	if len(m.exhausted) >= exhaustedLimit {
		clear(m.exhausted)
	}
	m.exhausted[j.key] = j.stamp()
}
