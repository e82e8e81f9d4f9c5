package store

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/record"
)

// What happened to a message that is not there, because it comes later: Discord sends
// events in no promised order, a page of the history may have been made before a
// deletion, and an export that is imported may be old. It is kept in state/early for
// a time, and done when the message comes, whichever way.
//
//	guild u64 · message u64  → noted i64 · message's time i64 · user u64 · action u8 · edited i64 · text
//
// A message has one entry, the strongest: removed, redacted, the last edit. It is
// checked against the gate when it is noted and when it is done. The text of a message
// of which nobody knows who wrote it is kept only if nobody is to be left out.
const (
	earlyHead = 8 + 8 + 8 + 1 + 8
	// earlyFor is for how long an entry is kept, and earlyMost and earlyBytes how many
	// there may be, and of how much text; beyond that the oldest go.
	earlyFor   = Micros(7 * 24 * time.Hour / time.Microsecond)
	earlyMost  = 1 << 16
	earlyBytes = 16 << 20
)

// earlyChange is an entry of state/early.
type earlyChange struct {
	noted  Micros
	time   Micros // of the message
	user   ID     // its author, 0 if not known
	action Action // Edit, Redact or Remove
	edited Micros
	text   []byte // Edit: earlyEdit as JSON
}

func (e *earlyChange) appendHead(b []byte) []byte {
	b = kv.U64(kv.U64(kv.U64(b, uint64(e.noted)), uint64(e.time)), uint64(e.user))
	return kv.U64(append(b, byte(e.action)), uint64(e.edited))
}

// decodeEarly reads an entry without its text.
func decodeEarly(payload []byte) (e earlyChange, err error) {
	if len(payload) < earlyHead {
		return e, kv.ErrBadValue
	}
	e.noted, e.time = Micros(binary.BigEndian.Uint64(payload)), Micros(binary.BigEndian.Uint64(payload[8:]))
	e.user, e.action = ID(binary.BigEndian.Uint64(payload[16:])), Action(payload[24])
	e.edited = Micros(binary.BigEndian.Uint64(payload[25:]))
	if e.action < Edit || e.action > Remove {
		return e, kv.ErrBadValue
	}
	return e, nil
}

type earlyKey struct{ guild, message ID }

func (k earlyKey) append(b []byte) []byte {
	return kv.U64(kv.U64(b, uint64(k.guild)), uint64(k.message))
}

func parseEarlyKey(b []byte) (k earlyKey, ok bool) {
	if len(b) != 16 {
		return k, false
	}
	return earlyKey{ID(binary.BigEndian.Uint64(b)), ID(binary.BigEndian.Uint64(b[8:]))}, true
}

// earlyMark is what the memory knows of an entry.
type earlyMark struct {
	noted, time Micros
	size        int // of its text, as it is stored
}

// earlyIndex knows which entries there are, because every record that is put is asked
// about. It is changed when a transaction stands. An entry that has gone from the file
// by another way may still be in it.
type earlyIndex struct {
	mu    sync.Mutex
	marks map[earlyKey]earlyMark
	order []earlyNote // in the order in which they were noted; some have gone, or were noted again
	bytes int
}

// earlyNote is an entry as it was noted.
type earlyNote struct {
	earlyKey
	noted Micros
}

// holds reports whether a note still stands.
func (x *earlyIndex) holds(n earlyNote) bool {
	mark, ok := x.marks[n.earlyKey]
	return ok && mark.noted == n.noted
}

// load reads which entries there are.
func (x *earlyIndex) load(tx *kv.Tx) error {
	marks := map[earlyKey]earlyMark{}
	err := tx.Bucket(bucketState).Bucket(stateEarly).ForEach(func(b, value []byte) error {
		key, ok := parseEarlyKey(b)
		payload, sound := kv.Unseal(b, value)
		e, err := decodeEarly(payload)
		if !ok || !sound || err != nil {
			return kv.Damaged(b)
		}
		marks[key] = earlyMark{e.noted, e.time, len(payload) - earlyHead}
		return nil
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.marks, x.order, x.bytes = marks, make([]earlyNote, 0, len(marks)), 0
	for key, mark := range marks {
		x.order, x.bytes = append(x.order, earlyNote{key, mark.noted}), x.bytes+mark.size
	}
	slices.SortFunc(x.order, func(a, b earlyNote) int { return cmp.Compare(a.noted, b.noted) })
	return nil
}

// get returns what is known of an entry.
func (x *earlyIndex) get(key earlyKey) (earlyMark, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	mark, ok := x.marks[key]
	return mark, ok
}

// apply takes in what a transaction has changed.
func (x *earlyIndex) apply(changed map[earlyKey]*earlyMark) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, mark := range changed {
		x.bytes -= x.marks[key].size
		if mark == nil {
			delete(x.marks, key)
			continue
		}
		x.marks[key], x.bytes, x.order = *mark, x.bytes+mark.size, append(x.order, earlyNote{key, mark.noted})
	}
	for len(x.order) > 0 && !x.holds(x.order[0]) { // so that it does not grow with what has gone
		x.order = x.order[1:]
	}
	if len(x.order) > 2*earlyMost {
		x.order = slices.DeleteFunc(x.order, func(n earlyNote) bool { return !x.holds(n) })
	}
}

// surplus returns the oldest entries that are too many once others have come, or too
// old at an instant.
func (x *earlyIndex) surplus(now Micros, coming int) (keys []earlyKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	count, bytes := len(x.marks)+coming, x.bytes
	for _, n := range x.order {
		switch {
		case len(keys) >= stepRecords:
			return keys
		case !x.holds(n):
			continue
		case count <= earlyMost && bytes <= earlyBytes && n.noted >= now-earlyFor:
			return keys
		}
		keys, count, bytes = append(keys, n.earlyKey), count-1, bytes-x.marks[n.earlyKey].size
	}
	return keys
}

// texts returns the entries with texts of messages before an instant, at most so many.
func (x *earlyIndex) texts(before Micros, most int) (keys []earlyKey) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, mark := range x.marks {
		if mark.size > 0 && mark.time < before && len(keys) < most {
			keys = append(keys, key)
		}
	}
	return keys
}

func earlyTexts(keys *crypt.Keyring) *crypt.Codec { return keys.NestedTexts(bucketState, stateEarly) }

// earlyEdit is what an edit says, the text of an entry.
type earlyEdit struct {
	Content     string `json:"content,omitempty"`
	Attachments *int   `json:"attachments,omitempty"`
	Extra       *Extra `json:"extra,omitempty"`
}

// stageEarly notes for the memory what becomes of an entry once the transaction stands:
// nil, it has gone.
func (w *writeTx) stageEarly(key earlyKey, mark *earlyMark) {
	if w.earlier == nil {
		w.earlier = map[earlyKey]*earlyMark{}
		w.tx.OnCommit(func() { w.early.apply(w.earlier) })
	}
	w.earlier[key] = mark
}

// mayBeEarly reports whether something may have happened to a message that was not there.
func (w *writeTx) mayBeEarly(key earlyKey) bool {
	if mark, ok := w.earlier[key]; ok {
		return mark != nil
	}
	_, ok := w.early.get(key)
	return ok
}

// takeEarly returns what has happened to a message before it came, and forgets it. What
// is damaged is as if it had not happened.
func (w *writeTx) takeEarly(key earlyKey) (e earlyChange, ok bool, err error) {
	if !w.mayBeEarly(key) {
		return e, false, nil
	}
	b, at := w.state(stateEarly), key.append(nil)
	payload, err := kv.Get(b, at)
	if err == nil && payload != nil {
		if e, err = decodeEarly(payload); err == nil {
			if e.action == Edit {
				var text []byte
				text, err = earlyTexts(w.keys).Read(at, payload, earlyHead)
				e.text = slices.Clone(text)
			}
			ok = err == nil
		}
	}
	if err != nil {
		w.bad.note(key.guild, at, err)
	}
	w.stageEarly(key, nil)
	return e, ok, b.Delete(at)
}

// noteEarly keeps what happens to a message that is not there.
func (w *writeTx) noteEarly(c *Change) error {
	e := earlyChange{noted: MicrosOf(time.Now()), time: c.Time, user: c.User, action: c.Action, edited: c.Edited}
	switch c.Action {
	case Edit:
		if !w.admitsText(c.Guild, c.User, c.Time, c.Content) {
			return nil
		}
		text, err := json.Marshal(earlyEdit{c.Content, c.Attachments, c.Extra})
		if err != nil {
			return err
		}
		e.text = text
	case Redact, Remove:
		e.edited = 0
	default:
		return nil
	}
	key := earlyKey{c.Guild, c.Message}
	before, ok, err := w.takeEarly(key)
	if err != nil {
		return err
	}
	if ok && (before.action > e.action || before.action == Edit && e.action == Edit && before.edited > e.edited) {
		before.noted = e.noted
		e = before
	}
	return w.putEarly(key, &e)
}

func (w *writeTx) putEarly(key earlyKey, e *earlyChange) error {
	at := key.append(nil)
	payload := e.appendHead(nil)
	if e.action == Edit {
		payload = earlyTexts(w.keys).Append(payload, at, e.text)
	}
	w.stageEarly(key, &earlyMark{e.noted, e.time, len(payload) - earlyHead})
	return w.put(w.state(stateEarly), at, payload)
}

// thinEarly drops entries that are too many, or too old.
func (w *writeTx) thinEarly() error {
	for _, key := range w.early.surplus(MicrosOf(time.Now()), len(w.earlier)) {
		if mark, ok := w.earlier[key]; ok && mark != nil {
			continue // noted again just now
		}
		if err := w.dropEarly(key); err != nil {
			return err
		}
	}
	return nil
}

func (w *writeTx) dropEarly(key earlyKey) error {
	w.stageEarly(key, nil)
	return w.state(stateEarly).Delete(key.append(nil))
}

// catchUp does to a message that was just put what happened to it before.
func (g *guildTx) catchUp(key record.Key) error {
	e, ok, err := g.w.takeEarly(earlyKey{g.id, ID(key.ID)})
	if err != nil || !ok {
		return err
	}
	switch e.action {
	case Edit:
		var edit earlyEdit
		if err := json.Unmarshal(e.text, &edit); err != nil {
			g.w.bad.note(g.id, key.Append(nil), err)
			return nil
		}
		return g.editIfAllowed(key, &Change{Content: edit.Content, Attachments: edit.Attachments, Extra: edit.Extra, Edited: e.edited})
	case Redact:
		return g.redact(key)
	}
	return g.obliterate(key)
}

// eraseEarly drops the entries of a person, and those with a text that may be theirs.
func (w *writeTx) eraseEarly(p Person) error {
	var keys []earlyKey
	err := w.state(stateEarly).ForEach(func(b, value []byte) error {
		key, ok := parseEarlyKey(b)
		payload, sound := kv.Unseal(b, value)
		e, err := decodeEarly(payload)
		if !ok || !sound || err != nil {
			return kv.Damaged(b)
		}
		if (p.Guild == 0 || p.Guild == key.guild) && (e.user == p.User || e.user == 0 && e.action == Edit) {
			keys = append(keys, key)
		}
		return nil
	})
	for _, key := range keys {
		err = errors.Join(err, w.dropEarly(key))
	}
	return err
}
