package api_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"rollcall/internal/api"
	"rollcall/internal/storetest"
	"rollcall/store"
)

// known is what a build knew besides its records; see store/testdata/formats.
type known struct {
	Cursors    map[store.ID]map[store.ID]store.ID `json:"cursors"`
	Floors     map[store.ID]map[store.ID]store.ID `json:"floors"`
	Own        map[store.ID]store.GuildCursors    `json:"guild_cursors"`
	Names      map[store.ID]map[string]string     `json:"names"` // by user; "0" is the guild
	Guilds     []store.Guild                      `json:"guilds"`
	Files      []store.LogFile                    `json:"files"`
	Dates      []store.GuildDay                   `json:"dates"`
	Quarantine []store.Quarantined                `json:"quarantine"`
	Gaps       []store.Gap                        `json:"gaps"`
	OpenGaps   []store.Gap                        `json:"open_gaps"`
	Left       []store.DepartedGuild              `json:"left"`
	Forgotten  map[string]bool                    `json:"forgotten"` // by user, or "user in guild"
	Unreadable []store.Unreadable                 `json:"unreadable"`
	Tasks      []string                           `json:"tasks"`
	Traces     map[store.ID]string                `json:"traces"` // by message: stored, removed or passed
}

// Files of all formats that there have ever been are brought up to date when they are
// opened, and tell the same as the builds that wrote them.
func TestFormats(t *testing.T) {
	secret, err := store.ParseKey(strings.Repeat("2a", 32))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		key  store.Key
	}{
		{"format1", store.Key{}}, {"format2", store.Key{}}, {"format2-encrypted", secret}, {"format3", store.Key{}}, {"format3-encrypted", secret},
		{"format4", store.Key{}}, {"format4-encrypted", secret},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "rollcall.db")
			if err := os.WriteFile(path, fixture(t, test.name+".db.gz"), 0o600); err != nil {
				t.Fatal(err)
			}
			golden := fixture(t, test.name+".ndjson.gz")
			var want known
			if err := json.Unmarshal(fixture(t, test.name+".json"), &want); err != nil {
				t.Fatal(err)
			}

			want.inFormatFive()

			old := openFormat(t, path, store.Options{Key: test.key, ReadOnly: true})
			if !old.OldFormat() {
				t.Error("it is not of an old format")
			}
			shut(t, old)
			for range 2 { // the second time there is nothing left to do
				db := openFormat(t, path, store.Options{Key: test.key})
				compareFormat(t, db, golden, want)
				shut(t, db)
			}

			db := openFormat(t, path, store.Options{Key: test.key})
			defer shut(t, db)
			putAgain(t, db, golden, test.name != "format1")
			storetest.Check(t, db)
			if after := exportOf(t, db); !bytes.Equal(after, golden) {
				t.Errorf("put again, it exports\n%.4000s\nwant\n%.4000s", after, golden)
			}
		})
	}
}

// inFormatFive says what builds before format 5 knew in the words of those since: they had
// cursors of a guild, and floors of channels, among the cursors of channels, and told the kind
// of a gap in its reason.
func (k *known) inFormatFive() {
	k.Floors, k.Own = map[store.ID]map[store.ID]store.ID{}, map[store.ID]store.GuildCursors{}
	for guild, cursors := range k.Cursors {
		k.Floors[guild] = map[store.ID]store.ID{}
		k.Own[guild] = store.GuildCursors{Seen: cursors[1], Heard: cursors[2], Away: cursors[3], Rechecked: cursors[4]}
		for channel, last := range cursors {
			if channel >= 1<<63 {
				k.Floors[guild][channel-1<<63] = last
			}
		}
		maps.DeleteFunc(cursors, func(channel, _ store.ID) bool { return channel < 5 || channel >= 1<<63 })
	}
	kinds := map[string]store.GapKind{
		"before we listened": store.GapHistory, "Discord withheld what was written": store.GapWithheld,
		"the bot was added to the thread": store.GapBeginning, "hidden": store.GapUnreadable, "unreadable": store.GapUnreadable,
	}
	for _, gaps := range [][]store.Gap{k.Gaps, k.OpenGaps} {
		for i := range gaps {
			if gaps[i].Kind = kinds[gaps[i].Reason]; gaps[i].Note == "no permission" && gaps[i].State == store.GapSkipped {
				gaps[i].Kind = store.GapUnreadable
			}
		}
	}
}

func compareFormat(t *testing.T, db *store.DB, golden []byte, want known) {
	t.Helper()
	storetest.Check(t, db)
	if after := exportOf(t, db); !bytes.Equal(after, golden) {
		t.Errorf("it exports\n%.4000s\nwant\n%.4000s", after, golden)
	}
	if have := knownOf(t, db, want); !reflect.DeepEqual(have, want) {
		t.Errorf("it knows\n%+v\nwant\n%+v", have, want)
	}
}

// putAgain puts everything that the export tells of, and what was removed from the
// file, which changes nothing.
func putAgain(t *testing.T, db *store.DB, golden []byte, removed bool) {
	t.Helper()
	var messages, lines []store.Record
	for row := range bytes.Lines(golden) {
		var r api.Record
		if err := json.Unmarshal(row, &r); err != nil {
			t.Fatal(err)
		}
		again := store.Record{Guild: r.Guild, User: r.User, Time: r.Time, Channel: store.Channel{ID: r.ChannelID, Name: r.ChannelName}, Content: r.Content}
		if r.MessageID == 0 {
			again.Source = store.SourceLog
			lines = append(lines, again)
		} else {
			again.Source, again.Message = store.SourceBackfill, r.MessageID
			messages = append(messages, again)
		}
	}
	ming, gone := store.ID(555555555555555555), store.ID(666666666666666666)
	when := func(ms int) store.Micros { return at(0) - 123456 + 123 + store.Micros(ms)*1e3 }
	line := func(user store.ID, ms int, text string) store.Record {
		return store.Record{Guild: guildA, User: user, Time: when(ms), Channel: store.Channel{Name: "general"}, Content: text, Source: store.SourceLog}
	}
	lines = append(lines, line(anna, 200, "hello"))
	if removed {
		lines = append(lines, line(ming, 75_100, "to be removed"), line(bert, 74_100, "to be redacted"), line(anna, 73_100, "to be edited"))
		for _, m := range []struct {
			guild, user store.ID
			ms          int
		}{{guildA, ming, 75_000}, {guildB, ming, 76_000}, {guildA, gone, 63_000}, {guildB, gone, 64_000}} {
			messages = append(messages, store.Record{
				Guild: m.guild, User: m.user, Time: when(m.ms), Message: snowflake(when(m.ms), m.ms%7), Channel: store.Channel{ID: 901, Name: "general"},
				Content: "back again", Source: store.SourceBackfill,
			})
		}
	}
	if stored, err := db.Put(context.Background(), store.Batch{Records: messages}); err != nil || stored != 0 {
		t.Errorf("%d of %d messages are new (%v)", stored, len(messages), err)
	}
	done, err := storetest.Import(context.Background(), db, store.LogBatch{Records: lines, File: store.LogFile{Key: "again", Path: "again"}})
	if err != nil || done.Messages != 0 {
		t.Errorf("%d of %d lines are new (%v)", done.Messages, len(lines), err)
	}
}

func knownOf(t *testing.T, db *store.DB, want known) (k known) {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	k.Floors, k.Own = map[store.ID]map[store.ID]store.ID{}, map[store.ID]store.GuildCursors{}
	k.Cursors, k.Names = map[store.ID]map[store.ID]store.ID{}, map[store.ID]map[string]string{}
	for guild := range want.Cursors {
		k.Cursors[guild], err = db.Cursors(ctx, guild)
		must(err)
		k.Floors[guild], err = db.Floors(ctx, guild)
		must(err)
		k.Own[guild], err = db.GuildCursors(ctx, guild)
		must(err)
		names, err := db.Names(ctx, guild)
		must(err)
		k.Names[guild] = map[string]string{}
		for user, name := range names {
			k.Names[guild][user.String()] = name
		}
	}
	k.Guilds, err = db.Guilds(ctx)
	must(err)
	k.Files, err = db.LogFiles(ctx)
	must(err)
	k.Dates, err = db.LastDates(ctx)
	must(err)
	k.Quarantine, err = db.Quarantine(ctx)
	must(err)
	k.Gaps, err = db.Gaps(ctx, false)
	must(err)
	k.OpenGaps, err = db.Gaps(ctx, true)
	must(err)
	k.Left, err = db.DepartedGuilds(ctx)
	must(err)
	for person := range want.Forgotten {
		user, guild, in := strings.Cut(person, " in ")
		var p store.Person
		p.User, err = store.ParseID(user)
		must(err)
		if in {
			p.Guild, err = store.ParseID(guild)
			must(err)
		}
		if k.Forgotten == nil {
			k.Forgotten = map[string]bool{}
		}
		k.Forgotten[person] = db.Forgotten(p)
	}
	if want.Unreadable != nil {
		k.Unreadable, err = db.Unreadable(ctx, 0)
		must(err)
	}
	if want.Tasks != nil { // older files get some when they are brought up to date
		tasks, err := db.Tasks(ctx)
		must(err)
		for _, task := range tasks {
			k.Tasks = append(k.Tasks, task.String())
		}
	}
	for m := range want.Traces {
		found, err := db.Lookup(ctx, store.MessageAt{Message: m, Time: store.Micros(m.Millis() * 1000)})
		must(err)
		if k.Traces == nil {
			k.Traces = map[store.ID]string{}
		}
		k.Traces[m] = traceOf(found)
	}
	return k
}

func traceOf(m store.MessageTraces) string {
	switch {
	case m.Record != nil:
		return "stored"
	case m.Removed != nil:
		return "removed"
	case m.Passed != nil:
		return "passed"
	}
	return ""
}

func exportOf(t *testing.T, db *store.DB) []byte {
	t.Helper()
	answer := get(t, server(db, ""), "/v1/export")
	if answer.Code != http.StatusOK {
		t.Fatalf("export: %d %s", answer.Code, answer.Body)
	}
	return answer.Body.Bytes()
}

func openFormat(t *testing.T, path string, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return db
}

func shut(t *testing.T, db *store.DB) {
	t.Helper()
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

// fixture returns a file of store/testdata/formats, unpacked.
func fixture(t *testing.T, name string) []byte {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "store", "testdata", "formats", name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r := io.Reader(f)
	if strings.HasSuffix(name, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
