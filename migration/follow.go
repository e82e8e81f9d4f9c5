package migration

import (
	"context"
	"slices"
	"time"
)

const (
	// After each commit a Follower pauses for yield times as long as the commit
	// took, so that a live message rarely has to wait for more than one. Twice as
	// long would halve what is taken in, and hardly shorten the longest waits: those
	// are for the few commits that move much.
	yield     = 1.5
	yieldMost = time.Second

	// pollEvery is how often the newest days are looked at.
	pollEvery = 2 * time.Second
	// Everything else is looked at again every passEvery, or less often where
	// that takes long: a look shall not take more than a passShare-th of the time.
	passEvery = 5 * time.Second
	passMost  = 10 * time.Minute
	passShare = 20
)

// Follower takes in what there is, guild after guild, day after day, politely; then
// what is added. It does all of it in one goroutine, the one of Run.
type Follower struct {
	*migration
	// caughtUp are the guilds (by name) whose past has been read. The newest
	// days of these are polled; the others have to begin with their oldest. So are
	// none whose names have made folders of folders: they were no longer written
	// to when guilds came to be told by their ids.
	caughtUp  map[string]bool
	following bool // a pass has come to its end
	polling   bool // a poll is running, perhaps in the middle of a pass
	hurry     bool // a poll has met a guild that is not caught up
	nextPoll  time.Time

	nextSurvey time.Time
	pace       pace
	progress   progress
}

// NewFollower does nothing yet.
func NewFollower(o Options) *Follower {
	return &Follower{migration: newMigration(o), caughtUp: map[string]bool{}}
}

// Run follows the logs until ctx is done. It returns nil then, and before only
// with an error of the store after which the process should end. It can be called
// once.
//
// A missing root, and whatever in it cannot be read, is named in the log once
// and looked at again in each pass. Another Follower goes on behind the last line
// that was committed.
func (f *Follower) Run(ctx context.Context) error {
	err := sleep(ctx, f.StartDelay)
	if err == nil {
		err = f.survey(ctx)
	}
	f.pace.begun = time.Now()
	for err == nil {
		err = f.round(ctx)
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// round looks at everything once, then polls until that is to be done again.
func (f *Follower) round(ctx context.Context) error {
	start := time.Now()
	gave, err := f.pass(ctx)
	if err != nil {
		return err
	}
	next := passEvery
	if !gave {
		next = min(max(passEvery, passShare*time.Since(start)), passMost)
	}
	end := time.Now().Add(next)
	for f.hurry = false; err == nil && !f.hurry && time.Now().Before(end); {
		err = f.wait(ctx, min(time.Until(end), pollEvery))
	}
	return err
}

// pass looks at everything there is.
func (f *Follower) pass(ctx context.Context) (gave bool, err error) {
	walk, guilds, err := f.walk()
	if err != nil {
		f.report.root(f.Root, err)
		return false, nil
	}
	f.report.fine(f.Root)
	p := f.politely(walk)
	for g, days := range walk.all(guilds) {
		// What is polled is left to the polls: one may run in the middle of a
		// file here, and must not meet that very file.
		if !g.nested && f.caughtUp[g.name()] {
			days = slices.DeleteFunc(days, func(d day) bool { return slices.Contains(f.newest(), d.date) })
		}
		guildGave, err := p.guild(ctx, g, days)
		if err != nil {
			return gave, err
		}
		gave = gave || guildGave
		if !g.nested {
			f.caughtUp[g.name()] = true
		}
		if err := f.wait(ctx, 0); err != nil {
			return gave, err
		}
	}
	walk.reportUnread()
	if !f.following {
		f.following = true
		f.progress.caughtUp.Store(true)
		f.nextSurvey = time.Now()
		f.Log.Info("the past is read; following the logs as they grow", "guilds", len(guilds))
	}
	return gave, nil
}

// newest returns the days that are polled: today, the day before, whose last
// lines may come late, and the day after, for a bot whose clock is ahead.
func (f *Follower) newest() []string { return []string{f.date(-1), f.date(0), f.date(1)} }

// poll looks at the newest days of all guilds that are caught up.
func (f *Follower) poll(ctx context.Context) error {
	f.polling = true
	defer func() {
		f.polling = false
		f.nextPoll = time.Now().Add(pollEvery)
	}()
	walk, guilds, err := f.walk()
	if err != nil {
		return nil // the next pass says so
	}
	p := f.politely(walk)
	for _, g := range guilds {
		if !f.caughtUp[g.name()] {
			f.hurry = true
			continue
		}
		if g.emergency {
			continue
		}
		for _, d := range walk.daysOf(g, f.newest()) {
			if _, _, err := p.day(ctx, g, d, false); err != nil {
				return err
			}
		}
	}
	return nil
}

// politely returns a pass over what a walk finds that yields to live traffic.
func (f *Follower) politely(w *walk) *pass {
	writer := &writer{migration: f.migration}
	return &pass{
		migration: f.migration, walk: w, most: f.Batch,
		emit: func(ctx context.Context, s step) error {
			before := writer.sum
			took, err := writer.writeStep(ctx, s)
			if err != nil {
				return err
			}
			f.progress.add(before, writer.sum)
			f.pace.read += s.disk
			return f.wait(ctx, min(time.Duration(yield*float64(took)), yieldMost))
		},
		rest: f.rest,
	}
}

// rest waits between two days.
func (f *Follower) rest(ctx context.Context) error {
	f.pace.resting = time.Now()
	err := f.wait(ctx, f.DayDelay)
	f.pace.rested += time.Since(f.pace.resting)
	f.pace.resting = time.Time{}
	return err
}

// wait waits. Whenever a poll is due meanwhile it polls, so that neither a long
// file nor a long wait keeps today's lines from coming in; and so with surveys.
func (f *Follower) wait(ctx context.Context, d time.Duration) error {
	end := time.Now().Add(d)
	for {
		if !time.Now().Before(f.nextSurvey) {
			if err := f.survey(ctx); err != nil {
				return err
			}
		}
		left := min(time.Until(end), time.Until(f.nextSurvey))
		if f.following && !f.polling {
			if !time.Now().Before(f.nextPoll) {
				if err := f.poll(ctx); err != nil {
					return err
				}
			}
			left = min(left, time.Until(f.nextPoll))
		}
		if !time.Now().Before(end) {
			return ctx.Err()
		}
		if err := sleep(ctx, left); err != nil {
			return err
		}
	}
}
