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
	live     blanks   // over the gateway
	rest     blanks
	since    time.Time // zero: nothing is withheld
	again    time.Time // when the history may be asked again
	spans    map[store.ID]bool
}

// blanks are the messages in a row that said nothing, on one of the two ways.
type blanks struct {
	row      int
	withheld bool
	first    []withheldSpan // of the row, until it is long enough
}

func newContentWatch(r *rules.Rules, log *slog.Logger) *contentWatch {
	return &contentWatch{rules: r, log: log, retry: withheldRetry, spans: make(map[store.ID]bool)}
}

// ready takes in what READY says of ourselves.
func (c *contentWatch) ready(data json.RawMessage) {
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
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bot = max(store.ID(w.User.ID), store.ID(w.Application.ID))
	if w.User.ID != 0 {
		c.bot = store.ID(w.User.ID)
	}
	flags := w.Application.Flags.value
	c.doubtful = flags != nil && *flags&(flagContentApproved|flagContentLimited) == 0
	c.again = time.Time{}
}

// tells reports whether a message tells anything: one of the bot's own guild, of a person,
// whose text is to be stored, and that Discord shows us in no case alone.
func (c *contentWatch) tells(m *message) bool {
	if !m.counts() || !c.rules.KeepsTexts(m.GuildID) {
		return false
	}
	// What mentions the bot, or answers it, comes whole in any case.
	return m.Blank || c.bot == 0 || m.ReplyToUser != c.bot && !strings.Contains(m.Content, "<@"+c.bot.String()+">")
}

// heard takes in a message of the gateway. It returns the spans that the ledger has to
// have because their messages are stored without what they said.
func (c *contentWatch) heard(m *message) (spans []withheldSpan) {
	if !m.Blank && !c.suspects() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.tells(m) {
		return nil
	}
	if !m.Blank {
		c.live = blanks{}
		c.logChange()
		return nil
	}
	c.live.row++
	span := withheldSpan{m.GuildID, m.ChannelID, m.ID}
	if c.live.row < c.enough() && !c.live.withheld {
		c.live.first = append(c.live.first, span)
		return nil
	}
	c.live.withheld = true
	c.logChange()
	for _, s := range append(c.live.first, span) {
		if !c.spans[s.channel] && len(c.spans) < maxWithheld {
			c.spans[s.channel] = true
			spans = append(spans, s)
		}
	}
	c.live.first = nil
	return spans
}

// suspects reports whether a message that says something would change anything.
func (c *contentWatch) suspects() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.live.row > 0
}

// read takes in a page of the history of a guild, and reports whether what was written in
// it is withheld.
func (c *contentWatch) read(guild store.ID, page []message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	blank, told := 0, false
	for i := range page {
		m := page[i]
		m.GuildID = guild
		switch {
		case !c.tells(&m):
		case m.Blank:
			blank++
		default:
			told = true
		}
	}
	switch {
	case told:
		c.rest = blanks{}
	case blank > 0:
		if c.rest.row += blank; c.rest.row >= c.enough() {
			c.rest.withheld = true
		}
	}
	c.logChange()
	return blank > 0 && !told && c.rest.withheld
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
	withheld := c.live.withheld || c.rest.withheld
	switch {
	case withheld && c.since.IsZero():
		c.since = time.Now()
		c.log.Error("Discord withholds what people write: messages are counted without their texts, and what was missed waits in the ledger; " +
			"turn on, or request, the MESSAGE CONTENT intent in the developer portal (https://discord.com/developers/applications, Bot) and restart the bot")
	case !withheld && !c.since.IsZero():
		c.log.Info("what people write comes again", "after", time.Since(c.since).Round(time.Second).String())
		c.since, c.again = time.Time{}, time.Time{}
		clear(c.spans)
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
func (c *contentWatch) withholds(m *message) bool {
	if m.Blank && m.HasAttachments { // a whole message that says nothing
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return m.Content == "" && c.live.withheld
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

// apply opens a gap. It ends where the history does once it is read (see fill).
func (e withheldSpan) apply(_ context.Context, p *planner, b *transaction) error {
	at := snowflakeTime(e.first)
	b.gaps = append(b.gaps, p.gap(store.Gap{
		Guild: e.guild, Channel: e.channel, After: e.first - 1, Until: e.first, From: at, To: at, Kind: store.GapWithheld, Reason: reasonWithheld,
	}))
	p.notify(b, e.guild)
	return nil
}
