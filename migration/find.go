package migration

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// guild is a guild's part of the logs: the folder named after its id and those
// named after it.
type guild struct {
	id        store.ID // 0 if it is not known which one, and for emergency
	folders   []entry
	emergency bool // no guild, but the folder of lines saved when writing failed
	// channels are the ids of its channels by name, nil until they are needed.
	channels map[string]store.ID
	texts    int    // text logs met, which cannot be imported
	text     string // the first of them
}

// name is how logs speak of the guild.
func (g *guild) name() string { return g.folders[0].path }

// day is a day of a guild.
type day struct {
	date    string // YYYYMMDD; "" for the whole of emergency
	folders []dayFolder
}

// dayFolder is a folder of a day with the id that its guild's folder is named after, 0 if none.
type dayFolder struct {
	entry
	guild store.ID
}

// logFile is a file of log lines.
type logFile struct {
	key, path string   // as in store.LogFile
	real      string   // where it is, absolute
	date      string   // its day
	folder    store.ID // the id that its guild's folder is named after, 0 if none
	size      int64    // bytes on disk
	modified  int64    // unix nanoseconds
}

// walk is one look at the logs below a root. Nothing of it is kept for the next
// one, but for what the operator has been told.
type walk struct {
	root   entry
	only   store.ID // if not 0: this guild's files alone
	report *reporter
	names  map[string]store.ID // guilds by name, of guilds_map.json
	linked map[string]bool     // the real files that links have led to
}

// begin looks at the root, which may itself be a link.
func begin(root string, only store.ID, report *reporter) (*walk, error) {
	real, err := filepath.EvalSymlinks(root)
	if err != nil {
		return nil, err
	}
	if real, err = filepath.Abs(real); err != nil {
		return nil, err
	}
	info, err := os.Stat(real)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, &fs.PathError{Op: "open", Path: root, Err: errors.New("it is not a folder")}
	}
	return &walk{root: entry{real: real, info: info}, only: only, report: report, linked: map[string]bool{}}, nil
}

// guilds returns the guilds in the order of their ids, those of unknown id by
// the names of their folders, then emergency.
func (w *walk) guilds() ([]*guild, error) {
	list, err := os.ReadDir(w.root.real)
	if err != nil {
		return nil, err
	}
	w.names = w.guildsByName()
	var guilds, last []*guild
	byID := map[store.ID]*guild{}
	for _, d := range list {
		folder, ok := w.guildFolder(d)
		if !ok {
			continue
		}
		if d.Name() == emergencyFolder {
			last = append(last, &guild{folders: []entry{folder}, emergency: true})
			continue
		}
		id, err := store.ParseID(d.Name())
		if err != nil {
			id = w.names[d.Name()]
		}
		if w.only != 0 && id != w.only {
			if id == 0 {
				w.report.once(folder.path, "left out: it is not known which guild this folder belongs to; guilds_map.json can tell")
			}
			continue
		}
		if g := byID[id]; g != nil && id != 0 {
			g.folders = append(g.folders, folder)
			continue
		}
		g := &guild{id: id, folders: []entry{folder}}
		byID[id] = g
		guilds = append(guilds, g)
	}
	slices.SortFunc(guilds, func(a, b *guild) int {
		// An unknown id, 0, becomes the greatest number: it comes last.
		return cmp.Or(cmp.Compare(a.id-1, b.id-1), cmp.Compare(a.name(), b.name()))
	})
	return append(guilds, last...), nil
}

// guildFolder returns the folder of the root that d is, false if it is none or
// none that is read.
func (w *walk) guildFolder(d fs.DirEntry) (entry, bool) {
	name := d.Name()
	_, err := store.ParseID(name)
	mayBe := err == nil || name == emergencyFolder // what else is no folder is no matter
	if noGuild(name) || !d.IsDir() && d.Type()&fs.ModeSymlink == 0 && !mayBe {
		return entry{}, false
	}
	e, err := w.look(w.root, name)
	switch {
	case err != nil:
		w.report.trouble(e.path, err)
	case e.info.IsDir():
		return e, true
	case mayBe:
		w.report.trouble(e.path, errNotFolder)
	}
	return entry{}, false
}

var errNotFolder = errors.New("not a folder")

// days returns the days of a guild in order.
func (w *walk) days(g *guild) []day {
	if g.emergency {
		return []day{{folders: []dayFolder{{entry: g.folders[0]}}}}
	}
	var dates []string
	for _, folder := range g.folders {
		list, err := os.ReadDir(folder.real)
		if err != nil {
			w.report.trouble(folder.path, err)
			continue
		}
		w.report.fine(folder.path)
		for _, d := range list {
			if isDate(d.Name()) {
				dates = append(dates, d.Name())
			}
		}
	}
	slices.Sort(dates)
	return w.daysOf(g, slices.Compact(dates))
}

// daysOf returns those of the given days that the guild has.
func (w *walk) daysOf(g *guild, dates []string) []day {
	var days []day
	for _, date := range dates {
		d := day{date: date}
		for _, folder := range g.folders {
			e, err := w.look(folder, date)
			if err == nil && !e.info.IsDir() {
				err = errNotFolder
			}
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) || e.isLink {
					w.report.trouble(e.path, err)
				}
				continue
			}
			id, _ := store.ParseID(folder.path)
			d.folders = append(d.folders, dayFolder{e, id})
		}
		if len(d.folders) > 0 {
			days = append(days, d)
		}
	}
	return days
}

// files returns the log files of a day. whole is false if there is something
// that should be one and cannot be read.
func (w *walk) files(g *guild, d day) (files []logFile, whole bool) {
	whole = true
	for _, folder := range d.folders {
		list, err := os.ReadDir(folder.real)
		if err != nil {
			w.report.trouble(folder.path, err)
			whole = false
			continue
		}
		w.report.fine(folder.path)
		var names []string // without suffixes, in order
		for _, e := range list {
			name := e.Name()
			base, _ := ndjson.TrimExt(name)
			switch {
			case g.emergency:
				if w.wanted(base) {
					names = append(names, base)
				}
			case isLogName(name):
				names = append(names, base)
			case isTextLog(name):
				w.countText(g, folder.entry, name)
			}
		}
		slices.Sort(names)
		for _, name := range slices.Compact(names) {
			e, ok, broken := w.choose(folder.entry, name)
			whole = whole && !broken
			if ok {
				files = append(files, newLogFile(e, d.date, folder.guild))
			}
		}
	}
	if g.emergency {
		slices.SortStableFunc(files, func(a, b logFile) int { return cmp.Compare(a.date, b.date) })
	}
	return files, whole
}

func newLogFile(e entry, date string, folder store.ID) logFile {
	if date == "" {
		date = emergencyDate(e)
	}
	key, _ := ndjson.TrimExt(e.path)
	return logFile{
		key: key, path: e.path, real: e.real, date: date, folder: folder,
		size: e.info.Size(), modified: e.info.ModTime().UnixNano(),
	}
}

// choose returns the file to read of those called name, with or without a
// suffix: the first one that can be. ok is false if there is none, or if it is
// read elsewhere; broken says that one should be there and cannot be read.
func (w *walk) choose(folder entry, name string) (chosen entry, ok, broken bool) {
	for _, suffix := range suffixes {
		e, err := w.look(folder, name+suffix)
		if err == nil {
			err = ndjson.CheckMode(e.info.Mode())
		}
		if err == nil {
			return e, w.first(e), false
		}
		if !e.isLink && errors.Is(err, fs.ErrNotExist) {
			continue
		}
		w.report.trouble(e.path, err)
		broken = broken || !errors.Is(err, errOutside)
	}
	return entry{}, false, broken
}

// countText counts a text log, whose first one of a guild is named.
func (w *walk) countText(g *guild, folder entry, name string) {
	e, err := w.look(folder, name)
	if err != nil || !w.first(e) {
		return
	}
	if g.texts++; g.texts == 1 {
		g.text = e.path
	}
}

// reportTexts names the text logs of a guild.
func (w *walk) reportTexts(g *guild) {
	if g.texts > 0 {
		w.report.once(g.text, "text logs of an old release hold no user ids and cannot be imported", "files", g.texts, "folder", path.Dir(path.Dir(g.text)))
	}
}

// wanted says whether a file of emergency is to be read, by its name without suffix:
// emergency_<server>_<YYYYMMDDTHHMMSSZ>.jsonl.
func (w *walk) wanted(base string) bool {
	name, ok := strings.CutSuffix(base, ".jsonl")
	if !ok || w.only == 0 {
		return ok
	}
	server := strings.TrimPrefix(name, "emergency_")
	if i := strings.LastIndexByte(server, '_'); i >= 0 {
		server = server[:i]
	}
	id, err := store.ParseID(server)
	if err != nil {
		id = w.names[server]
	}
	return id == w.only
}
