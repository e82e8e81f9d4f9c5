package corpus

// PigPig is the database of the old bot that has names and totals.
func PigPig() []string {
	return []string{
		`CREATE TABLE users (discord_id TEXT PRIMARY KEY, discord_name TEXT NOT NULL, display_names TEXT, procedural_memory TEXT, user_background TEXT, created_at DATETIME DEFAULT CURRENT_TIMESTAMP)`,
		`CREATE TABLE user_stats (user_id TEXT NOT NULL, guild_id TEXT NOT NULL, total_messages INTEGER DEFAULT 0, active_hours TEXT, top_channels TEXT, top_emojis TEXT, top_words TEXT, streak_days INTEGER, streak_last_date TEXT, last_active_at DATETIME, first_message_at DATETIME, PRIMARY KEY (user_id, guild_id))`,
		`CREATE TABLE log_migration_state (guild_id TEXT PRIMARY KEY, last_processed_date TEXT NOT NULL, updated_at DATETIME)`,
		`INSERT INTO users (discord_id, discord_name, display_names) VALUES ('5', 'mara', '["Mara", "mara"]'), ('6', '', '["otto"]'), ('7', '', '["a", "b"]'), ('x', 'nobody', NULL)`,
		`INSERT INTO user_stats (user_id, guild_id, total_messages) VALUES ('5', '1', 10), ('6', '1', 15), ('7', '1', 4), ('x', '1', 1), ('5', '2', 7)`,
		`INSERT INTO log_migration_state VALUES ('1', '20260511', '2026-05-11 00:00:00')`,
	}
}
