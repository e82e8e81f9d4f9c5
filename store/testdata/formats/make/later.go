//go:build !one

package main

import (
	"strings"

	"rollcall/store"
)

var options store.Options

// encrypt takes a key that protects nothing.
func encrypt() {
	key, err := store.ParseKey(strings.Repeat("2a", 32))
	must(err)
	options.Key = key
}

// later holds what builds can hold since format 2.
func later(db *store.DB) {
	secret := message(guildA, bert, 70_000, general, "never kept")
	secret.Redacted = true
	edited := message(guildA, anna, 71_000, general, "edited before it came")
	edited.Edited = at(72_000)
	_, err := db.Put(ctx, store.Batch{Records: []store.Record{
		secret, edited,
		message(guildA, anna, 73_000, general, "to be edited"),
		message(guildA, bert, 74_000, general, "to be redacted"),
		message(guildA, ming, 75_000, general, "to be removed"),
		message(guildB, ming, 76_000, thread, "to be removed, in both"),
	}})
	must(err)
	// Lines of these messages, which come before what happens to them, and after.
	err = importLines(db, store.LogBatch{Records: []store.Record{
		line(guildA, anna, 73_100, "general", "to be edited"),
		line(guildA, ming, 75_100, "general", "to be removed"),
	}, File: store.LogFile{Key: "c", Path: "c", Offset: 2, Size: 2}})
	must(err)
	of := func(guild, user store.ID, ms int, action store.Action) store.Change {
		return store.Change{Guild: guild, User: user, Time: at(ms), Message: snowflake(at(ms), ms%7), Action: action}
	}
	edit := of(guildA, anna, 73_000, store.Edit)
	edit.Content, edit.Edited = "was edited: 改了", at(80_000)
	_, err = db.Put(ctx, store.Batch{Changes: []store.Change{
		edit, of(guildA, bert, 74_000, store.Redact), of(guildA, ming, 75_000, store.Remove), of(guildB, ming, 76_000, store.Remove),
	}, Left: []store.GuildLeft{{Guild: guildB, At: at(90_000)}}})
	must(err)
	err = importLines(db, store.LogBatch{Records: []store.Record{
		line(guildA, bert, 70_100, "general", "never kept"),
		line(guildA, bert, 74_100, "general", "to be redacted"),
	}, File: store.LogFile{Key: "d", Path: "d", Offset: 3, Size: 3}})
	must(err)
	_, err = db.Forget(ctx, store.Person{User: gone})
	must(err)
	_, err = db.Forget(ctx, store.Person{User: store.ID(777777777777777777), Guild: guildA})
	must(err)
}

func knownLater(db *store.DB, keep func(string, any, error)) {
	left, err := db.GuildsLeft(ctx)
	keep("left", left, err)
	forgotten := map[string]bool{}
	for name, p := range map[string]store.Person{
		"666666666666666666": {User: gone}, "666666666666666666 in 111111111111111111": {User: gone, Guild: guildA},
		"777777777777777777": {User: 777777777777777777}, "777777777777777777 in 111111111111111111": {User: 777777777777777777, Guild: guildA},
	} {
		forgotten[name] = db.Forgotten(p)
	}
	keep("forgotten", forgotten, nil)
}
