package store

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"sync"

	"rollcall/store/internal/kv"
)

// Person is a user in one guild or, if Guild is 0, in all of them.
type Person struct{ User, Guild ID }

// tombstones are the people who were forgotten and stay so. The file holds no ids
// of theirs, only hashes with the database's salt for a key: enough to know somebody
// who comes back. Who has the file can still try out an id of which they know.
//
// They are in memory, because every record that is put is asked about.
type tombstones struct {
	salt []byte

	mu    sync.Mutex
	all   map[tombstone]bool
	known map[Person]bool // what has answered, at most tombstonesKnown
}

type tombstone [sha256.Size]byte

// tombstonesKnown bounds the answers that are remembered: some MB.
const tombstonesKnown = 1 << 16

// of returns a person's tombstone.
func (t *tombstones) of(p Person) (hash tombstone) {
	mac := hmac.New(sha256.New, t.salt)
	mac.Write(kv.U64(kv.U64([]byte("forgotten"), uint64(p.Guild)), uint64(p.User)))
	mac.Sum(hash[:0])
	return hash
}

// has reports whether a user is forgotten in a guild, there alone or everywhere.
func (t *tombstones) has(p Person) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.all) == 0 {
		return false
	}
	forgotten, ok := t.known[p]
	if !ok {
		forgotten = t.all[t.of(p)] || p.Guild != 0 && t.all[t.of(Person{User: p.User})]
		if t.known == nil || len(t.known) >= tombstonesKnown {
			t.known = map[Person]bool{}
		}
		t.known[p] = forgotten
	}
	return forgotten
}

// any reports whether anybody is forgotten anywhere.
func (t *tombstones) any() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.all) > 0
}

// load reads all of them from the file.
func (t *tombstones) load(tx *kv.Tx) error {
	all := map[tombstone]bool{}
	err := eachTombstone(tx, func(hash tombstone, _ ID) { all[hash] = true })
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all, t.known = all, nil
	return nil
}

// eachTombstone calls fn with each person's hash and guild.
func eachTombstone(tx *kv.Tx, fn func(hash tombstone, guild ID)) error {
	c := tx.Bucket(bucketState).Bucket(stateForgotten).Cursor()
	for key, value := c.First(); key != nil; key, value = c.Next() {
		payload, ok := kv.Unseal(key, value)
		if !ok || len(key) != sha256.Size || len(payload) != 8 {
			return kv.Damaged(key)
		}
		fn(tombstone(key), ID(binary.BigEndian.Uint64(payload)))
	}
	return nil
}

// addTombstone writes a person's tombstone. The set in memory is loaded again once the
// transaction stands.
func (w *writeTx) addTombstone(p Person) error {
	hash := w.forgotten.of(p)
	return w.put(w.state(stateForgotten), hash[:], kv.U64(nil, uint64(p.Guild)))
}

// isForgotten reports whether nothing of a user is to be stored in this guild. Records
// come in runs of one user.
func (g *guildTx) isForgotten(user ID) bool {
	if user != g.asked {
		g.asked, g.answer = user, user != 0 && g.w.forgotten.has(Person{user, g.id})
	}
	return g.answer
}

func (p Person) valid() error {
	if p.User == 0 {
		return fmt.Errorf("a person without an id: %w", ErrBadID)
	}
	return nil
}

// Task is work on the file that is not finished.
type Task struct {
	kind      byte
	guild, id ID
}

// The kinds of tasks.
const (
	taskForget        byte = 1 // id is a user, guild where, 0 for everywhere
	taskRedactChannel byte = 2 // id is a channel that was deleted
	taskRemoveChannel byte = 3
	taskAccount       byte = 4 // id is a user who is no person, and whose lines go
	taskPair          byte = 5 // id is a channel whose messages look for their lines once more, 0: all of the guild without one
)

// String says what the task is, without the id of a person.
func (t Task) String() string {
	switch t.kind {
	case taskForget:
		return "forget a person"
	case taskRedactChannel:
		return "redact deleted channel " + t.id.String()
	case taskRemoveChannel:
		return "remove deleted channel " + t.id.String()
	case taskPair:
		if t.id != 0 {
			return "pair messages and log lines of channel " + t.id.String()
		}
		return "pair messages and log lines of guild " + t.guild.String()
	case taskAccount:
		return "remove the log lines of bot or webhook " + t.id.String()
	}
	return fmt.Sprint("task ", t.kind)
}

func (t Task) key() []byte {
	return kv.U64(kv.U64([]byte{t.kind}, uint64(t.guild)), uint64(t.id))
}

func parseTask(key []byte) (Task, bool) {
	if len(key) != 17 {
		return Task{}, false
	}
	return Task{key[0], ID(binary.BigEndian.Uint64(key[1:])), ID(binary.BigEndian.Uint64(key[9:]))}, true
}

// Erased is what a task, or a step of it, has removed.
type Erased struct {
	Messages int64 `json:"messages"` // or their texts
	Replies  int64 `json:"replies"`  // of others, which no longer say whom they answer
	Names    int64 `json:"names"`
}

// Add adds o to e.
func (e *Erased) Add(o Erased) {
	e.Messages += o.Messages
	e.Replies += o.Replies
	e.Names += o.Names
}
