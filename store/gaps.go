package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"rollcall/store/internal/kv"
)

// The states of a gap.
const (
	GapOpen    = "open"    // to be filled, or being filled
	GapFilled  = "filled"  // history was read from After to Until
	GapSkipped = "skipped" // will not be filled; Note says why
)

// Reasons for which the bot may not read a channel. The first two are also told of the
// gap that begins with it (Gap.Reason).
const (
	ReasonHidden     = "hidden"     // Discord hides the channel from the bot
	ReasonUnreadable = "unreadable" // the bot may not view the channel, or, a voice channel, not connect to it
	// ReasonNoHistory: new messages are heard, but those of the past cannot be fetched.
	ReasonNoHistory = "no_history"
)

// WaitPermission is what a gap waits for that the bot may not read (Gap.Waits).
const WaitPermission = "permission"

// GapKind is what kind of gap an entry of the ledger is.
type GapKind uint8

// The kinds of gaps. They are kept, and told, by their names.
const (
	GapMissed     GapKind = iota // nobody listened
	GapHistory                   // no gap in what was heard: what was said before anybody listened is read back
	GapWithheld                  // messages came without their texts
	GapUnreadable                // the bot could not read the channel
	GapBeginning                 // no gap in what was heard: a thread's past from before the bot was added to it, which is not fetched
)

var gapKinds = [...]string{GapMissed: "missed", GapHistory: "history", GapWithheld: "withheld", GapUnreadable: "unreadable", GapBeginning: "beginning"}

// String returns the kind's name.
func (k GapKind) String() string {
	if int(k) < len(gapKinds) {
		return gapKinds[k]
	}
	return fmt.Sprint("kind ", uint8(k))
}

// MarshalText returns the kind's name.
func (k GapKind) MarshalText() ([]byte, error) {
	if int(k) >= len(gapKinds) {
		return nil, fmt.Errorf("a gap of kind %d", uint8(k))
	}
	return []byte(gapKinds[k]), nil
}

// UnmarshalText takes the name of a kind.
func (k *GapKind) UnmarshalText(name []byte) error {
	at := slices.Index(gapKinds[:], string(name))
	if at < 0 {
		return fmt.Errorf("a gap of kind %q", name)
	}
	*k = GapKind(at)
	return nil
}

// Gap is a span of a channel during which we were not listening, in the ledger.
type Gap struct {
	Seq     uint64  `json:"seq"` // its number in the ledger; 0 asks for a new one
	Guild   ID      `json:"guild_id"`
	Channel ID      `json:"channel_id"`
	Parent  ID      `json:"parent_id,omitzero"` // of a thread: its channel, if that is known
	After   ID      `json:"after,omitzero"`     // messages after this one are missing; moves up while the gap is filled. 0: from the channel's beginning
	Until   ID      `json:"until,omitzero"`     // up to this one; 0 while the span goes on: the channel can still not be read
	From    Micros  `json:"from"`
	To      Micros  `json:"to,omitzero"` // 0 while the span goes on
	Kind    GapKind `json:"kind,omitzero"`
	Reason  string  `json:"reason"` // for people; ReasonHidden or ReasonUnreadable of one that is GapUnreadable
	State   string  `json:"state"`  // GapOpen, GapFilled or GapSkipped
	// Waits says what an open gap waits for that is not being filled: WaitPermission, or
	// nothing. It is tried again when that is there, at each start, and once a day.
	Waits string `json:"waits,omitempty"`
	Found int64  `json:"found"` // messages that counted and were not stored before
	Note  string `json:"note,omitempty"`
	// Parents, of a search for archived threads (Channel and Until are Guild), are the
	// channels below which it has still to look; none: all of the guild's.
	Parents []ID `json:"parents,omitempty"`
}

// Unreadable is a channel that the bot may not read at present. Its threads are not
// listed: they are as their channel is.
type Unreadable struct {
	Guild   ID     `json:"guild_id"`
	Channel ID     `json:"channel_id"`
	Since   Micros `json:"since"` // when we learnt of it, or listened last before
	Reason  string `json:"reason"`
	// Gap is the number of the gap that began then, 0 if none did: the channel was never
	// readable before, or new messages of it are heard.
	Gap uint64 `json:"gap,omitempty"`
}

// AccessChange says that the bot may not read a channel from now on, or for another
// reason than before, or, with an empty Reason, that it may.
type AccessChange struct {
	Guild, Channel ID
	Since          Micros // Unreadable.Since; of one that was hidden or unreadable, and is, it stays
	Reason         string
	// Span, if not nil, is the gap that begins or ends with it: it is put into the ledger,
	// under the number of the channel's Unreadable if that has one. Its Seq is ignored.
	// Without it, an Unreadable keeps its gap.
	Span *Gap
}

// gapLimit bounds the ledger. Beyond it the oldest gaps that are not open are
// dropped, so that a bot that is restarted every day for years does not fill the
// disk with what was long filled.
const gapLimit = 50_000

func (w *writeTx) putGaps(gaps []Gap) error {
	for _, gap := range gaps {
		if _, err := w.putGap(gap); err != nil {
			return err
		}
	}
	return w.thinGaps(w.state(stateGaps), w.state(stateOpenGaps), len(gaps))
}

// putGap returns the gap's number.
func (w *writeTx) putGap(gap Gap) (seq uint64, err error) {
	b, open := w.state(stateGaps), w.state(stateOpenGaps)
	if gap.Seq == 0 {
		if gap.Seq, err = b.NextSequence(); err != nil {
			return 0, err
		}
	}
	key := kv.U64(nil, gap.Seq)
	if err := w.putJSON(b, key, gap); err != nil {
		return 0, err
	}
	if gap.State == GapOpen {
		return gap.Seq, w.put(open, key, nil)
	}
	return gap.Seq, open.Delete(key)
}

// thinGaps drops at most as many gaps as may have come, and one more, so that it
// catches up but never takes long. Numbers that were dropped before count as
// if they were there: open gaps are few, so it comes out about right.
func (w *writeTx) thinGaps(b, open *kv.Bucket, came int) error {
	c := b.Cursor()
	var drop [][]byte
	for key, _ := c.First(); key != nil && len(drop) <= came; key, _ = c.Next() {
		if b.Sequence()-binary.BigEndian.Uint64(key) < gapLimit {
			break
		}
		if open.Get(key) == nil {
			drop = append(drop, bytes.Clone(key))
		}
	}
	for _, key := range drop {
		if err := b.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

// Gaps returns the ledger in order of Seq, only the open ones if open is true. It
// keeps all open ones, and of the others the youngest 50,000.
func (db *DB) Gaps(ctx context.Context, open bool) (gaps []Gap, err error) {
	take := func(key, payload []byte) error {
		gaps = append(gaps, Gap{})
		return kv.DecodeJSON(key, payload, &gaps[len(gaps)-1])
	}
	if !open {
		err = db.eachState(ctx, stateGaps, nil, take)
		return gaps, err
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		ledger := tx.Bucket(bucketState).Bucket(stateGaps)
		return tx.Bucket(bucketState).Bucket(stateOpenGaps).ForEach(func(key, _ []byte) error {
			payload, err := kv.Get(ledger, key)
			if err != nil {
				return err
			}
			return take(key, payload)
		})
	})
	return gaps, err
}

// eraseGaps removes a guild's first entries of the ledger.
func (w *writeTx) eraseGaps(guild ID) (int, error) {
	b, open := w.state(stateGaps), w.state(stateOpenGaps)
	var keys [][]byte
	err := b.ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		var g struct {
			Guild ID `json:"guild_id"`
		}
		if err := json.Unmarshal(payload, &g); err != nil {
			return kv.DecodeJSON(key, payload, &g)
		}
		if g.Guild == guild && len(keys) < stepRecords {
			keys = append(keys, slices.Clone(key))
		}
		return nil
	})
	for _, key := range keys {
		err = errors.Join(err, b.Delete(key), open.Delete(key))
	}
	return len(keys), err
}

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
