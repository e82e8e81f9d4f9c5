package tracker

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"rollcall/internal/rules"
	"rollcall/store"
)

const (
	// fillers is how many channels are fetched at the same time: enough that the
	// rate limit of one channel (about a page a second) does not hold up the others.
	fillers = 4
	// fillYield is how long a filler pauses after a page, in times of what its
	// commit took: then a live commit rarely finds the database taken.
	fillYield = 4
	// fillWorth bounds the time that a filler yields for: what is longer was a full
	// disk, or Discord's rate limit, and has been waited for already.
	fillWorth = 250 * time.Millisecond
	// reloadYield is the pause between two readings of the ledger, in times of
	// what the reading took: when a thousand guilds come in one by one, it is read a few times.
	reloadYield = 10
)

// fillLimits bound the pauses after requests without an answer.
func fillLimits() limits {
	return limits{subscribe: subscribeTime, firstRetry: 2 * time.Second, lastRetry: time.Minute}
}

// BackfillStatus is the state of the fetching of what was missed.
type BackfillStatus struct {
	Mode string `json:"mode"` // see Options.Backfill
	// Open gaps are being fetched or wait for it; those of guilds that Discord has
	// not told of yet are not among them. History counts the channels and guilds
	// (for their archived threads) that are crawled back to their beginning.
	Open    int `json:"open"`
	History int `json:"history"`
	// OldestOpen is when we listened again after the open gap that has waited longest,
	// 0 if none is open.
	OldestOpen store.Micros `json:"oldest_open_at,omitzero"`
	// Waiting are the open gaps, and crawls, that the bot may not read: they are tried again
	// when it may, at each start, and once a day.
	Waiting int `json:"waiting"`
	// HistoryDone are those crawls that have come to their end, HistoryFound the messages
	// that counted of all; those of earlier processes too, in mode all.
	HistoryDone  int64 `json:"history_done"`
	HistoryFound int64 `json:"history_found"`
	// Since the start:
	Filled     int64 `json:"filled"`     // gaps
	Skipped    int64 `json:"skipped"`    // those that cannot be fetched
	Found      int64 `json:"found"`      // messages that counted and were not stored before, of crawls too
	Stored     int64 `json:"stored"`     // the same
	Filtered   int64 `json:"filtered"`   // messages that do not count
	Unreadable int64 `json:"unreadable"` // messages that could not be read, left out
	Requests   int64 `json:"requests"`   // sent to Discord's REST interface
	// Failing: Discord gave no answer the last time it was asked.
	Failing bool `json:"failing"`
}

// backfill fetches from Discord's history what was missed. It works off the open
// gaps of the ledger, a page at a time and each page in one transaction with the
// gap's new After, so it goes on where it was killed.
//
// The methods that the gateway calls never wait.
type backfill struct {
	mode   string
	db     *store.DB
	writer *writer
	rest   *rest
	names  *names
	access *access
	rules  *rules.Rules
	log    *slog.Logger
	limits limits // fillLimits, shorter in tests
	// askAgain, lookEvery and slowSpacing, shorter in tests.
	askAgain, lookEvery, slowSpacing time.Duration
	refusals                         *refusals

	content *contentWatch

	wake chan struct{} // the ledger has new gaps, or a guild has come
	jobs *jobs

	mu      sync.Mutex
	lost    map[int]lostSession // by shard: what has ended and is not yet followed by another
	seen    map[store.ID]bool   // guilds whose gaps are in the ledger, since the process began
	scans   map[store.ID]scanPlan
	noLists map[store.ID]int  // by guild: lists of private threads that were refused, see privateLists
	named   map[store.ID]bool // channels that were named in the log as not readable
	told    int64             // status.Found when the log last told of it
	status  BackfillStatus
}

type lostSession struct {
	at     time.Time
	reason string
}

// newBackfill takes part in w's planning, so it comes before w.run.
func newBackfill(w *writer, r *rest, n *names, a *access, rules *rules.Rules, log *slog.Logger) *backfill {
	b := &backfill{
		mode: w.plan.mode, db: w.db, writer: w, rest: r, names: n, access: a, rules: rules, log: log, limits: fillLimits(),
		askAgain: askAgain, lookEvery: lookEvery, slowSpacing: slowSpacing, refusals: newRefusals(n, log),
		content: newContentWatch(rules, log), wake: make(chan struct{}, 1), jobs: newJobs(),
		lost: make(map[int]lostSession), seen: make(map[store.ID]bool), scans: make(map[store.ID]scanPlan),
		noLists: make(map[store.ID]int), named: make(map[store.ID]bool),
	}
	w.plan.scanPlanned, w.plan.guildPlanned = b.scanPlanned, b.guildPlanned
	b.status.HistoryDone, b.status.HistoryFound = w.plan.historyDone, w.plan.historyFound
	return b
}

// guildAvailable says that a GUILD_CREATE has come. It must be called before the
// guild's later messages are added to the writer.
func (b *backfill) guildAvailable(shard int, g guildSnapshot) {
	b.writer.queue.post(guildSeen{shard: shard, at: time.Now(), snapshot: g})
}

// disconnected says that a shard's connection is lost since at. It may be called
// again while there is none; the first call since the last connection counts.
func (b *backfill) disconnected(shard int, at time.Time, reason string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, known := b.lost[shard]; !known {
		b.lost[shard] = lostSession{at, reason}
	}
}

// connected says that a shard listens again. If it did not resume its session, it
// must be called before anything of the new one is handed on.
func (b *backfill) connected(shard int, resumed bool) {
	b.mu.Lock()
	lost, known := b.lost[shard]
	delete(b.lost, shard)
	b.mu.Unlock()
	if resumed {
		return
	}
	if !known {
		lost = lostSession{time.Now(), "the session was replaced"}
	}
	b.writer.queue.post(sessionStarted{shard: shard, lost: lost.at, reason: lost.reason})
}

// scanPlanned is told by the planner.
func (b *backfill) scanPlanned(scan store.Gap, parents []channelSnapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.scans[scan.Guild] = scanPlan{to: scan.To, parents: parents}
}

// guildPlanned is told by the planner.
func (b *backfill) guildPlanned(guild store.ID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen[guild] = true
	give(b.wake)
}

// run fills gaps until parent is done, and then returns nil. An error is one of the store.
func (b *backfill) run(parent context.Context) error {
	if b.mode == backfillNone {
		<-parent.Done()
		return nil
	}
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	var fill sync.WaitGroup
	for i := range fillers + 1 {
		fill.Go(func() {
			if err := b.filler(ctx, i == fillers); err != nil {
				stop(err)
			}
		})
	}
	if err := b.loader(ctx); err != nil {
		stop(err)
	}
	fill.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

// loader makes jobs of the ledger's open gaps whenever there may be new ones.
func (b *backfill) loader(ctx context.Context) error {
	look := time.NewTicker(b.lookEvery)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look.C:
			b.refusals.tell(func(store.ID) bool { return true })
			b.access.tellRest()
			if !b.refusals.expire(b.askAgain) {
				continue
			}
		case <-b.wake:
		}
		start := time.Now()
		b.jobs.forget()
		seen := b.seenGuilds()
		gaps, err := b.db.Gaps(ctx, true)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return err
		}
		if err := b.sort(ctx, gaps, seen); err != nil {
			return err
		}
		pause(ctx, reloadYield*time.Since(start))
	}
}

// seenGuilds returns the guilds whose GUILD_CREATE stands in the file. It must be asked before the
// ledger is read: a GUILD_CREATE may let a gap that was left open end later, and whoever fills it
// has to know.
func (b *backfill) seenGuilds() map[store.ID]bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.seen)
}

// mayFill reports whether a gap is to be filled, and what is needed for it is known:
// Discord has told of its guild, which then is one of those seen, or else the bot may have left
// it; and a scan knows where to look. A crawl that mode all has begun waits for mode all.
func (b *backfill) mayFill(g store.Gap, seen map[store.ID]bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case g.Until == 0: // the span goes on
		return false
	case isScan(g) && len(g.Parents) > 0:
		return seen[g.Guild] && (g.Kind != store.GapHistory || b.mode == backfillAll)
	case isScan(g):
		plan, ok := b.scans[g.Guild]
		return ok && plan.to >= g.To
	case g.Kind == store.GapHistory && b.mode != backfillAll:
		return false
	}
	return seen[g.Guild]
}

// filler does one step of one job after another. The slow one does those that Discord
// will probably refuse, see refusals.
func (b *backfill) filler(ctx context.Context, slow bool) error {
	next := b.jobs.next
	if slow {
		next = b.jobs.nextSlow
	}
	for {
		j := next(ctx)
		if j == nil {
			return nil
		}
		if !isScan(j.gap) {
			if wait := b.content.wait(j.gap.Guild); wait > 0 {
				b.jobs.backAfter(wait, j)
				continue
			}
		}
		if trusted := b.trusted(j); !slow && b.refusals.slow(j.gap.Guild, trusted) {
			b.jobs.slowDown(j)
			continue
		}
		start := time.Now()
		done, err := b.step(ctx, j)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, errWithheld):
			b.jobs.back(j)
		case errors.Is(err, errUnreachable):
			b.noteFailure(j, err)
			pause(ctx, backoff(b.limits, j.tries))
			j.tries++
			b.jobs.back(j)
		case err != nil:
			return err
		case done:
			b.noteDone(j)
		case j.fill.wait > 0:
			j.tries = 0
			b.jobs.backAfter(j.fill.wait, j)
		default:
			j.tries = 0
			if j.gap.Kind == store.GapHistory { // nobody waits for it
				pause(ctx, fillYield*min(time.Since(start), fillWorth))
			}
			b.jobs.back(j)
		}
		if slow {
			pause(ctx, b.slowSpacing)
		}
	}
}

// step fetches one page. The error is errUnreachable, or one of the store or the context.
func (b *backfill) step(ctx context.Context, j *job) (done bool, err error) {
	if isScan(j.gap) {
		done, err = b.scan(ctx, j)
	} else {
		done, err = b.fill(ctx, j)
	}
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.status.Failing = false
	}
	return done, err
}

// noteFailure logs the first of a row of failures.
func (b *backfill) noteFailure(j *job, err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.status.Failing {
		b.log.Warn("what was missed cannot be fetched now, trying again", "guild", j.gap.Guild, "channel", j.gap.Channel, "error", err)
	}
	b.status.Failing = true
}

func (b *backfill) noteDone(j *job) {
	b.mu.Lock()
	switch {
	case j.gap.Waits != "":
		b.status.Waiting++
	case crawled(j.gap):
		b.status.HistoryDone++
	case j.isHistory(): // the crawl of a later session stands for this one
	case j.gap.State == store.GapFilled:
		b.status.Filled++
	default:
		b.status.Skipped++
	}
	s := b.status
	news := s.Found != b.told
	last := b.jobs.done(j)
	if last {
		b.told = s.Found
	}
	b.mu.Unlock()
	if j.gap.Waits != "" && b.closed(j.gap) == "" {
		give(b.wake) // it may be read since
	}
	b.refusals.tell(func(guild store.ID) bool { return b.jobs.of(guild) == 0 })
	b.log.Debug("gap closed", "guild", j.gap.Guild, "channel", j.gap.Channel, "state", j.gap.State, "found", j.gap.Found, "note", j.gap.Note)
	if last && news {
		b.log.Info("what was missed has been fetched", "gaps", s.Filled, "skipped", s.Skipped, "messages", s.Found, "channels_read_back", s.HistoryDone)
	}
}

// state returns the backfill's state of this moment.
func (b *backfill) state() BackfillStatus {
	open, history := b.jobs.len()
	requests := b.rest.limits.requests()
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.status
	s.Mode, s.Open, s.History, s.Requests = b.mode, open, history, requests
	s.OldestOpen = b.jobs.oldest()
	return s
}
