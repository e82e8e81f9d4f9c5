package lsm

import (
	"context"
	"encoding/binary"
	"fmt"
	"iter"

	"go.etcd.io/bbolt"

	"rollcall/internal/snowflake"
	"rollcall/store/internal/record"
)

// Problems returns what is wrong with a guild's blocks, its runs and its manifest, a line
// each, and nothing about the values of records. main and recent are the names of the
// buckets. It ends early when ctx does.
func (r *Records) Problems(ctx context.Context, main, recent string) iter.Seq[string] {
	return func(yield func(string) bool) {
		if r.runs.damaged && !yield(fmt.Sprintf("%s: guild %d's list of runs is damaged", recent, r.runs.guild)) {
			return
		}
		if _, ok := blockProblems(ctx, main, r.main, nil, yield); !ok {
			return
		}
		for i := range r.runs.list {
			run := &r.runs.list[i]
			n, ok := blockProblems(ctx, recent, r.runs.bucket(run), run, yield)
			if !ok {
				return
			}
			if n != run.records && !r.runs.damaged &&
				!yield(fmt.Sprintf("%s: run %d of guild %d has %d records, want %d", recent, run.number, r.runs.guild, n, run.records)) {
				return
			}
			if r.runs.bucket(run).Sequence() != run.flags() &&
				!yield(fmt.Sprintf("%s: run %d of guild %d is of another kind than its list says", recent, run.number, r.runs.guild)) {
				return
			}
		}
	}
}

// blockProblems yields the blocks of a bucket, which may be a run's, that are not as they
// should be, and counts the records in them. It returns false if that is to be the end.
func blockProblems(ctx context.Context, name string, b *bbolt.Bucket, of *run, yield func(string) bool) (n int64, ok bool) {
	var last record.Key
	var entries []record.Entry
	c := b.Cursor()
	visits := 0
	for b, value := c.First(); b != nil; b, value = c.Next() {
		if visits++; visits&0xfff == 0 && ctx.Err() != nil {
			return n, false
		}
		problem := ""
		key, ok := record.ParseKey(b)
		var err error
		switch {
		case !ok:
			problem = fmt.Sprintf("%s: key %x is no record's", name, b)
		case n > 0 && last.Compare(key) >= 0:
			problem = fmt.Sprintf("%s: the block under key %x begins before the one before it ends", name, b)
		default:
			if entries, err = record.DecodeBlock(entries[:0], key, value); err != nil {
				problem = fmt.Sprintf("%s: the block under key %x does not decode", name, b)
				break
			}
			n += int64(len(entries))
			last = entries[len(entries)-1].Key
			for i := range entries {
				if of != nil && !of.times.Overlaps(entries[i].Key.Time, entries[i].Key.Time) {
					problem = fmt.Sprintf("%s: a record of the block under key %x lies outside of its run's span", name, b)
				}
			}
		}
		if problem != "" && !yield(problem) {
			return n, false
		}
	}
	return n, true
}

// RecentKeys returns all keys of the bucket of runs, with the guild of each, 0 if the key is
// none, and whether it is a guild's manifest or one of the runs that are in it.
func RecentKeys(parent *bbolt.Bucket) iter.Seq2[[]byte, RecentKey] {
	return func(yield func([]byte, RecentKey) bool) {
		listed := map[string]bool{}
		c := parent.Cursor()
		for key, value := c.First(); key != nil; key, value = c.Next() {
			var k RecentKey
			if len(key) >= 8 {
				k.Guild = snowflake.ID(binary.BigEndian.Uint64(key))
			}
			if k.Known = value != nil || listed[string(key)]; value != nil && k.Guild != 0 {
				r := openRuns(parent, k.Guild)
				for i := range r.list {
					listed[string(r.name(&r.list[i]))] = true
				}
			}
			if !yield(key, k) {
				return
			}
		}
	}
}

// RecentKey is what a key of the bucket of runs is.
type RecentKey struct {
	Guild snowflake.ID
	Known bool // it is a manifest, or a run of one
}

// DropGuild deletes a guild's runs and its manifest. Those whose records were all deleted
// are gone already, unless something is damaged.
func DropGuild(parent *bbolt.Bucket, guild snowflake.ID) error {
	runs := openRuns(parent, guild)
	for i := range runs.list {
		if err := parent.DeleteBucket(runs.name(&runs.list[i])); err != nil {
			return err
		}
	}
	return parent.Delete(runs.key())
}

// RunInfo is what a run is like.
type RunInfo struct {
	Number            uint32
	Level             int // 0 for the smallest runs
	Records           int64
	Moving, Uncounted bool
	Name              []byte // of its bucket
}

// Runs returns the guild's runs in the order in which they came.
func (r *Records) Runs() []RunInfo {
	infos := make([]RunInfo, len(r.runs.list))
	for i := range r.runs.list {
		run := &r.runs.list[i]
		infos[i] = RunInfo{run.number, run.level(), run.records, run.moving, run.uncounted, r.runs.name(run)}
	}
	return infos
}
