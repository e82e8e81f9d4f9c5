package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"go.etcd.io/bbolt"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

// RecordKey is the key of a record.
func RecordKey(r Record) []byte {
	return record.Key{User: r.User, Time: r.Time, ID: uint64(r.Message)}.Append(nil)
}

// Shape says where the records of a guild are.
type Shape struct {
	Blocks int // in user_stats
	Runs   []RunShape
}

// RunShape is what a run is like.
type RunShape struct {
	Number            uint32
	Level             int
	Records           int64
	Moving, Uncounted bool
}

// ShapeOf returns where the records of a guild are.
func ShapeOf(db *DB, guild ID) (s Shape, err error) {
	err = db.view(context.Background(), func(tx *bbolt.Tx) error {
		r := recordsOf(tx, guild)
		if r == nil {
			return nil
		}
		for _, run := range r.Runs() {
			s.Runs = append(s.Runs, RunShape{run.Number, run.Level, run.Records, run.Moving, run.Uncounted})
		}
		c := tx.Bucket(bucketRecords).Bucket(bucketName(guild)).Cursor()
		for key, _ := c.First(); key != nil; key, _ = c.Next() {
			s.Blocks++
		}
		return nil
	})
	return s, err
}

// RecordCursor goes through a guild's records.
type RecordCursor = lsm.Cursor

// WithFresh calls fn in a transaction that has added records, under the given keys and
// with those as their values, and undoes that.
func WithFresh(db *DB, guild ID, keys [][]byte, fn func(c *RecordCursor, get func(key []byte) []byte)) error {
	undo := errors.New("undo")
	err := db.update(context.Background(), func(w *writeTx) error {
		g, err := w.guild(guild)
		if err != nil {
			return err
		}
		for _, key := range keys {
			g.records.Add(record.PadKey(key), kv.Seal(key, slices.Clone(key)))
		}
		fn(g.records.Cursor(), g.records.Get)
		return undo
	})
	if errors.Is(err, undo) {
		return nil
	}
	return err
}

// Reading calls fn with a cursor over a guild's records and a way to get one.
func Reading(db *DB, guild ID, fn func(c *RecordCursor, get func(key []byte) []byte)) error {
	return db.view(context.Background(), func(tx *bbolt.Tx) error {
		r := recordsOf(tx, guild)
		fn(r.Cursor(), r.Get)
		return nil
	})
}

// Place is where a value is.
type Place struct{ top, nested, key, Value []byte }

// InMain, InRun and IsList say what the value is: a block of user_stats, one of a run,
// or the list of runs.
func (p Place) InMain() bool { return string(p.top) == string(bucketRecords) }
func (p Place) InRun() bool  { return string(p.top) == string(bucketRecent) && p.nested != nil }
func (p Place) IsList() bool { return p.nested == nil }

func (p Place) String() string { return fmt.Sprintf("%s %x %x", p.top, p.nested, p.key) }

// Keys returns those of the records in the block.
func (p Place) Keys() (keys [][]byte) {
	if p.IsList() {
		return nil
	}
	entries, _ := record.DecodeBlock(nil, record.PadKey(p.key), p.Value)
	for i := range entries {
		keys = append(keys, entries[i].Key.Append(nil))
	}
	return keys
}

// Put stores another value in the place.
func (p Place) Put(db *DB, value []byte) error {
	return db.file.Update(context.Background(), func(tx *bbolt.Tx) error {
		b := tx.Bucket(p.top)
		if p.nested != nil {
			b = b.Bucket(p.nested)
		}
		return b.Put(p.key, value)
	})
}

// PlacesOf returns the values in which a guild has its records, and its list of runs.
func PlacesOf(db *DB, guild ID) (places []Place, err error) {
	err = db.file.View(context.Background(), func(tx *bbolt.Tx) error {
		visit := func(top, nested []byte, b *bbolt.Bucket) error {
			return b.ForEach(func(key, value []byte) error {
				places = append(places, Place{top, nested, slices.Clone(key), slices.Clone(value)})
				return nil
			})
		}
		r := recordsOf(tx, guild)
		recent, key := tx.Bucket(bucketRecent), kv.U64(nil, uint64(guild))
		err := visit(bucketRecords, bucketName(guild), tx.Bucket(bucketRecords).Bucket(bucketName(guild)))
		for _, run := range r.Runs() {
			err = errors.Join(err, visit(bucketRecent, run.Name, recent.Bucket(run.Name)))
		}
		if value := recent.Get(key); value != nil {
			places = append(places, Place{bucketRecent, nil, key, slices.Clone(value)})
		}
		return err
	})
	return places, err
}

// NoSync lets commits not wait for the disk.
func NoSync(db *DB) error {
	return db.file.View(context.Background(), func(tx *bbolt.Tx) error { tx.DB().NoSync = true; return nil })
}

// PutRedacted puts a record without its text as builds before format 4 did: a message
// has a hash of channel and text, and a line has none.
func PutRedacted(db *DB, r Record) error {
	r.Redacted = true
	return putAlone(db, r)
}

// MakeOld turns a file into one of format 3 in which records have been put that are not
// paired.
func MakeOld(db *DB, records ...Record) error {
	return errors.Join(putAlone(db, records...), MakeFormatThree(db))
}

// putAlone puts records that are not paired.
func putAlone(db *DB, records ...Record) error {
	shares, err := db.prepare(records)
	if err != nil {
		return err
	}
	return db.update(context.Background(), func(w *writeTx) error {
		return w.eachGuild(shares, func(g *guildTx, batch []putOp) error {
			for i := range batch {
				p := &batch[i]
				number, err := g.numberOf(p)
				if err != nil {
					return err
				}
				s := record.Value{Source: SourceLog, Channel: number, Gone: p.gone, Line: record.Line{Channel: number}}
				if p.key.IsLog() {
					g.info.logs.Add(p.key.Time)
				} else {
					g.info.ids.Add(p.key.Time)
					s.Source, s.Edited = p.more.Source, p.more.Edited
				}
				if s.Gone && !p.key.IsLog() {
					s.Hash = g.w.hash(g.batch.channels[p.channel].Name, []byte(p.content))
				}
				if !g.has(p.key) && (i == 0 || batch[i-1].key != p.key) {
					put(g, p.key, &s, p.kept())
				}
			}
			return nil
		})
	})
}
