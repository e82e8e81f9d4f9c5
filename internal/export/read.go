package export

import (
	"cmp"
	"context"
	"slices"

	"rollcall/store"
)

// Selection is what is read.
type Selection struct {
	Query store.Query
	// Public, if set, reports whether everybody may read a channel; what is in others, or in
	// channels without an id, is left out.
	Public func(guild, channel store.ID) bool
}

// Read hands out what is selected, and returns how many records Public has left out. The
// error, if records are damaged, comes after all others were handed out (see store.ErrLeftOut).
func Read(ctx context.Context, db *store.DB, s Selection, sink Sink) (left int64, err error) {
	var guilds []store.Guild
	if s.Query.Guild == 0 {
		guilds, err = db.Guilds(ctx)
	} else {
		var g store.Guild
		var known bool
		if g, known, err = db.Guild(ctx, s.Query.Guild); known {
			guilds = append(guilds, g)
		}
	}
	if err != nil {
		return 0, err
	}
	var damaged error
	for _, g := range guilds {
		n, err := readGuild(ctx, db, s, g, sink)
		left += n
		if isLeftOut(err) {
			damaged = err
		} else if err != nil {
			return left, err
		}
	}
	return left, damaged
}

func readGuild(ctx context.Context, db *store.DB, s Selection, g store.Guild, sink Sink) (left int64, err error) {
	coverage, err := db.Coverage(ctx, g.ID)
	if err != nil {
		return 0, err
	}
	if err := sink.Guild(Guild{g.ID, g.Name}); err != nil {
		return 0, err
	}
	for _, of := range coverage {
		slices.SortStableFunc(of.Channels, func(a, b store.Coverage) int { return cmp.Compare(a.ID, b.ID) })
		for _, c := range of.Channels {
			if s.Public != nil && (c.ID == 0 || !s.Public(g.ID, c.ID)) {
				continue
			}
			if err := sink.Channel(Channel{c.ID, c.Parent, c.Name}); err != nil {
				return 0, err
			}
		}
	}
	q, user := s.Query, store.ID(0)
	q.Guild = g.ID
	public := map[store.ID]bool{}
	for record, err := range db.Records(ctx, q) {
		if err != nil {
			return left, err
		}
		if s.Public != nil {
			id := record.Channel.ID
			may, known := public[id]
			if !known {
				may = id != 0 && s.Public(g.ID, id)
				public[id] = may
			}
			if !may {
				left++
				continue
			}
		}
		if record.User != user {
			user = record.User
			name, err := db.Name(ctx, g.ID, user)
			if err != nil {
				return left, err
			}
			if err := sink.User(User{user, name}); err != nil {
				return left, err
			}
		}
		if err := sink.Record(&record); err != nil {
			return left, err
		}
	}
	return left, nil
}
