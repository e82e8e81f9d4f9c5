package migration

import (
	"cmp"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

// logFile is a file of log lines.
type logFile struct {
	key, path string   // as in store.LogFile
	real      string   // where it is, absolute
	date      string   // its day
	folder    store.ID // the id that its guild's folder is named after, 0 if none
	// byName: it is of the days when folders were named after guilds' names. One of
	// digits alone is an id only where no record says otherwise.
	byName   bool
	size     int64 // bytes on disk
	modified int64 // unix nanoseconds
}

// files returns the log files of a day, and notes what else its folders hold. whole is
// false if there is something that should be a log and cannot be read.
func (w *walk) files(g *guild, d day) (files []logFile, whole bool) {
	whole = true
	for _, folder := range d.folders {
		list, ok := w.readDir(folder.entry)
		whole = whole && ok
		var names []string // without suffixes, in order
		rest := w.rest(g, folder.entry)
		for _, e := range list {
			name := e.Name()
			base, _ := ndjson.TrimExt(name)
			p := placeOf(folder.path + "/" + name)
			switch {
			case g.emergency:
				if p.content == emergencyLog && w.wanted(path.Join(folder.path, base)) {
					names = append(names, base)
				}
			case d.isSplit:
				if p.content == messageLog && p.isSplit && p.split == g.split && p.date == d.date {
					names = append(names, base)
				}
			default:
				if p.content == messageLog && !p.isSplit {
					names = append(names, base)
				}
				rest.add(e, p)
			}
		}
		rest.done()
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
		key: key, path: e.path, real: e.real, date: date,
		folder: folder, byName: path.Base(key) != "info.jsonl",
		size: e.info.Size(), modified: e.info.ModTime().UnixNano(),
	}
}

// choose returns the file to read of those called name, with or without a
// suffix: the first one that can be. ok is false if there is none, or if it is
// read elsewhere; broken says that one should be there and cannot be read.
func (w *walk) choose(folder entry, name string) (chosen entry, ok, broken bool) {
	var bad entry
	var why error
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
		if errors.Is(err, errOutside) {
			w.trouble(e, err)
			continue
		}
		w.report.trouble(e.path, err)
		if why == nil {
			bad, why = e, err
		}
	}
	if why != nil {
		w.report.incomplete(bad.path, why)
	}
	return entry{}, false, why != nil
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

// wanted reports whether a file of emergency is to be read, by its path without suffix:
// emergency/emergency_<server>_<YYYYMMDDTHHMMSSZ>.jsonl.
func (w *walk) wanted(base string) bool {
	if w.only == 0 {
		return true
	}
	server := strings.TrimSuffix(strings.TrimPrefix(base, emergencyFolder+"/"), ".jsonl")
	server = strings.TrimPrefix(server, "emergency_")
	if i := strings.LastIndexByte(server, '_'); i >= 0 {
		server = server[:i]
	}
	return w.names.of(server) == w.only
}
