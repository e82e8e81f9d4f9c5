package migration

import (
	"cmp"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"

	"rollcall/store"
)

// guild is a guild's part of the logs: the folder named after its id and those
// named after it.
type guild struct {
	id        store.ID // 0 if it is not known which one, and for emergency
	folders   []entry
	emergency bool // no guild, but a folder of lines saved when writing failed
	// nested: it is none of the root's folders, but lies below one, or files of one.
	nested bool
	// dates are those of the nested guild's days where others have been in its folder
	// already: of files with the day in their names, which begin with split, or of folders.
	dates   []string
	isSplit bool
	split   string
	// channels are the ids of its channels by name, nil until they are needed.
	channels map[string]store.ID
	texts    int    // text logs met, which cannot be imported
	text     string // the first of them
}

// name is how logs speak of the guild.
func (g *guild) name() string {
	if name := g.folders[0].path; name != "" {
		return name
	}
	return "." // files of the root itself
}

// day is a day of a guild.
type day struct {
	date    string // YYYYMMDD; "" for the whole of emergency
	folders []dayFolder
	isSplit bool // the guild's files with the day in their names
}

// dayFolder is a folder of a day with the id that its guild's folder is named after, 0 if none.
type dayFolder struct {
	entry
	guild store.ID
}

// nestLimit is how many folders deep below the root the walk goes: a name of 100
// characters makes 51 at most, and a day one more.
const nestLimit = 64

// walk is one look at the logs below a root. Nothing of it is kept for the next
// one, but for what the operator has been told.
type walk struct {
	root   entry
	only   store.ID // if not 0: this guild's files alone
	report *reporter
	names  guildNames      // of guilds_map.json
	linked map[string]bool // the real files that links have led to
	nested []*guild        // met on the way, and not looked at yet; the next one last
	passed map[string]bool // the real folders below those of guilds that links have led to
	unread unread
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
	w := &walk{
		root: entry{real: real, info: info}, only: only, report: report,
		linked: map[string]bool{}, passed: map[string]bool{},
	}
	w.names = w.guildsByName()
	return w, nil
}

// all returns all guilds with their days: those of the root's folders in the order of
// their ids, those of unknown id by the names of their folders, then emergency. Behind
// each come those whose names have made folders of its folders. The files of a guild's
// days have to be looked at before the next guild is asked for.
func (w *walk) all(guilds []*guild) iter.Seq2[*guild, []day] {
	return func(yield func(*guild, []day) bool) {
		one := func(g *guild) bool {
			days := w.days(g)
			return g.nested && len(days)+g.texts == 0 || w.leavesOut(g, days) || yield(g, days)
		}
		nested := func() bool {
			for len(w.nested) > 0 {
				last := len(w.nested) - 1
				g := w.nested[last]
				w.nested = w.nested[:last]
				if !one(g) {
					return false
				}
			}
			return true
		}
		if !nested() { // files of the root itself
			return
		}
		for _, g := range guilds {
			if !one(g) || !nested() {
				return
			}
		}
	}
}

// leavesOut reports whether a guild is none of those that were asked for.
func (w *walk) leavesOut(g *guild, days []day) bool {
	if w.only == 0 || g.emergency || g.id == w.only {
		return false
	}
	if g.id == 0 && len(days) > 0 {
		w.report.once(g.name(), "left out: it is not known which guild this folder belongs to; guilds_map.json can tell")
	}
	return true
}

// guilds returns the guilds of the root's folders in the order of their ids, those of
// unknown id by the names of their folders, then emergency.
func (w *walk) guilds() ([]*guild, error) {
	list, err := os.ReadDir(w.root.real)
	if err != nil {
		return nil, err
	}
	var guilds, last []*guild
	byID := map[store.ID]*guild{}
	rest := w.rest(nil, w.root)
	for _, d := range list {
		folder, ok := w.guildFolder(rest, d)
		if !ok {
			continue
		}
		if d.Name() == emergencyFolder {
			last = append(last, &guild{folders: []entry{folder}, emergency: true})
			continue
		}
		id := w.names.of(d.Name())
		if g := byID[id]; g != nil && id != 0 {
			g.folders = append(g.folders, folder)
			continue
		}
		g := &guild{id: id, folders: []entry{folder}}
		byID[id] = g
		guilds = append(guilds, g)
	}
	rest.done()
	slices.SortFunc(guilds, func(a, b *guild) int {
		// An unknown id, 0, becomes the greatest number: it comes last.
		return cmp.Or(cmp.Compare(a.id-1, b.id-1), cmp.Compare(a.name(), b.name()))
	})
	return append(guilds, last...), nil
}

// guildFolder returns the folder of the root that d is, false if it is none or
// none that is read.
func (w *walk) guildFolder(rest *rest, d fs.DirEntry) (entry, bool) {
	name := d.Name()
	_, err := store.ParseID(name)
	mayBe := err == nil || name == emergencyFolder // what else is no folder may be anything
	switch {
	case noGuild(name):
		return entry{}, false
	case !d.IsDir() && d.Type()&fs.ModeSymlink == 0 && !mayBe:
		rest.add(d, placeOf(name))
		return entry{}, false
	}
	e, err := w.look(w.root, name)
	switch {
	case err != nil:
		w.trouble(e, err)
	case e.info.IsDir():
		return e, true
	case mayBe:
		w.trouble(e, errNotFolder)
	}
	return entry{}, false
}

var errNotFolder = errors.New("not a folder")

// trouble reports something that is in the way, and counts it among what is not read.
func (w *walk) trouble(e entry, err error) {
	w.report.trouble(e.path, err)
	w.unread.files++
}

// readDir lists a folder, nothing if it cannot be read.
func (w *walk) readDir(folder entry) (list []fs.DirEntry, ok bool) {
	list, err := os.ReadDir(folder.real)
	if err != nil {
		w.report.incomplete(folder.path, err)
		return nil, false
	}
	if !hasOwnPlace(folder.path) { // or a file should be here, which was said already
		w.report.fine(folder.path)
	}
	return list, true
}

// days returns the days of a guild in order, and notes what else its folders hold.
func (w *walk) days(g *guild) []day {
	switch {
	case g.emergency && !g.nested:
		// The folder may also be that of a guild of this name.
		w.nested = append(w.nested, &guild{id: w.names.of(emergencyFolder), folders: g.folders, nested: true})
		fallthrough
	case g.emergency:
		return []day{{folders: []dayFolder{{entry: g.folders[0]}}}}
	case len(g.dates) > 0 && !g.isSplit:
		return w.daysOf(g, slices.Compact(g.dates))
	case len(g.dates) > 0:
		var days []day
		for _, date := range slices.Compact(g.dates) {
			days = append(days, day{date: date, folders: []dayFolder{{entry: g.folders[0]}}, isSplit: true})
		}
		return days
	}
	var dates []string
	for _, folder := range g.folders {
		list, _ := w.readDir(folder)
		rest := w.rest(g, folder)
		for _, d := range list {
			if isDate(d.Name()) {
				dates = append(dates, d.Name())
			} else {
				rest.add(d, placeOf(path.Join(folder.path, d.Name())))
			}
		}
		rest.done()
	}
	slices.Sort(dates)
	return w.daysOf(g, slices.Compact(dates))
}

// daysOf returns those of the given days that the guild has folders of.
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
				shown := g.nested && folder.linked // and met where it is, too
				if (!errors.Is(err, fs.ErrNotExist) || e.isLink) && !shown {
					w.trouble(e, err)
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
