package migration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// ScrubOptions of Scrub.
type ScrubOptions struct {
	Root   string       // as in Options
	Person store.Person // whose lines are looked for
	// Rewrite takes the lines out. Otherwise they are only counted.
	Rewrite bool
	Now     func() time.Time // as in Options
}

// Scrubbed is a file below the root that holds, or held, lines of a person, or that
// could not be looked through.
type Scrubbed struct {
	Path     string `json:"path"`  // below the root, with slashes
	Lines    int64  `json:"lines"` // of the person
	Scrubbed bool   `json:"scrubbed"`
	Note     string `json:"note,omitempty"` // why it was not, if that was asked for
}

// Scrub looks through every .jsonl file below the root (also .gz and .zst, of any
// level and of direct messages) for lines whose user_id is the person's, and takes
// them out if that is asked for. Links are not followed: what they lead to below the
// root is met where it is, and nothing beyond is touched.
//
// A file is replaced as a whole or not at all, and keeps every other byte, its owner
// and its mode. Files of today and later are left alone, because somebody has them
// open to write. The migration notices a file that was rewritten and reads it again,
// which stores nothing twice.
//
// The error is that of ctx, or of a root that cannot be read; trouble with a file is
// in its Note.
func Scrub(ctx context.Context, o ScrubOptions) (files []Scrubbed, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	w, err := begin(o.Root, 0, &reporter{log: slog.New(slog.DiscardHandler), known: map[string]string{}})
	if err != nil {
		return nil, fmt.Errorf("read the logs' folder %q: %w", o.Root, plain(err))
	}
	s := &scrubber{ScrubOptions: o, ctx: ctx, walk: w, names: w.names, today: o.Now().UTC().Format(dateLayout), digits: o.Person.User.String()}
	err = filepath.WalkDir(w.root.real, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		path, _ := w.below(name)
		switch base, _ := ndjson.TrimExt(d.Name()); {
		case err != nil:
			files = append(files, Scrubbed{Path: path, Note: plain(err).Error()})
			return nil
		case d.Type().IsRegular() && halfWritten.MatchString(d.Name()) && o.Rewrite:
			os.Remove(name) // a scrub that was killed has left it; it is in nobody's way
		case d.Type().IsRegular() && strings.HasSuffix(base, ".jsonl"):
			if f := s.file(name, path); f.Lines > 0 || f.Note != "" {
				files = append(files, f)
			}
		}
		return ctx.Err()
	})
	return files, err
}

type scrubber struct {
	ScrubOptions
	ctx    context.Context
	walk   *walk
	names  guildNames
	today  string
	digits string // of the person's id
}

// cut is a part of a file's decompressed bytes.
type cut struct{ from, to int64 }

// file looks through one file.
func (s *scrubber) file(name, path string) Scrubbed {
	f := Scrubbed{Path: path}
	var cuts []cut
	info, err := os.Lstat(name)
	if err == nil {
		f.Lines, cuts, err = s.find(name, s.folder(path))
	}
	switch {
	case err != nil:
		f.Note = plain(err).Error()
	case f.Lines == 0 || !s.Rewrite:
	case latestDate(path) >= s.today:
		f.Note = "it is of today and may still be written to: repeat this after the day is over (UTC)"
	default:
		if err := rewrite(s.ctx, name, info, cuts); err != nil {
			f.Note = plain(err).Error()
		} else {
			f.Scrubbed = true
		}
	}
	return f
}

// folder returns the guild that a file's folder belongs to, 0 if that is not known.
func (s *scrubber) folder(path string) store.ID {
	top, _, _ := strings.Cut(path, "/")
	return s.names.of(top)
}

// find returns how many lines of a file are the person's, and where they are.
func (s *scrubber) find(name string, folder store.ID) (n int64, cuts []cut, err error) {
	src, err := ndjson.Open(s.ctx, name)
	if err != nil {
		return 0, nil, err
	}
	defer src.Close()
	lines, err := src.Lines(0)
	for err == nil {
		var line ndjson.Line
		if line, err = lines.Next(); err != nil || !s.theirs(line.Text, folder) {
			continue
		}
		n++
		if last := len(cuts) - 1; last >= 0 && cuts[last].to == line.Offset {
			cuts[last].to = line.End
		} else {
			cuts = append(cuts, cut{line.Offset, line.End})
		}
	}
	if errors.Is(err, ndjson.ErrCorrupt) {
		return n, nil, fmt.Errorf("it is damaged and cannot be read to its end: %w", err)
	}
	if err != io.EOF {
		return n, nil, err
	}
	return n, cuts, nil
}

// theirs says whether a line is the person's. Of a line that is broken off, what
// stands before that is enough to tell.
func (s *scrubber) theirs(line string, folder store.ID) bool {
	if !strings.Contains(line, s.digits) && !strings.Contains(line, `\u00`) {
		return false
	}
	var f fields
	if f.read(line) != "" && f.user.kind == absent {
		return false
	}
	user, err := store.ParseID(f.user.text())
	if err != nil || user != s.Person.User {
		return false
	}
	return s.Person.Guild == 0 || f.guild(folder) == s.Person.Guild
}
