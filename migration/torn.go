package migration

import (
	"strings"

	"rollcall/internal/ndjson"
)

// recordStart is how the bot began each record. A full disk, a kill or a loss of power
// leaves a line without its end, or zeros, and the next record behind it. Within a text
// quotes are escaped, so in a malformed line this can only be where a record starts (or
// within something that nobody wrote, which is malformed either way). Whoever reads logs, the migration or Scrub, finds records by it alone.
const recordStart = `{"timestamp":"`

// linesFrom returns a reader of a file's lines from an offset on.
func linesFrom(src *ndjson.File, offset int64) (*ndjson.Reader, error) {
	lines, err := src.Lines(offset)
	if err == nil {
		lines.PartLong(recordStart)
	}
	return lines, err
}

// partTorn parts a malformed line before the last record that starts in it: torn is
// malformed as a whole, record is a line of its own. ok is false if there is no such record.
func partTorn(line ndjson.Line) (torn, record ndjson.Line, ok bool) {
	i := strings.LastIndex(line.Text, recordStart)
	if i <= 0 {
		return torn, record, false
	}
	at := line.Offset + int64(i)
	torn = ndjson.Line{Text: line.Text[:i], Offset: line.Offset, End: at}
	record = line
	record.Text, record.Offset = line.Text[i:], at
	return torn, record, true
}
