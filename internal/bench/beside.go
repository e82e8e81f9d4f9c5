package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"rollcall/migration"
)

// besideRate is how many live messages a second come in while logs are migrated.
const besideRate = 200

const undisturbed = "without the migration"

// beside is what people who write notice of the daemon's migration, and it of them.
func beside() scenario {
	return scenario{
		name: "beside", title: "live, 200 a second, COMMIT_INTERVAL=0, while the daemon migrates", most: 3, corpus: manyCorpus,
		job: func(s sizes) (task, int) {
			return task{Messages: s.beside, Preload: s.preload, Rate: besideRate}, s.manyLines
		},
		contenders: []contender{{ours, trackBeside}, {undisturbed, trackSteadily(0)}},
		rows: []row{
			{what: "from receipt to durable, median (ms)", of: p50, unit: decimal, against: undisturbed},
			{what: "from receipt to durable, 99 % (ms)", of: p99, unit: decimal, against: undisturbed, target: ratioOf(atMost, 3)},
			{what: "lines migrated a second", of: func(m measures) float64 { return m.Lines }, unit: number, target: valueOf(atLeast, 20_000)},
		},
	}
}

// trackBeside measures a stream of messages while the daemon's migration runs, as
// politely as it does by default, but for its rests between two days.
func trackBeside(ctx context.Context, t task) (result measures, err error) {
	r, err := startFullRig(ctx, t, 0)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	f := migration.NewFollower(migration.Options{Store: r.db, Root: t.Corpus, Log: slog.New(slog.DiscardHandler)})
	following, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- f.Run(following) }()
	defer func() {
		stop()
		err = errors.Join(err, <-ended)
	}()
	for ctx.Err() == nil && len(ended) == 0 && f.Status().Counts.Lines == 0 {
		nap(time.Millisecond)
	}
	streaming, end := context.WithCancel(ctx)
	defer end()
	rate := make(chan float64, 1)
	go func() { rate <- migrationRate(streaming, f) }()
	result, err = r.stream(ctx, t)
	end()
	result.Lines = <-rate
	return result, err
}

// migrationRate returns how many lines a second are migrated until ctx is done or
// there are no more.
func migrationRate(ctx context.Context, f *migration.Follower) float64 {
	began, before := time.Now(), f.Status().Counts.Lines
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ctx.Err() == nil && !f.Status().CaughtUp {
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
	return float64(f.Status().Counts.Lines-before) / time.Since(began).Seconds()
}
