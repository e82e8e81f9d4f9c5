package tracker

import (
	"testing"

	"rollcall/store"
)

// listed is a page of archived threads, the last one if state is not open.
func listed(scan store.Gap, state string, threads ...channelSnapshot) threadsListed {
	scan.State = state
	return threadsListed{scan: scan, threads: threads, taken: make(chan struct{}, 1)}
}

// A thread that was archived during the gap may come to life, and speak, before
// the list of archived threads has told of it.
func TestThreadSpeaksBeforeItIsListed(t *testing.T) {
	channel, known, fresh, unknown := idAt(-5000), idAt(-600), idAt(30), idAt(-700)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10)), thread(known, idAt(-500))), said(channel, idAt(1)))
	l.restart()
	l.do(created(100, textChannel(channel, idAt(1))))
	l.do(said(known, idAt(110)), said(fresh, idAt(111)), said(unknown, idAt(112)))
	l.do(said(idAt(113), idAt(113)), said(idAt(113), idAt(114)), said(known, idAt(115)))
	want := []span{
		{known, idAt(-500), idAt(110) - 1, reasonStopped, store.GapOpen},
		{fresh, 0, idAt(111) - 1, reasonStopped, store.GapOpen},
		{unknown, idAt(0), idAt(112) - 1, reasonStopped, store.GapOpen},
	}
	l.gaps(want...)
	// The list then says nothing new of them, and the rest is as with channels.
	l.do(listed(l.scan(), store.GapOpen, thread(known, idAt(110)), thread(fresh, idAt(111)), thread(idAt(-800), idAt(60))))
	l.gaps(append(want, span{idAt(-800), idAt(0), idAt(60), reasonStopped, store.GapOpen})...)
	l.cursors(map[store.ID]store.ID{
		channel: idAt(1), known: idAt(115), fresh: idAt(111), unknown: idAt(112), idAt(113): idAt(114), idAt(-800): idAt(60),
	})
}

func TestAfterTheScanEveryCursorMoves(t *testing.T) {
	channel := idAt(-5000)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10))))
	l.restart()
	l.do(created(100, textChannel(channel, idAt(-10))))
	l.do(listed(l.scan(), store.GapFilled))
	l.do(said(idAt(-700), idAt(110)))
	l.gaps()
	l.cursors(map[store.ID]store.ID{channel: idAt(-10), idAt(-700): idAt(110)})
	if scan := l.scan(); scan.State != store.GapFilled {
		t.Errorf("the scan is %+v", scan)
	}
}

// What an unfinished scan was to find is found by the next one, whether the
// process goes on or not.
func TestUnfinishedScanReachesBack(t *testing.T) {
	channel := idAt(-5000)
	tests := []struct {
		name string
		next func(*ledger)
	}{
		{"next session", func(l *ledger) { l.do(lost(2000)) }},
		{"next process", (*ledger).restart},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(created(0, textChannel(channel, idAt(-10))))
			l.restart()
			l.do(created(1000, textChannel(channel, idAt(900))))
			first := l.scan()
			l.do(said(channel, idAt(1001)))
			test.next(l)
			l.do(created(3000, textChannel(channel, idAt(1001))))
			second := l.scan()
			if second.Seq == first.Seq || second.From != first.From || second.To <= first.To {
				t.Fatalf("the scan %+v follows %+v", second, first)
			}
			// The first one ends too late to let cursors move.
			l.do(listed(first, store.GapSkipped))
			l.do(said(idAt(-700), idAt(3001)))
			l.do(listed(second, store.GapFilled))
			l.gaps(
				span{channel, idAt(-10), idAt(900), reasonStopped, store.GapOpen},
				span{idAt(-700), idAt(0), idAt(3001) - 1, l.plan.guilds[testGuild].reason, store.GapOpen},
			)
			// Finished, it does not reach back any more.
			l.do(lost(4000), created(5000, textChannel(channel, idAt(1001))))
			third := l.scan()
			l.do(listed(third, store.GapFilled))
			l.restart()
			l.do(created(9000, textChannel(channel, idAt(1001))))
			if fourth := l.scan(); third.From <= second.From || fourth.From <= second.From {
				t.Errorf("the scans %+v and %+v follow the finished %+v", third, fourth, second)
			}
		})
	}
}

// A page that was fetched for the session before may say less of a thread than this
// session has missed of it.
func TestPageOfAnEarlierScan(t *testing.T) {
	channel, asleep := idAt(-5000), idAt(-600)
	l := newLedger(t, backfillGap)
	l.do(created(0, textChannel(channel, idAt(-10)), thread(asleep, idAt(-500))))
	l.restart()
	l.do(created(100, textChannel(channel, idAt(-10))))
	first := l.scan()
	l.do(lost(150), created(200, textChannel(channel, idAt(-10))))
	second := l.scan()
	l.do(listed(first, store.GapOpen, thread(asleep, idAt(90))))
	l.do(listed(second, store.GapFilled, thread(asleep, idAt(160))))
	l.gaps(span{asleep, idAt(-500), idAt(160), "closed", store.GapOpen})
}

// What the list of archived threads tells of messages from after we stopped listening
// does not mean that we have listened until then.
func TestListedThreadsAreNotHeard(t *testing.T) {
	channel, quick, late := idAt(-5000), idAt(-600), idAt(-700)
	for name, next := range map[string]func(*ledger){
		"next session": func(l *ledger) { l.do(lost(1010)) },
		"next process": (*ledger).restart,
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t, backfillGap)
			l.do(created(0, textChannel(channel, idAt(-10)), thread(quick, idAt(-500)), thread(late, idAt(-500))))
			l.restart()
			l.do(created(1000, textChannel(channel, idAt(-10))), said(channel, idAt(1001)))
			// Nobody listens from 1010 on. In late somebody speaks at 1020, and it goes back to the
			// archive; its part of the list has been fetched before. At 1200 the rest of it is.
			l.do(listed(l.scan(), store.GapFilled, thread(quick, idAt(1199))))
			next(l)
			l.do(created(1300, textChannel(channel, idAt(1001))))
			if scan := l.scan(); scan.From > snowflakeTime(idAt(1020)) {
				t.Errorf("the next scan begins at %s, after %s", scan.From, snowflakeTime(idAt(1020)))
			}
		})
	}
}

func TestAllCrawlsArchivedThreads(t *testing.T) {
	channel, old := idAt(-5000), idAt(-900)
	l := newLedger(t, backfillAll)
	l.do(created(0, textChannel(channel, idAt(-10))))
	l.do(listed(l.scan(), store.GapOpen, thread(old, idAt(-800))))
	l.do(listed(l.scan(), store.GapFilled))
	l.gaps(
		span{channel, 0, idAt(-10), reasonHistory, store.GapOpen},
		span{old, 0, idAt(-800), reasonHistory, store.GapOpen},
	)
	l.do(lost(50), created(60, textChannel(channel, idAt(-10))))
	if scan := l.scan(); scan.Reason != "closed" {
		t.Errorf("all archived threads are looked through again by the next session: %+v", scan)
	}
	l.restart()
	l.do(created(100, textChannel(channel, idAt(-10))))
	if scan := l.scan(); scan.Reason != reasonStopped {
		t.Errorf("all archived threads are looked through again by the next process: %+v", scan)
	}
}
