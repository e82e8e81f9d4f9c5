package tracker

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"rollcall/store"
)

const (
	// askAgain is after how long what was refused is asked for again, unless something is
	// heard before that may have changed the answer.
	askAgain = 24 * time.Hour
	// lookEvery is how often it is looked whether something is due, or to be told.
	lookEvery = time.Minute
	// Of a guild that has refused guildRefusals requests in badSpan, and of all guilds once
	// allRefusals were refused, one request is sent every slowSpacing: together less than the
	// limiter stops at (maxBad).
	guildRefusals = 100
	allRefusals   = 400
	slowSpacing   = 3 * time.Second
	// maxRefusals bounds what is remembered; beyond it, some is asked again too early.
	maxRefusals = 100_000
)

// asked is what was asked of a channel.
type asked int

const (
	askedHistory asked = iota
	askedThreads       // lists of archived threads
)

type refusalKey struct {
	channel store.ID
	what    asked
}

// denial is something that may not be read.
type denial struct {
	guild store.ID
	at    time.Time
	note  string
}

// refusals remembers what Discord has refused with 403, so that nothing is asked for in
// vain more than once a day, so that refusals do not add up to what bans an address, and
// so that the log has one line for a guild's worth of them. Any goroutine may use it.
type refusals struct {
	names *names
	log   *slog.Logger

	mu    sync.Mutex
	known map[refusalKey]denial // by Discord
	fresh map[refusalKey]denial // what the log has not told yet
	named map[refusalKey]bool   // what it has told, or will, since the start
	times []refusalTime         // of the last badSpan
}

type refusalTime struct {
	at    time.Time
	guild store.ID
}

func newRefusals(n *names, log *slog.Logger) *refusals {
	return &refusals{names: n, log: log, known: make(map[refusalKey]denial), fresh: make(map[refusalKey]denial), named: make(map[refusalKey]bool)}
}

// note remembers a refusal.
func (r *refusals) note(guild, channel store.ID, what asked, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if len(r.known) >= maxRefusals {
		clear(r.known)
	}
	key, known := refusalKey{channel, what}, denial{guild, now, note}
	r.known[key] = known
	r.name(key, known)
	r.count(now, guild)
}

// say lets the log tell, once, of a channel of which nothing is asked because it is known
// that it may not be read.
func (r *refusals) say(guild, channel store.ID, what asked, note string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.name(refusalKey{channel, what}, denial{guild: guild, note: note})
}

// name needs r.mu.
func (r *refusals) name(key refusalKey, what denial) {
	if r.named[key] {
		return
	}
	if len(r.named) >= maxNamed {
		clear(r.named)
	}
	r.named[key] = true
	r.fresh[key] = what
}

// noteBad counts a refusal that says nothing of the channel as a whole.
func (r *refusals) noteBad(guild store.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.count(time.Now(), guild)
}

// count needs r.mu.
func (r *refusals) count(now time.Time, guild store.ID) {
	r.times = append(r.times, refusalTime{now, guild})
	if len(r.times) > 2*maxBad {
		r.times = slices.Clone(r.times[len(r.times)-maxBad:])
	}
}

// of returns the note of a refusal that is not to be asked for again yet.
func (r *refusals) of(channel store.ID, what asked) (note string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.known[refusalKey{channel, what}]
	return known.note, ok
}

// forget lets a channel with its threads, or with 0 all of a guild's, be asked again.
func (r *refusals) forget(guild, channel store.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, known := range r.known {
		if known.guild != guild {
			continue
		}
		if info, _ := r.names.channel(key.channel); channel == 0 || key.channel == channel || info.parent == channel {
			delete(r.known, key)
		}
	}
}

// expire forgets what is older than age, and reports whether anything was.
func (r *refusals) expire(age time.Duration) (any bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, known := range r.known {
		if time.Since(known.at) >= age {
			delete(r.known, key)
			any = true
		}
	}
	return any
}

// slow reports whether a guild, or every guild, has refused so much that little more may
// be asked. trusted is a request that should not be refused.
func (r *refusals) slow(guild store.ID, trusted bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	begin := time.Now().Add(-badSpan)
	old := 0
	for old < len(r.times) && r.times[old].at.Before(begin) {
		old++
	}
	r.times = r.times[old:]
	if len(r.times) >= allRefusals {
		return true
	}
	if trusted || len(r.times) < guildRefusals {
		return false
	}
	n := 0
	for _, t := range r.times {
		if t.guild == guild {
			n++
		}
	}
	return n >= guildRefusals
}

// tell logs what was refused and not told yet, a line for each guild and kind. ready
// reports whether more is not to be expected of a guild for now.
func (r *refusals) tell(ready func(guild store.ID) bool) {
	type heap struct {
		guild store.ID
		what  asked
	}
	channels := make(map[heap][]store.ID)
	notes := make(map[heap]string)
	r.mu.Lock()
	for key, f := range r.fresh {
		if ready(f.guild) {
			h := heap{f.guild, key.what}
			channels[h], notes[h] = append(channels[h], key.channel), f.note
			delete(r.fresh, key)
		}
	}
	r.mu.Unlock()
	for h, list := range channels {
		first := slices.Min(list)
		info, _ := r.names.channel(first)
		line := "history cannot be fetched: what was missed waits until the bot may read it"
		if h.what == askedThreads {
			line = "archived threads cannot be listed: what was missed in them waits until the bot may read them"
		}
		r.log.Warn(line, "guild", h.guild, "channels", len(list), "channel", first, "name", info.name, "reason", notes[h])
	}
}
