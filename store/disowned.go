package store

import (
	"rollcall/internal/civil"
	"rollcall/store/internal/record"
)

// When an account is deleted Discord shows its messages as those of DeletedUser. One that
// was stored before then comes again under that name, from the history, or the other
// way round under its author's, from an old export. It counts once, for whom it was
// stored first.

// disowned returns what tells whether a message of a batch is stored as somebody else's.
func (g *guildTx) disowned(batch []pending) (func(record.Key) bool, error) {
	var nobodys []Change
	for i := range batch {
		if p := &batch[i]; p.key.User == DeletedUser && !p.out {
			nobodys = append(nobodys, Change{Message: ID(p.key.ID), Time: p.key.Time})
		}
	}
	found := map[ID]record.Key{}
	if len(nobodys) > 0 {
		if err := g.findByTime(nobodys, found); err != nil {
			return nil, err
		}
	}
	c := g.records.Cursor()
	first, _ := c.Seek(record.Key{User: DeletedUser, Time: civil.MinMicros, ID: 0}.Append(nil))
	some := first != nil && record.PadKey(first).User == DeletedUser
	return func(key record.Key) bool {
		if key.User == DeletedUser {
			author, known := found[ID(key.ID)]
			return known && author.User != DeletedUser
		}
		return some && g.has(record.Key{User: DeletedUser, Time: key.Time, ID: key.ID})
	}, nil
}
