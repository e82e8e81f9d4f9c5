package store

import (
	"cmp"
	"encoding/binary"
	"slices"

	"rollcall/store/internal/kv"
)

// Uncounted is why a message was passed by although it was seen where messages count.
type Uncounted uint8

const (
	UncountedBot     Uncounted = 1 // a bot wrote it
	UncountedWebhook Uncounted = 2
	UncountedSystem  Uncounted = 3 // Discord's own: somebody joined, a thread began
)

// Passed is a message that does not count, with which nothing is stored but that. Nothing
// is told so of people who are forgotten or want to be left out: that they wrote at all is
// theirs.
type Passed struct {
	Guild, Channel ID
	Message        ID
	Why            Uncounted
}

// passedLimit bounds how many are remembered, some 40 MB: those with the youngest ids.
const passedLimit = 1_000_000

// The keys of state/passed are messages' ids, which are in the order of time; the one of
// zeros, which is no message's, counts them.
var passedCount = make([]byte, 8)

const passedSize = 8 + 8 + 1

func (p Passed) append(b []byte) []byte {
	return append(kv.U64(kv.U64(b, uint64(p.Guild)), uint64(p.Channel)), byte(p.Why))
}

func decodePassed(key, payload []byte) (p Passed, ok bool) {
	if len(key) != 8 || len(payload) != passedSize || payload[16] < byte(UncountedBot) || payload[16] > byte(UncountedSystem) {
		return p, false
	}
	return Passed{
		Guild: ID(binary.BigEndian.Uint64(payload)), Channel: ID(binary.BigEndian.Uint64(payload[8:])),
		Message: ID(binary.BigEndian.Uint64(key)), Why: Uncounted(payload[16]),
	}, true
}

func (w *writeTx) putPassed(passed []Passed) error {
	if len(passed) == 0 {
		return nil
	}
	b := w.state(statePassed)
	count, err := getID(b, passedCount)
	if err != nil {
		return err
	}
	passed = slices.Clone(passed)
	slices.SortFunc(passed, func(a, b Passed) int { return cmp.Compare(a.Message, b.Message) })
	for _, p := range passed {
		key := kv.U64(nil, uint64(p.Message))
		if p.Message == 0 || b.Get(key) != nil {
			continue
		}
		if err := w.put(b, key, p.append(nil)); err != nil {
			return err
		}
		count++
	}
	if count > passedLimit {
		old := kv.Keys(b, nil, int(min(count-passedLimit, stepRecords))+1)
		for _, key := range old[1:] { // the first one counts
			if err := b.Delete(key); err != nil {
				return err
			}
			count--
		}
	}
	return w.put(b, passedCount, kv.U64(nil, uint64(count)))
}

// erasePassed removes those of a guild, at most so many as a step may.
func (w *writeTx) erasePassed(guild ID) (int, error) {
	b := w.state(statePassed)
	var keys [][]byte
	err := b.ForEach(func(key, value []byte) error {
		payload, ok := kv.Unseal(key, value)
		if !ok {
			return kv.Damaged(key)
		}
		if p, ok := decodePassed(key, payload); ok && p.Guild == guild && len(keys) < stepRecords {
			keys = append(keys, slices.Clone(key))
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	count, err := getID(b, passedCount)
	if err != nil {
		return 0, err
	}
	for _, key := range keys {
		if err := b.Delete(key); err != nil {
			return 0, err
		}
	}
	return len(keys), w.put(b, passedCount, kv.U64(nil, uint64(count)-uint64(len(keys))))
}

func readPassed(tx *kv.Tx, message ID) (p Passed, known bool, err error) {
	key := kv.U64(nil, uint64(message))
	payload, err := kv.Get(tx.Bucket(bucketState).Bucket(statePassed), key)
	if err != nil || payload == nil {
		return p, false, err
	}
	if p, known = decodePassed(key, payload); !known {
		err = kv.Damaged(key)
	}
	return p, known, err
}
