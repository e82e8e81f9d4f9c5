package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"

	"github.com/cockroachdb/pebble/v2"

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
	unsynced  = "pebble"
	synced    = "pebble, each commit synced"
	fewer     = "rollcall, a tenth of them"
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
			{mattn, fill(openSQLite("sqlite3", 1), sqliteBatch, true)},
			{mattnRows, fill(openSQLite("sqlite3", sqliteRows), sqliteBatch, true)},
			{modernc, fill(openSQLite("sqlite", 1), sqliteBatch, true)},
			{unsynced, fill(openPebble(pebble.NoSync), pebbleBatch, true)},
			{parseOnly, parse},
		},
		rows: []row{
			{what: "lines a second", of: perSecond, unit: number, against: mattn, target: ratioOf(atLeast, 4)},
			{what: "lines a second", of: perSecond, unit: number, against: mattnRows},
			{what: "lines a second", of: perSecond, unit: number, against: modernc},
			{what: "lines a second", of: perSecond, unit: number, against: unsynced},
			{what: "lines a second", of: perSecond, unit: number, against: parseOnly, target: ratioOf(atLeast, 0.5)},
			{what: "lines a second", of: perSecond, unit: number, against: encrypted},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: mattn},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: unsynced},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: parseOnly},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: encrypted},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: mattn, target: valueOf(atMost, 1)},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: unsynced},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: mattn, target: valueOf(atMost, 0.55)},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: unsynced},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: encrypted},
			{what: "anonymous memory (MiB)", of: memoryMiB, unit: number, against: mattn, target: valueOf(atMost, 256)},
		},
	}
}

// many is once with ten times as many lines.
func many() scenario {
	return scenario{
		name: "many", title: "migrate all at once, many lines", most: 2, corpus: manyCorpus,
		job:        func(s sizes) (task, int) { return task{}, s.manyLines },
		peerLines:  func(s sizes) int { return s.manyLines / 10 },
		contenders: []contender{{ours, migrateOnce(store.Options{})}, {fewer, migrateOnce(store.Options{})}},
		rows: []row{
			{what: "lines a second", of: perSecond, unit: number, against: fewer, target: ratioOf(atLeast, 0.8)},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: fewer},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: fewer, target: valueOf(atMost, 1)},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: fewer, target: valueOf(atMost, 0.55)},
			{what: "anonymous memory (MiB)", of: memoryMiB, unit: number, against: fewer, target: valueOf(atMost, 256)},
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
			{mattn, fill(openSQLite("sqlite3", 1), daemonBatch, false)},
			{mattnRows, fill(openSQLite("sqlite3", sqliteRows), daemonBatch, false)},
			{modernc, fill(openSQLite("sqlite", 1), daemonBatch, false)},
			{unsynced, fill(openPebble(pebble.NoSync), daemonBatch, false)},
			{synced, fill(openPebble(pebble.Sync), daemonBatch, false)},
		},
		rows: []row{
			{what: "lines a second", of: perSecond, unit: number, against: mattn, target: ratioOf(atLeast, 1.6)},
			{what: "lines a second", of: perSecond, unit: number, against: mattnRows},
			{what: "lines a second", of: perSecond, unit: number, against: modernc},
			{what: "lines a second", of: perSecond, unit: number, against: unsynced},
			{what: "lines a second", of: perSecond, unit: number, against: synced},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: mattn},
			{what: "processor time a line (µs)", of: cpuEach, unit: decimal, against: unsynced},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: mattn, target: valueOf(atMost, 10)},
			{what: "written to disk, per byte of log", of: writtenPerByte, unit: decimal, against: unsynced},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: mattn},
			{what: "file, per byte of log", of: sizePerByte, unit: decimal, against: unsynced},
			{what: "anonymous memory (MiB)", of: memoryMiB, unit: number, against: mattn, target: valueOf(atMost, 96)},
		},
	}
}

// expect reports whether all was taken in.
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
	result.Size, err = sizeOf(t.database())
	return result, err
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
	p, err := i.db.Prepare(i.batch)
	if err != nil {
		return err
	}
	done, err := i.db.Commit(i.ctx, p)
	if err != nil {
		return err
	}
	i.messages += done[0].Messages
	i.batch.Records = i.batch.Records[:0]
	return nil
}

// parse reads and decodes each line in one goroutine, and does nothing.
func parse(ctx context.Context, t task) (measures, error) {
	return metered(func(m *measures) error {
		sum, err := readLogs(ctx, t.Corpus, func(string, ndjson.Line, *entry) error { return nil })
		m.Count, m.Logs = sum.lines, sum.bytes
		return errors.Join(err, t.expect(sum.lines, sum.messages))
	})
}
