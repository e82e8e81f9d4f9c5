package store

import (
	"bytes"
	"context"
	"encoding/binary"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
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
