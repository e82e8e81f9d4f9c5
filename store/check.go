package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// checkLimit bounds what Check reports; one damaged page can break thousands of values.
const checkLimit = 100

// Check reads every value, verifies its checksum, and compares what is kept
// beside the records (timeline, activity, profiles, totals) with the records. It
// returns what is wrong, one line each, at most 100 lines. It holds a read
// transaction for as long as it takes.
//
// Of a file that was opened with SkipDecrypt, texts and what is made of them are left out.
//
// It trusts the pages of the file to be a tree; CheckPages verifies that.
func (db *DB) Check(ctx context.Context) (problems []string, err error) {
	if db.OldFormat() {
		return nil, fmt.Errorf("database %q: it is of format %d and opened for reading alone", db.path, db.format)
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		c := &checker{ctx: ctx, tx: tx, keys: db.keys, salt: db.salt, forgotten: tombstones{salt: db.salt}}
		if err := c.run(); err != nil && !errors.Is(err, errEnough) {
			return err
		}
		problems = c.problems
		return nil
	})
	return problems, err
}

var errEnough = errors.New("enough problems")

type checker struct {
	ctx      context.Context
	tx       *kv.Tx
	keys     *crypt.Keyring
	salt     []byte
	text     []byte // room for one
	problems []string
	visits   int

	forgotten tombstones
	leaving   map[ID]bool // users who are being forgotten
}

func (c *checker) report(format string, args ...any) error {
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
	if len(c.problems) >= checkLimit {
		return errEnough
	}
	return nil
}

func (c *checker) run() error {
	for _, name := range [][]byte{bucketMeta, bucketGuilds} {
		if _, err := c.countValues(string(name), c.tx.Bucket(name)); err != nil {
			return err
		}
	}
	if err := c.texts(string(bucketNames), c.tx.Bucket(bucketNames), c.keys.Texts(string(bucketNames))); err != nil {
		return err
	}
	if err := c.texts("state/log_files", c.tx.Bucket(bucketState).Bucket(stateLogFiles), logFileTexts(c.keys)); err != nil {
		return err
	}
	if err := c.known(); err != nil {
		return err
	}
	if err := c.passed(); err != nil {
		return err
	}
	for _, name := range stateBuckets {
		if bytes.Equal(name, stateLogFiles) || bytes.Equal(name, stateKnown) || bytes.Equal(name, statePassed) && c.tx.Bucket(bucketState).Bucket(name) != nil {
			continue
		}
		if _, err := c.countValues("state/"+string(name), c.tx.Bucket(bucketState).Bucket(name)); err != nil {
			return err
		}
	}
	if err := c.early(); err != nil {
		return err
	}
	if err := c.tombstones(); err != nil {
		return err
	}
	known := map[string]bool{}
	err := c.tx.Bucket(bucketGuilds).ForEach(func(b, value []byte) error {
		payload, ok := kv.Unseal(b, value)
		if !ok || len(b) != 8 {
			return nil // reported above
		}
		info, err := decodeGuildInfo(payload)
		if err != nil {
			return c.report("guilds: the value under key %x does not decode", b)
		}
		guild := ID(binary.BigEndian.Uint64(b))
		known[string(bucketName(guild))] = true
		return c.guild(guild, info)
	})
	if err != nil {
		return err
	}
	if err := c.runs(known); err != nil {
		return err
	}
	for _, name := range perGuildBuckets {
		err := c.tx.Bucket(name).ForEachBucket(func(guild []byte) error {
			if known[string(guild)] {
				return nil
			}
			return c.report("%s/%s: the guild is not among the guilds", name, guild)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachValue calls fn with every key and payload of a bucket and reports what
// fails its checksum.
func (c *checker) eachValue(name string, b *kv.Bucket, fn func(key, payload []byte) error) error {
	if b == nil {
		return c.report("%s: the bucket is missing", name)
	}
	return b.ForEach(func(key, value []byte) error {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return c.report("%s: the value under key %x fails its checksum", name, key)
		}
		return fn(key, payload)
	})
}

// countValues verifies the checksums of a bucket and counts the values that pass.
func (c *checker) countValues(name string, b *kv.Bucket) (n int64, err error) {
	err = c.eachValue(name, b, func(_, _ []byte) error {
		n++
		return nil
	})
	return n, err
}

// countPacked counts the users of a packed bucket and reports a chunk that does not
// decode, or whose users have their place in another one.
func (c *checker) countPacked(name string, b *kv.Bucket, prefix int) (n int64, err error) {
	var last []byte // key of the user before
	err = c.eachValue(name, b, func(key, payload []byte) error {
		first, ok := packed.First(key)
		if !ok || len(key) != prefix+8 || bytes.Compare(last, key) >= 0 || (last == nil || !bytes.HasPrefix(last, key[:prefix])) && first != 0 {
			return c.report("%s: the chunk under key %x is out of place", name, key)
		}
		if len(payload) == 0 {
			return c.report("%s: the chunk under key %x is empty", name, key)
		}
		err := packed.Each(key, payload, func(user ID, _ []byte) error {
			n++
			last = kv.U64(bytes.Clone(key[:prefix]), uint64(user))
			return nil
		})
		if err != nil {
			return c.report("%s: the value under key %x does not decode", name, key)
		}
		return nil
	})
	return n, err
}

// texts opens every text of a bucket that has nothing else.
func (c *checker) texts(name string, b *kv.Bucket, texts *crypt.Codec) error {
	return c.eachValue(name, b, func(key, payload []byte) error {
		if _, err := texts.Read(key, payload, 0); err != nil {
			return c.report("%s: %v", name, err)
		}
		return nil
	})
}

// tally is what a guild's records add up to. The moments of the timeline are
// compared as sums of hashes, so that nothing grows with the guild.
type tally struct {
	messages, users int64
	profiles, weeks int64 // that are not pending
	moments         uint64
	uncounted       int64
	ids, logs       record.Span
}

func (c *checker) guild(guild ID, info guildInfo) error {
	name := bucketName(guild)
	path := func(bucket []byte) string { return string(bucket) + "/" + string(name) }
	var t tally
	if err := c.channels(path(bucketChannels), c.tx.Bucket(bucketChannels).Bucket(name), c.keys.NestedTexts(bucketChannels, name), info.channels); err != nil {
		return err
	}
	texts := c.keys.NestedTexts(bucketRecords, name)
	user := &userCheck{checker: c, guild: name, id: guild}
	if r := recordsOf(c.tx, guild); r != nil { // else reported below
		user.pending = uncountedOf(r, 0)
	}
	err := c.eachRecord(path(bucketRecords), guild, func(key record.Key, b, payload []byte) error {
		s, err := record.Decode(payload, key.Time)
		if err != nil || s.Channel >= info.channels || key.IsLog() != (s.Source == SourceLog) || !isKnown(&s, key) {
			return c.report("%s: the value under key %x is no record", path(bucketRecords), b)
		}
		if err := s.Open(texts, b, &c.text); err != nil {
			return c.report("%s: %v", path(bucketRecords), err)
		}
		if !utf8.Valid(s.Text) || !utf8.Valid(s.Line.Text) {
			return c.report("%s: the text of the value under key %x is not UTF-8", path(bucketRecords), b)
		}
		if !s.ExtraOK() {
			return c.report("%s: what the value under key %x has besides its content does not decode", path(bucketRecords), b)
		}
		if len(s.Body) > 0 && key.Time < info.texts {
			return c.report("%s: the value under key %x has a text, though none is to be so old", path(bucketRecords), b)
		}
		t.messages++
		t.moments += hashMoment(rollup.Moment{Time: key.Time, User: key.User})
		t.span(key, &s)
		return user.add(key, s.Channel, &t)
	})
	if err == nil {
		err = user.finish(&t)
	}
	if err == nil {
		err = c.traces(guild, info, &t)
	}
	if err != nil {
		return err
	}
	return c.compare(guild, info, &t)
}

func (c *checker) channels(path string, b *kv.Bucket, names *crypt.Codec, count uint32) error {
	numbers := uint32(0)
	err := c.eachValue(path, b, func(key, payload []byte) error {
		if len(key) != 5 || key[0] != 0 {
			return nil
		}
		numbers++
		number := binary.BigEndian.Uint32(key[1:])
		if len(payload) < 8 || number >= count {
			return c.report("%s: the value under key %x is no channel", path, key)
		}
		channel, err := decodeChannel(names, key, payload)
		if err != nil {
			return c.report("%s: %v", path, err)
		}
		if c.keys.SkipDecrypt {
			return nil // its name is unknown, and so is the salt
		}
		back, err := kv.Get(b, channelHashKey(c.salt, channel))
		if err == nil && len(back) == 4 && !bytes.Equal(back, kv.U32(nil, number)) { // a name that was learnt may have two numbers
			other, err := readChannel(b, names, binary.BigEndian.Uint32(back))
			if err == nil && other == channel {
				return nil
			}
		}
		if err != nil || !bytes.Equal(back, kv.U32(nil, number)) {
			return c.report("%s: channel %d is not found by its name", path, number)
		}
		return nil
	})
	if err == nil && numbers != count {
		err = c.report("%s: has %d channels, want %d", path, numbers, count)
	}
	return err
}

// compare checks a guild's other buckets against the tally of its records.
func (c *checker) compare(guild ID, info guildInfo, t *tally) error {
	name := bucketName(guild)
	weeks, err := c.countPacked("activity/"+string(name), c.tx.Bucket(bucketActivity).Bucket(name), 4)
	if err != nil {
		return err
	}
	profiles, err := c.countPacked("profiles/"+string(name), c.tx.Bucket(bucketProfiles).Bucket(name), 0)
	if err != nil {
		return err
	}
	var inTimeline int64
	var moments uint64
	err = c.eachValue("timeline/"+string(name), c.tx.Bucket(bucketTimeline).Bucket(name), func(key, payload []byte) error {
		if len(key) != 6 {
			return c.report("timeline/%s: key %x is no quarter hour's", name, key)
		}
		chunk, err := rollup.DecodeChunk(nil, binary.BigEndian.Uint32(key), payload)
		if err != nil {
			return c.report("timeline/%s: the value under key %x does not decode", name, key)
		}
		for _, m := range chunk {
			inTimeline++
			moments += hashMoment(m)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, v := range []struct {
		what       string
		have, want int64
	}{
		{"messages", info.messages, t.messages}, {"users", info.users, t.users}, {"profiles", profiles, t.profiles},
		{"traces of messages that do not count", info.uncounted, t.uncounted}, {"weeks of activity", weeks, t.weeks}, {"moments in the timeline", inTimeline, t.messages},
	} {
		if v.have != v.want {
			if err := c.report("guild %d: has %d %s, the records make %d", guild, v.have, v.what, v.want); err != nil {
				return err
			}
		}
	}
	if moments != t.moments {
		if err := c.report("guild %d: the timeline holds other moments than the records", guild); err != nil {
			return err
		}
	}
	if !info.ids.Covers(t.ids) || !info.logs.Covers(t.logs) {
		return c.report("guild %d: records lie outside of the spans of its sources", guild)
	}
	return nil
}

// hashMoment mixes a moment into 64 bits (the finalizer of MurmurHash3, twice).
func hashMoment(m rollup.Moment) uint64 { return mix(mix(uint64(m.Time)) ^ uint64(m.User)) }

func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// userCheck adds up the records of one user after the other and compares each
// user's weeks and profile. Records come by user and time.
type userCheck struct {
	*checker
	guild []byte
	id    ID // of the guild
	user  ID
	total int64
	week  uint32
	cells []rollup.Cell

	pending []rollup.Change // of this user and those to come, what activity and profiles do not know yet
	waiting int64           // how many of this user's were among them
}

func (u *userCheck) add(key record.Key, channel uint32, t *tally) error {
	q := civil.QuarterOf(key.Time)
	if key.User != u.user || u.total == 0 {
		if err := u.finish(t); err != nil {
			return err
		}
		u.user, u.week = key.User, civil.WeekOf(q)
	}
	if civil.WeekOf(q) != u.week {
		if err := u.finishWeek(t); err != nil {
			return err
		}
		u.week = civil.WeekOf(q)
	}
	u.total++
	u.cells = append(u.cells, rollup.Cell{Quarter: uint16(q % civil.WeekQuarters), Channel: channel, Count: 1})
	return nil
}

func (u *userCheck) finishWeek(t *tally) error {
	for len(u.pending) > 0 && u.pending[0].User == u.user && civil.WeekOf(civil.QuarterOf(u.pending[0].Time)) == u.week {
		known := u.pending[0].Cell()
		known.Count = -known.Count
		u.cells = append(u.cells, known)
		u.pending = u.pending[1:]
		u.waiting++
	}
	want := rollup.AppendWeek(nil, rollup.AddCells(nil, u.cells))
	u.cells = u.cells[:0]
	if len(want) > 0 {
		t.weeks++
	}
	have, err := u.value(bucketActivity, rollup.WeekPrefix(u.week))
	if err != nil || !bytes.Equal(have, want) {
		return u.report("activity/%s: user %d's week %d is not what the records make", u.guild, u.user, u.week)
	}
	return nil
}

func (u *userCheck) finish(t *tally) error {
	if u.total == 0 {
		return nil
	}
	if err := u.finishWeek(t); err != nil {
		return err
	}
	t.users++
	total := u.total - u.waiting
	u.total, u.waiting = 0, 0
	if !u.leaving[u.user] && u.forgotten.has(Person{u.user, u.id}) {
		return u.report("user_stats/%s: user %d is forgotten and has records", u.guild, u.user)
	}
	payload, err := u.value(bucketProfiles, nil)
	if total == 0 && payload == nil && err == nil {
		return nil
	}
	t.profiles++
	if have, derr := decodeProfile(payload); err != nil || derr != nil || have != total {
		return u.report("profiles/%s: user %d has %d messages, the records make %d", u.guild, u.user, have, total)
	}
	return nil
}

// value returns the user's in a packed bucket.
func (u *userCheck) value(bucket, prefix []byte) ([]byte, error) {
	b := u.tx.Bucket(bucket).Bucket(u.guild)
	if b == nil {
		return nil, kv.ErrBadValue
	}
	return packed.Get(b, prefix, u.user)
}
