package store

import (
	"context"
	"fmt"

	"rollcall/internal/civil"
	"rollcall/store/internal/kv"
	"rollcall/store/internal/lsm"
	"rollcall/store/internal/record"
)

// ArchiveBatch is what is stored in one transaction of an archive of another tool. It
// moves no cursor and fills no gap: what an archive does not have may be there all the same.
type ArchiveBatch struct {
	Records []Record // SourceImport
	Changes []Change // what the archive knows to be deleted, after Records
	Names   []ArchiveName
	// KeepEdited: a text that is stored stays, whatever edit the archive knows.
	KeepEdited bool
}

// ArchiveName is a name with the moment at which an archive knew it, 0 if that says nothing.
type ArchiveName struct {
	Name
	At Micros
}

// ArchiveOutcome is what became of an ArchiveBatch's records.
type ArchiveOutcome struct {
	Messages  int64 // new
	Known     int64 // already stored, or removed before
	Updated   int64 // of the known ones, those of which the archive knew something better
	Forgotten int64 // of people who are forgotten
	KeptOut   int64 // by the gate (see Guard)
}

// Add adds o to a.
func (a *ArchiveOutcome) Add(o ArchiveOutcome) {
	a.Messages += o.Messages
	a.Known += o.Known
	a.Updated += o.Updated
	a.Forgotten += o.Forgotten
	a.KeptOut += o.KeptOut
}

// PutArchive stores messages of an archive in one transaction, synced when it returns.
//
// A message is known by its id: one that is there stays in its place and channel, and
// gets a later edit, the raw text in the place of a formatted one, an answer, a forward,
// a poll or stickers of which nothing was known. A log line that is the same message is
// merged into its record (see Import). A name is put if none is known, or if whose it is has
// written nothing since. Errors are as those of Put.
func (db *DB) PutArchive(ctx context.Context, b ArchiveBatch) (out ArchiveOutcome, err error) {
	if err := b.check(); err != nil {
		return out, err
	}
	guilds, err := db.prepare(b.Records)
	if err != nil {
		return out, err
	}
	err = db.update(ctx, func(w *writeTx) error {
		out = ArchiveOutcome{}
		if err := w.eachGuild(guilds, func(g *guildTx, batch []putOp) error {
			o, err := g.putArchived(batch, b.KeepEdited)
			out.Add(o)
			return err
		}); err != nil {
			return err
		}
		if err := w.applyChanges(b.Changes); err != nil {
			return err
		}
		return w.putArchiveNames(b.Names)
	})
	if err != nil {
		return ArchiveOutcome{}, err
	}
	return out, nil
}

func (b *ArchiveBatch) check() error {
	for i := range b.Records {
		if r := &b.Records[i]; r.Message == 0 || r.Message&record.LogMark != 0 || r.Source != SourceImport {
			return fmt.Errorf("record of message id %d, source %d: want an id below 2^63 of an import", r.Message, r.Source)
		}
	}
	return nil
}

// putArchived puts records of an archive.
func (g *guildTx) putArchived(batch []putOp, keepEdited bool) (out ArchiveOutcome, err error) {
	var fresh []putOp
	put := func() error {
		if len(fresh) == 0 {
			return nil
		}
		n, err := g.putMessages(fresh)
		out.Messages += int64(n)
		fresh = fresh[:0]
		return err
	}
	for i := range batch {
		p := &batch[i]
		if g.isForgotten(p.key.User) {
			out.Forgotten++
			continue
		}
		if p.out {
			out.KeptOut++
			continue
		}
		if i > 0 && batch[i-1].key.ID == p.key.ID { // the second of two has to find the first
			if err := put(); err != nil {
				return out, err
			}
		}
		g.coming = len(batch)
		key, found := g.locate(p.key)
		if !found {
			fresh = append(fresh, *p)
			continue
		}
		out.Known++
		g.w.noteDuplicate(SourceImport)
		if g.removed(key) {
			continue
		}
		changed, err := g.improve(key, p, keepEdited)
		if err != nil {
			return out, err
		}
		if changed {
			out.Updated++
		}
	}
	return out, put()
}

// putArchiveNames puts names that are not known, or not as new. A name is as new as the
// last message of whose it is, since a message brings a name with it.
func (w *writeTx) putArchiveNames(names []ArchiveName) error {
	var put []Name
	for _, n := range names {
		known := w.tx.Bucket(bucketNames).Get(kv.U64(kv.U64(nil, uint64(n.Guild)), uint64(n.User))) != nil
		if !known || n.At >= w.lastSeen(n.Guild, n.User) && n.At != 0 {
			put = append(put, n.Name)
		}
	}
	return w.putNames(put)
}

// lastSeen returns the time of the last message of a user, or, for user 0, of the guild.
func (w *writeTx) lastSeen(guild, user ID) Micros {
	if w.tx.Bucket(bucketGuilds).Get(kv.U64(nil, uint64(guild))) == nil && w.guilds[guild] == nil {
		return civil.MinMicros
	}
	g, err := w.guild(guild)
	if err != nil {
		return civil.MaxMicros
	}
	if user == 0 {
		return max(g.info.ids.Max, g.info.logs.Max)
	}
	b, _ := g.records.Cursor().Before(record.Key{User: user + 1, Time: civil.MinMicros, ID: 0}.Append(nil))
	if key := record.PadKey(b); b != nil && key.User == user {
		return key.Time
	}
	return civil.MinMicros
}

// Fate is what would become of a record of an archive.
type Fate uint8

const (
	FateNew       Fate = iota // stored
	FateKnown                 // there already, with all that is known
	FateUpdated               // there already, and changed
	FateForgotten             // of somebody who is forgotten
)

// PreviewArchive tells, for each of the records in their order, what PutArchive would do,
// and changes nothing.
func (db *DB) PreviewArchive(ctx context.Context, b ArchiveBatch) (fates []Fate, err error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	err = db.view(ctx, func(tx *kv.Tx) error {
		fates = make([]Fate, len(b.Records))
		guilds := map[ID]*lsm.Records{}
		for i := range b.Records {
			r := &b.Records[i]
			if db.forgotten.has(Person{r.User, r.Guild}) {
				fates[i] = FateForgotten
				continue
			}
			of, ok := guilds[r.Guild]
			if !ok {
				of = recordsOf(tx, r.Guild)
				guilds[r.Guild] = of
			}
			if of == nil {
				continue
			}
			if fates[i], err = db.preview(tx, of, r, b.KeepEdited); err != nil {
				return err
			}
		}
		return nil
	})
	return fates, err
}

func (db *DB) preview(tx *kv.Tx, of *lsm.Records, r *Record, keepEdited bool) (Fate, error) {
	users := []ID{r.User, DeletedUser}
	if r.User == DeletedUser {
		users = append(users, writtenAt(tx, r.Guild, r.Time)...)
	}
	for _, user := range users {
		key := record.Key{User: user, Time: r.Time, ID: uint64(r.Message)}
		marker := key.Append(kv.U64(nil, uint64(r.Guild)))
		if tx.Bucket(bucketState).Bucket(stateMarkers).Get(marker) != nil {
			return FateKnown, nil
		}
		at, ok := nearest(of, key)
		if !ok {
			continue
		}
		b := at.Append(nil)
		s, err := record.Read(b, of.Get(b), at.Time)
		if err == nil {
			err = s.Open(db.keys.NestedTexts(bucketRecords, bucketName(r.Guild)), b, new([]byte))
		}
		if err != nil {
			return FateKnown, err
		}
		before := s
		if err := improve(&s, r, r.Redacted, keepEdited, func() error { return nil }); err != nil || s.SameContent(&before) {
			return FateKnown, err
		}
		return FateUpdated, nil
	}
	return FateNew, nil
}
