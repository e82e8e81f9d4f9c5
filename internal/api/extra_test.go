package api_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// withExtras returns a store of messages that say something without content, and of
// texts that are not what they seem.
func withExtras(t *testing.T) *store.DB {
	t.Helper()
	db := storetest.New(t, store.Options{})
	var b store.Batch
	for i, r := range []store.Record{
		{Content: "plain"},
		{Extra: &store.Extra{Forwarded: &store.Forwarded{Content: "=SUM(borrowed)", Attachments: 2}}},
		{Extra: &store.Extra{Poll: &store.Poll{Question: "Where shall we <eat>?", Answers: []string{"Pizza", "火锅, \"hot\"", ""}}}},
		{Extra: &store.Extra{Stickers: []string{"Wave", "=1+1"}}, Attachments: 1},
		{Content: "=cmd|' /C calc'!A0", Edited: at(100)},
		{Content: "'quoted' and \"quoted\""},
		{Extra: &store.Extra{Forwarded: &store.Forwarded{}}},
		{Content: "not kept", Redacted: true, Extra: &store.Extra{Forwarded: &store.Forwarded{Content: "not kept either", Attachments: 3}, Stickers: []string{"nor this"}}},
	} {
		r.Guild, r.User, r.Time, r.Source = guildA, anna, at(i), store.SourceLive
		r.Message, r.Channel = snowflake(at(i), i), store.Channel{ID: 901, Name: "-general"}
		b.Records = append(b.Records, r)
	}
	if _, err := db.Put(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return db
}

// texts is what a question for messages answers, newest first, from the content on.
func texts(t *testing.T, s *api.Server, query string) (lines []string) {
	t.Helper()
	var page []api.Record
	w := get(t, s, "/v1/guilds/111111111111111111/messages"+query)
	if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", query, w.Code, w.Body)
	}
	for _, r := range page {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(map[string]any{"c": r.Content, "f": r.Forwarded, "p": r.Poll, "s": r.Stickers, "r": r.Redacted}); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.TrimSpace(b.String()))
	}
	return lines
}

func TestExtra(t *testing.T) {
	s := server(withExtras(t), "")
	want := []string{
		`{"c":"","f":{"content":"","attachments":3},"p":null,"r":true,"s":null}`,
		`{"c":"","f":{"content":"","attachments":0},"p":null,"r":false,"s":null}`,
		`{"c":"'quoted' and \"quoted\"","f":null,"p":null,"r":false,"s":null}`,
		`{"c":"=cmd|' /C calc'!A0","f":null,"p":null,"r":false,"s":null}`,
		`{"c":"","f":null,"p":null,"r":false,"s":["Wave","=1+1"]}`,
		`{"c":"","f":null,"p":{"question":"Where shall we <eat>?","answers":["Pizza","火锅, \"hot\"",""]},"r":false,"s":null}`,
		`{"c":"","f":{"content":"=SUM(borrowed)","attachments":2},"p":null,"r":false,"s":null}`,
		`{"c":"plain","f":null,"p":null,"r":false,"s":null}`,
	}
	if have := texts(t, s, ""); !reflect.DeepEqual(have, want) {
		t.Errorf("have %s\nwant %s", strings.Join(have, "\n"), strings.Join(want, "\n"))
	}
	for grep, matches := range map[string][]string{
		"borrowed": {want[6]}, "(?i)pizza": {want[5]}, "火锅": {want[5]}, "Wave": {want[4]}, "^=": {want[3], want[4], want[6]},
		"either": nil, "^plain$": {want[7]}, "eat>.Pizza": nil,
	} {
		if have := texts(t, s, "?grep="+url.QueryEscape(grep)); !reflect.DeepEqual(have, matches) {
			t.Errorf("grep %s: have %s\nwant %s", grep, strings.Join(have, "\n"), strings.Join(matches, "\n"))
		}
	}
	// A line of the export has the keys that hold something, and no others.
	lines := strings.Split(get(t, s, "/v1/export").Body.String(), "\n")
	const head = `{"guild_id":"111111111111111111","user_id":"222222222222222222","channel_name":"-general","message_content":"%s","timestamp":"2026-05-11T06:30:0%d.123456Z","source":"live","message_id":"%d","channel_id":"901","attachments":%d`
	for i, rest := range map[int]string{
		0: `}`, 1: `,"forwarded":{"content":"=SUM(borrowed)","attachments":2}}`, 3: `,"stickers":["Wave","=1+1"]}`,
		2: `,"poll":{"question":"Where shall we <eat>?","answers":["Pizza","火锅, \"hot\"",""]}}`, 7: `,"redacted":true,"forwarded":{"content":"","attachments":3}}`,
	} {
		content, attachments := "", 0
		if i == 0 {
			content = "plain"
		}
		if i == 3 {
			attachments = 1
		}
		if want := fmt.Sprintf(head, content, i, snowflake(at(i), i), attachments) + rest; lines[i] != want {
			t.Errorf("exported\n%s, want\n%s", lines[i], want)
		}
	}
	words := get(t, s, "/v1/guilds/111111111111111111/words").Body.String()
	if context := get(t, s, "/v1/guilds/111111111111111111/users/222222222222222222/context").Body.String(); strings.Contains(words+context, "borrowed") ||
		!strings.Contains(context, "3 forwards of what others wrote") || !strings.Contains(context, "poll: Where shall we") {
		t.Errorf("words %s\ncontext %s", words, context)
	}
}

// What is answered is as the document describes it.
func TestExtraIsDescribed(t *testing.T) {
	s := server(withExtras(t), "")
	address, _ := tcp(t, s.Socket())
	_, schema := described(t, "http://"+address)
	record := schema("components", "schemas", "Record")
	for line := range strings.Lines(get(t, s, "/v1/export").Body.String()) {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = record.Validate(value)
		}
		if err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
}

// The table has all that the lines of JSON have, and no cell that is a formula.
func TestExtraAsCSV(t *testing.T) {
	db := withExtras(t)
	s := server(db, "")
	table, err := csv.NewReader(get(t, s, "/v1/export?format=csv").Body).ReadAll()
	if err != nil || len(table) != 9 {
		t.Fatalf("%d lines, %v", len(table), err)
	}
	var records []api.Record
	for d := json.NewDecoder(get(t, s, "/v1/export").Body); d.More(); {
		var r api.Record
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	want := [][]string{
		{"'-general", "plain", "", "", "", "", "", "", ""},
		{"'-general", "", "", "", "'=SUM(borrowed)", "2", "", "", ""},
		{"'-general", "", "", "", "", "", "Where shall we <eat>?", `["Pizza","火锅, \"hot\"",""]`, ""},
		{"'-general", "", "", "", "", "", "", "", `["Wave","=1+1"]`},
		{"'-general", "'=cmd|' /C calc'!A0", "2026-05-11T06:31:40.123456Z", "", "", "", "", "", ""},
		{"'-general", "''quoted' and \"quoted\"", "", "", "", "", "", "", ""},
		{"'-general", "", "", "", "", "0", "", "", ""},
		{"'-general", "", "", "true", "", "3", "", "", ""},
	}
	for i, row := range table[1:] {
		if have := append([]string{row[2], row[3]}, row[10:]...); !reflect.DeepEqual(have, want[i]) {
			t.Errorf("have %q, want %q", have, want[i])
		}
		if row[3] != "" && strings.TrimPrefix(row[3], "'") != records[i].Content {
			t.Errorf("the content %q is %q in the table", records[i].Content, row[3])
		}
	}
}

func FuzzGuarded(f *testing.F) {
	for _, seed := range []string{"", "plain", "=1", " =1", "\t=1", "'", "''", "＝1", "\ufeff@x", "-", "a=1", "\r", "\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cell := api.Guarded(text)
		if strings.TrimPrefix(cell, "'") != text {
			t.Errorf("%q comes back as %q", text, cell)
		}
		if first, _ := utf8.DecodeRuneInString(strings.TrimSpace(cell)); strings.ContainsRune("=+-@", first) {
			t.Errorf("%q becomes %q", text, cell)
		}
	})
}

func BenchmarkExport(b *testing.B) {
	db, err := store.Open(b.TempDir()+"/rollcall.db", store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	var batch store.Batch
	for i := range 20_000 {
		batch.Records = append(batch.Records, store.Record{
			Guild: guildA, User: store.ID(1 + i%50), Time: at(i), Message: snowflake(at(i), i), Channel: store.Channel{ID: 901, Name: "general"},
			Content: "about as long as people write, about as long as people write", Source: store.SourceLive,
		})
	}
	if _, err := db.Put(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	s := api.New(api.Options{Store: db, Log: slog.New(slog.DiscardHandler)})
	for _, format := range []string{"ndjson", "csv"} {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				if w := ask(s, "GET", "/v1/export?format="+format); w.Code != 200 {
					b.Fatal(w.Code)
				}
			}
		})
	}
}

// A query finds what a message says without content, and a forwarded text apart from its author's.
func TestSearchExtra(t *testing.T) {
	s := server(withExtras(t), "")
	for query, want := range map[string]string{
		"has:poll":                          `[[]]`,
		"pizza eat":                         `[[]]`,
		"火":                                 `[[]]`,
		"borrowed":                          `[[]]`,
		"wave":                              `[[]]`,
		"has:sticker":                       `[[]]`,
		"quoted":                            `[[[1 7] [14 20]]]`,
		"cmd calc":                          `[[[1 4] [10 14]]]`,
		"kept":                              `[]`,
		"has:forward":                       `[[] [] []]`,
		"-has:forward plain":                `[[[0 5]]]`,
		"plain borrowed":                    `[]`,
		"has:file":                          `[[]]`,
		"from:222222222222222222 plain":     `[[[0 5]]]`,
		"-from:<@222222222222222222> plain": `[]`,
		"in:-general plain":                 `[[[0 5]]]`,
		"-in:901 plain":                     `[]`,
		"in:nowhere plain":                  `[]`,
		"mentions:222222222222222222":       `[]`,
		"before:1970 plain":                 `[]`,
	} {
		var page []api.Match
		w := get(t, s, "/v1/guilds/111111111111111111/search?q="+url.QueryEscape(query))
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != 200 {
			t.Fatalf("%s: %d %s", query, w.Code, w.Body)
		}
		spans := [][][2]int{}
		for _, m := range page {
			spans = append(spans, m.Matches)
		}
		if have := fmt.Sprint(spans); have != want {
			t.Errorf("%s: %s", query, have)
		}
	}
}
