package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
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
	shares, err := db.arrange(b.Records)
	if err != nil {
		return 0, err
	}
	uncounted, err := db.arrange(b.Uncounted)
	if err != nil {
		return 0, err
	}
	err = db.update(ctx, func(w *writeTx) error {
		stored = 0
		if err := w.eachGuild(shares, func(g *guildTx, batch []pending) error {
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
		return errors.Join(w.putLearned(b.Learned), w.putNames(b.Names), w.putCursors(b.Cursors), w.putGaps(gaps), w.putAccess(b.Access), w.putChannels(b.Channels), w.putPassed(b.Passed), w.putTasks(b.Deleted), w.putAccounts(b.Accounts), w.putLeft(b.Left, b.Back))
	})
	for _, l := range b.Learned {
		db.channelIDs.drop(l.Guild)
	}
	if err != nil {
		return 0, err
	}
	return stored, nil
}

// Import stores a batch of the migration (log lines and the cursor behind them)
// in one transaction, synced when it returns.
//
// A line is a duplicate if guild, user, time, channel name and content equal a
// line that is already stored. A line whose message is there with its id is
// merged into that record and counts as a message. One of somebody who is forgotten
// (see Forget) is left out and counts as skipped. Errors are as those of Put.
func (db *DB) Import(ctx context.Context, b LogBatch) (Imported, error) {
	done, err := db.ImportAll(ctx, []LogBatch{b})
	if err != nil {
		return Imported{}, err
	}
	return done[0], nil
}

// ImportAll is Import of several batches in one transaction, in their order, each
// of another file.
func (db *DB) ImportAll(ctx context.Context, batches []LogBatch) ([]Imported, error) {
	a, err := db.Arrange(batches)
	if err != nil {
		return nil, err
	}
	return db.ImportArranged(ctx, a)
}

// Arranged are batches that ImportArranged will store in one transaction.
type Arranged struct {
	Batches []LogBatch // whose Records have had their use
	shares  []share
}

// Arrange does of ImportAll what needs no transaction, so that it can be done while
// another one is under way. It keeps the records' texts, and not the records.
func (db *DB) Arrange(batches []LogBatch) (*Arranged, error) {
	records := make([][]Record, len(batches))
	for i, b := range batches {
		records[i] = b.Records
		for k := range b.Records {
			if r := &b.Records[k]; r.Message != 0 || r.Source != SourceLog {
				return nil, fmt.Errorf("log record with message id %d, source %d", r.Message, r.Source)
			}
		}
	}
	shares, err := db.arrange(records...)
	if err != nil {
		return nil, err
	}
	return &Arranged{batches, shares}, nil
}

// ImportArranged is ImportAll of what was arranged. It may be tried again.
func (db *DB) ImportArranged(ctx context.Context, a *Arranged) (done []Imported, err error) {
	err = db.update(ctx, func(w *writeTx) (err error) {
		done, err = w.importAll(a.Batches, a.shares)
		return err
	})
	if err != nil {
		return nil, err
	}
	return done, nil
}

func (w *writeTx) importAll(batches []LogBatch, shares []share) ([]Imported, error) {
	done := make([]Imported, len(batches))
	for i, b := range batches {
		done[i].File = b.File
	}
	if err := w.eachGuild(shares, func(g *guildTx, records []pending) error {
		return g.putLines(records, func(p *pending, o outcome) {
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

// eachGuild calls put with the records of each share.
func (w *writeTx) eachGuild(shares []share, put func(*guildTx, []pending) error) error {
	for i := range shares {
		g, err := w.guild(shares[i].guild)
		if err != nil {
			return err
		}
		g.begin(&shares[i])
		if err := put(g, shares[i].records); err != nil {
			return err
		}
	}
	return nil
}

// putMessages puts records that have ids and returns how many were new.
func (g *guildTx) putMessages(batch []pending) (int, error) {
	stored := 0
	g.coming = len(batch)
	disowned, err := g.disowned(batch)
	if err != nil {
		return 0, err
	}
	for i := range batch {
		p := &batch[i]
		if p.out || g.forgets(p.key.User) {
			g.w.keepsOut(p)
			continue
		}
		if disowned(p.key) || g.has(p.key) {
			g.w.noteDuplicate(p.more.Source)
			if err := g.correct(p); err != nil {
				return 0, err
			}
			continue
		}
		before := len(g.changes)
		s, err := g.storedOf(p)
		if err != nil {
			return 0, err
		}
		at := p.key.Time
		g.info.ids.Add(at)
		if !g.info.logs.Overlaps(at-logBefore, at+logAfter) {
			put(g, p.key, &s, p.kept())
		} else if err := g.mergeMessage(p, s, false); err != nil {
			return 0, err
		}
		stored++
		g.newest[p.channel].Add(p.key.Time)
		if err := g.catchUp(p.key); err != nil {
			return 0, err
		}
		g.noteNew(p.more.Source, before)
	}
	return stored, g.noteNames()
}

// storedOf is what is stored of a message, but for its content.
func (g *guildTx) storedOf(p *pending) (record.Value, error) {
	channel, err := g.numberOf(p)
	r := p.more
	s := record.Value{
		Source: r.Source, Channel: channel, ReplyTo: r.ReplyTo, ReplyUser: r.ReplyToUser, Attachments: r.Attachments,
		Edited: r.Edited, Gone: p.gone, Loose: r.Edited != 0 || r.Formatted, Line: record.Line{Channel: channel},
	}
	if r.Extra != nil {
		s.SetExtra(r.Extra)
	}
	if s.Gone {
		s.More, s.MoreSize = nil, 0
		s.First = g.w.hash("", []byte(p.content))
	}
	if s.ReplyUser != 0 && g.w.forgotten.has(Person{s.ReplyUser, g.id}) {
		s.ReplyTo, s.ReplyUser = 0, 0
	}
	return s, err
}

// outcome is what became of a line.
type outcome uint8

const (
	lineNew       outcome = iota // stored, or merged into its message
	lineKnown                    // there already
	lineForgotten                // of somebody who is forgotten or no person, or kept out by the gate
)

// putLines puts log records and tells of each what became of it.
func (g *guildTx) putLines(lines []pending, tell func(p *pending, o outcome)) error {
	g.coming = len(lines)
	first, last := lines[0].key.Time, lines[0].key.Time
	for i := range lines {
		first, last = min(first, lines[i].key.Time), max(last, lines[i].key.Time)
	}
	put := g.mergePending
	if !g.info.ids.Overlaps(first-logAfter, last+logBefore) {
		known := g.known(lines)
		put = func(i int, p *pending) (bool, error) {
			if known[i] {
				return false, nil
			}
			return true, g.putLine(p)
		}
	}
	for i := range lines {
		p := &lines[i]
		if p.out || g.forgets(p.key.User) || g.isAccount(p.key.User) {
			tell(p, lineForgotten)
			continue
		}
		before := len(g.changes)
		isNew, err := put(i, p)
		if err != nil {
			return err
		}
		if isNew {
			g.info.logs.Add(p.key.Time)
			g.noteNew(SourceLog, before)
			tell(p, lineNew)
		} else {
			g.w.noteDuplicate(SourceLog)
			tell(p, lineKnown)
		}
	}
	return nil
}

func (g *guildTx) mergePending(_ int, p *pending) (bool, error) { return g.mergeLine(p) }

// putLine stores a line where no message is about.
func (g *guildTx) putLine(p *pending) error {
	channel, err := g.numberOf(p)
	if err != nil {
		return err
	}
	s := record.Value{Source: SourceLog, Channel: channel, Gone: p.gone}
	if s.Gone {
		s.First = g.w.hash("", []byte(p.content))
	}
	put(g, p.key, &s, p.kept())
	return nil
}

// known says which lines are there already, or earlier in the batch, where no
// message with an id can be about.
func (g *guildTx) known(lines []pending) []bool {
	known := make([]bool, len(lines))
	for i := range lines {
		known[i] = g.has(lines[i].key) || i > 0 && lines[i-1].key == lines[i].key
	}
	return known
}

// put stores a record that is not there yet.
func put[T string | []byte](g *guildTx, key record.Key, s *record.Value, content T) {
	g.changes = append(g.changes, rollup.Change{User: key.User, Time: key.Time, Channel: s.Channel, By: 1})
	g.records.Add(key, recordValue(g, key, s, content))
}

// putMessage stores a message that is not there yet.
func (g *guildTx) putMessage(m *message) error {
	if m.removed {
		return g.putTrace(m.key, &m.Value)
	}
	put(g, m.key, &m.Value, m.Text)
	return nil
}

// rewrite stores a message that is there, with another log line.
func (g *guildTx) rewrite(m *message) error {
	if m.removed {
		return g.putTrace(m.key, &m.Value)
	}
	if err := g.openMessage(m); err != nil {
		return err
	}
	return g.records.Replace(m.key, recordValue(g, m.key, &m.Value, m.Text))
}

// remove deletes a record.
func (g *guildTx) remove(key record.Key) error {
	if err := g.count(nil); err != nil {
		return err
	}
	if len(g.records.AddedBetween(key, key)) == 0 {
		g.removedFrom[key.User] = true
	}
	b := key.Append(nil)
	s, err := record.Read(b, g.records.Get(b), key.Time)
	if err != nil {
		return err
	}
	g.changes = append(g.changes, rollup.Change{User: key.User, Time: key.Time, Channel: s.Channel, By: -1})
	return g.records.Replace(key, nil)
}

// recordValue makes the value of a record, with its checksum.
func recordValue[T string | []byte](g *guildTx, key record.Key, s *record.Value, content T) []byte {
	size := len(content) + len(s.More) + len(s.Line.Text)
	if size > 0 {
		g.info.texts = min(g.info.texts, key.Time)
	}
	b := record.Append(g.w.arena.Alloc(record.Overhead+size), g.texts, key, s, content)
	return kv.Seal(b[:record.KeySize], b[record.KeySize:])
}
