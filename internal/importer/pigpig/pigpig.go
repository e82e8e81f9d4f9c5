package pigpig

import (
	"context"
	"database/sql/driver"
	"encoding/json"

	"rollcall/internal/importer/archive"
	"rollcall/internal/importer/sqlitefile"
)

// Is reports whether a database is one of this bot's.
func Is(db *sqlitefile.DB) bool {
	return db.Has("users", "discord_id", "discord_name") || db.Has("user_stats", "user_id", "guild_id", "total_messages") ||
		db.Has("log_migration_state", "guild_id", "last_processed_date") || db.Has("message_events") && !db.Has("message_events", "payload_json") ||
		db.Has("channel_memory_state") || db.Has("config", "key", "value") && db.Has("user_profiles", "user_id")
}

// Archive is an open database.
type Archive struct{ db *sqlitefile.DB }

// New reads from a database of which Is is true.
func New(db *sqlitefile.DB) *Archive { return &Archive{db} }

// Read hands out names, for each guild in which the bot has counted somebody.
func (a *Archive) Read(ctx context.Context, sink archive.Sink) (archive.Result, error) {
	result := archive.Result{Note: "it holds no messages, only names and totals"}
	db := a.db
	if !db.Has("user_stats", "user_id", "guild_id", "total_messages") {
		return result, ctx.Err()
	}
	if err := db.Each(ctx, `SELECT guild_id, sum(total_messages) FROM user_stats GROUP BY guild_id ORDER BY guild_id`, nil, func(v []driver.Value) error {
		if t := (archive.Total{Guild: sqlitefile.ID(v[0]), Messages: sqlitefile.Int(v[1])}); t.Guild != 0 {
			result.Totals = append(result.Totals, t)
		}
		return nil
	}); err != nil {
		return result, err
	}
	if !db.Has("users", "discord_id", "discord_name") {
		return result, nil
	}
	if err := db.Index(ctx, "users", "discord_id"); err != nil {
		return result, err
	}
	query := `SELECT s.guild_id, s.user_id, u.discord_name, ` + db.Column("users", "u", "display_names") + `
		FROM user_stats s JOIN users u ON u.discord_id = s.user_id ORDER BY s.guild_id, s.user_id`
	return result, db.Each(ctx, query, nil, func(v []driver.Value) error {
		n := archive.Name{Guild: sqlitefile.ID(v[0]), User: sqlitefile.ID(v[1]), Name: sqlitefile.Text(v[2])}
		if n.Name == "" {
			n.Name = onlyName(sqlitefile.Text(v[3]))
		}
		if n.Guild == 0 || n.User == 0 {
			return sink.Malformed("a user's or guild's id is no id")
		}
		if n.Name == "" {
			return nil
		}
		return sink.Name(n)
	})
}

// onlyName returns the only name of a list, "" if there are several: the list was made of
// a set, so nobody knows which is the last. Sometimes it is no list but the name.
func onlyName(names string) string {
	var list []string
	if json.Unmarshal([]byte(names), &list) != nil {
		return names
	}
	if len(list) == 1 {
		return list[0]
	}
	return ""
}
