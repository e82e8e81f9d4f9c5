package main

import (
	"context"
	"errors"
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"rollcall/store"
)

// standby is the daemon itself with a full database and nothing to do.
func standby() scenario {
	return scenario{
		name: "standby", title: "the daemon with a full database", most: 1, corpus: askCorpus,
		job:        func(s sizes) (task, int) { return task{Messages: s.starts}, s.askLines },
		contenders: []contender{{ours, standBy}},
		rows: []row{
			{what: "from the start of the process until it is ready, median (ms)", of: p50, unit: decimal},
			{what: "from the start of the process until it is ready, 99 % (ms)", of: p99, unit: decimal, target: valueOf(atMost, 150)},
			{what: "the same with nothing of the file in memory, 99 % (ms)", of: func(m measures) float64 { return m.Cold }, unit: decimal},
			{what: "anonymous memory at rest (MiB)", of: func(m measures) float64 { return float64(m.Rest) / (1 << 20) }, unit: decimal, target: valueOf(atMost, 48)},
		},
	}
}

// standBy fills a database, starts the daemon some times, and at last lets it rest.
func standBy(ctx context.Context, t task) (result measures, err error) {
	filled, err := migrateOnce(store.Options{})(ctx, t)
	if err != nil {
		return result, err
	}
	result.Logs, result.Size = filled.Logs, filled.Size
	h, err := newHost(ctx, t)
	if err != nil {
		return result, err
	}
	defer func() { err = errors.Join(err, h.close()) }()
	m, err := startMeter()
	if err != nil {
		return result, err
	}
	warm, err := h.starts(t.Messages, func() error { return nil })
	if err != nil {
		return result, err
	}
	cold, err := h.starts(t.Messages, func() error { return dropCached(t.database()) })
	if err != nil {
		return result, err
	}
	if result.Rest, err = h.rest(); err != nil {
		return result, err
	}
	result.Count = int64(len(warm) + len(cold))
	result.P50, result.P99, result.Cold = quantile(warm, 0.5), quantile(warm, 0.99), quantile(cold, 0.99)
	return result, m.read(&result)
}

// starts returns how long (milliseconds, sorted) the daemon took to be ready, so many times.
func (h *host) starts(times int, before func() error) (took []float64, err error) {
	for range times {
		if err := before(); err != nil {
			return nil, err
		}
		d, err := h.start()
		if err != nil {
			return nil, err
		}
		took = append(took, float64(d.took.Microseconds())/1000)
		if err := d.stop(); err != nil {
			return nil, err
		}
	}
	slices.Sort(took)
	return took, nil
}

// rest returns how much anonymous memory a daemon has once it is connected, has looked
// at all logs, which it knows, and has come to rest.
func (h *host) rest() (memory int64, err error) {
	d, err := h.start("ROLLCALL_MIGRATION_START_DELAY=0s")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.untilIdle(); err != nil {
		return 0, err
	}
	return d.untilQuiet()
}

// dropCached has the system let go of what it keeps in memory of a file that nobody has open.
func dropCached(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
}
