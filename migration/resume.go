package migration

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// failed reports trouble with a file, unless it is the end of ctx. A damaged one is
// not complete, even if it was before; told says that its cursor says so already.
func (p *pass) failed(ctx context.Context, j *job, trouble error, told bool) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.report.incomplete(j.path, trouble)
	if !errors.Is(trouble, ndjson.ErrCorrupt) && !errors.Is(trouble, ndjson.ErrWindow) {
		return nil
	}
	p.markExhausted(j) // reading it again would find the same
	c := j.cursor
	if told || c.Key != "" && !c.Complete && c.Size == j.size && c.Modified == j.modified {
		return nil
	}
	c.Key, c.Path, c.Size, c.Modified, c.Complete = j.key, j.path, j.size, j.modified, false
	before := c.Counts
	c.Counts = store.Counts{}
	return p.emit(ctx, step{batch: store.LogBatch{File: c}, before: &before})
}

// resume goes behind the lines that have been taken in before: to the start, if
// this is another file by now. trouble and err are as those of read.
func (t *fileImport) resume(ctx context.Context) (trouble, err error) {
	t.reread = -1
	known := t.cursor.Key != ""
	trouble = t.goOn()
	if errors.Is(trouble, ndjson.ErrShort) {
		t.Log.Info("a log was replaced; it is read again from its start", "path", t.path)
		t.cursor = store.LogFile{}
		t.lines, trouble = linesFrom(t.src, 0)
	}
	if trouble != nil {
		return trouble, nil
	}
	t.step.before = &t.cursor.Counts
	if known && t.outdated {
		if trouble, err = t.lookAgain(ctx); trouble != nil || err != nil {
			return trouble, err
		}
	}
	t.step.batch.File = t.place()
	if known {
		t.reread = t.step.batch.File.Offset
	}
	return nil, nil
}

// place returns a cursor of what the file looks like now.
func (t *fileImport) place() store.LogFile {
	info, head := t.src.Info(), t.src.Head()
	f := store.LogFile{
		Key: t.key, Path: t.path, Offset: t.cursor.Offset - t.cursor.Tail,
		Size: info.Size(), Modified: info.ModTime().UnixNano(),
		Start: fingerprint(head), StartLen: int64(len(head)), Edition: edition,
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
func (t *fileImport) goOn() (err error) {
	c, head := &t.cursor, t.src.Head()
	if c.StartLen > int64(len(head)) || c.StartLen > 0 && !bytes.Equal(c.Start, fingerprint(head[:c.StartLen])) {
		return ndjson.ErrShort
	}
	if t.lines, err = linesFrom(t.src, c.Offset-c.LastLen); err != nil || c.Offset == 0 {
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
		t.lines, err = linesFrom(t.src, start)
	}
	return err
}

// passLast reads the line that was taken in last. A file out of whose middle
// something was cut starts as before, and may by now be as long as before.
func (t *fileImport) passLast() error {
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
func (t *fileImport) seeUpTo(end int64) error {
	lines, err := linesFrom(t.src, 0)
	for err == nil {
		var line ndjson.Line
		if line, err = lines.Next(); err == nil && line.Offset >= end {
			return nil
		}
		var r store.Record
		outcome, _ := parse(line.Text, t.folder, &r)
		if _, record, ok := partTorn(line); ok && outcome == malformed {
			outcome, _ = parse(record.Text, t.folder, &r)
		}
		if err == nil && outcome == message {
			t.see(r.Guild)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return err
}

// countedBefore reports whether a line that was read before without its end needs
// no counting as o now: it has only been ended since, or it was a message then, which
// stays one. If it has grown otherwise, or was blank until a record was glued to it,
// what it counted as is taken back.
func (t *fileImport) countedBefore(line ndjson.Line, o outcome) bool {
	size := line.End - line.Offset
	if line.Finished {
		size--
	}
	was := t.before(line)
	glued := was == skipped && o == malformed
	if was == message || size <= t.cursor.Tail && !glued {
		return true
	}
	t.step.undone.Lines++
	if was == skipped {
		t.step.undone.Skipped++
	} else {
		t.step.undone.Malformed++
	}
	return false
}

// before returns what such a line counted as when it was read without its end.
func (t *fileImport) before(line ndjson.Line) outcome {
	tail := t.cursor.Tail
	if tail > int64(len(line.Text)) {
		return malformed // too long, or as it was
	}
	was, _ := parse(line.Text[:tail], t.folder, new(store.Record))
	return was
}
