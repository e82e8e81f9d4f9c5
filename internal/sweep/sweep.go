package sweep

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall/store"
)

const (
	// every is how often it is looked whether there is anything to do.
	every = 10 * time.Second
	// yield is how long a pause after a transaction is, in times of what it took,
	// as the migration's.
	yield     = 4
	yieldMost = time.Second
	// fullRetry is the pause before another attempt on a full disk.
	fullRetry = 10 * time.Second
	toldMost  = 100
)

// Options of Run.
type Options struct {
	Store *store.DB
	// Retention is how long texts are kept, Grace how long a guild is that the bot has
	// left; 0: for ever.
	Retention, Grace time.Duration
	Log              *slog.Logger
}

// Run sweeps until ctx is done, and then returns nil. An error is one of the store
// after which the process should end.
func Run(ctx context.Context, o Options) error { return loop(ctx, newSweeper(o)) }

func newSweeper(o Options) *sweeper {
	return &sweeper{Options: o, every: every, fullRetry: fullRetry, now: time.Now, told: map[string]bool{}}
}

func loop(ctx context.Context, s *sweeper) error {
	for {
		err := s.round(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, store.ErrFull):
			s.noteFull(err)
			pause(ctx, s.fullRetry)
		case err != nil:
			return err
		default:
			s.full = false
			pause(ctx, s.every)
		}
	}
}

type sweeper struct {
	Options
	every     time.Duration // every and fullRetry, shorter in tests
	fullRetry time.Duration
	now       func() time.Time
	full      bool            // the log says that the disk is full
	told      map[string]bool // damage that the log has told of, at most toldMost
}

// round does all there is to do. What meets a damaged value is told of and left, since
// ending the daemon for it would help nobody.
func (s *sweeper) round(ctx context.Context) error {
	tasks, err := s.Store.Tasks(ctx)
	if err := s.unlessDamaged("what was begun", err); err != nil {
		return err
	}
	for _, t := range tasks {
		if err := s.unlessDamaged(t.String(), s.finish(ctx, t)); err != nil {
			return err
		}
	}
	if s.Grace > 0 {
		if err := s.unlessDamaged("guilds that were left", s.removeGuilds(ctx, store.MicrosOf(s.now().Add(-s.Grace)))); err != nil {
			return err
		}
	}
	if s.Retention > 0 {
		return s.unlessDamaged("texts that are too old", s.sweepTexts(ctx, store.MicrosOf(s.now().Add(-s.Retention))))
	}
	return nil
}

// unlessDamaged takes away an error that comes from a damaged value, and tells of each once.
func (s *sweeper) unlessDamaged(what string, err error) error {
	if !errors.Is(err, store.ErrDamaged) {
		return err
	}
	if text := err.Error(); !s.told[text] && len(s.told) < toldMost {
		s.told[text] = true
		s.Log.Error("what is to be removed cannot be: restore a backup, or see what rollcall check says", "what", what, "error", err)
	}
	return nil
}

// removeGuilds removes the guilds that were left before an instant.
func (s *sweeper) removeGuilds(ctx context.Context, before store.Micros) error {
	left, err := s.Store.DepartedGuilds(ctx)
	for _, g := range left {
		if err != nil || g.At >= before {
			continue
		}
		var sum store.Erased
		s.Log.Info("the grace period of a guild that was left is over; what is known of it is removed", "guild", g.Guild, "left", g.At)
		err = s.politely(ctx, func() (bool, error) {
			erased, done, err := s.Store.RemoveGuild(ctx, g.Guild, before)
			sum.Add(erased)
			return done, err
		})
		if err == nil {
			s.Log.Info("a guild is removed", "guild", g.Guild, "messages", sum.Messages)
		}
	}
	return err
}

// sweepTexts takes out the texts before an instant.
func (s *sweeper) sweepTexts(ctx context.Context, before store.Micros) error {
	var sum int64
	err := s.politely(ctx, func() (bool, error) {
		swept, done, err := s.Store.SweepTexts(ctx, before)
		sum += swept
		return done, err
	})
	if sum > 0 {
		s.Log.Info("texts that are older than the retention are removed", "messages", sum, "before", before)
	}
	return err
}

// finish does the steps of a task.
func (s *sweeper) finish(ctx context.Context, t store.Task) error {
	var sum store.Erased
	err := s.politely(ctx, func() (bool, error) {
		erased, done, err := s.Store.Step(ctx, t)
		sum.Add(erased)
		return done, err
	})
	if err == nil && sum != (store.Erased{}) {
		s.Log.Info("what was begun is finished", "task", t.String(), "messages", sum.Messages, "replies", sum.Replies, "names", sum.Names)
	}
	return err
}

// politely calls step, with pauses, until it is done.
func (s *sweeper) politely(ctx context.Context, step func() (done bool, err error)) error {
	for {
		start := time.Now()
		done, err := step()
		if err != nil || done {
			return err
		}
		pause(ctx, min(yield*time.Since(start), yieldMost))
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (s *sweeper) noteFull(err error) {
	if !s.full {
		s.full = true
		s.Log.Error("the disk is full: what is to be removed waits for room", "error", err)
	}
}

// pause waits for d or until ctx is done.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
