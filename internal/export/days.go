package export

import (
	"time"

	"rollcall/internal/civil"
	"rollcall/store"
)

// tally counts what is exported of a guild and of one user after the other.
type tally struct {
	calendar *civil.Calendar
	guild    Guild
	all      total // of the guild
	user     User
	of       total // of the user
	day      int32
	onDay    int64
}

// total is how many records there are and when the first and the last of them are.
type total struct {
	messages    int64
	first, last store.Micros
}

func (t *total) add(at store.Micros) {
	if t.messages++; t.messages == 1 {
		t.first, t.last = at, at
	}
	t.first, t.last = min(t.first, at), max(t.last, at)
}

// dayRow is how many messages somebody wrote on a day. User is 0 for accounts that were
// deleted, whose messages are nobody's.
type dayRow struct {
	guild, user store.ID
	day         int32 // since 1970-01-01
	messages    int64
}

// newTally counts days of a zone.
func newTally(zone *time.Location) tally { return tally{calendar: civil.NewCalendar(zone)} }

// add counts a record of the present user, whose records come by time, and calls put when a
// day is over.
func (t *tally) add(at store.Micros, put func(dayRow) error) error {
	day := t.calendar.Slot(civil.QuarterOf(at)).Day
	if t.onDay > 0 {
		day = max(day, t.day) // where clocks were put back over midnight
	}
	if day != t.day || t.onDay == 0 {
		if err := t.endDay(put); err != nil {
			return err
		}
		t.day = day
	}
	t.onDay++
	t.of.add(at)
	t.all.add(at)
	return nil
}

func (t *tally) endDay(put func(dayRow) error) error {
	if t.onDay == 0 {
		return nil
	}
	row := dayRow{t.guild.ID, t.user.ID, t.day, t.onDay}
	if row.user == store.DeletedUser {
		row.user = 0
	}
	t.onDay = 0
	return put(row)
}
