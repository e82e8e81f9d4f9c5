package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"rollcall/internal/ndjson"
	"rollcall/migration"
	"rollcall/store"
)

const (
	ours      = "rollcall"
	encrypted = "rollcall, encrypted"
	mattn     = "SQLite (mattn)"
	mattnRows = "SQLite (mattn), 50 rows a statement"
	modernc   = "SQLite (modernc)"
	parseOnly = "parse only"
	bare      = "bare discordgo"
)

// daemonBatch is how many records the daemon commits at a time.
const daemonBatch = 500

// sqliteBatch is how many rows a transaction SQLite gets at once: from 10,000 to
// 300,000 it makes no difference beyond the noise. sqliteRows is how many a
// statement where it gets more than one, which few programs do: from 20 on more
// are no faster.
const (
	sqliteBatch = 50_000
	sqliteRows  = 50
)

// once is the migrate command: everything, as fast as it goes, into a new file.
func once() scenario {
	return scenario{
		name: "once", title: "migrate all at once",
		job: func(s sizes) (task, int) { return task{}, s.onceLines },
		contenders: []contender{
			{ours, migrateOnce(store.Options{})},
			{encrypted, migrateOnce(store.Options{Key: store.NewKey()})},
			{mattn, fillSQLite("sqlite3", 1, sqliteBatch, true)},
			{mattnRows, fillSQLite("sqlite3", sqliteRows, sqliteBatch, true)},
			{modernc, fillSQLite("sqlite", 1, sqliteBatch, true)},
			{parseOnly, parse},
		},
		rows: []row{
			{what: "lines a second", of: perSecond, unit: number, against: mattn, target: ratioOf(atLeast, 4)},
			{what: "lines a second", of: perSecond, unit: number, against: mattnRows},
			{what: "lines a second", of: perSecond, unit: number, against: modernc},
			{what: "lines a second", of: perSecond, unit: number, against: parseOnly, target: ratioOf(atLeast, 0.5)},
			{what: "lines a second", of: perSecond, unit: number, against: encrypted},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: mattn},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: parseOnly},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: encrypted},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: mattn, target: valueOf(atMost, 1)},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: mattn, target: valueOf(atMost, 0.55)},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: encrypted},
			{what: "anonymous memory (MiB)", of: memoryMiB, unit: number, against: mattn, target: valueOf(atMost, 256)},
		},
	}
}

// byBatch is what the daemon does with logs, without its pauses.
func byBatch() scenario {
	return scenario{
		name: "batch", title: "migrate, 500 messages a commit",
		job: func(s sizes) (task, int) { return task{}, s.batchLines },
		contenders: []contender{
			{ours, migrateByBatch},
			{mattn, fillSQLite("sqlite3", 1, daemonBatch, false)},
			{mattnRows, fillSQLite("sqlite3", sqliteRows, daemonBatch, false)},
			{modernc, fillSQLite("sqlite", 1, daemonBatch, false)},
		},
		rows: []row{
			{what: "lines a second", of: perSecond, unit: number, against: mattn, target: ratioOf(atLeast, 1.6)},
			{what: "lines a second", of: perSecond, unit: number, against: mattnRows},
			{what: "lines a second", of: perSecond, unit: number, against: modernc},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: mattn},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: mattn, target: valueOf(atMost, 10)},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: mattn},
			{what: "anonymous memory (MiB)", of: memoryMiB, unit: number, against: mattn, target: valueOf(atMost, 96)},
		},
	}
}

// expect says whether all was taken in.
func (t task) expect(lines, messages int64) error {
	if lines != t.Expect.Lines || messages != t.Expect.Messages {
		return fmt.Errorf("took in %d messages of %d lines, want %d of %d", messages, lines, t.Expect.Messages, t.Expect.Lines)
	}
	return nil
}

func (t task) database() string { return filepath.Join(t.Folder, "bench.db") }

// intoDatabase measures f with the opening and closing of the database that it fills.
func (t task) intoDatabase(f func(*measures) error) (measures, error) {
	result, err := metered(f)
	if err != nil {
		return result, err
	}
	info, err := os.Stat(t.database())
	if err != nil {
		return result, err
	}
	result.Size = info.Size()
	return result, nil
}

func migrateOnce(o store.Options) func(context.Context, task) (measures, error) {
	return func(ctx context.Context, t task) (measures, error) {
		return t.intoDatabase(func(m *measures) error {
			db, err := store.Open(t.database(), o)
			if err != nil {
				return err
			}
			debug.SetMemoryLimit(migration.OnceMemory) // as the command does
			sum, err := migration.Once(ctx, migration.Options{Store: db, Root: t.Corpus, Log: slog.New(slog.DiscardHandler)})
			m.Count, m.Logs = sum.Lines, sum.Bytes
			return errors.Join(err, db.Close(), t.expect(sum.Lines, sum.Messages))
		})
	}
}

// migrateByBatch does what the daemon's migration does, which cannot be run
// without its pauses: it reads and imports in turn, with the file's cursor.
func migrateByBatch(ctx context.Context, t task) (measures, error) {
	return t.intoDatabase(func(m *measures) error {
		db, err := store.Open(t.database(), store.Options{})
		if err != nil {
			return err
		}
		i := importer{ctx: ctx, db: db}
		sum, err := readLogs(ctx, t.Corpus, i.take)
		m.Count, m.Logs = sum.lines, sum.bytes
		return errors.Join(err, i.hand(), db.Close(), t.expect(sum.lines, i.messages))
	})
}

// importer gathers messages of one file and imports them.
type importer struct {
	ctx      context.Context
	db       *store.DB
	batch    store.LogBatch
	messages int64
}

func (i *importer) take(file string, line ndjson.Line, e *entry) error {
	b := &i.batch
	if len(b.Records) == daemonBatch || b.File.Key != file && len(b.Records) > 0 {
		if err := i.hand(); err != nil {
			return err
		}
	}
	b.File.Key, b.File.Path, b.File.Offset = file, file, line.End
	b.Records = append(b.Records, store.Record{
		Guild: e.guild, User: e.user, Time: e.at, Channel: store.Channel{Name: e.channel}, Content: e.content, Source: store.SourceLog,
	})
	return nil
}

func (i *importer) hand() error {
	done, err := i.db.Import(i.ctx, i.batch)
	i.messages += done.Messages
	i.batch.Records = i.batch.Records[:0]
	return err
}

// fillSQLite returns a contender that puts the messages into SQLite, so many rows a
// statement and messages a transaction; ahead: while the next ones are being decoded
// in another goroutine, as migrate does it.
func fillSQLite(driver string, rows, batch int, ahead bool) func(context.Context, task) (measures, error) {
	return func(ctx context.Context, t task) (measures, error) {
		return t.intoDatabase(func(m *measures) error {
			db, err := openSQLite(ctx, driver, t.database(), rows)
			if err != nil {
				return err
			}
			put, wait := db.insert, func() error { return nil }
			if ahead {
				put, wait = behind(ctx, put)
			}
			var gathered []entry
			sum, err := readLogs(ctx, t.Corpus, func(_ string, _ ndjson.Line, e *entry) error {
				gathered = append(gathered, *e)
				if len(gathered) < batch {
					return nil
				}
				err := put(ctx, gathered)
				gathered = make([]entry, 0, batch)
				return err
			})
			if err == nil {
				err = put(ctx, gathered)
			}
			m.Count, m.Logs = sum.lines, sum.bytes
			return errors.Join(err, wait(), db.close(), t.expect(sum.lines, sum.messages))
		})
	}
}

// behind returns a put that lets another goroutine do the work, with at most one
// batch in waiting, and what waits for the end of all work and returns its error.
func behind(ctx context.Context, put func(context.Context, []entry) error) (later func(context.Context, []entry) error, wait func() error) {
	batches := make(chan []entry, 1)
	ended := make(chan error, 1)
	later = func(_ context.Context, batch []entry) error {
		batches <- batch
		return nil
	}
	go func() {
		var err error
		for batch := range batches { // after an error the rest is let go
			if err == nil {
				err = put(ctx, batch)
			}
		}
		ended <- err
	}()
	return later, func() error {
		close(batches)
		return <-ended
	}
}

// parse reads and decodes each line in one goroutine, and does nothing.
func parse(ctx context.Context, t task) (measures, error) {
	return metered(func(m *measures) error {
		sum, err := readLogs(ctx, t.Corpus, func(string, ndjson.Line, *entry) error { return nil })
		m.Count, m.Logs = sum.lines, sum.bytes
		return errors.Join(err, t.expect(sum.lines, sum.messages))
	})
}
