package tracker

import (
	"testing"
	"time"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// as is a channel as the bot may read it.
func as(r permissions.Reading, c channelSnapshot) channelSnapshot {
	c.Reading = r
	return c
}

func forum(id store.ID) channelSnapshot { return channelSnapshot{ID: id, Type: channelForum} }

func below(parent store.ID, c channelSnapshot) channelSnapshot {
	c.Parent = parent
	return c
}

// changedAt is an accessChanged s seconds after testStart.
func changedAt(s float64, channels ...channelSnapshot) accessChanged {
	return accessChanged{guild: testGuild, at: testStart.Add(time.Duration(s * float64(time.Second))), channels: channels}
}

func saidIn(parent, channel, id store.ID) item {
	it := said(channel, id)
	it.parent = parent
	return it
}

// marks returns which channels cannot be read, by channel.
func (l *ledger) marks() map[store.ID]string {
	l.Helper()
	list, err := l.db.Unreadable(l.Context(), testGuild)
	if err != nil {
		l.Fatal(err)
	}
	all := make(map[store.ID]string)
	for _, u := range list {
		all[u.Channel] = u.Reason
	}
	return all
}

// searches returns the open searches for archived threads that have parents.
func (l *ledger) searches() (list []store.Gap) {
	l.Helper()
	all, err := l.db.Gaps(l.Context(), true)
	if err != nil {
		l.Fatal(err)
	}
	for _, g := range all {
		if isScan(g) && len(g.Parents) > 0 {
			list = append(list, g)
		}
	}
	return list
}

// A message of a channel that cannot be read moves no cursor: it may be one of before the
// channel was hidden, or one that comes before the event that shows it.
func TestHiddenChannelsCursorStandsStill(t *testing.T) {
	channel, thread := idAt(-5000), idAt(-600)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10)), below(channel, threadAt(thread, idAt(-500)))))
	l.do(changedAt(10, as(permissions.Hidden, textChannel(channel, 0))))
	l.do(said(channel, idAt(11)), saidIn(channel, thread, idAt(12)))
	l.cursors(map[store.ID]store.ID{channel: idAt(-10), thread: idAt(-500)})
	l.gaps(span{channel, idAt(-10), 0, store.ReasonHidden, store.GapOpen})
	l.restart() // ... nor after another start
	l.do(created(20, as(permissions.Hidden, textChannel(channel, 0))), said(channel, idAt(21)))
	l.gaps(span{channel, idAt(-10), 0, store.ReasonHidden, store.GapOpen})
	l.do(changedAt(30, as(permissions.Full, textChannel(channel, idAt(29)))), said(channel, idAt(31)))
	l.gaps(span{channel, idAt(-10), idAt(30), store.ReasonHidden, store.GapOpen})
	l.cursors(map[store.ID]store.ID{channel: idAt(31), thread: idAt(-500)})
	// The thread speaks before the search has found it.
	l.do(saidIn(channel, thread, idAt(40)), saidIn(channel, thread, idAt(41)))
	l.gaps(span{channel, idAt(-10), idAt(30), store.ReasonHidden, store.GapOpen}, span{thread, idAt(-500), idAt(40) - 1, store.ReasonHidden, store.GapOpen})
}

// threadAt is thread, where a variable has its name.
func threadAt(id, last store.ID) channelSnapshot { return thread(id, last) }

// Everything that can become of a channel's access, and of its entry in the ledger.
func TestReadingChanges(t *testing.T) {
	channel := idAt(-5000)
	text := func(r permissions.Reading, last store.ID) channelSnapshot { return as(r, textChannel(channel, last)) }
	const full, noHistory, hidden, unseen = permissions.Full, permissions.NoHistory, permissions.Hidden, permissions.Unseen
	tests := []struct {
		name  string
		mode  string
		steps []any
		want  []span
		mark  string
	}{
		{"hidden", backfillGap, []any{changedAt(10, text(hidden, 0))},
			[]span{{channel, idAt(5), 0, store.ReasonHidden, store.GapOpen}}, store.ReasonHidden},
		{"hidden and shown in one transaction", backfillGap, []any{[]any{changedAt(10, text(hidden, 0)), changedAt(20, text(full, idAt(15)))}},
			[]span{{channel, idAt(5), idAt(20), store.ReasonHidden, store.GapOpen}}, ""},
		{"unseen, then hidden, as by a role", backfillGap, []any{changedAt(10, text(unseen, 0)), changedAt(11, text(hidden, 0))},
			[]span{{channel, idAt(5), 0, store.ReasonHidden, store.GapOpen}}, store.ReasonHidden},
		{"a last message that is stale, or not told", backfillGap, []any{changedAt(10, text(unseen, 0)), changedAt(20, text(full, 0))},
			[]span{{channel, idAt(5), idAt(20), store.ReasonUnreadable, store.GapOpen}}, ""},
		{"a last message of after our clock", backfillGap, []any{changedAt(10, text(unseen, 0)), changedAt(20, text(full, idAt(25)))},
			[]span{{channel, idAt(5), idAt(25), store.ReasonUnreadable, store.GapOpen}}, ""},
		{"its history alone", backfillGap, []any{changedAt(10, text(noHistory, 0)), said(channel, idAt(11))}, nil, store.ReasonNoHistory},
		{"its history, then all", backfillGap, []any{changedAt(10, text(noHistory, 0)), said(channel, idAt(11)), changedAt(12, text(hidden, 0))},
			[]span{{channel, idAt(11), 0, store.ReasonHidden, store.GapOpen}}, store.ReasonHidden},
		{"all, then its history", backfillGap, []any{changedAt(10, text(hidden, 0)), changedAt(12, text(noHistory, idAt(11))), said(channel, idAt(13))},
			[]span{{channel, idAt(5), idAt(12), store.ReasonHidden, store.GapOpen}}, store.ReasonNoHistory},
		{"twice", backfillGap, []any{changedAt(10, text(hidden, 0)), changedAt(12, text(full, idAt(11))), changedAt(14, text(hidden, 0))},
			[]span{{channel, idAt(5), idAt(12), store.ReasonHidden, store.GapOpen}, {channel, idAt(11), 0, store.ReasonHidden, store.GapOpen}}, store.ReasonHidden},
		{"deleted", backfillGap, []any{changedAt(10, text(hidden, 0)), channelGone{testGuild, channel}},
			[]span{{channel, idAt(5), 0, store.ReasonHidden, store.GapSkipped}}, ""},
		{"deleted while nobody listened", backfillGap, []any{changedAt(10, text(hidden, 0)), lost(20), created(30)},
			[]span{{channel, idAt(5), idAt(30), store.ReasonHidden, store.GapSkipped}}, ""},
		{"lost and shown while nobody listened", backfillGap, []any{lost(20), created(30, text(full, idAt(25)))},
			[]span{{channel, idAt(5), idAt(25), "closed", store.GapOpen}}, ""},
		{"hidden while nobody listened", backfillGap, []any{lost(20), created(30, text(hidden, 0))},
			[]span{{channel, idAt(5), 0, store.ReasonHidden, store.GapOpen}}, store.ReasonHidden},
		{"an event before its GUILD_CREATE", backfillGap, []any{lost(20), changedAt(25, text(hidden, 0)), created(30, text(full, idAt(25)))},
			[]span{{channel, idAt(5), idAt(25), "closed", store.GapOpen}}, ""},
		{"backfill is off", backfillNone, []any{changedAt(10, text(hidden, 0)), changedAt(20, text(full, idAt(15)))},
			[]span{{channel, idAt(5), idAt(20), store.ReasonHidden, store.GapSkipped}}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t, test.mode)
			l.do(created(0, textChannel(channel, idAt(-10))), said(channel, idAt(5)))
			for _, step := range test.steps {
				if several, ok := step.([]any); ok {
					l.do(several...)
				} else {
					l.do(step)
				}
			}
			if test.name == "deleted" { // whose end is told by the clock of now
				all, err := l.db.Gaps(l.Context(), false)
				if err != nil || len(all) != 1 || all[0].State != store.GapSkipped || all[0].To == 0 || all[0].Until == 0 {
					t.Errorf("the ledger is %+v, %v", all, err)
				}
			} else {
				l.gaps(test.want...)
			}
			if got := l.marks()[channel]; got != test.mark {
				t.Errorf("the channel cannot be read for %q, want %q", got, test.mark)
			}
		})
	}
}

// An older build gave a channel that was hidden its own id for a cursor. What was said
// there before the guild's first sight is history all the same.
func TestHiddenByAnOlderBuild(t *testing.T) {
	channel := idAt(-5000)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, 0)))
	l.restart()
	l.do(created(100, as(permissions.Hidden, textChannel(channel, 0))))
	l.do(changedAt(200, as(permissions.Full, textChannel(channel, idAt(150)))))
	l.gaps(span{channel, idAt(0), idAt(200), store.ReasonHidden, store.GapOpen})
}

// THREAD_LIST_SYNC says that a channel could not be viewed, also where we have not
// noticed: what its cursor has not seen is fetched.
func TestLossThatWasNotNoticed(t *testing.T) {
	channel, known, fresh, old := idAt(-5000), idAt(-600), idAt(50), idAt(-700)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10)), below(channel, thread(known, idAt(-500)))), said(channel, idAt(5)))
	l.do(threadsShown{
		guild: testGuild, at: testStart.Add(100 * time.Second), parents: []channelSnapshot{textChannel(channel, 0)},
		threads: []channelSnapshot{below(channel, thread(known, idAt(80))), below(channel, thread(fresh, idAt(90))), below(channel, thread(old, idAt(70)))},
	})
	l.gaps(
		span{channel, idAt(5), idAt(100), store.ReasonUnreadable, store.GapOpen},
		span{known, idAt(-500), idAt(80), store.ReasonUnreadable, store.GapOpen},
		span{fresh, 0, idAt(90), store.ReasonUnreadable, store.GapOpen},
		span{old, idAt(0), idAt(70), // not before the guild's first sight
			store.ReasonUnreadable, store.GapOpen},
	)
	if s := l.searches(); len(s) != 1 || s[0].Parents[0] != channel {
		t.Errorf("searches are %+v", s)
	}
}

// What is left of searches that were refused is one entry a guild, from the earliest on.
func TestRefusedSearchesAreOne(t *testing.T) {
	channel, other := idAt(-5000), idAt(-4000)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10)), textChannel(other, 0)))
	refused := func(parents ...store.ID) {
		t.Helper()
		page := listed(l.scan(), store.GapOpen)
		page.scan.Waits, page.scan.Note, page.scan.Parents = store.WaitPermission, "no", parents
		l.do(page)
	}
	l.restart()
	l.do(created(1000, textChannel(channel, idAt(-10)), textChannel(other, 0)))
	first := l.scan()
	refused(channel)
	l.restart()
	l.do(created(2000, textChannel(channel, idAt(-10)), textChannel(other, 0)))
	refused(other)
	s := l.searches()
	if len(s) != 1 || s[0].From != first.From || len(s[0].Parents) != 2 || s[0].Waits != store.WaitPermission {
		t.Fatalf("searches are %+v", s)
	}
	// A thread below one of them that wakes up loses nothing of what the first one was to find.
	asleep := idAt(-600)
	l.do(saidIn(channel, asleep, idAt(2001)))
	l.gaps(span{asleep, idAt(0), idAt(2001) - 1, reasonStopped, store.GapOpen})
	// Once it is done, threads are as elsewhere.
	done := threadsListed{scan: s[0], partial: true, done: s[0].Parents, taken: make(chan struct{}, 1)}
	done.scan.State, done.scan.Waits, done.scan.Parents = store.GapFilled, "", nil
	l.do(done)
	if len(l.plan.searches)+len(l.plan.waiting[testGuild])+len(l.searches()) != 0 {
		t.Errorf("left are %+v, %+v, %+v", l.plan.searches, l.plan.waiting, l.searches())
	}
}

// A forum has no messages; what is missed of it is what is missed in its posts.
func TestHiddenForum(t *testing.T) {
	old, post := idAt(-5000), idAt(15)
	l := newLedger(t, backfillGap)
	l.do(created(0, forum(old)))
	l.do(changedAt(10, as(permissions.Hidden, forum(old))))
	l.gaps(span{old, old, 0, store.ReasonHidden, store.GapOpen})
	l.do(changedAt(20, as(permissions.Full, forum(old))))
	l.gaps(span{old, idAt(20), idAt(20), store.ReasonHidden, store.GapFilled})
	s := l.searches()
	if len(s) != 1 || s[0].Parents[0] != old || s[0].From > snowflakeTime(idAt(10)) {
		t.Fatalf("searches are %+v", s)
	}
	l.do(threadsListed{scan: s[0], partial: true, threads: []channelSnapshot{below(old, thread(post, post))}, taken: make(chan struct{}, 1)})
	l.gaps(span{old, idAt(20), idAt(20), store.ReasonHidden, store.GapFilled}, span{post, 0, post, store.ReasonHidden, store.GapOpen})
}
