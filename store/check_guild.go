package store

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"

	"rollcall/internal/civil"
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/packed"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// tally is what a guild's records add up to. The moments of the timeline are
// compared as sums of hashes, so that nothing grows with the guild.
type tally struct {
	messages, users int64
	profiles, weeks int64 // that are not uncounted
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
		user.uncounted = uncountedOf(r, 0)
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
		err = c.markers(guild, info, &t)
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
		{"deletion markers of messages that do not count", info.uncounted, t.uncounted},
		{"weeks of activity", weeks, t.weeks}, {"moments in the timeline", inTimeline, t.messages},
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

	uncounted []rollup.Delta // of this user and those to come, what activity and profiles do not know yet
	waiting   int64          // how many of this user's were among them
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
	for len(u.uncounted) > 0 && u.uncounted[0].User == u.user && civil.WeekOf(civil.QuarterOf(u.uncounted[0].Time)) == u.week {
		known := u.uncounted[0].Cell()
		known.Count = -known.Count
		u.cells = append(u.cells, known)
		u.uncounted = u.uncounted[1:]
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
	if !u.erasing[u.user] && u.forgotten.has(Person{u.user, u.id}) {
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

// markers reads what is left of removed messages, of which there must be no records.
func (c *checker) markers(guild ID, info guildInfo, t *tally) error {
	records := recordsOf(c.tx, guild)
	if records == nil {
		return nil // reported with the records
	}
	prefix := kv.U64(nil, uint64(guild))
	cursor := c.tx.Bucket(bucketState).Bucket(stateMarkers).Cursor()
	for b, value := cursor.Seek(prefix); bytes.HasPrefix(b, prefix); b, value = cursor.Next() {
		key, ok := record.ParseKey(b[len(prefix):])
		s, err := record.Read(b, value, key.Time)
		if !ok || err != nil || !s.Gone || !isKnown(&s, key) || s.Channel >= info.channels || key.IsLog() != (s.Source == SourceLog) {
			if err := c.report("state/%s: the value under key %x is no deletion marker of a message", stateMarkers, b); err != nil {
				return err
			}
			continue
		}
		if records.Get(b[len(prefix):]) != nil {
			if err := c.report("state/%s: key %x is of a message that is there", stateMarkers, b); err != nil {
				return err
			}
		}
		if s.Uncounted {
			t.uncounted++
		}
		t.span(key, &s)
	}
	return nil
}

// span takes a record's times into the spans of its sources.
func (t *tally) span(key record.Key, s *record.Value) {
	if key.IsLog() {
		t.logs.Add(key.Time)
	} else {
		t.ids.Add(key.Time)
	}
	if s.InLogs {
		t.logs.Add(s.Line.Time)
	}
}

// isKnown reports whether the matching knows the record, though its text may be gone.
func isKnown(s *record.Value, key record.Key) bool {
	return !s.Gone || key.IsLog() || s.Hash != 0 || s.First != 0
}

// eachRecord calls fn with a guild's records in order, and reports what is wrong with
// the blocks and runs in which they are.
func (c *checker) eachRecord(name string, guild ID, fn func(key record.Key, b, payload []byte) error) error {
	r := recordsOf(c.tx, guild)
	if r == nil {
		return c.report("%s: the bucket is missing", name)
	}
	for problem := range r.Problems(c.ctx, name, string(bucketRecent)) {
		if err := c.report("%s", problem); err != nil {
			return err
		}
	}
	if err := c.ctx.Err(); err != nil {
		return err
	}
	var last record.Key
	cursor := r.Cursor()
	var err error
	for b, value := cursor.First(); b != nil; b, value = cursor.Next() {
		if c.visits++; c.visits&0xfff == 0 && c.ctx.Err() != nil {
			return c.ctx.Err()
		}
		key := record.PadKey(b)
		payload, ok := kv.Unseal(b, value)
		switch {
		case last.Compare(key) >= 0:
			err = c.report("%s: key %x is there twice, or out of order", name, b)
		case !ok:
			err = c.report("%s: the value under key %x fails its checksum", name, b)
		default:
			err = fn(key, b, payload)
		}
		if err != nil {
			return err
		}
		last = key
	}
	return nil
}

// runs reports what is in the bucket of runs and does not belong to a manifest, or to a
// guild.
func (c *checker) runs(known map[string]bool) error {
	for key, k := range lsm.RecentKeys(c.tx.Bucket(bucketRecent)) {
		var err error
		switch {
		case !known[string(bucketName(k.Guild))]:
			err = c.report("%s: key %x: the guild is not among the guilds", bucketRecent, key)
		case !k.Known:
			err = c.report("%s: the run under key %x is not in its guild's list", bucketRecent, key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
