package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"math"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// MessageAt is a message that is looked for.
type MessageAt struct {
	Message ID
	Time    Micros // its own time, to the second: its id tells it
	Guild   ID     // 0: any
	Channel ID     // 0: not known
}

// MessageTraces is what the file knows of a message.
type MessageTraces struct {
	Record  *Record // it is stored; without its text
	Removed *Record // it was stored, and was removed when it was deleted in Discord; without text and user
	Passed  *Passed // it does not count
	Guilds  []GuildTraces
}

// GuildTraces is what the file knows of the place and the time of a message that is not
// stored, in a guild that was asked about.
type GuildTraces struct {
	Guild    ID
	Name     string
	Known    bool // anything is stored of it
	Cursors  GuildCursors
	Cursor   ID           // of MessageAt.Channel, 0 if none
	Channel  ChannelFacts // MessageAt.Channel
	Before   ID           // the channel whose last message it was before that was listened to, 0 if none; only where no guild is given
	Gaps     []Gap        // the ledger's entries of the guild in which the message would be
	Departed Micros       // since when the bot is not in it any more, 0 if it is or never was
	Lines    int64        // log lines without an id within a few seconds of it
}

// ChannelFacts is what is known of a channel beside its records.
type ChannelFacts struct {
	Name   string // that it has now, "" if not known
	Parent ID     // a thread's channel, 0 if none or not known
	Since  Micros // see ChannelSeen; 0 if that is not known
	After  ID
	Gone   bool // it was deleted
	// Unread is why the bot cannot read it now, or the channel that it is a thread of: a Reason,
	// and since when. "": it can, or nobody has told.
	Unread      string
	UnreadSince Micros
}

// readUnread finds out whether a channel can be read, or its parent if it is a thread.
func (c *ChannelFacts) readUnread(tx *kv.Tx, guild, channel ID) error {
	b := tx.Bucket(bucketState).Bucket(stateUnreadable)
	for _, id := range []ID{channel, c.Parent} {
		key := unreadableKey(guild, id)
		payload, err := kv.Get(b, key)
		if err != nil {
			return err
		}
		if payload == nil {
			continue
		}
		var mark Unreadable
		if err := kv.DecodeJSON(key, payload, &mark); err != nil {
			return err
		}
		c.Unread, c.UnreadSince = mark.Reason, mark.Since
		return nil
	}
	return nil
}

func (c channelInfo) facts() ChannelFacts {
	return ChannelFacts{Name: c.name, Parent: c.parent, Since: c.since, After: c.after, Gone: c.gone}
}

// Lookup finds out what is known of a message, in one read transaction. It reads the quarter
// hour of the message in each guild that is asked about, the marks of removed messages and
// the ledger, and no texts.
func (db *DB) Lookup(ctx context.Context, m MessageAt) (t MessageTraces, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		t = MessageTraces{}
		guilds := []ID{m.Guild}
		if m.Guild == 0 {
			var err error
			if guilds, err = knownGuilds(tx); err != nil {
				return err
			}
		}
		for _, guild := range guilds {
			if err := db.lookupStored(ctx, tx, guild, m, &t); err != nil || t.Record != nil || t.Removed != nil || t.Passed != nil {
				return err
			}
		}
		if p, known, err := readPassed(tx, m.Message); err != nil {
			return err
		} else if known && (m.Guild == 0 || m.Guild == p.Guild) {
			t.Passed = &p
			return nil
		}
		gaps, err := gapsAround(ctx, tx, m)
		if err != nil {
			return err
		}
		for _, guild := range guilds {
			g, err := db.lookupGuild(tx, guild, m)
			if err != nil {
				return err
			}
			g.Gaps = gaps[guild]
			t.Guilds = append(t.Guilds, g)
		}
		return nil
	})
	return t, err
}

// lookupStored looks for the record, or for what is left of it.
func (db *DB) lookupStored(ctx context.Context, tx *kv.Tx, guild ID, m MessageAt, t *MessageTraces) error {
	r := openReader(tx, db.keys, guild)
	if r == nil {
		return nil
	}
	from, to := m.Time-findSlack, m.Time+findSlack
	for q := civil.QuarterOf(from); q <= civil.QuarterOf(to); q++ {
		moments, _, err := r.timeline.Quarter(q, math.MaxInt)
		if err != nil {
			return err
		}
		for _, at := range moments {
			key := record.Key{User: at.User, Time: at.Time, ID: uint64(m.Message)}
			if at.Time < from || at.Time > to {
				continue
			}
			b := key.Append(nil)
			if value := r.records.Get(b); value != nil {
				found, err := r.selected(&Query{}, key, b, value)
				if err != nil {
					return err
				}
				told := *found
				told.Content = ""
				t.Record = &told
				return nil
			}
		}
	}
	prefix := kv.U64(nil, uint64(guild))
	cursor, visits := tx.Bucket(bucketState).Bucket(stateMarkers).Cursor(), 0
	for b, value := cursor.Seek(prefix); len(b) == len(prefix)+record.KeySize && string(b[:len(prefix)]) == string(prefix); b, value = cursor.Next() {
		if visits++; visits&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if binary.BigEndian.Uint64(b[len(b)-8:]) != uint64(m.Message) {
			continue
		}
		key, _ := record.ParseKey(b[len(prefix):])
		s, err := record.Read(b, value, key.Time)
		if err != nil {
			return err
		}
		channel, err := r.channel(s.Channel)
		if err != nil {
			return err
		}
		if s.Uncounted {
			t.Passed = &Passed{Guild: guild, Channel: channel.ID, Message: m.Message, Why: UncountedSystem}
			return nil
		}
		t.Removed = &Record{Guild: guild, Message: m.Message, Time: key.Time, Channel: channel, Source: s.Source}
		return nil
	}
	return nil
}

// lookupGuild returns what is known of a guild, but for the ledger.
func (db *DB) lookupGuild(tx *kv.Tx, guild ID, m MessageAt) (g GuildTraces, err error) {
	g = GuildTraces{Guild: guild}
	if g.Name, err = readName(tx, db.keys, guild, 0); err != nil {
		return g, err
	}
	state := tx.Bucket(bucketState)
	if g.Cursor, err = getID(state.Bucket(stateCursors), channelKey(guild, m.Channel)); err != nil {
		return g, err
	}
	if g.Cursors, err = getGuildCursors(state.Bucket(stateGuildCursors), guild); err != nil {
		return g, err
	}
	prefix := kv.U64(nil, uint64(guild))
	g.Known = tx.Bucket(bucketGuilds).Get(prefix) != nil
	for _, b := range listenedBuckets(tx) {
		g.Known = g.Known || len(kv.Keys(b, prefix, 1)) > 0
	}
	info, err := readChannelInfo(state.Bucket(stateKnown), knownTexts(db.keys), guild, m.Channel)
	g.Channel = info.facts()
	if err == nil {
		err = g.Channel.readUnread(tx, guild, m.Channel)
	}
	if err == nil && m.Guild == 0 {
		err = eachKnown(tx, db.keys, guild, func(channel ID, c channelInfo) error {
			if c.after == m.Message {
				g.Before = channel
			}
			return nil
		})
	}
	if err != nil {
		return g, err
	}
	left, err := getID(state.Bucket(stateDeparted), prefix)
	if err != nil {
		return g, err
	}
	g.Departed = Micros(left)
	g.Lines, err = db.linesAround(tx, guild, m.Time)
	return g, err
}

// linesAround counts the log lines that may be of a message.
func (db *DB) linesAround(tx *kv.Tx, guild ID, at Micros) (n int64, err error) {
	r := openReader(tx, db.keys, guild)
	if r == nil {
		return 0, nil
	}
	err = r.guildBackwards(at-logBefore, at+logAfter, nil, func(key record.Key, _, _ []byte) (bool, error) {
		if key.IsLog() {
			n++
		}
		return true, nil
	})
	return n, err
}

// gapsAround returns the ledger's entries in which a message would be, by guild: those of its
// channel, or of all channels if that is not known, and those of a guild as a whole.
func gapsAround(ctx context.Context, tx *kv.Tx, m MessageAt) (map[ID][]Gap, error) {
	found, visits := map[ID][]Gap{}, 0
	c := tx.Bucket(bucketState).Bucket(stateGaps).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		if visits++; visits&0xfff == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return nil, kv.Damaged(key)
		}
		if !m.mayBeIn(payload) {
			continue
		}
		var g Gap
		if err := json.Unmarshal(payload, &g); err != nil {
			return nil, kv.DecodeJSON(key, payload, &g)
		}
		if (m.Guild == 0 || m.Guild == g.Guild) && g.holds(m) {
			found[g.Guild] = append(found[g.Guild], g)
		}
	}
	return found, nil
}

// mayBeIn reports whether an entry of the ledger may hold the message, from its text: to
// decode each of 50,000 takes a fifth of a second.
func (m *MessageAt) mayBeIn(gap []byte) bool {
	names := func(key string, id ID) bool { return bytes.Contains(gap, []byte(`"`+key+`":"`+id.String()+`"`)) }
	return (m.Guild == 0 || names("guild_id", m.Guild)) &&
		(m.Channel == 0 || names("channel_id", m.Channel) || m.Guild == 0 || names("channel_id", m.Guild))
}

// ofGuild reports whether an entry of the ledger is about a guild as a whole, which is what
// no other has its guild's id for: the search for threads that were archived meanwhile.
func (g *Gap) ofGuild() bool { return g.Channel == g.Guild }

// holds reports whether a message would be in the gap. What was filled tells no ids any more,
// but from when to when it was.
func (g *Gap) holds(m MessageAt) bool {
	switch {
	case m.Channel != 0 && g.Channel != m.Channel && !g.ofGuild():
		return false
	case g.State == GapFilled || g.ofGuild():
		return m.Time >= g.From && (g.To == 0 || m.Time <= g.To)
	}
	return m.Message > g.After && (g.Until == 0 || m.Message <= g.Until)
}
