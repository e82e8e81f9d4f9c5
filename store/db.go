package store

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"
)

// Options of Open.
type Options struct {
	LockTimeout time.Duration // how long to wait for another process's lock; 0 means 2 s
	MaxSize     int64         // bytes the file may grow to; 0 means no limit
	MustExist   bool          // refuse to create the file (errors.Is fs.ErrNotExist)
}

// DB is an open database. Its methods may be called from any goroutine; writes
// run one after another.
type DB struct{}

var errStub = errors.New("stub")

func Open(path string, o Options) (*DB, error) { return nil, errStub }
func (db *DB) Close() error                    { return errStub }
func (db *DB) Path() string                    { return "" }

// Put stores a batch of the tracker in one transaction, synced when it returns.
// Records that are already there change nothing. It returns how many were new.
func (db *DB) Put(ctx context.Context, b Batch) (stored int, err error) { return 0, errStub }

// Import stores a batch of the migration in one transaction.
func (db *DB) Import(ctx context.Context, b LogBatch) (Imported, error) { return Imported{}, errStub }

// Records yields the selected records by guild, user, time, in that order. Each
// page is read in a transaction of its own and yielded outside of it, so a slow
// consumer holds nothing open.
func (db *DB) Records(ctx context.Context, q Query) iter.Seq2[Record, error] { return nil }

// Newest returns at most limit records of one guild (and user), newest first,
// starting before the given position, and the position to go on from (nil: no more).
func (db *DB) Newest(ctx context.Context, q Query, before *Position, limit int) ([]Record, *Position, error) {
	return nil, nil, errStub
}

// Guilds returns the guilds that have records, by id.
func (db *DB) Guilds(ctx context.Context) ([]Guild, error) { return nil, errStub }

// LogFile returns a file's cursor; ok is false if the file was never read.
func (db *DB) LogFile(ctx context.Context, key string) (f LogFile, ok bool, err error) {
	return LogFile{}, false, errStub
}

// LogFiles returns all cursors by key.
func (db *DB) LogFiles(ctx context.Context) ([]LogFile, error) { return nil, errStub }

// LastDates returns, by guild id, the last day whose logs were read to their end.
func (db *DB) LastDates(ctx context.Context) ([]GuildDay, error) { return nil, errStub }

// Quarantine returns the malformed lines that were kept (bounded), by file and offset.
func (db *DB) Quarantine(ctx context.Context) ([]Quarantined, error) { return nil, errStub }

// Names returns the display names known in a guild, by user id; 0 is the guild's own.
func (db *DB) Names(ctx context.Context, guild ID) (map[ID]string, error) { return nil, errStub }

// Cursors returns the last message id seen of each channel of a guild.
func (db *DB) Cursors(ctx context.Context, guild ID) (map[ID]ID, error) { return nil, errStub }

// Gaps returns the ledger in order of Seq, only the open ones if open is true.
func (db *DB) Gaps(ctx context.Context, open bool) ([]Gap, error) { return nil, errStub }

// Snapshot writes a consistent copy of the file as of now.
func (db *DB) Snapshot(ctx context.Context, w io.Writer) (int64, error) { return 0, errStub }

// Check reads everything and compares what is kept beside the records with the records.
// It returns what is wrong, one line each, at most 100.
func (db *DB) Check(ctx context.Context) (problems []string, err error) { return nil, errStub }
