package migration

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// rest takes what a folder holds besides what the walk looks for in it: folders that a
// slash in a guild's name has made, files into whose names a bar has moved the day, text
// logs, and what nobody knows.
type rest struct {
	*walk
	guild  *guild // whose text logs are counted; nil in the root
	folder entry
	found  []*guild
	split  map[string]*guild
	days   *guild // of a guild in whose name a day is
	saved  bool   // an emergency folder's files are among what was found
}

func (w *walk) rest(g *guild, folder entry) *rest {
	return &rest{walk: w, guild: g, folder: folder}
}

// add takes one entry of the folder; p is what its path tells.
func (r *rest) add(d fs.DirEntry, p place) {
	isLink := d.Type()&fs.ModeSymlink != 0
	switch {
	case d.IsDir():
		r.below(d)
	case p.content == noMessages:
	case p.content == messageLog && p.isSplit:
		r.addSplit(p)
	case p.content == messageLog: // which is for walk.files
	case p.content == textLog && r.guild != nil:
		r.countText(r.guild, r.folder, d.Name())
	case p.content == emergencyLog:
		if r.folder.path != emergencyFolder && !r.saved {
			r.saved = true
			r.found = append(r.found, &guild{folders: []entry{r.folder}, emergency: true, nested: true})
		}
	case isLink:
		r.below(d)
	default:
		r.miss(entry{path: path.Join(r.folder.path, d.Name()), real: filepath.Join(r.folder.real, d.Name())})
	}
}

// miss counts something that is not read, where it really is: what links show is met
// there, too.
func (r *rest) miss(e entry) {
	if !r.folder.linked {
		r.unread.add(e)
	}
}

// below notes a folder, which may be one that a guild's name has made, or a link.
func (r *rest) below(d fs.DirEntry) {
	e, err := r.look(r.folder, d.Name())
	switch {
	case errors.Is(err, errOutside):
		if !r.folder.linked {
			r.trouble(e, err)
		}
		return
	case err != nil, !e.info.IsDir() && !e.isLink:
		r.miss(e)
		return
	case !e.info.IsDir(): // a link to a file, which is met where it is
		return
	case strings.Count(e.path, "/") > nestLimit:
		r.miss(e)
		return
	case e.linked && r.passed[e.real]:
		return
	case e.linked:
		r.passed[e.real] = true
	}
	if !isDate(d.Name()) {
		r.found = append(r.found, &guild{id: r.names.of(e.path), folders: []entry{e}, nested: true})
		return
	}
	if r.days == nil {
		r.days = &guild{id: r.names.of(r.folder.path), folders: []entry{r.folder}, nested: true}
		r.found = append(r.found, r.days)
	}
	r.days.dates = append(r.days.dates, d.Name())
}

// addSplit notes a file with the day in its name.
func (r *rest) addSplit(p place) {
	g := r.split[p.split]
	if g == nil {
		g = &guild{id: r.names.ofSplit(r.folder.path, p.split), folders: []entry{r.folder}, nested: true, isSplit: true, split: p.split}
		if r.split == nil {
			r.split = map[string]*guild{}
		}
		r.split[p.split] = g
		r.found = append(r.found, g)
	}
	g.dates = append(g.dates, p.date)
}

// done hands what was found to the walk, the first one by name to come first.
func (r *rest) done() {
	for _, g := range r.found {
		slices.Sort(g.dates)
	}
	slices.SortStableFunc(r.found, func(a, b *guild) int {
		return cmp.Or(-cmp.Compare(a.name(), b.name()), -cmp.Compare(a.split, b.split))
	})
	r.walk.nested = append(r.walk.nested, r.found...)
}

// unreadNamed is how many of the files that are not read are named one by one.
const unreadNamed = 100

// unread are the files that nobody knows.
type unread struct {
	files int
	first []entry
}

func (u *unread) add(e entry) {
	if u.files++; len(u.first) < unreadNamed {
		u.first = append(u.first, e)
	}
}

// reportUnread names what was not read once all of the logs have been looked at, and
// returns how many files that are. Where one guild's logs are asked for, nothing else is missed.
func (w *walk) reportUnread() int {
	if w.only != 0 {
		return 0
	}
	const what = "not read: this is none of the files that the bot wrote messages to"
	named := 0
	for _, e := range w.unread.first {
		if !w.linked[e.real] {
			named++
			w.report.once(e.path, what)
		}
	}
	// Files that links have shown in a place of theirs were read there.
	files := max(named, w.unread.files-len(w.linked))
	if len(w.unread.first) == unreadNamed && files > named {
		w.report.once(".", what, "files", files)
	}
	return files
}
