package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/store/internal/record"
)

// Put stores a batch of the tracker in one transaction, synced when it returns.
//
// Records must have a message id. Those that are already there change nothing; a
// log line that is the same message (see Import) is merged into its record. Of
// people who are forgotten (see Forget) nothing is stored. Cursors only move
// forward. It returns how many records were new.
//
// Errors: ErrFull (nothing was written; try again when there is room), or one
// after which the process should end: whether the batch was committed is then
// unknown, and putting it again is harmless.
func (db *DB) Put(ctx context.Context, b Batch) (stored int, err error) {
	for _, records := range [][]Record{b.Records, b.Uncounted} {
		for i := range records {
			if r := &records[i]; r.Message == 0 || r.Message&record.LogMark != 0 || r.Source == 0 || r.Source == SourceLog || r.Source > SourceImport {
				return 0, fmt.Errorf("record of message id %d, source %d: want an id below 2^63 and another source", r.Message, r.Source)
			}
		}
	}
	messages, err := db.prepare(b.Records)
	if err != nil {
		return 0, err
	}
	uncounted, err := db.prepare(b.Uncounted)
	if err != nil {
		return 0, err
	}
	err = db.update(ctx, func(w *writeTx) error {
		stored = 0
		if err := w.eachGuild(messages, func(g *guildTx, batch []putOp) error {
			n, err := g.putMessages(batch)
			stored += n
			return err
		}); err != nil {
			return err
		}
		if err := w.eachGuild(uncounted, (*guildTx).putUncounted); err != nil {
			return err
		}
		if err := w.applyChanges(b.Changes); err != nil {
			return err
		}
		gaps := b.Gaps
		if b.CountFound && len(gaps) > 0 {
			gaps = slices.Clone(gaps)
			gaps[0].Found += int64(stored)
		}
		return errors.Join(w.putLearned(b.Learned), w.putNames(b.Names),
			w.putCursors(stateCursors, b.Cursors), w.putCursors(stateFloors, b.Floors), w.putGuildCursors(b.GuildCursors),
			w.putGaps(gaps), w.putAccess(b.Access), w.putChannels(b.Channels), w.putPassed(b.Passed),
			w.putTasks(b.Deleted), w.putAccounts(b.Accounts), w.putDepartures(b.Departed, b.Rejoined))
	})
	for _, l := range b.Learned {
		db.channelIDs.drop(l.Guild)
	}
	if err != nil {
		return 0, err
	}
	return stored, nil
}

// Prepared are batches of the migration that Commit will store in one transaction.
type Prepared struct {
	Batches []LogBatch // whose Records have had their use
	guilds  []guildBatch
}

// Prepare makes batches of the migration, log lines and the cursor behind them, ready to be
// stored together, in their order, each of another file. It needs no transaction, so it can
// be done while another one is under way. It keeps the records' texts, and not the records.
func (db *DB) Prepare(batches ...LogBatch) (*Prepared, error) {
	records := make([][]Record, len(batches))
	for i, b := range batches {
		records[i] = b.Records
		for k := range b.Records {
			if r := &b.Records[k]; r.Message != 0 || r.Source != SourceLog {
				return nil, fmt.Errorf("log record with message id %d, source %d", r.Message, r.Source)
			}
		}
	}
	guilds, err := db.prepare(records...)
	if err != nil {
		return nil, err
	}
	return &Prepared{batches, guilds}, nil
}

// Commit stores batches in one transaction, synced when it returns, and tells what became
// of each. It may be tried again.
//
// A line is a duplicate if guild, user, time, channel name and content equal a
// line that is already stored. A line whose message is there with its id is
// merged into that record and counts as a message. One of somebody who is forgotten
// (see Forget) is left out and counts as skipped. Errors are as those of Put.
func (db *DB) Commit(ctx context.Context, p *Prepared) (done []Imported, err error) {
	err = db.update(ctx, func(w *writeTx) (err error) {
		done, err = w.importAll(p.Batches, p.guilds)
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func (w *writeTx) importAll(batches []LogBatch, guilds []guildBatch) ([]Imported, error) {
	done := make([]Imported, len(batches))
	for i, b := range batches {
		done[i].File = b.File
	}
	if err := w.eachGuild(guilds, func(g *guildTx, records []putOp) error {
		return g.putLines(records, func(p *putOp, o outcome) {
			switch o {
			case lineNew:
				done[p.batch].Messages++
			case lineKnown:
				done[p.batch].Duplicates++
			case lineForgotten:
				done[p.batch].Skipped++
			}
		})
	}); err != nil {
		return nil, err
	}
	for i, b := range batches {
		done[i].File.Counts.Messages += done[i].Messages
		done[i].File.Counts.Duplicates += done[i].Duplicates
		done[i].File.Counts.Skipped += done[i].Skipped
		if err := errors.Join(w.putLogFile(done[i].File), w.putLastDates(b.Done), w.dropQuarantine(b.Reread), w.putQuarantine(b.Quarantine)); err != nil {
			return nil, err
		}
	}
	return done, nil
}

// eachGuild calls put with the records of each guild.
func (w *writeTx) eachGuild(guilds []guildBatch, put func(*guildTx, []putOp) error) error {
	for i := range guilds {
		g, err := w.guild(guilds[i].guild)
		if err != nil {
			return err
		}
		g.begin(&guilds[i])
		if err := put(g, guilds[i].records); err != nil {
			return err
		}
	}
	return nil
}
