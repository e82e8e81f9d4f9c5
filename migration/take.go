package migration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

const (
	// stepBytes is how many bytes of lines one step may hold, besides its last
	// line: it bounds the memory of long messages and of files without any.
	stepBytes = 32 << 20
	// stepQuarantine is how many malformed lines one step names: the store keeps
	// no more of a file.
	stepQuarantine = 1000
	// guildLimit is how many guilds of the lines of a day are remembered.
	guildLimit = 1000
	// usualLine is the length (bytes) of a short line: how many there may be in what
	// is left of a file.
	usualLine = 256
	// channelLimit is how many channels' names of a file are remembered.
	channelLimit = 1000
)

// step is what is committed at once, or says what has come to an end.
type step struct {
	// batch is to be imported, except that its File.Counts are those of its own
	// lines alone: how the messages of the steps before it counted only whoever
	// imports them knows.
	batch store.LogBatch
	// before is set in the first step of a file: what was counted in it until now.
	before *store.Counts
	bytes  int64 // of the lines, decompressed
	disk   int64 // bytes read from the disk for them
	end    *ending
}

// ending is the end of a day of a guild, or with no date of what a guild has.
type ending struct {
	guild *guild
	date  string
	whole bool         // all of the day's files have been read to their ends
	rest  store.Counts // of the day's files that had nothing more to read
}

// taking is a file while it is taken in.
type taking struct {
	*pass
	job
	guild *guild
	// seen gathers the guilds of the lines where the folder's name does not tell.
	seen     map[store.ID]bool
	src      *ndjson.File
	lines    *ndjson.Reader
	texts    texts
	channels map[string]store.Channel // of the guild, by the names in the lines
	step     step                     // what is gathered; its cursor is behind the last line
	last     string                   // text of that line
	disk     int64                    // bytes read from the disk for earlier steps
	fresh    bool                     // the step holds lines
	begun    bool                     // a step was handed on
}

// take takes in what a file has to give. done is called when it has been read to
// its end and is of an earlier day, and returns the days that are done thereby.
//
// whole says that this was so, gave that a step was handed on. The error is
// only what must stop the pass: trouble with the file is reported.
func (p *pass) take(ctx context.Context, g *guild, j job, seen map[store.ID]bool, done func() []store.GuildDay) (whole, gave bool, err error) {
	src, err := ndjson.Open(ctx, j.real)
	if err != nil {
		return false, false, p.failed(ctx, &j, err)
	}
	defer src.Close()
	t := &taking{pass: p, job: j, guild: g, seen: seen, src: src, channels: map[string]store.Channel{}}
	if err := t.resume(); err != nil {
		return false, false, p.failed(ctx, &j, err)
	}
	trouble, err := t.read(ctx)
	switch {
	case err != nil:
		return false, t.begun, err
	case trouble != nil:
		return false, t.begun, p.failed(ctx, &j, trouble)
	}
	p.report.fine(j.path)
	if !j.past {
		p.settle(&j)
		return false, t.begun, nil
	}
	t.step.batch.File.Complete = true
	t.step.batch.Done = done()
	return true, true, t.hand(ctx)
}

// failed reports trouble with a file, unless it is the end of ctx.
func (m *migration) failed(ctx context.Context, j *job, trouble error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.report.trouble(j.path, trouble)
	if errors.Is(trouble, ndjson.ErrCorrupt) {
		m.settle(j) // reading it again would find the same
	}
	return nil
}

// resume goes behind the lines that have been taken in before: to the start, if
// this is another file by now.
func (t *taking) resume() error {
	err := t.goOn()
	if errors.Is(err, ndjson.ErrShort) {
		t.Log.Info("a log was replaced; it is read again from its start", "path", t.path)
		t.cursor = store.LogFile{}
		t.lines, err = t.src.Lines(0)
	}
	if err != nil {
		return err
	}
	t.step.before = &t.cursor.Counts
	t.step.batch.File = t.place()
	return nil
}

// place returns a cursor of what the file looks like now.
func (t *taking) place() store.LogFile {
	info, head := t.src.Info(), t.src.Head()
	f := store.LogFile{
		Key: t.key, Path: t.path, Offset: t.cursor.Offset - t.cursor.Tail,
		Size: info.Size(), Modified: info.ModTime().UnixNano(),
		Start: fingerprint(head), StartLen: int64(len(head)),
	}
	if t.cursor.Tail == 0 {
		f.Last, f.LastLen = t.cursor.Last, t.cursor.LastLen
	}
	return f
}

func fingerprint(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}

// goOn goes to where the cursor says. The error is ErrShort if the file does
// not reach that far, starts with something else or has something else there.
func (t *taking) goOn() (err error) {
	c, head := &t.cursor, t.src.Head()
	if c.StartLen > int64(len(head)) || c.StartLen > 0 && !bytes.Equal(c.Start, fingerprint(head[:c.StartLen])) {
		return ndjson.ErrShort
	}
	if t.lines, err = t.src.Lines(c.Offset - c.LastLen); err != nil || c.Offset == 0 {
		return err
	}
	if err := t.passLast(); err != nil {
		return err
	}
	start := c.Offset - c.Tail
	named := t.past && t.seen != nil && !t.guild.emergency
	if named {
		err = t.seeUpTo(start)
	}
	if err == nil && (named || start < c.Offset) {
		t.lines, err = t.src.Lines(start)
	}
	return err
}

// passLast reads the line that was taken in last. A file out of whose middle
// something was cut starts as before, and may by now be as long as before.
func (t *taking) passLast() error {
	c := &t.cursor
	if c.LastLen == 0 {
		return nil
	}
	line, err := t.lines.Next()
	switch {
	case err == io.EOF:
		return ndjson.ErrShort
	case err != nil:
		return err
	case c.Tail > 0: // it had no end then, and may have grown
		if line.Finished {
			line.Text += "\r" // which was no end as long as nothing followed
		}
		line.Text = line.Text[:min(int64(len(line.Text)), c.Tail)]
	case line.End != c.Offset:
		return ndjson.ErrShort
	}
	if !bytes.Equal(c.Last, fingerprint([]byte(line.Text))) {
		return ndjson.ErrShort
	}
	return nil
}

// seeUpTo gathers the guilds of lines that were taken in before.
func (t *taking) seeUpTo(end int64) error {
	lines, err := t.src.Lines(0)
	for err == nil {
		var line ndjson.Line
		if line, err = lines.Next(); err == nil && line.Offset >= end {
			return nil
		}
		var r store.Record
		if outcome, _ := parse(line.Text, t.folder, &r); err == nil && outcome == message {
			t.see(r.Guild)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return err
}

func (t *taking) see(guild store.ID) {
	if t.seen != nil && len(t.seen) < guildLimit {
		t.seen[guild] = true
	}
}

// read takes in line after line. trouble is what is wrong with the file; the
// lines before it have been handed on.
func (t *taking) read(ctx context.Context) (trouble, err error) {
	for {
		line, err := t.lines.Next()
		switch {
		case err != nil && err != io.EOF:
			return err, t.handRest(ctx)
		case err == io.EOF && t.past:
			return nil, nil // the last step is for the caller to complete
		case err == io.EOF, !line.Finished && !t.past: // not a line yet
			return nil, t.handRest(ctx)
		}
		if t.full() {
			if err := t.hand(ctx); err != nil {
				return nil, err
			}
		}
		if err := t.add(line); err != nil {
			return err, t.handRest(ctx)
		}
	}
}

func (t *taking) full() bool {
	return len(t.step.batch.Records) >= t.most || t.step.bytes >= stepBytes
}

// add puts a line into the step. An error says that it cannot yet be told what is to
// be kept of it, so that it and what follows are for a later pass.
func (t *taking) add(line ndjson.Line) error {
	if t.step.batch.Records == nil {
		t.step.batch.Records = t.room(line.Offset)
	}
	records := append(t.step.batch.Records, store.Record{})
	r := &records[len(records)-1]
	outcome, reason := malformed, badLength
	if !line.TooLong {
		outcome, reason = parse(line.Text, t.folder, r)
	}
	if outcome == message && t.Rules != nil {
		keep, err := t.Rules.Apply(r)
		if err != nil {
			return err
		}
		if !keep {
			outcome = skipped
		}
	}
	first := line.Offset == t.cursor.Offset-t.cursor.Tail
	file := &t.step.batch.File
	file.Offset, file.Tail = line.End, 0
	if !line.Finished {
		file.Tail = line.End - line.Offset
	}
	t.last, file.LastLen = line.Text, line.End-line.Offset
	t.fresh = true
	if first && t.cursor.Tail > 0 && t.countedBefore(line) {
		return nil
	}
	t.step.bytes += line.End - line.Offset
	file.Counts.Lines++
	switch outcome {
	case message:
		t.see(r.Guild)
		r.Channel = t.channel(r)
		r.Content = t.texts.keep(r.Content)
		t.step.batch.Records = records
	case skipped:
		file.Counts.Skipped++
	case malformed:
		t.quarantine(line, reason)
	}
	return nil
}

// room returns an empty slice for the records of a step that begins at a place of
// the file. Where that is compressed, it may have to grow.
func (t *taking) room(offset int64) []store.Record {
	if spare, ok := t.spare.Get().(*[]store.Record); ok {
		return *spare
	}
	return make([]store.Record, 0, min(1+max(0, t.size-offset)/usualLine, int64(t.most)))
}

// channel returns the channel of a line, with its id where that is known.
func (t *taking) channel(r *store.Record) store.Channel {
	c := store.Channel{Name: r.Channel.Name}
	if r.Guild != t.guild.id || c.Name == unknownChannel {
		c.Name = t.texts.keep(c.Name)
		return c
	}
	c, ok := t.channels[r.Channel.Name]
	if !ok {
		if len(t.channels) >= channelLimit {
			clear(t.channels)
		}
		c.Name = strings.Clone(r.Channel.Name)
		c.ID = t.guild.channels[c.Name]
		t.channels[c.Name] = c
	}
	return c
}

func (t *taking) quarantine(line ndjson.Line, reason string) {
	b := &t.step.batch
	b.File.Counts.Malformed++
	q := store.Quarantined{File: t.path, Offset: line.Offset, Reason: reason}
	if len(b.Quarantine) < stepQuarantine {
		b.Quarantine = append(b.Quarantine, q)
	}
	t.report.malformed(q)
}

// countedBefore says whether a line that was read before without its end needs
// no counting now: it has only been ended since, or it was a message then, which
// stays one. If it has grown otherwise, what it counted as is taken back.
func (t *taking) countedBefore(line ndjson.Line) bool {
	size := line.End - line.Offset
	if line.Finished {
		size--
	}
	was := malformed
	if tail := t.cursor.Tail; size > tail && tail <= int64(len(line.Text)) {
		was, _ = parse(line.Text[:tail], t.folder, new(store.Record))
	}
	if size <= t.cursor.Tail || was == message {
		return true
	}
	before := t.step.before
	before.Lines--
	if was == skipped {
		before.Skipped--
	} else {
		before.Malformed--
	}
	return false
}

// handRest hands on what was taken in since the last step, if anything.
func (t *taking) handRest(ctx context.Context) error {
	if !t.fresh {
		return nil
	}
	return t.hand(ctx)
}

// hand hands the step on and begins the next one.
func (t *taking) hand(ctx context.Context) error {
	t.step.disk = t.src.DiskBytes() - t.disk
	t.disk += t.step.disk
	file := &t.step.batch.File
	if t.path == t.key { // not compressed: it may have grown while it was read
		file.Size = max(file.Size, file.Offset)
	}
	if t.fresh {
		file.Last = fingerprint([]byte(t.last))
		t.last = ""
	}
	if err := t.emit(ctx, t.step); err != nil {
		return err
	}
	t.begun, t.fresh = true, false
	next := t.step.batch.File
	next.Counts = store.Counts{}
	t.step = step{batch: store.LogBatch{File: next}}
	return nil
}
