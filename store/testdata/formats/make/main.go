// Command make writes a small database with what its build of rollcall can hold, the
// build's own export of it, and what else the build knows. See ../README.md.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"

	"go.etcd.io/bbolt"

	"rollcall/internal/api"
	"rollcall/store"
)

const (
	guildA = store.ID(111111111111111111)
	guildB = store.ID(333333333333333333)
	anna   = store.ID(222222222222222222)
	bert   = store.ID(444444444444444444)
	ming   = store.ID(555555555555555555)
	gone   = store.ID(666666666666666666) // who is forgotten, where the build can
)

var (
	general = store.Channel{ID: 901, Name: "general"}
	help    = store.Channel{ID: 902, Name: "求助-help"}
	thread  = store.Channel{ID: 903, Name: "a thread"}
	ctx     = context.Background()
)

// at returns an instant, so many milliseconds after 2026-05-11 06:30 UTC.
func at(ms int) store.Micros {
	m, err := store.ParseMicros("2026-05-11T06:30:00.000123Z")
	must(err)
	return m + store.Micros(ms)*1e3
}

// snowflake returns the id of a message of that instant.
func snowflake(m store.Micros, n int) store.ID {
	return store.ID((int64(m)/1000-1420070400000)<<22 | int64(n))
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func message(guild, user store.ID, ms int, c store.Channel, text string) store.Record {
	m := at(ms)
	return store.Record{Guild: guild, User: user, Time: m, Message: snowflake(m, ms%7), Channel: c, Content: text, Source: store.SourceLive}
}

func line(guild, user store.ID, ms int, channel, text string) store.Record {
	return store.Record{Guild: guild, User: user, Time: at(ms), Channel: store.Channel{Name: channel}, Content: text, Source: store.SourceLog}
}

// first holds what every build can hold.
func first(db *store.DB) {
	lines := []store.Record{
		line(guildA, anna, 200, "general", "hello"),          // of a message
		line(guildA, anna, 900, "general", "hello"),          // a second one
		line(guildA, bert, 60_000, "求助-help", "谁能帮我看看这个问题?"), // of a message
		line(guildA, ming, 3_600_000, "unknown", ""),         // of none
		line(guildA, ming, 3_700_000, "老频道", "只在日志里"),
		line(guildB, anna, -86_400_000, "general", "before we listened\n\"quoted\", \x00 and 🙂"),
	}
	err := importLines(db, store.LogBatch{
		Records: lines,
		File: store.LogFile{Key: "111111111111111111/20260511/info.jsonl", Path: "111111111111111111/20260511/info.jsonl.gz", Offset: 4711, Tail: 3,
			Size: 1234, Modified: 1778480000000000000, Start: []byte("0123456789abcdef0123456789abcdef"), StartLen: 4096, Complete: true,
			Counts: store.Counts{Lines: 9, Skipped: 2, Malformed: 1}},
		Done:       []store.GuildDay{{Guild: guildA, Date: "20260511"}, {Guild: guildB, Date: "20260510"}},
		Quarantine: []store.Quarantined{{File: "111111111111111111/20260511/info.jsonl.gz", Offset: 99, Reason: "not JSON"}},
	})
	must(err)
	answer := message(guildA, bert, 59_000, help, "谁能帮我看看这个问题?")
	answer.ReplyTo, answer.ReplyToUser, answer.Attachments, answer.Source = snowflake(at(0), 0), anna, 2, store.SourceBackfill
	old := message(guildB, bert, 1_000, thread, "imported")
	old.Source = store.SourceImport
	picture := message(guildA, anna, 61_000, thread, "")
	picture.Attachments = 1
	_, err = db.Put(ctx, store.Batch{
		Records: []store.Record{
			message(guildA, anna, 0, general, "hello"), answer, old, picture,
			message(guildA, ming, 62_000, general, "你好,世界"),
			message(guildA, gone, 63_000, general, "mine"),
			message(guildB, gone, 64_000, thread, "mine, too"),
		},
		Names: []store.Name{
			{Guild: guildA, Name: "公会 A"}, {Guild: guildB, Name: "Guild B"}, {Guild: guildA, User: anna, Name: "Anna"},
			{Guild: guildA, User: bert, Name: "bert"}, {Guild: guildA, User: ming, Name: "小明"}, {Guild: guildB, User: bert, Name: "Bertram"},
		},
		Cursors: []store.ChannelCursor{{Guild: guildA, Channel: 901, Last: snowflake(at(62_000), 0)}, {Guild: guildA, Channel: 902, Last: 7}, {Guild: guildB, Channel: 903, Last: 8}},
		Gaps: []store.Gap{
			{Guild: guildA, Channel: 901, After: 5, Until: 9, From: at(0), To: at(1000), Reason: "restart", State: store.GapOpen},
			{Guild: guildA, Channel: 902, Until: 10, From: at(0), To: at(2000), Reason: "outage", State: store.GapFilled, Found: 3},
			{Guild: guildB, Channel: 903, After: 1, Until: 11, From: at(0), To: at(3000), Reason: "restart", State: store.GapSkipped, Note: "no permission"},
		},
	})
	must(err)
}

// bulk arrives in one commit that is too large to be a run.
func bulk(db *store.DB) {
	var records []store.Record
	for i := range 260 {
		users := []store.ID{anna, bert, ming}
		records = append(records, line(guildB, users[i%3], 86_400_000+i*500, []string{"general", "闲聊"}[i%2], fmt.Sprint(i, strings.Repeat(" 很长的话 and so on", 70))))
	}
	err := importLines(db, store.LogBatch{Records: records, File: store.LogFile{Key: "b", Path: "b", Offset: 1, Size: 1, Counts: store.Counts{Lines: 260}}})
	must(err)
}

// known is what else the build knows.
func known(db *store.DB) map[string]any {
	k := map[string]any{}
	keep := func(name string, v any, err error) {
		must(err)
		k[name] = v
	}
	cursors, names := map[store.ID]map[store.ID]store.ID{}, map[store.ID]map[store.ID]string{}
	for _, guild := range []store.ID{guildA, guildB} {
		var err error
		cursors[guild], err = db.Cursors(ctx, guild)
		must(err)
		names[guild], err = db.Names(ctx, guild)
		must(err)
	}
	keep("cursors", cursors, nil)
	keep("names", names, nil)
	guilds, err := db.Guilds(ctx)
	keep("guilds", guilds, err)
	files, err := db.LogFiles(ctx)
	keep("files", files, err)
	dates, err := db.LastDates(ctx)
	keep("dates", dates, err)
	quarantine, err := db.Quarantine(ctx)
	keep("quarantine", quarantine, err)
	gaps, err := db.Gaps(ctx, false)
	keep("gaps", gaps, err)
	open, err := db.Gaps(ctx, true)
	keep("open_gaps", open, err)
	knownLater(db, keep)
	knownFour(db, keep)
	return k
}

func export(db *store.DB) []byte {
	front := httptest.NewServer(api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler)}).Socket())
	defer front.Close()
	answer, err := front.Client().Get(front.URL + "/v1/export")
	must(err)
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	must(err)
	return b
}

// make NAME [bulk] [encrypted] writes NAME.db, NAME.ndjson and NAME.json.
func main() {
	name, made := os.Args[1], "make.db"
	for _, option := range os.Args[2:] {
		if option == "encrypted" {
			encrypt()
		}
	}
	db, err := store.Open(made, options)
	must(err)
	first(db)
	later(db)
	four(db)
	for _, option := range os.Args[2:] {
		if option == "bulk" {
			bulk(db)
		}
	}
	problems, err := db.Check(ctx)
	must(err)
	if len(problems) > 0 {
		log.Fatal(problems)
	}
	must(os.WriteFile(name+".ndjson", export(db), 0o644))
	text, err := json.MarshalIndent(known(db), "", "  ")
	must(err)
	must(os.WriteFile(name+".json", append(text, '\n'), 0o644))
	must(db.Close())

	// The file is longer than what is in it.
	raw, err := bbolt.Open(made, 0o600, nil)
	must(err)
	var whole bytes.Buffer
	must(raw.View(func(tx *bbolt.Tx) error { _, err := tx.WriteTo(&whole); return err }))
	must(raw.Close())
	must(os.WriteFile(name+".db", whole.Bytes(), 0o644))
	must(os.Remove(made))
}
