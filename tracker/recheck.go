package tracker

import (
	"context"
	"errors"
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"rollcall/store"
)

// What happens to messages while nobody listens, Discord does not tell: it was deleted or
// edited, or a snapshot's last message was too low to show that something was said. So
// after each absence the history is read once more, from some time before it
// (Options.Recheck) to now, in the channels of which something is stored, or where
// something was said lately. The cursors of a guild tell how much of that is still to be
// done, so a process that is killed leaves it to the next one: reading twice learns
// nothing twice. ADR 6 says when a message is known to be deleted.

const (
	// probeSpan is how long before an absence a channel must have been quiet to be trusted
	// where its snapshot says that nothing was said.
	probeSpan = 24 * time.Hour
	// recheckers is how many guilds are read at the same time: nobody waits for it.
	recheckers = 2
	// recheckPause is the pause before each request, which leaves most of what a bot may
	// ask to the gaps; while one of those is open, recheckYield.
	recheckPause = 100 * time.Millisecond
	recheckYield = 2 * time.Second
)

// recheckPlan is what is to be read of a guild after an absence.
type recheckPlan struct {
	guild store.ID
	at    time.Time // when the guild was told of
	// from is where the oldest absence began that is part of it, absence where the last one did.
	from, absence store.ID
	listed        []store.ID // channels that the guild has, sorted
	probe         []store.ID // those of them that may have more than their snapshot says, sorted
	// only, if not nil, are the channels that could not be read, sorted, of which what is stored is
	// compared, and with it that of their threads. Of such a plan absence is 0, and listed only.
	only []store.ID
}

// holds reports whether a channel, or the thread of a parent, is part of the plan.
func (p *recheckPlan) holds(channel, parent store.ID) bool {
	if p.only == nil {
		return true
	}
	_, itself := slices.BinarySearch(p.only, channel)
	_, below := slices.BinarySearch(p.only, parent)
	return itself || below
}

// with returns the plan that does what a plan and a later one of the same guild ask for.
func (p recheckPlan) with(later recheckPlan) recheckPlan {
	from, at := min(p.from, later.from), later.at
	switch {
	case later.only == nil:
		p = later
	case p.only != nil:
		p.only = append(slices.Clone(p.only), later.only...)
		slices.Sort(p.only)
		p.only = slices.Compact(p.only)
		p.listed = p.only
	}
	p.from, p.at = from, at
	return p
}

// recheckShown plans to read a channel that could not be read since an instant, and can now:
// what happened to its messages meanwhile nobody has told. A process that is killed before it has
// done so leaves it to the reading after that absence, as far as that goes back.
func (p *planner) recheckShown(b *transaction, guild, channel store.ID, since, at store.Micros) {
	if p.mode == backfillNone {
		return
	}
	plan := recheckPlan{guild: guild, at: at.Time(), from: snowflakeAt(since), only: []store.ID{channel}, listed: []store.ID{channel}}
	b.committed = append(b.committed, func() { p.recheckPlanned(plan) })
}

// recheck plans what is to be read of a guild after the absence that a GUILD_CREATE ended.
// gaps are those that it has opened; known are the cursors before it.
func (p *planner) recheck(b *transaction, g *listening, e guildSeen, known *cursors, gaps []store.Gap) {
	if p.mode == backfillNone || !g.known {
		return
	}
	absence := snowflakeAt(g.from)
	if heard := known.guild.Heard; heard != 0 { // by Discord's clock
		absence = min(absence, max(heard, known.guild.Seen))
	}
	absence = max(absence, known.guild.Rechecked+1) // where nothing was heard since, another absence all the same
	p.absences[e.snapshot.Guild] = absence
	plan := recheckPlan{guild: e.snapshot.Guild, at: e.at, from: absence, absence: absence}
	if away := known.guild.Away; away > known.guild.Rechecked {
		plan.from = min(plan.from, away)
	} else {
		b.moveGuild(plan.guild, store.GuildCursors{Away: absence})
	}
	filled := make(map[store.ID]bool) // anyway
	for _, gap := range gaps {
		filled[gap.Channel] = !isScan(gap) && gap.Kind != store.GapHistory
	}
	lately := idBefore(plan.from, probeSpan)
	for _, c := range e.snapshot.Channels {
		plan.listed = append(plan.listed, c.ID)
		if p.deaf(c.ID, c.thread()) {
			continue // nothing is asked of a channel that cannot be read
		}
		cursor, seen := known.channels[c.ID]
		if seen && c.holdsMessages() && !filled[c.ID] && (cursor > lately || c.LastMessage != 0 && c.LastMessage < cursor) {
			plan.probe = append(plan.probe, c.ID)
		}
	}
	slices.Sort(plan.listed)
	slices.Sort(plan.probe)
	b.committed = append(b.committed, func() { p.recheckPlanned(plan) })
}

// RecheckStatus is the state of the reading that learns of deletions and edits.
type RecheckStatus struct {
	Guilds int `json:"guilds"` // that are being read, or wait for it
	// Since the start:
	Done      int64 `json:"done"`      // guilds that have been read, each once for an absence
	Deletions int64 `json:"deletions"` // messages that the history no longer has
	Edits     int64 `json:"edits"`     // messages that have another text there
	Found     int64 `json:"found"`     // messages that no gap told of
}

// recheck reads guilds again. The planner's calls never wait.
type recheck struct {
	b      *backfill
	window time.Duration // Options.Recheck
	policy policy
	pause  time.Duration // recheckPause, shorter in tests
	seed   maphash.Seed  // of the hashes of texts
	some   chan struct{} // holds a token while a guild waits

	mu      sync.Mutex
	plans   map[store.ID]recheckPlan // what waits
	order   []store.ID               // of plans
	running map[store.ID]bool
	status  RecheckStatus
}

func newRecheck(b *backfill, window time.Duration, policy policy) *recheck {
	r := &recheck{
		b: b, window: window, policy: policy, pause: recheckPause, seed: maphash.MakeSeed(), some: make(chan struct{}, 1),
		plans: make(map[store.ID]recheckPlan), running: make(map[store.ID]bool),
	}
	b.writer.plan.recheckPlanned = r.planned
	return r
}

// planned takes in a plan. One of the guild that waits becomes part of it.
func (r *recheck) planned(p recheckPlan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if old, waits := r.plans[p.guild]; waits {
		p = old.with(p)
	}
	r.enqueue(p)
}

// enqueue lets a plan wait, in the place of one of its guild if that waits already. It needs r.mu.
func (r *recheck) enqueue(p recheckPlan) {
	if _, waits := r.plans[p.guild]; !waits {
		r.order = append(r.order, p.guild)
	}
	r.plans[p.guild] = p
	give(r.some)
}

// take returns a guild's plan, if one waits whose guild is not being read.
func (r *recheck) take() (p recheckPlan, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, guild := range r.order {
		if r.running[guild] {
			continue
		}
		p = r.plans[guild]
		delete(r.plans, guild)
		r.order = append(r.order[:i:i], r.order[i+1:]...)
		r.running[guild] = true
		if len(r.order) > 0 {
			give(r.some)
		}
		return p, true
	}
	return p, false
}

// done ends the reading of a guild, which may wait once more.
func (r *recheck) done(guild store.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, guild)
	if _, again := r.plans[guild]; again {
		give(r.some)
	}
	r.status.Done++
}

// postpone ends the reading of a guild, which is to be read again, before what was planned since.
func (r *recheck) postpone(p recheckPlan) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.running, p.guild)
	if later, waits := r.plans[p.guild]; waits {
		p = p.with(later)
	}
	r.enqueue(p)
}

// state returns the state of this moment.
func (r *recheck) state() RecheckStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.status
	s.Guilds = len(r.order) + len(r.running)
	return s
}

// run reads guilds until parent is done, and then returns nil. An error is one of the store.
func (r *recheck) run(parent context.Context) error {
	ctx, stop := context.WithCancelCause(parent)
	defer stop(nil)
	var all sync.WaitGroup
	for range recheckers {
		all.Go(func() {
			if err := r.work(ctx); err != nil {
				stop(err)
			}
		})
	}
	all.Wait()
	if parent.Err() != nil {
		return nil
	}
	return context.Cause(ctx)
}

func (r *recheck) work(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.some:
		}
		for {
			p, ok := r.take()
			if !ok {
				break
			}
			err := r.guild(ctx, p)
			if ctx.Err() != nil {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
}

// guild reads a guild and notes that it has been read.
func (r *recheck) guild(ctx context.Context, p recheckPlan) error {
	pause(ctx, r.b.limits.subscribe-time.Since(p.at))
	var learned lessons
	var whole bool
	var err error
	wait := r.b.content.wait(p.guild)
	if wait == 0 {
		if learned, whole, err = r.channels(ctx, p); errors.Is(err, errWithheld) {
			wait = r.b.content.retry
		}
	}
	if wait > 0 { // then another guild may have its turn, and it is read again
		pause(ctx, wait)
		r.postpone(p)
		return nil
	}
	if err != nil || ctx.Err() != nil {
		return err
	}
	log := r.b.log.Debug
	if learned != (lessons{}) {
		log = r.b.log.Info
	}
	log("what happened to messages while nobody listened has been read from the history", "guild", p.guild,
		"deletions", learned.deletions, "edits", learned.edits, "found", learned.found)
	if whole && p.only == nil {
		r.b.writer.queue.post(guildReread{p.guild, p.absence})
	}
	r.done(p.guild)
	return nil
}

// guildReread says that a guild has been read after an absence, and after those before it.
type guildReread struct{ guild, absence store.ID }

func (e guildReread) apply(_ context.Context, p *planner, b *transaction) error {
	if p.absences[e.guild] == e.absence { // or there has been another one
		b.moveGuild(e.guild, store.GuildCursors{Rechecked: e.absence})
	}
	return nil
}

// lessons are what was learned, in messages.
type lessons struct{ deletions, edits, found int }

func (l *lessons) add(o lessons) {
	l.deletions += o.deletions
	l.edits += o.edits
	l.found += o.found
}

// learn counts what was learned.
func (r *recheck) learn(l lessons) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status.Deletions += int64(l.deletions)
	r.status.Edits += int64(l.edits)
	r.status.Found += int64(l.found)
}
