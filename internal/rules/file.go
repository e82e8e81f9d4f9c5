package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"rollcall/store"
)

// recheck is how often, at most, a guild's file is looked at again.
const recheck = time.Second

// maxFile bounds a guild's file in bytes; a list of all channels that a guild may
// have is a hundredth of it.
const maxFile = 1 << 20

// Modes of a guild's file.
const (
	modeUnrestricted = "unrestricted"
	modeWhitelist    = "whitelist"
	modeBlacklist    = "blacklist"
	modeClosed       = "closed" // ours, while a file cannot be read: nothing is recorded
)

// guildRules are the rules of one guild's file.
type guildRules struct {
	mode  string
	named idSet // the list that belongs to the mode

	optOut       idSet // people of whom nothing is recorded in this guild, too
	storeContent *bool // whether texts are kept; nil: as elsewhere
}

func (c *guildRules) allowed(channel, parent store.ID) bool {
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
	rules atomic.Pointer[guildRules] // nil before the first look
	next  atomic.Int64               // unix nanoseconds: when to look again

	mu      sync.Mutex // one goroutine looks at a time
	stamp   fileStamp
	problem string // the last one told
}

// fileStamp reports whether a file has changed. The zero stamp is no file.
type fileStamp struct {
	size     int64
	modified int64
}

// file returns the rules of a guild's file as they were at most recheck ago.
func (r *Rules) file(guild store.ID) *guildRules {
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
func (r *Rules) look(guild store.ID, f *guildFile) {
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
	r.install(guild, f, fresh, err)
	f.next.Store(r.now().Add(recheck).UnixNano())
}

// install makes fresh the guild's rules. If they could not be read, the last good
// ones stay; without any, nothing of the guild is recorded, because what its owner
// wanted to be left out is not known.
func (r *Rules) install(guild store.ID, f *guildFile, fresh *guildRules, err error) {
	last := f.rules.Load()
	if err == nil {
		f.rules.Store(fresh)
		if f.problem != "" || last != nil {
			r.log.Info("guild rules read again", "guild", guild, "mode", fresh.mode, "channels", len(fresh.named))
		}
		f.problem = ""
		return
	}
	consequence := "the rules read before stay in force"
	if last == nil {
		last = &guildRules{mode: modeClosed}
		f.rules.Store(last)
	}
	if last.mode == modeClosed {
		consequence = "nothing of this guild is recorded until it can be read"
	}
	if problem := err.Error(); problem != f.problem {
		f.problem = problem
		r.log.Error("guild rules cannot be used: "+consequence, "guild", guild, "error", err)
	}
}

// stamp looks at the file. That it is not there is no error as long as its folder is.
func (r *Rules) stamp(path string) (fileStamp, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fileStamp{}, checkDir(r.dir)
	case err != nil:
		return fileStamp{}, fmt.Errorf("guild rules: %w", err)
	case !info.Mode().IsRegular():
		return fileStamp{}, fmt.Errorf("guild rules %q: not a regular file", path)
	}
	return fileStamp{info.Size(), info.ModTime().UnixNano()}, nil
}

func checkDir(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return fmt.Errorf("guild rules: %w", err)
	case !info.IsDir():
		return fmt.Errorf("guild rules %q: not a folder", dir)
	}
	return nil
}

// guildFileText is a guild's file. Ids are strings, as in all of Discord's JSON.
type guildFileText struct {
	Mode         string     `json:"mode"`
	Whitelist    []store.ID `json:"whitelist"`     // channels recorded in mode whitelist, with their threads
	Blacklist    []store.ID `json:"blacklist"`     // channels not recorded in mode blacklist, nor their threads
	OptOut       []store.ID `json:"opt_out"`       // people of whom nothing is recorded
	StoreContent *bool      `json:"store_content"` // false: messages count, and their texts are not kept
}

// readRules reads a guild's file.
func readRules(path string) (*guildRules, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("guild rules: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("guild rules: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("guild rules %q: larger than %d bytes", path, maxFile)
	}
	c, err := parseRules(text)
	if err != nil {
		return nil, fmt.Errorf("guild rules %q: %w", path, err)
	}
	return c, nil
}

// parseRules reads the text of a guild's file.
func parseRules(text []byte) (*guildRules, error) {
	var file guildFileText
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("not the JSON that is expected (ids are strings): %w", err)
	}
	for _, list := range [][]store.ID{file.Whitelist, file.Blacklist, file.OptOut} {
		if slices.Contains(list, 0) { // null
			return nil, fmt.Errorf("an id is missing: %w", store.ErrBadID)
		}
	}
	g := &guildRules{mode: file.Mode, optOut: setOf(file.OptOut), storeContent: file.StoreContent}
	switch file.Mode {
	case modeUnrestricted:
	case modeWhitelist:
		g.named = setOf(file.Whitelist)
	case modeBlacklist:
		g.named = setOf(file.Blacklist)
	default:
		return nil, fmt.Errorf("mode is %q, want %s, %s or %s", oneLine(file.Mode), modeUnrestricted, modeWhitelist, modeBlacklist)
	}
	return g, nil
}

// oneLine makes a text from elsewhere fit for a line.
func oneLine(s string) string {
	const most = 200
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
