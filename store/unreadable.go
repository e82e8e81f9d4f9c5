package store

import (
	"context"
	"encoding/binary"

	"rollcall/store/internal/kv"
)

func unreadableKey(guild, channel ID) []byte {
	return kv.U64(kv.U64(nil, uint64(guild)), uint64(channel))
}

// putAccess notes which channels cannot be read any more, and which can again, with the
// gap that begins or ends then.
func (w *writeTx) putAccess(changes []AccessChange) error {
	b := w.state(stateUnreadable)
	for _, c := range changes {
		key := unreadableKey(c.Guild, c.Channel)
		var mark Unreadable
		payload, err := kv.Get(b, key)
		if err == nil && payload != nil {
			err = kv.DecodeJSON(key, payload, &mark)
		}
		if err != nil {
			return err
		}
		if payload == nil || (mark.Reason == ReasonNoHistory) != (c.Reason == ReasonNoHistory) {
			mark.Guild, mark.Channel, mark.Since = c.Guild, c.Channel, c.Since
		}
		if c.Span != nil {
			span := *c.Span
			span.Seq = mark.Gap
			if mark.Gap, err = w.putGap(span); err != nil {
				return err
			}
		}
		switch mark.Reason = c.Reason; mark.Reason {
		case "":
			err = b.Delete(key)
		case ReasonNoHistory:
			mark.Gap = 0 // messages are heard, so what began has ended
			err = w.putJSON(b, key, mark)
		default:
			err = w.putJSON(b, key, mark)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Unreadable returns the channels of a guild, or of all of them (0), that the bot may
// not read at present, by guild and channel.
func (db *DB) Unreadable(ctx context.Context, guild ID) (list []Unreadable, err error) {
	var prefix []byte
	if guild != 0 {
		prefix = kv.U64(nil, uint64(guild))
	}
	err = db.eachState(ctx, stateUnreadable, prefix, func(key, payload []byte) error {
		if len(key) != 16 {
			return kv.Damaged(key)
		}
		list = append(list, Unreadable{})
		mark := &list[len(list)-1]
		if err := kv.DecodeJSON(key, payload, mark); err != nil {
			return err
		}
		mark.Guild, mark.Channel = ID(binary.BigEndian.Uint64(key)), ID(binary.BigEndian.Uint64(key[8:]))
		return nil
	})
	return list, err
}
