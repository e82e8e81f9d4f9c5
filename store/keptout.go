package store

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
func (w *writeTx) keepsOut(p *pending) {
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
