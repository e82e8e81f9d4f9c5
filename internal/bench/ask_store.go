package main

import (
	"bytes"
	"context"
	"time"

	"rollcall/store"
)

// ofStore asks the store itself.
type ofStore struct {
	ctx context.Context
	db  *store.DB
}

func (a *ofStore) profile(guild, user store.ID) (bool, error) {
	_, known, err := a.db.Profile(a.ctx, guild, user, store.Days{}, time.Now())
	return known, err
}

func (a *ofStore) newest(guild, user store.ID) (bool, error) {
	records, _, err := a.db.Newest(a.ctx, store.Query{Guild: guild, User: user}, nil, 50)
	return len(records) > 0, err
}

func (a *ofStore) leaders(guild store.ID, since time.Time) error {
	_, _, err := a.db.Leaders(a.ctx, guild, a.from(since), store.ByMessages, 10)
	return err
}

func (a *ofStore) series(guild store.ID, since time.Time) error {
	_, err := a.db.Summary(a.ctx, guild, a.from(since), 10)
	return err
}

func (a *ofStore) pattern(guild store.ID) error {
	word := []byte(rareWord)
	q := store.Query{Guild: guild, Text: func(text []byte) bool { return bytes.Contains(text, word) }}
	var next *store.Position
	for {
		_, behind, err := a.db.Search(a.ctx, q, next, 50, time.Second)
		if err != nil || behind == nil {
			return err
		}
		next = behind
	}
}

// from is all days from an instant on.
func (a *ofStore) from(since time.Time) store.Days {
	return store.Days{When: store.Range{From: store.MicrosOf(since), To: store.MicrosOf(time.Now().AddDate(10, 0, 0))}}
}
