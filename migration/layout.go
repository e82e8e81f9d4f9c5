package migration

import (
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"rollcall/internal/ndjson"
	"rollcall/store"
)

const emergencyFolder = "emergency"

// noGuild reports whether a folder of the root belongs to no guild. Direct
// messages are never recorded.
func noGuild(name string) bool {
	return name == "Bot" || name == "system" || name == "DirectMessage"
}

// suffixes are how a log may be compressed, the one that wins first.
var suffixes = [...]string{"", ".gz", ".zst"}

// content is what a file holds, as its path tells.
type content uint8

const (
	unknownContent content = iota
	messageLog             // a day of a guild
	emergencyLog           // lines saved when writing failed, of mixed days
	textLog                // free text of an old release, without ids
	noMessages             // other levels, lists of names, what belongs to no guild
)

// place is what the path of a file below the root tells of it.
type place struct {
	content content
	date    string // of a messageLog: YYYYMMDD
	// split is what a bar in the guild's name has moved into the name of the file, with
	// a bar before the date: "" or "bot_log_…|". Only files for which isSplit is true have it.
	split   string
	isSplit bool
}

// placeOf tells what stands at a path below the root, which may end in .gz or .zst.
//
// The bot wrote GUILD/DAY/LEVEL.jsonl. While it had the guild's name in the path, it put
// the three together with bars, GUILD|DAY|LEVEL, parted that at the first two of them into
// two folders and a file's name, and took each slash for a folder's end. So a slash in a
// name makes more folders, and a bar moves the day into the file's name.
func placeOf(name string) place {
	base, compressed := ndjson.TrimExt(name)
	top, _, _ := strings.Cut(base, "/")
	folder, last := "", base
	if i := strings.LastIndexByte(base, '/'); i >= 0 {
		folder, last = base[:i], base[i+1:]
	}
	folders := strings.Count(base, "/")
	switch {
	case noGuild(top):
		return place{content: noMessages}
	case !compressed && (base == guildsFile || folders > 0 && last == channelsFile):
		return place{content: noMessages}
	case strings.Contains(last, ".part-") && halfWritten.MatchString(last):
		return place{content: noMessages} // a copy of lines that are there, too
	}
	if p, ok := splitPlace(last); ok {
		return p
	}
	if date := folder[strings.LastIndexByte(folder, '/')+1:]; folders >= 2 && isDate(date) {
		switch {
		case last == "bot_log_INFO.jsonl", last == "info.jsonl" && folders == 2: // by then guilds were told by their ids
			return place{content: messageLog, date: date}
		case isOtherLevel(strings.TrimPrefix(last, "bot_log_")):
			return place{content: noMessages}
		case strings.HasPrefix(last, "bot_log_") && isTextLog(last[len("bot_log_"):]):
			return place{content: textLog, date: date}
		}
	}
	if top == emergencyFolder && folders > 0 && strings.HasSuffix(last, ".jsonl") {
		// The name of a guild is in the name of this file, too.
		if _, stamped := stampOf(last); stamped || folders == 1 {
			return place{content: emergencyLog}
		}
	}
	return place{}
}

// splitPlace recognises …|YYYYMMDD|LEVEL.jsonl and bot_log_YYYYMMDD|LEVEL.jsonl.
func splitPlace(name string) (place, bool) {
	bar := strings.LastIndexByte(name, '|')
	if bar < len(dateLayout) {
		return place{}, false
	}
	date := name[bar-len(dateLayout) : bar]
	split := name[:bar-len(dateLayout)]
	if !isDate(date) || split != "bot_log_" && !strings.HasSuffix(split, "|") {
		return place{}, false
	}
	if split == "bot_log_" {
		split = ""
	}
	p := place{date: date, split: split, isSplit: true}
	switch level := name[bar+1:]; {
	case level == "INFO.jsonl":
		p.content = messageLog
	case isOtherLevel(level):
		p.content = noMessages
	case isTextLog(level):
		p.content = textLog
	default:
		return place{}, false
	}
	return p, true
}

// isOtherLevel recognises LEVEL.jsonl of a level that holds no messages.
func isOtherLevel(name string) bool {
	level, ok := strings.CutSuffix(name, ".jsonl")
	level = strings.ToLower(level)
	return ok && (level == "debug" || level == "warning" || level == "error" || level == "critical")
}

// isTextLog recognises HH.log, free text of the oldest releases.
func isTextLog(name string) bool {
	hour, ok := strings.CutSuffix(name, ".log")
	return ok && len(hour) == 2 && isDigits(hour)
}

func isDigits(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < '0' || r > '9' })
}

// isDate reports whether name is a day, YYYYMMDD.
func isDate(name string) bool {
	if len(name) != len(dateLayout) || !isDigits(name) {
		return false // in short: the error of time.Parse is dear
	}
	_, err := time.Parse(dateLayout, name)
	return err == nil
}

const dateLayout = "20060102"

// stampOf returns the day of the stamp that the name of an emergency file ends in.
func stampOf(name string) (date string, ok bool) {
	base, _ := ndjson.TrimExt(name)
	base = strings.TrimSuffix(base, ".jsonl")
	at, err := time.Parse("20060102T150405Z", base[strings.LastIndexByte(base, '_')+1:])
	return at.Format(dateLayout), err == nil
}

// latestDate returns the latest day that a path names, "" if it names none.
func latestDate(name string) (date string) {
	parts := strings.FieldsFunc(name, func(r rune) bool { return r == '/' || r == '|' || r == '_' || r == '.' })
	for _, part := range parts {
		if stamp, ok := stampOf(part); ok {
			part = stamp
		}
		if isDate(part) {
			date = max(date, part)
		}
	}
	return date
}

// hasOwnPlace reports whether the walk decides about the file at a real path below
// the root without any link: it reads it there, or never.
func hasOwnPlace(rel string) bool { return placeOf(rel).content != unknownContent }

// pathOf returns the path that the bot made of a guild's name for a day's file, see placeOf.
func pathOf(guild, date, file string) string {
	parts := strings.SplitN(guild+"|"+date+"|"+file, "|", 3)
	return strings.TrimLeft(path.Clean(parts[0]+"/"+parts[1]+"/bot_log_"+parts[2]), "/")
}

// guildNames are the guilds' ids by the places that their names made of them.
type guildNames struct {
	folders map[string]store.ID // by the folder below the root
	splits  map[splitName]store.ID
}

// splitName is a folder and what its files begin with, see place.
type splitName struct{ folder, split string }

func newGuildNames(ids map[string]looseID) guildNames {
	n := guildNames{folders: map[string]store.ID{}, splits: map[splitName]store.ID{}}
	// In order, so that of two names with one place it is always the same that counts.
	for _, name := range slices.Sorted(maps.Keys(ids)) {
		const anyDay = "20251118"
		file := pathOf(name, anyDay, "INFO.jsonl")
		folder := path.Dir(file)
		if p := placeOf(file); p.isSplit {
			split := splitName{folder, p.split}
			if n.splits[split] == 0 {
				n.splits[split] = store.ID(ids[name])
			}
		} else if folder = path.Dir(folder); n.folders[folder] == 0 {
			n.folders[folder] = store.ID(ids[name])
		}
	}
	return n
}

// of returns the guild whose id or name a folder has, 0 if that is not known.
func (n guildNames) of(folder string) store.ID {
	if id, err := store.ParseID(folder); err == nil {
		return id
	}
	return n.folders[folder]
}

// ofSplit returns the guild of files in a folder whose names begin with split.
func (n guildNames) ofSplit(folder, split string) store.ID {
	return n.splits[splitName{path.Clean(folder), split}]
}

// emergencyDate returns the day of the stamp in an emergency file's name, or of
// its last change if there is none.
func emergencyDate(e entry) string {
	if date, ok := stampOf(e.path); ok {
		return date
	}
	return e.info.ModTime().UTC().Format(dateLayout)
}
