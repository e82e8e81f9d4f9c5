package config_test

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"rollcall/config"
	"rollcall/store"
)

// clean takes every variable of ours out of the environment for one test.
func clean(t *testing.T) {
	t.Helper()
	for _, v := range os.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if strings.HasPrefix(name, "ROLLCALL_") || name == "CREDENTIALS_DIRECTORY" {
			t.Setenv(name, value) // so that it is restored
			os.Unsetenv(name)
		}
	}
}

func load(t *testing.T, env map[string]string) (config.Config, error) {
	t.Helper()
	clean(t)
	for name, value := range env {
		t.Setenv("ROLLCALL_"+name, value)
	}
	return config.Load()
}

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDefaults(t *testing.T) {
	c, err := load(t, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := config.Config{
		DB: "rollcall.db", DiscordURL: "https://discord.com", CommitInterval: time.Second,
		Logs: "logs", MigrationBatch: 500, MigrationDayDelay: 30 * time.Second, MigrationStartDelay: 10 * time.Second,
		MinFree: 32 << 20, Listen: "127.0.0.1:7878", Web: true, StoreContent: true, Backfill: "gap", GuildGrace: config.Age(30 * 24 * time.Hour), OnDelete: "redact", OnEdit: "update", Recheck: config.Past(24 * time.Hour), LogFormat: "auto",
		BackupInterval: 24 * time.Hour, BackupKeep: 7,
	}
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got %+v, want %+v", c, want)
	}
	if c.SocketPath() != "rollcall.db.sock" || c.TZ.IsSet() || c.TZ.Location() != time.UTC {
		t.Errorf("socket is %q, zone %s", c.SocketPath(), c.TZ)
	}
}

func TestValues(t *testing.T) {
	c, err := load(t, map[string]string{
		"DB": "/data/a b.db", "TOKEN": " abc.def-ghi_jkl \n", "DISCORD_URL": "http://127.0.0.1:8080/",
		"COMMIT_INTERVAL": "0", "LOGS": "/logs", "MIGRATION_BATCH": "0500", "MIGRATION_DAY_DELAY": "0s",
		"MIGRATION_START_DELAY": "1h", "MIN_FREE": "2 GiB", "LISTEN": "", "API_TOKEN_FILE": write(t, "api-secret\n"),
		"SOCKET": "/run/r.sock", "GUILDS_ALLOW": " 1, 2 ,3 ", "GUILDS_DENY": "18446744073709551615", "CHANNELS_ALLOW": "",
		"CHANNELS_DENY": "7", "CHANNEL_CONFIG_DIR": "channels", "OPT_OUT": "8, 9", "STORE_CONTENT": "FALSE", "BACKFILL": "All", "BACKUP_DIR": "backups", "BACKUP_INTERVAL": "90m", "BACKUP_KEEP": "30", "RETENTION": " 365d ", "GUILD_GRACE": "", "ON_DELETE": "Keep ", "ON_EDIT": "keep", "SHARDS": "8", "SHARD_IDS": "0-2, 5",
		"LOG_LEVEL": "WARN", "LOG_FORMAT": "json", "TZ": " Asia/Kathmandu ",
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []struct{ name, got, want string }{
		{"token", c.Token.Reveal(), "abc.def-ghi_jkl"},
		{"api token", c.APIToken.Reveal(), "api-secret"},
		{"url", c.DiscordURL, "http://127.0.0.1:8080"},
		{"interval", c.CommitInterval.String(), "0s"},
		{"listen", c.Listen, ""},
		{"socket", c.SocketPath(), "/run/r.sock"},
		{"allow", c.GuildsAllow.String(), "1,2,3"},
		{"deny", c.GuildsDeny.String(), "18446744073709551615"},
		{"level", c.LogLevel.String(), "warn"},
		{"shard ids", c.ShardIds.String(), "0,1,2,5"},
		{"min free", c.MinFree.String(), "2GiB"},
		{"backfill", string(c.Backfill), "all"},
		{"zone", c.TZ.Location().String(), "Asia/Kathmandu"},
		{"opt out", c.OptOut.String(), "8,9"},
		{"retention", c.Retention.String(), "365d"},
		{"guild grace", c.GuildGrace.String(), "0"},
		{"on delete", string(c.OnDelete), "keep"},
		{"on edit", string(c.OnEdit), "keep"},
		{"backups", fmt.Sprint(c.BackupDir, " ", c.BackupInterval, " ", c.BackupKeep), "backups 1h30m0s 30"},
	} {
		if v.got != v.want {
			t.Errorf("%s: got %q, want %q", v.name, v.got, v.want)
		}
	}
	if c.MigrationBatch != 500 || c.Shards != 8 || len(c.ChannelsAllow) != 0 || c.ChannelsDeny[0] != store.ID(7) || c.StoreContent {
		t.Errorf("got %+v", c)
	}
}

func TestAge(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"": 0, "0": 0, "0d": 0, "1d": day, "365d": 365 * day, "36500d": 36500 * day, "12h": 12 * time.Hour, "48h": 2 * day, " 90m ": 90 * time.Minute, "1h0.5s": time.Hour + 500*time.Millisecond,
	} {
		var a, again config.Age
		if err := a.Decode(text); err != nil || time.Duration(a) != want {
			t.Errorf("%q: got %v, %v, want %v", text, a, err, want)
		}
		if err := again.Decode(a.String()); err != nil || again != a {
			t.Errorf("%q: shown as %q, which is %v, %v", text, a, again, err)
		}
	}
}

func TestPast(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]struct {
		past  time.Duration
		shown string
	}{
		"": {0, "0"}, "0": {0, "0"}, "0d": {0, "0"}, "24h": {day, "24h"}, "1d": {day, "24h"}, "7d": {7 * day, "7d"}, "48h": {2 * day, "2d"},
		"12h": {12 * time.Hour, "12h"}, " 90m ": {90 * time.Minute, "1h30m0s"}, "36h": {36 * time.Hour, "36h0m0s"},
	} {
		var p, again config.Past
		if err := p.Decode(text); err != nil || time.Duration(p) != want.past || p.String() != want.shown {
			t.Errorf("%q: got %v, %v, want %v", text, p, err, want)
		}
		if err := again.Decode(p.String()); err != nil || again != p {
			t.Errorf("%q: shown as %q, which is %v, %v", text, p, again, err)
		}
	}
	for _, text := range []string{"-1h", "d", "1.5d", "1 week", "99999d"} {
		if err := new(config.Past).Decode(text); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	for _, v := range config.Default().Variables() {
		if v.Name == "ROLLCALL_RECHECK" && v.Default != "24h" {
			t.Errorf("the default is told as %q", v.Default)
		}
	}
}

func TestBytes(t *testing.T) {
	for text, want := range map[string]config.Bytes{
		"0": 0, "12345": 12345, "1k": 1024, "1KiB": 1024, "1kB": 1000, "3m": 3 << 20, "500MB": 500e6, "7b": 7, " 2 gib ": 2 << 30,
	} {
		var b config.Bytes
		if err := b.Decode(text); err != nil || b != want {
			t.Errorf("%q: got %d, %v, want %d", text, b, err, want)
		}
		var again config.Bytes
		if err := again.Decode(b.String()); err != nil || again != b {
			t.Errorf("%q: shown as %q, which is %d, %v", text, b, again, err)
		}
	}
}

func TestRefused(t *testing.T) {
	directory := t.TempDir()
	const keyFile = "the path of a regular file of at most 4096 bytes that holds nothing but the key, 32 bytes in base64 or hexadecimal, and that others cannot read"
	forAll := write(t, aKey)
	if err := os.Chmod(forAll, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, variable, value, want string }{
		{"empty db", "DB", "", `ROLLCALL_DB cannot be used: want the path of a file`},
		{"empty logs", "LOGS", "", `ROLLCALL_LOGS cannot be used: want the path of a folder`},
		{"url without scheme", "DISCORD_URL", "discord.com", `ROLLCALL_DISCORD_URL cannot be used: want an http or https address without user, query and fragment`},
		{"url of another scheme", "DISCORD_URL", "ftp://discord.com", `ROLLCALL_DISCORD_URL cannot be used: want an http or https address without user, query and fragment`},
		{"url with a password", "DISCORD_URL", "https://u:secret@h", `ROLLCALL_DISCORD_URL cannot be used: want an http or https address without user, query and fragment`},
		{"page with a path", "PUBLIC_URL", "https://h/page", `ROLLCALL_PUBLIC_URL cannot be used: want an http or https address of a host, without a path`},
		{"page that is no address", "PUBLIC_URL", "stats.example", `ROLLCALL_PUBLIC_URL cannot be used: want an http or https address of a host, without a path`},
		{"models without a token", "MCP", "true", `ROLLCALL_MCP is true, and no token is set: set ROLLCALL_MCP_TOKEN or ROLLCALL_MCP_TOKEN_FILE to one of its own`},
		{"page or not", "WEB", "maybe", `ROLLCALL_WEB cannot be "maybe": want true or false`},
		{"url empty", "DISCORD_URL", "", `ROLLCALL_DISCORD_URL cannot be used: want an http or https address without user, query and fragment`},
		{"interval negative", "COMMIT_INTERVAL", "-1s", `ROLLCALL_COMMIT_INTERVAL cannot be "-1s": want a duration from 0s to 1m`},
		{"interval too long", "COMMIT_INTERVAL", "61s", `ROLLCALL_COMMIT_INTERVAL cannot be "1m1s": want a duration from 0s to 1m`},
		{"interval without unit", "COMMIT_INTERVAL", "5", `ROLLCALL_COMMIT_INTERVAL cannot be "5": want a duration from 0s to 1m`},
		{"batch zero", "MIGRATION_BATCH", "0", `ROLLCALL_MIGRATION_BATCH cannot be "0": want a whole number from 1 to 100000`},
		{"batch negative", "MIGRATION_BATCH", "-5", `ROLLCALL_MIGRATION_BATCH cannot be "-5": want a whole number from 1 to 100000`},
		{"batch too large", "MIGRATION_BATCH", "100001", `ROLLCALL_MIGRATION_BATCH cannot be "100001": want a whole number from 1 to 100000`},
		{"batch empty", "MIGRATION_BATCH", "", `ROLLCALL_MIGRATION_BATCH cannot be "": want a whole number from 1 to 100000`},
		{"delay", "MIGRATION_DAY_DELAY", "25h", `ROLLCALL_MIGRATION_DAY_DELAY cannot be "25h0m0s": want a duration from 0s to 24h`},
		{"start delay", "MIGRATION_START_DELAY", "soon", `ROLLCALL_MIGRATION_START_DELAY cannot be "soon": want a duration from 0s to 24h`},
		{"min free", "MIN_FREE", "5%", `ROLLCALL_MIN_FREE cannot be "5%": want an amount of storage such as 500MB or 2GiB; 0 for no limit`},
		{"min free overflows", "MIN_FREE", "9999999999T", `ROLLCALL_MIN_FREE cannot be "9999999999T": want an amount of storage such as 500MB or 2GiB; 0 for no limit`},
		{"min free unit", "MIN_FREE", "1BB", `ROLLCALL_MIN_FREE cannot be "1BB": want an amount of storage such as 500MB or 2GiB; 0 for no limit`},
		{"listen without port", "LISTEN", "127.0.0.1", `ROLLCALL_LISTEN cannot be "127.0.0.1": want host:port with a port number, or empty for no HTTP`},
		{"listen on a word", "LISTEN", "127.0.0.1:http", `ROLLCALL_LISTEN cannot be "127.0.0.1:http": want host:port with a port number, or empty for no HTTP`},
		{"listen on a large port", "LISTEN", ":65536", `ROLLCALL_LISTEN cannot be ":65536": want host:port with a port number, or empty for no HTTP`},
		{"listen on an address", "LISTEN", "http://h:1", `ROLLCALL_LISTEN cannot be "http://h:1": want host:port with a port number, or empty for no HTTP`},
		{"guild", "GUILDS_ALLOW", "1, 2x", `ROLLCALL_GUILDS_ALLOW cannot be "2x": want ids, separated by commas`},
		{"guild zero", "GUILDS_DENY", "0", `ROLLCALL_GUILDS_DENY cannot be "0": want ids, separated by commas`},
		{"channel too large", "CHANNELS_ALLOW", "18446744073709551616", `ROLLCALL_CHANNELS_ALLOW cannot be "18446744073709551616": want ids, separated by commas`},
		{"channel missing", "CHANNELS_DENY", "1,,2", `ROLLCALL_CHANNELS_DENY cannot be "": want ids, separated by commas`},
		{"channels long", "CHANNELS_DENY", strings.Repeat("x", 100), `ROLLCALL_CHANNELS_DENY cannot be used: want ids, separated by commas`},
		{"backup interval", "BACKUP_INTERVAL", "30s", `ROLLCALL_BACKUP_INTERVAL cannot be "30s": want a duration from 1m to 8784h`},
		{"no backups kept", "BACKUP_KEEP", "0", `ROLLCALL_BACKUP_KEEP cannot be "0": want a whole number from 1 to 1000`},
		{"backfill", "BACKFILL", "some", `ROLLCALL_BACKFILL cannot be "some": want gap, none or all`},
		{"opt out", "OPT_OUT", "ada", `ROLLCALL_OPT_OUT cannot be "ada": want ids, separated by commas`},
		{"store content", "STORE_CONTENT", "no", `ROLLCALL_STORE_CONTENT cannot be "no": want true or false`},
		{"store content empty", "STORE_CONTENT", "", `ROLLCALL_STORE_CONTENT cannot be "": want true or false`},
		{"retention", "RETENTION", "1x", `ROLLCALL_RETENTION cannot be "1x": want a number of days such as 365d, or a duration such as 12h; 0 for ever`},
		{"retention in the future", "RETENTION", "-1h", `ROLLCALL_RETENTION cannot be "-1h": want a number of days such as 365d, or a duration such as 12h; 0 for ever`},
		{"retention of ages", "RETENTION", "36501d", `ROLLCALL_RETENTION cannot be "36501d": want a number of days such as 365d, or a duration such as 12h; 0 for ever`},
		{"guild grace", "GUILD_GRACE", "d", `ROLLCALL_GUILD_GRACE cannot be "d": want a number of days such as 365d, or a duration such as 12h; 0 for ever`},
		{"on delete", "ON_DELETE", "forget", `ROLLCALL_ON_DELETE cannot be "forget": want redact, keep or remove`},
		{"on edit", "ON_EDIT", "", `ROLLCALL_ON_EDIT cannot be "": want update or keep`},
		{"shards", "SHARDS", "0", `ROLLCALL_SHARDS cannot be "0": want auto or a whole number from 1 to 16384`},
		{"shard ids", "SHARD_IDS", "3-1", `ROLLCALL_SHARD_IDS cannot be "3-1": want shard numbers below SHARDS and ranges of them, each named once, such as 0-3 or 0,2`},
		{"shard ids twice", "SHARD_IDS", "0-3,2", `ROLLCALL_SHARD_IDS cannot be "2": want shard numbers below SHARDS and ranges of them, each named once, such as 0-3 or 0,2`},
		{"shard ids endless", "SHARD_IDS", "0-2000000000", `ROLLCALL_SHARD_IDS cannot be "0-2000000000": want shard numbers below SHARDS and ranges of them, each named once, such as 0-3 or 0,2`},
		{"zone", "TZ", "Mars/Olympus", `ROLLCALL_TZ cannot be "Mars/Olympus": want the name of a time zone of the IANA database such as Europe/Berlin, or UTC`},
		{"zone of the machine", "TZ", "Local", `ROLLCALL_TZ cannot be "Local": want the name of a time zone of the IANA database such as Europe/Berlin, or UTC`},
		{"zone empty", "TZ", "", `ROLLCALL_TZ cannot be "": want the name of a time zone of the IANA database such as Europe/Berlin, or UTC`},
		{"level", "LOG_LEVEL", "loud", `ROLLCALL_LOG_LEVEL cannot be "loud": want debug, info, warn or error`},
		{"level with an offset", "LOG_LEVEL", "info+1", `ROLLCALL_LOG_LEVEL cannot be "info+1": want debug, info, warn or error`},
		{"format", "LOG_FORMAT", "xml", `ROLLCALL_LOG_FORMAT cannot be "xml": want auto, text or json`},
		{"token in two words", "TOKEN", "Bot abc", `ROLLCALL_TOKEN cannot be used: want the bot's token as the developer portal shows it, without white space or the word Bot`},
		{"token in quotes", "TOKEN", `"abc.def"`, token + "; there are quotation marks in it: leave them out"},
		{"token in single quotes", "TOKEN", `'abc.def'`, token + "; there are quotation marks in it: leave them out"},
		{"token half in quotes", "TOKEN", `abc.def"`, token + "; there are quotation marks in it: leave them out"},
		{"token in typographic quotes", "TOKEN", `“abc.def”`, token + "; there are quotation marks in it: leave them out"},
		{"token in quotes with the word", "TOKEN", ` "Bot abc.def" `, token + "; there are quotation marks in it: leave them out"},
		{"token with its variable", "TOKEN", "ROLLCALL_TOKEN=abc.def", token + "; it begins with the name of a variable: leave that out, and the equals sign"},
		{"token that is a path", "TOKEN", "/etc/rollcall/token", token + "; it is the path of a file: that belongs into ROLLCALL_TOKEN_FILE"},
		{"token that is a placeholder", "TOKEN", "<your.token>", token + "; it is a placeholder that nothing has been put in place of"},
		{"token file in quotes", "TOKEN_FILE", write(t, "\"abc.def\"\n"), tokenFile + "; there are quotation marks in it: leave them out"},
		{"token file like an environment file", "TOKEN_FILE", write(t, "DISCORD_TOKEN=abc.def\n"), tokenFile + "; it begins with the name of a variable: leave that out, and the equals sign"},
		{"token file with the word", "TOKEN_FILE", write(t, "Bot abc.def\n"), tokenFile},
		{"token file of UTF-16", "TOKEN_FILE", write(t, "\xff\xfea\x00b\x00"), "ROLLCALL_TOKEN_FILE: cannot read the file: it is UTF-16: save it as UTF-8; want the path of a regular file of at most 4096 bytes that holds nothing but the bot's token"},
		{"api token with a newline", "API_TOKEN", "a\nb", `ROLLCALL_API_TOKEN cannot be used: want visible ASCII without white space`},
		{"token file missing", "TOKEN_FILE", "/nowhere/token", `ROLLCALL_TOKEN_FILE: cannot read the file: no such file or directory; want the path of a regular file of at most 4096 bytes that holds nothing but the bot's token`},
		{"token file a folder", "TOKEN_FILE", directory, `ROLLCALL_TOKEN_FILE: cannot read the file: not a regular file; want the path of a regular file of at most 4096 bytes that holds nothing but the bot's token`},
		{"token file empty", "TOKEN_FILE", write(t, " \n"), `ROLLCALL_TOKEN_FILE: cannot read the file: empty; want the path of a regular file of at most 4096 bytes that holds nothing but the bot's token`},
		{"token file too large", "API_TOKEN_FILE", write(t, strings.Repeat("x", 4097)), `ROLLCALL_API_TOKEN_FILE: cannot read the file: larger than 4096 bytes; want the path of a regular file of at most 4096 bytes that holds nothing but the API token`},
		{"token file of text", "API_TOKEN_FILE", write(t, "two words"), `ROLLCALL_API_TOKEN_FILE cannot be used: want the path of a regular file of at most 4096 bytes that holds nothing but the API token`},
		{"key file missing", "ENCRYPTION_KEY_FILE", "/nowhere/key", `ROLLCALL_ENCRYPTION_KEY_FILE: cannot use the file: no such file or directory; want ` + keyFile},
		{"key file of a short key", "ENCRYPTION_KEY_FILE", write(t, strings.Repeat("0", 62)), `ROLLCALL_ENCRYPTION_KEY_FILE: cannot use the file: not a key: want 32 bytes in base64 or hexadecimal on one line; want ` + keyFile},
		{"key file of two keys", "ENCRYPTION_KEY_FILE", write(t, aKey+"\n"+aKey), `ROLLCALL_ENCRYPTION_KEY_FILE: cannot use the file: not a key: want 32 bytes in base64 or hexadecimal on one line; want ` + keyFile},
		{"key file for everybody", "ENCRYPTION_KEY_FILE", forAll, `ROLLCALL_ENCRYPTION_KEY_FILE: cannot use the file: everybody on this machine may use it (mode 0644): chmod 600 it; want ` + keyFile},
		{"misspelt", "TOKN", "x", `"ROLLCALL_TOKN" is not a variable of rollcall: did you mean ROLLCALL_TOKEN?`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := load(t, map[string]string{tc.variable: tc.value})
			if err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

const (
	token     = `ROLLCALL_TOKEN cannot be used: want the bot's token as the developer portal shows it, without white space or the word Bot`
	tokenFile = `ROLLCALL_TOKEN_FILE cannot be used: want the path of a regular file of at most 4096 bytes that holds nothing but the bot's token`
)

// White space around a token, and the mark of byte order, are no part of it.
func TestTokenAround(t *testing.T) {
	for _, text := range []string{"abc.def", " abc.def\t", "abc.def\r\n", "\ufeffabc.def\n", "abc.def\n\n"} {
		c, err := load(t, map[string]string{"TOKEN_FILE": write(t, text)})
		if err != nil || c.Token.Reveal() != "abc.def" {
			t.Errorf("%q: %q, %v", text, c.Token.Reveal(), err)
		}
	}
}

const aKey = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// The key comes from the file that is named, or from systemd.
func TestEncryptionKey(t *testing.T) {
	c, err := load(t, nil)
	if err != nil || c.EncryptionKey().IsSet() {
		t.Errorf("without any: %v, %v", c.EncryptionKey(), err)
	}
	c, err = load(t, map[string]string{"ENCRYPTION_KEY_FILE": write(t, aKey+"\n")})
	if err != nil || c.EncryptionKey().Encode() != aKey {
		t.Errorf("from a file: %v, %v", c.EncryptionKey(), err)
	}
	folder := t.TempDir()
	clean(t)
	t.Setenv("CREDENTIALS_DIRECTORY", folder)
	if c, err = config.Load(); err != nil || c.EncryptionKey().IsSet() {
		t.Errorf("without a credential: %v, %v", c.EncryptionKey(), err)
	}
	path := filepath.Join(folder, "encryption-key")
	if err := os.WriteFile(path, []byte(aKey), 0o400); err != nil {
		t.Fatal(err)
	}
	if c, err = config.Load(); err != nil || c.EncryptionKey().Encode() != aKey || c.EncryptionKeyFile != path {
		t.Errorf("from a credential: %v, %v", c.EncryptionKey(), err)
	}
	other := store.NewKey()
	t.Setenv("ROLLCALL_ENCRYPTION_KEY_FILE", write(t, other.Encode()))
	if c, err = config.Load(); err != nil || c.EncryptionKey().Encode() != other.Encode() {
		t.Errorf("from a file beside a credential: %v, %v", c.EncryptionKey(), err)
	}
}

func TestRefusedTogether(t *testing.T) {
	for _, tc := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"token twice", map[string]string{"TOKEN": "a", "TOKEN_FILE": write(t, "b")}, "ROLLCALL_TOKEN and ROLLCALL_TOKEN_FILE are both set: set one of them"},
		{"api token twice", map[string]string{"API_TOKEN": "a", "API_TOKEN_FILE": "x"}, "ROLLCALL_API_TOKEN and ROLLCALL_API_TOKEN_FILE are both set: set one of them"},
		{"shard beyond", map[string]string{"SHARDS": "2", "SHARD_IDS": "1,2"}, `ROLLCALL_SHARD_IDS cannot be "1,2": want shard numbers below SHARDS and ranges of them, each named once, such as 0-3 or 0,2`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if _, err := load(t, tc.env); err == nil || err.Error() != tc.want {
				t.Errorf("got  %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestUnknownNamesAll(t *testing.T) {
	for _, name := range []string{"SOMETHING_ELSE", strings.Repeat("X", 100_000), "with\nnewline"} {
		_, err := load(t, map[string]string{name: "top secret"})
		if err == nil || !strings.HasSuffix(err.Error(), "ROLLCALL_LOG_LEVEL, ROLLCALL_LOG_FORMAT") {
			t.Fatalf("got %v", err)
		}
		if strings.Contains(err.Error(), "top secret") || strings.Contains(err.Error(), "\n") || len(err.Error()) > 2000 { // the names of all variables
			t.Errorf("got %q", err)
		}
	}
}

// Only the prefixed name counts: $TOKEN and $DB are other programs' variables.
func TestUnprefixedIgnored(t *testing.T) {
	t.Setenv("DB", "other.db")
	t.Setenv("TOKEN", "other")
	c, err := load(t, nil)
	if err != nil || c.DB != "rollcall.db" || c.Token.IsSet() {
		t.Errorf("got %+v, %v", c, err)
	}
}

// Every field has its line in the table under the name that envconfig gives it,
// and the line shows the field.
func TestTableMatchesStruct(t *testing.T) {
	samples := map[string]string{
		"ROLLCALL_TOKEN": "visible", "ROLLCALL_API_TOKEN": "visible", "ROLLCALL_DISCORD_URL": "http://h",
		"ROLLCALL_COMMIT_INTERVAL": "3s", "ROLLCALL_MIGRATION_DAY_DELAY": "3s", "ROLLCALL_MIGRATION_START_DELAY": "3s",
		"ROLLCALL_MIGRATION_BATCH": "3", "ROLLCALL_MIN_FREE": "3", "ROLLCALL_LISTEN": "h:3", "ROLLCALL_SHARDS": "3",
		"ROLLCALL_RETENTION": "3d", "ROLLCALL_RECHECK": "3d", "ROLLCALL_GUILD_GRACE": "3d", "ROLLCALL_STORE_CONTENT": "false", "ROLLCALL_WEB": "false", "ROLLCALL_MCP": "true", "ROLLCALL_MCP_TOKEN": "visible", "ROLLCALL_MCP_TOKEN_FILE": write(t, "z"), "ROLLCALL_PUBLIC_URL": "https://page.example", "ROLLCALL_BACKFILL": "none", "ROLLCALL_BACKUP_INTERVAL": "1h0m0s", "ROLLCALL_ON_DELETE": "remove", "ROLLCALL_ON_EDIT": "keep", "ROLLCALL_LOG_LEVEL": "error", "ROLLCALL_LOG_FORMAT": "text", "ROLLCALL_TZ": "Asia/Tokyo",
		"ROLLCALL_ENCRYPTION_KEY_FILE": write(t, strings.Repeat("k1", 21)+"k="),
		"ROLLCALL_TOKEN_FILE":          write(t, "x"), "ROLLCALL_API_TOKEN_FILE": write(t, "y"),
	}
	table := config.Config{}.Variables()
	fields := 0
	for _, f := range reflect.VisibleFields(reflect.TypeFor[config.Config]()) {
		if f.IsExported() {
			fields++
		}
	}
	if fields != len(table) {
		t.Errorf("%d fields, but %d lines in the table", fields, len(table))
	}
	for i, v := range table {
		t.Run(v.Name, func(t *testing.T) {
			if v.Meaning == "" || v.May == "" {
				t.Error("not described")
			}
			sample, ok := samples[v.Name]
			if !ok {
				sample = "3" // a path, an id, a number
			}
			env := map[string]string{strings.TrimPrefix(v.Name, "ROLLCALL_"): sample}
			if v.Name == "ROLLCALL_MCP" { // which needs one
				env["MCP_TOKEN"] = "visible"
			}
			c, err := load(t, env)
			if err != nil {
				t.Fatal(err)
			}
			if v.Secret {
				sample = "(hidden)"
			}
			if got := c.Variables()[i].Value; got != sample {
				t.Errorf("set to %q, shown as %q", sample, got)
			}
			unset, err := load(t, nil)
			if err != nil {
				t.Fatal(err)
			}
			if now := unset.Variables()[i]; now.Value != now.Default {
				t.Errorf("not set: value %q, default %q", now.Value, now.Default)
			}
		})
	}
	secrets := slices.DeleteFunc(table, func(v config.Variable) bool { return !v.Secret })
	if len(secrets) != 3 {
		t.Errorf("secrets: %v", secrets)
	}
}

func TestPageURL(t *testing.T) {
	tcp := func(text string) net.Addr { return net.TCPAddrFromAddrPort(netip.MustParseAddrPort(text)) }
	for _, tc := range []struct {
		c    config.Config
		at   string
		want string
	}{
		{config.Config{Web: true}, "127.0.0.1:7878", "http://127.0.0.1:7878"},
		{config.Config{Web: true}, "[::1]:80", "http://[::1]:80"},
		{config.Config{Web: true}, "0.0.0.0:7878", "http://localhost:7878"},
		{config.Config{Web: true}, "[::]:7878", "http://localhost:7878"},
		{config.Config{Web: true, PublicURL: "https://stats.example"}, "127.0.0.1:7878", "https://stats.example"},
	} {
		if got := tc.c.PageURL(tcp(tc.at)); got.String() != tc.want {
			t.Errorf("%s: %s, want %s", tc.at, got, tc.want)
		}
	}
	if (config.Config{}).PageURL(tcp("127.0.0.1:1")) != nil {
		t.Error("there is an address although there is no page")
	}
}
