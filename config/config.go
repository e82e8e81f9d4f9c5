package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/kelseyhightower/envconfig"

	"rollcall/store"
)

// prefix begins the name of every variable, followed by an underscore.
const prefix = "ROLLCALL"

const (
	maxBatch          = 100_000
	maxCommitInterval = time.Minute
	maxDelay          = 24 * time.Hour
	minBackupInterval = time.Minute
	maxBackupInterval = 366 * 24 * time.Hour
	maxBackupKeep     = 1000
	// maxShards is far above the largest bots' and keeps a mistyped range of
	// SHARD_IDS from filling the memory.
	maxShards = 16_384
)

// Config is what the environment asks for. Load is what makes one; Variables
// describes each field.
//
// A field gives its variable's name by its own, split into words. There is no
// envconfig:"NAME" tag, because with one the unprefixed $NAME would count too.
// Defaults are the values that Load starts from, not tags, so that a variable
// that is set to nothing is not taken for one that is not set.
type Config struct {
	DB                  string        `split_words:"true"`
	Token               Secret        `split_words:"true"`
	TokenFile           string        `split_words:"true"`
	DiscordURL          string        `split_words:"true"` // without a slash at its end
	CommitInterval      time.Duration `split_words:"true"`
	Logs                string        `split_words:"true"`
	MigrationBatch      Count         `split_words:"true"`
	MigrationDayDelay   time.Duration `split_words:"true"`
	MigrationStartDelay time.Duration `split_words:"true"`
	MinFree             Bytes         `split_words:"true"`
	Listen              string        `split_words:"true"` // host:port, or empty
	APIToken            Secret        `split_words:"true"`
	APITokenFile        string        `split_words:"true"`
	Socket              string        `split_words:"true"` // empty: see SocketPath
	Web                 bool          `split_words:"true"`
	PublicURL           string        `split_words:"true"` // without a slash at its end; empty: see PageURL
	MCP                 bool          `split_words:"true"`
	MCPToken            Secret        `split_words:"true"`
	MCPTokenFile        string        `split_words:"true"`
	MCPGuilds           IDs           `split_words:"true"`
	MCPChannels         IDs           `split_words:"true"`
	GuildsAllow         IDs           `split_words:"true"`
	GuildsDeny          IDs           `split_words:"true"`
	ChannelsAllow       IDs           `split_words:"true"`
	ChannelsDeny        IDs           `split_words:"true"`
	ChannelConfigDir    string        `split_words:"true"`
	OptOut              IDs           `split_words:"true"`
	StoreContent        bool          `split_words:"true"`
	Backfill            Choice        `split_words:"true"` // gap, none or all
	Retention           Age           `split_words:"true"`
	GuildGrace          Age           `split_words:"true"`
	OnDelete            Choice        `split_words:"true"` // redact, keep or remove
	OnEdit              Choice        `split_words:"true"` // update or keep
	Recheck             Past          `split_words:"true"`
	Shards              Shards        `split_words:"true"`
	// ShardIds is not called ShardIDs because that would be split into SHARD_I_DS.
	ShardIds          ShardIDs      `split_words:"true"`
	EncryptionKeyFile string        `split_words:"true"`
	TZ                Zone          `split_words:"true"`
	BackupDir         string        `split_words:"true"` // empty: the daemon makes none by itself
	BackupInterval    time.Duration `split_words:"true"`
	BackupKeep        Count         `split_words:"true"`
	LogLevel          Level         `split_words:"true"`
	LogFormat         Choice        `split_words:"true"` // auto, text or json

	key store.Key // that EncryptionKeyFile holds
}

// Default returns what holds where the environment says nothing.
func Default() Config {
	return Config{
		DB:                  "rollcall.db",
		DiscordURL:          "https://discord.com",
		CommitInterval:      time.Second,
		Logs:                "logs",
		MigrationBatch:      500,
		MigrationDayDelay:   30 * time.Second,
		MigrationStartDelay: 10 * time.Second,
		MinFree:             32 * mib,
		Listen:              "127.0.0.1:7878",
		Web:                 true,
		StoreContent:        true,
		Backfill:            "gap",
		GuildGrace:          Age(30 * day),
		OnDelete:            "redact",
		OnEdit:              "update",
		Recheck:             Past(day),
		BackupInterval:      24 * time.Hour,
		BackupKeep:          7,
		LogFormat:           "auto",
	}
}

// Load reads the environment and the files that it names as secrets. Its error
// is one line: the variable and what it may be, never the value of a secret.
func Load() (Config, error) {
	c, tokenErr, err := LoadAnyToken()
	switch {
	case tokenErr != nil:
		return Config{}, tokenErr
	case err != nil:
		return Config{}, err
	}
	return c, nil
}

// LoadAnyToken is Load for who looks for what is wrong: a token that cannot be used is an
// error of its own, and the Config has none.
func LoadAnyToken() (c Config, tokenErr, err error) {
	if err := checkNames(os.Environ()); err != nil {
		return Config{}, nil, err
	}
	c = Default()
	if err := envconfig.Process(prefix, &c); err != nil {
		if e, ok := errors.AsType[*envconfig.ParseError](err); ok {
			value := e.Value
			if element, ok := errors.AsType[badElement](e.Err); ok {
				value = string(element)
			}
			return Config{}, nil, invalid(strings.TrimPrefix(e.KeyName, prefix+"_"), value)
		}
		return Config{}, nil, fmt.Errorf("read the environment: %w", err)
	}
	c.DiscordURL = strings.TrimRight(c.DiscordURL, "/")
	c.PublicURL = strings.TrimRight(c.PublicURL, "/")
	if err := c.check(); err != nil {
		return Config{}, nil, err
	}
	if tokenErr = loadSecret(&c.Token, "TOKEN", c.TokenFile, Secret.flaw); tokenErr != nil {
		c.Token = Secret{}
	}
	if err := loadSecret(&c.MCPToken, "MCP_TOKEN", c.MCPTokenFile, nil); err != nil {
		return Config{}, tokenErr, err
	}
	if c.MCP && !c.MCPToken.IsSet() {
		return Config{}, tokenErr, errors.New("ROLLCALL_MCP is true, and no token is set: set ROLLCALL_MCP_TOKEN or ROLLCALL_MCP_TOKEN_FILE to one of its own")
	}
	if err := loadSecret(&c.APIToken, "API_TOKEN", c.APITokenFile, nil); err != nil {
		return Config{}, tokenErr, err
	}
	if err := c.loadKey(); err != nil {
		return Config{}, tokenErr, err
	}
	return c, tokenErr, nil
}

// IsSet reports whether the environment has a variable, whose name is given without the
// prefix, and be it empty: what is not set may be known better by somebody else.
func IsSet(name string) bool {
	find(name) // panics unless there is such a variable
	_, set := os.LookupEnv(prefix + "_" + name)
	return set
}

// AnySet reports whether the environment has any variable of rollcall.
func AnySet() bool {
	return slices.ContainsFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, prefix+"_") })
}

// SocketPath returns where the commands reach the daemon of this database.
func (c Config) SocketPath() string {
	if c.Socket != "" {
		return c.Socket
	}
	return c.DB + ".sock"
}

// check judges what decoding alone cannot.
func (c Config) check() error {
	_, listenErr := listenHost(c.Listen)
	for _, v := range []struct {
		name, value string
		ok          bool
	}{
		{"DB", c.DB, c.DB != ""},
		{"DISCORD_URL", c.DiscordURL, isBaseURL(c.DiscordURL)},
		{"COMMIT_INTERVAL", c.CommitInterval.String(), c.CommitInterval >= 0 && c.CommitInterval <= maxCommitInterval},
		{"LOGS", c.Logs, c.Logs != ""},
		{"MIGRATION_BATCH", strconv.Itoa(int(c.MigrationBatch)), c.MigrationBatch >= 1 && c.MigrationBatch <= maxBatch},
		{"MIGRATION_DAY_DELAY", c.MigrationDayDelay.String(), c.MigrationDayDelay >= 0 && c.MigrationDayDelay <= maxDelay},
		{"MIGRATION_START_DELAY", c.MigrationStartDelay.String(), c.MigrationStartDelay >= 0 && c.MigrationStartDelay <= maxDelay},
		{"LISTEN", c.Listen, c.Listen == "" || listenErr == nil},
		{"PUBLIC_URL", c.PublicURL, c.PublicURL == "" || isOrigin(c.PublicURL)},
		{"BACKFILL", string(c.Backfill), slices.Contains([]Choice{"gap", "none", "all"}, c.Backfill)},
		{"ON_DELETE", string(c.OnDelete), slices.Contains([]Choice{"redact", "keep", "remove"}, c.OnDelete)},
		{"ON_EDIT", string(c.OnEdit), slices.Contains([]Choice{"update", "keep"}, c.OnEdit)},
		{"SHARD_IDS", c.ShardIds.String(), c.Shards == 0 || len(c.ShardIds) == 0 || slices.Max(c.ShardIds) < int(c.Shards)},
		{"BACKUP_INTERVAL", c.BackupInterval.String(), c.BackupInterval >= minBackupInterval && c.BackupInterval <= maxBackupInterval},
		{"BACKUP_KEEP", strconv.Itoa(int(c.BackupKeep)), c.BackupKeep >= 1 && c.BackupKeep <= maxBackupKeep},
		{"LOG_FORMAT", string(c.LogFormat), slices.Contains([]Choice{"auto", "text", "json"}, c.LogFormat)},
	} {
		if !v.ok {
			return invalid(v.name, v.value)
		}
	}
	return nil
}

// loadSecret reads the file, if one is named, into the secret and judges it. flaw, if set,
// tells what is wrong with it although it could be sent.
func loadSecret(s *Secret, name, file string, flaw func(Secret) string) error {
	if file != "" {
		if s.IsSet() {
			return fmt.Errorf("%s_%s and %s_%s_FILE are both set: set one of them", prefix, name, prefix, name)
		}
		read, err := readSecret(file)
		if err != nil {
			return fmt.Errorf("%s_%s_FILE: cannot read the file: %w; want %s", prefix, name, err, find(name+"_FILE").May)
		}
		*s = read
		name += "_FILE"
	}
	if flaw != nil {
		if what := flaw(*s); what != "" {
			return fmt.Errorf("%w; %s", invalid(name, ""), what)
		}
	}
	if !s.usable() {
		return invalid(name, "")
	}
	return nil
}

// listenHost returns the host of an address to listen on, host:port with a
// port number.
func listenHost(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "", err
	}
	if strings.ContainsAny(host, " /\\@?#") {
		return "", errors.New("not a host")
	}
	return host, nil
}

// isBaseURL wants no user and password: they would be one more secret, and
// Discord's token has its own header.
func isBaseURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" &&
		u.User == nil && u.RawQuery == "" && u.Fragment == ""
}

// isOrigin reports whether a text is an address without a path.
func isOrigin(text string) bool {
	u, err := url.Parse(text)
	return err == nil && isBaseURL(text) && u.Path == ""
}

// ListenHost returns the host that HTTP is listened on, as it was given; "" for every address.
func (c Config) ListenHost() string {
	host, _, _ := net.SplitHostPort(c.Listen)
	return host
}

// PageURL returns the address under which the page is reached where HTTP is listened on at an address
// of this machine; nil if there is to be no page.
func (c Config) PageURL(listened net.Addr) *url.URL {
	if !c.Web {
		return nil
	}
	if u, err := url.Parse(c.PublicURL); err == nil && c.PublicURL != "" {
		return u
	}
	host, port, err := net.SplitHostPort(listened.String())
	if ip := net.ParseIP(host); err != nil || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return &url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
}

// invalid says what a variable may be, and what it is if it is short and cannot
// hold a secret.
func invalid(name, value string) error {
	v := find(name)
	if v.Secret || v.place || len(value) > 80 {
		return fmt.Errorf("%s_%s cannot be used: want %s", prefix, name, v.May)
	}
	return fmt.Errorf("%s_%s cannot be %q: want %s", prefix, name, value, v.May)
}
