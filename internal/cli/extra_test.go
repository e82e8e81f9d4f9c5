package cli_test

import (
	"context"
	"errors"

	"github.com/rogpeppe/go-internal/testscript"

	"rollcall/store"
)

// said (said FILE) makes a database in which people said something without content.
func said(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: said FILE")
	}
	db, err := store.Open(ts.MkAbs(args[0]), store.Options{})
	ts.Check(err)
	start, err := store.ParseMicros("2026-05-11T06:30:00Z")
	ts.Check(err)
	b := store.Batch{Names: []store.Name{{Guild: 11, Name: "公会"}, {Guild: 11, User: 5, Name: "小明"}, {Guild: 11, User: 6, Name: "Ann"}}}
	for i, r := range []store.Record{
		{User: 5, Content: "看这个", Attachments: 2},
		{User: 6, Extra: &store.Extra{Forwarded: &store.Forwarded{Content: "别人写的\nsecond line", Attachments: 1}}},
		{User: 5, Extra: &store.Extra{Poll: &store.Poll{Question: "今晚吃什么?", Answers: []string{"火锅", "\x1b[31mPizza"}}}},
		{User: 6, Extra: &store.Extra{Stickers: []string{"晚安", "Wave"}}},
		{User: 6, Attachments: 1},
		{User: 5, Content: "=1+1", Edited: start + 60e6},
		{User: 6, Content: "gone", Redacted: true, Extra: &store.Extra{Forwarded: &store.Forwarded{Content: "gone, too", Attachments: 2}}},
	} {
		r.Guild, r.Time, r.Message, r.Source = 11, start+store.Micros(i)*1e6, store.ID(1000+i), store.SourceLive
		r.Channel = store.Channel{ID: 21, Name: "闲聊"}
		b.Records = append(b.Records, r)
	}
	_, err = db.Put(context.Background(), b)
	ts.Check(errors.Join(err, db.Close()))
}
