package store

import (
	"context"
	"encoding/binary"
	"os"

	"rollcall/internal/atomicfile"
	"rollcall/store/internal/kv"
)

// Stats is the state of the file at a moment, and what was done with it since Open.
type Stats struct {
	Size int64 `json:"size_bytes"` // of the file
	// Free is the part of Size in pages that hold nothing: room for what is
	// to come, which the file never gives back by itself.
	Free        int64 `json:"free_page_bytes"`
	Guilds      int64 `json:"guilds"` // that have messages
	Messages    int64 `json:"messages"`
	Profiles    int64 `json:"profiles"`          // users, counted in each of their guilds
	Quarantined int64 `json:"quarantined_lines"` // see Quarantine
	// Since Open:
	Records    map[Source]Outcomes `json:"records"`         // what became of those that were put and imported
	Damaged    int64               `json:"damaged_records"` // see DB.Damaged
	Commits    int64               `json:"commits"`
	LastCommit Micros              `json:"last_commit_at,omitzero"` // its end; 0: none yet
	Refused    int64               `json:"refused_commits"`         // ErrFull
	Full       bool                `json:"full"`                    // the last one was

	// CommitSeconds is how long each commit took, from holding the lock of the
	// writers to the end of the sync; CommitRecords how many records it was of.
	CommitSeconds Distribution `json:"-"`
	CommitRecords Distribution `json:"-"`
}

// tell fills in what Stats says of the time since Open.
func (c *counters) tell(s *Stats) {
	s.Records = map[Source]Outcomes{}
	for source := SourceLive; source <= SourceImport; source++ {
		o := &c.records[source]
		s.Records[source] = Outcomes{o.stored.Load(), o.merged.Load(), o.duplicates.Load()}
	}
	s.CommitSeconds, s.CommitRecords = c.seconds.Distribution(), c.batch.Distribution()
	s.Commits = int64(s.CommitSeconds.Count())
	s.LastCommit = Micros(c.last.Load())
	s.Refused, s.Full = c.refused.Load(), c.full.Load()
}

// Stats returns the state of this moment. It costs a few microseconds and some per guild.
func (db *DB) Stats(ctx context.Context) (s Stats, err error) {
	err = db.view(ctx, func(tx *kv.Tx) error {
		info, err := os.Stat(db.path)
		if err != nil {
			return atomicfile.Plain(err)
		}
		pages := tx.DB().Stats()
		s.Size = info.Size()
		s.Free = int64(pages.FreePageN+pages.PendingPageN) * int64(tx.DB().Info().PageSize)
		quarantined, err := getID(tx.Bucket(bucketState).Bucket(stateQuarantine), []byte{0})
		if err != nil {
			return err
		}
		s.Quarantined = int64(quarantined)
		return tx.Bucket(bucketGuilds).ForEach(func(key, value []byte) error { return s.addGuild(tx, key, value) })
	})
	s.Damaged = db.Damaged()
	db.counters.tell(&s)
	return s, err
}

func (s *Stats) addGuild(tx *kv.Tx, key, value []byte) error {
	payload, ok := kv.Unseal(key, value)
	if !ok || len(key) != 8 {
		return kv.Damaged(key)
	}
	g, err := decodeGuildInfo(payload)
	if err != nil {
		return kv.Damaged(key)
	}
	if g.messages > 0 {
		s.Guilds++
	}
	s.Messages += g.messages
	users, err := people(tx, ID(binary.BigEndian.Uint64(key)), g)
	s.Profiles += users
	return err
}
