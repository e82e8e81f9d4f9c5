package migration

import (
	"context"
	"io"
	"math"
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
	// undone is what of that does not count any more.
	undone store.Counts
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

// fileImport is a file while it is taken in.
type fileImport struct {
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
	// reread is where the part of the file begins whose malformed lines are listed anew
	// with the step; -1 if none have been listed.
	reread int64
}

// take takes in what a file has to give. done is called when it has been read to
// its end and is of an earlier day, and returns the days that are done thereby.
//
// whole says that this was so, gave that a step was handed on. The error is
// only what must stop the pass: trouble with the file is reported.
func (p *pass) take(ctx context.Context, g *guild, j job, seen map[store.ID]bool, done func() []store.GuildDay) (whole, gave bool, err error) {
	src, err := ndjson.Open(ctx, j.real)
	if err != nil {
		return false, false, p.failed(ctx, &j, err, false)
	}
	defer src.Close()
	t := &fileImport{pass: p, job: j, guild: g, seen: seen, src: src, channels: map[string]store.Channel{}}
	trouble, err := t.resume(ctx)
	if err == nil && trouble == nil {
		trouble, err = t.read(ctx)
	}
	switch {
	case err != nil:
		return false, t.begun, err
	case trouble != nil:
		return false, t.begun, p.failed(ctx, &j, trouble, t.begun)
	}
	p.report.fine(j.path)
	if !j.past {
		p.markExhausted(&j)
		return false, t.begun, nil
	}
	t.step.batch.File.Complete = true
	t.step.batch.Done = done()
	return true, true, t.emitStep(ctx)
}

func (t *fileImport) see(guild store.ID) {
	if t.seen != nil && len(t.seen) < guildLimit {
		t.seen[guild] = true
	}
}

// read takes in line after line. trouble is what is wrong with the file; the
// lines before it have been handed on.
func (t *fileImport) read(ctx context.Context) (trouble, err error) {
	for {
		line, err := t.lines.Next()
		switch {
		case err != nil && err != io.EOF:
			return err, t.emitRest(ctx)
		case err == io.EOF && t.past:
			return nil, nil // the last step is for the caller to complete
		case err == io.EOF, !line.Finished && !t.past: // not a line yet
			return nil, t.emitRest(ctx)
		}
		if t.full() {
			if err := t.emitStep(ctx); err != nil {
				return nil, err
			}
		}
		if err := t.add(line); err != nil {
			return err, t.emitRest(ctx)
		}
	}
}

func (t *fileImport) full() bool {
	return len(t.step.batch.Records) >= t.most || t.step.bytes >= stepBytes
}

// add puts a line into the step. An error says that it cannot yet be told what is to
// be kept of it, so that it and what follows are for a later pass.
func (t *fileImport) add(line ndjson.Line) error {
	r := t.blank(line.Offset)
	outcome, reason, err := t.judge(line, r)
	if err != nil {
		return err
	}
	if outcome == malformed {
		if torn, record, ok := partTorn(line); ok {
			t.move(torn, malformed, reason)
			return t.add(record)
		}
	}
	t.move(line, outcome, reason)
	return nil
}

// blank returns the place in the step for the record of the next line, at an offset.
func (t *fileImport) blank(offset int64) *store.Record {
	if t.step.batch.Records == nil {
		t.step.batch.Records = t.room(offset)
	}
	records := append(t.step.batch.Records, store.Record{})
	t.step.batch.Records = records[:len(records)-1]
	return &records[len(records)-1]
}

// judge returns what a line counts as. A message it puts into r.
func (t *fileImport) judge(line ndjson.Line, r *store.Record) (o outcome, reason string, err error) {
	if line.TooLong {
		return malformed, badLength, nil
	}
	if o, reason = parse(line.Text, t.folder, r); o == message && t.Rules != nil {
		keep, err := t.Rules.Apply(r)
		if err != nil {
			return o, "", err
		}
		if !keep {
			o = skipped
		}
	}
	return o, reason, nil
}

// move goes behind a line, and counts it unless it was counted before.
func (t *fileImport) move(line ndjson.Line, o outcome, reason string) {
	first := line.Offset == t.cursor.Offset-t.cursor.Tail
	file := &t.step.batch.File
	file.Offset, file.Tail = line.End, 0
	if !line.Finished {
		file.Tail = line.End - line.Offset
	}
	t.last, file.LastLen = line.Text, line.End-line.Offset
	t.fresh = true
	switch {
	case !first || t.cursor.Tail == 0 || !t.countedBefore(line, o):
		t.count(line, o, reason)
	case o == malformed && t.before(line) != message:
		t.quarantine(line, reason) // where it is listed anew
	}
}

// count counts a line; the record of a message is the one that blank has returned last.
func (t *fileImport) count(line ndjson.Line, o outcome, reason string) {
	t.step.bytes += line.End - line.Offset
	counts := &t.step.batch.File.Counts
	counts.Lines++
	switch o {
	case message:
		n := len(t.step.batch.Records)
		t.step.batch.Records = t.step.batch.Records[:n+1]
		r := &t.step.batch.Records[n]
		t.see(r.Guild)
		r.Channel = t.channel(r)
		r.Content = t.texts.keep(r.Content)
	case skipped:
		counts.Skipped++
	case malformed:
		counts.Malformed++
		t.quarantine(line, reason)
	}
}

// room returns an empty slice for the records of a step that begins at a place of
// the file. Where that is compressed, it may have to grow.
func (t *fileImport) room(offset int64) []store.Record {
	if spare, ok := t.spare.Get().(*[]store.Record); ok {
		return *spare
	}
	return make([]store.Record, 0, min(1+max(0, t.size-offset)/usualLine, int64(t.most)))
}

// channel returns the channel of a line, with its id where that is known.
func (t *fileImport) channel(r *store.Record) store.Channel {
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

func (t *fileImport) quarantine(line ndjson.Line, reason string) {
	b := &t.step.batch
	q := store.Quarantined{File: t.path, Offset: line.Offset, Reason: reason}
	if len(b.Quarantine) < stepQuarantine {
		b.Quarantine = append(b.Quarantine, q)
	}
	t.report.malformed(q)
}

// spans returns a part of the file under each of the names that it may have had.
func (t *fileImport) spans(from, to int64) (spans []store.LogSpan) {
	for _, suffix := range suffixes {
		spans = append(spans, store.LogSpan{File: t.key + suffix, From: from, To: to})
	}
	return spans
}

// emitRest hands on what was taken in since the last step, if anything.
func (t *fileImport) emitRest(ctx context.Context) error {
	if !t.fresh {
		return nil
	}
	return t.emitStep(ctx)
}

// emitStep hands the step on and begins the next one.
func (t *fileImport) emitStep(ctx context.Context) error {
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
	if t.reread >= 0 {
		t.step.batch.Reread = t.spans(t.reread, math.MaxInt64)
		t.reread = -1
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
