package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
	"rollcall/store/internal/rollup"
)

// SweepTexts takes the text out of some records that are older than an instant, in one
// bounded transaction, and says how many that were and whether there are no more. The
// records still count. It looks by whole quarter hours: what is younger than the
// quarter hour in which the instant lies keeps its text.
//
// How far it has come stands in the guilds' entries, so it goes on after a kill, and
// looking when there is nothing to do costs a glance at each guild.
func (db *DB) SweepTexts(ctx context.Context, before Micros) (swept int64, done bool, err error) {
	end := civil.QuarterOf(before)
	guilds, err := db.oldTexts(ctx, end)
	early := db.early.texts(before, stepRecords)
	if err != nil || len(guilds)+len(early) == 0 {
		return 0, err == nil, err
	}
	err = db.update(ctx, func(w *writeTx) error {
		swept = 0
		for _, key := range early {
			if err := w.dropEarly(key); err != nil {
				return err
			}
		}
		for _, id := range guilds {
			g, err := w.guild(id)
			if err != nil {
				return err
			}
			n, err := g.sweepTexts(end, stepRecords-int(swept))
			if swept += int64(n); err != nil || swept >= stepRecords {
				return err
			}
		}
		return nil
	})
	return swept, false, err
}

// oldTexts returns guilds that may have texts before a quarter hour.
func (db *DB) oldTexts(ctx context.Context, end uint32) (guilds []ID, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		guilds = nil
		return tx.Bucket(bucketGuilds).ForEach(func(b, value []byte) error {
			payload, ok := kv.Unseal(b, value)
			if !ok || len(b) != 8 {
				return kv.Damaged(b)
			}
			info, err := decodeGuildInfo(payload)
			if err != nil {
				return kv.Damaged(b)
			}
			id := ID(binary.BigEndian.Uint64(b))
			timeline := tx.Bucket(bucketTimeline).Bucket(bucketName(id))
			if timeline == nil || civil.QuarterOf(info.texts) >= end {
				return nil
			}
			if q, ok := rollup.OpenTimeline(timeline, nil).Next(civil.QuarterOf(info.texts)); ok && q < end {
				guilds = append(guilds, id)
			}
			return nil
		})
	})
	return guilds, err
}

// sweepTexts redacts a guild's records before a quarter hour until so many are done or
// enough were looked at, and notes how far it came.
func (g *guildTx) sweepTexts(end uint32, most int) (swept int, err error) {
	looked := 0
	for moments, err := range g.timeline.Forwards(civil.QuarterOf(g.info.texts), end) {
		if err != nil {
			return swept, err
		}
		q := civil.QuarterOf(moments[0].Time)
		looked += len(moments)
		keys, more, err := g.withText(moments, most-swept)
		if err != nil {
			return swept, err
		}
		swept += len(keys)
		for _, key := range keys {
			if err := g.redact(key); err != nil {
				return swept, err
			}
		}
		if more {
			g.info.texts = max(g.info.texts, civil.QuarterStart(q))
			return swept, nil
		}
		g.info.texts = max(g.info.texts, civil.QuarterStart(q+1))
		if swept >= most || looked >= stepVisits {
			return swept, nil
		}
	}
	g.info.texts = max(g.info.texts, civil.QuarterStart(end))
	return swept, nil
}

// withText returns the records of moments that have a text, at most so many, and says
// whether there are more. One that is damaged must not hold up all others.
func (g *guildTx) withText(moments []rollup.Moment, most int) (keys []record.Key, more bool, err error) {
	if len(moments) == 0 {
		return nil, false, nil
	}
	from := civil.QuarterStart(civil.QuarterOf(moments[0].Time))
	c := g.records.Between(from, from+civil.QuarterMicros)
	for i, m := range moments {
		if i > 0 && m == moments[i-1] { // several of one instant are visited together
			continue
		}
		prefix := record.Key{User: m.User, Time: m.Time, ID: 0}.Append(nil)[:16]
		for b, value := c.Seek(prefix); bytes.HasPrefix(b, prefix); b, value = c.Next() {
			key, ok := record.ParseKey(b)
			if !ok {
				return nil, false, kv.Damaged(b)
			}
			s, err := record.Read(b, value, key.Time)
			if err != nil {
				g.w.bad.note(g.id, b, err)
				continue
			}
			if s.Gone || s.TextsSize() == 0 {
				continue
			}
			if len(keys) >= most {
				return keys, true, nil
			}
			keys = append(keys, key)
		}
	}
	return keys, false, nil
}

// putDepartures notes guilds that were left, once each, and forgets it of those that are back.
func (w *writeTx) putDepartures(left []DepartedGuild, back []ID) error {
	if len(left)+len(back) == 0 {
		return nil
	}
	b := w.state(stateDeparted)
	for _, guild := range back {
		if err := b.Delete(kv.U64(nil, uint64(guild))); err != nil {
			return err
		}
	}
	for _, l := range left {
		if key := kv.U64(nil, uint64(l.Guild)); b.Get(key) == nil {
			if err := w.put(b, key, kv.U64(nil, uint64(l.At))); err != nil {
				return err
			}
		}
	}
	return nil
}

// DepartedGuilds returns the guilds that the bot is not in any more, by id.
func (db *DB) DepartedGuilds(ctx context.Context) (left []DepartedGuild, err error) {
	err = db.eachState(ctx, stateDeparted, nil, func(key, payload []byte) error {
		if len(key) != 8 || len(payload) != 8 {
			return kv.Damaged(key)
		}
		left = append(left, DepartedGuild{ID(binary.BigEndian.Uint64(key)), Micros(binary.BigEndian.Uint64(payload))})
		return nil
	})
	return left, err
}

// RemoveGuild removes a part of a guild that the bot left before an instant, in one
// bounded transaction, and reports whether nothing is left of it. It does nothing if the
// guild is back, or was left later.
//
// The places of the log files stay, so its logs are not taken in again; and whoever
// was forgotten there stays so.
func (db *DB) RemoveGuild(ctx context.Context, guild ID, before Micros) (erased Erased, done bool, err error) {
	defer db.channelIDs.drop(guild)
	err = db.update(ctx, func(w *writeTx) error {
		erased, done = Erased{}, false
		key := kv.U64(nil, uint64(guild))
		at, err := kv.Get(w.state(stateDeparted), key)
		if err != nil {
			return err
		}
		if done = len(at) != 8 || Micros(binary.BigEndian.Uint64(at)) >= before; done {
			return nil
		}
		records, err := w.eraseRecords(guild)
		if erased.Messages = int64(records); err != nil || records > 0 {
			return err
		}
		names, rest, err := w.eraseState(guild)
		if erased.Names = int64(names); err != nil || names+rest > 0 {
			return err
		}
		done = true
		return errors.Join(w.eraseBuckets(guild), w.state(stateDeparted).Delete(key))
	})
	return erased, done, err
}

// eraseRecords removes the first records of a guild.
func (w *writeTx) eraseRecords(guild ID) (int, error) {
	if w.tx.Bucket(bucketRecords).Bucket(bucketName(guild)) == nil {
		return 0, nil
	}
	g, err := w.guild(guild)
	if err != nil {
		return 0, err
	}
	keys := g.records.Keys(nil, stepRecords)
	for _, key := range keys {
		if err := g.remove(key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// eraseState removes names, then what else is known of a guild beside its buckets, and its tasks.
func (w *writeTx) eraseState(guild ID) (names, rest int, err error) {
	prefix := kv.U64(nil, uint64(guild))
	for _, of := range []struct {
		bucket *kv.Bucket
		n      *int
	}{
		{w.tx.Bucket(bucketNames), &names},
		{w.state(stateCursors), &rest},
		{w.state(stateFloors), &rest},
		{w.state(stateGuildCursors), &rest},
		{w.state(stateUnreadable), &rest},
		{w.state(stateLastDates), &rest},
		{w.state(stateEarly), &rest},
		{w.state(stateKnown), &rest},
	} {
		n, err := eraseKeys(of.bucket, prefix, stepRecords)
		if *of.n += n; err != nil || n == stepRecords {
			return names, rest, err
		}
	}
	passed, err := w.erasePassed(guild)
	if err != nil || passed == stepRecords {
		return names, rest + passed, err
	}
	gaps, err := w.eraseGaps(guild)
	if rest += passed + gaps; err != nil || gaps > 0 {
		return names, rest, err
	}
	if w.tx.Bucket(bucketGuilds).Get(prefix) != nil {
		g, err := w.guild(guild)
		if err != nil {
			return names, rest, err
		}
		markers, err := g.eraseMarkers(0, stepRecords)
		if rest += markers; err != nil || markers > 0 {
			return names, rest, err
		}
	}
	tasks, err := w.eraseTasks(guild)
	return names, rest + tasks, err
}

// eraseTasks removes a guild's first tasks. They go last: if the bot comes back before, they see
// to what is left.
func (w *writeTx) eraseTasks(guild ID) (n int, err error) {
	b := w.state(stateTasks)
	for _, kind := range []byte{taskForget, taskRedactChannel, taskRemoveChannel, taskPair} {
		of, err := eraseKeys(b, kv.U64([]byte{kind}, uint64(guild)), stepRecords-n)
		if n += of; err != nil {
			return n, err
		}
	}
	return n, nil
}

// eraseKeys removes the first keys with a prefix, at most so many, and returns how many.
func eraseKeys(b *kv.Bucket, prefix []byte, most int) (int, error) {
	keys := kv.Keys(b, prefix, most)
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// eraseBuckets removes a guild's buckets, which are empty but for its channels.
func (w *writeTx) eraseBuckets(guild ID) error {
	delete(w.guilds, guild) // there is no entry any more that would have to be kept up to date
	name := bucketName(guild)
	for _, of := range perGuildBuckets {
		if w.tx.Bucket(of).Bucket(name) == nil {
			continue
		}
		if err := w.tx.Bucket(of).DeleteBucket(name); err != nil {
			return err
		}
	}
	return errors.Join(lsm.DropGuild(w.tx.Bucket(bucketRecent), guild), w.tx.Bucket(bucketGuilds).Delete(kv.U64(nil, uint64(guild))))
}
