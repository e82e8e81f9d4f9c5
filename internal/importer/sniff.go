package importer

import (
	"strings"

	"rollcall/internal/importer/dce"
	"rollcall/internal/importer/sqlitefile"
)

// sniffSize is how much of a file's start is looked at. The first page of a SQLite
// database, of up to 64 KiB, has the statements that made its tables.
const sniffSize = 64 << 10

// sort is what a file is, as far as its start tells.
type sort uint8

const (
	foreign sort = iota
	empty
	export   // DiscordChatExporter's JSON
	database // SQLite
	zipped
	table    // DiscordChatExporter's CSV, of which no use can be made
	text     // its text
	page     // its HTML
	squeezed // gzip, zstd, 7z, rar
)

// tableHead are the columns of DiscordChatExporter's CSV, tableOld those before 2.20.
const (
	tableHead = "AuthorID,Author,Date,Content,"
	tableOld  = "Author;Date;Content;"
)

// textHead begins a text export.
const textHead = "=============================================================="

func sniff(start string) sort {
	trimmed := strings.TrimPrefix(start, "\ufeff")
	plain := strings.ReplaceAll(trimmed[:min(len(trimmed), 200)], `"`, "")
	switch {
	case start == "":
		return empty
	case strings.HasPrefix(start, sqlitefile.Magic):
		return database
	case strings.HasPrefix(start, "PK\x03\x04"), strings.HasPrefix(start, "PK\x05\x06"):
		return zipped
	case dce.Sniff(start):
		return export
	case strings.HasPrefix(plain, tableHead), strings.HasPrefix(plain, tableOld):
		return table
	case strings.HasPrefix(trimmed, textHead) && strings.Contains(trimmed, "Guild:") && strings.Contains(trimmed, "Channel:"):
		return text
	case strings.HasPrefix(strings.ToLower(strings.TrimSpace(plain)), "<!doctype html") && strings.Contains(trimmed, "chatlog"),
		strings.Contains(trimmed, "DiscordChatExporter") && strings.Contains(strings.ToLower(plain), "<html"):
		return page
	case strings.HasPrefix(start, "\x1f\x8b"), strings.HasPrefix(start, "\x28\xb5\x2f\xfd"), strings.HasPrefix(start, "7z\xbc\xaf"), strings.HasPrefix(start, "Rar!"):
		return squeezed
	}
	return foreign
}

// Why a file is refused, and what to do about it.
const (
	whyEmpty    = "it is empty"
	whyForeign  = "it is no archive of a known tool (DiscordChatExporter's JSON, Discord History Tracker, discrawl, Discord's data package, the old bot's SQLite), or it is encrypted"
	whyTable    = "it is DiscordChatExporter's CSV, which has neither message ids nor the guild, and times to the minute: export the channel as JSON (--format Json)"
	whyText     = "it is DiscordChatExporter's plain text, which has no ids at all: export the channel as JSON (--format Json)"
	whyPage     = "it is DiscordChatExporter's HTML, which does not have the guild, and texts only as they are shown: export the channel as JSON (--format Json)"
	whySqueezed = "it is compressed: unpack it first"
	whyLink     = "it is a symbolic link, and links in a folder are not followed: name what it leads to"
	whyNothing  = "there is no archive of a known tool in it"
	whyNested   = "it is a .zip within a .zip: unpack it first"
	whyDatabase = "it is a SQLite database, but of no known tool (Discord History Tracker, discrawl, the old bot)"
)

// refusal says why something of a sort that is never read is refused. A file in a folder
// that may be anything at all is left alone: the answer is "" then.
func (s sort) refusal(named bool, name string) string {
	ours := named
	for _, ext := range []string{".dht", ".zip", ".sqlite", ".sqlite3"} {
		ours = ours || strings.HasSuffix(strings.ToLower(name), ext)
	}
	switch s {
	case table:
		return whyTable
	case text:
		return whyText
	case page:
		return whyPage
	case empty:
		if ours || strings.HasSuffix(strings.ToLower(name), ".json") {
			return whyEmpty
		}
	case squeezed:
		if named {
			return whySqueezed
		}
	case foreign:
		if ours {
			return whyForeign
		}
	}
	return ""
}
