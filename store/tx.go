package store

import (
	"rollcall/store/internal/crypt"
	"rollcall/store/internal/kv"
)

// writeTx is a write transaction: it puts records at once and gathers what they
// change elsewhere, which flush writes in order, each key once.
type writeTx struct {
	tx        *kv.Tx
	keys      *crypt.Keyring
	salt      []byte
	forgotten *tombstones
	kept      []keptOutMessage // for WhyKeptOut, once the transaction stands
	bad       *damaged
	gate      Gate
	early     *earlyIndex
	earlier   map[earlyKey]*earlyMark // what becomes of early once the transaction stands
	guilds    map[ID]*guildTx
	known     *crypt.Codec // of state/known, once it is needed
	arena     kv.Arena
	// outcomes are counted by Source, and into Stats once the transaction stands.
	outcomes [SourceImport + 1]Outcomes
}

// put stores payload under key with its checksum. The payload is copied.
func (w *writeTx) put(b *kv.Bucket, key, payload []byte) error {
	return w.arena.Put(b, key, payload)
}
