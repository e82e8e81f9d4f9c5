package importer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/datapackage"
	"rollcall/internal/importer/dce"
	"rollcall/internal/importer/dht"
	"rollcall/internal/importer/discrawl"
	"rollcall/internal/importer/pigpig"
	"rollcall/internal/importer/sqlitefile"
	"rollcall/store"
)

// File is an archive that was found: a file, or a folder or .zip that is one as a whole.
type File struct {
	Path   string
	Format Format // of a SQLite database, what it seems to be until it is read
	// Guild and ChannelName are known before reading only of an export of one channel.
	Guild       store.ID
	ChannelName string
	made        int64 // when, as far as is known; µs since 1970
	size        int64 // bytes, 0 if unknown
	database    bool  // a SQLite one
	wanted      Format
	open        opener
}

func (f *File) otherFormat(is Format) string {
	return "it is an archive of format " + string(is) + ", not " + string(f.wanted)
}

// Made is when the archive was made, or last changed: what it says was true then.
func (f *File) Made() store.Micros { return store.Micros(f.made) }

// opened is an archive that is being read.
type opened struct {
	archive.Source
	format     Format
	incomplete bool
	close      func() error
}

// opener opens an archive; folder is an empty one of its own, to be removed afterwards.
type opener func(ctx context.Context, folder string) (*opened, error)

// RefusedError says why nothing of an archive was read.
type RefusedError struct{ Reason string }

func (e RefusedError) Error() string { return e.Reason }

// Read hands out what the archive holds. A RefusedError says that nothing was; other
// errors are those of the sink and of ctx.
func (f *File) Read(ctx context.Context, sink archive.Sink) (result archive.Result, err error) {
	folder, err := os.MkdirTemp("", "rollcall-import-")
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	o, err := f.open(ctx, folder)
	if err != nil {
		if ctx.Err() != nil {
			return result, ctx.Err()
		}
		return result, RefusedError{reasonOf(err)}
	}
	if f.wanted != Auto && o.format != f.wanted {
		o.close()
		return result, RefusedError{f.otherFormat(o.format)}
	}
	f.Format = o.format
	s := &watched{Sink: sink}
	result, err = o.Read(ctx, s)
	result.Incomplete = result.Incomplete || o.incomplete
	if err != nil && s.err == nil && ctx.Err() == nil {
		// The archive cannot be read, or no further.
		if !s.any {
			o.close()
			return result, RefusedError{reasonOf(err)}
		}
		result.Incomplete, err = true, nil
	}
	return result, errors.Join(err, o.close())
}

// watched tells an error of the sink from one of the archive.
type watched struct {
	archive.Sink
	any bool // something was handed out
	err error
}

func (w *watched) Message(m *archive.Message) error {
	w.any, w.err = true, w.Sink.Message(m)
	return w.err
}

func (w *watched) Name(n archive.Name) error {
	w.any, w.err = true, w.Sink.Name(n)
	return w.err
}

func (w *watched) Malformed(why string) error {
	w.any, w.err = true, w.Sink.Malformed(why)
	return w.err
}

func openExport(fsys fs.FS, name string) opener {
	return func(context.Context, string) (*opened, error) {
		f, err := fsys.Open(name)
		if err != nil {
			return nil, err
		}
		info, err := f.Stat()
		if err == nil {
			var e *dce.Export
			if e, err = dce.Open(f, info.Size()); err == nil {
				return &opened{Source: e, format: DCE, close: f.Close}, nil
			}
		}
		return nil, errors.Join(err, f.Close())
	}
}

func openPackage(fsys fs.FS, dir string) opener {
	return func(context.Context, string) (*opened, error) {
		p, err := datapackage.Open(fsys, dir)
		if err != nil {
			return nil, err
		}
		return &opened{Source: p, format: Package, close: func() error { return nil }}, nil
	}
}

func openSnapshot(fsys fs.FS, dir string) opener {
	return func(ctx context.Context, folder string) (*opened, error) {
		at := filepath.Join(folder, "snapshot.sqlite")
		whole, err := discrawl.Unpack(ctx, fsys, dir, at)
		if err != nil {
			return nil, err
		}
		o, err := openCopy(ctx, at)
		if err != nil {
			return nil, err
		}
		o.incomplete = !whole
		return o, nil
	}
}

func openDatabase(name string) opener {
	return func(ctx context.Context, folder string) (*opened, error) {
		at, err := sqlitefile.Copy(ctx, name, folder)
		if err != nil {
			return nil, err
		}
		return openCopy(ctx, at)
	}
}

func openZippedDatabase(fsys fs.FS, name string) opener {
	return func(ctx context.Context, folder string) (*opened, error) {
		at := filepath.Join(folder, "copy.sqlite")
		for _, suffix := range []string{"", "-wal", "-journal"} {
			in, err := fsys.Open(name + suffix)
			if err != nil {
				if suffix != "" && errors.Is(err, fs.ErrNotExist) {
					continue
				}
				return nil, err
			}
			err = sqlitefile.Write(ctx, in, at+suffix)
			if err = errors.Join(err, in.Close()); err != nil {
				return nil, err
			}
		}
		return openCopy(ctx, at)
	}
}

// openCopy opens a database of one of the known tools.
func openCopy(ctx context.Context, at string) (*opened, error) {
	db, err := sqlitefile.Open(ctx, at)
	if err != nil {
		return nil, err
	}
	switch {
	case discrawl.Is(db):
		return &opened{Source: discrawl.New(db), format: Discrawl, close: db.Close}, nil
	case dht.Is(db):
		return &opened{Source: dht.New(db), format: DHT, close: db.Close}, nil
	case pigpig.Is(db):
		return &opened{Source: pigpig.New(db), format: PigPig, close: db.Close}, nil
	}
	return nil, errors.Join(errors.New(whyDatabase), db.Close())
}

// databaseFormat guesses from a database's first page, which has the beginning of its
// schema, what it is: to read archives in their order and to compare with the format that
// was asked for.
func databaseFormat(start string) Format {
	switch {
	case strings.Contains(start, "normalized_content") || strings.Contains(start, "role_ids_json"):
		return Discrawl
	case strings.Contains(start, "discord_name") || strings.Contains(start, "last_processed_date") || strings.Contains(start, "total_messages"):
		return PigPig
	}
	return DHT
}
