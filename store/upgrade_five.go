package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"

	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// What format 4 had in other places. One bucket held people who are forgotten, tasks,
// deletion markers, guilds that were left and accounts, each with a byte before its key.
// Cursors of a guild as a whole and floors of channels stood among the cursors of channels,
// under ids that no channel has. And the ledger told what kind of gap an entry is by the
// words of its reason.

var stateTombstones = []byte("tombstones")

// The first bytes of the keys of state/tombstones.
const (
	tombPerson  = 1
	tombTask    = 2
	tombMarker  = 3
	tombGuild   = 4
	tombAccount = 5
)

// The channels of a guild's own cursors, and what was added to a channel's id for its floor.
const (
	fourSeen      ID = 1
	fourHeard     ID = 2
	fourAway      ID = 3
	fourRechecked ID = 4
	fourFloor     ID = 1 << 63
)

// toFormatFive moves all of that. There may be millions of deletion markers and tens of
// thousands of gaps, so it is done in several transactions. A value that is damaged is moved
// as it is, so that it stays damaged, and whoever reads it or checks the file is told.
//
// at is the number of what is being done, and the last key that was seen to there.
func toFormatFive(_ *DB, tx *kv.Tx, at []byte, most int) (next []byte, err error) {
	if at == nil {
		if err := addStateBuckets(tx, formatFiveState...); err != nil {
			return nil, err
		}
		at = []byte{0}
	}
	if len(at) == 0 {
		return nil, kv.Damaged(keyUpgrade)
	}
	work := []func(*kv.Tx, []byte, int) ([][]byte, error){partTombstones, partCursors, nameKinds}
	for phase, after := int(at[0]), at[1:]; phase < len(work); phase, after = phase+1, nil {
		keys, err := work[phase](tx, after, most)
		if err != nil {
			return nil, err
		}
		if most -= len(keys); most <= 0 {
			return append([]byte{byte(phase)}, keys[len(keys)-1]...), nil
		}
	}
	state := tx.Bucket(bucketState)
	if b := state.Bucket(stateTombstones); b != nil {
		return nil, state.DeleteBucket(stateTombstones)
	}
	return nil, nil
}

// keysAfter returns keys of a bucket behind one, at most so many.
func keysAfter(b *kv.Bucket, after []byte, most int) (keys [][]byte) {
	c := b.Cursor()
	key, _ := c.Seek(after)
	if key != nil && len(after) > 0 && bytes.Equal(key, after) {
		key, _ = c.Next()
	}
	for ; key != nil && len(keys) < most; key, _ = c.Next() {
		keys = append(keys, bytes.Clone(key))
	}
	return keys
}

// rename moves a value to another key, maybe of another bucket.
func rename(from, to *kv.Bucket, key, fresh []byte) error {
	value := bytes.Clone(from.Get(key))
	if payload, ok := kv.Unseal(key, value); ok {
		value = kv.Seal(fresh, payload)
	}
	if err := to.Put(fresh, value); err != nil {
		return err
	}
	return from.Delete(key)
}

// partTombstones gives each kind of what state/tombstones held a bucket of its own.
func partTombstones(tx *kv.Tx, after []byte, most int) ([][]byte, error) {
	state := tx.Bucket(bucketState)
	from := state.Bucket(stateTombstones)
	if from == nil {
		return nil, fmt.Errorf("%w: bucket state/%s is missing", ErrDamaged, stateTombstones)
	}
	to := map[byte]*kv.Bucket{
		tombPerson: state.Bucket(stateForgotten), tombTask: state.Bucket(stateTasks), tombMarker: state.Bucket(stateMarkers),
		tombGuild: state.Bucket(stateDeparted), tombAccount: state.Bucket(stateAccounts),
	}
	keys := keysAfter(from, after, most)
	for _, key := range keys {
		b := to[key[0]]
		if b == nil || len(key) < 2 {
			return nil, kv.Damaged(key)
		}
		b.FillPercent = kv.BulkFill // they come in their order
		if err := rename(from, b, key, key[1:]); err != nil {
			return nil, err
		}
		if key[0] == tombTask {
			if err := partPosition(b, key[1:]); err != nil {
				return nil, err
			}
		}
	}
	return keys, nil
}

// partPosition makes a task that has come as far as a deletion marker go on from the marker's
// present key.
func partPosition(tasks *kv.Bucket, key []byte) error {
	position, ok := kv.Unseal(key, tasks.Get(key))
	if !ok || key[0] != taskPair || len(position) != 1+8+record.KeySize || position[0] != tombMarker {
		return nil
	}
	return tasks.Put(key, kv.Seal(key, bytes.Clone(position[1:])))
}

// partCursors moves what is no channel's cursor.
func partCursors(tx *kv.Tx, after []byte, most int) ([][]byte, error) {
	state := tx.Bucket(bucketState)
	cursors, guilds, floors := state.Bucket(stateCursors), state.Bucket(stateGuildCursors), state.Bucket(stateFloors)
	keys := keysAfter(cursors, after, most)
	for _, key := range keys {
		if len(key) != 16 {
			return nil, kv.Damaged(key)
		}
		guild, channel := key[:8:8], ID(binary.BigEndian.Uint64(key[8:]))
		switch {
		case channel&fourFloor != 0:
			if err := rename(cursors, floors, key, channelKey(ID(binary.BigEndian.Uint64(guild)), channel&^fourFloor)); err != nil {
				return nil, err
			}
		case channel >= fourSeen && channel <= fourRechecked:
			if err := joinCursor(cursors, guilds, key); err != nil {
				return nil, err
			}
		}
	}
	return keys, nil
}

// joinCursor moves one of a guild's own cursors to the others.
func joinCursor(from, to *kv.Bucket, key []byte) error {
	guild, value := key[:8:8], bytes.Clone(from.Get(key))
	own, err := getGuildCursors(to, ID(binary.BigEndian.Uint64(guild)))
	if payload, ok := kv.Unseal(key, value); err == nil && ok && len(payload) == 8 {
		last := ID(binary.BigEndian.Uint64(payload))
		switch ID(binary.BigEndian.Uint64(key[8:])) {
		case fourSeen:
			own.Seen = last
		case fourHeard:
			own.Heard = last
		case fourAway:
			own.Away = last
		case fourRechecked:
			own.Rechecked = last
		}
		value = kv.Seal(guild, own.append(nil))
	} // or all of them are damaged from now on: nothing may be taken for the first sight
	if err := to.Put(guild, value); err != nil {
		return err
	}
	return from.Delete(key)
}

// nameKinds says of each gap what kind it is.
func nameKinds(tx *kv.Tx, after []byte, most int) ([][]byte, error) {
	b := tx.Bucket(bucketState).Bucket(stateGaps)
	keys := keysAfter(b, after, most)
	for _, key := range keys {
		payload, ok := kv.Unseal(key, b.Get(key))
		var g Gap
		if !ok || json.Unmarshal(payload, &g) != nil {
			continue
		}
		if g.Kind = kindInFour(&g); g.Kind == GapMissed {
			continue
		}
		again, err := json.Marshal(g)
		if err != nil {
			return nil, err
		}
		if err := b.Put(key, kv.Seal(key, again)); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// kindInFour returns what kind of gap the words of format 4 are about.
func kindInFour(g *Gap) GapKind {
	switch g.Reason {
	case "before we listened":
		return GapHistory
	case "Discord withheld what was written":
		return GapWithheld
	case "the bot was added to the thread":
		return GapBeginning
	case ReasonHidden, ReasonUnreadable:
		return GapUnreadable
	}
	// Builds of format 3 and before skipped what they were refused, and said why in a note.
	if g.State == GapSkipped && strings.HasPrefix(g.Note, "no permission") {
		return GapUnreadable
	}
	return GapMissed
}
