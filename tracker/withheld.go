package tracker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

// Discord may withhold what people write, from a bot whose approval for the message
// content intent has ended: over REST at once, over the gateway from the next connection
// on. Messages then come without text, embeds, attachments and components. A person's
// message that says nothing at all does not exist otherwise, so some in a row tell.
const (
	// enoughBlanks is how many such messages in a row tell that content is withheld;
	// suspectBlanks where READY says that the intent is not approved.
	enoughBlanks  = 3
	suspectBlanks = 1
	// withheldRetry is the pause between two pages of the history that are asked for to
	// see whether content comes again.
	withheldRetry = time.Minute
	// lingering is for how many such pauses a gap stays open after the last message that was stored
	// without what it said, as long as some session withholds that.
	lingering = 10
	// pendingMost bounds the messages of a row that wait for what it turns out to be.
	pendingMost = 100
	// maxWithheld bounds the channels of which is remembered that they have a gap.
	maxWithheld = 10_000
)

// reasonWithheld is the reason of a gap in which messages are stored without what they said.
const reasonWithheld = "Discord withheld what was written"

// errWithheld says that a page of the history has nothing of what was written.
var errWithheld = errors.New("what was written is withheld")

// Flags of an application, as READY tells them.
const (
	flagContentApproved = 1 << 18
	flagContentLimited  = 1 << 19 // switched on, below the number of users that needs approval
)

// ContentStatus reports whether Discord withholds what people write.
type ContentStatus struct {
	Withheld bool         `json:"withheld"`
	Since    store.Micros `json:"since,omitzero"` // when that was noticed; 0: it is not
}

// contentWatch notices that Discord withholds what people write, and that it no longer
// does. Guilds whose texts are not stored have no say. Any goroutine may use it.
type contentWatch struct {
	rules *rules.Rules
	log   *slog.Logger
	retry time.Duration // withheldRetry, shorter in tests

	mu       sync.Mutex
	bot      store.ID // our own id, 0 before READY
	doubtful bool     // READY says that the intent is not approved
	// live is by shard, since what a session gets is decided when it begins, and rest is at once:
	// each of them may be withheld while the others are not.
	live  map[int]*blanks
	rest  blanks
	since time.Time // zero: nothing is withheld
	again time.Time // when the history may be asked again
	// spans are the channels that have a gap, with the last message that was stored without what it said.
	spans map[store.ID]store.ID
}

// blanks are the messages in a row that said nothing, on one of the ways.
type blanks struct {
	row      int
	withheld bool
	first    []withheldSpan // of the row, until it is long enough
}

func newContentWatch(r *rules.Rules, log *slog.Logger) *contentWatch {
	return &contentWatch{rules: r, log: log, retry: withheldRetry, live: make(map[int]*blanks), spans: make(map[store.ID]store.ID)}
}

// ready takes in what READY says of ourselves. What a session is shown is decided when it begins: if the
// intent is approved, what was withheld may be told by now, over REST as well. It returns
// the spans of messages that were too few to tell in the session before.
func (c *contentWatch) ready(shard int, data json.RawMessage) (spans []withheldSpan) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if live := c.live[shard]; live != nil {
		spans, live.first = c.open(live.first), nil
	}
	if c.told(data); !c.doubtful {
		delete(c.live, shard)
		c.rest = blanks{}
	}
	c.logChange()
	return spans
}

// told reads READY. It needs c.mu.
func (c *contentWatch) told(data json.RawMessage) {
	var w struct {
		User struct {
			ID looseID `json:"id"`
		} `json:"user"`
		Application struct {
			ID    looseID     `json:"id"`
			Flags loose[*int] `json:"flags"`
		} `json:"application"`
	}
	if json.Unmarshal(data, &w) != nil {
		return
	}
	c.bot = max(store.ID(w.User.ID), store.ID(w.Application.ID))
	if w.User.ID != 0 {
		c.bot = store.ID(w.User.ID)
	}
	flags := w.Application.Flags.value
	c.doubtful = flags != nil && *flags&(flagContentApproved|flagContentLimited) == 0
	c.again = time.Time{}
}

// tells reports whether a message tells anything: one of the bot's own guild, of a person,
// whose text is to be stored, and that Discord shows us in no case alone. One that is mute
// and not blank does not tell what it is, though it may lack a text.
func (c *contentWatch) tells(m *message) bool {
	if !m.counts() || !c.rules.KeepsTexts(m.GuildID) {
		return false
	}
	// What mentions the bot, or answers it, comes whole in any case.
	return m.Mute || c.bot == 0 || m.ReplyToUser != c.bot && !strings.Contains(m.Content, "<@"+c.bot.String()+">")
}

// heard takes in a message that a shard has heard. It returns the spans that the ledger has to
// have because their messages are stored without what they said: also those of a row that was
// too short to tell, since a person's message that says nothing does not exist.
func (c *contentWatch) heard(shard int, m *message) (spans []withheldSpan) {
	if !m.Blank && !c.suspects(shard) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.tells(m) {
		return nil
	}
	live := c.live[shard]
	if live == nil {
		live = &blanks{}
		c.live[shard] = live
	}
	pending := live.first
	if !m.Mute {
		delete(c.live, shard)
		c.logChange()
		return c.open(pending)
	}
	pending = append(pending, withheldSpan{m.GuildID, m.ChannelID, m.ID})
	if m.Blank {
		live.row++
	}
	if live.row < c.enough() && !live.withheld {
		if len(pending) <= pendingMost {
			live.first = pending
		}
		return nil
	}
	live.withheld, live.first = true, nil
	c.logChange()
	return c.open(pending)
}

// open returns those of some messages whose channels have no gap yet. It needs c.mu.
func (c *contentWatch) open(pending []withheldSpan) (spans []withheldSpan) {
	for _, s := range pending {
		last, has := c.spans[s.channel]
		if !has && len(c.spans) >= maxWithheld {
			continue
		}
		c.spans[s.channel] = max(last, s.first)
		if !has {
			spans = append(spans, s)
		}
	}
	return spans
}

// close reports whether the gap of a channel may end, which was read up to a message: if nothing was
// stored without what it said behind that, nor lately while a session withholds that: there will be more
// of them, which need no entry each in the ledger.
func (c *contentWatch) close(channel, read store.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last, has := c.spans[channel]
	if lately := store.MicrosOf(time.Now().Add(-lingering * c.retry)); has && (last > read || c.deaf() && snowflakeTime(last) > lately) {
		return false
	}
	delete(c.spans, channel)
	return true
}

// forget is told that the gap of a channel has ended though it was not filled.
func (c *contentWatch) forget(channel store.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.spans, channel)
}

// deaf reports whether a session withholds what people write. It needs c.mu.
func (c *contentWatch) deaf() bool {
	for _, live := range c.live {
		if live.withheld {
			return true
		}
	}
	return false
}

// suspects reports whether a message that says something would change anything.
func (c *contentWatch) suspects(shard int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live[shard] != nil
}

// pageContent is what a page of the history shows of what people write.
type pageContent uint8

const (
	pageTells    pageContent = iota // something, or there is nothing to tell
	pageDoubtful                    // nothing, which may be chance
	pageWithheld
)

// read takes in a page of the history of a guild; again says that it was doubtful before.
func (c *contentWatch) read(guild store.ID, page []message, again bool) pageContent {
	c.mu.Lock()
	defer c.mu.Unlock()
	blank, mute, told := 0, false, false
	for i := range page {
		m := page[i]
		m.GuildID = guild
		switch {
		case !c.tells(&m):
		case m.Blank:
			blank++
		case m.Mute:
			mute = true
		default:
			told = true
		}
	}
	switch {
	case told:
		c.rest = blanks{}
	case blank > 0 && !again:
		if c.rest.row += blank; c.rest.row >= c.enough() {
			c.rest.withheld = true
		}
	}
	c.logChange()
	switch {
	case told || blank == 0 && !mute:
		return pageTells
	case c.rest.withheld:
		return pageWithheld
	case blank > 0:
		return pageDoubtful
	}
	return pageTells
}

// enough needs c.mu.
func (c *contentWatch) enough() int {
	if c.doubtful {
		return suspectBlanks
	}
	return enoughBlanks
}

// logChange tells the operator when things change. It needs c.mu.
func (c *contentWatch) logChange() {
	withheld := c.deaf() || c.rest.withheld
	switch {
	case withheld && c.since.IsZero():
		c.since = time.Now()
		c.log.Error("Discord withholds what people write: messages are counted without their texts, and what was missed waits in the ledger; " +
			"turn on, or request, the MESSAGE CONTENT intent in the developer portal (https://discord.com/developers/applications, Bot) and restart the bot")
	case !withheld && !c.since.IsZero():
		c.log.Info("what people write comes again", "after", time.Since(c.since).Round(time.Second).String())
		c.since, c.again = time.Time{}, time.Time{}
	}
}

// wait returns how long the history of a guild is not to be asked: 0 if a page may be.
// While content is withheld, the one who is told 0 tries for all.
func (c *contentWatch) wait(guild store.ID) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.rest.withheld || !c.rules.KeepsTexts(guild) {
		return 0
	}
	now := time.Now()
	if wait := c.again.Sub(now); wait > 0 {
		return wait
	}
	c.again = now.Add(c.retry)
	return 0
}

// withholds reports whether an edit says nothing because what was written is withheld: then it
// must not take away what is stored.
func (c *contentWatch) withholds(shard int, m *message) bool {
	if m.Blank && m.HasAttachments { // a whole message that says nothing
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	live := c.live[shard]
	return m.Content == "" && live != nil && live.withheld
}

// state returns the state of this moment.
func (c *contentWatch) state() ContentStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return ContentStatus{}
	}
	return ContentStatus{Withheld: true, Since: store.MicrosOf(c.since)}
}

// withheldSpan is a channel whose messages are stored, from one on, without what they said.
type withheldSpan struct{ guild, channel, first store.ID }

// apply opens a gap of its own, since one that an earlier process has left ends elsewhere. It ends
// where the history does once it is read (see fill).
func (e withheldSpan) apply(_ context.Context, p *planner, b *transaction) error {
	at := snowflakeTime(e.first)
	b.gaps = append(b.gaps, p.spanOf(store.Gap{
		Guild: e.guild, Channel: e.channel, After: e.first - 1, Until: e.first, From: at, To: at, Kind: store.GapWithheld, Reason: reasonWithheld,
	}, ""))
	p.notify(b, e.guild)
	return nil
}
