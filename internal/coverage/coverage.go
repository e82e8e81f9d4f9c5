package coverage

import (
	"slices"

	"rollcall/store"
)

// Channel is what is known of a channel, or of the channels of a name in logs. No list is
// ever null; what is not known is.
type Channel struct {
	Guild    store.ID      `json:"guild_id"`
	ID       *store.ID     `json:"channel_id"` // null: logs alone have told of it
	Name     string        `json:"channel_name"`
	From     *store.Micros `json:"from"` // the first and the last stored message, null if there is none
	To       *store.Micros `json:"to"`
	Messages int64         `json:"messages"`
	// CompleteSince is the instant from which on all that was said is here: no gap since is
	// open or skipped. Null: there is none, or it is not known.
	CompleteSince *store.Micros `json:"complete_since"`
	Gaps          []Gap         `json:"gaps"`     // by when they were noticed
	Readable      *bool         `json:"readable"` // the bot can read it and its history now; null: nobody has told
}

// Gap is a span of time of which messages are, or were, missing.
type Gap struct {
	From   store.Micros  `json:"from"`
	To     *store.Micros `json:"to"` // null: it goes on
	Reason string        `json:"reason"`
	State  string        `json:"state"` // open, filled or skipped
}

// archivedThreads is the name under which the threads of a guild are told of that were
// archived while nobody listened, as long as they have not been looked for.
const archivedThreads = "(archived threads)"

// Channels returns what is known of a guild's channels, by name.
func Channels(g store.GuildCoverage) []Channel {
	list := make([]Channel, 0, len(g.Channels))
	for _, c := range g.Channels {
		list = append(list, channelOf(g, c))
	}
	threads := Channel{Guild: g.ID, Name: archivedThreads, Gaps: []Gap{}}
	for _, gap := range g.Gaps {
		if gap.State != store.GapFilled {
			threads.Gaps = append(threads.Gaps, gapOf(gap))
		}
	}
	if len(threads.Gaps) > 0 {
		list = append(list, threads)
	}
	return list
}

func channelOf(g store.GuildCoverage, c store.Coverage) Channel {
	out := Channel{Guild: g.ID, Name: c.Name, Messages: c.Messages, Gaps: make([]Gap, len(c.Gaps))}
	if c.ID != 0 {
		out.ID = &c.ID
	}
	if c.Messages > 0 {
		out.From, out.To = &c.First, &c.Last
	}
	for i, gap := range c.Gaps {
		out.Gaps[i] = gapOf(gap)
	}
	if c.Cursor != 0 || c.Since != 0 || c.Unread != "" {
		readable := g.Departed == 0 && !c.Gone && !ongoing(c.Gaps) && c.Unread == "" && !refused(c.Gaps)
		out.Readable = &readable
	}
	if since, ok := completeSince(c); ok && g.Departed == 0 {
		out.CompleteSince = &since
	}
	return out
}

func gapOf(g store.Gap) Gap {
	out := Gap{From: g.From, Reason: g.Reason, State: g.State}
	if g.To != 0 {
		out.To = &g.To
	}
	return out
}

// ongoing reports whether one of the gaps has no end yet.
func ongoing(gaps []store.Gap) bool {
	for _, g := range gaps {
		if g.State != store.GapFilled && g.To == 0 {
			return true
		}
	}
	return false
}

// refused reports whether Discord has refused the history of one of the gaps, which waits.
func refused(gaps []store.Gap) bool {
	return slices.ContainsFunc(gaps, func(g store.Gap) bool { return g.State == store.GapOpen && g.Waits == store.WaitPermission })
}

// deaf reports whether new messages of a channel do not reach us.
func deaf(c store.ChannelFacts) bool { return c.Unread != "" && c.Unread != store.ReasonNoHistory }

// completeSince returns the instant from which on nothing is missing of a channel.
func completeSince(c store.Coverage) (since store.Micros, ok bool) {
	if c.Since == 0 || ongoing(c.Gaps) || deaf(c.ChannelFacts) {
		return 0, false
	}
	since = c.Since
	for _, g := range c.Gaps {
		if g.Kind == store.GapHistory && g.State == store.GapFilled { // read back to its beginning
			since = min(since, g.From)
		}
	}
	for _, g := range c.Gaps {
		if g.Kind != store.GapHistory && g.Kind != store.GapBeginning && g.State != store.GapFilled {
			since = max(since, g.To)
		}
	}
	return since, true
}
