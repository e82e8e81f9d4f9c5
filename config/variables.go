package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Variable describes one variable of the environment.
type Variable struct {
	Name    string `json:"name"`    // with the prefix
	Value   string `json:"value"`   // as it is now; "(hidden)" for a secret that is set
	Default string `json:"default"` // empty for none
	May     string `json:"may_be"`  // what the variable may be, to follow "want"
	Meaning string `json:"meaning"`
	Secret  bool   `json:"-"`

	// place: the value is an address or a path, into which secrets are put by mistake.
	place bool
}

// row is a line of the table of variables; show gives the variable's value.
type row struct {
	Variable
	show func(Config) string
}

func rows() []row {
	file := "the path of a regular file of at most 4096 bytes that holds nothing but the "
	ids := "ids, separated by commas"
	age := "a number of days such as 365d, or a duration such as 12h; 0 for ever"
	return []row{
		{Variable{Name: "DB", May: "the path of a file", Meaning: "the database file", place: true},
			func(c Config) string { return c.DB }},
		{Variable{Name: "TOKEN", May: "the bot's token as the developer portal shows it, without white space or the word Bot", Meaning: "the bot token; without one tracking is off", Secret: true},
			func(c Config) string { return c.Token.String() }},
		{Variable{Name: "TOKEN_FILE", May: file + "bot's token", Meaning: "a file that holds the bot token", place: true},
			func(c Config) string { return c.TokenFile }},
		{Variable{Name: "DISCORD_URL", May: "an http or https address without user, query and fragment", Meaning: "base address of Discord, of a REST proxy or of a compatible server", place: true},
			func(c Config) string { return c.DiscordURL }},
		{Variable{Name: "COMMIT_INTERVAL", May: "a duration from 0s to 1m", Meaning: "live records gather this long (or 500 of them) before they are committed; 0: as soon as the previous commit has synced"},
			func(c Config) string { return c.CommitInterval.String() }},
		{Variable{Name: "LOGS", May: "the path of a folder", Meaning: "root of the historical logs", place: true},
			func(c Config) string { return c.Logs }},
		{Variable{Name: "MIGRATION_BATCH", May: "a whole number from 1 to 100000", Meaning: "records per commit while the daemon migrates"},
			func(c Config) string { return strconv.Itoa(int(c.MigrationBatch)) }},
		{Variable{Name: "MIGRATION_DAY_DELAY", May: "a duration from 0s to 24h", Meaning: "pause between two days of a guild"},
			func(c Config) string { return c.MigrationDayDelay.String() }},
		{Variable{Name: "MIGRATION_START_DELAY", May: "a duration from 0s to 24h", Meaning: "pause before the migration starts"},
			func(c Config) string { return c.MigrationStartDelay.String() }},
		{Variable{Name: "MIN_FREE", May: "an amount of storage such as 500MB or 2GiB; 0 for no limit", Meaning: "the migration pauses, and the daemon makes no copy of the database, where less room than this would be left, so that live messages keep it"},
			func(c Config) string { return c.MinFree.String() }},
		{Variable{Name: "LISTEN", May: "host:port with a port number, or empty for no HTTP", Meaning: "HTTP address; health and metrics are open there, /v1 answers to the API token only"},
			func(c Config) string { return c.Listen }},
		{Variable{Name: "API_TOKEN", May: "visible ASCII without white space", Meaning: "bearer token for /v1 over TCP; without one only the socket answers", Secret: true},
			func(c Config) string { return c.APIToken.String() }},
		{Variable{Name: "API_TOKEN_FILE", May: file + "API token", Meaning: "a file that holds the API token", place: true},
			func(c Config) string { return c.APITokenFile }},
		{Variable{Name: "SOCKET", May: "the path of a unix socket", Meaning: "unix socket on which the commands reach the daemon; <DB>.sock unless set", place: true},
			func(c Config) string { return c.SocketPath() }},
		{Variable{Name: "WEB", May: "true or false", Meaning: "whether the web page is on LISTEN, for who signs in with the link that rollcall web prints, or with the API token"},
			func(c Config) string { return strconv.FormatBool(c.Web) }},
		{Variable{Name: "PUBLIC_URL", May: "an http or https address of a host, without a path", Meaning: "address under which people reach the page through a proxy, for links and cookies; http and LISTEN unless set", place: true},
			func(c Config) string { return c.PublicURL }},
		{Variable{Name: "MCP", May: "true or false", Meaning: "whether language models are served at /mcp on LISTEN, with a token of its own"},
			func(c Config) string { return strconv.FormatBool(c.MCP) }},
		{Variable{Name: "MCP_TOKEN", May: "visible ASCII without white space", Meaning: "bearer token for /mcp", Secret: true},
			func(c Config) string { return c.MCPToken.String() }},
		{Variable{Name: "MCP_TOKEN_FILE", May: file + "token for /mcp", Meaning: "a file that holds the token for /mcp", place: true},
			func(c Config) string { return c.MCPTokenFile }},
		{Variable{Name: "MCP_GUILDS", May: ids, Meaning: "what language models see over /mcp: these guilds alone; all unless set"},
			func(c Config) string { return c.MCPGuilds.String() }},
		{Variable{Name: "MCP_CHANNELS", May: ids, Meaning: "likewise these channels alone"},
			func(c Config) string { return c.MCPChannels.String() }},
		{Variable{Name: "GUILDS_ALLOW", May: ids, Meaning: "only these guilds count"},
			func(c Config) string { return c.GuildsAllow.String() }},
		{Variable{Name: "GUILDS_DENY", May: ids, Meaning: "these guilds do not count; deny wins"},
			func(c Config) string { return c.GuildsDeny.String() }},
		{Variable{Name: "CHANNELS_ALLOW", May: ids, Meaning: "only these channels count; a thread follows its parent unless named itself"},
			func(c Config) string { return c.ChannelsAllow.String() }},
		{Variable{Name: "CHANNELS_DENY", May: ids, Meaning: "these channels do not count; deny wins"},
			func(c Config) string { return c.ChannelsDeny.String() }},
		{Variable{Name: "CHANNEL_CONFIG_DIR", May: "the path of a folder", Meaning: "folder of <guild id>.json files with mode, whitelist, blacklist, opt_out and store_content; re-read when they change", place: true},
			func(c Config) string { return c.ChannelConfigDir }},
		{Variable{Name: "OPT_OUT", May: ids, Meaning: "people of whom nothing is recorded; a guild's file may name more (opt_out)"},
			func(c Config) string { return c.OptOut.String() }},
		{Variable{Name: "STORE_CONTENT", May: "true or false", Meaning: "false: messages count, and their texts are not kept; a guild's file may say otherwise (store_content)"},
			func(c Config) string { return strconv.FormatBool(c.StoreContent) }},
		{Variable{Name: "BACKFILL", May: "gap, none or all", Meaning: "what is fetched from Discord's history: what was missed, nothing, or everything there ever was"},
			func(c Config) string { return string(c.Backfill) }},
		{Variable{Name: "RETENTION", May: age, Meaning: "texts that are older are removed, and the messages still count; 0 or nothing: they are kept for ever"},
			func(c Config) string { return c.Retention.String() }},
		{Variable{Name: "GUILD_GRACE", May: age, Meaning: "a server that the bot is taken out of is kept so long, then removed; 0 or nothing: it is kept for ever"},
			func(c Config) string { return c.GuildGrace.String() }},
		{Variable{Name: "ON_DELETE", May: "redact, keep or remove", Meaning: "what becomes of messages that are deleted in Discord: the text goes and they still count, nothing, or they count no more"},
			func(c Config) string { return string(c.OnDelete) }},
		{Variable{Name: "ON_EDIT", May: "update or keep", Meaning: "what becomes of messages that are edited in Discord: they have the new text, or keep the first one"},
			func(c Config) string { return string(c.OnEdit) }},
		{Variable{Name: "RECHECK", May: "a number of days such as 7d, or a duration such as 12h; 0 for none", Meaning: "how much of the recent past is read once more from Discord's history after an absence, to learn which messages were deleted or edited meanwhile; 0 or nothing: none"},
			func(c Config) string { return c.Recheck.String() }},
		{Variable{Name: "SHARDS", May: "auto or a whole number from 1 to 16384", Meaning: "how many shards the bot's guilds are spread over; auto asks Discord"},
			func(c Config) string { return c.Shards.String() }},
		{Variable{Name: "SHARD_IDS", May: "shard numbers below SHARDS and ranges of them, each named once, such as 0-3 or 0,2", Meaning: "the shards of this process, all unless set"},
			func(c Config) string { return c.ShardIds.String() }},
		{Variable{Name: "ENCRYPTION_KEY_FILE", May: file + "key, 32 bytes in base64 or hexadecimal, and that others cannot read", Meaning: "a file that holds the key with which texts and names are encrypted in the database; they are not unless set", place: true},
			func(c Config) string { return c.EncryptionKeyFile }},
		{Variable{Name: "BACKUP_DIR", May: "the path of a folder for the backups of this database alone", Meaning: "folder into which the daemon makes backups by itself; none unless set", place: true},
			func(c Config) string { return c.BackupDir }},
		{Variable{Name: "BACKUP_INTERVAL", May: "a duration from 1m to 8784h", Meaning: "how old the newest backup in BACKUP_DIR gets before the next is made"},
			func(c Config) string { return c.BackupInterval.String() }},
		{Variable{Name: "BACKUP_KEEP", May: "a whole number from 1 to 1000", Meaning: "how many backups are kept in BACKUP_DIR"},
			func(c Config) string { return strconv.Itoa(int(c.BackupKeep)) }},
		{Variable{Name: "TZ", May: "the name of a time zone of the IANA database such as Europe/Berlin, or UTC", Meaning: "the time zone whose days and hours answers are counted in, unless a question names another"},
			func(c Config) string { return c.TZ.String() }},
		{Variable{Name: "LOG_LEVEL", May: "debug, info, warn or error", Meaning: "what is logged: this level and those above"},
			func(c Config) string { return c.LogLevel.String() }},
		{Variable{Name: "LOG_FORMAT", May: "auto, text or json", Meaning: "auto: text on a terminal, JSON otherwise"},
			func(c Config) string { return string(c.LogFormat) }},
	}
}

// Variables returns every variable with its value in c, in the order of the
// documentation.
func (c Config) Variables() []Variable {
	table := rows()
	out := make([]Variable, len(table))
	for i, r := range table {
		out[i] = r.Variable
		out[i].Name = prefix + "_" + r.Name
		out[i].Value = r.show(c)
		out[i].Default = r.show(Default())
	}
	return out
}

func find(name string) Variable {
	table := rows()
	return table[slices.IndexFunc(table, func(r row) bool { return r.Name == name })].Variable
}

// checkNames refuses the first variable, by name, that begins with the prefix
// and is not in the table.
func checkNames(environment []string) error {
	var known []string
	for _, r := range rows() {
		known = append(known, prefix+"_"+r.Name)
	}
	names := make([]string, 0, len(environment))
	for _, v := range environment {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if !strings.HasPrefix(name, prefix+"_") || slices.Contains(known, name) {
			continue
		}
		if len(name) > 64 { // keeps distance cheap
			return fmt.Errorf("%.64q… is not a variable of rollcall: want one of %s", name, strings.Join(known, ", "))
		}
		nearest := slices.MinFunc(known, func(a, b string) int { return distance(name, a) - distance(name, b) })
		if distance(name, nearest) <= 2 {
			return fmt.Errorf("%.64q is not a variable of rollcall: did you mean %s?", name, nearest)
		}
		return fmt.Errorf("%.64q is not a variable of rollcall: want one of %s", name, strings.Join(known, ", "))
	}
	return nil
}

// distance counts the bytes to insert, delete or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost++
			}
			diagonal = row[j]
			row[j] = min(cost, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}
