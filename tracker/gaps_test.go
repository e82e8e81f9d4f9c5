package tracker

import (
	"maps"
	"testing"
	"time"

	"rollcall/internal/storetest"
	"rollcall/store"
)

const testGuild store.ID = 900

// testStart is when the sessions of these tests begin; idAt counts from it.
var testStart = time.Date(2026, 5, 11, 6, 0, 0, 0, time.UTC)

// idAt is an id made s seconds after testStart.
func idAt(s float64) store.ID {
	return snowflakeAt(store.MicrosOf(testStart.Add(time.Duration(s * float64(time.Second)))))
}

// ledger plays sessions to a planner, with the transactions that the writer would make.
type ledger struct {
	*testing.T
	db   *store.DB
	mode string
	plan *planner
}

func newLedger(t *testing.T, mode string) *ledger {
	l := &ledger{T: t, db: storetest.New(t, store.Options{}), mode: mode}
	l.restart()
	return l
}

// restart begins another process.
func (l *ledger) restart() {
	l.Helper()
	plan, err := newPlanner(l.Context(), l.db, l.mode)
	if err != nil {
		l.Fatal(err)
	}
	l.plan = plan
}

// do makes a transaction of events and messages.
func (l *ledger) do(parts ...any) {
	l.Helper()
	b := newTransaction(0)
	for _, part := range parts {
		var err error
		switch part := part.(type) {
		case event:
			err = part.apply(l.Context(), l.plan, b)
		case item:
			err = l.plan.live(l.Context(), part, b)
		}
		if err != nil {
			l.Fatal(err)
		}
	}
	if _, err := l.db.Put(l.Context(), b.batch()); err != nil {
		l.Fatal(err)
	}
	for _, done := range b.committed {
		done()
	}
}

// created is a GUILD_CREATE s seconds after testStart.
func created(s float64, channels ...channelSnapshot) guildSeen {
	at := testStart.Add(time.Duration(s * float64(time.Second)))
	return guildSeen{at: at, snapshot: guildSnapshot{Guild: testGuild, Channels: channels}}
}

// said is a message that does not count; its cursor moves all the same.
func said(channel, id store.ID) item {
	return item{cursor: store.ChannelCursor{Guild: testGuild, Channel: channel, Last: id}}
}

func lost(s float64) sessionStarted {
	return sessionStarted{lost: testStart.Add(time.Duration(s * float64(time.Second))), reason: "closed"}
}

// cursors compares the cursors of channels.
func (l *ledger) cursors(want map[store.ID]store.ID) {
	l.Helper()
	got, err := l.db.Cursors(l.Context(), testGuild)
	if err != nil {
		l.Fatal(err)
	}
	if !maps.Equal(got, want) {
		l.Errorf("cursors are %v, want %v", got, want)
	}
}

// span is what these tests look at of a gap.
type span struct {
	channel, after, until store.ID
	reason, state         string
}

// gaps compares the ledger; scans are left out.
func (l *ledger) gaps(want ...span) {
	l.Helper()
	all, err := l.db.Gaps(l.Context(), false)
	if err != nil {
		l.Fatal(err)
	}
	var got []span
	for _, g := range all {
		if kind := kindTold(g.Reason); g.Kind != kind {
			l.Errorf("gap %d is of kind %v, want %v: %s", g.Seq, g.Kind, kind, g.Reason)
		}
		if !isScan(g) {
			got = append(got, span{g.Channel, g.After, g.Until, g.Reason, g.State})
		}
	}
	if len(got) != len(want) {
		l.Fatalf("the ledger is %+v, want %+v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			l.Errorf("gap %d is %+v, want %+v", i, got[i], want[i])
		}
	}
}

// kindTold is the kind of gap that a reason is told of.
func kindTold(reason string) store.GapKind {
	switch reason {
	case reasonHistory:
		return store.GapHistory
	case reasonWithheld:
		return store.GapWithheld
	case reasonAdded:
		return store.GapBeginning
	case store.ReasonHidden, store.ReasonUnreadable:
		return store.GapUnreadable
	}
	return store.GapMissed
}

// scan returns the last scan in the ledger.
func (l *ledger) scan() store.Gap {
	l.Helper()
	all, err := l.db.Gaps(l.Context(), false)
	if err != nil {
		l.Fatal(err)
	}
	var last store.Gap
	for _, g := range all {
		if isScan(g) {
			last = g
		}
	}
	return last
}

func textChannel(id, last store.ID) channelSnapshot {
	return channelSnapshot{ID: id, Type: channelText, LastMessage: last}
}

func thread(id, last store.ID) channelSnapshot {
	return channelSnapshot{ID: id, Type: channelPublicThread, LastMessage: last}
}

func TestFirstSightIsTheBaseline(t *testing.T) {
	l := newLedger(t, backfillGap)
	old, empty, forum, young := idAt(-5000), idAt(-4000), idAt(-3000), idAt(-1)
	l.do(created(0, textChannel(old, idAt(-10)), textChannel(empty, 0), textChannel(young, idAt(-0.5)),
		channelSnapshot{ID: forum, Type: channelForum, LastMessage: idAt(-2)}))
	l.gaps()
	l.cursors(map[store.ID]store.ID{old: idAt(-10), empty: empty, young: idAt(-0.5), forum: forum})
	if scan := l.scan(); scan.Seq != 0 {
		t.Errorf("a guild that was never seen has archived threads to look for: %+v", scan)
	}
}

func TestGapAfterRestart(t *testing.T) {
	channel := idAt(-5000)
	tests := []struct {
		name      string
		before    []any // what the first process sees, after its GUILD_CREATE
		now       []channelSnapshot
		want      []span
		cursorNow map[store.ID]store.ID
	}{
		{
			name: "nothing was said", now: []channelSnapshot{textChannel(channel, idAt(-10))},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10)},
		},
		{
			name: "after the baseline", now: []channelSnapshot{textChannel(channel, idAt(50))},
			want:      []span{{channel, idAt(-10), idAt(50), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(50)},
		},
		{
			name: "after a live message", before: []any{said(channel, idAt(20))}, now: []channelSnapshot{textChannel(channel, idAt(50))},
			want:      []span{{channel, idAt(20), idAt(50), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(50)},
		},
		{
			name: "last message behind the cursor", before: []any{said(channel, idAt(20))}, now: []channelSnapshot{textChannel(channel, idAt(10))},
			cursorNow: map[store.ID]store.ID{channel: idAt(20)},
		},
		{
			name: "no last message", before: []any{said(channel, idAt(20))}, now: []channelSnapshot{textChannel(channel, 0)},
			cursorNow: map[store.ID]store.ID{channel: idAt(20)},
		},
		{
			name: "channel created meanwhile", now: []channelSnapshot{textChannel(channel, idAt(-10)), textChannel(idAt(30), idAt(40))},
			want:      []span{{idAt(30), 0, idAt(40), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(30): idAt(40)},
		},
		{
			name: "channel created meanwhile, empty", now: []channelSnapshot{textChannel(channel, idAt(-10)), textChannel(idAt(30), 0)},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(30): idAt(30)},
		},
		{
			name: "forum post of meanwhile", now: []channelSnapshot{textChannel(channel, idAt(-10)), thread(idAt(30), idAt(30))},
			want:      []span{{idAt(30), 0, idAt(30), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(30): idAt(30)},
		},
		{
			name: "old channel, not allowed before", now: []channelSnapshot{textChannel(channel, idAt(-10)), textChannel(idAt(-900), idAt(40))},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(-900): idAt(40)},
		},
		{
			name: "old thread, archived until now", now: []channelSnapshot{textChannel(channel, idAt(-10)), thread(idAt(-900), idAt(40))},
			want:      []span{{idAt(-900), idAt(0), idAt(40), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(-900): idAt(40)},
		},
		{
			name: "old thread without a message since", now: []channelSnapshot{textChannel(channel, idAt(-10)), thread(idAt(-900), idAt(-800))},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(-900): idAt(-800)},
		},
		{
			name: "created and listened to", before: []any{said(idAt(5), idAt(5)), said(idAt(5), idAt(6))},
			now:       []channelSnapshot{textChannel(channel, idAt(-10)), thread(idAt(5), idAt(60))},
			want:      []span{{idAt(5), idAt(6), idAt(60), reasonStopped, store.GapOpen}},
			cursorNow: map[store.ID]store.ID{channel: idAt(-10), idAt(5): idAt(60)},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(append([]any{created(0, textChannel(channel, idAt(-10)))}, test.before...)...)
			l.restart()
			l.do(created(100, test.now...))
			l.gaps(test.want...)
			l.cursors(test.cursorNow)
		})
	}
}

// A live message must not move a cursor past what was missed before it.
func TestLiveMessageBeforeItsGuildIsSeen(t *testing.T) {
	channel := idAt(-5000)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10))), said(channel, idAt(10)))
	l.do(lost(20))
	l.do(said(channel, idAt(40))) // of the new session, before its GUILD_CREATE
	l.cursors(map[store.ID]store.ID{channel: idAt(10)})
	l.do(created(50, textChannel(channel, idAt(39))), said(channel, idAt(60)))
	l.gaps(span{channel, idAt(10), idAt(39), "closed", store.GapOpen})
	l.cursors(map[store.ID]store.ID{channel: idAt(60)})
}

func TestSpanOfTheLedger(t *testing.T) {
	channel := idAt(-5000)
	type when struct {
		from, to store.Micros
		reason   string
	}
	at := func(s float64) store.Micros {
		return store.MicrosOf(testStart.Add(time.Duration(s * float64(time.Second))))
	}
	tests := []struct {
		name string
		play func(*ledger)
		want when
	}{
		{"restart", func(l *ledger) { l.restart(); l.do(created(100, textChannel(channel, idAt(50)))) },
			when{at(10), at(100), reasonStopped}},
		{"session lost", func(l *ledger) { l.do(lost(20), created(30, textChannel(channel, idAt(25)))) },
			when{at(20), at(30), "closed"}},
		{"two sessions lost before the guild came", func(l *ledger) {
			l.do(lost(20))
			l.do(sessionStarted{lost: testStart.Add(time.Minute), reason: "again"}, created(70, textChannel(channel, idAt(65))))
		}, when{at(20), at(70), "closed"}},
		{"outage", func(l *ledger) { l.do(created(90, textChannel(channel, idAt(80)))) },
			when{at(10), at(90), reasonUnavailable}},
		{"another shard's session", func(l *ledger) {
			l.do(sessionStarted{shard: 1, lost: testStart}, said(channel, idAt(12)), created(90, textChannel(channel, idAt(80))))
		}, when{at(12), at(90), reasonUnavailable}},
		{"a clock that goes back", func(l *ledger) { l.restart(); l.do(created(5, textChannel(channel, idAt(50)))) },
			when{at(5), at(5), reasonStopped}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(created(0, textChannel(channel, idAt(-10))), said(channel, idAt(10)))
			test.play(l)
			gaps, err := l.db.Gaps(l.Context(), true)
			if err != nil || len(gaps) == 0 {
				t.Fatalf("no gap: %v", err)
			}
			if got := (when{gaps[0].From, gaps[0].To, gaps[0].Reason}); got != test.want {
				t.Errorf("the gap's span is %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestBackfillNone(t *testing.T) {
	channel := idAt(-5000)
	l := newLedger(t, backfillNone)
	l.do(created(0, textChannel(channel, idAt(-10))))
	l.restart()
	l.do(created(100, textChannel(channel, idAt(50))), said(idAt(-600), idAt(101)))
	l.gaps(span{channel, idAt(-10), idAt(50), reasonStopped, store.GapSkipped})
	l.cursors(map[store.ID]store.ID{channel: idAt(50), idAt(-600): idAt(101)})
	if scan := l.scan(); scan.Seq != 0 {
		t.Errorf("archived threads are to be looked for: %+v", scan)
	}
}

func TestBackfillAll(t *testing.T) {
	channel, post := idAt(-5000), idAt(-300)
	l := newLedger(t, backfillAll)
	first := created(0, textChannel(channel, idAt(-10)), thread(post, post), textChannel(idAt(-4000), 0))
	l.do(first)
	history := []span{
		{channel, 0, idAt(-10), reasonHistory, store.GapOpen},
		{post, 0, post, reasonHistory, store.GapOpen},
	}
	l.gaps(history...)
	if scan := l.scan(); scan.Kind != store.GapHistory || scan.State != store.GapOpen {
		t.Errorf("the scan of all archived threads is %+v", scan)
	}
	l.restart()
	l.do(created(100, textChannel(channel, idAt(50)), thread(post, post)))
	l.gaps(append(history, span{channel, idAt(-10), idAt(50), reasonStopped, store.GapOpen})...)
	if scan := l.scan(); scan.Kind != store.GapHistory {
		t.Errorf("a crawl that was cut off is not begun again: %+v", scan)
	}
}
