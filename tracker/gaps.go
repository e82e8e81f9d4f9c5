package tracker

import (
	"context"
	"maps"
	"time"

	"rollcall/store"
)

// Backfill modes, see Options.Backfill.
const (
	backfillGap  = "gap"
	backfillNone = "none"
	backfillAll  = "all"
)

// Reasons of gaps; others are what the gateway says of a lost connection.
const (
	reasonStopped     = "rollcall was not running"
	reasonUnavailable = "the guild was unavailable"
	reasonHistory     = "before we listened" // mode all: from the channel's beginning
)

// listenMargin is taken off the moment up to which we are known to have listened
// to a guild (GuildCursors.Heard). Discord does not promise to send messages of different
// channels in the order of their ids.
const listenMargin = store.Micros(time.Minute / time.Microsecond)

// event is something that the writer takes in at its place between two messages.
type event interface {
	apply(ctx context.Context, p *planner, b *transaction) error
}

// planner decides where a channel's cursor may move. The rule that it keeps: a
// cursor moves past messages only in a transaction that stores them or that puts
// the span into the ledger. So whatever is killed whenever, the next session
// finds each missing message behind a cursor or in an open gap.
//
//	session starts   cursors of its guilds stand still: GUILD_CREATE has yet to tell what was missed
//	GUILD_CREATE     per channel: gap (cursor, last message] and cursor → last message; a page
//	                 of the history decides where the gap ends, see fillWork
//	live message     cursor → its id
//	live message of a thread that GUILD_CREATE did not list, while the archived
//	                 ones are still being looked for: gap (cursor, before it] first
//
// All of it happens in the writer's goroutine, in the order of its queue.
type planner struct {
	db   *store.DB
	mode string
	// scanPlanned is called when a transaction has put into the ledger that the
	// archived threads below parents are to be looked through.
	scanPlanned func(scan store.Gap, parents []channelSnapshot)
	// guildPlanned is called when the ledger has all that a guild has missed.
	guildPlanned func(guild store.ID)
	// recheckPlanned is called when a transaction has noted that a guild is to be read again.
	recheckPlanned func(recheckPlan)

	guilds   map[store.ID]*listening
	leftover map[store.ID]store.Micros // guilds whose scan an earlier process left open: its From
	open     map[store.ID]store.Gap    // by channel: the youngest gap that an earlier process left open
	absences map[store.ID]store.ID     // by guild: the last one that was planned for, see recheck
	begun    map[store.ID]bool         // channels of which was told since when they are listened to
	crawled  map[store.ID]bool         // mode all: guilds and channels whose history is in the ledger
	marks    map[store.ID]mark         // channels that cannot be read
	searches map[store.ID]*search      // by channel
	waiting  map[store.ID][]store.Gap  // by guild: scans of which only what was refused is left
	// Mode all: how many of these were at their end when the process began, and the
	// messages that were found in all of them.
	historyDone, historyFound int64
}

// listening is what the planner knows of a guild that this process has met.
type listening struct {
	shard int
	live  bool // the present session has told of the guild
	known bool // we had listened to the guild before
	// since: what is older was seen or is in the ledger.
	since store.Micros
	// from, to and reason describe the span before the present session.
	from, to store.Micros
	kind     store.GapKind
	reason   string
	// met holds the channels whose cursor may move while the guild's archived
	// threads are being looked for. After that it is nil: every channel's may.
	met map[store.ID]bool
	// shown holds the channels that could not be heard, and were shown in this session.
	shown map[store.ID]sighting
}

// newPlanner reads from the ledger what earlier processes have left.
func newPlanner(ctx context.Context, db *store.DB, mode string) (*planner, error) {
	p := &planner{
		db: db, mode: mode,
		scanPlanned:  func(store.Gap, []channelSnapshot) {},
		guildPlanned: func(store.ID) {},

		recheckPlanned: func(recheckPlan) {},

		guilds:   make(map[store.ID]*listening),
		leftover: make(map[store.ID]store.Micros),
		begun:    make(map[store.ID]bool),
		crawled:  make(map[store.ID]bool),
		open:     make(map[store.ID]store.Gap),
		absences: make(map[store.ID]store.ID),
		marks:    make(map[store.ID]mark),
		searches: make(map[store.ID]*search),
		waiting:  make(map[store.ID][]store.Gap),
	}
	unreadable, err := db.Unreadable(ctx, 0)
	if err != nil {
		return nil, err
	}
	for _, u := range unreadable {
		p.marks[u.Channel] = mark{Unreadable: u, span: u.Gap != 0}
	}
	gaps, err := db.Gaps(ctx, mode != backfillAll)
	if err != nil {
		return nil, err
	}
	for _, g := range gaps {
		if isScan(g) && g.State == store.GapOpen && len(g.Parents) > 0 {
			p.goOn(g)
		} else if isScan(g) && g.State == store.GapOpen {
			if from, ok := p.leftover[g.Guild]; !ok || g.From < from {
				p.leftover[g.Guild] = g.From
			}
		}
		if !isScan(g) && g.Kind != store.GapHistory && g.State == store.GapOpen && g.Until != 0 {
			p.open[g.Channel] = g
		}
		// A scan that was not finished is planned anew by the next GUILD_CREATE,
		// a channel's history goes on where it is.
		if g.Kind == store.GapHistory && (!isScan(g) || g.State == store.GapFilled || len(g.Parents) > 0) {
			p.crawled[historyOf(g)] = true
		}
		if g.Kind == store.GapHistory {
			p.historyFound += g.Found
			if crawled(g) {
				p.historyDone++
			}
		}
	}
	return p, nil
}

// live takes in a message's cursor.
func (p *planner) live(ctx context.Context, it item, b *transaction) error {
	c := it.cursor
	g := p.guilds[c.Guild]
	if c.Channel == 0 || g == nil || !g.live {
		return nil // what was missed before this message is not in the ledger yet
	}
	if p.deaf(c.Channel, it.parent) {
		return nil // ... and it may be one of before the channel was hidden, or after it was shown
	}
	thread := channelSnapshot{ID: c.Channel, Parent: it.parent, Type: channelPublicThread, LastMessage: c.Last - 1}
	if s := p.searches[it.parent]; g.met != nil && !g.met[c.Channel] || s != nil && !s.met[c.Channel] {
		p.meet(g, thread)
		if c.Last != c.Channel { // not a channel of just now
			known, err := p.cursors(ctx, c.Guild, b)
			if err != nil {
				return err
			}
			p.takeIn(b, c.Guild, p.below(g, it.parent, known), thread, known)
			p.notify(b, c.Guild)
		}
	}
	p.heard(b, c)
	b.move(c)
	b.moveGuild(c.Guild, store.GuildCursors{Heard: c.Last})
	return nil
}

// sessionStarted is a new session of a shard, at its READY.
type sessionStarted struct {
	shard  int
	lost   time.Time // when the session before it ended, as far as we could hear
	reason string
}

func (e sessionStarted) apply(_ context.Context, p *planner, _ *transaction) error {
	for _, g := range p.guilds {
		if g.shard == e.shard && g.live {
			g.live = false
			g.from, g.kind, g.reason = store.MicrosOf(e.lost), store.GapMissed, e.reason
		}
	}
	return nil
}

// snapshotReplaced stands where a GUILD_CREATE waited for the writer until a later one
// of the guild took its place: from here on cursors stand still, or the messages
// after it would move them past what it was to tell of.
type snapshotReplaced struct {
	guild store.ID
	at    time.Time
}

func (e snapshotReplaced) apply(_ context.Context, p *planner, _ *transaction) error {
	if g := p.guilds[e.guild]; g != nil && g.live {
		g.live = false
		g.from, g.kind, g.reason = store.MicrosOf(e.at), store.GapMissed, reasonUnavailable
	}
	return nil
}

// guildSeen is a GUILD_CREATE.
type guildSeen struct {
	shard    int
	at       time.Time
	snapshot guildSnapshot
}

func (e guildSeen) apply(ctx context.Context, p *planner, b *transaction) error {
	guild := e.snapshot.Guild
	b.rejoin(guild)
	known, err := p.cursors(ctx, guild, b)
	if err != nil {
		return err
	}
	g := p.listen(b, guild, e, known)
	p.guilds[guild] = g
	p.readAnew(b, g, e.snapshot, known)
	var parents []channelSnapshot
	before := len(b.gaps)
	for _, c := range e.snapshot.Channels {
		b.learned = append(b.learned, store.LearnedName{Guild: guild, Channel: c.ID, Name: c.Name})
		if p.deaf(c.ID, c.thread()) {
			continue
		}
		if _, shown := g.shown[c.ID]; c.holdsMessages() && !shown {
			p.takeIn(b, guild, p.below(g, c.thread(), known), c, known)
			b.moveGuild(guild, store.GuildCursors{Heard: c.LastMessage})
		}
		if c.isThread() {
			p.meet(g, c)
		} else if !c.holdsMessages() && c.holdsThreads() { // a forum, which is known from now on
			b.move(store.ChannelCursor{Guild: guild, Channel: c.ID, Last: c.ID})
		}
		if c.holdsThreads() {
			parents = append(parents, c)
		}
	}
	// From now on what an earlier process has left is being filled, and ends where it did.
	maps.DeleteFunc(p.open, func(_ store.ID, old store.Gap) bool { return old.Guild == guild })
	p.recheck(b, g, e, known, b.gaps[before:])
	_, unfinished := p.leftover[guild]
	if scan, ok := p.scan(guild, g); ok && (len(parents) > 0 || unfinished) {
		if unfinished {
			p.leaveDeaf(b, scan, e.snapshot.Channels)
		}
		g.met = make(map[store.ID]bool, len(e.snapshot.Channels))
		for _, c := range e.snapshot.Channels {
			g.met[c.ID] = true
		}
		b.gaps = append(b.gaps, scan)
		b.committed = append(b.committed, func() { p.scanPlanned(scan, parents) })
	}
	p.notify(b, guild)
	return nil
}

// threadsListed is a page of a guild's archived threads.
type threadsListed struct {
	scan    store.Gap // as it is to be in the ledger now
	threads []channelSnapshot
	partial bool            // of a scan that looks below some channels only
	done    []store.ID      // ... the channels below which it has come to its end, once it is over
	taken   chan<- struct{} // gets a value once the transaction stands; must have room
}

func (e threadsListed) apply(ctx context.Context, p *planner, b *transaction) error {
	b.gaps = append(b.gaps, e.scan)
	b.committed = append(b.committed, func() { e.taken <- struct{}{} })
	g := p.guilds[e.scan.Guild]
	if e.partial {
		return e.applyPartial(ctx, p, b, g)
	}
	if g == nil || g.met == nil || e.scan.To != g.to {
		// Looked through already, or for an earlier session: what such a page says of a
		// thread may be older than what this session has missed of it. This session's
		// own scan reaches back as far.
		return nil
	}
	known, err := p.cursors(ctx, e.scan.Guild, b)
	if err != nil {
		return err
	}
	for _, c := range e.threads {
		if !g.met[c.ID] {
			p.meet(g, c)
			p.takeIn(b, e.scan.Guild, p.below(g, c.Parent, known), c, known)
		}
	}
	if e.scan.State != store.GapOpen || e.scan.Waits != "" {
		p.takeOver(b, e.scan, g.met)
		g.met = nil
		delete(p.leftover, e.scan.Guild)
		if e.scan.Kind == store.GapHistory {
			p.crawled[e.scan.Guild] = true
		}
	}
	p.notify(b, e.scan.Guild)
	return nil
}

// notify tells the backfill of new gaps once b stands.
func (p *planner) notify(b *transaction, guild store.ID) {
	b.committed = append(b.committed, func() { p.guildPlanned(guild) })
}

// moveUp moves the cursors of a guild's channels to where a transaction moves them.
func moveUp(known map[store.ID]store.ID, to map[cursorKey]store.ID, guild store.ID) {
	for key, last := range to {
		if key.guild == guild {
			known[key.channel] = max(known[key.channel], last)
		}
	}
}

// cursors are what is known of how far a guild and its channels have been taken in.
type cursors struct {
	channels, floors map[store.ID]store.ID
	guild            store.GuildCursors
}

// cursors returns the cursors of a guild as they will be once b stands.
func (p *planner) cursors(ctx context.Context, guild store.ID, b *transaction) (*cursors, error) {
	ctx = context.WithoutCancel(ctx)
	var known cursors
	var err error
	if known.guild, err = p.db.GuildCursors(ctx, guild); err != nil {
		return nil, err
	}
	if known.channels, err = p.db.Cursors(ctx, guild); err != nil {
		return nil, err
	}
	if known.floors, err = p.db.Floors(ctx, guild); err != nil {
		return nil, err
	}
	known.guild = known.guild.Max(b.guilds[guild])
	moveUp(known.channels, b.cursors, guild)
	moveUp(known.floors, b.floors, guild)
	return &known, nil
}
