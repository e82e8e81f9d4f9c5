package importer

import (
	"cmp"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rollcall/internal/importer/datapackage"
	"rollcall/internal/importer/dce"
	"rollcall/internal/importer/discrawl"
)

// Refusal is something that will not be read.
type Refusal struct {
	Path   string `json:"path"`
	Reason string `json:"reason"`
}

// Found are the archives below some paths.
type Found struct {
	Files   []*File // in the order in which they are to be read
	Refused []Refusal
	closers []io.Closer
	seen    []fs.FileInfo
	format  Format
}

// Close closes what Find has opened.
func (f *Found) Close() error {
	var err error
	for _, c := range slices.Backward(f.closers) {
		err = errors.Join(err, c.Close())
	}
	return err
}

func (f *Found) refuse(path, reason string) {
	f.Refused = append(f.Refused, Refusal{path, reason})
}

// Find looks for archives of a format (Auto: of any) at and below paths. The error is
// that of ctx; what cannot be read is refused.
func Find(ctx context.Context, paths []string, format Format) (*Found, error) {
	f := &Found{format: format}
	for _, p := range paths {
		if err := f.path(ctx, filepath.Clean(p)); err != nil {
			f.Close()
			return nil, err
		}
	}
	slices.SortStableFunc(f.Files, func(a, b *File) int {
		return cmp.Or(cmp.Compare(a.Format.rank(), b.Format.rank()), cmp.Compare(a.made, b.made))
	})
	return f, nil
}

// path looks at something that the caller has named. That may be a link.
func (f *Found) path(ctx context.Context, name string) error {
	info, err := os.Stat(name)
	switch {
	case err != nil:
		f.refuse(name, reasonOf(err))
	case info.IsDir():
		return f.folder(ctx, name)
	case !info.Mode().IsRegular():
		f.refuse(name, "it is neither a file nor a folder")
	default:
		return f.single(ctx, name)
	}
	return ctx.Err()
}

// single looks at a file that the caller has named.
func (f *Found) single(ctx context.Context, name string) error {
	folder, base := filepath.Split(name)
	root, err := os.OpenRoot(cmp.Or(folder, "."))
	if err != nil {
		f.refuse(name, reasonOf(err))
		return nil
	}
	f.closers = append(f.closers, root)
	w := walker{found: f, fsys: os.DirFS(cmp.Or(folder, ".")), base: folder, named: true}
	return w.file(ctx, base)
}

// folder looks at a folder that the caller has named.
func (f *Found) folder(ctx context.Context, name string) error {
	root, err := os.OpenRoot(name)
	if err != nil {
		f.refuse(name, reasonOf(err))
		return nil
	}
	f.closers = append(f.closers, root)
	files, refused := len(f.Files), len(f.Refused)
	if datapackage.Is(root.FS(), ".") {
		// The folder of messages itself: whose they are is told beside it.
		f.add(&File{Path: name, Format: Package, open: openPackage(os.DirFS(filepath.Dir(name)), filepath.Base(name))})
		return ctx.Err()
	}
	w := walker{found: f, fsys: root.FS(), base: name}
	if err := w.folder(ctx, "."); err != nil {
		return err
	}
	if len(f.Files) == files && len(f.Refused) == refused {
		f.refuse(name, whyNothing)
	}
	return nil
}

// add adds an archive, unless another format was asked for. What a database is shows only
// when it is opened.
func (f *Found) add(file *File) {
	if file.wanted = f.format; file.wanted == Auto || file.Format == file.wanted || file.database {
		f.Files = append(f.Files, file)
	} else {
		f.refuse(file.Path, file.otherFormat(file.Format))
	}
}

// walker looks through a folder or a .zip.
type walker struct {
	found *Found
	fsys  fs.FS
	base  string // the path of fsys, for people
	zip   bool   // it is a .zip
	named bool   // its files were named by the caller
}

func (w *walker) path(name string) string { return filepath.Join(w.base, filepath.FromSlash(name)) }

// folderMost is how deep folders are looked into.
const folderMost = 64

func (w *walker) folder(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if strings.Count(dir, "/") > folderMost {
		w.found.refuse(w.path(dir), "its folders are nested too deep")
		return nil
	}
	entries, err := fs.ReadDir(w.fsys, dir)
	if err != nil {
		w.found.refuse(w.path(dir), reasonOf(err))
		return nil
	}
	if w.snapshot(dir, entries) {
		return nil
	}
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case e.Type()&fs.ModeSymlink != 0:
			w.found.refuse(w.path(name), whyLink)
		case e.IsDir() && beside(e.Name()):
		case e.IsDir() && datapackage.Is(w.fsys, name):
			w.found.add(&File{Path: w.path(dir), Format: Package, made: madeOf(e), open: openPackage(w.fsys, name)})
		case e.IsDir():
			err = w.folder(ctx, name)
		case e.Type().IsRegular() && !beside(e.Name()):
			err = w.file(ctx, name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// beside reports whether a name is that of something that a tool keeps beside an archive.
func beside(name string) bool {
	for _, suffix := range []string{"_Files", "_downloads", "-wal", "-shm", "-journal"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return name == ".git"
}

// snapshot takes a folder with a manifest of discrawl as a whole.
func (w *walker) snapshot(dir string, entries []fs.DirEntry) bool {
	for _, e := range entries {
		if e.Name() != discrawl.Manifest || !e.Type().IsRegular() {
			continue
		}
		text, err := readStart(w.fsys, path.Join(dir, e.Name()), 32<<20)
		if err != nil || !discrawl.IsManifest([]byte(text)) {
			return false
		}
		w.found.add(&File{Path: w.path(dir), Format: Discrawl, made: madeOf(e), open: openSnapshot(w.fsys, dir)})
		return true
	}
	return false
}

// file looks at a file.
func (w *walker) file(ctx context.Context, name string) error {
	at := w.path(name)
	info, err := fs.Stat(w.fsys, name)
	if err == nil && w.again(info) {
		return nil
	}
	var start string
	if err == nil {
		start, err = readStart(w.fsys, name, sniffSize)
	}
	if err != nil {
		w.found.refuse(at, reasonOf(err))
		return ctx.Err()
	}
	kind := sniff(start)
	if kind == foreign && w.named && w.found.format == DCE {
		kind = export
	}
	switch kind {
	case export:
		w.export(name, info)
	case database:
		if known := databaseFormat(start); w.zip {
			w.found.add(&File{Path: at, Format: known, database: true, size: info.Size(), made: info.ModTime().UnixMicro(), open: openZippedDatabase(w.fsys, name)})
		} else {
			w.found.add(&File{Path: at, Format: known, database: true, size: info.Size(), made: info.ModTime().UnixMicro(), open: openDatabase(at)})
		}
	case zipped:
		if w.zip {
			w.found.refuse(at, whyNested)
			return ctx.Err()
		}
		return w.found.zip(ctx, w.fsys, name, at)
	default:
		if reason := kind.refusal(w.named, name); reason != "" {
			w.found.refuse(at, reason)
		}
	}
	return ctx.Err()
}

// export looks at the head of an export.
func (w *walker) export(name string, info fs.FileInfo) {
	f, err := w.fsys.Open(name)
	if err != nil {
		w.found.refuse(w.path(name), reasonOf(err))
		return
	}
	defer f.Close()
	e, err := dce.Open(f, info.Size())
	if err != nil {
		w.found.refuse(w.path(name), err.Error())
		return
	}
	made := int64(e.Exported)
	if made == 0 {
		made = info.ModTime().UnixMicro()
	}
	w.found.add(&File{
		Path: w.path(name), Format: DCE, size: info.Size(), made: made, open: openExport(w.fsys, name),
		Guild: e.Guild, ChannelName: e.Channel.Name,
	})
}

// again reports whether a file has been looked at before: it may be named twice.
func (w *walker) again(info fs.FileInfo) bool {
	if w.zip {
		return false
	}
	for _, s := range w.found.seen {
		if os.SameFile(s, info) {
			return true
		}
	}
	w.found.seen = append(w.found.seen, info)
	return false
}

// zip looks into a .zip.
func (f *Found) zip(ctx context.Context, fsys fs.FS, name, at string) error {
	file, err := os.Open(at)
	if err != nil {
		f.refuse(at, reasonOf(err))
		return nil
	}
	f.closers = append(f.closers, file)
	info, err := file.Stat()
	if err != nil {
		f.refuse(at, reasonOf(err))
		return nil
	}
	z, err := openZip(file, info.Size())
	if err != nil {
		f.refuse(at, err.Error())
		return nil
	}
	files, refused := len(f.Files), len(f.Refused)
	w := walker{found: f, fsys: z, base: at, zip: true}
	if datapackage.Is(z, ".") {
		f.refuse(at, datapackage.ErrNoAccount.Error())
		return nil
	}
	if err := w.folder(ctx, "."); err != nil {
		return err
	}
	if len(f.Files) == files && len(f.Refused) == refused {
		f.refuse(at, whyNothing)
	}
	return nil
}

func madeOf(e fs.DirEntry) int64 {
	info, err := e.Info()
	if err != nil {
		return 0
	}
	return info.ModTime().UnixMicro()
}

func readStart(fsys fs.FS, name string, most int64) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, most))
	return string(b), err
}

// reasonOf is an error without the path, which is told beside it.
func reasonOf(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return "there is no such file or folder"
	}
	if errors.Is(err, fs.ErrPermission) {
		return "it may not be read: do this as the user whom it belongs to"
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return err.Error()
}
