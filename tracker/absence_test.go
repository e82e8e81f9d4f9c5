package tracker

import (
	"testing"

	"rollcall/internal/simulator"
)

// A process that is killed before it has read everything leaves that to the next one, for
// how long it may have listened meanwhile.
func TestAbsenceIsNotForgotten(t *testing.T) {
	channel := idAt(-5000)
	l := newLedger(t, backfillGap)
	var plan recheckPlan
	start := func(at float64) recheckPlan {
		l.restart()
		plan = recheckPlan{}
		l.plan.recheckPlanned = func(p recheckPlan) { plan = p }
		l.do(created(at, textChannel(channel, 0)))
		return plan
	}
	read := func(p recheckPlan) {
		l.Helper()
		l.do(guildReread{p.guild, p.absence})
	}
	if p := start(0); p.guild != 0 {
		t.Errorf("a guild is met, and is to be read again: %+v", p)
	}
	l.do(said(channel, idAt(10)))
	for _, step := range []struct {
		at, heard     float64
		read          bool
		from, absence float64
	}{
		{at: 100, heard: 110, from: 10, absence: 10},
		{at: 200, heard: 210, from: 10, absence: 110}, // the one before was killed
		{at: 300, heard: 310, read: true, from: 10, absence: 210},
		{at: 400, heard: 0, read: true, from: 310, absence: 310},
		{at: 500, heard: 510, from: 310, absence: 310}, // nothing was heard
		{at: 600, heard: 610, from: 310, absence: 510},
		{at: 700, heard: 710, read: true, from: 310, absence: 610},
		{at: 800, from: 710, absence: 710},
	} {
		p := start(step.at)
		if snowflakeTime(p.from) != snowflakeTime(idAt(step.from)) || snowflakeTime(p.absence) != snowflakeTime(idAt(step.absence)) {
			t.Errorf("at %v: from %v, absence %v, want %v, %v", step.at, p.from, p.absence, idAt(step.from), idAt(step.absence))
		}
		if step.read {
			read(p)
		}
		if step.heard > 0 {
			l.do(said(channel, idAt(step.heard)))
		}
	}
}

// A tracker that is stopped while it compares goes on at the next start.
func TestRecheckIsRepeated(t *testing.T) {
	t.Parallel()
	w := newTown(t, simulator.Options{}, nil)
	said := w.speak(w.general, "a", "b", "c")
	w.general.DeleteMessages(said[0].ID)
	w.general.Edit(said[1].ID, "edited")
	stop := w.sim.EveryREST(simulator.RouteMessages, simulator.Hang)
	o := w.rechecking()
	w.again(o)
	pages := w.sim.Stats().REST[simulator.RouteMessages]
	w.stats("a page is asked for", func(s simulator.Stats) bool { return s.REST[simulator.RouteMessages] > pages })
	w.say(w.ada, "live", w.other)
	w.until("it is stored", func() bool { return w.tracker.Status().Writer.Handled == 1 })
	w.crash(o)
	stop()
	if s := w.rechecked(); s.Deletions != 1 || s.Edits != 1 {
		t.Errorf("the status is %+v", s)
	}
	w.shows(w.general, "-", "edited", "c")
}
