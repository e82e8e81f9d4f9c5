package migration

import (
	"slices"
	"strings"
	"time"

	"rollcall/internal/ndjson"
)

const emergencyFolder = "emergency"

// noGuild says whether a folder of the root belongs to no guild. Direct
// messages are never recorded.
func noGuild(name string) bool {
	return name == "Bot" || name == "system" || name == "DirectMessage"
}

// logNames are the files of a day that hold messages, in the order of their
// eras. Other levels stand beside them and hold none.
var logNames = [...]string{"bot_log_INFO.jsonl", "info.jsonl"}

// suffixes are how a log may be compressed, the one that wins first.
var suffixes = [...]string{"", ".gz", ".zst"}

// isLogName says whether name is that of a log file of a day.
func isLogName(name string) bool {
	base, _ := ndjson.TrimExt(name)
	return slices.Contains(logNames[:], base)
}

// isOtherLevel says whether name is that of a log of a day that holds no messages.
func isOtherLevel(name string) bool {
	base, _ := ndjson.TrimExt(name)
	base, ok := strings.CutSuffix(base, ".jsonl")
	level := strings.ToLower(strings.TrimPrefix(base, "bot_log_"))
	return ok && (level == "debug" || level == "warning" || level == "error" || level == "critical")
}

// isTextLog recognises bot_log_HH.log, free text of the oldest releases.
func isTextLog(name string) bool {
	base, _ := ndjson.TrimExt(name)
	hour, ok1 := strings.CutPrefix(base, "bot_log_")
	hour, ok2 := strings.CutSuffix(hour, ".log")
	return ok1 && ok2 && len(hour) == 2 && hour[0] >= '0' && hour[0] <= '9' && hour[1] >= '0' && hour[1] <= '9'
}

// isDate says whether name is a day, YYYYMMDD.
func isDate(name string) bool {
	if len(name) != len(dateLayout) {
		return false
	}
	_, err := time.Parse(dateLayout, name)
	return err == nil
}

const dateLayout = "20060102"

// emergencyDate returns the day of the stamp in an emergency file's name, or of
// its last change if there is none.
func emergencyDate(e entry) string {
	base, _ := ndjson.TrimExt(e.path)
	base = strings.TrimSuffix(base, ".jsonl")
	stamp := base[strings.LastIndexByte(base, '_')+1:]
	if at, err := time.Parse("20060102T150405Z", stamp); err == nil {
		return at.Format(dateLayout)
	}
	return e.info.ModTime().UTC().Format(dateLayout)
}

// hasOwnPlace says whether the walk decides about the file at a real path below
// the root without any link: it reads it there, or never.
func hasOwnPlace(rel string) bool {
	parts := strings.Split(rel, "/")
	switch {
	case noGuild(parts[0]):
		return true
	case parts[0] == emergencyFolder:
		base, _ := ndjson.TrimExt(rel)
		return len(parts) == 2 && strings.HasSuffix(base, ".jsonl")
	}
	return len(parts) == 3 && isDate(parts[1]) && (isLogName(parts[2]) || isOtherLevel(parts[2]) || isTextLog(parts[2]))
}
