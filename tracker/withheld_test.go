package tracker

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"rollcall/internal/rules"
	"rollcall/internal/simulator"
	"rollcall/store"
)

// blanks counts what is stored without a word.
func (r *rig) blanks() (n int) {
	for _, rec := range r.stored() {
		if rec.Content == "" && !rec.Redacted {
			n++
		}
	}
	return n
}

// impatient runs a tracker that soon asks again for what is withheld.
func (r *rig) impatient(o Options, l limits) {
	r.Helper()
	tracker, err := New(o)
	if err != nil {
		r.Fatal(err)
	}
	tracker.backfill.content.retry = 20 * time.Millisecond
	r.start(tracker, l)
	r.ready(1)
}

// While Discord withholds what people write, messages count, no stored text goes, the
// operator is told once, and afterwards the texts are fetched.
func TestContentIsWithheldLive(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	o := w.options()
	o.Store = w.db
	w.again(o)
	w.filled()
	kept := w.post(w.general, simulator.Draft{Author: w.ada, Content: "kept"})
	w.until("it is stored", func() bool { return w.text(w.general, "kept") })
	w.sim.WithholdContent(true)
	w.general.Edit(kept.ID, "an edit that nobody sees")
	w.say(w.ada, "one", w.general)
	w.say(w.ada, "two", w.other)
	w.say(w.ada, "hello <@"+w.sim.Bot().ID.String()+">", w.general) // comes whole, and proves nothing
	if s := w.tracker.Status().Content; s.Withheld {
		t.Errorf("after two: %+v", s)
	}
	w.say(w.ada, "three", w.general)
	w.until("it is noticed", func() bool { return w.tracker.Status().Content.Withheld })
	w.say(w.ada, "four", w.general, w.other)
	w.until("they count", func() bool { return w.blanks() == 5 })
	if !w.text(w.general, "kept") || w.log.count("level=ERROR", "Discord withholds") != 1 {
		t.Errorf("stored %+v", w.stored())
	}
	w.until("the gaps are open", func() bool {
		open := 0
		for _, gaps := range w.ledger() {
			for _, g := range gaps {
				if g.Kind == store.GapWithheld && g.State == store.GapOpen {
					open++
				}
			}
		}
		return open == 2
	})
	w.sim.WithholdContent(false)
	w.say(w.ada, "five", w.general)
	w.until("it is noticed", func() bool { return !w.tracker.Status().Content.Withheld })
	w.until("the texts are fetched", func() bool { return w.blanks() == 0 })
	for _, text := range []string{"one", "three", "four", "five"} {
		if !w.text(w.general, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if !w.text(w.other, "two") || !w.text(w.other, "four") {
		t.Errorf("stored %+v", w.stored())
	}
	// A page that was on its way at the turn may tell it once more, of both.
	if begun, over := w.log.count("level=ERROR", "Discord withholds"), w.log.count("comes again"); over != begun {
		t.Errorf("told %d times that it begins, and %d times that it is over", begun, over)
	}
}

// Pages whose texts are withheld fill no gap.
func TestContentIsWithheldInHistory(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	for i := range 4 {
		w.say(w.ada, fmt.Sprint("missed ", i), w.general, w.other)
	}
	w.sim.WithholdContent(true)
	w.impatient(w.options(), quick())
	w.until("it is noticed", func() bool { return w.tracker.Status().Content.Withheld })
	asked := w.sim.Stats().REST[simulator.RouteMessages]
	w.stats("it is tried again, politely", func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] >= asked+3 })
	if n := len(w.stored()); n != 0 {
		t.Errorf("%d messages are stored", n)
	}
	for c, gaps := range w.ledger() {
		for _, g := range gaps {
			if g.State != store.GapOpen {
				t.Errorf("channel %v: %+v", c, g)
			}
		}
	}
	w.sim.WithholdContent(false)
	w.filled()
	w.complete(w.since)
	if w.tracker.Status().Content.Withheld {
		t.Error("nobody has noticed that it is over")
	}
}

// What is withheld after the history was first asked in vain is fetched, too: the gap goes on
// until what was written comes again.
func TestContentIsWithheldForLong(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.impatient(w.options(), quick())
	w.filled()
	w.sim.WithholdContent(true)
	for n := range 5 {
		w.say(w.ada, fmt.Sprint("first ", n), w.general)
	}
	asked := w.sim.Stats().REST[simulator.RouteMessages]
	w.stats("the history is asked in vain", func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] >= asked+3 })
	for n := range pageLen + 20 {
		w.say(w.ada, fmt.Sprint("later ", n), w.general)
	}
	w.until("they count", func() bool { return w.blanks() == pageLen+25 })
	w.sim.WithholdContent(false)
	w.until("the texts are fetched", func() bool { return w.blanks() == 0 })
	w.filled()
	w.complete(w.since)
}

// Sessions go on to withhold what the history tells already: it is read again and again until they tell
// it, too. What was withheld for a moment only, so that nothing was noticed, is fetched as well.
func TestContentIsWithheldOverTheGatewayAlone(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.impatient(w.options(), quick())
	w.filled()
	w.sim.WithholdContentOver(true, false)
	for n := range 5 {
		w.say(w.ada, fmt.Sprint("first ", n), w.general)
	}
	w.until("the texts are fetched", func() bool { return w.text(w.general, "first 4") })
	for n := range 5 {
		w.say(w.ada, fmt.Sprint("later ", n), w.general, w.other)
		w.until("it is fetched", func() bool {
			return w.text(w.general, fmt.Sprint("later ", n)) && w.text(w.other, fmt.Sprint("later ", n))
		})
	}
	w.sim.WithholdContent(false)
	w.say(w.ada, "told", w.general)
	w.filled()
	if s := w.tracker.Status().Content; s.Withheld {
		t.Errorf("it is over, and the status is %+v", s)
	}
	w.sim.WithholdContentOver(true, false)
	w.say(w.ada, "for a moment", w.general)
	w.sim.WithholdContent(false)
	w.say(w.ada, "told again", w.other)
	w.until("it is fetched", func() bool { return w.text(w.general, "for a moment") })
	w.filled()
	w.complete(w.since)
}

// A page of one message that says nothing is no proof: it is asked for once more before it is believed.
func TestBlankPageIsAskedForAgain(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	m := w.post(w.general, simulator.Draft{Author: w.ada, Content: "missed"})
	w.sim.NextREST(simulator.RouteMessages, simulator.Body(fmt.Sprintf(
		`[{"id":"%v","channel_id":"%v","type":0,"author":{"id":"%v","username":"Ada"},"content":"","attachments":[],"embeds":[]}]`, m.ID, m.Channel, m.Author)))
	l := quick()
	l.subscribe = 0 // or the gap's end would be read twice in any case
	w.impatient(w.options(), l)
	w.filled()
	w.complete(w.since)
	if w.tracker.Status().Content.Withheld {
		t.Error("one message is taken for a proof")
	}
}

// Messages with a sticker, and forwards, come without their texts, too: they prove nothing, whatever shows of them.
func TestStickersProveNothing(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	drafts := []simulator.Draft{
		{Content: "missed"}, {Content: "with a sticker", Stickers: []string{"Wave"}},
		{Forward: &simulator.Message{Content: "passed on"}}, {Content: "missed, too"}, {Content: "and this"},
	}
	for _, d := range drafts {
		d.Author = w.ada
		w.post(w.general, d)
	}
	w.sim.WithholdContent(true)
	w.impatient(w.options(), quick())
	w.until("it is noticed", func() bool { return w.tracker.Status().Content.Withheld })
	asked := w.sim.Stats().REST[simulator.RouteMessages]
	w.stats("it is tried again", func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] >= asked+3 })
	for _, d := range drafts {
		d.Author = w.ada
		w.post(w.other, d)
	}
	w.sim.WithholdContent(false)
	w.filled()
	w.until("all is fetched", func() bool { return w.text(w.other, "with a sticker") })
	w.complete(w.since)
}

// The last message that was withheld may be gone by the time that the history tells texts: the gap
// ends all the same.
func TestWithheldAndDeleted(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.impatient(w.options(), quick())
	w.filled()
	w.sim.WithholdContent(true)
	for n := range 5 {
		w.say(w.ada, fmt.Sprint("said ", n), w.general)
	}
	last := w.post(w.general, simulator.Draft{Author: w.ada, Content: "taken back"})
	w.until("they count", func() bool { return w.blanks() == 6 })
	w.general.DeleteMessages(last.ID)
	w.sim.WithholdContent(false)
	w.say(w.ada, "told", w.other)
	w.until("the texts are fetched", func() bool { return w.blanks() <= 1 })
	w.filled()
}

// A new session of an approved bot is shown what people write until it shows otherwise.
func TestReadyEndsWhatWasWithheld(t *testing.T) {
	out := &lines{t: t}
	checked, err := rules.New(rules.Options{Log: out.logger()})
	if err != nil {
		t.Fatal(err)
	}
	c := newContentWatch(checked, out.logger())
	blank := message{ID: 9, ChannelID: 5, GuildID: 1, Author: author{ID: 7}, Blank: true, Mute: true}
	for range enoughBlanks {
		c.heard(0, &blank)
		c.read(1, []message{blank}, false)
	}
	other := blank
	other.ChannelID = 6
	if c.heard(1, &other); !c.state().Withheld {
		t.Fatal("it is not noticed")
	}
	const ready = `{"user":{"id":"42"},"application":{"id":"41","flags":%d}}`
	c.ready(0, json.RawMessage(fmt.Sprintf(ready, 0)))
	if !c.state().Withheld {
		t.Error("an unapproved bot is told texts")
	}
	c.ready(0, json.RawMessage(fmt.Sprintf(ready, flagContentApproved)))
	if c.state().Withheld || c.withholds(0, &message{}) || c.wait(1) > 0 {
		t.Error("an approved bot is told none")
	}
	if spans := c.ready(1, json.RawMessage(fmt.Sprintf(ready, flagContentApproved))); len(spans) != 1 || spans[0].channel != 6 {
		t.Errorf("the single one of the session before: %v", spans)
	}
}

// Where no texts are stored there is nothing to miss.
func TestContentThatIsNotStored(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	for i := range 4 {
		w.say(w.ada, fmt.Sprint("missed ", i), w.general)
	}
	w.sim.WithholdContent(true)
	o := w.options()
	o.Rules = w.rules(rules.Options{DropContent: true})
	w.again(o)
	w.filled()
	for i := range 4 {
		w.say(w.ada, fmt.Sprint("heard ", i), w.general)
	}
	w.until("all count", func() bool { return len(w.stored()) == 8 })
	if w.tracker.Status().Content.Withheld || w.log.count("Discord withholds") > 0 {
		t.Error("it is told that texts are withheld")
	}
}

// What is the sign, and what is not.
func TestBlankMessages(t *testing.T) {
	const head = `{"id":"100","channel_id":"10","guild_id":"1","author":{"id":"7"},"content":""`
	for name, test := range map[string]struct {
		more       string
		want, mute bool
	}{
		"nothing":        {``, true, true},
		"empty lists":    {`,"attachments":[],"embeds":[],"components":[],"sticker_items":[],"message_snapshots":[],"poll":null,"activity":null`, true, true},
		"a file":         {`,"attachments":[{"id":"1"}]`, false, false},
		"an embed":       {`,"embeds":[{"type":"rich"}]`, false, false},
		"a component":    {`,"components":[{"type":99}]`, false, false},
		"a sticker":      {`,"sticker_items":[{"id":"1","name":"wave"}]`, false, true},
		"a poll":         {`,"poll":{"question":{"text":"?"},"answers":[]}`, false, false},
		"a forward":      {`,"message_reference":{"type":1},"message_snapshots":[{"message":{"content":""}}]`, false, true},
		"a theme":        {`,"shared_client_theme":{"colors":[]}`, false, true},
		"an invitation":  {`,"activity":{"type":1}`, false, true},
		"a text":         {`,"content":"x"`, false, false},
		"strange values": {`,"embeds":7,"components":"x","activity":[1]`, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := decodeMessage([]byte(head + test.more + "}"))
			if err != nil || m.Blank != test.want || m.Mute != (test.want || test.mute) {
				t.Errorf("%+v, %v", m, err)
			}
		})
	}
}

// A gap goes on while there is more of it, and for a while as long as a session withholds.
func TestContentWatchClosesGaps(t *testing.T) {
	out := &lines{t: t}
	checked, err := rules.New(rules.Options{Log: out.logger()})
	if err != nil {
		t.Fatal(err)
	}
	now := snowflakeAt(store.MicrosOf(time.Now()))
	blank := message{ID: now, ChannelID: 5, GuildID: 1, Author: author{ID: 7}, Blank: true, Mute: true}
	text := message{ID: now + 1, ChannelID: 6, GuildID: 1, Author: author{ID: 7}, Content: "x"}
	for name, test := range map[string]struct {
		read  store.ID
		retry time.Duration
		over  bool
		want  bool
	}{
		"it was read, and is over":           {now, time.Hour, true, true},
		"it was read, and long ago":          {now, -time.Hour, false, true},
		"it was read, and there is more":     {now, time.Hour, false, false},
		"it was not read, though it is over": {now - 1, -time.Hour, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContentWatch(checked, out.logger())
			c.retry = test.retry
			opened := 0
			for range enoughBlanks + 1 {
				opened += len(c.heard(0, &blank))
			}
			if test.over {
				c.heard(0, &text)
			}
			if got := c.close(5, test.read); got != test.want || opened != 1 {
				t.Errorf("it may end: %v, of %d gaps", got, opened)
			}
			// Once it has ended the next such message opens another one.
			if again := 0; test.want {
				for range enoughBlanks {
					again += len(c.heard(0, &blank))
				}
				if again != 1 {
					t.Errorf("then %d gaps are opened", again)
				}
			}
		})
	}
}

// What one shard's sessions withhold does not show in what those of another one tell.
func TestContentWatchOfShards(t *testing.T) {
	out := &lines{t: t}
	checked, err := rules.New(rules.Options{Log: out.logger()})
	if err != nil {
		t.Fatal(err)
	}
	c := newContentWatch(checked, out.logger())
	blank := message{ID: 9, ChannelID: 5, GuildID: 1, Author: author{ID: 7}, Blank: true, Mute: true}
	text := message{ID: 9, ChannelID: 6, GuildID: 2, Author: author{ID: 7}, Content: "x"}
	spans := 0
	for range enoughBlanks {
		spans += len(c.heard(0, &blank))
		c.heard(1, &text)
	}
	if !c.state().Withheld || spans != 1 {
		t.Errorf("%+v, %d gaps", c.state(), spans)
	}
	update := message{Content: ""}
	if !c.withholds(0, &update) || c.withholds(1, &update) {
		t.Error("the edits of one shard are taken for those of the other")
	}
}

func TestContentWatch(t *testing.T) {
	out := &lines{t: t}
	checked, err := rules.New(rules.Options{Log: out.logger()})
	if err != nil {
		t.Fatal(err)
	}
	person := message{ID: 9, ChannelID: 5, GuildID: 1, Author: author{ID: 7}}
	blank, text, mention, answer, bot := person, person, person, person, person
	blank.Blank, bot.Blank, bot.Author.Bot = true, true, true
	blank.Mute, bot.Mute = true, true
	sticker := person // which Discord does not withhold
	sticker.Mute, sticker.Extra = true, &store.Extra{Stickers: []string{"wave"}}
	text.Content, mention.Content, answer.Content, answer.ReplyToUser = "x", "<@42>", "x", 42
	const ready = `{"user":{"id":"42"},"application":{"id":"41","flags":%d}}`
	for name, test := range map[string]struct {
		ready string
		live  []message
		pages [][]message
		want  bool
	}{
		"a few in a row":               {live: []message{blank, blank, blank}, want: true},
		"with stickers in between":     {live: []message{blank, sticker, blank, sticker, blank}, want: true},
		"stickers alone":               {live: []message{sticker, sticker, sticker}, pages: [][]message{{sticker, sticker, sticker}}},
		"a page with a sticker":        {pages: [][]message{{blank, sticker, blank}, {blank, sticker}}, want: true},
		"too few":                      {live: []message{blank, blank}},
		"not in a row":                 {live: []message{blank, blank, text, blank, blank}},
		"what mentions us comes whole": {ready: fmt.Sprintf(ready, 1<<18), live: []message{blank, blank, mention, answer, blank}, want: true},
		"bots say nothing of people":   {live: []message{bot, bot, bot}},
		"it is over":                   {live: []message{blank, blank, blank, text}},
		"READY says no":                {ready: fmt.Sprintf(ready, 0), live: []message{blank}, want: true},
		"READY says yes":               {ready: fmt.Sprintf(ready, 1<<19), live: []message{blank}},
		"READY says nothing":           {ready: `{"user":{"id":"42"},"application":{"id":"41"}}`, live: []message{blank}},
		"READY says nonsense":          {ready: `{"user":7,"application":{"flags":"x"}}`, live: []message{blank}},
		"READY says no, and text":      {ready: fmt.Sprintf(ready, 0), live: []message{text}},
		"a page":                       {pages: [][]message{{blank, blank, blank}}, want: true},
		"pages in a row":               {pages: [][]message{{blank, bot}, {}, {blank, blank}}, want: true},
		"a page with a text":           {pages: [][]message{{blank, blank, blank}, {blank, blank, blank, text}}},
		"over REST alone":              {live: []message{text, text}, pages: [][]message{{blank, blank, blank}}, want: true},
	} {
		t.Run(name, func(t *testing.T) {
			c := newContentWatch(checked, out.logger())
			if test.ready != "" {
				c.ready(0, json.RawMessage(test.ready))
			}
			for _, m := range test.live {
				c.heard(0, &m)
			}
			for _, page := range test.pages {
				c.read(1, page, false)
			}
			if got := c.state().Withheld; got != test.want {
				t.Errorf("withheld: %v", got)
			}
		})
	}
}
