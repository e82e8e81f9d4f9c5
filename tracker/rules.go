package tracker

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/store"
)

// RulesOptions say in which guilds and channels messages are recorded. An empty
// list of what is allowed allows everything; what is denied is never recorded.
type RulesOptions struct {
	GuildsAllow, GuildsDeny     []store.ID
	ChannelsAllow, ChannelsDeny []store.ID // a thread follows its parent unless named itself
	// ConfigDir holds the files <guild_id>.json, see channelFile. A guild without one
	// has no rules of its own. Empty: there are no such files.
	ConfigDir string
}

// recheck is how often, at most, a guild's file is looked at again.
const recheck = time.Second

// maxRulesFile bounds a guild's file in bytes; a list of all channels that a guild
// may have is a hundredth of it.
const maxRulesFile = 1 << 20

// rules decides where messages are recorded. Its methods may be called from any goroutine.
type rules struct {
	guildsAllow, guildsDeny     idSet
	channelsAllow, channelsDeny idSet
	dir                         string
	none                        *channelRules // of a guild that has no file
	log                         *slog.Logger
	now                         func() time.Time

	mu    sync.Mutex // guards the map, never held while a file is read
	files map[store.ID]*guildFile
}

type idSet map[store.ID]struct{}

func setOf(ids []store.ID) idSet {
	set := make(idSet, len(ids))
	for _, id := range ids {
		set[id] = struct{}{}
	}
	return set
}

func (s idSet) has(id store.ID) bool {
	_, ok := s[id]
	return ok
}

func newRules(o RulesOptions, log *slog.Logger) (*rules, error) {
	if o.ConfigDir != "" {
		if err := checkDir(o.ConfigDir); err != nil {
			return nil, err
		}
	}
	return &rules{
		guildsAllow: setOf(o.GuildsAllow), guildsDeny: setOf(o.GuildsDeny),
		channelsAllow: setOf(o.ChannelsAllow), channelsDeny: setOf(o.ChannelsDeny),
		dir: o.ConfigDir, none: &channelRules{mode: modeUnrestricted},
		log: log, now: time.Now, files: make(map[store.ID]*guildFile),
	}, nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("channel rules: %w", err)
	case !info.IsDir():
		return fmt.Errorf("channel rules %q: not a folder", dir)
	}
	return nil
}

// guildAllowed says whether anything of a guild may be recorded.
func (r *rules) guildAllowed(guild store.ID) bool {
	if r.guildsDeny.has(guild) || len(r.guildsAllow) > 0 && !r.guildsAllow.has(guild) {
		return false
	}
	return r.file(guild).mode != modeClosed
}

// allowed says whether messages of a channel are recorded. parent is a thread's
// channel, and 0 for any other channel.
func (r *rules) allowed(guild, channel, parent store.ID) bool {
	if !r.guildAllowed(guild) {
		return false
	}
	switch { // the first that names the channel, then its parent, decides
	case r.channelsDeny.has(channel):
		return false
	case r.channelsAllow.has(channel):
	case r.channelsDeny.has(parent):
		return false
	case len(r.channelsAllow) > 0 && !r.channelsAllow.has(parent):
		return false
	}
	return r.file(guild).allowed(channel, parent)
}

// decided says whether the answer of allowed is the same whatever the channel's
// parent is. Where it is not, a channel of which nothing is known must not be
// recorded: it may be a thread of a denied one.
func (r *rules) decided(guild, channel store.ID) bool {
	if !r.guildAllowed(guild) || r.channelsDeny.has(channel) {
		return true
	}
	if !r.channelsAllow.has(channel) && len(r.channelsAllow)+len(r.channelsDeny) > 0 {
		return false
	}
	file := r.file(guild)
	return file.mode == modeUnrestricted || file.named.has(channel)
}

// Modes of a guild's file.
const (
	modeUnrestricted = "unrestricted"
	modeWhitelist    = "whitelist"
	modeBlacklist    = "blacklist"
	modeClosed       = "closed" // ours, while a file cannot be read: nothing is recorded
)

// channelRules are the rules of one guild's file.
type channelRules struct {
	mode  string
	named idSet // the list that belongs to the mode
}

func (c *channelRules) allowed(channel, parent store.ID) bool {
	named := c.named.has(channel) || c.named.has(parent)
	switch c.mode {
	case modeWhitelist:
		return named
	case modeBlacklist:
		return !named
	case modeClosed:
		return false
	}
	return true
}

// guildFile is what was last read of one guild's file.
type guildFile struct {
	rules atomic.Pointer[channelRules] // nil before the first look
	next  atomic.Int64                 // unix nanoseconds: when to look again

	mu      sync.Mutex // one goroutine looks at a time
	stamp   fileStamp
	problem string // the last one told
}

// fileStamp tells whether a file has changed. The zero stamp is no file.
type fileStamp struct {
	size     int64
	modified int64
}

// file returns the rules of a guild's file as they were at most recheck ago.
func (r *rules) file(guild store.ID) *channelRules {
	if r.dir == "" {
		return r.none
	}
	r.mu.Lock()
	f := r.files[guild]
	if f == nil {
		f = new(guildFile)
		r.files[guild] = f
	}
	r.mu.Unlock()

	if f.rules.Load() == nil {
		f.mu.Lock()
		if f.rules.Load() == nil {
			r.look(guild, f)
		}
		f.mu.Unlock()
	} else if r.now().UnixNano() >= f.next.Load() && f.mu.TryLock() {
		r.look(guild, f)
		f.mu.Unlock()
	}
	return f.rules.Load()
}

// look reads a guild's file if it has changed. It needs f.mu.
func (r *rules) look(guild store.ID, f *guildFile) {
	path := filepath.Join(r.dir, guild.String()+".json")
	stamp, err := r.stamp(path)
	if err == nil && f.rules.Load() != nil && stamp == f.stamp && f.problem == "" {
		f.next.Store(r.now().Add(recheck).UnixNano())
		return
	}
	fresh := r.none
	if err == nil && stamp != (fileStamp{}) {
		fresh, err = readRules(path)
	}
	f.stamp = stamp
	r.settle(guild, f, fresh, err)
	f.next.Store(r.now().Add(recheck).UnixNano())
}

// settle makes fresh the guild's rules. If they could not be read, the last good
// ones stay; without any, nothing of the guild is recorded, because what its owner
// wanted to be left out is not known.
func (r *rules) settle(guild store.ID, f *guildFile, fresh *channelRules, err error) {
	last := f.rules.Load()
	if err == nil {
		f.rules.Store(fresh)
		if f.problem != "" || last != nil {
			r.log.Info("channel rules read again", "guild", guild, "mode", fresh.mode, "channels", len(fresh.named))
		}
		f.problem = ""
		return
	}
	consequence := "the rules read before stay in force"
	if last == nil {
		last = &channelRules{mode: modeClosed}
		f.rules.Store(last)
	}
	if last.mode == modeClosed {
		consequence = "nothing of this guild is recorded until it can be read"
	}
	if problem := err.Error(); problem != f.problem {
		f.problem = problem
		r.log.Error("channel rules cannot be used: "+consequence, "guild", guild, "error", err)
	}
}

// stamp looks at the file. That it is not there is no error as long as its folder is.
func (r *rules) stamp(path string) (fileStamp, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileStamp{}, checkDir(r.dir)
	case err != nil:
		return fileStamp{}, fmt.Errorf("channel rules: %w", err)
	case !info.Mode().IsRegular():
		return fileStamp{}, fmt.Errorf("channel rules %q: not a regular file", path)
	}
	return fileStamp{info.Size(), info.ModTime().UnixNano()}, nil
}

// channelFile is a guild's file. Channel ids are strings, as in all of Discord's JSON.
type channelFile struct {
	Mode      string     `json:"mode"`
	Whitelist []store.ID `json:"whitelist"` // recorded in mode whitelist, with their threads
	Blacklist []store.ID `json:"blacklist"` // not recorded in mode blacklist, nor their threads
}

// readRules reads a guild's file.
func readRules(path string) (*channelRules, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("channel rules: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxRulesFile+1))
	if err != nil {
		return nil, fmt.Errorf("channel rules: %w", err)
	}
	if len(text) > maxRulesFile {
		return nil, fmt.Errorf("channel rules %q: larger than %d bytes", path, maxRulesFile)
	}
	c, err := parseRules(text)
	if err != nil {
		return nil, fmt.Errorf("channel rules %q: %w", path, err)
	}
	return c, nil
}

// parseRules reads the text of a guild's file.
func parseRules(text []byte) (*channelRules, error) {
	var file channelFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not the JSON that is expected (channel ids are strings): %w", err)
	}
	if slices.Contains(file.Whitelist, 0) || slices.Contains(file.Blacklist, 0) { // null
		return nil, fmt.Errorf("a channel id is missing: %w", store.ErrBadID)
	}
	switch file.Mode {
	case modeUnrestricted:
		return &channelRules{mode: file.Mode}, nil
	case modeWhitelist:
		return &channelRules{file.Mode, setOf(file.Whitelist)}, nil
	case modeBlacklist:
		return &channelRules{file.Mode, setOf(file.Blacklist)}, nil
	}
	return nil, fmt.Errorf("mode is %q, want %s, %s or %s", oneLine(file.Mode), modeUnrestricted, modeWhitelist, modeBlacklist)
}
