package store

import "rollcall/store/internal/record"

// Gate decides what of a record may be kept. It returns false if nothing may, and sets
// Redacted where its text may not; an error says that it cannot tell, and then nothing
// is kept. Of a record whose User is 0 the author is not known: it may be anybody's.
// It is called in transactions, from any goroutine, and must not call the DB.
type Gate func(*Record) (keep bool, err error)

// Guard makes gate decide about every record and every text that is put from now on,
// whichever way it comes: heard, fetched, imported, read from logs, or as a Change of
// a record that is stored already, whose author then is the stored one. Without a gate
// everything is kept. Who was forgotten (see Forget) is kept out in any case.
func (db *DB) Guard(gate Gate) { db.gate.Store(&gate) }

// admits asks the gate. A nil gate keeps everything.
func (g Gate) admits(r *Record) bool {
	if g == nil {
		return true
	}
	keep, err := g(r)
	return keep && err == nil
}

// guard returns the gate that there is now.
func (db *DB) guard() Gate {
	if g := db.gate.Load(); g != nil {
		return *g
	}
	return nil
}

// admitsText reports whether a text may be kept of a message of somebody; user is 0 if
// nobody knows whose it is.
func (w *writeTx) admitsText(guild, user ID, at Micros, text string) bool {
	switch {
	case user == 0 && w.forgotten.any():
		return false
	case user != 0 && w.forgotten.has(Person{user, guild}):
		return false
	}
	r := Record{Guild: guild, User: user, Time: at, Content: text}
	return w.gate.admits(&r) && !r.Redacted
}

// editIfAllowed is edit of a text that the gate lets in.
func (g *guildTx) editIfAllowed(key record.Key, c *Change) error {
	if !g.w.admitsText(g.id, key.User, key.Time, c.Content) {
		return nil
	}
	return g.edit(key, c)
}

// KeptOut is why a message of somebody is not stored although it counts.
type KeptOut uint8

const (
	KeptOutForgotten KeptOut = 1 // the author is forgotten
	KeptOutOptedOut  KeptOut = 2 // the author wants to be left out (see Guard)
)

// keptOutMost bounds how many such messages are remembered, some 2 MB.
const keptOutMost = 1 << 16

// WhyKeptOut tells of a message that this process has erased with its author, or kept out,
// not long ago. That is in memory alone and ends with the process: the file must not tell
// what somebody wrote who is to be forgotten, not even that it was one message more.
func (db *DB) WhyKeptOut(message ID) (why KeptOut, ok bool) { return db.keptOut.Get(message) }

// keepsOut notes a record that is not put.
func (w *writeTx) keepsOut(p *putOp) {
	if p.key.IsLog() {
		return
	}
	why := KeptOutForgotten
	if p.out {
		why = KeptOutOptedOut
	}
	w.kept = append(w.kept, keptOutMessage{ID(p.key.ID), why})
}

type keptOutMessage struct {
	message ID
	why     KeptOut
}
