package export_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"rollcall/internal/export"
	"rollcall/internal/snowflake"
	"rollcall/internal/storetest"
	"rollcall/store"
)

const (
	town, port = store.ID(910101010101010101), store.ID(920202020202020202)
	ann, ben   = store.ID(300000000000000001), store.ID(18446744073709551615)
)

func at(second int) store.Micros {
	return store.MicrosOf(time.Date(2026, 5, 11, 23, 59, 50, 0, time.UTC)) + store.Micros(second)*1e6
}

func id(second, n int) store.ID {
	return store.ID(uint64(int64(at(second))/1000-snowflake.Epoch)<<22 | uint64(n))
}

// said is what the database has, in the order of an export but for the lines of logs.
func said() []store.Record {
	general, thread := store.Channel{ID: 700000000000000001, Name: "general"}, store.Channel{ID: 700000000000000002, Name: "a/thread"}
	r := func(user store.ID, second int, c store.Channel, text string) store.Record {
		return store.Record{Guild: town, User: user, Time: at(second) + 123, Message: id(second, 1), Channel: c, Content: text, Source: store.SourceLive}
	}
	records := []store.Record{
		r(ann, 0, general, "good <@300000000000000002> näher 港口 <:pig:800000000000000001> \"quoted\\\" \u2028 \x01 😀\r\n\tend"),
		r(ann, 1, general, "answer"), r(ann, 2, thread, "edited"), r(ann, 12, general, ""), r(ann, 13, general, ""), r(ann, 14, general, ""),
		r(ann, 15, general, "kept out"), r(store.DeletedUser, 3, general, "of nobody"), r(ben, 4, general, "'; DROP TABLE messages; --"),
	}
	records[1].ReplyTo, records[1].ReplyToUser, records[1].Source = records[0].Message, ann, store.SourceBackfill
	records[2].Edited, records[2].Attachments = at(30), 2
	records[3].Extra = &store.Extra{Forwarded: &store.Forwarded{Content: "somebody else's 話", Attachments: 3}}
	records[4].Extra = &store.Extra{Poll: &store.Poll{Question: "Where?", Answers: []string{"here", "火锅", ""}}}
	records[5].Extra = &store.Extra{Stickers: []string{"Wave", "开心"}}
	records[6].Redacted, records[6].Source = true, store.SourceImport
	other := r(ann, 5, store.Channel{ID: 700000000000000009, Name: "dock"}, "elsewhere")
	other.Guild = port
	return append(records, other)
}

func open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(filepath.Join(t.TempDir(), "rollcall.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if problems, err := db.Check(context.Background()); err != nil || len(problems) > 0 {
			t.Errorf("the database is not sound: %q, %v", problems, err)
		}
		db.Close()
	})
	return db
}

// filled returns a database with everything that a record can be, lines of logs among it.
func filled(t testing.TB) *store.DB {
	t.Helper()
	db := open(t)
	put(t, db, said()...)
	if _, err := db.Put(t.Context(), store.Batch{
		Names:    []store.Name{{Guild: town, Name: "Harbour: Town / 港"}, {Guild: town, User: ann, Name: "Ann"}, {Guild: port, User: ann, Name: "Ann at the port"}},
		Channels: []store.ChannelSeen{{Guild: town, Channel: 700000000000000002, Parent: 700000000000000001, Name: "a/thread", At: at(0)}},
	}); err != nil {
		t.Fatal(err)
	}
	line := func(second int, name, text string) store.Record {
		return store.Record{Guild: town, User: ann, Time: at(second), Channel: store.Channel{Name: name}, Content: text, Source: store.SourceLog}
	}
	if _, err := storetest.Import(t.Context(), db, store.LogBatch{
		Records: []store.Record{line(-500, "general", "of the logs"), line(-500, "general", "at the same moment"), line(-400, "long gone", "a channel without an id")},
		File:    store.LogFile{Key: "1/20260511/info.jsonl", Path: "1/20260511/info.jsonl"},
	}); err != nil {
		t.Fatal(err)
	}
	return db
}

func put(t testing.TB, db *store.DB, records ...store.Record) {
	t.Helper()
	if _, err := db.Put(t.Context(), store.Batch{Records: records}); err != nil {
		t.Fatal(err)
	}
}

func all(t testing.TB, db *store.DB) (records []store.Record) {
	t.Helper()
	for r, err := range db.Records(t.Context(), store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func settings() export.Settings {
	return export.Settings{Zone: time.UTC, Made: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), FullText: true}
}

// begin begins an export of a kind at a path.
func begin(t testing.TB, kind, path string) export.Output {
	t.Helper()
	out, err := start(t, kind, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(out.Discard)
	return out
}

func start(t testing.TB, kind, path string) (export.Output, error) {
	switch kind {
	case "sqlite":
		return export.NewSQLite(t.Context(), path, settings())
	case "parquet":
		return export.NewParquet(path, settings())
	}
	return export.NewDCE(path, settings())
}

// exported exports all of a database, through the stream.
func exported(t testing.TB, db *store.DB, kind, path string) {
	t.Helper()
	out := begin(t, kind, path)
	pass(t, db, export.Selection{}, out)
	if err := out.Commit(); err != nil {
		t.Fatal(err)
	}
}

// pass hands what is selected to a sink as a daemon does, and returns how many are left out.
func pass(t testing.TB, db *store.DB, s export.Selection, sink export.Sink) (left int64) {
	t.Helper()
	var b bytes.Buffer
	e := export.NewEncoder(&b)
	left, err := export.Read(t.Context(), db, s, e)
	if err == nil {
		err = e.End(left)
	}
	if err == nil {
		left, err = export.Decode(&b, sink)
	}
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// row is a record as it is in the table messages; nil is NULL.
func row(r store.Record) []any {
	ids := func(id store.ID) any {
		if id == 0 {
			return nil
		}
		return id.String()
	}
	list := func(texts []string) any {
		b, err := json.Marshal(texts)
		if err != nil {
			panic(err)
		}
		return string(b)
	}
	v := []any{r.Guild.String(), r.User.String(), ids(r.Channel.ID), r.Channel.Name, ids(r.Message), r.Time.String(), int64(r.Time), r.Content, r.Source.String(),
		ids(r.ReplyTo), ids(r.ReplyToUser), nil, nil, int64(0), nil, nil, nil, nil, nil}
	if r.Message != 0 {
		v[11] = int64(r.Attachments)
	}
	if r.Edited != 0 {
		v[12] = r.Edited.String()
	}
	if r.Redacted {
		v[13] = int64(1)
	}
	if x := r.Extra; x != nil {
		if f := x.Forwarded; f != nil {
			v[14], v[15] = f.Content, int64(f.Attachments)
		}
		if p := x.Poll; p != nil {
			v[16], v[17] = p.Question, list(p.Answers)
		}
		if len(x.Stickers) > 0 {
			v[18] = list(x.Stickers)
		}
	}
	return v
}

// query returns all rows of a query.
func query(t *testing.T, path, statement string, args ...any) (rows [][]any) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	result, err := db.Query(statement, args...)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	columns, err := result.Columns()
	if err != nil {
		t.Fatal(err)
	}
	for result.Next() {
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := result.Scan(into...); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, values)
	}
	if err := result.Err(); err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestSQLite(t *testing.T) {
	db := filled(t)
	path := filepath.Join(t.TempDir(), "odd ?#% name.sqlite")
	exported(t, db, "sqlite", path)
	uri := "file:" + strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(path)
	want := [][]any{}
	for _, r := range all(t, db) {
		want = append(want, row(r))
	}
	got := query(t, uri, `SELECT guild_id, user_id, channel_id, channel_name, message_id, timestamp, timestamp_us, message_content, source,
		reply_to_message_id, reply_to_user_id, attachments, edited_at, redacted, forwarded_content, forwarded_attachments, poll_question, poll_answers, stickers
		FROM messages ORDER BY id`)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || !reflect.DeepEqual(got[i], want[i]) {
			t.Fatalf("row %d of %d, want %d:\n%v\n%v", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
	for statement, want := range map[string]string{
		`SELECT guild_id, guild_name, messages FROM guilds ORDER BY 1`:                                                     `[[910101010101010101 Harbour: Town / 港 12] [920202020202020202 <nil> 1]]`,
		`SELECT first_message_at, last_message_at FROM guilds WHERE guild_id = 910101010101010101`:                         `[[2026-05-11T23:51:30.000000Z 2026-05-12T00:00:05.000123Z]]`,
		`SELECT guild_id, user_id, user_name, messages FROM users ORDER BY 1, 2`:                                           `[[910101010101010101 18446744073709551615 <nil> 1] [910101010101010101 300000000000000001 Ann 10] [920202020202020202 300000000000000001 Ann at the port 1]]`,
		`SELECT channel_id, channel_name, parent_id FROM channels WHERE guild_id = '910101010101010101' ORDER BY 2`:        `[[700000000000000002 a/thread 700000000000000001] [700000000000000001 general <nil>] [<nil> long gone <nil>]]`,
		`SELECT user_id, date, messages FROM activity WHERE guild_id = '910101010101010101' ORDER BY user_id, date`:        `[[<nil> 2026-05-11 1] [18446744073709551615 2026-05-11 1] [300000000000000001 2026-05-11 6] [300000000000000001 2026-05-12 4]]`,
		`SELECT m.message_content FROM messages_fts f JOIN messages m ON m.id = f.rowid WHERE messages_fts MATCH 'quoted'`: `[[` + said()[0].Content + `]]`,
		`SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'content:"港 口" AND NAHER'`:                             `[[1]]`,
		`SELECT count(*) FROM messages_fts WHERE messages_fts MATCH '火 OR 話'`:                                              `[[2]]`,
		`SELECT count(*) FROM messages_fts WHERE messages_fts MATCH 'content:話'`:                                           `[[0]]`,
		`SELECT count(*) FROM messages_fts WHERE messages_fts MATCH '😀'`:                                                   `[[1]]`,
		`SELECT key, value FROM export ORDER BY key`:                                                                       `[[format 1] [made_at 2026-06-01T00:00:00.000000Z] [zone UTC]]`,
		`PRAGMA integrity_check`: `[[ok]]`,
	} {
		if got := fmt.Sprint(query(t, uri, statement)); got != want {
			t.Errorf("%s: %s, want %s", statement, got, want)
		}
	}
	// What is asked by a user, a channel, a time or an id does not read everything.
	for _, where := range []string{"user_id = '1'", "channel_id = '1' ORDER BY timestamp_us", "guild_id = '1' AND timestamp_us > 5", "message_id = '1'"} {
		plan := fmt.Sprint(query(t, uri, "EXPLAIN QUERY PLAN SELECT * FROM messages WHERE "+where))
		if !strings.Contains(plan, "USING INDEX") || strings.Contains(plan, "TEMP B-TREE") {
			t.Errorf("%s: %s", where, plan)
		}
	}
}

// parquetMessage is a row as a reader of its own sees it.
type parquetMessage struct {
	Guild       int64    `parquet:"guild_id"`
	User        int64    `parquet:"user_id"`
	Channel     *int64   `parquet:"channel_id,optional"`
	ChannelName string   `parquet:"channel_name"`
	Message     *int64   `parquet:"message_id,optional"`
	Time        int64    `parquet:"timestamp"`
	Content     string   `parquet:"message_content"`
	Source      string   `parquet:"source"`
	ReplyTo     *int64   `parquet:"reply_to_message_id,optional"`
	ReplyToUser *int64   `parquet:"reply_to_user_id,optional"`
	Attachments *int32   `parquet:"attachments,optional"`
	Edited      *int64   `parquet:"edited_at,optional"`
	Redacted    bool     `parquet:"redacted"`
	Forwarded   *string  `parquet:"forwarded_content,optional"`
	ForwardedN  *int32   `parquet:"forwarded_attachments,optional"`
	Question    *string  `parquet:"poll_question,optional"`
	Answers     []string `parquet:"poll_answers,list"`
	Stickers    []string `parquet:"stickers,list"`
}

func optional[T comparable](v T, known bool) *T {
	if !known {
		return nil
	}
	return &v
}

func TestParquet(t *testing.T) {
	db := filled(t)
	folder := filepath.Join(t.TempDir(), "out")
	exported(t, db, "parquet", folder)
	var want []parquetMessage
	for _, r := range all(t, db) {
		ids := func(id store.ID) *int64 { return optional(int64(id), id != 0) }
		m := parquetMessage{
			Guild: int64(r.Guild), User: int64(r.User), Channel: ids(r.Channel.ID), ChannelName: r.Channel.Name, Message: ids(r.Message), Time: int64(r.Time),
			Content: r.Content, Source: r.Source.String(), ReplyTo: ids(r.ReplyTo), ReplyToUser: ids(r.ReplyToUser),
			Attachments: optional(int32(r.Attachments), r.Message != 0), Edited: optional(int64(r.Edited), r.Edited != 0), Redacted: r.Redacted,
			Answers: []string{}, Stickers: []string{},
		}
		if x := r.Extra; x != nil {
			if f := x.Forwarded; f != nil {
				m.Forwarded, m.ForwardedN = &f.Content, optional(int32(f.Attachments), true)
			}
			if p := x.Poll; p != nil {
				m.Question, m.Answers = &p.Question, p.Answers
			}
			m.Stickers = append(m.Stickers, x.Stickers...)
		}
		want = append(want, m)
	}
	var got []parquetMessage
	files, err := filepath.Glob(filepath.Join(folder, "messages", "guild=*", "*.parquet"))
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	for _, path := range files {
		rows, err := parquet.ReadFile[parquetMessage](path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range rows {
			m.Answers, m.Stickers = append([]string{}, m.Answers...), append([]string{}, m.Stickers...)
			got = append(got, m)
		}
	}
	g, _ := json.Marshal(got)
	w, _ := json.Marshal(want)
	if string(g) != string(w) {
		t.Errorf("rows\n%s, want\n%s", g, w)
	}
	for _, name := range []string{"guilds", "channels", "users", "activity"} {
		if _, err := os.Stat(filepath.Join(folder, name+".parquet")); err != nil {
			t.Error(err)
		}
	}
}

// Row groups are bounded by rows and by texts; the columns are compressed with zstd, ids and
// times are what readers take for ids and times.
func TestParquetShape(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out")
	out := begin(t, "parquet", folder)
	must(t, out.Guild(export.Guild{ID: town}))
	must(t, out.User(export.User{ID: ann}))
	long := strings.Repeat("x", 1<<20)
	const short, longs = 200_000, 80
	for i := range short + longs {
		r := store.Record{Guild: town, User: ann, Time: at(i), Message: id(i, 0), Content: "short", Channel: store.Channel{ID: 7, Name: "general"}, Source: store.SourceLive}
		if i >= short {
			r.Content = long
		}
		must(t, out.Record(&r))
	}
	must(t, out.Commit())
	path := filepath.Join(folder, "messages", "guild="+town.String(), "00001.parquet")
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	info, err := f.Stat()
	must(t, err)
	p, err := parquet.OpenFile(f, info.Size())
	must(t, err)
	if n := p.NumRows(); n != short+longs {
		t.Errorf("%d rows", n)
	}
	for _, g := range p.Metadata().RowGroups {
		if g.NumRows > 70_000 || g.TotalByteSize > 48<<20 {
			t.Errorf("a row group of %d rows, %d bytes", g.NumRows, g.TotalByteSize)
		}
		if len(g.SortingColumns) != 2 {
			t.Errorf("sorted by %v", g.SortingColumns)
		}
		for _, c := range g.Columns {
			if c.MetaData.Codec.String() != "ZSTD" {
				t.Errorf("%v is %v", c.MetaData.PathInSchema, c.MetaData.Codec)
			}
		}
	}
	if n := len(p.Metadata().RowGroups); n < 5 {
		t.Errorf("%d row groups", n)
	}
	for _, want := range []string{"required int64 guild_id", "required int64 user_id", "optional int64 message_id", "required int64 timestamp (TIMESTAMP(isAdjustedToUTC=true,unit=MICROS))", "required binary message_content (STRING)"} {
		if !strings.Contains(p.Schema().String(), want) {
			t.Errorf("the schema lacks %q:\n%s", want, p.Schema())
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Until it is committed nothing is there under the name, and after Discard nothing at all;
// what is there already is left alone.
func TestWholeOrNotThere(t *testing.T) {
	db := filled(t)
	for _, kind := range []string{"sqlite", "parquet", "dce"} {
		t.Run(kind, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "out")
			out := begin(t, kind, path)
			pass(t, db, export.Selection{}, out)
			if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("before it is committed: %v", err)
			}
			out.Discard()
			if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
				t.Errorf("%v is left, %v", left, err)
			}
			exported(t, db, kind, path)
			before := tree(t, path)
			if out, err := start(t, kind, path); err == nil {
				pass(t, db, export.Selection{}, out)
				if out.Commit() == nil {
					t.Error("an export is overwritten")
				}
				out.Discard()
			}
			if after := tree(t, path); !maps.Equal(before, after) {
				t.Error("an export was changed by a later one")
			}
			if left, err := os.ReadDir(folder); err != nil || len(left) != 1 {
				t.Errorf("%v is left, %v", left, err)
			}
		})
	}
}

// tree returns the contents of a file or of all files of a folder.
func tree(t *testing.T, path string) map[string]string {
	t.Helper()
	files := map[string]string{}
	must(t, filepath.WalkDir(path, func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(name)
		files[name] = string(b)
		return err
	}))
	return files
}

// taken keeps what a sink is given.
type taken struct {
	lines   []string
	records []store.Record
}

func (k *taken) Guild(g export.Guild) error     { return k.add("guild", g) }
func (k *taken) Channel(c export.Channel) error { return k.add("channel", c) }
func (k *taken) User(u export.User) error       { return k.add("user", u) }
func (k *taken) Record(r *store.Record) error {
	c := *r
	if r.Extra != nil {
		x := *r.Extra
		c.Extra = &x
	}
	k.records = append(k.records, c)
	return k.add("record", c)
}
func (k *taken) add(what string, v any) error {
	b, err := json.Marshal(v)
	k.lines = append(k.lines, what+" "+string(b))
	return err
}

func TestStream(t *testing.T) {
	db := filled(t)
	var k taken
	pass(t, db, export.Selection{}, &k)
	if want := all(t, db); !reflect.DeepEqual(k.records, want) {
		t.Errorf("%+v, want %+v", k.records, want)
	}
	// Wherever the stream ends early, that is noticed.
	var b bytes.Buffer
	e := export.NewEncoder(&b)
	_, err := export.Read(t.Context(), db, export.Selection{}, e)
	must(t, err)
	must(t, e.End(0))
	for n := range b.Len() {
		if _, err := export.Decode(bytes.NewReader(b.Bytes()[:n]), new(taken)); !errors.Is(err, export.ErrCut) {
			t.Fatalf("%d of %d bytes: %v", n, b.Len(), err)
		}
	}
}

func TestPublic(t *testing.T) {
	db := filled(t)
	var k taken
	left := pass(t, db, export.Selection{Public: func(guild, channel store.ID) bool { return guild == town && channel == 700000000000000001 }}, &k)
	for _, r := range k.records {
		if r.Guild != town || r.Channel.ID != 700000000000000001 {
			t.Errorf("%+v is not public", r)
		}
	}
	if len(k.records) != 8 || left != 5 {
		t.Errorf("%d records, %d left out", len(k.records), left)
	}
	for _, line := range k.lines {
		if strings.Contains(line, "dock") || strings.Contains(line, "thread") || strings.Contains(line, "long gone") {
			t.Errorf("%s tells of a channel that is not public", line)
		}
	}
}

func TestSince(t *testing.T) {
	db := filled(t)
	path := filepath.Join(t.TempDir(), "state")
	run := func(commit bool) (k taken, known int64) {
		t.Helper()
		s, err := export.NewSince(path, "everything", &k)
		must(t, err)
		pass(t, db, export.Selection{}, s)
		if commit {
			must(t, s.Commit())
		} else {
			s.Discard()
		}
		return k, s.Known
	}
	first := all(t, db)
	if k, known := run(false); len(k.records) != len(first) || known != 0 {
		t.Fatalf("%d new, %d known", len(k.records), known)
	}
	if k, known := run(true); len(k.records) != len(first) || known != 0 { // what was not committed does not count
		t.Fatalf("%d new, %d known", len(k.records), known)
	}
	if k, known := run(true); len(k.records) != 0 || known != int64(len(first)) {
		t.Fatalf("%d new, %d known: %q", len(k.records), known, k.lines)
	}
	// What is new may be older than all that there was, of a user in between, and an edit.
	old := said()[0]
	old.Time, old.Message, old.Content = at(-9000), id(-9000, 1), "from history"
	middle := said()[0]
	middle.User, middle.Message = 300000000000000005, id(0, 7)
	put(t, db, old, middle)
	if _, err := db.Put(t.Context(), store.Batch{Changes: []store.Change{{Guild: town, Message: id(1, 1), Time: at(1), User: ann, Action: store.Edit, Content: "answer, edited", Edited: at(90)}}}); err != nil {
		t.Fatal(err)
	}
	k, known := run(true)
	texts := []string{}
	for _, r := range k.records {
		texts = append(texts, r.Content)
	}
	slices.Sort(texts)
	if want := []string{"answer, edited", "from history", said()[0].Content}; !slices.Equal(texts, want) || known != int64(len(first)-1) {
		t.Errorf("%q are new, %d known, want %q", texts, known, want)
	}
	if k, _ := run(true); len(k.records) != 0 {
		t.Errorf("%q are new again", k.lines)
	}
	if _, err := export.NewSince(path, "guild=7", &k); err == nil || !strings.Contains(err.Error(), "everything") {
		t.Errorf("a state of another selection: %v", err)
	}
	b, err := os.ReadFile(path)
	must(t, err)
	for _, damaged := range [][]byte{b[:len(b)-5], b[:30], {}, []byte("something else, which is not a state"), slices.Concat(b[:len(b)/2], []byte{7}, b[len(b)/2:])} {
		must(t, os.WriteFile(path, damaged, 0o600))
		s, err := export.NewSince(path, "everything", &k)
		if err == nil {
			_, err = export.Read(t.Context(), db, export.Selection{}, s)
			s.Discard()
		}
		if err == nil {
			t.Errorf("a damaged state of %d bytes of %d is read", len(damaged), len(b))
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%v are left, %v", left, err)
	}
}

// Whatever a stream holds, it is decoded or refused; what is decoded is encoded as it was.
func FuzzDecode(f *testing.F) {
	var b bytes.Buffer
	e := export.NewEncoder(&b)
	must(f, e.Guild(export.Guild{ID: town, Name: "x"}))
	must(f, e.Channel(export.Channel{ID: 7, Parent: 8, Name: "general"}))
	must(f, e.User(export.User{ID: ann, Name: "Ann"}))
	for _, r := range said() {
		must(f, e.Record(&r))
	}
	must(f, e.End(3))
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, stream []byte) {
		var first, second taken
		var again bytes.Buffer
		e := export.NewEncoder(&again)
		left, err := export.Decode(bytes.NewReader(stream), both{&first, e})
		if err != nil {
			return
		}
		must(t, e.End(left))
		if _, err := export.Decode(&again, &second); err != nil || !reflect.DeepEqual(first.lines, second.lines) {
			t.Errorf("%q\n%q, %v", first.lines, second.lines, err)
		}
	})
}

// both hands what it is given to two.
type both struct{ a, b export.Sink }

func (s both) Guild(g export.Guild) error     { return errors.Join(s.a.Guild(g), s.b.Guild(g)) }
func (s both) Channel(c export.Channel) error { return errors.Join(s.a.Channel(c), s.b.Channel(c)) }
func (s both) User(u export.User) error       { return errors.Join(s.a.User(u), s.b.User(u)) }
func (s both) Record(r *store.Record) error   { return errors.Join(s.a.Record(r), s.b.Record(r)) }

// Whatever a state holds, it is read or refused.
func FuzzState(f *testing.F) {
	path := filepath.Join(f.TempDir(), "state")
	s, err := export.NewSince(path, "everything", new(taken))
	must(f, err)
	must(f, s.Guild(export.Guild{ID: town}))
	must(f, s.User(export.User{ID: ann}))
	for _, r := range said()[:6] {
		must(f, s.Record(&r))
	}
	must(f, s.Commit())
	b, err := os.ReadFile(path)
	must(f, err)
	f.Add(b)
	f.Fuzz(func(t *testing.T, state []byte) {
		path := filepath.Join(t.TempDir(), "state")
		must(t, os.WriteFile(path, state, 0o600))
		s, err := export.NewSince(path, "everything", new(taken))
		if err != nil {
			return
		}
		defer s.Discard()
		must(t, s.Guild(export.Guild{ID: town}))
		must(t, s.User(export.User{ID: ann}))
		for _, r := range said()[:6] {
			if err := s.Record(&r); err != nil {
				return
			}
		}
		if s.New+s.Known != 6 {
			t.Errorf("%d new, %d known", s.New, s.Known)
		}
	})
}
