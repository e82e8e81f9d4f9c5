package export_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"

	"rollcall/store"
)

// readers is a folder with the node packages that make readers installs.
var readers = flag.String("readers", "", "a `folder` with node_modules: let sqlite3, DuckDB, hyparquet and chat-analytics read what is exported")

// seen is what read.mjs prints. Rows are of texts, null and lists of texts.
type seen struct {
	DuckDB struct {
		Rows            [][]any
		Types           map[string]string
		Users, Activity [][]any
	}
	Hyparquet [][]any
	Analytics struct {
		Messages int
		Channels map[string]int
		Authors  []string
	}
}

// TestReaders lets the programs that people use read exports, and compares each value.
func TestReaders(t *testing.T) {
	if *readers == "" {
		t.Skip("make readers runs it")
	}
	db := filled(t)
	many := make([]store.Record, 3000)
	for i := range many {
		many[i] = store.Record{Guild: port, User: store.ID(300000000000000010 + i%7), Time: at(1000 + i), Message: id(1000+i, i), Channel: store.Channel{ID: store.ID(700000000000000020 + i%3), Name: "room " + strconv.Itoa(i%3)},
			Content: "message " + strconv.Itoa(i) + " 港", Source: store.SourceLive, Attachments: i % 2}
	}
	put(t, db, many...)
	folder := t.TempDir()
	for _, kind := range []string{"sqlite", "parquet", "dce"} {
		exported(t, db, kind, filepath.Join(folder, kind))
	}
	records := all(t, db)
	t.Run("sqlite3", func(t *testing.T) { readSQLite(t, filepath.Join(folder, "sqlite"), records) })

	script, err := os.ReadFile(filepath.Join("testdata", "readers", "read.mjs"))
	must(t, err)
	must(t, os.WriteFile(filepath.Join(*readers, "read.mjs"), script, 0o600))
	node := exec.CommandContext(t.Context(), "node", "read.mjs", filepath.Join(folder, "parquet"), filepath.Join(folder, "dce"))
	node.Dir = *readers
	var errs bytes.Buffer
	node.Stderr = &errs
	out, err := node.Output()
	if err != nil {
		t.Fatalf("node: %v\n%s", err, errs.Bytes())
	}
	var s seen
	must(t, json.Unmarshal(out, &s))
	want := make([][]any, len(records))
	for i, r := range records {
		want[i] = parquetRow(r)
	}
	sameRows(t, "DuckDB", s.DuckDB.Rows, want)
	sameRows(t, "hyparquet", s.Hyparquet, want)
	for column, want := range map[string]string{
		"guild_id": "BIGINT", "user_id": "BIGINT", "message_id": "BIGINT", "timestamp": "TIMESTAMP WITH TIME ZONE", "redacted": "BOOLEAN", "poll_answers": "VARCHAR[]", "stickers": "VARCHAR[]", "attachments": "INTEGER",
	} {
		if got := s.DuckDB.Types[column]; got != want {
			t.Errorf("DuckDB takes %s for %s, want %s", column, got, want)
		}
	}
	users, days := tables(records)
	sameRows(t, "users in DuckDB", s.DuckDB.Users, users(func(guild, user store.ID) any {
		name, err := db.Name(t.Context(), guild, user)
		must(t, err)
		if name == "" {
			return nil
		}
		return name
	}))
	sameRows(t, "activity in DuckDB", s.DuckDB.Activity, days)

	channels, authors := map[string]int{}, map[store.Person]bool{}
	for _, r := range records {
		guild := map[store.ID]string{town: "Harbour: Town / 港", port: port.String()}[r.Guild]
		channels[guild+" / "+r.Channel.Name]++
		authors[store.Person{User: r.User}] = true
	}
	if s.Analytics.Messages != len(records) || !maps.Equal(s.Analytics.Channels, channels) || len(s.Analytics.Authors) != len(authors) {
		t.Errorf("chat-analytics counts %d of %d messages, channels %v, want %v, authors %q of %d", s.Analytics.Messages, len(records), s.Analytics.Channels, channels, s.Analytics.Authors, len(authors))
	}
}

func sameRows(t *testing.T, who string, got, want [][]any) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s reads %d rows, want %d", who, len(got), len(want))
		return
	}
	for i := range want {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: row %d is\n%q, want\n%q", who, i, got[i], want[i])
			return
		}
	}
}

// parquetRow is a record as read.mjs shows it.
func parquetRow(r store.Record) []any {
	id := func(id store.ID) any {
		if id == 0 {
			return nil
		}
		return strconv.FormatInt(int64(id), 10)
	}
	list := func(texts []string) any {
		l := make([]any, len(texts))
		for i, s := range texts {
			l[i] = s
		}
		return l
	}
	v := []any{id(r.Guild), id(r.User), id(r.Channel.ID), r.Channel.Name, id(r.Message), strconv.FormatInt(int64(r.Time), 10), r.Content, r.Source.String(),
		id(r.ReplyTo), id(r.ReplyToUser), nil, nil, strconv.FormatBool(r.Redacted), nil, nil, nil, list(nil), list(nil)}
	if r.Message != 0 {
		v[10] = strconv.Itoa(r.Attachments)
	}
	if r.Edited != 0 {
		v[11] = strconv.FormatInt(int64(r.Edited), 10)
	}
	if x := r.Extra; x != nil {
		if f := x.Forwarded; f != nil {
			v[13], v[14] = f.Content, strconv.Itoa(f.Attachments)
		}
		if p := x.Poll; p != nil {
			v[15], v[16] = p.Question, list(p.Answers)
		}
		v[17] = list(x.Stickers)
	}
	return v
}

// tables computes users and activity from the records, in the plainest way.
func tables(records []store.Record) (users func(name func(guild, user store.ID) any) [][]any, days [][]any) {
	type person struct{ guild, user store.ID }
	type day struct {
		person
		date string
	}
	first, last, counts, byDay := map[person]store.Micros{}, map[person]store.Micros{}, map[person]int{}, map[day]int{}
	var people []person
	var dates []day
	for _, r := range records {
		p := person{r.Guild, r.User}
		d := day{p, r.Time.Time().Format(time.DateOnly)}
		if byDay[d]++; byDay[d] == 1 {
			dates = append(dates, d)
		}
		if counts[p]++; counts[p] == 1 {
			people = append(people, p)
			first[p] = r.Time
		}
		last[p] = max(last[p], r.Time)
	}
	for _, d := range dates {
		user := any(strconv.FormatInt(int64(d.user), 10))
		if d.user == store.DeletedUser {
			user = nil
		}
		days = append(days, []any{d.guild.String(), user, d.date, strconv.Itoa(byDay[d])})
	}
	return func(name func(guild, user store.ID) any) (rows [][]any) {
		for _, p := range people {
			if p.user != store.DeletedUser {
				rows = append(rows, []any{p.guild.String(), strconv.FormatInt(int64(p.user), 10), name(p.guild, p.user), strconv.Itoa(counts[p]), strconv.FormatInt(int64(first[p]), 10), strconv.FormatInt(int64(last[p]), 10)})
			}
		}
		return rows
	}, days
}

// readSQLite compares what the command sqlite3 prints as JSON.
func readSQLite(t *testing.T, path string, records []store.Record) {
	out, err := exec.CommandContext(t.Context(), "sqlite3", "-json", path, "SELECT * FROM messages ORDER BY id").Output()
	must(t, err)
	d := json.NewDecoder(bytes.NewReader(out))
	d.UseNumber()
	var got []map[string]any
	must(t, d.Decode(&got))
	names := []string{"guild_id", "user_id", "channel_id", "channel_name", "message_id", "timestamp", "timestamp_us", "message_content", "source", "reply_to_message_id", "reply_to_user_id",
		"attachments", "edited_at", "redacted", "forwarded_content", "forwarded_attachments", "poll_question", "poll_answers", "stickers"}
	if len(got) != len(records) {
		t.Fatalf("sqlite3 reads %d rows, want %d", len(got), len(records))
	}
	for i, r := range records {
		want := map[string]any{"id": json.Number(strconv.Itoa(i + 1))}
		for k, v := range row(r) {
			if n, ok := v.(int64); ok {
				v = json.Number(strconv.FormatInt(n, 10))
			}
			want[names[k]] = v
		}
		if !reflect.DeepEqual(got[i], want) {
			t.Fatalf("sqlite3: row %d is\n%q, want\n%q", i, got[i], want)
		}
	}
	check, err := exec.CommandContext(t.Context(), "sqlite3", path, "PRAGMA integrity_check; SELECT count(*) FROM messages_fts WHERE messages_fts MATCH '\"港\"'").Output()
	must(t, err)
	if got := slices.Collect(bytes.Lines(check)); len(got) != 2 || string(got[0]) != "ok\n" || string(got[1]) != "3001\n" {
		t.Errorf("sqlite3 says %q", check)
	}
}
