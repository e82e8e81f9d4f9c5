package store

import "rollcall/internal/civil"

// When an account is deleted Discord shows its messages as those of DeletedUser. One that
// was stored before then comes again under that name, from the history, or the other
// way round under its author's, from an old export. It counts once, for whom it was
// stored first.

// disowned returns what tells whether a message of a batch is stored as somebody else's.
func (g *guildTx) disowned(batch []pending) (func(recordKey) bool, error) {
	var nobodys []Change
	for i := range batch {
		if p := &batch[i]; p.key.user == DeletedUser && !p.out {
			nobodys = append(nobodys, Change{Message: ID(p.key.id), Time: p.key.time})
		}
	}
	found := map[ID]recordKey{}
	if len(nobodys) > 0 {
		if err := g.findByTime(nobodys, found); err != nil {
			return nil, err
		}
	}
	c := g.records.Cursor()
	first, _ := c.Seek(recordKey{DeletedUser, civil.MinMicros, 0}.append(nil))
	some := first != nil && paddedKey(first).user == DeletedUser
	return func(key recordKey) bool {
		if key.user == DeletedUser {
			author, known := found[ID(key.id)]
			return known && author.user != DeletedUser
		}
		return some && g.has(recordKey{DeletedUser, key.time, key.id})
	}, nil
}
