package migration

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"rollcall/store"
)

// pieces makes a file of a fuzzer's bytes: each chooses a piece, and whose says by its bits
// which of them are of user 7, the others being of user 5.
func pieces(choice []byte, whose uint64) string {
	contents := []string{`"one"`, `"two"`, `"with {\"timestamp\":\" and \"user_id\":\"7\" in it"`, `"\u0000\n"`}
	var b strings.Builder
	for i, c := range choice[:min(len(choice), 40)] {
		n := int(c >> 4)
		record := strings.NewReplacer(`"hi"`, contents[n%len(contents)], "06:30:00", fmt.Sprintf("06:30:%02d", n), aUser, fmt.Sprint(5+2*(whose>>(i%64)&1))).Replace(usual)
		switch c & 15 {
		case 0, 1, 2:
			b.WriteString(record + "\n")
		case 3:
			b.WriteString(record)
		case 4, 5:
			b.WriteString(record[:1+(int(c)*7+i*31)%(len(record)-1)])
		case 6:
			b.WriteString(strings.Repeat("\x00", 1+n))
		case 7:
			b.WriteString("\ufeff")
		case 8:
			b.WriteString("\n")
		case 9:
			b.WriteString("\r\n")
		case 10:
			b.WriteString(strings.Replace(record, `"trace_id":null`, `"trace_id":NaN,"x":[Infinity,-Infinity]`, 1) + "\n")
		case 11:
			b.WriteString(`{"action":"other"}` + "\n")
		case 12:
			b.WriteString(record[(int(c)*13+i*17)%len(record):])
		case 13:
			b.WriteString(" ")
		case 14:
			b.WriteString("garbage{}")
		case 15:
			b.WriteString(record + "\r\n")
		}
	}
	return b.String()
}

// read is what was read of a file. Duplicates, which only the store finds, are messages.
type read struct {
	counts     store.Counts
	records    []store.Record
	quarantine []int64
}

// model is what LOG-FORMAT makes of a file of an earlier day, said the obvious way: a line
// that is malformed ends where a record starts last.
func model(text string) (m read) {
	const folder = 777
	count := func(o outcome, r store.Record, at int) {
		m.counts.Lines++
		switch o {
		case message:
			m.counts.Messages++
			m.records = append(m.records, r)
		case skipped:
			m.counts.Skipped++
		default:
			m.counts.Malformed++
			m.quarantine = append(m.quarantine, int64(at))
		}
	}
	at := 0
	if strings.HasPrefix(text, "\ufeff") {
		at = len("\ufeff")
	}
	for at < len(text) {
		line, _, ended := strings.Cut(text[at:], "\n")
		next := at + len(line)
		if ended {
			next++
			line = strings.TrimSuffix(line, "\r")
		}
		o, r := oracle(line, folder)
		if i := strings.LastIndex(line, `{"timestamp":"`); o == malformed && i > 0 {
			count(malformed, r, at)
			at += i
			o, r = oracle(line[i:], folder)
		}
		count(o, r, at)
		at = next
	}
	return m
}

// takeIn reads a file on from a cursor, and adds what it gave to what was read before, as
// the store does.
func takeIn(t *testing.T, name string, past bool, c store.LogFile, before read) (store.LogFile, read) {
	t.Helper()
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	m := newMigration(Options{Log: slog.New(slog.DiscardHandler)})
	p := &pass{migration: m, walk: &walk{}, most: 3}
	p.emit = func(_ context.Context, s step) error {
		if s.before != nil {
			before.counts = *s.before
		}
		f := s.batch.File
		f.Counts.Messages += int64(len(s.batch.Records))
		f.Counts.Add(before.counts)
		f.Counts.Lines -= s.undone.Lines
		f.Counts.Skipped -= s.undone.Skipped
		f.Counts.Malformed -= s.undone.Malformed
		c, before.counts = f, f.Counts
		before.records = append(before.records, s.batch.Records...)
		for _, span := range s.batch.Reread {
			before.quarantine = slices.DeleteFunc(before.quarantine, func(at int64) bool {
				return span.File == f.Path && at >= span.From && at < span.To
			})
		}
		for _, q := range s.batch.Quarantine {
			before.quarantine = append(before.quarantine, q.Offset)
		}
		return nil
	}
	path := filepath.Base(name)
	key := strings.TrimSuffix(strings.TrimSuffix(path, ".gz"), ".zst")
	j := job{logFile: logFile{key: key, path: path, real: name, folder: 777, size: info.Size(), modified: info.ModTime().UnixNano()}, past: past, cursor: c}
	whole, _, err := p.take(t.Context(), &guild{}, j, nil, func() []store.GuildDay { return nil })
	if err != nil || whole != past {
		t.Fatalf("read to its end: %t, %v", whole, err)
	}
	slices.Sort(before.quarantine)
	return c, before
}

func seedPieces(f *testing.F, more ...any) {
	for _, seed := range []string{"\x00", "\x04\x00", "\x06\x00\x07\x00", "\x07\x00\x10", "\x04\x14\x24\x00", "\x03\x00", "\x0a\x1a", "\x05\x08\x06\x06\x20\x0c\x30", "\x04\x0f\x0d\x03", "\x0e\x02\x0b\x0c", "\x24\x23\x30", "\x03\x13\x24\x06\x3c\x00"} {
		f.Add(append([]any{[]byte(seed)}, more...)...)
	}
}

// FuzzTorn reads a file of records, torn ones, zeros, byte order marks and words of Python,
// all of it at once and as it grows over midnight: each line counts as the model says, and is
// listed where it is.
func FuzzTorn(f *testing.F) {
	seedPieces(f, uint16(100), uint16(300))
	f.Add([]byte("\x0d\x04"), uint16(1), uint16(1)) // a record is glued to what was blank
	f.Fuzz(func(t *testing.T, choice []byte, a, b uint16) {
		text := pieces(choice, 0)
		want := model(text)
		name := filepath.Join(t.TempDir(), "info.jsonl")
		write := func(end int) {
			if err := os.WriteFile(name, []byte(text[:end]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		check := func(how string, got read) {
			if got.counts != want.counts || !slices.Equal(got.records, want.records) || !slices.Equal(got.quarantine, want.quarantine) {
				t.Errorf("%s: got %+v\nwant %+v\nof %q", how, got, want, text)
			}
		}
		write(len(text))
		_, all := takeIn(t, name, true, store.LogFile{}, read{})
		check("at once", all)

		var c store.LogFile
		var grown read
		first, second := int(a)%(len(text)+1), int(b)%(len(text)+1)
		for _, end := range []int{min(first, second), max(first, second), len(text)} {
			write(end)
			c, grown = takeIn(t, name, false, c, grown)
		}
		_, grown = takeIn(t, name, true, c, grown)
		check("as it grew", grown)

		// Of an earlier day, what has no end is read, too, and taken back if it was nothing
		// yet. Messages stay: nothing that is one at the end may be missing.
		write(first)
		c, grown = takeIn(t, name, true, store.LogFile{}, read{})
		write(len(text))
		_, grown = takeIn(t, name, true, c, grown)
		for _, r := range want.records {
			if !slices.Contains(grown.records, r) {
				t.Errorf("missing: %+v\nof %q, read up to %d first", r, text, first)
			}
		}
		if n := grown.counts; n.Lines != n.Messages+n.Skipped+n.Malformed || n.Malformed < int64(len(grown.quarantine)) {
			t.Errorf("counted %+v, %d in quarantine, of %q, read up to %d first", n, len(grown.quarantine), text, first)
		}
	})
}

// FuzzScrub takes user 7 out of such a file, compressed or not: nothing with their user_id is
// left, every whole line of somebody else is there byte for byte, and so is what is read of them.
func FuzzScrub(f *testing.F) {
	seedPieces(f, uint64(0b1010_1100_0101), uint8(0))
	seedPieces(f, uint64(1), uint8(2))
	f.Fuzz(func(t *testing.T, choice []byte, whose uint64, format uint8) {
		const theirs = `"user_id":"7"`
		text := pieces(choice, whose)
		ext := suffixes[format%3]
		name := filepath.Join(t.TempDir(), "info.jsonl"+ext)
		write := func(text string) {
			file, err := os.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			if err := copyRest(file, strings.NewReader(text), nil, ext); err != nil {
				t.Fatal(err)
			}
		}
		find := func(text string) (string, *found) {
			write(text)
			s := &scrubber{ScrubOptions: ScrubOptions{Person: store.Person{User: 7}}, ctx: t.Context(), digits: "7"}
			found := &found{scrubber: s, folder: 777}
			if err := found.read(name); err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := copyRest(&out, strings.NewReader(text), found.cuts, ""); err != nil {
				t.Fatal(err)
			}
			return out.String(), found
		}
		before := model(text)
		rest, _ := find(text)
		after := model(rest)
		if strings.Contains(rest, theirs) {
			t.Errorf("left in %q of %q", rest, text)
		}
		mixed := model("") // records that begin as one of theirs
		for line := range strings.Lines(text) {
			if i := max(0, strings.LastIndex(line, recordStart)); strings.Contains(line[i:], theirs) {
				mixed.records = append(mixed.records, model(line[i:]).records...)
			}
		}
		for _, r := range before.records {
			if r.User != 7 && !slices.Contains(after.records, r) && !slices.Contains(mixed.records, r) {
				t.Errorf("gone: %+v\nof %q\nleft %q", r, text, rest)
			}
		}
		beside := false // another's record in a line with one of theirs is none until that has gone
		for line := range strings.Lines(text) {
			beside = beside || strings.Contains(line, theirs) && strings.Contains(line, `"user_id":"5"`)
		}
		for _, r := range after.records {
			if r.User == 7 || !beside && !slices.Contains(before.records, r) {
				t.Errorf("came: %+v\nof %q\nleft %q", r, text, rest)
			}
		}
		left := rest
		for line := range strings.Lines(text) {
			if strings.Contains(line, theirs) {
				continue
			}
			var ok bool
			if _, left, ok = strings.Cut(left, line); !ok {
				t.Errorf("the line %q of %q is not in %q", line, text, rest)
				break
			}
		}
		if again, found := find(rest); again != rest || found.lines > 0 {
			t.Errorf("of %q\nleft %q\nthen %q", text, rest, again)
		}
	})
}
