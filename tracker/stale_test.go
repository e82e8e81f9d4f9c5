package tracker

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"rollcall/internal/simulator"
	"rollcall/store"
)

// A snapshot's last message may be too low. A page of the history decides where a gap ends.
func TestStaleLastMessageIsNoEnd(t *testing.T) {
	t.Parallel()
	for _, missed := range []int{3, pageLen + 20} {
		t.Run(fmt.Sprint(missed, " messages"), func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			first := w.post(w.general, simulator.Draft{Author: w.ada, Content: "missed"})
			for n := range missed - 1 {
				w.say(w.ada, fmt.Sprint("missed ", n), w.general)
			}
			w.general.SetLastMessage(first.ID)
			w.again(w.options())
			w.complete(w.since)
			g := w.one(w.filled(), w.general)
			all := w.general.Messages()
			if g.State != store.GapFilled || g.Found != int64(missed) || g.Until != store.ID(all[len(all)-1].ID) || g.After != g.Until {
				t.Errorf("the gap is %+v", g)
			}
			w.stopped()
			w.again(w.options())
			if g := w.one(w.filled(), w.general); g.Found != int64(missed) {
				t.Errorf("after another start the gap is %+v", g)
			}
		})
	}
}

// What is said between a guild's snapshot and the moment from which its session hears of
// messages is in no event; a gap is not filled before a page has shown that.
func TestMessageBeforeTheSubscription(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.sim.SubscribeAfter(500 * time.Millisecond)
	w.say(w.ada, "missed", w.general)
	o, l := w.options(), quick()
	l.subscribe = time.Second
	w.run(o, l)
	w.ready(1)
	w.until("the gap has been read once", func() bool { return w.tracker.Status().Backfill.Found == 1 })
	w.say(w.ada, "just before", w.general)
	if g := w.one(w.ledger(), w.general); g.State != store.GapOpen {
		t.Errorf("before the end has been shown the gap is %+v", g)
	}
	w.complete(w.since)
	if g := w.one(w.filled(), w.general); g.State != store.GapFilled || g.Found != 2 {
		t.Errorf("the gap is %+v", g)
	}
}

// A message may have a lower id than one that was committed before it came.
func TestGapBeginsBeforeItsCursor(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	w.again(w.options())
	begin, last := time.Now(), time.Time{}
	for last.Sub(begin) < 20*time.Millisecond {
		last = w.post(w.general, simulator.Draft{Author: w.ada, Content: "live"}).Time
	}
	w.complete(w.since)
	w.stopped()
	late := w.post(w.general, simulator.Draft{Author: w.ada, Content: "late", Late: time.Since(last) + 10*time.Millisecond})
	w.say(w.ada, "missed", w.general)
	cursors, err := w.db.Cursors(w.ctx, store.ID(w.guild.ID))
	if cursor := cursors[store.ID(w.general.ID)]; err != nil || store.ID(late.ID) >= cursor {
		t.Fatalf("the late message's id %v is not below the cursor %v: %v", late.ID, cursor, err)
	}
	w.again(w.options())
	w.complete(w.since)
	if g := w.one(w.filled(), w.general); g.Found != 2 || g.State != store.GapFilled {
		t.Errorf("the gap is %+v", g)
	}
}

// A gap that was read from the ledger before its guild's GUILD_CREATE stood there is not filled as
// it was then: that may have let it end later.
func TestGapOfBeforeItsGuild(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	tracker, err := New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	b, guild := tracker.backfill, store.ID(w.guild.ID)
	gap := store.Gap{Seq: 1, Guild: guild, Channel: store.ID(w.general.ID), After: 1, Until: 2, State: store.GapOpen}
	seen := b.seenGuilds()
	b.guildPlanned(guild)
	if err := b.sort(w.ctx, []store.Gap{gap}, seen); err != nil || b.jobs.has(gap.Seq) {
		t.Errorf("it is filled, %v", err)
	}
	if err := b.sort(w.ctx, []store.Gap{gap}, b.seenGuilds()); err != nil || !b.jobs.has(gap.Seq) {
		t.Errorf("it is not filled once the guild was seen before, %v", err)
	}
}

// What was said before a guild, or a channel of it, was met is history, however little.
func TestOverlapEndsWhereAChannelWasMet(t *testing.T) {
	t.Parallel()
	l := newLedger(t, backfillGap)
	channel, later := idAt(-5000), idAt(-900)
	l.do(created(0, textChannel(channel, idAt(-3))), said(channel, idAt(5)))
	l.restart()
	l.do(created(100, textChannel(channel, idAt(5)), textChannel(later, idAt(99))))
	for _, test := range []struct {
		name                 string
		channel, after, want store.ID
	}{
		{"behind a message", channel, idAt(60), idAt(50)},
		{"the guild was met just before", channel, idAt(5), idAt(0)},
		{"the channel was met just before", later, idAt(101), idAt(99)},
		{"the channel was met long before", later, idAt(130), idAt(120)},
		{"from a channel's beginning", idAt(70), 0, 0},
		{"from before the guild was met", channel, idAt(-100), idAt(-100)},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := overlapping(t.Context(), l.db, testGuild, test.channel, test.after)
			if err != nil || got != test.want {
				t.Errorf("begins at %v, want %v; %v", got, test.want, err)
			}
		})
	}
}

// A process that is killed again and again goes on with the gap that it finds.
func TestLeftoverGapGoesOn(t *testing.T) {
	channel := idAt(-5000)
	for _, test := range []struct {
		name   string
		heard  float64 // the last message that the second process heard live
		missed float64
		want   []span
	}{
		{"at once", 0, 70, []span{{channel, idAt(-10), idAt(70), reasonStopped, store.GapOpen}}},
		{"after a moment", 55, 70, []span{{channel, idAt(-10), idAt(70), reasonStopped, store.GapOpen}}},
		{"after a while", 65, 70, []span{
			{channel, idAt(-10), idAt(50), reasonStopped, store.GapOpen}, {channel, idAt(65), idAt(70), reasonStopped, store.GapOpen}}},
		{"with nothing more", 0, 50, []span{{channel, idAt(-10), idAt(50), reasonStopped, store.GapOpen}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(created(0, textChannel(channel, idAt(-10))))
			l.restart()
			l.do(created(51, textChannel(channel, idAt(50))))
			if test.heard > 0 {
				l.do(said(channel, idAt(test.heard)))
			}
			l.restart()
			l.do(created(100, textChannel(channel, idAt(test.missed))))
			l.gaps(test.want...)
		})
	}
}

// Once its guild has been told of, what an earlier process has left is being filled, and ends where it did:
// what is missed, or withheld, from then on has an entry of its own.
func TestLeftoverGapIsNotExtended(t *testing.T) {
	channel := idAt(-5000)
	leftover := span{channel, idAt(-10), idAt(50), reasonStopped, store.GapOpen}
	for name, test := range map[string]struct {
		parts []any
		want  span
	}{
		"by another session": {[]any{created(52, textChannel(channel, idAt(50))), lost(53), created(54, textChannel(channel, idAt(54)))},
			span{channel, idAt(50), idAt(54), "closed", store.GapOpen}},
		"by what is withheld": {[]any{withheldSpan{testGuild, channel, idAt(52)}, created(53, textChannel(channel, idAt(50)))},
			span{channel, idAt(52) - 1, idAt(52), reasonWithheld, store.GapOpen}},
		"by what is not described": {[]any{created(52, textChannel(channel, idAt(50))), unheard{testGuild, channel, idAt(53), idAt(54)}},
			span{channel, idAt(53) - 1, idAt(54), reasonUndescribed, store.GapOpen}},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(created(0, textChannel(channel, idAt(-10))))
			l.restart()
			l.do(created(51, textChannel(channel, idAt(50))))
			l.restart()
			for _, part := range test.parts {
				l.do(part)
			}
			l.gaps(leftover, test.want)
		})
	}
}

// A page that is too large is asked for in parts; a message that is too large by itself is
// left out, and the ledger says so.
func TestOversizedPages(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	for name, test := range map[string]struct {
		draft    simulator.Draft
		leftOut  int64
		requests int // of the history, at most
	}{
		"pages that are too large":            {simulator.Draft{Bulk: most / 20}, 0, 80},
		"messages that are too large":         {simulator.Draft{Bulk: 3 * most}, 3, 200},
		"their ids behind what is too large":  {simulator.Draft{Fields: map[string]any{"embeds": strings.Repeat(`"`, 2*most)}}, 3, 200},
		"their ids behind what is like an id": {simulator.Draft{Fields: map[string]any{"embeds": []any{map[string]any{"id": "7", "x": strings.Repeat("x", 2*most)}}}}, 3, 200},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTown(t, simulator.Options{}, nil)
			w.most = most
			heavy := make(map[simulator.ID]bool)
			for n := range 2*pageLen + 20 {
				d := simulator.Draft{Author: w.ada, Content: fmt.Sprint("missed ", n)}
				if test.leftOut == 0 || n == 50 || n == 51 || n == 2*pageLen+19 {
					test.draft.Author, test.draft.Content = d.Author, d.Content
					d = test.draft
					heavy[w.post(w.general, d).ID] = test.leftOut > 0
					continue
				}
				w.post(w.general, d)
			}
			w.again(w.options())
			w.complete(func(m simulator.Message) bool { return w.since(m) && !heavy[m.ID] })
			g := w.one(w.filled(), w.general)
			if g.State != store.GapFilled || g.Found != 2*pageLen+20-test.leftOut || strings.Contains(g.Note, "is left out") != (test.leftOut > 0) {
				t.Errorf("the gap is %+v", g)
			}
			if s := w.tracker.Status().Backfill; s.Unreadable != test.leftOut {
				t.Errorf("the status is %+v", s)
			}
			if n := w.sim.Stats().REST[simulator.RouteMessages]; n > test.requests {
				t.Errorf("%d pages were asked for", n)
			}
		})
	}
}

// Ids are of Discord's clock, which may be ahead of ours.
func TestClockThatIsAhead(t *testing.T) {
	c := newAnswerCounter(nil)
	for _, test := range []struct {
		date        string
		least, most time.Duration
	}{
		{time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat), 9 * time.Minute, 11 * time.Minute},
		{"yesterday", 9 * time.Minute, 11 * time.Minute}, // says nothing
		{"", 9 * time.Minute, 11 * time.Minute},
		{time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat), maxAhead, maxAhead},
		{time.Now().UTC().Format(http.TimeFormat), 0, 0},
		{time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat), 0, 0},
	} {
		c.noteDate(test.date)
		if got := time.Duration(c.ahead.Load()); got < test.least || got > test.most {
			t.Errorf("%q: %v ahead, want from %v to %v", test.date, got, test.least, test.most)
		}
	}
}

func TestScanID(t *testing.T) {
	for name, test := range map[string]struct {
		list string
		want store.ID
	}{
		"first":                  {`[{"id":"5","x":1},{"id":"6"}]`, 5},
		"last":                   {`[{"a":{"id":"1"},"b":[{"id":"2"}],"c":"\"id\":\"3\"","d":null,"e":-1.5e3,"id" : "5"}]`, 5},
		"white space":            {" [ {\n\"x\" : [ ] , \"id\"\t: \"5\" } ]", 5},
		"id as a value":          {`[{"x":"id","id":"5"}]`, 5},
		"none":                   {`[{"x":"id"}]`, 0},
		"only in what is nested": {`[{"x":{"id":"5"}}]`, 0},
		"of the second":          {`[{"x":1},{"id":"5"}]`, 0},
		"no object":              {`[7,{"id":"5"}]`, 5},
		"a number":               {`[{"id":5}]`, 0},
		"no id":                  {`[{"id":"five"}]`, 0},
		"empty":                  {`[]`, 0},
		"an object":              {`{"id":"5"}`, 0},
		"cut off":                {`[{"x":"`, 0},
		"cut off in an escape":   {`[{"x":"\`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := scanID(strings.NewReader(test.list))
			if got != test.want || (err == nil) != (test.want != 0) {
				t.Errorf("got %v, %v, want %v", got, err, test.want)
			}
		})
	}
}

func FuzzScanID(f *testing.F) {
	for _, seed := range []string{`[{"id":"5"}]`, `[{"a":[{"id":"1"}],"id":"5"},{"id":"6"}]`, `[{"x":"\"id\":"}]`, `[]`, `[{"i\u0064":"5"}]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, list []byte) {
		got, err := scanID(bytes.NewReader(list))
		if err != nil && got != 0 {
			t.Errorf("%v and an error: %v", got, err)
		}
		var all []json.RawMessage
		if json.Unmarshal(list, &all) != nil || len(all) == 0 || all[0][0] != '{' {
			return
		}
		// The members as they are written: a key may be there twice, or in escapes.
		var want store.ID
		_ = walk(all[0], func(key, value []byte) error {
			if want == 0 && string(key) == "id" && len(value) < 30 && value[0] == '"' {
				want, _ = store.ParseID(string(value[1 : len(value)-1]))
			}
			return nil
		})
		if want != 0 && got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
