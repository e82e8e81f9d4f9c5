package tracker

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"rollcall/internal/permissions"
	"rollcall/store"
)

// Errors of Reader.
var (
	// ErrNotToldYet: who may read what in a guild is not known at the moment: we are not
	// connected to Discord, or it has not told of the guild in this session or since its outage.
	ErrNotToldYet = errors.New("who may read what in the server is not known: Discord has not told yet, or is not connected")
	// ErrNoMember: the user is not in the guild.
	ErrNoMember = errors.New("not a member of the server")
)

const (
	// memberTime is how long the roles of a member are used that Discord was asked for: without
	// a privileged intent it does not tell when they change. Whatever else decides what a
	// member may read is told, and counts at once.
	memberTime = 10 * time.Second
	memberWait = 5 * time.Second // for an answer of Discord
	maxMembers = 1000            // whose roles are kept, some 100 bytes each
)

// Reader returns what reports of a guild's channels and threads whether a member may read
// their history now. Of a thread that is private, or not known to be public, only those can who
// may manage threads: who else is in it, Discord tells nobody.
//
// It asks Discord for the member's roles unless it did so in the last ten seconds. The error
// wraps ErrNotToldYet or ErrNoMember, or says that Discord cannot be asked. Reader, and what it
// returns, may be called from any goroutine.
func (t *Tracker) Reader(ctx context.Context, guild, user store.ID) (reads func(channel store.ID) bool, err error) {
	if !t.connected(guild) || !t.access.complete(guild) {
		return nil, ErrNotToldYet
	}
	roles, err := t.members.roles(ctx, guild, user)
	if err != nil {
		return nil, err
	}
	return t.readsOf(guild, permissions.Member{User: user, Roles: roles}), nil
}

func (t *Tracker) readsOf(guild store.ID, m permissions.Member) func(channel store.ID) bool {
	return func(channel store.ID) bool {
		info, known := t.names.channel(channel)
		if known && info.parent != 0 {
			return t.access.memberReads(guild, info.parent, m, !info.open)
		}
		return t.access.memberReads(guild, channel, m, false)
	}
}

// connected reports whether the shard of a guild hears what changes.
func (t *Tracker) connected(guild store.ID) bool {
	t.mu.Lock()
	shards := t.shards
	t.mu.Unlock()
	for _, s := range shards {
		if s.receiver.mine(guild) {
			return s.state().State == ShardConnected
		}
	}
	return false
}

// complete reports whether a guild's owner and roles are known as they are now.
func (a *access) complete(guild store.ID) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	g := a.guilds[guild]
	return g != nil && !g.stale && g.model.Complete()
}

// memberReads reports whether a member may read a channel's history, or that of a private
// thread of it which the member may not be in. It is false where that is not known for certain.
func (a *access) memberReads(guild, channel store.ID, m permissions.Member, private bool) bool {
	a.mu.RLock()
	defer a.mu.RUnlock()
	g := a.guilds[guild]
	if g == nil || g.stale || g.model.Reading(m, channel) != permissions.Full {
		return false
	}
	set, _ := g.model.Permissions(m, channel)
	return (!g.vague[channel] || set.Has(permissions.Administrator)) && (!private || set.Has(permissions.ManageThreads))
}

// roster knows the roles of the members that Discord was asked for of late. It may be used
// by any goroutine.
type roster struct {
	rest *rest
	turn chan struct{} // holds one element while Discord is asked

	mu    sync.Mutex
	known map[memberKey]knownMember
}

type memberKey struct{ guild, user store.ID }

type knownMember struct {
	roles  []store.ID
	absent bool // no member
	until  time.Time
}

func newRoster(r *rest) *roster {
	return &roster{rest: r, turn: make(chan struct{}, 1), known: make(map[memberKey]knownMember)}
}

// roles returns those of a member. One question is asked at a time: many of the same member
// become one.
func (m *roster) roles(ctx context.Context, guild, user store.ID) ([]store.ID, error) {
	key := memberKey{guild, user}
	if known, ok := m.get(key); ok {
		return known.answer()
	}
	ctx, cancel := context.WithTimeout(ctx, memberWait)
	defer cancel()
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return nil, unanswered(ctx.Err())
	}
	if known, ok := m.get(key); ok {
		return known.answer()
	}
	known, err := m.ask(ctx, key)
	if err != nil {
		return nil, err
	}
	m.put(key, known)
	return known.answer()
}

func (k knownMember) answer() ([]store.ID, error) {
	if k.absent {
		return nil, ErrNoMember
	}
	return k.roles, nil
}

func (m *roster) ask(ctx context.Context, key memberKey) (knownMember, error) {
	asked := time.Now()
	path := "/guilds/" + key.guild.String() + "/members/"
	body, err := m.rest.get(ctx, path, path+key.user.String(), nil)
	if status := statusOf(err); status == http.StatusNotFound || status == http.StatusBadRequest { // no member, or no id of anybody
		return knownMember{absent: true, until: asked.Add(memberTime)}, nil
	}
	if err != nil {
		return knownMember{}, err
	}
	member, err := decodeMember(body)
	if err == nil && member.User != key.user {
		err = errors.New("the answer is another member")
	}
	if err != nil {
		return knownMember{}, unanswered(err)
	}
	return knownMember{roles: member.Roles, until: asked.Add(memberTime)}, nil
}

func (m *roster) get(key memberKey) (knownMember, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, ok := m.known[key]
	return known, ok && time.Now().Before(known.until)
}

// forget makes Discord be asked for a member again.
func (m *roster) forget(guild, user store.ID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.known, memberKey{guild, user})
}

// put takes in a member, and makes room for it.
func (m *roster) put(key memberKey, known knownMember) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.known) >= maxMembers {
		now := time.Now()
		for other, k := range m.known {
			if !now.Before(k.until) {
				delete(m.known, other)
			}
		}
		if len(m.known) >= maxMembers {
			clear(m.known) // they are asked for once more
		}
	}
	m.known[key] = known
}
