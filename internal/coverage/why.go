package coverage

import (
	"context"
	"fmt"
	"strings"

	"rollcall/internal/rules"
	"rollcall/store"
	"rollcall/tracker"
)

// Reasons of an Answer.
const (
	Stored          = "stored"
	Bot             = "bot"
	Webhook         = "webhook"
	System          = "system"
	DirectMessage   = "direct_message"
	ChannelDenied   = "channel_denied"
	GuildDenied     = "guild_denied"
	OptedOut        = "opted_out"
	Forgotten       = "forgotten"
	Deleted         = "deleted"
	InGap           = "gap"
	BeforeFirstSeen = "before_first_seen"
	Unreadable      = "unreadable"
	Unknown         = "unknown"
)

// Answer is why a message is stored or not.
type Answer struct {
	Message store.ID `json:"message_id"`
	Stored  bool     `json:"stored"`
	Reason  string   `json:"reason"`
	Detail  string   `json:"detail"` // one line, for people
}

// Sources are what an answer is made of.
type Sources struct {
	Store *store.DB
	Rules *rules.Rules // as they are now; nil: they are not known
	// Passed tells of messages that the running daemon has passed by; nil: none runs here.
	Passed func(store.ID) (tracker.PassedBy, bool)
}

// Why answers why a message is stored or not.
func Why(ctx context.Context, s Sources, m Message) (Answer, error) {
	q := question{Sources: s, message: m, at: store.Micros(m.ID.Millis() * 1000)}
	reason, detail, err := q.answer(ctx)
	return Answer{Message: m.ID, Stored: reason == Stored, Reason: reason, Detail: detail}, err
}

type question struct {
	Sources
	message Message
	at      store.Micros // when it was said, which its id tells
}

// answer goes from what is certain to what can only be concluded.
func (q *question) answer(ctx context.Context) (reason, detail string, err error) {
	if q.message.Direct {
		return DirectMessage, "direct messages are never recorded", nil
	}
	traces, err := q.Store.Lookup(ctx, store.MessageAt{Message: q.message.ID, Time: q.at, Guild: q.message.Guild, Channel: q.message.Channel})
	if err != nil {
		return "", "", err
	}
	if reason, detail := q.certain(traces); reason != "" {
		return reason, detail, nil
	}
	if q.message.Guild == 0 {
		reason, detail = q.anywhere(traces.Guilds)
	} else {
		reason, detail = q.inGuild(traces.Guilds[0])
	}
	return reason, detail, nil
}

// certain is what is known of the message itself.
func (q *question) certain(t store.MessageTraces) (reason, detail string) {
	switch {
	case t.Record != nil:
		return Stored, q.stored(t.Record)
	case t.Removed != nil:
		return Deleted, fmt.Sprintf("it was recorded in %s of guild %s, deleted in Discord, and removed with ROLLCALL_ON_DELETE=remove", channelName(t.Removed.Channel), t.Removed.Guild)
	case t.Passed != nil:
		return uncounted(t.Passed)
	}
	if why, ok := q.Store.WhyKeptOut(q.message.ID); ok {
		if why == store.KeptOutForgotten {
			return Forgotten, "its author is forgotten; nothing of it is kept, and only the daemon that erased it or kept it out can tell"
		}
		return OptedOut, optedOut
	}
	if q.Passed == nil {
		return "", ""
	}
	switch why, _ := q.Passed(q.message.ID); why {
	case tracker.PassedDirect:
		return DirectMessage, "direct messages are never recorded"
	case tracker.PassedGuildDenied:
		return GuildDenied, "it was said in a guild that the rules do not let in"
	case tracker.PassedChannelDenied:
		return ChannelDenied, "it was said in a channel that the rules do not let in"
	case tracker.PassedOptedOut:
		return OptedOut, optedOut
	}
	return "", ""
}

const optedOut = "its author has opted out; nothing of it is kept, and only the daemon that passed it by can tell"

func (q *question) stored(r *store.Record) string {
	text := "with its text"
	if r.Redacted {
		text = "without its text, which is not kept"
	}
	detail := fmt.Sprintf("it is recorded in %s of guild %s at %s, from %s, %s", channelName(r.Channel), r.Guild, r.Time, r.Source, text)
	if q.message.Channel != 0 && r.Channel.ID != 0 && r.Channel.ID != q.message.Channel {
		detail += fmt.Sprintf("; not in channel %s", q.message.Channel)
	}
	return detail
}

func uncounted(p *store.Passed) (reason, detail string) {
	where := fmt.Sprintf("in channel %s of guild %s", p.Channel, p.Guild)
	switch p.Why {
	case store.UncountedBot:
		return Bot, "a bot wrote it " + where + "; messages of bots do not count"
	case store.UncountedWebhook:
		return Webhook, "a webhook wrote it " + where + "; messages of webhooks do not count"
	}
	return System, "Discord itself posted it " + where + "; such messages do not count"
}

func channelName(c store.Channel) string {
	if c.ID == 0 {
		return fmt.Sprintf("#%s", c.Name)
	}
	return fmt.Sprintf("#%s (%s)", c.Name, c.ID)
}

// inGuild concludes from what is known of the place that a link names.
func (q *question) inGuild(g store.GuildTraces) (reason, detail string) {
	guild, channel := q.message.Guild, q.message.Channel
	place := fmt.Sprintf("channel %s", channel)
	if g.Channel.Name != "" {
		place = channelName(store.Channel{ID: channel, Name: g.Channel.Name})
	}
	if q.Rules != nil {
		switch {
		case !q.Rules.GuildAllowed(guild):
			return GuildDenied, fmt.Sprintf("the rules do not let in guild %s", guild)
		case (g.Channel.Parent != 0 || q.Rules.Decided(guild, channel)) && !q.Rules.Allowed(guild, channel, g.Channel.Parent):
			return ChannelDenied, fmt.Sprintf("the rules do not let in %s of guild %s", place, guild)
		}
	}
	filled := false
	for _, gap := range g.Gaps {
		if gap.Channel != channel {
			continue // of a guild as a whole
		}
		switch {
		case gap.State == store.GapFilled:
			filled = true
		case gap.Kind == store.GapBeginning:
			return BeforeFirstSeen, fmt.Sprintf("it was said at %s, and %s is recorded since %s%s", q.at, place, gap.To, begins)
		default:
			return q.inGap(gap, place)
		}
	}
	heard := micros(g.Cursors.Heard)
	switch since := q.since(g); {
	case !g.Known:
		return BeforeFirstSeen, fmt.Sprintf("nothing is known of guild %s: the bot has never seen it", guild)
	case deaf(g.Channel) && (q.at >= g.Channel.UnreadSince-onTheWay || g.Channel.Since == 0 && g.Cursor == 0 && q.at >= since):
		return Unreadable, fmt.Sprintf("the bot cannot read %s of guild %s (%s), as is known since %s", place, guild, g.Channel.Unread, g.Channel.UnreadSince)
	case g.Channel.Since == 0 && g.Cursor == 0 && q.at < since:
		return BeforeFirstSeen, fmt.Sprintf("it was said at %s, and guild %s was seen first at %s", q.at, guild, since+onTheWay)
	case g.Channel.Since == 0 && g.Cursor == 0:
		return q.neverMet(g, place)
	case (q.at < since || q.message.ID <= g.Channel.After) && !filled:
		return BeforeFirstSeen, fmt.Sprintf("it was said at %s, and %s is recorded since %s%s", q.at, place, since+onTheWay, beginsThere(g.Channel))
	case g.Departed != 0 && q.at >= g.Departed:
		return Unreadable, fmt.Sprintf("the bot has not been in guild %s since %s", guild, g.Departed)
	case heard != 0 && q.at > heard && q.Passed == nil:
		return InGap, fmt.Sprintf("nobody has listened since %s: the next start of the daemon fetches what was said", heard)
	}
	return Unknown, q.checked(g, place, filled)
}

// onTheWay is taken off the moment at which something was seen first: what was said while the
// news of a guild was on its way reaches us, too.
const onTheWay store.Micros = 100_000

// since is from when on the channel is recorded, or, if that is not known, the guild; 0 if
// neither is.
func (q *question) since(g store.GuildTraces) store.Micros {
	switch sight := micros(g.Cursors.Seen); {
	case g.Channel.Since != 0:
		return g.Channel.Since - onTheWay
	case sight != 0:
		return sight - onTheWay
	}
	return 0
}

// begins says why a thread begins where it does.
const begins = ": a thread that the bot is added to begins there"

func beginsThere(c store.ChannelFacts) string {
	if c.Parent != 0 {
		return begins
	}
	return ""
}

// neverMet is about a channel of which nobody has told, in a guild that was known by then.
func (q *question) neverMet(g store.GuildTraces, place string) (reason, detail string) {
	for _, gap := range g.Gaps {
		if gap.State != store.GapFilled {
			return InGap, fmt.Sprintf("%s was not seen yet, and the threads that were archived from %s to %s have not all been looked for", place, gap.From, gap.To)
		}
	}
	return BeforeFirstSeen, fmt.Sprintf("the bot has never seen %s of guild %s", place, q.message.Guild)
}

// inGap is about a message that would be in an open or skipped gap.
func (q *question) inGap(gap store.Gap, place string) (reason, detail string) {
	reason = InGap
	if unreadable(gap) {
		reason = Unreadable
	}
	to := "now"
	if gap.To != 0 {
		to = gap.To.String()
	}
	detail = fmt.Sprintf("it would be in a gap of %s, from %s to %s, which is %s: %s", place, gap.From, to, gap.State, gap.Reason)
	if gap.Note != "" {
		detail += "; " + gap.Note
	}
	return reason, detail
}

// unreadable reports whether it is for want of a permission that a gap is not filled.
func unreadable(g store.Gap) bool {
	return g.Kind == store.GapUnreadable || g.Waits == store.WaitPermission
}

// checked lists what was looked at in vain.
func (q *question) checked(g store.GuildTraces, place string, filled bool) string {
	list := []string{fmt.Sprintf("%s of guild %s was listened to at %s", place, q.message.Guild, q.at), "the message is not recorded", "nothing is marked as deleted", "no gap is open"}
	if filled {
		list[0] = fmt.Sprintf("what was said in %s of guild %s at %s has been fetched from the history", place, q.message.Guild, q.at)
	}
	return strings.Join(append(list, q.perhaps(g.Lines)...), "; ")
}

// perhaps is what may be so and is not known, because nothing is kept that would tell.
func (q *question) perhaps(lines int64) (list []string) {
	if lines > 0 {
		list = append(list, fmt.Sprintf("of the %d log lines about that time any may be it, since logs have no ids", lines))
	}
	return append(list, "what is never kept cannot be told: messages of people who opted out or are forgotten, and what was deleted before it was read")
}

// anywhere concludes from what is known of all guilds, where an id alone was given.
func (q *question) anywhere(guilds []store.GuildTraces) (reason, detail string) {
	var lines int64
	known, before, missing := 0, 0, 0
	var gaps []store.Gap
	for _, g := range guilds {
		sight := micros(g.Cursors.Seen)
		if sight == 0 {
			lines += g.Lines
			continue // only logs have told of it
		}
		known++
		lines += g.Lines
		open, filled := false, false
		for _, gap := range g.Gaps {
			switch {
			case gap.State == store.GapFilled:
				filled = filled || gap.Channel == g.Before
			case gap.Kind == store.GapBeginning && gap.Until == q.message.ID:
				return BeforeFirstSeen, fmt.Sprintf("it was said at %s, and thread %s of guild %s is recorded since %s%s", q.at, gap.Channel, gap.Guild, gap.To, begins)
			case gap.Kind == store.GapBeginning:
				gaps = append(gaps, gap)
			case gap.Until == q.message.ID: // the gap ends with this very message
				return q.inGap(gap, fmt.Sprintf("channel %s of guild %s", gap.Channel, gap.Guild))
			default:
				gaps = append(gaps, gap)
				open = open || !unreadable(gap) && gap.Kind != store.GapHistory
			}
		}
		switch heard := micros(g.Cursors.Heard); {
		case open, q.Passed == nil && q.at > max(heard, sight):
			missing++
		case g.Before != 0 && !filled, q.at < sight-onTheWay && len(g.Gaps) == 0:
			before++
		}
	}
	searched := fmt.Sprintf("it was said at %s, as its id tells, and is recorded in none of %d guilds", q.at, len(guilds))
	switch {
	case known == before:
		return BeforeFirstSeen, searched + "; none of them was seen by then"
	case known == missing+before && len(gaps) > 0:
		return InGap, fmt.Sprintf("%s; nobody listened then, and the gap from %s to %s is %s: %s", searched, gaps[0].From, gaps[0].To, gaps[0].State, gaps[0].Reason)
	case known == missing+before:
		return InGap, searched + "; nobody has listened since: the next start of the daemon fetches what was said"
	}
	list := append([]string{searched}, q.perhaps(lines)...)
	if len(gaps) > 0 {
		list = append(list, fmt.Sprintf("it may be in one of %d open or skipped gaps", len(gaps)))
	}
	return Unknown, strings.Join(append(list, "its link tells more than its id: it names the channel"), "; ")
}

// micros is the instant of an id, 0 of none.
func micros(id store.ID) store.Micros {
	if id == 0 {
		return 0
	}
	return store.Micros(id.Millis() * 1000)
}
