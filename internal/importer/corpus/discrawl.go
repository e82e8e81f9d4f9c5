package corpus

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// discrawlTables are the tables of an archive of discrawl, with the columns of the first
// version; later ones have more.
var discrawlTables = []struct{ name, columns, later string }{
	{"guilds", "id text primary key, name text not null, icon text, raw_json text not null, updated_at text not null", "deleted_at text, deletion_source text"},
	{"channels", "id text primary key, guild_id text not null, parent_id text, kind text not null, name text not null, topic text, position integer, is_nsfw integer not null default 0, thread_parent_id text, raw_json text not null, updated_at text not null", "archive_timestamp text"},
	{"members", "guild_id text not null, user_id text not null, username text not null, global_name text, display_name text, nick text, bot integer not null default 0, raw_json text not null, updated_at text not null", "deleted_at text"},
	{"messages", "id text primary key, guild_id text not null, channel_id text not null, author_id text, message_type integer not null, created_at text not null, edited_at text, deleted_at text, content text not null, normalized_content text not null, reply_to_message_id text, pinned integer not null default 0, has_attachments integer not null default 0, raw_json text not null, updated_at text not null", "text_parts_json text not null default '[]', text_version integer not null default 0"},
	{"message_events", "event_id integer primary key autoincrement, guild_id text not null, channel_id text not null, message_id text not null, event_type text not null, event_at text not null, payload_json text not null", ""},
	{"message_attachments", "attachment_id text primary key, message_id text not null, guild_id text not null, channel_id text not null, author_id text, filename text not null, updated_at text not null", "media_path text"},
}

// DiscrawlID is the id of the n-th message of an archive made by Discrawl.
func DiscrawlID(n int) uint64 { return 1547547182142324736 + uint64(n)*(1000<<22) }

type row = map[string]any

// discrawlRows are the rows of an archive, by table.
func discrawlRows() map[string][]row {
	const guild, general, thread, mara, otto, bot = "910101010101010101", "700000000000000001", "700000000000000007", "300000000000000001", "300000000000000002", "300000000000000004"
	const then = "2026-05-01T00:00:00Z"
	rows := map[string][]row{
		"guilds": {{"id": guild, "name": "Harbour Town", "raw_json": "{}", "updated_at": then}},
		"channels": {
			{"id": general, "guild_id": guild, "parent_id": "700000000000000100", "kind": "text", "name": "general", "thread_parent_id": "", "raw_json": "{}", "updated_at": then},
			{"id": thread, "guild_id": guild, "parent_id": general, "kind": "thread_public", "name": "Boat repair?", "thread_parent_id": general, "raw_json": "{}", "updated_at": then},
		},
		"members": {
			{"guild_id": guild, "user_id": mara, "username": "mara", "global_name": "Mara Quill", "display_name": "Mara Quill", "bot": 0, "raw_json": "{}", "updated_at": then},
			{"guild_id": guild, "user_id": bot, "username": "weatherbot", "display_name": "weatherbot", "bot": 1, "raw_json": "{}", "updated_at": then},
		},
	}
	n := 0
	message := func(r row, raw row) {
		id := fmt.Sprint(DiscrawlID(n))
		full := row{"id": id, "guild_id": guild, "channel_id": general, "author_id": mara, "message_type": 0, "created_at": "", "content": "", "normalized_content": "normalized", "raw_json": "{}", "updated_at": then}
		for k, v := range r {
			full[k] = v
		}
		if raw != nil {
			all := row{"id": id, "content": full["content"], "author": row{"id": full["author_id"], "username": "name of " + fmt.Sprint(full["author_id"]), "bot": false}, "type": full["message_type"], "webhook_id": "", "message_reference": nil, "message_snapshots": nil, "poll": nil}
			for k, v := range raw {
				all[k] = v
			}
			text, _ := json.Marshal(all)
			full["raw_json"] = string(text)
		}
		rows["messages"] = append(rows["messages"], full)
		n++
	}
	message(row{"content": "plain ﬁ 港"}, row{})
	message(row{"content": "in the thread", "channel_id": thread, "author_id": otto}, row{})
	message(row{"content": "gone", "deleted_at": "2026-09-10T10:00:02.000000000Z"}, row{})
	message(row{"content": "beep", "author_id": bot}, row{"author": row{"id": bot, "username": "weatherbot", "bot": true}})
	message(row{"content": "hook"}, row{"webhook_id": "800000000000000001"})
	message(row{"content": "joined", "message_type": 7}, row{})
	message(row{"content": "psst", "guild_id": "@me"}, row{})
	message(row{"content": "from the desktop"}, nil) // a member, and no bot
	message(row{"content": "from the desktop, unknown", "author_id": otto, "raw_json": `{"source":"discord_desktop"}`}, nil)
	message(row{"content": "an answer", "message_type": 19, "author_id": otto, "reply_to_message_id": fmt.Sprint(DiscrawlID(0)), "edited_at": "2026-09-10T11:00:00.123456789Z"}, row{})
	message(row{"reply_to_message_id": "1547547182142324000"}, row{"message_reference": row{"type": 1, "message_id": "1547547182142324000"}, "message_snapshots": []row{{"message": row{"content": "passed on", "attachments": []row{{"id": "1"}}}}}})
	message(row{}, row{"poll": row{"question": row{"text": "When?"}, "answers": []row{{"answer_id": 1, "poll_media": row{"text": "today"}}, {"answer_id": 2, "poll_media": row{"text": "never"}}}}})
	message(row{"has_attachments": 1}, row{"sticker_items": []row{{"id": "1", "name": "wave"}}})
	message(row{"content": "edited text", "author_id": nil, "created_at": "0001-01-01T00:00:00Z"}, nil)
	message(row{"id": "", "content": "no id"}, row{})
	message(row{"content": "of nobody", "author_id": nil}, nil)
	created, _ := json.Marshal(row{"id": fmt.Sprint(DiscrawlID(13)), "content": "first text", "author": row{"id": otto, "username": "otto.b", "bot": false}, "type": 0})
	rows["message_events"] = []row{{"event_id": 1, "guild_id": guild, "channel_id": general, "message_id": fmt.Sprint(DiscrawlID(13)), "event_type": "create", "event_at": then, "payload_json": string(created)}}
	for i := range 2 {
		rows["message_attachments"] = append(rows["message_attachments"], row{"attachment_id": fmt.Sprint(i), "message_id": fmt.Sprint(DiscrawlID(12)), "guild_id": guild, "channel_id": general, "filename": "a.png", "updated_at": then})
	}
	return rows
}

// Discrawl is an archive of discrawl, of a version before the fifth or a later one, which
// has a message of each sort.
func Discrawl(version int) (statements []string) {
	rows := discrawlRows()
	for _, t := range discrawlTables {
		columns := t.columns
		if version >= 5 && t.later != "" {
			columns += ", " + t.later
		}
		statements = append(statements, "CREATE TABLE "+t.name+" ("+columns+")")
		for _, r := range rows[t.name] {
			var names, values []string
			for k, v := range r {
				names = append(names, k)
				values = append(values, literal(v))
			}
			statements = append(statements, "INSERT INTO "+t.name+" ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(values, ", ")+")")
		}
	}
	return append(statements, fmt.Sprintf("PRAGMA user_version = %d", version))
}

func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + strings.ReplaceAll(v, "'", "''") + "'"
	}
	return fmt.Sprint(v)
}

// DiscrawlSnapshot writes the same archive as a snapshot in Git, in shards of a few rows.
func DiscrawlSnapshot(folder string) error {
	type table struct {
		Name    string   `json:"name"`
		Files   []string `json:"files"`
		Columns []string `json:"columns"`
		Rows    int      `json:"rows"`
	}
	var tables []table
	all := discrawlRows()
	for _, t := range discrawlTables {
		of := table{Name: t.name, Files: []string{}, Rows: len(all[t.name])}
		for _, c := range strings.Split(t.columns, ", ") {
			of.Columns = append(of.Columns, strings.Fields(c)[0])
		}
		for rows := all[t.name]; len(rows) > 0; rows = rows[min(3, len(rows)):] {
			name := fmt.Sprintf("tables/.generations/0123456789abcdef0123456789abcdef/%s/%06d.jsonl.gz", t.name, len(of.Files))
			of.Files = append(of.Files, name)
			if err := writeShard(filepath.Join(folder, filepath.FromSlash(name)), rows[:min(3, len(rows))]); err != nil {
				return err
			}
		}
		tables = append(tables, of)
	}
	text, err := json.MarshalIndent(row{"version": 1, "generated_at": "2026-10-01T00:00:00Z", "tables": tables, "files": row{"manifest": "manifest.json"}}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, "manifest.json"), append(text, '\n'), 0o600)
}

func writeShard(path string, rows []row) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	defer f.Close()
	gz := gzip.NewWriter(f)
	for _, r := range rows {
		text, err := json.Marshal(r)
		if err != nil {
			return err
		}
		if _, err := gz.Write(append(text, '\n')); err != nil {
			return err
		}
	}
	if err := gz.Close(); err != nil {
		return err
	}
	return f.Close()
}
