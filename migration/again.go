package migration

import (
	"context"
	"io"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// edition is that of the rules by which lines are counted. 1: a record behind a torn
// line is a line, a byte order mark at a file's start is none, and so are the bare words
// of Python. Lines that an earlier edition has counted as malformed are looked at again.
const edition = 1

// isOutdated reports whether there may be more in what was read of a file, or less of it
// in the quarantine. Only malformed lines can count otherwise by now. Their file is looked
// through once, and what was no malformed line is left as it was: it may have been
// forgotten since, or removed, and shall not come back.
func (m *migration) isOutdated(ctx context.Context, c *store.LogFile) (bool, error) {
	if c.Key == "" || c.Edition >= edition {
		return false, nil
	}
	if m.listed == nil {
		lines, err := m.Store.Quarantine(ctx)
		if err != nil {
			return false, err
		}
		m.listed = map[string]bool{}
		for _, q := range lines {
			key, _ := ndjson.TrimExt(q.File)
			m.listed[key] = true
		}
	}
	return c.Counts.Malformed > 0 || m.listed[c.Key], nil
}

// lookAgain looks again at what an earlier edition has read of the file, takes in what
// that did not understand, and lists the malformed lines anew. trouble and err are as
// those of read.
func (t *fileImport) lookAgain(ctx context.Context) (trouble, err error) {
	from, end := t.cursor.Again, t.cursor.Offset-t.cursor.Tail
	lines, trouble := linesFrom(t.src, from)
	if trouble != nil {
		return trouble, nil
	}
	file := &t.step.batch.File
	*file, file.Counts = t.cursor, store.Counts{} // those until now are in step.before
	flush := func(to int64) error {
		file.Again = to
		t.step.batch.Reread = t.spans(from, to)
		from = to
		return t.emitStep(ctx)
	}
	first, looked := true, int64(0)
	for {
		line, err := lines.Next()
		if err == io.EOF || err == nil && line.Offset >= end {
			break
		}
		if err != nil {
			return err, nil
		}
		if looked += line.End - line.Offset; t.full() || looked >= stepBytes {
			if err := flush(line.Offset); err != nil {
				return nil, err
			}
			looked = 0
		}
		if trouble := t.recount(line, first && line.Offset > from); trouble != nil {
			return trouble, nil
		}
		first = false
	}
	file.Edition = edition
	if err := flush(end); err != nil {
		return nil, err
	}
	t.cursor.Edition, t.outdated = edition, false
	t.lines, trouble = linesFrom(t.src, end) // the file was taken away from those before
	return trouble, nil
}

// recount looks at a line that was counted by an earlier edition; marked says that a
// byte order mark stands before it.
func (t *fileImport) recount(line ndjson.Line, marked bool) error {
	r := t.blank(line.Offset)
	o, reason, err := t.judge(line, r)
	if err != nil {
		return err
	}
	torn, record, ok := partTorn(line)
	switch {
	case ok && o == malformed: // one malformed line, and now another line behind it
		t.quarantine(torn, reason)
		o, reason, err = t.judge(record, t.blank(record.Offset))
		if err != nil {
			return err
		}
		t.count(record, o, reason)
	case line.Parted: // the same, of one that is too long
		t.count(line, o, reason)
	case o == malformed:
		t.quarantine(line, reason)
	case marked || hasBareWords(line.Text): // it was malformed
		t.step.undone.Lines++
		t.step.undone.Malformed++
		t.count(line, o, reason)
	}
	return nil
}

// hasBareWords reports whether a line that is a JSON object has words of Python in it.
func hasBareWords(line string) bool {
	if !strings.Contains(line, "NaN") && !strings.Contains(line, "Infinity") {
		return false
	}
	var f fields
	return f.read(line) == "" && f.bare > 0
}
