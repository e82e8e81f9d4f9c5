package migration

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
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
	// Left are lines that may be the person's and are not touched: nobody can tell.
	Left int64  `json:"left,omitempty"`
	Note string `json:"note,omitempty"` // what was left, and why; of lines only if taking them out was asked for
}

// Unsearched are the files below the root that Scrub does not look into.
type Unsearched struct {
	TextLogs int64 `json:"text_logs"` // of an old release: they tell people by their names alone
	Others   int64 `json:"others"`    // none that the bot writes messages to
	// First are the first 20 of each by their paths below the root.
	First []string `json:"first"`
}

// unsearchedNamed bounds Unsearched.First, for each kind.
const unsearchedNamed = 20

// add counts a file by what its path tells.
func (u *Unsearched) add(name string) {
	n := &u.Others
	switch base := path.Base(name); {
	case base == guildsFile, base == channelsFile, halfWritten.MatchString(name):
		return
	case placeOf(name).content == textLog, isTextLog(strings.TrimPrefix(base, "bot_log_")):
		n = &u.TextLogs
	}
	if *n++; *n <= unsearchedNamed {
		u.First = append(u.First, name)
	}
}

// Scrub looks through every .jsonl file below the root (also .gz and .zst, of any
// level and of direct messages) for lines whose user_id is the person's, and takes
// them out if that is asked for: also behind a line that is torn, of such a line what is
// the person's, and lines that are malformed otherwise. Links are not followed: what they
// lead to below the root is met where it is, and nothing beyond is touched. A line that
// has lost its user_id is left, and told if the person's id is elsewhere in it.
//
// A file is replaced as a whole or not at all, and keeps every other byte, its owner
// and its mode. Files of today and later are left alone, because somebody has them
// open to write. The migration notices a file that was rewritten and reads it again,
// which stores nothing twice.
//
// The error is that of ctx, or of a root that cannot be read; trouble with a file is
// in its Note.
func Scrub(ctx context.Context, o ScrubOptions) (files []Scrubbed, unsearched Unsearched, err error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	w, err := begin(o.Root, 0, &reporter{log: slog.New(slog.DiscardHandler), known: map[string]string{}})
	if err != nil {
		return nil, unsearched, fmt.Errorf("read the logs' folder %q: %w", o.Root, plain(err))
	}
	s := &scrubber{ScrubOptions: o, ctx: ctx, walk: w, today: o.Now().UTC().Format(dateLayout), digits: o.Person.User.String()}
	err = filepath.WalkDir(w.root.real, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		rel, _ := w.below(name)
		switch base, _ := ndjson.TrimExt(d.Name()); {
		case err != nil:
			files = append(files, Scrubbed{Path: rel, Note: plain(err).Error()})
			return nil
		case !d.Type().IsRegular():
		case halfWritten.MatchString(d.Name()) && o.Rewrite:
			os.Remove(name) // a scrub that was killed has left it; it is in nobody's way
		case strings.HasSuffix(base, ".jsonl"):
			if f := s.file(name, rel); f.Lines > 0 || f.Note != "" {
				files = append(files, f)
			}
		default:
			unsearched.add(rel)
		}
		return ctx.Err()
	})
	return files, unsearched, err
}

type scrubber struct {
	ScrubOptions
	ctx    context.Context
	walk   *walk
	today  string
	digits string // of the person's id
}

// cut is a part of a file's decompressed bytes.
type cut struct{ from, to int64 }

// file looks through one file.
func (s *scrubber) file(name, rel string) Scrubbed {
	f := Scrubbed{Path: rel}
	found := found{scrubber: s, folder: s.folder(rel)}
	info, err := os.Lstat(name)
	if err == nil && info.Size() > 0 {
		err = found.read(name)
	}
	f.Lines, f.Left = found.lines, found.left
	switch {
	case err != nil:
		f.Note = plain(err).Error()
		return f
	case f.Lines == 0 || !s.Rewrite:
	case latestDate(rel) >= s.today:
		f.Note = "it is of today and may still be written to: repeat this after the day is over (UTC)"
		return f
	default:
		if err := rewrite(s.ctx, name, info, found.cuts); err != nil {
			f.Note = plain(err).Error()
			return f
		}
		f.Scrubbed = true
	}
	if f.Left > 0 {
		f.Note = fmt.Sprintf("left, because nobody can tell whose they are: %d broken lines with the id in them, the first at byte %d", f.Left, found.leftAt)
	}
	return f
}

// folder returns the guild that a file's folder belongs to, 0 if that is not known.
func (s *scrubber) folder(name string) store.ID {
	switch p := placeOf(name); {
	case p.isSplit:
		return s.walk.names.ofSplit(path.Dir(name), p.split)
	case p.content == messageLog:
		return s.walk.names.of(path.Dir(path.Dir(name)))
	}
	top, _, _ := strings.Cut(name, "/")
	return s.walk.names.of(top)
}
