package migration

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// found is what a file holds of a person.
type found struct {
	*scrubber
	folder store.ID // the guild that the file's folder belongs to
	lines  int64
	cuts   []cut
	left   int64 // lines of which nobody can tell whose they are
	leftAt int64 // where the first of them starts
	inLine int64 // bytes of the present line that are cut
	long   []cut // lines that are too long to be looked at
}

// read looks through a file.
func (f *found) read(name string) error {
	src, err := ndjson.Open(f.ctx, name)
	if err != nil {
		return err
	}
	defer src.Close()
	lines, err := linesFrom(src, 0)
	for err == nil {
		var line ndjson.Line
		if line, err = lines.Next(); err == nil {
			f.line(line)
		}
	}
	if errors.Is(err, ndjson.ErrCorrupt) {
		return fmt.Errorf("it is damaged and cannot be read to its end: %w", err)
	}
	if err != io.EOF {
		return err
	}
	return f.readLong(src)
}

// line finds what of a line is the person's. A line of which something is left keeps its
// end, or what is left would become one with the next line.
func (f *found) line(line ndjson.Line) {
	if line.TooLong {
		f.long = append(f.long, cut{line.Offset, line.End})
		return
	}
	if !strings.Contains(line.Text, f.digits) && !strings.Contains(line.Text, `\u00`) {
		return
	}
	f.inLine = 0
	var whole fields
	if whole.read(line.Text) == "" {
		f.object(line.Text, line.Offset, &whole)
	} else {
		for start, text := range recordsIn(line.Text) {
			at := line.Offset + int64(start)
			var part fields
			if part.read(text) == "" {
				f.object(text, at, &part)
			} else {
				f.fragment(text, at)
			}
		}
	}
	if f.inLine > 0 && f.inLine == int64(len(line.Text)) && !line.Parted {
		f.cuts[len(f.cuts)-1].to = line.End
	}
}

// recordsIn returns the parts of a line, each but perhaps the first one beginning where a
// record starts, by their places in it.
func recordsIn(line string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for at := 0; at < len(line); {
			end := len(line)
			if next := strings.Index(line[at+1:], recordStart); next >= 0 {
				end = at + 1 + next
			}
			if !yield(at, line[at:end]) {
				return
			}
			at = end
		}
	}
}

// object decides about a JSON object.
func (f *found) object(text string, at int64, o *fields) {
	theirs := f.isTheirs(o.user.text())
	if o.user.kind == other || o.manyUsers && !theirs {
		// A number, which the migration does not take for an id; or the rest of somebody's
		// record behind the start of theirs, which may have something that they said.
		theirs, _ = f.owners(text)
	}
	if !theirs {
		return
	}
	if f.Person.Guild == 0 || o.guild(f.folder) == f.Person.Guild {
		f.lines++
		f.cut(at, at+int64(len(text)))
	}
}

// fragment decides about a part of a line that is no JSON object. Zeros in it are where
// something else was to be written: what is on their two sides may be of two records.
// What has no user_id of its own goes with what comes before it, as the text does with
// the start of its record.
func (f *found) fragment(text string, at int64) {
	theirs, others := f.owners(text)
	switch {
	case !theirs:
		if !others && f.mayBeTheirs(text) {
			f.leave(at)
		}
		return
	case f.Person.Guild != 0:
		guild := f.folder
		for id := range values(text, "server_id") {
			if id, err := store.ParseID(id); err == nil {
				guild = id // the last one is that in extra
			}
		}
		if guild == 0 {
			f.leave(at)
		}
		if guild != f.Person.Guild {
			return
		}
	}
	f.lines++
	if !others {
		f.cut(at, at+int64(len(text)))
		return
	}
	going := false
	for start, piece := range piecesOf(text) {
		if theirs, others := f.owners(piece); theirs || others {
			going = theirs
		}
		if going {
			f.cut(at+int64(start), at+int64(start+len(piece)))
		}
	}
}

// mayBeTheirs reports whether a fragment without a user_id that can be read may be of a
// record of the person's all the same.
func (f *found) mayBeTheirs(text string) bool {
	isRecord := strings.Contains(text, "user_id") || strings.Contains(text, `"message":`)
	return isRecord && holdsNumber(text, f.digits)
}

// piecesOf returns what stands between zeros, by its place.
func piecesOf(text string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		at := 0
		for piece := range strings.SplitSeq(text, "\x00") {
			if piece != "" && !yield(at, piece) {
				return
			}
			at += len(piece) + 1
		}
	}
}

// owners reports whether a part of a line names the person in a user_id, and whether it
// names anybody else.
func (f *found) owners(text string) (theirs, others bool) {
	for id := range values(text, "user_id") {
		if f.isTheirs(id) {
			theirs = true
		} else {
			others = true
		}
	}
	return theirs, others
}

// isTheirs reports whether a user_id is the person's, though it may be written as a mention.
func (f *found) isTheirs(id string) bool {
	user, err := store.ParseID(strings.Trim(id, " \t<@!>"))
	return err == nil && user == f.Person.User
}

// values returns the texts and numbers that a key has, wherever it stands: within a text
// its quotes would be escaped. The last one may be cut off.
func values(s, key string) iter.Seq[string] {
	key = `"` + key + `"`
	return func(yield func(string) bool) {
		for {
			i := strings.Index(s, key)
			if i < 0 {
				return
			}
			s = s[i+len(key):]
			if i = skipSpace(s, 0); i == len(s) || s[i] != ':' {
				continue
			}
			if s = s[skipSpace(s, i+1):]; s == "" {
				return
			}
			v := value{kind: text, raw: s[:skipDigits(s, 0)]}
			if s[0] == '"' {
				s = s[1:]
				end, marks := scanString(s, 0)
				if end >= 0 {
					v = value{text, marks, s[:end]}
				} else {
					v.raw = s[:skipDigits(s, 0)]
				}
			}
			if !yield(v.text()) {
				return
			}
			s = s[len(v.raw):]
		}
	}
}

// holdsNumber reports whether a number stands in s, not as a part of a longer one.
func holdsNumber(s, digits string) bool {
	isDigit := func(i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for at := 0; ; {
		i := strings.Index(s[at:], digits)
		if i < 0 {
			return false
		}
		i += at
		if !isDigit(i-1) && !isDigit(i+len(digits)) {
			return true
		}
		at = i + 1
	}
}

// cut takes out a part of the present line.
func (f *found) cut(from, to int64) {
	f.inLine += to - from
	if last := len(f.cuts) - 1; last >= 0 && f.cuts[last].to == from {
		f.cuts[last].to = to
		return
	}
	f.cuts = append(f.cuts, cut{from, to})
}

// leave counts a line that stays, though it may be the person's.
func (f *found) leave(at int64) {
	if f.left++; f.left == 1 || at < f.leftAt {
		f.leftAt = at
	}
}

// readLong looks through the lines that are too long. What the migration never takes in
// is no record, but it may be what they said.
func (f *found) readLong(src *ndjson.File) error {
	if len(f.long) == 0 {
		return nil
	}
	from, err := src.Reader()
	if err != nil {
		return err
	}
	at := int64(0)
	for _, line := range f.long {
		if _, err := io.CopyN(io.Discard, from, line.from-at); err != nil {
			return err
		}
		look := longLine{found: f}
		if _, err := io.CopyN(&look, from, line.to-line.from); err != nil {
			return err
		}
		look.pass(0)
		switch {
		case look.theirs && !look.others && f.Person.Guild == 0:
			f.lines++
			f.cuts = append(f.cuts, line)
		case look.theirs, look.spoken && !look.others:
			f.leave(line.from)
		}
		at = line.to
	}
	slices.SortFunc(f.cuts, func(a, b cut) int { return cmp.Compare(a.from, b.from) })
	return nil
}

// longLine looks for people in a line that goes by.
type longLine struct {
	*found
	text                   []byte // what did not pass yet
	theirs, others, spoken bool   // the person's user_id, other ones, and their id anywhere
}

// longKey is more than a user_id takes with its key, in bytes.
const longKey = 64

func (l *longLine) Write(p []byte) (int, error) {
	l.text = append(l.text, p...)
	l.pass(longKey)
	return len(p), nil
}

// pass looks at what begins before the last bytes, which stay.
func (l *longLine) pass(keep int) {
	end := max(0, len(l.text)-keep)
	l.spoken = l.spoken || bytes.Contains(l.text, []byte(l.digits))
	for at := 0; ; at++ {
		i := bytes.Index(l.text[at:], []byte(`"user_id"`))
		if at += i; i < 0 || at >= end {
			break
		}
		theirs, others := l.owners(string(l.text[at:min(at+longKey, len(l.text))]))
		l.theirs, l.others = l.theirs || theirs, l.others || others
	}
	l.text = append(l.text[:0], l.text[end:]...)
}
